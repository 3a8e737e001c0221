"""Nobody who has all open statistics learns more of a small count than that it is small."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.open_attack import Cell, DayAttack, published_tables, read_files, truth_of
from support.open_world import FIRST, SECRET, World
from support.sampling import first_of

from movepass_service.statistics.open.days import OpenDay, header
from movepass_service.statistics.open.kept import KeptDays
from movepass_service.statistics.open.publishing import publish
from movepass_service.statistics.open.suppression import LEAST
from movepass_service.statistics.open.tables import ALL, BY_NAME, NOT_PASSED, PASSED, SETTLED_SECONDS, TABLES, Table

WORLDS = [(1, 8, 1.0), (2, 40, 0.95), (3, 150, 0.9), (4, 1500, 0.95)]
"""Seed, applications a day, and the share that gets a pass."""
_DAY = timedelta(days=1)


def export(world: World, folder: Path) -> dict[str, str]:
    """Publish all days of a world; returns all downloads."""
    kept = KeptDays(folder)
    while publish(world, kept, secret=SECRET):
        pass
    return {table.name: kept.whole(table).decode() for table in TABLES}


def attack(world: World, files: dict[str, str], *, reach: int, knows_rule: bool = True) -> Iterator[tuple[date, Cell]]:
    """Attack each day; checks that the truth is never excluded, and returns what was recovered."""
    for day, published in read_files(files).items():
        tables = published_tables(files, day)
        day_attack = DayAttack(published, tables, reach, knows_rule)
        day_attack.run()
        names = {table.name for table in tables}
        truth = {c: n for c, n in true_cells(world, day).items() if c[0] in names}
        assert all(day_attack.low[cell] <= count <= day_attack.high[cell] for cell, count in truth.items())
        yield from ((day, cell) for cell in day_attack.recovered(truth))


def true_cells(world: World, day: date) -> dict[Cell, int]:
    return truth_of({table.name: world.count(table, day) for table in TABLES})


@pytest.mark.parametrize("nth", first_of("open statistics attacked", 3, range(len(WORLDS))))
def test_no_small_count_is_narrowed_down(tmp_path: Path, nth: int) -> None:
    seed, per_day, passed = WORLDS[nth]
    world = World(seed, per_day, passed=passed)
    small = sum(n < LEAST for day in world.all_days() for n in true_cells(world, day).values())
    assert small > 5000
    assert list(attack(world, export(world, tmp_path), reach=2)) == []
    print(f"{per_day} applications a day: {small} cells under {LEAST} tried, 0 recovered")


def without_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("movepass_service.statistics.open.days.round_count", lambda count, _cell, _secret: count)


def test_the_groups_hold_by_themselves_without_any_rounding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_rounding(monkeypatch)
    world = World(5, 120, passed=0.9)
    assert list(attack(world, export(world, tmp_path), reach=0)) == []


def leave_small_ones_out(world: World, table: Table, day: date) -> OpenDay:
    """Publish as many do: the totals, and every category that counts 10 or more."""
    counts = world.count(table, day)
    totals = {result: sum(leaves.values()) for result, leaves in counts.items()}
    shown = {(ALL, ALL): sum(totals.values())} | {(result, ALL): total for result, total in totals.items()}
    shown |= {(result, leaf): count for result, leaves in counts.items() for leaf, count in leaves.items()}
    return OpenDay(day, {place: count for place, count in shown.items() if count >= LEAST})


@pytest.mark.parametrize("has_rule", [True, False])
def test_the_attack_recovers_cells_that_are_only_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_rule: bool
) -> None:
    without_rounding(monkeypatch)
    world = World(2, 400, days=10)
    files = export(world, tmp_path)
    if not has_rule:
        days = list(world.all_days())
        files = {
            table.name: (header() + b"".join(leave_small_ones_out(world, table, day).write() for day in days)).decode()
            for table in TABLES
        }
    found = list(attack(world, files, reach=0, knows_rule=has_rule))
    assert (len(found) > 20) == (not has_rule), len(found)


def test_late_events_and_later_exports_change_no_published_byte(tmp_path: Path) -> None:
    world = World(3, 150, days=20)
    before = export(world, tmp_path)
    for table in TABLES:
        for day in list(world.all_days()):
            world.add(table.name, day, PASSED if table.has_results else ALL, table.tree.leaves[0], 7)
    world.days += 3
    after = export(world, tmp_path)
    for name, text in after.items():
        assert text.startswith(before[name])
        assert len(text) > len(before[name])


def test_a_day_is_published_only_once_it_is_settled(tmp_path: Path) -> None:
    world, kept = World(3, 150, days=3), KeptDays(tmp_path)
    reasons = BY_NAME["reasons"]
    end = world.complete_until()
    world.complete_until = lambda: end - 1  # type: ignore[method-assign]
    publish(world, kept, secret=SECRET)
    assert kept.days(reasons) == [FIRST, FIRST + _DAY]
    assert kept.days(BY_NAME["verdicts"]) == []
    world.complete_until = lambda: end  # type: ignore[method-assign]
    publish(world, kept, secret=SECRET)
    assert kept.days(reasons)[-1] == FIRST + 2 * _DAY
    world.complete_until = lambda: end + 7 * 86400 - SETTLED_SECONDS  # type: ignore[method-assign]
    publish(world, kept, secret=SECRET)
    assert kept.days(BY_NAME["verdicts"])[-1] == FIRST + 2 * _DAY


def test_tables_of_the_applications_have_the_same_totals(tmp_path: Path) -> None:
    files = export(World(4, 600, days=8), tmp_path)
    totals = [
        [row for row in files[table.name].splitlines() if f",{ALL}," in row and row.split(",")[2] == ALL]
        for table in TABLES
        if table.has_results
    ]
    assert len(totals[0]) > 8
    assert any(f",{NOT_PASSED}," in row for row in totals[0])
    assert all(one == totals[0] for one in totals)
