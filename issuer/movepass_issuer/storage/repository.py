"""The contract of a repository, where an authority publishes.

Every repository keeps these promises, and tests/issuer/test_repository.py tests each repository for them:

    - a file is whole or missing, even if its writer is killed, and is durable once the call has returned;
    - if several publishers create the same version at once, one succeeds; the others change nothing and get an error;
    - the timestamp is replaced only by a publisher that knows its current content;
    - one publisher at a time holds the lease, which is released when its holder dies.

The lease only avoids contention; correctness does not depend on it. Publishers that hold it at the same time, because a
clock jumped or one slept for too long, lose races for versions and the timestamp, but never a revocation.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from movepass_keys.records.layout import document_version


class Repository(Protocol):
    """Holds what is published, by names from its root (keys' layout).

    Methods raise RepositoryError where it fails, and BusyError where another publisher was faster.
    """

    @property
    def name(self) -> str:
        """Its name in messages: a path or an address."""

    def lease(self) -> AbstractContextManager[None]:
        """Hold the right to publish.

        Raises:
            BusyError: another publisher is at work.
        """

    def read(self, name: str) -> bytes | None:
        """Read a file; None if there is none."""

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
        """Write a file whose name holds the hash of its content, or the denied keys or a pack, which have one name.

        A file of that name is replaced, and counts as new.
        """

    def replace(self, name: str, data: bytes, *, expected: bytes | None) -> None:
        """Write a file that others may write too, if its content is as expected; None expects no file.

        Raises:
            BusyError: it no longer is.
        """

    def replace_timestamp(self, data: bytes, *, expected: bytes | None) -> None:
        """Publish what was written since `expected`: the one step that readers notice.

        Raises:
            BusyError: the timestamp is no longer the expected one: another publisher was first.
        """

    def delete(self, name: str) -> None:
        """Delete a file that nothing references any more, if it is there."""


def versions_in(files: Mapping[str, float], role: str) -> list[int]:
    """Find the versions of a role's document in the listing of the metadata, in rising order."""
    return sorted(version for name in files if (version := document_version(name, role)) is not None)
