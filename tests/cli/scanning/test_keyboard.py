"""A hand scanner and a person on one keyboard."""

from hypothesis import given
from hypothesis import strategies as st

from movepass_cli.scanning.keyboard import END, ESCAPE, PAUSE_SECONDS, REST_SECONDS, Key, Keyboard, Line

_TYPED = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40)


def test_what_comes_at_once_and_ends_with_enter_is_a_line() -> None:
    assert Keyboard().feed(b"MP1:ABC\r", 1.0) == [Line("MP1:ABC")]


def test_one_character_alone_is_a_key_after_its_pause_and_not_before() -> None:
    keyboard = Keyboard()
    assert keyboard.feed(b"d", 1.0) == []
    assert keyboard.idle(1.0 + PAUSE_SECONDS / 2) == []
    assert keyboard.deadline() == 1.0 + PAUSE_SECONDS
    assert keyboard.idle(1.0 + PAUSE_SECONDS) == [Key("d")]
    assert keyboard.deadline() is None
    assert keyboard.idle(9.0) == []


def test_a_scanner_whose_first_letter_is_a_key_is_not_mistaken_for_a_person() -> None:
    keyboard = Keyboard()
    keyboard.feed(b"d", 1.0)
    keyboard.feed(b"qh", 1.03)
    assert keyboard.idle(2.0) == []
    assert keyboard.feed(b"\n", 2.1) == [Line("dqh")]


def test_what_has_no_end_is_not_the_beginning_of_the_next_pass() -> None:
    for keyboard, rest in ((Keyboard(), b"xy"), (Keyboard(keys=False), b"x")):
        keyboard.feed(rest, 1.0)
        assert keyboard.deadline() == 1.0 + REST_SECONDS
        assert keyboard.idle(1.0 + REST_SECONDS) == []
        assert keyboard.typed == ""
        assert keyboard.feed(b"MP1:ABC\r", 60.0) == [Line("MP1:ABC")]


def test_a_line_that_waits_to_be_read_is_whole_however_late_that_is() -> None:
    keyboard = Keyboard()
    keyboard.feed(b"MP1:", 1.0)
    assert keyboard.feed(b"ABC\r", 60.0) == [Line("MP1:ABC")]


def test_a_line_that_was_asked_for_may_come_slowly() -> None:
    keyboard = Keyboard()
    keyboard.asked = True
    for at, char in enumerate("9b0", 1):
        assert keyboard.feed(char.encode(), at) == []
        assert keyboard.idle(at + 0.9) == []
    assert keyboard.idle(60.0) == []
    assert keyboard.feed(b"\x7f0\r", 61.0) == [Line("9b0")]


def test_arrows_and_function_keys_mean_nothing() -> None:
    keyboard = Keyboard()
    for sequence in (b"\x1b[A", b"\x1b[15~", b"\x1bOP", b"\x1b[", b"\x1bO"):
        assert keyboard.feed(sequence, 1.0) == []
        assert keyboard.idle(2.0) == []
    assert keyboard.feed(b"\x1b[1;5CMP1\x1b[A:\x1bOPx\r", 3.0) == [Line("MP1:x")]


def test_escape_alone_is_a_key_also_where_a_line_was_asked_for() -> None:
    keyboard = Keyboard()
    keyboard.asked = True
    keyboard.feed(b"9b0", 1.0)
    keyboard.feed(b"\x1b", 2.0)
    assert keyboard.idle(3.0) == [Key(ESCAPE)]


def test_ctrl_d_ends_only_where_nothing_is_typed() -> None:
    keyboard = Keyboard()
    assert keyboard.feed(b"MP\x04\r", 1.0) == [Line("MP")]
    assert keyboard.feed(b"\x04", 2.0) == [END]


def test_letters_of_other_scripts_may_come_in_pieces() -> None:
    keyboard = Keyboard()
    first, rest = "ম".encode()[:1], "ম".encode()[1:]
    keyboard.feed(first, 1.0)
    assert keyboard.feed(rest + b"\xff\r", 1.0) == [Line("ম\N{REPLACEMENT CHARACTER}")]


def test_a_burst_is_as_many_lines_as_it_has() -> None:
    burst = b"".join(b"MP1:%d\r\n" % number for number in range(10_000))
    events = Keyboard().feed(burst, 1.0)
    assert events == [Line(f"MP1:{number}") for number in range(10_000)]


def test_what_never_ends_is_not_kept_for_ever() -> None:
    keyboard = Keyboard()
    for _ in range(100):
        keyboard.feed(b"x" * 1000, 1.0)
    assert len(keyboard.typed) < 10_000


@given(st.lists(_TYPED, max_size=5), st.data())
def test_lines_come_out_as_they_went_in_however_they_were_cut(lines: list[str], data: st.DataObject) -> None:
    stream = b"".join(line.encode() + data.draw(st.sampled_from([b"\r", b"\n", b"\r\n"])) for line in lines)
    keyboard, events, at = Keyboard(), [], 0.0
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        events += keyboard.feed(stream[:cut], at)
        stream, at = stream[cut:], at + 0.01
    assert events == [Line(line) for line in lines]
