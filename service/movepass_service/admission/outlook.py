"""How long a place will wait, as a range from the speed of the last minutes."""

import math
from dataclasses import dataclass
from itertools import pairwise

from movepass_service.admission.line import MARK_MIN_S, LineState, Mark

RETRY_MIN_S, RETRY_MAX_S = 5, 60
"""How often a page that waits looks again."""
_LOOKS = 6
"""Looks within the shortest time that the wait may take."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a person in line is told.

    Attributes:
        ahead: places before this one; some of them will not come.
        soonest_s: the wait at the speed of the fastest of the last minutes.
        latest_s: the wait if everybody ahead comes, at the slowest speed; None while the line does not move.
        retry_after_s: when it is worth to look again.
    """

    ahead: int
    soonest_s: int
    latest_s: int | None
    retry_after_s: int


def outlook(state: LineState, number: int, per_s: float) -> Outlook:
    """Return what to tell about a place.

    The long end never counts on people who give up, so it is no promise that breaks when everybody comes. It has room
    for a page that has just looked, and for others at the door.
    """
    ahead = max(0, number - state.called - 1)
    points = (*state.marks, Mark(state.at, state.called, 0))
    speeds = [
        (end.called - start.called) / (end.at - start.at)
        for start, end in pairwise(points)
        if start.waiting > 0 and end.at - start.at >= MARK_MIN_S / 2
    ]
    fastest, slowest = max([per_s, *speeds]), min([per_s, *speeds])
    soonest = math.floor((ahead + 1) / fastest)
    retry = min(RETRY_MAX_S, max(RETRY_MIN_S, soonest // _LOOKS))
    latest = None if slowest <= 0 else math.ceil((ahead + 1 + _debt(state)) / slowest) + 2 * RETRY_MIN_S
    return Outlook(ahead, soonest, latest, retry)


def _debt(state: LineState) -> float:
    """Return how many more may enter first: who came without room, and who was called and not counted on."""
    return max(0.0, -state.room) + sum(batch.size - batch.reserved for batch in state.batches)
