"""Every report against a naive reading of the same events, of a seeded month."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.facts import write_part
from support.month_of_facts import DAYS, FIRST, MANY, write_month
from support.naive_reports import REPORTS, answer_all

from movepass_service.statistics import engine
from movepass_service.statistics.asking import Facts
from movepass_service.statistics.facts import DICTIONARY, Fact, hour_number
from movepass_service.statistics.folder import list_days
from movepass_service.statistics.reports import all_reports
from movepass_wire.times import DHAKA

LAST = FIRST + timedelta(days=DAYS - 1)
_AT_ONCE = 50_000
_ROUND = 9
"""Digits of shares that are compared: sums of the engine and of Python differ in the last ones."""
SMALL, SMALL_DAYS = 1500, 8


def events(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Go through all events in a folder."""
    with closing(engine.connect()) as db:
        cursor = db.execute(engine.facts_query(list_days(folder)))
        names = list(DICTIONARY)
        while rows := cursor.fetchmany(_AT_ONCE):
            yield from (dict(zip(names, row, strict=True)) for row in rows)


def rounded(rows: Any) -> set[tuple[Any, ...]]:
    return {tuple(round(value, _ROUND) if isinstance(value, float) else value for value in row) for row in rows}


def compare(folder: Path, since: date, until: date, filters: Mapping[str, str], columns: Mapping[str, str]) -> int:
    """Compare all reports that take a filter; returns how many."""
    expected = answer_all(events(folder), since, until, columns)
    compared = 0
    with Facts.open(folder) as facts:
        for name, report in all_reports().items():
            by_name = {one.name: one.column for one in report.parameters}
            if {by_name.get(key): value for key, value in filters.items()} != dict(columns):
                continue
            rows = facts.ask(name, since=since, until=until, filters=filters).rows
            assert len(rows) == len(rounded(rows)), name
            assert rounded(rows) == rounded(expected[name]), name
            compared += 1
    return compared


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("month")
    write_month(folder, SMALL, days=SMALL_DAYS, posts=0.02)
    return folder


def test_every_report_has_a_naive_reading() -> None:
    assert all_reports().keys() == REPORTS


def test_reports_of_all_days_are_what_a_naive_reading_says(small: Path) -> None:
    assert compare(small, FIRST, FIRST + timedelta(days=SMALL_DAYS - 1), {}, {}) == len(REPORTS)


@pytest.mark.parametrize(
    ("filters", "columns", "least"),
    [
        ({}, {}, 15),
        ({"district": "dhaka"}, {"from_district": "dhaka"}, 8),
        ({"district": "dhaka"}, {"district": "dhaka"}, 1),
        ({"reason": "medical"}, {"reason": "medical"}, 9),
        ({"lane": "urgent"}, {"lane": "urgent"}, 1),
        ({"from": "dhaka", "to": "gazipur"}, {"from_district": "dhaka", "to_district": "gazipur"}, 2),
        ({"from": "gazipur", "reason": "other"}, {"from_district": "gazipur", "reason": "other"}, 1),
    ],
)
def test_days_in_the_middle_and_filters_too(
    small: Path, filters: dict[str, str], columns: dict[str, str], least: int
) -> None:
    """Cases and passes that began before the first day count, and publications of the day after the last one."""
    assert compare(small, FIRST + timedelta(days=5), FIRST + timedelta(days=6), filters, columns) >= least


def test_what_crosses_midnight_counts_and_what_is_older_does_not_disturb(tmp_path: Path) -> None:
    """A case of three days ago, one of before all days that are read, and publications at and after midnight."""
    day, before, after = "2021-04-14", "2021-04-11", "2021-04-15"
    noon = hour_number(int(datetime(2021, 4, 11, 12, tzinfo=DHAKA).timestamp()))
    late = int(datetime(2021, 4, 14, 23, 50, tzinfo=DHAKA).timestamp())
    write_part(
        tmp_path,
        [
            Fact(before, "decided", 1, 12, 0, lane="urgent", outcome="refer", case_opens=noon),
            Fact(day, "decided", 2, 2, 0, lane="urgent", outcome="approve", case_opened=noon, decided_by="officer"),
            Fact(
                day, "decided", 3, 1, 0, lane="urgent", outcome="approve", case_opened=noon - 99, decided_by="officer"
            ),
            Fact(day, "revoked", 1, 23, 49, outcome="revoke", at_s=late, noted_s=60, starts=noon, hours=1),
            Fact(day, "revoked", 2, 23, 40, outcome="revoke", at_s=late - 600, noted_s=5, starts=noon, hours=1),
            Fact(day, "published", 1, 23, 40, at_s=late - 600),
            Fact(after, "published", 2, 0, 5, at_s=late + 900),
        ],
    )
    with Facts.open(tmp_path) as facts:
        wanted = date.fromisoformat(day)
        waiting = facts.ask("cases-waiting", since=wanted, until=wanted).rows
        revoked = facts.ask("revocations", since=wanted, until=wanted).rows
    assert waiting[:3] == (
        (day, 0, 1, 1, 61 * 3600, 61 * 3600), (day, 1, 1, 1, 62 * 3600, 62 * 3600), (day, 2, 0, 0, None, None),
    )  # fmt: skip
    assert revoked == tuple((name, 2, 2, 5, 960, 960, 960) for name in ("all", "revoke"))


@pytest.mark.slow
def test_three_million_applications_are_what_a_naive_reading_says(tmp_path: Path) -> None:
    write_month(tmp_path, int(os.environ.get("APPLICATIONS", MANY)))
    assert compare(tmp_path, FIRST, LAST, {}, {}) == len(REPORTS)
