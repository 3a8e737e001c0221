"""Count what the line in front of the site did, by lane and hour in Dhaka, from readings of its counters. Pure.

The line counts places and entries from its beginning. What came since the last reading belongs to the hour of the
reading, 20 seconds later at most (a minute on AWS). An hour is told again with higher counts, and the highest stays.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from movepass_service.admission import Lane
from movepass_service.admission.line import Counters, LineState
from movepass_service.statistics.facts import LINED, Fact, hour_begins, hour_number

_LANES = tuple(Lane)


class Line(Protocol):
    """The part of the line that is needed; see admission.store.LineStore."""

    def load(self, lane: str) -> tuple[LineState | None, Counters]:
        """See LineStore."""


@dataclass(frozen=True, slots=True)
class LaneHour:
    """The work of a lane in an hour so far.

    Attributes:
        hour: its number (facts.hour_number).
        issued: places given since the line began, by the last reading.
        let_in: applications let in since then.
        places: places given in the hour.
        entered: applications let in in the hour.
        in_line: the most places that waited at a reading.
    """

    hour: int
    issued: int
    let_in: int
    places: int = 0
    entered: int = 0
    in_line: int = 0

    @property
    def revision(self) -> int:
        """Grows with every count, so that of two tellings of an hour the later one stays."""
        return self.places + self.entered + self.in_line


def read_lanes(line: Line, before: Mapping[str, LaneHour], now: int) -> dict[str, LaneHour]:
    """Read all lanes, and count on from the reading before.

    Raises:
        StoreError, Busy: the line can't be read.
    """
    return {str(lane): count(before.get(lane), *line.load(str(lane)), now) for lane in _LANES}


def count(before: LaneHour | None, state: LineState | None, counters: Counters, now: int) -> LaneHour:
    """Return a lane's hour after a reading.

    The first reading counts nothing: what came before it may be of any hour. Nor does one that has fallen, as after a
    restart, which forgets what entered in the last moments. A clock that is set back goes on with the hour it was in.
    """
    hour = hour_number(now)
    waiting = max(0, counters.issued - (state.called if state else 0))
    if before is None:
        return LaneHour(hour, counters.issued, counters.entered, in_line=waiting)
    current = before if hour <= before.hour else LaneHour(hour, before.issued, before.let_in)
    return replace(
        current, issued=counters.issued, let_in=counters.entered,
        places=current.places + max(0, counters.issued - before.issued),
        entered=current.entered + max(0, counters.entered - before.let_in),
        in_line=max(current.in_line, waiting),
    )  # fmt: skip


def lined_facts(before: Mapping[str, LaneHour], after: Mapping[str, LaneHour]) -> Iterator[tuple[int, Fact]]:
    """Return the facts of lanes whose counts have changed, each with the number of its lane and hour."""
    for number, lane in enumerate(_LANES):
        old, new = before.get(lane), after[lane]
        if new.revision and (old is None or (old.hour, old.revision) != (new.hour, new.revision)):
            event = new.hour * len(_LANES) + number
            yield event, Fact.of(
                LINED, event, hour_begins(new.hour), revision=new.revision, lane=str(lane), places=new.places,
                entered=new.entered, in_line=new.in_line,
            )  # fmt: skip
