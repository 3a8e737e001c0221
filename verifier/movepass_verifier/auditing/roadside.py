"""Look up passes that were found at the roadside: does the log have the decision of each?"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

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


def look_up(context: Context, found: FoundPass, covered_until: int) -> dict[str, Any]:
    """Look a found pass up, and add a finding if there is no decision for it.

    Args:
        context: of the audit.
        found: the pass.
        covered_until: when the newest head was made, seconds since 1970 UTC.

    Returns:
        What `audit --json` shows of it.
    """
    what, name = (found.day, found.index), name_pass(found.day, found.index)
    shown: dict[str, Any] = {"pass_number": format_number(*what), "day": found.day, "index": found.index}
    query = (
        "SELECT i.position, i.payload, i.at, d.position, d.at, d.action, d.actor, d.row, issued.revoked "
        "FROM issuances i LEFT JOIN decisions d ON d.position = i.decision "
        "LEFT JOIN issued ON issued.key = i.key WHERE i.key = ?"
    )
    leaf = next(context.rows(query, pass_key(*what)), None)
    if found.is_signed is False:
        words = f"{name}: no key of the authority signed it; it is forged, and says nothing about the log"
        context.findings.add("found-forged", words, pass_key=what)
        return shown | {"result": "forged", "words": words}
    if leaf is None and found.ends > covered_until:
        words = f"{name} is not yet covered: the head is of {local(covered_until)}, take newer copies"
        context.findings.add("found-not-covered", words, pass_key=what)
        return shown | {"result": "not-covered", "words": words}
    if leaf is None:
        words = (
            f"{name} is a pass without a decision: its trip ended at {local(found.ends)}, the head was made at "
            f"{local(covered_until)}, and no leaf names it"
        )
        context.findings.add("found-without-decision", words, pass_key=what)
        return shown | {"result": "without-decision", "words": words}
    position, payload, at, decision, decided_at, action, actor, row, revoked = leaf
    if found.payload not in (None, payload):
        words = f"{name} was found with another payload than leaf {position:,} has: two passes have one number"
        context.findings.add("found-with-other-payload", words, position, what)
        return shown | {"result": "other-payload", "position": position, "words": words}
    if found.payload is not None and at >= found.ends:
        words = f"{name} ended at {local(found.ends)}, and leaf {position:,} logged it at {local(at)}: after the fact"
        context.findings.add("logged-late", words, position, what)
        return shown | {"result": "logged-late", "position": position, "words": words}
    by = f"{action} by {actor}" + (f", row {row}" if row else "") if action else "whose record is forgotten"
    words = f"{name} was issued by leaf {position:,} at {local(at)}"
    if decision is not None:
        words += f", after the decision of leaf {decision:,} ({by}, {local(decided_at)})"
    words += "; revoked since" if revoked else ""
    unsigned = "" if found.payload is None or found.is_signed else "; its signature was not checked"
    return shown | {
        "result": "logged", "position": position, "decision": decision, "actor": actor, "row": row,
        "revoked": None if revoked is None else bool(revoked), "words": words + unsigned,
    }  # fmt: skip
