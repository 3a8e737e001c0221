"""Open statistics on the site: pages, downloads and the dictionary, all of what was published before."""

import csv
import io
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.facts import write_part
from support.open_world import SECRET, World
from support.sites import RunningSite, running_site

from movepass_service.statistics import engine
from movepass_service.statistics.facts import Fact
from movepass_service.statistics.folder import STATE, facts_folder
from movepass_service.statistics.open.kept import FOLDER, KeptDays
from movepass_service.statistics.open.publishing import day_end, publish
from movepass_service.statistics.open.running import open_statistics
from movepass_service.statistics.open.tables import BY_NAME, TABLES


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    with running_site(tmp_path_factory.mktemp("statistics")) as site:
        publish(World(3, 150, days=20), KeptDays.of(site.data), secret=SECRET)
        yield site


def test_pages_show_what_was_published_in_both_languages(site: RunningSite) -> None:
    english, bangla = (site.ask("GET", f"{prefix}/statistics").text for prefix in ("/en", ""))
    assert "Applications by district" in english
    assert "জেলা অনুযায়ী আবেদন" in bangla
    assert english.count("<svg") == 1
    assert "20 September 2026" in english
    for table in TABLES:
        answer = site.ask("GET", f"/en/statistics/{table.name}")
        assert answer.status == 200
        assert "Rounded" in answer.text or "rounded" in answer.text


def test_the_first_page_is_small_cacheable_and_needs_no_script(site: RunningSite) -> None:
    answer = site.ask("GET", "/statistics", headers={"Accept-Encoding": "gzip"})
    assert len(answer.body) < 6000
    assert answer.header("Cache-Control") == "public, max-age=60"
    tag = answer.header("ETag") or ""
    assert site.ask("GET", "/statistics", headers={"If-None-Match": tag}).status == 304


def test_a_download_is_the_published_days_byte_for_byte(site: RunningSite) -> None:
    for table in TABLES:
        answer = site.ask("GET", f"/en/statistics/{table.name}/csv")
        kept = sorted((site.data / FOLDER / table.name).glob("*.csv"))
        assert answer.body == b"day,result,group,count\n" + b"".join(path.read_bytes() for path in kept)
        assert answer.header("Content-Type") == "text/csv; charset=utf-8"


def test_every_published_group_has_its_codes_and_names(site: RunningSite) -> None:
    rows = list(csv.DictReader(io.StringIO(site.ask("GET", "/statistics-codes").text)))
    known = {(row["table"], row["code"]) for row in rows}
    assert all(row["name_bn"] and row["name_en"] for row in rows)
    for table in TABLES:
        text = site.ask("GET", f"/statistics/{table.name}/csv").text
        for row in csv.DictReader(io.StringIO(text)):
            assert {(table.name, code) for code in row["group"].split("+")} <= known


@pytest.mark.parametrize("path", ["/statistics/secrets", "/statistics/reasons?day=2020-01-01", "/statistics/../x/csv"])
def test_what_was_not_published_is_not_found(site: RunningSite, path: str) -> None:
    assert site.ask("GET", path).status == 404


def test_a_day_can_be_chosen(site: RunningSite) -> None:
    page = site.ask("GET", "/en/statistics/reasons?day=2026-09-05").text
    assert "5 September 2026" in page
    assert "day=2026-09-04" in page
    assert "day=2026-09-06" in page


def test_days_are_published_from_the_facts_beside_the_service(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    folder, day = facts_folder(tmp_path), date(2026, 11, 1)
    facts = [Fact("2026-11-01", "applied", n, 9, 0, reason="medical", from_district="dhaka") for n in range(30)]
    write_part(folder, facts)
    (folder / STATE).write_text(f'{{"complete_until": {day_end(day + timedelta(days=4))}}}')
    statistics = open_statistics(tmp_path, SECRET, every_s=3600)
    statistics.start()
    path = tmp_path / FOLDER / "reasons" / "2026-11-01.csv"
    give_up = time.monotonic() + 60
    while not path.exists() and time.monotonic() < give_up:
        time.sleep(0.02)
    statistics.stop()
    assert KeptDays(tmp_path).read(BY_NAME["reasons"], day).total == 30


def test_without_the_packages_nothing_is_published_and_nothing_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise engine.MissingExtraError("no DuckDB")

    monkeypatch.setattr(engine, "connect", missing)
    statistics = open_statistics(tmp_path, SECRET, every_s=3600)
    statistics.start()
    statistics.stop()
    assert not (tmp_path / FOLDER).exists()
