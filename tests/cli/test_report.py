"""The command `movepass report`: reports as table, CSV, JSON and picture; the shell, whose every use is in the log."""

import csv
import io
import json
import os
import pwd
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from support.month_of_facts import FIRST, write_month
from support.world import World

from movepass_service.service import Service
from movepass_service.statistics.folder import facts_folder
from movepass_service.statistics.reports import all_reports
from movepass_service.stores.sqlite.store import SqliteStore

from .conftest import Movepass

DAYS = ("--since", FIRST, "--until", FIRST + timedelta(days=1))
USER = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture(scope="module")
def data(template: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("duckdb")
    folder = tmp_path_factory.mktemp("reports")
    world = template.copy(folder)
    Service.open(folder / "service", world.authority.folder).close()
    write_month(facts_folder(folder / "service"), 800, days=2, posts=0.02)
    return folder / "service"


def test_the_list_has_every_report_with_its_question(movepass: Movepass) -> None:
    shown = movepass("report", "list")
    assert shown.code == 0
    rows = movepass("report", "list", "--json").rows
    assert [row["name"] for row in rows] == list(all_reports())
    for row in rows:
        assert f"{row['name']}: {row['question']['en']}" in shown.out
        assert row["question"]["bn"]


def test_a_report_as_table_csv_and_json_says_the_same(movepass: Movepass, data: Path) -> None:
    asked = ("report", "applications-by-hour", "--data", data, *DAYS)
    table, as_csv, as_json = (movepass(*asked, "--format", form) for form in ("table", "csv", "json"))
    assert [ran.code for ran in (table, as_csv, as_json)] == [0, 0, 0]
    rows = list(csv.DictReader(io.StringIO(as_csv.out)))
    assert [{name: str(value) for name, value in row.items()} for row in as_json.row["rows"]] == rows
    assert sum(int(row["applied"]) for row in rows) == 800
    title, head, *lines = table.out.splitlines()
    assert title.startswith("Applications and decisions by hour")
    assert head.split()[:3] == ["Day", "Hour", "Applications"]
    assert len(lines) == len(rows)
    assert "আবেদন" in movepass(*asked, "--language", "bn").out


def test_filters_choose_and_small_counts_are_hidden(movepass: Movepass, data: Path) -> None:
    asked = ("report", "time-to-decision", "--data", data, *DAYS, "--district", "panchagarh", "--format", "json")
    ran = movepass(*asked)
    assert ran.code == 0
    assert {row["decisions"] for row in ran.row["rows"]} == {"<10"}
    assert {row["median_s"] for row in ran.row["rows"]} == {"<10"}
    assert "hides counts under 10" in ran.err


def test_a_plot_is_a_whole_picture(movepass: Movepass, data: Path, tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    assert movepass("report", "quotas", "--data", data, *DAYS, "--plot", plot).code == 0
    root = ET.parse(plot).getroot()
    assert "Limits that refuse" in "".join(root.itertext())
    assert float(root.get("height") or "") > 0
    empty = movepass("report", "quotas", "--data", data, "--until", "2020-01-01", "--plot", tmp_path / "none.svg")
    assert (empty.code, empty.out) == (4, "")
    assert "nothing to draw" in empty.err
    assert not (tmp_path / "none.svg").exists()


def test_the_query_for_athena_is_printed(movepass: Movepass) -> None:
    ran = movepass("report", "revocations", *DAYS, "--district", "dhaka", "--athena")
    assert ran.code == 0
    assert "approx_percentile" in ran.out
    assert "from_district = 'dhaka'" in ran.out
    assert str(FIRST) in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing",), "no report 'nothing'; movepass report list shows them"),
        (("quotas",), "Missing option '--data'"),
        (("quotas", "--data", "{empty}"), "which movepass service run writes"),
        (("quotas", "--data", "{data}", "--since", "today"), "expected a day such as 2021-04-14, got 'today'"),
        (("quotas", "--data", "{data}", "--since", "2021-04-02", "--until", "2021-04-01"), "first day before the last"),
        (("quotas", "--data", "{data}", "--since", "2001-04-02"), "400 days at most"),
        (("quotas", "--data", "{data}", "--district", "atlantis"), "'atlantis' is not one of"),
        (("quotas", "--data", "{data}", "--lane", "urgent"), "--lane"),
        (("shell", "--data", "{data}", "--as", "Nobody"), "no officer 'Nobody'"),
    ],
)
def test_bad_input_is_said_in_one_line(
    movepass: Movepass, data: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    ran = movepass("report", *(argument.format(data=data, empty=tmp_path) for argument in arguments))
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert list(tmp_path.iterdir()) == []


def test_the_shell_answers_by_role_and_each_use_is_in_the_log(movepass: Movepass, data: Path) -> None:
    for name, role in (("Rumana Islam", "manager"), ("Farida Begum", "auditor"), ("Kamal Hossain", "officer")):
        assert movepass("service", "officer", "add", name, "--role", role, "--data", data).code == 0
    asked = ("report", "shell", "--data", data, *DAYS, "--as")
    events = "SELECT count(*) AS many FROM facts WHERE type = 'applied'"
    assert movepass(*asked, "Farida Begum", "--query", events, "--format", "json").row == {"many": 800}
    refused = movepass(*asked, "Rumana Islam", "--query", events)
    assert (refused.code, refused.out) == (2, "")
    piped = movepass(
        *asked, "Rumana Islam", "--format", "csv", given="SELECT sum(applied)\nFROM applications_by_hour;\n"
    )
    assert (piped.code, piped.out.splitlines()[1]) == (0, "800")
    stranger = movepass(*asked, "Kamal Hossain", "--query", "SHOW TABLES")
    assert stranger.code == 2
    assert "see-reports is for" in stranger.err
    with closing(SqliteStore(data, create=False)) as store:
        acts = [act for act in store.administration(20) if "statistics" in act["action"]]
    assert [(act["action"], act["actor"], act.get("query")) for act in reversed(acts)] == [
        ("open-statistics", f"console:{USER} as Farida Begum", None),
        ("query-statistics", f"console:{USER} as Farida Begum", events),
        ("open-statistics", f"console:{USER} as Rumana Islam", None),
        ("query-statistics", f"console:{USER} as Rumana Islam", events),
        ("open-statistics", f"console:{USER} as Rumana Islam", None),
        ("query-statistics", f"console:{USER} as Rumana Islam", "SELECT sum(applied)\nFROM applications_by_hour;"),
    ]
    assert json.dumps(acts)
    assert list(facts_folder(data).glob(".shell-*")) == []
