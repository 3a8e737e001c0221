"""An end in good order for what would go on for ever: SIGTERM or Ctrl-C."""

import signal
from threading import Event


class Stopped(BaseException):
    """A signal came; raised wherever the main thread was."""


def stopped_by_signals(*, at_once: bool = False) -> Event:
    """Give what the first SIGTERM or SIGINT sets; the second one ends the process at once, as ever.

    Args:
        at_once: raise Stopped besides, for what may be left off anywhere.
    """
    stop = Event()

    def end(*_: object) -> None:
        stop.set()
        for number, handler in before.items():
            signal.signal(number, handler)
        if at_once:
            raise Stopped

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    return stop
