"""Publishing: what devices get, whatever the publisher dies of; and python-tuf itself can read it."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.faults import Doom, Killed
from support.passes import DAY, HOUR
from support.repositories import logs_of, publish_by_hand, revoked_in, sign_targets, signed, status_of, target
from support.servers import plainly_serving
from support.world import World
from tuf.ngclient import Updater

from movepass_issuer import Ledger, RepositoryError, SqliteLedger
from movepass_issuer.authority.ceremony_desk import deny, publish_proposals, recover
from movepass_issuer.errors import ClockError
from movepass_issuer.publishing.published import NOBODY_DENIED
from movepass_issuer.publishing.publisher import Publisher, listed_days
from movepass_issuer.storage.folder_repository import FolderRepository
from movepass_keys import KeySet, PassKey
from movepass_keys.records import algorithms, layout, roles
from movepass_keys.records.layout import TIMESTAMP
from movepass_verifier import SyncError
from movepass_verifier.sync.bundle import export as export_bundle
from movepass_wire import new_log, read_log
from movepass_wire.payload import ED25519
from movepass_wire.times import day_of

MIDNIGHT = 20_779 * DAY


@pytest.fixture
def ledger(world: World) -> Iterator[SqliteLedger]:
    ledger = SqliteLedger(world.authority.ledger_path)
    yield ledger
    ledger.close()


def publisher(world: World, repository: Any, ledger: Any) -> Publisher:
    return Publisher(repository=repository, ledger=ledger, signer=world.online_signer(), patience=0)


def metadata_names(world: World) -> set[str]:
    return {path.name for path in (world.repository / "metadata").iterdir()}


def age_files(world: World, seconds: float, keep: set[str] | None = None) -> None:
    """Make the repository's files that many seconds older than they are."""
    for path in world.repository.rglob("*"):
        if path.is_file() and path.name not in (keep or set()):
            os.utime(path, (path.stat().st_mtime - seconds,) * 2)


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        (MIDNIGHT, -1, 4),
        (MIDNIGHT + 6 * HOUR - 1, -1, 4),
        (MIDNIGHT + 6 * HOUR, 0, 4),
        (MIDNIGHT + 23 * HOUR, 0, 4),
        (MIDNIGHT + DAY, 0, 5),
    ],
)
def test_there_is_a_log_for_today_the_four_days_ahead_and_yesterday_for_six_hours(
    now: int, first: int, last: int
) -> None:
    days = listed_days(now)
    assert (days.start - day_of(MIDNIGHT), days.stop - 1 - day_of(MIDNIGHT)) == (first, last)


def test_the_first_publication_has_empty_logs_for_the_listed_days(world: World) -> None:
    world.publish()
    logs = logs_of(world.repository)
    assert sorted(logs) == list(listed_days(world.now))
    assert logs == {day: new_log(day) for day in logs}


def test_a_revocation_appears_in_the_log_of_its_day_and_nowhere_else(world: World) -> None:
    kept, revoked = world.issue("R-1"), world.issue("R-2")
    world.revoke(revoked)
    assert world.publish().revoked == 1
    assert revoked_in(world.repository) == {(revoked.pass_.day, revoked.pass_.index)}
    world.sync()
    assert (world.verdict(kept.text), world.verdict(revoked.text)) == ("valid", "revoked")


def test_what_was_published_is_no_longer_pending_and_not_published_twice(world: World, ledger: SqliteLedger) -> None:
    world.revoke_and_publish(world.issue())
    assert ledger.pending() == []
    before = logs_of(world.repository)
    assert world.publish().revoked == 0
    assert logs_of(world.repository) == before


def test_a_log_only_grows_at_its_end(world: World) -> None:
    before = new_log(world.today)
    for batch in ([7, 3], [5], [1_000_000, 0]):
        world.revoke_indexes(batch)
        world.publish()
        log = logs_of(world.repository)[world.today]
        assert log.startswith(before)
        assert len(log) > len(before)
        before = log
    assert set(read_log(before).revoked) == {7, 3, 5, 1_000_000, 0}


def test_an_index_that_the_log_holds_already_is_left_out(world: World, ledger: SqliteLedger) -> None:
    """As after a death between the publication and taking it from the pending ones."""
    world.revoke_indexes([3, 7])
    world.publish()
    world.revoke_indexes([3, 8])
    assert world.publish().revoked == 1
    assert set(read_log(logs_of(world.repository)[world.today]).revoked) == {3, 7, 8}
    assert ledger.pending() == []


def test_a_revocation_of_a_day_that_has_no_log_yet_waits_and_one_of_a_past_day_goes(
    world: World, ledger: SqliteLedger
) -> None:
    world.revoke_indexes([1], day=world.today + 5)
    world.revoke_indexes([2], day=world.today - 2)
    assert world.publish().revoked == 0
    assert ledger.pending() == [(world.today + 5, 1)]
    assert world.publish(world.now + DAY).revoked == 1
    assert (world.today + 5, 1) in revoked_in(world.repository)


def test_publishing_without_a_change_replaces_the_timestamp_alone(world: World) -> None:
    """At any hour of a day on which no log comes or goes: an unchanged sync stays cheap."""
    morning = world.today * DAY + 7 * HOUR
    first = world.publish(morning)
    before = metadata_names(world)
    for hours in (0, 1, 16):
        assert world.publish(morning + hours * HOUR).version > first.version
        assert metadata_names(world) == before


def test_days_roll_over_each_with_its_log_and_those_that_stay_keep_theirs(world: World) -> None:
    world.revoke_indexes([5], day=world.today + 2)
    for days in range(4):
        now = world.now + days * DAY
        assert world.publish(now).days == tuple(listed_days(now))
        logs = logs_of(world.repository)
        assert sorted(logs) == list(listed_days(now))
        if world.today + 2 in logs:
            assert list(read_log(logs[world.today + 2]).revoked) == [5]


def test_whatever_is_published_holds_for_48_hours(world: World) -> None:
    for hours in range(0, 100, 5):
        now = world.now + hours * HOUR
        world.publish(now)
        timestamp = signed(world.repository, "timestamp.json")
        snapshot = signed(world.repository, f"{timestamp.snapshot_meta.version}.snapshot.json")
        for document in (timestamp, snapshot, status_of(world.repository)):
            assert document.expires.timestamp() - now >= 48 * HOUR, document.type
        assert roles.published_at(timestamp) == now


def test_length_and_sha256_of_what_they_name_are_always_given(world: World) -> None:
    world.publish()
    timestamp = signed(world.repository, "timestamp.json")
    snapshot = signed(world.repository, f"{timestamp.snapshot_meta.version}.snapshot.json")
    for meta in (timestamp.snapshot_meta, *snapshot.meta.values()):
        assert meta.length
        assert "sha256" in meta.hashes
    for info in status_of(world.repository).targets.values():
        assert set(info.hashes) == {"sha256"}


def test_a_log_names_its_generation_in_its_target(world: World) -> None:
    targets = status_of(world.repository).targets
    customs = [t.unrecognized_fields["custom"] for name, t in targets.items() if name.endswith(".log")]
    assert customs == [{"generation": 0}] * len(listed_days(world.now))


def test_keys_denied_by_the_online_role_stay_denied(world: World) -> None:
    pass_ = world.issue()
    deny(world.authority, next(iter(world.authority.keys().keys)), "stolen", world.now)
    world.revoke_indexes([77])
    world.publish()
    world.sync()
    assert world.verdict(pass_.text) == "key-revoked"


def published_head(world: World) -> bytes:
    return target(world.repository, layout.HEAD_TARGET, status_of(world.repository).targets[layout.HEAD_TARGET])


def test_further_targets_are_published_and_a_device_ignores_them(world: World, ledger: SqliteLedger) -> None:
    heads = iter([b"head 1", b"head 2"])
    others = lambda: {layout.HEAD_TARGET: next(heads)}  # noqa: E731
    one = Publisher(repository=world.authority.repository, ledger=ledger, signer=world.online_signer(), others=others)
    for number in (1, 2):
        one.publish(world.now + number)
        assert published_head(world) == f"head {number}".encode()
    world.sync()
    world.publish(world.now + 3)
    assert published_head(world) == b"head 2", "another publisher took it away"
    assert world.sync().changed
    listed = {*status_of(world.repository).targets}
    assert listed == {layout.HEAD_TARGET, roles.DENIED_TARGET, *(layout.log_target(d) for d in listed_days(world.now))}


@pytest.mark.usefixtures("without_packs")
def test_no_more_of_what_a_thief_published_stays_than_a_head(world: World) -> None:
    names = [f"status/{n}.txt" for n in range(60)]
    publish_by_hand(world, dict.fromkeys((*names, layout.HEAD_TARGET), b"x"))
    with pytest.raises(SyncError):
        world.sync()
    recover(world.authority, world.now + 1, skip=1)
    world.publish(world.now + 2)
    world.sync()
    assert layout.HEAD_TARGET in status_of(world.repository).targets
    assert not set(names) & set(status_of(world.repository).targets)


def test_a_bundle_leaves_the_head_out_and_its_reader_syncs(world: World, ledger: SqliteLedger, tmp_path: Path) -> None:
    others = lambda: {layout.HEAD_TARGET: b"head"}  # noqa: E731
    Publisher(
        repository=world.authority.repository, ledger=ledger, signer=world.online_signer(), others=others
    ).publish(world.now)
    for _ in range(2):
        export_bundle(str(world.repository), tmp_path / "stick")
    assert not list((tmp_path / "stick").rglob("*.head"))
    assert world.sync(str(tmp_path / "stick")).changed


def test_new_pass_keys_that_the_custodians_signed_are_published(world: World) -> None:
    new = PassKey(algorithms.generate(ED25519).public_key(), world.now, world.now + DAY)
    old = world.authority.keys()
    sign_targets(world, KeySet.of(old.authority, [*old.keys.values(), new], test=True), version=2)
    world.publish()
    world.sync()
    with world.device() as device:
        assert device.state().keys.keys.keys() == {*old.keys, new.kid}


def test_pass_keys_that_too_few_custodians_signed_are_refused_by_devices(world: World) -> None:
    new = PassKey(algorithms.generate(ED25519).public_key(), world.now, world.now + DAY)
    sign_targets(world, KeySet.of("x", [new], test=True), version=2, custodians=[3])
    world.publish()
    with pytest.raises(SyncError, match="not signed by those"):
        world.sync()


def test_python_tufs_own_updater_with_its_default_configuration_reads_the_repository(
    world: World, tmp_path: Path
) -> None:
    world.revoke_indexes([3, 7])
    world.publish()
    (tmp_path / "client").mkdir()
    root = world.authority.root_path.read_bytes()
    with plainly_serving(world.repository) as url:
        updater = Updater(
            str(tmp_path / "client"), f"{url}/metadata/", str(tmp_path / "client"), f"{url}/targets/", bootstrap=root
        )
        updater.refresh()
        got = {}
        for name in [layout.KEYS_TARGET, *status_of(world.repository).targets]:
            info = updater.get_targetinfo(name)
            assert info is not None
            got[name] = Path(updater.download_target(info)).read_bytes()
    assert KeySet.from_jwks(got[layout.KEYS_TARGET]).keys.keys() == world.authority.keys().keys.keys()
    assert set(read_log(got[f"status/{world.today}.log"]).revoked) == {3, 7}
    assert len(got) == 2 + len(listed_days(world.now))


# Dying


@pytest.fixture
def changing(world: World) -> World:
    """A world in which the next publication has everything to do: new days, revocations, files to delete."""
    world.revoke_indexes([1, 2], day=world.today + 2)
    world.publish(world.now - 2 * DAY)
    world.publish(world.now - DAY)
    age_files(world, 3 * DAY)
    world.publish()
    age_files(world, 2 * DAY)
    world.sync()
    world.revoke_indexes([3, 70_000], day=world.today + 2)
    world.revoke_indexes([9], day=world.today + 3)
    world.now += DAY
    return world


EXPECTED = {(2, 1), (2, 2), (2, 3), (2, 70_000), (3, 9)}
"""What must be published in the end: days ahead of the first day, and indexes."""

REPOSITORY_CALLS = ("read", "files", "create_version", "put_target", "replace_timestamp", "delete")
LEDGER_CALLS = ("announced", "pending", "revoked", "announce", "settle", "forget")
READING = {"read", "files", "announced", "pending", "revoked"}


def run_to_the_end(world: World) -> list[str]:
    """Return the names of the calls that a publication makes, without dying."""
    doom = Doom()
    ledger = SqliteLedger(world.authority.ledger_path)
    repository = doom.wrap(world.authority.repository, *REPOSITORY_CALLS)
    publisher(world, repository, doom.wrap(ledger, *LEDGER_CALLS)).publish(world.now)
    ledger.close()
    return doom.calls


def check_nothing_is_lost(world: World, ledger: Ledger) -> None:
    """A device can sync with what death left; the next publication brings everything, and a device gets it."""
    day = world.today - 1  # `changing` has moved on by a day
    world.sync()
    world.publish()
    assert {(d - day, i) for d, i in revoked_in(world.repository)} == EXPECTED
    assert ledger.pending() == []
    world.sync()
    with world.device() as device:
        lists = device.state().lists
        assert lists.published == world.now
        assert all(index in lists.days[day + ahead] for ahead, index in EXPECTED)
        assert not any(index in lists.days[day + 2] for index in (0, 9, 69_999, 70_001))


def test_a_publication_makes_every_kind_of_call_so_that_dying_at_each_means_something(changing: World) -> None:
    assert set(run_to_the_end(changing)) == {*REPOSITORY_CALLS, *LEDGER_CALLS}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_the_next_publication_loses_nothing(
    changing: World,
    tmp_path: Path,
    after: bool,  # noqa: FBT001
) -> None:
    calls = rehearse(changing)
    deadly = [at for at, name in enumerate(calls) if not after or name not in READING]
    assert len(deadly) > 10
    for at in deadly:
        world = changing.copy(tmp_path / f"{at}")
        world.now = changing.now
        ledger = SqliteLedger(world.authority.ledger_path)
        doom = Doom(at, after=after)
        repository = doom.wrap(world.authority.repository, *REPOSITORY_CALLS)
        with pytest.raises(Killed):
            publisher(world, repository, doom.wrap(ledger, *LEDGER_CALLS)).publish(world.now)
        check_nothing_is_lost(world, ledger)
        ledger.close()


class TornRepository(FolderRepository):
    """Dies in the middle of writing a file, whose first half is left."""

    def __init__(self, root: Path, method: str, nth: int) -> None:
        super().__init__(root)
        self._left = {method: nth}

    def _tear(self, method: str, path: Path, data: bytes) -> None:
        self._left[method] = self._left.get(method, 0) - 1
        if self._left[method] == 0:
            path.write_bytes(data[: len(data) // 2])
            raise Killed(method)

    def create_version(self, name: str, data: bytes) -> None:
        self._tear("create_version", self.root / name, data)
        super().create_version(name, data)

    def put_target(self, name: str, data: bytes) -> None:
        self._tear("put_target", self._temporary(name), data)
        super().put_target(name, data)

    def replace_timestamp(self, data: bytes, *, expected: bytes | None) -> None:
        self._tear("replace_timestamp", self._temporary(TIMESTAMP), data)
        super().replace_timestamp(data, expected=expected)

    def _temporary(self, name: str) -> Path:
        path = self.root / name
        return path.with_name(f".{path.name}.0123abcd.new")


TORN = [
    ("put_target", 1),
    ("put_target", 2),
    ("replace_timestamp", 1),
    ("create_version", 1),
    ("create_version", 2),
]


@pytest.mark.parametrize(("method", "nth"), TORN)
def test_killed_in_the_middle_of_a_file_the_next_publication_loses_nothing(
    changing: World, ledger: SqliteLedger, method: str, nth: int
) -> None:
    with pytest.raises(Killed):
        publisher(changing, TornRepository(changing.repository, method, nth), ledger).publish(changing.now)
    check_nothing_is_lost(changing, ledger)


def test_killed_again_and_again_versions_are_never_written_over(changing: World, ledger: SqliteLedger) -> None:
    seen: dict[str, bytes] = {}

    def remember() -> None:
        for path in sorted((changing.repository / "metadata").iterdir()):
            if path.name[0].isdigit():
                assert seen.setdefault(path.name, path.read_bytes()) == path.read_bytes(), path.name

    calls = rehearse(changing)
    deadly = [
        n
        for n, name in enumerate(calls[: calls.index("settle") + 1])
        if name in ("create_version", "announce", "replace_timestamp", "settle")
    ]
    for index, at in enumerate(deadly * 3):
        doom = Doom(at, after=True)
        repository = doom.wrap(changing.authority.repository, *REPOSITORY_CALLS)
        with pytest.raises(Killed):
            publisher(changing, repository, doom.wrap(ledger, *LEDGER_CALLS)).publish(changing.now)
        remember()
        changing.revoke_indexes([1_000 + index], day=changing.today)
    changing.publish()
    remember()
    changing.sync()


def rehearse(world: World) -> list[str]:
    """Return the calls of a publication, made in a copy."""
    copied = world.copy(world.authority.folder.parent / "rehearsal")
    copied.now = world.now
    return run_to_the_end(copied)


# One at a time


def test_a_second_publisher_is_refused_while_the_first_is_at_work(world: World, ledger: SqliteLedger) -> None:
    before = (world.repository / TIMESTAMP).read_bytes()
    with (
        FolderRepository(world.repository).lease(),
        pytest.raises(RepositoryError, match="another publisher is at work"),
    ):
        publisher(world, world.authority.repository, ledger).publish(world.now)
    assert (world.repository / TIMESTAMP).read_bytes() == before
    world.publish()


HOLDER = """
import sys, time
from pathlib import Path
from movepass_issuer.storage.folder_repository import FolderRepository
with FolderRepository(Path(sys.argv[1])).lease():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_publisher_in_another_process_lets_go_of_the_lease(world: World) -> None:
    holder = processes.start(HOLDER, world.repository)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with world.authority.publisher() as publisher:
        publisher._patience = 0.3
        with pytest.raises(RepositoryError, match="another publisher"):
            publisher.publish(world.now)
    holder.kill()
    holder.communicate()
    world.publish()


class Overtaken(FolderRepository):
    """Another publisher, who got the lease of another machine, is faster."""

    def __init__(self, root: Path, other: Callable[[], object]) -> None:
        super().__init__(root)
        self._other = other

    @contextmanager
    def lease(self) -> Iterator[None]:
        yield

    def put_target(self, name: str, data: bytes) -> None:
        super().put_target(name, data)
        other, self._other = self._other, lambda: None
        other()


def test_a_publisher_that_is_overtaken_starts_again(world: World, ledger: SqliteLedger) -> None:
    world.revoke_indexes([5])

    def other() -> None:
        world.publish()
        world.revoke_indexes([6])

    overtaken = Overtaken(world.repository, other)
    by = Publisher(repository=overtaken, ledger=ledger, signer=world.online_signer())
    assert by.publish(world.now).revoked == 1
    assert revoked_in(world.repository) == {(world.today, 5), (world.today, 6)}
    assert ledger.pending() == []
    world.sync()


def test_a_publisher_waits_for_another_that_is_at_work(world: World, ledger: SqliteLedger) -> None:
    holding = FolderRepository(world.repository).lease()
    holding.__enter__()
    timer = threading.Timer(0.5, holding.__exit__, (None, None, None))
    timer.start()
    by = Publisher(repository=world.authority.repository, ledger=ledger, signer=world.online_signer())
    by.publish(world.now)
    timer.join()


def test_a_publisher_that_is_overtaken_takes_nothing_from_the_pending_ones(world: World, ledger: SqliteLedger) -> None:
    world.revoke_indexes([5])
    overtaken = Overtaken(world.repository, lambda: world.publish(world.now + 1))
    with pytest.raises(RepositoryError):
        publisher(world, overtaken, ledger).publish(world.now)
    world.revoke_indexes([6])
    world.publish()
    assert revoked_in(world.repository) == {(world.today, 5), (world.today, 6)}
    world.sync()


# Cleaning


def test_a_superseded_version_and_the_logs_only_it_named_go_after_a_day(world: World) -> None:
    world.revoke_indexes([1])
    world.publish()
    first = status_of(world.repository).version
    first_log = logs_of(world.repository)[world.today]
    age_files(world, DAY - 60)
    world.revoke_indexes([2])
    world.publish()
    age_files(world, DAY - 60)
    world.publish()
    assert f"{first}.status.json" in metadata_names(world)
    assert first_log in _contents(world)
    age_files(world, 120)
    world.publish()
    assert not {f"{first}.status.json", f"{first}.snapshot.json"} & metadata_names(world)
    assert first_log not in _contents(world)
    world.sync()


def _contents(world: World) -> list[bytes]:
    return [path.read_bytes() for path in (world.repository / "targets" / "status").iterdir()]


def test_what_is_published_now_never_goes_however_old_its_files_are(world: World) -> None:
    world.revoke_indexes([1])
    world.publish()
    for _ in range(3):
        age_files(world, 30 * DAY)
        world.publish()
        logs_of(world.repository)
        world.sync()


def test_a_device_in_the_middle_of_reading_finds_its_files_after_the_next_publication(world: World) -> None:
    reading = {path: path.read_bytes() for path in world.repository.rglob("*") if path.is_file()}
    age_files(world, 5 * DAY)
    world.revoke_indexes([2])
    world.publish()
    for path, data in reading.items():
        if path.name != "timestamp.json" and path.parent.name != "packs":
            assert path.read_bytes() == data


def test_roots_and_the_targets_and_pass_keys_in_force_are_never_cleaned(world: World) -> None:
    keep = {*(world.repository / "metadata").glob("*.root.json"), *(world.repository / "metadata").glob("*.targets.*")}
    keep |= set((world.repository / "targets").glob("*.jwks.json"))
    assert len(keep) == 3
    for index in range(2):
        age_files(world, 400 * DAY)
        world.revoke_indexes([index])
        world.publish()
    assert all(path.exists() for path in keep)


def test_targets_and_pass_keys_that_were_replaced_go_after_a_day(world: World) -> None:
    first = {world.repository / "metadata" / "1.targets.json", *(world.repository / "targets").glob("*.jwks.json")}
    second = set()
    old = world.authority.keys()
    for version in (2, 3):
        new = PassKey(algorithms.generate(ED25519).public_key(), world.now, world.now + version * DAY)
        sign_targets(world, KeySet.of(old.authority, [*old.keys.values(), new], test=True), version=version)
        world.publish()
        second = {*(world.repository / "metadata").glob("*.targets.json")}
        second |= set((world.repository / "targets").glob("*.jwks.json"))
    age_files(world, DAY - 60)
    world.publish()
    assert all(path.exists() for path in first | second)
    age_files(world, 120)
    world.publish()
    assert not any(path.exists() for path in first)
    left = {path.name for path in (world.repository / "metadata").glob("*.targets.json")}
    assert left == {"3.targets.json"}
    assert len(list((world.repository / "targets").glob("*.jwks.json"))) == 1
    world.sync()


def test_pass_keys_that_wait_for_their_targets_stay(world: World) -> None:
    """A ceremony's publication that was cut short, and is finished days later."""
    waiting = world.repository / "targets" / f"{'0' * 64}.keys.jwks.json"
    waiting.write_bytes(b"{}")
    age_files(world, 30 * DAY, keep={waiting.name})
    world.publish()
    assert waiting.exists()


def test_logs_of_days_that_are_over_go_a_day_after_they_left_the_list(world: World) -> None:
    world.revoke_indexes([1])
    world.publish()
    gone = [path for path in (world.repository / "targets" / "status").iterdir() if f".{world.today}." in path.name]
    assert len(gone) == 2  # empty first, then with the revocation
    left_the_list = (world.today + 1) * DAY + 6 * HOUR
    age_files(world, 30 * DAY)
    world.publish(left_the_list)
    world.publish(left_the_list + DAY)
    assert any(path.exists() for path in gone)
    world.publish(left_the_list + DAY + 1)
    assert not any(path.exists() for path in gone)


def test_what_others_keep_beside_the_published_files_stays(world: World) -> None:
    for name in ("metadata/notes.txt", "targets/README", "targets/status/0.log", "targets/status/index.html"):
        (world.repository / name).write_bytes(b"?")
    age_files(world, 400 * DAY)
    world.publish()
    for name in ("metadata/notes.txt", "targets/README", "targets/status/0.log", "targets/status/index.html"):
        assert (world.repository / name).exists()


def test_what_a_killed_publisher_left_half_written_goes_after_a_day(world: World) -> None:
    halves = [world.repository / f / ".0.x.1a2b.new" for f in ("metadata", "targets", "targets/status")]
    for half in halves:
        half.write_bytes(b"half")
    world.publish()
    assert all(half.exists() for half in halves)
    age_files(world, DAY + 60)
    world.publish()
    assert not any(half.exists() for half in halves)


def test_old_personal_data_goes_with_a_publication(world: World, ledger: SqliteLedger) -> None:
    signed_pass = world.issue()
    world.publish(world.now + 9 * DAY)
    assert ledger.find(["R-1"])["R-1"].text == ""
    assert signed_pass.text


# What a publication reads


class Recorded:
    """Notes every call, and lets it through."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self.calls.append((name, *arguments))
            return value(*arguments, **named)

        return call if callable(value) else value

    def of(self, name: str) -> list[Any]:
        """The first arguments of the calls of one name."""
        return [call[1] for call in self.calls if call[0] == name]


def test_only_logs_that_get_more_are_read_and_written_where_the_repository_is_as_it_was_left(
    world: World, ledger: SqliteLedger
) -> None:
    world.revoke_indexes([1, 2], day=world.today)
    world.revoke_indexes([3], day=world.today + 1)
    world.publish()
    world.revoke_indexes([4], day=world.today + 1)
    repository, recorded = Recorded(world.authority.repository), Recorded(ledger)
    assert publisher(world, repository, recorded).publish(world.now).revoked == 1
    days = {
        name: {file.partition(".")[2] for file in repository.of(name) if file.endswith(".log")}
        for name in ("read", "put_target")
    }
    assert days["put_target"] == {f"{world.today + 1}.log"}
    assert days["read"] == {f"{world.today}.log", f"{world.today + 1}.log"}, "today's grew since the first, for packs"
    assert recorded.of("revoked") == []


@pytest.mark.parametrize("last", ["announce", "replace_timestamp"])
def test_after_a_publication_that_was_cut_short_all_logs_are_held_against_the_ledger(
    world: World, ledger: SqliteLedger, last: str
) -> None:
    world.revoke_indexes([1])
    at = run_to_the_end(world.copy(world.authority.folder.parent / "rehearsal")).index(last)
    doom = Doom(at, after=True)
    with pytest.raises(Killed):
        publisher(
            world, doom.wrap(world.authority.repository, *REPOSITORY_CALLS), doom.wrap(ledger, *LEDGER_CALLS)
        ).publish(world.now)
    recorded = Recorded(ledger)
    publisher(world, world.authority.repository, recorded).publish(world.now)
    assert (set(recorded.of("revoked")) == set(listed_days(world.now))) == (last == "replace_timestamp")
    assert revoked_in(world.repository) == {(world.today, 1)}


def test_what_the_ledger_counts_as_revoked_and_neither_log_nor_pending_has_is_brought_in(world: World) -> None:
    """Should a pending entry ever be lost, by whatever defect."""
    lost, other = world.issue("R-1"), world.issue("R-2")
    world.revoke(lost, other)
    with closing(sqlite3.connect(world.authority.ledger_path)) as db, db:
        db.execute("DELETE FROM pending WHERE idx = ?", (lost.pass_.index,))
    assert world.publish().revoked == 2
    world.sync()
    assert world.verdict(lost.text) == "revoked"


# Knowing the repository again


@pytest.fixture
def restored(world: World, tmp_path: Path) -> World:
    """A repository of yesterday in the place of today's; a device has seen today's."""
    shutil.copytree(world.repository, tmp_path / "yesterday")
    world.revoke_indexes([1])
    for _ in range(3):
        world.publish()
    world.sync()
    shutil.rmtree(world.repository)
    shutil.move(tmp_path / "yesterday", world.repository)
    return world


def test_a_repository_that_was_restored_from_a_copy_is_not_published_into(restored: World) -> None:
    before = {path: path.read_bytes() for path in restored.repository.rglob("*") if path.is_file()}
    restored.revoke_indexes([2])
    with pytest.raises(RepositoryError, match=r"restored from a copy.*movepass recover"):
        restored.publish()
    assert {path: path.read_bytes() for path in before} == before


def test_recover_goes_on_from_a_repository_that_was_restored_and_devices_follow(restored: World) -> None:
    restored.revoke_indexes([1, 2])  # the tests' shortcut leaves no trace in the ledger but the pending entry
    recover(restored.authority, restored.now + 1, skip=1)
    restored.sync()
    assert revoked_in(restored.repository) == {(restored.today, 1), (restored.today, 2)}
    restored.publish()
    restored.sync()


def test_a_ledger_that_was_restored_from_a_copy_publishes_nothing(world: World, tmp_path: Path) -> None:
    """It would give indexes again that were given since."""
    with closing(sqlite3.connect(world.authority.ledger_path)) as db:
        db.execute("VACUUM INTO ?", (str(tmp_path / "backup"),))
    world.revoke_and_publish(world.issue("R-1"))
    for path in world.authority.folder.glob("ledger.sqlite*"):
        path.unlink()
    shutil.move(tmp_path / "backup", world.authority.ledger_path)
    with pytest.raises(RepositoryError, match=r"restored from a copy.*movepass recover"):
        world.publish()
    recover(world.authority, world.now + 1, skip=1)
    assert world.issue("R-2").pass_.index == 1
    world.sync()
    world.publish()


def test_a_document_of_another_role_in_the_timestamps_place_is_named(world: World) -> None:
    world.publish()
    metadata = world.repository / "metadata"
    shutil.copyfile(max(metadata.glob("*.snapshot.json")), metadata / "timestamp.json")
    with pytest.raises(RepositoryError, match=r"timestamp\.json holds a snapshot"):
        world.publish(world.now + 60)


def test_a_timestamp_that_this_ledger_did_not_publish_is_not_built_upon(world: World) -> None:
    publish_by_hand(world, {})
    with pytest.raises(RepositoryError, match="somebody else publishes here"):
        world.publish()


def test_a_ledger_that_remembers_nothing_yet_takes_the_repository_as_it_is(world: World) -> None:
    with closing(sqlite3.connect(world.authority.ledger_path)) as db, db:
        db.execute("DELETE FROM announced")
    world.revoke_indexes([1])
    assert world.publish().revoked == 1


# The clock


@pytest.mark.parametrize("jump", [3 * DAY + 60, -301])
def test_nothing_is_published_after_the_clock_has_jumped_until_somebody_says_that_it_is_right(
    world: World, ledger: SqliteLedger, jump: int
) -> None:
    world.publish()
    before = (world.repository / TIMESTAMP).read_bytes()
    by = publisher(world, world.authority.repository, ledger)
    with pytest.raises(ClockError, match="is it right\\? If so: movepass publish --clock-checked"):
        by.publish(world.now + jump)
    (kid,) = world.authority.keys().keys
    with pytest.raises(ClockError):
        deny(world.authority, kid, "stolen", world.now + jump)
    with pytest.raises(ClockError):
        publish_proposals(world.authority, [], world.now + jump)
    assert (world.repository / TIMESTAMP).read_bytes() == before
    by.publish(world.now + jump, clock_checked=True)


def test_three_days_without_a_publication_and_five_minutes_back_are_no_jump(world: World, ledger: SqliteLedger) -> None:
    by = publisher(world, world.authority.repository, ledger)
    world.publish()
    by.publish(world.now - 300)
    by.publish(world.now - 300 + 3 * DAY)


def test_a_denial_that_the_clock_stopped_goes_out_with_the_next_publication(world: World) -> None:
    pass_ = world.issue()
    world.publish()
    with pytest.raises(ClockError):
        deny(world.authority, world.authority.pass_key or b"", "stolen", world.now + 4 * DAY)
    world.publish()
    world.sync()
    assert world.verdict(pass_.text) == "key-revoked"


# Failing


def test_a_file_that_somebody_else_put_among_the_metadata_is_no_fault(world: World) -> None:
    for name in ("1x.status.json", "2 (copy).snapshot.json"):
        (world.repository / "metadata" / name).write_bytes(b"?")
    world.publish()


@pytest.mark.parametrize("name", ["timestamp.json", "1.snapshot.json", "1.status.json", "1.targets.json"])
@pytest.mark.parametrize("content", [b"{}", b"half a docu", b"\xff"])
def test_a_damaged_document_is_a_repository_error_and_nothing_is_published(
    world: World, name: str, content: bytes
) -> None:
    (world.repository / "metadata" / name).write_bytes(content)
    before = {path: path.read_bytes() for path in world.repository.rglob("*.json")}
    world.revoke_indexes([1])
    with pytest.raises(RepositoryError):
        world.publish()
    assert {path: path.read_bytes() for path in world.repository.rglob("*.json")} == before


@pytest.mark.parametrize("how", ["empty", "missing"])
def test_a_repository_whose_timestamp_was_lost_is_not_started_again(world: World, how: str) -> None:
    world.revoke_indexes([1])
    world.publish()
    timestamp = world.repository / TIMESTAMP
    timestamp.write_bytes(b"") if how == "empty" else timestamp.unlink()
    with pytest.raises(RepositoryError):
        world.publish()


@pytest.mark.parametrize("name", ["1.snapshot.json", "1.status.json", "1.targets.json"])
def test_a_missing_document_is_a_repository_error_that_names_it(world: World, name: str) -> None:
    (world.repository / "metadata" / name).unlink()
    with pytest.raises(RepositoryError, match=name.replace(".", r"\.")):
        world.publish()


def test_a_missing_or_changed_log_is_not_published_over(world: World, ledger: SqliteLedger) -> None:
    world.revoke_indexes([1])
    world.publish()
    info = status_of(world.repository).targets[f"status/{world.today}.log"]
    log = world.repository / "targets" / "status" / f"{info.hashes['sha256']}.{world.today}.log"
    world.revoke_indexes([2])
    log.unlink()
    with pytest.raises(RepositoryError, match=r"\.log is missing"):
        world.publish()
    assert ledger.pending() == [(world.today, 2)]


def test_nobody_is_denied_in_a_new_repository() -> None:
    keys = KeySet("x", test=True, keys={}).with_denied(NOBODY_DENIED)
    assert keys.denied == {}
