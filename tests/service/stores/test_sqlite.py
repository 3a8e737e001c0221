"""The embedded store keeps every store's promises, and some of its own: durability, full disks, bytes that are gone."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.applications import NAME, bytes_of, decision, draft, run

from movepass_service.applications.states import State
from movepass_service.errors import Busy, StorageFull, StoreError
from movepass_service.stores.sqlite import writer
from movepass_service.stores.sqlite.store import FILE, SqliteStore
from movepass_service.stores.store import Head

from .store_contract import DAY, NOW, PERSON, REFERENCE, StoreContract, application, issued, name


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "service")) as opened:
        yield opened


def rows(store: SqliteStore, query: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(store._path)) as db:
        return db.execute(query, values).fetchall()


class TestSqliteStore(StoreContract):
    @staticmethod
    def records(store: SqliteStore, reference: str) -> list[tuple[bytes, str, bytes]]:
        kept = store.find(reference)
        assert kept is not None
        query = "SELECT salt, record, digest FROM decisions WHERE number = ? ORDER BY id"
        return rows(store, query, kept.number)

    @staticmethod
    def heads(store: SqliteStore) -> list[str]:
        return [note for (note,) in rows(store, "SELECT note FROM heads ORDER BY id")]

    @staticmethod
    def records_of_forgotten(store: SqliteStore) -> list[tuple[bytes | None, str | None, bytes]]:
        return rows(
            store, "SELECT salt, record, digest FROM decisions WHERE number NOT IN (SELECT number FROM applications)"
        )


def test_another_process_finds_what_was_confirmed(store: SqliteStore, tmp_path: Path) -> None:
    run(store.submit([draft(application())], NOW))
    with closing(SqliteStore(tmp_path / "service", create=False)) as other:
        assert other.find(REFERENCE) == store.find(REFERENCE)


def test_many_share_a_commit(store: SqliteStore) -> None:
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    store.writer.call(lambda db: db.set_trace_callback(count))

    async def send() -> None:
        await asyncio.gather(
            *(store.submit([draft(application(), client=bytes([n]), reference=name(n))], NOW) for n in range(200))
        )

    run(send())
    assert store.counts_by_state() == {State.RECEIVED: 200}
    assert commits < 50


def test_decisions_can_be_neither_changed_nor_deleted(store: SqliteStore) -> None:
    run(store.submit([draft(application())], NOW))
    store.decide_next(1, lambda *_: decision("refer"), NOW)
    with closing(sqlite3.connect(store._path)) as db:
        for statement in (
            "DELETE FROM decisions",
            "UPDATE decisions SET record = '{}'",
            "UPDATE decisions SET digest = x'00'",
            "UPDATE decisions SET at = 0",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="decisions are only"):
                db.execute(statement)


LOG_STATEMENTS = {
    "leaves are only appended": (
        "DELETE FROM leaves", "UPDATE leaves SET leaf = '{}'", "INSERT INTO leaves VALUES (7, '{}')",
        "INSERT INTO leaves VALUES (0, '{}')", "INSERT OR REPLACE INTO leaves VALUES (0, '{}')",
    ),
    "acts of administration are only": ("DELETE FROM administration", "UPDATE administration SET record = '{}'"),
    "issuances are only added": ("DELETE FROM issuances", "UPDATE issuances SET leaf = 0"),
    "published heads stay": ("DELETE FROM heads",),
    "heads are only published": ("UPDATE heads SET note = 'x'", "UPDATE heads SET is_offered = 0"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("why", "statement"), [(why, statement) for why, several in LOG_STATEMENTS.items() for statement in several]
)
def test_the_log_can_be_neither_changed_nor_deleted(store: SqliteStore, why: str, statement: str) -> None:
    run(store.submit([draft(application())], NOW))
    store.decide_next(1, lambda *_: decision("approve"), NOW)
    store.record_issued([issued(kept) for kept in store.approved(1, 1)], NOW)
    store.append_administration({"action": "officer-added", "actor": "console:root"}, NOW)
    store.add_head(Head(3, "note", (b"0" * 32, b"1" * 32)))
    store.offer_head()
    before = rows(store, "SELECT * FROM leaves")
    with closing(sqlite3.connect(store._path)) as db, pytest.raises(sqlite3.IntegrityError, match=why):
        db.execute(statement)
    assert rows(store, "SELECT * FROM leaves") == before


def test_two_processes_append_to_one_log(store: SqliteStore, tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "service", create=False)) as other:
        for number in range(6):
            (store, other)[number % 2].append_administration({"action": "x", "actor": "y", "number": number}, NOW)
        assert [record.position for record in other.records(100)] == list(range(6))
        assert store.log_size() == 6


def test_nobody_else_may_read_the_file(store: SqliteStore) -> None:
    run(store.submit([draft(application())], NOW))
    for path in store._path.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    assert store._path.parent.stat().st_mode & 0o077 == 0


def test_what_is_forgotten_is_gone_from_the_bytes(store: SqliteStore) -> None:
    folder = store._path.parent
    for number, action in enumerate(("withdraw", "reject", "approve", "expire")):
        one = draft(application(phone="01799887766"), client=bytes([number]), reference=name(number))
        run(store.submit([one], NOW))
        store.decide_next(1, lambda *_, action=action: decision(action, note="seen by Nasrin"), NOW)
    key = store.id_key(2969, 2968)
    assert key
    words = [NAME.encode(), b"+8801799887766", b"seen by Nasrin", PERSON, key]
    assert all(word in bytes_of(folder) for word in words)
    assert store.forget(NOW + 30 * DAY, 2970, 100) == 4
    left = bytes_of(folder)
    assert [word for word in words if word in left] == []
    assert len(rows(store, "SELECT 1 FROM decisions WHERE length(digest) = 32")) == 4


def test_a_full_disk_is_said_and_leaves_nothing_half_written(store: SqliteStore) -> None:
    run(store.submit([draft(application())], NOW))
    pages = rows(store, "PRAGMA page_count")[0][0]
    store.writer.call(lambda db: db.execute(f"PRAGMA max_page_count = {pages}"))

    async def fill() -> list[Any]:
        drafts = [draft(application(), client=bytes([n, 1]), reference=name(n)) for n in range(1, 200)]
        return await asyncio.gather(*(store.submit([one], NOW) for one in drafts), return_exceptions=True)

    answers = run(fill())
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert refused
    assert {type(answer) for answer in refused} == {StorageFull}
    assert store.counts_by_state() == {State.RECEIVED: 1 + len(answers) - len(refused)}
    store.writer.call(lambda db: db.execute("PRAGMA max_page_count = 1000000"))
    (again,) = run(store.submit([draft(application(), client=b"later", reference=name(999))], NOW))
    assert again.is_new


def test_whoever_comes_when_too_many_wait_is_told_to_come_again(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "WAITING_MAX", 5)
    held = threading.Event()
    threading.Thread(target=lambda: store.writer.call(lambda _: held.wait(10)), daemon=True).start()
    while store.writer.waiting:
        time.sleep(0.001)

    async def crowd() -> list[Any]:
        drafts = [draft(application(), client=bytes([n, 1]), reference=name(n)) for n in range(20)]
        sent = [asyncio.ensure_future(store.submit([one], NOW)) for one in drafts]
        await asyncio.sleep(0.05)
        held.set()
        return await asyncio.gather(*sent, return_exceptions=True)

    answers = run(crowd())
    busy = [answer for answer in answers if isinstance(answer, Busy)]
    assert len(busy) == 15
    assert all(answer.retry_after_s > 0 for answer in busy)
    assert store.counts_by_state() == {State.RECEIVED: 5}


def test_one_that_fails_keeps_no_other_from_being_stored(store: SqliteStore) -> None:
    async def send() -> list[Any]:
        good = [store.submit([draft(application(), client=bytes([n]), reference=name(n))], NOW) for n in range(5)]
        bad = store.submit([draft(application(), client=b"x", reference=name(0))], NOW)  # taken
        return await asyncio.gather(*good, bad, return_exceptions=True)

    *good, bad = run(send())
    assert all(answer[0].is_new for answer in good)
    assert isinstance(bad, StoreError)


def test_a_store_is_not_made_where_one_is_expected_or_of_another_version(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no service's folder"):
        SqliteStore(tmp_path, create=False)
    assert not (tmp_path / FILE).exists()
    SqliteStore(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="version 99"):
        SqliteStore(tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(StoreError):
        SqliteStore(tmp_path / "x")


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.decide_next(1, lambda *_: decision("refer"), NOW)
