"""Bring facts into the statistics by command, and see them there."""

from pathlib import Path

import pytest
from support.applications import APPROVE_ALL, submit, use_rules, work
from support.world import World

from movepass_service.service import Service
from movepass_service.statistics import engine
from movepass_service.statistics.facts import moment
from movepass_service.statistics.folder import facts_folder, list_days, reading

from .conftest import Field, Movepass

POST = ("--post", "Gabtoli 7", "--district", "dhaka")


@pytest.fixture
def data(world: World, tmp_path: Path) -> Path:
    folder = tmp_path / "service"
    Service.open(folder, world.authority.folder).close()
    return folder


def scans(data: Path) -> dict[str, int]:
    """Return how often each verdict was counted."""
    with reading(facts_folder(data)), engine.connect() as db:
        query = engine.facts_query(list_days(facts_folder(data)))
        counted = f"SELECT verdict, sum(scans) FROM ({query}) WHERE type = 'counted' GROUP BY verdict"
        return {verdict: int(count) for verdict, count in db.execute(counted).fetchall()}


def test_what_a_device_counted_is_taken_in_once(movepass: Movepass, field: Field, data: Path, tmp_path: Path) -> None:
    for text in (field.text, "nothing"):
        movepass("verify", "--store", field.device, text)
    files = []
    for name, options in (("a.csv", ()), ("a.jsonl", ("--json",))):
        exported = movepass("journal", "--store", field.device, "export", *options).out
        files.append(tmp_path / name)
        files[-1].write_text(exported, "utf-8")
    rows = movepass("journal", "--store", field.device, "export", "--json").rows
    first = movepass("service", "counts", files[0], "--data", data, *POST, "--json")
    assert (first.code, first.row["counts"], first.row["new"]) == (0, len(rows), len(rows))
    again = movepass("service", "counts", *files, "--data", data, *POST)
    assert again.out == f"Gabtoli 7, device 1: {len(rows)} counts, 0 of them new or higher than before\n"
    assert sum(scans(data).values()) == sum(row["scans"] for row in rows)


def test_what_is_no_export_is_refused_in_one_line(movepass: Movepass, data: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "post.csv"
    wrong.write_text("name,id\nRahima,4856\n", "utf-8")
    ran = movepass("service", "counts", wrong, "--data", data, *POST)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert f"{wrong}: line 1: expected the heading hour,outcome,verdict" in ran.err
    for given, said in (
        ((tmp_path / "none.csv", "--data", data, *POST), "can't read"),
        ((wrong, "--data", tmp_path / "none", *POST), "is no service's folder"),
        ((wrong, "--data", data, "--post", "7", "--district", "Paris"), "one of the 64 districts"),
    ):
        refused = movepass("service", "counts", *given)
        assert refused.code != 0
        assert said in refused.err
    assert not facts_folder(data).exists()


def test_a_lost_day_is_built_again(movepass: Movepass, world: World, data: Path) -> None:
    yesterday = world.now - 86400
    with Service.open(data, world.authority.folder) as service:
        use_rules(service, APPROVE_ALL, yesterday)
        submit(service, yesterday)
        work(service, yesterday)
    day = moment(yesterday).day
    ran = movepass("service", "rebuild", day, "--data", data, "--authority", world.authority.folder, "--json")
    assert (ran.code, ran.row) == (0, {"day": day, "facts": 3, "forgotten": 0})
    again = movepass("service", "rebuild", day, "--data", data, "--authority", world.authority.folder)
    assert again.out == f"{day}: 3 facts, 0 of them decisions of which only the time is known\n"
    today = movepass("service", "rebuild", "2050-01-01", "--data", data, "--authority", world.authority.folder)
    assert today.code == 2
    assert "is not over" in today.err
