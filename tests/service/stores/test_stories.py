"""Every store tells the same story, and the same facts come of it."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.applications import secrets_in
from support.played import NOW, RULES, TOLD, by_rules, note_all, play, put, secrets_of, summary

from movepass_service.statistics.building import FactBuilder, NameEvent, name_by_hash, name_by_position
from movepass_service.statistics.collecting import Collector
from movepass_service.statistics.facts import Fact, FactsError, hour_number, read_line
from movepass_service.statistics.parts import FolderParts
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.sqlite.store import SqliteStore

from .test_dynamodb import Followed

KEY = b"k" * 32
HOUR_NOW = hour_number(NOW)


@pytest.fixture(params=["sqlite", "dynamodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "sqlite":
        made: Any = SqliteStore(tmp_path / "service")
    else:
        client, table = request.getfixturevalue("client"), request.getfixturevalue("table")
        made = Followed(table, client=client)
    with closing(made):
        yield made


def collector(store: Any, folder: Path) -> Collector:
    name: NameEvent = name_by_hash(KEY) if isinstance(store, DynamoDbStore) else name_by_position
    return Collector(store, FolderParts(folder), FactBuilder(KEY, lambda _: RULES, name))


def facts_in(folder: Path) -> list[Fact]:
    """Return each event once, of its highest revision."""
    paths = sorted(folder.rglob("*.jsonl"))
    found: dict[tuple[str, int], Fact] = {}
    for fact in (read_line(line) for path in paths for line in path.read_text("utf-8").splitlines()):
        before = found.setdefault((fact.type, fact.event), fact)
        assert replace(before, revision=fact.revision, at_s=fact.at_s, noted_s=fact.noted_s) == fact
        if fact.revision > before.revision:
            found[fact.type, fact.event] = fact
    return list(found.values())


def test_all_that_happens_is_told_once_and_nobody_is_in_it(store: Any, tmp_path: Path) -> None:
    play(store)
    folder = tmp_path / "facts"
    while collector(store, folder).collect(NOW + 86400):
        pass
    facts = facts_in(folder)
    assert Counter(map(summary, facts)) == Counter(TOLD)
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file()).decode()
    assert secrets_in(written, secrets_of(store)) == []


def test_waits_for_officers_begin_and_end(store: Any, tmp_path: Path) -> None:
    play(store)
    collector(store, tmp_path / "facts").collect(NOW + 86400)
    facts = facts_in(tmp_path / "facts")
    opens = Counter(fact.case_opens for fact in facts if fact.case_opens)
    assert opens == {HOUR_NOW: 3}
    closed = Counter((fact.type, fact.case_opened) for fact in facts if fact.case_opened)
    assert closed == {("decided", HOUR_NOW): 2, ("expired", HOUR_NOW): 1}
    officers = {(fact.type, fact.outcome): (fact.officer, fact.other_officer) for fact in facts if fact.officer}
    asma, ruma = officers["decided", "reject"]
    nasrin = officers["revoked", "revoke"][0]
    assert officers["looked", "disagreed"] == (ruma, asma)
    assert officers["looked", "reversed"] == (nasrin, asma)
    assert len({asma, ruma, nasrin, None}) == 4


def test_what_was_taken_away_is_told_again_once_the_issuer_has_noted_it(store: Any, tmp_path: Path) -> None:
    play(store)
    folder = tmp_path / "facts"
    collector(store, folder).collect(NOW + 86400)

    def noted() -> dict[str | None, tuple[int, int | None, int | None]]:
        revoked = [fact for fact in facts_in(folder) if fact.type == "revoked"]
        assert {(fact.starts, fact.hours) for fact in revoked} == {(HOUR_NOW + 1, 3)}, "trips begin in an hour"
        return {fact.outcome: (fact.revision, fact.at_s, fact.noted_s) for fact in revoked}

    waiting = (0, None, None)
    assert noted() == {"withdraw": (1, NOW + 606, 6), "revoke": waiting, "replaced": waiting}
    assert FolderParts(folder).state().noted == 0
    assert collector(store, folder).collect(NOW + 86400) == 0, "the issuer has not noted all of it"
    note_all(store)
    assert collector(store, folder).collect(NOW + 86400) == 3
    assert noted() == {
        "withdraw": (1, NOW + 606, 6), "revoke": (1, NOW + 1871, 371), "replaced": (1, NOW + 1871, 11),
    }  # fmt: skip
    assert FolderParts(folder).state().noted == store.log_size()
    assert collector(store, folder).collect(NOW + 86400) == 0


def test_a_store_that_is_not_the_one_that_was_read_is_named(store: Any, tmp_path: Path) -> None:
    play(store)
    parts = FolderParts(tmp_path / "facts")
    collector(store, tmp_path / "facts").collect(NOW)
    state = parts.state()
    for other in (replace(state, position=10**6), replace(state, leaf="0" * 64)):
        parts.write_state(other)
        with pytest.raises(FactsError, match="restored from a copy"):
            collector(store, tmp_path / "facts").collect(NOW)


def test_what_waits_for_the_rules_is_counted_as_soon_as_it_came(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "service")) as store:
        put(store, 0, "medical")
        folder = tmp_path / "facts"
        assert collector(store, folder).collect(NOW + 1) == 1
        assert collector(store, folder).collect(NOW + 2) == 0
        store.decide_next(9, lambda kept, _: by_rules("approve", kept), NOW + 60)
        collector(store, folder).collect(NOW + 61)
        assert [fact.type for fact in facts_in(folder)] == ["applied", "decided"]
        assert json.loads((folder / "state.json").read_text("utf-8"))["complete_until"] == NOW + 61
