"""Reports at the desk: charts with their numbers, filters in the address, exports, small counts hidden."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree as ET

import pytest
from support.desks import DeskBrowser, RunningDesk, running_desk
from support.facts import write_part

from movepass_service.desk import reports as shown
from movepass_service.desk.words import words
from movepass_service.statistics import engine
from movepass_service.statistics.facts import Fact, moment
from movepass_service.statistics.folder import facts_folder
from movepass_service.statistics.hiding import HIDE, hide_small
from movepass_service.statistics.reports import Answer, Column, Report, all_reports

REPORT = "/reports/applications-by-hour"
LANGUAGES = ("bn", "en")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    pytest.importorskip("duckdb")
    with running_desk(tmp_path_factory.mktemp("reports")) as desk:
        day = moment(desk.now).day
        many = [Fact(day, "applied", n, 9, 0, reason="medical", from_district="dhaka") for n in range(1234)]
        few = [Fact(day, "applied", n, 9, 0, reason="burial", from_district="bhola") for n in range(2000, 2007)]
        write_part(facts_folder(desk.data), [*many, *few])
        yield desk


@pytest.fixture(scope="module")
def manager(desk: RunningDesk) -> DeskBrowser:
    return desk.signed_in("manager")


def test_a_manager_begins_with_the_reports(desk: RunningDesk, manager: DeskBrowser) -> None:
    assert manager.get("/en/").header("Location") == "/en/reports"
    page = manager.get("/en/reports").text
    assert "Applications and decisions by hour" in page
    assert "1241" in page
    assert page.count("<details><summary>Numbers") >= page.count("<svg") >= 1
    assert "১২৪১" in manager.get("/reports?period=week").text
    assert desk.signed_in("officer").get("/en/reports").status == 403


def test_a_rule_author_reads_no_report_about_officers(desk: RunningDesk, manager: DeskBrowser) -> None:
    author, path = desk.signed_in("rule-author"), "/en/reports/officers-load"
    assert "Refusals by rule" in (page := author.get("/en/reports").text)
    assert "Officers&#39; work" not in page
    assert author.get(path).status == author.get(f"{path}/export").status == 403
    assert "Officers&#39; work" in manager.get("/en/reports").text
    assert manager.get(path).status == manager.get(f"{path}/export").status == 200


def test_charts_are_whole_and_filters_are_in_the_address(manager: DeskBrowser) -> None:
    page = manager.get(f"/en{REPORT}?district=dhaka&reason=medical").text
    (svg,) = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert ET.fromstring(svg).get("role") == "img"
    assert '<option value="dhaka" selected>' in page
    assert ">1234<" in page


def test_small_counts_of_a_district_are_hidden_on_the_page_and_in_exports(manager: DeskBrowser) -> None:
    asked = "?district=bhola"
    page = manager.get(f"/en{REPORT}{asked}").text
    assert "under 10" in page
    assert "Counts under 10 are hidden" in page
    assert ">7<" not in page
    table = manager.get(f"/en{REPORT}/export{asked}&format=csv")
    assert table.header("Content-Type") == "text/csv; charset=utf-8"
    assert ",<10," in table.text
    rows = json.loads(manager.get(f"/en{REPORT}/export{asked}&format=json").body)["rows"]
    assert [row["applied"] for row in rows] == ["<10"]
    assert "attachment" in (table.header("Content-Disposition") or "")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{REPORT}?since=2026-13-01", 400),
        (f"{REPORT}?since=2026-11-02&until=2026-11-01", 400),
        (f"{REPORT}?since=2000-01-01", 400),
        (f"{REPORT}?district=atlantis", 400),
        (f"{REPORT}/export?format=exe", 400),
        (f"{REPORT}/export?since=x", 400),
        ("/reports/nothing", 404),
        ("/reports?period=century", 200),
        (f"{REPORT}?since=2026-11-01&until=2026-11-02", 200),
    ],
)
def test_bad_addresses_say_what_is_wrong(manager: DeskBrowser, path: str, status: int) -> None:
    for prefix in ("", "/en"):
        answer = manager.get(f"{prefix}{path}")
        assert answer.status == status, answer.text
        assert "<html" in answer.text


def test_without_the_packages_the_page_says_so(manager: DeskBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise engine.MissingExtraError("reports need DuckDB")

    monkeypatch.setattr(engine, "connect", missing)
    for path in ("/en/reports", f"/en{REPORT}"):
        answer = manager.get(path)
        assert answer.status == 200
        assert "not set up on this machine" in answer.text
    assert manager.get(f"/en{REPORT}/export").status == 503
    assert manager.get("/en/audit").status == 200


def test_a_report_that_fails_says_so(desk: RunningDesk, manager: DeskBrowser) -> None:
    part = next((facts_folder(desk.data) / "parts").glob("*/part.jsonl"))
    good = part.read_bytes()
    part.write_bytes(b"no facts\n")
    try:
        answer = manager.get("/en/reports")
        assert answer.status == 200
        assert "be made now" in answer.text
        assert manager.get(f"/en{REPORT}/export").status == 503
    finally:
        part.write_bytes(good)


def answer_of(columns: list[Column], rows: Sequence[tuple[object, ...]], **filters: str) -> Answer:
    report = Report("r", dict.fromkeys(LANGUAGES, "T"), dict.fromkeys(LANGUAGES, "Q?"), tuple(columns), (), "")
    return Answer(report, date(2026, 11, 1), date(2026, 11, 2), filters, tuple(rows), None)


def column(name: str, unit: str) -> Column:
    return Column(name, unit, {"bn": name, "en": name})


def test_times_and_shares_go_with_a_small_count_and_totals_stay() -> None:
    columns = [column("district", "district"), column("cases", "count"), column("median", "s"), column("part", "%")]
    rows = [("dhaka", 10, 60, 1.5), ("bhola", 9, 61, 2.5), ("feni", 0, None, None)]
    hidden = hide_small(answer_of(columns, rows))
    assert hidden == [rows[0], ("bhola", HIDE, HIDE, HIDE), rows[2]]
    columns[0] = column("lane", "text")
    assert hide_small(answer_of(columns, rows)) == rows
    assert hide_small(answer_of(columns, rows, reason="burial"))[1][1] == HIDE


def test_a_total_goes_with_a_hidden_part_of_it() -> None:
    columns = [column("district", "district"), column("checks", "count"), column("valid", "count"),
               column("forged", "count"), column("hours", "h")]  # fmt: skip
    found = answer_of(columns, [("dhaka", 57, 50, 7, 80), ("bhola", 70, 60, 10, 80), ("feni", 50, 50, 0, 80)])
    found = replace(found, report=replace(found.report, total="checks", parts=("valid", "forged")))
    hidden, *shown_rows = hide_small(found)
    assert hidden == ("dhaka", HIDE, 50, HIDE, HIDE)
    assert shown_rows == list(found.rows[1:])


def test_a_single_hour_is_bars_and_what_is_drawn_is_named() -> None:
    columns = [column("day", "day"), column("applied", "count"), column("issued", "count")]
    rows = [("2026-11-01", 20, 3)]
    made = shown.make_chart(words("en"), answer_of(columns, rows), rows)
    assert made
    assert made[0].labels == ("applied", "issued")
    assert made[0].series[0].values == (20, 3)
    more = [*rows, ("2026-11-02", 21, 4)]
    found = answer_of(columns, more)
    found = replace(found, report=replace(found.report, drawn=("issued",)))
    made = shown.make_chart(words("en"), found, more)
    assert made
    assert [one.name for one in made[0].series] == ["issued"]


def test_events_add_up_unless_a_number_is_hidden() -> None:
    columns = [column("day", "day"), column("applied", "count"), column("waiting", "count"), column("issued", "count")]
    rows = [("2026-11-01", 20, 1, 3), ("2026-11-02", 30, 2, None)]
    assert shown.add_rows(words("en"), answer_of(columns, rows), rows) == ["Total", "50", "", "3"]
    assert shown.add_rows(words("en"), answer_of(columns, rows), [*rows, ("all", 50, 3, 3)]) == []
    hidden = [("2026-11-01", HIDE, 1, 30), ("2026-11-02", 30, 2, 40)]
    assert shown.add_rows(words("en"), answer_of(columns, rows), hidden) == ["Total", "", "", "70"]


def test_a_sum_over_time_with_a_hidden_number_is_hidden() -> None:
    columns = [column("day", "day"), column("district", "district"), column("cases", "count")]
    rows = [("2026-11-01", "dhaka", 20), ("2026-11-02", "dhaka", 30), ("2026-11-01", "bhola", 40),
            ("2026-11-02", "bhola", 3)]  # fmt: skip
    found = answer_of(columns, rows)
    made = shown.make_chart(words("en"), found, hide_small(found))
    assert made
    assert made[0].labels == ("Dhaka", "Bhola")
    assert made[0].series[0].values == (50, None)
    assert "under 10" in made[1]


def test_every_report_has_words_for_its_units_in_both_languages() -> None:
    values = {"count": 3, "s": 4000, "h": 4, "%": 1.25, "hour": 9, "day": "2026-11-01", "district": "dhaka",
              "reason": "other", "text": "approve"}  # fmt: skip
    for report in all_reports().values():
        for one in report.columns:
            for language in ("bn", "en"):
                assert shown.write_value(words(language), one, values[one.unit])


def test_a_page_of_reports_writes_times_to_the_minute() -> None:
    assert shown.write_value(words("en"), column("x", "s"), 42) == "42 seconds"
    assert shown.write_value(words("en"), column("x", "s"), 3700) == "1 h 1 min"
