"""Migrate stores of earlier software to the current layout."""

import json
import sqlite3

from movepass_verifier.errors import DamagedError
from movepass_verifier.store import schema
from movepass_verifier.store.contents import fill
from movepass_wire import LogError


def migrate(db: sqlite3.Connection) -> None:
    """Bring a store up to this version, in one transaction.

    Raises:
        DamagedError: its content can't be read.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        while (version := schema.version(db)) < schema.SCHEMA_VERSION:  # another process may have been faster
            _STEPS[version](db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _from_1(db: sqlite3.Connection) -> None:
    """Migrate version 1, which had no checksums, larger pages, one source and fixed ages, to this version at once."""
    try:
        facts = dict(db.execute("SELECT name, value FROM facts"))
        metadata = dict(db.execute("SELECT name, data FROM metadata"))
        documents = dict(db.execute("SELECT name, data FROM documents"))
        logs = dict(db.execute("SELECT day, data FROM logs"))
        for table in ("facts", "metadata", "documents", "logs", "pages"):
            db.execute(f"DROP TABLE {table}")
        facts |= {"sources": json.dumps([facts.pop("source")]), "max_age": 24 * 3600, "warning_age": 6 * 3600}
        fill(db, facts, metadata, documents, logs)
    except (LookupError, TypeError, ValueError, LogError) as e:
        raise DamagedError(f"it can't be brought to version {schema.SCHEMA_VERSION} ({e!r})") from e


_STEPS = {1: _from_1, 2: schema.create_journal}
"""The migration of each earlier version; version 2 had no journal."""
