"""Fixtures for all tests: worlds are copied from one that is made once."""

from pathlib import Path

import pytest
from tests.support.world import World


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world to copy from; nothing may change it."""
    return World.create(tmp_path_factory.mktemp("template"))


@pytest.fixture
def world(template: World, tmp_path: Path) -> World:
    """An authority and a device that has synced once, to do with as the test likes."""
    return template.copy(tmp_path)
