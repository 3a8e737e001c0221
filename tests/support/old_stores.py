"""Make stores as earlier software made them."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from movepass_verifier.store.schema import JOURNAL
from movepass_verifier.store.store import FILE_NAME
from movepass_wire import read_log

VERSION_1 = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE metadata (name TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE documents (name TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE logs (day INTEGER PRIMARY KEY, revoked INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE pages (day INTEGER, page INTEGER, bits BLOB NOT NULL, PRIMARY KEY (day, page)) WITHOUT ROWID;
"""


_PAGE_BYTES = 2048


def make_version_1(folder: Path) -> None:
    """Rewrite a current store as version 1 had it: no checksums, one source, larger pages."""
    path, old = folder / FILE_NAME, folder / "old.sqlite"
    with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(old, isolation_level=None)) as to:
        to.executescript(VERSION_1)
        facts = dict(db.execute("SELECT name, value FROM facts"))
        kept = {name: facts[name] for name in ("syncs", "published", "synced_at", "last_seen") if name in facts}
        (kept["source"],) = json.loads(facts["sources"])
        to.executemany("INSERT INTO facts VALUES (?, ?)", kept.items())
        for table in ("metadata", "documents"):
            to.executemany(f"INSERT INTO {table} VALUES (?, ?)", db.execute(f"SELECT name, data FROM {table}"))
        for day, data in db.execute("SELECT day, data FROM logs"):
            revoked = read_log(data).revoked
            to.execute("INSERT INTO logs VALUES (?, ?, ?)", (day, len(revoked), data))
            bits = sum(1 << index for index in revoked)
            whole = bits.to_bytes(bits.bit_length() // 8 + 1, "little")
            for at in range(0, len(whole), _PAGE_BYTES):
                if any(whole[at : at + _PAGE_BYTES]):
                    row = day, at // _PAGE_BYTES, whole[at : at + _PAGE_BYTES]
                    to.execute("INSERT INTO pages VALUES (?, ?, ?)", row)
        to.execute("PRAGMA user_version = 1")
        to.execute("PRAGMA journal_mode = WAL")
    old.replace(path)


def make_version_2(folder: Path) -> None:
    """Rewrite a current store as version 2 had it: no journal."""
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as db:
        for table in JOURNAL:
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version = 2")
        db.execute("VACUUM")
