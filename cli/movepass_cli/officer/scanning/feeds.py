"""Read codes from sources besides the keyboard: each feed is an iterator with its own thread.

What a feed gives is a code's text, or what was wrong, to be told to the officer. None of them ends because of one bad
code, a scanner pulled out or a camera that is gone; those that go on for ever look at `stop` now and then.
"""

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from glob import glob
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from movepass_cli.officer.scanning.keyboard import Keyboard, TypedLine, Unfinished
from movepass_cli.officer.scanning.terminal import without_meaning
from movepass_verifier.errors import ImageError
from movepass_verifier.reading.image import FILE_ENDINGS, PictureReader, check_extra, the_pass
from movepass_wire.limits import TEXT_MAX_CHARS
from movepass_words import Message, message

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

_LOOK_SECONDS = 0.2
"""The time between two looks into a folder."""
_WHOLE_SECONDS = 2.0
"""A file that has not changed for this long is complete."""
_HIDDEN = (".", "~$")
"""The prefixes of other programs' own files, such as macOS' `._pass.png`."""
_AGAIN_SECONDS = 1.0
"""The wait before a missing scanner or camera is tried again."""
_STILL_SHOWN_SECONDS = 2.0
"""A code that leaves the camera's sight for a shorter time counts as shown once."""
_READ_BYTES = 4096
_LINE_MAX_BYTES = 4 * TEXT_MAX_CHARS
"""A longer text is not a pass; it is cut here, and refused for its length."""


class Given(NamedTuple):
    """A result of a feed.

    Attributes:
        source: where it came from.
        what: a code's text, or what was wrong with what was shown; None where a code has begun to come in.
        trouble: that the feed itself has a problem: nothing was shown to it.
    """

    source: str
    what: str | Message | None
    trouble: bool = False


Feed = Callable[[threading.Event], Iterator[Given]]


class Feeds:
    """Feeds that run in parallel."""

    def __init__(self, feeds: list[Feed]) -> None:
        """Prepare feeds without starting them."""
        self._feeds = feeds
        self._given: SimpleQueue[Given | None] = SimpleQueue()
        self._running = len(feeds)
        self._stop = threading.Event()
        self.awake, self._waker = socket.socketpair()
        """A socket that is readable after a result or the end of a feed; Windows selects only sockets."""
        self.awake.setblocking(False)  # noqa: FBT003 - socket's signature

    @property
    def ended(self) -> bool:
        """Return whether all feeds have ended and all results were taken."""
        return not self._running

    def start(self) -> None:
        """Start all feeds."""
        for feed in self._feeds:
            threading.Thread(target=self._run, args=(feed,), daemon=True).start()

    def take(self) -> Iterator[Given]:
        """Return the results so far."""
        with suppress(BlockingIOError):
            self.awake.recv(_READ_BYTES)
        while not self._given.empty():
            given = self._given.get()
            if given is None:
                self._running -= 1
            else:
                yield given

    def stop(self) -> None:
        """End all feeds."""
        self._stop.set()

    def _run(self, feed: Feed) -> None:
        try:
            for given in feed(self._stop):
                self._put(given)
        except Exception as e:  # noqa: BLE001 - a scanner's driver may raise anything; the other feeds must continue
            what = message("scan.feed-failed", feed=feed.__qualname__.split(".")[0], problem=f"{type(e).__name__}: {e}")
            self._put(Given("", what, trouble=True))
        finally:
            self._put(None)

    def _put(self, given: Given | None) -> None:
        self._given.put(given)
        self._waker.send(b".")


def lines(file: Any) -> Feed:
    """Read lines of text until the end of a file, as hand scanners type them into a pipe."""

    def feed(_stop: threading.Event) -> Iterator[Given]:
        while line := file.readline(_LINE_MAX_BYTES):
            text = line.decode(errors="replace").rstrip("\r\n")
            if text:
                yield Given("stdin", text)
            while line and not line.endswith(b"\n"):
                line = file.readline(_LINE_MAX_BYTES)

    return feed


def pictures(paths: list[str]) -> Feed:
    """Read each picture once. Needs the [scan] extra."""
    check_extra()
    if os.name == "nt":  # no shell has expanded the pattern
        paths = [name for path in paths for name in sorted(glob(path)) or [path]]  # noqa: PTH207 - a pattern, and text

    def feed(stop: threading.Event) -> Iterator[Given]:
        with PictureReader() as reader:
            for path in paths:
                if stop.is_set():
                    return
                yield _picture(reader, Path(path))

    return feed


def folder(path: Path) -> Feed:
    """Read each picture that comes into a folder once it is complete, unchanged between two looks.

    A picture that can't be read may have come in part only: that is said once it has not changed for some seconds.
    """
    check_extra()

    def feed(stop: threading.Event) -> Iterator[Given]:
        read = before = _look(path) or {}  # pictures that were there before belong to somebody else
        tried: dict[Path, _Tried] = {}
        with PictureReader() as reader:
            reader.start()
            while not stop.wait(_LOOK_SECONDS):
                now = _look(path)
                if now is None:
                    continue
                for file in sorted(now, key=lambda file: now[file]):
                    mark = now[file]
                    if mark != before.get(file) or mark == read.get(file):
                        continue
                    if file not in tried or tried[file].mark != mark:
                        tried[file] = _Tried(mark, time.monotonic(), _picture(reader, file))
                    if tried[file].may_be_told(time.monotonic()):
                        read[file] = mark
                        yield tried[file].given
                tried = {file: seen for file, seen in tried.items() if file in now and read.get(file) != seen.mark}
                read = {file: mark for file, mark in read.items() if file in now}
                before = now

    return feed


_Mark = tuple[int, int]
"""A file's time and size; if either changes, it is another picture."""


class _Tried(NamedTuple):
    """The result of reading a file in one version."""

    mark: _Mark
    at: float
    given: Given

    def may_be_told(self, now: float) -> bool:
        """Return whether it is a code's text, or the file has had time to be completed."""
        return not isinstance(self.given.what, Message) or now - self.at >= _WHOLE_SECONDS


def _look(folder: Path) -> dict[Path, _Mark] | None:
    """List the pictures in a folder by name; None if it can't be read now."""
    found = {}
    try:
        for entry in os.scandir(folder):
            if entry.name.startswith(_HIDDEN) or not entry.name.lower().endswith(FILE_ENDINGS):
                continue
            with suppress(OSError):  # it was removed meanwhile, which says nothing about the others
                if entry.is_file() and (status := entry.stat()).st_size:
                    found[Path(entry)] = (status.st_mtime_ns, status.st_size)
    except OSError:
        return None
    return found


def serial(device: Path) -> Feed:
    """Read lines from a scanner on a serial line, and wait for it if it was unplugged.

    Raises:
        ImageError: this system's serial lines can't be read.
    """
    if termios is None:
        raise ImageError(message("scan.no-serial"))

    def feed(stop: threading.Event) -> Iterator[Given]:
        told: Message | None = None
        while not stop.is_set():
            try:
                with _open_line(device) as fd:
                    for given in _lines_of(fd, stop, str(device)):
                        told = None
                        yield given
            except OSError as e:
                trouble = _serial_trouble(device, e)
                if trouble != told:
                    yield Given(str(device), trouble, trouble=True)
                told = trouble
                stop.wait(_AGAIN_SECONDS)

    return feed


def _serial_trouble(device: Path, error: OSError) -> Message:
    """Explain why a serial line can't be read: usually it is unplugged, or the user may not read it."""
    if isinstance(error, PermissionError):
        with suppress(OSError, KeyError):
            return message("scan.serial-denied", device=str(device), group=device.group())
    return message("scan.serial-gone", device=str(device))


@contextmanager
def _open_line(device: Path) -> Iterator[int]:
    """Open a serial line raw at 9,600 baud, the default of scanners; open any other file unchanged."""
    fd = os.open(device, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        if os.isatty(fd):
            mode = without_meaning(termios.tcgetattr(fd))
            mode[4] = mode[5] = termios.B9600
            termios.tcsetattr(fd, termios.TCSANOW, mode)
        yield fd
    finally:
        os.close(fd)


def _lines_of(fd: int, stop: threading.Event, source: str) -> Iterator[Given]:
    keyboard = Keyboard()
    while not stop.is_set():
        deadline = keyboard.deadline()
        patience = _AGAIN_SECONDS if deadline is None else min(_AGAIN_SECONDS, max(0.0, deadline - time.monotonic()))
        data = b""
        if select.select([fd], [], [], patience)[0] and not (data := os.read(fd, _READ_BYTES)):
            raise OSError
        before, now = keyboard.typed, time.monotonic()
        events = keyboard.feed(data, now) if data else keyboard.idle(now)
        for event in events:
            if isinstance(event, Unfinished):
                yield Given(source, message("scan.unfinished", count=len(event.text)))
            elif isinstance(event, TypedLine):
                yield Given(source, event.text or message("scan.empty"))
        if keyboard.typed and (events or not before):
            yield Given(source, None)


def camera(source: str) -> Feed:
    """Read codes from a camera by its number, or from a video file.

    A code is given when it comes into sight, and again when it comes back.

    Raises:
        ImageError: the [camera] extra is missing.
    """
    check_extra()
    try:
        import cv2  # noqa: PLC0415 - an extra
    except ImportError as e:
        raise ImageError(message("image.camera-extra")) from e
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it would write over the screen

    def feed(stop: threading.Event) -> Iterator[Given]:
        name = f"camera {source}"
        last: dict[str, float] = {}
        with PictureReader() as reader:
            reader.start()
            for picture in _frames(source, stop):
                if isinstance(picture, Message):
                    yield Given(name, picture, trouble=True)
                    continue
                texts = reader.codes_in(picture)
                now = time.monotonic()
                if texts:
                    try:
                        what: str | Message = the_pass(texts, name)
                    except ImageError as e:
                        what = e.why
                    key = repr(what)
                    if now - last.get(key, -_STILL_SHOWN_SECONDS) >= _STILL_SHOWN_SECONDS:
                        yield Given(name, what)
                    last = {k: at for k, at in last.items() if now - at < _STILL_SHOWN_SECONDS} | {key: now}

    return feed


def _frames(source: str, stop: threading.Event) -> Iterator[Any]:
    """Yield grey pictures, or a Message instead of a picture. A video file ends; a camera never does."""
    import cv2  # noqa: PLC0415 - an extra

    number = int(source) if source.isascii() and source.isdigit() else None
    told = False
    while not stop.is_set():
        capture = cv2.VideoCapture(source if number is None else number)
        if number is None and not capture.isOpened():
            yield message("scan.video-unreadable", video=source)
        while not stop.is_set():
            good, picture = capture.read()
            if not good:
                break
            told = False
            yield cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        capture.release()
        if number is None:
            return
        if not told:
            yield message("scan.camera-gone", camera=source)
        told = True
        stop.wait(_AGAIN_SECONDS)


def _picture(reader: PictureReader, path: Path) -> Given:
    try:
        return Given(str(path), reader.read(path))
    except ImageError as e:
        return Given(str(path), e.why)
