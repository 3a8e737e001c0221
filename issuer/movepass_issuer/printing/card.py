"""The printable card of a pass: A6 upright at 300 dpi, its QR code and what it says, in English and in Bangla.

Bangla is legible only when it is shaped (vowel signs that stand before their letter, conjuncts), so text is laid
out by Raqm or not at all. All text is measured before anything is drawn: lines wrap, then the rows shrink together
until the card holds them. Nothing is cut off.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from movepass_issuer.errors import IssuerError
from movepass_issuer.printing.qr import QUIET_ZONE, VERSION_Q_MAX, qr_image_of_side, qr_version
from movepass_issuer.printing.typesetting import (
    SIZE_MIN,
    Block,
    Box,
    Line,
    Style,
    block,
    missing_letters,
    one_line,
    wrap,
)
from movepass_wire import Pass, Place, Trip, WireError, encode_claims, format_number, open_text
from movepass_wire.codes import DISTRICTS, ID_TYPES, REASONS, Table
from movepass_wire.times import DHAKA
from movepass_words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

DPI = 300
WIDTH, HEIGHT = 1240, 1748
"""A6 in pixels at DPI."""

MM_PER_INCH = 25.4
QR_MM = 64.26
"""The printed side of the code, quiet zone included: the widest that leaves room beside it. An ordinary pass
(version 11) then has modules of 11 whole pixels."""
QR_PX = round(QR_MM / MM_PER_INCH * DPI)

_MARGIN = 60
"""5.1 mm: common printers leave up to 4.2 mm of a sheet's edge white."""
_RIGHT, _INNER = WIDTH - _MARGIN, WIDTH - 2 * _MARGIN
_LABELS = 190
"""The width of the column of labels."""
_GAP = 28

_BODY_SIZES = (46, 43, 40, 37, 34, 32, 30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, SIZE_MIN)
"""Pixels an em that the rows may be set in. An ordinary pass takes one of the first; with 64 of the broadest letters
in every field it is 26 (6.2 pt), on a TEST card 18; the last are for three-em dashes and accents upon accents."""

_GREY, _PALE, _WHITE, _RED = "#444444", "#c0c0c0", "#ffffff", "#b00020"

_ENGLISH, _BANGLA = words("en"), words("bn")
_LETTERS_SHOWN = 8
_UNTIL = "\N{EN DASH}"
_PDF_QUALITY = 95
"""Of the JPEG that Pillow puts into a PDF: no noise that a scanner could see."""


class CardError(IssuerError):
    """A card can't be drawn or saved; the message says why."""


class UnprintableError(CardError):
    """The request can't become a card: the format is unknown, or the pass says too much."""

    is_input = True


class ShapingError(CardError):
    """Pillow can't shape Bangla on this machine."""


def render_card(pass_: Pass, text: str, number: str, *, authority: str, test: bool) -> Image.Image:
    """Draw the card of a pass.

    Args:
        pass_: what was signed.
        text: its payload's text, which becomes the QR code.
        number: its pass number.
        authority: the issuing authority's name.
        test: whether that is a TEST authority, whose cards say so across their whole width.

    Returns:
        An RGB image of WIDTH x HEIGHT pixels.

    Raises:
        ShapingError: Pillow finds no Raqm or no FriBiDi.
        UnprintableError: the text does not fit, or is in a script that no font here holds.
        CardError: the arguments tell of different passes, or Pillow is missing.
        QrError: the QR code can't be drawn.
    """
    check_shaping()
    _check_together(pass_, text, number)
    _check_letters(pass_.trip, authority)
    layout = _lay_out(pass_, number, authority=authority, test=test, version=qr_version(text))
    image = _draw(layout)
    image.paste(qr_image_of_side(text, layout.qr.right - layout.qr.left), layout.qr[:2])
    return image


def qr_size(version: int) -> tuple[int, int]:
    """Return the side of a code of some version on the card, and the width of its quiet zone, in pixels.

    It is QR_MM wide, and modules need not be whole pixels. A text that is too long for error correction Q has such fine
    modules that grey edges cost more than size: its code is the largest up to QR_MM whose modules are whole pixels.
    """
    modules = 17 + 4 * version + 2 * QUIET_ZONE
    side = QR_PX if version <= VERSION_Q_MAX else QR_PX // modules * modules
    return side, QUIET_ZONE * side // modules


def save_card(image: Image.Image, target: str | PathLike[str] | IO[bytes], file_format: str | None = None) -> None:
    """Save a card as PNG without loss, or as PDF of one A6 page.

    Args:
        image: what render_card gave.
        target: a path, or a file open for writing bytes.
        file_format: "PNG" or "PDF"; left out, the path's ending says which.

    Raises:
        UnprintableError: neither of the two formats, or an open file and no format.
        OSError: the file can't be written.
    """
    if not file_format and isinstance(target, str | PathLike):
        file_format = format_of(target)
    wanted = (file_format or "").upper()
    if wanted == "PNG":
        image.save(target, "PNG", optimize=True, dpi=(DPI, DPI))
    elif wanted == "PDF":
        image.save(target, "PDF", resolution=DPI, quality=_PDF_QUALITY, title="Movement pass")
    else:
        raise UnprintableError(f"a card is saved as PNG or PDF, got {wanted or 'no format'}")


def format_of(name: str | PathLike[str]) -> str:
    """Return the format in which a card of this name is saved, by its ending: PNG or PDF.

    Raises:
        UnprintableError: it has another ending.
    """
    wanted = Path(name).suffix[1:].upper()
    if wanted not in ("PNG", "PDF"):
        raise UnprintableError(f"a card is saved as PNG or PDF by its name's ending, got {name}")
    return wanted


def check_shaping() -> None:
    """Check that text will be shaped: without Raqm, Pillow would only warn and draw illegible Bangla.

    Raises:
        ShapingError: Pillow finds no Raqm or no FriBiDi.
        CardError: Pillow is missing.
    """
    try:
        from PIL import features  # noqa: PLC0415  (an extra: the package imports without it)
    except ImportError as e:
        raise CardError("cards need Pillow: pip install 'movepass[issuer]'") from e
    missing = [feature for feature in ("raqm", "fribidi") if not features.check(feature)]
    if missing:
        raise ShapingError(
            f"Pillow finds no {' and no '.join(missing)}, without which Bangla can't be written legibly. "
            "Pillow's wheels bring Raqm and load FriBiDi from the system (Debian, Ubuntu: apt install libfribidi0)"
        )


def _check_together(pass_: Pass, text: str, number: str) -> None:
    """A card whose print and QR code differ would make an honest holder look like a forger."""
    try:
        same = open_text(text).claims == encode_claims(pass_)
    except WireError as e:
        raise CardError(f"not a pass: {e}") from e
    if not same or number != format_number(pass_.day, pass_.index):
        raise CardError(f"the pass, the text and the number {number} do not belong together")


def _check_letters(trip: Trip, authority: str) -> None:
    """Refuse a card that would have boxes in place of letters: a holder could not show whose pass it is."""
    texts = [authority, *(text for row in _rows(trip) for text, _ in row.lines)]
    missing = list(dict.fromkeys(char for text in texts for char in missing_letters(text)))
    if missing:
        shown = ", ".join(map(_named, missing[:_LETTERS_SHOWN]))
        more = f" and {len(missing) - _LETTERS_SHOWN} more" if len(missing) > _LETTERS_SHOWN else ""
        raise UnprintableError(
            f"no font for {shown}{more}: cards are printed in Bangla, Chakma and Latin letters; write it in these, or "
            "give out the QR code alone (--png)"
        )


def _named(char: str) -> str:
    code = f"U+{ord(char):04X}"
    return code if unicodedata.category(char).startswith("M") else f"{char} ({code})"  # a mark stands on no letter


# What the card says


class _Row(NamedTuple):
    """A field: the key of its label, its lines and whether each is bold."""

    label: str
    lines: tuple[tuple[str, bool], ...]


def _rows(trip: Trip) -> Iterator[_Row]:
    yield _Row("label.holder", ((trip.holder_name, True),))
    yield _Row("label.id", ((f"{_code(ID_TYPES, trip.id_type, 'value.id-code')} …{trip.id_last}", False),))
    yield _Row("label.from", _place(trip.origin))
    yield _Row("label.to", _place(trip.destination))
    reason = trip.reason if isinstance(trip.reason, str) else _code(REASONS, trip.reason, "value.reason-code")
    yield _Row("label.reason", ((reason, False),))
    if trip.vehicle is not None:
        yield _Row("label.vehicle", ((trip.vehicle, False),))
    licence = None if trip.driver_licence_last is None else f"{_both('label.licence')} …{trip.driver_licence_last}"
    driver = tuple((text, False) for text in (trip.driver_name, licence) if text is not None)
    if driver:
        yield _Row("label.driver", driver)


def _place(place: Place) -> tuple[tuple[str, bool], ...]:
    district = (_code(DISTRICTS, place.district, "value.district-code"), True)
    return (district,) if place.text is None else (district, (place.text, False))


def _code(table: Table, number: int, unknown: str) -> str:
    """Name a code in both languages, or give its number where this software is older than the row."""
    code = table.by_number.get(number)
    return f"{code.name('en')} / {code.name('bn')}" if code else _both(unknown, code=number)


def _both(key: str, **values: Any) -> str:
    """Return a text in both languages."""
    return f"{_ENGLISH(key, **values)} / {_BANGLA(key, **values)}"


def _window(trip: Trip) -> tuple[tuple[str, str], tuple[str, str]]:
    """Write from when to when in Dhaka, two lines in English and two in Bangla."""
    start, end = (datetime.fromtimestamp(at, DHAKA) for at in (trip.not_before, trip.not_after))
    clocks = [f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}" for at in (start, end)]
    english, bangla = (
        _window_lines(
            [words.date(at) for at in (trip.not_before, trip.not_after)], [words.digits(clock) for clock in clocks]
        )
        for words in (_ENGLISH, _BANGLA)
    )
    return english, bangla


def _window_lines(dates: list[str], clocks: list[str]) -> tuple[str, str]:
    if dates[0] == dates[1]:
        return dates[0], f"{clocks[0]} {_UNTIL} {clocks[1]}"
    return f"{dates[0]}, {clocks[0]} {_UNTIL}", f"{dates[1]}, {clocks[1]}"


# The layout


@dataclass(frozen=True, slots=True)
class _Layout:
    """The positions of everything on a card.

    Attributes:
        qr: the QR code with its quiet zone.
        quiet: the width of that zone, in whole pixels.
        lines: the text.
        areas: areas filled with a colour, below the text.
    """

    qr: Box
    quiet: int
    lines: list[Line]
    areas: list[tuple[Box, str]]


def _lay_out(pass_: Pass, number: str, *, authority: str, test: bool, version: int) -> _Layout:
    """Place everything from the top down, the small print at the bottom, and the rows between.

    Args:
        pass_: what the card says.
        number: the pass number.
        authority: the authority's name.
        test: whether it is a TEST authority.
        version: the QR code's.
    """
    lines: list[Line] = []
    areas: list[tuple[Box, str]] = []
    y = _MARGIN
    if test:
        lines, areas = _test_band()
        y = areas[0][0].bottom + _GAP
    head = _head(authority)
    lines += head.at(_MARGIN, y)
    y += head.height

    side, quiet = qr_size(version)
    x = _MARGIN - quiet  # the first black module stands on the margin
    qr = Box(x, y, x + side, y + side)
    beside = _beside_qr(pass_.trip, number, _RIGHT - qr.right)
    lines += beside.at(qr.right, y + max(quiet, (side - beside.height) // 2))
    y = max(qr.bottom, y + quiet + beside.height)

    foot = _foot()
    bottom = HEIGHT - _MARGIN - foot.height
    lines += foot.at(_MARGIN, bottom)
    areas.append((Box(_MARGIN, bottom - _GAP // 2, _RIGHT, bottom - _GAP // 2 + 2), _PALE))
    row_lines, row_areas = _place_rows(list(_rows(pass_.trip)), y, bottom - _GAP // 2)
    return _Layout(qr, quiet, lines + row_lines, areas + row_areas)


def _test_band() -> tuple[list[Line], list[tuple[Box, str]]]:
    """The band across the top of a TEST authority's card."""
    band = block(
        [
            ("TEST / পরীক্ষামূলক", Style(92, bold=True, colour=_WHITE)),
            ("Not valid for travel / চলাচলের জন্য বৈধ নয়", Style(46, bold=True, colour=_WHITE)),
        ],
        _INNER,
    )
    top = _MARGIN - 16
    return band.centred(top, WIDTH), [(Box(0, 0, WIDTH, top + band.height + 16), _RED)]


def _head(authority: str) -> Block:
    """The authority's name, which shrinks before it takes a third line, and what this card is."""
    sizes = (50, 45, 40, 36, 32, 28)
    styles = [Style(size, bold=True) for size in sizes]
    style = next((s for s in styles if len(wrap(authority, s, _INNER)) <= 2), styles[-1])
    return block([(authority, style), ("MOVEMENT PASS / চলাচল পাস", Style(66, bold=True))], _INNER)


def _beside_qr(trip: Trip, number: str, width: int) -> Block:
    """The pass number and the time window: what an officer reads out and looks at first."""
    label, small = Style(28, colour=_GREY), Style(34)
    (date, clock), (bangla_date, bangla_clock) = _window(trip)
    return block(
        [
            one_line("Pass number / পাস নম্বর", label, width),
            one_line(number, Style(84, bold=True), width),
            one_line(_BANGLA.digits(number), Style(60), width),
            (" ", Style(20)),
            one_line("Valid / বৈধ সময়", label, width),
            one_line(date, Style(54, bold=True), width),
            one_line(clock, Style(66, bold=True), width),
            one_line(bangla_date, Style(48), width),
            one_line(bangla_clock, Style(54), width),
            one_line("Asia/Dhaka (UTC+6) / ঢাকা সময়", small, width),
        ],
        width,
    )


def _foot() -> Block:
    style = Style(27, colour=_GREY)
    return block(
        [
            ("Valid only while the QR code verifies; for one trip, one direction.", style),
            ("কিউআর কোড যাচাইয়ে বৈধ হলে তবেই এই পাস বৈধ; একবার, একদিকে যাওয়ার জন্য।", style),
        ],
        _INNER,
    )


def _place_rows(rows: list[_Row], top: int, bottom: int) -> tuple[list[Line], list[tuple[Box, str]]]:
    """Set the rows as large as they fit between top and bottom, with a hairline above each.

    Raises:
        UnprintableError: they do not fit at any size.
    """
    for size in _BODY_SIZES:
        blocks = [_row_blocks(row, size) for row in rows]
        heights = [max(label.height, value.height) for label, value in blocks]
        spare = bottom - top - sum(heights)
        gap = min(spare // len(rows), size * 3 // 2)
        if gap >= size // 3 and all(value.width <= _RIGHT - _MARGIN - _LABELS for _, value in blocks):
            break
    else:
        raise UnprintableError("what the pass says does not fit on a card, however small: shorten the longest fields")
    lines: list[Line] = []
    areas: list[tuple[Box, str]] = []
    y = top
    for (label, value), height in zip(blocks, heights, strict=True):
        areas.append((Box(_MARGIN, y, _RIGHT, y + 2), _PALE))
        above = gap * 3 // 5  # a block ends with its own leading
        lines += label.at(_MARGIN, y + above)
        lines += value.at(_MARGIN + _LABELS, y + above + (height - value.height) // 2)
        y += height + gap
    return lines, areas


def _row_blocks(row: _Row, size: int) -> tuple[Block, Block]:
    """Set a row's label and value; in the small sizes the label keeps to one line where it can, to save height."""
    style = Style(min(size, max(22, size * 5 // 8)), colour=_GREY)
    labels = [_ENGLISH(row.label), _BANGLA(row.label)] if size > 30 else [_both(row.label)]
    return (
        block([(label, style) for label in labels], _LABELS - 10),
        block([(text, Style(size, bold=bold)) for text, bold in row.lines], _INNER - _LABELS),
    )


def _draw(layout: _Layout) -> Image.Image:
    from PIL import Image, ImageDraw  # noqa: PLC0415  (an extra: see check_shaping)

    image = Image.new("RGB", (WIDTH, HEIGHT), _WHITE)
    pen = ImageDraw.Draw(image)
    for box, colour in layout.areas:
        pen.rectangle((box.left, box.top, box.right - 1, box.bottom - 1), fill=colour)
    for line in layout.lines:
        for x, text, font in line.runs:
            pen.text((line.x + x, line.base), text, line.style.colour, font, anchor="ls", direction="ltr")
    return image
