"""The approved pass: what an issuing service hands over once somebody has said yes."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from movepass_issuer.errors import RequestError
from movepass_issuer.issuing.request_ids import read_request_id, spellings
from movepass_issuer.issuing.texts import check_readable
from movepass_wire import ClaimsError, Pass, Trip, WireError, encode_claims, seal, trip_from_json
from movepass_wire.limits import ISSUE_AHEAD_MAX_SECONDS, TEXT_MAX_CHARS
from movepass_wire.payload import ESP256, KID_BYTES, SIGNATURE_BYTES
from movepass_wire.times import iso

REQUEST_MAX_BYTES = 65536
"""One request as JSON; the longest that can become a pass is far below."""
_LONGEST_SHOWN = 3
_INDEX_MORE_BYTES = 4
"""What the highest index takes in claims beyond index 0."""


@dataclass(frozen=True, slots=True)
class ApprovedPass:
    """A trip somebody approved, under the caller's own request id.

    Attributes:
        request_id: in its one spelling; the same id with the same content is the same pass.
        trip: what was approved.
        content_hash: SHA-256 over the approved content, whatever index it gets.
        names: under which a ledger may hold it, the present one first.
        claims: of the trip under index 0.
    """

    request_id: str
    trip: Trip
    content_hash: bytes = field(init=False, repr=False, compare=False)
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    claims: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", spellings(self.request_id))
        object.__setattr__(self, "request_id", read_request_id(self.request_id))
        try:
            claims = checked_claims(self.trip)
        except ClaimsError as e:
            raise RequestError(str(e)) from e
        object.__setattr__(self, "claims", claims)
        object.__setattr__(self, "content_hash", hashlib.sha256(claims).digest())

    @classmethod
    def from_json(cls, document: bytes | str | dict[str, Any]) -> "ApprovedPass":
        """Read a request: JSON text, or the object in it.

        Raises:
            RequestError: not JSON, a key missing or unknown, a value out of its limits; the message names it.
        """
        request = dict(_parse(document) if isinstance(document, bytes | str) else document)
        request_id = request.pop("request_id", None)
        if not isinstance(request_id, str):
            raise RequestError("request_id: expected text, which names this request for ever")
        try:
            return cls(request_id, trip_from_json(request))
        except ClaimsError as e:
            raise RequestError(str(e)) from e


def check_timely(trip: Trip, now: int) -> None:
    """Check that a trip is not over, and begins soon enough.

    Args:
        trip: what shall be issued.
        now: seconds since 1970 UTC.

    Raises:
        ClaimsError: it is over, or begins more than ISSUE_AHEAD_MAX_SECONDS ahead.
    """
    if trip.not_after <= now:
        raise ClaimsError("not_after", f"{iso(trip.not_after)} is over; a pass for the past helps nobody", "over")
    if trip.not_before > now + ISSUE_AHEAD_MAX_SECONDS:
        hours = ISSUE_AHEAD_MAX_SECONDS // 3600
        message = f"{iso(trip.not_before)} is more than {hours} hours ahead"
        raise ClaimsError("not_before", message, "too-far-ahead", max=hours)


def checked_claims(trip: Trip) -> bytes:
    """Return a trip's claims under index 0.

    Raises:
        ClaimsError: it breaks a rule, a text can't be read, or the payload would be too long.
    """
    claims = encode_claims(Pass(0, trip))
    for name, text in _texts(trip).items():
        check_readable(name, text)
    try:
        seal(ESP256, bytes(KID_BYTES), claims + bytes(_INDEX_MORE_BYTES), bytes(SIGNATURE_BYTES))
    except WireError as e:
        longest = _longest(trip)
        message = f"the payload would pass {TEXT_MAX_CHARS} characters; shorten {longest}"
        raise ClaimsError("", message, "payload-too-long", longest=longest) from e
    return claims


def _parse(document: bytes | str) -> dict[str, Any]:
    if len(document) > REQUEST_MAX_BYTES:
        raise RequestError(f"{len(document)} bytes; a request has at most {REQUEST_MAX_BYTES}")
    try:
        if isinstance(document, bytes):
            document = document.decode()
        request = json.loads(document.removeprefix("\ufeff"), object_pairs_hook=_no_doubles)
    except (ValueError, RecursionError) as e:
        raise RequestError(f"not a JSON object: {e}") from e
    if not isinstance(request, dict):
        raise RequestError(f"expected a JSON object with request_id and the trip, got {type(request).__name__}")
    return request


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        twice = next(key for key in document if sum(key == other for other, _ in pairs) > 1)
        raise RequestError(f"{twice}: given twice")
    return document


def _texts(trip: Trip) -> dict[str, str]:
    """Return the text fields that a trip has, by their names in a request."""
    texts = {
        "holder.name": trip.holder_name,
        "holder.id_last": trip.id_last,
        "from.place": trip.origin.text,
        "to.place": trip.destination.text,
        "reason": trip.reason if isinstance(trip.reason, str) else None,
        "vehicle.registration": trip.vehicle,
        "vehicle.driver.name": trip.driver_name,
        "vehicle.driver.licence_last": trip.driver_licence_last,
    }
    return {name: text for name, text in texts.items() if text}


def _longest(trip: Trip) -> str:
    """Name the fields that take most room, for someone who has to shorten one."""
    sizes = {name: len(text.encode()) for name, text in _texts(trip).items()}
    longest = sorted(sizes, key=lambda name: -sizes[name])[:_LONGEST_SHOWN]
    return ", ".join(f"{name} ({sizes[name]} bytes)" for name in longest)
