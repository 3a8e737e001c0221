"""What is kept of registered numbers, in a file of its own. Numbers are looked up by a keyed hash."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from movepass_keys import files
from movepass_service.errors import StoreError

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
_BUSY_SECONDS = 10.0
KEY_BYTES = 32


class AccountStore:
    """One SQLite file behind a lock; every change is a transaction, durable when it returns."""

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
            self.key: bytes = self._db.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()[0]
        except (OSError, sqlite3.Error) as e:
            raise StoreError(f"{path} can't be opened: {e}") from e
        self._lock = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
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

    def truncate_log(self) -> None:
        """Let what was deleted go from the write-ahead log too, unless somebody reads it at this moment."""
        with self._lock, suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()
