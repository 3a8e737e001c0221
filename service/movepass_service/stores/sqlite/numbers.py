"""Registered numbers in an SQLite file of its own."""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from movepass_keys import files
from movepass_service.errors import StoreError
from movepass_service.stores.numbers import (
    KEY_BYTES,
    Budgets,
    Code,
    Ends,
    Helper,
    Purses,
    check_budgets,
    is_right,
    new_rows,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS challenges (
    id BLOB PRIMARY KEY, phone TEXT NOT NULL, code BLOB NOT NULL, made_at INTEGER NOT NULL, tries INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS budgets (
    name BLOB NOT NULL, day INTEGER NOT NULL, spent INTEGER NOT NULL, last_at INTEGER NOT NULL, PRIMARY KEY (name, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
    token BLOB PRIMARY KEY, phone TEXT NOT NULL, seen_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS applications (
    phone BLOB NOT NULL, reference TEXT NOT NULL, secret TEXT NOT NULL, made_at INTEGER NOT NULL,
    PRIMARY KEY (phone, reference)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS list_rows (id TEXT PRIMARY KEY, made_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS helpers (
    phone BLOB PRIMARY KEY, role TEXT NOT NULL, name TEXT NOT NULL, quota INTEGER NOT NULL
) WITHOUT ROWID;
"""
_SPEND = (
    "INSERT INTO budgets VALUES (?, ?, ?, ?) "
    "ON CONFLICT (name, day) DO UPDATE SET spent = spent + excluded.spent, last_at = excluded.last_at"
)
_BUSY_SECONDS = 10.0


class SqliteNumbers:
    """See stores.numbers.NumberStore. One file behind a lock; every change is a transaction."""

    def __init__(self, path: Path) -> None:
        """Open the file, which is made where there is none.

        Raises:
            StoreError: it can't be opened.
        """
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, files.OWNER_ONLY))
            self._db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
                self._db.execute(f"PRAGMA {setting}")
            self._db.executescript(_SCHEMA)
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('key', ?)", (os.urandom(KEY_BYTES),))
            self._key: bytes = self._db.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()[0]
        except (OSError, sqlite3.Error) as e:
            raise StoreError(f"{path} can't be opened: {e}") from e
        self._lock = threading.Lock()

    @property
    def key(self) -> bytes:
        """See NumberStore."""
        return self._key

    def add_code(self, code: Code, purses: Purses, budgets: Budgets, day: int) -> None:
        """See NumberStore."""
        names = (purses.number, purses.prefix, purses.day)
        with self._transaction() as db:
            query = "SELECT spent, last_at FROM budgets WHERE name = ? AND day = ?"
            found = [db.execute(query, (name, day)).fetchone() or (0, 0) for name in names]
            check_budgets(budgets, [spent for spent, _ in found], found[0][1], code.made_at)
            db.executemany(_SPEND, [(name, day, 1, code.made_at) for name in names])
            values = (code.id, code.phone, code.code, code.made_at, code.tries)
            db.execute("INSERT INTO challenges VALUES (?, ?, ?, ?, ?)", values)

    def try_code(self, id_: bytes, given: bytes, session: bytes, now: int, *, made_after: int, tries_max: int) -> bool:
        """See NumberStore."""
        with self._transaction() as db:
            row = db.execute("SELECT id, phone, code, made_at, tries FROM challenges WHERE id = ?", (id_,)).fetchone()
            code = Code(*row) if row else None
            right = is_right(code, given, made_after, tries_max)
            if right and code is not None:
                db.execute("DELETE FROM challenges WHERE id = ?", (id_,))
                db.execute("INSERT INTO sessions VALUES (?, ?, ?)", (session, code.phone, now))
            else:
                db.execute("UPDATE challenges SET tries = tries + 1 WHERE id = ?", (id_,))
        return right

    def session(self, token: bytes, began_after: int) -> str | None:
        """See NumberStore."""
        query = "SELECT phone FROM sessions WHERE token = ? AND seen_at > ?"
        with self._transaction() as db:
            row = db.execute(query, (token, began_after)).fetchone()
        return row[0] if row else None

    def end_session(self, token: bytes) -> None:
        """See NumberStore."""
        with self._transaction() as db:
            db.execute("DELETE FROM sessions WHERE token = ?", (token,))

    def note_applications(self, phone: bytes, receipts: Sequence[tuple[str, str]], now: int) -> None:
        """See NumberStore."""
        rows = [(phone, reference, secret, now) for reference, secret in receipts]
        with self._transaction() as db:
            db.executemany("INSERT OR IGNORE INTO applications VALUES (?, ?, ?, ?)", rows)

    def applications(self, phone: bytes, made_after: int, limit: int | None = None) -> list[tuple[str, str]]:
        """See NumberStore."""
        query = (
            "SELECT reference, secret FROM applications WHERE phone = ? AND made_at > ? "
            "ORDER BY made_at DESC, reference LIMIT ?"
        )
        with self._transaction() as db:
            found = db.execute(query, (phone, made_after, -1 if limit is None else limit))
            return [(reference, secret) for reference, secret in found]

    def application_secret(self, phone: bytes, reference: str, made_after: int) -> str | None:
        """See NumberStore."""
        query = "SELECT secret FROM applications WHERE phone = ? AND reference = ? AND made_at > ?"
        with self._transaction() as db:
            row = db.execute(query, (phone, reference, made_after)).fetchone()
        return row[0] if row else None

    def put_helper(self, phone: bytes, helper: Helper) -> None:
        """See NumberStore."""
        row = (phone, helper.role, helper.name, helper.quota)
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO helpers VALUES (?, ?, ?, ?)", row)

    def helper(self, phone: bytes) -> Helper | None:
        """See NumberStore."""
        with self._transaction() as db:
            row = db.execute("SELECT role, name, quota FROM helpers WHERE phone = ?", (phone,)).fetchone()
        return Helper(*row) if row else None

    def rows_spent(self, name: bytes, day: int) -> int:
        """See NumberStore."""
        with self._transaction() as db:
            return _spent(db, name, day)

    def reserve_rows(self, name: bytes, day: int, ids: Sequence[str], quota: int, now: int) -> set[str]:
        """See NumberStore."""
        with self._transaction() as db:
            query = "SELECT 1 FROM list_rows WHERE id = ?"
            known = {row for row in ids if db.execute(query, (row,)).fetchone()}
            new = new_rows(ids, known, quota - _spent(db, name, day))
            db.executemany("INSERT INTO list_rows VALUES (?, ?)", [(row, now) for row in new])
            db.execute(_SPEND, (name, day, len(new), now))
        return known | set(new)

    def forget(self, ends: Ends) -> None:
        """See NumberStore. It goes from the write-ahead log too, unless somebody reads that at this moment."""
        with self._transaction() as db:
            for query, before in (
                ("DELETE FROM challenges WHERE made_at <= ?", ends.codes),
                ("DELETE FROM sessions WHERE seen_at <= ?", ends.sessions),
                ("DELETE FROM budgets WHERE day < ?", ends.day),
                ("DELETE FROM applications WHERE made_at <= ?", ends.applications),
                ("DELETE FROM list_rows WHERE made_at <= ?", ends.applications),
            ):
                db.execute(query, (before,))
        with self._lock, suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """See NumberStore."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Change something, all or nothing.

        Raises:
            StoreError: it can't be written.
        """
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as e:
                raise StoreError(f"what is kept of registered numbers can't be changed: {e}") from e


def _spent(db: sqlite3.Connection, name: bytes, day: int) -> int:
    row = db.execute("SELECT spent FROM budgets WHERE name = ? AND day = ?", (name, day)).fetchone()
    return int(row[0]) if row else 0
