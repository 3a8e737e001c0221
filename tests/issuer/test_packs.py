"""Publishers that are killed or overtaken: at any moment each pack is empty or leads to the timestamp in force.

So each device that looks holds the newest publication after one sync.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

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
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
from movepass_keys.records.layout import TIMESTAMP, version_pack
from movepass_verifier.sync.packs import request_pack
from movepass_wire.limits import PACK_FRESH_SECONDS, PACK_HOURS
from movepass_wire.packs import read_pack

if TYPE_CHECKING:
    from movepass_issuer.storage.repository import Repository

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

    def written(self) -> list[str]:
        """Return the packs that are not empty; each leads to the timestamp in force."""
        timestamp, written = self.download_bytes(TIMESTAMP, 0), []
        for path in sorted((self.world.repository / "packs").iterdir()):
            if path.name == "index.json" or path.name.startswith("."):
                continue
            parts = read_pack(path.read_bytes())
            if TIMESTAMP in parts:
                assert parts[TIMESTAMP].content == timestamp, path.name
                written.append(path.name)
        return written

    def check(self) -> None:
        newest = self.newest()
        self.written()
        for held in sorted(self._made)[-LAST:]:
            for later in (0, PACK_FRESH_SECONDS // 2):
                assert self.sync(held, self.world.now + later) == newest


class Watched:
    """Checks all packs after each call of a publisher without a lease, and lets something happen before one call."""

    def __init__(
        self, looking: Looking, at: int = -1, happen: Callable[[], object] = lambda: None, on: Any = None
    ) -> None:
        self.calls: list[str] = []
        self._looking = looking
        self._repository: Repository = on or looking.world.authority.repository
        self._at = at
        self._happen = happen

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._repository, name)
        if name == "lease":
            return nullcontext
        return partial(self._call, name, value) if callable(value) else value

    def _call(self, name: str, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self.calls.append(name)
        if len(self.calls) - 1 == self._at:
            self._happen()
        try:
            return method(*arguments, **named)
        finally:
            self._looking.written()


@pytest.fixture
def looking(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Looking]:
    monkeypatch.setattr(packs, "VERSIONS_MOST", LAST - 2)  # else each of these many publications in an hour has one
    monkeypatch.setattr(os, "fsync", lambda _: None)  # only publishers die here
    found = Looking(world)
    for _ in range(3):
        publish(world)
        found.newest()
    yield found
    found.check()
    publish(world)
    assert len(of_versions(found)) == LAST - 2, "the next publication leads devices again, whatever happened"
    found.check()


def of_versions(looking: Looking) -> list[str]:
    """Return the packs of versions that are not empty; a test may begin in one hour and end in the next."""
    return [name for name in looking.written() if not name.startswith("hour-")]


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
    for at in (*range(12, 34), *range(33, 12, -1)):
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
    calls, pairs = count_calls(looking), 0
    for at in range(0, calls, every):
        for dies in range(at // every % every, calls, every):
            with suppress(BusyError):  # it lost: somebody else's publication is in force
                publish(looking.world, Watched(looking, at, partial(die_and_check, looking, dies)))
            looking.check()
            pairs += 1
    assert pairs > 12


def die_and_check(looking: Looking, dies: int) -> None:
    publish_and_die(looking.world, dies, after=True, lease=False)
    looking.check()


def count_calls(looking: Looking) -> int:
    """Return how many calls a publication makes."""
    counting = Watched(looking)
    publish(looking.world, counting)
    return len(counting.calls)


@pytest.mark.parametrize("every", every_nth_of("pairs of calls at which two whole publications overtake another", 7))
def test_overtaken_twice_in_one_publication(looking: Looking, every: int) -> None:
    calls = count_calls(looking)
    for first in range(0, calls, every):
        for second in range(first // every % every + first + 1, calls, every * 2):
            once = Watched(looking, first, lambda: publish(looking.world, Watched(looking)))
            with suppress(BusyError):
                publish(looking.world, Watched(looking, second, lambda: publish(looking.world), on=once))
            looking.check()


def test_a_publisher_that_slept_before_its_packs_does_not_write_them_any_more(looking: Looking) -> None:
    """The other publisher was killed after its timestamp, and left nothing but empty packs."""
    world, repository = looking.world, looking.world.authority.repository
    overtaken: list[int] = []

    class Dying(FolderRepository):
        lease = nullcontext  # type: ignore[assignment]

        def replace_timestamp(self, data: bytes, *, expected: bytes | None) -> None:
            repository.replace_timestamp(data, expected=expected)
            raise Killed

    class Sleeping(FolderRepository):
        def replace(self, name: str, data: bytes, *, expected: bytes | None) -> None:
            if name == version_pack(looking.newest()):
                overtaken.append(looking.newest())
                with pytest.raises(Killed):
                    publish(world, Dying(world.repository))
            super().replace(name, data, expected=expected)

    assert publish(world, Sleeping(world.repository)).without_packs
    assert overtaken
    assert looking.written() == []
    assert looking.sync(overtaken[0], world.now) == overtaken[0] + 1


class Full(FolderRepository):
    """Has no room for packs, and perhaps no right to delete one."""

    may_delete = True

    def put_target(self, name: str, data: bytes) -> None:
        if name.startswith("packs/"):
            raise RepositoryError("no space left on device")
        super().put_target(name, data)

    def replace(self, name: str, data: bytes, *, expected: bytes | None) -> None:
        if name.startswith("packs/"):
            raise RepositoryError("no space left on device")
        super().replace(name, data, expected=expected)

    def delete(self, name: str) -> None:
        if name.startswith("packs/") and not self.may_delete:
            raise RepositoryError("permission denied")
        super().delete(name)


def test_with_a_full_disk_packs_are_deleted(looking: Looking) -> None:
    done = publish(looking.world, Full(looking.world.repository))
    assert "no space left" in done.without_packs
    assert [path.name for path in (looking.world.repository / "packs").iterdir()] == ["index.json"]
    looking.check()
    publish(looking.world)


def test_what_can_neither_be_emptied_nor_deleted_stops_no_publication_and_is_told(looking: Looking) -> None:
    """Else no device would learn what those learn that come later."""
    before = looking.newest()
    repository = Full(looking.world.repository)
    repository.may_delete = False
    assert "permission denied" in publish(looking.world, repository).without_packs
    assert looking.newest() == before + 1
    for held in (before - 1, before):
        assert looking.sync(held, looking.world.now) == before
        assert looking.sync(held, looking.world.now + PACK_FRESH_SECONDS) == before + 1
    publish(looking.world)
    looking.check()


def test_with_an_index_that_was_lost_no_pack_stays(looking: Looking) -> None:
    held = looking.newest()
    (looking.world.repository / packs._INDEX).unlink()
    publish(looking.world)
    assert of_versions(looking) == [str(held + 1)]
    looking.check()
    for _ in range(2):
        publish(looking.world)


def test_names_in_the_index_that_are_no_packs_are_neither_written_nor_deleted(looking: Looking) -> None:
    """Whoever can write to the folder could otherwise let the publisher write where only that one may."""
    index = looking.world.repository / packs._INDEX
    said = json.loads(index.read_bytes())
    outside = looking.world.repository.parent / "17"
    for name in ("packs/../../17", "packs/hour-x", "metadata/1.root.json", "/17"):
        said[name] = next(iter(said.values()))
    index.write_text(json.dumps(said))
    root = (looking.world.repository / "metadata" / "1.root.json").read_bytes()
    publish(looking.world)
    assert not outside.exists()
    assert (looking.world.repository / "metadata" / "1.root.json").read_bytes() == root
    assert len(of_versions(looking)) == LAST - 2


def test_a_clock_that_goes_back_and_ahead_leaves_packs_of_the_newest_versions(looking: Looking) -> None:
    looking.world.now -= 100
    publish(looking.world)
    assert len(of_versions(looking)) == LAST - 2
    looking.check()
    looking.world.now += 2 * 86400
    publish(looking.world)
    looking.check()
    looking.world.now -= 2 * 86400
    for _ in range(LAST):
        publish(looking.world)
        looking.check()


def test_a_publication_writes_and_empties_so_many_packs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/aws.md counts them for S3."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    for every in (3599, 299):  # an hour's pack needs one publication
        for _ in range(PACK_HOURS + 3):
            world.now += every
            publish(world)
    world.now += 299
    looking = Looking(world)
    counting = Watched(looking)
    publish(world, counting)
    most = packs.VERSIONS_MOST + PACK_HOURS
    assert len(looking.written()) == most
    counted = {name: counting.calls.count(name) for name in ("put_target", "replace", "delete")}
    assert counted["put_target"] <= most + 1 + 3  # the oldest pack of a version; a log, the denied keys and a head
    assert counted["replace"] == most + 1
    assert counted["delete"] <= 2
