"""Count on the wire: a proxy before ministack that counts calls to AWS and the units of DynamoDB.

It adds ReturnConsumedCapacity to each write, so DynamoDB itself says what the write costs: a unit for each KB of each
item, twice that in a transaction, and the units of each index that changes. Ministack says nothing true of reads, so
they are counted by what is asked for and answered: a unit for each key, and for each 4 KB of a query, half where the
read need not be consistent.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.ministack import Ministack

_TABLES = "DynamoDB_20120810."
_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
_READS = {"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"}
_HOP = {"connection", "transfer-encoding", "content-length"}
_SECONDS = 60
_READ_BYTES = 4096


@dataclass
class Tally:
    """What has passed a proxy since it was last cleared.

    Attributes:
        url: the address that AWS_ENDPOINT_URL names.
        calls: how often each operation was asked for, as "PutItem" or "SendMessageBatch"; in S3 as "GET".
        write_units: of DynamoDB.
        read_units: of DynamoDB.
    """

    url: str = ""
    calls: Counter[str] = field(default_factory=Counter)
    write_units: float = 0.0
    read_units: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, operation: str, units: float) -> None:
        """Count a call."""
        with self._lock:
            self.calls[operation] += 1
            if operation in _READS:
                self.read_units += units
            else:
                self.write_units += units

    def clear(self) -> None:
        """Start from nothing."""
        with self._lock:
            self.calls.clear()
            self.write_units = self.read_units = 0.0


@contextmanager
def counting(ministack: Ministack) -> Iterator[Tally]:
    """Serve a proxy on a free port. Ministack must run without AUTH: a body that was changed is no longer as signed."""
    tally = Tally()
    handler = partial(_Handler, tally, ministack.url.removeprefix("http://"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        tally.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield tally
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, tally: Tally, upstream: str, *args: Any) -> None:
        self._tally, self._upstream = tally, upstream
        super().__init__(*args)

    def _carry(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.headers.get("X-Amz-Target", "")
        operation = target.rpartition(".")[2] or self.command
        of_tables = target.startswith(_TABLES)
        writes = of_tables and operation in _WRITES
        if writes:
            body = json.dumps(json.loads(body) | {"ReturnConsumedCapacity": "TOTAL"}).encode()
        status, headers, answer = self._ask(body)
        reads = of_tables and operation in _READS
        self._tally.add(operation, _units(answer) if writes else _read_units(body, answer) if reads else 0.0)
        self.send_response_only(status)  # the rest of the head is the answer's own
        for name, value in headers:
            if name.lower() not in _HOP | ({"x-amz-crc32"} if writes else set()):
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _carry  # noqa: N815 - http.server's names

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = HTTPConnection(self._upstream, timeout=_SECONDS)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def log_message(self, *_: object) -> None:
        pass


def _units(answer: bytes) -> float:
    """Read the units of a write from its answer; a refused write says nothing of them, but is charged at least one."""
    told = json.loads(answer).get("ConsumedCapacity", {"CapacityUnits": 1.0})
    return float(sum(table["CapacityUnits"] for table in (told if isinstance(told, list) else [told])))


def _read_units(body: bytes, answer: bytes) -> float:
    """Count the units of a read: of items by the keys that are asked for, of a query by its answer's size."""
    asked, told = json.loads(body), json.loads(answer)
    if "RequestItems" in asked:
        return sum(len(of["Keys"]) * _factor(of) for of in asked["RequestItems"].values())
    size = len(json.dumps(told.get("Items", told.get("Item", {}))))
    return float(max(1, -(-size // _READ_BYTES)) * _factor(asked))


def _factor(asked: dict[str, Any]) -> float:
    return 1.0 if asked.get("ConsistentRead") else 0.5
