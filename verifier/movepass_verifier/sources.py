"""Where a device syncs from: a web server or a folder, read through the one interface that python-tuf knows.

Both hold the same tree (metadata/, targets/). A missing file is python-tuf's DownloadHTTPError 404 from either.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError, SlowRetrievalError
from tuf.ngclient.fetcher import FetcherInterface

from movepass_verifier.errors import SyncError

CONNECT_SECONDS = 10
READ_SECONDS = 20
FILE_SECONDS = 300
"""For one file from the first byte asked to the last one got."""
_CHUNK = 65536
_NOT_FOUND = 404
_OK, _PARTIAL = 200, 206
_USER_AGENT = "movepass"


class _Medium(Protocol):
    """Something that files can be read from, whole or from an offset on."""

    def open(self, name: str, start: int) -> tuple[int, Iterator[bytes]]:
        """Give where the answer starts (0 where the medium can't start elsewhere), and its bytes."""


class Source(FetcherInterface):
    """A source as python-tuf's fetcher; counts what it costs.

    Attributes:
        name: as given by the user.
        requests: files asked for.
        received: bytes of bodies that came, error pages not counted.
    """

    def __init__(self, name: str) -> None:
        """Choose the medium by the name: http(s) address, file: address or path.

        Raises:
            SyncError: another kind of address.
        """
        self.name = name
        self.requests = 0
        self.received = 0
        try:
            scheme, path = urlsplit(name).scheme, urlsplit(name).path
        except ValueError as e:
            raise SyncError(f"{name!r} is no address: {e}") from None
        if scheme in ("http", "https"):
            self._medium: _Medium = _Web(name)
        elif scheme == "file":
            self._medium = _Folder(Path(unquote(path)))
        elif "://" in name:
            raise SyncError(f"expected a source like https://…, file:… or a folder, got {name!r}")
        else:
            self._medium = _Folder(Path(name))

    def _fetch(self, url: str) -> Iterator[bytes]:
        return self._count(self._open(url, 0)[1])

    def fetch_rest(self, name: str, held: bytes, length: int) -> bytes:
        """Fetch a file of which the beginning may be held already.

        Returns:
            The file, `held` and what follows it where the source can start there, otherwise all of it anew.

        Raises:
            DownloadError: it could not be had, or is not `length` bytes long.
        """
        start, chunks = self._open(name, len(held))
        data = bytearray(held[:start])
        for chunk in self._count(chunks):
            data += chunk
            if len(data) > length:
                raise DownloadLengthMismatchError(f"{name} is longer than {length} bytes")
        return bytes(data)

    def _open(self, name: str, start: int) -> tuple[int, Iterator[bytes]]:
        self.requests += 1
        try:
            return self._medium.open(name, start)
        except urllib3.exceptions.HTTPError as e:
            raise _download_error(e) from None
        except OSError as e:
            raise DownloadError(f"can't read {name}: {e.strerror or e}") from None

    def _count(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        deadline = time.monotonic() + FILE_SECONDS
        try:
            for chunk in chunks:
                self.received += len(chunk)
                yield chunk
                if time.monotonic() > deadline:
                    raise SlowRetrievalError(f"a file took longer than {FILE_SECONDS} s")
        except urllib3.exceptions.HTTPError as e:
            raise _download_error(e) from None
        except OSError as e:
            raise DownloadError(f"reading stopped: {e.strerror or e}") from None


class _Folder:
    """A folder on this machine or on a USB stick."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, name: str, start: int) -> tuple[int, Iterator[bytes]]:
        if not self._root.is_dir():
            raise DownloadError(f"there is no folder {self._root}; is the stick plugged in?")
        try:
            file = (self._root / name).open("rb")
        except FileNotFoundError:
            raise DownloadHTTPError(f"there is no {name} in {self._root}", _NOT_FOUND) from None
        file.seek(start)

        def chunks() -> Iterator[bytes]:
            with file:
                while chunk := file.read(_CHUNK):
                    yield chunk

        return start, chunks()


class _Web:
    """A web server; redirects are not followed, so that a captive portal can't pass for the source."""

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")
        self._pool = urllib3.PoolManager(
            retries=urllib3.Retry(connect=1, read=1, redirect=False, status=False, other=0),
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
        )

    def open(self, name: str, start: int) -> tuple[int, Iterator[bytes]]:
        headers = {**self._pool.headers, "Range": f"bytes={start}-"} if start else self._pool.headers
        url = f"{self._base}/{name}"
        response = self._pool.request("GET", url, headers=headers, preload_content=False, redirect=False)
        if response.status == _PARTIAL and start:
            if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                response.close()
                raise DownloadError(f"{url} answered with another part of the file than was asked for")
        elif response.status == _OK:
            start = 0
        else:
            where = response.headers.get("Location")
            response.close()
            text = f"{url} redirects to {where}; is this a login page?" if where else f"{url}: HTTP {response.status}"
            raise DownloadHTTPError(text, response.status)
        return start, self._chunks(response)

    @staticmethod
    def _chunks(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        try:
            yield from response.stream(_CHUNK, decode_content=False)
        finally:
            response.release_conn()


def _download_error(error: urllib3.exceptions.HTTPError) -> DownloadError:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, urllib3.exceptions.NameResolutionError | urllib3.exceptions.NewConnectionError):
        return DownloadError(f"no connection: {reason}")
    if isinstance(reason, urllib3.exceptions.TimeoutError):
        return SlowRetrievalError(f"no answer in time: {reason}")
    return DownloadError(str(reason))
