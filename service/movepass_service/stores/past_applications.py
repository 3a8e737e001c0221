"""Reads what rules have decided from the embedded store, for a replay; it may be done while the service runs."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from movepass_service.applications.states import State
from movepass_service.decisions.records import RULES
from movepass_service.errors import StoreError
from movepass_service.rules.columns import COLUMNS, Value
from movepass_service.rules.replay import Decided, PastApplication
from movepass_service.stores.sqlite import FILE

_BATCH = 2000
_RELEASED = (State.WITHDRAWN, State.REVOKED)
"""States in which a pass no longer counts."""
_QUERY = """
SELECT decision.record, application.reference, application.correction, application.received_at,
    application.not_before, application.not_after, application.id_hash, application.state, application.since,
    pass.number IS NOT NULL
FROM decisions AS decision
JOIN applications AS application ON application.number = decision.number
LEFT JOIN passes AS pass ON pass.number = application.number AND pass.correction = application.correction
WHERE decision.record IS NOT NULL AND NOT decision.by_person
ORDER BY decision.id
"""
_facts: Callable[[Mapping[str, Value | None]], tuple[Value | None, ...]] = itemgetter(*COLUMNS)


def read_past(data: Path) -> Iterator[PastApplication]:
    """Read the applications that are kept, in the order in which rules decided them, each as it was last corrected.

    Raises:
        StoreError: the store can't be read.
    """
    path = data / FILE
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as db:
            found = db.execute(_QUERY)
            while batch := found.fetchmany(_BATCH):
                records = json.loads(f"[{','.join(row[0] for row in batch)}]")
                for record, row in zip(records, batch, strict=True):
                    if record["actor"] == RULES and record["correction"] == row[2]:
                        yield _past(record, row)
    except sqlite3.Error as e:
        raise StoreError(f"can't read {path}: {e}") from e


def _past(record: dict[str, Any], row: Sequence[Any]) -> PastApplication:
    _, reference, correction, received, not_before, not_after, person, state, since, got_pass = row
    return PastApplication(
        reference,
        record["at"] if correction else received,
        not_before,
        not_after,
        person,
        _values(record["facts"]),
        Decided(record["action"], record.get("row"), record["code"]),
        bool(got_pass),
        since if state in _RELEASED else None,
    )


def _values(facts: Mapping[str, Value | None]) -> tuple[Value | None, ...]:
    try:
        return _facts(facts)
    except KeyError:  # recorded before there was that column
        return tuple(facts.get(name) for name in COLUMNS)
