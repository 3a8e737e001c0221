"""Words of pages: a catalogue a language. Site and desk share the one here, and add one of their own each.

A catalogue (bn.json, en.json) is one flat object: key -> text with placeholders. A placeholder names a value and says
how it is written:

    {name}          as it is: names, places and numbers of papers keep their own script
    {name:number}   a whole number, in the language's digits
    {name:time}     Unix seconds, as day and time of day in Dhaka
    {name:short}    the same without the year, for lists: "28 Nov, 9:30 am"
    {name:span}     seconds, as a length of time in one unit

Texts hold no markup: what fills a placeholder is escaped with them. Tests hold both languages to the same keys and
placeholders, and the templates to keys that exist.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from movepass_service.web.exchange import Language
from movepass_wire.codes import Table
from movepass_wire.times import DHAKA
from movepass_words import Catalogue

_HERE = Path(__file__).parent
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


_PERIODS_REMEMBERED = 4096
"""Trips share their times, by quarters of an hour on three days; writing one took a twelfth of the site's time."""


class Words(Catalogue):
    """The words of pages in one language."""

    def __init__(self, language: Language, texts: Mapping[str, str]) -> None:
        """Take a catalogue."""
        self.language = language
        super().__init__(texts, {"time": self.time, "short": self.short_time, "span": self.span})

    def has(self, key: str) -> bool:
        """Return whether there is a text for a key."""
        return key in self.texts

    def day(self, seconds: int, *, with_weekday: bool = True) -> str:
        """Write the day of a time in Dhaka: "Saturday 28 November 2026"."""
        moment = _in_dhaka(seconds)
        date = self(
            "format.date",
            day=self.number(moment.day),
            month=self("format.months").split()[moment.month - 1],
            year=self.number(moment.year),
        )
        if not with_weekday:
            return date
        weekday = self("format.weekdays").split()[moment.weekday()]
        return self("format.weekday-date", weekday=weekday, date=date)

    def clock(self, seconds: int) -> str:
        """Write the time of day in Dhaka as people say it: "9:30 am", "12 noon"."""
        moment = _in_dhaka(seconds)
        part = self("format.day-parts").split()[_PART_OF_HOUR[self.language][moment.hour]]
        hour = self.number((moment.hour - 1) % 12 + 1)
        if moment.minute:
            return self("format.clock", part=part, hour=hour, minute=self.digits(f"{moment.minute:02}"))
        named = {0: "format.midnight", 12: "format.noon"}.get(moment.hour)
        return self(named or "format.full-hour", part=part, hour=hour)

    def time(self, seconds: int) -> str:
        """Write a day and a time of day."""
        return self("format.time", day=self.day(seconds, with_weekday=False), clock=self.clock(seconds))

    @lru_cache(maxsize=_PERIODS_REMEMBERED)  # noqa: B019 - there is one object a language, for good
    def period(self, start: int, end: int) -> str:
        """Write from when until when; the day is written once where it is the same."""
        return self._period(start, end, self.day)

    def short_day(self, seconds: int) -> str:
        """Write the day of a time in Dhaka without the year: "28 Nov"."""
        moment = _in_dhaka(seconds)
        month = self("format.short-months").split()[moment.month - 1]
        return self("format.short-date", day=self.number(moment.day), month=month)

    def short_time(self, seconds: int) -> str:
        """Write a day and a time of day for a line of a list: "28 Nov, 9:30 am"."""
        return self("format.time", day=self.short_day(seconds), clock=self.clock(seconds))

    def short_period(self, start: int, end: int) -> str:
        """Write from when until when for a line of a list: "28 Nov, 9 am to 12 noon"."""
        return self._period(start, end, self.short_day)

    def _period(self, start: int, end: int, write_day: Callable[[int], str]) -> str:
        times = {"start": self.clock(start), "end": self.clock(end)}
        if _in_dhaka(start).date() == _in_dhaka(end).date():
            return self("format.period", day=write_day(start), **times)
        return self("format.period-days", day=write_day(start), end_day=write_day(end), **times)

    def span(self, seconds: int) -> str:
        """Write a length of time in its largest unit, rounded up: "3 minutes", "1 hour"."""
        name, size = next(((name, size) for name, size in _UNITS if seconds >= size), _UNITS[-1])
        count = max(1, -(-seconds // size))
        return self(f"unit.{name}" if count == 1 else f"unit.{name}s", count=self.number(count))

    def named(self, table: Table, key: object) -> str:
        """Return the name of a district, a paper or a reason; a text that no table has is itself."""
        code = table.find(key) if isinstance(key, str | int) else None
        return code.name(self.language) if code else str(key)


_ENGLISH_PARTS = tuple(0 if hour < 12 else 1 for hour in range(24))
_BANGLA_PARTS = (0, 0, 0, 0, 1, 1, *(2,) * 6, 3, 3, 3, 4, 4, 4, 5, 5, 0, 0, 0, 0)
"""Night until four, dawn until six, morning until noon, noon until three, afternoon until six, evening until eight."""
_PART_OF_HOUR = {"en": _ENGLISH_PARTS, "bn": _BANGLA_PARTS}


def _in_dhaka(seconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=DHAKA) + timedelta(seconds=seconds, hours=6)


def load_words(language: Language, folder: Path) -> Words:
    """Load what is shared in a language, and the catalogue in a folder on top of it.

    Raises:
        ValueError: a text is in both.
    """
    shared, own = (json.loads((place / f"{language}.json").read_text("utf-8")) for place in (_HERE, folder))
    if doubles := shared.keys() & own.keys():
        raise ValueError(f"{folder}: {', '.join(sorted(doubles))}: there is a shared text of this name")
    return Words(language, {**shared, **own})
