"""Run S3 on this machine (ministack): buckets, settings for boto3, copies, and a front that misbehaves."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from movepass_keys.records.layout import PACKS_FOLDER
from support.ministack import REGION, Ministack


def environment(ministack: Ministack, user: tuple[str, str] = ("test", "test")) -> dict[str, str]:
    """Return the settings with which boto3 finds ministack, and nothing of this machine's."""
    return {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": ministack.url,
        "AWS_ACCESS_KEY_ID": user[0],
        "AWS_SECRET_ACCESS_KEY": user[1],
    }


def enter(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    """Set environment variables, and let no other of AWS's stand."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def new_bucket(ministack: Ministack) -> str:
    """Create a bucket and return its name."""
    name = f"movepass-{uuid4()}"
    place: Any = {"LocationConstraint": REGION}
    ministack.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
    return name


def mirror(ministack: Ministack, bucket: str, folder: Path) -> None:
    """Copy what a folder lacks and what is replaced, as a mirror does; the timestamp first, for it leads to all."""
    client = ministack.client("s3")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [listed["Key"] for page in pages for listed in page.get("Contents", [])]
    for key in sorted(keys, key=lambda key: not key.endswith("/timestamp.json")):
        path = folder / key
        if not path.exists() or path.name == "timestamp.json" or path.parent.name == PACKS_FOLDER:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())


@dataclass(frozen=True)
class Fault:
    """The front's treatment of a request.

    Attributes:
        status: answer this instead of doing it; 0 closes the connection without an answer.
        code: S3's.
        done: do it first, so that only the answer is lost.
        body: what to answer in place of S3's error.
    """

    status: int = 0
    code: str = ""
    done: bool = False
    body: bytes = b""


Rule = Callable[[str, str, int], Fault | None]
"""Given the method, the key and how often the two were requested before, returns a fault, or None."""


@dataclass
class Front:
    """A server before ministack.

    Attributes:
        asked: method and key of every request, in order.
    """

    url: str = ""
    rule: Rule | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, front: Front, upstream: str, *args: Any) -> None:
        self._front, self._upstream = front, upstream
        super().__init__(*args)

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = (self.command, self.path.partition("?")[0].split("/", 2)[-1])
        fault = self._front.rule(*asked, self._front.asked.count(asked)) if self._front.rule else None
        self._front.asked.append(asked)
        if fault is None or fault.done:
            status, headers, answer = self._forward(body)
        if fault is None:
            self._answer(status, headers, answer)
        elif fault.status:
            error = f"<Error><Code>{fault.code}</Code><Message>no</Message></Error>"
            self._answer(fault.status, {}, fault.body or error.encode())
        else:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_PUT = do_DELETE = _handle  # noqa: N815 - the base class looks for these

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection(self._upstream, timeout=10)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))  # the Host that was signed stays
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass  # a client that hangs up is nothing to report


@contextmanager
def fronting(ministack: Ministack) -> Iterator[Front]:
    """Serve a front on a free port."""
    front = Front()
    upstream = ministack.url.removeprefix("http://")
    with _Server(("127.0.0.1", 0), partial(_Handler, front, upstream)) as server:
        front.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield front
        finally:
            server.shutdown()
            thread.join()
