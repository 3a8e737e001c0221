"""One lane of the line as a value, and how it moves on. No I/O, no clock: times are Unix seconds.

Places are numbers from 1. A place's turn has come once `called` reaches it, so turns come in the order of the numbers.
Two accounts keep the lane within its capacity:

    room   what may still be called. A call costs the share of called people who really come; once SETTLE_S have
           passed the call is settled by how many came. So a place that nobody uses gives its room to the next one.
    door   who may really enter now. If more come than were expected, each gets a moment to enter at, in the order in
           which they came: door is then below nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

TICK_S = 1.0
"""Seconds between two moves of a lane."""
SETTLE_S = 45.0
"""After a call, how long its room is kept for whoever was called; pages look again more often than that."""
BURST_S = 5.0
"""Seconds of capacity that may be saved up."""
SHARE_MIN = 0.01
"""The least share of called people that is counted on: it bounds how many are called at once."""
_BATCH_S = 5.0
_STEPS_MAX = 60
_MARKS = 10
"""Marks for the time of a turn; each remembers how far had been called."""
MARK_MIN_S = 30.0
_LEARNING_S = 10.0
"""Seconds of capacity after which the share is half learnt."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Places that were called together.

    Attributes:
        at: when the first of them was called.
        first: the first place.
        last: the last place.
        reserved: the room that they were given.
    """

    at: float
    first: int
    last: int
    reserved: float

    @property
    def size(self) -> int:
        """Return the number of places."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Mark:
    """Progress of a lane at a time.

    Attributes:
        at: the time.
        called: the last place called.
        waiting: places that were not called.
    """

    at: float
    called: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Counters:
    """Counts of a lane, from its beginning, as a store keeps them.

    Attributes:
        issued: places given.
        entered: applications let in.
        unreserved: of these the ones that no call had room for: without a place, or late.
    """

    issued: int = 0
    entered: int = 0
    unreserved: int = 0


@dataclass(frozen=True, slots=True)
class LineState:
    """State of a lane.

    Attributes:
        at: when it last moved on.
        room: what may be called; negative where more came than was counted on.
        door: who may enter; negative where people who came have a later moment.
        counted: the counters up to which both are settled.
        called: the last place whose turn has come.
        over: the last place whose turn is over.
        share: of called people, how many come.
        batches: called and not settled yet.
        marks: when how far had been called, and how many waited.
    """

    at: float
    room: float
    door: float
    counted: Counters = Counters()
    called: int = 0
    over: int = 0
    share: float = 1.0
    batches: tuple[Batch, ...] = ()
    marks: tuple[Mark, ...] = ()

    @property
    def settled(self) -> int:
        """Return the last place whose call is settled."""
        return self.batches[0].first - 1 if self.batches else self.called


def begin(now: float, per_s: float) -> LineState:
    """Return a lane that nobody has come to yet."""
    return LineState(now, burst(per_s), burst(per_s))


def burst(per_s: float) -> float:
    """Return how many may be saved up."""
    return max(1.0, BURST_S * per_s)


def due(state: LineState, now: float) -> tuple[Batch, ...]:
    """Return the calls that are to be settled."""
    return tuple(batch for batch in state.batches if batch.at + SETTLE_S <= now)


def advance(
    state: LineState, now: float, counters: Counters, came: Sequence[int], *, per_s: float, turn_s: float
) -> LineState:
    """Return where a lane stands now.

    Args:
        state: where it stood.
        now: not before that; earlier counts as the same time.
        counters: the store's.
        came: for each call that is due, how many came.
        per_s: the capacity.
        turn_s: how long a turn lasts.
    """
    gained = per_s * max(0.0, now - state.at)
    room = state.room + gained - (counters.unreserved - state.counted.unreserved)
    door = min(burst(per_s), state.door + gained - (counters.entered - state.counted.entered))
    settled = due(state, now)
    room += sum(batch.reserved - number for batch, number in zip(settled, came, strict=True))
    share = _learn(state.share, settled, came, per_s)
    count = max(0, min(counters.issued - state.called, math.floor(room / share)))
    batches = _call(state.batches[len(settled) :], now, state.called, count, share)
    marks, over = _mark(state, now, turn_s)
    left = min(burst(per_s), room - count * share)
    return LineState(max(now, state.at), left, door, counters, state.called + count, over, share, batches, marks)


def steps(state: LineState, now: float) -> list[float]:
    """Return the times at which a lane moves on until now: several, if nobody has looked at it for a while."""
    gap = now - state.at
    count = min(_STEPS_MAX, max(1, math.ceil(gap / _BATCH_S)))
    return [state.at + gap * n / count for n in range(1, count)] + [now]


def is_open(state: LineState, issued: int, *, room: float, door: float) -> bool:
    """Return whether whoever comes enters at once: nobody waits, and there is room."""
    return state.called >= issued and room >= 1 and door >= 1


def now_free(state: LineState, now: float, counters: Counters, per_s: float) -> tuple[float, float]:
    """Return room and door as they are between two moves."""
    gained = per_s * max(0.0, now - state.at)
    room = state.room + gained - (counters.unreserved - state.counted.unreserved)
    door = state.door + gained - (counters.entered - state.counted.entered)
    return min(burst(per_s), room), min(burst(per_s), door)


def _learn(share: float, settled: Sequence[Batch], came: Sequence[int], per_s: float) -> float:
    for batch, number in zip(settled, came, strict=True):
        weight = 1 - 0.5 ** (batch.size / max(1.0, _LEARNING_S * per_s))
        share += weight * (number / batch.size - share)
    return min(1.0, max(SHARE_MIN, share))


def _call(batches: tuple[Batch, ...], now: float, called: int, count: int, share: float) -> tuple[Batch, ...]:
    if not count:
        return batches
    last = batches[-1] if batches else None
    if last and now - last.at < _BATCH_S:
        grown = replace(last, last=called + count, reserved=last.reserved + count * share)
        return (*batches[:-1], grown)
    return (*batches, Batch(now, called + 1, called + count, count * share))


def _mark(state: LineState, now: float, turn_s: float) -> tuple[tuple[Mark, ...], int]:
    """Return the marks, and the last place whose turn is over: it was called before the mark of a turn ago."""
    marks = state.marks
    if not marks or now - marks[-1].at >= max(MARK_MIN_S, turn_s / _MARKS):
        marks = (*marks, Mark(now, state.called, state.counted.issued - state.called))
    passed = [mark for mark in marks if mark.at <= now - turn_s]
    over = max([state.over, *(mark.called for mark in passed)])
    return marks[max(0, len(passed) - 1) :], over
