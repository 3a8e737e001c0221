"""A terminal without a window: runs a command in it, types into it, and reads or draws what it shows.

pyte takes what the command writes as a terminal does; a picture of it is an SVG, in which block characters are drawn
and all other text is left to the reader's fonts.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from html import escape
from itertools import groupby
from typing import Any

import pyte

from support.forked import Forked, can_fork

_MOVEPASS = [sys.executable, "-m", "movepass_cli.main"]
_QUARTERS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
_CELL = 9, 18
_WRITE_BYTES = 256
_READ_BYTES = 65536
_COLOURS = {"default": "#e6e6e6", "black": "#101214", "red": "#b3261e", "green": "#1b7f3b", "brown": "#e2b714",
            "brightwhite": "#ffffff", "white": "#ffffff"}  # fmt: skip
_BACKGROUND = "#101214"
_FONTS = "ui-monospace, DejaVu Sans Mono, Menlo, Consolas, Noto Sans Bengali, monospace"


class _Terminal(pyte.Screen):
    """pyte drops what follows a vowel sign that has no combining class; a terminal puts it onto its letter."""

    def draw(self, data: str) -> None:
        for char in data:
            if unicodedata.category(char) in {"Mn", "Me", "Cf"} and self.cursor.x:
                line, at = self.buffer[self.cursor.y], self.cursor.x - 1
                line[at] = line[at]._replace(data=line[at].data + char)
            elif unicodedata.category(char) == "Mc":
                super().draw("\N{DOTTED CIRCLE}")
                line, at = self.buffer[self.cursor.y], self.cursor.x - 1
                line[at] = line[at]._replace(data=char)
            else:
                super().draw(char)


class Screen:
    """A running command and the terminal it runs in.

    Attributes:
        first_mode: the terminal's mode before the command was started.
    """

    def __init__(self, fd: int, theirs: int, process: "subprocess.Popen[bytes]", columns: int, rows: int) -> None:
        self.process = process
        self.first_mode: list[Any] = []
        self._fd = fd
        self._theirs = theirs
        self._screen = _Terminal(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._raw = b""

    def type(self, text: str) -> None:
        """Type as a hand scanner does: all at once."""
        self.send(text.encode())

    def send(self, data: bytes) -> None:
        """Type bytes, whatever they are."""
        while data:  # a terminal takes input and shows output at once, or both ends wait for each other
            readable, writable, _ = select.select([self._fd], [self._fd], [])
            if readable:
                self._read(0)
            if writable:
                data = data[os.write(self._fd, data[:_WRITE_BYTES]) :]

    def mode(self) -> "list[Any]":
        """Return the terminal's mode."""
        return termios.tcgetattr(self._theirs)

    def unread(self) -> bytes:
        """Return what was typed and not read."""
        mode = termios.tcgetattr(self._theirs)
        mode[3] &= ~termios.ICANON
        termios.tcsetattr(self._theirs, termios.TCSANOW, mode)
        return os.read(self._theirs, _READ_BYTES) if select.select([self._theirs], [], [], 0)[0] else b""

    def confirm(self, key: str) -> None:
        """Press a key that asks for a number, and type the number."""
        self.type(key)
        asked = re.compile(r"type ([0-9]{4}), then Enter")
        shown = " ".join(self.until(lambda shown: asked.search(" ".join(shown.split()))).split())
        found = asked.search(shown)
        assert found
        self.type(found[1] + "\r")

    def answer(self, text: str, mark: str, seconds: float = 20) -> float:
        """Type, and return the seconds until the command has written something; drawing, which is slow, comes after."""
        came, wanted = b"", mark.encode()
        began = time.perf_counter()
        os.write(self._fd, text.encode())
        while wanted not in came:
            assert select.select([self._fd], [], [], seconds)[0], f"{mark} not written within {seconds} s:\n{self.text}"
            try:
                came += os.read(self._fd, _READ_BYTES)
            except OSError as e:
                self._take(came)
                raise AssertionError(f"ended with {self.process.wait(seconds)}:\n{self.text}") from e
        took = time.perf_counter() - began
        self._take(came)
        return took

    def idle(self, seconds: float) -> None:
        """Let time go by; what the command writes meanwhile is drawn."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(left)

    def until(self, shown: Callable[[str], object], seconds: float = 20) -> str:
        """Wait until the screen shows something, and return its text."""
        end = time.monotonic() + seconds
        while not shown(self.text):
            assert time.monotonic() < end, f"not shown within {seconds} s:\n{self.text}"
            if not self._read(0.05) and self.process.poll() is not None:
                assert shown(self.text), f"ended with {self.process.returncode}:\n{self.text}"
        return self.text

    def shows(self, text: str) -> None:
        """Wait until a text is there, however its lines are broken."""
        self.until(lambda shown: text in " ".join(shown.split()))

    def shows_run_together(self, text: str) -> None:
        """Wait until a text is there, white space left aside: a word too long for a line is broken anywhere."""
        self.until(lambda shown: text in "".join(shown.split()))

    def settle(self, seconds: float) -> None:
        """Wait until nothing has been written for so long."""
        while self._read(seconds):
            pass

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size."""
        self._screen.resize(rows, columns)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close(self) -> None:
        """Close the window."""
        os.close(self._theirs)
        os.close(self._fd)

    @property
    def text(self) -> str:
        """What it shows."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def bells(self) -> int:
        """How often the bell was rung."""
        return self._raw.count(b"\a")

    def raw(self) -> str:
        """All that the command has written."""
        return self.written().decode(errors="replace")

    def written(self) -> bytes:
        """Return all that the command has written, in bytes."""
        while self._read(0):
            pass
        return self._raw

    def svg(self) -> str:
        """Draw what it shows."""
        return _svg(self._screen)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._fd, _READ_BYTES)
        except OSError:  # the command has gone
            return False
        self._take(data)
        return bool(data)

    def _take(self, data: bytes) -> None:
        self._raw += data
        self._stream.feed(data)


@contextmanager
def running(
    command: Sequence[str], *, columns: int = 80, rows: int = 24, environment: Mapping[str, str] | None = None
) -> Iterator[Screen]:
    """Run a command in a terminal, and end it in the end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MOVEPASS_")}
    clean = {name: value for name, value in clean.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    settings = clean | {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | dict(environment or {})
    options: Any = {
        "stdin": theirs, "stdout": theirs, "stderr": theirs, "env": settings, "start_new_session": True,
    }  # fmt: skip
    first_mode = termios.tcgetattr(theirs)
    process: subprocess.Popen[bytes]
    if list(command[: len(_MOVEPASS)]) == _MOVEPASS and can_fork(settings):
        process = Forked(["movepass", *command[len(_MOVEPASS) :]], **options)
    else:
        process = subprocess.Popen(
            command, **options, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - what closes with the window
        )  # fmt: skip
    screen = Screen(ours, theirs, process, columns, rows)
    screen.first_mode = first_mode
    try:
        yield screen
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)
        for fd in (ours, theirs):
            with suppress(OSError):  # the test has closed it
                os.close(fd)


def movepass(*arguments: object) -> list[str]:
    """Return the command line of `movepass`."""
    return [*_MOVEPASS, *map(str, arguments)]


def _svg(screen: pyte.Screen) -> str:
    wide, high = _CELL
    width, height = screen.columns * wide + 16, screen.lines * high + 16
    box = f'width="{width}" height="{height}" viewBox="-8 -8 {width} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} font-family="{_FONTS}" font-size="15">',
        f'<rect x="-8" y="-8" width="{width}" height="{height}" rx="6" fill="{_BACKGROUND}"/>',
    ]
    for y in range(screen.lines):
        row = [screen.buffer[y][x] for x in range(screen.columns)]
        at = 0
        for style, cells in groupby(row, key=_style):
            run = list(cells)
            parts += _run(run, style, at, y)
            at += len(run)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _style(cell: Any) -> tuple[str, str, bool]:
    colour, ground = _COLOURS.get(cell.fg, cell.fg), _COLOURS.get(cell.bg, cell.bg)
    ground = _BACKGROUND if cell.bg == "default" else ground
    return (ground, colour, cell.bold) if cell.reverse else (colour, ground, cell.bold)


def _run(cells: list[Any], style: tuple[str, str, bool], x: int, y: int) -> Iterator[str]:
    wide, high = _CELL
    colour, ground, bold = style
    if ground != _BACKGROUND:
        yield f'<rect x="{x * wide}" y="{y * high}" width="{len(cells) * wide}" height="{high + 1}" fill="{ground}"/>'
    texts = [cell.data for cell in cells]
    path = "".join(_blocks(texts, x * wide, y * high))
    if path:
        yield f'<path fill="{colour}" shape-rendering="crispEdges" d="{path}"/>'
    text = "".join(" " if data in _QUARTERS else data for data in texts)
    if text.strip():
        weight = ' font-weight="bold"' if bold else ""
        start = len(text) - len(text.lstrip())
        body = text.strip()
        fit = f' textLength="{len(body) * wide}" lengthAdjust="spacingAndGlyphs"' if body.isascii() else ""
        yield (
            f'<text xml:space="preserve" x="{(x + start) * wide}" y="{y * high + 14}" fill="{colour}"{weight}{fit}>'
            f"{escape(body)}</text>"
        )


def _blocks(texts: list[str], left: int, top: int) -> Iterator[str]:
    """Draw block characters, each half row's neighbours as one."""
    wide, high = _CELL[0] / 2, _CELL[1] / 2
    filled = [_QUARTERS.index(text) if text in _QUARTERS else 0 for text in texts]
    for row in (0, 1):
        halves = [bool(mask >> (2 * row + column) & 1) for mask in filled for column in (0, 1)]
        at = 0
        for full, same in groupby(halves):
            count = len(list(same))
            if full:
                width = count * wide
                yield f"M{left + at * wide:g} {top + row * high:g}h{width:g}v{high + 0.5:g}h{-width:g}z"
            at += count
