"""Open the SQLite file of a store on any medium, wait for other processes, and write it whole or not at all."""

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
"""SQLite's errors that do not mean damage; all others do."""


ENDINGS = ("", "-wal", "-shm", "-journal")
"""The files that SQLite writes to: the store and the files beside it."""


def check_no_links(path: Path) -> None:
    """Check that none of a store's files is a link, because SQLite would write through it.

    Raises:
        StoreError: a file is a link; the message says what to do.
    """
    for ending in ENDINGS:
        file = path.with_name(path.name + ending)
        try:
            found = file.lstat()
        except FileNotFoundError:
            continue
        what = "is a link" if is_link(found) else "" if stat.S_ISREG(found.st_mode) else "is no regular file"
        if not what and ending and found.st_nlink > 1:
            what = "is a hard link to another file"
        if what:
            raise StoreError(f"{file} {what}: somebody has prepared this folder; set the device up in another one")


def code_of(error: Exception) -> int:
    """Return SQLite's primary code of an error; Python's own errors mean text that is not UTF-8."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code & 0xFF


def can_write(db: sqlite3.Connection) -> bool:
    """Check whether the medium of an open file can be written to."""
    try:
        with waiting(db, 0):
            db.execute("DELETE FROM facts WHERE 0")  # BEGIN IMMEDIATE alone only reads on a read-only medium
    except sqlite3.Error as e:  # a busy or damaged file says nothing about the medium
        return code_of(e) not in CAN_NOT_WRITE
    return True


@contextmanager
def waiting(db: sqlite3.Connection, milliseconds: int) -> Iterator[None]:
    """Wait at most this long for another process that writes."""
    db.execute(f"PRAGMA busy_timeout = {milliseconds}")
    try:
        yield
    finally:
        db.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Write in one transaction: everything or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def open_file(path: Path | str, *, uri: bool = False) -> sqlite3.Connection:
    """Open a file for the threads of this process, which wait for other processes that write.

    Deleted data is overwritten, because a key of the journal must not survive in a free page.
    """
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=uri)
    db.execute("PRAGMA secure_delete = ON")
    return db


def connect(path: Path) -> tuple[sqlite3.Connection, "TemporaryDirectory[str] | None"]:
    """Open the file; on a read-only medium, without the shared memory that SQLite would create beside it.

    A write-ahead log left beside the file must be read too; then both are copied to where SQLite can work.

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
    """Create a temporary folder for a copy of a store that can't be written where it is."""
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - slow to import, and seldom needed

    return TemporaryDirectory(prefix="movepass-")
