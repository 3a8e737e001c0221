"""How the device's store is laid out in its SQLite file, and what proves that it is undamaged.

Every row carries a checksum of its content. One more, the seal, covers those of all rows but the pages' and
`last_seen`: so a row that is missing, or of an earlier transaction, shows as well. A list's pages are covered by the
checksums in its row of `logs`. Checksums find what a failing card does to a file; they stop nobody who writes to it.
"""

import json
import sqlite3
import zlib
from collections.abc import Mapping
from typing import Any

from movepass_verifier.errors import DamagedError

SCHEMA_VERSION = 2
APPLICATION_ID = int.from_bytes(b"MPdv", "big")
_TABLES = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value, sum INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE metadata (name TEXT PRIMARY KEY, sum INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE documents (name TEXT PRIMARY KEY, sum INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE logs (day INTEGER PRIMARY KEY, revoked INTEGER NOT NULL, sum INTEGER NOT NULL, sums BLOB, data BLOB)",
    "CREATE TABLE pages (id INTEGER PRIMARY KEY, bits BLOB NOT NULL)",
)
_UNSEALED = {"seal", "last_seen"}
"""Facts that the seal leaves out: itself, and what changes with every scan."""


def create(db: sqlite3.Connection) -> None:
    """Make the tables; the caller commits."""
    for table in _TABLES:
        db.execute(table)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def version(db: sqlite3.Connection) -> int:
    """Give a store's version, having looked whether it is laid out as that version is.

    Raises:
        DamagedError: it is not.
    """
    number: int = db.execute("PRAGMA user_version").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if number == 1 and application == 0:
        return number
    if application != APPLICATION_ID or number == 0:
        raise DamagedError("it does not begin as a device's store does")
    if number <= SCHEMA_VERSION and not _laid_out(db):
        raise DamagedError("its tables are not as they should be")
    return number


def _laid_out(db: sqlite3.Connection) -> bool:
    found = {sql for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    return found == set(_TABLES)


def checksum(*parts: object) -> int:
    """Give the CRC-32 of some values, of the bytes among them by their own."""
    words = [(len(part), zlib.crc32(part)) if isinstance(part, bytes) else part for part in parts]
    return zlib.crc32(repr(words).encode())


# Facts


def facts(db: sqlite3.Connection) -> dict[str, Any]:
    """Read all facts.

    Raises:
        DamagedError: one is not what was written.
    """
    found = {}
    for name, value, crc in db.execute("SELECT name, value, sum FROM facts"):
        if crc != checksum(name, value):
            raise DamagedError(f"its {name!r} is not what was written")
        found[name] = value
    return found


def put_facts(db: sqlite3.Connection, **values: Any) -> None:
    """Write facts; None takes one away."""
    for name, value in values.items():
        if value is None:
            db.execute("DELETE FROM facts WHERE name = ?", (name,))
        else:
            db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (name, value, checksum(name, value)))


# Documents: of TUF in the table metadata, of the keys in the table documents


def documents(db: sqlite3.Connection, table: str) -> dict[str, bytes]:
    """Read a table of documents.

    Raises:
        DamagedError: one is not what was written.
    """
    found = {}
    for name, crc, data in db.execute(f"SELECT name, sum, data FROM {table}"):  # noqa: S608 - a constant
        if crc != checksum(name, data):
            raise DamagedError(f"its {name!r} is not what was written")
        found[name] = data
    return found


def put_documents(db: sqlite3.Connection, table: str, values: Mapping[str, bytes]) -> None:
    """Let a table hold these documents and no others."""
    db.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant
    rows = [(name, checksum(name, data), data) for name, data in values.items()]
    db.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)  # noqa: S608 - a constant


def versions(metadata: Mapping[str, bytes]) -> str:
    """Write down the versions of TUF's documents, which outlive the documents where those are damaged."""
    found = {role: json.loads(data)["signed"]["version"] for role, data in metadata.items()}
    return json.dumps(found, sort_keys=True)


# The seal


def seal_of(db: sqlite3.Connection) -> int:
    """Compute the seal of what is there."""
    rows: list[Any] = [("facts", *row) for row in db.execute("SELECT name, sum FROM facts ORDER BY name")]
    rows = [row for row in rows if row[1] not in _UNSEALED]
    for table in ("metadata", "documents"):
        rows += db.execute(f"SELECT '{table}', name, sum FROM {table} ORDER BY name")  # noqa: S608 - a constant
    rows += db.execute("SELECT 'logs', day, sum FROM logs ORDER BY day")
    return checksum(*rows)


def put_seal(db: sqlite3.Connection) -> None:
    """Seal what is there."""
    put_facts(db, seal=seal_of(db))
