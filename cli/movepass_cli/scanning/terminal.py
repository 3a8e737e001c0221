"""The terminal: the whole screen taken, and given back as it was, whatever ends us.

What is sent is ECMA-48, which every terminal but a dumb one understands. Only lines that changed are written.
"""

import os
import shutil
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from movepass_cli.output import may_colour
from movepass_cli.scanning.screen import ScreenLine, Size

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


def fits() -> bool:
    """Tell whether a whole screen can be shown: both ends are a terminal, and not a dumb one."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in {"", "dumb"}


def shows_unicode() -> bool:
    """Tell whether what we write is UTF-8."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


class Terminal:
    """The terminal that standard output is."""

    def __init__(self) -> None:
        """Nothing is written yet."""
        self._styles = _COLOUR if may_colour() else _PLAIN
        self._before: list[str] = []

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take the screen; keys come one by one and are not echoed, Ctrl-C and Ctrl-Z work as ever."""
        fd = sys.stdin.fileno()
        before = termios.tcgetattr(fd)
        try:
            tty.setcbreak(fd)
            self._write(_TAKE)
            yield
        finally:
            with suppress(OSError, termios.error):  # it may be gone, as when its window was closed
                self._write(_GIVE_BACK)
                termios.tcsetattr(fd, termios.TCSADRAIN, before)

    @property
    def size(self) -> Size:
        """Its size now."""
        return Size(*shutil.get_terminal_size())

    def forget(self) -> None:
        """Write everything anew the next time: the window has changed, or something else wrote into it."""
        self._before = []

    def show(self, lines: list[ScreenLine], bells: str = "") -> None:
        """Bring the screen up to date."""
        texts = [self._styled(line) for line in lines]
        if len(texts) != len(self._before):
            self._before = []
        out = [] if self._before else ["\x1b[2J"]
        before = self._before or [""] * len(texts)
        for row, (text, old) in enumerate(zip(texts, before, strict=True), 1):
            if text != old:
                out.append(f"\x1b[{row};1H{text}{_TO_END}")
        self._before = texts
        if out or bells:
            self._write("".join(out) + bells)

    def _styled(self, line: ScreenLine) -> str:
        return "".join(
            f"\x1b[{self._styles[span.style]}m{span.text}\x1b[0m" if span.style else span.text for span in line
        )

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
