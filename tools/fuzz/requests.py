"""Requests as fuzzed inputs, and the service that gets them in this process.

An input is a request as it is written on a line: `POST /apply`, headers, an empty line, a body. What a browser always
sends stands there already and may be replaced. `{REF}`, `{KEY}`, `{TOKEN}` and `{FORM}` stand for an application's
reference, its secret, its forms' token and a form's id, `{SESSION}` and others for what a proved number has, so that an
input means the same to another service.
"""

import asyncio
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_from_bytes, unquote

HOST = b"localhost"
FORM = b"application/x-www-form-urlencoded"
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_VALUE_DROPS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""What httptools lets through in no header."""
_SAFE = bytes(range(0x21, 0x7F))
_METHOD = re.compile(r"[A-Z]{1,16}")
_ANSWERS_WITHIN_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a server hands it to an application."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: bytes) -> bytes:
        """Return a header's value, b"" without it."""
        return next((value for key, value in self.headers if key.lower() == name), b"")


def fill(data: bytes, values: Mapping[bytes, bytes]) -> bytes:
    """Put the values of an application into an input."""
    for name, value in values.items():
        data = data.replace(name, value)
    return data


def read(data: bytes) -> Request:
    """Read an input as a lenient server would."""
    head, _, body = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, _, rest = first.partition(b" ")
    target = rest.partition(b" ")[0] or b"/"
    name = method.decode("latin-1")
    headers = {b"host": HOST, b"content-type": FORM, b"content-length": str(len(body)).encode()}
    more = []
    for line in lines[:60]:
        key, is_pair, value = line.partition(b":")
        if not is_pair or not _NAME.fullmatch(key):
            continue
        clean = _VALUE_DROPS.sub(b"", value).strip(b" \t")
        if key.lower() in headers and headers[key.lower()] != b"":
            headers[key.lower()] = clean
        else:
            more.append((key.lower(), clean))
    safe = quote_from_bytes(target, safe=_SAFE).encode()
    return Request(name if _METHOD.fullmatch(name) else "GET", safe, (*headers.items(), *more), body)


async def ask(app: Any, request: Request) -> Answer | None:
    """Let an application answer; None where it says nothing.

    Raises:
        TimeoutError: it takes too long.
    """
    path, _, query = request.target.partition(b"?")
    scope: MutableMapping[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": request.method,
        "path": unquote(path.partition(b"#")[0].decode("ascii")), "raw_path": path, "query_string": query,
        "headers": list(request.headers), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "root_path": "",
    }  # fmt: skip
    pieces = [request.body[:1000], request.body[1000:]] if len(request.body) > 1000 else [request.body]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        if not pieces:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async with asyncio.timeout(_ANSWERS_WITHIN_SECONDS):
        await app(scope, receive, send)
    starts = [message for message in sent if message["type"] == "http.response.start"]
    if not starts:
        return None
    if len(starts) > 1 or sent[0] is not starts[0]:
        raise AssertionError("an answer begins twice, or with its body")
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(starts[0]["status"], tuple(starts[0]["headers"]), body)
