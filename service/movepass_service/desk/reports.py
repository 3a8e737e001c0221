"""Shows a report at the desk: its rows in words, and its chart. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from movepass_service.desk.pages.shown import age_of, district_name, reason_name
from movepass_service.statistics.charts import SERIES_MAX, Chart, Series, draw_bars, draw_lines
from movepass_service.statistics.hiding import ALL, Hidden, Row
from movepass_service.statistics.open.suppression import LEAST
from movepass_service.statistics.reports import Answer, Column
from movepass_service.web.words import Words

NUMBERS = frozenset(["count", "s", "h", "%"])
"""Units of numbers."""
_TIMES = frozenset(["day", "hour"])
ADDITIVE = frozenset(
    [
        "applied", "approved", "rejected", "referred", "corrections", "issued", "withdrawn", "expired", "revoked",
        "refused", "by_rules", "by_officers", "in_bulk", "per_day", "per_week", "overlap", "decided", "proposed",
        "looked_at", "disagreed", "reversed", "starting", "passes", "pass_hours", "checks", "valid", "forged", "other",
        "shown_before", "let_through", "sent_back", "called_in",
    ]
)  # fmt: skip
"""Columns that count events, which add up over rows; a count of what waits or is in force does not."""
_MINUTE = 60


def write_value(t: Words, column: Column, value: Any) -> str:
    """Write a value of a column in the reader's language."""
    if value is None:
        return t("reports.nothing")
    if isinstance(value, Hidden):
        return t("reports.few", least=LEAST)
    write = _WRITE.get(column.unit)
    if write:
        return write(t, value)
    return t(f"reports.value.{value}") if t.has(f"reports.value.{value}") else str(value)


def _seconds(day: date | str) -> int:
    """Return a moment in a day in Dhaka."""
    found = day if isinstance(day, date) else date.fromisoformat(day)
    return (found - date(1970, 1, 1)).days * 86400


def add_rows(t: Words, answer: Answer, rows: Sequence[Row]) -> list[str]:
    """Return a line of totals, the first cell its name; none where nothing adds up or a hidden number would show."""
    columns = answer.report.columns
    if any(ALL in row for row in rows):
        return []
    sums = ["" for _ in columns]
    for n, column in enumerate(columns):
        values = [row[n] for row in rows]
        if n and column.name in ADDITIVE and not any(isinstance(value, Hidden) for value in values):
            sums[n] = write_value(t, column, sum(value or 0 for value in values))
    return [t("reports.total"), *sums[1:]] if any(sums) and len(rows) > 1 else []


_WRITE: Mapping[str, Callable[[Words, Any], str]] = {
    "count": lambda t, value: t.number(int(value)),
    "s": lambda t, value: t.span(int(value)) if value < _MINUTE else age_of(t, int(value)),
    "h": lambda t, value: t("reports.hours", hours=int(value)),
    "%": lambda t, value: t("reports.percent", share=t.digits(f"{value:.1f}")),
    "hour": lambda t, value: t("reports.hour", hour=int(value)),
    "day": lambda t, value: t.short_day(_seconds(value)),
    "district": lambda t, value: district_name(t, str(value)),
    "reason": lambda t, value: reason_name(t, str(value)),
}
"""How values of a unit are written; others are words, or stay as they are."""


def make_chart(t: Words, answer: Answer, rows: Sequence[Row]) -> tuple[Chart, str] | None:
    """Return a chart of an answer, and its SVG; None where there are no numbers but noughts and hidden ones.

    Over time the numbers are lines, without those that are nought throughout. Otherwise the first number is a bar for
    each category, added up over the time if it is a count. Numbers of a single hour or day are bars too.
    """
    columns = answer.report.columns
    numbers = _drawn(answer)
    names = [n for n, column in enumerate(columns) if column.unit not in NUMBERS]
    if not numbers or not rows:
        return None
    is_over_time = bool(names) and all(columns[n].unit in _TIMES for n in names)
    if not is_over_time:
        numbers = numbers[:1]
        if columns[numbers[0]].unit == "count":
            names = [n for n in names if columns[n].unit not in _TIMES] or names
    table = _add_up(rows, names, numbers)
    language, measure = t.language, columns[numbers[0]]
    labels = tuple(_label(t, [(columns[n], v) for n, v in zip(names, key, strict=True)]) for key in table)
    series = tuple(
        Series(columns[n].titles[language], tuple(values[at] for values in table.values()))
        for at, n in enumerate(numbers)
    )
    series = tuple(one for one in series if any(one.values))
    if not series:
        return None
    title = answer.report.titles[language]
    if is_over_time and len(labels) == 1:
        names_of_series = tuple(one.name for one in series)
        title = t("reports.chart.one", title=title, what=labels[0])
        labels, series, is_over_time = names_of_series, (Series(title, tuple(s.values[0] for s in series)),), False
    elif len(series) == 1:
        title = t("reports.chart.one", title=title, what=series[0].name)
    chart = Chart(
        f"chart-{answer.report.name}", title, t("reports.chart", question=answer.report.questions[language]),
        labels, series, lambda value: write_value(t, measure, value), t("reports.few", least=LEAST),
    )  # fmt: skip
    return chart, (draw_lines if is_over_time else draw_bars)(chart)


def _drawn(answer: Answer) -> list[int]:
    """Return the places of the columns that a chart draws, all of one unit."""
    columns = answer.report.columns
    numbers = [n for n, column in enumerate(columns) if column.unit in NUMBERS]
    if answer.report.drawn:
        return [n for n in numbers if columns[n].name in answer.report.drawn]
    return [n for n in numbers if columns[n].unit == columns[numbers[0]].unit][:SERIES_MAX]


def _label(t: Words, cells: Sequence[tuple[Column, Any]]) -> str:
    written = [write_value(t, column, value) for column, value in cells]
    units = {column.unit for column, _ in cells}
    return (" → " if units == {"district"} else " " if units <= _TIMES else ", ").join(written)


def _add_up(rows: Iterable[Row], names: Sequence[int], numbers: Sequence[int]) -> dict[Row, list[Any]]:
    """Add numbers up by their names; a sum with a hidden number is hidden."""
    table: dict[Row, list[Any]] = {}
    for row in rows:
        found = table.setdefault(tuple(row[n] for n in names), [0] * len(numbers))
        for at, n in enumerate(numbers):
            value = row[n]
            is_known = value is not None and not isinstance(value, Hidden) and found[at] is not None
            found[at] = found[at] + value if is_known else None
    return table
