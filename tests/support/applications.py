"""Make applications for tests, and a service for them."""

import asyncio
import re
from collections.abc import Coroutine, Iterable, Mapping
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
OFFICER = "Nasrin Akter"

RULES = """
version = "{version}"
owner = "Tests"
from = 2020-01-01
{rows}
[texts.yes]
bn = "অনুমোদিত।"
en = "Approved."
[texts.no]
bn = "প্রত্যাখ্যাত।"
en = "Rejected."
[texts.officer]
bn = "একজন কর্মকর্তা দেখবেন।"
en = "An officer will look at it."
"""
_ROW = """
[[row]]
id = "{id}"
when = {{ {when} }}
decision = "{decision}"
code = "{code}"
"""
_CODES = {"approve": "yes", "reject": "no", "refer": "officer"}


def rules(version: str, *rows: tuple[str, str]) -> str:
    """Write a table of rules from (condition, decision) pairs."""
    written = [
        _ROW.format(id=f"row-{n}", when=when, decision=decision, code=_CODES[decision])
        for n, (when, decision) in enumerate(rows)
    ]
    return RULES.format(version=version, rows="".join(written))


APPROVE_ALL = rules("approve-all", ("", "approve"))
THREE_A_DAY = rules("three-a-day", ("passes_today = { at_least = 3 }", "reject"), ("", "approve"))


def form(now: int, **changes: Any) -> dict[str, Any]:
    """Return a form's fields for a trip that begins in an hour; None removes a field."""
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
    """Let a worker do everything that is due at a time."""
    worker = Worker(service, clock=lambda: now)
    try:
        while worker.round():
            pass
    finally:
        worker.close()


def secrets_in(text: str, secrets: Iterable[str]) -> list[str]:
    """Return the secrets that a text has.

    Digits count where they stand by themselves: any four of them are soon in some event's number or digest.
    """
    return [one for one in secrets if (re.search(rf"\b{one}\b", text) if one.isdecimal() else one in text)]


def play_three(service: Service, at: int) -> None:
    """Two people get passes, one of which is given back; a third is referred, and the officer rejects."""
    use_rules(service, rules("refers", ('reason = ["business"]', "refer"), ("", "approve")), at)
    first = submit(service, at, "a")
    submit(service, at, "b", holder__id_number="1234567890", reason="medical")
    third = submit(service, at, "c", holder__id_number="2345678901", reason="business")
    work(service, at + 5)
    service.store.decide_case(third.reference, decision("reject", actor=f"officer:{OFFICER}"), at + 600)
    run(service.withdraw(first.reference, first.secret, now=at + 700))
    work(service, at + 705)


def draft(
    application: Application, client: bytes = b"client", part: int = 0, reference: str = "0000-0000-0000"
) -> Draft:
    """Make a draft with a known reference."""
    digest = application.digest(b"key")
    return Draft(client, part, digest, (reference,), hash_secret("secret"), application)


def decision(action: str, **changes: Any) -> Decision:
    """Make a decision of the rules."""
    values: Mapping[str, Any] = {"actor": "rules", "code": "code", "texts": {"bn": "কারণ", "en": "Reason"}}
    return Decision(action, **{**values, **changes})


def bytes_of(folder: Path) -> bytes:
    """Return the content of all files in a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
