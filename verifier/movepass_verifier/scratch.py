"""What a sync writes beside the store: a folder for python-tuf to work in, and downloads that were cut off.

Both are in the store's folder, so that a sync needs room in one place only. A killed sync leaves its folder behind;
the next one removes it. The lock on a folder tells whether its owner lives.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

_SCRATCH = ".sync-"
_PARTIALS = ".partial"
_STEP_BYTES = 65536
"""What a killed sync loses at most of a download; a smaller one is not written at all while all goes well."""


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Make a folder to work in, gone afterwards, and remove those that killed syncs have left.

    Raises:
        OSError: the store's folder can't be written to.
    """
    for left in folder.glob(f"{_SCRATCH}*"):
        _remove_if_left(left)
    path, lock = _make(folder)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _make(folder: Path) -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=folder))
        lock = _locked(path)
        if lock is not None:
            if path.exists():
                return path, lock
            os.close(lock)  # another sync took it for left in the moment before it was locked


def _remove_if_left(path: Path) -> None:
    lock = _locked(path)
    if lock is not None:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _locked(path: Path) -> int | None:
    """Lock a folder; None where somebody else has, or it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


class Partials:
    """Lists whose download was cut off, as files that the next sync goes on from.

    They are kept by day and generation, and not by the hash they shall have: while a slow download is begun again and
    again the list grows, and its beginning is the same. What is in them is believed only when the whole list has the
    signed length and hash. Where no file can be written, or another sync is using them, there are none.
    """

    def __init__(self, folder: Path) -> None:
        """Open the partial downloads of the store in a folder."""
        self._folder = folder / _PARTIALS
        self._begun: list[Partial] = []
        with suppress(OSError):
            self._folder.mkdir(exist_ok=True)
        self._lock = _locked(self._folder)

    def of(self, day: int, generation: int | None, held: bytes, length: int) -> "Partial":
        """Give what there is of a list, of which the store holds `held` and which shall have `length` bytes."""
        partial = Partial(self._folder if self._lock is not None else None, (day, generation), held, length)
        self._begun.append(partial)
        return partial

    def keep_only(self, lists: Collection[tuple[int, int | None]]) -> None:
        """Remove what is of no list, given by day and generation, any more."""
        kept = tuple(map(_prefix, lists))
        if self._lock is not None:
            _remove(path for path in self._folder.glob("*") if not path.name.startswith(kept))

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
        if self._lock is not None:
            if not kind:  # the store holds it all
                shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._lock)


class Partial:
    """What there is of one list: what the store holds, and a file with the bytes from an offset on."""

    def __init__(self, folder: Path | None, of: tuple[int, int | None], held: bytes, length: int) -> None:
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
            with suppress(OSError), (self._folder / f"{self._prefix}{self._base}").open("ab") as file:
                self._size += file.write(rest)

    def drop(self) -> None:
        """Remove it: it does not fit what was signed."""
        _remove(self._files())
        self._base, self._size, self._data = None, 0, bytearray()

    def _files(self) -> list[Path]:
        return list(self._folder.glob(f"{self._prefix}*")) if self._folder else []

    def _read(self) -> bytes:
        path = next(iter(self._files()), None)
        if path is None:
            return b""
        try:
            base = int(path.name.removeprefix(self._prefix))
            with path.open("rb") as file:
                data = file.read(self._length + 1)
        except (OSError, ValueError):
            data = b""
        if not data or base > len(self._held) or base + len(data) > self._length:
            self.drop()
            return b""
        self._base, self._size = base, len(data)
        return self._held[:base] + data


def _prefix(of: tuple[int, int | None]) -> str:
    return "{}-{}-".format(*of)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()
