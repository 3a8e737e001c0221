"""The QR code and the printable card: what a scanner and a person read from them, and that nothing overlaps."""
# ruff: noqa: RUF001  (Bangla digits and dashes are meant)

import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from contextlib import closing
from functools import partial
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from click.testing import CliRunner
from PIL import Image, ImageDraw, ImageFont, features
from support.passes import changed_in_each_field, request
from support.sampling import first_of
from support.world import World

from movepass_cli.main import cli
from movepass_issuer.printing import card, typesetting
from movepass_issuer.printing.card import CardError, ShapingError, UnprintableError, render_card, save_card
from movepass_issuer.printing.qr import (
    QUIET_ZONE,
    VERSION_Q_MAX,
    QrError,
    qr_image,
    qr_image_of_side,
    qr_png,
    qr_version,
)
from movepass_wire import ESP256, Pass, Place, Trip, encode_claims, format_number, seal
from movepass_wire.codes import ID_TYPES, REASONS
from movepass_wire.limits import TEXT_MAX_CHARS
from movepass_wire.times import parse_iso
from movepass_words import LANGUAGES, words

STANDARD = Trip(
    not_before=parse_iso("2026-11-22T09:00:00+06:00"),
    not_after=parse_iso("2026-11-22T12:00:00+06:00"),
    holder_name="Mohammad Rafiqul Islam",
    id_type=ID_TYPES.by_key["nid"].number,
    id_last="4821",
    origin=Place(13),
    destination=Place(18),
    reason=REASONS.by_key["medical"].number,
    vehicle="DHAKA METRO-GA 15-4821",
)
BANGLA = STANDARD._replace(
    holder_name="মোহাম্মদ রফিকুল ইসলাম",
    origin=Place(13, "মিরপুর ১০"),
    destination=Place(4, "আশুগঞ্জ"),
    reason="মায়ের জন্য ওষুধ পৌঁছে দেওয়া।",
    vehicle="ঢাকা মেট্রো-গ ১৫-৪৮২১",
    driver_name="আব্দুল করিম",
    driver_licence_last="77AB",
)


def _longest(pattern: str) -> Trip:
    """Fill every field with 64 characters, and choose the codes with the longest names."""
    text = (pattern * 64)[:64].replace(" ", "_")  # no line may break at a space either
    return Trip(
        STANDARD.not_before,
        STANDARD.not_after,
        holder_name=text,
        id_type=6,
        id_last=text,
        origin=Place(45, text),
        destination=Place(4, text),
        reason=text,
        vehicle=text,
        driver_name=text,
        driver_licence_last=text,
    )


LONGEST = {
    "wide Latin": _longest("W"),
    "conjuncts": _longest("ক্ষ"),
    "wide Bangla": _longest("ঔ"),
    "tall Bangla": _longest("র্কীটুঁ"),
    "both scripts": _longest("Wঔ ১"),
    "three-em dashes": _longest("\N{THREE-EM DASH}"),
}
TRIPS = {"standard": STANDARD, "Bangla": BANGLA, **LONGEST}
EACH_TRIP = pytest.mark.parametrize("trip", TRIPS.values(), ids=TRIPS)
SOME_TRIPS = pytest.mark.parametrize(
    "trip", first_of("passes whose codes are drawn and read", 3, list(TRIPS.values())), ids=TRIPS
)
EACH_LONGEST = pytest.mark.parametrize("trip", LONGEST.values(), ids=LONGEST)


def _pass(trip: Trip = STANDARD) -> tuple[Pass, str, str]:
    """Make a pass, its text and its number; the signature is none, which nothing here looks at."""
    pass_ = Pass(400_000, trip)
    text = seal(ESP256, bytes.fromhex("1f2e3d4c"), encode_claims(pass_), bytes(range(64)))
    return pass_, text, format_number(pass_.day, pass_.index)


def _render(trip: Trip = STANDARD, *, authority: str = "Dhaka District Administration", test: bool = False) -> Any:
    return _once("card", trip, authority, test, lambda: render_card(*_pass(trip), authority=authority, test=test))


def _layout(trip: Trip, *, authority: str = "Dhaka District Administration", test: bool = False) -> Any:
    pass_, text, number = _pass(trip)
    lay_out = partial(card._lay_out, pass_, number, authority=authority, test=test, version=qr_version(text))
    return _once("layout", trip, authority, test, lay_out)


_made: dict[str, Any] = {}


def _once(kind: str, trip: Trip, authority: str, test: bool, make: Callable[[], Any]) -> Any:  # noqa: FBT001
    """Make a card or a layout for the first test that looks at it: a long one takes half a second."""
    asked = repr((kind, trip, authority, test))
    if asked not in _made:
        _made[asked] = make()
    return _made[asked]


def _shown(layout: Any) -> str:
    return " ".join(line.text for line in layout.lines)


def _read(image: Image.Image) -> Any:
    (barcode,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return barcode


def test_every_field_of_a_trip_is_on_the_card() -> None:
    def said(trip: Trip) -> str:
        return _shown(card._lay_out(Pass(0, trip), "A1B-2C3-D4E", authority="A", test=False, version=11))

    for field, other in changed_in_each_field(STANDARD):
        assert said(other) != said(STANDARD), field


def test_the_fields_to_compare_have_the_same_labels_on_card_and_screen() -> None:
    shown = _shown(card._lay_out(Pass(0, STANDARD), "A1B-2C3-D4E", authority="A", test=False, version=11))
    for field in ("holder", "id", "from", "to", "reason", "vehicle"):
        for language in LANGUAGES:
            assert words(language)(f"label.{field}") in shown


# The QR code


def test_png_is_read_back_as_the_text_at_level_q() -> None:
    _, text, _ = _pass()
    barcode = _read(Image.open(BytesIO(qr_png(text))))
    assert barcode.text == text
    assert barcode.format == zxingcpp.BarcodeFormat.QRCode
    assert barcode.ec_level == "Q"


def test_standard_pass_needs_version_11() -> None:
    assert qr_version(_pass()[1]) == 11


@pytest.mark.parametrize("module_px", [1, 3, 8])
def test_modules_are_whole_pixels_inside_a_quiet_zone_of_four(module_px: int) -> None:
    image = qr_image(_pass()[1], module_px=module_px)
    side, quiet = (17 + 4 * 11 + 2 * 4) * module_px, 4 * module_px
    assert image.size == (side, side)
    dark = image.convert("L").point(lambda value: 255 - value).getbbox()
    assert dark == (quiet, quiet, side - quiet, side - quiet)
    modules = image.resize((side // module_px, side // module_px), Image.Resampling.NEAREST)
    assert modules.resize(image.size, Image.Resampling.NEAREST).tobytes() == image.tobytes()


def test_text_that_needs_byte_mode_is_refused() -> None:
    with pytest.raises(QrError, match="alphanumeric"):
        qr_png("mp1:lower case")


def test_text_too_long_for_any_code_is_refused() -> None:
    with pytest.raises(QrError, match="5000 characters"):
        qr_version("A" * 5000)


def test_module_of_no_size_is_refused() -> None:
    with pytest.raises(QrError, match="at least 1 pixel"):
        qr_image("MP1:", module_px=0)


@pytest.mark.parametrize("library", ["qrcode", "PIL"])
def test_missing_extra_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(QrError, match=r"pip install 'movepass\[issuer\]'"):
        qr_png("MP1:")


def test_modules_import_without_the_extra() -> None:
    code = "import sys; sys.modules['PIL'] = sys.modules['qrcode'] = None; import movepass_issuer.printing.card"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


# The card, for a scanner


@SOME_TRIPS
def test_card_is_read_back_as_the_text(trip: Trip) -> None:
    image = _render(trip, test=True)
    assert image.size == (1240, 1748)
    for size in (image.size, (1240 // 2, 1748 // 2)):
        assert _read(image.resize(size)).text == _pass(trip)[1]


@SOME_TRIPS
@pytest.mark.parametrize("millimetres", [50, card.QR_MM, 70])
def test_code_is_drawn_as_large_as_it_is_asked_for(trip: Trip, millimetres: float) -> None:
    side = round(millimetres / 25.4 * card.DPI)
    text = _pass(trip)[1]
    image = qr_image_of_side(text, side)
    dark = image.point(lambda value: 255 - value).getbbox()
    assert dark is not None
    assert image.size == (side, side)
    assert [dark[2] - dark[0], dark[3] - dark[1]] == pytest.approx([_dark_side(text, side)] * 2, abs=2)
    assert _read(image).text == text


def _dark_side(text: str, side: int) -> float:
    modules = 17 + 4 * qr_version(text)
    return side * modules / (modules + 2 * QUIET_ZONE)


@SOME_TRIPS
def test_code_on_the_card_has_the_size_that_it_is_said_to_have(trip: Trip) -> None:
    text = _pass(trip)[1]
    side, _ = card.qr_size(qr_version(text))
    assert (side == card.QR_PX) or qr_version(text) > VERSION_Q_MAX
    corners = _read(_render(trip, test=True)).position
    for one, other in ((corners.top_left, corners.top_right), (corners.top_left, corners.bottom_left)):
        assert max(abs(other.x - one.x), abs(other.y - one.y)) == pytest.approx(_dark_side(text, side), abs=3)


def test_code_is_wide_enough_whatever_the_length_of_the_text() -> None:
    for version in range(1, qr_version("Z" * TEXT_MAX_CHARS) + 1):
        side, quiet = card.qr_size(version)
        assert (side - 2 * quiet) / card.DPI * 25.4 >= 40


def test_code_keeps_its_quiet_zone_on_the_card() -> None:
    layout, image = _layout(STANDARD), _render()
    quiet = layout.quiet
    inner = (layout.qr.left + quiet, layout.qr.top + quiet, layout.qr.right - quiet, layout.qr.bottom - quiet)
    ring = image.crop(layout.qr)
    ring.paste("white", tuple(at - layout.qr[i % 2] for i, at in enumerate(inner)))
    assert ring.getextrema() == ((255, 255),) * 3


# The card, for a person


def test_card_says_in_both_languages_what_the_pass_says() -> None:
    shown = _shown(_layout(STANDARD._replace(driver_name="Abdul Karim", driver_licence_last="77AB")))
    for text in (
        "Dhaka District Administration",
        "MOVEMENT PASS / চলাচল পাস",
        "Mohammad Rafiqul Islam",
        "National ID / জাতীয় পরিচয়পত্র …4821",
        "Dhaka / ঢাকা",
        "Gazipur / গাজীপুর",
        "22 Nov 2026 09:00 – 12:00",
        "২২ নভেম্বর ২০২৬ ০৯:০০ – ১২:০০",
        "Asia/Dhaka",
        "Medical treatment / চিকিৎসা",
        "DHAKA METRO-GA 15-4821",
        "Abdul Karim",
        "Licence / লাইসেন্স …77AB",
        "Valid only while the QR code verifies; for one trip, one direction.",
        "কিউআর কোড যাচাইয়ে বৈধ হলে তবেই এই পাস বৈধ; একবার, একদিকে যাওয়ার জন্য।",
    ):
        assert text in shown
    assert "TEST" not in shown


def test_number_stands_in_both_numerals_with_its_letters_as_typed() -> None:
    shown = _shown(_layout(STANDARD))
    number = _pass()[2]
    assert number in shown
    assert number.translate(str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")) in shown


def test_places_and_free_reason_are_shown_as_written() -> None:
    shown = _shown(_layout(BANGLA))
    for text in ("মিরপুর ১০", "ব্রাহ্মণবাড়িয়া", "আশুগঞ্জ", "মায়ের জন্য ওষুধ পৌঁছে দেওয়া।", "আব্দুল করিম"):
        assert text in shown


def test_what_the_pass_lacks_has_no_row() -> None:
    shown = _shown(_layout(STANDARD._replace(vehicle=None)))
    assert "Vehicle" not in shown
    assert "Driver" not in shown


def test_window_over_midnight_names_both_days() -> None:
    start, end = parse_iso("2026-11-30T22:00:30+06:00"), parse_iso("2026-12-01T05:00:00+06:00")
    shown = _shown(_layout(STANDARD._replace(not_before=start, not_after=end)))
    assert "30 Nov 2026, 22:00:30 – 1 Dec 2026, 05:00" in shown
    assert "৩০ নভেম্বর ২০২৬, ২২:০০:৩০ – ১ ডিসেম্বর ২০২৬, ০৫:০০" in shown


def test_codes_of_a_later_table_are_shown_as_numbers() -> None:
    shown = _shown(_layout(STANDARD._replace(origin=Place(65), reason=99)))
    assert "district 65 / জেলা ৬৫" in shown
    assert "reason 99 / কারণ ৯৯" in shown


def test_test_authority_has_a_band_across_the_card() -> None:
    image = _render(test=True)
    (band, colour), *_ = _layout(STANDARD, test=True).areas
    assert (band.left, band.top, band.right) == (0, 0, 1240)
    assert band.bottom > 150
    assert {image.getpixel(at) for at in ((0, 0), (1239, 0), (0, band.bottom - 1))} == {(0xB0, 0x00, 0x20)}
    shown = _shown(_layout(STANDARD, test=True))
    assert "TEST / পরীক্ষামূলক" in shown
    assert "Not valid for travel / চলাচলের জন্য বৈধ নয়" in shown
    assert colour not in {colour for _, colour in _layout(STANDARD).areas}


def _overlap(one: Any, other: Any) -> bool:
    return bool(one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom)


@pytest.mark.parametrize("test", first_of("cards laid out with and without the band of a test", 1, [True, False]))
@EACH_TRIP
def test_nothing_overlaps_or_leaves_the_card(trip: Trip, *, test: bool) -> None:
    layout = _layout(trip, authority=trip.holder_name, test=test)
    hairlines = [box for box, _ in layout.areas[test:]]  # the band comes first, and text stands on it
    boxes = [*(line.box for line in layout.lines), *hairlines, layout.qr]
    for one, other in combinations(boxes, 2):
        assert not _overlap(one, other), (one, other)
    for box in boxes[:-1]:
        assert box.left >= 40
        assert box.right <= 1240 - 40
        assert box.top >= 40
        assert box.bottom <= 1748 - 40


@EACH_LONGEST
def test_longest_fields_are_shown_whole(trip: Trip) -> None:
    shown = "".join(line.text for line in _layout(trip, authority=trip.holder_name, test=True).lines)
    assert shown.count(trip.holder_name) == 9


@pytest.mark.parametrize("name", ["wide Latin", "conjuncts", "wide Bangla", "both scripts"])
def test_longest_fields_stay_readable(name: str) -> None:
    text = LONGEST[name].holder_name
    layout = _layout(LONGEST[name], authority=text, test=True)
    sizes = [line.style.size for line in layout.lines if line.text and line.text in text]
    assert min(sizes) >= 18  # 4.3 pt


def test_text_no_size_makes_fit_is_refused_and_not_cut_off() -> None:
    with pytest.raises(CardError, match="does not fit"):
        _render(_longest("a" + "\N{COMBINING ACUTE ACCENT}" * 63))


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("क्षेत्र", "क \\(U\\+0915\\)"), ("مريم", "م \\(U\\+0645\\)"), ("ကျော်", "က \\(U\\+1000\\)"), ("李", "李"),
        ("Rahima 😀", "😀"), ("한", "한"), ("ก", "ก"), ("ক\u0301", "U\\+0301"), ("𑄌\u09be", "U\\+09BE"), ("𑄢𑄇𑄮 ሀ", "ሀ"),
    ],
)  # fmt: skip
def test_a_card_whose_letters_no_font_has_is_refused_and_names_them(name: str, first: str) -> None:
    for trip in (STANDARD._replace(holder_name=name), STANDARD._replace(origin=Place(13, name))):
        with pytest.raises(UnprintableError, match=rf"no font for {first}.*--png"):
            _render(trip)
    pass_, text, number = _pass()
    with pytest.raises(UnprintableError, match="no font for"):
        render_card(pass_, text, number, authority=name, test=False)


def test_many_letters_without_a_font_are_not_all_listed() -> None:
    with pytest.raises(UnprintableError, match=r"अ .* and 12 more:"):
        _render(STANDARD._replace(holder_name="".join(map(chr, range(0x905, 0x919)))))


CHAKMA = "".join(map(chr, [*range(0x11100, 0x11135), *range(0x11136, 0x11144)]))
BENGALI = "".join(chr(point) for point in range(0x980, 0x9FE) if unicodedata.category(chr(point)) != "Cn")


@pytest.mark.parametrize(
    "text",
    [CHAKMA, BENGALI, "।॥ র‍্য ক্‌ষ", "".join(map(chr, range(0x20, 0x7F))), "éñçß ĀāŁż Ạ̄ Nguyễn – — … ’ “ ” № ½"],
    ids=["Chakma", "Bengali", "joiners", "ASCII", "Latin"],
)
def test_what_bangladesh_writes_has_its_letters(text: str) -> None:
    assert typesetting.missing_letters(text) == []


@pytest.mark.parametrize("test", [False, True])
def test_a_card_in_chakma_is_printed(test: bool) -> None:  # noqa: FBT001
    chakma = STANDARD._replace(holder_name="𑄌𑄋𑄴𑄟𑄳𑄦 𑄃𑄧𑄏𑄛𑄖𑄴", id_last="𑄷𑄸𑄹𑄺", reason="𑄢𑄇𑄮𑄌𑄴, রাঙামাটি, Rangamati")
    assert _read(_render(chakma, test=test)).text == _pass(chakma)[1]


@pytest.mark.parametrize("zeros", [20, 104, 300, 1020])
def test_a_long_run_of_zeros_is_drawn_and_read(zeros: int) -> None:
    text = "MP1:" + "0" * zeros
    image = qr_image(text)
    assert _read(image).text == text
    assert image.width == (17 + 4 * qr_version(text) + 2 * QUIET_ZONE) * 8


def test_a_machine_that_can_not_shape_says_so_before_anything_is_issued(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "request.json"
    asked.write_text(json.dumps(request("R-1", world.now)))
    monkeypatch.setattr(features, "check", lambda feature: feature != "raqm")
    arguments = ["issue", "--authority", str(world.authority.folder), "--card", str(tmp_path / "c.png"), str(asked)]
    done = CliRunner().invoke(cli, arguments)
    assert isinstance(done.exception, ShapingError)
    with closing(world.authority.ledger()) as ledger:
        assert ledger.find(["R-1"]) == {}


# Shaping


def _pixels(text: str, engine: ImageFont.Layout) -> Image.Image:
    path = Path(card.__file__).with_name("fonts") / f"NotoSans{'Bengali' if text < '𑄀' else 'Chakma'}-Regular.ttf"
    image = Image.new("L", (300, 150))
    ImageDraw.Draw(image).text((20, 100), text, 255, ImageFont.truetype(str(path), 60, layout_engine=engine), "ls")
    return image


@pytest.mark.parametrize("text", ["ক্ষ", "কি", "র্ক", "ত্র", "𑄇𑄬", "𑄟𑄳𑄦", "𑄇𑄳𑄢"])
def test_cards_text_is_shaped(text: str) -> None:
    shaped = Image.new("L", (300, 150))
    for x, run, font in typesetting.shape(text, typesetting.Style(60)).runs:
        assert font.layout_engine == ImageFont.Layout.RAQM
        ImageDraw.Draw(shaped).text((20 + x, 100), run, 255, font, "ls")
    assert shaped.tobytes() == _pixels(text, ImageFont.Layout.RAQM).tobytes()
    assert shaped.tobytes() != _pixels(text, ImageFont.Layout.BASIC).tobytes()


def test_conjunct_is_one_letter_and_not_two_with_a_sign() -> None:
    style = typesetting.Style(100)
    conjunct, first, second = (typesetting.shape(text, style).ink.right for text in ("ক্ষ", "ক", "ষ"))
    assert conjunct < 0.8 * (first + second)


def test_vowel_sign_stands_before_its_letter() -> None:
    letter = _pixels("ক", ImageFont.Layout.RAQM).getbbox()
    both = _pixels("কি", ImageFont.Layout.RAQM)
    assert letter
    width = letter[2] - letter[0]
    right_end = both.getbbox()[2]  # type: ignore[index]
    tail = both.crop((right_end - width // 2, 75, right_end, 100))
    assert (
        tail.tobytes()
        == _pixels("ক", ImageFont.Layout.RAQM).crop((letter[2] - width // 2, 75, letter[2], 100)).tobytes()
    )


def test_every_line_is_shaped_by_raqm_with_a_font_that_has_its_letters() -> None:
    for line in _layout(BANGLA).lines:
        for _, run, font in line.runs:
            assert font.layout_engine == ImageFont.Layout.RAQM
            bengali = any("\u0980" <= char <= "\u09ff" or char == "\N{DEVANAGARI DANDA}" for char in run)
            assert font.getname()[0] == ("Noto Sans Bengali" if bengali else "Noto Sans")


def test_digits_and_punctuation_follow_the_latin_font_and_joiners_their_letter() -> None:
    split = typesetting.split_by_script("ক্\N{ZERO WIDTH JOINER}ষ ১৫-4।")
    assert split == [
        ("SansBengali", "ক্\N{ZERO WIDTH JOINER}ষ"),
        ("Sans", " "),
        ("SansBengali", "১৫"),
        ("Sans", "-4"),
        ("SansBengali", "।"),
    ]


def test_words_never_break_inside_a_conjunct() -> None:
    assert typesetting.clusters("ক্ষত্রিয়W") == ["ক্ষ", "ত্রি", "য়", "W"]


@pytest.mark.parametrize("missing", ["raqm", "fribidi"])
def test_missing_shaping_is_an_error_that_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda feature: feature != missing)
    with pytest.raises(ShapingError, match=f"no {missing}.*apt install libfribidi0"):
        render_card(*_pass(), authority="A", test=False)


def test_missing_pillow_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = _pass()
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(CardError, match=r"pip install 'movepass\[issuer\]'"):
        render_card(*arguments, authority="A", test=False)


# Files


def test_png_has_its_resolution(tmp_path: Path) -> None:
    image = _render()
    save_card(image, tmp_path / "card.PNG")
    saved = Image.open(tmp_path / "card.PNG")
    assert saved.format == "PNG"
    assert saved.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert saved.tobytes() == image.tobytes()


def test_pdf_is_one_a6_page_whose_picture_is_read_back(tmp_path: Path) -> None:
    save_card(_render(BANGLA), str(tmp_path / "card.pdf"))
    data = (tmp_path / "card.pdf").read_bytes()
    box = re.search(rb"/MediaBox \[ *0 0 (\S+) (\S+) *\]", data)
    assert box
    assert [float(points) / 72 * 25.4 for points in box.groups()] == pytest.approx([105, 148], abs=0.05)
    assert data.count(b"/Type /Page\n") == 1
    picture = Image.open(BytesIO(data[data.index(b"\xff\xd8\xff") :]))
    assert picture.size == (card.WIDTH, card.HEIGHT)
    assert _read(picture).text == _pass(BANGLA)[1]


@pytest.mark.parametrize(
    ("target", "file_format"), [("card.jpg", None), ("card", None), (BytesIO(), None), ("x.png", "gif")]
)
def test_other_formats_are_refused(target: Any, file_format: str | None) -> None:
    with pytest.raises(CardError, match="PNG or PDF"):
        save_card(Image.new("RGB", (1, 1)), target, file_format)
