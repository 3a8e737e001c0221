"""Checks that people can see and read a text: what an issuer requires beyond the characters of the wire format.

A device shows what was signed, so a holder nobody can see or a name that runs across the verdict is refused here. By
Unicode's properties, which change with its versions: an issuer may go by them, a verifier may not (docs/spec.md, 11).
"""

import unicodedata
from itertools import groupby

from movepass_wire.errors import ClaimsError
from movepass_wire.text import ZWJ, ZWNJ

MARKS_MAX = 6
"""Combining marks on one base. Burmese and Hebrew take five, Tibetan names four."""
ACCENTS_MAX = 2
"""Of these, accents above or below, which pile up where the marks of a script have their places; in NFC."""
_ACCENT_CLASS = 200
_VIRAMA = 9
_JOINERS = {chr(ZWJ), chr(ZWNJ)}
_INVISIBLE = frozenset(
    [
        *map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0xFFFC, 0x13441, 0x13442, 0x16FE4)),
        *map(chr, range(0x180B, 0x1810)),  # Mongolian variation selectors
        *map(chr, range(0xFE00, 0xFE10)),  # variation selectors
        chr(0x1D159),  # a note without a head
    ]
)
"""Characters that count as letters, marks or symbols and show nothing (Default_Ignorable_Code_Point, and blanks)."""


def check_readable(field: str, text: str) -> None:
    """Check that a text can be seen and read, wherever it is shown.

    Args:
        field: its name, for the message.
        text: what it holds, as it is signed.

    Raises:
        ClaimsError: no letter or digit, an invisible character, a joiner that joins nothing, or too many marks.
    """
    if found := find_invisible(text):
        raise _character(field, found, "is invisible or a blank; take it out, or write a plain space")
    if not any(char.isalnum() for char in text):
        raise ClaimsError(field, "expected a letter or a digit, got none", "no-letter")
    for at, char in enumerate(text):
        if char in _JOINERS and not _joins(text[:at], text[at + 1 :], char):
            raise _character(field, char, "joins nothing where it stands; take it out")
    before = " "
    for is_mark, group in groupby((c for c in text if c not in _JOINERS), _is_mark):
        run = list(group)
        if is_mark:
            _check_marks(field, before, run)
        before = run[-1]


def find_invisible(text: str) -> str | None:
    """Return the first character that shows nothing, or is a blank other than a space; joiners may be there."""
    return next((c for c in text if c in _INVISIBLE or not (c.isprintable() or c in _JOINERS)), None)


def _check_marks(field: str, base: str, marks: list[str]) -> None:
    if base.isspace():
        raise _character(field, marks[0], "is a mark with no letter before it; take it out")
    accents = sum(_is_accent(mark) for mark in marks)
    if len(marks) > MARKS_MAX or accents > ACCENTS_MAX:
        expected = f"at most {MARKS_MAX}, or {ACCENTS_MAX} accents, fit"
        raise ClaimsError(field, f"{len(marks)} marks on one letter; {expected}", "too-many-marks")


def _character(field: str, character: str, fault: str) -> ClaimsError:
    code_point = f"U+{ord(character):04X}"
    return ClaimsError(field, f"{code_point} {fault}", "character", character=code_point)


def _is_mark(char: str) -> bool:
    return unicodedata.category(char).startswith("M")


def _is_accent(mark: str) -> bool:
    return unicodedata.combining(mark) >= _ACCENT_CLASS or unicodedata.category(mark) == "Me"


def _joins(before: str, after: str, joiner: str) -> bool:
    """Return whether a joiner shapes its neighbours: a conjunct, a vowel sign, or Arabic letters."""
    if not before or before[-1] in _JOINERS:
        return False
    if unicodedata.combining(before[-1]) == _VIRAMA:  # at a word's end too: that was khanda ta before Unicode 4.1
        return True
    if _is_arabic(before[-1]):
        return joiner == chr(ZWJ) or _is_arabic(after[:1])
    return not before[-1].isascii() and _is_mark(after[:1] or " ") and not _is_accent(after[0])


def _is_arabic(char: str) -> bool:
    return bool(char) and unicodedata.bidirectional(char) in {"AL", "NSM"}
