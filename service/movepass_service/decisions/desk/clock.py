"""The desk's clock, by which leases and undo windows end. It never runs backwards, whatever the machine's clock does.

The store keeps the latest time that it has seen. A clock that is set back therefore opens no window again, and gives
nobody a second lease. Within a process it also runs on by the monotonic clock: were the machine's clock once far ahead
and then set right, windows would otherwise stay open until that far time.
"""

import threading
import time
from collections.abc import Callable

from movepass_service.stores.desk import DeskStore


class DeskClock:
    """One per process and store. Times are seconds since 1970 UTC, and may be ahead of the machine's clock."""

    def __init__(self, store: DeskStore, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Take where the latest time is kept, and what runs on evenly."""
        self._store = store
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._latest = float(store.advance_clock(0))
        self._at = monotonic()

    def peek(self, now: int) -> int:
        """Return the time, for showing; it writes nothing."""
        with self._lock:
            return max(now, int(self._run_on()), self._store.advance_clock(0))

    def advance(self, now: int) -> int:
        """Return the time, for deciding: durable when this returns, and never earlier than any returned before.

        Args:
            now: the machine's clock.
        """
        with self._lock:
            here = max(now, int(self._run_on()))
            latest = self._store.advance_clock(here)
            if latest > self._latest:
                self._latest, self._at = float(latest), self._monotonic()
            return latest

    def _run_on(self) -> float:
        """Return the latest time known here, and what went by since."""
        return self._latest + (self._monotonic() - self._at)
