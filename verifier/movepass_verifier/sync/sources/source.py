"""A source by its name, as python-tuf's fetcher."""

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
"""Is told a file's name, how many of its bytes are there, and how many there will be."""
Keep = Callable[[bytearray], None]
"""Is told all of a file that is there, as it grows."""
_MEDIA: Mapping[str, Callable[..., Medium]] = {"http": Web, "https": Web, "s3": Bucket}
"""What opens a source, by its address's scheme; a folder has none."""


def resolve(name: str) -> str:
    """Give a source's full name: an address as it is, a folder by its absolute path.

    Raises:
        SourceError: another kind of address.
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
    """Return an address as it may be shown: without a name and a password in it."""
    return re.sub(r"//[^/]*@", "//", name)


class Source(FetcherInterface):
    """A source, opened; counts what it costs. Close it, or use it as a context manager.

    Attributes:
        name: in full.
        requests: files asked for.
        received: bytes of bodies that came, error pages not counted.
    """

    def __init__(self, name: str, *, ca: Path | None = None, progress: Progress | None = None) -> None:
        """Choose the medium by the name; see resolve.

        Args:
            name: the source's.
            ca: a file of CA certificates to trust besides the system's.
            progress: is told how it goes.

        Raises:
            SourceError: another kind of address.
            SyncError: what it takes to open it is not there.
        """
        self.name = resolve(name)
        self.requests = 0
        self.received = 0
        self._progress = progress
        self._medium = _medium(self.name, ca)

    def _fetch(self, url: str) -> Iterator[bytes]:
        return self._count(self._open(url, 0)[1])

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Fetch a document; python-tuf's own way goes by a temporary file."""
        return self._read(url, b"", max_length)

    def fetch_rest(self, name: str, held: bytes, length: int, keep: Keep | None = None) -> bytes:
        """Fetch a file of which the beginning may be held already.

        Args:
            name: the file's.
            held: its beginning.
            length: what it has, as signed.
            keep: is told what is there, as it comes.

        Returns:
            The file, `held` and what follows it where the source can start there, otherwise all of it anew.

        Raises:
            DownloadError: it could not be had, or is longer.
        """

        def told(now: bytearray) -> None:
            if self._progress:
                self._progress(name, len(now), length)
            if keep:
                keep(now)

        return self._read(name, held, length, told)

    def close(self) -> None:
        """Let go of connections."""
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
            start, chunks = self._open(name, 0)  # what is held is longer than what is there
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
            raise DownloadError(f"can't read {name}: {getattr(e, 'strerror', None) or e}") from None

    def _count(self, chunks: Generator[bytes]) -> Generator[bytes]:
        try:
            with closing(chunks):
                for chunk in chunks:
                    self.received += len(chunk)
                    yield chunk
        except OSError as e:
            raise DownloadError(f"reading stopped: {e.strerror or e}") from None


def _medium(name: str, ca: Path | None) -> Medium:
    """Open a source's medium.

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
