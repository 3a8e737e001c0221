"""How long reports take on a month's facts: `PYTHONPATH=tests python tools/bench/report_speed.py [APPLICATIONS]`.

A process of its own asks every report about the whole month three times, and the fastest counts; it tells its largest
memory too. SQLite has the same rows with an index on type and day, and asks what its SQL can say: it has no quantiles,
no grouping sets and no series of hours. Its answers must be the same.
"""

import json
import math
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from support.month_of_facts import DAYS, FIRST, write_month

from movepass_service.statistics import engine
from movepass_service.statistics.asking import Facts
from movepass_service.statistics.facts import DICTIONARY
from movepass_service.statistics.folder import list_days
from movepass_service.statistics.reports import all_reports
from movepass_service.statistics.templates import DUCKDB, Window, render

APPLICATIONS = 3_000_000
REPORT_MS_MAX, MEMORY_MB_MAX = 300, 500
_ROUNDS, _AT_ONCE = 3, 100_000
_LACKED = ("{quantile", "GROUPING SETS", "{hours}", "{event_hour}")
_UNTIL = FIRST + timedelta(days=DAYS - 1)
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Speed:
    """What the reports took.

    Attributes:
        ours: milliseconds by report.
        processor: milliseconds of processor time by report, of all threads together: what other processes do on the
            machine changes them little.
        sqlite: the same of SQLite, for those that it can answer.
        memory_mb: the largest memory of the process that asked.
        bytes_a_day: of the largest day's file.
        rows: events of the month.
    """

    ours: Mapping[str, float]
    processor: Mapping[str, float]
    sqlite: Mapping[str, float]
    memory_mb: float
    bytes_a_day: int
    rows: int


def measure(folder: Path, applications: int, *, with_sqlite: bool = True) -> Speed:
    """Write a month's facts into a folder and ask all reports.

    Raises:
        RuntimeError: SQLite's answer is another one.
    """
    facts = folder / "statistics"
    write_month(facts, applications, posts=min(0.7, applications / APPLICATIONS))
    command = [sys.executable, __file__, "--ask", str(facts)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    asked = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    sqlite, rows = _ask_sqlite(facts, folder / "facts.sqlite") if with_sqlite else ({}, 0)
    sizes = [day.compacted.stat().st_size for day in list_days(facts) if day.compacted]
    return Speed(asked["ms"], asked["processor_ms"], sqlite, asked["mb"], max(sizes), rows)


def ask_all(folder: Path) -> dict[str, Any]:
    """Ask every report; returns milliseconds by report, by the clock and of the processor, and the largest memory."""
    ms, processor = {}, {}
    with Facts.open(folder) as facts:
        for name in all_reports():
            ms[name], processor[name] = _fastest(partial(facts.ask, name, since=FIRST, until=_UNTIL))
    return {"ms": ms, "processor_ms": processor, "mb": _memory_mb()}


def _memory_mb() -> float:
    """Return the most memory that this process had; getrusage would count its parent's before it began."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
    return int(found[1]) / 1024 if found else math.nan


def _fastest(ask: Callable[[], object]) -> tuple[float, float]:
    clock, processor = [], []
    for _ in range(_ROUNDS):
        begun, used = time.perf_counter(), time.process_time()
        ask()
        clock.append(time.perf_counter() - begun)
        processor.append(time.process_time() - used)
    return min(clock) * 1000, min(processor) * 1000


def _ask_sqlite(facts: Path, file: Path) -> tuple[dict[str, float], int]:
    with closing(sqlite3.connect(file)) as db, Facts.open(facts) as ours:
        rows = _fill(db, facts)
        window = Window.of(FIRST, _UNTIL)
        ms = {}
        for name, report in all_reports().items():
            if any(word in report.sql for word in _LACKED):
                continue
            query = render(report.sql, window, DUCKDB)
            expected = ours.ask(name, since=FIRST, until=_UNTIL).rows
            if _rounded(_run(db, query)) != _rounded(expected):
                raise RuntimeError(f"{name}: SQLite answers otherwise")
            ms[name], _ = _fastest(partial(_run, db, query))
    return ms, rows


def _run(db: sqlite3.Connection, query: str) -> list[Any]:
    return db.execute(query).fetchall()


def _rounded(rows: Any) -> list[tuple[Any, ...]]:
    return [tuple(round(value, _DIGITS) if isinstance(value, float) else value for value in row) for row in rows]


def _fill(db: sqlite3.Connection, facts: Path) -> int:
    db.execute("PRAGMA journal_mode = OFF")
    db.execute(f"CREATE TABLE facts ({', '.join(f'{name} {entry.sql}' for name, entry in DICTIONARY.items())})")
    insert = f"INSERT INTO facts VALUES ({', '.join('?' for _ in DICTIONARY)})"
    count = 0
    with closing(engine.connect()) as source:
        cursor = source.execute(engine.facts_query(list_days(facts)))
        while rows := cursor.fetchmany(_AT_ONCE):
            db.executemany(insert, rows)
            count += len(rows)
    db.execute("CREATE INDEX by_type ON facts (type, day)")
    db.execute("ANALYZE")
    db.commit()
    return count


def main() -> int:
    """Measure, and print a line a report; exits with 1 if a bar is missed."""
    if sys.argv[1:2] == ["--ask"]:
        print(json.dumps(ask_all(Path(sys.argv[2]))))
        return 0
    applications = int(sys.argv[1]) if len(sys.argv) > 1 else APPLICATIONS
    with TemporaryDirectory() as folder:
        speed = measure(Path(folder), applications, with_sqlite=False)
    for name, took in speed.ours.items():
        print(f"{name:<26} {took:6.0f} ms, {speed.processor[name]:6.0f} ms of the processor")
    print(f"{applications:,} applications; {speed.memory_mb:.0f} MB; a day's file has {speed.bytes_a_day:,} bytes")
    is_met = max(speed.ours.values()) <= REPORT_MS_MAX and speed.memory_mb <= MEMORY_MB_MAX
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
