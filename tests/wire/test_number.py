"""Check that pass numbers catch every wrong symbol and swap, and that common mistypings are read."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movepass_wire.errors import NumberError
from movepass_wire.number import ALPHABET, format_number, parse_number, resolve_day

DAY = 20779  # 2026-11-22
TOP_INDEX = (1 << 30) - 1
LOOK_ALIKES = {"O": "0", "I": "1", "L": "1"}

SAMPLES = [
    format_number(day, index) for day, index in [(0, 0), (DAY, 400_000), (1023, TOP_INDEX), (DAY, 7), (1, 1 << 29)]
]


@pytest.mark.parametrize(
    ("day", "index", "number"),
    [
        pytest.param(0, 0, "000-000-000", id="nothing"),
        pytest.param(0, 1, "000-000-012", id="x times 1"),
        pytest.param(0, 32, "000-000-104", id="x squared"),
        pytest.param(0, 16, "000-000-0G5", id="x times x^4, reduced by the polynomial"),
        pytest.param(1024, 0, "000-000-000", id="the day goes round at 1024"),
    ],
)
def test_a_number_is_day_index_and_check_symbol(day: int, index: int, number: str) -> None:
    assert format_number(day, index) == number


@given(st.integers(0, 65535), st.integers(0, TOP_INDEX))
def test_every_number_round_trips(day: int, index: int) -> None:
    assert parse_number(format_number(day, index)) == (day % 1024, index)


@pytest.mark.parametrize("number", SAMPLES)
def test_a_number_is_three_groups_of_three_symbols(number: str) -> None:
    groups = number.split("-")
    assert [len(group) for group in groups] == [3, 3, 3]
    assert set("".join(groups)) <= set(ALPHABET)


def test_the_alphabet_has_no_look_alikes() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 32
    assert not set("ILOU") & set(ALPHABET)


@pytest.mark.parametrize("number", SAMPLES)
def test_every_single_wrong_symbol_is_caught(number: str) -> None:
    compact = number.replace("-", "")
    for at, symbol in enumerate(compact):
        for other in set(ALPHABET) - {symbol}:
            with pytest.raises(NumberError, match="has a slip"):
                parse_number(compact[:at] + other + compact[at + 1 :])


@pytest.mark.parametrize("number", SAMPLES)
def test_every_swap_of_neighbours_is_caught(number: str) -> None:
    compact = number.replace("-", "")
    for at, (left, right) in enumerate(pairwise(compact)):
        if left != right:
            with pytest.raises(NumberError, match="has a slip"):
                parse_number(compact[:at] + right + left + compact[at + 2 :])


@given(st.integers(0, 1023), st.integers(0, TOP_INDEX), st.data())
def test_a_wrong_symbol_or_a_swap_in_any_number_is_caught(day: int, index: int, data: st.DataObject) -> None:
    symbols = list(format_number(day, index).replace("-", ""))
    at = data.draw(st.integers(0, 7))
    slipped = [*symbols]
    slipped[at] = data.draw(st.sampled_from([s for s in ALPHABET if s != symbols[at]]))
    swapped = [*symbols]
    swapped[at], swapped[at + 1] = symbols[at + 1], symbols[at]
    for wrong in (slipped, swapped):
        if wrong != symbols:
            with pytest.raises(NumberError, match="has a slip"):
                parse_number("".join(wrong))


SEPARATORS = ["", "-", " ", " - ", "--", "\u2013", "\u2011", "\u2010", "\u2014", "\u2212", "\u00ad", "\u00a0", "\u202f"]


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("number", SAMPLES)
def test_case_hyphens_dashes_and_spaces_are_ignored(number: str, separator: str) -> None:
    typed = f" {number.replace('-', separator).lower()} "
    assert parse_number(typed) == parse_number(number)


@given(st.integers(0, 1023), st.integers(0, TOP_INDEX), st.data())
def test_a_number_is_read_from_any_keyboard(day: int, index: int, data: st.DataObject) -> None:
    number = format_number(day, index).replace("-", "")
    bangla = {c: "০১২৩৪৫৬৭৮৯"[int(c)] for c in "0123456789"}
    forms = [{c, c.lower(), chr(ord(c) + 0xFEE0), bangla.get(c, c)} for c in number]
    typed = "".join(data.draw(st.sampled_from(sorted(form))) for form in forms)
    assert parse_number(typed) == (day, index)


@pytest.mark.parametrize(("typed", "meant"), LOOK_ALIKES.items())
@pytest.mark.parametrize("lower", [False, True], ids=["upper", "lower"])
def test_look_alikes_are_read_as_the_digits_they_look_like(typed: str, meant: str, lower: bool) -> None:  # noqa: FBT001
    number = next(n for n in (format_number(DAY, index) for index in range(1000)) if n.count(meant) > 1)
    mistyped = number.replace(meant, typed.lower() if lower else typed)
    assert parse_number(mistyped) == parse_number(number)


@pytest.mark.parametrize("wrong", [*"U*~$=./\\_\t\n\x00", "\u00e9", "\u0966", "\u202e", "\u2030"])
def test_a_symbol_outside_the_alphabet_is_named(wrong: str) -> None:
    with pytest.raises(NumberError) as refusal:
        parse_number(SAMPLES[1][:-1] + wrong)
    assert str(refusal.value).casefold().startswith(f"{wrong!r} is not used in pass numbers".casefold())


def test_the_first_of_several_wrong_symbols_is_named() -> None:
    with pytest.raises(NumberError, match=r"^'U' is not used in pass numbers"):
        parse_number("A1B-2U3-!4E")


@pytest.mark.parametrize(("letter", "reads_as"), [("\u0131", "1"), ("\u017f", "S"), ("\ufb05", "ST")])
def test_a_letter_outside_ascii_is_not_read_as_an_ascii_letter(letter: str, reads_as: str) -> None:
    compact = next(n for n in (format_number(DAY, index).replace("-", "") for index in range(1 << 20)) if reads_as in n)
    with pytest.raises(NumberError, match="is not used in pass numbers"):
        parse_number(compact.replace(reads_as, letter))


@pytest.mark.parametrize("typed", ["", "-", "0", "00000000", "0000000000", "000-000-000-000"])
def test_another_length_is_refused(typed: str) -> None:
    have = len(typed.replace("-", ""))
    with pytest.raises(NumberError, match=f"has 9 symbols like A1B-2C3-D4E, got {have}"):
        parse_number(typed)


@given(st.text(max_size=15))
def test_any_typing_is_read_or_refused(typed: str) -> None:
    try:
        day, index = parse_number(typed)
    except NumberError:
        return
    assert 0 <= day < 1024
    assert 0 <= index <= TOP_INDEX


@pytest.mark.parametrize(("day", "index"), [(-1, 0), (0, -1), (0, 1 << 30), (0, 1 << 31)])
def test_a_day_or_index_out_of_range_has_no_number(day: int, index: int) -> None:
    with pytest.raises(NumberError, match="expected a day from 0 and an index below"):
        format_number(day, index)


@pytest.mark.parametrize("near", [1024, 20479, 20480, 20481, DAY, 21503, 21504, 65535])
@pytest.mark.parametrize("away", [-512, -511, -4, -1, 0, 1, 4, 511])
def test_a_day_is_resolved_to_the_nearest_day(near: int, away: int) -> None:
    assert resolve_day((near + away) % 1024, near) == near + away


@pytest.mark.parametrize(
    ("in_number", "near", "day"),
    [
        pytest.param(0, 1023, 1024, id="tomorrow is round the wrap"),
        pytest.param(1023, 1024, 1023, id="yesterday is before the wrap"),
        pytest.param(300, DAY, DAY + 1, id="2026-11-23"),
        pytest.param(299, DAY, DAY, id="2026-11-22"),
    ],
)
def test_a_day_is_resolved_across_the_wrap(in_number: int, near: int, day: int) -> None:
    assert resolve_day(in_number, near) == day
