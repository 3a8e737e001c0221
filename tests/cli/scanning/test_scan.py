"""Run `movepass scan` in a real terminal, and type into it as a hand scanner and as a person."""

import os
import pty
import re
import signal
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import qrcode
from PIL import Image
from support.sampling import some_of
from support.screens import movepass, running
from support.writing import foreign

from cli.conftest import Field, run_movepass
from movepass_cli.officer.scanning.command import _Screen
from movepass_cli.officer.scanning.feeds import Feeds
from movepass_cli.officer.scanning.screen import banners
from movepass_cli.officer.scanning.sound import Speaker
from movepass_cli.officer.scanning.terminal import Terminal
from movepass_cli.signals import Stopped
from movepass_verifier import Device, Verification
from movepass_verifier.officer.journal import Noted
from movepass_wire import base45
from movepass_words import words

READY = words("en")("scan.ready")
TEST_BAND = banners()["half"]["en"]["test"][0]
ACCEPT, REJECT = (banners()["half"]["en"][name][1] for name in ("accept", "reject"))
CANNOT = banners()["whole"]["en"]["cannot-verify"][0]
MALFORMED = words("en")("reason.malformed")


def scan(field: Field, *arguments: object) -> list[str]:
    return movepass("scan", "--store", field.device, *arguments)


def test_a_scanned_pass_fills_the_screen_and_q_and_its_number_give_the_terminal_back(field: Field) -> None:
    with running(scan(field)) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type(field.text + "\r")
        shown = screen.until(lambda shown: ACCEPT in shown)
        assert TEST_BAND in shown
        assert "Rahima Khatun" in shown
        assert field.number in shown
        screen.confirm("q")
        assert screen.process.wait(10) == 0


def test_a_person_turns_pages_and_changes_the_language(field: Field) -> None:
    with running(scan(field)) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type(field.text + "\r")
        screen.until(lambda shown: "Rahima" in shown)
        for key, expected in (("d", "lists fresh enough"), ("h", "CANNOT VERIFY"), ("l", words("bn")("key.quit"))):
            screen.type(key)
            screen.shows(expected)


def test_noise_half_a_code_and_other_schemes_do_not_stop_it(field: Field) -> None:
    with running(scan(field)) as screen:
        screen.until(lambda shown: READY in shown)
        for typed, expected in (
            ("\x1b[A\x01\x02~~~\r", "not a movement pass"),
            (field.text[:100] + "\r", MALFORMED),
            ("HC1:NCFOXN%TS3DH3ZSUZK\r", "COVID certificate"),
            (field.text.replace(":", "Ö", 1) + "\r", "German or Swedish"),
            (field.text.swapcase() + "\r", "Caps Lock"),
        ):
            screen.type(typed)
            screen.shows(expected)
        screen.type(field.text + "\r")
        screen.until(lambda shown: ACCEPT in shown)


@pytest.mark.parametrize("burst", some_of("codes in one burst", 1_500, of=10_000))
def test_thousands_of_codes_in_a_burst_are_each_decided(field: Field, burst: int) -> None:
    with running(scan(field, "--close-after", "1")) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type((field.text + "\r") * (burst - 1))
        screen.type(field.text[:-1] + "\r")
        screen.until(lambda shown: f"{words('en').number(burst)} checked" in shown, 120)


def test_a_window_may_change_its_size(field: Field) -> None:
    with running(scan(field)) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type(field.text + "\r")
        screen.until(lambda shown: ACCEPT in shown)
        screen.resize(60, 15)
        screen.until(lambda shown: "T E S T" in shown)
        screen.resize(30, 5)
        screen.until(lambda shown: "too small" in shown)
        screen.resize(100, 40)
        screen.until(lambda shown: ACCEPT in shown)


def test_a_window_may_be_closed(field: Field) -> None:
    with running(scan(field)) as screen:
        screen.until(lambda shown: READY in shown)
        screen.close()
        assert screen.process.wait(10) in {0, -signal.SIGHUP}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_and_give_the_terminal_back(field: Field, number: int) -> None:
    with running(scan(field)) as screen:
        screen.until(lambda shown: READY in shown)
        screen.process.send_signal(number)
        assert screen.process.wait(10) == 0
        assert "\x1b[?1049l" in screen.raw()


def test_no_color_means_none(field: Field) -> None:
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        with running(scan(field), environment=environment) as screen:
            screen.until(lambda shown: READY in shown)
            screen.type("hello\r")
            screen.until(lambda shown: "not a movement pass" in shown)
            assert any(code in screen.raw() for code in (";41m", ";42m", ";43m")) == coloured


def test_a_dumb_terminal_gets_one_verdict_below_the_other(field: Field) -> None:
    with running(scan(field), environment={"TERM": "dumb"}) as screen:
        screen.until(lambda shown: "q ends" in shown)
        screen.type(field.text + "\n")
        screen.until(lambda shown: "✔ ACCEPT" in shown)
        assert "\x1b" not in screen.raw()
        screen.confirm("q")
        assert screen.process.wait(10) == 0


def test_without_utf_8_it_says_what_to_set_and_goes_on_in_english(field: Field) -> None:
    latin = {"PYTHONIOENCODING": "latin-1", "MOVEPASS_LANGUAGE": "bn"}
    with running(scan(field), environment=latin) as screen:
        screen.until(lambda shown: READY in shown)
        assert "set LANG=C.UTF-8" in screen.raw()
        screen.type("hello\r")
        shown = screen.until(lambda shown: "X  REJECT  X" in shown)
        assert shown.isascii()


def test_outcomes_can_be_heard(field: Field) -> None:
    with running(scan(field), environment={"PATH": ""}) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type("hello\r")
        screen.until(lambda _: screen.bells == 2)
        screen.type(field.text + "\r")
        screen.until(lambda _: screen.bells == 3)
    with running(scan(field, "--silent"), environment={"PATH": ""}) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type("hello\r")
        screen.until(lambda shown: "not a movement pass" in shown)
        assert screen.bells == 0


def test_a_verdict_leaves_the_screen_by_itself(field: Field) -> None:
    with running(scan(field, "--close-after", "1")) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type(field.text + "\r")
        screen.until(lambda shown: "Rahima" in shown)
        screen.until(lambda shown: "Rahima" not in shown and READY in shown)


def test_the_seconds_of_a_verdict_move(field: Field) -> None:
    with running(scan(field)) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type(field.text + "\r")
        screen.until(lambda shown: ACCEPT in shown)
        for age in (r"[1-9] s$", r"1\d s$"):
            screen.until(re.compile(age, re.MULTILINE).search)


def test_a_pass_number_is_typed_by_hand(field: Field) -> None:
    with running(scan(field)) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type("n")
        screen.until(lambda shown: "Type the pass number" in shown)
        for char in field.number:
            screen.type(char)
            time.sleep(0.05)
        screen.type("\r")
        screen.until(lambda shown: CANNOT in shown)


def test_pictures_that_come_into_a_folder_are_read_once_they_are_whole(field: Field, tmp_path: Path) -> None:
    (tmp_path / "old.png").write_bytes(field.png.read_bytes())
    with running(scan(field, "--folder", tmp_path)) as screen:
        screen.until(lambda shown: READY in shown)
        data = field.png.read_bytes()
        with (tmp_path / "new.png").open("wb") as file:
            for at in range(0, len(data), max(1, len(data) // 5)):
                file.write(data[at : at + max(1, len(data) // 5)])
                file.flush()
                time.sleep(0.1)
        screen.until(lambda shown: ACCEPT in shown)
        (tmp_path / "bad.jpg").write_bytes(b"no picture")
        screen.shows("screenshot")
        screen.type("\x1b")
        screen.until(lambda shown: "1 checked" in shown)


@pytest.mark.parametrize("options", [[], ["--plain"], ["--json"]])
def test_no_name_of_a_file_steers_the_screen(field: Field, tmp_path: Path, options: list[str]) -> None:
    names = [b"\x1b[2J\x1b[1;97;42m ACCEPT \x1b[0m", b"\xc2\x9b2J\r\n", "\u202eTPECCA".encode(), b"x" * 120 + b" \x07",
             b"\xff\xc2\x9b", b"\x9b2J", "\u3164".encode()]  # fmt: skip
    with running(scan(field, "--folder", tmp_path, *options, "--silent")) as screen:
        screen.until(lambda shown: READY in shown) if not options else screen.idle(2)
        for number, name in enumerate(names):
            (tmp_path / os.fsdecode(b"%s-n%d-.png" % (name, number))).write_bytes(b"no picture")
            if not options:  # the screen shows the last one alone; in lines each stays
                screen.shows_run_together(f"-n{number}-.png")
        for number in range(len(names) if options else 0):
            screen.until(lambda _, end=f"-n{number}-.png": end in screen.raw())  # type: ignore[misc]
        assert foreign(screen.raw().encode("utf-8", "surrogateescape")) == []


def test_a_serial_scanner_may_be_pulled_out_and_put_back(field: Field, tmp_path: Path) -> None:
    line = tmp_path / "ttyACM0"

    def plug_in() -> int:
        ours, theirs = pty.openpty()
        line.symlink_to(os.ttyname(theirs))
        os.close(theirs)
        return ours

    scanner = plug_in()
    with running(scan(field, "--serial", line)) as screen:
        screen.until(lambda shown: READY in shown)
        time.sleep(0.5)
        os.write(scanner, field.text.encode() + b"\r\n")
        screen.until(lambda shown: ACCEPT in shown)
        line.unlink()
        os.close(scanner)
        screen.until(lambda shown: "plug it in" in shown)
        scanner = plug_in()
        time.sleep(1.5)
        os.write(scanner, field.text.encode() + b"\r\n")
        screen.until(lambda shown: ACCEPT in shown)
    os.close(scanner)


def load(path: Path) -> Any:
    return np.array(Image.open(path).convert("RGB"))


def video(path: Path, *shown: Path | None) -> None:
    """Film pictures, each for a second at ten frames a second; None is an empty table."""
    frames = [np.full((480, 640, 3), 210, np.uint8) for _ in shown]
    for frame, picture in zip(frames, shown, strict=True):
        if picture:
            code = load(picture)
            code = cv2.resize(code, (400, 400), interpolation=cv2.INTER_AREA)
            frame[40:440, 120:520] = code
    out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (640, 480))
    for frame in frames:
        for _ in range(10):
            out.write(frame)
    out.release()


def test_a_camera_reads_what_it_is_shown_once_each_time(field: Field, tmp_path: Path) -> None:
    film = tmp_path / "film.avi"
    video(film, None, field.png, None)
    with running(scan(field, "--camera", film)) as screen:
        screen.until(lambda shown: ACCEPT in shown)
        time.sleep(1)
        screen.type("\x1b")
        screen.until(lambda shown: "1 checked" in shown)


def test_a_camera_that_is_not_there_is_named_and_waited_for(field: Field) -> None:
    with running(scan(field, "--camera", "9")) as screen:
        screen.shows("The camera 9 gives no picture")
        screen.type(field.text + "\r")
        screen.until(lambda shown: ACCEPT in shown)


def test_two_passes_in_one_picture_are_refused_and_a_strange_code_beside_one_is_not(
    field: Field, tmp_path: Path
) -> None:
    code = load(field.png)
    strange = qrcode.make("https://shop.example/").convert("RGB").resize(code.shape[1::-1])
    beside = np.hstack([code, np.array(strange)])
    cv2.imwrite(str(tmp_path / "beside.png"), beside)
    other = qrcode.make(field.text[:-1] + ("0" if field.text[-1] != "0" else "1")).convert("RGB")
    cv2.imwrite(str(tmp_path / "two.png"), np.hstack([code, np.array(other.resize(code.shape[1::-1]))]))
    with running(scan(field, tmp_path / "beside.png")) as screen:
        screen.until(lambda shown: ACCEPT in shown)
    with running(scan(field, tmp_path / "two.png")) as screen:
        screen.shows("2 QR codes in")


def test_what_was_done_after_cannot_verify_is_a_key_and_its_number_and_in_the_journal(field: Field) -> None:
    with running(scan(field)) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type(another_authoritys(field.text) + "\r")
        screen.shows("not signed by any key of")
        screen.confirm("2")
        screen.shows("*2 sent back")
    entries = run_movepass("journal", "entries", "--store", field.device, "--json").rows
    assert (entries[-1]["verdict"], entries[-1]["decision"]) == ("unknown-key", "sent-back")


def another_authoritys(text: str) -> str:
    """Change the key's name in a payload."""
    data = bytearray(base45.decode(text.removeprefix("MP1:")))
    data[8] ^= 0xFF
    return "MP1:" + base45.encode(bytes(data))


def test_a_verdict_is_drawn_before_it_is_noted_however_short_ago_something_was(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A note may wait for a sync that writes; an officer need not."""
    happened = []
    monkeypatch.setattr(Terminal, "show", lambda *_: happened.append("drawn"))
    monkeypatch.setattr(Device, "note", lambda *_: happened.append("noted"))
    with Device.open(field.device) as device:
        screen = _Screen(device, Feeds([]), "en", 20, Speaker(on=False))
        screen._present()  # what was typed until Enter
        screen._take(field.text, typed=True)
    assert happened == ["drawn", "drawn", "noted"]


@pytest.mark.parametrize("nth", [1, 2])
def test_a_verdict_that_was_shown_is_noted_though_a_signal_comes_first(
    field: Field, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    """The signal comes while the verdict is drawn, or after it, before the first note."""
    happened: list[str] = []
    notes = Device.note

    def show(*_: object) -> None:
        happened.append("drawn")
        if nth == 1 and happened == ["drawn", "drawn"]:
            raise Stopped

    def note(device: Device, result: Verification) -> Noted | None:
        happened.append("noted")
        if nth == 2 and happened.count("noted") == 1:
            raise Stopped
        return notes(device, result)

    def wait(screen: _Screen, _: int) -> None:
        screen._take(field.text, typed=True)
        pytest.fail("no signal ended it")

    monkeypatch.setattr(Terminal, "show", show)
    monkeypatch.setattr(Device, "note", note)
    monkeypatch.setattr(Terminal, "taken", lambda _: nullcontext())
    monkeypatch.setattr(_Screen, "_wait", wait)
    before = len(run_movepass("journal", "entries", "--store", field.device, "--json").rows)
    with Device.open(field.device) as device, pytest.raises(Stopped):
        _Screen(device, Feeds([]), "en", 20, Speaker(on=False)).run()
    assert happened == ["drawn", "drawn", *["noted"] * nth]
    assert len(run_movepass("journal", "entries", "--store", field.device, "--json").rows) == before + 1


def test_all_at_once(field: Field, tmp_path: Path) -> None:
    """Keyboard, folder and pictures named, in one session."""
    with running(scan(field, "--folder", tmp_path, field.png)) as screen:
        screen.until(lambda shown: ACCEPT in shown)
        screen.type("hello\r")
        screen.until(lambda shown: "not a movement pass" in shown)
        (tmp_path / "p.png").write_bytes(field.png.read_bytes())
        screen.until(lambda shown: ACCEPT in shown)


def test_verdicts_go_on_while_syncs_run_beside(field: Field) -> None:
    stop = threading.Event()

    def sync() -> None:
        while not stop.is_set():
            assert run_movepass("sync", "--store", field.device).code == 0

    beside = threading.Thread(target=sync)
    beside.start()
    try:
        with running(scan(field)) as screen:
            screen.until(lambda shown: READY in shown)
            end = time.monotonic() + 3
            while time.monotonic() < end:
                screen.type(field.text + "\r")
                screen.until(lambda shown: ACCEPT in shown)
                screen.type("hello\r")
                screen.until(lambda shown: "not a movement pass" in shown)
    finally:
        stop.set()
        beside.join()
