"""Write the leaves of the append-only log: a decision, an issued pass, an act of administration.

A leaf is one line of canonical JSON, and its bytes are what the Merkle tree hashes. Of a decision and an act of
administration it holds the salted hash of the record, and nothing else.
"""

from typing import Any

from movepass_service.canonical import canonical_json

DECISION, ISSUANCE, ADMINISTRATION = "decision", "issuance", "administration"


def decision_leaf(digest: bytes, at: int) -> str:
    """Write the leaf of a decision.

    Args:
        digest: SHA-256(salt || record), see records.make_record.
        at: seconds since 1970 UTC.
    """
    return _leaf(DECISION, at, digest=digest.hex())


def administration_leaf(digest: bytes, at: int) -> str:
    """Write the leaf of an act of administration; its arguments are those of decision_leaf."""
    return _leaf(ADMINISTRATION, at, digest=digest.hex())


def issuance_leaf(
    at: int, *, day: int, index: int, payload: bytes, decision: int, replaces: tuple[int, int] | None = None
) -> str:
    """Write the leaf of an issued pass.

    Args:
        at: seconds since 1970 UTC.
        day: the UTC day in which it ends, days since 1970-01-01.
        index: its index in that day.
        payload: SHA-256 of the payload's text.
        decision: position of the leaf of the decision that approved it.
        replaces: day and index of the pass that it replaces.
    """
    more = {} if replaces is None else {"replaces": list(replaces)}
    return _leaf(ISSUANCE, at, day=day, index=index, payload=payload.hex(), decision=decision, **more)


def _leaf(kind: str, at: int, **values: Any) -> str:
    return canonical_json({"kind": kind, "at": at, **values})
