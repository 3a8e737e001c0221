"""Format and parse pass numbers: day and index in nine symbols that a person can read over the radio.

Two symbols hold the day modulo 1024 and six the index. A check symbol over GF(32) catches every single wrong symbol
and every swap of neighbours. The alphabet is Crockford's base32, grouped 3-3-3: "A1B-2C3-D4E".
"""

import re
from dataclasses import dataclass

from movepass_wire.errors import NumberError
from movepass_wire.limits import INDEX_LIMIT

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
DAYS = 1024
LENGTH = 9

_CAPITALS = {**{c: i for i, c in enumerate(ALPHABET)}, "O": 0, "I": 1, "L": 1}
"""Crockford's look-alikes: O is read as 0, I and L as 1."""
_READ_AS = {
    **_CAPITALS,
    **{c.lower(): value for c, value in _CAPITALS.items()},
    **{chr(ord(c) + 0xFEE0): value for c, value in _CAPITALS.items()},
    **{chr(ord(c.lower()) + 0xFEE0): value for c, value in _CAPITALS.items()},
    **{chr(0x09E6 + digit): digit for digit in range(10)},
}
"""The symbols as keyboards type them: upper and lower case, full-width, and Bangla digits."""
_SKIPPED = (
    (0x0020, 0x0020),
    (0x002D, 0x002D),
    (0x00A0, 0x00A0),
    (0x00AD, 0x00AD),
    (0x1680, 0x1680),
    (0x2000, 0x2015),
    (0x202F, 0x202F),
    (0x205F, 0x2060),
    (0x2212, 0x2212),
    (0x3000, 0x3000),
    (0xFE58, 0xFE58),
    (0xFE63, 0xFE63),
    (0xFEFF, 0xFEFF),
    (0xFF0D, 0xFF0D),
)
"""Hyphens, dashes, spaces and invisible characters, which phones insert. docs/spec.md has the same table."""
_SKIPPED_CHARS = re.compile("[" + "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in _SKIPPED) + "]")
_ALIKE = (
    *("0DQ", "17", "2Z", "5S", "6G", "8B", "CG", "EF", "KX", "MN", "PR", "VY", "VW"),  # to the eye
    *("BCDEGPTVZ3", "AHJK8", "FSX", "MN", "59", "QK", "GJZ", "1Y", "BV", "PF", "CS"),  # to the ear
)
"""Symbols that people confuse on paper, or over the radio as spoken in Bangladesh."""
_POLYNOMIAL = 0b100101
"""x^5 + x^2 + 1, primitive over GF(2): x generates all of GF(32)."""


def _times_x(value: int) -> int:
    value <<= 1
    return value ^ _POLYNOMIAL if value & 32 else value


def _checksum(symbols: list[int]) -> int:
    """Evaluate the symbols as a polynomial at x, the last symbol with weight 1. A correct number gives 0.

    The weights x^8 .. x^0 are distinct and nonzero, so that any wrong symbol or swap of neighbours shows.
    """
    total = 0
    for symbol in symbols:
        total = _times_x(total) ^ symbol
    return total


def format_number(day: int, index: int) -> str:
    """Format the number of a pass.

    Args:
        day: the UTC day of exp (days since 1970-01-01).
        index: the pass's index, below 2^30.
    """
    if not (day >= 0 and 0 <= index < INDEX_LIMIT):
        raise NumberError(f"day {day}, index {index}: expected a day from 0 and an index below 2^30")
    value = day % DAYS * INDEX_LIMIT + index
    symbols = [value >> shift & 31 for shift in range(35, -1, -5)]
    symbols.append(_times_x(_checksum(symbols)))
    return _format(symbols)


def parse_number(text: str) -> tuple[int, int]:
    """Read a typed pass number, ignoring case, hyphens, dashes and spaces.

    Returns:
        The day modulo 1024, and the index.

    Raises:
        NumberError: the text is not nine symbols of the alphabet, or its check symbol does not match.
    """
    symbols = _symbols(text)
    if _checksum(symbols):
        raise NumberError(f"{text.strip()!r} has a slip: its check symbol does not match; ask for it again")
    return _day_and_index(symbols)


@dataclass(frozen=True, slots=True)
class Correction:
    """A number that may have been meant by a mistyped one.

    Attributes:
        number: the pass number, as format_number writes it.
        day: the day modulo 1024.
        index: the index of the pass.
        alike: whether the mistake is common: symbols that look or sound alike, or swapped neighbours.
    """

    number: str
    day: int
    index: int
    alike: bool


def corrections(text: str) -> list[Correction]:
    """List every number that is one wrong symbol or one swap of neighbours away, common mistakes first.

    Raises:
        NumberError: the text is not nine symbols of the alphabet.
    """
    symbols = _symbols(text)
    slip = _checksum(symbols)
    if not slip:
        return []
    alike: list[list[int]] = []
    others: list[list[int]] = []
    for at in range(LENGTH):
        right = next(value for value in range(32) if _weight(value, at) == slip) ^ symbols[at]
        (alike if _are_alike(symbols[at], right) else others).append([*symbols[:at], right, *symbols[at + 1 :]])
    swapped = [[*symbols[:at], symbols[at + 1], symbols[at], *symbols[at + 2 :]] for at in range(LENGTH - 1)]
    likely = alike + [found for found in swapped if not _checksum(found)]
    return [Correction(_format(found), *_day_and_index(found), found in likely) for found in likely + others]


def _weight(value: int, at: int) -> int:
    """Return what a symbol at a position adds to the checksum."""
    for _ in range(LENGTH - 1 - at):
        value = _times_x(value)
    return value


def _are_alike(a: int, b: int) -> bool:
    return any(ALPHABET[a] in group and ALPHABET[b] in group for group in _ALIKE)


def _symbols(text: str) -> list[int]:
    compact = _SKIPPED_CHARS.sub("", text)
    wrong = [c for c in compact if c not in _READ_AS]
    if wrong:
        raise NumberError(f"{wrong[0]!r} is not used in pass numbers (0-9 and A-Z without I, L, O, U)")
    if len(compact) != LENGTH:
        raise NumberError(f"a pass number has {LENGTH} symbols like A1B-2C3-D4E, got {len(compact)}")
    return [_READ_AS[c] for c in compact]


def _format(symbols: list[int]) -> str:
    text = "".join(ALPHABET[s] for s in symbols)
    return f"{text[:3]}-{text[3:6]}-{text[6:]}"


def _day_and_index(symbols: list[int]) -> tuple[int, int]:
    value = 0
    for symbol in symbols[:-1]:
        value = value << 5 | symbol
    return divmod(value, INDEX_LIMIT)


def resolve_day(day_in_number: int, near: int) -> int:
    """Find the day nearest to `near` that is equal to day_in_number modulo 1024."""
    offset = (day_in_number - near + DAYS // 2) % DAYS - DAYS // 2
    return near + offset
