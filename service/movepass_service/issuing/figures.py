"""How long people waited in the last hour, so that others can be told what to expect."""

from collections import deque
from dataclasses import dataclass, field

_MINUTE, _HOUR_MINUTES = 60, 60


@dataclass(slots=True)
class LastHour:
    """Waiting times by the minute. One thread notes them, and any may read."""

    _minutes: deque[tuple[int, int, float]] = field(default_factory=lambda: deque(maxlen=_HOUR_MINUTES))

    def note(self, waits: list[float], now: int) -> None:
        """Note how long some people waited, in seconds, up to a time."""
        if not waits:
            return
        minute, count, total = now // _MINUTE, len(waits), sum(waits)
        if self._minutes and self._minutes[-1][0] == minute:
            _, before, seconds = self._minutes.pop()
            count, total = count + before, total + seconds
        self._minutes.append((minute, count, total))

    def mean(self, now: int) -> float | None:
        """Return the mean of the last hour, or None where nobody waited."""
        first = now // _MINUTE - _HOUR_MINUTES
        recent = [(count, total) for minute, count, total in list(self._minutes) if minute > first]
        count = sum(count for count, _ in recent)
        return sum(total for _, total in recent) / count if count else None
