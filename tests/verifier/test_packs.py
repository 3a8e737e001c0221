"""Packs: a sync is one request, and no pack makes a device take what it would not take file by file."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from support.keys import replace_pass_key
from support.repositories import logs_of, publish_by_hand, revoked_in, signed
from support.servers import RangeServer, serving
from support.world import World

from movepass_issuer.publishing import packs, publisher
from movepass_issuer.revoking import compaction
from movepass_keys.records.layout import TIMESTAMP
from movepass_verifier import SyncError
from movepass_verifier.sync.sync import SyncResult
from movepass_wire.limits import PACK_AHEAD_SECONDS, PACK_FRESH_SECONDS, PACK_HOURS, PACK_MAX_BYTES, PACK_RECENT_SECONDS
from movepass_wire.packs import Part, read_pack, write_pack
from movepass_wire.statuslog import read_header

MINUTE, HOUR = 60, 3600


@dataclass
class Road:
    """A device that syncs over HTTP, and its authority."""

    world: World
    server: RangeServer

    def sync(self) -> SyncResult:
        with self.world.device() as device:
            return device.sync(self.server.url)

    def asked(self) -> list[str]:
        """Sync, and return what was asked for."""
        before = len(self.server.exchanges)
        self.sync()
        return [exchange.path.lstrip("/") for exchange in self.server.exchanges[before:]]

    def pass_time(self, seconds: int, *, every: int = 5 * MINUTE) -> None:
        """Let time pass, with a publication from time to time, each with a revocation."""
        for _ in range(0, seconds, every):
            self.world.now += every
            self.world.revoke_indexes([self.world.now % 1_000_000])
            self.world.publish()

    @property
    def version(self) -> int:
        return int(signed(self.world.repository, "timestamp.json").version)

    def change(self, edit: Callable[[dict[str, Part]], bytes]) -> None:
        """Replace every pack that is not empty."""
        for path in (self.world.repository / "packs").iterdir():
            if path.name != "index.json" and TIMESTAMP in (parts := read_pack(path.read_bytes())):
                path.write_bytes(edit(parts))

    def holds_all(self) -> bool:
        """Return whether the device holds every revocation that is published."""
        with self.world.device() as device:
            days = device.state().lists.days
            return all(index in days[day] for day, index in revoked_in(self.world.repository))


@pytest.fixture
def road(world: World) -> Iterator[Road]:
    world.publish()
    world.sync()
    with serving(world.repository) as server:
        yield Road(world, server)


def test_an_unchanged_sync_is_one_request_for_the_timestamp_alone(road: Road) -> None:
    assert road.asked() == [f"packs/{road.version}"]
    pack = read_pack((road.world.repository / "packs" / str(road.version)).read_bytes())
    assert list(pack) == [TIMESTAMP]


@pytest.mark.parametrize("count", [10, 1_000])
def test_what_is_newly_revoked_comes_in_one_request(road: Road, count: int) -> None:
    held = road.version
    road.world.revoke_indexes(range(count))
    road.world.now += 1
    road.world.publish()
    assert road.asked() == [f"packs/{held}"]
    assert road.holds_all()


@pytest.mark.parametrize("minutes", [5, 15, 30, 55])
def test_a_device_of_the_last_hour_asks_for_the_pack_of_its_version(road: Road, minutes: int) -> None:
    held = road.version
    road.pass_time(minutes * MINUTE)
    assert road.asked() == [f"packs/{held}"]
    assert road.holds_all()


@pytest.mark.parametrize("hours", [2, 8, PACK_HOURS - 1])
def test_an_older_device_asks_for_the_pack_of_its_hour(road: Road, hours: int) -> None:
    held = road.world.now
    road.pass_time(hours * HOUR, every=30 * MINUTE)
    assert road.asked()[0] == f"packs/hour-{held // HOUR}"
    assert road.holds_all()


def test_a_device_of_any_publication_of_an_hour_syncs_with_its_pack(road: Road) -> None:
    begins = (road.world.now // HOUR + 1) * HOUR
    for minutes in range(0, 60, 15):
        road.world.now = begins + minutes * MINUTE
        road.world.revoke_indexes([minutes + 1])
        road.world.publish()
        if minutes in {0, 30}:
            road.sync()
            (road.world.repository.parent / f"device-{minutes}").mkdir()
            for file in road.world.store.iterdir():
                (road.world.repository.parent / f"device-{minutes}" / file.name).write_bytes(file.read_bytes())
    road.pass_time(2 * HOUR, every=15 * MINUTE)
    for minutes in (0, 30):
        road.world.store = road.world.repository.parent / f"device-{minutes}"
        assert road.asked() == [f"packs/hour-{begins // HOUR}"]
        assert road.holds_all()


def test_a_device_that_is_older_than_all_packs_asks_for_none(road: Road) -> None:
    road.world.now += (PACK_HOURS + 2) * HOUR
    road.world.publish()
    assert not any(name.startswith("packs/") for name in road.asked())
    assert road.holds_all()


def test_new_roots_pass_keys_and_denied_keys_come_in_the_pack(road: Road) -> None:
    road.world.issue()
    held = road.version
    road.world.now += 1
    replace_pass_key(road.world.authority.folder, road.world.now)
    road.world.publish()
    assert road.asked() == [f"packs/{held}"]


def test_an_old_repository_without_packs_costs_one_request_more(road: Road) -> None:
    for path in (road.world.repository / "packs").iterdir():
        path.unlink()
    asked = road.asked()
    assert asked[0] == f"packs/{road.version}"
    assert asked[-1] == TIMESTAMP
    assert len(asked) == 3


# What is wrong with a pack costs one request


def _log_of(parts: dict[str, Part]) -> str:
    return next((name for name in parts if name.endswith(".log")), TIMESTAMP)


def _with(parts: dict[str, Part], name: str, content: bytes, start: int | None = None) -> bytes:
    part = parts[name]
    return write_pack((parts | {name: Part(name, part.start if start is None else start, content)}).values())


def _flipped(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


WRONG: dict[str, Callable[[dict[str, Part]], bytes]] = {
    "torn": lambda parts: write_pack(parts.values())[:-1],
    "empty": lambda _: b"",
    "of nothing": lambda _: write_pack([]),
    "a page": lambda _: b"<html>",
    "too long": lambda _: bytes(PACK_MAX_BYTES + 1),
    "without a timestamp": lambda parts: write_pack(p for p in parts.values() if p.name != TIMESTAMP),
    "no timestamp in it": lambda parts: _with(parts, TIMESTAMP, b"{}"),
    "half a timestamp": lambda parts: _with(parts, TIMESTAMP, parts[TIMESTAMP].content, 1),
    "a forged timestamp": lambda parts: _with(parts, TIMESTAMP, _forged(parts[TIMESTAMP].content)),
    "another snapshot": lambda parts: _with(parts, *_flip(parts, ".snapshot.json")),
    "another status": lambda parts: _with(parts, *_flip(parts, ".status.json")),
    "another end of a log": lambda parts: _with(parts, *_flip(parts, ".log")),
    "a log from elsewhere": lambda parts: _with(parts, _log_of(parts), parts[_log_of(parts)].content, 0),
    "logs alone": lambda parts: write_pack(p for p in parts.values() if p.name in {TIMESTAMP, _log_of(parts)}),
    "a root of nobody": lambda parts: write_pack([*parts.values(), Part("metadata/2.root.json", 0, b"{}")]),
}


def _flip(parts: dict[str, Part], end: str) -> tuple[str, bytes]:
    name = next(name for name in parts if name.endswith(end))
    return name, _flipped(parts[name].content)


def _forged(timestamp: bytes) -> bytes:
    document = json.loads(timestamp)
    document["signed"]["version"] += 1
    return json.dumps(document).encode()


@pytest.mark.parametrize("wrong", WRONG)
def test_whatever_is_wrong_with_a_pack_costs_one_request(road: Road, wrong: str) -> None:
    road.world.revoke_indexes([3, 4, 5])
    road.world.now += 1
    road.world.publish()
    (road.world.repository / "packs" / str(road.version)).unlink()
    for path in (road.world.repository / "packs").glob("hour-*"):
        path.unlink()
    road.change(WRONG[wrong])
    asked = road.asked()
    by_file = 1 + 1 + 3 + 1  # next root, timestamp, snapshot and status and the log, and the end of the log
    assert any(name.startswith("packs/") for name in asked)
    assert len(asked) <= 1 + by_file
    assert len(set(asked)) == len(asked)
    assert road.holds_all()


def test_a_pack_of_an_old_publication_does_not_hide_a_newer_one_that_is_old_too(road: Road) -> None:
    kept = {path: path.read_bytes() for path in (road.world.repository / "packs").iterdir()}
    road.world.revoke_indexes([7])
    road.world.now += PACK_FRESH_SECONDS + 1
    road.world.publish()
    for path, data in kept.items():
        path.write_bytes(data)
    assert len(road.asked()) > 1
    assert road.holds_all()


def test_a_fresh_pack_hides_what_is_newer_for_ten_minutes_at_most(road: Road) -> None:
    kept = {path: path.read_bytes() for path in (road.world.repository / "packs").iterdir()}
    road.world.revoke_indexes([7])
    road.world.now += PACK_FRESH_SECONDS - 1
    road.world.publish()
    for path, data in kept.items():
        path.write_bytes(data)
    assert len(road.asked()) == 1
    assert not road.holds_all()
    road.world.now += 2
    road.sync()
    assert road.holds_all()


def test_a_pack_that_brings_something_newer_and_old_does_not_hide_the_newest(road: Road) -> None:
    """A publisher that was overtaken wrote its packs late. What still fits is taken from them."""
    held, before = road.version, road.world.now
    road.world.revoke_indexes([7])
    road.world.now += 1
    road.world.publish()
    late = (road.world.repository / "packs" / str(held)).read_bytes()
    road.world.revoke_indexes([8])
    road.world.now = before + PACK_FRESH_SECONDS + 2
    road.world.publish()
    (road.world.repository / "packs" / str(held)).write_bytes(late)
    assert road.asked()[:3] == [f"packs/{held}", "metadata/2.root.json", TIMESTAMP]
    assert road.holds_all()


def test_an_old_pack_of_the_newest_publication_costs_two_small_requests_more(road: Road) -> None:
    held = road.version
    road.world.revoke_indexes([7])
    road.world.publish()
    road.world.now += PACK_FRESH_SECONDS + 1
    assert road.asked() == [f"packs/{held}", "metadata/2.root.json", TIMESTAMP]
    assert road.holds_all()


@pytest.mark.parametrize(("behind", "is_believed"), [(PACK_AHEAD_SECONDS, True), (PACK_AHEAD_SECONDS + 1, False)])
def test_a_device_whose_clock_is_behind_asks_for_the_timestamp(road: Road, behind: int, is_believed: bool) -> None:  # noqa: FBT001
    """Else its clock would make any pack a fresh one."""
    road.world.now -= behind
    assert (len(road.asked()) == 1) == is_believed


def test_an_empty_pack_costs_one_request(road: Road) -> None:
    """As a publisher leaves it that was killed right after its timestamp."""
    road.world.revoke_indexes([7])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publisher, "write_packs", lambda *_: None)
        road.world.publish()
    assert len(road.asked()) > 2
    assert road.holds_all()


def test_a_pack_that_is_behind_what_the_device_holds_changes_nothing(road: Road) -> None:
    held = road.version
    road.world.now += 1
    road.world.publish()
    old = (road.world.repository / "packs" / str(held)).read_bytes()
    road.sync()
    road.world.now += 1
    road.world.publish()
    road.sync()
    (road.world.repository / "packs" / str(road.version)).write_bytes(old)
    assert not road.sync().changed
    assert road.version == held + 2


def test_a_thiefs_publication_in_a_pack_is_refused_as_it_is_file_by_file(road: Road) -> None:
    publish_by_hand(road.world, {f"status/{n}.txt": b"x" for n in range(60)})
    repository = road.world.repository
    stolen = {f"metadata/{n}": (repository / "metadata" / n).read_bytes() for n in ("timestamp.json",)}
    road.change(lambda _: write_pack(Part(name, 0, data) for name, data in stolen.items()))
    with pytest.raises(SyncError, match="lists; a device takes"):
        road.sync()


# Publishing


def test_a_publication_stands_though_its_packs_can_not_be_written(road: Road) -> None:
    folder = road.world.repository / "packs"
    for path in folder.iterdir():
        path.unlink()
    (folder / "index.json").mkdir()
    road.world.revoke_indexes([7])
    road.world.now += PACK_FRESH_SECONDS + 1
    done = road.world.publish()
    assert done.without_packs
    assert "without_packs" in done.to_json()
    road.sync()
    assert road.holds_all()


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b'{"packs/1": {}}', b'{"packs/1": []}', b"[" * 10**5])
def test_an_index_that_can_not_be_read_begins_again(road: Road, said: bytes) -> None:
    (road.world.repository / "packs" / "index.json").write_bytes(said)
    road.world.now += 1
    assert road.world.publish().without_packs == ""
    road.sync()
    assert road.asked() == [f"packs/{road.version}"]


def test_packs_that_nobody_asks_for_any_more_go(road: Road) -> None:
    road.pass_time((PACK_HOURS + 3) * HOUR, every=HOUR)
    names = {path.name for path in (road.world.repository / "packs").iterdir()}
    hours = {f"hour-{(road.world.now - n * HOUR) // HOUR}" for n in range(PACK_HOURS + 2)}
    assert names <= {"index.json", *hours, *(str(road.version - n) for n in range(3))}
    assert len(names) > PACK_HOURS


def test_there_are_packs_for_all_publications_whose_devices_ask_for_that_of_their_version() -> None:
    assert packs.VERSIONS_MOST * 5 * MINUTE >= PACK_RECENT_SECONDS + 5 * MINUTE


@pytest.mark.parametrize("missed", [1, 2])
def test_a_log_that_was_rewritten_comes_in_the_pack_too(
    road: Road, monkeypatch: pytest.MonkeyPatch, missed: int
) -> None:
    """The pack has the rest of the earlier generation and what is new; the device writes what is between."""
    road.world.revoke_indexes(range(0, 200_000, 3))
    road.world.publish()
    road.sync()
    held = road.version
    for step in range(missed):
        road.pass_time(5 * MINUTE)
        monkeypatch.setattr(compaction, "is_due", lambda *_: True)
        road.pass_time(5 * MINUTE)
        monkeypatch.setattr(compaction, "is_due", lambda *_: False)
        road.world.revoke_indexes([500_000 + step])
        road.world.publish()
    assert read_header(logs_of(road.world.repository)[road.world.today])[1] == missed
    result = road.asked()
    assert result == [f"packs/{held}"]
    assert road.holds_all()


def test_parts_of_a_rewritten_log_that_do_not_fit_are_fetched(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    road.world.revoke_indexes(range(0, 200_000, 3))
    road.world.publish()
    road.sync()
    road.pass_time(5 * MINUTE)
    monkeypatch.setattr(compaction, "is_due", lambda *_: True)
    road.pass_time(5 * MINUTE)

    def spoil(parts: dict[str, Part]) -> bytes:
        torn = [
            part._replace(content=part.content[:-1] + b"\xff") if ".log" in part.name else part
            for part in parts.values()
        ]
        return write_pack(torn)

    road.change(spoil)
    assert len(road.asked()) > 1
    assert road.holds_all()
