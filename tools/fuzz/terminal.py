"""Fuzzes what a scanner types into a real terminal, and names of files that are written into one."""

import atexit
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from support.processes import ROOT
from support.screens import Screen, movepass, running
from support.world import World
from support.writing import foreign

from fuzz.desk import Desk
from fuzz.targets import Check, hold
from movepass_cli.display import columns, json_text, printable
from movepass_cli.officer.scanning.screen import Badge, Size, frame
from movepass_cli.officer.scanning.session import Session
from movepass_verifier import Device, Freshness
from movepass_words import message, words

_HANG_SECONDS = 2.0
_SLOW_MACHINE_SECONDS = 20.0
"""Until an answer is called a hang; what took more than _HANG_SECONDS of our own time is one in any case."""
_HOLDERS = ("Abdul Karim", "Rahima Khatun")
_USUAL = Size(80, 24)
_TYPED_EVERY = 500
"""Every so many inputs one is typed into the real command, which does twenty a second."""
_NAMED_EVERY = 5000
"""The same for files that the real command is given by their names, which takes it a fifth of a second."""
_ON_ITS_WAY = re.compile(rb"(?:\x1b[^a-zA-Z]*|[\xc2-\xf4][\x80-\xbf]*)$")
"""The beginning of a sequence or of a letter at the end of what has been read."""


def _hostile() -> list[bytes]:
    codes = json.loads((ROOT / "tests" / "vectors" / "hostile.json").read_text("utf-8"))["codes"]
    return [bytes.fromhex(code["bytes"]) for code in codes]


class _Post:
    """A running `movepass scan`; two passes take turns to show that it has read all that was typed.

    Attributes:
        store: the device's.
        passes: two good ones, text and holder.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        atexit.register(self._stack.close)
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        world = World.create(folder / "world")
        holders = [{"name": name, "id_type": "nid", "id_last": "4821"} for name in _HOLDERS]
        texts = [world.issue(f"R-{at}", holder=holder).text for at, holder in enumerate(holders)]
        self.passes = tuple(zip(texts, _HOLDERS, strict=True))
        world.publish()
        world.sync()
        self.store = world.store
        self._command = movepass("scan", "--store", world.store, "--silent", "--close-after", "0")
        self._screen = self._started()
        self._turn = 0

    def _started(self) -> Screen:
        screen = self._stack.enter_context(running(self._command))
        screen.until(lambda shown: words()("scan.ready") in shown, 60)
        self._checked = 0
        return screen

    def check(self, data: bytes) -> None:
        """Type an input and Enter, then a pass: it is accepted, and nothing else was written."""
        self._turn = 1 - self._turn
        if self._screen.process.poll() is not None:
            self._screen = self._started()
        text, holder = self.passes[self._turn]
        self._screen.send(data + b"\r" + text.encode() + b"\r")
        end = time.monotonic() + _SLOW_MACHINE_SECONDS
        while holder.encode() not in (written := self._screen.written()[self._checked :]):
            hold(self._screen.process.poll() is None, "the screen ended")
            hold(time.monotonic() < end, "the screen hangs")
            self._screen.idle(0.01)
        whole = _ON_ITS_WAY.sub(b"", written)
        self._checked += len(whole)
        pieces = foreign(whole)
        hold(not pieces, f"written into the terminal: {pieces[:3]}")


def typed() -> tuple[Check, Sequence[bytes]]:
    """Type anything at the officer's desk, and a sample of it into `movepass scan` in a real terminal."""
    post = _Post()
    device = Device.open(post.store)
    atexit.register(device.close)
    desk, number = Desk(device), 0

    def check(data: bytes) -> None:
        nonlocal number
        number += 1
        desk.check(data, *post.passes[number % 2])
        if number % _TYPED_EVERY == 0:
            post.check(data)

    return check, _hostile()


def _name_for_the_command(data: bytes) -> None:
    """Let the real command look for a picture of this name."""
    given = os.fsdecode(data.replace(b"\0", b"")[:200])
    command = [*movepass("inspect", "--image"), given]
    ended = subprocess.run(command, check=False, capture_output=True, timeout=_SLOW_MACHINE_SECONDS)
    pieces = foreign(ended.stdout + ended.stderr)
    hold(ended.returncode != 0, "a name is no picture")
    hold(not pieces, f"written: {pieces[:3]}")


def names() -> tuple[Check, Sequence[bytes]]:
    """Name a file, a holder or an authority anything, and check everything that is written of it."""
    session = Session(None, "en")  # type: ignore[arg-type] # no pass is verified
    freshness = Freshness(0, 0, 0, 1, 2)
    number = 0

    def check(data: bytes) -> None:
        nonlocal number
        number += 1
        if number % _NAMED_EVERY == 0:
            _name_for_the_command(data)
        name = os.fsdecode(data)
        began = time.process_time()
        badge = Badge(name, test=False, freshness=freshness, problem=message("scan.store", problem=name))
        session.problem(message("image.no-code", file=name), 0)
        session.trouble(message("scan.serial-gone", device=name))
        lines = frame(session, badge, name, _USUAL, unicode=True)
        hold(len(lines) == _USUAL.rows, "another number of rows")
        hold(all(sum(columns(text) for text, _ in line) <= _USUAL.columns for line in lines), "a row is too wide")
        written = "\n".join(["".join(text for text, _ in line) for line in lines] + [printable(name), json_text(name)])
        pieces = foreign(written.encode())
        hold(not pieces, f"written: {pieces[:3]}")
        hold(bool(printable(name).strip()) == bool(name), "a name is there and not seen")
        hold(json.loads(json_text(name)) == name, "JSON means another name")
        hold(time.process_time() - began < _HANG_SECONDS, "hangs")

    others = (
        "রহিমা খাতুন",
        "王小明",
        "A" + "\u0301" * 62,
        "\u3164",
        "\u202eTPECCA",
        "ক্\u200dত",
        "x" * 300,
        "\ufeff \u3000",
    )
    return check, [*_hostile(), *(name.encode() for name in others)]
