"""Rounds of work in a thread of their own: neither the worker nor a page waits for statistics."""

import threading
from collections.abc import Callable

Stopped = Callable[[], bool]


class Rounds:
    """Runs one round after another until it is told to stop."""

    def __init__(self, name: str, round_: Callable[[Stopped], object], every_s: float) -> None:
        """Take what one round does.

        Args:
            name: the thread's.
            round_: does a round, given whether to stop; returns something true if the next one shall follow at once.
            every_s: seconds between rounds else.
        """
        self._round = round_
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the round at work, and end the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            more = self._round(self._stop.is_set)
            if self._stop.is_set() or (not more and self._stop.wait(self._every_s)):
                return
