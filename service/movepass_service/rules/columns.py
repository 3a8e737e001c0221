"""What a rule may look at: the closed columns of the decision table, and the facts of one application.

Columns are closed so that a check can try every combination. A new column is a change of this file, not of a table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from movepass_wire.codes import DISTRICTS, REASONS
from movepass_wire.limits import ISSUE_AHEAD_MAX_SECONDS, PASS_MAX_SECONDS
from movepass_wire.times import DAY_SECONDS, DHAKA

Value = str | bool | int
Condition = frozenset[str | bool] | range
"""The values of a column that a row accepts; `value in condition` tells."""

OTHER_REASON = "other"
"""The reason column's value for a reason that the applicant wrote in words."""
COUNT_MAX = 1000
"""The largest number of passes that is counted."""
_DHAKA_SECONDS = int(DHAKA.utcoffset(None).total_seconds())
_THURSDAY_TO_SUNDAY = 4
"""1970-01-01 was a Thursday; weeks begin on Sunday."""


class Evidence(StrEnum):
    """The source that vouches for a fact of an application."""

    OWN_WORD = "own-word"
    ASSISTANT = "assistant"
    EMPLOYER = "employer"


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one application, taken when it came. None is a missing fact; a row that needs it refers."""

    reason: str | None
    """A key of the reasons' table, or OTHER_REASON."""
    minutes: int | None
    """From the beginning to the end of the trip."""
    lead_minutes: int | None
    """From the application to the beginning of the trip; 0 if it has begun."""
    passes_today: int | None
    """Passes that the same person already has for the day of travel, without this application."""
    passes_week: int | None
    """The same for the week of travel; see week_of."""
    overlaps: bool | None
    """Whether the same person already has a pass for a part of the same time."""
    from_district: str | None
    to_district: str | None
    closed: bool | None
    """Whether one of the two districts is closed on a day of the trip; see RuleSet.is_closed."""
    evidence: str | None
    """One of Evidence."""
    phone_verified: bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in Facts and in a file, its values, and its names for people."""

    name: str
    domain: tuple[str | bool, ...] | range
    """Every value that it can have: words, no and yes, or whole numbers."""
    en: str
    bn: str
    unit: str = ""

    @property
    def is_flag(self) -> bool:
        """Return whether its values are false and true."""
        return self.domain == _FLAG

    @property
    def words(self) -> tuple[str | bool, ...]:
        """Its values, unless they are numbers."""
        return () if isinstance(self.domain, range) else self.domain


_FLAG = (False, True)
_DISTRICTS = tuple(DISTRICTS.by_key)
_COLUMNS = (
    Column("reason", (*REASONS.by_key, OTHER_REASON), "reason", "কারণ"),
    Column("minutes", range(1, PASS_MAX_SECONDS // 60 + 1), "length of the trip", "যাত্রার সময়কাল", "min"),
    Column("lead_minutes", range(ISSUE_AHEAD_MAX_SECONDS // 60 + 1), "time until the trip", "যাত্রার আগের সময়", "min"),
    Column("passes_today", range(COUNT_MAX + 1), "passes for that day", "ওই দিনের পাসের সংখ্যা"),
    Column("passes_week", range(COUNT_MAX + 1), "passes for that week", "ওই সপ্তাহের পাসের সংখ্যা"),
    Column("overlaps", _FLAG, "another pass at the same time", "একই সময়ে অন্য পাস"),
    Column("from_district", _DISTRICTS, "district of departure", "যাত্রা শুরুর জেলা"),
    Column("to_district", _DISTRICTS, "district of arrival", "গন্তব্যের জেলা"),
    Column("closed", _FLAG, "a district is closed", "কোনো জেলা বন্ধ"),
    Column("evidence", tuple(Evidence), "who vouches", "কে নিশ্চিত করেছেন"),
    Column("phone_verified", _FLAG, "phone number verified", "ফোন নম্বর যাচাইকৃত"),
)
COLUMNS = {column.name: column for column in _COLUMNS}
"""The columns by name, in the order in which they are shown."""


def dhaka_day(seconds: int) -> int:
    """Return the day in Dhaka (days since 1970-01-01) that a time falls in; rules count days so."""
    return (seconds + _DHAKA_SECONDS) // DAY_SECONDS


def start_of_day(day: int) -> int:
    """Return the time at which a day in Dhaka begins."""
    return day * DAY_SECONDS - _DHAKA_SECONDS


def seconds_to_midnight(seconds: int) -> int:
    """Return after how long the day in Dhaka ends."""
    return start_of_day(dhaka_day(seconds) + 1) - seconds


def week_of(day: int) -> int:
    """Return the number of the week, from Sunday to Saturday, that a day falls in."""
    return (day + _THURSDAY_TO_SUNDAY) // 7


def split(column: Column, conditions: Iterable[Condition | None]) -> list[tuple[Condition, int]]:
    """Divide a column's values into classes that a table's rows can't tell apart.

    Args:
        column: whose values are divided.
        conditions: each row's condition on it, or None where a row does not look at it.

    Returns:
        Each class with the rows that accept it, as a bit mask: bit 0 is the first row.
    """
    rows = list(enumerate(conditions))
    everywhere = sum(1 << i for i, condition in rows if condition is None)
    tests = [(i, condition) for i, condition in rows if condition is not None]
    if isinstance(column.domain, range):
        bounds = {bound for _, test in tests if isinstance(test, range) for bound in (test.start, test.stop)}
        inner = (bound for bound in bounds if column.domain.start < bound < column.domain.stop)
        edges = [column.domain.start, *sorted(inner), column.domain.stop]
        pieces = [range(start, stop) for start, stop in pairwise(edges)]
        return [(piece, everywhere | _accepting(tests, piece.start)) for piece in pieces]
    classes: dict[int, list[str | bool]] = {}
    for value in column.domain:
        classes.setdefault(everywhere | _accepting(tests, value), []).append(value)
    return [(frozenset(values), mask) for mask, values in classes.items()]


def _accepting(tests: list[tuple[int, Condition]], value: Value) -> int:
    return sum(1 << i for i, test in tests if value in test)
