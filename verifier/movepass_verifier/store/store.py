"""Store everything that a device knows in one SQLite file; each sync is one transaction.

A power cut leaves the state before a sync or the state after it. Reading never waits for a sync. A verification reads
within one transaction, so it sees one consistent publication. Everything it relies on is compared with its checksum: a
damaged file raises a DamagedError and never changes a verdict.
"""

import json
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from movepass_keys import KeyDocumentError, KeySet
from movepass_keys.files import is_link
from movepass_verifier.deciding.lists import Policy, StatusLists
from movepass_verifier.deciding.verdicts import Verification
from movepass_verifier.errors import DamagedError, StoreError, SyncError
from movepass_verifier.officer import journal
from movepass_verifier.store import schema
from movepass_verifier.store.database import (
    CAN_NOT_WRITE,
    ENDINGS,
    NOT_THE_FILES_FAULT,
    can_write,
    code_of,
    connect,
    folder_for_a_copy,
    open_file,
    transaction,
    waiting,
)
from movepass_verifier.store.pages import PageReader, delete_list, write_list
from movepass_verifier.store.schema import SCHEMA_VERSION
from movepass_wire import LogError
from movepass_wire.limits import TIME_LIMIT
from movepass_wire.times import day_name
from movepass_words import DEFAULT_LANGUAGE, LANGUAGES, Message, message

T = TypeVar("T")
FILE_NAME = "device.sqlite"
_NOTE_WAITS_MS = 250
"""How long a note waits for another process that writes; a sync seldom takes longer, and an officer is waiting."""
_OWN_ENTRIES = 64
"""How many of its own entries a process remembers: more than a scanner adds while it reads one pass twice."""
_LAST_SEEN_STEP = 60
"""The seconds between two notes of the time; scans come within seconds, and the card wears."""
_NO_JOURNAL = {
    sqlite3.SQLITE_BUSY: "journal.busy",
    sqlite3.SQLITE_CANTOPEN: "journal.read-only",
    sqlite3.SQLITE_FULL: "journal.full",
    sqlite3.SQLITE_READONLY: "journal.read-only",
}
KEYS, DENIED = "keys", "denied"


class LogInfo(NamedTuple):
    """A list on the device: its UTC day, the number of revoked passes, and the size of the log in bytes."""

    day: int
    revoked: int
    size: int


@dataclass(frozen=True, slots=True)
class Held:
    """The state before or after a sync.

    Attributes:
        syncs: how many syncs the store has seen; a commit must find the same number.
        sources: where the device syncs from, in the order to try them.
        published: the signed time of the publication held, seconds since 1970 UTC.
        metadata: TUF's documents by role; "root" is always there.
        documents: KEYS and DENIED as published.
        logs: the status log of each UTC day.
    """

    syncs: int
    sources: tuple[str, ...]
    published: int | None
    metadata: Mapping[str, bytes]
    documents: Mapping[str, bytes]
    logs: Mapping[int, bytes]


class State(NamedTuple):
    """The data that verifications rely on."""

    keys: KeySet
    lists: StatusLists
    last_seen: int | None
    sources: tuple[str, ...]
    policy: Policy
    journal_keep: int
    language: str
    logs: tuple[LogInfo, ...] = ()


_NO_KEYS = KeySet("", test=False, keys={})


class _StoredList:
    """A day's revoked indexes, read from the store page by page within the reading that returned it."""

    __slots__ = ("_pages", "_store")

    def __init__(self, store: "Store", pages: PageReader) -> None:
        self._store = store
        self._pages = pages

    def __contains__(self, index: object) -> bool:
        assert isinstance(index, int)  # noqa: S101 - Container's signature cannot say this
        try:
            return self._pages.has(index)
        except (sqlite3.Error, DamagedError) as e:
            raise self._store.failure(e) from e


class Store:
    """An open store of a device. Methods raise StoreError if the file fails, and DamagedError if it is damaged."""

    def __init__(self, folder: Path) -> None:
        """Open a store, and migrate it if earlier software made it.

        Raises:
            StoreError: the store is missing, damaged, or made by other software.
        """
        self.folder = folder
        self._path = folder / FILE_NAME
        try:
            found = self._path.is_file()
        except OSError as e:
            raise StoreError(f"can't read {folder}: {e.strerror}") from e
        if not found:
            raise StoreError(f"{folder} is not a device's store; set one up: movepass enroll")
        with self._failures():
            self._inode = self._path.stat().st_ino
            self._db, self._copy = connect(self._path)
        self._cached: tuple[int, State] | None = None
        self._noted: deque[int] = deque(maxlen=_OWN_ENTRIES)
        self.journal_trouble: Message | None = None
        """Why the last verdict could not be noted, or None if it was."""
        self._lock = threading.RLock()  # threads share one connection, which owns SQLite's transactions
        try:
            with self._failures():
                self._bring_up_to_version()
        except BaseException:
            self.close()
            raise

    def _bring_up_to_version(self) -> None:
        """Migrate a store of earlier software; on a read-only medium, migrate a copy."""
        version = schema.version(self._db)
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self._path} is of version {version}; this software reads version {SCHEMA_VERSION}: update this "
                "software"
            )
        if version < SCHEMA_VERSION:
            from movepass_verifier.store.migrations import migrate  # noqa: PLC0415 - once in a store's life

            try:
                migrate(self._db)
            except sqlite3.OperationalError as e:
                if code_of(e) not in CAN_NOT_WRITE:
                    raise
                self._go_on_with_a_copy()
                migrate(self._db)

    def _go_on_with_a_copy(self) -> None:
        copy = folder_for_a_copy()
        db = open_file(Path(copy.name) / FILE_NAME)
        self._db.backup(db)
        self.close()
        self._db, self._copy = db, copy

    @staticmethod
    def create(
        folder: Path,
        *,
        root: bytes,
        sources: Sequence[str],
        policy: Policy = Policy(),  # noqa: B008 - it is frozen
        language: str | None = None,
    ) -> None:
        """Create a store that trusts a root and syncs from these sources, completely or not at all.

        Args:
            folder: the folder for the store.
            root: the root document.
            sources: their full names, in the order to try them.
            policy: how old lists may be.
            language: the language of the device; None leaves it open.

        Raises:
            StoreError: there is already a store, or the folder can't be written to.
        """
        from tempfile import TemporaryDirectory  # noqa: PLC0415 - once in a store's life, and slow to import

        from movepass_verifier.store.contents import fill  # noqa: PLC0415 - as above

        path = folder / FILE_NAME
        check_vacant(folder)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # nobody else may read the journal
            with TemporaryDirectory(prefix=".enroll-", dir=folder) as temporary:
                new = Path(temporary) / FILE_NAME
                with closing(open_file(new)) as db:
                    db.execute("BEGIN")
                    facts = {"sources": json.dumps(list(sources)), "syncs": 0, **policy_facts(policy)}
                    if language:
                        facts["language"] = language
                    fill(db, facts, {"root": root}, {}, {})
                    db.execute("COMMIT")
                    db.execute("PRAGMA journal_mode = WAL")
                new.replace(path)
        except (OSError, sqlite3.Error) as e:
            raise StoreError(f"can't make {path}: {getattr(e, 'strerror', None) or e}") from e

    @contextmanager
    def reading(self) -> Iterator[State]:
        """Read within one transaction, so that the yielded state and its lists are of one publication."""
        with self._transaction():
            with self._failures():
                state = self._state()
            yield state

    def held(self) -> Held:
        """Read everything that a sync starts from.

        Raises:
            DamagedError: something that a sync relies on is damaged: what to trust, or what not to fall behind.
        """
        with self._transaction(), self._failures():
            facts = schema.facts(self._db)
            metadata = schema.documents(self._db, "metadata")
            if schema.versions(metadata) != facts.get("versions"):
                raise DamagedError("its signed documents are not those of its last sync")
            return Held(
                syncs=_require(facts, "syncs"),
                sources=_sources(facts),
                published=facts.get("published"),
                metadata=metadata,
                documents=dict(self._db.execute("SELECT name, data FROM documents")),
                logs=dict(self._db.execute("SELECT day, data FROM logs")),
            )

    def offline_documents(self) -> dict[str, bytes]:
        """Read the documents that the custodians signed: the root and, once synced, the targets.

        Raises:
            DamagedError: a document differs from what was written.
        """
        with self._transaction(), self._failures():
            metadata = schema.documents(self._db, "metadata")
        return {role: metadata[role] for role in ("root", "targets") if role in metadata}

    def replaced(self) -> bool:
        """Check whether another file has replaced the opened file in the folder."""
        try:
            return self._path.stat().st_ino != self._inode
        except OSError:
            return True

    def check_writable(self) -> None:
        """Check that a sync could be taken over, before anything is downloaded for it.

        Raises:
            StoreError: the medium is read-only.
        """
        with self._lock, self._failures():
            if self._copy or not can_write(self._db):
                raise StoreError(
                    f"{self._path} is on a medium that can't be written to; it verifies, but can't be synced"
                )

    def take_over(self, before: Held, after: Held, *, synced_at: int) -> None:
        """Replace the content of the store with the verified result of a sync, in one transaction.

        Args:
            before: the content of the store when the sync began.
            after: the new state.
            synced_at: seconds since 1970 UTC.

        Raises:
            SyncError: a log can't be read.
            StoreError: another sync finished meanwhile, or the disk is full or read-only.
        """
        self.check_writable()
        with self._writing():
            if schema.facts(self._db).get("syncs") != before.syncs:
                raise StoreError("another sync finished in between; nothing is lost, sync again")
            self._write(before, after, synced_at)
        # Separate, because a damaged journal must not stop syncs. The next sync deletes whatever is left here.
        self._noting(lambda: journal.forget(self._db, synced_at, self._state().journal_keep, after.published))
        self._truncate_wal()

    def _truncate_wal(self) -> None:
        """Move the content of the write-ahead log over and empty the log, which may hold a deleted key.

        It waits for nobody. If the disk is full the commit still stands, and the next sync empties the log.
        """
        with self._lock, suppress(sqlite3.Error), waiting(self._db, 0):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def configure(self, *, sources: Sequence[str] | None, policy: Policy, journal_keep: int, language: str) -> None:
        """Change the device's own settings, in one transaction.

        Args:
            sources: where to sync from, in this order; None leaves them unchanged.
            policy: how old lists may be.
            journal_keep: entries of the journal are deleted after this many seconds.
            language: the language of the device.

        Raises:
            StoreError: the disk is full or read-only.
        """
        self.check_writable()
        with self._writing():
            schema.put_facts(self._db, **policy_facts(policy), journal_keep=journal_keep, language=language)
            if sources:
                schema.put_facts(self._db, sources=json.dumps(list(sources)))
            schema.put_seal(self._db)

    def raise_floor(self, now: int, last_seen: int | None) -> None:
        """Raise the soft floor of the clock, unless the store is read-only or busy."""
        if not 0 <= now < TIME_LIMIT or (last_seen is not None and now < last_seen + _LAST_SEEN_STEP):
            return
        with self._lock:
            self._cached = None
            with suppress(sqlite3.Error), waiting(self._db, 0):
                schema.put_facts(self._db, last_seen=now)

    def note(self, result: Verification) -> journal.Noted | None:
        """Write a verdict into the journal. If that fails, return None and set journal_trouble."""
        noted = self._noting(lambda: journal.note(self._db, result, self._state().journal_keep, self._noted))
        if noted and noted.entry not in self._noted:
            self._noted.append(noted.entry)
        return noted

    def decide(self, entry: int, decision: journal.Decision) -> None:
        """Write into the journal what the officer did, unless the store can't be written."""
        self._noting(lambda: journal.decide(self._db, entry, decision))

    def _noting(self, write: Callable[[], T]) -> T | None:
        """Write into the journal in one small transaction, or not at all: verifying continues without it.

        The write is not flushed at once: a power cut may lose the last entries, and nothing else.
        """
        with self._lock:
            self.journal_trouble = message("journal.read-only") if self._copy else None
            if self._copy:  # a copy of a store on a read-only medium
                return None
            try:
                with waiting(self._db, _NOTE_WAITS_MS), transaction(self._db):
                    return write()
            except (sqlite3.Error, DamagedError, UnicodeDecodeError) as e:
                self.journal_trouble = _trouble(e)
                return None

    def read_journal(self) -> tuple[list[journal.JournalEntry], list[journal.Count]]:
        """Read the journal: its entries and its counts by hour, oldest first.

        Raises:
            DamagedError: the journal is damaged.
        """
        with self._transaction(), self._failures():
            return list(journal.entries(self._db)), journal.hourly(self._db)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
        if self._copy:
            self._copy.cleanup()

    def failure(self, error: Exception) -> StoreError:
        """Word a failure of the file."""
        if isinstance(error, OSError | sqlite3.ProgrammingError) or code_of(error) in NOT_THE_FILES_FAULT:
            return StoreError(f"{self._path}: {error}")
        return DamagedError(f"{self._path} is damaged: {error}; mend it: movepass doctor --store {self.folder}")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeDecodeError, DamagedError) as e:  # a damaged schema is not even text
            raise self.failure(e) from e

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Read within one transaction, while no other thread uses the connection."""
        with self._lock:
            self._execute("BEGIN")
            try:
                yield
            finally:
                if self._db.in_transaction:
                    self._execute("COMMIT")

    def _execute(self, statement: str) -> None:
        try:
            self._db.execute(statement)
        except sqlite3.Error as e:
            raise self.failure(e) from e

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Write in one transaction, which is flushed to disk or undone."""
        with self._lock, self._failures():
            self._cached = None
            self._db.execute("PRAGMA synchronous = FULL")
            try:
                with transaction(self._db):
                    yield
            finally:
                self._db.execute("PRAGMA synchronous = NORMAL")

    def _state(self) -> State:
        """Read the state, or return the last one read if nobody has written since; our own writes discard it."""
        version = self._db.execute("PRAGMA data_version").fetchone()[0]
        if self._cached is None or self._cached[0] != version:
            self._cached = version, self._read_state()
        return self._cached[1]

    def _read_state(self) -> State:
        facts = schema.facts(self._db)
        if schema.seal_of(self._db) != _require(facts, "seal"):
            raise DamagedError("not all that it holds is of its last sync")
        documents = schema.documents(self._db, "documents")
        rows = self._db.execute("SELECT day, revoked, length(data), sum FROM logs ORDER BY day").fetchall()
        days = {day: _StoredList(self, PageReader(self._db, day, crc)) for day, _, _, crc in rows}
        lists = StatusLists(days, _seconds(facts, "published"), _seconds(facts, "synced_at"))
        logs = tuple(LogInfo(*row[:3]) for row in rows)
        return State(
            keys=_keys(documents),
            lists=lists,
            last_seen=_seconds(facts, "last_seen"),
            sources=_sources(facts),
            policy=_policy(facts),
            journal_keep=_journal_keep(facts),
            language=_language(facts),
            logs=logs,
        )

    def _write(self, before: Held, after: Held, synced_at: int) -> None:
        schema.put_documents(self._db, "metadata", after.metadata)
        schema.put_documents(self._db, "documents", after.documents)
        for (day,) in self._db.execute("SELECT day FROM logs").fetchall():
            if day not in after.logs:
                delete_list(self._db, day)
        for day, data in after.logs.items():
            held = before.logs.get(day, b"")
            if data != held:
                try:
                    write_list(self._db, day, data, held)
                except LogError as e:
                    raise SyncError(f"the list of day {day} is signed and yet unreadable: {e}") from e
        schema.put_facts(
            self._db,
            published=after.published,
            synced_at=synced_at,
            syncs=before.syncs + 1,
            versions=schema.versions(after.metadata),
            last_seen=None,
        )
        schema.put_seal(self._db)


def _trouble(error: Exception) -> Message:
    """Return why the journal is not kept."""
    code = code_of(error)
    if code not in NOT_THE_FILES_FAULT:
        return message("journal.damaged")
    if code in _NO_JOURNAL:
        return message(_NO_JOURNAL[code])
    return message("journal.failed", error=str(error))


def _keys(documents: Mapping[str, bytes]) -> KeySet:
    if not documents:
        return _NO_KEYS
    try:
        return KeySet.from_jwks(documents[KEYS]).with_denied(documents[DENIED])
    except (KeyError, KeyDocumentError) as e:
        raise DamagedError(f"its keys can't be read: {e}") from e


def _require(facts: dict[str, Any], name: str) -> Any:
    if name not in facts:
        raise DamagedError(f"its {name!r} is gone")
    return facts[name]


def _sources(facts: dict[str, Any]) -> tuple[str, ...]:
    return tuple(json.loads(_require(facts, "sources")))


def policy_facts(policy: Policy) -> dict[str, int]:
    """Return the facts that store a policy; a device cannot choose the clock's slack."""
    return {"max_age": policy.max_age, "warning_age": policy.warning_age}


def _policy(facts: dict[str, Any]) -> Policy:
    return Policy(max_age=_require(facts, "max_age"), warning_age=_require(facts, "warning_age"))


def _language(facts: dict[str, Any]) -> str:
    language = facts.get("language")
    return language if language in LANGUAGES else DEFAULT_LANGUAGE


def _journal_keep(facts: dict[str, Any]) -> int:
    return int(facts.get("journal_keep", journal.KEEP_SECONDS))


def _seconds(facts: dict[str, Any], name: str) -> int | None:
    value = facts.get(name)
    if value is not None and not (isinstance(value, int) and 0 <= value < TIME_LIMIT):
        raise DamagedError(f"its {name!r} is {value!r}")
    return value


def check_vacant(folder: Path) -> None:
    """Check that a store can be created in a folder, before anybody is asked for anything.

    Raises:
        StoreError: there is already a store, or the folder is a link, which somebody may have laid on a stick.
    """
    with suppress(OSError):
        if is_link(folder.lstat()):
            raise StoreError(f"{folder} is a link; name the folder itself, if it is the one that you mean")
    for ending in ENDINGS:
        file = folder / f"{FILE_NAME}{ending}"
        if os.path.lexists(file):  # SQLite would apply a log left beside the new file, and its root with it
            what = "a device's store already" if not ending else f"not empty: it has {file.name}"
            raise StoreError(f"{folder} is {what}; enroll into a new folder")


def describe(log: LogInfo) -> dict[str, int | str]:
    """Return the object for a list that `sync --json` and `status --json` show."""
    return {"day": day_name(log.day), "revoked": log.revoked, "bytes": log.size}
