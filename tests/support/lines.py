"""A line in memory, for simulations and for tests that look at no file; a clock and settings for lines of all kinds."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from dataclasses import dataclass

from movepass_service.admission import LineSettings
from movepass_service.admission.line import Counters, LineState
from movepass_service.admission.store import Use

SLOW = LineSettings(urgent_per_s=0.1, ordinary_per_s=0.1, flood_times=1000)
"""One of each lane enters, and then one in ten seconds."""


@dataclass
class Clock:
    """A clock that stands still until a test sets it."""

    now: float

    def __call__(self) -> float:
        return self.now


class MemoryLine:
    """See LineStore for what each method promises."""

    def __init__(self) -> None:
        self.states: dict[str, LineState] = {}
        self.counters: dict[str, Counters] = defaultdict(Counters)
        self.uses: dict[str, dict[int, Use]] = defaultdict(dict)
        self._used: dict[str, list[int]] = defaultdict(list)

    def load(self, lane: str, *, entered: int = 0, unreserved: int = 0) -> tuple[LineState | None, Counters]:
        known = self.counters[lane]
        self.counters[lane] = Counters(known.issued, known.entered + entered, known.unreserved + unreserved)
        return self.states.get(lane), self.counters[lane]

    def save(self, lane: str, before: LineState | None, after: LineState) -> bool:
        if self.states.get(lane) != before:
            return False
        self.states[lane] = after
        return True

    def take(self, lane: str, now: float) -> int:
        del now
        known = self.counters[lane]
        self.counters[lane] = Counters(known.issued + 1, known.entered, known.unreserved)
        return known.issued + 1

    def come(self, lane: str, number: int, use: Use) -> Use | None:
        known = self.uses[lane].get(number)
        if known is None:
            self.uses[lane][number] = use
            insort(self._used[lane], number)
        return known

    def use_of(self, lane: str, number: int) -> Use | None:
        return self.uses[lane].get(number)

    def came(self, lane: str, first: int, last: int) -> int:
        used = self._used[lane]
        return bisect_right(used, last) - bisect_left(used, first)

    def forget(self, lane: str, up_to: int, entered_before: int) -> None:
        used = self._used[lane]
        end = bisect_right(used, up_to)
        kept = [number for number in used[:end] if self.uses[lane][number].enter_at >= entered_before]
        for number in set(used[:end]).difference(kept):
            del self.uses[lane][number]
        used[:end] = kept
