"""Counting the open tables in facts, as the collector writes them."""

from datetime import date
from pathlib import Path

import pytest
from support.facts import write_part

from movepass_service.statistics.facts import Fact
from movepass_service.statistics.open.counting import FactsCounts, divide_applications, divide_scans
from movepass_service.statistics.open.tables import ALL, BY_NAME, NOT_PASSED, PASSED

pytest.importorskip("duckdb")
DAY = date(2026, 11, 20)


def fact(event: int, type_: str, day: str, hour: int, minute: int, **more: object) -> Fact:
    return Fact(day, type_, event, hour, minute, reason="medical", from_district="dhaka", **more)  # type: ignore[arg-type]


def test_a_pass_counts_with_the_day_of_its_application(tmp_path: Path) -> None:
    facts = [fact(n, "applied", "2026-11-20", 23, 50) for n in range(12)]
    facts += [fact(n, "issued", "2026-11-20", 23, 50, waited_s=5) for n in range(4)]
    facts += [fact(n, "issued", "2026-11-21", 0, 5, waited_s=900) for n in range(4, 7)]
    facts += [
        fact(7, "issued", "2026-11-21", 0, 20, waited_s=60),
        fact(8, "issued", "2026-11-20", 23, 59, correction=1),
    ]
    facts += [
        fact(n, "decided", "2026-11-20", 23, 50, decided_by="rules", outcome=outcome, waited_s=3)
        for n, outcome in enumerate(["approve"] * 7 + ["reject"] * 2 + ["refer"] * 3)
    ]
    write_part(tmp_path, facts)
    counts = FactsCounts(tmp_path)
    assert counts.first_day() == DAY
    assert counts.complete_until() == 0
    reasons = counts.count(BY_NAME["reasons"], DAY)
    assert (reasons[PASSED]["medical"], reasons[NOT_PASSED]["medical"]) == (7, 5)
    waits = counts.count(BY_NAME["waits"], DAY)
    assert (waits[PASSED]["below-1m"], waits[PASSED]["below-1h"], waits[NOT_PASSED][ALL]) == (4, 3, 5)
    assert counts.count(BY_NAME["deciders"], DAY)[ALL] == {"rules": 9, "not-rules": 3}
    counts.close()


def test_all_tables_divide_the_same_applications_whatever_the_facts_are() -> None:
    applied = [("medical", "dhaka", 5), (None, "nowhere", 3), ("unknown", "bhola", 2)]
    made = divide_applications(applied, [("medical", "dhaka", 10, 7), ("burial", "dhaka", None, 1)], by_rules=99)
    totals = {name: sum(sum(leaves.values()) for leaves in by.values()) for name, by in made.items()}
    assert set(totals.values()) == {10}
    passed = {name: sum(made[name][PASSED].values()) for name in ("reasons", "districts", "waits")}
    assert set(passed.values()) == {5}
    assert made["reasons"][NOT_PASSED]["other"] == 5


def test_scans_count_once_whatever_was_shown_before() -> None:
    made = divide_scans([("valid", 100, 4), ("expired", 3, 0), ("forged", 2, 2), ("stale", 1, 0)])
    assert made == {"valid": 96, "shown-before": 4, "not-now": 3, "forged": 2, "other": 1}
