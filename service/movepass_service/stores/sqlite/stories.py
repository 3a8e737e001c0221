"""The embedded store's part that statistics read: some queries for all applications of a stretch of the log."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from movepass_service.decisions.leaves import ISSUANCE
from movepass_service.stores.kept import Kept
from movepass_service.stores.sqlite import log, rows
from movepass_service.stores.sqlite.writer import failures
from movepass_service.stores.store import LoggedRecord
from movepass_service.stores.stories import Story, ToldDecision, ToldPass

_AT_ONCE = 500
"""Applications that are read together: well below SQLite's limit of values in a query."""


class SqliteStories:
    """See stores.stories.StoryStore for what each method promises. Events are positions of the log."""

    if TYPE_CHECKING:

        @property
        def _reader(self) -> sqlite3.Connection: ...
        def _kept(self, condition: str, values: Sequence[Any]) -> list[Kept]: ...

    def stories(self, start: int, end: int) -> Iterator[Story]:
        """See StoryStore."""
        with failures():
            new = _events(self._reader, start, end)
        numbers = iter(sorted(new))
        while some := list(islice(numbers, _AT_ONCE)):
            with failures():
                yield from _tell(self._reader, some, new)

    def leaf_events(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """See StoryStore. A position names an event, whosever it is."""
        return ((-1, position) for position in range(start, end))

    def acts(self, start: int, end: int) -> Iterator[LoggedRecord]:
        """See StoryStore."""
        query = (
            "SELECT id, salt, record FROM administration "
            "WHERE id >= ? AND id < ? AND record IS NOT NULL ORDER BY id"
        )  # fmt: skip
        with failures():
            found = self._reader.execute(query, (start, end)).fetchall()
        return (LoggedRecord(position, bytes(salt), text) for position, salt, text in found)

    def waiting_since(self, number: int, limit: int) -> list[Kept]:
        """See StoryStore."""
        return self._kept("state = 'received' AND number > ? ORDER BY number LIMIT ?", (number, limit))


def _events(db: sqlite3.Connection, start: int, end: int) -> dict[int, set[int]]:
    """Return the applications that have leaves from a position up to another one, and which."""
    new: defaultdict[int, set[int]] = defaultdict(set)
    for position, number in db.execute("SELECT id, number FROM decisions WHERE id >= ? AND id < ?", (start, end)):
        new[number].add(position)
    for position, leaf in enumerate(log.leaves(db, start, end), start):
        if f'"kind":"{ISSUANCE}"' in leaf:
            read = json.loads(leaf)
            query = "SELECT number FROM issuances WHERE day = ? AND idx = ?"
            for (number,) in db.execute(query, (read["day"], read["index"])):
                new[number].add(position)
    return new


def _tell(db: sqlite3.Connection, numbers: Sequence[int], new: dict[int, set[int]]) -> Iterator[Story]:
    some = f"IN ({rows.marks(numbers)})"
    decisions: defaultdict[int, list[ToldDecision]] = defaultdict(list)
    leaves: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    passes: defaultdict[int, list[ToldPass]] = defaultdict(list)
    query = f"SELECT number, id, record FROM decisions WHERE number {some} AND record IS NOT NULL ORDER BY id"
    for number, position, text in db.execute(query, numbers):
        decisions[number].append(ToldDecision(position, json.loads(text)))
    query = (
        "SELECT number, correction, position, leaves.leaf "
        f"FROM issuances JOIN leaves ON leaves.position = issuances.leaf WHERE number {some} ORDER BY position"
    )
    for number, correction, position, leaf in db.execute(query, numbers):
        leaves[number, correction].append((position, json.loads(leaf)["at"]))
    query = (
        "SELECT number, correction, not_before, not_after, ended_at, revoked_at "
        f"FROM passes WHERE number {some} ORDER BY number, correction"
    )
    for number, correction, begins, ends, ended_at, noted_at in db.execute(query, numbers):
        made = tuple(leaves[number, correction])
        passes[number].append(ToldPass(correction, begins, ends, made, ended_at, noted_at))
    for row in db.execute(f"SELECT {rows.COLUMNS} FROM applications WHERE number {some} ORDER BY number", numbers):
        kept = rows.kept(row)
        number = kept.number
        yield Story(kept, tuple(decisions[number]), tuple(passes[number]), frozenset(new[number]))
