"""Fill the disk at any write of a sync: the device has the old or the new state, and the sync says which."""

import random
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from support import processes
from support.mounts import may_mount, small_disk
from support.world import World, facts

from movepass_verifier import Device, StoreError
from movepass_verifier.store.store import FILE_NAME

SYNC_WITH_LIMITS = """
import os, resource, shutil, signal, sys
from pathlib import Path
from movepass_verifier import Device, StoreError

def sync(store, repository):
    with Device.open(store) as device:
        device.sync(repository)

def sync_with_limit(store, repository, limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    try:
        sync(store, repository)
        return "synced"
    except (StoreError, OSError):
        return "refused"

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store, repository, folder, limits = sys.argv[1], sys.argv[2], Path(sys.argv[3]), eval(sys.argv[4])
sync(shutil.copytree(store, folder / "rehearsal"), repository)  # loads all that it takes
for limit in limits:
    copy = shutil.copytree(store, folder / str(limit))
    if child := os.fork():
        os.waitpid(child, 0)
    else:
        print(limit, sync_with_limit(copy, repository, limit), flush=True)
        os._exit(0)
"""
"""Syncs copies of a store, each where no file may grow beyond another limit; prints limits and what came of them."""


def big_change(world: World) -> set[int]:
    """Publish a change that takes a store much space, and return the indexes."""
    indexes = set(random.Random(3).sample(range(1 << 21), 500))
    world.revoke_indexes(indexes)
    world.publish()
    return indexes


def state_of(folder: Path, day: int, indexes: set[int]) -> tuple[int | None, int]:
    """Return a store's publication and how many of these indexes it has as revoked, and check its file."""
    with Device.open(folder) as device, device._store.reading() as state:
        known = sum(index in state.lists.days[day] for index in indexes)
        assert device._store._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return state.lists.published, known


def sync_with_limits(world: World, folder: Path, limits: Iterable[int], indexes: set[int]) -> list[tuple[bool, bool]]:
    """Sync where no file may grow beyond a limit; for each, whether the sync said it was done, and whether it was."""
    old, seen = facts(world)[0], []
    folder.mkdir()
    said = processes.run(SYNC_WITH_LIMITS, world.store, world.repository, folder, repr(list(limits))).splitlines()
    assert len(said) == len(list(limits))
    for line in said:
        limit, outcome = line.split()
        state = state_of(folder / limit, world.today, indexes)
        assert state in ((old, 0), (world.now, len(indexes)))
        seen.append((outcome == "synced", state[0] == world.now))
        world.sync(store=folder / limit)
        assert state_of(folder / limit, world.today, indexes) == (world.now, len(indexes))
    return seen


def test_at_whichever_write_files_can_no_longer_grow_a_sync_leaves_the_old_state_or_the_new_one(
    world: World, tmp_path: Path
) -> None:
    """Each page of the write-ahead log, of the database, and of what python-tuf writes, is the first to fail once."""
    world.revoke_indexes([5])
    world.publish()
    seen = sync_with_limits(world, tmp_path / "copies", range(100, 120_000, 2_048), {5})
    assert set(seen) == {(True, True), (False, False)}
    assert seen[-1] == (True, True)
    assert seen.count((False, False)) > 10


def test_where_a_large_change_does_not_fit_a_sync_leaves_the_old_state_or_the_new_one_and_says_which(
    world: World, tmp_path: Path
) -> None:
    indexes = big_change(world)
    size = (world.store / FILE_NAME).stat().st_size
    limits = (size, size + 20_000, size + 100_000, 300_000, 600_000, 3_000_000)
    assert set(sync_with_limits(world, tmp_path / "copies", limits, indexes)) == {(True, True), (False, False)}


def test_where_only_the_database_can_not_grow_a_sync_that_was_committed_says_that_it_is_done(
    world: World, tmp_path: Path
) -> None:
    """A database that is large already, and a change that fits into the write-ahead log beside it."""
    world.revoke_indexes(random.Random(4).sample(range(1 << 21), 500), day=world.today + 1)
    world.publish()
    world.sync()
    indexes = set(random.Random(3).sample(range(1 << 19), 100))
    world.revoke_indexes(indexes)
    world.publish(world.now + 1)
    world.now += 1
    size = (world.store / FILE_NAME).stat().st_size
    assert sync_with_limits(world, tmp_path / "copies", [size, size + 8_192], indexes) == [(True, True)] * 2


def sync_on_small_disks(world: World, disk: Path, sizes: range, indexes: set[int]) -> list[tuple[bool, bool]]:
    """Sync on disks of these sizes in KB; for each, whether the sync said it was done, and whether it was."""
    old, seen = facts(world)[0], []
    for kilobytes in sizes:
        with small_disk(disk, kilobytes):
            shutil.copytree(world.store, disk / "device")
            done = False
            with suppress(StoreError):
                world.sync(store=disk / "device")
                done = True
            state = state_of(disk / "device", world.today, indexes)
            assert state in ((old, 0), (world.now, len(indexes)))
            seen.append((done, state[0] == world.now))
    return seen


if may_mount():  # the same with "no space left on device", where the tests may mount a file system

    def test_at_whichever_write_the_disk_is_full_a_sync_leaves_the_old_state_or_the_new_one(
        world: World, tmp_path: Path
    ) -> None:
        world.revoke_indexes([5])
        world.publish()
        seen = sync_on_small_disks(world, tmp_path / "disk", range(56, 360, 4), {5})
        assert set(seen) == {(True, True), (False, False)}
        assert seen[-1] == (True, True)
        assert seen.count((False, False)) > 10

    def test_on_a_disk_too_small_for_a_large_change_a_sync_leaves_the_old_state_or_the_new_one(
        world: World, tmp_path: Path
    ) -> None:
        indexes = big_change(world)
        seen = sync_on_small_disks(world, tmp_path / "disk", range(150, 3_000, 150), indexes)
        assert set(seen) == {(True, True), (False, False)}
