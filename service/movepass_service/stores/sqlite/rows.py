"""The tables of the embedded store, and the changes of its rows; each runs in a transaction of the writer's."""

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from movepass_service.applications.application import Application, split_hash
from movepass_service.applications.retention import forget_at
from movepass_service.applications.states import (
    State,
    is_urgent,
)
from movepass_service.decisions.records import RULES, Decision, make_record, officer_of
from movepass_service.errors import StoreError, UnknownApplication
from movepass_service.rules.columns import dhaka_day, week_of
from movepass_service.stores import changes
from movepass_service.stores.changes import ENDS_PASSES, NEW_STATE, PastPass, settle
from movepass_service.stores.desk import Draw, Guard
from movepass_service.stores.kept import Kept
from movepass_service.stores.sqlite import account_rows, desk_rows, log
from movepass_service.stores.store import Counts, Draft, Issued

SCHEMA_VERSION = 3
SCHEMA = (
    """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE applications (
    number INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT NOT NULL UNIQUE,
    client BLOB NOT NULL, part INTEGER NOT NULL, digest BLOB NOT NULL, secret_hash BLOB NOT NULL,
    state TEXT NOT NULL, since INTEGER NOT NULL, received_at INTEGER NOT NULL, correction INTEGER NOT NULL DEFAULT 0,
    correction_digest BLOB, is_urgent INTEGER NOT NULL, by_rules INTEGER NOT NULL DEFAULT 0,
    content TEXT NOT NULL, id_hash BLOB, travel_week INTEGER NOT NULL, travel_day INTEGER NOT NULL,
    not_before INTEGER NOT NULL, not_after INTEGER NOT NULL, rules TEXT,
    reason_code TEXT, reason_texts TEXT, row TEXT, pass_number TEXT, pass_text TEXT, forget_at INTEGER,
    UNIQUE (client, part)
);
CREATE INDEX at_work ON applications (state, number) WHERE state IN ('received', 'approved', 'referred', 'appealed');
CREATE INDEX open_until ON applications (not_after)
    WHERE state IN ('received', 'referred', 'needs-correction', 'appealed');
CREATE INDEX forget_at ON applications (forget_at) WHERE forget_at IS NOT NULL;
CREATE TABLE state_counts (state TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER counts_added AFTER INSERT ON applications BEGIN
    INSERT INTO state_counts VALUES (NEW.state, 1) ON CONFLICT DO UPDATE SET count = count + 1; END;
CREATE TRIGGER counts_moved AFTER UPDATE OF state ON applications WHEN NEW.state <> OLD.state BEGIN
    UPDATE state_counts SET count = count - 1 WHERE state = OLD.state;
    INSERT INTO state_counts VALUES (NEW.state, 1) ON CONFLICT DO UPDATE SET count = count + 1; END;
CREATE TRIGGER counts_removed AFTER DELETE ON applications BEGIN
    UPDATE state_counts SET count = count - 1 WHERE state = OLD.state; END;
CREATE TABLE passes (
    number INTEGER NOT NULL, correction INTEGER NOT NULL, request_id TEXT NOT NULL, decision INTEGER NOT NULL,
    pass_number TEXT, issued_at INTEGER, kid BLOB, revoke INTEGER NOT NULL DEFAULT 0, revoked_at INTEGER,
    person BLOB, person_after BLOB, travel_day INTEGER NOT NULL, not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL, ended_at INTEGER,
    PRIMARY KEY (number, correction)
) WITHOUT ROWID;
CREATE INDEX by_person ON passes (person) WHERE person IS NOT NULL;
CREATE INDEX by_person_after ON passes (person_after) WHERE person_after IS NOT NULL;
CREATE INDEX by_key ON passes (kid, not_after, number, correction) WHERE kid IS NOT NULL;
CREATE INDEX to_revoke ON passes (number) WHERE revoke AND revoked_at IS NULL;
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY, number INTEGER NOT NULL, at INTEGER NOT NULL, by_person INTEGER NOT NULL,
    digest BLOB NOT NULL, salt BLOB, record TEXT
);
CREATE INDEX decisions_of ON decisions (number);
CREATE INDEX decisions_of_people ON decisions (at) WHERE by_person;
CREATE TRIGGER decisions_stay BEFORE DELETE ON decisions BEGIN SELECT raise(ABORT, 'decisions are only added'); END;
CREATE TRIGGER decisions_are_fixed BEFORE UPDATE ON decisions
    WHEN NEW.id <> OLD.id OR NEW.number <> OLD.number OR NEW.at <> OLD.at OR NEW.digest <> OLD.digest
        OR NEW.record IS NOT NULL OR NEW.salt IS NOT NULL
    BEGIN SELECT raise(ABORT, 'decisions are only forgotten'); END;
CREATE TABLE id_keys (week INTEGER PRIMARY KEY, key BLOB NOT NULL);
CREATE TABLE rules (version TEXT PRIMARY KEY, text TEXT NOT NULL, active_from INTEGER NOT NULL);
"""
    + log.SCHEMA
    + desk_rows.SCHEMA
    + account_rows.SCHEMA
)
COLUMNS = (
    "number, reference, secret_hash, state, since, received_at, correction, is_urgent, by_rules, content, "
    "id_hash, not_before, "
    "not_after, rules, reason_code, reason_texts, pass_number, pass_text, row"
)
_PASSES_OF = """
SELECT pass.number, pass.correction, pass.person, pass.travel_day, pass.not_before, pass.not_after, pass.ended_at
FROM passes AS pass JOIN applications AS application ON application.number = pass.number
WHERE (pass.person IN (?, ?) OR pass.person_after = ?)
    AND (pass.pass_number IS NOT NULL
        OR (application.state = 'approved' AND application.correction = pass.correction))
"""
"""Passes of a person, by the hashes of the week of travel and of the one that the trip reaches into."""
_RULES_NOW = "(SELECT version FROM rules ORDER BY rowid DESC LIMIT 1)"


def marks(values: Sequence[object]) -> str:
    """Return the question marks for some values."""
    return ",".join("?" * len(values))


def kept(row: Sequence[Any]) -> Kept:
    """Read a row of COLUMNS."""
    (number, reference, secret_hash, state, since, received_at, correction, urgent, by_rules, text, id_hash,
     not_before, not_after, rules, code, texts, pass_number, pass_text, rules_row) = row  # fmt: skip
    reason = None if code is None else (code, json.loads(texts))
    return Kept(
        number, reference, secret_hash, State(state), since, received_at, correction, bool(urgent), bool(by_rules),
        text, id_hash, not_before, not_after, rules, reason, pass_number, pass_text, rules_row,
    )  # fmt: skip


def insert(db: sqlite3.Connection, draft: Draft, text: str, now: int) -> str:
    """Keep a new application; returns its reference."""
    values = _from_content(draft.application, text)
    for reference in draft.references:
        with suppress(sqlite3.IntegrityError):  # the reference is taken: the client was looked for before
            db.execute(
                "INSERT INTO applications (reference, client, part, digest, secret_hash, state, since, received_at, "
                "is_urgent, content, id_hash, travel_week, travel_day, not_before, not_after, rules) "
                f"VALUES (?, ?, ?, ?, ?, 'received', ?, ?, ?, ?, ?, ?, ?, ?, ?, {_RULES_NOW})",
                (reference, draft.client, draft.part, draft.digest, draft.secret_hash, now, now, *values),
            )
            return reference
    raise StoreError("no reference is free; this can't be chance")


def replace_content(db: sqlite3.Connection, old: Kept, digest: bytes, application: Application, now: int) -> None:
    """Put another content into an application, which is received again under the rules in force now."""
    db.execute(
        "UPDATE applications SET state = 'received', since = ?, correction = correction + 1, correction_digest = ?, "
        "is_urgent = ?, content = ?, id_hash = ?, travel_week = ?, travel_day = ?, not_before = ?, not_after = ?, "
        f"reason_code = NULL, reason_texts = NULL, row = NULL, forget_at = NULL, rules = {_RULES_NOW} WHERE number = ?",
        (now, digest, *_from_content(application, application.canonical()), old.number),
    )
    desk_rows.end_hold(db, old.number)


def _from_content(application: Application, text: str) -> tuple[Any, ...]:
    trip, day = application.trip, application.travel_day
    return (is_urgent(trip.reason), text, application.id_hash, week_of(day), day, trip.not_before, trip.not_after)


def decide_one(
    db: sqlite3.Connection, reference: str, decision: Decision, now: int, guard: Guard | None = None,
    draw: Draw | None = None,
) -> State:  # fmt: skip
    """Carry out a person's decision about one application; the same again changes nothing."""
    row = db.execute(f"SELECT {COLUMNS} FROM applications WHERE reference = ?", (reference,)).fetchone()
    if row is None:
        raise UnknownApplication("no application of this reference")
    found = kept(row)
    if guard is not None:
        desk_rows.check_guard(db, found.number, decision, guard)
    meant = settle(found, decision, now)
    if meant is None:
        return found.state
    apply(db, found, meant, now, draw)
    return NEW_STATE[meant.action]


def apply(db: sqlite3.Connection, application: Kept, decision: Decision, now: int, draw: Draw | None = None) -> None:
    """Note a decision and change the state, together. The case's hold ends."""
    new = NEW_STATE[decision.action]
    content_digest = hashlib.sha256(application.content.encode()).digest()
    record = make_record(application.reference, application.correction, content_digest, decision, now)
    by_person = officer_of(decision.actor) is not None
    position = log.append_decision(db, record, now)
    db.execute(
        "INSERT INTO decisions (id, number, at, by_person, digest, salt, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (position, application.number, now, by_person, record.digest, record.salt, record.text),
    )
    texts = json.dumps(dict(decision.texts), ensure_ascii=False)
    db.execute(
        "UPDATE applications SET state = ?, since = ?, by_rules = ?, reason_code = ?, reason_texts = ?, "
        "row = coalesce(?, row), forget_at = ? WHERE number = ?",
        (
            new,
            now,
            decision.actor == RULES,
            decision.code,
            texts,
            decision.row,
            forget_at(new, application.not_after, now),
            application.number,
        ),
    )
    desk_rows.end_hold(db, application.number)
    if new == State.APPROVED:
        desk_rows.note_approval(db, application.number, position, decision, record.digest, now, draw)
        _expect_pass(db, application, position)
    elif new in ENDS_PASSES:
        end_passes(db, application.number, now)
        db.execute("UPDATE applications SET pass_text = NULL WHERE number = ?", (application.number,))


def _expect_pass(db: sqlite3.Connection, application: Kept, position: int) -> None:
    """Note that a pass is to be issued by the decision at a position of the log."""
    db.execute(
        "INSERT INTO passes (number, correction, request_id, decision, person, person_after, travel_day, "
        "not_before, not_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
        "SET decision = excluded.decision, revoke = 0, revoked_at = NULL, ended_at = NULL",
        (
            application.number,
            application.correction,
            application.request_id,
            position,
            *split_hash(application.id_hash),
            dhaka_day(application.not_before),
            application.not_before,
            application.not_after,
        ),
    )


def end_passes(db: sqlite3.Connection, number: int, now: int, *, before: int | None = None) -> None:
    """Let an application's passes be revoked; `before` spares those of later corrections."""
    db.execute(
        "UPDATE passes SET revoke = 1, ended_at = coalesce(ended_at, ?) "
        "WHERE number = ? AND (? IS NULL OR correction < ?)",
        (now, number, before, before),
    )


def count_passes(db: sqlite3.Connection, kept: Kept) -> Counts | None:
    """Count the passes that the same person has beside an application: see changes.count_passes."""
    if kept.id_hash is None:
        return None
    person, after = split_hash(kept.id_hash)
    found = db.execute(_PASSES_OF, (person, after, person))
    return changes.count_passes(
        [PastPass(number, correction, of == person, *rest) for number, correction, of, *rest in found], kept
    )


def record_issued(db: sqlite3.Connection, passes: Sequence[Issued], now: int) -> None:
    """See Store.record_issued."""
    for one in passes:
        note_pass(db, one, now)
        done = db.execute(
            "UPDATE applications SET state = 'issued', since = ?, pass_number = ?, pass_text = ? "
            "WHERE number = ? AND correction = ? AND state = 'approved'",
            (now, one.pass_number, one.pass_text, one.number, one.correction),
        )
        if done.rowcount and one.correction:
            end_passes(db, one.number, now, before=one.correction)


def note_pass(db: sqlite3.Connection, one: Issued, now: int) -> None:
    """Note a pass and append its leaf, whether an applicant gets to see it or not."""
    db.execute(
        "UPDATE passes SET pass_number = ?, issued_at = ?, kid = ? WHERE number = ? AND correction = ?",
        (one.pass_number, now, one.kid, one.number, one.correction),
    )
    log.append_issuance(db, one, now)


def record_reissued(db: sqlite3.Connection, passes: Sequence[Issued], shown: Sequence[Issued], now: int) -> None:
    """See Store.record_reissued. The pass keeps its first number: revoking that one revokes all that replace it."""
    for one in passes:
        log.append_issuance(db, one, now)
    for one in shown:
        db.execute(
            "UPDATE passes SET kid = ? WHERE number = ? AND correction = ?", (one.kid, one.number, one.correction)
        )
        db.execute(
            "UPDATE applications SET pass_number = ?, pass_text = ? "
            "WHERE number = ? AND correction = ? AND state = 'issued'",
            (one.pass_number, one.pass_text, one.number, one.correction),
        )


def forget(db: sqlite3.Connection, now: int, oldest_week: int, limit: int) -> int:
    """See Store.forget."""
    db.execute("DELETE FROM id_keys WHERE week < ?", (oldest_week,))
    found = db.execute("SELECT number FROM applications WHERE forget_at <= ? LIMIT ?", (now, limit))
    numbers = [number for (number,) in found]
    for number in numbers:
        db.execute("UPDATE decisions SET salt = NULL, record = NULL WHERE number = ?", (number,))
        db.execute("UPDATE passes SET person = NULL, person_after = NULL WHERE number = ?", (number,))
        desk_rows.forget(db, number)
        db.execute("DELETE FROM applications WHERE number = ?", (number,))
    return len(numbers)
