"""The tables that the desk alone uses, and the changes of their rows; each runs in a transaction of the writer's."""

import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from movepass_service.applications.states import WAITING_FOR_OFFICER
from movepass_service.canonical import canonical_json
from movepass_service.decisions.records import Decision, officer_of
from movepass_service.stores.desk import Changed, Draw, Guard, Hold, Note, Proposal, SecondLook, TooManyApprovals

SCHEMA = """
CREATE TABLE holds (
    number INTEGER PRIMARY KEY, token TEXT NOT NULL, officer TEXT NOT NULL, until INTEGER NOT NULL, proposal TEXT
);
CREATE TABLE notes (number INTEGER NOT NULL, at INTEGER NOT NULL, officer TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX notes_of ON notes (number);
CREATE TRIGGER notes_are_fixed BEFORE UPDATE ON notes BEGIN SELECT raise(ABORT, 'notes are only added'); END;
CREATE TABLE approvals (
    decision INTEGER PRIMARY KEY, number INTEGER NOT NULL, officer TEXT NOT NULL, proposer TEXT, at INTEGER NOT NULL,
    outcome TEXT NOT NULL, looked_by TEXT NOT NULL DEFAULT '', looked_at INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT '', resolved_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX approvals_of ON approvals (number);
CREATE INDEX approvals_by ON approvals (officer, at) WHERE proposer IS NULL;
CREATE INDEX second_looks ON approvals (outcome, decision) WHERE outcome <> '';
CREATE INDEX by_id_hash ON applications (substr(id_hash, 1, 16)) WHERE id_hash IS NOT NULL;
CREATE INDEX by_id_hash_after ON applications (substr(id_hash, 17)) WHERE length(id_hash) > 16;
"""
"""An approval's outcome is '' where it was not drawn for a second look."""
SAME_PERSON = (
    "number <> ? AND ((id_hash IS NOT NULL AND substr(id_hash, 1, 16) IN (?, ?)) "
    "OR (length(id_hash) > 16 AND substr(id_hash, 17) = ?)) ORDER BY number DESC LIMIT ?"
)
"""Applications of a person, by the hashes of the week of travel and of the one that the trip reaches into."""
HOLDS = (
    "SELECT number, token, officer, until, proposal, reference, correction FROM holds JOIN applications USING (number)"
)
_LOOK = (
    "SELECT decision, reference, officer, proposer, at, outcome, looked_by, looked_at, note, resolved_by "
    "FROM approvals JOIN applications USING (number) "
)


def hold(row: Sequence[Any]) -> Hold:
    """Read a row of HOLDS."""
    number, token, officer, until, text, reference, correction = row
    proposal = None if text is None else Proposal(**json.loads(text))
    return Hold(number, officer, until, proposal, token, reference, correction)


def put_hold(db: sqlite3.Connection, wanted: Hold, found: str | None, *, delete: bool) -> str:
    """See DeskStore.put_hold."""
    states = ",".join("?" * len(WAITING_FOR_OFFICER))
    query = f"SELECT 1 FROM applications WHERE number = ? AND correction = ? AND state IN ({states})"
    values = (wanted.number, wanted.correction, *WAITING_FOR_OFFICER)
    if not delete and db.execute(query, values).fetchone() is None:
        raise Changed("the application waits for no officer, or was corrected meanwhile")
    _check_token(db, wanted.number, found)
    if delete:
        end_hold(db, wanted.number)
        return ""
    token = secrets.token_hex(8)  # not a count: a hold that ended and one made since must differ
    proposal = None if wanted.proposal is None else canonical_json(asdict(wanted.proposal))
    row = (wanted.number, token, wanted.officer, wanted.until, proposal)
    db.execute("INSERT OR REPLACE INTO holds VALUES (?, ?, ?, ?, ?)", row)
    return token


def end_hold(db: sqlite3.Connection, number: int) -> None:
    """Delete the hold of a case, if it has one."""
    db.execute("DELETE FROM holds WHERE number = ?", (number,))


def check_guard(db: sqlite3.Connection, number: int, decision: Decision, guard: Guard) -> None:
    """Check what must be so when a decision is stored.

    Raises:
        Changed, TooManyApprovals: it is not.
    """
    _check_token(db, number, guard.token)
    if guard.approvals_max is not None and decision.action == "approve":
        made = approvals_since(db, officer_of(decision.actor) or "", guard.since)
        if made >= guard.approvals_max:
            raise TooManyApprovals(f"{made} approvals in the last hour; one more needs a second officer")


def note_approval(  # noqa: PLR0913, PLR0917 - the columns of one row
    db: sqlite3.Connection, number: int, position: int, decision: Decision, digest: bytes, now: int, draw: Draw | None
) -> None:
    """Note an approval by an officer, and whether it gets a second look."""
    officer = officer_of(decision.actor)
    if officer is None:
        return
    proposer = None if decision.proposed_by is None else officer_of(decision.proposed_by)
    outcome = "open" if draw is not None and draw(digest) else ""
    values = (position, number, officer, proposer, now, outcome)
    db.execute(
        "INSERT INTO approvals (decision, number, officer, proposer, at, outcome) VALUES (?, ?, ?, ?, ?, ?)", values
    )


def approvals_since(db: sqlite3.Connection, officer: str, at: int) -> int:
    """See DeskStore.approvals_since."""
    query = "SELECT count(*) FROM approvals WHERE officer = ? AND at >= ? AND proposer IS NULL"
    return int(db.execute(query, (officer, at)).fetchone()[0])


def add_note(db: sqlite3.Connection, number: int, note: Note, limit: int | None) -> None:
    """See DeskStore.add_note; without a limit there is always room."""
    count = "SELECT count(*) FROM notes WHERE notes.number = applications.number"
    query = f"SELECT ({count}) FROM applications WHERE number = ?"
    row = db.execute(query, (number,)).fetchone()
    if row is None or (limit is not None and row[0] >= limit):
        raise Changed(f"it has {limit} notes already" if row else "the application is there no longer")
    db.execute("INSERT INTO notes VALUES (?, ?, ?, ?)", (number, note.at, note.officer, note.text))


def second_looks(db: sqlite3.Connection, outcomes: Sequence[str], limit: int) -> list[SecondLook]:
    """See DeskStore.second_looks."""
    query = f"{_LOOK} WHERE outcome <> '' AND outcome IN ({','.join('?' * len(outcomes))}) ORDER BY decision LIMIT ?"
    return [SecondLook(*row) for row in db.execute(query, (*outcomes, limit))]


def second_look(db: sqlite3.Connection, decision: int) -> SecondLook | None:
    """See DeskStore.second_look."""
    row = db.execute(f"{_LOOK} WHERE decision = ? AND outcome <> ''", (decision,)).fetchone()
    return SecondLook(*row) if row else None


def put_second_look(db: sqlite3.Connection, look: SecondLook, found: str) -> None:
    """See DeskStore.put_second_look."""
    done = db.execute(
        "UPDATE approvals SET outcome = ?, looked_by = ?, looked_at = ?, note = ?, resolved_by = ? "
        "WHERE decision = ? AND outcome = ?",
        (look.outcome, look.looked_by, look.looked_at, look.note, look.resolved_by, look.decision, found),
    )
    if not done.rowcount:
        raise Changed("somebody was quicker")


def replace_noted(db: sqlite3.Connection, name: str, found: bytes | None, value: bytes) -> None:
    """See DeskStore.replace_noted."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    if (None if row is None else bytes(row[0])) != found:
        raise Changed("somebody was quicker")
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def forget(db: sqlite3.Connection, number: int) -> None:
    """Delete what belongs to an application that is forgotten."""
    for table in ("holds", "notes", "approvals"):
        db.execute(f"DELETE FROM {table} WHERE number = ?", (number,))


def _check_token(db: sqlite3.Connection, number: int, found: str | None) -> None:
    row = db.execute("SELECT token FROM holds WHERE number = ?", (number,)).fetchone()
    if (None if row is None else row[0]) != found:
        raise Changed("somebody was quicker")
