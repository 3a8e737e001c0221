"""The append-only log of the embedded store: leaves, the records behind them, and signed heads.

A leaf is appended in the transaction that makes what it stands for: a change of state, a pass that becomes visible, an
officer who is added. Triggers refuse every change and deletion, so that neither a defect nor a hasty statement in a
database's shell rewrites the log. Replacing the whole file is found by the heads that were published.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from movepass_service.decisions.leaves import administration_leaf, decision_leaf, issuance_leaf
from movepass_service.decisions.records import Record, make_administration
from movepass_service.stores.store import Head, Issued, LoggedRecord

SCHEMA = """
CREATE TABLE leaves (position INTEGER PRIMARY KEY, leaf TEXT NOT NULL);
CREATE TRIGGER leaves_follow BEFORE INSERT ON leaves
    WHEN NEW.position <> (SELECT coalesce(max(position) + 1, 0) FROM leaves)
    BEGIN SELECT raise(ABORT, 'leaves are only appended'); END;
CREATE TRIGGER leaves_stay BEFORE DELETE ON leaves BEGIN SELECT raise(ABORT, 'leaves are only appended'); END;
CREATE TRIGGER leaves_are_fixed BEFORE UPDATE ON leaves BEGIN SELECT raise(ABORT, 'leaves are only appended'); END;
CREATE TABLE administration (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, digest BLOB NOT NULL, salt BLOB, record TEXT
);
CREATE TRIGGER administration_stays BEFORE DELETE ON administration
    BEGIN SELECT raise(ABORT, 'acts of administration are only added'); END;
CREATE TRIGGER administration_is_fixed BEFORE UPDATE ON administration
    WHEN NEW.id <> OLD.id OR NEW.at <> OLD.at OR NEW.digest <> OLD.digest
        OR NEW.record IS NOT NULL OR NEW.salt IS NOT NULL
    BEGIN SELECT raise(ABORT, 'acts of administration are only forgotten'); END;
CREATE TABLE issuances (
    number INTEGER NOT NULL, correction INTEGER NOT NULL, leaf INTEGER NOT NULL,
    day INTEGER NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (number, correction, leaf)
) WITHOUT ROWID;
CREATE UNIQUE INDEX one_leaf_for_each_pass ON issuances (day, idx);
CREATE TRIGGER issuances_stay BEFORE DELETE ON issuances BEGIN SELECT raise(ABORT, 'issuances are only added'); END;
CREATE TRIGGER issuances_are_fixed BEFORE UPDATE ON issuances
    BEGIN SELECT raise(ABORT, 'issuances are only added'); END;
CREATE TABLE heads (
    id INTEGER PRIMARY KEY AUTOINCREMENT, size INTEGER NOT NULL, note TEXT NOT NULL, frontier BLOB NOT NULL,
    is_offered INTEGER NOT NULL DEFAULT 0
);
CREATE TRIGGER heads_grow BEFORE INSERT ON heads WHEN NEW.size < (SELECT coalesce(max(size), 0) FROM heads)
    BEGIN SELECT raise(ABORT, 'a head never covers less than one before it'); END;
CREATE TRIGGER heads_stay BEFORE DELETE ON heads WHEN OLD.is_offered
    BEGIN SELECT raise(ABORT, 'published heads stay'); END;
CREATE TRIGGER heads_are_fixed BEFORE UPDATE ON heads
    WHEN NEW.id <> OLD.id OR NEW.size <> OLD.size OR NEW.note <> OLD.note OR NEW.frontier <> OLD.frontier
        OR NEW.is_offered < OLD.is_offered
    BEGIN SELECT raise(ABORT, 'heads are only published'); END;
"""
"""The id of a decision and of an act of administration is the position of its leaf."""
_HASH_BYTES = 32


def append_decision(db: sqlite3.Connection, record: Record, at: int) -> int:
    """Append the leaf of a decision, in the transaction that carries it out; returns its position."""
    return _append(db, decision_leaf(record.digest, at))


def append_administration(db: sqlite3.Connection, document: Mapping[str, Any], at: int) -> int:
    """Keep the record of an act of administration and append its leaf, in the transaction that carries it out.

    Args:
        db: in a transaction.
        document: what was done: "action" and "actor", and whatever describes it. Values are JSON.
        at: seconds since 1970 UTC.

    Returns:
        The leaf's position.
    """
    record = make_administration(document, at)
    position = _append(db, administration_leaf(record.digest, at))
    db.execute(
        "INSERT INTO administration VALUES (?, ?, ?, ?, ?)", (position, at, record.digest, record.salt, record.text)
    )
    return position


def append_issuance(db: sqlite3.Connection, one: Issued, at: int) -> bool:
    """Append the leaf of an issued pass, unless there is one; returns whether it is new.

    A pass of a correction, and one that was issued again under another key, replaces the one of the same application
    that was issued last.
    """
    if db.execute("SELECT 1 FROM issuances WHERE day = ? AND idx = ?", (one.day, one.index)).fetchone():
        return False
    (decision,) = db.execute(
        "SELECT decision FROM passes WHERE number = ? AND correction = ?", (one.number, one.correction)
    ).fetchone()
    payload = sha256(one.pass_text.encode()).digest()
    replaces = one.replaces or _last_pass(db, one)
    leaf = issuance_leaf(at, day=one.day, index=one.index, payload=payload, decision=decision, replaces=replaces)
    values = (one.number, one.correction, _append(db, leaf), one.day, one.index)
    db.execute("INSERT INTO issuances VALUES (?, ?, ?, ?, ?)", values)
    return True


def size(db: sqlite3.Connection) -> int:
    """Count the leaves."""
    return int(db.execute("SELECT coalesce(max(position) + 1, 0) FROM leaves").fetchone()[0])


def leaves(db: sqlite3.Connection, start: int, end: int) -> list[str]:
    """Read the leaves from a position up to another one, in order."""
    query = "SELECT leaf FROM leaves WHERE position >= ? AND position < ? ORDER BY position"
    return [leaf for (leaf,) in db.execute(query, (start, end))]


def records(db: sqlite3.Connection, start: int, end: int) -> list[LoggedRecord]:
    """Read the records that are still kept of the leaves from a position up to another one, in order."""
    query = (
        "SELECT id, salt, record FROM decisions WHERE id >= ?1 AND id < ?2 AND record IS NOT NULL UNION ALL "
        "SELECT id, salt, record FROM administration WHERE id >= ?1 AND id < ?2 AND record IS NOT NULL ORDER BY id"
    )
    return [LoggedRecord(position, bytes(salt), text) for position, salt, text in db.execute(query, (start, end))]


def issuance_leaves(db: sqlite3.Connection, passes: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Look up the leaves of passes by (day, index); those without a leaf are left out."""
    query = "SELECT leaf FROM issuances WHERE day = ? AND idx = ?"
    found = ((one, db.execute(query, one).fetchone()) for one in passes)
    return {one: row[0] for one, row in found if row}


def newest_head(db: sqlite3.Connection) -> Head | None:
    """Return the head that was signed last."""
    row = db.execute("SELECT size, note, frontier FROM heads ORDER BY id DESC LIMIT 1").fetchone()
    return None if row is None else Head(row[0], row[1], _split(row[2]))


def add_head(db: sqlite3.Connection, head: Head) -> None:
    """Keep a signed head. Those before it go, but for those that were published."""
    frontier = b"".join(head.frontier)
    added = db.execute("INSERT INTO heads (size, note, frontier) VALUES (?, ?, ?)", (head.size, head.note, frontier))
    db.execute("DELETE FROM heads WHERE NOT is_offered AND id < ?", (added.lastrowid,))


def has_offered(db: sqlite3.Connection, note: str) -> bool:
    """Return whether a head is one that was to be published."""
    return db.execute("SELECT 1 FROM heads WHERE is_offered AND note = ?", (note,)).fetchone() is not None


def offer_head(db: sqlite3.Connection) -> str | None:
    """Note that the newest head is about to be published, and return it."""
    row = db.execute("SELECT id, note FROM heads ORDER BY id DESC LIMIT 1").fetchone()
    if row is None:
        return None
    db.execute("UPDATE heads SET is_offered = 1 WHERE id = ? AND NOT is_offered", (row[0],))
    return str(row[1])


def _append(db: sqlite3.Connection, leaf: str) -> int:
    position = size(db)
    db.execute("INSERT INTO leaves VALUES (?, ?)", (position, leaf))
    return position


def _last_pass(db: sqlite3.Connection, one: Issued) -> tuple[int, int] | None:
    """Return the pass that an application had last, under an earlier correction; most have none."""
    if not one.correction:
        return None
    query = "SELECT day, idx FROM issuances WHERE number = ? AND correction < ? ORDER BY leaf DESC LIMIT 1"
    found: tuple[int, int] | None = db.execute(query, (one.number, one.correction)).fetchone()
    return found


def _split(frontier: bytes) -> tuple[bytes, ...]:
    return tuple(frontier[at : at + _HASH_BYTES] for at in range(0, len(frontier), _HASH_BYTES))
