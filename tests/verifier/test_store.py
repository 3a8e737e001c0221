"""Check that a store holds one consistent publication at any time, on any medium, whatever happens to the file."""

import os
import random
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.mounts import may_mount, read_only
from support.old_stores import make_version_1, make_version_2
from support.servers import serving
from support.world import World, facts, written_to_by_nobody

from movepass_verifier import Device, StoreError, SyncError, Verdict
from movepass_verifier.store import migrations
from movepass_verifier.store.contents import fill
from movepass_verifier.store.schema import SCHEMA_VERSION
from movepass_verifier.store.store import FILE_NAME, Store
from movepass_wire import encode_block, new_log, read_log
from movepass_wire.statuslog import PAGE_INDEXES

PUBLISHED = 1795316400


@pytest.fixture
def store(world: World) -> Iterator[Store]:
    with closing(Store(world.store)) as store:
        yield store


def take_over(store: Store, published: int, lists: dict[int, set[int]]) -> None:
    """Take over lists of that time as a sync would; what a list held before stands in its first block."""
    before = store.held()
    logs = {}
    for day, indexes in lists.items():
        held = before.logs.get(day, new_log(day))
        old = set(read_log(held).revoked)
        base, new = (held, indexes - old) if old <= indexes else (new_log(day), indexes)
        logs[day] = base + (encode_block(new) if new else b"")
    store.take_over(before, replace(before, published=published, logs=logs), synced_at=published + 1)


def revoke(store: Store, day: int, *indexes: int) -> set[int]:
    with store.reading() as state:
        return {index for index in indexes if index in state.lists.days[day]}


def contents(folder: Path) -> tuple[Any, ...]:
    """Return everything that a store holds, as its users see it."""
    with closing(Store(folder)) as store:
        with store.reading() as state:
            lists = {day: [n for n in range(100) if n in bits] for day, bits in state.lists.days.items()}
            seen = state.lists.published, state.lists.synced_at, state.last_seen, state.sources, state.logs
        return store.held(), lists, seen


def version(world: World) -> int:
    with closing(connect(world)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


OPEN = """
import sys
from movepass_verifier import Device
with Device.open(sys.argv[1]) as device:
    print(bool(device.state().keys.keys))
"""


def connect(world: World) -> sqlite3.Connection:
    return sqlite3.connect(world.store / FILE_NAME, isolation_level=None)


# What a sync leaves, and what a check reads


def test_what_was_taken_over_is_what_is_read(store: Store) -> None:
    edges = {0, 7, 8, PAGE_INDEXES - 1, PAGE_INDEXES, (1 << 30) - 1}
    take_over(store, PUBLISHED, {5: edges, 6: set()})
    around = {max(0, index + step) for index in edges for step in (-1, 0, 1)}
    assert revoke(store, 5, *around) == edges
    assert revoke(store, 6, *around) == set()
    with store.reading() as state:
        assert set(state.lists.days) == {5, 6}
        assert (state.lists.published, state.lists.synced_at) == (PUBLISHED, PUBLISHED + 1)
        assert [(log.day, log.revoked) for log in state.logs] == [(5, len(edges)), (6, 0)]


def test_a_list_takes_room_for_its_revoked_indexes_only(store: Store) -> None:
    take_over(store, PUBLISHED, {5: {0, (1 << 30) - 1}})
    assert store._db.execute("SELECT count(*) FROM pages").fetchone() == (2,)


def test_days_that_are_gone_go_and_unchanged_ones_stay_without_being_written(store: Store) -> None:
    take_over(store, PUBLISHED, {5: {1}, 6: {2}, 7: {3}})
    written: list[str] = []
    store._db.set_trace_callback(written.append)
    take_over(store, PUBLISHED + 9, {6: {2}, 7: {3, 4}, 8: set()})
    store._db.set_trace_callback(None)
    assert set(re.findall(r"INTO (?:logs|pages) VALUES\s*\((\d+)", "".join(written))) == {"7", "8", str(7 << 17)}
    assert revoke(store, 6, 1, 2, 3) == {2}
    assert revoke(store, 7, 1, 2, 3, 4) == {3, 4}
    with store.reading() as state:
        assert set(state.lists.days) == {6, 7, 8}
    assert store._db.execute("SELECT id >> 17 FROM pages").fetchall() == [(6,), (7,)]


def test_an_index_that_is_no_longer_in_a_list_is_no_longer_revoked(store: Store) -> None:
    """A compaction can't do that; a store that only added would hide it if it did."""
    take_over(store, PUBLISHED, {5: {1, 100_000}})
    take_over(store, PUBLISHED + 1, {5: {2}})
    assert revoke(store, 5, 1, 2, 100_000) == {2}


def test_a_sync_that_another_one_overtook_is_thrown_away(store: Store) -> None:
    take_over(store, PUBLISHED, {5: {1}})
    late = store.held()
    take_over(store, PUBLISHED + 9, {5: {1, 2}})
    with pytest.raises(StoreError, match="another sync finished in between"):
        store.take_over(late, replace(late, logs={}), synced_at=PUBLISHED + 5)
    assert revoke(store, 5, 1, 2) == {1, 2}
    take_over(store, PUBLISHED + 10, {5: {1, 2, 3}})


def test_two_stores_on_one_file_the_second_take_over_of_the_same_beginning_loses(world: World, store: Store) -> None:
    with closing(Store(world.store)) as other:
        beginning = other.held()
        take_over(store, PUBLISHED, {5: {1}})
        with pytest.raises(StoreError, match="in between"):
            other.take_over(beginning, beginning, synced_at=PUBLISHED)
        assert revoke(other, 5, 1) == {1}


def test_a_take_over_that_fails_midway_leaves_everything_as_it_was(store: Store) -> None:
    take_over(store, PUBLISHED, {5: {1}})
    before = store.held()
    logs = {5: new_log(5) + encode_block([2]), 6: new_log(6) + b"no block"}
    with pytest.raises(SyncError, match="the list of day 6 is signed and yet unreadable"):
        store.take_over(before, replace(before, published=PUBLISHED + 9, logs=logs), synced_at=1)
    assert store.held() == before
    assert revoke(store, 5, 1, 2) == {1}
    take_over(store, PUBLISHED + 9, {5: {2}})


# The soft floor of the clock


def last_seen(store: Store) -> int | None:
    with store.reading() as state:
        return state.last_seen


def test_the_time_is_noted_at_most_once_a_minute_and_never_lowered(store: Store) -> None:
    assert last_seen(store) is None
    for now, noted in ((1_000, 1_000), (1_059, 1_000), (1_060, 1_060), (500, 1_060)):
        store.raise_floor(now, last_seen(store))
        assert last_seen(store) == noted


def test_a_sync_clears_the_noted_time(store: Store) -> None:
    store.raise_floor(1_900_000_000, None)
    take_over(store, PUBLISHED, {})
    assert last_seen(store) is None


def test_noting_the_time_does_not_wait_for_a_sync_that_is_writing(world: World, store: Store) -> None:
    with closing(connect(world)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        store.raise_floor(1_000, None)
        assert time.monotonic() - began < 8  # another would wait for 10
        other.execute("ROLLBACK")
    assert last_seen(store) is None
    assert store._db.execute("PRAGMA busy_timeout").fetchone()[0] >= 1_000  # others are waited for as before


# Readers and a writer side by side

SYNC = """
import sys
from movepass_verifier import Device
with Device.open(sys.argv[1]) as device:
    device.sync(sys.argv[2])
"""


def test_a_check_that_is_under_way_sees_the_old_state_while_another_process_syncs(world: World, store: Store) -> None:
    world.revoke_indexes([5])
    world.publish()
    with store.reading() as before:
        processes.run_forked(SYNC, world.store, world.repository)
        assert 5 not in before.lists.days[world.today]
        assert before.lists.published != world.now
    with store.reading() as after:
        assert 5 in after.lists.days[world.today]
        assert after.lists.published == world.now


WRITE_AND_WAIT = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
for table in ("facts", "metadata", "documents", "logs", "pages"):
    db.execute(f"DELETE FROM {table}")
print("writing", flush=True)
sys.stdin.read()
db.execute("ROLLBACK")
"""
"""Writes in another process, as a sync does, and stays within its transaction until its input ends."""


def test_checks_go_on_while_another_process_writes_and_see_what_was_there_before(world: World) -> None:
    good, bad = world.issue_many(2)
    world.revoke_and_publish(bad)
    world.sync()
    writing = processes.writing(WRITE_AND_WAIT, world.store / FILE_NAME)
    with world.device() as opened_before, writing, world.device() as opened_meanwhile:
        for device in (opened_before, opened_meanwhile):
            assert device.verify(good.text).verdict is Verdict.VALID
            assert device.verify(bad.text).verdict is Verdict.REVOKED
            assert device.readiness() is None
            device._store.check_writable()
    assert world.verdict(bad.text) == "revoked"


def test_an_error_of_the_one_who_reads_is_not_taken_for_one_of_the_file(store: Store) -> None:
    for error in (OSError("a printer"), ValueError("x"), sqlite3.OperationalError("another file")):
        with pytest.raises(type(error)) as caught, store.reading():
            raise error
        assert caught.value is error
        with store.reading():
            pass


VERIFY_ALL_ALONG = """
import sys, time
from movepass_verifier import Device
store, text, day, index = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
seen = set()
with Device.open(store) as device:
    print("started", flush=True)
    while len(seen) < 6:
        with device._store.reading() as state:
            published = state.lists.published
            revoked = sum(n in state.lists.days[day] for n in range(index))
            time.sleep(0.001)
            assert revoked == sum(n in state.lists.days[day] for n in range(index))
        seen.add((published, revoked))
print(sorted(seen))
"""


def test_every_read_of_a_second_process_is_of_one_publication(world: World) -> None:
    reader = processes.start(VERIFY_ALL_ALONG, world.store, "", world.today, 10)
    assert reader.stdout is not None
    reader.stdout.readline()
    with world.device() as device:
        first = device.state().lists.published
    expected = [(first, 0)]
    for n in range(5):
        world.revoke_indexes([n])
        world.publish(world.now + n)
        world.sync()
        expected.append((world.now + n, n + 1))
        time.sleep(0.1)
    assert reader.communicate(timeout=60)[0].strip() == str(sorted(expected))


# Media that can't be written

READ_ONLY = (
    processes.AS_NOBODY
    + """
store, repository, text, now = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
sync_a_copy(store, repository)
become_nobody()
with Device.open(store, clock=lambda: now) as device:
    print(device.verify(text).verdict.value)
    print(device.state().lists.published)
    try:
        device.sync(repository)
        print("synced")
    except StoreError:
        print("StoreError")
    print(device.verify(text).verdict.value)
"""
)


def leave_log_behind(world: World) -> None:
    """Sync, and lose power before SQLite has moved the write-ahead log's content into the database."""
    beside = world.store.with_name("running")
    with closing(connect(world)) as reader, world.device() as device:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM facts").fetchall()  # keeps the sync from moving the log's content
        device.sync(str(world.repository))
        shutil.copytree(world.store, beside)
        reader.execute("COMMIT")
    (beside / f"{FILE_NAME}-shm").unlink()
    shutil.rmtree(world.store)
    beside.rename(world.store)
    assert (world.store / f"{FILE_NAME}-wal").stat().st_size > 0


def test_a_read_only_store_verifies_and_can_not_sync(world: World) -> None:
    signed = world.issue()
    before = facts(world)
    world.revoke_and_publish(signed)
    with written_to_by_nobody(world):
        said = processes.run_forked(READ_ONLY, world.store, world.repository, signed.text, world.now).split()
    assert said == ["valid", str(before[0]), "StoreError", "valid"]
    assert facts(world) == before
    assert [path.name for path in world.store.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("file_mode", [0o444, 0o644])
def test_a_log_left_behind_on_a_read_only_medium_is_read(world: World, file_mode: int) -> None:
    signed = world.issue()
    world.revoke_and_publish(signed)
    leave_log_behind(world)
    with written_to_by_nobody(world, file_mode):
        said = processes.run_forked(READ_ONLY, world.store, world.repository, signed.text, world.now).split()
    assert said[:2] == ["revoked", str(world.now)]


def test_a_sync_is_refused_on_a_read_only_medium_with_a_log_left_behind(world: World) -> None:
    signed = world.issue()
    world.revoke_and_publish(signed)
    leave_log_behind(world)
    with written_to_by_nobody(world, file_mode=0o644):
        said = processes.run_forked(READ_ONLY, world.store, world.repository, signed.text, world.now).split()
    assert said[2] == "StoreError"


SYNC_READ_ONLY = (
    processes.AS_NOBODY
    + """
sync_a_copy(Path(sys.argv[1]), sys.argv[2])
become_nobody()
with Device.open(sys.argv[1]) as device:
    try:
        device.sync(sys.argv[3])
    except StoreError as e:
        print(e)
"""
)


@pytest.mark.parametrize("log", ["log", "no-log"])
def test_that_a_read_only_store_can_not_be_synced_is_said_before_anything_is_downloaded(world: World, log: str) -> None:
    world.publish()
    if log == "log":
        leave_log_behind(world)
    with written_to_by_nobody(world), serving(world.repository) as server:
        said = processes.run_forked(SYNC_READ_ONLY, world.store, world.repository, server.url)
    assert "is on a medium that can't be written to; it verifies, but can't be synced" in said
    assert server.exchanges == []


def test_a_log_left_behind_where_one_can_write_is_read_and_goes_on(world: World) -> None:
    signed = world.issue()
    world.revoke_and_publish(signed)
    leave_log_behind(world)
    assert world.verdict(signed.text) == "revoked"
    world.sync()
    assert world.verdict(signed.text) == "revoked"


OPEN_AND_CLOSE = (
    processes.AS_NOBODY
    + """
from support.processes import open_files
become_nobody()
with Device.open(sys.argv[1]) as device:
    device.verify("")
print(open_files(Path(sys.argv[1])))
"""
)


@pytest.mark.parametrize("file_mode", [0o444, 0o644])
def test_a_closed_store_holds_nothing_of_a_read_only_medium_open_so_that_it_can_be_taken_out(
    world: World, file_mode: int
) -> None:
    world.publish()
    leave_log_behind(world)
    with written_to_by_nobody(world, file_mode):
        assert processes.run(OPEN_AND_CLOSE, world.store) == "[]"


def test_a_copy_made_for_a_read_only_medium_is_gone_after_closing(world: World, tmp_path: Path) -> None:
    world.publish()
    leave_log_behind(world)
    (tmp_path / "tmp").mkdir(mode=0o777)
    (tmp_path / "tmp").chmod(0o777)
    code = f"import tempfile; tempfile.tempdir = {str(tmp_path / 'tmp')!r}\n" + READ_ONLY
    with written_to_by_nobody(world):
        processes.run(code, world.store, world.repository, "", world.now)
    assert list((tmp_path / "tmp").iterdir()) == []


# Enrolling and opening


def test_a_store_is_never_made_over_another(world: World) -> None:
    before = facts(world)
    with pytest.raises(StoreError, match="already"):
        world.enroll(world.store)
    assert facts(world) == before


def test_enrolling_where_nothing_can_be_written_is_a_store_error_and_leaves_nothing(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="can't make"):
        world.enroll(tmp_path / "file" / "device")


def test_enrolling_leaves_the_store_alone_in_its_folder(world: World, tmp_path: Path) -> None:
    world.enroll(tmp_path / "a" / "b")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == [FILE_NAME]


def test_a_stores_folder_is_nobody_elses_whatever_the_umask(world: World, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        world.enroll(tmp_path / "new")
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_store_that_never_synced_has_no_keys_and_no_lists(world: World, tmp_path: Path) -> None:
    signed = world.issue()
    world.enroll(tmp_path / "fresh")
    with Device.open(tmp_path / "fresh") as device:
        state = device.state()
        assert device.verify(signed.text).verdict is Verdict.UNKNOWN_KEY
    assert (state.lists.published, state.lists.synced_at, dict(state.lists.days)) == (None, None, {})
    assert (state.keys.keys, state.last_seen, state.sources) == ({}, None, (str(world.repository),))


@pytest.mark.parametrize(
    ("version", "words"), [(SCHEMA_VERSION + 1, "update this software"), (1, "doctor"), (0, "doctor")]
)
def test_a_store_of_another_version_is_refused_with_what_to_do(world: World, version: int, words: str) -> None:
    with closing(connect(world)) as db:
        db.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(StoreError, match=words):
        Store(world.store)


@pytest.mark.parametrize("medium", ["written", "read-only"])
@pytest.mark.parametrize(("number", "make_old"), [(1, make_version_1), (2, make_version_2)])
def test_a_store_of_an_earlier_version_goes_on_as_it_was(
    world: World, medium: str, number: int, make_old: Callable[[Path], None]
) -> None:
    signed = world.issue()
    world.revoke_and_publish(signed)
    world.sync()
    before = contents(world.store)
    make_old(world.store)
    if medium == "read-only":
        with written_to_by_nobody(world):
            said = processes.run_forked(READ_ONLY, world.store, world.repository, signed.text, world.now).split()
        assert said == ["revoked", str(world.now), "StoreError", "revoked"]
        assert version(world) == number
    assert contents(world.store) == before
    assert version(world) == SCHEMA_VERSION
    assert world.verdict(signed.text) == "revoked"
    world.revoke_indexes([5])
    world.publish(world.now + 1)
    world.sync()
    with closing(Store(world.store)) as store:
        assert revoke(store, world.today, 5) == {5}


def test_a_migration_that_is_cut_short_leaves_the_store_of_version_1(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*contents: Any) -> None:
        fill(*contents)
        raise OSError("cut short")

    before = contents(world.store)
    make_version_1(world.store)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "fill", fail)
        with pytest.raises(StoreError, match="cut short"):
            Store(world.store)
    assert version(world) == 1
    assert contents(world.store) == before


def test_two_processes_that_open_a_store_of_version_1_at_once_both_go_on(world: World) -> None:
    make_version_1(world.store)
    children = [processes.start(OPEN, world.store) for _ in range(4)]
    assert [child.communicate(timeout=60)[0] for child in children] == ["True\n"] * 4


def test_a_folder_without_a_store_is_refused_with_what_to_do(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(StoreError, match="movepass enroll"):
            Store(folder)
    assert list(tmp_path.iterdir()) == []


PRIVATE_FOLDER = (
    processes.AS_NOBODY
    + """
become_nobody()
try:
    Device.open(sys.argv[1])
except StoreError:
    print("StoreError")
"""
)


def test_a_store_in_a_folder_that_may_not_be_entered_is_a_store_error(world: World) -> None:
    with written_to_by_nobody(world):
        world.store.chmod(0o000)
        assert processes.run(PRIVATE_FOLDER, world.store) == "StoreError"


def test_a_store_file_that_may_not_be_read_is_a_store_error(world: World) -> None:
    with written_to_by_nobody(world):
        (world.store / FILE_NAME).chmod(0o000)
        assert processes.run(PRIVATE_FOLDER, world.store) == "StoreError"


# Damage


def use(folder: Path, text: str, now: int) -> None:
    with Device.open(folder, clock=lambda: now) as device:
        device.note(device.verify(text))
        device.state()
        device._store.held()
        device.entries()
        device.hourly()


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + bytes(84), bytes(8192)])
def test_a_file_that_is_no_database_is_a_store_error(world: World, content: bytes) -> None:
    (world.store / FILE_NAME).write_bytes(content)
    with pytest.raises(StoreError):
        use(world.store, "", world.now)


def test_a_file_cut_short_anywhere_is_a_store_error_or_gives_the_same_verdict(world: World, tmp_path: Path) -> None:
    signed = world.issue()
    world.revoke_and_publish(signed)
    world.sync()
    data = (world.store / FILE_NAME).read_bytes()
    (tmp_path / "cut").mkdir()
    outcomes: list[Verdict | None] = []
    for length in range(0, len(data), 2048):
        (tmp_path / "cut" / FILE_NAME).write_bytes(data[:length])
        try:
            with Device.open(tmp_path / "cut", clock=lambda: world.now) as device:
                outcomes.append(device.verify(signed.text).verdict)
        except StoreError:
            outcomes.append(None)
    assert set(outcomes) <= {None, Verdict.REVOKED}
    assert outcomes.count(None) > len(outcomes) / 2


@pytest.mark.parametrize("name", ["keys", "denied"])
@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[]"])
def test_a_damaged_document_is_a_store_error_that_names_the_doctor(world: World, name: str, content: bytes) -> None:
    with closing(connect(world)) as db:
        db.execute("UPDATE documents SET data = ? WHERE name = ?", (content, name))
    with pytest.raises(StoreError, match="movepass doctor"):
        use(world.store, "", world.now)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM documents WHERE name = 'keys'", "DELETE FROM documents WHERE name = 'denied'",
        "DELETE FROM facts WHERE name = 'syncs'", "DELETE FROM facts WHERE name = 'sources'",
        "UPDATE facts SET value = '[]' WHERE name = 'sources'", "UPDATE facts SET value = '{' WHERE name = 'sources'",
        "UPDATE facts SET value = '[7]' WHERE name = 'sources'",
        "UPDATE facts SET value = 'x' WHERE name = 'published'",
    ],
)  # fmt: skip
def test_a_row_that_is_missing_or_of_another_type_is_a_store_error(world: World, damage: str) -> None:
    text = world.issue().text
    with closing(connect(world)) as db:
        db.execute(damage)
    with pytest.raises(StoreError):
        use(world.store, text, world.now)


@pytest.mark.parametrize("table", ["facts", "metadata", "documents", "logs", "pages"])
def test_a_table_that_is_missing_is_a_store_error(world: World, table: str) -> None:
    text = world.issue().text
    with closing(connect(world)) as db:
        db.execute(f"DROP TABLE {table}")
    with pytest.raises(StoreError):
        use(world.store, text, world.now)


def damage_anywhere(world: World, folder: Path, times: int, seed: int) -> list[str]:
    """Damage a store in random places many times; return the results other than StoreError."""
    world.revoke_indexes(range(0, 50_000, 7))
    world.publish()
    world.sync()
    text = world.issue().text
    use(world.store, text, world.now)
    data = (world.store / FILE_NAME).read_bytes()
    chance, wrong = random.Random(seed), []
    folder.mkdir()
    for number in range(times):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 1, 4, 64))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        (folder / FILE_NAME).write_bytes(damaged)
        try:
            use(folder, text, world.now)
        except StoreError:
            pass
        except Exception as e:  # noqa: BLE001 - that is what is looked for
            wrong.append(f"{number}: {e!r}")
        for beside in folder.glob("*-*"):
            beside.unlink()
    return wrong


def test_random_damage_is_a_store_error_or_goes_unnoticed_and_nothing_else(world: World, tmp_path: Path) -> None:
    assert damage_anywhere(world, tmp_path / "damaged", 150, seed=7) == []


@pytest.mark.slow
def test_much_random_damage_is_a_store_error_or_goes_unnoticed_and_nothing_else(world: World, tmp_path: Path) -> None:
    assert damage_anywhere(world, tmp_path / "damaged", 20_000, seed=int(time.time())) == []


if may_mount():  # more of the same, on a real file system, where the tests may mount one

    @pytest.mark.parametrize("log", ["log", "no-log"])
    def test_a_medium_that_not_even_root_can_write_to_verifies(world: World, log: str) -> None:
        signed = world.issue()
        world.revoke_and_publish(signed)
        leave_log_behind(world) if log == "log" else world.sync()
        with read_only(world.store):
            assert world.verdict(signed.text) == "revoked"
