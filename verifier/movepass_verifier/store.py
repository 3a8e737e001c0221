"""The device's store: one SQLite file with all that a device knows; one transaction a sync.

A power cut leaves the state before a sync or the one after it. Reading never waits for a sync, and a whole
verification reads within one transaction, so it sees one consistent publication. Revoked indexes stand in pages of
bits, so that one check reads one small row, whatever the number revoked.
"""

import json
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from movepass_keys import KeyDocumentError, KeySet
from movepass_verifier.errors import StoreError
from movepass_verifier.lists import StatusLists
from movepass_wire import Bitmap
from movepass_wire.limits import TIME_LIMIT
from movepass_wire.times import day_name

SCHEMA_VERSION = 2
FILE_NAME = "device.sqlite"
PAGE_BYTES = 2048
_PAGE_INDEXES = PAGE_BYTES * 8
_BUSY_SECONDS = 10
_LAST_SEEN_STEP = 60
"""Seconds between two notes of the time; scans come in seconds, and the disk is a card that wears."""
_CAN_NOT_WRITE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL)
_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE metadata (name TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE documents (name TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE logs (day INTEGER PRIMARY KEY, revoked INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE pages (day INTEGER, page INTEGER, bits BLOB NOT NULL, PRIMARY KEY (day, page)) WITHOUT ROWID;
"""
KEYS, DENIED = "keys", "denied"


@dataclass(frozen=True, slots=True)
class LogInfo:
    """A list on the device: its UTC day, how many are revoked, and the log's size in bytes."""

    day: int
    revoked: int
    size: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a sync starts from, or ends with.

    Attributes:
        syncs: how many syncs the store has seen; a commit must find the same number.
        sources: where the device syncs from, in the order in which they are tried.
        published: signed time of the publication held, seconds since 1970 UTC.
        metadata: TUF's documents by role; "root" is always there.
        documents: KEYS and DENIED as published.
        logs: each UTC day's log.
    """

    syncs: int
    sources: tuple[str, ...]
    published: int | None
    metadata: Mapping[str, bytes]
    documents: Mapping[str, bytes]
    logs: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class State:
    """What verifications rest on."""

    keys: KeySet
    lists: StatusLists
    last_seen: int | None
    sources: tuple[str, ...]
    logs: tuple[LogInfo, ...] = field(default=())


_NO_KEYS = KeySet("", test=False, keys={})


class _StoredList:
    """A day's revoked indexes, read from the store one page at a time."""

    __slots__ = ("_day", "_db")

    def __init__(self, db: sqlite3.Connection, day: int) -> None:
        self._db = db
        self._day = day

    def __contains__(self, index: object) -> bool:
        assert isinstance(index, int)  # noqa: S101 - what Container's signature can't say
        page, within = divmod(index, _PAGE_INDEXES)
        row = self._db.execute("SELECT bits FROM pages WHERE day = ? AND page = ?", (self._day, page)).fetchone()
        return row is not None and within in Bitmap(row[0])


class Store:
    """A device's store, opened. Methods raise StoreError where the file fails."""

    def __init__(self, folder: Path) -> None:
        """Open a store.

        Raises:
            StoreError: missing, damaged, or made by other software.
        """
        self._path = folder / FILE_NAME
        try:
            found = self._path.is_file()
        except OSError as e:
            raise StoreError(f"can't read {folder}: {e.strerror}") from None
        if not found:
            raise StoreError(f"{folder} is not a device's store; set one up: movepass enroll")
        with self._failures():
            self._db, self._copy = _connect(self._path)
        self._cached: tuple[int, State] | None = None
        self._lock = threading.RLock()  # threads share one connection, and SQLite's transactions belong to it
        try:
            with self._failures():
                self._bring_up_to_version()
        except BaseException:
            self.close()
            raise

    def _bring_up_to_version(self) -> None:
        """Migrate a store that earlier software made; on a read-only medium a copy of it."""
        version = _version(self._db)
        if version == SCHEMA_VERSION:
            return
        if not 0 < version < SCHEMA_VERSION:
            raise StoreError(
                f"{self._path} is of version {version}; this software reads version {SCHEMA_VERSION}: "
                + ("update this software" if version > SCHEMA_VERSION else "enroll the device anew")
            )
        try:
            _migrate(self._db)
        except sqlite3.OperationalError as e:
            if e.sqlite_errorcode & 0xFF not in _CAN_NOT_WRITE:
                raise
            copy = tempfile.TemporaryDirectory(prefix="movepass-")
            db = sqlite3.connect(Path(copy.name) / FILE_NAME, isolation_level=None, check_same_thread=False)
            self._db.backup(db)
            self.close()
            self._db, self._copy = db, copy
            _migrate(self._db)

    @staticmethod
    def create(folder: Path, *, root: bytes, sources: Sequence[str]) -> None:
        """Make a store that trusts a root and syncs from these sources, all of it or nothing.

        Raises:
            StoreError: there is one already, or the folder can't be written to.
        """
        path = folder / FILE_NAME
        if path.exists():
            raise StoreError(f"{folder} is a device's store already; enroll into a new folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".enroll-", dir=folder) as temporary:
                new = Path(temporary) / FILE_NAME
                db = sqlite3.connect(new, isolation_level=None)
                db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
                db.execute("INSERT INTO facts VALUES ('sources', ?), ('syncs', 0)", (json.dumps(list(sources)),))
                db.execute("INSERT INTO metadata VALUES ('root', ?)", (root,))
                db.execute("PRAGMA journal_mode = WAL")
                db.close()
                new.replace(path)
        except (OSError, sqlite3.Error) as e:
            raise StoreError(f"can't make {path}: {getattr(e, 'strerror', None) or e}") from None

    @contextmanager
    def reading(self) -> Iterator[State]:
        """Read within one transaction: the state given, and its lists, are of one publication."""
        with self._lock, self._failures():
            self._db.execute("BEGIN")
            try:
                try:
                    state = self._state()
                except (KeyError, TypeError, ValueError, KeyDocumentError) as e:
                    raise self._damaged(e) from None
                yield state
            finally:
                self._db.execute("COMMIT")

    def held(self) -> Held:
        """Read everything a sync starts from."""
        with self._lock, self._failures():
            self._db.execute("BEGIN")
            try:
                facts = self._facts()
                return Held(
                    syncs=facts["syncs"],
                    sources=_sources(facts),
                    published=facts.get("published"),
                    metadata=dict(self._db.execute("SELECT name, data FROM metadata")),
                    documents=dict(self._db.execute("SELECT name, data FROM documents")),
                    logs=dict(self._db.execute("SELECT day, data FROM logs")),
                )
            except (KeyError, TypeError, ValueError) as e:
                raise self._damaged(e) from None
            finally:
                self._db.execute("COMMIT")

    def take_over(self, held: Held, changed: Collection[int], read: Callable[[int], Bitmap], *, synced_at: int) -> None:
        """Replace what the store holds by what a sync has verified, in one transaction.

        Args:
            held: the new state; its `syncs` is the number of syncs it started from.
            changed: the days whose log is new or another than before.
            read: gives the revoked indexes of such a day, one day at a time; an error undoes everything.
            synced_at: seconds since 1970 UTC.

        Raises:
            StoreError: another sync finished in between, or the disk is full or read-only.
        """
        if self._copy:
            raise StoreError(f"{self._path} is on a medium that can't be written to; it verifies, but can't be synced")
        with self._lock, self._failures():
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                if self._facts()["syncs"] != held.syncs:
                    raise StoreError("another sync finished in between; nothing is lost, sync again")
                self._write(held, changed, read, synced_at)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        with suppress(sqlite3.Error):  # the commit stands; where the disk is full the log is moved over another time
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def note_seen(self, now: int, last_seen: int | None) -> None:
        """Raise the soft floor of the clock; left undone where the store is read-only or busy."""
        if not 0 <= now < TIME_LIMIT or (last_seen is not None and now < last_seen + _LAST_SEEN_STEP):
            return
        with self._lock:
            self._note(now)

    def _note(self, now: int) -> None:
        try:
            self._db.execute("PRAGMA busy_timeout = 0")
            self._db.execute("INSERT OR REPLACE INTO facts VALUES ('last_seen', ?)", (now,))
        except sqlite3.Error:
            return
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")

    def close(self) -> None:
        """Close the file."""
        self._db.close()
        if self._copy:
            self._copy.cleanup()

    def _damaged(self, cause: Exception) -> StoreError:
        return StoreError(f"{self._path} is damaged ({cause!r}); enroll the device anew")

    def _facts(self) -> dict[str, Any]:
        return dict(self._db.execute("SELECT name, value FROM facts"))

    def _state(self) -> State:
        """Read the state, or give the one read before if no sync has come since."""
        facts = self._facts()
        if self._cached is None or self._cached[0] != facts["syncs"]:
            documents = dict(self._db.execute("SELECT name, data FROM documents"))
            keys = KeySet.from_jwks(documents[KEYS]).with_denied(documents[DENIED]) if documents else _NO_KEYS
            rows = self._db.execute("SELECT day, revoked, length(data) FROM logs ORDER BY day")
            logs = tuple(LogInfo(*row) for row in rows)
            days = {log.day: _StoredList(self._db, log.day) for log in logs}
            lists = StatusLists(days, _seconds(facts, "published"), _seconds(facts, "synced_at"))
            self._cached = facts["syncs"], State(keys, lists, None, _sources(facts), logs)
        return replace(self._cached[1], last_seen=_seconds(facts, "last_seen"))

    def _write(self, held: Held, changed: Collection[int], read: Callable[[int], Bitmap], synced_at: int) -> None:
        for table, rows in (("metadata", held.metadata), ("documents", held.documents)):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant
            self._db.executemany(f"INSERT INTO {table} VALUES (?, ?)", rows.items())  # noqa: S608 - a constant
        kept = {day for day in held.logs if day not in changed}
        for table in ("logs", "pages"):
            marks = ",".join("?" * len(kept))
            self._db.execute(f"DELETE FROM {table} WHERE day NOT IN ({marks})", tuple(kept))  # noqa: S608 - marks only
        for day in changed:
            revoked = read(day)
            self._db.execute("INSERT INTO logs VALUES (?, ?, ?)", (day, len(revoked), held.logs[day]))
            self._db.executemany("INSERT INTO pages VALUES (?, ?, ?)", _pages(day, revoked))
        facts = {
            "published": held.published,
            "synced_at": synced_at,
            "syncs": held.syncs + 1,
            "sources": json.dumps(held.sources),
        }
        self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())
        self._db.execute("DELETE FROM facts WHERE name = 'last_seen'")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeDecodeError) as e:  # a damaged schema is not even text
            raise StoreError(f"{self._path}: {e}") from None


def _version(db: sqlite3.Connection) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def _migrate(db: sqlite3.Connection) -> None:
    """Bring a store up to this version, in one transaction."""
    db.execute("BEGIN IMMEDIATE")
    try:
        for step in _MIGRATIONS[_version(db) - 1 :]:  # another process may have been here first
            step(db)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _one_source_becomes_a_list(db: sqlite3.Connection) -> None:
    (source,) = db.execute("SELECT value FROM facts WHERE name = 'source'").fetchone()
    db.execute("INSERT INTO facts VALUES ('sources', ?)", (json.dumps([source]),))
    db.execute("DELETE FROM facts WHERE name = 'source'")


_MIGRATIONS = (_one_source_becomes_a_list,)
"""What brings a store from version 1 to 2, from 2 to 3, and so on."""


def _sources(facts: dict[str, Any]) -> tuple[str, ...]:
    sources = json.loads(facts["sources"])
    if not (isinstance(sources, list) and sources and all(isinstance(source, str) for source in sources)):
        raise TypeError(f"sources are {sources!r}")
    return tuple(sources)


def _seconds(facts: dict[str, Any], name: str) -> int | None:
    value = facts.get(name)
    if value is not None and not (isinstance(value, int) and 0 <= value < TIME_LIMIT):
        raise TypeError(f"{name} is {value!r}")
    return value


def _pages(day: int, revoked: Bitmap) -> Iterator[tuple[int, int, bytes]]:
    """Cut a bitmap into pages; those without a revoked index are left out."""
    for start in range(0, len(revoked.bits), PAGE_BYTES):
        bits = bytes(revoked.bits[start : start + PAGE_BYTES])
        if any(bits):
            yield day, start // PAGE_BYTES, bits


def _connect(path: Path) -> tuple[sqlite3.Connection, "tempfile.TemporaryDirectory[str] | None"]:
    """Open the file; on a read-only medium without asking for the shared memory that SQLite would make beside it.

    A write-ahead log that was left beside it must be read as well: then both are copied to where SQLite can work.
    """
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        db.close()
    except BaseException:
        db.close()
        raise
    else:
        return db, None
    log = path.with_name(path.name + "-wal")
    if not log.exists() or not log.stat().st_size:
        return sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True, isolation_level=None), None
    copy = tempfile.TemporaryDirectory(prefix="movepass-")
    for file in (path, log):
        shutil.copy(file, copy.name)
    return sqlite3.connect(Path(copy.name) / path.name, isolation_level=None), copy


def describe(log: LogInfo) -> dict[str, int | str]:
    """Write a list as `sync --json` and `status --json` show it."""
    return {"day": day_name(log.day), "revoked": log.revoked, "bytes": log.size}
