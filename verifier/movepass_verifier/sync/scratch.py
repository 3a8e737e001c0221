"""Keep the files of a sync beside the store: python-tuf's work folder, and interrupted downloads.

Both are in the store's folder, so that a sync needs space in only one place. A killed sync leaves its folder behind,
and the next sync removes it. A lock beside the folder, taken before the folder is made, shows whether its owner is
alive.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from movepass_keys.files import Folder
from movepass_verifier.store.locks import Lock

_SCRATCH = ".sync-"
_PARTIALS = ".partial"
_LOCK = ".lock"
_STEP_BYTES = 65536
"""The most of a download that a killed sync loses; a smaller download is not written unless it is interrupted."""
_TRIES = 3


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Create a work folder that is removed afterwards, and remove those of killed syncs.

    Raises:
        OSError: the store's folder can't be written to.
    """
    _sweep(folder)
    path, lock = _take_name(folder)
    try:
        path.mkdir(mode=0o700)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if lock:
            lock.close()


def _take_name(folder: Path) -> tuple[Path, Lock | None]:
    """Choose a name for a folder and lock it, without a lock if the file system has none."""
    for _ in range(_TRIES):
        path = folder / f"{_SCRATCH}{secrets.token_hex(8)}"
        file = _lock_of(path)
        try:
            lock = Lock.take(file)
        except OSError:
            break
        if lock:
            if file.exists():
                return path, lock
            lock.close()  # another sync considered it abandoned just before it was locked
    return path, None


def _sweep(folder: Path) -> None:
    """Remove the folders of killed syncs. A folder without a lock file beside it has no owner."""
    for file in folder.glob(f"{_LOCK}{_SCRATCH}*"):
        with suppress(OSError):
            lock = Lock.take(file)
            if lock:
                shutil.rmtree(file.with_name(file.name.removeprefix(_LOCK)), ignore_errors=True)  # follows no link
                lock.close()
    for path in folder.glob(f"{_SCRATCH}*"):
        if not os.path.lexists(_lock_of(path)):
            shutil.rmtree(path, ignore_errors=True)


def _lock_of(path: Path) -> Path:
    return path.with_name(_LOCK + path.name)


class Partials:
    """Lists whose download was interrupted, as files that the next sync continues.

    They are kept by day and generation, not by their expected hash: while a slow download is retried, the list grows
    but its start stays the same. They are trusted only when the whole list has the signed length and hash. If no file
    can be written, or another sync is using them, there are none.
    """

    def __init__(self, folder: Path) -> None:
        """Open the partial downloads of the store in a folder."""
        self._path = folder / _PARTIALS
        self._begun: list[Partial] = []
        self._folder: Folder | None = None
        self._lock: Lock | None = None
        with suppress(OSError):
            self._lock = Lock.take(_lock_of(self._path))
            if self._lock:
                self._folder = Folder.open(self._path, make=True)

    def of(self, day: int, generation: int | None, held: bytes, length: int) -> "Partial":
        """Return the partial download of a list, of which the store holds `held` and whose full length is `length`."""
        partial = Partial(self._folder, (day, generation), held, length)
        self._begun.append(partial)
        return partial

    def keep_only(self, lists: Collection[tuple[int, int | None]]) -> None:
        """Remove partial downloads of all other lists, given by day and generation."""
        kept = tuple(map(_prefix, lists))
        _remove(self._folder, lambda name: name.startswith(kept))

    def save(self) -> None:
        """Write everything received so far, after a download was interrupted."""
        for partial in self._begun:
            partial.write()
        self._begun.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self.save()
        else:  # the store holds everything
            _remove(self._folder)
        if self._folder:
            self._folder.__exit__()
            with suppress(OSError):
                self._path.rmdir()  # unless it holds a file to keep
        if self._lock:
            self._lock.close()


class Partial:
    """The known part of a list: what the store holds, and a file with the bytes from an offset on."""

    def __init__(self, folder: Folder | None, of: tuple[int, int | None], held: bytes, length: int) -> None:
        self._folder = folder
        self._prefix = _prefix(of)
        self._held = held
        self._length = length
        self._base: int | None = None
        self._size = 0
        self._data = bytearray()

    def beginnings(self) -> list[bytes]:
        """Return the possible starts of the list, longest first; the last one is empty."""
        found = [self._held, self._read()]
        fit = {beginning for beginning in found if len(beginning) <= self._length}
        return sorted(fit | {b""}, key=len, reverse=True)

    def note(self, data: bytearray) -> None:
        """Note everything known of the list, and write it in steps because a sync may be killed."""
        if self._base is None:
            self._base = len(self._held) if data.startswith(self._held) else 0
        self._data = data
        if len(data) - self._base - self._size >= _STEP_BYTES:
            self.write()

    def write(self) -> None:
        """Write what is not written yet."""
        if self._folder is None or self._base is None:
            return
        rest = self._data[self._base + self._size :]
        if rest:
            with suppress(OSError):
                self._size += self._folder.append(f"{self._prefix}{self._base}", bytes(rest))

    def drop(self) -> None:
        """Remove it, because it does not match what was signed."""
        _remove(self._folder, lambda name: not name.startswith(self._prefix))
        self._base, self._size, self._data = None, 0, bytearray()

    def _read(self) -> bytes:
        if self._folder is None:
            return b""
        try:
            name = next((name for name in self._folder.names() if name.startswith(self._prefix)), None)
            if name is None:
                return b""
            base = int(name.removeprefix(self._prefix))
            data = self._folder.read(name, self._length)
        except (OSError, ValueError):
            data, base = b"", 0
        if not data or base > len(self._held) or base + len(data) > self._length:
            self.drop()
            return b""
        self._base, self._size = base, len(data)
        return self._held[:base] + data


def _prefix(of: tuple[int, int | None]) -> str:
    return "{}-{}-".format(*of)


def _remove(folder: Folder | None, keep: Callable[[str], bool] = lambda _: False) -> None:
    """Remove the files in a folder, except those to keep."""
    with suppress(OSError):
        for name in folder.names() if folder else ():
            if folder and not keep(name):
                folder.remove(name)
