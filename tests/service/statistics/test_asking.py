"""Questions about facts in a folder."""

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from support.facts import write_part

from movepass_service.statistics import engine
from movepass_service.statistics.asking import Facts
from movepass_service.statistics.facts import APPLIED, DECIDED, SCHEMA_VERSION, Fact, FactsError, QuestionError
from movepass_service.statistics.folder import day_path
from movepass_service.statistics.reports import all_reports

DAY = date(2021, 4, 14)


def applied(event: int, hour: int = 9, **more: str) -> Fact:
    return Fact("2021-04-14", APPLIED, event, hour, 0, **more)  # type: ignore[arg-type] # texts alone


def test_an_empty_folder_answers_with_no_rows(tmp_path: Path) -> None:
    with Facts.open(tmp_path / "statistics") as facts:
        answer = facts.ask("applications-by-hour", since=DAY, until=DAY)
    assert (answer.rows, answer.complete_until, answer.rebuilt) == ((), None, ())


def test_events_that_come_twice_count_once(tmp_path: Path) -> None:
    write_part(tmp_path, [applied(1), applied(2), applied(2), applied(3, hour=23)], "a")
    decided = Fact("2021-04-14", DECIDED, 2, 9, 1, outcome="approve")  # the same number, of another type
    write_part(tmp_path, [applied(3, hour=23), decided], "b")
    with Facts.open(tmp_path) as facts:
        answer = facts.ask("applications-by-hour", since=DAY, until=DAY)
    assert [row[:4] for row in answer.rows] == [("2021-04-14", 9, 2, 1), ("2021-04-14", 23, 1, 0)]


def test_filters_choose(tmp_path: Path) -> None:
    write_part(tmp_path, [applied(1, from_district="dhaka"), applied(2, from_district="bogura")])
    with Facts.open(tmp_path) as facts:
        answer = facts.ask("applications-by-hour", since=DAY, until=DAY, filters={"district": "dhaka"})
    assert [row[2] for row in answer.rows] == [1]


@pytest.mark.parametrize(
    ("name", "since", "filters", "message"),
    [
        ("no-such", DAY, {}, "no report 'no-such'"),
        ("applications-by-hour", date(2021, 4, 15), {}, "before the last"),
        ("applications-by-hour", date(2019, 4, 15), {}, "400 days at most"),
        ("applications-by-hour", DAY, {"colour": "red"}, "no filter 'colour'"),
        ("applications-by-hour", DAY, {"district": "x' OR ''='"}, "district: expected one of"),
    ],
)
def test_questions_that_can_not_be_asked(
    tmp_path: Path, name: str, since: date, filters: dict[str, str], message: str
) -> None:
    with Facts.open(tmp_path) as facts, pytest.raises(QuestionError, match=message):
        facts.ask(name, since=since, until=DAY, filters=filters)


def test_a_damaged_day_is_said_in_one_line(tmp_path: Path) -> None:
    path = day_path(tmp_path, "2021-04-14")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no parquet")
    with Facts.open(tmp_path) as facts, pytest.raises(FactsError) as raised:
        facts.ask("applications-by-hour", since=DAY, until=DAY)
    assert str(raised.value) == f"{path} can't be read; restore it from a copy"


def test_a_day_of_another_version_is_refused(tmp_path: Path) -> None:
    path = day_path(tmp_path, "2021-04-14")
    path.parent.mkdir(parents=True)
    with closing(engine.connect()) as db:
        db.execute(f"COPY (SELECT 1 AS hour) TO '{path}' (FORMAT parquet, KV_METADATA {{{engine.VERSION_KEY}: '9'}})")
    with (
        Facts.open(tmp_path) as facts,
        pytest.raises(FactsError, match=f"facts of version 9; this software reads {SCHEMA_VERSION}"),
    ):
        facts.ask("applications-by-hour", since=DAY, until=DAY)


@pytest.mark.parametrize("day", [date.min, date.max])
@pytest.mark.parametrize("name", list(all_reports()))
def test_days_at_the_ends_of_the_calendar_are_refused(tmp_path: Path, name: str, day: date) -> None:
    with Facts.open(tmp_path) as facts, pytest.raises(QuestionError, match="days from"):
        facts.ask(name, since=day, until=day)
