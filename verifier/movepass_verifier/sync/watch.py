"""Syncing again and again, so that a country's devices neither come at once nor stay away.

After a power cut all devices of a district start in the same minute, and after an outage of the source all of them have
failed. So every wait is drawn: the first sync comes anywhere in the period, each further one a little early or late,
and a failed one is tried again after times that double, each anywhere in the second half of its span.
"""

import random
from collections.abc import Callable
from typing import Protocol

from movepass_verifier.sync.sync import SyncResult

URGENT_SECONDS = 60.0
"""A device that could accept nothing now syncs for the first time within this."""
RETRY_FIRST_SECONDS = 15.0
RETRY_MAX_SECONDS = 3600.0
"""After the nth failure in a row the span is FIRST * 2^(n - 1), at most MAX, and at most the period."""
_JITTER = 0.1
_DOUBLINGS_MAX = 16


class Stop(Protocol):
    """Tells a loop to end: a threading.Event, or a signal."""

    def wait(self, timeout: float) -> bool:
        """Wait for it, at most for some seconds; tells whether it is set."""


def first_wait(seconds: float, *, ready: bool, draw: Callable[[float, float], float] = random.uniform) -> float:
    """Draw when the first sync comes, in seconds from now.

    Args:
        seconds: the period.
        ready: whether the device could accept a pass as it is.
        draw: gives a number between two.
    """
    return draw(0, seconds if ready else min(seconds, URGENT_SECONDS))


def next_wait(seconds: float, failures: int, *, draw: Callable[[float, float], float] = random.uniform) -> float:
    """Draw when the next sync comes, in seconds from the end of the last.

    Args:
        seconds: the period.
        failures: how many have failed in a row, up to the last.
        draw: gives a number between two.
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
    """Sync again and again until told to stop; no failure ends it.

    Args:
        seconds: the period.
        sync: syncs once.
        ready: whether the device could accept a pass as it is.
        stop: set by whoever wants an end.
        tell: is told what came of each sync (None before the first), and in how many seconds the next one begins.
    """
    came: SyncResult | Exception | None = None
    failures, wait = 0, first_wait(seconds, ready=ready)
    tell(came, wait)
    while not stop.wait(wait):
        try:
            came, failures = sync(), 0
        except Exception as e:  # noqa: BLE001 - nobody is there to start it again
            came, failures = e, failures + 1
        wait = next_wait(seconds, failures)
        tell(came, wait)
