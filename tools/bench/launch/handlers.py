"""Measures the processor time of the site's real handlers in this process, and of the worker, for one application.

It counts every thread's time (group commit has its own), and no network: requests come as ASGI messages.
"""

import asyncio
import gzip
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from support.lines import MemoryLine
from support.sites import FORM, answers

from movepass_issuer.authority.creation import create_authority
from movepass_service.admission import Gate, LineSettings
from movepass_service.issuing.deciding import decider
from movepass_service.issuing.worker import Worker
from movepass_service.service import Service
from movepass_service.site import make_app
from movepass_service.web import WebSettings

URL = "http://localhost:8080"
_HIDDEN = re.compile(rb'<input type="hidden" name="request_id" value="([^"]+)">')
_LOADED = re.compile(rb'(?:src|href)="(/static/[^"]+)"')
_TICKET = re.compile(rb'name="place" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Visit:
    """What one applicant fetches, from the first page to the pass, without a line; bytes with heads, zipped.

    Attributes:
        kept: requests that a cache answers: pages and what they load, each once.
        asked: requests that a function answers: check, send, and two looks at the status.
        bytes_whole: of all answers.
        bytes_page: of the first page.
        bytes_status: of a status page.
        bytes_unchanged: of the answer that it is unchanged.
    """

    kept: int
    asked: int
    bytes_whole: int
    bytes_page: int
    bytes_status: int
    bytes_unchanged: int


@dataclass(slots=True)
class Costs:
    """What was measured.

    Attributes:
        ms: milliseconds of processor time for each request, application or pass, by what it is for.
        visits: what one applicant fetches.
    """

    ms: dict[str, float] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)

    def note(self, name: str, began: float, count: int) -> None:
        """Note a cost from when it began, by the process's time."""
        self.ms[name] = (time.process_time() - began) * 1000 / count


@dataclass(slots=True)
class _Got:
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    @property
    def size(self) -> int:
        """Return the bytes of the answer with its head."""
        return len(self.body) + sum(len(name) + len(value) + 4 for name, value in self.headers) + 17

    @property
    def text(self) -> bytes:
        """Return the body, unzipped."""
        return gzip.decompress(self.body) if (b"content-encoding", b"gzip") in self.headers else self.body

    def cookie(self, name: bytes) -> bytes:
        found = [v for k, v in self.headers if k == b"set-cookie" and v.startswith(name + b"=")]
        return found[0].partition(b";")[0] if found else b""


def measure(folder: Path, count: int) -> Costs:
    """Measure all costs.

    Args:
        folder: for an authority and a store; deleted by the caller.
        count: applications.
    """
    create_authority(folder / "authority", name="TEST", test=True)
    service = Service.open(folder / "data", folder / "authority")
    worker = Worker(service)
    try:
        return asyncio.run(_all(service, worker, count))
    finally:
        worker.close()
        service.close()


async def _all(service: Service, worker: Worker, count: int) -> Costs:
    costs = Costs()
    app = make_app(service, WebSettings(url=URL), gate=Gate(MemoryLine(), service.line_key, LineSettings()))
    full = LineSettings(urgent_per_s=0.1, ordinary_per_s=0.1, flood_times=1000)
    crowded = make_app(service, WebSettings(url=URL), gate=Gate(MemoryLine(), service.line_key, full))
    filled = [
        answers(holder__name=f"Person {n}", holder__id_number=str(10**9 + n), reason="groceries") for n in range(count)
    ]

    async def check(form: Mapping[str, str]) -> bytes:
        got = await _post(app, "/apply", form)
        found = _HIDDEN.search(got.body)
        assert found, got.status
        return found[1]

    ids = await _many(costs, "check page", check, filled)
    forms = [{**form, "request_id": one.decode()} for form, one in zip(filled, ids, strict=True)]
    held = await _many(costs, "place in line", lambda form: _post(crowded, "/apply/send", form), forms[1:])
    assert {got.status for got in held[1:]} == {503}
    looks = [_ticket(got) for got in held[1:]]
    await _many(costs, "look at a place", lambda token: _get(crowded, "/line", b"place=" + token), looks)
    await _many(costs, "which are called", lambda _: _get(crowded, "/line/called"), looks)
    sent = await _many(costs, "send", lambda form: _post(app, "/apply/send", form, b"form=" + b"ab" * 16), forms)
    assert {got.status for got in sent} == {303}, {got.status for got in sent}
    _work(costs, service, worker, count)
    pairs = [got.cookie(b"receipt").partition(b"=")[2].partition(b".")[::2] for got in sent]
    status = await _many(costs, "status", lambda one: _status(app, *one), pairs)
    assert {got.status for got in status} == {200}
    tags = [(*one, dict(got.headers)[b"etag"]) for one, got in zip(pairs, status, strict=True)]
    again = await _many(costs, "status, unchanged", lambda one: _status(app, *one), tags)
    assert {got.status for got in again} == {304}
    costs.visits.append(await _visit(app, [sent[0], status[0], status[0]], filled[0], again[0]))
    return costs


async def _visit(app: Any, answered: list[_Got], form: Mapping[str, str], unchanged: _Got) -> Visit:
    """Fetch what an applicant fetches before the form is sent; `answered` is what comes from then on."""
    pages = [await _get(app, path, zipped=True) for path in ("/", "/apply")]
    assets = dict.fromkeys(asset for page in pages for asset in _LOADED.findall(page.text))
    kept = [*pages, *[await _get(app, asset.decode(), zipped=True) for asset in assets]]
    assert {got.status for got in kept} == {200}
    assert all(b"public" in dict(got.headers)[b"cache-control"] for got in kept)
    asked = [await _post(app, "/apply", form), *answered]
    status = answered[-1]
    return Visit(
        len(kept), len(asked), sum(got.size for got in (*kept, *asked)), pages[0].size, status.size, unchanged.size
    )


def _work(costs: Costs, service: Service, worker: Worker, count: int) -> None:
    now = int(time.time())
    began = time.process_time()
    decide = decider(service.rules, now, lambda *_: None)
    decided = 0
    while done := service.store.decide_next(200, decide, now):
        decided += done
    assert decided == count
    costs.note("decide", began, count)
    began = time.process_time()
    while worker.round():
        pass
    costs.note("seal, issue", began, count)
    assert service.statistics_public()["issued"] == count, service.statistics_public()


async def _many(costs: Costs, name: str, ask: Callable[[Any], Any], each: list[Any]) -> list[Any]:
    """Ask for each, fifty at a time as on a busy day, and note the cost."""
    began, found = time.process_time(), []
    for start in range(0, len(each), 50):
        found += await asyncio.gather(*(ask(one) for one in each[start : start + 50]))
    costs.note(name, began, len(each))
    return found


def _ticket(got: _Got) -> bytes:
    found = _TICKET.search(got.body)
    assert found
    return found[1]


async def _status(app: Any, reference: bytes, secret: bytes, tag: bytes = b"") -> _Got:
    return await _get(app, f"/status/{reference.decode()}", b"key=" + secret, tag)


async def _post(app: Any, path: str, form: Mapping[str, str], cookie: bytes = b"") -> _Got:
    body = urlencode(form).encode()
    headers = [(b"content-type", FORM.encode()), (b"content-length", str(len(body)).encode())]
    return await _ask(app, "POST", path, body, [*headers, (b"cookie", cookie)])


async def _get(app: Any, path: str, cookie: bytes = b"", tag: bytes = b"", *, zipped: bool = False) -> _Got:
    accepted = (b"accept-encoding", b"gzip" if zipped else b"")
    return await _ask(app, "GET", path, b"", [(b"cookie", cookie), (b"if-none-match", tag), accepted])


async def _ask(app: Any, method: str, path: str, body: bytes, headers: list[tuple[bytes, bytes]]) -> _Got:
    got = _Got()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            got.status, got.headers = message["status"], list(message["headers"])
        else:
            got.body += message.get("body", b"")

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
        "server": ("localhost", 8080), "headers": [(b"host", b"localhost:8080"), *[h for h in headers if h[1]]],
    }  # fmt: skip
    await app(scope, receive, send)
    return got
