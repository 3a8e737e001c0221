"""Recover the verifiable parts of a damaged store.

The root is verified by its own signatures, the other signed documents by the root, and the key documents and logs by
signed lengths and hashes. The device's own notes are verified by their checksums. Nothing else is trusted.
"""

import json
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from movepass_keys.records import layout, roles
from movepass_verifier.deciding.lists import MAX_AGE_LEAST, WARNING_AGE_LEAST
from movepass_verifier.errors import DamagedError, SyncError
from movepass_verifier.store import schema
from movepass_verifier.store.store import DENIED, KEYS
from movepass_verifier.sync.offer import check_root, is_signed
from movepass_words import Message, message

_KINDS: dict[str, Any] = {"timestamp": Timestamp, "snapshot": Snapshot, "targets": Targets, roles.STATUS: Targets}
_INTEGRITY_LINES = 20


class RootError(Exception):
    """Not even the root can be trusted any more."""


@dataclass(slots=True)
class Remains:
    """The verified parts, in the form of a sync, and the problems of the rest.

    Attributes:
        facts: the device's own notes.
        floors: the versions of signed documents that it has seen; None if they are lost.
        problems: what was wrong.
        lacking: whether something is missing that only a sync can bring.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, bytes] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    logs: dict[int, bytes] = field(default_factory=dict)
    floors: dict[str, int] | None = None
    problems: list[Message] = field(default_factory=list)
    lacking: bool = False

    def lack(self, problem: Message) -> None:
        """Record a problem that only a sync can solve."""
        self.problems.append(problem)
        self.lacking = True


def gather(db: sqlite3.Connection, now: int) -> Remains:
    """Gather the verifiable parts.

    Args:
        db: the store, possibly damaged.
        now: seconds since 1970 UTC.

    Raises:
        RootError: the root can't be verified.
    """
    remains = Remains()
    _look_over_file(db, remains)
    _gather_facts(db, remains)
    root = _document(db, "metadata", "root")
    try:
        check_root(root)
    except SyncError as e:
        raise RootError(str(e)) from e
    remains.metadata["root"] = root
    synced = {role for (role,) in _rows(db, "SELECT name FROM metadata")} | set(remains.floors or {}) != {"root"}
    if synced or "published" in remains.facts:
        _gather_signed(db, remains, Metadata[Root].from_bytes(root).signed)
    _fill_gaps(remains, now)
    return remains


def _look_over_file(db: sqlite3.Connection, remains: Remains) -> None:
    try:
        for (text,) in db.execute(f"PRAGMA integrity_check({_INTEGRITY_LINES})"):
            remains.problems += [message("damage.file", error=line) for line in str(text).splitlines() if line != "ok"]
        schema.version(db)
    except (sqlite3.Error, DamagedError) as e:
        remains.problems.append(message("damage.file", error=e))


def _gather_facts(db: sqlite3.Connection, remains: Remains) -> None:
    for name, value, crc in _rows(db, "SELECT name, value, sum FROM facts"):
        if crc == schema.checksum(name, value):
            remains.facts[name] = value
        elif name == "last_seen":
            remains.lack(message("damage.last-seen"))  # only a sync clears it
        else:
            remains.problems.append(message("damage.fact", name=name))
    remains.facts.pop("seal", None)
    with suppress(KeyError):
        remains.floors = json.loads(remains.facts.pop("versions"))


def _gather_signed(db: sqlite3.Connection, remains: Remains, root: Root) -> None:
    timestamp = _read_signed(db, remains, "timestamp", root, None)
    snapshot = _read_signed(db, remains, "snapshot", root, timestamp and timestamp.snapshot_meta)
    named = snapshot.meta if snapshot else {}
    targets = _read_signed(db, remains, "targets", root, named.get("targets.json"))
    status = _read_signed(db, remains, roles.STATUS, targets, named.get(f"{roles.STATUS}.json"))
    if timestamp:
        remains.facts["published"] = roles.published_at(timestamp)
    keys, lists = (document.targets if document else {} for document in (targets, status))
    _gather_document(db, remains, KEYS, keys.get(layout.KEYS_TARGET))
    _gather_document(db, remains, DENIED, lists.get(roles.DENIED_TARGET))
    if len(remains.documents) < 2:  # one without the other says nothing about any key
        remains.documents = {}
    for name, target in lists.items():
        day = layout.log_day(name)
        if day is not None:
            _gather_log(db, remains, day, target)
    if "synced_at" not in remains.facts:
        remains.lack(message("damage.synced-at"))


def _read_signed(db: sqlite3.Connection, remains: Remains, role: str, delegator: Any, meta: MetaFile | None) -> Any:
    """Return the content of a signed document if its delegator's keys have signed it and it belongs to the others."""
    data = _document(db, "metadata", role)
    try:
        document = Metadata[Any].from_bytes(data)
        if delegator is None or not isinstance(document.signed, _KINDS[role]):
            raise ValueError("nothing says who must have signed it")
        delegator.verify_delegate(role, document.signed_bytes, document.signatures)
        if meta and (document.signed.version != meta.version or not is_signed(meta, data)):
            raise ValueError("it does not belong to the others")
    except (tuf_errors.RepositoryError, ValueError) as e:
        remains.lack(message("damage.signed" if data else "damage.signed-gone", name=role, error=e))
        return None
    remains.metadata[role] = data
    return document.signed


def _gather_document(db: sqlite3.Connection, remains: Remains, name: str, target: TargetFile | None) -> None:
    data = _document(db, "documents", name)
    if target and is_signed(target, data):
        remains.documents[name] = data
    else:
        remains.lack(message("damage.document", name=name))


def _gather_log(db: sqlite3.Connection, remains: Remains, day: int, target: TargetFile) -> None:
    data = _blob(_rows(db, "SELECT data FROM logs WHERE day = ?", day))
    if is_signed(target, data):
        remains.logs[day] = data
    else:
        remains.lack(message("damage.log", day=day))


def _fill_gaps(remains: Remains, now: int) -> None:
    """Replace lost settings of the device by the strictest values."""
    strictest = {"max_age": MAX_AGE_LEAST, "warning_age": WARNING_AGE_LEAST}
    for name in strictest.keys() - remains.facts.keys():
        remains.problems.append(message("damage.lost", name=name))
    remains.facts = strictest | {"syncs": now} | remains.facts


def _document(db: sqlite3.Connection, table: str, name: str) -> bytes:
    return _blob(_rows(db, f"SELECT data FROM {table} WHERE name = ?", name))  # noqa: S608 - a constant


def _blob(rows: list[Any]) -> bytes:
    return rows[0][0] if rows and isinstance(rows[0][0], bytes) else b""


def _rows(db: sqlite3.Connection, query: str, *values: object) -> list[Any]:
    """Read all readable rows."""
    found = []
    with suppress(sqlite3.Error):
        for row in db.execute(query, values):
            found.append(row)  # noqa: PERF402 - keeps the rows before an error
    return found
