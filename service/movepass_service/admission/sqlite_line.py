"""The line in one process: counters in memory; places, turns and uses in a file of their own, for the next start.

A file of its own, so that places never wait for applications' commits. Each write is its own transaction in WAL mode
with synchronous=NORMAL: it survives the end of the process; if the power fails, the last moments may be lost.
"""

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

from movepass_service.admission.line import Counters, LineState
from movepass_service.admission.store import Use, state_from_json, state_to_json
from movepass_service.errors import StoreError

FILE = "line.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS lane (lane TEXT PRIMARY KEY, issued INTEGER NOT NULL, state TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS come (lane TEXT, number INTEGER, client BLOB NOT NULL, enter_at INTEGER NOT NULL,
PRIMARY KEY (lane, number))
WITHOUT ROWID;
"""


class SqliteLine:
    """See LineStore for what each method promises."""

    def __init__(self, folder: Path) -> None:
        """Open the line of a service's folder, which is made where there is none.

        Raises:
            StoreError: the file can't be used.
        """
        self._lock = threading.Lock()
        self._states: dict[str, LineState | None] = {}
        self._counters: dict[str, Counters] = {}
        try:
            self._db = sqlite3.connect(folder / FILE, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
            rows = self._db.execute("SELECT lane, issued, state FROM lane").fetchall()
        except sqlite3.Error as e:
            raise StoreError(f"{folder / FILE}: {e}") from e
        for lane, issued, text in rows:
            state = state_from_json(text) if text else None
            self._states[lane] = state
            self._counters[lane] = replace(state.counted if state else Counters(), issued=issued)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def load(self, lane: str, *, entered: int = 0, unreserved: int = 0) -> tuple[LineState | None, Counters]:
        """See LineStore."""
        with self._lock:
            known = self._counters.get(lane, Counters())
            counters = replace(known, entered=known.entered + entered, unreserved=known.unreserved + unreserved)
            self._counters[lane] = counters
            return self._states.get(lane), counters

    def save(self, lane: str, before: LineState | None, after: LineState) -> bool:
        """See LineStore. While nobody ever waited nothing is written."""
        with self._lock:
            if self._states.get(lane) != before:
                return False
            issued = self._counters.get(lane, Counters()).issued
            if issued and (before is None or not _is_at_rest(before, issued) or not _is_at_rest(after, issued)):
                self._write("UPDATE lane SET state = ? WHERE lane = ?", (state_to_json(after), lane))
            self._states[lane] = after
            return True

    def take(self, lane: str, now: float) -> int:
        """See LineStore."""
        del now
        with self._lock:
            counters = self._counters.get(lane, Counters())
            number = counters.issued + 1
            self._write(
                "INSERT INTO lane VALUES (?, ?, NULL) ON CONFLICT (lane) DO UPDATE SET issued = excluded.issued",
                (lane, number),
            )
            self._counters[lane] = replace(counters, issued=number)
            return number

    def come(self, lane: str, number: int, use: Use) -> Use | None:
        """See LineStore."""
        with self._lock:
            known = self._use_of(lane, number)
            if known is None:
                values = (lane, number, use.client, use.enter_at)
                self._write("INSERT INTO come VALUES (?, ?, ?, ?)", values)
            return known

    def use_of(self, lane: str, number: int) -> Use | None:
        """See LineStore."""
        with self._lock:
            return self._use_of(lane, number)

    def came(self, lane: str, first: int, last: int) -> int:
        """See LineStore."""
        query = "SELECT COUNT(*) FROM come WHERE lane = ? AND number BETWEEN ? AND ?"
        with self._lock:
            return int(self._write(query, (lane, first, last)).fetchone()[0])

    def forget(self, lane: str, up_to: int, entered_before: int) -> None:
        """See LineStore."""
        query = "DELETE FROM come WHERE lane = ? AND number <= ? AND enter_at < ?"
        with self._lock:
            self._write(query, (lane, up_to, entered_before))

    def _use_of(self, lane: str, number: int) -> Use | None:
        query = "SELECT client, enter_at FROM come WHERE lane = ? AND number = ?"
        row = self._write(query, (lane, number)).fetchone()
        return None if row is None else Use(*row)

    def _write(self, query: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        try:
            return self._db.execute(query, values)
        except sqlite3.Error as e:
            raise StoreError(f"the line: {e}") from e


def _is_at_rest(state: LineState, issued: int) -> bool:
    return state.called >= issued and not state.batches and state.over >= issued
