"""Where an authority publishes: the contract of a repository, and the one that is a folder.

Every repository keeps these promises, and tests/issuer/test_repository.py holds each to them:

    - a file is there whole or not at all, whatever is killed while it is written, and stays once the call has returned;
    - of all who create the same version at once, one does; the others change nothing and are told;
    - the timestamp is replaced only by one who knows what it was, whoever tries at the same time;
    - the lease is held by one at a time, and comes free when its holder dies.

Nothing rests on the lease but peace: publishers that hold it at the same time, because a clock jumped or one slept
for too long, lose races for versions and the timestamp, and no revocation.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from movepass_issuer.errors import BusyError, RepositoryError
from movepass_keys import files
from movepass_keys.layout import METADATA_FOLDER, STATUS_FOLDER, TIMESTAMP, document_version

_LOCK = ".publisher.lock"
_FOLDERS = (METADATA_FOLDER, STATUS_FOLDER)


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
        with _failures():
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
        with _failures(), (self.root / _LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError("another publisher is at work; try again when it has finished") from None
            yield

    def read(self, name: str) -> bytes | None:
        """See Repository."""
        with _failures():
            try:
                return (self.root / name).read_bytes()
            except FileNotFoundError:
                return None

    def files(self, folder: str) -> Mapping[str, float]:
        """See Repository. A file that goes while this looks is left out."""
        found = {}
        with _failures():
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
        with _failures():
            try:
                files.write_new(self.root / name, data)
            except FileExistsError:
                raise BusyError(f"{name} exists: another publisher was first; publish again") from None

    def put_target(self, name: str, data: bytes) -> None:
        """See Repository."""
        path = self.root / name
        with _failures():
            try:
                files.write_new(path, data)
            except FileExistsError:
                if path.read_bytes() == data:
                    os.utime(path)
                else:  # the denied keys, or damaged
                    files.write_whole(path, data)

    def replace(self, name: str, data: bytes, *, expected: bytes | None) -> None:
        """See Repository. Reading, comparing and replacing happen under a lock of their own, lease or not."""
        path = self.root / name
        with _failures(), _locked(path.parent):
            if self.read(name) != expected:
                raise BusyError(f"another publisher replaced {name} meanwhile; publish again")
            files.write_whole(path, data)

    def replace_timestamp(self, data: bytes, *, expected: bytes | None) -> None:
        """See Repository."""
        self.replace(TIMESTAMP, data, expected=expected)

    def delete(self, name: str) -> None:
        """See Repository."""
        with _failures():
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
def _failures() -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise RepositoryError(f"the repository: {e.filename or ''}: {e.strerror or e}") from None
