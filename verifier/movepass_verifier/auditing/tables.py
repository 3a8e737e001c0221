"""Join an auditor's copies in a temporary database, which lies on the disk and is gone when it is closed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from movepass_verifier.errors import AuditError

KEPT, CHANGED, MISSING = 0, 1, 2
"""The states of a decision's record."""
INDEX_BITS = 30
_ROWS = 20_000
_CACHE_KIB = 65536
_TABLES = """
CREATE TABLE decisions (
    position INTEGER PRIMARY KEY, at INTEGER NOT NULL, state INTEGER NOT NULL,
    action TEXT, actor TEXT, reference TEXT, row TEXT, proposed_by TEXT, is_bulk INTEGER
);
CREATE TABLE issuances (
    position INTEGER PRIMARY KEY, key INTEGER NOT NULL, at INTEGER NOT NULL, decision INTEGER NOT NULL,
    payload BLOB NOT NULL, replaces INTEGER
);
CREATE TABLE issued (key INTEGER NOT NULL, payload BLOB, revoked INTEGER NOT NULL);
"""
_INDEXES = """
CREATE INDEX decisions_of ON decisions (reference, position) WHERE reference IS NOT NULL;
CREATE INDEX issuances_of ON issuances (key);
CREATE INDEX issuances_by ON issuances (decision);
CREATE INDEX issued_of ON issued (key);
CREATE INDEX replacing ON issuances (replaces) WHERE replaces IS NOT NULL;
ANALYZE;
"""


@contextmanager
def open_tables() -> Iterator[sqlite3.Connection]:
    """Open an empty temporary database.

    Raises:
        AuditError: there is no room for it.
    """
    try:
        with closing(sqlite3.connect("", isolation_level=None)) as db:
            db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            db.execute("PRAGMA journal_mode = OFF")
            db.execute("PRAGMA synchronous = OFF")
            db.executescript(_TABLES)
            yield db
    except sqlite3.Error as e:
        raise AuditError(
            f"can't keep what the audit compares: {e}; it needs room for about as much as the copies, in SQLITE_TMPDIR"
        ) from e


class TableWriter:
    """TableWriter on their way into a table, inserted some thousands at once."""

    def __init__(self, db: sqlite3.Connection, table: str, columns: int) -> None:
        self._db = db
        self._insert = f"INSERT INTO {table} VALUES ({','.join('?' * columns)})"  # noqa: S608 - names of our own
        self._rows: list[tuple[object, ...]] = []

    def add(self, *row: object) -> None:
        """Add a row."""
        self._rows.append(row)
        if len(self._rows) >= _ROWS:
            self.flush()

    def flush(self) -> None:
        """Insert what is left."""
        self._db.execute("BEGIN")
        self._db.executemany(self._insert, self._rows)
        self._db.execute("COMMIT")
        self._rows.clear()


def add_indexes(db: sqlite3.Connection) -> None:
    """Index the tables, once all rows are in them."""
    db.executescript(_INDEXES)


def pass_key(day: int, index: int) -> int:
    """Return a pass as one number."""
    return day << INDEX_BITS | index


def split_key(key: int) -> tuple[int, int]:
    """Return day and index of a pass_key."""
    return key >> INDEX_BITS, key & (1 << INDEX_BITS) - 1
