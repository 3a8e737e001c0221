"""Provide a device that has synced from a repository which then turns hostile."""

import copy
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from attacks.packs import with_packs
from attacks.scene import REVOKED, Scene
from attacks.server import serving
from attacks.simulator import Repository


@pytest.fixture(scope="session")
def honest() -> Repository:
    """A repository to copy from; nothing may change it."""
    return Repository.create(int(time.time()), revoked=[REVOKED])


@pytest.fixture
def repository(honest: Repository) -> Repository:
    """A private repository; its keys are shared, and nobody changes a key."""
    mine = copy.copy(honest)
    for name in ("files", "status", "root_custodians", "targets_custodians", "versions", "named"):
        setattr(mine, name, copy.copy(getattr(honest, name)))
    return mine


@pytest.fixture(params=["folder", "http", "packs"])
def scene(request: pytest.FixtureRequest, repository: Repository, tmp_path: Path) -> Iterator[Scene]:
    """A device that has synced once, from a folder (a USB stick) or over HTTP, file by file or with packs."""
    if request.param == "folder":
        yield Scene.set_up(repository, tmp_path, None)
        return
    with serving(lambda: with_packs(repository.files) if request.param == "packs" else repository.files) as server:
        yield Scene.set_up(repository, tmp_path, server)


@pytest.fixture
def stick(repository: Repository, tmp_path: Path) -> Scene:
    """A device that reads a folder."""
    return Scene.set_up(repository, tmp_path, None)


@pytest.fixture
def web(repository: Repository, tmp_path: Path) -> Iterator[Scene]:
    """A device that syncs over HTTP."""
    with serving(lambda: repository.files) as server:
        yield Scene.set_up(repository, tmp_path, server)
