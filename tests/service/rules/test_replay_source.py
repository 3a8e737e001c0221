"""What the store recorded is what a replay gets, in one process and in several."""

import asyncio
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.trips import HOUR, NOW, decide, submit, trip

from movepass_service.decisions.records import Decision
from movepass_service.errors import StoreError
from movepass_service.rules import RuleSet, default_rules
from movepass_service.rules.columns import COLUMNS
from movepass_service.rules.replay import Change, PastApplication, replay
from movepass_service.stores.sqlite.replay_source import read_past, replay_past
from movepass_service.stores.sqlite.store import FILE, SqliteStore

STRICT = RuleSet.from_toml(default_rules().table.source.replace("{ at_least = 3 }", "{ at_least = 1 }"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path)
    yield opened
    opened.close()


def past(folder: Path) -> dict[str, PastApplication]:
    return {application.reference: application for application in read_past(folder)}


def test_an_application_is_read_as_it_was_decided(store: SqliteStore, tmp_path: Path) -> None:
    submit(store, "R1", trip("1990123456", NOW + 2 * HOUR), NOW)
    submit(store, "R2", trip("1990123456", NOW + 4 * HOUR), NOW + 1)
    submit(store, "R3", trip(None, NOW + 4 * HOUR), NOW + 2)
    decide(store, NOW + 9)
    first, second, third = past(tmp_path).values()
    assert (first.reference, first.came, first.not_before) == ("R1", NOW, NOW + 2 * HOUR)
    assert (first.decided.action, first.decided.row, first.got_pass) == ("approve", "within-limits", True)
    facts = dict(zip(COLUMNS, second.facts, strict=True))
    assert (facts["passes_today"], facts["overlaps"], facts["lead_minutes"]) == (1, False, 239)
    assert (third.person, third.decided.code, third.got_pass) == (None, "missing-input", False)
    assert first.person == second.person


def test_a_withdrawn_pass_is_released_when_it_was_withdrawn(store: SqliteStore, tmp_path: Path) -> None:
    submit(store, "R1", trip("1990123456", NOW + 2 * HOUR), NOW)
    submit(store, "R2", trip("1990123456", NOW + 2 * HOUR), NOW)
    decide(store, NOW)
    withdrawal = Decision("withdraw", "applicant", "withdrawn", {})
    asyncio.run(store.change("R1", withdrawal, NOW + 5))
    submit(store, "R3", trip("1990123456", NOW + 2 * HOUR), NOW + 6)
    decide(store, NOW + 7)
    found = past(tmp_path)
    assert (found["R1"].released, found["R3"].released) == (NOW + 5, None)
    assert [application.decided.row for application in found.values()] == [
        "within-limits",
        "one-direction",
        "within-limits",
    ]
    result, changes = replay_past(tmp_path, default_rules())
    assert (result.applications, result.changed, changes) == (3, 0, [])


def test_what_an_officer_approved_has_a_pass(store: SqliteStore, tmp_path: Path) -> None:
    submit(store, "R1", trip(None, NOW + 2 * HOUR), NOW)
    decide(store, NOW)
    store.decide_case("R1", Decision("approve", "console:x as y", "approved-by-officer", {}), NOW + 1)
    (found,) = past(tmp_path).values()
    assert (found.decided.action, found.got_pass) == ("refer", True)


def test_a_corrected_application_is_read_as_it_is_now(store: SqliteStore, tmp_path: Path) -> None:
    submit(store, "R1", trip("1990123456", NOW + 2 * HOUR, seconds=4 * HOUR), NOW)
    decide(store, NOW)
    asyncio.run(store.correct("R1", b"new", trip("1990123456", NOW + 2 * HOUR), NOW + 5))
    decide(store, NOW + 6)
    (found,) = read_past(tmp_path)
    assert (found.decided.row, found.not_after - found.not_before) == ("within-limits", HOUR)


def test_a_record_of_before_a_column_lacks_it(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("movepass_service.issuing.deciding.COLUMNS", {"reason": COLUMNS["reason"]})
    submit(store, "R1", trip("1990123456", NOW + 2 * HOUR), NOW)
    decide(store, NOW)
    (found,) = read_past(tmp_path)
    assert dict(zip(COLUMNS, found.facts, strict=True)) == dict.fromkeys(COLUMNS) | {"reason": "groceries"}


def test_persons_shared_among_processes_give_the_same(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(16)
    for number in range(120):
        person = chance.choice([None, *(f"19901234{n}" for n in range(50, 65))])
        submit(store, f"R{number}", trip(person, NOW + chance.randint(1, 60) * HOUR), NOW + number)
    decide(store, NOW + 200)
    expected: list[Change] = []
    whole = replay(STRICT, read_past(tmp_path), on_change=expected.append)
    assert len(expected) > 10
    assert all(0 < sum(1 for _ in read_past(tmp_path, share, 2)) < 120 for share in range(2))
    monkeypatch.setattr("movepass_service.stores.sqlite.replay_source._ALONE_MAX", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    shared, changes = replay_past(tmp_path, STRICT)
    assert (shared.pairs, changes) == (whole.pairs, expected)
    assert replay_past(tmp_path, STRICT, changes_max=5)[1] == expected[:5]


@pytest.mark.parametrize("content", [b"no database at all, and longer than its header" * 10, None])
def test_a_store_that_cannot_be_read_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    if content:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(StoreError, match="can't read"):
        replay_past(tmp_path, default_rules())


def test_it_does_not_write(store: SqliteStore, tmp_path: Path) -> None:
    submit(store, "R1", trip("1990123456", NOW + 2 * HOUR), NOW)
    decide(store, NOW)
    with sqlite3.connect(tmp_path / FILE) as db:
        before = db.execute("SELECT total_changes(), data_version FROM pragma_data_version").fetchone()
        replay_past(tmp_path, default_rules())
        after = db.execute("SELECT total_changes(), data_version FROM pragma_data_version").fetchone()
    assert before == after
