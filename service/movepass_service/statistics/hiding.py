"""Hide small counts in answers, and write answers as files. Pure.

A count under LEAST is hidden where it could tell of a person: where a report divides by district or reason, or is asked
for one of them. With it go the times and shares of its row, and a total of which it is a part. Counts of a whole hour,
lane, rule or officer are shown, and so is 0.
"""

import csv
import io
import json
from collections.abc import Iterable
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
    return [_hide(answer, row) for row in answer.rows] if is_telling(answer) else list(answer.rows)


def _hide(answer: Answer, row: Row) -> Row:
    columns = answer.report.columns
    small = {c.name for c, v in zip(columns, row, strict=True) if c.unit == "count" and v is not None and 0 < v < LEAST}
    if small & set(answer.report.parts):
        small.add(answer.report.total)
    return tuple(
        HIDE if value is not None and (c.name in small or (small and c.unit in _GOING_ALONG)) else value
        for c, value in zip(columns, row, strict=True)
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
