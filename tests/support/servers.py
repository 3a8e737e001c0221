"""Run web servers to sync from: Python's own without Range, and one with Range that can misbehave."""

import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_HOLD_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """An answer instead of the file.

    Attributes:
        cut: break the connection off after this many bytes of the body.
        hold: keep the connection open until then before it is broken off.
    """

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    hold: threading.Event | None = None


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as the server saw them."""

    path: str
    range: str | None
    status: int
    sent: int


Rule = Callable[[str, str | None], Answer | None]
"""Given the path (without its leading slash) and the Range header, returns an answer, or None for the usual one."""


@dataclass
class RangeServer:
    """A folder served with Range requests; `rule` may answer first, and `exchanges` has everything that happened."""

    root: Path
    url: str = ""
    rule: Rule | None = None
    exchanges: list[Exchange] = field(default_factory=list)

    def answer(self, path: str, wanted: str | None) -> Answer:
        special = self.rule(path, wanted) if self.rule else None
        return special or self.honest(path, wanted)

    def honest(self, path: str, wanted: str | None) -> Answer:
        """Return the file, or the requested part of it."""
        file = self.root / path
        if not file.is_file():
            return Answer(404, b"not here\n")
        data = file.read_bytes()
        match = re.fullmatch(r"bytes=([0-9]+)-", wanted or "")
        if match is None:
            return Answer(200, data)
        start = int(match[1])
        if start >= len(data):
            return Answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        return Answer(206, data[start:], {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"})

    def paths(self) -> list[str]:
        return [exchange.path for exchange in self.exchanges]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else an answer's body waits 40 ms for its head to be acknowledged

    def __init__(self, served: RangeServer, *args: object) -> None:
        self._served = served
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path, wanted = self.path.lstrip("/").partition("?")[0], self.headers.get("Range")
        answer = self._served.answer(path, wanted)
        body = answer.body if answer.cut is None else answer.body[: answer.cut]
        self._served.exchanges.append(Exchange(path, wanted, answer.status, len(body)))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(body)
        if answer.hold:
            answer.hold.wait(_HOLD_SECONDS)
        self.close_connection = answer.cut is not None

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        pass  # a client that hangs up is nothing to report


class _Plain(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(root: Path, tls: ssl.SSLContext | None = None) -> Iterator[RangeServer]:
    """Serve a folder with Range requests, over TLS where a context is given."""
    served = RangeServer(root)
    server = _Server(("127.0.0.1", 0), partial(_Handler, served))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    served.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    with _running(server):
        yield served


@contextmanager
def plainly_serving(root: Path) -> Iterator[str]:
    """Serve a folder with Python's own http.server, and yield the address."""
    server = _Server(("127.0.0.1", 0), partial(_Plain, directory=str(root)))
    with _running(server):
        yield f"http://127.0.0.1:{server.server_port}"


@contextmanager
def _running(server: HTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Drips:
    """A server whose answers drip.

    Attributes:
        url: where it is.
        waited_for: its answers that somebody has waited for to their end.
    """

    url: str
    waited_for: list[str] = field(default_factory=list)


@contextmanager
def drips(seconds: float) -> Iterator[Drips]:
    """Run a server that sends a byte every 0.1 s for so long, so that no wait for it is silent."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = int(10 * seconds)
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.send_header("Last-Modified", self.date_time_string())
            self.send_header("ETag", '"a"')
            self.end_headers()
            with suppress(OSError):
                for _ in range(size):
                    self.wfile.write(b" ")
                    if over.wait(0.1):
                        return
                found.waited_for.append(self.path)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found = Drips(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        over.set()
        server.shutdown()
