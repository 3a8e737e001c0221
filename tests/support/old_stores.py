"""Stores as earlier software made them, for the tests of what becomes of them."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from movepass_verifier.store import FILE_NAME

VERSION_1 = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE metadata (name TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE documents (name TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE logs (day INTEGER PRIMARY KEY, revoked INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE pages (day INTEGER, page INTEGER, bits BLOB NOT NULL, PRIMARY KEY (day, page)) WITHOUT ROWID;
"""


def make_version_1(folder: Path) -> None:
    """Write a store of today anew as version 1 had it: one source, and pages only where something is revoked."""
    path, old = folder / FILE_NAME, folder / "old.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("ATTACH ? AS old", (str(old),))
        db.execute("PRAGMA old.journal_mode = WAL")
        db.executescript(VERSION_1.replace("CREATE TABLE ", "CREATE TABLE old."))
        db.execute("INSERT INTO old.facts SELECT name, value FROM facts WHERE name <> 'sources'")
        (sources,) = db.execute("SELECT value FROM facts WHERE name = 'sources'").fetchone()
        db.execute("INSERT INTO old.facts VALUES ('source', ?)", json.loads(sources))
        for table in ("metadata", "documents"):
            db.execute(f"INSERT INTO old.{table} SELECT name, data FROM {table}")
        db.execute("INSERT INTO old.logs SELECT day, revoked, data FROM logs")
        db.execute("INSERT INTO old.pages SELECT day, page, bits FROM pages WHERE bits <> zeroblob(length(bits))")
        db.execute("PRAGMA old.user_version = 1")
    old.replace(path)
