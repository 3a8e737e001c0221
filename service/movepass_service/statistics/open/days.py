"""Make a day of a fixed table, and read it again. Pure: no clock, no folder.

A day is comma-separated values, so that what is kept is what readers download:

    day,result,group,count
    2026-11-28,all,all,1203
    2026-11-28,pass,all,1100
    2026-11-28,pass,medical,87
    2026-11-28,pass,burial+medicine,24

A group is a category, or several that are counted together. An empty count means fewer than 10, or none.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

from movepass_service.errors import ServiceError
from movepass_service.statistics.open.suppression import Group, round_count, suppress
from movepass_service.statistics.open.tables import ALL, BY_RESULT, Table

HEADER = ("day", "result", "group", "count")
ByResult = Mapping[str, Mapping[str, int]]
"""Exact counts of a day: by result, then by category. What has no result is all under ALL, and so is the one category
of a result that a table does not divide."""
Place = tuple[str, str]
"""Result and group."""
TOTAL: Place = (ALL, ALL)


class OpenDayError(ServiceError):
    """A kept day of the open statistics can't be read."""


@dataclass(frozen=True, slots=True)
class OpenDay:
    """A published day of a table.

    Attributes:
        day: in Dhaka.
        counts: rounded, by result and group; (ALL, ALL) is the total. Empty where the total is suppressed.
    """

    day: date
    counts: Mapping[Place, int]

    @property
    def total(self) -> int | None:
        """Return the rounded total; None where it is suppressed."""
        return self.counts.get(TOTAL)

    @property
    def results(self) -> tuple[str, ...]:
        """Return the results that are shown apart: ALL alone, or those that divide it; none where nothing is shown."""
        found = tuple(dict.fromkeys(result for result, _ in self.counts))
        return tuple(one for one in found if one != ALL) or found

    def groups(self, result: str) -> dict[str, int]:
        """Return the counts of the groups of a result, without its total unless that is all there is."""
        all_of = {group: count for (one, group), count in self.counts.items() if one == result}
        return {group: count for group, count in all_of.items() if group != ALL} or all_of

    def write(self) -> bytes:
        """Write the day as comma-separated values, without the header."""
        day = self.day.isoformat()
        if not self.counts:
            return _write([(day, *TOTAL, "")])
        return _write([(day, *place, str(count)) for place, count in self.counts.items()])

    @classmethod
    def read(cls, written: bytes) -> Self:
        """Read what `write` wrote.

        Raises:
            OpenDayError: it is something else.
        """
        try:
            rows = list(csv.reader(io.StringIO(written.decode("ascii")), strict=True))
            (day,) = {row[0] for row in rows}
            if [row[1:] for row in rows] == [[*TOTAL, ""]]:
                return cls(date.fromisoformat(day), {})
            counts = {(result, group): int(count) for _, result, group, count in rows}
            if len(counts) != len(rows) or TOTAL not in counts:
                raise ValueError("a count is there twice, or no total")
            return cls(date.fromisoformat(day), counts)
        except (ValueError, csv.Error) as e:
            raise OpenDayError(f"this is no day of the open statistics: {e}") from e


def make_day(table: Table, day: date, counts: ByResult, *, secret: bytes) -> OpenDay:
    """Make a day of a table: small counts suppressed, the others rounded.

    Args:
        table: which.
        day: in Dhaka.
        counts: exact.
        secret: of the service, for the rounding.
    """

    def rounded(result: str, group: str, count: int) -> int:
        return round_count(count, f"{table.counted} {day} {result} {group}", secret)

    made: dict[Place, int] = {}
    results = shown_results(table, counts)
    if results:
        made[TOTAL] = rounded(*TOTAL, sum(_leaves_of(counts, ALL).values()))
    for result in results:
        leaves = _leaves_of(counts, result)
        made[result, ALL] = rounded(result, ALL, sum(leaves.values()))
        if result in table.divided:
            for one in suppress(table.tree, leaves):
                made[result, one.group.name] = rounded(result, one.group.name, one.count)
    return OpenDay(day, made)


def shown_results(table: Table, counts: ByResult) -> tuple[str, ...]:
    """Return the results by which a day is divided: ALL if one of them is too small, none if all together are."""
    totals = {result: sum(leaves.values()) for result, leaves in counts.items()}
    tree = BY_RESULT if table.has_results else Group(ALL)
    return tuple(one.group.name for one in suppress(tree, totals))


def header() -> bytes:
    """Return the header of a table's file."""
    return _write([HEADER])


def _leaves_of(counts: ByResult, result: str) -> dict[str, int]:
    """Add up the categories of a result, or of all."""
    leaves: dict[str, int] = {}
    for one, by_leaf in counts.items():
        if result in (ALL, one):
            for leaf, count in by_leaf.items():
                leaves[leaf] = leaves.get(leaf, 0) + count
    return leaves


def _write(rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode("ascii")
