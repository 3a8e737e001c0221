"""Text in the scripts of Bangladesh, shaped by Raqm and measured before it is drawn: lines, and blocks of lines.

No font holds another's letters, so a text is split into runs of one font each: Bengali, Chakma, and Noto Sans for
Latin, Greek and Cyrillic. What none of them holds would print as a box; `missing_letters` finds it.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from movepass_wire.text import DANDA, ZWJ, ZWNJ

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL.ImageFont import FreeTypeFont

SIZE_MIN = 8
"""Pixels an em that no text goes below."""


class Box(NamedTuple):
    """A rectangle of pixels; right and bottom are the first outside."""

    left: int
    top: int
    right: int
    bottom: int


class Style(NamedTuple):
    """The style of a text: pixels an em, weight, colour."""

    size: int
    bold: bool = False
    colour: str = "#000000"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text at its place.

    Attributes:
        text: what it says.
        style: how it is set.
        runs: its parts of one font each, with how far right of x each begins.
        ink: what it covers, seen from x and the base line.
        x: where it begins.
        base: its base line.
    """

    text: str
    style: Style
    runs: tuple[tuple[int, str, FreeTypeFont], ...]
    ink: Box
    x: int = 0
    base: int = 0

    @property
    def box(self) -> Box:
        """The area that it covers on the card."""
        left, top, right, bottom = self.ink
        return Box(self.x + left, self.base + top, self.x + right, self.base + bottom)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines below each other, placed from the block's top left corner."""

    lines: tuple[Line, ...]
    height: int

    @property
    def width(self) -> int:
        """The right edge of its ink."""
        return max((line.box.right for line in self.lines), default=0)

    def at(self, x: int, y: int) -> list[Line]:
        """Return its lines with the block's top left corner at x, y."""
        return [replace(line, x=line.x + x, base=line.base + y) for line in self.lines]

    def centred(self, y: int, within: int) -> list[Line]:
        """Return its lines with the block's top at y, each centred in a width."""
        return [replace(line, x=(within - line.ink.right) // 2, base=line.base + y) for line in self.lines]


@lru_cache(maxsize=128)
def _font(script: str, size: int, *, bold: bool) -> FreeTypeFont:
    from PIL import ImageFont  # noqa: PLC0415  (an extra: see check_shaping)

    return ImageFont.truetype(str(_path(script, bold=bold)), size, layout_engine=ImageFont.Layout.RAQM)


def _path(script: str, *, bold: bool) -> Path:
    weight = "Bold" if bold and script != _CHAKMA else "Regular"  # Noto has no bold Chakma
    return Path(__file__).with_name("fonts") / f"Noto{script}-{weight}.ttf"


_LATIN, _BENGALI, _CHAKMA = "Sans", "SansBengali", "SansChakma"


def _script(char: str) -> str:
    """Choose the font of a character: none of them holds another's letters."""
    point = ord(char)
    if 0x11100 <= point <= 0x1114F:
        return _CHAKMA
    return _BENGALI if 0x0980 <= point <= 0x09FF or point in (DANDA, DANDA + 1) else _LATIN


def split_by_script(text: str) -> list[tuple[str, str]]:
    """Split a text into runs of one font each; a joiner or a mark goes with the letter before it."""
    scripts: list[str] = []
    for char in text:
        follows = ord(char) in (ZWJ, ZWNJ) or unicodedata.category(char).startswith("M")
        scripts.append(scripts[-1] if scripts and follows else _script(char))
    pairs = groupby(zip(scripts, text, strict=True), key=lambda pair: pair[0])
    return [(script, "".join(char for _, char in run)) for script, run in pairs]


def missing_letters(text: str) -> list[str]:
    """Return the characters of a text that the font of their run does not hold, each once."""
    missing = [char for script, run in split_by_script(text) for char in run if not _holds(script, char)]
    return list(dict.fromkeys(missing))


@lru_cache(maxsize=4096)
def _holds(script: str, char: str) -> bool:
    """Return whether a font has a character: otherwise it draws its box for missing characters."""
    if char == " " or ord(char) in (ZWJ, ZWNJ):
        return True
    return _draw_alone(script, char) != _draw_alone(script, _NO_CHARACTER)


_NO_CHARACTER = "\U0010ffff"


def _draw_alone(script: str, char: str) -> tuple[tuple[int, int], bytes]:
    """Draw a character alone and unshaped, so that it can't become another glyph."""
    from PIL import ImageFont  # noqa: PLC0415  (an extra: see check_shaping)

    font = ImageFont.truetype(str(_path(script, bold=False)), 24, layout_engine=ImageFont.Layout.BASIC)
    mask = font.getmask(char)
    return mask.size, bytes(mask)


def shape(text: str, style: Style) -> Line:
    """Measure one line of text, however wide it gets."""
    runs: list[tuple[int, str, FreeTypeFont]] = []
    x, left, top, right, bottom = 0, 0, 0, 0, 0
    for script, run in split_by_script(text):
        font = _font(script, style.size, bold=style.bold)
        box = font.getbbox(run, direction="ltr", anchor="ls")
        runs.append((x, run, font))
        left, top = min(left, x + int(box[0])), min(top, int(box[1]))
        right, bottom = max(right, x + int(box[2])), max(bottom, int(box[3]))
        x += round(font.getlength(run, direction="ltr"))
    return Line(text, style, tuple(runs), Box(left, top, max(right, x), bottom))


def clusters(word: str) -> list[str]:
    """Split a word where a line may break if it must: not before a sign on a letter, nor inside a conjunct."""
    clusters: list[str] = []
    for char in word:
        sign = unicodedata.category(char).startswith("M") or ord(char) in (ZWJ, ZWNJ)
        joins = clusters and (unicodedata.combining(clusters[-1][-1]) == _VIRAMA or ord(clusters[-1][-1]) == ZWJ)
        if clusters and (sign or joins):
            clusters[-1] += char
        else:
            clusters.append(char)
    return clusters


_VIRAMA = 9
"""The canonical combining class of the signs that join two consonants into a conjunct (Bangla: hasanta)."""


def wrap(text: str, style: Style, width: int) -> list[Line]:
    """Break a text into lines between words, and within a word only where that alone is wider than a line."""
    lines: list[Line] = []
    for word in text.split() or [""]:
        longer = shape(f"{lines[-1].text} {word}", style) if lines else shape(word, style)
        if longer.ink.right <= width:
            lines[-1:] = [longer]
        elif (alone := shape(word, style)).ink.right <= width:
            lines.append(alone)
        else:
            lines.extend(_break_word(word, style, width))
    return lines


def _break_word(word: str, style: Style, width: int) -> list[Line]:
    """Break a word that is wider than a line, each line as full as it gets."""
    lines: list[Line] = []
    rest = clusters(word)
    while rest:
        starts = list(accumulate(rest))
        count = max(1, bisect_right(starts, width, key=lambda start: _advance(start, style)))
        line = shape(starts[count - 1], style)
        while line.ink.right > width and count > 1:  # ink may reach further than the pen moves
            count -= 1
            line = shape(starts[count - 1], style)
        lines.append(line)
        rest = rest[count:]
    return lines


def _advance(text: str, style: Style) -> int:
    """Measure how far the pen moves: ten times as fast as shaping for the ink, too."""
    runs = split_by_script(text)
    return sum(
        round(_font(script, style.size, bold=style.bold).getlength(run, direction="ltr")) for script, run in runs
    )


def block(texts: Iterable[tuple[str, Style]], width: int) -> Block:
    """Set texts below each other. A line takes the height of its ink, and never less than an ordinary one's."""
    lines: list[Line] = []
    y = 0
    for text, style in texts:
        for line in wrap(text, style, width):
            y += max(-line.ink.top, round(0.8 * style.size))
            lines.append(replace(line, base=y))
            y += max(line.ink.bottom, round(0.26 * style.size)) + round(0.1 * style.size)
    return Block(tuple(lines), y)


def one_line(text: str, style: Style, width: int) -> tuple[str, Style]:
    """Shrink a style until the text needs one line of it."""
    widest = shape(text, style).ink.right
    while widest > width and style.size > SIZE_MIN:
        style = style._replace(size=min(style.size - 1, style.size * width // widest))
        widest = shape(text, style).ink.right
    return text, style
