"""Check that feeds run in parallel and none ends the others, whatever it raises."""

import io
import os
import pty
import select
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from movepass_cli.officer.scanning import feeds
from movepass_cli.officer.scanning.feeds import Feed, Feeds, Given
from movepass_issuer.printing.qr import qr_png
from movepass_verifier import ImageError
from movepass_wire.payload import ESP256, seal
from movepass_words import message


def collect(*running: Feed) -> list[Given]:
    """Let feeds run to their end."""
    all_of_them = Feeds(list(running))
    found: list[Given] = []
    all_of_them.start()
    while not all_of_them.ended:
        select.select([all_of_them.awake], [], [], 10)
        found += all_of_them.take()
    return found


def broken(_stop: threading.Event) -> Iterator[Given]:
    yield Given("b", "one")
    raise ValueError("a driver's own words")


def good(_stop: threading.Event) -> Iterator[Given]:
    for number in range(1000):
        yield Given("g", str(number))


def test_a_feed_that_breaks_says_so_and_the_others_go_on() -> None:
    found = collect(broken, good)
    assert [given.what for given in found if given.source == "g"] == [str(number) for number in range(1000)]
    (trouble,) = (given for given in found if given.trouble)
    assert trouble.what == message("scan.feed-failed", feed="broken", problem="ValueError: a driver's own words")


def test_a_video_that_is_none_is_named(tmp_path: Path) -> None:
    (given,) = collect(feeds.camera(str(tmp_path / "gone.mp4")))
    assert given.what == message("scan.video-unreadable", video=str(tmp_path / "gone.mp4"))


@pytest.mark.parametrize(("module", "key"), [("cv2", "image.camera-extra"), ("zxingcpp", "image.extra")])
def test_an_extra_that_is_missing_is_named_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, module: str, key: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImageError) as caught:
        feeds.camera("0")
    assert caught.value.why.key == key


def test_a_line_that_the_user_may_not_read_names_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = tmp_path / "ttyACM0"
    line.touch()

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("movepass_cli.officer.scanning.feeds.os.open", refuse)
    feed = feeds.serial(line)(threading.Event())
    given = next(feed)
    assert given == Given(str(line), message("scan.serial-denied", device=str(line), group=line.group()), trouble=True)


@dataclass
class Wire:
    """A serial line without a scanner."""

    scanner: int
    computer: int

    @property
    def name(self) -> Path:
        return Path(os.ttyname(self.computer))

    @contextmanager
    def sends(self, data: bytes) -> Iterator[None]:
        """Send bytes, once somebody reads the line."""

        def send() -> None:
            while termios.tcgetattr(self.computer)[3] & termios.ICANON:
                time.sleep(0.01)
            os.write(self.scanner, data)

        sending = threading.Thread(target=send)
        sending.start()
        yield
        sending.join()


@pytest.fixture
def wire() -> Iterator[Wire]:
    ours, theirs = pty.openpty()
    yield Wire(ours, theirs)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("end", ["", "\t", "\x03", "\r\n"])
def test_a_serial_scanner_needs_no_enter_behind_a_whole_pass(wire: Wire, end: str) -> None:
    text = seal(ESP256, b"kid!", b"claims", bytes(64))
    given = feeds.serial(wire.name)(threading.Event())
    with wire.sends((text + end).encode()):
        came = [next(given)]
        if came[0].what is None:
            came.append(next(given))
    assert came[-1] == Given(str(wire.name), text)


def test_a_serial_line_is_read_as_it_comes_however_it_was_set(wire: Wire) -> None:
    mode = termios.tcgetattr(wire.computer)
    mode[0] |= termios.INLCR | termios.IGNCR | termios.ISTRIP | termios.PARMRK
    termios.tcsetattr(wire.computer, termios.TCSANOW, mode)
    given = feeds.serial(wire.name)(threading.Event())
    with wire.sends(b"a\xc3\xa9\rb\nc\r"):
        found = [next(given) for _ in range(3)]
    assert [one.what for one in found if isinstance(one.what, str)][:2] == ["a\u00e9", "b"]


def test_what_a_serial_scanner_begins_is_told_at_once_and_that_it_never_ended(wire: Wire) -> None:
    given = feeds.serial(wire.name)(threading.Event())
    with wire.sends(b"MP1:half\x1b[A"):
        assert next(given) == Given(str(wire.name), None)
        assert next(given) == Given(str(wire.name), message("scan.unfinished", count=11))


def test_a_line_of_any_length_is_one_line_of_bounded_length() -> None:
    file = io.BytesIO(b"x" * 10_000_000 + b"\none\rtwo\r\n\nlast")
    texts = [given.what for given in feeds.lines(file)(threading.Event())]
    assert texts == ["x" * 4096, "one\rtwo", "last"]


OTHERS_FILES = [
    "._b.png", ".DS_Store", "Thumbs.db", "desktop.ini", ".b.png", "~$b.png", ".b.png.Xa1b2c", "b.png.part",
    "b.png.crdownload", "b.png.download", "b.jpg.tmp", "b.png~", ".~lock.b.pdf#", "empty.png",
]  # fmt: skip


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make a wait for a feed that has looked through its folder so many times more."""
    done, look = threading.Semaphore(0), feeds._look

    def count(folder: Path) -> Any:
        found = look(folder)
        done.release()
        return found

    def wait(times: int) -> None:
        for _ in range(times):
            done.acquire()

    monkeypatch.setattr(feeds, "_look", count)
    return wait


def test_files_of_other_programs_in_a_folder_say_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: Callable[[int], None]
) -> None:
    monkeypatch.setattr(feeds, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(feeds, "_WHOLE_SECONDS", 0.05)
    stop = threading.Event()
    feed = feeds.folder(tmp_path)(stop)

    def put() -> None:
        looks(1)
        for name in OTHERS_FILES:
            (tmp_path / name).write_bytes(b"" if name == "empty.png" else b"\0\5\x16\7")
        (tmp_path / "folder.png").mkdir()
        (tmp_path / "z.png").write_bytes(b"no picture")

    threading.Thread(target=put).start()
    given = next(feed)
    stop.set()
    assert given.what == message("image.format", file=str(tmp_path / "z.png"))
    assert list(feed) == []


def test_a_picture_that_has_come_in_part_is_not_told_of_until_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: Callable[[int], None]
) -> None:
    monkeypatch.setattr(feeds, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(feeds, "_WHOLE_SECONDS", 1e9)
    stop = threading.Event()
    feed = feeds.folder(tmp_path)(stop)
    whole = qr_png("MP1:A")

    def put() -> None:
        looks(1)
        (tmp_path / "a.png").write_bytes(whole[:100])
        looks(10)  # which include two that saw it, and an attempt to read it
        (tmp_path / "a.png").write_bytes(whole)

    threading.Thread(target=put).start()
    given = next(feed)
    stop.set()
    assert given.what == "MP1:A"


def test_a_folder_that_is_gone_for_a_moment_does_not_show_its_pictures_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: Callable[[int], None]
) -> None:
    monkeypatch.setattr(feeds, "_LOOK_SECONDS", 0.01)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "old.png").write_bytes(qr_png("MP1:OLD"))
    stop = threading.Event()
    feed = feeds.folder(inbox)(stop)

    def put() -> None:
        looks(1)
        inbox.rename(tmp_path / "away")
        looks(10)
        (tmp_path / "away").rename(inbox)
        (inbox / "new.png").write_bytes(qr_png("MP1:NEW"))

    threading.Thread(target=put).start()
    given = next(feed)
    stop.set()
    assert given.what == "MP1:NEW"
