"""Type the sheet of hostile codes (tests/vectors/hostile.json) into `movepass scan` in a real terminal."""

import json
import signal
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.processes import ROOT
from support.sampling import every_nth_of
from support.screens import Screen, movepass, running
from support.writing import foreign

from cli.conftest import Field, run_movepass, set_up
from movepass_cli.officer.scanning.keyboard import SUFFIX_SECONDS
from movepass_cli.officer.scanning.screen import banners
from movepass_words import words

CODES = json.loads((ROOT / "tests" / "vectors" / "hostile.json").read_text("utf-8"))["codes"]
BANNERS = banners()["whole"]["en"]
ACCEPT = banners()["half"]["en"]["accept"][1]
SAYS = {"reject": BANNERS["reject"][1], "cannot-verify": BANNERS["cannot-verify"][0],
        "empty": words("en")("scan.empty")}  # fmt: skip
PLAIN = {"reject": "✘ REJECT", "cannot-verify": "? CANNOT VERIFY", "empty": words("en")("scan.empty")}
READY = words("en")("scan.ready")
KEYS_ALONE = [code for code in CODES if len(code["bytes"]) == 2]


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """A device of one's own, which knows the authority of every field and has noted nothing."""
    return set_up(tmp_path / "own").device


def entries(device: Path) -> list[Any]:
    return run_movepass("journal", "entries", "--store", device, "--json").rows


@pytest.fixture
def screen(device: Path) -> Iterator[Screen]:
    """A screen; in the end it must still run, and nothing was noted that nobody did."""
    with running(movepass("scan", "--store", device, "--close-after", "0", "--silent")) as screen:
        before = screen.first_mode
        screen.until(lambda shown: READY in shown)
        assert screen.mode() != before
        yield screen
        assert screen.process.poll() is None
        screen.process.send_signal(signal.SIGTERM)
        assert screen.process.wait(20) == 0
        assert screen.mode() == before
        assert foreign(screen.raw().encode("utf-8", "surrogateescape")) == []
    assert {entry.get("decision") for entry in entries(device)} == {None}


def saying(text: str, behind: str = "") -> Callable[[str], bool]:
    """Check whether a screen shows a text after the last occurrence of another."""
    return lambda shown: text in (shown.rpartition(behind)[2] if behind else shown)


def is_drawn_more_often(screen: Screen, text: str, count: int) -> Callable[[str], bool]:
    """Check whether a text was drawn more often than this."""
    return lambda _: screen.raw().count(text) > count


def accept(screen: Screen, field: Field) -> None:
    screen.type(field.text + "\r")
    screen.until(lambda shown: ACCEPT in shown)


def test_a_hostile_code_with_an_enter_is_a_line_and_nothing_else(screen: Screen, field: Field) -> None:
    for code in CODES:
        accept(screen, field)
        screen.idle(SUFFIX_SECONDS if code["then"] == "empty" else 0)
        screen.send(bytes.fromhex(code["bytes"]) + b"\r")
        screen.until(saying(SAYS[code["then"]]))
        assert ACCEPT not in screen.text, code["name"]
        assert screen.process.poll() is None, code["name"]


@pytest.mark.parametrize("nth", every_nth_of("hostile characters typed alone", 3))
def test_a_hostile_character_alone_ends_nothing_notes_nothing_and_accepts_nothing(
    screen: Screen, field: Field, nth: int
) -> None:
    """With no end at all, and a pause on either side, as if a person had pressed a key."""
    for code in KEYS_ALONE[nth - 1 :: nth]:
        accept(screen, field)
        if code["then"] == "empty":
            screen.idle(SUFFIX_SECONDS)
        began = screen.raw().count("no end yet")
        screen.send(bytes.fromhex(code["bytes"]))
        if code["then"] != "empty":
            screen.until(is_drawn_more_often(screen, "no end yet", began))
            screen.until(lambda shown: "no end yet" not in shown)
        if code["name"] == "language":
            screen.until(lambda shown: "l English" in shown)
            screen.type("l")
            screen.until(lambda shown: "n pass number" in shown)
        assert screen.process.poll() is None, code["name"]


def test_whatever_a_scanner_types_with_pauses_it_answers_no_question(screen: Screen, field: Field) -> None:
    for typed in ("q", "1", "2", "3", "\r", "q", "1", "0", "0", "0", "\r", "q", "\r", "\x1b", "q", "y", "\r"):
        screen.type(typed)
        screen.idle(0.25)
        assert screen.process.poll() is None
    screen.type("MP2:0\r")
    screen.until(lambda shown: SAYS["cannot-verify"] in shown)
    for typed in ("1", "1", "2", "3", "4", "\r", "1", "\r", "2"):
        screen.type(typed)
        screen.idle(0.25)
    screen.type("\x1b")
    screen.idle(0.25)
    accept(screen, field)


def test_the_first_character_blanks_the_verdict_and_an_unfinished_line_says_so(screen: Screen, field: Field) -> None:
    accept(screen, field)
    screen.type("M")
    screen.until(lambda shown: ACCEPT not in shown and "no end yet" in shown)
    assert "Rahima" not in screen.text
    screen.shows("This is not a whole pass, and no Enter followed it (length 1)")


@pytest.mark.parametrize("suffix", ["", "\t", "\n", "\x03", "\x04", "\r\n"])
def test_a_pass_is_decided_whatever_the_scanner_sends_behind_it(screen: Screen, field: Field, suffix: str) -> None:
    for _ in range(2):
        screen.type("hello\r")
        screen.until(lambda shown: SAYS["reject"] in shown)
        screen.type(field.text + suffix)
        screen.until(lambda shown: ACCEPT in shown)
        screen.idle(0.5)
        assert ACCEPT in screen.text


def test_a_scanner_that_pauses_between_characters_has_its_pass_decided(screen: Screen, field: Field) -> None:
    for char in field.text[:12]:
        screen.type(char)
        screen.idle(0.2)
    screen.type(field.text[12:] + "\r")
    screen.until(lambda shown: ACCEPT in shown)


def test_a_plain_scan_in_a_terminal_takes_every_byte_as_data(device: Path, field: Field) -> None:
    with running(movepass("scan", "--store", device, "--plain"), rows=60) as screen:
        before = screen.first_mode
        screen.until(lambda shown: "q ends" in shown)
        for code in CODES:
            if code["then"] == "empty":
                continue
            screen.send(b"\r" + field.text.encode() + b"\r")
            screen.until(saying("✔ ACCEPT", behind="Reading"))
            screen.send(bytes.fromhex(code["bytes"]) + b"\r")
            screen.until(saying(PLAIN[code["then"]], behind="Reading"))
            assert screen.process.poll() is None, code["name"]
        screen.send(b"q")
        screen.shows("To end: type")
        screen.type("MP1:")
        screen.shows("Reading a code")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.process.wait(20) == 0
        assert screen.mode() == before
        assert foreign(screen.raw().replace("\x1b[32m", "").encode("utf-8", "surrogateescape")) == []
    assert {entry.get("decision") for entry in entries(device)} == {None}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("options", [[], ["--plain"]])
def test_whatever_ends_it_restores_the_terminal_and_leaves_nothing_to_read(
    device: Path, how: signal.Signals, options: list[str]
) -> None:
    """A shell that comes next reads the same terminal."""
    with running(movepass("scan", "--store", device, *options)) as screen:
        before = screen.first_mode
        screen.until(lambda shown: READY in shown or "q ends" in shown)
        screen.send(b"\x03touch hostile\rexit\r")
        screen.process.send_signal(how)
        for _ in range(5):  # the scanner is still typing
            screen.send(b"touch hostile\r")
            time.sleep(0.02)
        assert screen.process.wait(20) == 0
        assert screen.mode() == before
        assert screen.unread() == b""


def test_typed_ahead_after_the_end_nothing_reaches_the_next_program(device: Path, tmp_path: Path) -> None:
    """A shell script that goes on behind `scan`, as a login shell would."""
    script = ["sh", "-c", f'{" ".join(movepass("scan", "--store", device))}; echo next; read line; echo "got=$line"']
    with running(script) as screen:
        screen.until(lambda shown: READY in shown)
        screen.confirm("q")
        screen.send(b"touch hostile\r" * 20)
        screen.until(lambda shown: "next" in shown)
        screen.type("mine\n")
        screen.until(lambda shown: "got=mine" in shown)
    assert not (tmp_path / "hostile").exists()


def test_the_terminal_is_raw_while_it_is_ours(device: Path) -> None:
    for options, ready in (([], READY), (["--plain"], "q ends"), (["--json"], "q ends")):
        with running(movepass("scan", "--store", device, *options)) as screen:
            screen.until(saying(ready))
            iflag, oflag, _, lflag, *_ = screen.mode()
            assert (iflag, lflag) == (0, 0)
            assert oflag & termios.OPOST
