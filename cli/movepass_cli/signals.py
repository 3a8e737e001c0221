"""End in order on SIGTERM or Ctrl-C, for commands that run until they are stopped.

A handler may interrupt any line of Python, also one that holds a lock. So it takes no lock and sets a plain flag. To
wait is to select a socket, into which the interpreter writes a byte for every signal (signal.set_wakeup_fd), whichever
thread gets it and however shortly before the wait begins. It is a socket because Windows can select nothing else.
"""

import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_READ_BYTES = 4096


class Stopped(BaseException):
    """A signal came; raised wherever the main thread was."""


class StopSignal:
    """Reports whether a signal has come, and waits for it; select(2) accepts it too."""

    def __init__(self, waker: socket.socket) -> None:
        """Use a socket that becomes readable after any signal."""
        self._waker = waker
        self._came = False

    def set(self) -> None:
        """Record that the signal has come. Takes no lock."""
        self._came = True

    def is_set(self) -> bool:
        """Return whether the signal has come."""
        return self._came

    def fileno(self) -> int:
        """Return the descriptor that becomes readable after any signal."""
        return self._waker.fileno()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most this long for the signal, and return whether it has come."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self._came:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                break
            select.select([self._waker], [], [], left)
            with suppress(BlockingIOError):
                self._waker.recv(_READ_BYTES)  # other signals wake it too, such as a new window size
        return self._came


@contextmanager
def stopped_by_signals(*, at_once: bool = False) -> Iterator[StopSignal]:
    """Yield an event that the first SIGTERM or SIGINT sets; the second signal ends the process at once.

    Args:
        at_once: also raise Stopped, for work that may stop anywhere.
    """
    reader, writer = socket.socketpair()
    reader.setblocking(False)  # noqa: FBT003 - socket's signature
    writer.setblocking(False)  # noqa: FBT003
    stop = StopSignal(reader)

    def end(*_: object) -> None:
        stop.set()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if at_once:
            raise Stopped

    woken = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in handlers:
            signal.signal(number, end)
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken)
        reader.close()
        writer.close()
