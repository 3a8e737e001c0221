"""Publishers that are killed or overtaken: no pack hides a newer timestamp for longer than one sync.

A device that is told that nothing is newer holds the newest publication; any other has it after two syncs at most.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from support.faults import Doom, Killed
from support.sampling import every_nth_of
from support.world import World
from tuf.api.exceptions import DownloadHTTPError

from movepass_issuer.errors import BusyError, RepositoryError
from movepass_issuer.publishing import packs
from movepass_issuer.publishing.published import parse_document
from movepass_issuer.publishing.publisher import Publication, Publisher
from movepass_issuer.storage.folder_repository import FolderRepository
from movepass_issuer.storage.repository import Repository
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
from movepass_keys.records.layout import TIMESTAMP, version_pack
from movepass_verifier.sync.packs import request_pack
from movepass_wire.limits import PACK_FRESH_SECONDS
from movepass_wire.packs import read_pack

CALLS = ("read", "files", "create_version", "put_target", "replace", "replace_timestamp", "delete")
LAST = 5
"""So many publications back there are devices."""


class Looking:
    """The side of the devices: which publication each one that was made is led to."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._made: dict[int, bytes] = {}

    def download_bytes(self, name: str, _: int) -> bytes:
        data = self.world.authority.repository.read(name)
        if data is None:
            raise DownloadHTTPError(name, 404)
        return data

    def newest(self) -> int:
        data = self.download_bytes(TIMESTAMP, 0)
        version = int(parse_document(data).signed.version)
        self._made[version] = data
        return version

    def sync(self, held: int, now: int) -> int:
        """Return the version that a device holds after a sync."""
        pack = request_pack(cast("Any", self), self._made[held], now)  # only reading is asked for
        if not pack.is_current:
            return self.newest()
        timestamp = pack.parts[TIMESTAMP].content
        found = int(parse_document(timestamp).signed.version)
        self._made.setdefault(found, timestamp)
        return found

    def check(self) -> None:
        newest = self.newest()
        for held in sorted(self._made)[-LAST:]:
            for later in (0, PACK_FRESH_SECONDS // 2):
                first = self.sync(held, self.world.now + later)
                assert first >= held
                assert first != held or held == newest, "a pack says that nothing is newer"
                assert self.sync(first, self.world.now + later) == newest


class Interrupted:
    """Lets something else happen just before one of the calls of a publisher without a lease."""

    def __init__(self, repository: Repository, at: int, happen: Callable[[], object]) -> None:
        self.calls = 0
        self._repository = repository
        self._at = at
        self._happen = happen

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._repository, name)
        if name == "lease":
            return nullcontext
        return partial(self._call, value) if callable(value) else value

    def _call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self.calls += 1
        if self.calls - 1 == self._at:
            self._happen()
        return method(*arguments, **named)


@pytest.fixture
def looking(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Looking]:
    monkeypatch.setattr(packs, "_PACKS_MOST", LAST - 2)  # else each of these many publications in an hour has one
    monkeypatch.setattr(os, "fsync", lambda _: None)  # only publishers die here
    found = Looking(world)
    for _ in range(3):
        publish(world)
        found.newest()
    yield found
    found.check()


def publish(world: World, repository: Any = None, *, is_news: bool = True) -> Publication:
    """Publish something new a second later, from one ledger for all."""
    world.now += 1
    if is_news:
        world.revoke_indexes([world.now % 1_000_000])
    with closing(SqliteLedger(world.authority.ledger_path)) as ledger:
        publisher = Publisher(
            repository=repository or world.authority.repository, ledger=ledger, signer=world.online_signer(), patience=0
        )
        return publisher.publish(world.now, clock_checked=True)


def publish_and_die(world: World, at: int, *, after: bool, lease: bool = True) -> bool:
    """Let a publisher die at one of its calls; returns whether it came so far."""
    repository = world.authority.repository
    if not lease:
        repository.lease = nullcontext  # type: ignore[method-assign]
    try:
        publish(world, Doom(at, after=after).wrap(repository, *CALLS))
    except Killed:
        return True
    return False


@pytest.mark.parametrize("every", every_nth_of("calls at which a publisher is killed before or after", 3))
def test_killed_at_any_call_no_pack_hides_what_was_published(looking: Looking, every: int) -> None:
    at = 0
    while publish_and_die(looking.world, at // 2, after=at % 2 == 1):
        looking.check()
        publish(looking.world)
        looking.check()
        at += every
    assert at > 50


def test_killed_in_one_publication_after_the_other(looking: Looking) -> None:
    """No chain of packs is left that brings a device on by one publication only at each sync."""
    for at in (*range(12, 30), *range(29, 12, -1)):
        publish_and_die(looking.world, at, after=True)
        looking.check()


class Torn(FolderRepository):
    """Dies in the middle of writing its nth file into packs/, whose half is left."""

    def __init__(self, folder: Path, nth: int) -> None:
        super().__init__(folder)
        self._left = nth

    def put_target(self, name: str, data: bytes) -> None:
        self._tear(name, data)
        super().put_target(name, data)

    def create_version(self, name: str, data: bytes) -> None:
        self._tear(name, data)
        super().create_version(name, data)

    def replace(self, name: str, data: bytes, *, expected: bytes | None) -> None:
        self._tear(name, data)
        super().replace(name, data, expected=expected)

    def _tear(self, name: str, data: bytes) -> None:
        self._left -= name.startswith("packs/")
        if self._left == 0:
            path = self.root / name
            path.with_name(f".{path.name}.0123abcd.new").write_bytes(data[: len(data) // 2])
            raise Killed(name)


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 6])
def test_killed_in_the_middle_of_a_pack_it_is_as_before(looking: Looking, nth: int) -> None:
    with pytest.raises(Killed):
        publish(looking.world, Torn(looking.world.repository, nth))
    looking.check()


@pytest.mark.parametrize("every", every_nth_of("pairs of a publisher's calls, one killed and one overtaken there", 7))
def test_overtaken_anywhere_by_a_publisher_that_is_killed_anywhere(looking: Looking, every: int) -> None:
    """The slow one goes on after the other's death, and finishes what it can."""
    world, repository = looking.world, looking.world.authority.repository
    counting = Interrupted(repository, -1, lambda: None)
    publish(world, counting)
    calls, pairs = counting.calls, 0
    for at in range(0, calls, every):
        for dies in range(at // every % every, calls, every):
            slow = Interrupted(repository, at, partial(die_and_check, looking, dies))
            with suppress(BusyError):  # it lost: somebody else's publication is in force
                publish(world, slow)
            looking.check()
            pairs += 1
    assert pairs > 12


def die_and_check(looking: Looking, dies: int) -> None:
    publish_and_die(looking.world, dies, after=True, lease=False)
    looking.check()


def test_who_finishes_last_writes_no_pack_over_a_later_one(looking: Looking) -> None:
    """A device finds the newest publication in one sync then, wherever the first of the two was overtaken."""
    world, repository = looking.world, looking.world.authority.repository
    counting = Interrupted(repository, -1, lambda: None)
    publish(world, counting)
    for at in range(8, counting.calls, 2):
        held = looking.newest()
        with suppress(BusyError):
            publish(world, Interrupted(repository, at, lambda: publish(world)))
        for version in range(held - 2, held + 1):
            assert looking.sync(version, world.now) == looking.newest(), at


@pytest.mark.parametrize("every", every_nth_of("pairs of calls at which two whole publications overtake another", 7))
def test_overtaken_twice_in_one_publication(looking: Looking, every: int) -> None:
    world, repository = looking.world, looking.world.authority.repository
    counting = Interrupted(repository, -1, lambda: None)
    publish(world, counting)
    for first in range(0, counting.calls, every):
        for second in range(first // every % every + first + 1, counting.calls, every * 2):
            once = Interrupted(repository, first, lambda: publish(world))
            with suppress(BusyError):
                publish(world, Interrupted(once, second, lambda: publish(world)))
            looking.check()


def test_a_publisher_that_slept_before_its_own_pack_does_not_write_it_any_more(looking: Looking) -> None:
    """The other publisher was killed after its timestamp, and left nothing but an emptied pack."""
    world, repository = looking.world, looking.world.authority.repository
    overtaken: list[int] = []

    def die_after_its_timestamp() -> None:
        overtaken.append(looking.newest())
        original = repository.replace_timestamp

        class Dying(FolderRepository):
            lease = nullcontext  # type: ignore[assignment]

            def replace_timestamp(self, data: bytes, *, expected: bytes | None) -> None:
                original(data, expected=expected)
                raise Killed

        with pytest.raises(Killed):
            publish(world, Dying(world.repository))

    class Sleeping(FolderRepository):
        def create_version(self, name: str, data: bytes) -> None:
            if name.startswith("packs/"):
                die_after_its_timestamp()
            super().create_version(name, data)

    sleeping = Sleeping(world.repository)
    publish(world, sleeping)
    assert overtaken
    assert TIMESTAMP not in read_pack((world.repository / version_pack(overtaken[0])).read_bytes())
    assert looking.sync(overtaken[0], world.now) == overtaken[0] + 1


class Full(FolderRepository):
    """Has no room for packs, and perhaps no right to delete one."""

    may_delete = True

    def put_target(self, name: str, data: bytes) -> None:
        if name.startswith("packs/"):
            raise RepositoryError("no space left on device")
        super().put_target(name, data)

    def delete(self, name: str) -> None:
        if name.startswith("packs/") and not self.may_delete:
            raise RepositoryError("permission denied")
        super().delete(name)


def test_with_a_full_disk_the_pack_of_the_version_before_is_deleted(looking: Looking) -> None:
    before = looking.newest()
    done = publish(looking.world, Full(looking.world.repository))
    assert "no space left" in done.without_packs
    assert not (looking.world.repository / version_pack(before)).exists()
    looking.check()


def test_what_can_neither_be_emptied_nor_deleted_stops_no_publication_and_is_told(looking: Looking) -> None:
    """Else no device would learn what those learn that do not hold this one version."""
    before = looking.newest()
    repository = Full(looking.world.repository)
    repository.may_delete = False
    assert publish(looking.world, repository).without_packs
    assert looking.newest() == before + 1
    assert looking.sync(before, looking.world.now + PACK_FRESH_SECONDS + 1) == before + 1
    assert looking.sync(before - 1, looking.world.now + PACK_FRESH_SECONDS + 1) == before + 1
    publish(looking.world)


def test_an_index_that_was_lost_takes_no_emptied_pack_with_it(looking: Looking) -> None:
    """A publisher that sleeps could otherwise still write that nothing is newer than its own version."""
    world, before = looking.world, looking.newest()
    (world.repository / version_pack(before)).unlink()
    (world.repository / packs._INDEX).unlink()
    publish(world)
    assert TIMESTAMP not in read_pack((world.repository / version_pack(before)).read_bytes())


def test_a_clock_that_is_behind_deletes_no_newer_pack(looking: Looking) -> None:
    world, before = looking.world, looking.newest()
    world.now -= 100
    publish(world)
    assert (world.repository / version_pack(before)).exists()
    looking.check()
