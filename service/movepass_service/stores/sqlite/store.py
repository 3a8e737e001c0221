"""The embedded store: one SQLite file, write-ahead logging, one thread that writes (see writer.py)."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from movepass_keys import files
from movepass_service.applications.application import Application
from movepass_service.applications.states import CORRECTABLE, OPEN, WAITING_FOR_OFFICER, State
from movepass_service.decisions.records import Decision
from movepass_service.errors import ConflictingApplication, NotAllowed, StoreError, UnknownApplication
from movepass_service.stores.desk import Draw, Guard
from movepass_service.stores.kept import Kept
from movepass_service.stores.sqlite import log, rows
from movepass_service.stores.sqlite.accounts import SqliteAccounts
from movepass_service.stores.sqlite.desk import SqliteDesk
from movepass_service.stores.sqlite.rows import COLUMNS, SCHEMA, SCHEMA_VERSION, marks
from movepass_service.stores.sqlite.stories import SqliteStories
from movepass_service.stores.sqlite.writer import Writer
from movepass_service.stores.sqlite.writer import failures as _failures
from movepass_service.stores.store import (
    RECEIVED_MAX,
    Decide,
    Draft,
    Head,
    Issued,
    LoggedRecord,
    Reissuable,
    Submitted,
    ToRevoke,
)

FILE = "service.sqlite"
_BUSY_SECONDS = 30
_PLACES_SECONDS = 2.0
"""How old the places of cases may be that people are told."""
_KEY_BYTES = 32
_LOG_PAGE = 5_000
"""Leaves of the log that are read at once: a longer read would keep the write-ahead log from being written back."""
_CHECKPOINT_PAGES = 40_000
"""Of the write-ahead log, at which the writer itself writes it back: only where nobody else did (checkpoint)."""


class SqliteStore(SqliteAccounts, SqliteDesk, SqliteStories):
    """The store in a file; see store.Store for what each method promises."""

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Return whether a folder has a store's file that is not empty."""
        path = folder / FILE
        return path.exists() and path.stat().st_size > 0

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        """Open the store in a folder.

        Args:
            folder: where its file is.
            create: whether to make folder and file where there are none.

        Raises:
            StoreError: it can't be opened, is missing, or is of a version that this software does not know.
        """
        self.folder = folder
        self._path = folder / FILE
        if not create and not self._path.exists():
            raise StoreError(f"{folder} is no service's folder ({FILE} is missing); see movepass service run")
        self._readers = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._places: tuple[float, Mapping[int, int]] = (-_PLACES_SECONDS, {})
        self._id_keys: dict[int, bytes] = {}
        with _failures():
            _make_private(folder, self._path)
            db = self._connect()
            try:
                version = db.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
                elif version != SCHEMA_VERSION:
                    raise StoreError(f"{self._path} is of version {version}; this software reads {SCHEMA_VERSION}")
            finally:
                db.close()
        self.writer = Writer(self._connect)

    async def submit(self, drafts: Sequence[Draft], now: int) -> list[Submitted]:
        """See Store."""
        prepared = [(draft, draft.application.canonical()) for draft in drafts]
        return await self.writer.run(lambda db: _submit(db, prepared, now))

    async def correct(self, reference: str, digest: bytes, application: Application, now: int) -> Submitted:
        """See Store."""
        return await self.writer.run(lambda db: _correct(db, reference, digest, application, now))

    async def change(self, reference: str, decision: Decision, now: int) -> State:
        """See Store."""
        return await self.writer.run(lambda db: rows.decide_one(db, reference, decision, now))

    def find(self, reference: str) -> Kept | None:
        """See Store."""
        with _failures():
            found = self._reader.execute(f"SELECT {COLUMNS} FROM applications WHERE reference = ?", (reference,))
            row = found.fetchone()
        return rows.kept(row) if row else None

    def decide_next(self, limit: int, decide: Decide, now: int) -> int:
        """See Store. All in the transaction of the one writer, so that no other decision comes in between."""

        def work(db: sqlite3.Connection) -> int:
            query = f"SELECT {COLUMNS} FROM applications WHERE state = 'received' ORDER BY number LIMIT ?"
            waiting = [rows.kept(row) for row in db.execute(query, (limit,))]
            for application in waiting:
                decision = decide(application, rows.count_passes(db, application))
                rows.apply(db, application, decision, now)
            return len(waiting)

        return self.writer.call(work)

    def decide_case(
        self, reference: str, decision: Decision, now: int, *, guard: Guard | None = None, draw: Draw | None = None
    ) -> State:
        """See Store."""
        return self.writer.call(lambda db: rows.decide_one(db, reference, decision, now, guard, draw))

    def expire(self, decision: Decision, now: int, limit: int) -> int:
        """See Store."""

        def work(db: sqlite3.Connection) -> int:
            query = (
                f"SELECT {COLUMNS} FROM applications WHERE state IN ({marks(OPEN)}) AND not_after <= ? "
                "ORDER BY number LIMIT ?"
            )
            over = [rows.kept(row) for row in db.execute(query, (*OPEN, now, limit))]
            for application in over:
                rows.apply(db, application, decision, now)
            return len(over)

        with _failures():  # nothing is written, and nobody waits for the disk, where nothing is over
            query = f"SELECT 1 FROM applications WHERE state IN ({marks(OPEN)}) AND not_after <= ? LIMIT 1"
            if self._reader.execute(query, (*OPEN, now)).fetchone() is None:
                return 0
        return self.writer.call(work)

    def approved(self, limit: int, covered: int) -> list[Kept]:
        """See Store."""
        decided = (
            "SELECT decision FROM passes "
            "WHERE passes.number = applications.number AND passes.correction = applications.correction"
        )
        return self._kept(f"state = 'approved' AND ({decided}) < ? ORDER BY number LIMIT ?", (covered, limit))

    def record_issued(self, passes: Sequence[Issued], now: int) -> None:
        """See Store."""
        self.writer.call(lambda db: rows.record_issued(db, passes, now))

    def record_reissued(self, passes: Sequence[Issued], shown: Sequence[Issued], now: int) -> None:
        """See Store."""
        self.writer.call(lambda db: rows.record_reissued(db, passes, shown, now))

    def issued_under(self, kid: bytes, *, after: tuple[int, int, int], limit: int) -> list[Reissuable]:
        """See Store."""
        query = (
            "SELECT number, correction, request_id, not_after FROM passes "
            "WHERE kid = ? AND (not_after, number, correction) > (?, ?, ?) "
            "ORDER BY not_after, number, correction LIMIT ?"
        )
        with _failures():
            return [Reissuable(*row) for row in self._reader.execute(query, (kid, *after, limit))]

    def record_refused(self, kept: Kept, decision: Decision, now: int) -> None:
        """See Store."""

        def work(db: sqlite3.Connection) -> None:
            query = f"SELECT {COLUMNS} FROM applications WHERE number = ? AND correction = ? AND state = 'approved'"
            if row := db.execute(query, (kept.number, kept.correction)).fetchone():
                rows.apply(db, rows.kept(row), decision, now)

        self.writer.call(work)

    def to_revoke(self, limit: int) -> list[ToRevoke]:
        """See Store."""
        query = (
            "SELECT number, correction, request_id, pass_number FROM passes WHERE revoke AND revoked_at IS NULL LIMIT ?"
        )
        with _failures():
            return [ToRevoke(*row) for row in self._reader.execute(query, (limit,))]

    def record_revoked(self, passes: Sequence[ToRevoke], now: int, unseen: Sequence[Issued] = ()) -> None:
        """See Store."""

        def work(db: sqlite3.Connection) -> None:
            for one in unseen:
                rows.note_pass(db, one, now)
            keys = [(now, one.number, one.correction) for one in passes]
            db.executemany("UPDATE passes SET revoked_at = ? WHERE number = ? AND correction = ?", keys)

        self.writer.call(work)

    def append_administration(self, document: Mapping[str, Any], now: int) -> int:
        """See Store."""
        return self.writer.call(lambda db: log.append_administration(db, document, now))

    def log_size(self) -> int:
        """See Store."""
        with _failures():
            return log.size(self._reader)

    def leaves(self, start: int, end: int) -> Iterator[str]:
        """See Store."""
        for first in range(start, end, _LOG_PAGE):
            with _failures():
                page = log.leaves(self._reader, first, min(first + _LOG_PAGE, end))
            yield from page

    def records(self, end: int, start: int = 0) -> Iterator[LoggedRecord]:
        """See Store."""
        for first in range(start, end, _LOG_PAGE):
            with _failures():
                page = log.records(self._reader, first, min(first + _LOG_PAGE, end))
            yield from page

    def issuance_leaves(self, passes: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """See Store."""
        with _failures():
            return log.issuance_leaves(self._reader, passes)

    def newest_head(self) -> Head | None:
        """See Store."""
        with _failures():
            return log.newest_head(self._reader)

    def add_head(self, head: Head) -> None:
        """See Store."""
        self.writer.call(lambda db: log.add_head(db, head))

    def has_offered(self, note: str) -> bool:
        """See Store."""
        with _failures():
            return log.has_offered(self._reader, note)

    def offer_head(self) -> str | None:
        """See Store."""
        return self.writer.call(log.offer_head)

    def cases(self, limit: int) -> list[Kept]:
        """See Store."""
        condition = f"state IN ({marks(WAITING_FOR_OFFICER)}) ORDER BY is_urgent DESC, number LIMIT ?"
        return self._kept(condition, (*WAITING_FOR_OFFICER, limit))

    def places(self) -> Mapping[int, int]:
        """See Store."""
        made, places = self._places
        if time.monotonic() - made >= _PLACES_SECONDS:
            query = (
                f"SELECT number FROM applications WHERE state IN ({marks(WAITING_FOR_OFFICER)}) "
                "ORDER BY is_urgent DESC, number"
            )
            with _failures():
                found = self._reader.execute(query, WAITING_FOR_OFFICER)
                places = {number: place for place, (number,) in enumerate(found, 1)}
            self._places = (time.monotonic(), places)
        return places

    def received_before(self, number: int) -> int:
        """See Store."""
        with _failures():
            before = "SELECT 1 FROM applications WHERE state = 'received' AND number < ? LIMIT ?"
            row = self._reader.execute(f"SELECT count(*) FROM ({before})", (number, RECEIVED_MAX)).fetchone()
        return int(row[0])

    def history(self, number: int) -> list[dict[str, Any]]:
        """See Store."""
        with _failures():
            query = "SELECT record FROM decisions WHERE number = ? AND record IS NOT NULL ORDER BY id"
            return [json.loads(text) for (text,) in self._reader.execute(query, (number,))]

    def counts_by_state(self) -> Mapping[State, int]:
        """See Store."""
        with _failures():
            found = self._reader.execute("SELECT state, count FROM state_counts WHERE count > 0")
            return {State(state): count for state, count in found}

    def decided_by_people_since(self, at: int) -> int:
        """See Store."""
        with _failures():
            query = "SELECT count(*) FROM decisions WHERE by_person AND at >= ?"
            return int(self._reader.execute(query, (at,)).fetchone()[0])

    def id_key(self, week: int, oldest: int) -> bytes | None:
        """See Store."""
        if week < oldest:
            return None
        if week not in self._id_keys:
            self._id_keys[week] = self.writer.call(lambda db: _id_key(db, week))
        return self._id_keys[week]

    def forget(self, now: int, oldest_week: int, limit: int) -> int:
        """See Store. What is deleted is overwritten (secure_delete), and goes from the write-ahead log."""
        for week in [week for week in self._id_keys if week < oldest_week]:
            del self._id_keys[week]
        forgotten = self.writer.call(lambda db: rows.forget(db, now, oldest_week, limit))
        if forgotten:
            with suppress(sqlite3.Error):  # a reader may keep it; the next time it goes
                self._reader.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return forgotten

    def checkpoint(self) -> None:
        """Write the write-ahead log back into the file, in the caller's thread: nobody who writes waits for that."""
        with _failures():
            self._reader.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def note(self, name: str, value: bytes) -> None:
        """Keep a value of the service's own under a name, in place of an earlier one."""
        if self.noted(name) != value:
            self.writer.call(lambda db: db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value)) and None)

    def noted(self, name: str) -> bytes | None:
        """Return what is kept under a name, or None."""
        with _failures():
            row = self._reader.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def add_rules(self, version: str, text: str, now: int, act: Mapping[str, Any] | None = None) -> None:
        """Put a rule set into force. One of this version that is kept already stays as it is.

        Args:
            version: its version.
            text: its file.
            now: seconds since 1970 UTC.
            act: the record of an act of administration, which the log gets in the same transaction.
        """

        def work(db: sqlite3.Connection) -> None:
            added = db.execute("INSERT OR IGNORE INTO rules VALUES (?, ?, ?)", (version, text, now))
            if added.rowcount and act:
                log.append_administration(db, act, now)

        self.writer.call(work)

    def rules_text(self, version: str) -> str | None:
        """Return a rule set's file, whether it is in force or not."""
        with _failures():
            row = self._reader.execute("SELECT text FROM rules WHERE version = ?", (version,)).fetchone()
        return row[0] if row else None

    def rules_in_force(self) -> str | None:
        """Return the version of the rules in force."""
        with _failures():
            row = self._reader.execute("SELECT version FROM rules ORDER BY rowid DESC").fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """See Store."""
        self.writer.close()
        for db in self._connections:
            with suppress(sqlite3.Error):
                db.close()

    @property
    def _reader(self) -> sqlite3.Connection:
        """Return this thread's connection to read from."""
        db = getattr(self._readers, "db", None)
        if db is None:
            db = self._connect()
            self._readers.db = db
            self._connections.append(db)
        return db

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        for setting in (
            "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "temp_store = MEMORY",
            f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
        ):  # fmt: skip
            db.execute(f"PRAGMA {setting}")
        return db

    def _kept(self, condition: str, values: Sequence[Any]) -> list[Kept]:
        with _failures():
            found = self._reader.execute(f"SELECT {COLUMNS} FROM applications WHERE {condition}", tuple(values))
            return [rows.kept(row) for row in found]


def _submit(db: sqlite3.Connection, prepared: Sequence[tuple[Draft, str]], now: int) -> list[Submitted]:
    client = prepared[0][0].client
    query = "SELECT digest, reference, state FROM applications WHERE client = ? ORDER BY part"
    known = db.execute(query, (client,)).fetchall()
    if known:
        if len(known) != len(prepared) or any(row[0] != prepared[0][0].digest for row in known):
            raise ConflictingApplication("this id was used before, for another application")
        return [Submitted(reference, State(state), is_new=False) for _, reference, state in known]
    return [Submitted(rows.insert(db, draft, text, now), State.RECEIVED, is_new=True) for draft, text in prepared]


def _correct(db: sqlite3.Connection, reference: str, digest: bytes, application: Application, now: int) -> Submitted:
    row = db.execute(f"SELECT {COLUMNS}, correction_digest FROM applications WHERE reference = ?", (reference,))
    found = row.fetchone()
    if found is None:
        raise UnknownApplication("no application of this reference")
    kept = rows.kept(found[:-1])
    unchanged = application.canonical() == kept.content and application.id_hash == kept.id_hash
    # Rejected answers may be sent again as they are: a place may be free now that was not.
    if kept.state != State.REJECTED and (found[-1] == digest or unchanged):
        return Submitted(reference, kept.state, is_new=False)
    if kept.state not in CORRECTABLE:
        raise NotAllowed(f"an application that is {kept.state} can't be corrected", kept.state)
    rows.replace_content(db, kept, digest, application, now)
    return Submitted(reference, State.RECEIVED, is_new=True)


def _id_key(db: sqlite3.Connection, week: int) -> bytes:
    db.execute("INSERT OR IGNORE INTO id_keys VALUES (?, ?)", (week, os.urandom(_KEY_BYTES)))
    return bytes(db.execute("SELECT key FROM id_keys WHERE week = ?", (week,)).fetchone()[0])


def _make_private(folder: Path, path: Path) -> None:
    """Make the folder and the file for the owner alone: they hold names."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, files.OWNER_ONLY))
