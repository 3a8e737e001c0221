"""Check a hand scanner and a person on one keyboard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movepass_cli.officer.scanning.keyboard import (
    ESCAPE,
    PAUSE_SECONDS,
    REST_SECONDS,
    SUFFIX_SECONDS,
    WHOLE_SECONDS,
    Key,
    Keyboard,
    TypedLine,
    Unfinished,
    apply_edits,
)
from movepass_cli.officer.scanning.session import KEYS
from movepass_wire.limits import SCANNER_ADDS_MAX_CHARS
from movepass_wire.payload import ESP256, seal

PASS = seal(ESP256, b"kid!", b"claims", bytes(64))
NO_ENDS = bytes(set(range(256)) - set(b"\r\n"))
_TYPED = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40)


def rested(keyboard: Keyboard, at: float) -> list[object]:
    """Return what a keyboard makes of typed bytes, until nothing more comes."""
    found: list[object] = []
    for _ in range(3):
        found += keyboard.idle(at + REST_SECONDS)
    assert keyboard.deadline() is None
    assert keyboard.typed == ""
    return found


def test_what_comes_at_once_and_ends_with_enter_is_a_line() -> None:
    assert Keyboard(KEYS).feed(b"MP1:ABC\r", 1.0) == [TypedLine("MP1:ABC")]


@pytest.mark.parametrize("key", [*KEYS, ESCAPE])
def test_one_character_alone_is_a_key_after_its_pause_and_not_before(key: str) -> None:
    keyboard = Keyboard(KEYS)
    assert keyboard.feed(key.encode(), 1.0) == []
    assert keyboard.may_be_a_key
    assert keyboard.idle(1.0 + PAUSE_SECONDS / 2) == []
    assert keyboard.deadline() == 1.0 + PAUSE_SECONDS
    assert keyboard.idle(1.0 + PAUSE_SECONDS) == [Key(key)]
    assert keyboard.deadline() is None
    assert keyboard.idle(9.0) == []


def test_a_scanner_whose_first_letter_is_a_key_is_not_mistaken_for_a_person() -> None:
    keyboard = Keyboard(KEYS)
    keyboard.feed(b"d", 1.0)
    keyboard.feed(b"qh", 1.1)
    assert not keyboard.may_be_a_key
    assert keyboard.idle(2.0) == []
    assert keyboard.feed(b"\n", 2.1) == [TypedLine("dqh")]


@pytest.mark.parametrize("pause", [0.08, 0.2, 1.0, 2.9])
def test_a_pass_is_whole_however_slowly_it_is_typed(pause: float) -> None:
    keyboard, at, events = Keyboard(KEYS), 0.0, []
    for char in PASS:
        at += pause
        events += [*keyboard.idle(at), *keyboard.feed(char.encode(), at)]
    assert events == []
    assert keyboard.idle(at + WHOLE_SECONDS) == [TypedLine(PASS)]


@pytest.mark.parametrize("end", ["", "\r", "\n", "\r\n", "\t", "\t\r", "\x03", "\x04", "\x03\r\n", "\t\t"])
@pytest.mark.parametrize("late", [0.0, 0.1, 0.5, 0.9])
def test_a_whole_pass_ends_with_whatever_a_scanner_sends_behind_it_and_once(end: str, late: float) -> None:
    keyboard = Keyboard(KEYS)
    events = keyboard.feed(PASS.encode(), 1.0)
    events += keyboard.idle(1.0 + late)
    events += keyboard.feed(end.encode(), 1.0 + late)
    assert [*events, *rested(keyboard, 2.0)] == [TypedLine(PASS)]


def test_a_pass_with_something_around_it_ends_with_a_pause_too() -> None:
    most = "x" * SCANNER_ADDS_MAX_CHARS
    for around in ("\x02{}", "]Q1{}", "{}\x1d", "\x02{}\x03x", f"{most}{{}}{most}"):
        for text in (around.format(PASS), around.format(PASS.lower())):
            keyboard = Keyboard(KEYS)
            assert keyboard.feed(text.encode(), 1.0) == []
            assert keyboard.idle(1.0 + WHOLE_SECONDS) == [TypedLine(text)]


def test_what_no_scanner_adds_waits_for_its_end() -> None:
    most = "x" * SCANNER_ADDS_MAX_CHARS
    for text in (f"MP1:{PASS}", f"{most}x{PASS}", f"{PASS}{most}x", PASS + PASS):
        keyboard = Keyboard(KEYS)
        keyboard.feed(text.encode(), 1.0)
        assert keyboard.idle(1.0 + REST_SECONDS) == [Unfinished(text)]


def test_every_byte_is_part_of_a_line() -> None:
    line = b"MP1:" + NO_ENDS
    keyboard = Keyboard(KEYS)
    assert keyboard.feed(line, 1.0) == []
    assert keyboard.idle(1.0 + REST_SECONDS / 2) == []
    assert keyboard.feed(b"\r", 1.0) == [TypedLine(line.decode("utf-8", "replace"))]


@pytest.mark.parametrize("end", [b"\t", b"\x03", b"\x04"])
def test_tab_etx_and_eot_end_no_other_line(end: bytes) -> None:
    assert Keyboard(KEYS).feed(b"a" + end + b"b\r", 1.0) == [TypedLine(f"a{end.decode()}b")]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\t", b"\x03", b"\x04"])
def test_an_end_alone_is_an_empty_line_and_behind_a_line_it_is_nothing(end: bytes) -> None:
    keyboard = Keyboard(KEYS)
    assert keyboard.feed(end, 1.0) == [TypedLine("")]
    assert keyboard.feed(end + b"x\r" + end, 1.0 + SUFFIX_SECONDS) == [TypedLine(""), TypedLine("x")]
    assert keyboard.feed(end, 2.0 + SUFFIX_SECONDS / 2) == []


def test_what_has_no_end_is_said_and_not_the_beginning_of_the_next_pass() -> None:
    for keyboard, rest in ((Keyboard(KEYS), b"xy"), (Keyboard(KEYS), b"x"), (Keyboard(), b"q"), (Keyboard(), b"\xe0")):
        keyboard.feed(rest, 1.0)
        assert keyboard.deadline() == 1.0 + REST_SECONDS
        assert keyboard.idle(1.0 + REST_SECONDS) == [Unfinished(rest.decode("utf-8", "replace"))]
        assert keyboard.typed == ""
        assert keyboard.feed(b"MP1:ABC\r", 60.0) == [TypedLine("MP1:ABC")]


def test_a_line_that_waits_to_be_read_is_whole_however_late_that_is() -> None:
    keyboard = Keyboard(KEYS)
    keyboard.feed(b"MP1:", 1.0)
    assert keyboard.feed(b"ABC\r", 60.0) == [TypedLine("MP1:ABC")]


def test_a_line_that_was_asked_for_may_come_slowly() -> None:
    keyboard = Keyboard(KEYS)
    keyboard.asked = True
    for at, char in enumerate("9b0", 1):
        assert keyboard.feed(char.encode(), at) == []
        assert keyboard.idle(at + 0.9) == []
    assert keyboard.idle(60.0) == []
    (line,) = keyboard.feed(b"\x7f0\x1b[D\r", 61.0)
    assert isinstance(line, TypedLine)
    assert apply_edits(line.text) == "9b0"


def test_a_pass_that_is_scanned_where_a_line_was_asked_for_ends_with_a_pause_too() -> None:
    keyboard = Keyboard(KEYS)
    keyboard.asked = True
    keyboard.feed(PASS.encode(), 1.0)
    assert keyboard.idle(1.0 + WHOLE_SECONDS) == [TypedLine(PASS)]


def test_arrows_and_function_keys_are_unfinished_codes_and_within_a_line_they_are_text() -> None:
    """A code may look like an arrow; if it were ignored, the previous verdict would stand for it."""
    keyboard = Keyboard(KEYS)
    for sequence in (b"\x1b[A", b"\x1b[15~", b"\x1bOP", b"\x1b[", b"\x1bO"):
        assert keyboard.feed(sequence, 1.0) == []
        assert keyboard.idle(2.0) == [Unfinished(sequence.decode())]
        assert keyboard.typed == ""
    assert keyboard.feed(b"MP1\x1b[A:\r", 3.0) == [TypedLine("MP1\x1b[A:")]
    assert keyboard.feed(b"\x1b[1;5CMP1\r", 3.0) == [TypedLine("\x1b[1;5CMP1")]


def test_escape_alone_is_a_key_also_where_a_line_was_asked_for_and_takes_that_away() -> None:
    keyboard = Keyboard(KEYS)
    keyboard.asked = True
    keyboard.feed(b"9b0", 1.0)
    keyboard.feed(b"\x1b", 2.0)
    assert keyboard.idle(3.0) == [Key(ESCAPE)]
    assert keyboard.typed == ""


def test_letters_of_other_scripts_may_come_in_pieces() -> None:
    keyboard = Keyboard(KEYS)
    first, rest = "ম".encode()[:1], "ম".encode()[1:]
    keyboard.feed(first, 1.0)
    assert keyboard.feed(rest + b"\xff\r", 1.0) == [TypedLine("ম\N{REPLACEMENT CHARACTER}")]


def test_a_burst_is_as_many_lines_as_it_has() -> None:
    burst = b"".join(b"MP1:%d\r\n" % number for number in range(10_000))
    events = Keyboard(KEYS).feed(burst, 1.0)
    assert events == [TypedLine(f"MP1:{number}") for number in range(10_000)]


def test_what_never_ends_is_not_kept_for_ever() -> None:
    keyboard = Keyboard(KEYS)
    for _ in range(100):
        keyboard.feed(b"x" * 1000, 1.0)
    assert len(keyboard.typed) < 10_000


@given(st.lists(_TYPED, max_size=5), st.data())
def test_lines_come_out_as_they_went_in_however_they_were_cut(lines: list[str], data: st.DataObject) -> None:
    stream = b"".join(line.encode() + data.draw(st.sampled_from([b"\r", b"\n", b"\r\n"])) for line in lines)
    keyboard, events, at = Keyboard(KEYS), [], 0.0
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        events += keyboard.feed(stream[:cut], at)
        stream, at = stream[cut:], at + 0.01
    assert events == [TypedLine(line) for line in lines]
