"""The answers to requests, as JSON: the same from the command, the Lambda functions and the answers queue."""

from typing import Any

from movepass_issuer.errors import KeyPeriodError, RequestError
from movepass_issuer.issuing.issuer import SignedPass
from movepass_issuer.issuing.ledger import Entry
from movepass_issuer.issuing.request_ids import request_of
from movepass_wire import format_number
from movepass_wire.times import iso


def issued(signed: SignedPass) -> dict[str, Any]:
    """Return the answer for an issued pass."""
    row = {"request_id": signed.request_id, "pass_number": signed.number, "text": signed.text}
    return row if signed.revoked_at is None else row | {"revoked_at": iso(signed.revoked_at)}


def refused(request_id: str | None, error: RequestError | KeyPeriodError) -> dict[str, Any]:
    """Return the answer for a request without a pass; its id is left out if it could not be read."""
    return ({} if request_id is None else {"request_id": request_id}) | {"error": str(error)}


def revoked(entry: Entry) -> dict[str, Any]:
    """Return the answer for a revoked pass."""
    number = format_number(entry.day, entry.index)
    request = {"request_id": request_of(entry.request_id)} if entry.request_id else {}  # its region can't be reached
    return {"pass_number": number, **request, "revoked_at": iso(entry.revoked_at or 0)}
