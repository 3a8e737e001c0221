"""number.json: pass numbers, read and written."""

from collections.abc import Iterable

from make_vectors.common import DAY, INDEX_LIMIT, Vector, vector
from make_vectors.pass_number import SYMBOLS, pass_number
from make_vectors.passes import STANDARD


def typed(name: str, why: str, text: str, day: int, index: int) -> Vector:
    return vector(name, why, "number-read", {"text": text}, {"day": day % 1024, "index": index})


def mistyped(name: str, why: str, text: str) -> Vector:
    return vector(name, why, "number-read", {"text": text}, {"refused": True})


def number_vectors() -> list[Vector]:
    return [*numbers_both_ways(), *typed_otherwise(), *not_counted(), *mistyped_numbers(), *slips(), *days_nearby()]


def numbers_both_ways() -> Iterable[Vector]:
    for day, index, why in (
        (DAY, 400_000, "the standard pass"),
        (DAY, 0, "the first index"),
        (DAY, INDEX_LIMIT - 1, "the last index"),
        (0, 0, "nothing but zeros"),
        (0, 1, "one in the last place of the index"),
        (1023, INDEX_LIMIT - 1, "the highest day and index"),
        (1024, 0, "the day begins again"),
        (65535, 123_456_789, "the last day a log can have"),
        (65536, 123_456_789, "a day later than any log's"),
        (2_932_896, 5, "the last day of the year 9999"),
        (DAY + 1, 31, "a symbol Z"),
        (DAY + 1, 32, "carried into the next symbol"),
    ):
        text = pass_number(day, index)
        given, name = {"day": day, "index": index}, f"{day}-{index}"
        yield vector(f"write-{name}", why, "number-write", given, {"number": text})
        yield typed(f"read-{name}", why, text, day, index)
    for name, why, day, index in (
        ("index-over", "an index of 2^30", DAY, INDEX_LIMIT),
        ("index-negative", "an index below 0", DAY, -1),
        ("day-negative", "a day before 1970", -1, 0),
    ):
        yield vector(f"write-refused-{name}", why, "number-write", {"day": day, "index": index}, {"refused": True})


def moved(text: str, by: int) -> str:
    """Write the digits of a number as another script has them."""
    return "".join(chr(ord(c) + by) if c.isdigit() else c for c in text)


def full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) for c in text)


NOT_COUNTED = (
    (0x20, 0x20), (0x2D, 0x2D), (0xA0, 0xA0), (0xAD, 0xAD), (0x1680, 0x1680), (0x2000, 0x2015), (0x202F, 0x202F),
    (0x205F, 0x2060), (0x2212, 0x2212), (0x3000, 0x3000), (0xFE58, 0xFE58), (0xFE63, 0xFE63), (0xFEFF, 0xFEFF),
    (0xFF0D, 0xFF0D),
)  # fmt: skip
"""The spec's table of what does not count in a number."""


def not_counted() -> Iterable[Vector]:
    number = pass_number(DAY, 400_000)
    for first, last in NOT_COUNTED:
        for point in range(first, last + 1):
            text = chr(point) + number.replace("-", chr(point)) + chr(point)
            yield typed(f"typed-{point:04x}", f"U+{point:04X} does not count", text, DAY, 400_000)


def typed_otherwise() -> Iterable[Vector]:
    index = 1 << 5 | 0 << 10 | 1 << 15 | 12345 << 15
    number = pass_number(DAY, index)
    plain = number.replace("-", "")
    assert "0" in plain
    assert "1" in plain
    for name, why, text in (
        ("compact", "without hyphens", plain),
        ("lower-case", "in lower case", number.lower()),
        ("mixed-case", "in mixed case", plain[:4].lower() + plain[4:]),
        ("spaces", "with spaces for hyphens", number.replace("-", " ")),
        ("spaces-around", "with spaces around", f"  {number} "),
        ("hyphens-anywhere", "grouped otherwise", "-".join(plain)),
        ("letter-o", "O for 0", number.replace("0", "O")),
        ("letter-o-small", "o for 0", number.replace("0", "o")),
        ("letter-i", "I for 1", number.replace("1", "I")),
        ("letter-i-small", "i for 1", number.replace("1", "i")),
        ("letter-l", "L for 1", number.replace("1", "L")),
        ("letter-l-small", "l for 1", number.replace("1", "l")),
        ("bangla-digits", "Bangla digits", moved(number, 0x9E6 - 0x30)),
        ("bangla-and-ascii-digits", "Bangla digits among others", moved(plain[:5], 0x9E6 - 0x30) + plain[5:]),
        ("full-width", "full-width letters and digits", full_width(number)),
        ("full-width-small", "in small letters", full_width(number.lower())),
        ("full-width-o", "full-width O for 0", full_width(number.replace("0", "O"))),
        ("full-width-l-small", "full-width l for 1", full_width(number.replace("1", "l"))),
        ("en-dashes", "en dashes, as phones correct hyphens", number.replace("-", "\u2013")),
        ("hyphens-no-break", "no-break hyphens", number.replace("-", "\u2011")),
        (
            "dashes-and-spaces",
            "dashes and spaces mixed",
            f"\u00a0{plain[:3]} \u2014 {plain[3:6]}\u2009-\u200b{plain[6:]}",
        ),
    ):
        yield typed(f"typed-{name}", why, text, DAY, index)


def mistyped_numbers() -> Iterable[Vector]:
    number = pass_number(DAY, 400_000)
    plain = number.replace("-", "")
    numbers = (pass_number(DAY, index).replace("-", "") for index in range(25, INDEX_LIMIT, 32))
    one = pass_number(1 << 5, 0).replace("-", "")
    superscript = pass_number(2 << 5, 0).replace("-", "").replace("2", "\u00b2", 1)
    with_v = next(text for index in range(INDEX_LIMIT) if "V" in (text := pass_number(DAY, index).replace("-", "")))
    ends_with_ss = next(text for text in numbers if text.endswith("SS"))
    for name, why, text in (
        ("empty", "nothing", ""),
        ("hyphens", "hyphens alone", "--"),
        ("short", "eight symbols", plain[:-1]),
        ("long", "ten symbols", plain + "0"),
        ("twice", "two numbers", number + " " + number),
        ("letter-u", "U is no symbol, not even a V typed wrongly", with_v.replace("V", "U", 1)),
        ("letter-u-small", "u is no symbol", with_v.replace("V", "u", 1)),
        ("letter-u-left-out", "U does not count for nothing", plain[:4] + "U" + plain[4:]),
        ("star", "Crockford's own check symbols are not used", plain[:-1] + "*"),
        ("equals", "Crockford's own check symbols are not used", plain[:-1] + "="),
        ("dot", "dots do not count as hyphens", number.replace("-", ".")),
        ("underscore", "underscores do not count as hyphens", number.replace("-", "_")),
        ("tab", "a tab", number + "\t"),
        ("newline", "a line end", number + "\n"),
        ("nul", "a NUL", number + "\0"),
        ("payload", "a payload", STANDARD.text),
        ("devanagari-digits", "Devanagari digits", moved(plain, 0x966 - 0x30)),
        ("arabic-digits", "Arabic-Indic digits", moved(plain, 0x660 - 0x30)),
        ("extended-arabic-digits", "Persian digits", moved(plain, 0x6F0 - 0x30)),
        ("mathematical-digits", "bold digits", moved(plain, 0x1D7CE - 0x30)),
        ("superscript", "a superscript in place of 2", superscript),
        ("circled", "a circled digit in place of 1", one.replace("1", "\u2460", 1)),
        ("full-width-u", "U is no symbol, full-width either", with_v.replace("V", "\uff35", 1)),
        ("cyrillic", "Cyrillic letters that look the same", plain.replace("M", "\u041c").replace("K", "\u041a")),
        ("kelvin", "\u212a, whose small letter is k, in place of K", plain[:-1] + "\u212a"),
        ("sharp-s", "\u00df, whose capital is SS, in place of SS", ends_with_ss[:7] + "\u00df"),
        *(
            (f"beside-{point:04x}", "a neighbour of the characters that do not count", number.replace("-", chr(point)))
            for point in (
                0x1F,
                0x2C,
                0x2E,
                0x9F,
                0xA1,
                0xAC,
                0xAE,
                0x1FFF,
                0x2016,
                0x202E,
                0x2030,
                0x205E,
                0x2061,
                0x2211,
                0x2213,
                0x2FFF,
                0x3001,
                0xFE57,
                0xFE59,
                0xFE62,
                0xFE64,
                0xFF0C,
                0xFF0E,
                0xFF0F,
                0x9E5,
                0x9F0,
            )
        ),
        (
            "dotless-i",
            "\u0131, whose capital is I, in place of 1",
            "\u0131" + pass_number(1 << 5, 0).replace("-", "")[1:],
        ),
        (
            "long-s",
            "\u017f, whose capital is S, in place of S",
            "\u017f" + pass_number(25 << 5, 0).replace("-", "")[1:],
        ),
    ):
        yield mistyped(f"refused-{name}", why, text)


def slips() -> Iterable[Vector]:
    plain = pass_number(DAY, 400_000).replace("-", "")
    for at, symbol in enumerate(plain):
        for other in SYMBOLS:
            if other != symbol:
                yield mistyped(f"slip-{at + 1}-{other}", "a slip in one symbol", plain[:at] + other + plain[at + 1 :])
    for text in (plain, pass_number(DAY + 3, 123_456_789).replace("-", "")):
        for at in range(8):
            if text[at] != text[at + 1]:
                swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
                yield mistyped(f"swap-{text}-{at + 1}", "two neighbours swapped", swapped)


def days_nearby() -> Iterable[Vector]:
    for near in (DAY, 0, 512, 65535):
        for offset in (-512, -511, -1, 0, 1, 4, 511):
            day = near + offset
            given = {"day_in_number": day % 1024, "near": near}
            why = "half way between two days: the earlier" if offset == -512 else "the nearest day of that number"
            yield vector(f"near-{near}-{offset}", why, "number-day", given, {"day": day})
