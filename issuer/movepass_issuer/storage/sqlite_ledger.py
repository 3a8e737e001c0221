"""The embedded ledger: one SQLite file, write-ahead logging, every commit synced to the disk."""

import os
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from movepass_issuer.errors import LedgerError, UnknownPassError
from movepass_issuer.issuing.ledger import PERSONAL_DAYS, REQUEST_DAYS, Announced, Entry, Request, check_reason
from movepass_issuer.storage.renaming import plan_renames
from movepass_keys import files
from movepass_wire.limits import INDEX_LIMIT

SCHEMA_VERSION = 3
"""3: names as request_ids gives them. 2: announced."""
_BUSY_SECONDS = 30
_OTHERS = 0o007
_SCHEMA = """
CREATE TABLE passes (
    request_id TEXT PRIMARY KEY, content_hash BLOB NOT NULL, day INTEGER NOT NULL, idx INTEGER NOT NULL,
    text TEXT, revoked_at INTEGER, reason TEXT, UNIQUE (day, idx)
) WITHOUT ROWID;
CREATE INDEX revoked ON passes (day, idx) WHERE revoked_at IS NOT NULL;
CREATE TABLE next_index (day INTEGER PRIMARY KEY, idx INTEGER NOT NULL);
CREATE TABLE pending (day INTEGER NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (day, idx)) WITHOUT ROWID;
"""
_SINCE_2 = """
CREATE TABLE announced (version INTEGER NOT NULL, digest BLOB NOT NULL, settled INTEGER NOT NULL,
    PRIMARY KEY (version, digest)) WITHOUT ROWID;
"""
_COLUMNS = "request_id, content_hash, day, idx, text, revoked_at, reason"
_MAY_MOVE = "request_id GLOB '*[^ -~]*' OR request_id LIKE '%+________' OR request_id <> trim(request_id)"
"""Names of version 2 that may be different in version 3."""
_VARIABLES = 500
"""Values in one SELECT, well below SQLite's limit."""


class SqliteLedger:
    """The ledger in a file; see ledger.Ledger for what each method promises."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open a ledger, or make a new one.

        Raises:
            LedgerError: missing, not a ledger, or of a version that this software does not know.
        """
        self._path = path
        if path.exists() == create:
            raise LedgerError(f"{path} {'exists already' if create else 'does not exist'}")
        with self._failures():
            _keep_private(path, create=create)
            self._db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            if create:
                self._db.executescript(f"BEGIN; {_SCHEMA} {_SINCE_2} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version in {1, 2}:
            version = self._migrate()
        if version != SCHEMA_VERSION:
            self._db.close()
            raise LedgerError(f"{path} is of version {version}; this software reads version {SCHEMA_VERSION}")

    def find(self, request_ids: Sequence[str]) -> dict[str, Entry]:
        """See Ledger."""
        return {row[0]: Entry(*row) for row in self._rows(_COLUMNS, request_ids)}

    def find_index(self, day: int, index: int) -> Entry | None:
        """See Ledger."""
        with self._failures():
            row = self._db.execute(
                f"SELECT {_COLUMNS} FROM passes WHERE day = ? AND idx = ?",  # noqa: S608 - a constant
                (day, index),
            ).fetchone()
        return Entry(*row) if row else None

    def reserve(self, requests: Sequence[Request], *, absent: Collection[str] = ()) -> list[Entry]:  # noqa: ARG002 - see below
        """See Ledger. One transaction for all, so a crash leaves all reserved or none; it looks all of them up."""
        with self._transaction():
            entries = self.find([request.request_id for request in requests])
            new: dict[str, Request] = {}
            for request in requests:
                if request.request_id not in entries:
                    new.setdefault(request.request_id, request)
            wanted = Counter(request.day for request in new.values())
            indexes = {day: count(self._take(day, number)) for day, number in wanted.items()}
            rows = [(r.request_id, r.content_hash, r.day, next(indexes[r.day])) for r in new.values()]
            self._db.executemany("INSERT INTO passes (request_id, content_hash, day, idx) VALUES (?, ?, ?, ?)", rows)
            entries |= {row[0]: Entry(*row) for row in rows}
            return [entries[request.request_id] for request in requests]

    def store(self, texts: Sequence[tuple[str, str]], *, reserved: Iterable[Entry] = ()) -> dict[str, str]:  # noqa: ARG002
        """See Ledger. No entry is looked up before its payload is written."""
        with self._transaction():
            self._db.executemany(
                "UPDATE passes SET text = ? WHERE request_id = ? AND text IS NULL",
                [(text, request_id) for request_id, text in texts],
            )
            return {
                request_id: text or ""
                for request_id, text in self._rows("request_id, text", [request_id for request_id, _ in texts])
            }

    def revoke(self, day: int, index: int, *, reason: str, now: int) -> Entry:
        """See Ledger."""
        check_reason(reason)
        with self._transaction():
            entry = self.find_index(day, index)
            if entry is None:
                raise UnknownPassError("no pass of this number in the ledger")
            if entry.revoked_at is not None:
                return entry
            self._db.execute(
                "UPDATE passes SET revoked_at = ?, reason = ? WHERE day = ? AND idx = ?", (now, reason, day, index)
            )
            self._db.execute("INSERT INTO pending VALUES (?, ?)", (day, index))
            return replace(entry, revoked_at=now, reason=reason)

    def in_force(self, today: int) -> Iterator[list[Entry]]:
        """See Ledger."""
        return self._each("revoked_at IS NULL AND text <> ''", today)

    def issued(self) -> Iterator[list[Entry]]:
        """See Ledger."""
        return self._each("text IS NOT NULL", 0)

    def _each(self, condition: str, first_day: int) -> Iterator[list[Entry]]:
        """Yield the passes that meet a condition, from a day on, some at a time; no read lasts."""
        day, index = first_day, -1
        while True:
            with self._failures():
                rows = self._db.execute(
                    f"SELECT {_COLUMNS} FROM passes WHERE (day, idx) > (?, ?) AND {condition} "  # noqa: S608
                    "ORDER BY day, idx LIMIT ?",
                    (day, index, _VARIABLES),
                ).fetchall()
            if not rows:
                return
            entries = [Entry(*row) for row in rows]
            yield entries
            day, index = entries[-1].day, entries[-1].index

    def skip(self, days: Iterable[int], count: int) -> None:
        """See Ledger."""
        with self._transaction():
            for day in days:
                self._take(day, count)

    def pending(self) -> list[tuple[int, int]]:
        """See Ledger."""
        with self._failures():
            return self._db.execute("SELECT day, idx FROM pending ORDER BY day, idx").fetchall()

    def revoked(self, day: int) -> list[int]:
        """See Ledger."""
        with self._failures():
            rows = self._db.execute("SELECT idx FROM passes WHERE day = ? AND revoked_at IS NOT NULL", (day,))
            return [index for (index,) in rows]

    def revoked_count(self, day: int) -> int:
        """See Ledger. Counted in the index of revoked passes."""
        with self._failures():
            row = self._db.execute("SELECT count(*) FROM passes WHERE day = ? AND revoked_at IS NOT NULL", (day,))
            return int(row.fetchone()[0])

    def announced(self) -> list[Announced]:
        """See Ledger."""
        with self._failures():
            rows = self._db.execute("SELECT version, digest, settled FROM announced ORDER BY version, digest")
            return [Announced(version, digest, bool(settled)) for version, digest, settled in rows]

    def has_announced(self, timestamp: Announced) -> bool:
        """See Ledger."""
        with self._failures():
            key = (timestamp.version, timestamp.digest)
            return bool(self._db.execute("SELECT 1 FROM announced WHERE version = ? AND digest = ?", key).fetchall())

    def announce(self, timestamp: Announced) -> None:
        """See Ledger."""
        with self._transaction():
            self._db.execute("INSERT INTO announced VALUES (?, ?, 0)", (timestamp.version, timestamp.digest))

    def settle(self, published: Iterable[tuple[int, int]], timestamp: Announced) -> None:
        """See Ledger."""
        with self._transaction():
            self._db.executemany("DELETE FROM pending WHERE day = ? AND idx = ?", published)
            version, digest = timestamp.version, timestamp.digest
            self._db.execute("UPDATE announced SET settled = 1 WHERE version = ? AND digest = ?", (version, digest))
            self._db.execute("DELETE FROM announced WHERE version <= ? AND digest <> ?", (version, digest))

    def forget(self, today: int) -> None:
        """See Ledger. The next index of each day is never forgotten: a row a day."""
        with self._transaction():
            self._db.execute("UPDATE passes SET text = '' WHERE day < ? AND text <> ''", (today - PERSONAL_DAYS,))
            self._db.execute("DELETE FROM passes WHERE day < ?", (today - REQUEST_DAYS,))
        with suppress(sqlite3.Error):  # deletes it from the write-ahead log too, unless somebody reads
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """See Ledger."""
        self._db.close()

    def _migrate(self) -> int:
        """Bring a ledger up to date, unless another process just has, and return its version."""
        with self._transaction():
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 1:
                self._db.execute(_SINCE_2)
            if version in {1, 2}:
                rows = self._db.execute(f"SELECT {_COLUMNS} FROM passes WHERE {_MAY_MOVE} ORDER BY length(request_id)")  # noqa: S608
                for names in plan_renames((Entry(*row) for row in rows), self.find):
                    self._db.execute("UPDATE passes SET request_id = ? WHERE request_id = ?", names)
                self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        return SCHEMA_VERSION

    def _rows(self, columns: str, request_ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        with self._failures():
            for start in range(0, len(request_ids), _VARIABLES):
                ids = request_ids[start : start + _VARIABLES]
                marks = ",".join("?" * len(ids))
                yield from self._db.execute(f"SELECT {columns} FROM passes WHERE request_id IN ({marks})", ids)  # noqa: S608 - marks only

    def _take(self, day: int, number: int) -> int:
        """Take so many indexes of a day for ever, and return the first."""
        row = self._db.execute("SELECT idx FROM next_index WHERE day = ?", (day,)).fetchone()
        index: int = row[0] if row else 0
        if index + number > INDEX_LIMIT:
            raise LedgerError(f"{index} of that day's {INDEX_LIMIT} indexes are taken; {number} more don't fit")
        self._db.execute("INSERT OR REPLACE INTO next_index VALUES (?, ?)", (day, index + number))
        return index

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as e:
            raise LedgerError(f"the ledger {self._path}: {e}") from e
        except OSError as e:
            raise LedgerError(f"the ledger {self._path}: {e.strerror or e}") from e

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._failures():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


def _keep_private(path: Path, *, create: bool) -> None:
    """Let no other user read a ledger, which holds names; a group's rights stay. SQLite's own files follow it."""
    if create:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, files.OWNER_ONLY))
    for file in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm"))):
        with suppress(FileNotFoundError, PermissionError):  # SQLite says what is missing; another user's is not ours
            mode = file.stat().st_mode & 0o777
            if mode & _OTHERS:
                file.chmod(mode & ~_OTHERS)
