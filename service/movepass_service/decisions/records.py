"""The record that every decision leaves, and every act of administration: who did what, and from which facts.

The log holds SHA-256(salt || record). A hash without salt would give a name and four digits away to whoever guesses.
Retention deletes salt and record; the hash stays.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from movepass_service.canonical import canonical_json

SALT_BYTES = 16
RULES, APPLICANT, SERVICE = "rules", "applicant", "service"
"""Actors that are no officers."""
_DESK, _CONSOLE = "officer:", "console:"
AS = " as "
"""Stands before the officer's name in the actor of a console's decision; so no officer's name holds it."""


def desk_actor(officer: str) -> str:
    """Return how a record names an officer who signed in at the desk."""
    return f"{_DESK}{officer}"


def console_actor(user: str, officer: str) -> str:
    """Return how a record names a user of the machine who acts as an officer."""
    return f"{_CONSOLE}{user}{AS}{officer}"


def officer_of(actor: str) -> str | None:
    """Return the officer whom an actor names; None where it is none."""
    if actor.startswith(_DESK):
        return actor.removeprefix(_DESK)
    return actor.rpartition(AS)[2] if actor.startswith(_CONSOLE) else None


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about one application.

    Attributes:
        action: "approve", "reject", "refer", "needs-correction", "expire", "withdraw" or "revoke".
        actor: "rules", "applicant", "service", "officer:NAME", or "console:USER as OFFICER".
        code: the reason's.
        texts: the reason in words, by language.
        rules_version: of the rule set that decided; None for a person.
        rules_digest: SHA-256 of that rule set, in hexadecimal.
        row: the id of the row that decided.
        facts: the closed columns as they were.
        note: what an officer adds.
        proposed_by: the actor who proposed it, where a second officer confirmed it.
        batch: the bulk decision that it was part of.
    """

    action: str
    actor: str
    code: str
    texts: Mapping[str, str]
    rules_version: str | None = None
    rules_digest: str | None = None
    row: str | None = None
    facts: Mapping[str, Any] | None = None
    note: str | None = None
    proposed_by: str | None = None
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A decision or an act of administration as it is kept.

    Attributes:
        salt: random; gone once the record is forgotten.
        text: JSON in one form.
        digest: SHA-256(salt || text).
    """

    salt: bytes
    text: str
    digest: bytes


def make_record(reference: str, correction: int, content_digest: bytes, decision: Decision, at: int) -> Record:
    """Write the record of a decision.

    Args:
        reference: the application's.
        correction: which content of it was decided: 0 as it came first, then how often it was corrected.
        content_digest: SHA-256 of that content as it is kept.
        decision: what was decided.
        at: seconds since 1970 UTC.
    """
    document = {
        "reference": reference,
        "correction": correction,
        "content": content_digest.hex(),
        "at": at,
        "action": decision.action,
        "actor": decision.actor,
        "code": decision.code,
        "rules": decision.rules_version,
        "rules_digest": decision.rules_digest,
        "row": decision.row,
        "facts": decision.facts,
        "note": decision.note,
        "proposed_by": decision.proposed_by,
        "batch": decision.batch,
    }
    return _salted({key: value for key, value in document.items() if value is not None})


def make_administration(document: Mapping[str, Any], at: int) -> Record:
    """Write the record of an act of administration.

    Args:
        document: what was done: "action" and "actor", and whatever describes it. Values are JSON.
        at: seconds since 1970 UTC.
    """
    return _salted({**document, "at": at})


def _salted(document: Mapping[str, Any]) -> Record:
    text, salt = canonical_json(document), os.urandom(SALT_BYTES)
    return Record(salt, text, hashlib.sha256(salt + text.encode()).digest())
