"""Escape and measure text from outside before a terminal shows it. Nothing else does.

A name, a path or a code may hold whatever a stranger likes. None of it may control the terminal, be invisible, or take
more or less room than is counted for it:

- what no font draws (controls, bidi marks, fillers) is written as its number, as Python writes it;
- every kind of blank is a blank; a text of nothing else is written as numbers;
- at most MARKS_MAX marks stand on one letter, and none without a letter;
- a joiner (U+200C, U+200D) stays where it changes how its neighbours are drawn, as in Bangla.
"""

import json
import re
import unicodedata
from functools import lru_cache

MARKS_MAX = 4
"""Bangla and Tibetan need this many; a pile of accents would run across the neighbouring lines."""
_JOINERS = "\u200c\u200d"
_VIRAMA = 9
"""The combining class of the signs that join consonants."""
_UNSEEN = re.compile(
    "[\u034f\u115f-\u11ff\u17b4\u17b5\u180b-\u180f\u2800\u3164\ud7b0-\ud7ff\ufe00-\ufe0f\uffa0\ufffc"
    "\U00016fe4\U0001d159\U000e0100-\U000e01ef]"
)
"""Characters that count as printable but show nothing: fillers, variation selectors, lone parts of Hangul."""
_NO_COLUMN = {"Mn", "Me", "Cf"}
_WIDE = {"W", "F"}
_WIDE_SINCE = re.compile("[\u2630-\u2637\u268a-\u268f\u4dc0-\u4dff\U0001d300-\U0001d37f\U0001f1e6-\U0001f1ff]")
"""Wide in newer versions of Unicode than Python's, or on some terminals (half a flag): counted as wide."""
CUT = "…"


def columns(text: str) -> int:
    """Count the columns of a text on a terminal: East Asian characters take two, marks none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


@lru_cache(4096)
def _columns(char: str) -> int:
    if unicodedata.category(char) in _NO_COLUMN:
        return 0
    return 2 if unicodedata.east_asian_width(char) in _WIDE or _WIDE_SINCE.match(char) else 1


def printable(text: str) -> str:
    """Return a text with every character visible; a text of blanks alone becomes numbers."""
    shown = escape(text)
    return shown if not text or shown.strip() else "".join(map(_number, text))


def compact(text: str) -> str:
    """Return a printable text with single blanks, so that no name pushes a part of itself off its line."""
    return re.sub(" {2,}", " ", printable(text))


@lru_cache(4096)
def escape(text: str) -> str:
    """Replace invisible characters by their numbers, and every blank by a space."""
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = MARKS_MAX  # no mark may start a text without a letter
    for at, char in enumerate(text):
        kind = unicodedata.category(char)
        if kind == "Zs":
            shown.append(" ")
            marks = MARKS_MAX
        elif char in _JOINERS and marks < MARKS_MAX and _joins(text, at):
            shown.append(char)
        elif kind in {"Mn", "Mc"} and marks < MARKS_MAX and not _UNSEEN.match(char):
            shown.append(char)
            marks += 1
        elif kind[0] != "M" and char.isprintable() and not _UNSEEN.match(char):
            shown.append(char)
            marks = 0
        else:
            shown.append(_number(char))
            marks = MARKS_MAX
    return "".join(shown)


def _joins(text: str, at: int) -> bool:
    """Check whether a joiner has an effect: beside a virama, or between Arabic letters."""
    before, behind = text[at - 1], text[at + 1 : at + 2]
    if unicodedata.combining(before) == _VIRAMA or (behind and unicodedata.combining(behind) == _VIRAMA):
        return before not in _JOINERS
    return bool(behind) and unicodedata.bidirectional(before) == unicodedata.bidirectional(behind) == "AL"


def _number(char: str) -> str:
    point = ord(char)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def json_text(document: object) -> str:
    """Return JSON that is safe on a terminal: invisible characters become escapes with the same meaning."""
    text = json.dumps(document, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def fold(text: str, width: int) -> list[str]:
    """Break a text at spaces; a word that is too long for a line is broken anywhere."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if columns(joined) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        room = width
        for char in word:
            room -= _columns(char)
            if room < 0 and lines[-1]:
                lines.append("")
                room = width - _columns(char)
            lines[-1] += char
    return lines


def cut(text: str, width: int) -> str:
    """Cut a text that does not fit, and mark the cut."""
    if columns(text) <= width:
        return text
    kept, room = [], width - columns(CUT)
    for char in text:
        room -= _columns(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + CUT[:width]
