"""An office of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.office import Office, office_in


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path / "service") as opened:
        yield opened
