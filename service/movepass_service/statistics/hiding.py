"""Hide small counts in answers, and write answers as files. Pure.

A count under LEAST is hidden where it could tell of a person: where a report divides by district or reason, or is asked
for one of them. With it go the times and shares of its row, and a total of which it is a part. Counts of a whole hour,
lane, rule or officer are shown, and so is 0. A row of totals ("all") goes with a hidden count among its parts. Shares
of all rows together go with a hidden count in any row, since a share and its count tell how many all rows count.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from movepass_service.statistics.open.suppression import LEAST
from movepass_service.statistics.reports import Answer

TELLING = frozenset(["district", "reason", "from", "to"])
"""Units of columns, and names of filters, by which a small count could tell of a person."""
HIDDEN = f"<{LEAST}"
"""Stands for a hidden number in files."""
_GOING_ALONG = frozenset(["s", "%", "h"])
"""Units of what is hidden with any count of its row."""
_NUMBERS = frozenset(["count", *_GOING_ALONG])
ALL = "all"
"""Stands in a row that holds all others of its kind."""
_DIGITS = 2


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
    """Return the rows with small counts hidden, and with them what they could be worked out from."""
    if not is_telling(answer):
        return list(answer.rows)
    rows = [_hide(answer, row, _small(answer, row)) for row in answer.rows]
    telling = [row for row in rows if HIDE in row and ALL not in row]
    return [_hide_sums(answer, row, telling) for row in rows]


def _small(answer: Answer, row: Row) -> set[str]:
    """Return the names of a row's counts that are hidden."""
    columns = answer.report.columns
    small = {c.name for c, v in zip(columns, row, strict=True) if c.unit == "count" and v is not None and 0 < v < LEAST}
    if small & set(answer.report.parts):
        small.add(answer.report.total)
    return small


def _hide(answer: Answer, row: Row, small: set[str]) -> Row:
    return tuple(
        HIDE if value is not None and (c.name in small or (small and c.unit in _GOING_ALONG)) else value
        for c, value in zip(answer.report.columns, row, strict=True)
    )


def _hide_sums(answer: Answer, row: Row, hidden: Sequence[Row]) -> Row:
    """Hide in a row the sums from which counts of hidden rows could be worked out."""
    columns = answer.report.columns
    if ALL in row and any(_is_part(answer, one, row) for one in hidden):
        return _hide(answer, row, {column.name for column in columns if column.unit == "count"})
    if answer.report.shares_rows and hidden:
        return tuple(HIDE if c.unit == "%" else value for c, value in zip(columns, row, strict=True))
    return row


def _is_part(answer: Answer, part: Row, total: Row) -> bool:
    """Return whether a row of totals counts what another row counts: it says the same, or all."""
    return all(
        whole in (ALL, value)
        for column, value, whole in zip(answer.report.columns, part, total, strict=True)
        if column.unit not in _NUMBERS
    )


def write_csv(answer: Answer, rows: Iterable[Row]) -> bytes:
    """Write rows as comma-separated values; a hidden number is "<10"."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.name for column in answer.report.columns)
    writer.writerows([plain(value) for value in row] for row in rows)
    return out.getvalue().encode()


def write_json(answer: Answer, rows: Iterable[Row]) -> bytes:
    """Write an answer as JSON; a hidden number is "<10"."""
    return json.dumps(as_document(answer, rows), ensure_ascii=False).encode()


def as_document(answer: Answer, rows: Iterable[Row]) -> dict[str, Any]:
    """Return an answer as JSON has it."""
    names = [column.name for column in answer.report.columns]
    return {
        "report": answer.report.name,
        "since": answer.since.isoformat(),
        "until": answer.until.isoformat(),
        "filters": dict(answer.filters),
        "complete_until": answer.complete_until,
        "rebuilt": list(answer.rebuilt),
        "rows": [{name: plain(value) for name, value in zip(names, row, strict=True)} for row in rows],
    }


def plain(value: Any) -> Any:
    """Return a value as files have it."""
    if isinstance(value, Hidden):
        return HIDDEN
    if isinstance(value, float):
        return round(value, _DIGITS)
    return value.isoformat() if isinstance(value, date) else value
