"""A disk that fills up while people apply: they are told, nothing is half written, and room makes all go on."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.applications import APPROVE_ALL, form, run, use_rules
from support.mounts import may_mount, small_disk
from support.world import World

from movepass_service.applications.states import State
from movepass_service.errors import StorageFull
from movepass_service.issuing.worker import Worker
from movepass_service.service import Receipt, Service
from movepass_wire.times import iso

KILOBYTES, BALLAST = 3_000, 1_500_000


@pytest.mark.skipif(not may_mount(), reason="mounting a small disk needs root")
def test_a_disk_that_fills_up_loses_nothing(world: World, tmp_path: Path) -> None:
    now = world.now
    with small_disk(tmp_path / "disk", KILOBYTES) as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(BALLAST))
        with Service.open(disk / "service", world.authority.folder) as service:
            use_rules(service, APPROVE_ALL, now)
            worker = Worker(service)
            worker.start()
            try:
                receipts, refused = run(apply_until_full(service, now))
                assert refused, "it was never full"
                assert {type(error) for error in refused} == {StorageFull}
                ballast.unlink()
                wait_until_issued(service)
                (again,) = run(service.submit("afterwards", service.read(form(now), now=now), now=now))
                assert again.is_new
            finally:
                worker.stop()
            told = [service.status(r.reference, r.secret, now=now) for r in receipts]
            assert {one.state for one in told} == {State.ISSUED}
            counted = service.statistics_public()
        assert sum(counted.values()) == len(receipts) + 1, "what was refused is not there"
        with closing(sqlite3.connect(disk / "service" / "service.sqlite")) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with closing(sqlite3.connect(world.authority.ledger_path)) as db:
        assert db.execute("SELECT count(*) FROM passes").fetchone()[0] in (len(receipts), len(receipts) + 1)


async def apply_until_full(service: Service, now: int) -> tuple[list[Receipt], list[Any]]:
    """Send tens at once until some are refused; returns the receipts, and what the others were told."""
    receipts: list[Receipt] = []
    for start in range(0, 100_000, 50):
        forms = [form(now, holder__id_number=str(10**9 + n), not_before=iso(now)) for n in range(start, start + 50)]
        sent = [
            service.submit(f"client {start} {n}", service.read(fields, now=now), now=now)
            for n, fields in enumerate(forms)
        ]
        answers = await asyncio.gather(*sent, return_exceptions=True)
        receipts += [answer[0] for answer in answers if not isinstance(answer, BaseException)]
        if refused := [answer for answer in answers if isinstance(answer, BaseException)]:
            return receipts, refused
    return receipts, []


def wait_until_issued(service: Service) -> None:
    give_up = time.monotonic() + 60
    while {State.RECEIVED, State.APPROVED} & service.store.counts_by_state().keys():
        assert time.monotonic() < give_up, service.health()
        time.sleep(0.05)
