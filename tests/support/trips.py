"""Keep applications in an embedded store, decided by the rules that come with the software."""

import asyncio
import hashlib
from typing import Any

from movepass_service.applications.application import Application, read_application
from movepass_service.issuing.deciding import decider
from movepass_service.rules import default_rules
from movepass_service.stores.sqlite.store import SqliteStore
from movepass_service.stores.store import Draft
from movepass_wire.times import iso

HOUR = 3600
NOW = 1_618_358_400
"""06:00 in Dhaka on 2021-04-14."""


def trip(person: str | None, start: int, reason: str = "groceries", seconds: int = HOUR) -> Application:
    """Make an application; without a person it has only the last characters of an ID."""
    identity: dict[str, Any] = {"id_number": person} if person else {"id_last": "1234"}
    fields = {
        "holder": {"name": "Rahima Khatun", "id_type": "nid", **identity},
        "from": {"district": "dhaka"},
        "to": {"district": "gazipur"},
        "reason": reason,
        "not_before": iso(start),
        "not_after": iso(start + seconds),
    }
    return read_application(fields, now=NOW, hash_id=_hash)


def submit(store: SqliteStore, reference: str, application: Application, now: int) -> None:
    """Keep an application under a reference."""
    name = reference.encode()
    asyncio.run(store.submit([Draft(name, 0, name, (reference,), b"s", application)], now))


def decide(store: SqliteStore, now: int) -> int:
    """Let the rules decide everything that is received."""
    return store.decide_next(10_000, decider(lambda _: default_rules(), now), now)


def _hash(week: int, number: bytes) -> bytes:
    return hashlib.sha256(b"%d" % week + number).digest()[:16]
