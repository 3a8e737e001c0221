"""Examine a device's store thoroughly, and repair it without ever trusting less than before.

The doctor builds a correct store from the data that can still be verified, and compares it with the existing store.
Missing data is fetched as in any sync, and must not be older than what the device had seen. The result replaces the
damaged content in one transaction, so that other processes see one or the other.
"""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, Root

from movepass_verifier.errors import DamagedError, StoreError, SyncError
from movepass_verifier.officer import journal
from movepass_verifier.store import schema
from movepass_verifier.store.contents import fill
from movepass_verifier.store.database import can_write, connect, open_file
from movepass_verifier.store.pages import page_of
from movepass_verifier.store.remains import Remains, RootError, gather
from movepass_verifier.store.store import FILE_NAME, Store
from movepass_verifier.sync.sources import resolve
from movepass_verifier.sync.sync import sync
from movepass_wire.limits import DAY_LIMIT
from movepass_words import Message, message, words

_TOLD_MOST = 20
"""The most problems that are listed; a badly damaged file has thousands."""
_OF_THE_ONLINE_KEY = ("timestamp", "snapshot", "status")
_ROWS: dict[str, Callable[[Any], Message]] = {
    "facts": lambda name: message("damage.row-fact", name=name),
    "metadata": lambda name: message("damage.row-signed", name=name),
    "documents": lambda name: message("damage.row-document", name=name),
    "logs": lambda day: message("damage.row-list", day=day),
    "pages": lambda id_: message("damage.row-page", **dict(zip(("day", "number"), page_of(id_), strict=True))),
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The problems of a store, and whether they were repaired.

    Attributes:
        problems: what was wrong; empty if the store is undamaged.
        mended: where the repair came from; None if nothing had to or could be repaired.
        obstacle: why it could not be repaired, and what to do; None if the store is undamaged now.
    """

    problems: tuple[Message, ...] = ()
    mended: Message | None = None
    obstacle: Message | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `doctor --json` shows."""
        say = words().say
        return {
            "ok": self.obstacle is None,
            "problems": [say(problem) for problem in self.problems],
            "mended": say(self.mended) if self.mended else None,
            "obstacle": say(self.obstacle) if self.obstacle else None,
        }


class _ObstacleError(Exception):
    """An obstacle to a repair."""

    def __init__(self, why: Message) -> None:
        super().__init__(why.key)
        self.why = why


def examine(folder: Path, *, source: str | None, now: int) -> Diagnosis:
    """Examine a store, and repair it if that is needed and possible.

    Args:
        folder: the folder of the store.
        source: where to fetch missing data; the store's own sources without it.
        now: seconds since 1970 UTC.

    Raises:
        StoreError: there is no store, or it is of newer software.
    """
    with suppress(DamagedError), closing(Store(folder)):
        pass  # every command reports no store or a newer store; an older store is migrated
    try:
        with _open(folder / FILE_NAME) as (db, writable):
            remains = gather(db, now)
            try:
                mended = _mend(db, remains, source, now, writable=writable)
            except _ObstacleError as e:
                return Diagnosis(_list_problems(remains), obstacle=e.why)
            except (SyncError, StoreError, sqlite3.Error, OSError) as e:
                return Diagnosis(_list_problems(remains), obstacle=message("obstacle.failed", error=e))
            return Diagnosis(_list_problems(remains), mended)
    except (sqlite3.Error, UnicodeDecodeError, RootError) as e:
        return Diagnosis((message("damage.file", error=e),), obstacle=message("obstacle.anew"))


@contextmanager
def _open(path: Path) -> Iterator[tuple[sqlite3.Connection, bool]]:
    """Open the file whatever its content, and yield whether it can be written to."""
    db, copy = connect(path)
    db.text_factory = lambda data: data.decode(errors="replace")
    try:
        yield db, copy is None and can_write(db)
    finally:
        db.close()
        if copy:
            copy.cleanup()


def _mend(db: sqlite3.Connection, remains: Remains, source: str | None, now: int, *, writable: bool) -> Message | None:
    """Rebuild the store and replace it unless it is undamaged, and return where the repair came from."""
    if "sources" not in remains.facts:
        remains.problems.append(message("damage.sources"))
        if not source:
            raise _ObstacleError(message("obstacle.source"))
        remains.facts["sources"] = json.dumps([resolve(source)])
    with tempfile.TemporaryDirectory(prefix="movepass-doctor-") as folder:
        path = Path(folder, FILE_NAME)
        with closing(open_file(path)) as built:
            built.execute("BEGIN")
            fill(built, remains.facts, remains.metadata, remains.documents, remains.logs)
            if not journal.carry_over(db, built):
                remains.problems.append(message("damage.journal"))
            built.execute("COMMIT")
            if not remains.lacking:
                remains.problems += _differences(db, built)
        if not remains.problems:
            return None
        if not writable:
            raise _ObstacleError(message("obstacle.medium"))
        mended = _fetch(path.parent, remains, source, now) if remains.lacking else message("mended.itself")
        with closing(open_file(path)) as built:
            schema.put_facts(built, syncs=remains.facts["syncs"] + 2)  # so that every process reads it again
            schema.put_seal(built)
            built.backup(db)
    return mended


def _differences(db: sqlite3.Connection, built: sqlite3.Connection) -> list[Message]:
    """Compare every row of the store with what it should be."""
    found = []
    for table, name in _ROWS.items():
        there, wanted = _digests(db, table), _digests(built, table)
        keys = {key for key in there.keys() | wanted.keys() if there.get(key) != wanted.get(key)}
        for key in sorted(keys, key=repr):
            what = name(key) if _is_ours(table, key) else message("damage.row-other", name=table)
            found.append(message("damage.row", what=what))
    return found


def _is_ours(table: str, key: object) -> bool:
    """Check whether the key of a row can be named."""
    if table in ("logs", "pages"):
        return isinstance(key, int) and 0 <= (page_of(key)[0] if table == "pages" else key) < DAY_LIMIT
    return isinstance(key, str)


def _digests(db: sqlite3.Connection, table: str) -> dict[Any, int]:
    found = {}
    with suppress(sqlite3.Error):  # SQLite's own check reports it
        for key, *row in db.execute(f"SELECT * FROM {table}"):  # noqa: S608 - a constant
            found[key] = hash(tuple(row))
    return found


def _fetch(folder: Path, remains: Remains, source: str | None, now: int) -> Message:
    """Sync the rebuilt store, and check that the device does not fall behind what it has seen."""
    with closing(Store(folder)) as store:
        result = sync(store, sources=[source] if source else (), now=now)
        held = store.held()
    root, new_root = (Metadata[Root].from_bytes(data["root"]).signed for data in (remains.metadata, held.metadata))
    floors = dict(remains.floors or {})
    if any(root.roles[role].keyids != new_root.roles[role].keyids for role in ("timestamp", "snapshot")):
        for role in _OF_THE_ONLINE_KEY:  # a new online key starts over: the old one may have fast-forwarded
            floors.pop(role, None)
    versions = json.loads(schema.versions(held.metadata))
    behind = [role for role, version in floors.items() if versions[role] < version]
    if behind or (remains.floors is None and (held.published or 0) < (remains.facts.get("published") or 0)):
        raise _ObstacleError(message("obstacle.behind", source=result.source))
    return message("mended.fetched", source=result.source, requests=result.requests, received=result.received)


def _list_problems(remains: Remains) -> tuple[Message, ...]:
    more = len(remains.problems) - _TOLD_MOST
    return (*remains.problems[:_TOLD_MOST], *([message("damage.more", count=more)] if more > 0 else []))
