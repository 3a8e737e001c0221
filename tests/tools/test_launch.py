"""April 2021 at the gate: a short version of the simulation, and that its page and its costs are whole."""

from pathlib import Path

import pytest
from launch import report, scaling
from launch.crowd import SCENARIOS, Crowd, Scenario
from launch.handlers import Visit, measure
from launch.replay import MINUTES, peak, total
from launch.scaling import Launch
from scale.assumptions import APPLICATIONS_A_MINUTE, APPLICATIONS_FIRST_HOUR, REPORTED

PAGE = Path(__file__).parents[2] / "docs" / "admission.md"
SMALL = 400


def test_programs_that_never_come_delay_no_urgent_person_beyond_the_bound() -> None:
    scenario = Scenario("short", bots=50_000, solves=True, urgent=1.0, hours=1)
    seen = Crowd(scenario, scale=SMALL).play()
    assert len(seen.waits[True]) > 100
    assert seen.broken == 0
    assert seen.flood_s > 0


def test_the_same_seed_plays_the_same() -> None:
    one, other = (Crowd(Scenario("people", hours=0.5), scale=SMALL).play() for _ in range(2))
    assert one == other
    assert one.kept >= 0.98 * one.told > 0


def test_urgent_people_enter_within_the_bound_while_programs_claim_to_be_urgent() -> None:
    scenario = Scenario("short", bots=50_000, every_s=600, solves=True, comes=1.0, urgent=1.0, hours=1)
    seen = Crowd(scenario, scale=SMALL).play()
    assert len(seen.waits[True]) > 100
    assert seen.broken == 0


def test_every_handler_is_measured_and_every_part_has_its_need(tmp_path: Path) -> None:
    measured = measure(tmp_path, 20)
    assert all(value > 0 for value in measured.ms.values())
    (visit,) = measured.visits
    assert visit.kept >= 4, "two pages, a style and a script at least"
    assert visit.asked == 4
    assert visit.bytes_unchanged < visit.bytes_status < visit.bytes_whole < 100_000
    launch = Launch.of(measured.ms, visit)
    for part in (*scaling.ours(launch), *scaling.seed(launch)):
        assert 0 < part.pages <= part.status or part.name.startswith("CloudFront")
        assert part.source.startswith("[")


VISIT = Visit(kept=5, asked=4, bytes_whole=26_000, bytes_page=1800, bytes_status=4300, bytes_unchanged=500)


def test_what_was_reported_is_replayed_whole() -> None:
    launch = Launch.of(dict.fromkeys(MEASURED, 1.0), VISIT)
    for minutes in (launch.ours, launch.theirs):
        assert len(minutes) == MINUTES
        for what in ("arrived", "entered"):
            assert total(minutes, what) == pytest.approx(REPORTED[-1].applications)
        hits = total(minutes, "kept") + total(minutes, "refreshes") + VISIT.asked * total(minutes, "arrived")
        assert hits == pytest.approx(REPORTED[-1].hits)
        assert sum(minute.arrived for minute in minutes[:60]) == pytest.approx(APPLICATIONS_FIRST_HOUR)
        assert peak(minutes, "arrived") == APPLICATIONS_A_MINUTE / 60
    assert peak(launch.ours, "entered") == 200
    assert peak(launch.theirs, "entered") == 250


MEASURED = ("check page", "place in line", "send", "status", "status, unchanged", "decide", "seal, issue")


def test_the_page_has_every_scenario_and_every_part() -> None:
    page = PAGE.read_text()
    for scenario in SCENARIOS:
        assert f"| {scenario.name} |" in page
    launch = Launch.of(dict.fromkeys(MEASURED, 1.0), VISIT)
    for name in [part.name for part in (*scaling.ours(launch), *scaling.seed(launch))]:
        assert f"| {name} |" in page
    assert report.costs(launch).count("|") > 20
