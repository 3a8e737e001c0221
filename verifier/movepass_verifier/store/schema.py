"""Define the layout of the device's store in its SQLite file, and the checksums that detect damage.

Every row carries a checksum of its content. Another checksum, the seal, covers the checksums of all rows except the
pages' and `last_seen`, so that a row that is missing or from an earlier transaction is noticed too. The checksums in a
row of `logs` cover the pages of its list. Checksums detect what a failing card does to a file; they stop no attacker
who writes to it. The journal's tables have no checksums, because no verdict relies on them: their constraints detect
damage.
"""

import json
import sqlite3
import zlib
from collections.abc import Mapping
from typing import Any

from movepass_verifier.errors import DamagedError

SCHEMA_VERSION = 3
APPLICATION_ID = int.from_bytes(b"MPdv", "big")
_TABLES = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value, sum INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE metadata (name TEXT PRIMARY KEY, sum INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE documents (name TEXT PRIMARY KEY, sum INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE logs (day INTEGER PRIMARY KEY, revoked INTEGER NOT NULL, sum INTEGER NOT NULL, sums BLOB, data BLOB)",
    "CREATE TABLE pages (id INTEGER PRIMARY KEY, bits BLOB NOT NULL)",
)
JOURNAL = {
    "journal_keys": "(day INTEGER PRIMARY KEY, key BLOB NOT NULL, CHECK (typeof(key) = 'blob' AND length(key) = 32))",
    "journal_entries": "(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, verdict TEXT NOT NULL, failed TEXT,"
    " published INTEGER, day INTEGER, pass BLOB, decision TEXT,"
    " CHECK (typeof(at) = 'integer' AND typeof(verdict) = 'text' AND typeof(failed) IN ('null', 'text')"
    " AND typeof(published) IN ('null', 'integer') AND typeof(decision) IN ('null', 'text')"
    " AND (pass IS NULL AND day IS NULL OR typeof(day) = 'integer' AND typeof(pass) = 'blob' AND length(pass) = 16)))",
    "journal_hours": "(hour INTEGER NOT NULL, verdict TEXT NOT NULL, scans INTEGER NOT NULL,"
    " shown_before INTEGER NOT NULL, let_through INTEGER NOT NULL, sent_back INTEGER NOT NULL,"
    " called_in INTEGER NOT NULL, PRIMARY KEY (hour, verdict),"
    " CHECK (typeof(hour) = 'integer' AND typeof(verdict) = 'text' AND scans >= 1"
    " AND shown_before BETWEEN 0 AND scans AND let_through >= 0 AND sent_back >= 0 AND called_in >= 0"
    " AND let_through + sent_back + called_in <= scans)) WITHOUT ROWID",
}
"""The journal's tables: a key for each UTC day of exp, the decisions, and counts by hour (journal.py)."""
_JOURNAL_TABLES = (
    *(f"CREATE TABLE {name} {columns}" for name, columns in JOURNAL.items()),
    "CREATE INDEX journal_passes ON journal_entries (pass) WHERE pass IS NOT NULL",
)
_UNSEALED = {"seal", "last_seen"}
"""Facts that the seal leaves out: the seal itself, and the fact that changes with every scan."""


def create(db: sqlite3.Connection) -> None:
    """Create the tables; the caller commits."""
    for table in _TABLES:
        db.execute(table)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    create_journal(db)


def create_journal(db: sqlite3.Connection) -> None:
    """Create the journal's tables, which a store of version 2 lacks; the caller commits."""
    for table in _JOURNAL_TABLES:
        db.execute(table)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def version(db: sqlite3.Connection) -> int:
    """Return the version of a store after checking that its layout matches that version.

    Raises:
        DamagedError: the layout does not match.
    """
    number: int = db.execute("PRAGMA user_version").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if number == 1 and application == 0:
        return number
    if application != APPLICATION_ID or number == 0:
        raise DamagedError("it does not begin like a device's store")
    if number <= SCHEMA_VERSION and _layout(db) != {*_TABLES, *(_JOURNAL_TABLES if number > 2 else ())}:
        raise DamagedError("its tables are not as they should be")
    return number


def _layout(db: sqlite3.Connection) -> set[str]:
    return {sql for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}


def checksum(*parts: object) -> int:
    """Return the CRC-32 of some values; byte strings count by their own CRC-32."""
    words = [(len(part), zlib.crc32(part)) if isinstance(part, bytes) else part for part in parts]
    return zlib.crc32(repr(words).encode())


# Facts


def facts(db: sqlite3.Connection) -> dict[str, Any]:
    """Read all facts.

    Raises:
        DamagedError: a fact differs from what was written.
    """
    found = {}
    for name, value, crc in db.execute("SELECT name, value, sum FROM facts"):
        if crc != checksum(name, value):
            raise DamagedError(f"its {name!r} is not what was written")
        found[name] = value
    return found


def put_facts(db: sqlite3.Connection, **values: Any) -> None:
    """Write facts; None deletes a fact."""
    for name, value in values.items():
        if value is None:
            db.execute("DELETE FROM facts WHERE name = ?", (name,))
        else:
            db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (name, value, checksum(name, value)))


# Documents: TUF's in the table metadata, the key documents in the table documents


def documents(db: sqlite3.Connection, table: str) -> dict[str, bytes]:
    """Read a table of documents.

    Raises:
        DamagedError: a document differs from what was written.
    """
    found = {}
    for name, crc, data in db.execute(f"SELECT name, sum, data FROM {table}"):  # noqa: S608 - a constant
        if crc != checksum(name, data):
            raise DamagedError(f"its {name!r} is not what was written")
        found[name] = data
    return found


def put_documents(db: sqlite3.Connection, table: str, values: Mapping[str, bytes]) -> None:
    """Replace all documents of a table."""
    db.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant
    rows = [(name, checksum(name, data), data) for name, data in values.items()]
    db.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)  # noqa: S608 - a constant


def versions(metadata: Mapping[str, bytes]) -> str:
    """Record the versions of TUF's documents, which survive if the documents are damaged."""
    found = {role: json.loads(data)["signed"]["version"] for role, data in metadata.items()}
    return json.dumps(found, sort_keys=True)


# The seal


def seal_of(db: sqlite3.Connection) -> int:
    """Compute the seal of the current content."""
    rows: list[Any] = [("facts", *row) for row in db.execute("SELECT name, sum FROM facts ORDER BY name")]
    rows = [row for row in rows if row[1] not in _UNSEALED]
    for table in ("metadata", "documents"):
        rows += db.execute(f"SELECT '{table}', name, sum FROM {table} ORDER BY name")  # noqa: S608 - a constant
    rows += db.execute("SELECT 'logs', day, sum FROM logs ORDER BY day")
    return checksum(*rows)


def put_seal(db: sqlite3.Connection) -> None:
    """Seal the current content."""
    put_facts(db, seal=seal_of(db))
