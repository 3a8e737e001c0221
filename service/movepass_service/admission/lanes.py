"""The lanes of the line: urgent reasons have their own, and so has whoever can't prove work during a flood."""

from enum import StrEnum


class Lane(StrEnum):
    """A line of its own, with a capacity of its own."""

    URGENT = "urgent"
    ORDINARY = "ordinary"
    SLOW_URGENT = "slow-urgent"
    SLOW = "slow"

    @property
    def is_slow(self) -> bool:
        """Return whether it is a lane for people without a proof of work."""
        return self in _SLOW.values()

    @property
    def slow(self) -> "Lane":
        """Return the lane for the same reasons without a proof of work."""
        return _SLOW.get(self, self)


_SLOW = {Lane.URGENT: Lane.SLOW_URGENT, Lane.ORDINARY: Lane.SLOW}


def lane_of(*, is_urgent: bool, has_proof: bool, is_flood: bool) -> Lane:
    """Return the lane that an application belongs to."""
    lane = Lane.URGENT if is_urgent else Lane.ORDINARY
    return lane.slow if is_flood and not has_proof else lane
