"""Serve a dict of path -> bytes over HTTP, and misbehave for chosen paths."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GIVE_UP_SECONDS = 60.0
"""No answer takes longer, so that a device that would wait for ever fails a test instead of hanging it."""
_PIECE = 16384


@dataclass(frozen=True)
class Answer:
    """An answer instead of a file.

    Attributes:
        raw: if given, all of the answer as it goes over the wire, its status line included.
        pause: seconds between two pieces.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Iterable[bytes] = ()
    raw: Iterable[bytes] | None = None
    pause: float = 0.0


Rule = Callable[[str, str | None], Answer | None]
"""Given a path and the Range header, returns an answer, or None for the honest answer."""


@dataclass
class HostileServer:
    """The server: it reads `files` at each request, `rule` may answer first, and `asked` has every requested path."""

    files: Callable[[], Mapping[str, bytes]]
    rule: Rule | None = None
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, wanted: str | None) -> Answer:
        """Choose the answer to a request."""
        self.asked.append(path)
        special = self.rule(path, wanted) if self.rule else None
        if special:
            return special
        content = self.files().get(path)
        if content is None:
            return Answer(404, body=[b"not here\n"])
        if not wanted:
            return Answer(200, {"Content-Length": str(len(content))}, [content])
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return Answer(206, {"Content-Range": span, "Content-Length": str(len(content) - start)}, [content[start:]])


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        answer = self.server.hostile.answer(self.path.lstrip("/"), self.headers.get("Range"))
        pieces = answer.raw
        if pieces is None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            pieces = answer.body
        end = time.monotonic() + GIVE_UP_SECONDS
        try:
            for piece in pieces:
                self.wfile.write(piece)
                if time.monotonic() > end or self.server.stopped.wait(answer.pause):
                    break
        except OSError:
            pass  # the device has closed the connection
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, hostile: HostileServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hostile = hostile
        self.stopped = threading.Event()


@contextmanager
def serving(files: Callable[[], Mapping[str, bytes]]) -> Iterator[HostileServer]:
    """Serve files on a port of this machine."""
    hostile = HostileServer(files)
    server = _Server(hostile)
    hostile.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hostile
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Repeated:
    """Yield a start, and then the same piece for ever."""

    piece: bytes
    after: bytes = b""

    def __iter__(self) -> Iterator[bytes]:
        yield self.after
        while True:
            yield self.piece


ENDLESS = Repeated(b"[" * _PIECE)


def silence(*, after: bytes = b"") -> Answer:
    """Yield a start, and then nothing for as long as it takes."""
    return Answer(raw=[after, b""], pause=GIVE_UP_SECONDS)
