"""The collector: what was decided and issued is in the facts, once, whatever happens to the collector."""

import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.applications import ID_NUMBER, NAME, OFFICER, play_three, secrets_in

from movepass_service.service import Service
from movepass_service.statistics import collecting
from movepass_service.statistics.asking import Facts
from movepass_service.statistics.building import FactBuilder
from movepass_service.statistics.collecting import Collector, compact
from movepass_service.statistics.facts import FactsError, moment
from movepass_service.statistics.folder import STATE, facts_folder
from movepass_service.statistics.parts import Collected, FolderParts

KEY = b"k" * 32


def collector(service: Service) -> Collector:
    parts = FolderParts(facts_folder(service.store.folder))
    return Collector(service.store, parts, FactBuilder(KEY, service.rules))


def read_state(folder: Path) -> Collected:
    return FolderParts(folder).state()


def lines(service: Service) -> list[dict[str, Any]]:
    paths = sorted(facts_folder(service.store.folder).rglob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def played(service: Service, now: int) -> Service:
    play_three(service, now)
    return service


def totals(service: Service, now: int) -> tuple[Any, ...]:
    day = date.fromisoformat(moment(now).day)
    with Facts.open(facts_folder(service.store.folder)) as facts:
        answer = facts.ask("applications-by-hour", since=day - timedelta(days=1), until=day + timedelta(days=1))
    return tuple(sum(row[column] for row in answer.rows) for column in range(2, len(answer.report.columns)))


APPLIED_TO_EXPIRED = (3, 2, 1, 1, 0, 2, 1, 0)
"""Applied, approved, rejected, referred, corrections, issued, withdrawn, expired."""


def test_all_that_happened_is_in_a_report(played: Service, now: int) -> None:
    assert collector(played).collect(now + 900) > 0
    assert totals(played, now) == APPLIED_TO_EXPIRED
    state = read_state(facts_folder(played.store.folder))
    assert (state.position, state.complete_until) == (played.store.log_size(), now + 900)
    by_officer = [line for line in lines(played) if line.get("decided_by") == "officer"]
    assert [(line["outcome"], line["case_s"], line["waited_s"]) for line in by_officer] == [("reject", 595, 600)]
    assert {line["lane"] for line in lines(played)} == {"urgent", "ordinary"}


def test_collected_again_after_a_kill_nothing_counts_twice(played: Service, now: int) -> None:
    collector(played).collect(now + 900)
    (facts_folder(played.store.folder) / STATE).unlink()  # killed between the parts and the state
    collector(played).collect(now + 901)
    assert totals(played, now) == APPLIED_TO_EXPIRED


def test_what_comes_in_pieces_is_the_same(played: Service, now: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "PART_POSITIONS", 2)
    folder = facts_folder(played.store.folder)
    while read_state(folder).position < played.store.log_size():
        assert read_state(folder).complete_until is None
        collector(played).collect(now - 10**6)  # a clock set back: times are those of the log
    assert totals(played, now) == APPLIED_TO_EXPIRED
    assert collector(played).collect(now) == 0


def test_a_day_that_is_over_becomes_one_file_with_the_same_events(played: Service, now: int) -> None:
    folder = facts_folder(played.store.folder)
    collector(played).collect(now + 900)
    assert compact(folder, now) == 0, "the day is not over"
    parts = {path: path.read_bytes() for path in folder.rglob("*.jsonl")}
    assert compact(folder, now + 2 * 86400) >= 1
    assert list(folder.rglob("*.jsonl")) == []
    assert totals(played, now) == APPLIED_TO_EXPIRED
    for path, content in parts.items():  # killed before the parts were deleted
        path.write_bytes(content)
    assert totals(played, now) == APPLIED_TO_EXPIRED
    assert compact(folder, now + 2 * 86400) >= 1
    assert totals(played, now) == APPLIED_TO_EXPIRED


def test_nobody_is_in_the_facts(played: Service, now: int) -> None:
    collector(played).collect(now)
    written = json.dumps(lines(played), ensure_ascii=False)
    found = [played.store.find(reference) for reference in _references(played)]
    secrets = {NAME, ID_NUMBER, OFFICER, ID_NUMBER[-4:], *_references(played)}
    secrets |= {kept.pass_number for kept in found if kept and kept.pass_number}
    assert secrets_in(written, secrets) == []
    assert len({line["officer"] for line in lines(played) if "officer" in line}) == 1
    assert Counter(line["type"] for line in lines(played))["applied"] == 3


def test_a_store_from_a_copy_is_named(played: Service, now: int) -> None:
    folder = facts_folder(played.store.folder)
    collector(played).collect(now)
    (folder / STATE).write_bytes(Collected(position=10**6).to_bytes())
    with pytest.raises(FactsError, match="restored from a copy"):
        collector(played).collect(now)
    (folder / STATE).write_text("damaged")
    with pytest.raises(FactsError, match="move the facts away"):
        collector(played).collect(now)


def _references(service: Service) -> list[str]:
    size = service.store.log_size()
    records = [json.loads(record.text) for record in service.store.records(size)]
    return sorted({record["reference"] for record in records if "reference" in record})
