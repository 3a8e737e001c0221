"""Values as people type them: Bangla digits, dates and times of day, telephone and identity numbers."""

import re
from datetime import date, datetime, timedelta
from difflib import get_close_matches

from movepass_wire.codes import DISTRICTS, Code
from movepass_wire.limits import PASS_MAX_SECONDS
from movepass_wire.text import normalise
from movepass_wire.times import DHAKA

HOURS_MAX = PASS_MAX_SECONDS // 3600
"""The longest pass, in whole hours."""
_DIGITS = str.maketrans("০১২৩৪৫৬৭৮৯٠١٢٣٤٥٦٧٨٩", "01234567890123456789") | {0xFF10 + n: str(n) for n in range(10)}
_SHOWN_MAX = 80
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DATE_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_TIME = re.compile(r"(\d{1,2})[:.](\d{2})(?::(\d{2}))?")
_PHONE = re.compile(r"(?:\+?88)?(01[3-9]\d{8})")
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015.()/]")
_NUMBER = re.compile(r"[0-9A-Z]{4,24}")
_NID_OLD_DIGITS, _NID_WITH_YEAR_DIGITS = 13, 17
_BIRTH_OLD_DIGITS, _BIRTH_SERIAL_DIGITS = 16, 5
_NUMBER_DIGITS = {"nid": (10, 13, 17), "birth-registration": (16, 17)}
_LIKENESS = 0.6
"""Of a misspelt district to the one that is offered, by difflib."""
ID_LAST_CHARS = 4
"""Of an identity number, what is kept: enough for an officer to compare, too little to be the number."""

EARLIER_NAMES = {
    "chittagong": "chattogram",
    "comilla": "cumilla",
    "barisal": "barishal",
    "jessore": "jashore",
    "bogra": "bogura",
    "nawabganj": "chapai-nawabganj",
    "চট্রগ্রাম": "chattogram",
    "কুমিল্যা": "cumilla",
}
"""Districts as they were spelled until 2018, and as many still do."""


def ascii_digits(text: str) -> str:
    """Return a text with its Bangla, Arabic and full-width digits as 0 to 9, and no white space around."""
    return text.translate(_DIGITS).strip()


def parse_date(text: str) -> date:
    """Read a date, year first or day first.

    Raises:
        ValueError: no such date.
    """
    plain = ascii_digits(text)
    if match := _DATE.fullmatch(plain):
        year, month, day = map(int, match.groups())
    elif match := _DATE_DAY_FIRST.fullmatch(plain):
        day, month, year = map(int, match.groups())
    else:
        raise ValueError("expected a date like 2026-11-22 or 22/11/2026")
    return date(year, month, day)


def parse_time_of_day(text: str) -> timedelta:
    """Read a time of day on the 24-hour clock, as what has gone by since midnight.

    Raises:
        ValueError: no such time.
    """
    match = _TIME.fullmatch(ascii_digits(text))
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (24, 0, 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError("expected a time like 09:30")
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def parse_hours(text: str) -> timedelta:
    """Read the length of a trip in whole hours, 1 to HOURS_MAX.

    Raises:
        ValueError: no such length.
    """
    plain = ascii_digits(text)
    if not (plain.isdecimal() and len(plain) <= 2 and 1 <= int(plain) <= HOURS_MAX):
        raise ValueError(f"expected hours from 1 to {HOURS_MAX}")
    return timedelta(hours=int(plain))


def parse_moment(text: str) -> datetime:
    """Read a date and time: ISO 8601 with its zone, or a date and a time of day in Dhaka.

    Raises:
        ValueError: no such time.
    """
    plain = ascii_digits(text)[:_SHOWN_MAX]
    day, _, clock = plain.replace("T", " ").partition(" ")
    try:
        return datetime.combine(parse_date(day), datetime.min.time(), DHAKA) + parse_time_of_day(clock)
    except OverflowError as e:
        raise ValueError("no such time") from e
    except ValueError:
        moment = datetime.fromisoformat(plain)
        if not clock:
            raise
        return moment if moment.tzinfo else moment.replace(tzinfo=DHAKA)


def parse_phone(text: str) -> str:
    """Read a mobile number of Bangladesh, as +8801XXXXXXXXX.

    Raises:
        ValueError: it is none.
    """
    match = _PHONE.fullmatch(_SEPARATORS.sub("", ascii_digits(text)))
    if not match:
        raise ValueError("expected a mobile number like 01712345678")
    return f"+88{match[1]}"


def parse_id_number(text: str, id_type: str) -> str:
    """Read the number of an identity paper, in the one spelling that can be compared.

    Raises:
        ValueError: it is none, or has not as many digits as papers of this type.
    """
    number = _SEPARATORS.sub("", ascii_digits(text)).upper()
    if not _NUMBER.fullmatch(number):
        raise ValueError("expected the number of an identity paper")
    lengths = _NUMBER_DIGITS.get(id_type)
    if lengths and not (number.isdigit() and len(number) in lengths):
        raise ValueError(f"expected {' or '.join(map(str, lengths))} digits")
    return number


def comparable_id_number(number: str, id_type: str) -> str:
    """Return the same for every way in which one paper's number is written.

    A national ID of 17 digits is the year of birth and the 13 of the older card. Birth registrations had five digits
    for the serial number at the end before they had six.
    """
    if id_type == "nid" and len(number) == _NID_WITH_YEAR_DIGITS:
        return number[-_NID_OLD_DIGITS:]
    if id_type == "birth-registration" and len(number) == _BIRTH_OLD_DIGITS:
        return f"{number[:-_BIRTH_SERIAL_DIGITS]}0{number[-_BIRTH_SERIAL_DIGITS:]}"
    return number


def id_number_digits(id_type: str) -> tuple[int, ...]:
    """Return how many digits the numbers of a type of paper have; none where that is not known."""
    return _NUMBER_DIGITS.get(id_type, ())


def suggest_district(text: str) -> Code | None:
    """Return the district that was likely meant by a name that is none, or None."""
    wanted = normalise(text)[:_SHOWN_MAX].casefold()
    earlier = EARLIER_NAMES.get(wanted)
    if earlier:
        return DISTRICTS.by_key.get(earlier)
    names = {
        name.casefold(): code for code in DISTRICTS.by_number.values() for name in (code.key, *code.names.values())
    }
    close = get_close_matches(wanted, names, n=1, cutoff=0.6)
    return names[close[0]] if close else None
