"""Run a small HTTP proxy like those in offices: forwards http, tunnels https (CONNECT), may ask for a password."""

import select
import socket
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_PATIENCE_SECONDS = 10


@dataclass
class Proxy:
    """A running proxy.

    Attributes:
        asked: what it was asked for, as "GET http://…" or "CONNECT host:port".
        password: "NAME:PASSWORD" that it wants to hear, if any.
        drip: whether it never comes to the end of its answer to CONNECT.
    """

    url: str = ""
    asked: list[str] = field(default_factory=list)
    password: str | None = None
    drip: bool = False
    stopped: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, proxy: Proxy, *args: object) -> None:
        self._proxy = proxy
        super().__init__(*args)  # type: ignore[arg-type]

    def do_CONNECT(self) -> None:
        if not self._may():
            return
        host, _, port = self.path.rpartition(":")
        if self._proxy.drip:
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not self._proxy.stopped.wait(0.1):
                    self.wfile.write(b".")
            return
        with socket.create_connection((host, int(port)), _PATIENCE_SECONDS) as there:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            _carry(self.connection, there)

    def do_GET(self) -> None:
        if not self._may():
            return
        parts = urlsplit(self.path)
        headers = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
        there = HTTPConnection(parts.netloc, timeout=_PATIENCE_SECONDS)
        there.request("GET", parts.path, headers=headers)
        answer = there.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        there.close()

    def _may(self) -> bool:
        self._proxy.asked.append(f"{self.command} {self.path}")
        given = self.headers.get("Proxy-Authorization", "").removeprefix("Basic ")
        if self._proxy.password in {None, b64decode(given).decode()}:
            return True
        self.send_error(407)
        return False

    def log_message(self, *_: object) -> None:
        pass


def _carry(here: socket.socket, there: socket.socket) -> None:
    """Carry bytes both ways until one side has no more."""
    while True:
        for ready in select.select([here, there], [], [], _PATIENCE_SECONDS)[0]:
            with suppress(OSError):
                data = ready.recv(65536)
                if data:
                    (there if ready is here else here).sendall(data)
                    continue
            return


@contextmanager
def proxying(**settings: object) -> Iterator[Proxy]:
    """Run a proxy on a port of this machine."""
    proxy = Proxy(**settings)  # type: ignore[arg-type]
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, proxy))
    server.daemon_threads = True
    server.block_on_close = False
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.stopped.set()
        server.shutdown()
        server.server_close()
