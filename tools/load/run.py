"""The parts of the measurement, one after the other, each with a service in a folder of its own."""

import asyncio
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from load import processes, views
from load.audit import Audit, audit
from load.connections import Connections
from load.people import Crowd, Seen

MINUTES = 5.0
RATE = 250.0
"""Applications a second: the 15,000 a minute that the police spoke of in April 2021."""
VIEWS_RATE = 1000.0
TOGETHER = 32
"""People at a time where the most that it takes is looked for."""
_DRAIN_SECONDS = 120.0
_WARM_PEOPLE, _WARM_RATE = 20, 20.0
_MOST_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Times:
    """Some waiting times, in milliseconds."""

    count: int
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Times":
        """Sum times up."""
        if not seconds:
            return cls(0, 0.0, 0.0, 0.0)
        rising = sorted(seconds)
        p50, p99 = (rising[min(len(rising) - 1, int(len(rising) * part))] * 1000 for part in (0.5, 0.99))
        return cls(len(rising), p50, p99, rising[-1] * 1000)


@dataclass(frozen=True, slots=True)
class AtRate:
    """People came on schedule.

    Attributes:
        came: how many.
        seconds: for how long they came.
        check, send: the waits of the form's two POSTs; `look`: of the pages after them.
        ready_s: from pressing the button to the page that shows the pass, the 99th percentile.
        drained_s: until nothing waited any more after the last person had come.
        put_off: answers that said to come again.
        broken: connections that ended without an answer.
        wrong: answers that should not have come, in words.
        audit: what is kept.
        service_cores, generator_cores: processor time per second; service_ms: of the service for one application.
        service_mb: the most memory that the service took.
        first_page_bytes: of the first page and the files that it names, in the language that takes more.
        views: how long static pages took from nginx beside it; None where nobody asked for any.
        views_failed: how many of them did not come.
    """

    came: int
    seconds: float
    check: Times
    send: Times
    look: Times
    ready_s: float
    drained_s: float
    put_off: int
    broken: int
    wrong: tuple[str, ...]
    audit: Audit
    service_cores: float
    generator_cores: float
    service_ms: float
    service_mb: float
    first_page_bytes: int
    views: Times | None = None
    views_failed: int = 0


@dataclass(frozen=True, slots=True)
class Most:
    """As many people as it takes, each sending one application after the other.

    Attributes:
        accepted: applications with a receipt.
        seconds: until the last of them had all that it is given: its pass, or on the floor its receipt.
        send: how long receipts took.
        service_ms: processor time of the service for one application.
    """

    accepted: int
    seconds: float
    service_ms: float
    send: Times

    @property
    def per_s(self) -> float:
        """Return applications a second."""
        return self.accepted / self.seconds


@dataclass(frozen=True, slots=True)
class Results:
    """The measurements; None where one was left out."""

    rate: float
    at_rate: AtRate
    with_views: AtRate | None
    whole: Most | None
    floor: Most | None

    @property
    def ratio(self) -> float | None:
        """Return what the whole service takes of what its floor takes."""
        return self.whole.per_s / self.floor.per_s if self.whole and self.floor else None

    def to_json(self) -> dict[str, Any]:
        """Write all of it."""
        return asdict(self) | {"ratio": self.ratio}


async def measure(folder: Path, *, minutes: float, rate: float, with_floor: bool, with_pages: bool) -> Results:
    """Measure all parts.

    Args:
        folder: on a real disk; what was left there goes.
        minutes: for which people come.
        rate: applications a second.
        with_floor: whether to look for the most that it takes, and that its floor takes.
        with_pages: whether nginx serves static pages beside it for a fifth of the time.
    """
    seconds = minutes * 60
    with processes.running(_new(folder / "at-rate")) as process:
        at_rate = await _at_rate(process, rate, seconds)
    with_views = whole = floor = None
    if with_pages and views.find_nginx():
        with processes.running(_new(folder / "with-views")) as process, views.nginx(process, folder / "nginx") as port:
            with_views = await _at_rate(process, rate, seconds / 5, views_port=port)
    if with_floor:
        most = min(_MOST_SECONDS, seconds)
        with processes.running(_new(folder / "whole")) as process:
            whole = await _most(process, most)
        with processes.running(_new(folder / "floor"), is_floor=True) as process:
            floor = await _most(process, most, is_floor=True)
    return Results(rate, at_rate, with_views, whole, floor)


def _new(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


async def _at_rate(process: processes.Process, rate: float, seconds: float, views_port: int = 0) -> AtRate:
    crowd = Crowd(process.port, process.origin)
    warm = await crowd.arrive(_WARM_RATE, _WARM_PEOPLE / _WARM_RATE)
    before, crowd.seen = crowd.seen, Seen()
    used, own, begun = process.cpu_seconds(), time.process_time(), time.monotonic()
    viewers = await views.start(views_port, process.origin, VIEWS_RATE, seconds) if views_port else None
    came = await crowd.arrive(rate, seconds, first=warm)
    took = time.monotonic() - begun
    cores = (process.cpu_seconds() - used) / took, (time.process_time() - own) / took
    drained = await _drain(process)
    seen = crowd.seen
    crowd.close()
    viewed, failed = await views.finish(viewers) if viewers else ([], 0)
    return AtRate(
        came=came, seconds=seconds, check=Times.of(seen.check), send=Times.of(seen.send), look=Times.of(seen.look),
        ready_s=Times.of(seen.ready).p99 / 1000, drained_s=drained, put_off=seen.put_off, broken=seen.broken,
        wrong=tuple(seen.wrong[:10]),
        audit=audit(process.data, process.authority / "ledger.sqlite", [*before.people, *seen.people]),
        service_cores=cores[0], generator_cores=cores[1],
        service_ms=cores[0] * took * 1000 / came, service_mb=process.memory_mb(),
        first_page_bytes=await views.first_page_bytes(process.port, process.origin),
        views=Times.of(viewed) if viewers else None, views_failed=failed,
    )  # fmt: skip


async def _most(process: processes.Process, seconds: float, *, is_floor: bool = False) -> Most:
    crowd = Crowd(process.port, process.origin)
    await crowd.crowd(1, 1.0, 0)
    warm = len(crowd.seen.send)
    used, begun = process.cpu_seconds(), time.monotonic()
    await crowd.crowd(TOGETHER, seconds, 10**6)
    took = time.monotonic() - begun
    took += 0.0 if is_floor else await _drain(process)
    crowd.close()
    accepted = len(crowd.seen.send) - warm
    service_ms = (process.cpu_seconds() - used) * 1000 / accepted
    return Most(accepted, took, service_ms, Times.of(crowd.seen.send[warm:]))


async def _drain(process: processes.Process) -> float:
    """Wait until nothing waits to be decided or issued; returns for how long."""
    connections, begun = Connections(process.port), time.monotonic()
    ask = f"GET /healthz HTTP/1.1\r\nHost: {process.origin.partition('//')[2]}\r\n\r\n".encode()
    while time.monotonic() - begun < _DRAIN_SECONDS:
        answer = await connections.ask(ask)
        if json.loads(answer.body)["queue"] == 0:
            break
        await asyncio.sleep(0.05)
    connections.close()
    return time.monotonic() - begun
