"""Files that are there whole or not at all, in folders that somebody else may have prepared.

The data goes to a temporary file beside the path, down to the medium, and gets its name in one step; then the folder
goes down to the medium as well, so that the name outlives a power cut. A temporary file is always a new one under a
name that nobody can guess, so no link that was laid there is ever written through.

A stick, or a folder that others can write to, may hold anything: links to other places, pipes that never answer, files
without end. `Folder` opens such a place once and reaches everything in it from there, without following a link, so
nothing outside it is read, written or deleted, even if a folder is swapped for a link meanwhile. `read_regular` reads
one file that was handed over. `open_regular` opens one that a person has named, and follows links. Systems that can't
open folders (Windows) look first, and open then.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Self

OWNER_ONLY = 0o600
TEMPORARY = ".new"
"""Ending of a file that is being written; its name begins with a dot."""
_MODE = 0o644
_CHANCE_BYTES = 8
_LOOKED_THROUGH = 1000
"""How many names a writer searches for files that a killed one left; a larger folder is not its own."""
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EMLINK}
"""What file systems without hard links answer, such as a stick's FAT; there a name is taken first, and filled then."""
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF}
"""What file systems answer that can't sync a folder (CIFS, vboxsf, some of FUSE); the file's own sync must do there."""
_OPENS_FOLDERS = hasattr(os, "O_DIRECTORY") and os.open in os.supports_dir_fd
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FOLLOW = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_READ = _FOLLOW | _NO_FOLLOW
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | getattr(os, "O_BINARY", 0)
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NO_FOLLOW | getattr(os, "O_BINARY", 0)
_REPARSE_POINT = 0x400
"""Windows' attribute of symbolic links and junctions."""


class UnfitFileError(OSError):
    """Something else stands where a file or a folder was expected, or the file is larger than it may be."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, or put another content in place of what it has. One writer of a path at a time.

    Raises:
        OSError: it can't be written; what was there before is there still.
    """
    with _naming(path), Folder.open(path.parent, through_link=True) as folder:
        folder.write_whole(path.name, data)


def write_new(path: Path, data: bytes, mode: int = _MODE) -> None:
    """Write a file that must not exist yet, whoever else may want to make it at the same time.

    Raises:
        FileExistsError: something has that name, if only a link that leads nowhere.
        OSError: it can't be written; nothing is there then.
    """
    with _naming(path), Folder.open(path.parent, through_link=True) as folder:
        folder.write_new(path.name, data, mode)


def read_regular(path: Path, most: int, *, own: bool = False) -> bytes:
    """Read a file that was handed over: a regular one, of at most so many bytes.

    Args:
        path: where it is.
        most: bytes that it may have.
        own: whether it is one's own, as a key's file is, which may be a link to where it really is.

    Raises:
        FileNotFoundError: nothing is there.
        UnfitFileError: it is a link, a folder, a pipe or a device, is also known by another name, or is larger.
        OSError: it can't be read.
    """
    with _naming(path):
        real = path.resolve(strict=True) if own else path
        with Folder.open(real.parent, through_link=True) as folder:
            return folder.read(real.name, most, may_be_linked=own)


def open_regular(path: str | Path) -> tuple[BinaryIO, int]:
    """Open a regular file that a person has named, whatever links lead to it, and return it with its size.

    A FIFO would wait for a writer, a device may never end, and a file of /proc says more than its size. So anything but
    a regular file is refused, and nothing should be read beyond the size that is returned.

    Raises:
        UnfitFileError: it is something else.
        OSError: it can't be opened.
    """
    try:
        _check_regular(os.stat(path), path)  # noqa: PTH116 - not every name is a Path; opening alone moves some devices
        descriptor = os.open(path, _FOLLOW)
    except ValueError as e:
        raise OSError(errno.EINVAL, "expected a file's name, got one with a NUL", repr(str(path))) from e
    opened = os.fstat(descriptor)
    try:
        _check_regular(opened, path)  # it may have been replaced in between
    except UnfitFileError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb"), opened.st_size


def is_link(found: os.stat_result) -> bool:
    """Tell whether what lstat has found is a symbolic link or, on Windows, a junction."""
    return stat.S_ISLNK(found.st_mode) or bool(getattr(found, "st_file_attributes", 0) & _REPARSE_POINT)


class Folder:
    """An opened folder: names in it are reached from there, and no link is followed. Use it as a context manager."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path, *, through_link: bool = False, make: bool = False) -> Self:
        """Open a folder.

        Args:
            path: where it is; links above its last part are followed, as whoever names a path expects.
            through_link: whether it may be a link itself.
            make: make it, with those above it, where it is missing.

        Raises:
            UnfitFileError: it is a link or no folder.
            OSError: it is missing, or can't be opened.
        """
        if make and not os.path.lexists(path):
            path.mkdir(parents=True, exist_ok=True)
        found = path.stat() if through_link else path.lstat()
        _check_folder(found, path)
        if not _OPENS_FOLDERS:
            return cls(path, None)
        try:
            return cls(path, os.open(path, os.O_RDONLY | os.O_DIRECTORY | (0 if through_link else _NO_FOLLOW)))
        except PermissionError:  # one may pass through it, perhaps, and not list it
            if not through_link:
                raise
            return cls(path, None)

    def folder(self, name: str, *, make: bool = False) -> "Folder":
        """Open a folder in it, made first if it is missing and `make` says so.

        Raises:
            UnfitFileError: it is a link or no folder.
            OSError: it is missing, or can't be opened.
        """
        path = self.path / _checked(name)
        with _naming(path):
            if make:
                with suppress(FileExistsError):
                    os.mkdir(self._at(name), dir_fd=self._descriptor)
            _check_folder(self._look(name), path)
            if self._descriptor is None:
                return Folder(path, None)
            flags = os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW
            return Folder(path, os.open(name, flags, dir_fd=self._descriptor))

    def open_file(self, name: str, *, may_be_linked: bool = False) -> FileIO:
        """Open a regular file in it for reading; the caller closes it.

        Args:
            name: the file's.
            may_be_linked: whether a hard link of it is as good, as where another program is just writing it.

        Raises:
            FileNotFoundError: nothing is there.
            UnfitFileError: it is a link, a folder, a pipe or a device, or is also known by another name.
            OSError: it can't be opened.
        """
        path = self.path / _checked(name)
        with _naming(path):
            _check_file(self._look(name), path, may_be_linked=may_be_linked)  # opening alone moves some devices
            file = FileIO(os.open(self._at(name), _READ, dir_fd=self._descriptor), "rb")
            try:
                _check_file(os.fstat(file.fileno()), path, may_be_linked=may_be_linked)
            except UnfitFileError:
                file.close()
                raise
            return file

    def read(self, name: str, most: int, *, may_be_linked: bool = False) -> bytes:
        """Read a regular file in it of at most so many bytes; see open_file."""
        path = self.path / name
        with self.open_file(name, may_be_linked=may_be_linked) as file, _naming(path):
            if os.fstat(file.fileno()).st_size <= most:
                data = bytearray()
                while len(data) <= most and (more := file.read(most + 1 - len(data))):
                    data += more
                if len(data) <= most:
                    return bytes(data)
        raise UnfitFileError(errno.EFBIG, f"larger than the {most:,} bytes that it may have", str(path))

    def names(self) -> list[str]:
        """List what is in it, in the order of names."""
        with _naming(self.path):
            return sorted(self._entries())

    def files(self) -> list[str]:
        """List the regular files in it, in the order of names.

        Raises:
            UnfitFileError: something in it is a link, a hard link, a pipe or a device.
            OSError: it can't be read.
        """
        found = []
        for name in self.names():
            with suppress(FileNotFoundError):  # it went while this looks
                there = self._look(name)
                if not stat.S_ISDIR(there.st_mode):
                    _check_file(there, self.path / name, may_be_linked=False)
                    found.append(name)
        return found

    def remove(self, name: str) -> None:
        """Remove a file, or a link itself, if it is there."""
        with _naming(self.path / name), suppress(FileNotFoundError):
            os.unlink(self._at(_checked(name)), dir_fd=self._descriptor)

    def append(self, name: str, data: bytes) -> int:
        """Write on at the end of a file in it, made first if it is missing; returns how many bytes were written."""
        path = self.path / _checked(name)
        with _naming(path):
            descriptor = os.open(self._at(name), _APPEND, OWNER_ONLY, dir_fd=self._descriptor)
            with FileIO(descriptor, "ab") as file:
                _check_file(os.fstat(descriptor), path, may_be_linked=False)
                return file.write(data)

    def write_whole(self, name: str, data: bytes) -> None:
        """Write a file in it; see write_whole. Removes what a killed writer of that file has left."""
        path = self.path / _checked(name)
        with _naming(path):
            self._remove_left(name)
            temporary = self._write(name, data, _MODE)
            try:
                self._move(temporary, name)
            except OSError:
                self._discard(temporary)
                raise
            self._sync()

    def write_new(self, name: str, data: bytes, mode: int = _MODE) -> None:
        """Write a file in it that must not exist yet; see write_new."""
        path = self.path / _checked(name)
        with _naming(path):
            temporary = self._write(name, data, mode)
            try:
                self._link(temporary, name, mode)
            finally:
                self._discard(temporary)
            self._sync()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _at(self, name: str) -> str:
        """Return what a system call takes: the name, where there is a descriptor to go with it, or the whole path."""
        return name if self._descriptor is not None else str(self.path / name)

    def _look(self, name: str) -> os.stat_result:
        return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)

    def _write(self, name: str, data: bytes, mode: int) -> str:
        """Write a new file under a name that nobody knows, and return the name."""
        temporary = f"{_beginning(name)}{os.urandom(_CHANCE_BYTES).hex()}{TEMPORARY}"
        descriptor = os.open(self._at(temporary), _CREATE, mode, dir_fd=self._descriptor)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self._discard(temporary)
            raise
        return temporary

    def _link(self, temporary: str, name: str, mode: int) -> None:
        """Name a file, unless something has that name."""
        at = self._descriptor
        try:  # unlike a rename, this refuses to replace
            os.link(
                self._at(temporary), self._at(name), src_dir_fd=at, dst_dir_fd=at, follow_symlinks=at is None
            )  # Windows can only follow
        except OSError as e:
            if e.errno not in _NO_LINKS:
                raise
            os.close(os.open(self._at(name), _CREATE, mode, dir_fd=at))
            self._move(temporary, name)

    def _move(self, temporary: str, name: str) -> None:
        os.replace(self._at(temporary), self._at(name), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def _discard(self, temporary: str) -> None:
        with suppress(OSError):
            os.unlink(self._at(temporary), dir_fd=self._descriptor)

    def _remove_left(self, name: str) -> None:
        beginning = _beginning(name)
        length = len(beginning) + 2 * _CHANCE_BYTES + len(TEMPORARY)
        there: list[str] = []
        with suppress(PermissionError):
            there += islice(self._entries(), _LOOKED_THROUGH)
        for left in there:
            if left.startswith(beginning) and left.endswith(TEMPORARY) and len(left) == length:
                self._discard(left)

    def _entries(self) -> Iterator[str]:
        with os.scandir(self.path if self._descriptor is None else self._descriptor) as found:
            for entry in found:
                yield entry.name

    def _sync(self) -> None:
        """Flush the folder to the medium, where the file system can do that."""
        if self._descriptor is None:
            return
        try:
            os.fsync(self._descriptor)
        except OSError as e:
            if e.errno not in _NO_FOLDER_SYNC:
                raise


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Raise an error again with the path that was asked for: nobody knows the temporary one."""
    try:
        yield
    except UnfitFileError:
        raise
    except OSError as e:
        if e.errno == errno.ELOOP:  # a link took its place after it was looked at
            raise UnfitFileError(e.errno, _LINK, str(path)) from e
        raise OSError(e.errno, e.strerror, str(path)) from e


_LINK = "a link, and links are not followed here"


def _beginning(name: str) -> str:
    """Return how a temporary file's name begins, with as much of the file's own name as there is room for."""
    return f".{name[:40]}."


def _checked(name: str) -> str:
    """Make sure that a name stays in its folder.

    Raises:
        UnfitFileError: it leads elsewhere.
    """
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name or (os.name == "nt" and ":" in name):
        raise UnfitFileError(errno.EINVAL, "not the name of a file in this folder", name)
    return name


def _check_regular(found: os.stat_result, path: str | Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UnfitFileError(errno.EINVAL, "expected a regular file, not a pipe, a device or a folder", str(path))


def _check_folder(found: os.stat_result, path: Path) -> None:
    if is_link(found):
        raise UnfitFileError(errno.ELOOP, f"{_LINK}; name the folder itself", str(path))
    if not stat.S_ISDIR(found.st_mode):
        raise UnfitFileError(errno.ENOTDIR, "expected a folder, got something else", str(path))


def _check_file(found: os.stat_result, path: Path, *, may_be_linked: bool) -> None:
    if is_link(found):
        raise UnfitFileError(errno.ELOOP, f"{_LINK}; copy the file itself", str(path))
    if stat.S_ISDIR(found.st_mode):
        raise UnfitFileError(errno.EISDIR, "a folder, and a file was expected", str(path))
    if not stat.S_ISREG(found.st_mode):
        raise UnfitFileError(errno.EINVAL, "not a regular file", str(path))
    if found.st_nlink > 1 and not may_be_linked:
        raise UnfitFileError(errno.EMLINK, "a hard link, the same file as another one; copy the file itself", str(path))
