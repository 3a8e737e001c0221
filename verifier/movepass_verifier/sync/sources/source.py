"""Open a source by name, as python-tuf's fetcher."""

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError
from tuf.ngclient.fetcher import FetcherInterface

from movepass_verifier.errors import SourceError, SyncError
from movepass_verifier.sync.sources.folder import LocalFolder
from movepass_verifier.sync.sources.medium import NO_SUCH_RANGE, Medium
from movepass_verifier.sync.sources.s3 import Bucket
from movepass_verifier.sync.sources.web import Web

Progress = Callable[[str, int, int], None]
"""Called with the name of a file, the bytes received, and the bytes expected."""
Keep = Callable[[bytearray], None]
"""Called with all bytes of a file that have come, as it grows."""
_MEDIA: Mapping[str, Callable[..., Medium]] = {"http": Web, "https": Web, "s3": Bucket}
"""The medium for each scheme of an address; a folder has no scheme."""


def resolve(name: str) -> str:
    """Return the full name of a source: an address unchanged, a folder by its absolute path.

    Raises:
        SourceError: the address is of an unknown kind.
    """
    try:
        parts = urlsplit(name)
    except ValueError as e:
        raise SourceError(f"{without_user(name)!r} is no address: {e}") from e
    if parts.scheme in _MEDIA and parts.netloc:
        if "@" in parts.netloc:
            raise SourceError(
                "expected a source without a name and a password, got one with them for "
                f"{without_user(name)}: they would be kept and shown in plain. What is published is no secret; where "
                "a server asks, use s3:// with AWS's credentials, or let the network decide who may read"
            )
        return name
    if parts.scheme == "file" or ("://" not in name and parts.scheme not in _MEDIA):
        return str(Path(unquote(parts.path) if parts.scheme == "file" else name).absolute())
    raise SourceError(
        f"expected a source like https://…, s3://BUCKET/…, file:… or a folder, got {without_user(name)!r}"
    )


def without_user(name: str) -> str:
    """Return an address for display, without a name and a password in it."""
    return re.sub(r"//[^/]*@", "//", name)


class Source(FetcherInterface):
    """An open source that counts its costs. Close it, or use it as a context manager.

    Attributes:
        name: the full name.
        requests: the number of files requested.
        received: the bytes received, without error pages.
    """

    def __init__(self, name: str, *, ca: Path | None = None, progress: Progress | None = None) -> None:
        """Choose the medium by the name; see resolve.

        Args:
            name: the name of the source.
            ca: a file of CA certificates to trust besides the system's.
            progress: called with the progress of downloads.

        Raises:
            SourceError: the address is of an unknown kind.
            SyncError: something needed to open it is missing.
        """
        self.name = resolve(name)
        self.requests = 0
        self.received = 0
        self._progress = progress
        self._medium = _medium(self.name, ca)

    def _fetch(self, url: str) -> Iterator[bytes]:
        return self._count(self._open(url, 0)[1])

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Fetch a document in memory; python-tuf's own method uses a temporary file."""
        return self._read(url, b"", max_length)

    def fetch_rest(self, name: str, held: bytes, length: int, keep: Keep | None = None) -> bytes:
        """Fetch a file whose start may be held already.

        Args:
            name: the name of the file.
            held: the start of the file.
            length: the signed length.
            keep: called with everything received, as it comes.

        Returns:
            The file: `held` and the rest if the source can start there, otherwise everything fetched again.

        Raises:
            DownloadError: it can't be fetched, or is too long.
        """

        def report(now: bytearray) -> None:
            if self._progress:
                self._progress(name, len(now), length)
            if keep:
                keep(now)

        return self._read(name, held, length, report)

    def close(self) -> None:
        """Close the connections."""
        self._medium.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, name: str, held: bytes, most: int, keep: Keep = lambda _: None) -> bytes:
        try:
            start, chunks = self._open(name, len(held))
        except DownloadHTTPError as e:
            if e.status_code != NO_SUCH_RANGE or not held:
                raise
            start, chunks = self._open(name, 0)  # the held part is longer than the file
        data = bytearray(held[:start])
        with closing(self._count(chunks)) as counted:
            for chunk in counted:
                data += chunk
                if len(data) > most:
                    raise DownloadLengthMismatchError(f"{name} is longer than {most} bytes")
                keep(data)
        return bytes(data)

    def _open(self, name: str, start: int) -> tuple[int, Generator[bytes]]:
        self.requests += 1
        try:
            return self._medium.open(name, start)
        except (OSError, ValueError) as e:  # ValueError: a NUL in a name
            raise DownloadError(f"can't read {name}: {getattr(e, 'strerror', None) or e}") from e

    def _count(self, chunks: Generator[bytes]) -> Generator[bytes]:
        try:
            with closing(chunks):
                for chunk in chunks:
                    self.received += len(chunk)
                    yield chunk
        except OSError as e:
            raise DownloadError(f"reading stopped: {e.strerror or e}") from e


def _medium(name: str, ca: Path | None) -> Medium:
    """Open the medium of a source.

    Raises:
        SyncError: this machine lacks something for it; the next source may not need that.
    """
    kind = _MEDIA.get(urlsplit(name).scheme)
    if kind is None:
        return LocalFolder(Path(name))
    try:
        return kind(name, ca=ca)
    except (OSError, ValueError, LookupError) as e:
        raise SyncError(f"{name} can't be opened: {type(e).__name__}: {e}") from e
