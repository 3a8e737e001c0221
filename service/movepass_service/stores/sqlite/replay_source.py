"""Replays what rules have decided, from the embedded store. It only reads, so the service may run meanwhile."""

import gc
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from functools import partial, reduce
from heapq import merge
from itertools import islice
from multiprocessing import get_context
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from movepass_service.applications.application import split_hash
from movepass_service.applications.states import HOLDING, State
from movepass_service.decisions.records import RULES
from movepass_service.errors import StoreError
from movepass_service.rules.columns import COLUMNS, Value
from movepass_service.rules.engine import RuleSet
from movepass_service.rules.replay import Change, Decided, PastApplication, Replay, replay
from movepass_service.stores.sqlite.store import FILE

_BATCH = 100
"""Rows that are read at once: few enough for a processor's cache."""
_RELEASED = (State.WITHDRAWN, State.REVOKED)
"""States in which a pass no longer counts."""
_QUERY = """
SELECT decision.record, application.reference, application.correction, application.received_at,
    application.not_before, application.not_after, application.id_hash, application.state, application.since,
    application.pass_number IS NOT NULL, decision.digest
FROM decisions AS decision
JOIN applications AS application ON application.number = decision.number
WHERE decision.record IS NOT NULL AND NOT decision.by_person
ORDER BY decision.id
"""
_PERSON, _DIGEST = 6, 10
"""Places of two columns. Whoever has no identity hash has no quota, and is in a share by chance."""
_PROCESSES_MAX = 4
_ALONE_MAX = 200_000
"""So many decisions are replayed sooner than other processes have started."""
_facts: Callable[[Mapping[str, Value | None]], tuple[Value | None, ...]] = itemgetter(*COLUMNS)


def replay_past(
    data: Path, rules: RuleSet, *, since: int = 0, changes_max: int | None = None
) -> tuple[Replay, list[Change]]:
    """Replay the applications that are kept. Nothing but a person's passes ties them, so processes share the persons.

    Args:
        data: the service's folder.
        rules: the version to try.
        since: earlier applications only count for quotas; see rules.replay.
        changes_max: how many changes are returned, the first ones; all without it.

    Raises:
        StoreError: the store can't be read.
    """
    shares = min(os.cpu_count() or 1, _PROCESSES_MAX) if _decisions(data) > _ALONE_MAX else 1
    task = partial(_replay_share, data, rules.table.source, shares, since, changes_max)
    if shares == 1:
        return task(0)
    with ProcessPoolExecutor(shares, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(task, range(shares)))
    changes = merge(*(changes for _, changes in parts), key=lambda change: change.application.came)
    return reduce(Replay.plus, (result for result, _ in parts)), list(islice(changes, changes_max))


def _replay_share(
    data: Path, source: str, shares: int, since: int, changes_max: int | None, share: int
) -> tuple[Replay, list[Change]]:
    """Replay one share of the persons."""
    changes: list[Change] = []

    def on_change(change: Change) -> None:
        if changes_max is None or len(changes) < changes_max:
            changes.append(change)

    past = read_past(data, share, shares)
    gc.disable()  # there are no cycles in a million records: to look for them takes longer than to read them
    try:
        return replay(RuleSet.from_toml(source), past, since=since, on_change=on_change), changes
    finally:
        gc.enable()


def read_past(data: Path, share: int = 0, shares: int = 1) -> Iterator[PastApplication]:
    """Read the applications that are kept, in the order in which rules decided them, each as it was last corrected.

    Args:
        data: the service's folder.
        share: which share of the persons is read, from 0.
        shares: how many there are.

    Raises:
        StoreError: the store can't be read.
    """
    with _reading(data) as db:
        found = db.execute(_QUERY)
        while rows := found.fetchmany(_BATCH):
            batch = [row for row in rows if shares == 1 or (row[_PERSON] or row[_DIGEST])[0] % shares == share]
            records = json.loads(f"[{','.join(row[0] for row in batch)}]")
            for record, row in zip(records, batch, strict=True):
                if record["actor"] == RULES and record["correction"] == row[2]:
                    yield _past(record, row)


def _decisions(data: Path) -> int:
    with _reading(data) as db:
        return int(db.execute("SELECT coalesce(max(id), 0) FROM decisions").fetchone()[0])


@contextmanager
def _reading(data: Path) -> Iterator[sqlite3.Connection]:
    path = data / FILE
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as db:
            yield db
    except sqlite3.Error as e:
        raise StoreError(f"can't read {path}: {e}") from e


def _past(record: dict[str, Any], row: Sequence[Any]) -> PastApplication:
    _, reference, correction, received, not_before, not_after, person, state, since, has_number, _ = row
    is_released = state in _RELEASED
    return PastApplication(
        reference,
        record["at"] if correction else received,
        not_before,
        not_after,
        split_hash(person)[0],
        _values(record["facts"]),
        Decided(record["action"], record.get("row"), record["code"]),
        state in HOLDING or bool(is_released and has_number),
        since if is_released else None,
    )


def _values(facts: Mapping[str, Value | None]) -> tuple[Value | None, ...]:
    try:
        return _facts(facts)
    except KeyError:  # recorded before there was that column
        return tuple(facts.get(name) for name in COLUMNS)
