"""Sixty days of a country's applications for the open statistics, with small districts and rare reasons."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from movepass_service.statistics.open.days import ByResult
from movepass_service.statistics.open.publishing import day_end
from movepass_service.statistics.open.tables import (
    ALL,
    BY_DISTRICT,
    BY_REASON,
    LONGER,
    NOT_PASSED,
    NOT_RULES,
    PASSED,
    RULES,
    SETTLED_SECONDS,
    VERDICTS,
    WAITS,
    Table,
)  # fmt: skip

FIRST = date(2026, 9, 1)
SECRET = b"secret of the tests"


@dataclass
class World:
    """Exact counts, by table and day; the last day is settled."""

    seed: int
    per_day: int
    days: int = 60
    passed: float = 0.9
    counts: dict[tuple[str, date], dict[str, Counter[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = random.Random(self.seed)
        reasons, districts = _weights(rng, BY_REASON.leaves), _weights(rng, BY_DISTRICT.leaves)
        for day in self.all_days():
            for _ in range(_draw(rng, self.per_day)):
                self._apply(rng, day, rng.choices(*reasons)[0], rng.choices(*districts)[0])
            for verdict in rng.choices(VERDICTS, (1000, 40, 8, 4, 2, 5), k=_draw(rng, self.per_day)):
                self.add("verdicts", day, ALL, verdict)

    def all_days(self) -> Iterator[date]:
        """Go through the days."""
        return (FIRST + timedelta(days=n) for n in range(self.days))

    def add(self, table: str, day: date, result: str, leaf: str, many: int = 1) -> None:
        """Count events."""
        self.counts.setdefault((table, day), {}).setdefault(result, Counter())[leaf] += many

    def _apply(self, rng: random.Random, day: date, reason: str, district: str) -> None:
        result = PASSED if rng.random() < self.passed else NOT_PASSED
        self.add("reasons", day, result, reason)
        self.add("districts", day, result, district)
        self.add("deciders", day, ALL, RULES if rng.random() < 0.9 else NOT_RULES)
        wait = rng.choices([*WAITS, LONGER], (80, 8, 5, 4, 2, 1))[0] if result == PASSED else ALL
        self.add("waits", day, result, wait)

    def first_day(self) -> date | None:
        return FIRST

    def complete_until(self) -> int:
        return day_end(FIRST + timedelta(days=self.days - 1)) + SETTLED_SECONDS

    def count(self, table: Table, day: date) -> ByResult:
        return self.counts.get((table.name, day), {})


def _weights(rng: random.Random, leaves: tuple[str, ...]) -> tuple[tuple[str, ...], list[float]]:
    """Return weights of which a few are most of all, as among districts."""
    order = list(range(len(leaves)))
    rng.shuffle(order)
    return leaves, [1 / (1 + place) ** 1.2 for place in order]


def _draw(rng: random.Random, about: int) -> int:
    return max(0, round(rng.gauss(about, about / 4)))
