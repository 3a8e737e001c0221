"""Write everything that a device's store holds into an empty store."""

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
    """Create the tables and fill them, within the caller's transaction.

    Args:
        db: a database without tables.
        facts: all facts except the versions and the seal, which are computed.
        metadata: TUF's documents by role.
        documents: the key documents.
        logs: the status log of each UTC day.

    Raises:
        LogError: a log breaks a rule.
        ValueError, LookupError, TypeError: a value is not as it should be.
    """
    schema.create(db)
    schema.put_facts(db, **facts, versions=schema.versions(metadata))
    schema.put_documents(db, "metadata", metadata)
    schema.put_documents(db, "documents", documents)
    for day, data in logs.items():
        write_list(db, day, data)
    schema.put_seal(db)
