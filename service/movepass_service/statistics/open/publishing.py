"""Publish each day of the open statistics once it is complete, in the order of days."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from movepass_service.statistics.open.days import ByResult, make_day
from movepass_service.statistics.open.kept import KeptDays
from movepass_service.statistics.open.tables import TABLES, Table

DAYS_AT_ONCE = 31
"""Days of a table that one round publishes, so that a service that was away for long stays responsive."""
_DHAKA_SECONDS = 6 * 3600


class Counts(Protocol):
    """Exact counts for the fixed tables."""

    def first_day(self) -> date | None:
        """Return the first day with an event, or None while there is none."""

    def complete_until(self) -> int:
        """Return until when all events are counted, seconds since 1970 UTC."""

    def count(self, table: Table, day: date) -> ByResult:
        """Count a day by result and category."""


def publish(counts: Counts, kept: KeptDays, *, secret: bytes, stopped: Callable[[], bool] = lambda: False) -> int:
    """Publish every day that is complete and not published; returns how many days of tables that were.

    Args:
        counts: exact counts, read once for each day.
        kept: the published days.
        secret: of the service, for the rounding.
        stopped: whether to stop before the next day.

    Raises:
        KeptDaysError: a day can't be kept.
    """
    first, done = counts.first_day(), 0
    if first is None:
        return 0
    for table in TABLES:
        for day in _missing(kept, table, first, counts.complete_until() - table.settled_s):
            if stopped():
                return done
            kept.keep(table, make_day(table, day, counts.count(table, day), secret=secret))
            done += 1
    return done


def day_end(day: date) -> int:
    """Return the end of a day in Dhaka, seconds since 1970 UTC."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return int(midnight.timestamp()) - _DHAKA_SECONDS


def _missing(kept: KeptDays, table: Table, first: date, complete: int) -> list[date]:
    """Return the complete days after the last published one, so that no day is published out of its order."""
    published = kept.days(table)
    day = published[-1] + timedelta(days=1) if published else first
    missing: list[date] = []
    while day_end(day) <= complete and len(missing) < DAYS_AT_ONCE:
        missing.append(day)
        day += timedelta(days=1)
    return missing
