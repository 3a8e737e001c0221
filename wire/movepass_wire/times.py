"""Days and clock times. Seconds since 1970 UTC inside; Asia/Dhaka wherever a person reads them.

Bangladesh is UTC+6 without daylight saving, so a fixed offset serves and needs no time zone database.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone

from movepass_wire.limits import TIME_LIMIT

DAY_SECONDS = 86400
DHAKA = timezone(timedelta(hours=6), "Asia/Dhaka")
_EPOCH = date(1970, 1, 1)


def day_of(seconds: int) -> int:
    """Give the UTC day (days since 1970-01-01) that a time falls in."""
    return seconds // DAY_SECONDS


def day_name(day: int) -> str:
    """Write a day as YYYY-MM-DD."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def parse_day(text: str) -> int:
    """Read a day as day_name writes it.

    Raises:
        ValueError: no such day.
    """
    try:
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        raise ValueError(f"expected a UTC day like 2026-11-22, got {text[:40]!r}") from None


def iso(seconds: int) -> str:
    """Write a time as ISO 8601 with Dhaka's offset."""
    return _in_dhaka(seconds).isoformat()


def local(seconds: int) -> str:
    """Write a time for a person: date, hours and minutes in Dhaka, with the zone."""
    return _in_dhaka(seconds).strftime("%Y-%m-%d %H:%M Asia/Dhaka")


def _in_dhaka(seconds: int) -> datetime:
    """Give a time in Dhaka; one outside the wire format's range as its end, for a clock can say anything."""
    return datetime.fromtimestamp(min(max(seconds, 0), TIME_LIMIT), DHAKA)


def parse_iso(text: str) -> int:
    """Read an ISO 8601 time with its zone.

    Raises:
        ValueError: no such time, no zone, a fraction of a second, or before 1970 or beyond the wire format's limit.
    """
    expected = "expected a time with its zone like 2026-11-22T09:00:00+06:00"
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or moment.microsecond:
            raise ValueError
        seconds = int(moment.astimezone(UTC).timestamp())
        if not 0 <= seconds < TIME_LIMIT:
            raise ValueError
    except (ValueError, OverflowError):
        raise ValueError(f"{expected}, got {text[:40]!r}") from None
    return seconds


def parse_duration(text: str) -> int:
    """Read a length of time like 90m, 24h or 2d, in seconds.

    Raises:
        ValueError: it is written otherwise.
    """
    match = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    if not match:
        raise ValueError(f"expected a length of time like 90m, 24h or 2d, got {text[:40]!r}")
    return int(match[1]) * {"m": 60, "h": 3600, "d": DAY_SECONDS}[match[2]]


def ago(seconds: int) -> str:
    """Write a length of time in its two largest units: "3 d 4 h", "5 h 12 min", "2 min", "0 s"."""
    return " ".join(f"{count} {unit}" for count, unit in ago_parts(seconds))


def ago_parts(seconds: int) -> list[tuple[int, str]]:
    """Give a length of time in its two largest units (d, h, min, s), those of zero left out; at least [(0, "s")]."""
    seconds = max(seconds, 0)
    parts = []
    for name, size in (("d", DAY_SECONDS), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append((count, name))
        elif parts:
            break
    return parts[:2] or [(0, "s")]
