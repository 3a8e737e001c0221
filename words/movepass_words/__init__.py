"""Load the words of cards and screens from one catalogue per language, which issuer, terminal and phone share.

A catalogue (en.json, bn.json) is one flat object that maps message keys to texts with placeholders. A placeholder names
a value and its format:

    {name}          unchanged: text that was issued or written by others stays in its own script
    {name:number}   a whole number, in the digits of the language
    {name:time}     seconds since 1970 UTC, as a date and time in Dhaka
    {name:minute}   the same without the zone
    {name:day}      a UTC day (days since 1970-01-01), as a date
    {name:span}     seconds, as a duration in its two largest units
    {name:message}  another Message

Tests check that all languages have the same keys and placeholders, and that the code uses only keys that exist. To
add a language, add its catalogue here and its code to LANGUAGES, then do the same on the phone; see docs/changes.md.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from movepass_wire.times import ago_parts, day_name, local

LANGUAGES = ("en", "bn")
"""The languages that have a catalogue."""
DEFAULT_LANGUAGE = "en"
TOKENS = Path(__file__).with_name("tokens.css")
"""The colours of site, desk and phone, by day and night, as a style sheet that comes before their own."""
_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_ASCII_DIGITS = "0123456789"


class Message(NamedTuple):
    """A text to show, as a catalogue key and its values, independent of the language."""

    key: str
    values: Mapping[str, Any] = {}


def message(key: str, /, **values: Any) -> Message:
    """Make a message."""
    return Message(key, values)


class Catalogue:
    """The texts of one language, and the formats that their placeholders may name."""

    def __init__(self, texts: Mapping[str, str], formats: Mapping[str, Callable[[Any], str]]) -> None:
        """Use texts, with formats besides `number`."""
        self.texts = texts
        self._digits = str.maketrans(_ASCII_DIGITS, texts["format.digits"])
        self._formats: dict[str | None, Callable[[Any], str]] = {None: str, "number": self.number}
        self._formats.update(formats)

    def __call__(self, key: str, /, **values: Any) -> str:
        """Return the text of a key with its placeholders filled in."""
        text = self.texts[key]
        if "{" not in text:
            return text
        return _PLACEHOLDER.sub(lambda found: self._formats[found[2]](values[found[1]]), text)

    def number(self, value: int) -> str:
        """Format a whole number, with separators from 10,000 on."""
        return self.digits(f"{value:,}" if value >= 10_000 else str(value))

    def digits(self, text: str) -> str:
        """Convert the digits of a text to this language."""
        return text.translate(self._digits)


class Words(Catalogue):
    """The texts of cards and screens in one language."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        """Use a catalogue."""
        self.language = language
        formats: dict[str, Callable[[Any], str]] = {
            "time": self.time,
            "minute": self.minute,
            "day": self.day,
            "span": self.span,
            "message": self.say,
        }
        super().__init__(texts, formats)

    def say(self, message: Message) -> str:
        """Format a message."""
        return self(message.key, **message.values)

    def time(self, seconds: int) -> str:
        """Format a time with its zone."""
        date, clock = local(seconds).split()[:2]
        return self("format.time", date=self._date(date, with_year=True), clock=clock).translate(self._digits)

    def minute(self, seconds: int) -> str:
        """Format a time without its zone."""
        date, clock = local(seconds).split()[:2]
        return f"{self._date(date, with_year=True)}, {clock}".translate(self._digits)

    def period(self, start: int, end: int, now: int | None = None) -> str:
        """Format a period on one line: "28 Nov, 10:04 to 13:04".

        The current year in Dhaka is left out, and the second day if it is the same as the first.
        """
        (first, begins), (last, ends) = (local(at).split()[:2] for at in (start, end))
        years = {day[: len("2026")] for day in (first, last, *([] if now is None else [local(now)]))}
        with_year = now is None or len(years) > 1
        key = "value.valid" if first == last else "value.valid-days"
        day, last_day = (self._date(date, with_year=with_year) for date in (first, last))
        text = self(key, day=day, last=last_day, **{"from": begins, "until": ends})
        return text.translate(self._digits)

    def date(self, seconds: int) -> str:
        """Format the day in Dhaka, with its year."""
        return self.digits(self._date(local(seconds).split()[0], with_year=True))

    def _date(self, date: str, *, with_year: bool) -> str:
        year, month, day = date.split("-")
        name = self("format.months").split()[int(month) - 1]
        return self("format.date-of-year" if with_year else "format.date", day=int(day), month=name, year=year)

    def clock(self, seconds: int) -> str:
        """Format the time of day in Dhaka."""
        return local(seconds).split()[1].translate(self._digits)

    def day(self, day: int) -> str:
        """Format a UTC day."""
        return day_name(day).translate(self._digits)

    def span(self, seconds: int) -> str:
        """Format a duration."""
        return " ".join(self(f"unit.{unit}", count=count) for count, unit in ago_parts(seconds))


@cache
def words(language: str = DEFAULT_LANGUAGE) -> Words:
    """Load a language, or English if the language is not known."""
    known = language if language in LANGUAGES else DEFAULT_LANGUAGE
    return Words(known, data(f"{known}.json"))


def plain_digits(text: str) -> str:
    """Convert the digits of every language to 0 to 9."""
    for language in LANGUAGES:
        text = text.translate(str.maketrans(words(language)("format.digits"), _ASCII_DIGITS))
    return text


def data(name: str) -> Any:
    """Load a file of this folder: a catalogue, or the looks and sounds of the outcomes."""
    return json.loads(Path(__file__).with_name(name).read_text("utf-8"))
