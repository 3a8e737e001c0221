"""Check a hand scanner at the start of a shift, with a code whose text is known.

The code is docs/officer/scanner-check.png. Its text has every character of a pass, so whatever the scanner or the
keyboard's layout changes of a pass shows here, and is named with what to switch off.
"""

from movepass_wire.base45 import ALPHABET
from movepass_words import Message, message

_END = "END"
TEXT = f"MP0:SCANNER CHECK {ALPHABET}{_END}"
"""Alphanumeric like a pass, but not a pass, because there is no version 0."""
_FEW = 8
"""The most characters that are named."""
_LAYOUTS = {
    "Ö": "layout.german-swedish",
    "Æ": "layout.danish",
    "Ø": "layout.norwegian",
    "Ñ": "layout.spanish",
    "Ç": "layout.italian-portuguese",
    "Ş": "layout.turkish",
}
"""The characters that the colon becomes if a scanner that types on a US keyboard meets another layout."""
_COLON_AT = TEXT.index(":")
_BENGALI = range(0x0980, 0x0A00)
_CONTROLS = {"\t": "Tab", "\r": "Enter", "\n": "Ctrl+J", "\x1b": "Esc", "\x1d": "GS", "\x7f": "Del"}


def check_scanner(typed: str) -> list[Message]:
    """Return what is wrong with a scanner's settings from what it typed; an empty list if nothing is."""
    line = typed.rstrip("\r\n")
    end = typed[len(line) :]
    found = _around(line) if TEXT in line else [_change(line)]
    if not end:
        found.append(message("scanner.no-end"))
    return found


def _around(line: str) -> list[Message]:
    before, _, behind = line.partition(TEXT)
    prefix = [message("scanner.prefix", what=_name(before))] if before else []
    suffix = [message("scanner.suffix", what=_name(behind))] if behind else []
    return prefix + suffix


def _change(line: str) -> Message:
    """Name the single change of the text."""
    if TEXT in line.upper():
        return message("scanner.case")
    if layout := _layout(line):
        return message("scanner.layout", layout=message(layout))
    if TEXT in "".join(char for char in line if char >= " " and char != "\x7f"):
        controls = "".join(char for char in line if char < " " or char == "\x7f")
        return message("scanner.controls", what=_name(controls))
    return _loss(line) if len(line) < len(TEXT) else message("scanner.other")


def _layout(line: str) -> str | None:
    if line.startswith("?P"):
        return "layout.french"
    if any(ord(char) in _BENGALI for char in line):
        return "layout.bangla"
    return _LAYOUTS.get(line[_COLON_AT : _COLON_AT + 1].upper())


def _loss(line: str) -> Message:
    """Name the missing characters; if none is missing everywhere, the text was cut short."""
    if not line.startswith(TEXT[:_COLON_AT]):
        return message("scanner.other")
    missing = [char for char in ALPHABET if char not in line]
    if missing and line.endswith(_END):
        return message("scanner.lost", what=_name("".join(missing)))
    return message("scanner.short", count=len(line), whole=len(TEXT))


def _name(text: str) -> str:
    """Name characters visibly: control characters by their keys."""
    names = [_CONTROLS.get(c) or (f"Ctrl+{chr(ord(c) + 0x40)}" if c < " " else "␣" if c == " " else c) for c in text]
    more = ["…"] if len(names) > _FEW else []
    return " ".join([*names[:_FEW], *more])
