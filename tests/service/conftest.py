"""A service of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.world import World

from movepass_service.service import Service


@pytest.fixture
def service(world: World, tmp_path: Path) -> Iterator[Service]:
    with Service.open(tmp_path / "service", world.authority.folder) as opened:
        yield opened


@pytest.fixture
def now(world: World) -> int:
    return world.now
