"""The copies that an auditor takes: whole, consistent with the head, and never those of a log that was rewound."""

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.applications import APPROVE_ALL, bytes_of, run, submit, use_rules, work
from support.world import World

from movepass_keys.records.checkpoint import read_checkpoint
from movepass_service.decisions import copies
from movepass_service.decisions.copies import HEAD, ISSUED, LEAVES, RECORDS, Exported, ExportError, RewoundLogError
from movepass_service.issuing.worker import Worker
from movepass_service.service import Service
from movepass_service.stores.sqlite.store import SqliteStore
from movepass_wire.merkle import Tree, leaf_hash

DAY = 86400


@pytest.fixture
def approving(service: Service, now: int) -> Service:
    use_rules(service, APPROVE_ALL, now)
    return service


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "copies"


def export(service: Service, to: Path, patience: float = 0) -> Exported:
    return copies.export(service.store, service.authority, to, patience=patience)


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def check_whole(to: Path) -> None:
    """Check that leaves, records, passes and head belong together, as an auditor does first."""
    texts = (to / LEAVES).read_text().splitlines()
    leaves = [json.loads(text) for text in texts]
    head, tree = read_checkpoint((to / HEAD).read_bytes()).checkpoint, Tree()
    for text in texts[: head.size]:
        tree.append(leaf_hash(text.encode()))
    assert (tree.size, tree.root()) == (head.size, head.root)
    for record in lines(to / RECORDS):
        digest = sha256(bytes.fromhex(record["salt"]) + record["text"].encode()).hexdigest()
        assert leaves[record["position"]]["digest"] == digest
    passes = {(leaf["day"], leaf["index"]): leaf["payload"] for leaf in leaves if leaf["kind"] == "issuance"}
    for issued in lines(to / ISSUED):
        assert issued.get("payload") in (None, passes[issued["day"], issued["index"]])


def test_the_copies_hold_the_log_its_records_what_was_issued_and_the_head(
    approving: Service, to: Path, now: int
) -> None:
    receipts = [submit(approving, now, f"c{n}") for n in range(3)]
    work(approving, now)
    run(approving.withdraw(receipts[1].reference, receipts[1].secret, now=now))
    work(approving, now)
    approving.store.append_administration({"action": "officer-added", "actor": "console:root"}, now)
    work(approving, now)
    assert export(approving, to) == Exported(leaves=8, records=5, passes=3, covered=8, without_leaf=0)
    check_whole(to)
    assert [issued["revoked"] for issued in lines(to / ISSUED)] == [False, True, False]
    actions = [json.loads(record["text"])["action"] for record in lines(to / RECORDS)]
    assert actions == ["approve"] * 3 + ["withdraw", "officer-added"]
    assert {path.relative_to(to).as_posix() for path in to.rglob("*") if path.is_file()} == {
        LEAVES, RECORDS, ISSUED, HEAD,
    }  # fmt: skip
    assert all(path.stat().st_mode & 0o077 == 0 for path in (to, *to.rglob("*")))


def test_the_copies_end_where_the_head_does(approving: Service, to: Path, now: int) -> None:
    submit(approving, now)
    work(approving, now)
    approving.store.append_administration({"action": "officer-added", "actor": "console:root"}, now)
    assert export(approving, to) == Exported(leaves=2, records=1, passes=1, covered=2, without_leaf=0)


def test_an_earlier_export_is_continued(approving: Service, to: Path, now: int) -> None:
    for part in range(3):
        submit(approving, now, f"c{part}")
        work(approving, now)
        assert export(approving, to).leaves == 2 * part + 2
        check_whole(to)


def rewound(service: Service, to: Path, now: int) -> str:  # noqa: ARG001 - all have the same arguments
    (to / LEAVES).write_text((to / LEAVES).read_text() + '{"at":1,"digest":"00","kind":"decision"}\n')
    return "has more leaves than the log, which has 2"


def rewritten(service: Service, to: Path, now: int) -> str:
    (to / LEAVES).write_text((to / LEAVES).read_text().replace('"at":1', '"at":2', 1))
    submit(service, now, "later")
    work(service, now)
    return "leaf 0 is another one there"


@pytest.mark.parametrize("change", [rewound, rewritten])
def test_the_copies_of_another_log_are_never_replaced(
    approving: Service, to: Path, now: int, change: Callable[[Service, Path, int], str]
) -> None:
    submit(approving, now)
    work(approving, now)
    export(approving, to)
    why = change(approving, to, now)
    before = bytes_of(to)
    with pytest.raises(RewoundLogError, match=why):
        export(approving, to)
    assert bytes_of(to) == before


def test_a_store_that_was_restored_from_a_copy_is_said_to_be_rewound(
    approving: Service, world: World, to: Path, now: int, tmp_path: Path
) -> None:
    submit(approving, now)
    work(approving, now)
    old = tmp_path / "old"
    with closing(sqlite3.connect(approving.store._path)) as db:
        old.mkdir()
        db.execute("VACUUM INTO ?", (str(old / "service.sqlite"),))
    submit(approving, now, "later")
    work(approving, now)
    export(approving, to)
    with closing(SqliteStore(old)) as store, pytest.raises(RewoundLogError, match="restoring the service from a copy"):
        copies.export(store, world.authority, to, patience=0)


def test_what_is_forgotten_is_in_no_copy_and_its_leaves_stay(
    approving: Service, world: World, to: Path, now: int
) -> None:
    submit(approving, now)
    work(approving, now)
    export(approving, to)
    work(approving, now + 30 * DAY)
    world.publish(now + 30 * DAY)
    assert export(approving, to) == Exported(leaves=2, records=0, passes=1, covered=2, without_leaf=0)
    assert "payload" not in lines(to / ISSUED)[0]


def test_a_sold_pass_of_the_ledger_is_copied_and_counted(approving: Service, world: World, to: Path, now: int) -> None:
    submit(approving, now)
    work(approving, now)
    sold = world.issue("sold", reason="groceries")
    assert export(approving, to) == Exported(leaves=2, records=1, passes=2, covered=2, without_leaf=1)
    assert sha256(sold.text.encode()).hexdigest() in [issued["payload"] for issued in lines(to / ISSUED)]


def test_passes_that_are_being_issued_are_waited_for(approving: Service, to: Path, now: int, monkeypatch: Any) -> None:
    """The ledger has them, and the store and the head not yet."""
    submit(approving, now)
    real, held = SqliteStore.record_issued, threading.Event()

    def record(*arguments: Any) -> None:
        assert held.wait(20)
        real(*arguments)

    def see(store: SqliteStore, passes: Any) -> Any:
        found = looked_up(store, passes)
        held.set()
        return found

    looked_up = SqliteStore.issuance_leaves
    monkeypatch.setattr(SqliteStore, "record_issued", record)
    monkeypatch.setattr(SqliteStore, "issuance_leaves", see)
    worker = Worker(approving, clock=lambda: now)
    worker.start()
    with closing(sqlite3.connect(approving.authority.ledger_path)) as db:
        while not db.execute("SELECT 1 FROM passes WHERE text IS NOT NULL").fetchall():
            time.sleep(0.01)
    assert export(approving, to, patience=20) == Exported(leaves=2, records=1, passes=1, covered=2, without_leaf=0)
    worker.stop()
    check_whole(to)


def test_it_may_run_while_the_service_works(approving: Service, to: Path, now: int) -> None:
    worker = Worker(approving)
    worker.start()
    for n in range(40):
        submit(approving, now, f"c{n}")
        if n % 10 == 9:
            assert export(approving, to, patience=20).without_leaf == 0
            check_whole(to)
    worker.stop()


@pytest.mark.parametrize("nth", range(1, 5))
def test_killed_anywhere_it_leaves_an_earlier_export_or_a_later_one(
    approving: Service, to: Path, now: int, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    submit(approving, now)
    work(approving, now)
    export(approving, to)
    submit(approving, now, "later")
    work(approving, now)
    keep, left = copies._NewFile.keep, [nth]

    def killed(one: copies._NewFile) -> None:
        left[0] -= 1
        if not left[0]:
            shutil.copytree(to, to.with_name("after"))  # what is on the disk at that moment
            raise KeyboardInterrupt
        keep(one)

    monkeypatch.setattr(copies._NewFile, "keep", killed)
    with pytest.raises(KeyboardInterrupt):
        export(approving, to)
    monkeypatch.undo()
    for folder in (to, to.with_name("after")):
        check_whole(folder)
        assert export(approving, folder).leaves == 4
        assert not list(folder.rglob("*.new"))


def test_a_folder_of_something_else_is_refused(approving: Service, to: Path, now: int) -> None:
    submit(approving, now)
    with pytest.raises(ExportError, match="no checkpoint of the log has been signed yet"):
        export(approving, to)
    work(approving, now)
    (to / "thesis.txt").write_text("x")
    with pytest.raises(ExportError, match=r"holds 'thesis.txt', which no export writes"):
        export(approving, to)
    (to / "thesis.txt").unlink()
    (to / "decisions").rmdir()
    (to / "decisions").write_text("x")
    with pytest.raises(ExportError, match="decisions"):
        export(approving, to)
    with pytest.raises(ExportError, match="can't write the copies"):
        export(approving, to / "decisions" / "below")


def test_two_exports_into_one_folder_are_refused(approving: Service, to: Path, now: int) -> None:
    submit(approving, now)
    work(approving, now)
    with copies._folder(to), pytest.raises(ExportError, match="another export"):
        export(approving, to)
