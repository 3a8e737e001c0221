"""Lock between processes with SQLite's locks, which work wherever a store does. A killed process releases them."""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Self

from movepass_keys.files import is_link
from movepass_verifier.store.database import code_of


class Lock:
    """A lock that is held until it is closed or its process ends."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self._path = path
        self._db = db

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """Lock a file made only for this; return None if another process or thread holds the lock.

        Raises:
            OSError: nothing can be locked there: it is a link, the medium is read-only, or its file system has no
                locks.
        """
        with suppress(FileNotFoundError):
            if is_link(path.lstat()):
                raise OSError(f"{path} is a link")
        db = None
        try:
            db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
            db.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as e:
            if db:
                db.close()
            if code_of(e) == sqlite3.SQLITE_BUSY:
                return None
            raise OSError(f"{path} can't be locked: {e}") from e
        return cls(path, db)

    def close(self) -> None:
        """Release the lock and remove its file, before or (where an open file can't be removed) after closing it."""
        for step in (self._path.unlink, self._db.close, self._path.unlink):
            with suppress(OSError):
                step()
