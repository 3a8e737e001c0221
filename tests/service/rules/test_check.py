"""The check finds the faults that were written into a table, and agrees with trying every combination."""

import random
from collections.abc import Iterator, Mapping
from itertools import combinations, product

import pytest
from support.rule_tables import DAY, row, table_text

from movepass_service.rules import default_rules
from movepass_service.rules.check import GAPS_SHOWN, Findings, TooManyCombinationsError, check_table
from movepass_service.rules.columns import Column, Condition, Value
from movepass_service.rules.table import Action, Row, Table, read_table
from movepass_service.rules.wording import describe

SMALL = {
    column.name: column
    for column in (
        Column("colour", ("red", "green", "blue"), "colour", "রং"),
        Column("count", range(5), "count", "সংখ্যা"),
        Column("size", range(2, 6), "size", "আকার"),
        Column("wet", (False, True), "wet", "ভেজা"),
        Column("shape", ("round", "square"), "shape", "আকৃতি"),
    )
}
"""Columns that are small enough for every combination to be tried."""
DAYS = 6
RANDOM_TABLES = 300


def check(*rows: str, codes: tuple[str, ...] = ("yes",), top: str = "") -> Findings:
    return check_table(read_table(table_text(*rows, codes=codes, top=top)))


def test_the_default_rules_are_sound() -> None:
    findings = check_table(default_rules().table)
    assert findings.is_sound
    assert {(pair.earlier, pair.later) for pair in findings.overlaps} > {("closed-district", "three-hours")}


def test_a_gap_is_named_by_its_combination() -> None:
    findings = check(
        row("short", "{ minutes = { at_most = 180 } }"),
        row("long", '{ minutes = { at_least = 241 }, reason = { except = ["medical"] } }', "reject"),
    )
    words = [describe(gap.combination, "en") for gap in findings.gaps]
    assert words == [
        ("length of the trip: 3 h 1 min to 4 h",),
        ("reason: Medical treatment", "length of the trip: more than 4 h"),
    ]
    assert not findings.is_sound


def test_a_gap_says_on_which_days() -> None:
    rows = (row("a", more="until = 2021-04-14"), row("b", more="from = 2021-04-17"))
    (gap,) = check(*rows).gaps
    assert (gap.period.first_day, gap.period.last_day, gap.combination) == (DAY + 1, DAY + 2, {})


def test_a_gap_over_several_periods_is_named_once() -> None:
    findings = check(
        row("a", "{ closed = true }"),
        row("b", "{ closed = true, overlaps = true }", more="from = 2021-04-14\nuntil = 2021-04-15"),
    )
    assert [(gap.period.last_day, gap.combination) for gap in findings.gaps] == [(None, {"closed": frozenset([False])})]


def test_a_row_behind_rows_that_cover_it_is_dead() -> None:
    findings = check(
        row("short", "{ minutes = { at_most = 180 } }"),
        row("long", "{ minutes = { at_least = 120 } }"),
        row("dead", "{ closed = true }", "reject", "no"),
        codes=("yes", "no"),
    )
    assert [(dead.row, set(dead.hidden_by)) for dead in findings.dead_rows] == [("dead", {"short", "long"})]
    assert findings.unused_texts == ("no",)


def test_a_row_that_decides_on_one_day_is_alive() -> None:
    findings = check(row("a", more="from = 2021-04-02"), row("first-day", decision="reject"))
    assert findings.is_sound


def test_an_exception_before_its_rule_is_told_from_other_overlaps() -> None:
    findings = check(
        row("closed", "{ closed = true }", "refer"),
        row("long", "{ minutes = { at_least = 181 } }", "reject"),
        row("all"),
    )
    assert {(pair.earlier, pair.later): pair.is_exception for pair in findings.overlaps} == {
        ("closed", "long"): False,
        ("closed", "all"): True,
        ("long", "all"): True,
    }


def test_rows_that_decide_alike_are_no_overlap() -> None:
    assert check(row("a", "{ closed = true }"), row("b")).overlaps == ()


def test_a_table_without_a_row_on_some_days_has_a_gap_there() -> None:
    findings = check(row("a", more="from = 2021-04-14"))
    assert [gap.period.last_day for gap in findings.gaps] == [DAY - 1]


def test_a_table_with_too_many_combinations_is_refused_with_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("movepass_service.rules.check._SETS_MAX", 4)
    rows = [row(f"r{n}", f"{{ minutes = {n}, lead_minutes = {n} }}") for n in range(1, 5)]
    with pytest.raises(TooManyCombinationsError, match="fewer different"):
        check(*rows)


def random_condition(chance: random.Random, column: Column) -> Condition:
    if isinstance(column.domain, range):
        first, last = sorted(chance.choices(column.domain, k=2))
        return range(first, last + 1)
    return frozenset(chance.sample(column.words, chance.randint(1, len(column.words))))


def random_table(chance: random.Random) -> Table:
    columns = chance.sample(list(SMALL.values()), chance.randint(1, len(SMALL)))
    rows = []
    for number in range(chance.randint(0, 8)):
        tested = [column for column in columns if chance.random() < 0.5]
        first, last = sorted(chance.choices(range(DAYS), k=2)) if chance.random() < 0.3 else (0, DAYS - 1)
        when = {column.name: random_condition(chance, column) for column in tested}
        action = chance.choice(list(Action))
        rows.append(Row(f"r{number}", when, action, f"c{chance.randint(0, 4)}", first, last, "Desk"))
    texts = {f"c{number}": {"bn": "", "en": ""} for number in range(5)}
    return Table("1", "Desk", 0, DAYS - 1, tuple(rows), texts, (), "")


Point = tuple[Value, ...]


def fits(point: Point, conditions: Mapping[str, Condition]) -> bool:
    return all(value in conditions[name] for name, value in zip(SMALL, point, strict=True) if name in conditions)


def points() -> Iterator[Point]:
    return product(*(column.domain for column in SMALL.values()))


def assert_agrees_with_every_combination(table: Table) -> None:
    findings = check_table(table, SMALL)
    uncovered, pairs, deciders, hidden = set(), set(), set(), set()
    matches = {point: [row for row in table.rows if fits(point, row.when)] for point in points()}
    for day, (point, rows) in product(range(DAYS), matches.items()):
        matching = [row for row in rows if row.first_day <= day <= (row.last_day or 0)]
        if not matching:
            uncovered.add((day, point))
            continue
        deciders.add(matching[0].id)
        hidden |= {(row.id, matching[0].id) for row in matching[1:]}
        pairs |= {(matching[0].id, row.id) for row in matching[1:] if row.action != matching[0].action}
    described = {
        (day, point)
        for gap in findings.gaps
        for day in range(gap.period.first_day, (gap.period.last_day or 0) + 1)
        for point in matches
        if fits(point, gap.combination)
    }
    assert described <= uncovered
    assert described == uncovered or len(findings.gaps) >= GAPS_SHOWN
    assert {dead.row for dead in findings.dead_rows} == {row.id for row in table.rows} - deciders
    for dead in findings.dead_rows:
        assert {(dead.row, name) for name in dead.hidden_by} == {pair for pair in hidden if pair[0] == dead.row}
    assert {(pair.earlier, pair.later) for pair in findings.overlaps} == pairs
    by_id = {row.id: row for row in table.rows}
    for pair in findings.overlaps:
        earlier, later = by_id[pair.earlier], by_id[pair.later]
        assert pair.is_exception == all(later in rows for rows in matches.values() if earlier in rows)
        examples = [rows for point, rows in matches.items() if fits(point, pair.combination)]
        assert examples
        held = [[row for row in rows if row.holds_on(pair.period.first_day)] for rows in examples]
        assert all(rows[0] == earlier and later in rows for rows in held)
    assert set(findings.unused_texts) == set(table.texts) - {by_id[name].code for name in deciders}


def test_it_agrees_with_every_combination_of_random_tables() -> None:
    chance = random.Random(16)
    for _ in range(RANDOM_TABLES):
        assert_agrees_with_every_combination(random_table(chance))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_it_agrees_with_every_combination_of_ten_thousand_tables(seed: int) -> None:
    chance = random.Random(1600 + seed)
    for _ in range(1000):
        assert_agrees_with_every_combination(random_table(chance))


def test_random_tables_are_of_every_kind() -> None:
    chance = random.Random(16)
    findings = [check_table(random_table(chance), SMALL) for _ in range(RANDOM_TABLES)]
    kinds = [{"gap": bool(f.gaps), "dead": bool(f.dead_rows), "pair": bool(f.overlaps)} for f in findings]
    for one, other in combinations(kinds[0], 2):
        assert {(kind[one], kind[other]) for kind in kinds} == {(a, b) for a in (False, True) for b in (False, True)}
