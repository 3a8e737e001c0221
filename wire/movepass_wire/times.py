"""Convert days and times. Code uses seconds since 1970 UTC; people read Asia/Dhaka.

Bangladesh is UTC+6 without daylight saving, so that a fixed offset is enough and no time zone database is needed.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone

from movepass_wire.limits import TIME_LIMIT

HOUR_SECONDS = 3600
DAY_SECONDS = 86400
DHAKA = timezone(timedelta(hours=6), "Asia/Dhaka")
_EPOCH = date(1970, 1, 1)


def day_of(seconds: int) -> int:
    """Return the UTC day (days since 1970-01-01) of a time."""
    return seconds // DAY_SECONDS


def day_name(day: int) -> str:
    """Format a day as YYYY-MM-DD."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def parse_day(text: str) -> int:
    """Parse a day as day_name formats it.

    Raises:
        ValueError: there is no such day.
    """
    try:
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError as e:
        raise ValueError(f"expected a UTC day like 2026-11-22, got {text[:40]!r}") from e


def iso(seconds: int) -> str:
    """Format a time as ISO 8601 with the offset of Dhaka."""
    return _in_dhaka(seconds).isoformat()


def local(seconds: int) -> str:
    """Format a time for people: date, hours and minutes in Dhaka, with the zone."""
    return _in_dhaka(seconds).strftime("%Y-%m-%d %H:%M Asia/Dhaka")


def _in_dhaka(seconds: int) -> datetime:
    """Return a time in Dhaka, clamped to the range of the wire format because a clock can be set to anything."""
    return datetime.fromtimestamp(min(max(seconds, 0), TIME_LIMIT), DHAKA)


def parse_iso(text: str) -> int:
    """Parse an ISO 8601 time with its zone.

    Raises:
        ValueError: there is no such time or no zone, it has a fraction of a second, or the wire format cannot hold it.
    """
    expected = "expected a time with its zone like 2026-11-22T09:00:00+06:00"
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or moment.microsecond:
            raise ValueError
        seconds = int(moment.astimezone(UTC).timestamp())
        if not 0 <= seconds < TIME_LIMIT:
            raise ValueError
    except (ValueError, OverflowError) as e:
        raise ValueError(f"{expected}, got {text[:40]!r}") from e
    return seconds


def parse_duration(text: str) -> int:
    """Parse a duration like 90m, 24h or 2d, and return its seconds.

    Raises:
        ValueError: the text has another form.
    """
    match = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    if not match:
        raise ValueError(f"expected a length of time like 90m, 24h or 2d, got {text[:40]!r}")
    return int(match[1]) * {"m": 60, "h": 3600, "d": DAY_SECONDS}[match[2]]


def ago(seconds: int) -> str:
    """Format a duration in its two largest units: "3 d 4 h", "5 h 12 min", "2 min", "0 s"."""
    return " ".join(f"{count} {unit}" for count, unit in ago_parts(seconds))


def ago_parts(seconds: int) -> list[tuple[int, str]]:
    """Split a duration into its two largest units (d, h, min, s) without zeros, or [(0, "s")]."""
    seconds = max(seconds, 0)
    parts = []
    for name, size in (("d", DAY_SECONDS), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append((count, name))
        elif parts:
            break
    return parts[:2] or [(0, "s")]
