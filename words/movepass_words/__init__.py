"""The words on cards and screens: one catalogue for each language, read by the issuer, the terminal and the phone.

A catalogue (en.json, bn.json) is one flat object: message key -> text with placeholders. A placeholder names a value
and says how it is shown:

    {name}          as it is: what was issued or written by others stays in its own script
    {name:number}   a whole number, in the language's digits
    {name:time}     seconds since 1970 UTC, as date and time in Dhaka
    {name:minute}   the same without the zone
    {name:day}      a UTC day (days since 1970-01-01), as a date
    {name:span}     seconds, as a length of time in its two largest units
    {name:message}  another Message

Tests hold every language to the same keys and placeholders, and the code to keys that exist. A new language is a
catalogue here and its code in LANGUAGES, and likewise on the phone; docs/changes.md has the rest.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from movepass_wire.times import ago_parts, day_name, local

LANGUAGES = ("en", "bn")
"""Those that there is a catalogue of."""
DEFAULT_LANGUAGE = "en"
_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_ASCII_DIGITS = "0123456789"


class Message(NamedTuple):
    """Something to be said: a key of the catalogues and its values, in no language yet."""

    key: str
    values: Mapping[str, Any] = {}


def message(key: str, /, **values: Any) -> Message:
    """Make a message."""
    return Message(key, values)


class Words:
    """One language."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        """Take a catalogue."""
        self.language = language
        self.texts = texts
        self._digits = str.maketrans(_ASCII_DIGITS, texts["format.digits"])
        self._kinds: dict[str | None, Callable[[Any], str]] = {
            None: str,
            "number": self.number,
            "time": self.time,
            "minute": self.minute,
            "day": self.day,
            "span": self.span,
            "message": self.say,
        }

    def say(self, message: Message) -> str:
        """Put a message into words."""
        return self(message.key, **message.values)

    def __call__(self, key: str, /, **values: Any) -> str:
        """Give the text of a key, its placeholders filled."""
        return _PLACEHOLDER.sub(lambda found: self._kinds[found[2]](values[found[1]]), self.texts[key])

    def number(self, value: int) -> str:
        """Write a whole number; from 10,000 on with separators."""
        return f"{value:,}".translate(self._digits) if value >= 10_000 else str(value).translate(self._digits)

    def time(self, seconds: int) -> str:
        """Write a time with its zone."""
        date, clock = local(seconds).split()[:2]
        return self("format.time", date=self._date(date, with_year=True), clock=clock).translate(self._digits)

    def minute(self, seconds: int) -> str:
        """Write a time without its zone."""
        date, clock = local(seconds).split()[:2]
        return f"{self._date(date, with_year=True)}, {clock}".translate(self._digits)

    def period(self, start: int, end: int, now: int | None = None) -> str:
        """Write a length of time on one line as a person does: "28 Nov, 10:04 to 13:04".

        The year is left out where it is that of now in Dhaka, and the second day where it is the first.
        """
        (first, begins), (last, ends) = (local(at).split()[:2] for at in (start, end))
        years = {day[: len("2026")] for day in (first, last, *([] if now is None else [local(now)]))}
        with_year = now is None or len(years) > 1
        key = "value.valid" if first == last else "value.valid-days"
        day, last_day = (self._date(date, with_year=with_year) for date in (first, last))
        text = self(key, day=day, last=last_day, **{"from": begins, "until": ends})
        return text.translate(self._digits)

    def date(self, seconds: int) -> str:
        """Write the day in Dhaka, with its year."""
        return self.digits(self._date(local(seconds).split()[0], with_year=True))

    def digits(self, text: str) -> str:
        """Write a text's digits in this language; letters stay."""
        return text.translate(self._digits)

    def _date(self, date: str, *, with_year: bool) -> str:
        year, month, day = date.split("-")
        name = self("format.months").split()[int(month) - 1]
        return self("format.date-of-year" if with_year else "format.date", day=int(day), month=name, year=year)

    def clock(self, seconds: int) -> str:
        """Write the time of day in Dhaka."""
        return local(seconds).split()[1].translate(self._digits)

    def day(self, day: int) -> str:
        """Write a UTC day."""
        return day_name(day).translate(self._digits)

    def span(self, seconds: int) -> str:
        """Write a length of time."""
        return " ".join(self(f"unit.{unit}", count=count) for count, unit in ago_parts(seconds))


@cache
def words(language: str = DEFAULT_LANGUAGE) -> Words:
    """Load a language; one that is missing is English."""
    known = language if language in LANGUAGES else DEFAULT_LANGUAGE
    return Words(known, data(f"{known}.json"))


def plain_digits(text: str) -> str:
    """Write the digits of every language as 0 to 9."""
    for language in LANGUAGES:
        text = text.translate(str.maketrans(words(language)("format.digits"), _ASCII_DIGITS))
    return text


def data(name: str) -> Any:
    """Read a file of this folder: a catalogue, or how the outcomes look and sound."""
    return json.loads(Path(__file__).with_name(name).read_text("utf-8"))
