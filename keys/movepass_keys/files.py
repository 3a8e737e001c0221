"""Write files completely or not at all, even in folders that somebody else may have prepared.

The data goes to a temporary file in the same folder and is flushed to the medium. The file then gets its name in one
step, and the folder is flushed as well, so that the name survives a power cut. A temporary file is always new and has
an unpredictable name, so that nothing is ever written through a link that was planted there.

A stick, or a folder that others can write to, may hold anything: links to other places, pipes that never answer,
endless files. `Folder` opens such a place once and reaches everything in it from there without following links. Nothing
outside it is read, written or deleted, even if a folder is swapped for a link meanwhile. `read_regular` reads a single
file that was handed over. `open_regular` opens a file that a person has named, and follows links. Systems that can't
open folders (Windows) check first and open then.
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
"""The ending of a file that is being written; its name begins with a dot."""
_MODE = 0o644
_CHANCE_BYTES = 8
_LOOKED_THROUGH = 1000
"""How many names a writer checks for leftovers of a killed writer; a larger folder is not its own."""
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EMLINK}
"""Errors of file systems without hard links, such as FAT on a stick; there the name is taken first and filled then."""
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF}
"""Errors of file systems that can't sync a folder (CIFS, vboxsf, some of FUSE); syncing the file must suffice there."""
_OPENS_FOLDERS = hasattr(os, "O_DIRECTORY") and os.open in os.supports_dir_fd
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FOLLOW = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_READ = _FOLLOW | _NO_FOLLOW
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | getattr(os, "O_BINARY", 0)
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NO_FOLLOW | getattr(os, "O_BINARY", 0)
_REPARSE_POINT = 0x400
"""The attribute of symbolic links and junctions on Windows."""


class UnfitFileError(OSError):
    """The path is not the expected kind of file or folder, or the file is too large."""


def write_whole(path: Path, data: bytes) -> None:
    """Write or replace a file. Only one writer may write a path at a time.

    Raises:
        OSError: the file can't be written; the old content is still there.
    """
    with _naming(path), Folder.open(path.parent, through_link=True) as folder:
        folder.write_whole(path.name, data)


def write_new(path: Path, data: bytes, mode: int = _MODE) -> None:
    """Create a file that must not exist yet, even if others try to create it at the same time.

    Raises:
        FileExistsError: something has that name, even a dangling link.
        OSError: the file can't be written; nothing is left behind.
    """
    with _naming(path), Folder.open(path.parent, through_link=True) as folder:
        folder.write_new(path.name, data, mode)


def read_regular(path: Path, most: int, *, own: bool = False) -> bytes:
    """Read a regular file of limited size that was handed over.

    Args:
        path: the path of the file.
        most: the most bytes that it may have.
        own: whether it is the user's own file, such as a key, which may be a link to the real file.

    Raises:
        FileNotFoundError: there is no such file.
        UnfitFileError: it is a link, a folder, a pipe or a device, has another name too, or is too large.
        OSError: it can't be read.
    """
    with _naming(path):
        real = path.resolve(strict=True) if own else path
        with Folder.open(real.parent, through_link=True) as folder:
            return folder.read(real.name, most, may_be_linked=own)


def open_regular(path: str | Path) -> tuple[BinaryIO, int]:
    """Open a regular file that a person has named, following links, and return it with its size.

    A FIFO would wait for a writer, a device may never end, and a file of /proc yields more than its size. So only
    regular files are accepted, and callers read no more than the returned size.

    Raises:
        UnfitFileError: it is not a regular file.
        OSError: it can't be opened.
    """
    try:
        _check_regular(os.stat(path), path)  # noqa: PTH116 - not every name is a Path; opening alone affects some devices
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
    """Check whether an lstat result is a symbolic link or, on Windows, a junction."""
    return stat.S_ISLNK(found.st_mode) or bool(getattr(found, "st_file_attributes", 0) & _REPARSE_POINT)


class Folder:
    """An open folder whose files are reached without following links. Use it as a context manager."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path, *, through_link: bool = False, make: bool = False) -> Self:
        """Open a folder.

        Args:
            path: the folder; links above its last part are followed, as for any path that a person names.
            through_link: whether the folder itself may be a link.
            make: whether to create it, and the folders above it, if it is missing.

        Raises:
            UnfitFileError: it is a link or not a folder.
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
        except PermissionError:  # the folder may be searchable but not readable
            if not through_link:
                raise
            return cls(path, None)

    def folder(self, name: str, *, make: bool = False) -> "Folder":
        """Open a subfolder, and create it first if it is missing and `make` is set.

        Raises:
            UnfitFileError: it is a link or not a folder.
            OSError: it is missing, or can't be opened.
        """
        path = self.path / _check_name(name)
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
        """Open a regular file for reading; the caller closes it.

        Args:
            name: the name of the file.
            may_be_linked: whether a hard link is accepted, as another program may be writing the file.

        Raises:
            FileNotFoundError: there is no such file.
            UnfitFileError: it is a link, a folder, a pipe or a device, or has another name too.
            OSError: it can't be opened.
        """
        path = self.path / _check_name(name)
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
        """Read a regular file of at most `most` bytes; see open_file."""
        path = self.path / name
        with self.open_file(name, may_be_linked=may_be_linked) as file, _naming(path):
            if os.fstat(file.fileno()).st_size <= most:
                data = bytearray()
                while len(data) <= most and (more := file.read(most + 1 - len(data))):
                    data += more
                if len(data) <= most:
                    return bytes(data)
        raise UnfitFileError(errno.EFBIG, f"larger than the {most:,} bytes allowed", str(path))

    def names(self) -> list[str]:
        """List the names in the folder, sorted."""
        with _naming(self.path):
            return sorted(self._entries())

    def files(self) -> list[str]:
        """List the regular files in the folder, sorted.

        Raises:
            UnfitFileError: the folder holds a link, a hard link, a pipe or a device.
            OSError: it can't be read.
        """
        found = []
        for name in self.names():
            with suppress(FileNotFoundError):  # it was removed meanwhile
                there = self._look(name)
                if not stat.S_ISDIR(there.st_mode):
                    _check_file(there, self.path / name, may_be_linked=False)
                    found.append(name)
        return found

    def remove(self, name: str) -> None:
        """Remove a file or a link, if it is there."""
        with _naming(self.path / name), suppress(FileNotFoundError):
            os.unlink(self._at(_check_name(name)), dir_fd=self._descriptor)

    def append(self, name: str, data: bytes) -> int:
        """Append to a file, created if it is missing, and return the number of bytes written."""
        path = self.path / _check_name(name)
        with _naming(path):
            descriptor = os.open(self._at(name), _APPEND, OWNER_ONLY, dir_fd=self._descriptor)
            with FileIO(descriptor, "ab") as file:
                _check_file(os.fstat(descriptor), path, may_be_linked=False)
                return file.write(data)

    def write_whole(self, name: str, data: bytes) -> None:
        """Write a file and remove leftovers of its killed writers; see write_whole."""
        path = self.path / _check_name(name)
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
        """Create a file that must not exist yet; see write_new."""
        path = self.path / _check_name(name)
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
        """Return the argument of a system call: the name if there is a descriptor, or the whole path."""
        return name if self._descriptor is not None else str(self.path / name)

    def _look(self, name: str) -> os.stat_result:
        return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)

    def _write(self, name: str, data: bytes, mode: int) -> str:
        """Write a new file under an unpredictable name, and return the name."""
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
        """Name a file, unless the name is taken."""
        at = self._descriptor
        try:  # unlike a rename, this never replaces a file
            os.link(
                self._at(temporary), self._at(name), src_dir_fd=at, dst_dir_fd=at, follow_symlinks=at is None
            )  # Windows can only follow links
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
        """Flush the folder to the medium if the file system can do that."""
        if self._descriptor is None:
            return
        try:
            os.fsync(self._descriptor)
        except OSError as e:
            if e.errno not in _NO_FOLDER_SYNC:
                raise


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Raise an error again with the path that was asked for, because nobody knows the temporary path."""
    try:
        yield
    except UnfitFileError:
        raise
    except OSError as e:
        if e.errno == errno.ELOOP:  # a link took its place after the check
            raise UnfitFileError(e.errno, _LINK, str(path)) from e
        raise OSError(e.errno, e.strerror, str(path)) from e


_LINK = "a link, and links are not followed here"


def _beginning(name: str) -> str:
    """Return the start of a temporary file's name, with as much of the real name as fits."""
    return f".{name[:40]}."


def _check_name(name: str) -> str:
    """Check that a name stays in its folder, and return it.

    Raises:
        UnfitFileError: the name leads elsewhere.
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
        raise UnfitFileError(errno.EISDIR, "a folder where a file was expected", str(path))
    if not stat.S_ISREG(found.st_mode):
        raise UnfitFileError(errno.EINVAL, "not a regular file", str(path))
    if found.st_nlink > 1 and not may_be_linked:
        raise UnfitFileError(errno.EMLINK, "a hard link to another file; copy the file itself", str(path))
