"""The service's folder: what is missing from it is named, and nothing begins again in silence."""

from pathlib import Path

import pytest
from support.applications import submit
from support.world import World

from movepass_service.errors import StoreError
from movepass_service.service import KEY_FILE, Service
from movepass_service.stores.sqlite.store import FILE


@pytest.fixture
def data(world: World, tmp_path: Path) -> Path:
    """Return the folder of a service that has one application."""
    folder = tmp_path / "data"
    with Service.open(folder, world.authority.folder) as service:
        submit(service, world.now)
    return folder


@pytest.mark.parametrize("content", [None, b""])
def test_a_store_that_is_lost_beside_its_key_is_not_begun_again(
    world: World, data: Path, content: bytes | None
) -> None:
    for name in (FILE, f"{FILE}-wal", f"{FILE}-shm"):
        (data / name).unlink(missing_ok=True)
    if content is not None:
        (data / FILE).write_bytes(content)
    with pytest.raises(StoreError, match="has lost its store"):
        Service.open(data, world.authority.folder)


def test_a_key_that_is_lost_beside_applications_is_not_made_again(world: World, data: Path) -> None:
    (data / KEY_FILE).unlink()
    with pytest.raises(StoreError, match=r"service\.key is missing"):
        Service.open(data, world.authority.folder)
    assert not (data / KEY_FILE).exists()


def test_a_first_start_that_was_killed_before_its_key_was_made_goes_on(
    world: World, data: Path, tmp_path: Path
) -> None:
    del data
    new = tmp_path / "new"
    Service.open(new, world.authority.folder).close()
    (new / KEY_FILE).unlink()
    Service.open(new, world.authority.folder).close()
    assert (new / KEY_FILE).exists()
