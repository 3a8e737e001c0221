"""April 2021 at the gate: a short version of the simulation, and that its page and its costs are whole."""

from pathlib import Path

from launch import report, scaling
from launch.crowd import SCENARIOS, Crowd, Scenario
from launch.handlers import measure

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


def test_every_handler_is_measured_and_every_part_has_its_need(tmp_path: Path) -> None:
    ms = measure(tmp_path, 20).ms
    assert all(value > 0 for value in ms.values())
    for part in (*scaling.ours(ms), *scaling.seed(ms)):
        assert part.need > 0
        assert part.source.startswith("[")


def test_the_page_has_every_scenario_and_every_part() -> None:
    page = PAGE.read_text()
    for scenario in SCENARIOS:
        assert f"| {scenario.name} |" in page
    ms = dict.fromkeys(("check page", "send", "status", "decide", "seal, issue"), 1.0)
    for name in [part.name for part in (*scaling.ours(ms), *scaling.seed(ms))]:
        assert f"| {name} |" in page
    assert report.costs(ms).count("|") > 20
