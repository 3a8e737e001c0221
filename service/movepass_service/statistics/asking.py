"""Ask the reports of the facts in a folder."""

import json
import threading
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

from movepass_service.statistics import engine
from movepass_service.statistics.facts import FactsError, QuestionError, hour_number
from movepass_service.statistics.folder import STATE, DayFiles, list_days, reading
from movepass_service.statistics.reports import Answer, find_report
from movepass_service.statistics.templates import DUCKDB, Window, lookahead, lookback, render

DAYS_MAX = 400
"""Days that a question may be about."""
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9000, 1, 1)
"""Days that a question may name: reports read some days before and after."""


class Facts:
    """The facts of a service. Several threads may ask at once."""

    def __init__(self, folder: Path, db: Any) -> None:
        """Take the folder of the facts and an open database; see `open`."""
        self._folder = folder
        self._db = db
        self._notes: dict[tuple[Path, int, int], bool] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the folder of the facts (folder.facts_folder). It may be empty, or not there yet.

        Raises:
            MissingExtraError: DuckDB is not installed.
        """
        return cls(folder, engine.connect())

    def ask(self, name: str, *, since: date, until: date, filters: Mapping[str, str] = {}) -> Answer:
        """Answer a report.

        Args:
            name: the report's.
            since: the first day, in Dhaka.
            until: the last day.
            filters: values by the names of the report's parameters.

        Raises:
            QuestionError: there is no such report, filter or value, or the days are in the wrong order or too many.
            FactsError: the facts can't be read.
        """
        report = find_report(name)
        check_days(since, until)
        conditions = report.conditions(filters)
        with reading(self._folder):
            first, last = since - timedelta(days=lookback(report.sql)), until + timedelta(days=lookahead(report.sql))
            days = list_days(self._folder, first, last)
            rebuilt = tuple(day.day for day in days if self._is_rebuilt(day))
            complete = complete_until(self._folder)
            known = None if complete is None else hour_number(complete) + 1
            window = Window.of(since, until, conditions, known)
            rows = self._run(engine.facts_query(days), render(report.sql, window, DUCKDB))
        return Answer(report, since, until, dict(filters), rows, complete, rebuilt)

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, facts: str, query: str) -> tuple[tuple[Any, ...], ...]:
        cursor = self._db.cursor()
        try:
            cursor.execute(f"CREATE TEMP VIEW facts AS {facts}")
            return tuple(cursor.execute(query).fetchall())
        except engine.errors() as e:
            raise FactsError(f"the facts can't be read: {str(e).splitlines()[0]}") from e
        finally:
            cursor.close()

    def _is_rebuilt(self, day: DayFiles) -> bool:
        """Return whether a day was rebuilt; each file is looked into once."""
        if day.compacted is None:
            return False
        found = day.compacted.stat()
        key = (day.compacted, found.st_ino, found.st_mtime_ns)
        if key not in self._notes:
            with self._lock:
                notes = engine.file_notes(self._db.cursor(), day.compacted)
            self._notes[key] = notes.get(engine.REBUILT_KEY) == "1"
        return self._notes[key]


def complete_until(folder: Path) -> int | None:
    """Return up to when all that happened was collected, seconds since 1970 UTC; None where nobody knows."""
    try:
        state = json.loads((folder / STATE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    value = state.get("complete_until") if isinstance(state, dict) else None
    return value if isinstance(value, int) else None


def check_days(since: date, until: date) -> None:
    """Check the days of a question.

    Raises:
        QuestionError: they are in the wrong order, too many, or too far away.
    """
    if since < FIRST_DAY or until > LAST_DAY:
        raise QuestionError(f"a report is about days from {FIRST_DAY} to {LAST_DAY}, got {since} to {until}")
    if since > until:
        raise QuestionError(f"expected the first day before the last, got {since} and {until}")
    if (until - since).days >= DAYS_MAX:
        raise QuestionError(f"a report is about {DAYS_MAX} days at most, got {(until - since).days + 1}")
