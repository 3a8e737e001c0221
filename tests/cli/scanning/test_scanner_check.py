"""Check the scanner check at the start of a shift."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from support.processes import ROOT
from support.screens import movepass, running

from cli.conftest import Field, run_movepass
from movepass_cli.officer.scanning.scanner_check import TEXT, check_scanner
from movepass_verifier.reading.image import read_qr
from movepass_words import LANGUAGES, Message, words

GERMAN = str.maketrans(":-/*+YZ", "Öß-(`ZY")


@pytest.mark.parametrize(
    ("typed", "keys", "named"),
    [
        (TEXT + "\r", [], ""),
        (TEXT + "\r\n", [], ""),
        (TEXT, ["no-end"], ""),
        ("]Q1" + TEXT + "\r", ["prefix"], "] Q 1"),
        ("\\000026" + TEXT + "\r", ["prefix"], "0 0 0 0 2 6"),
        ("\x02" + TEXT + "\x03\r", ["prefix", "suffix"], "Ctrl+B"),
        (TEXT + "\t", ["suffix", "no-end"], "Tab"),
        (TEXT + "\x1d\r", ["suffix"], "GS"),
        (TEXT.lower() + "\r", ["case"], "Caps Lock"),
        (TEXT.translate(GERMAN) + "\r", ["layout"], "German"),
        ("?P0" + TEXT[3:] + "\r", ["layout"], "French"),
        ("ম" * 40 + "\r", ["layout"], "Bangla"),
        (TEXT[:20] + "\x13\x1b" + TEXT[20:] + "\r", ["controls"], "Ctrl+S Esc"),
        (TEXT.replace("$", "").replace("%", "") + "\r", ["lost"], "$ %"),
        (TEXT[:5] + TEXT[6:] + "\r", ["short"], str(len(TEXT))),
        ("hello\r", ["other"], ""),
        ("", ["other", "no-end"], ""),
    ],
)
def test_each_fault_is_named_and_what_to_do(typed: str, keys: list[str], named: str) -> None:
    faults = check_scanner(typed)
    if keys != ["other"] and typed not in {"", "hello\r"}:
        assert [fault.key for fault in faults] == [f"scanner.{key}" for key in keys]
    assert bool(faults) == bool(keys)
    for language in LANGUAGES:
        assert all(words(language).say(fault) for fault in faults)
    assert named in " ".join(words("en").say(fault) for fault in faults)


CASES = json.loads(Path(__file__).with_name("scanner_check.json").read_bytes())


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_the_phone_names_the_same_faults_for_these(case: dict[str, Any]) -> None:
    assert [{"key": fault.key, "values": plain(fault)} for fault in check_scanner(case["typed"])] == case["faults"]


def plain(said: Message) -> dict[str, object]:
    return {name: value.key if isinstance(value, Message) else value for name, value in said.values.items()}


def test_the_printed_code_is_the_one_that_is_expected() -> None:
    assert read_qr(ROOT / "docs" / "officer" / "scanner-check.png") == TEXT


def test_the_command_says_what_to_switch_off(field: Field) -> None:
    with running(movepass("scan", "--store", field.device, "--check-scanner")) as screen:
        screen.shows("Scan the scanner's test code")
        screen.type("]Q1" + TEXT + "\x03")
        screen.shows("switch off its prefix")
        screen.shows("types Ctrl+C after a code")
        assert screen.process.wait(20) == 4
    good = run_movepass("scan", "--store", field.device, "--check-scanner", "--json", given=TEXT + "\r")
    assert (good.code, good.row) == (0, {"good": True, "faults": []})


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_check_that_is_stopped_gives_the_terminal_back_and_calls_nothing_good(
    field: Field, how: signal.Signals
) -> None:
    with running(movepass("scan", "--store", field.device, "--check-scanner")) as screen:
        before = screen.first_mode
        screen.shows("Scan the scanner's test code")
        screen.process.send_signal(how)
        assert screen.process.wait(20) == 4
        assert screen.mode() == before
