"""What the desk shows of a report: its rows in words, with small counts hidden, and its chart. Pure.

A count under LEAST is hidden where it could tell of a person: where a report divides by district or reason, or is asked
for one of them. With it go the times and shares of its row. Counts of a whole hour, lane, rule or office are shown.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from movepass_service.desk.pages.shown import age_of, district_name, reason_name
from movepass_service.statistics.charts import SERIES_MAX, Chart, Series, draw_bars, draw_lines
from movepass_service.statistics.open.suppression import LEAST
from movepass_service.statistics.reports import Answer, Column
from movepass_service.web.words import Words

TELLING = frozenset(["district", "reason", "from", "to"])
"""Units of columns, and names of filters, by which a small count could tell of a person."""
_NUMBERS = frozenset(["count", "s", "%"])
_TIMES = frozenset(["day", "hour"])
ADDITIVE = frozenset(
    ["applied", "approved", "rejected", "referred", "corrections", "issued", "withdrawn", "expired", "revoked"]
)
"""Columns that count events, which add up over rows; a count of what waits or is in force does not."""
HIDDEN = f"<{LEAST}"
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Hidden:
    """Stands for a number that is not shown."""


HIDE = Hidden()
Row = tuple[Any, ...]


def is_telling(answer: Answer) -> bool:
    """Return whether small counts of an answer could tell of a person."""
    units = {column.unit for column in answer.report.columns}
    return bool(TELLING & (units | answer.filters.keys()))


def hide_small(answer: Answer) -> list[Row]:
    """Return the rows with small counts hidden, and with them the times and shares of their rows."""
    if not is_telling(answer):
        return list(answer.rows)
    columns = answer.report.columns
    rows = []
    for row in answer.rows:
        small = [c.unit == "count" and v is not None and 0 < v < LEAST for c, v in zip(columns, row, strict=True)]
        is_few = any(small)
        rows.append(
            tuple(
                HIDE if hide or (is_few and column.unit in {"s", "%"} and value is not None) else value
                for column, value, hide in zip(columns, row, small, strict=True)
            )
        )
    return rows


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
    sums = ["" for _ in columns]
    for n, column in enumerate(columns):
        values = [row[n] for row in rows]
        if n and column.name in ADDITIVE and not any(isinstance(value, Hidden) for value in values):
            sums[n] = t.number(sum(value or 0 for value in values))
    return [t("reports.total"), *sums[1:]] if any(sums) and len(rows) > 1 else []


_WRITE: Mapping[str, Callable[[Words, Any], str]] = {
    "count": lambda t, value: t.number(int(value)),
    "s": lambda t, value: t.span(int(value)) if value < _MINUTE else age_of(t, int(value)),
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
    each category, added up over the time if it is a count.
    """
    columns = answer.report.columns
    numbers = [n for n, column in enumerate(columns) if column.unit in _NUMBERS]
    names = [n for n, column in enumerate(columns) if column.unit not in _NUMBERS]
    if not numbers or not rows:
        return None
    unit = columns[numbers[0]].unit
    numbers = [n for n in numbers if columns[n].unit == unit][:SERIES_MAX]
    is_over_time = bool(names) and all(columns[n].unit in _TIMES for n in names)
    if not is_over_time:
        numbers = numbers[:1]
        if unit == "count":
            names = [n for n in names if columns[n].unit not in _TIMES] or names
    table = _add_up(rows, names, numbers)
    labels = tuple(" ".join(write_value(t, columns[n], v) for n, v in zip(names, key, strict=True)) for key in table)
    language = t.language
    series = tuple(
        Series(columns[n].titles[language], tuple(values[at] for values in table.values()))
        for at, n in enumerate(numbers)
    )
    series = tuple(one for one in series if any(one.values))
    if not series:
        return None
    title, measure = answer.report.titles[language], columns[numbers[0]]
    chart = Chart(
        f"chart-{answer.report.name}", title, t("reports.chart", question=answer.report.questions[language]),
        labels, series, lambda value: write_value(t, measure, value), t("reports.few", least=LEAST),
    )  # fmt: skip
    return chart, (draw_lines if is_over_time else draw_bars)(chart)


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


def write_csv(answer: Answer, rows: Iterable[Row]) -> bytes:
    """Write rows as comma-separated values; a hidden number is "<10"."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.name for column in answer.report.columns)
    writer.writerows([_plain(value) for value in row] for row in rows)
    return out.getvalue().encode()


def write_json(answer: Answer, rows: Iterable[Row]) -> bytes:
    """Write an answer as JSON; a hidden number is "<10"."""
    names = [column.name for column in answer.report.columns]
    document = {
        "report": answer.report.name,
        "since": answer.since.isoformat(),
        "until": answer.until.isoformat(),
        "filters": dict(answer.filters),
        "complete_until": answer.complete_until,
        "rows": [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in rows],
    }
    return json.dumps(document, ensure_ascii=False).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Hidden):
        return HIDDEN
    return value.isoformat() if isinstance(value, date) else value
