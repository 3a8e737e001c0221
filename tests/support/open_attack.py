"""An attacker of the open statistics: has all published days, knows the trees and the rule, and narrows cells down.

A cell is a group of categories on a day: those with a pass, those without one, or both. Each has an interval of
possible counts, which begins as everything and is narrowed by all that an attacker knows until nothing changes:

* a published number is within the rounding's reach of the true one, and at least 10; without a total it is under 10;
* a group is the sum of its parts; both results together are all; all tables of the applications have the same totals;
* a group that is shown whole has a part under 10, and so have the results where they are not shown apart.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import product

from movepass_service.statistics.open.days import ByResult
from movepass_service.statistics.open.suppression import LEAST, ROUNDING_BASE, Group
from movepass_service.statistics.open.tables import (
    ALL,
    APPLICATIONS,
    BY_NAME,
    NOT_PASSED,
    PASSED,
    TABLES,
    Table,
)  # fmt: skip

MANY = 10**9
Cell = tuple[str, str, str]
"""Table, result, group; of one day, as nothing that is known goes over days."""
RESULTS = (PASSED, NOT_PASSED)


@dataclass
class DayAttack:
    """What the attacker knows of a day.

    Attributes:
        published: the numbers by cell; a table without any has no total.
        reach: by how much a published number may differ from the true one.
        knows_rule: whether the numbers come from the rule of pairs.
    """

    published: Mapping[Cell, int]
    tables: tuple[Table, ...]
    reach: int = ROUNDING_BASE - 1
    knows_rule: bool = True
    low: dict[Cell, int] = field(default_factory=dict)
    high: dict[Cell, int] = field(default_factory=dict)
    has_changed: bool = True

    def run(self) -> None:
        """Narrow all cells down until nothing changes."""
        for cell in cells(self.tables):
            self.low[cell], self.high[cell] = 0, MANY
        for (name, result, group), count in self.published.items():
            self._narrow((name, result, group), max(LEAST, count - self.reach), count + self.reach)
        for table in self.tables:
            if not any(name == table.name for name, _, _ in self.published):
                self._narrow((table.name, ALL, ALL), 0, LEAST - 1)
        while self.has_changed:
            self.has_changed = False
            self._sums()
            self._share_totals()
            if self.knows_rule:
                self._use_rule()

    def recovered(self, truth: Mapping[Cell, int]) -> list[Cell]:
        """Return the cells under 10 about which more is known than that they are under 10."""
        small = (cell for cell, count in truth.items() if count < LEAST)
        return [cell for cell in small if self.low[cell] > 0 or self.high[cell] < LEAST - 1]

    def _narrow(self, cell: Cell, low: int, high: int) -> None:
        if low > self.low[cell]:
            self.low[cell], self.has_changed = low, True
        if high < self.high[cell]:
            self.high[cell], self.has_changed = high, True
        assert self.low[cell] <= self.high[cell], f"{cell}: what is published contradicts itself"

    def _sum(self, whole: Cell, parts: list[Cell]) -> None:
        """Use that a cell is the sum of others."""
        low, high = sum(self.low[p] for p in parts), sum(self.high[p] for p in parts)
        self._narrow(whole, low, min(MANY, high))
        for part in parts:
            self._narrow(
                part,
                self.low[whole] - (high - self.high[part]),
                min(MANY, self.high[whole] - (low - self.low[part])),
            )

    def _sums(self) -> None:
        for table in self.tables:
            own = list(cells((table,)))
            for group, result in product(table.tree.walk(), table.divided):
                if group.parts:
                    self._sum((table.name, result, group.name), [(table.name, result, p.name) for p in group.parts])
            for _, result, group_name in own if table.has_results else ():
                parts = [(table.name, one, group_name) for one in RESULTS]
                if result == ALL and set(parts) <= set(own):
                    self._sum((table.name, ALL, group_name), parts)

    def _share_totals(self) -> None:
        for result in (ALL, *RESULTS):
            of_applications = [table for table in self.tables if table.counted == APPLICATIONS]
            totals = [(t.name, result, ALL) for t in of_applications if result == ALL or t.has_results]
            if not totals:
                continue
            low, high = max(self.low[c] for c in totals), min(self.high[c] for c in totals)
            for cell in totals:
                self._narrow(cell, low, high)

    def _use_rule(self) -> None:
        for table in self.tables:
            shown = {(result, group) for name, result, group in self.published if name == table.name}
            if shown and table.has_results and (PASSED, ALL) not in shown:
                self._one_is_small([(table.name, result, ALL) for result in RESULTS])
            for result in {result for result, _ in shown} & set(table.divided):
                is_divided = any(one == result and group != ALL for one, group in shown)
                for group in table.tree.walk():
                    is_whole = (result, group.name) in shown and not (group.name == ALL and is_divided)
                    if is_whole and group.parts and (result != ALL or (PASSED, ALL) not in shown):
                        self._one_is_small([(table.name, result, part.name) for part in group.parts])

    def _one_is_small(self, parts: list[Cell]) -> None:
        for one, other in ((parts[0], parts[1]), (parts[1], parts[0])):
            if self.low[one] >= LEAST:
                self._narrow(other, 0, LEAST - 1)


def cells(tables: tuple[Table, ...]) -> Iterator[Cell]:
    """Go through the cells of a day."""
    for table in tables:
        for result in (ALL, *RESULTS) if table.has_results else (ALL,):
            groups = table.tree.walk() if result in table.divided else (Group(ALL),)
            yield from ((table.name, result, group.name) for group in groups)


def read_files(files: Mapping[str, str]) -> dict[date, dict[Cell, int]]:
    """Read the downloads of all tables: the published numbers of each day; a day without numbers is there, too."""
    days: dict[date, dict[Cell, int]] = {}
    for name, text in files.items():
        for row in csv.DictReader(io.StringIO(text)):
            published = days.setdefault(date.fromisoformat(row["day"]), {})
            if row["count"]:
                published[name, row["result"], row["group"]] = int(row["count"])
    return days


def truth_of(counts: Mapping[str, ByResult]) -> dict[Cell, int]:
    """Count every cell of a day, given each table's categories."""

    def count(name: str, result: str, group: str) -> int:
        by_result, tree = counts.get(name, {}), BY_NAME[name].tree
        chosen = by_result.values() if result == ALL else [by_result.get(result, {})]
        leaves = next(one.leaves for one in tree.walk() if one.name == group)
        return sum(n for by_leaf in chosen for leaf, n in by_leaf.items() if group == ALL or leaf in leaves)

    return {cell: count(*cell) for cell in cells(TABLES)}


def published_tables(files: Mapping[str, str], day: date) -> tuple[Table, ...]:
    """Return the tables that have a day."""
    return tuple(BY_NAME[name] for name, text in files.items() if f"\n{day.isoformat()}," in text)
