"""All that a device's store holds, written at once into an empty one."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from movepass_verifier.store import schema
from movepass_verifier.store.pages import write_list


def fill(
    db: sqlite3.Connection,
    facts: Mapping[str, Any],
    metadata: Mapping[str, bytes],
    documents: Mapping[str, bytes],
    logs: Mapping[int, bytes],
) -> None:
    """Make the tables and fill them, within the caller's transaction.

    Args:
        db: without tables.
        facts: all but the versions and the seal, which follow from the rest.
        metadata: TUF's documents by role.
        documents: those of the keys.
        logs: each UTC day's log.

    Raises:
        LogError: a log breaks a rule.
        ValueError, LookupError, TypeError: something is not what it should be.
    """
    schema.create(db)
    schema.put_facts(db, **facts, versions=schema.versions(metadata))
    schema.put_documents(db, "metadata", metadata)
    schema.put_documents(db, "documents", documents)
    for day, data in logs.items():
        write_list(db, day, data)
    schema.put_seal(db)
