"""Where a device syncs from: a web server or a folder, read through the one interface that python-tuf knows.

Both hold the same tree (metadata/, targets/). A missing file is python-tuf's DownloadHTTPError 404 from either.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
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
_WEB = ("http", "https")


class _Medium(Protocol):
    """Something that files can be read from, whole or from an offset on."""

    def open(self, name: str, start: int) -> tuple[int, Iterator[bytes]]:
        """Give where the answer starts (0 where the medium can't start elsewhere), and its bytes."""


def resolve(name: str) -> str:
    """Give a source's full name: an http(s) address as it is, a folder by its absolute path.

    Raises:
        SyncError: another kind of address.
    """
    try:
        scheme, path = urlsplit(name).scheme, urlsplit(name).path
    except ValueError as e:
        raise SyncError(f"{name!r} is no address: {e}") from None
    if scheme in _WEB:
        return name
    if scheme == "file" or "://" not in name:
        return str(Path(unquote(path) if scheme == "file" else name).absolute())
    raise SyncError(f"expected a source like https://…, file:… or a folder, got {name!r}")


class Source(FetcherInterface):
    """A source as python-tuf's fetcher; counts what it costs.

    Attributes:
        name: in full.
        requests: files asked for.
        received: bytes of bodies that came, error pages not counted.
    """

    def __init__(self, name: str) -> None:
        """Choose the medium by the name; see resolve.

        Raises:
            SyncError: another kind of address.
        """
        self.name = resolve(name)
        self.requests = 0
        self.received = 0
        web = urlsplit(self.name).scheme in _WEB
        self._medium: _Medium = _Web(self.name) if web else _Folder(Path(self.name))

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
        except (OSError, ValueError) as e:  # ValueError: a NUL in a name
            raise DownloadError(f"can't read {name}: {getattr(e, 'strerror', None) or e}") from None

    def _count(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        try:
            for chunk in chunks:
                self.received += len(chunk)
                yield chunk
        except OSError as e:
            raise DownloadError(f"reading stopped: {e.strerror or e}") from None


class _Folder:
    """A folder on this machine or on a USB stick."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, name: str, start: int) -> tuple[int, Iterator[bytes]]:
        if not self._root.is_dir():
            raise DownloadError(f"there is no folder {self._root}; is the stick plugged in?")
        path = self._root / name
        if not path.exists():
            raise DownloadHTTPError(f"there is no {name} in {self._root}", _NOT_FOUND)
        if not path.is_file():  # a pipe would never answer, and a device never end
            raise DownloadError(f"can't read {name}: not a regular file")
        file = path.open("rb")
        file.seek(start)

        def chunks() -> Iterator[bytes]:
            with file:
                while chunk := file.read(_CHUNK):
                    yield chunk

        return start, chunks()


class _Sockets:
    """The connections of one medium, and whether the request that uses them has had its time."""

    def __init__(self) -> None:
        self.over = False
        self._open: list[tuple[Any, socket.socket]] = []

    def note(self, connection: Any, sock: socket.socket) -> None:
        """Note a connection's socket: a second handle of it, since TLS takes the first one for itself.

        Raises:
            TimeoutError: the time was over before the connection stood.
        """
        self._open.append((connection, sock.dup()))
        self.check()

    def check(self) -> None:
        """Make no connection any more when the time is over; urllib3 would try a cut request again.

        Raises:
            TimeoutError: it is.
        """
        if self.over:
            raise TimeoutError("no time left")

    def cut(self) -> None:
        """Cut every connection, whatever is under way on it."""
        self.over = True
        for _, sock in list(self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def forget_closed(self) -> None:
        """Let go of what is closed, which would stay open by our handle; not while an answer may be read from it."""
        for entry in list(self._open):
            if entry[0].sock is None:
                entry[1].close()
                self._open.remove(entry)


class _Web:
    """A web server; redirects are not followed, so that a captive portal can't pass for the source.

    A request has FILE_SECONDS from its first byte to its answer's last: when they are over, the connection is cut,
    whatever the server was doing to keep it open.
    """

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")
        self._sockets = _Sockets()
        self._pool = urllib3.PoolManager(
            retries=urllib3.Retry(
                connect=1, read=1, redirect=False, status=False, other=0, respect_retry_after_header=False
            ),
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
        )
        self._pool.pool_classes_by_scheme = {
            "http": _pool_class(urllib3.HTTPConnectionPool, self._sockets),
            "https": _pool_class(urllib3.HTTPSConnectionPool, self._sockets),
        }

    def open(self, name: str, start: int) -> tuple[int, Iterator[bytes]]:
        url = f"{self._base}/{name}"
        headers = {**self._pool.headers, "Range": f"bytes={start}-"} if start else self._pool.headers
        cut = _Cut(self._sockets, url)
        with cut.translated():
            response = self._pool.request("GET", url, headers=headers, preload_content=False, redirect=False)
        if response.status == _PARTIAL and start:
            if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                cut.end(response)
                raise DownloadError(f"{url} answered with another part of the file than was asked for")
        elif response.status == _OK:
            start = 0
        else:
            where = response.headers.get("Location")
            cut.end(response)
            text = f"{url} redirects to {where}; is this a login page?" if where else f"{url}: HTTP {response.status}"
            raise DownloadHTTPError(text, response.status)
        return start, self._chunks(response, cut)

    @staticmethod
    def _chunks(response: urllib3.BaseHTTPResponse, cut: "_Cut") -> Iterator[bytes]:
        whole = False
        try:
            with cut.translated():
                yield from response.stream(_CHUNK, decode_content=False)
            if cut.over:  # an answer that was cut may look like one that ended
                raise cut.too_slow()
            whole = True
        finally:
            if whole:
                response.release_conn()
                cut.done()
            else:
                cut.end(response)


class _Cut:
    """Cuts the connections in use when a request's time is over."""

    def __init__(self, sockets: "_Sockets", url: str) -> None:
        self._sockets = sockets
        self._sockets.over = False
        self._url = url
        self._timer = threading.Timer(FILE_SECONDS, sockets.cut)
        self._timer.daemon = True
        self._timer.start()

    def end(self, response: urllib3.BaseHTTPResponse) -> None:
        """Be done with an answer without reading on."""
        response.close()
        self.done()

    def done(self) -> None:
        """Be done with the request."""
        self._timer.cancel()
        self._sockets.forget_closed()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn urllib3's errors into python-tuf's."""
        try:
            yield
        except urllib3.exceptions.HTTPError as e:
            self.done()
            raise (self.too_slow() if self.over else _download_error(e)) from None
        except OSError:
            self.done()
            if self.over:
                raise self.too_slow() from None
            raise

    def too_slow(self) -> SlowRetrievalError:
        """Say so."""
        return SlowRetrievalError(f"{self._url} took longer than {FILE_SECONDS} s")

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return self._sockets.over


def _pool_class(kind: Any, sockets: _Sockets) -> Any:
    """Make a kind of connection pool whose connections note their sockets before a word is said on them."""

    class Connection(kind.ConnectionCls):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            sockets.check()
            sock: socket.socket = super()._new_conn()
            sockets.note(self, sock)
            return sock

    return type("Pool", (kind,), {"ConnectionCls": Connection})


def _download_error(error: urllib3.exceptions.HTTPError) -> DownloadError:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, urllib3.exceptions.NameResolutionError | urllib3.exceptions.NewConnectionError):
        return DownloadError(f"no connection: {reason}")
    if isinstance(reason, urllib3.exceptions.TimeoutError):
        return SlowRetrievalError(f"no answer in time: {reason}")
    return DownloadError(str(reason))
