"""An application as DynamoDB keeps it: its content, and its state as one document. Pure: no I/O and no clock."""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import Any

from movepass_service.applications.application import Application, split_hash
from movepass_service.applications.references import REFERENCE_BITS, reference_value, reference_with_value
from movepass_service.applications.retention import forget_at
from movepass_service.applications.states import State, is_urgent
from movepass_service.canonical import canonical_json
from movepass_service.decisions.records import RULES, Decision, make_record
from movepass_service.rules.columns import dhaka_day
from movepass_service.stores.changes import ENDS_PASSES, NEW_STATE
from movepass_service.stores.desk import Note, Proposal
from movepass_service.stores.dynamodb.table import Item
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Draft, Issued

CONTENT, STATE = "C", "S"
"""Sort keys of an application's two items."""


def number_for(reference: str, micros: int) -> int:
    """Return the number of an application that came at a time: in order of arrival, and it leads to the reference.

    Args:
        reference: the application's.
        micros: when it came, microseconds since 1970 UTC.
    """
    return micros << REFERENCE_BITS | reference_value(reference)


def reference_of(number: int) -> str:
    """Return the reference of the application with a number."""
    return reference_with_value(number & (1 << REFERENCE_BITS) - 1)


@dataclass(frozen=True, slots=True)
class Content:
    """What was asked for: written when an application comes, and again when it is corrected.

    Attributes:
        client: the client id, as it is kept.
        part: which application of one form it is, of `parts`.
        digest: keyed hash of the content of the whole form.
        text: the content as JSON in one form.
        rules: version of the rules in force when it came.
    """

    reference: str
    number: int
    client: bytes
    part: int
    parts: int
    digest: bytes
    secret_hash: bytes
    received_at: int
    text: str
    id_hash: bytes | None
    is_urgent: bool
    not_before: int
    not_after: int
    rules: str | None

    @classmethod
    def of(cls, draft: Draft, reference: str, number: int, parts: int, now: int, rules: str | None) -> "Content":
        """Make the content of a new application."""
        application = draft.application
        return cls(
            reference, number, draft.client, draft.part, parts, draft.digest, draft.secret_hash, now,
            application.canonical(), application.id_hash, is_urgent(application.trip.reason),
            application.trip.not_before, application.trip.not_after, rules,
        )  # fmt: skip

    def corrected(self, application: Application, rules: str | None) -> "Content":
        """Return it with other content."""
        return replace(
            self, text=application.canonical(), id_hash=application.id_hash, rules=rules,
            is_urgent=is_urgent(application.trip.reason), not_before=application.trip.not_before,
            not_after=application.trip.not_after,
        )  # fmt: skip

    def to_item(self) -> Item:
        """Write it as an item."""
        item: Item = {
            "pk": key(self.reference), "sk": CONTENT, "n": self.number, "cl": self.client, "p": self.part,
            "ps": self.parts, "d": self.digest, "h": self.secret_hash, "at": self.received_at,
            "t": zlib.compress(self.text.encode(), 9), "u": int(self.is_urgent), "b": self.not_before,
            "e": self.not_after,
        }  # fmt: skip
        more = {"i": self.id_hash, "r": self.rules}
        return item | {name: value for name, value in more.items() if value is not None}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Content":
        """Read an item."""
        return cls(
            item["pk"].removeprefix("A#"), item["n"], item["cl"], item["p"], item["ps"], item["d"], item["h"],
            item["at"], zlib.decompress(item["t"]).decode(), item.get("i"), bool(item["u"]), item["b"], item["e"],
            item.get("r"),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """What the log gets a leaf for.

    Attributes:
        seq: its number in its application, from 0.
        digest: of a decision's record, in hexadecimal; "" for a pass.
        day: of a pass, the day in which it ends; -1 for a decision, as `index`.
        payload: SHA-256 of a pass's payload, in hexadecimal.
        decision: of a pass, the number of the event that approved it.
        decided_at: when that was.
        replaces: of a pass, day and index of the one that it replaces.
    """

    seq: int
    at: int
    digest: str = ""
    day: int = -1
    index: int = -1
    payload: str = ""
    decision: int = -1
    decided_at: int = 0
    replaces: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """The record of a decision: of which event, its salt in hexadecimal, and its text."""

    seq: int
    salt: str
    text: str


@dataclass(frozen=True, slots=True)
class KeptPass:
    """A pass of one content of an application, expected or issued.

    Attributes:
        correction: which content of it the pass has.
        decision: the event that approved it.
        person: the person's hashes for the week of travel and for the one it reaches into, in hexadecimal; or "".
    """

    correction: int
    decision: int
    person: str
    after: str
    travel_day: int
    not_before: int
    not_after: int
    number: str | None = None
    issued_at: int | None = None
    kid: str = ""
    revoke: bool = False
    revoked_at: int | None = None
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class KeptHold:
    """An officer's lease or proposal, as in stores.desk.Hold."""

    token: str
    officer: str
    until: int
    proposal: Proposal | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """The state of an application. Its `version` counts its changes; each is conditional on the one that was read."""

    version: int = 0
    state: State = State.RECEIVED
    since: int = 0
    correction: int = 0
    correction_digest: str = ""
    by_rules: bool = False
    code: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    row: str | None = None
    pass_number: str | None = None
    pass_text: str | None = None
    forget_at: int | None = None
    passes: tuple[KeptPass, ...] = ()
    events: tuple[Event, ...] = ()
    records: tuple[KeptRecord, ...] = ()
    hold: KeptHold | None = None
    notes: tuple[Note, ...] = ()

    def to_bytes(self) -> bytes:
        """Write it; what has its default is left out."""
        written = {name: value for name, value in asdict(self).items() if value != _DEFAULTS[name]}
        written |= {name: _short(written[name]) for name in ("events", "passes") if name in written}
        return zlib.compress(canonical_json(written).encode(), 9)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Document":
        """Read it."""
        found: dict[str, Any] = json.loads(zlib.decompress(data))
        for name, read in _LISTS.items():
            if name in found:
                found[name] = tuple(read(one) for one in found[name])
        if "state" in found:
            found["state"] = State(found["state"])
        if hold := found.get("hold"):
            proposal = hold.pop("proposal", None)
            found["hold"] = KeptHold(**hold, proposal=proposal and Proposal(**proposal))
        return cls(**found)


def _short(value: Any) -> Any:
    """Leave out what has its default in the events and passes of a document."""
    defaults = {"number": None, "issued_at": None, "revoked_at": None, "ended_at": None, "replaces": None} | {
        "digest": "", "payload": "", "person": "", "after": "", "kid": "", "revoke": False,
        "day": -1, "index": -1, "decision": -1, "decided_at": 0,
    }  # fmt: skip
    if isinstance(value, list | tuple):
        return [_short(one) for one in value]
    return {name: one for name, one in value.items() if name not in defaults or one != defaults[name]}


def _event(value: Mapping[str, Any]) -> Event:
    replaces = value.get("replaces")
    return Event(**{**value, "replaces": tuple(replaces) if replaces else None})


def _pass(value: Mapping[str, Any]) -> KeptPass:
    return KeptPass(**{"person": "", "after": "", **value})


_LISTS: Mapping[str, Callable[[Any], Any]] = {
    "passes": _pass,
    "events": _event,
    "records": lambda value: KeptRecord(**value),
    "notes": lambda value: Note(**value),
}
_DEFAULTS = asdict(Document())


def key(reference: str) -> str:
    """Return the partition key of an application."""
    return f"A#{reference}"


def kept_of(content: Content, document: Document) -> Kept:
    """Return an application as everything above a store knows it."""
    reason = None if document.code is None else (document.code, dict(document.texts))
    return Kept(
        content.number, content.reference, content.secret_hash, document.state, document.since or content.received_at,
        content.received_at, document.correction, content.is_urgent, document.by_rules, content.text, content.id_hash,
        content.not_before, content.not_after, content.rules, reason, document.pass_number, document.pass_text,
        document.row,
    )  # fmt: skip


def decided(content: Content, document: Document, decision: Decision, now: int) -> Document:
    """Note a decision and change the state, together. The case's hold ends."""
    new = NEW_STATE[decision.action]
    content_digest = hashlib.sha256(content.text.encode()).digest()
    record = make_record(content.reference, document.correction, content_digest, decision, now)
    seq = len(document.events)
    changed = replace(
        document, state=new, since=now, by_rules=decision.actor == RULES, code=decision.code,
        texts=dict(decision.texts), row=decision.row or document.row, hold=None,
        forget_at=forget_at(new, content.not_after, now),
        events=(*document.events, Event(seq, now, record.digest.hex())),
        records=(*document.records, KeptRecord(seq, record.salt.hex(), record.text)),
    )  # fmt: skip
    if new == State.APPROVED:
        return _expect_pass(content, changed, seq)
    if new in ENDS_PASSES:
        return replace(ended(changed, now), pass_text=None)
    return changed


def _expect_pass(content: Content, document: Document, seq: int) -> Document:
    """Note that a pass is to be issued by a decision; what was to end before is not any longer."""
    person, after = split_hash(content.id_hash)
    expected = KeptPass(
        document.correction, seq, (person or b"").hex(), (after or b"").hex(), dhaka_day(content.not_before),
        content.not_before, content.not_after,
    )  # fmt: skip
    before = [one for one in document.passes if one.correction == document.correction]
    if before:
        expected = replace(before[0], decision=seq, revoke=False, revoked_at=None, ended_at=None)
    others = [one for one in document.passes if one.correction != document.correction]
    return replace(document, passes=(*others, expected))


def ended(document: Document, now: int, *, before: int | None = None) -> Document:
    """Let its passes be revoked; `before` spares those of later corrections."""
    passes = (
        replace(one, revoke=True, ended_at=now if one.ended_at is None else one.ended_at)
        if before is None or one.correction < before
        else one
        for one in document.passes
    )
    return replace(document, passes=tuple(passes))


def issued(document: Document, one: Issued, now: int) -> Document:
    """Note a pass that was issued; one that was withdrawn meanwhile stays so, and its pass to revoke."""
    changed = noted(document, one, now)
    if document.state != State.APPROVED or document.correction != one.correction:
        return changed
    shown = replace(changed, state=State.ISSUED, since=now, pass_number=one.pass_number, pass_text=one.pass_text)
    return ended(shown, now, before=one.correction) if one.correction else shown


def noted(document: Document, one: Issued, now: int) -> Document:
    """Note a pass, and its leaf if it has none, whether an applicant gets to see it or not."""
    passes = tuple(
        replace(kept, number=one.pass_number, issued_at=now, kid=one.kid.hex())
        if kept.correction == one.correction
        else kept
        for kept in document.passes
    )
    return logged(replace(document, passes=passes), one, now)


def logged(document: Document, one: Issued, now: int) -> Document:
    """Add the leaf of a pass, unless it has one.

    A pass of a correction, and one that was issued again under another key, replaces the one of the same application
    that was issued last.
    """
    if any((event.day, event.index) == (one.day, one.index) for event in document.events):
        return document
    decision = next(kept.decision for kept in document.passes if kept.correction == one.correction)
    payload = sha256(one.pass_text.encode()).hexdigest()
    replaces = one.replaces or (_last_pass(document) if one.correction else None)
    seq = len(document.events)
    at = document.events[decision].at
    event = Event(seq, now, "", one.day, one.index, payload, decision, at, replaces)
    return replace(document, events=(*document.events, event))


def reissued(document: Document, one: Issued) -> Document:
    """Show a pass that was issued again under another key in place of the one before."""
    passes = tuple(
        replace(kept, kid=one.kid.hex()) if kept.correction == one.correction else kept for kept in document.passes
    )
    changed = replace(document, passes=passes)
    if document.state == State.ISSUED and document.correction == one.correction:
        return replace(changed, pass_number=one.pass_number, pass_text=one.pass_text)
    return changed


def _last_pass(document: Document) -> tuple[int, int] | None:
    found = [(event.day, event.index) for event in document.events if event.day >= 0]
    return found[-1] if found else None


def to_revoke(document: Document) -> Iterator[KeptPass]:
    """Return its passes that must be revoked and are not yet."""
    return (one for one in document.passes if one.revoke and one.revoked_at is None)


def counting(document: Document) -> Iterator[KeptPass]:
    """Return its passes that count for a person's quotas: those that were issued, and one that is about to be."""
    for one in document.passes:
        is_expected = document.state == State.APPROVED and document.correction == one.correction
        if one.number is not None or is_expected:
            yield one
