"""What a sync writes beside the store: a folder for python-tuf to work in, and downloads that were cut off.

Both are in the store's folder, so that a sync needs room in one place only. A killed sync leaves its folder behind;
the next one removes it. A lock beside the folder, taken before the folder is made, tells whether its owner lives.
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
"""What a killed sync loses at most of a download; a smaller one is not written at all while all goes well."""
_TRIES = 3


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Make a folder to work in, gone afterwards, and remove those that killed syncs have left.

    Raises:
        OSError: the store's folder can't be written to.
    """
    _sweep(folder)
    path, lock = _named(folder)
    try:
        path.mkdir(mode=0o700)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if lock:
            lock.close()


def _named(folder: Path) -> tuple[Path, Lock | None]:
    """Choose a name for a folder and lock it; without a lock where the file system has none."""
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
            lock.close()  # another sync took it for left in the moment before it was locked
    return path, None


def _sweep(folder: Path) -> None:
    """Remove what killed syncs have left. A folder without a lock file beside it has no owner."""
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
    """Lists whose download was cut off, as files that the next sync goes on from.

    They are kept by day and generation, and not by the hash they shall have: while a slow download is begun again and
    again the list grows, and its beginning is the same. What is in them is believed only when the whole list has the
    signed length and hash. Where no file can be written, or another sync is using them, there are none.
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
        """Give what there is of a list, of which the store holds `held` and which shall have `length` bytes."""
        partial = Partial(self._folder, (day, generation), held, length)
        self._begun.append(partial)
        return partial

    def keep_only(self, lists: Collection[tuple[int, int | None]]) -> None:
        """Remove what is of no list, given by day and generation, any more."""
        kept = tuple(map(_prefix, lists))
        _remove(self._folder, lambda name: name.startswith(kept))

    def save(self) -> None:
        """Write all that has come, after a download was cut off."""
        for partial in self._begun:
            partial.write()
        self._begun.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self.save()
        else:  # the store holds it all
            _remove(self._folder)
        if self._folder:
            self._folder.__exit__()
            with suppress(OSError):
                self._path.rmdir()  # unless something is kept in it
        if self._lock:
            self._lock.close()


class Partial:
    """What there is of one list: what the store holds, and a file with the bytes from an offset on."""

    def __init__(self, folder: Folder | None, of: tuple[int, int | None], held: bytes, length: int) -> None:
        self._folder = folder
        self._prefix = _prefix(of)
        self._held = held
        self._length = length
        self._base: int | None = None
        self._size = 0
        self._data = bytearray()

    def beginnings(self) -> list[bytes]:
        """Give the beginnings to go on from, the longest first; the last one is empty."""
        found = [self._held, self._read()]
        fit = {beginning for beginning in found if len(beginning) <= self._length}
        return sorted(fit | {b""}, key=len, reverse=True)

    def note(self, data: bytearray) -> None:
        """Note all that is there of the list; it is written in steps, for a sync may be killed."""
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
        """Remove it: it does not fit what was signed."""
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
