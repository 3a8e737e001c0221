"""Applications to test with, and a service of one's own."""

import asyncio
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from movepass_service.applications.application import Application
from movepass_service.applications.references import hash_secret
from movepass_service.decisions.records import Decision
from movepass_service.issuing.worker import Worker
from movepass_service.rules import RuleSet
from movepass_service.service import Receipt, Service
from movepass_service.stores.store import Draft
from movepass_wire.times import iso

T = TypeVar("T")
HOUR = 3600
NAME, ID_NUMBER = "Shirin Sultana Moushumi", "7312904856"

ALL_APPROVED = """
version = "approve-all"
owner = "Tests"
from = 2020-01-01
[texts.yes]
bn = "অনুমোদিত।"
en = "Approved."
[[row]]
id = "everything"
action = "approve"
code = "yes"
"""


def form(now: int, **changes: Any) -> dict[str, Any]:
    """Write a form's fields for a trip that begins in an hour; None takes a field out."""
    fields = {
        "holder.name": NAME,
        "holder.id_type": "nid",
        "holder.id_number": ID_NUMBER,
        "from.district": "dhaka",
        "to.district": "gazipur",
        "reason": "groceries",
        "not_before": iso(now + HOUR),
        "hours": "3",
    } | {name.replace("__", "."): value for name, value in changes.items()}
    return {name: value for name, value in fields.items() if value is not None}


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one task of an event loop of its own."""
    return asyncio.run(work)


def submit(service: Service, now: int, client_id: str = "client-1", **changes: Any) -> Receipt:
    """Send one application."""
    applications = service.read(form(now, **changes), now=now)
    return run(service.submit(client_id, applications, now=now))[0]


def use_rules(service: Service, text: str, now: int) -> None:
    """Put rules into force."""
    service.store.add_rules(RuleSet.from_toml(text).version, text, now)


def work(service: Service, now: int) -> None:
    """Let a worker do all that is to be done at a time."""
    worker = Worker(service, clock=lambda: now)
    try:
        while worker.round():
            pass
    finally:
        worker.close()


def draft(
    application: Application, client: bytes = b"client", part: int = 0, reference: str = "0000-0000-0000"
) -> Draft:
    """Make a draft of which the reference is given."""
    digest = application.digest(b"key")
    return Draft(client, part, digest, (reference,), hash_secret("secret"), application)


def decision(action: str, **changes: Any) -> Decision:
    """Make a decision of the rules."""
    values: Mapping[str, Any] = {"actor": "rules", "code": "code", "texts": {"bn": "কারণ", "en": "Reason"}}
    return Decision(action, **{**values, **changes})


def bytes_of(folder: Path) -> bytes:
    """Return all that is in a folder's files."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
