"""The published repository as a folder: static files that any web server or USB stick can hold (keys' layout)."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from movepass_issuer.errors import RepositoryError
from movepass_keys import files
from movepass_keys.layout import METADATA, STATUS_FOLDER, TIMESTAMP

_LOCK = ".publisher.lock"
_FOLDERS = (METADATA, STATUS_FOLDER)


class FolderRepository:
    """A repository in a local folder. Methods raise RepositoryError where the folder fails."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def create(cls, root: Path) -> "FolderRepository":
        """Lay out an empty repository."""
        for folder in _FOLDERS:
            (root / folder).mkdir(parents=True)
        return cls(root)

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Hold the right to publish; a killed process lets go of it.

        Raises:
            RepositoryError: another publisher is at work.
        """
        with _failures(), (self.root / _LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RepositoryError("another publisher is at work; try again when it has finished") from None
            yield

    def read(self, name: str) -> bytes | None:
        """Read a file; None where there is none."""
        with _failures():
            try:
                return (self.root / name).read_bytes()
            except FileNotFoundError:
                return None

    def names(self, folder: str) -> list[str]:
        """List a folder's files, by their names from the repository's root."""
        with _failures():
            return sorted(f"{folder}/{p.name}" for p in (self.root / folder).iterdir() if p.is_file())

    def versions(self, role: str) -> list[int]:
        """List the versions there are of a role's document, in rising order."""
        ending = f".{role}.json"
        names = [name.removeprefix(METADATA) for name in self.names(METADATA.rstrip("/"))]
        numbers = [name.removesuffix(ending) for name in names if name.endswith(ending)]
        return sorted(int(number) for number in numbers if number.isascii() and number.isdigit())

    def modified(self, name: str) -> float:
        """Give when a file was written, in seconds since 1970 UTC."""
        with _failures():
            return (self.root / name).stat().st_mtime

    def create_version(self, name: str, data: bytes) -> None:
        """Write a versioned file that must not exist yet, whole or not at all.

        Raises:
            RepositoryError: it exists: another publisher was first.
        """
        with _failures():
            try:
                files.write_new(self.root / name, data)
            except FileExistsError:
                raise RepositoryError(f"{name} exists: another publisher was first; publish again") from None

    def put_target(self, name: str, data: bytes) -> None:
        """Write a file whose name holds the hash of its content, whole or not at all."""
        with _failures():
            files.write_whole(self.root / name, data)

    def replace_timestamp(self, data: bytes, *, expected: bytes | None) -> None:
        """Make what was written since `expected` the published state: the one step readers notice.

        Raises:
            RepositoryError: the timestamp is no longer the expected one: another publisher was first.
        """
        if self.read(TIMESTAMP) != expected:
            raise RepositoryError("another publisher replaced the timestamp meanwhile; publish again")
        with _failures():
            files.write_whole(self.root / TIMESTAMP, data)

    def delete(self, name: str) -> None:
        """Delete a file that nothing names any more."""
        with _failures():
            (self.root / name).unlink(missing_ok=True)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise RepositoryError(f"the repository: {e.filename or ''}: {e.strerror or e}") from None
