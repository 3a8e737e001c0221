"""As little of an HTTP client as can be: keep-alive connections, one request at a time each, bodies made before.

It shares two cores with the service that it measures, so it parses nothing but a status and a length.
"""

import asyncio
import re
from collections import deque
from dataclasses import dataclass
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_NO_BODY = (204, 304)
_ADDRESSES = 64
"""Loopback addresses that requests come from: limits count by address, and people do not share one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, its head unchanged, and its body."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """Return a header's first value."""
        found = re.search(rb"\r\n" + name + rb": *([^\r]*)", self.head, re.IGNORECASE)
        return found[1] if found else None


class _Connection(asyncio.Protocol):
    """One connection, at most one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None
        self.is_open = False
        self.has_answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(ConnectionError(f"the connection was closed: {exc}"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or self._waiting is None:
            return
        head = bytes(self._received[: end + 2])
        status = int(head[9:12])
        length = _LENGTH.search(head)
        needed = end + 4 + (0 if status in _NO_BODY or length is None else int(length[1]))
        if len(self._received) < needed:
            return
        body = bytes(self._received[end + 4 : needed])
        del self._received[:needed]
        if _CLOSE.search(head):
            self.close()
        waiting, self._waiting = self._waiting, None
        self.has_answered = True
        if not waiting.done():
            waiting.set_result(Answer(status, head, body))

    def ask(self, request: bytes) -> "asyncio.Future[Answer]":
        """Send a request."""
        if self._transport is None:
            raise ConnectionError("not connected")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiting

    def close(self) -> None:
        """Close it."""
        self.is_open = False
        if self._transport is not None:
            self._transport.close()


class Connections:
    """Connections to one port of this machine, opened as they are needed and kept."""

    def __init__(self, port: int) -> None:
        """Take the port."""
        self._port = port
        self._idle: deque[_Connection] = deque()
        self.opened = 0

    async def ask(self, request: bytes) -> Answer:
        """Send a request, and return its answer.

        Raises:
            OSError: there is no connection, or it was closed before an answer came.
        """
        while True:
            connection = await self._take()
            was_kept = connection.has_answered
            try:
                answer = await connection.ask(request)
            except ConnectionError:
                if was_kept:  # the server may have closed it while nobody asked; it has not read this request then
                    continue
                raise
            if connection.is_open:
                self._idle.append(connection)
            return answer

    async def _take(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        self.opened += 1
        local = (f"127.0.1.{self.opened % _ADDRESSES + 1}", 0)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._port, local_addr=local)
        return connection

    def close(self) -> None:
        """Close all."""
        while self._idle:
            self._idle.pop().close()
