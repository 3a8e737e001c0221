"""Render a query for an engine. A template is SQL that both read, with a closed list of functions in braces.

{days}               the day is one of those that are asked for
{days_back(4)}       or one of the four before
{since_hour}         the number of the first hour that is asked for (facts.starts); {since_hour(4)} four days before
{end_hour}           the number of the hour after the last one
{filters}            AND a condition for each filter that is given
{quantile(x, 0.9)}   the smallest x that is not below that share of all x
{day_of(h)}          the day, as text, of an hour's number
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from movepass_service.statistics.facts import FactsError

DUCKDB: Final = "duckdb"
ATHENA: Final = "athena"
ENGINES: Final = (DUCKDB, ATHENA)
_HOURS = 24
_EPOCH = date(1970, 1, 1)
_CALL = re.compile(r"\{(\w+)(?:\(([^{}]*)\))?\}")


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked for.

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


def hour_of(day: date) -> int:
    """Return the number of the first hour of a day."""
    return (day - _EPOCH).days * _HOURS


def literal(text: str) -> str:
    """Write a text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def render(template: str, window: Window, engine: str) -> str:
    """Write a query for an engine.

    Raises:
        FactsError: the template calls what is no function.
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
    return max((int(days or 0) for name, days in _CALL.findall(template) if name == "days_back"), default=0)


def _functions(window: Window, engine: str) -> Mapping[str, Callable[[str], str]]:
    own = _DUCKDB if engine == DUCKDB else _ATHENA
    return {
        "days": lambda _: _between(window.since, window.until),
        "days_back": lambda days: _between(window.since - timedelta(days=int(days)), window.until),
        "since_hour": lambda days: str(hour_of(window.since - timedelta(days=int(days or 0)))),
        "end_hour": lambda _: str(window.end_hour),
        "filters": lambda _: "".join(f" AND {condition}" for condition in window.conditions),
        **own,
    }


def _between(since: date, until: date) -> str:
    return f"day BETWEEN {literal(since.isoformat())} AND {literal(until.isoformat())}"


def _quantile(function: str) -> Callable[[str], str]:
    def write(arguments: str) -> str:
        value, _, share = arguments.rpartition(",")
        return f"{function}({value.strip()}, {share.strip()})"

    return write


_DUCKDB: Mapping[str, Callable[[str], str]] = {
    "quantile": _quantile("quantile_disc"),
    "day_of": lambda hour: f"strftime(DATE '1970-01-01' + CAST(floor(({hour}) / 24) AS INTEGER), '%Y-%m-%d')",
}
_ATHENA: Mapping[str, Callable[[str], str]] = {
    "quantile": _quantile("approx_percentile"),
    "day_of": lambda hour: f"date_format(date_add('day', ({hour}) / 24, DATE '1970-01-01'), '%Y-%m-%d')",
}
