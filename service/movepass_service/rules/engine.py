"""Decides an application by a decision table: the first row whose conditions all hold.

A row can't be judged if a column that it looks at is missing and its other conditions hold. Then an officer decides:
the engine never guesses on either side of a missing value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Self

from movepass_service.rules.columns import COLUMNS, Facts, Value, split
from movepass_service.rules.table import Action, Row, Table, read_table

MISSING_INPUT, NO_RULE = "missing-input", "no-rule"
_NO_RULE_TEXTS = {
    "bn": "কোনো নিয়ম এই আবেদনের সঙ্গে মেলে না। একজন কর্মকর্তা সিদ্ধান্ত নেবেন।",
    "en": "No rule covers this application. An officer will decide.",
}
_MISSING_TEXTS = {
    "bn": "নিয়ম অনুযায়ী সিদ্ধান্ত নিতে এই তথ্য দরকার: {names}। একজন কর্মকর্তা সিদ্ধান্ত নেবেন।",
    "en": "The rules need to know: {names}. An officer will decide.",
}
_QUOTAS = frozenset(["passes_today", "passes_week", "overlaps"])
_NO_NUMBER_TEXTS = {
    "bn": "পরিচয়পত্রের পুরো নম্বর দেওয়া হয়নি, তাই আগের পাস গোনা যায় না। একজন কর্মকর্তা সিদ্ধান্ত নেবেন।",
    "en": "Without the whole ID number earlier passes can't be counted. An officer will decide.",
}
_values: Callable[[Facts], tuple[Value | None, ...]] = attrgetter(*COLUMNS)


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """The rules' decision on one application, and its reason."""

    action: Action
    row: str | None
    """The id of the row that decided, or that could not be judged; None if no row matched."""
    code: str
    texts: Mapping[str, str]
    """The reason in Bangla and English."""
    missing: tuple[str, ...] = ()
    """Columns that were missing, if that is why it was referred."""


class RuleSet:
    """A version of the rules, ready to decide."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._digest = table.digest
        self._programs: dict[tuple[bool, ...], Program] = {}
        self._by_day: dict[int, Program] = {}

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Read a file of rules.

        Raises:
            RuleTableError: with everything that is wrong with it.
        """
        return cls(read_table(text))

    @property
    def version(self) -> str:
        """The author's name for this version."""
        return self.table.version

    @property
    def digest(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        return self._digest

    def decide(self, facts: Facts, *, at: int) -> RuleOutcome:
        """Decide an application.

        Args:
            facts: what the rules may look at. A value that its column can't have counts as missing.
            at: the day in Dhaka on which the application came; see dhaka_day.
        """
        values = _values(facts)
        program = self.program(at)
        index, is_certain = program.judge(values)
        if index is None:
            return RuleOutcome(Action.REFER, None, NO_RULE, _NO_RULE_TEXTS)
        row = program.rows[index]
        if is_certain:
            return RuleOutcome(row.action, row.id, row.code, self.table.texts[row.code])
        missing = program.missing(index, values)
        return RuleOutcome(Action.REFER, row.id, MISSING_INPUT, _texts_for_missing(missing), missing)

    def is_closed(self, districts: tuple[str, ...], first_day: int, last_day: int) -> bool:
        """Return whether one of the districts is closed on one of the days (in Dhaka)."""
        return any(
            closure.district in districts and closure.first_day <= last_day and first_day <= closure.last_day
            for closure in self.table.closures
        )

    def program(self, day: int) -> "Program":
        """Return what decides on a day: the rows that are in force on it, compiled."""
        program = self._by_day.get(day)
        if program is None:
            holding = tuple(row.holds_on(day) for row in self.table.rows)
            if holding not in self._programs:
                rows = [row for row, holds in zip(self.table.rows, holding, strict=True) if holds]
                self._programs[holding] = Program(rows)
            program = self._by_day[day] = self._programs[holding]
        return program


class Program:
    """Rows compiled for speed: each value of a column becomes the mask of the rows that accept it."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = tuple(rows)
        self._everything = (1 << len(rows)) - 1
        self._steps = [
            (place, self._masks_of(name), sum(1 << i for i, row in enumerate(rows) if name in row.when))
            for place, name in enumerate(COLUMNS)
            if any(name in row.when for row in rows)
        ]
        """For each column that its rows look at: its place in the facts, masks by value, and those rows."""

    def judge(self, values: Sequence[Value | None]) -> tuple[int | None, bool]:
        """Find the row that decides.

        Args:
            values: the facts, in the order of COLUMNS.

        Returns:
            Its number, or None if no row matches; and whether it is certain, or could not be judged.
        """
        possible, unknown = self._everything, 0
        for place, masks, testing in self._steps:
            mask = masks.get(values[place])
            if mask is None:
                unknown |= testing
            else:
                possible &= mask
        if not possible:
            return None, True
        first = possible & -possible
        return first.bit_length() - 1, not first & unknown

    def missing(self, index: int, values: Sequence[Value | None]) -> tuple[str, ...]:
        """Return the columns whose values keep a row from being judged."""
        row, names = 1 << index, tuple(COLUMNS)
        return tuple(
            names[place] for place, masks, testing in self._steps if testing & row and values[place] not in masks
        )

    def _masks_of(self, name: str) -> dict[Value | None, int]:
        classes = split(COLUMNS[name], [row.when.get(name) for row in self.rows])
        return {value: mask for values, mask in classes for value in values}


def _texts_for_missing(missing: tuple[str, ...]) -> Mapping[str, str]:
    if _QUOTAS.issuperset(missing):
        return _NO_NUMBER_TEXTS
    names = {"bn": [COLUMNS[name].bn for name in missing], "en": [COLUMNS[name].en for name in missing]}
    return {language: text.format(names=", ".join(names[language])) for language, text in _MISSING_TEXTS.items()}


@cache
def default_rules() -> RuleSet:
    """Return the rules that come with the software, for April 2021."""
    return RuleSet.from_toml(Path(__file__).with_name("default_rules.toml").read_text("utf-8"))
