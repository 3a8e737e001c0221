"""Publishes at intervals, for a host without a scheduler."""

import time
from collections.abc import Callable
from typing import Protocol

from movepass_issuer.errors import IssuerError
from movepass_issuer.publishing.publisher import Publication
from movepass_issuer.regions.replication import Followed
from movepass_keys.errors import KeysError
from movepass_wire.errors import WireError

RETRY_FIRST_SECONDS = 2.0
"""After the nth failure in a row, wait this times 2^(n - 1), and never longer than after a success."""

_DOUBLINGS_MAX = 16
PublishingFailure = IssuerError | KeysError | WireError | OSError
_FAILURES = (IssuerError, KeysError, WireError, OSError)


class StopFlag(Protocol):
    """A flag that ends a loop: a threading.Event, or a signal."""

    def is_set(self) -> bool:
        """Return whether it is set."""

    def wait(self, timeout: float) -> bool:
        """Wait for it, at most for some seconds, and return whether it is set."""


def publish_every(
    seconds: float,
    publish: Callable[[], Publication | Followed],
    *,
    stop: StopFlag,
    tell: Callable[[Publication | Followed | PublishingFailure, float], object],
) -> None:
    """Publish at intervals until told to stop; a publication in progress is finished first.

    Args:
        seconds: from the beginning of one publication to that of the next.
        publish: publishes once.
        stop: ends the loop when it is set.
        tell: called with the result of each publication, and in how many seconds the next one begins.
    """
    failures = 0
    while not stop.is_set():
        begun = time.monotonic()
        try:
            came: Publication | Followed | PublishingFailure = publish()
        except _FAILURES as e:
            came, failures = e, failures + 1
        else:
            failures = 0
        if failures:
            wait = min(RETRY_FIRST_SECONDS * 2 ** min(failures - 1, _DOUBLINGS_MAX), seconds)
        else:
            wait = max(0.0, seconds - (time.monotonic() - begun))
        tell(came, wait)
        stop.wait(wait)
