"""Put the terminal into raw mode while it is ours, and always restore it.

What is sent is ECMA-48, which every terminal but a dumb one understands. Only lines that changed are written.
"""

import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from movepass_cli.officer.scanning.screen import ScreenLine, Size
from movepass_cli.output import may_colour
from movepass_cli.signals import Stopped

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

_TAKE = "\x1b[?1049h\x1b[?25l\x1b[2J"
_GIVE_BACK = "\x1b[0m\x1b[?25h\x1b[?1049l"
_TO_END = "\x1b[K"
_PLAIN = {"bold": "1", "dim": "2", "warn": "1;7", "accept": "1;7", "reject": "1;7", "cannot-verify": "1;7"}
_COLOUR = _PLAIN | {
    "warn": "1;30;43",
    "accept": "1;97;42",
    "reject": "1;97;41",
    "cannot-verify": "1;30;43",
}
_READ_BYTES = 65536
_QUIET_SECONDS = 0.3
_DRAIN_SECONDS = 5.0
"""The end waits for a scanner that is typing a code, so that no shell reads the rest."""
_ENDING = ("SIGHUP", "SIGQUIT", "SIGTERM", "SIGINT")


def fits() -> bool:
    """Check whether a full screen can be shown: both ends are a terminal, and not a dumb one."""
    dumb = os.environ.get("TERM", "dumb") in {"", "dumb"}
    return is_typed_into() and sys.stdout.isatty() and not dumb


def is_typed_into() -> bool:
    """Check whether standard input is a terminal that can be put into raw mode."""
    return termios is not None and sys.stdin.isatty()


def can_be_waited_for() -> bool:
    """Check whether waiting for typed input is possible: Windows can wait only for sockets."""
    return termios is not None


def shows_unicode() -> bool:
    """Check whether output is UTF-8."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


@contextmanager
def raw(fd: int, give_back: str = "") -> Iterator[None]:
    """Pass every typed byte through, unechoed and without effect on the terminal, and restore the mode at the end.

    What was typed before is thrown away, and so is what is typed until all has ended: none of it may reach whatever
    reads the terminal next.

    Args:
        fd: the terminal.
        give_back: what is shown in the end.
    """
    before = termios.tcgetattr(fd)
    handlers = {number: signal.signal(number, _stop) for name in _ENDING[:2] if (number := getattr(signal, name))}
    try:
        _set(fd, without_meaning(before))
        yield
    finally:
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [getattr(signal, name) for name in _ENDING])
        with suppress(OSError, termios.error):  # it may be gone, as when its window was closed
            if give_back and select.select([], [sys.stdout], [], 0)[1]:
                _write(give_back)
            _drain(fd)
            _set(fd, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _stop(*_: object) -> None:
    raise Stopped


def _set(fd: int, mode: "termios._AttrReturn") -> None:
    """Set a terminal's mode and discard unread input, without waiting for pending output."""
    termios.tcsetattr(fd, termios.TCSANOW, mode)
    termios.tcflush(fd, termios.TCIFLUSH)


def without_meaning(mode: "termios._AttrReturn") -> "termios._AttrReturn":
    """Return a mode in which no byte has a meaning: no signals, flow control, editing or translation."""
    _iflag, oflag, cflag, _lflag, ispeed, ospeed, cc = mode
    cflag = cflag & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    chars = list(cc)
    chars[termios.VMIN], chars[termios.VTIME] = 1, 0
    return [0, oflag, cflag, 0, ispeed, ospeed, chars]


def _drain(fd: int) -> None:
    """Read what is still being typed, until nothing comes for a moment."""
    end = time.monotonic() + _DRAIN_SECONDS
    while time.monotonic() < end and select.select([fd], [], [], _QUIET_SECONDS)[0]:
        if not os.read(fd, _READ_BYTES):
            return


def _write(text: str) -> None:
    """Write to the terminal at once: interrupted output must not appear after the screen was restored."""
    data = text.encode(sys.stdout.encoding, "backslashreplace")
    while data:
        data = data[os.write(sys.stdout.fileno(), data) :]


class Terminal:
    """The terminal on standard output."""

    def __init__(self) -> None:
        """Start without writing anything."""
        self._styles = _COLOUR if may_colour() else _PLAIN
        self._before: list[str] = []

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take over the screen and the keyboard."""
        with raw(sys.stdin.fileno(), _GIVE_BACK):
            _write(_TAKE)
            yield

    @property
    def size(self) -> Size:
        """The current size."""
        return Size(*shutil.get_terminal_size())

    def forget(self) -> None:
        """Rewrite everything next time, because the window has changed or something else wrote to it."""
        self._before = []

    def show(self, lines: list[ScreenLine], bells: str = "") -> None:
        """Update the screen."""
        texts = [self._style(line) for line in lines]
        if len(texts) != len(self._before):
            self._before = []
        out = [] if self._before else ["\x1b[2J"]
        before = self._before or [""] * len(texts)
        for row, (text, old) in enumerate(zip(texts, before, strict=True), 1):
            if text != old:
                out.append(f"\x1b[{row};1H{text}{_TO_END}")
        self._before = texts
        if out or bells:
            _write("".join(out) + bells)

    def _style(self, line: ScreenLine) -> str:
        return "".join(
            f"\x1b[{self._styles[span.style]}m{span.text}\x1b[0m" if span.style else span.text for span in line
        )
