"""Look up passes that were found at the roadside: does the log have the decision of each?"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from movepass_keys import KeySet
from movepass_verifier.auditing.checks import Context
from movepass_verifier.auditing.findings import name_pass
from movepass_verifier.auditing.tables import pass_key
from movepass_verifier.errors import CopiesError
from movepass_wire import decode_claims, open_text, parse_number
from movepass_wire.errors import WireError
from movepass_wire.number import format_number, resolve_day
from movepass_wire.payload import PREFIX
from movepass_wire.times import DAY_SECONDS, day_of, local


@dataclass(frozen=True, slots=True)
class FoundPass:
    """A pass that somebody found.

    Attributes:
        day: the UTC day in which it ends.
        index: its index in that day.
        ends: seconds since 1970 UTC; of a pass of which only the number is known, when its day ends.
        payload: SHA-256 of its text; None if only the number is known.
        is_signed: whether a key of the authority signed it; None if nobody could check that.
    """

    day: int
    index: int
    ends: int
    payload: bytes | None = None
    is_signed: bool | None = None


def read_found(text: str, keys: KeySet | None, now: int) -> FoundPass:
    """Read a pass or a pass number.

    Args:
        text: a payload ("MP1:…") or a pass number.
        keys: the authority's, if a store was given.
        now: a number says its day modulo 1024: the day nearest to this time is meant. Seconds since 1970 UTC.

    Raises:
        CopiesError: it is neither.
    """
    try:
        if not text.startswith(PREFIX):
            number, index = parse_number(text)
            day = resolve_day(number, day_of(now))
            return FoundPass(day, index, (day + 1) * DAY_SECONDS)
        envelope = open_text(text)
        pass_ = decode_claims(envelope.claims)
    except WireError as e:
        raise CopiesError(f"expected a pass or a pass number, got {text[:60]!a}: {e}") from e
    key = keys.keys.get(envelope.kid) if keys else None
    is_signed = None if keys is None else key is not None and key.verifies(envelope.signature, envelope.signed)
    payload = sha256(text.encode()).digest()
    return FoundPass(pass_.day, pass_.index, pass_.trip.not_after, payload, is_signed)


class _Logged(NamedTuple):
    """The leaf of a pass, beside its decision and the ledger's line; None for whatever is missing of these."""

    position: int
    payload: bytes
    at: int
    decision: int | None
    decided_at: int | None
    action: str | None
    actor: str | None
    row: str | None
    revoked: int | None


_QUERY = (
    "SELECT i.position, i.payload, i.at, d.position, d.at, d.action, d.actor, d.row, issued.revoked "
    "FROM issuances i LEFT JOIN decisions d ON d.position = i.decision "
    "LEFT JOIN issued ON issued.key = i.key WHERE i.key = ?"
)
_RESULTS = {
    "found-forged": "forged",
    "found-not-covered": "not-covered",
    "found-without-decision": "without-decision",
    "found-with-other-payload": "other-payload",
    "logged-late": "logged-late",
}
"""The result of a found pass by the code of its finding."""


def look_up(context: Context, found: FoundPass, covered_until: int) -> dict[str, Any]:
    """Look a found pass up, and add a finding if there is no decision for it.

    Args:
        context: of the audit.
        found: the pass.
        covered_until: when the newest head was made, seconds since 1970 UTC.

    Returns:
        The object that `audit --json` shows of it.
    """
    what = (found.day, found.index)
    shown: dict[str, Any] = {"pass_number": format_number(*what), "day": found.day, "index": found.index}
    row = next(context.rows(_QUERY, pass_key(*what)), None)
    logged = _Logged(*row) if row else None
    if fault := _find_fault(found, logged, covered_until):
        code, words = fault
        position = {"position": logged.position} if logged is not None and code != "found-forged" else {}
        context.findings.add(code, words, position.get("position"), what)
        return shown | {"result": _RESULTS[code], **position, "words": words}
    assert logged is not None  # noqa: S101 - without a leaf there is a fault
    return shown | {
        "result": "logged", "position": logged.position, "decision": logged.decision, "actor": logged.actor,
        "row": logged.row, "revoked": None if logged.revoked is None else bool(logged.revoked),
        "words": _describe(found, logged),
    }  # fmt: skip


def _find_fault(found: FoundPass, logged: _Logged | None, covered_until: int) -> tuple[str, str] | None:
    """Return the code and the words of the first fault of a found pass, or None."""
    name = name_pass(found.day, found.index)
    if found.is_signed is False:
        return (
            "found-forged",
            f"{name}: no key of the authority signed it; it is forged, and says nothing about the log",
        )
    if logged is None and found.ends > covered_until:
        words = f"{name} is not yet covered: the head is of {local(covered_until)}, take newer copies"
        return "found-not-covered", words
    if logged is None:
        words = (
            f"{name} is a pass without a decision: its trip ended at {local(found.ends)}, the head was made at "
            f"{local(covered_until)}, and no leaf names it"
        )
        return "found-without-decision", words
    leaf = f"leaf {logged.position:,}"
    if found.payload not in (None, logged.payload):
        words = f"{name} was found with another payload than {leaf} has: two passes have one number"
        return "found-with-other-payload", words
    if found.payload is not None and logged.at >= found.ends:
        words = f"{name} ended at {local(found.ends)}, and {leaf} logged it at {local(logged.at)}: after the fact"
        return "logged-late", words
    return None


def _describe(found: FoundPass, logged: _Logged) -> str:
    """Describe which leaf issued a pass, by which decision, and whether it was revoked."""
    words = f"{name_pass(found.day, found.index)} was issued by leaf {logged.position:,} at {local(logged.at)}"
    if logged.decision is not None and logged.decided_at is not None:
        by = "whose record is forgotten"
        if logged.action:
            by = f"{logged.action} by {logged.actor}" + (f", row {logged.row}" if logged.row else "")
        words += f", after the decision of leaf {logged.decision:,} ({by}, {local(logged.decided_at)})"
    words += "; revoked since" if logged.revoked else ""
    return words + ("" if found.payload is None or found.is_signed else "; its signature was not checked")
