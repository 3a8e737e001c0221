"""The repository in a folder, for a web server, a USB stick or a laptop."""

import errno
import fcntl
import getpass
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from movepass_issuer.errors import BusyError, RepositoryError
from movepass_issuer.storage.repository import versions_in
from movepass_keys import files
from movepass_keys.files import open_regular
from movepass_keys.records.layout import METADATA_FOLDER, PACKS_FOLDER, STATUS_FOLDER, TIMESTAMP

_LOCK = ".publisher.lock"
_FOLDERS = (METADATA_FOLDER, STATUS_FOLDER, PACKS_FOLDER)
_PUBLIC_UMASK = 0o022
"""Files 0644 and folders 0755, whatever the publisher's umask: a web server must read them."""
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755
_umask = threading.Lock()
"""The umask belongs to the process, so one thread at a time changes it."""


class FolderRepository:
    """A repository in a local folder, whose files any web server or USB stick can hold; see Repository."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def create(cls, root: Path) -> "FolderRepository":
        """Lay out an empty repository."""
        with _failures(root), readable_by_all():
            for folder in _FOLDERS:
                (root / folder).mkdir(parents=True)
        return cls(root)

    @property
    def name(self) -> str:
        """See Repository."""
        return str(self.root)

    @contextmanager
    def lease(self) -> Iterator[None]:
        """See Repository. The system releases it when the process is killed."""
        with self._failures():
            descriptor = open_lock(self.root / _LOCK)
            try:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as e:
                    raise BusyError("another publisher is at work; try again when it has finished") from e
                self._make_packs_folder()
                self._open_to_readers()
                yield
            finally:
                os.close(descriptor)

    def _make_packs_folder(self) -> None:
        """Make the one folder that a repository of an earlier version lacks."""
        if self.root.is_dir():
            with readable_by_all():
                (self.root / PACKS_FOLDER).mkdir(exist_ok=True)

    def _failures(self) -> AbstractContextManager[None]:
        return _failures(self.root)

    def _open_to_readers(self) -> None:
        """Make files readable that an earlier version published under a stricter umask."""
        for _, _, names, folder in os.fwalk(self.root):
            for name in (".", *(name for name in names if not name.startswith("."))):
                with suppress(OSError):  # it is gone, a link, or another user's
                    _let_read(name, folder)

    def _write_over(self, path: Path, data: bytes) -> None:
        """Write a file that may be there, under the lock of its folder."""
        path.with_name(f".{path.name}{files.TEMPORARY}").unlink(missing_ok=True)  # maybe another user's, killed
        with readable_by_all():
            files.write_whole(path, data)

    def read(self, name: str) -> bytes | None:
        """See Repository."""
        with self._failures():
            try:
                return _content(self.root / name)
            except FileNotFoundError:
                return None

    def files(self, folder: str) -> Mapping[str, float]:
        """See Repository. A file that is deleted meanwhile is left out."""
        found = {}
        with self._failures():
            for path in sorted((self.root / folder).iterdir()):
                try:
                    if path.is_file():
                        found[f"{folder}/{path.name}"] = path.stat().st_mtime
                except FileNotFoundError:
                    continue
        return found

    def versions(self, role: str) -> list[int]:
        """See Repository."""
        return versions_in(self.files(METADATA_FOLDER), role)

    def create_version(self, name: str, data: bytes) -> None:
        """See Repository."""
        with self._failures(), readable_by_all():
            try:
                files.write_new(self.root / name, data)
            except FileExistsError as e:
                raise BusyError(f"{name} exists: another publisher was first; publish again") from e

    def put_target(self, name: str, data: bytes) -> None:
        """See Repository."""
        path = self.root / name
        with self._failures():
            try:
                with readable_by_all():
                    files.write_new(path, data)
            except FileExistsError:
                if not _touched(path, data):  # the denied keys, damaged, or another user's
                    with _locked(path.parent):
                        self._write_over(path, data)

    def replace(self, name: str, data: bytes, *, expected: bytes | None) -> None:
        """See Repository. Reading, comparing and replacing happen under a lock of their own, lease or not."""
        path = self.root / name
        with self._failures(), _locked(path.parent):
            if self.read(name) != expected:
                raise BusyError(f"another publisher replaced {name} meanwhile; publish again")
            self._write_over(path, data)

    def replace_timestamp(self, data: bytes, *, expected: bytes | None) -> None:
        """See Repository."""
        self.replace(TIMESTAMP, data, expected=expected)

    def delete(self, name: str) -> None:
        """See Repository."""
        with self._failures():
            (self.root / name).unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Wait for the lock of a folder, and hold it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def readable_by_all() -> Iterator[None]:
    """Write files that everybody may read, whatever the umask."""
    with _umask:
        before = os.umask(_PUBLIC_UMASK)
        try:
            yield
        finally:
            os.umask(before)


def open_lock(path: Path) -> int:
    """Open a lock's file, even another user's: the service must be able to lock what root has locked before.

    It is reached from its folder, opened once, so that no link that is laid there meanwhile is followed.

    Returns:
        Its descriptor.

    Raises:
        OSError: it can't be opened, or is something else than a file of that one name.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        descriptor = _open_lock(path.name, folder)
    except OSError as e:
        raise OSError(e.errno, e.strerror, str(path)) from e
    finally:
        os.close(folder)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(descriptor)
        raise files.UnfitFileError(errno.EINVAL, "expected a lock, found something else that bears its name", str(path))
    return descriptor


def _open_lock(name: str, folder: int) -> int:
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with readable_by_all():
        try:
            return os.open(name, os.O_RDWR | os.O_CREAT | flags, _FILE_MODE, dir_fd=folder)
        except PermissionError:
            if not _exists(name, folder):  # the folder is closed to us
                raise
        with suppress(PermissionError):
            return os.open(name, os.O_RDONLY | flags, dir_fd=folder)
        os.unlink(name, dir_fd=folder)
        return os.open(name, os.O_RDWR | os.O_CREAT | flags, _FILE_MODE, dir_fd=folder)


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _let_read(name: str, folder: int) -> None:
    """Let everybody read a file or folder; a link, or a file with several names, may be somebody else's."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        found = os.fstat(descriptor)
        is_folder, is_file = stat.S_ISDIR(found.st_mode), stat.S_ISREG(found.st_mode) and found.st_nlink == 1
        mode, wanted = stat.S_IMODE(found.st_mode), _FOLDER_MODE if is_folder else _FILE_MODE
        if (is_folder or is_file) and mode & wanted != wanted:
            os.fchmod(descriptor, mode | wanted)
    finally:
        os.close(descriptor)


def _content(path: Path) -> bytes:
    """Read a regular file: a pipe in its place must not block a publication."""
    file, size = open_regular(path)
    with file:
        return file.read(size)


def _touched(path: Path, data: bytes) -> bool:
    """Make a file count as new if it has this content and belongs to us; return whether it did."""
    try:
        if _content(path) != data:
            return False
        os.utime(path)
    except PermissionError:
        return False
    return True


@contextmanager
def _failures(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        why = f"{e.filename or root}: {e.strerror or e}"
        if isinstance(e, PermissionError):
            why += f"; publish as the user who owns {root}, or give all of it to this one: chown -R {_me()} {root}"
        raise RepositoryError(f"the repository: {why}") from e


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return str(os.getuid())
