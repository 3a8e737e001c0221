"""Use a web server as a source. Proxies come from the environment, and redirects are not followed.

A request has FILE_SECONDS from its first byte to the last byte of the answer. Then the connection is cut, whatever the
server or a proxy does to keep it open.
"""

import ipaddress
import re
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError

from movepass_verifier.errors import SyncError
from movepass_verifier.sync.sources.medium import CHUNK_BYTES, OK, PARTIAL, NoConnectionError

CONNECT_SECONDS = 10
READ_SECONDS = 20
FILE_SECONDS = 300
"""The time for one file, from the first byte sent to the last byte received."""
_USER_AGENT = "movepass"
_LOGIN = "is this a login page?"
_HINTS = {
    407: "the proxy wants a name and a password, as in http://NAME:PASSWORD@proxy.example:3128",
    511: _LOGIN,
}
_TOLD_CHARS = 200
"""The most that a message repeats of a server's words."""
_PORTS = {"http": 80, "https": 443}
_EXEMPT = re.compile(r"(?:\[([^]]+)]|([^:]+|[^:]*:[^:]*:.*?))(?::([0-9]{1,5}))?")
"""An entry of NO_PROXY: an address in brackets, or a name or a bare address; and a port."""
_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+|\*)")

Explain = Callable[[urllib3.BaseHTTPResponse], DownloadError | None]
"""Explains an answer that is not the file, if the server has its own error format."""


class Web:
    """A web server that holds a repository below an address."""

    def __init__(self, base: str, *, ca: Path | None = None) -> None:
        """Use an address, and the file of further CA certificates to trust.

        Raises:
            SyncError: that file can't be read, or the environment names an invalid proxy.
        """
        self._base = base.rstrip("/")
        self._connections = Connections(base, ca=ca)

    def open(self, name: str, start: int) -> tuple[int, Generator[bytes]]:
        """Open a file; see Medium."""
        return self._connections.get(f"{self._base}/{name}", name, start)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()


class Connections:
    """The connections to one server, and the requests over them."""

    def __init__(self, address: str, *, ca: Path | None = None) -> None:
        """Prepare connections to an address without connecting. Raises SyncError; see Web."""
        self._sockets = _Sockets()
        self._pool = _manager(address, ca)
        self._pool.pool_classes_by_scheme = {
            "http": _pool_class(urllib3.HTTPConnectionPool, self._sockets),
            "https": _pool_class(urllib3.HTTPSConnectionPool, self._sockets),
        }

    def get(self, url: str, name: str, start: int, explain: Explain = lambda _: None) -> tuple[int, Generator[bytes]]:
        """Get a file, or the rest of it from an offset on; see Medium.open.

        Args:
            url: the address of the file.
            name: the name of the file, for messages.
            start: the offset.
            explain: may explain an answer that is not the file.
        """
        headers = {**self._pool.headers, "Range": f"bytes={start}-"} if start else self._pool.headers
        cut = _Cut(self._sockets, name)
        with cut.translate_errors():
            response = self._pool.request("GET", url, headers=headers, preload_content=False, redirect=False)
        if response.status == OK:
            start = 0
        elif not (response.status == PARTIAL and start):
            with cut.translate_errors():
                error = explain(response) or _refusal(response, name)
            cut.end(response)
            raise error
        problem = _unfit(response, start)
        if problem:
            cut.end(response)
            raise DownloadError(f"{name} answered {problem}")
        return start, self._chunks(response, cut, name, start)

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()  # on its own this leaves them open until they are garbage-collected
        self._sockets.close()

    @staticmethod
    def _chunks(response: urllib3.BaseHTTPResponse, cut: "_Cut", name: str, start: int) -> Generator[bytes]:
        whole = False
        first = not start
        try:
            with cut.translate_errors():
                while chunk := response.read1(CHUNK_BYTES, decode_content=False):  # what has come, not what may come
                    if first and chunk.lstrip()[:1] == b"<":  # no file of a repository starts like this
                        raise DownloadError(f"{name} answered with a web page; {_LOGIN}")
                    first = False
                    yield chunk
            if cut.over:  # a cut answer may look like a complete one
                raise cut.too_slow()
            whole = True
        finally:
            if whole:
                response.release_conn()
                cut.done()
            else:
                cut.end(response)


class _Sockets:
    """The connections of one medium, and whether the time of their request is over."""

    def __init__(self) -> None:
        self.over = False
        self._open: list[tuple[Any, socket.socket]] = []

    def note(self, connection: Any, sock: socket.socket) -> None:
        """Record a connection's socket: a second handle of it, because TLS takes over the first.

        Raises:
            TimeoutError: the time was over before the connection was made.
        """
        self._open.append((connection, sock.dup()))
        self.check()

    def check(self) -> None:
        """Allow no connection once the time is over, because urllib3 would retry a cut request.

        Raises:
            TimeoutError: the time is over.
        """
        if self.over:
            raise TimeoutError("no time left")

    def cut(self) -> None:
        """Cut every connection, whatever it is doing."""
        self.over = True
        for _, sock in list(self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        """Release closed sockets, which our handle keeps open; not while an answer may be read."""
        for entry in list(self._open):
            if entry[0].sock is None:
                entry[1].close()
                self._open.remove(entry)

    def close(self) -> None:
        """Close every connection."""
        for connection, _ in self._open:
            connection.close()
        self.forget()


class _Cut:
    """Cuts the connections in use when the time of a request is over."""

    def __init__(self, sockets: "_Sockets", name: str) -> None:
        self._sockets = sockets
        self._sockets.over = False
        self._name = name
        self._timer = threading.Timer(FILE_SECONDS, sockets.cut)
        self._timer.daemon = True
        self._timer.start()

    def end(self, response: urllib3.BaseHTTPResponse) -> None:
        """Finish with an answer without reading on."""
        response.close()
        self.done()

    def done(self) -> None:
        """Finish the request."""
        self._timer.cancel()
        self._sockets.forget()

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Convert urllib3's errors to python-tuf's."""
        try:
            yield
        except urllib3.exceptions.HTTPError as e:
            self.done()
            raise (self.too_slow() if self.over else _download_error(e)) from e
        except OSError as e:
            self.done()
            if self.over:
                raise self.too_slow() from e
            raise

    def too_slow(self) -> SlowRetrievalError:
        """Return the error for a request that took too long."""
        return SlowRetrievalError(f"{self._name} took longer than {FILE_SECONDS} s")

    @property
    def over(self) -> bool:
        """Return whether the time is over."""
        return self._sockets.over


def _pool_class(kind: Any, sockets: _Sockets) -> Any:
    """Make a kind of connection pool whose connections record their sockets before any data is sent."""

    class Connection(kind.ConnectionCls):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            sockets.check()
            sock: socket.socket = super()._new_conn()
            sockets.note(self, sock)
            return sock

    return type("Pool", (kind,), {"ConnectionCls": Connection})


def _manager(address: str, ca: Path | None) -> urllib3.PoolManager:
    """Prepare the way to an address: direct, or through the proxy that the environment names for it."""
    options: dict[str, Any] = {
        "retries": urllib3.Retry(
            connect=1, read=1, redirect=False, status=False, other=0, respect_retry_after_header=False
        ),
        "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        "headers": {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
    }
    proxy = _proxy(address)
    if "https" in {urlsplit(address).scheme, proxy.partition("://")[0]}:
        options["ssl_context"] = _tls(ca)
    if not proxy:
        return urllib3.PoolManager(**options)
    try:
        user, at, _ = urlsplit(proxy).netloc.rpartition("@")
        if at:
            options["proxy_headers"] = urllib3.make_headers(proxy_basic_auth=unquote(user))
        return urllib3.ProxyManager(proxy, proxy_ssl_context=options.get("ssl_context"), **options)
    except (urllib3.exceptions.HTTPError, ValueError):
        shown = re.sub("//.*@", "//", proxy)
        # The cause would show the proxy's password.
        raise SyncError(f"expected a proxy like http://proxy.example:3128, got {shown!r}") from None


def _proxy(address: str) -> str:
    """Return the proxy for an address by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, or ""."""
    proxies = urllib.request.getproxies_environment()
    if _is_exempt(address, proxies.get("no", "")):
        return ""
    proxy = proxies.get(urlsplit(address).scheme) or proxies.get("all", "")
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def _is_exempt(address: str, listed: str) -> bool:
    """Check whether NO_PROXY names an address's host, by the rules that curl and requests share.

    Commas or blanks separate its entries: * for all, a domain with or without a leading dot for itself and its
    subdomains, an IP address, or a network in CIDR form; each with or without a port, IPv6 then in brackets.
    """
    parts = urlsplit(address)
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or _PORTS.get(parts.scheme)
    for entry in re.split(r"[\s,]+", listed.strip().lower()):
        split = _EXEMPT.fullmatch(entry)
        if entry == "*":
            return True
        if split and (split[3] is None or int(split[3]) == port) and _is_named(host, split[1] or split[2]):
            return True
    return False


def _is_named(host: str, entry: str) -> bool:
    with suppress(ValueError):
        network = ipaddress.ip_network(entry, strict=False)
        with suppress(ValueError):
            return ipaddress.ip_address(host) in network
        return False
    domain = entry.removeprefix("*").strip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _tls(ca: Path | None) -> ssl.SSLContext:
    """Trust the system's CAs, or those that SSL_CERT_FILE names, and further ones."""
    context = ssl.create_default_context()
    if ca:
        try:
            context.load_verify_locations(cafile=ca)
        except ssl.SSLError as e:
            raise SyncError(f"{ca}: expected certificates in PEM (-----BEGIN CERTIFICATE-----)") from e
        except OSError as e:
            raise SyncError(f"can't read the CA certificates in {ca}: {e.strerror}") from e
    return context


def _unfit(response: urllib3.BaseHTTPResponse, start: int) -> str:
    """Return what is wrong with the headers of an answer, or ""."""
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        return f"compressed ({encoding[:_TOLD_CHARS]}), though asked not to: a file is what was signed, byte by byte"
    span = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if start and not (span and int(span[1]) == start):
        return "with another part of the file than was asked for"
    return ""


def _refusal(response: urllib3.BaseHTTPResponse, name: str) -> DownloadHTTPError:
    status, where = response.status, response.headers.get("Location")
    hint = f"; {_HINTS[status]}" if status in _HINTS else ""
    text = f"{name} redirects to {where[:_TOLD_CHARS]}; {_LOGIN}" if where else f"{name}: HTTP {status}{hint}"
    return DownloadHTTPError(text, status)


def _download_error(error: urllib3.exceptions.HTTPError) -> DownloadError:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, urllib3.exceptions.ProxyError):
        return NoConnectionError(
            f"no way through the proxy that the environment names: {_plain(reason.original_error)}"
        )
    if isinstance(reason, urllib3.exceptions.SSLError) and isinstance(reason.args[0], ssl.SSLCertVerificationError):
        return NoConnectionError(
            f"its certificate can't be trusted ({reason.args[0].verify_message}); is the clock right, or {_LOGIN} "
            "An authority's own CA is named with --ca"
        )
    if isinstance(reason, urllib3.exceptions.NameResolutionError | urllib3.exceptions.NewConnectionError):
        return NoConnectionError(f"no connection: {_plain(reason)}")
    if isinstance(reason, urllib3.exceptions.TimeoutError):
        return SlowRetrievalError(f"no answer in time: {_plain(reason)}")
    cause = reason.args[-1] if reason.args else None
    if isinstance(cause, urllib3.exceptions.IncompleteRead):
        return DownloadError(f"the connection was lost when {cause.expected} bytes were still to come")
    return DownloadError(f"the connection failed: {_plain(reason)}")


def _plain(error: BaseException) -> str:
    """Return the words of an error, without urllib3's objects and without most of what a server may have written."""
    cause = error.__cause__ or (error.args[-1] if error.args else None)
    if isinstance(error, urllib3.exceptions.HTTPError) and isinstance(cause, OSError | HTTPException):
        error = cause
    return str(getattr(error, "strerror", None) or error)[:_TOLD_CHARS]
