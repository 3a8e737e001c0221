"""The tables of officers' accounts in the embedded store; each function runs in a transaction of the writer's."""

import os
import sqlite3
from collections.abc import Sequence

from movepass_service.errors import NotAllowed
from movepass_service.stores.accounts import (
    CLOSED,
    Account,
    Act,
    Challenge,
    Enrolment,
    KeptSession,
    NoSuchAccount,
    Passkey,
    look_of,
)
from movepass_service.stores.sqlite.log import append_administration
from movepass_service.stores.store import Officer

SCHEMA = """
CREATE TABLE officers (
    name TEXT PRIMARY KEY COLLATE NOCASE, role TEXT NOT NULL, added_at INTEGER NOT NULL, phone TEXT,
    handle BLOB NOT NULL UNIQUE, disabled_at INTEGER
) WITHOUT ROWID;
CREATE TRIGGER officers_stay BEFORE DELETE ON officers BEGIN SELECT raise(ABORT, 'officers are only added'); END;
CREATE TABLE enrolments (
    secret_hash BLOB PRIMARY KEY, officer TEXT NOT NULL, made_at INTEGER NOT NULL, replaces INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE enrolments_asked (
    officer TEXT PRIMARY KEY, manager TEXT NOT NULL, asked_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE passkeys (
    id BLOB PRIMARY KEY, officer TEXT NOT NULL, public_key BLOB NOT NULL, sign_count INTEGER NOT NULL,
    made_at INTEGER NOT NULL, used_at INTEGER NOT NULL, stopped_at INTEGER
) WITHOUT ROWID;
CREATE TABLE challenges (
    browser BLOB PRIMARY KEY, value BLOB NOT NULL, enrolment BLOB, made_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE sessions (
    token BLOB PRIMARY KEY, officer TEXT NOT NULL, role TEXT NOT NULL, passkey BLOB NOT NULL, agent BLOB NOT NULL,
    began_at INTEGER NOT NULL, seen_at INTEGER NOT NULL
) WITHOUT ROWID;
"""
"""Names are unique whatever the size of their letters: two officers must not look like one."""
_PASSKEY = "id, officer, public_key, sign_count, made_at, used_at, stopped_at"
_USABLE = (
    f"SELECT {_PASSKEY} FROM passkeys WHERE stopped_at IS NULL "
    "AND officer IN (SELECT name FROM officers WHERE disabled_at IS NULL)"
)
_ACCOUNTS = """
SELECT o.name, o.role, o.phone, o.added_at, o.disabled_at,
    (SELECT count(*) FROM passkeys AS p WHERE p.officer = o.name AND p.stopped_at IS NULL),
    (SELECT coalesce(max(p.used_at), 0) FROM passkeys AS p WHERE p.officer = o.name),
    (SELECT count(*) FROM sessions AS s WHERE s.officer = o.name),
    (SELECT max(e.made_at) FROM enrolments AS e WHERE e.officer = o.name),
    coalesce(a.manager, ''), coalesce(a.asked_at, 0)
FROM officers AS o LEFT JOIN enrolments_asked AS a ON a.officer = o.name ORDER BY o.name
"""
_HANDLE_BYTES = 32


def add_officer(
    db: sqlite3.Connection, officer: Officer, secret_hash: bytes, now: int, act: Act | None, asked_by: str = ""
) -> None:
    """See AccountStore."""
    if any(look_of(name) == look_of(officer.name) for (name,) in db.execute("SELECT name FROM officers")):
        raise NotAllowed(f"there is an officer {officer.name!r} already", "known")
    values = (officer.name, officer.role, now, officer.phone, os.urandom(_HANDLE_BYTES))
    db.execute("INSERT INTO officers VALUES (?, ?, ?, ?, ?, NULL)", values)
    if secret_hash:
        db.execute("INSERT INTO enrolments VALUES (?, ?, ?, 0)", (secret_hash, officer.name, now))
    if asked_by:
        _ask(db, officer.name, asked_by, now)
    if act is not None:
        _log(db, act, now)


def officer(db: sqlite3.Connection, name: str) -> Officer | None:
    """Look up an officer by their name as it was written when they were added; a closed account has the role CLOSED."""
    query = (
        "SELECT name, CASE WHEN disabled_at IS NULL THEN role ELSE ? END, phone FROM officers "
        "WHERE name = ? COLLATE BINARY"
    )
    row = db.execute(query, (CLOSED, name)).fetchone()
    return Officer(*row) if row else None


def accounts(db: sqlite3.Connection) -> list[Account]:
    """See AccountStore."""
    return [Account(Officer(*row[:3]), *row[3:]) for row in db.execute(_ACCOUNTS)]


def change_role(db: sqlite3.Connection, name: str, role: str, now: int, act: Act, asked_by: str = "") -> None:
    """See AccountStore."""
    _check_known(db, name)
    _must(db.execute("UPDATE officers SET role = ? WHERE name = ? AND role <> ?", (role, name, role)), name)
    _end_sessions(db, name)
    if asked_by:
        _stop_passkeys(db, name, now)
        db.execute("DELETE FROM enrolments WHERE officer = ?", (name,))
        db.execute("DELETE FROM enrolments_asked WHERE officer = ?", (name,))
        _ask(db, name, asked_by, now)
    _log(db, act, now)


def set_disabled(db: sqlite3.Connection, name: str, now: int, act: Act, *, disabled: bool) -> None:
    """See AccountStore."""
    _check_known(db, name)
    change = "disabled_at = ? WHERE name = ? AND disabled_at IS NULL"
    if not disabled:
        change = "disabled_at = NULL WHERE name = ?2 AND disabled_at IS NOT NULL AND ?1"
    _must(db.execute(f"UPDATE officers SET {change}", (now, name)), name)
    if disabled:
        _end_sessions(db, name)
        db.execute("DELETE FROM enrolments WHERE officer = ?", (name,))
        db.execute("DELETE FROM enrolments_asked WHERE officer = ?", (name,))
    _log(db, act, now)


def end_sessions(db: sqlite3.Connection, name: str, now: int, act: Act) -> int:
    """See AccountStore."""
    _check_known(db, name)
    count = _end_sessions(db, name)
    _log(db, act, now)
    return count


def ask_enrolment(db: sqlite3.Connection, name: str, manager: str, now: int, act: Act) -> None:
    """See AccountStore."""
    _check_known(db, name)
    _must(_ask(db, name, manager, now), name)
    _log(db, act, now)


def drop_enrolment(db: sqlite3.Connection, name: str, now: int, act: Act) -> None:
    """See AccountStore."""
    _must(db.execute("DELETE FROM enrolments_asked WHERE officer = ?", (name,)), name)
    _log(db, act, now)


def approve_enrolment(db: sqlite3.Connection, name: str, manager: str, secret_hash: bytes, now: int, act: Act) -> None:
    """See AccountStore."""
    asked = "DELETE FROM enrolments_asked WHERE officer = ? AND manager <> ? COLLATE NOCASE"
    _must(db.execute(asked, (name, manager)), name)
    renew_enrolment(db, name, secret_hash, now, act)


def renew_enrolment(db: sqlite3.Connection, name: str, secret_hash: bytes, now: int, act: Act) -> None:
    """See AccountStore."""
    _check_known(db, name)
    db.execute("DELETE FROM enrolments WHERE officer = ?", (name,))
    db.execute("INSERT INTO enrolments VALUES (?, ?, ?, 1)", (secret_hash, name, now))
    _log(db, act, now)


def enrolment(db: sqlite3.Connection, secret_hash: bytes) -> Enrolment | None:
    """See AccountStore."""
    query = "SELECT officer, made_at, replaces FROM enrolments WHERE secret_hash = ?"
    row = db.execute(query, (secret_hash,)).fetchone()
    return Enrolment(row[0], row[1], bool(row[2])) if row else None


def handle(db: sqlite3.Connection, name: str) -> bytes:
    """See AccountStore."""
    row = db.execute("SELECT handle FROM officers WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NoSuchAccount(f"there is no officer {name!r}")
    return bytes(row[0])


def put_challenge(db: sqlite3.Connection, browser: bytes, challenge: Challenge, limit: int, oldest: int) -> None:
    """See AccountStore."""
    db.execute("DELETE FROM challenges WHERE made_at < ?", (oldest,))
    if db.execute("SELECT count(*) FROM challenges").fetchone()[0] >= limit:
        first = "SELECT browser FROM challenges ORDER BY made_at LIMIT 1"
        db.execute(f"DELETE FROM challenges WHERE browser IN ({first})")
    values = (browser, challenge.value, challenge.enrolment, challenge.made_at)
    db.execute("INSERT OR REPLACE INTO challenges VALUES (?, ?, ?, ?)", values)


def take_challenge(db: sqlite3.Connection, browser: bytes) -> Challenge | None:
    """See AccountStore."""
    query = "DELETE FROM challenges WHERE browser = ? RETURNING value, enrolment, made_at"
    rows = db.execute(query, (browser,)).fetchall()
    return Challenge(*rows[0]) if rows else None


def enrol(db: sqlite3.Connection, secret_hash: bytes, new: Passkey, now: int, act: Act) -> None:
    """See AccountStore."""
    query = "DELETE FROM enrolments WHERE secret_hash = ? AND officer = ? RETURNING replaces"
    used = db.execute(query, (secret_hash, new.officer)).fetchall()
    if not used:
        raise NoSuchAccount("the enrolment link was used before")
    if db.execute("SELECT 1 FROM passkeys WHERE id = ?", (new.id,)).fetchone():
        raise NoSuchAccount("this passkey is enrolled already")
    if used[0][0]:
        _stop_passkeys(db, new.officer, now)
        _end_sessions(db, new.officer)
    values = (new.id, new.officer, new.public_key, new.sign_count, new.made_at)
    db.execute("INSERT INTO passkeys VALUES (?, ?, ?, ?, ?, 0, NULL)", values)
    _log(db, act, now)


def passkey(db: sqlite3.Connection, id_: bytes) -> Passkey | None:
    """See AccountStore."""
    return _first(db.execute(f"{_USABLE} AND id = ?", (id_,)).fetchall())


def passkeys_of(db: sqlite3.Connection, name: str) -> list[Passkey]:
    """See AccountStore."""
    return [Passkey(*row) for row in db.execute(f"{_USABLE} AND officer = ?", (name,))]


def stop_passkey(db: sqlite3.Connection, id_: bytes, now: int, act: Act) -> None:
    """See AccountStore."""
    query = "UPDATE passkeys SET stopped_at = ? WHERE id = ? AND stopped_at IS NULL RETURNING officer"
    for (name,) in db.execute(query, (now, id_)).fetchall():
        _end_sessions(db, name)
        _log(db, act, now)


def begin_session(db: sqlite3.Connection, session: KeptSession, sign_count: int, limit: int) -> None:
    """See AccountStore."""
    found = passkey(db, session.passkey)
    known = officer(db, session.officer)
    has_moved_on = found is not None and 0 < sign_count <= found.sign_count
    if found is None or known is None or known.role != session.role or has_moved_on:
        raise NoSuchAccount("the account was changed at this moment; sign in again")
    change = "UPDATE passkeys SET sign_count = ?, used_at = ? WHERE id = ?"
    db.execute(change, (sign_count, session.began_at, session.passkey))
    values = (
        session.token, session.officer, session.role, session.passkey, session.agent, session.began_at,
        session.seen_at,
    )  # fmt: skip
    db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    newest = "SELECT token FROM sessions WHERE officer = ?1 ORDER BY began_at DESC LIMIT ?2"
    db.execute(
        f"DELETE FROM sessions WHERE officer = ?1 AND token <> ?3 AND token NOT IN ({newest})",
        (session.officer, limit, session.token),
    )


def session(db: sqlite3.Connection, token: bytes) -> KeptSession | None:
    """See AccountStore."""
    query = "SELECT token, officer, role, passkey, agent, began_at, seen_at FROM sessions WHERE token = ?"
    row = db.execute(query, (token,)).fetchone()
    return KeptSession(*row) if row else None


def forget_sessions(db: sqlite3.Connection, seen_before: int, began_before: int) -> None:
    """See AccountStore."""
    db.execute("DELETE FROM sessions WHERE seen_at <= ? OR began_at <= ?", (seen_before, began_before))


def _log(db: sqlite3.Connection, act: Act, now: int) -> None:
    """Log an act at the time that it says, which is the machine's; `now` is that of links and sessions."""
    append_administration(db, act, act.get("at", now))


def _ask(db: sqlite3.Connection, name: str, manager: str, now: int) -> sqlite3.Cursor:
    return db.execute("INSERT OR IGNORE INTO enrolments_asked VALUES (?, ?, ?)", (name, manager, now))


def _stop_passkeys(db: sqlite3.Connection, name: str, now: int) -> None:
    db.execute("UPDATE passkeys SET stopped_at = ? WHERE officer = ? AND stopped_at IS NULL", (now, name))


def _end_sessions(db: sqlite3.Connection, name: str) -> int:
    return db.execute("DELETE FROM sessions WHERE officer = ?", (name,)).rowcount


def _check_known(db: sqlite3.Connection, name: str) -> None:
    if officer(db, name) is None:
        raise NoSuchAccount(f"there is no officer {name!r}")


def _must(done: sqlite3.Cursor, name: str) -> None:
    if not done.rowcount:
        raise NoSuchAccount(f"there is nothing to change for {name!r}; look at the account again")


def _first(rows: Sequence[tuple[bytes, str, bytes, int, int, int, int | None]]) -> Passkey | None:
    return Passkey(*rows[0]) if rows else None


def administration(db: sqlite3.Connection, limit: int) -> list[str]:
    """Return the records of the last acts of administration, the newest first."""
    query = "SELECT record FROM administration WHERE record IS NOT NULL ORDER BY id DESC LIMIT ?"
    return [record for (record,) in db.execute(query, (limit,))]


def published_heads(db: sqlite3.Connection, limit: int) -> list[str]:
    """Return the heads that were published, the newest first."""
    query = "SELECT note FROM heads WHERE is_offered ORDER BY id DESC LIMIT ?"
    return [note for (note,) in db.execute(query, (limit,))]
