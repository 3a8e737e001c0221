"""Read the lines of an auditor's copies: leaves, records, and passes of the ledger."""

import json
import re
from binascii import unhexlify
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple, TypeGuard

from movepass_verifier.errors import CopiesError
from movepass_wire.limits import DAY_LIMIT, INDEX_LIMIT, TIME_LIMIT

LEAF_MAX_BYTES = 512
RECORD_MAX_BYTES = 1 << 20
ISSUED_MAX_BYTES = 512
"""The most bytes of one line. A record has a note and facts; the others have a fixed form."""
NAME_MAX_CHARS = 256
"""The length of an action, an actor, a reference and a row's id in a record."""
POSITION_LIMIT = 10**15
APPROVING = "approve"
REVERSING = ("reject", "revoke", "withdraw", "expire")
"""Actions after which no pass of an application may be in force."""
_JSON = json.JSONDecoder()
_DIGEST = re.compile("[0-9a-f]{64}")
_NUMBER = rb"(0|[1-9][0-9]{0,14})"
_HASH = rb'"([0-9a-f]{64})"'
_RECORDED = re.compile(rb'\{"at":' + _NUMBER + rb',"digest":' + _HASH + rb',"kind":"(decision|administration)"\}')
_ISSUANCE = re.compile(
    rb'\{"at":' + _NUMBER + rb',"day":' + _NUMBER + rb',"decision":' + _NUMBER + rb',"index":' + _NUMBER +
    rb',"kind":"issuance","payload":' + _HASH + rb'(?:,"replaces":\[' + _NUMBER + rb"," + _NUMBER + rb"\])?\}"
)  # fmt: skip


class Recorded(NamedTuple):
    """The leaf of a decision, or of an act of administration."""

    at: int
    digest: str
    is_decision: bool


class Issuance(NamedTuple):
    """The leaf of an issued pass: a pass is day and index, and `decision` is the position of a leaf."""

    at: int
    day: int
    index: int  # type: ignore[assignment] # hides tuple.index
    decision: int
    payload: bytes
    replaces: tuple[int, int] | None


class KeptRecord(NamedTuple):
    """A line of the records' copy: the position of its leaf, its salt, and its text."""

    position: int
    salt: bytes
    text: str


class Act(NamedTuple):
    """The content of a record, as far as an audit needs it.

    Attributes:
        at: seconds since 1970 UTC.
        action: "approve", "reject", …
        actor: "rules", "applicant", "service", "officer:NAME" or "console:USER as NAME".
        reference: the application's; "" for an act of administration.
        row: the row of the rules that decided, or None.
        proposed_by: the actor who proposed what this one confirmed, or None.
        is_bulk: whether it was part of a bulk decision.
    """

    at: int
    action: str
    actor: str
    reference: str
    row: str | None
    proposed_by: str | None
    is_bulk: bool


class Listed(NamedTuple):
    """A line of the ledger's copy; `payload` is None once personal data has gone."""

    day: int
    index: int  # type: ignore[assignment] # hides tuple.index
    payload: bytes | None
    is_revoked: bool


def read_leaf(line: bytes) -> Recorded | Issuance | None:
    """Read a leaf strictly: one text for each leaf. None if it has no known form.

    Args:
        line: the leaf's bytes, without the end of the line.
    """
    if found := _RECORDED.fullmatch(line):
        at, digest, kind = found.groups()
        return Recorded(int(at), digest.decode(), kind == b"decision") if int(at) < TIME_LIMIT else None
    if not (found := _ISSUANCE.fullmatch(line)):
        return None
    at, day, decision, index, payload, old_day, old_index = found.groups()
    replaces = None if old_day is None else (int(old_day), int(old_index))
    leaf = Issuance(int(at), int(day), int(index), int(decision), unhexlify(payload), replaces)
    if leaf.at >= TIME_LIMIT or leaf.day >= DAY_LIMIT or leaf.index >= INDEX_LIMIT:
        return None
    if replaces and (replaces[0] >= DAY_LIMIT or replaces[1] >= INDEX_LIMIT):
        return None
    return leaf


def read_record(line: bytes) -> KeptRecord:
    """Read a line of the records' copy.

    Raises:
        CopiesError: it is not {"position", "salt", "text"}.
    """
    document = _read_object(line)
    position, salt, text = document.get("position"), document.get("salt"), document.get("text")
    if not _is_number(position, POSITION_LIMIT) or not isinstance(salt, str) or not isinstance(text, str):
        raise CopiesError(f'expected {{"position":…,"salt":"…","text":"…"}}, got {_begin(line)}')
    try:
        return KeptRecord(position, bytes.fromhex(salt), text)
    except ValueError as e:
        raise CopiesError(f"expected a salt in hexadecimal, got {salt[:40]!r}") from e


def read_listed(line: bytes) -> Listed:
    """Read a line of the ledger's copy.

    Raises:
        CopiesError: it is not {"day", "index", "payload", "revoked"}.
    """
    document = _read_object(line)
    day, index, payload = document.get("day"), document.get("index"), document.get("payload")
    is_revoked = document.get("revoked")
    if (
        _is_number(day, DAY_LIMIT)
        and _is_number(index, INDEX_LIMIT)
        and isinstance(is_revoked, bool)
        and (payload is None or (isinstance(payload, str) and _DIGEST.fullmatch(payload)))
    ):
        return Listed(day, index, None if payload is None else bytes.fromhex(payload), is_revoked)
    raise CopiesError(
        f'expected {{"day":…,"index":…,"payload":"64 hexadecimal digits","revoked":…}}, got {_begin(line)}'
    )


def digest_of(record: KeptRecord) -> str:
    """Return what the leaf of a record holds: SHA-256(salt || text), in hexadecimal."""
    return sha256(record.salt + record.text.encode(errors="surrogatepass")).hexdigest()


def read_act(text: str) -> Act | None:
    """Read what a record says, or return None if it is not a record of ours."""
    try:
        document = _decode(text)
    except (ValueError, RecursionError):
        return None
    at, action, actor = document.get("at"), document.get("action"), document.get("actor")
    reference, row = document.get("reference", ""), document.get("row")
    if not _is_number(at, TIME_LIMIT) or not _is_name(action) or not _is_name(actor) or not _is_name(reference):
        return None
    proposed_by = document.get("proposed_by")
    if not (row is None or _is_name(row)) or not (proposed_by is None or _is_name(proposed_by)):
        return None
    return Act(at, action, actor, reference, row, proposed_by, "batch" in document)


def _is_number(value: object, limit: int) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < limit


def _is_name(value: object) -> TypeGuard[str]:
    """Check that a value is a text of the length of names, without half of a surrogate pair."""
    if not isinstance(value, str) or len(value) > NAME_MAX_CHARS:
        return False
    return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)


def _read_object(line: bytes) -> Mapping[str, Any]:
    try:
        return _decode(line.decode())
    except (ValueError, RecursionError) as e:
        raise CopiesError(f"expected a JSON object, got {_begin(line)}: {type(e).__name__}") from e


def _decode(text: str) -> Mapping[str, Any]:
    """Read an object that fills a line. json.loads would take a third longer, for blanks that are not there."""
    document, end = _JSON.raw_decode(text)
    if end != len(text) or not isinstance(document, dict):
        raise ValueError("it is no object, or goes on behind it")
    return document


def _begin(line: bytes) -> str:
    return ascii(line[:60].decode(errors="replace"))
