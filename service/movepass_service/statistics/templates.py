"""Render a query for an engine. A template is SQL that both read, with a closed list of functions in braces.

{days}               the day is one of those that are asked for
{days_back(4)}       or one of the four before
{days_on(1)}         or the one after
{since_hour}         the number of the first hour that is asked for (facts.starts)
{end_hour}           the number of the hour after the last one
{event_hour}         the number of the hour in which an event happened
{hours}              a table of the numbers of all hours that are asked for, its column h
{filters}            AND a condition for each filter that is given
{quantile(x, 0.9)}   the smallest x that is not below that share of all x
{day_of(h)}          the day, as text, of an hour's number
{results}            the columns that say what became of applications, from counts of events by type and outcome
{checks}             the columns that say what posts found
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol

from movepass_service.statistics.facts import FactsError

DUCKDB: Final = "duckdb"
ATHENA: Final = "athena"
_HOURS = 24
_EPOCH = date(1970, 1, 1)
_CALL = re.compile(r"\{(\w+)(?:\(([^{}]*)\))?\}")


class Asked(Protocol):
    """The days and filters that are asked for, in SQL."""

    @property
    def conditions(self) -> tuple[str, ...]:
        """A condition for each filter."""

    def first_day(self, back: int) -> str:
        """Write the first day, or the one some days before it."""

    def last_day(self, on: int) -> str:
        """Write the last day, or the one some days after it."""

    def first_hour(self) -> str:
        """Write the number of the hour with which the first day begins."""

    def end(self) -> str:
        """Write the number of the hour after the last one."""


@dataclass(frozen=True, slots=True)
class Window:
    """Days that are asked for.

    Attributes:
        since: the first day.
        until: the last day.
        end_hour: the number of the hour after the last one that there may be facts of.
        conditions: a condition in SQL for each filter.
    """

    since: date
    until: date
    end_hour: int
    conditions: tuple[str, ...] = ()

    @classmethod
    def of(cls, since: date, until: date, conditions: tuple[str, ...] = (), known_until: int | None = None) -> "Window":
        """Return the window of some days; `known_until` is the number of the hour up to which anything is known."""
        end = hour_of(until + timedelta(days=1))
        return cls(since, until, end if known_until is None else max(hour_of(since), min(end, known_until)), conditions)

    def first_day(self, back: int) -> str:
        """Write the first day, or the one some days before it."""
        return literal((self.since - timedelta(days=back)).isoformat())

    def last_day(self, on: int) -> str:
        """Write the last day, or the one some days after it."""
        return literal((self.until + timedelta(days=on)).isoformat())

    def first_hour(self) -> str:
        """Write the number of the hour with which the first day begins."""
        return str(hour_of(self.since))

    def end(self) -> str:
        """Write the number of the hour after the last one."""
        return str(self.end_hour)


@dataclass(frozen=True, slots=True)
class LastDays:
    """The last whole days before whatever day it is in Dhaka when Athena runs the query."""

    days: int
    conditions: tuple[str, ...] = ()

    def first_day(self, back: int) -> str:
        """Write the first day, or the one some days before it."""
        return _day_from_today(-self.days - back)

    def last_day(self, on: int) -> str:
        """Write the last day, or the one some days after it."""
        return _day_from_today(on - 1)

    def first_hour(self) -> str:
        """Write the number of the hour with which the first day begins."""
        return f"date_diff('day', DATE '1970-01-01', {_TODAY}) * 24 - {self.days * _HOURS}"

    def end(self) -> str:
        """Write the number of the hour after the last one."""
        return f"date_diff('day', DATE '1970-01-01', {_TODAY}) * 24"


def hour_of(day: date) -> int:
    """Return the number of the first hour of a day."""
    return (day - _EPOCH).days * _HOURS


def literal(text: str) -> str:
    """Write a text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def render(template: str, window: Asked, engine: str) -> str:
    """Write a query for an engine.

    Raises:
        FactsError: the template calls an unknown function.
    """
    functions = _functions(window, engine)

    def call(match: re.Match[str]) -> str:
        name, arguments = match.group(1), match.group(2) or ""
        if name not in functions:
            raise FactsError(f"{name} is no function of templates; known: {', '.join(functions)}")
        return functions[name](arguments)

    return _CALL.sub(call, template)


def lookback(template: str) -> int:
    """Return how many days before the first one a template reads."""
    return _most(template, "days_back")


def lookahead(template: str) -> int:
    """Return how many days after the last one a template reads."""
    return _most(template, "days_on")


def _most(template: str, function: str) -> int:
    return max((int(days or 0) for name, days in _CALL.findall(template) if name == function), default=0)


def _functions(window: Asked, engine: str) -> Mapping[str, Callable[[str], str]]:
    def between(back: str = "", on: str = "") -> str:
        return f"day BETWEEN {window.first_day(int(back or 0))} AND {window.last_day(int(on or 0))}"

    series, own = (_SERIES, _DUCKDB) if engine == DUCKDB else (_SEQUENCE, _ATHENA)
    return {
        "days": lambda _: between(),
        "days_back": between,
        "days_on": lambda on: between(on=on),
        "since_hour": lambda _: window.first_hour(),
        "end_hour": lambda _: window.end(),
        "event_hour": lambda _: _EVENT_HOUR,
        "hours": lambda _: f"UNNEST({series}({window.first_hour()}, {window.end()} - 1)) AS asked (h)",
        "results": lambda _: _RESULTS,
        "checks": lambda _: _CHECKS,
        "filters": lambda _: "".join(f" AND {condition}" for condition in window.conditions),
        **own,
    }


def _day_from_today(days: int) -> str:
    return f"date_format(date_add('day', {days}, {_TODAY}), '%Y-%m-%d')"


def _quantile(function: str) -> Callable[[str], str]:
    def write(arguments: str) -> str:
        value, _, share = arguments.rpartition(",")
        return f"{function}({value.strip()}, {share.strip()})"

    return write


def _columns(function: str, conditions: Mapping[str, str]) -> str:
    lines = (f"coalesce({function} FILTER (WHERE {which}), 0) AS {name}" for name, which in conditions.items())
    return _NEXT_COLUMN.join(lines)


_NEXT_COLUMN = ",\n    "
_RESULTS = _columns(
    "sum(events)",
    {
        "applied": "type = 'applied'",
        "approved": "type = 'decided' AND outcome = 'approve'",
        "rejected": "type = 'decided' AND outcome = 'reject'",
        "referred": "type = 'decided' AND outcome = 'refer'",
        "corrections": "type = 'decided' AND outcome = 'needs-correction'",
        "issued": "type = 'issued'",
        "withdrawn": "type = 'withdrawn'",
        "expired": "type = 'expired'",
    },
)
_CHECKS = _NEXT_COLUMN.join(
    (
        "sum(scans) AS checks",
        _columns(
            "sum(scans)",
            {
                "valid": "verdict = 'valid'",
                "forged": "verdict = 'forged'",
                "revoked": "verdict = 'revoked'",
                "other": "verdict NOT IN ('valid', 'forged', 'revoked')",
            },
        ),
        *(f"coalesce(sum({name}), 0) AS {name}" for name in ("shown_before", "let_through", "sent_back", "called_in")),
    )
)
_TODAY = "CAST(current_timestamp AT TIME ZONE 'Asia/Dhaka' AS DATE)"
_SERIES, _SEQUENCE = "generate_series", "sequence"
_EVENT_HOUR = "date_diff('day', DATE '1970-01-01', CAST(day AS DATE)) * 24 + hour"
_DUCKDB: Mapping[str, Callable[[str], str]] = {
    "quantile": _quantile("quantile_disc"),
    "day_of": lambda hour: f"strftime(DATE '1970-01-01' + CAST(floor(({hour}) / 24) AS INTEGER), '%Y-%m-%d')",
}
_ATHENA: Mapping[str, Callable[[str], str]] = {
    "quantile": _quantile("approx_percentile"),
    "day_of": lambda hour: f"date_format(date_add('day', ({hour}) / 24, DATE '1970-01-01'), '%Y-%m-%d')",
}
