"""Check that all text from outside is escaped and measured in one place."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.screens import movepass as command
from support.screens import running
from support.writing import foreign
from wcwidth import wcswidth

from movepass_cli.display import CUT, MARKS_MAX, columns, cut, escape, fold, json_text, printable

from .conftest import Movepass

BANGLA = ("রহিমা খাতুন", "র‍্যাব", "উদ্‌যাপন", "বাঁশঝাড়", "স্ত্রী", "ৎ", "ক্ষ্ম্যাঁ", "শ্রীমঙ্গল", "অ্যাডভোকেট", "হঠাৎ")
OTHERS = ("Rahima Khatun", "𑄇𑄴𑄥𑄪", "عَبْدُ الكريم", "ကျော်", "नमस्ते", "Nguyễn", "Łódź", "王小明", "\uff21\uff22", "བསྒྲུབས", "ไม้")


@pytest.mark.parametrize("name", [*BANGLA, *OTHERS])
def test_names_as_people_write_them_stay_as_they_are(name: str) -> None:
    assert printable(unicodedata.normalize("NFC", name)) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b2J", "\\x9b2J"),
        ("a\x7fb\x00", "a\\x7fb\\x00"),
        ("\u202eTPECCA", "\\u202eTPECCA"),
        ("a\u200eb\u2066c", "a\\u200eb\\u2066c"),
        ("a\u2028b", "a\\u2028b"),
        ("a\u3000b\u00a0c\u2003d", "a b c d"),
        ("\u3164", "\\u3164"),
        ("\u2800\u115f\u1160\uffa0", "\\u2800\\u115f\\u1160\\uffa0"),
        ("   ", "\\x20\\x20\\x20"),
        ("\u3000\u00a0", "\\u3000\\xa0"),
        ("", ""),
        ("\u200c" * 3, "\\u200c" * 3),
        ("\u200d", "\\u200d"),
        ("A\u200cB\u200d", "A\\u200cB\\u200d"),
        ("ক্\u200d\u200dত", "ক্\u200d\\u200dত"),
        ("A" + "\u0301" * 62, "A" + "\u0301" * MARKS_MAX + "\\u0301" * (62 - MARKS_MAX)),
        ("\u0301A", "\\u0301A"),
        (" \u0301", " \\u0301"),
        ("A\u20dd", "A\\u20dd"),
        ("A\ufe0f\U000e0100", "A\\ufe0f\\U000e0100"),
        ("\ud800\udc80", "\\ud800\\udc80"),
        ("\ue000\U0010ffff", "\\ue000\\U0010ffff"),
        ("👩\u200d👧", "👩\\u200d👧"),
        ("ك\u200cك", "ك\u200cك"),
        ("a\u1680b", "a b"),
    ],
)
def test_what_can_not_be_seen_is_written_as_its_number(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_whatever_it_is_nothing_steers_and_nothing_is_invisible(text: str) -> None:
    shown = printable(text)
    assert bool(shown.strip()) == bool(text)
    assert all(c.isprintable() or c in "\u200c\u200d" for c in shown)
    assert escape(shown) == shown
    assert foreign(shown.encode()) == []
    row = 0
    for char in shown:
        row = row + 1 if unicodedata.category(char)[0] == "M" else 0
        assert row <= MARKS_MAX


@given(st.text(st.characters(exclude_categories=["Mc", "C"]), max_size=20))
def test_columns_are_those_of_terminals(text: str) -> None:
    """By wcwidth, which counts spacing marks as nothing: there ours is the larger number."""
    shown = escape(text)
    assert columns(shown) >= wcswidth(shown) or wcswidth(shown) < 0


@pytest.mark.parametrize("char", ["\u2630", "\u2637", "\u268a", "\u4dc0", "\U0001d300", "\U0001f1e7"])
def test_what_is_wide_on_any_terminal_is_counted_so(char: str) -> None:
    assert escape(char) == char
    assert columns(char) == 2


@given(st.text(), st.integers(1, 60))
def test_what_is_folded_or_cut_fits(text: str, width: int) -> None:
    shown = escape(text)
    widest = max(map(columns, shown), default=0)
    assert all(columns(line) <= max(width, widest) for line in fold(shown, width))
    assert "".join(fold(shown, width)).replace(" ", "") == shown.replace(" ", "")
    assert columns(cut(shown, width)) <= width
    assert cut(shown, width) == shown or cut(shown, width).endswith(CUT)


@given(
    st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=5)
)
def test_json_means_the_same_and_steers_nothing(document: object) -> None:
    text = json_text(document)
    assert text.isprintable()
    assert json.loads(text) == document


def test_json_of_a_name_that_is_no_text_can_be_written() -> None:
    assert json_text({"source": "\udc80\x9b\u202e\u200c"}) == '{"source": "\\udc80\\u009b\\u202e\\u200c"}'


def test_errors_and_rows_escape_the_paths_they_name(movepass: Movepass, tmp_path: Path) -> None:
    odd = tmp_path / "\x1b[2J\u202e\x9bx"
    for arguments in (("status", "--store", odd), ("verify", "--store", odd, "x"), ("sync", "--store", odd),
                      ("doctor", "--store", odd), ("journal", "--store", odd), ("publish", "--authority", odd),
                      ("inspect", f"{odd}.png"), (f"{odd}",), ("status", f"--{odd}")):  # fmt: skip
        ran = movepass(*arguments)
        assert ran.code in {2, 4}, arguments
        assert foreign((ran.out + ran.err).encode()) == [], arguments
    made = movepass("init", "--authority", odd, "--name", "\x1b[2J\u3164")
    assert foreign((made.out + made.err).encode()) == []


def test_a_long_line_begins_no_line_of_its_own_on_a_terminal() -> None:
    """A path that is padded so that its end begins the terminal's next row."""
    forged = "x" * (80 - len("movepass: error: ")) + "✔ ACCEPT  (valid)"
    with running(command("inspect", f"{forged}.png")) as screen:
        screen.until(lambda shown: "ACCEPT" in shown)
        rows = screen.text.splitlines()
    assert not any(row.startswith("✔") for row in rows)
    assert all(row.startswith(("movepass: ", " " * len("movepass: "))) for row in rows if row)
