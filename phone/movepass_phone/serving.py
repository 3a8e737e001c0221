"""A web server for the phone's app and a repository, on this machine: for a laptop with a camera, and for trying out.

    /               the app's files, as `make phone` builds them
    /repository/    what devices sync from

It answers GET and HEAD, and a Range from an offset on, as syncing asks for it. Browsers give camera and WebCrypto to
https and to localhost only, so it listens on localhost; an agency's own server and certificate serve phones.
"""

import re
import sys
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

HOST = "127.0.0.1"
REPOSITORY = "repository"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'",  # what a page can't say of itself; the rest stands in it
}
_FROM_OFFSET = re.compile(r"bytes=([0-9]{1,15})-")
_HASHED = re.compile(r"[^/]+\.[0-9a-f]{12}\.[a-z]+|targets/.*|metadata/[0-9]+\.[a-z]+\.json")
"""Files whose name changes with their content: they may be kept for ever."""
_PIECE_BYTES = 1 << 16


class ServeError(Exception):
    """The app or the repository is not there, or the port is taken; the message says what to do."""


class PhoneServer(ThreadingHTTPServer):
    """The server. Run serve_forever; close it, or use it as a context manager.

    Attributes:
        url: the app's address.
        source: the repository's address, as phones are set up with it.
    """

    daemon_threads = True

    def __init__(self, app: Path, repository: Path, port: int = 0) -> None:
        """Take the folders of the app and of the repository, and the port (0: any that is free).

        Raises:
            ServeError: see there.
        """
        if not (app / "index.html").is_file():
            raise ServeError(f"{app} is not the phone's app: build it with `make phone`, or name its folder with --app")
        if not (repository / "metadata").is_dir():
            raise ServeError(f"{repository} is not a repository: expected a folder with metadata in it")
        self.roots = {"": app.resolve(), REPOSITORY: repository.resolve()}
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as e:
            raise ServeError(f"can't listen on port {port}: {e.strerror}; name another with --port") from None
        self.url = f"http://localhost:{self.server_port}/"
        self.source = f"{self.url}{REPOSITORY}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that left before it had all of an answer; all else is a fault, and told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def find(self, path: str) -> Path | None:
        """Give the file that a request's path names; None where there is none, or it lies elsewhere."""
        try:
            parts = PurePosixPath(unquote(urlsplit(path).path)).parts[1:]
            in_repository = parts[:1] == (REPOSITORY,)
            root = self.roots[REPOSITORY if in_repository else ""]
            file = root.joinpath(*(parts[1:] if in_repository else parts or ("index.html",)))
            file = file.resolve(strict=True)
            return file if file.is_relative_to(root) and file.is_file() else None
        except (OSError, ValueError):  # ValueError: a NUL in a name, or brackets of no address
            return None


class _Handler(BaseHTTPRequestHandler):
    server: PhoneServer
    protocol_version = "HTTP/1.1"
    server_version = "movepass"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        """Answer with a file."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer with a file's headers."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: who asks when is nobody's business."""

    def _answer(self, *, with_body: bool) -> None:
        file = self.server.find(self.path)
        if file is None:
            self._plain(HTTPStatus.NOT_FOUND)
            return
        with file.open("rb") as content:
            size = file.stat().st_size
            asked = _FROM_OFFSET.fullmatch(self.headers.get("Range", ""))
            start = int(asked[1]) if asked else 0
            if asked and start >= size:
                self._plain(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, {"Content-Range": f"bytes */{size}"})
                return
            self._head(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK, size - start, _TYPES.get(file.suffix))
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            kept = "max-age=31536000, immutable" if _HASHED.fullmatch(self._name()) else "no-cache"
            self.send_header("Cache-Control", kept)
            self.send_header("Last-Modified", formatdate(file.stat().st_mtime, usegmt=True))
            self.end_headers()
            content.seek(start)
            while with_body and (piece := content.read(_PIECE_BYTES)):
                self.wfile.write(piece)

    def _name(self) -> str:
        return urlsplit(self.path).path.removeprefix(f"/{REPOSITORY}").lstrip("/")

    def _plain(self, status: HTTPStatus, headers: dict[str, str] | None = None) -> None:
        self._head(status, 0, "text/plain; charset=utf-8")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def _head(self, status: HTTPStatus, length: int, kind: str | None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind or "application/octet-stream")
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        for name, value in _HEADERS.items():
            self.send_header(name, value)
