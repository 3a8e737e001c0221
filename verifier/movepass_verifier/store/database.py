"""The SQLite file of a store: opened on whatever medium it lies, waited for, written whole or not at all."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from movepass_keys.files import is_link
from movepass_verifier.errors import StoreError

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

_BUSY_SECONDS = 10
CAN_NOT_WRITE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL}
NOT_THE_FILES_FAULT = CAN_NOT_WRITE | {
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
}
"""SQLite's errors that say nothing against the file; any other does."""


ENDINGS = ("", "-wal", "-shm", "-journal")
"""Files that SQLite writes into where they stand: the store's, and what it keeps beside it."""


def check_no_links(path: Path) -> None:
    """Make sure that none of a store's files leads elsewhere: SQLite would write into whatever it is.

    Raises:
        StoreError: one does, and what to do.
    """
    for ending in ENDINGS:
        file = path.with_name(path.name + ending)
        try:
            found = file.lstat()
        except FileNotFoundError:
            continue
        what = "is a link" if is_link(found) else "" if stat.S_ISREG(found.st_mode) else "is no regular file"
        if not what and ending and found.st_nlink > 1:
            what = "is a hard link, the same file as another one"
        if what:
            raise StoreError(f"{file} {what}: somebody has prepared this folder; set the device up in another one")


def code_of(error: Exception) -> int:
    """Give SQLite's primary code of an error; what Python says of its own is about text that is none."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code & 0xFF


def can_write(db: sqlite3.Connection) -> bool:
    """Tell whether the medium of an opened file can be written to."""
    try:
        with waiting(db, 0):
            db.execute("DELETE FROM facts WHERE 0")  # BEGIN IMMEDIATE alone only reads where one can't write
    except sqlite3.Error as e:  # where another process is writing, or the file is damaged, the medium is not to blame
        return code_of(e) not in CAN_NOT_WRITE
    return True


@contextmanager
def waiting(db: sqlite3.Connection, milliseconds: int) -> Iterator[None]:
    """Wait no longer than this for another process that writes."""
    db.execute(f"PRAGMA busy_timeout = {milliseconds}")
    try:
        yield
    finally:
        db.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Write in one transaction: all of it, or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def open_file(path: Path | str, *, uri: bool = False) -> sqlite3.Connection:
    """Open a file for the threads of this process, which wait for other processes that write.

    What is deleted in it is overwritten, since a key of the journal must not live on in a page that is free.
    """
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=uri)
    db.execute("PRAGMA secure_delete = ON")
    return db


def connect(path: Path) -> tuple[sqlite3.Connection, "TemporaryDirectory[str] | None"]:
    """Open the file; on a read-only medium without asking for the shared memory that SQLite would make beside it.

    A write-ahead log that was left beside it must be read as well: then both are copied to where SQLite can work.

    Raises:
        StoreError: one of its files is a link.
    """
    check_no_links(path)
    db = open_file(path)
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
        return open_file(f"{path.resolve().as_uri()}?immutable=1", uri=True), None
    copy = folder_for_a_copy()
    for file in (path, log):
        (Path(copy.name) / file.name).write_bytes(file.read_bytes())
    return open_file(Path(copy.name) / path.name), copy


def folder_for_a_copy() -> "TemporaryDirectory[str]":
    """Make a folder, to be cleaned up, for a copy of a store that can't be written where it is."""
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - slow to import, and seldom needed

    return TemporaryDirectory(prefix="movepass-")
