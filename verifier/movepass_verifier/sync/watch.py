"""Sync repeatedly, so that a country's devices neither come at once nor stay away.

After a power cut all devices of a district start in the same minute, and after an outage of the source all of them have
failed. So every wait is random. The first sync comes anywhere in the period, each later sync a little early or late.
A failed sync is retried after doubling times, each drawn from the second half of its span.
"""

import random
from collections.abc import Callable
from typing import Protocol

from movepass_verifier.sync.sync import SyncResult

URGENT_SECONDS = 60.0
"""A device that could accept nothing now starts its first sync within this time."""
RETRY_FIRST_SECONDS = 15.0
RETRY_MAX_SECONDS = 3600.0
"""After the nth failure in a row the span is FIRST * 2^(n - 1), at most MAX, and at most the period."""
_JITTER = 0.1
_DOUBLINGS_MAX = 16


class Stop(Protocol):
    """A signal for a loop to end: a threading.Event, or a process signal."""

    def wait(self, timeout: float) -> bool:
        """Wait at most this long for the signal, and return whether it is set."""


def first_wait(seconds: float, *, ready: bool, draw: Callable[[float, float], float] = random.uniform) -> float:
    """Draw when the first sync starts, in seconds from now.

    Args:
        seconds: the period.
        ready: whether the device could accept a pass now.
        draw: returns a random number between two numbers.
    """
    return draw(0, seconds if ready else min(seconds, URGENT_SECONDS))


def next_wait(seconds: float, failures: int, *, draw: Callable[[float, float], float] = random.uniform) -> float:
    """Draw when the next sync starts, in seconds from the end of the last.

    Args:
        seconds: the period.
        failures: the number of failures in a row, including the last sync.
        draw: returns a random number between two numbers.
    """
    if not failures:
        return seconds * draw(1 - _JITTER, 1 + _JITTER)
    most = min(RETRY_FIRST_SECONDS * 2 ** min(failures - 1, _DOUBLINGS_MAX), RETRY_MAX_SECONDS, seconds)
    return draw(most / 2, most)


def sync_every(
    seconds: float,
    sync: Callable[[], SyncResult],
    *,
    ready: bool,
    stop: Stop,
    tell: Callable[[SyncResult | Exception | None, float], object],
) -> None:
    """Sync repeatedly until told to stop; no failure ends it.

    Args:
        seconds: the period.
        sync: syncs once.
        ready: whether the device could accept a pass now.
        stop: the signal to end.
        tell: called with the result of each sync (None before the first) and the seconds until the next.
    """
    came: SyncResult | Exception | None = None
    failures, wait = 0, first_wait(seconds, ready=ready)
    tell(came, wait)
    while not stop.wait(wait):
        try:
            came, failures = sync(), 0
        except Exception as e:  # noqa: BLE001 - nobody is there to restart it
            came, failures = e, failures + 1
        wait = next_wait(seconds, failures)
        tell(came, wait)
