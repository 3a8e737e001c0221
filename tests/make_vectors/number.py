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
    return [*numbers_both_ways(), *typed_otherwise(), *mistyped_numbers(), *slips(), *days_nearby()]


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
    ):
        yield typed(f"typed-{name}", why, text, DAY, index)


def mistyped_numbers() -> Iterable[Vector]:
    number = pass_number(DAY, 400_000)
    plain = number.replace("-", "")
    numbers = (pass_number(DAY, index).replace("-", "") for index in range(25, INDEX_LIMIT, 32))
    ends_with_ss = next(text for text in numbers if text.endswith("SS"))
    for name, why, text in (
        ("empty", "nothing", ""),
        ("hyphens", "hyphens alone", "--"),
        ("short", "eight symbols", plain[:-1]),
        ("long", "ten symbols", plain + "0"),
        ("twice", "two numbers", number + " " + number),
        ("letter-u", "U is no symbol", "U" + plain[1:]),
        ("star", "Crockford's own check symbols are not used", plain[:-1] + "*"),
        ("equals", "Crockford's own check symbols are not used", plain[:-1] + "="),
        ("dot", "dots do not count as hyphens", number.replace("-", ".")),
        ("underscore", "underscores do not count as hyphens", number.replace("-", "_")),
        ("tab", "a tab", number + "\t"),
        ("newline", "a line end", number + "\n"),
        ("nul", "a NUL", number + "\0"),
        ("no-break-space", "a space that is not U+0020", number.replace("-", "\u00a0")),
        ("en-dash", "a dash that is not U+002D", number.replace("-", "\u2013")),
        ("bangla-digits", "Bangla digits", "".join(chr(0x9E6 + int(c)) if c.isdigit() else c for c in number)),
        ("full-width", "full-width digits", "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in number)),
        ("payload", "a payload", STANDARD.text),
        ("sharp-s", "\u00df, whose capital is SS, in place of SS", ends_with_ss[:7] + "\u00df"),
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
