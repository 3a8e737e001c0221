"""Stores that earlier software made, brought to the layout of this one."""

import json
import sqlite3

from movepass_verifier import schema
from movepass_verifier.errors import DamagedError
from movepass_verifier.pages import write_list
from movepass_wire import LogError


def migrate(db: sqlite3.Connection) -> None:
    """Bring a store up to this version, in one transaction.

    Raises:
        DamagedError: what it holds can't be read.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        for step in _STEPS[schema.version(db) - 1 :]:  # another process may have been here first
            step(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _from_1_to_2(db: sqlite3.Connection) -> None:
    """Version 1 had no checksums, larger pages, and one source."""
    try:
        facts = dict(db.execute("SELECT name, value FROM facts"))
        metadata = dict(db.execute("SELECT name, data FROM metadata"))
        documents = dict(db.execute("SELECT name, data FROM documents"))
        logs = dict(db.execute("SELECT day, data FROM logs"))
        for table in ("facts", "metadata", "documents", "logs", "pages"):
            db.execute(f"DROP TABLE {table}")
        schema.create(db)
        facts["sources"] = json.dumps([facts.pop("source")])
        schema.put_facts(db, **facts, versions=schema.versions(metadata))
        schema.put_documents(db, "metadata", metadata)
        schema.put_documents(db, "documents", documents)
        for day, data in logs.items():
            write_list(db, day, data)
        schema.put_seal(db)
    except (KeyError, TypeError, ValueError, LogError) as e:
        raise DamagedError(f"it can't be brought to version 2 ({e!r})") from None


_STEPS = (_from_1_to_2,)
"""What brings a store from version 1 to 2, from 2 to 3, and so on."""
