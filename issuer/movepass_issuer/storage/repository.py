"""Where an authority publishes: the contract of a repository, and the one that is a folder.

Every repository keeps these promises, and tests/issuer/test_repository.py holds each to them:

    - a file is there whole or not at all, whatever is killed while it is written, and stays once the call has returned;
    - of all who create the same version at once, one does; the others change nothing and are told;
    - the timestamp is replaced only by one who knows what it was, whoever tries at the same time;
    - the lease is held by one at a time, and comes free when its holder dies.

Nothing rests on the lease but peace: publishers that hold it at the same time, because a clock jumped or one slept
for too long, lose races for versions and the timestamp, and no revocation.
"""

import errno
import fcntl
import getpass
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from movepass_issuer.errors import BusyError, RepositoryError
from movepass_keys import files
from movepass_keys.files import open_regular
from movepass_keys.records.layout import METADATA_FOLDER, STATUS_FOLDER, TIMESTAMP, document_version

_LOCK = ".publisher.lock"
_FOLDERS = (METADATA_FOLDER, STATUS_FOLDER)
_PUBLIC_UMASK = 0o022
"""Files 0644 and folders 0755, whatever the umask of who publishes: a web server has to read them."""
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755
_umask = threading.Lock()
"""The umask is the process's: one thread at a time writes under another."""


class Repository(Protocol):
    """Holds what is published, by names from its root (keys' layout).

    Methods raise RepositoryError where it fails, and BusyError where another publisher was faster.
    """

    @property
    def name(self) -> str:
        """What people call it: a path or an address."""

    def lease(self) -> AbstractContextManager[None]:
        """Hold the right to publish.

        Raises:
            BusyError: another publisher is at work.
        """

    def read(self, name: str) -> bytes | None:
        """Read a file; None where there is none."""

    def files(self, folder: str) -> Mapping[str, float]:
        """List the files in a folder, not those in folders below it: name -> when written, seconds since 1970 UTC."""

    def versions(self, role: str) -> list[int]:
        """List the versions there are of a role's document, in rising order."""

    def create_version(self, name: str, data: bytes) -> None:
        """Write a versioned file that must not exist yet.

        Raises:
            BusyError: it exists: another publisher was first.
        """

    def put_target(self, name: str, data: bytes) -> None:
        """Write a file whose name holds the hash of its content, or the denied keys, which have one name.

        What is there under that name is replaced, and counts as new.
        """

    def replace(self, name: str, data: bytes, *, expected: bytes | None) -> None:
        """Write a file that others may write too, if it is still as expected; None expects none.

        Raises:
            BusyError: it no longer is.
        """

    def replace_timestamp(self, data: bytes, *, expected: bytes | None) -> None:
        """Make what was written since `expected` the published state: the one step readers notice.

        Raises:
            BusyError: the timestamp is no longer the expected one: another publisher was first.
        """

    def delete(self, name: str) -> None:
        """Delete a file that nothing names any more, if it is there."""


def versions_in(files: Mapping[str, float], role: str) -> list[int]:
    """Find the versions of a role's document in the listing of the metadata, in rising order."""
    return sorted(version for name in files if (version := document_version(name, role)) is not None)


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
        """See Repository. The system takes it from a process that is killed."""
        with self._failures():
            descriptor = open_lock(self.root / _LOCK)
            try:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise BusyError("another publisher is at work; try again when it has finished") from None
                self._open_to_readers()
                yield
            finally:
                os.close(descriptor)

    def _failures(self) -> AbstractContextManager[None]:
        return _failures(self.root)

    def _open_to_readers(self) -> None:
        """Mend what an earlier version published under a stricter umask."""
        for _, _, names, folder in os.fwalk(self.root):
            for name in (".", *(name for name in names if not name.startswith("."))):
                with suppress(OSError):  # it went meanwhile, is a link, or another user's
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
        """See Repository. A file that goes while this looks is left out."""
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
            except FileExistsError:
                raise BusyError(f"{name} exists: another publisher was first; publish again") from None

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
    """Hold the lock of a folder, waiting for it."""
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
    """Open a lock's file, be it another user's: what root has locked, the service's user must be able to lock again.

    It is reached from its folder, opened once, so that no link that is laid there meanwhile is followed.

    Returns:
        Its descriptor.

    Raises:
        OSError: it can't be opened, or is something else than a file of that one name.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        descriptor = _open_lock(path.name, folder)
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
            os.stat(name, dir_fd=folder, follow_symlinks=False)  # there is none: the folder is closed to us
        with suppress(PermissionError):
            return os.open(name, os.O_RDONLY | flags, dir_fd=folder)
        os.unlink(name, dir_fd=folder)
        return os.open(name, os.O_RDWR | os.O_CREAT | flags, _FILE_MODE, dir_fd=folder)


def _let_read(name: str, folder: int) -> None:
    """Let everybody read a file or folder; one that is a link, or has another name as well, may be somebody else's."""
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
    """Read a file whole: a pipe in its place must not keep a revocation from being published."""
    file, size = open_regular(path)
    with file:
        return file.read(size)


def _touched(path: Path, data: bytes) -> bool:
    """Make a file count as new, if it holds this and is ours to touch."""
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
