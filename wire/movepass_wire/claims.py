"""Define the content of a pass and its form on the wire: CWT claims (RFC 8392) in deterministic CBOR."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from movepass_wire import cbor
from movepass_wire.errors import ClaimsError, WireError
from movepass_wire.limits import INDEX_LIMIT, PASS_MAX_SECONDS, TIME_LIMIT
from movepass_wire.text import check_text, pack_text, unpack_text
from movepass_wire.times import day_of

CLAIM_EXP, CLAIM_NBF, CLAIM_BODY = 4, 5, -65537
(INDEX, HOLDER_NAME, ID_TYPE, ID_LAST, FROM, TO, REASON, VEHICLE, DRIVER_NAME, DRIVER_LICENCE_LAST) = range(10)

FIELD_NAMES = {
    INDEX: "index",
    HOLDER_NAME: "holder.name",
    ID_TYPE: "holder.id_type",
    ID_LAST: "holder.id_last",
    FROM: "from",
    TO: "to",
    REASON: "reason",
    VEHICLE: "vehicle.registration",
    DRIVER_NAME: "vehicle.driver.name",
    DRIVER_LICENCE_LAST: "vehicle.driver.licence_last",
}
"""The keys of the body and the name of each field in the approved pass."""

_BEFORE_BODY = 1 + sum(len(cbor.encode(key)) for key in (CLAIM_EXP, CLAIM_NBF, CLAIM_BODY))
"""Bytes before the body, but for the times."""
_CLAIMS = frozenset((CLAIM_EXP, CLAIM_NBF, CLAIM_BODY))
_REQUIRED = frozenset((INDEX, HOLDER_NAME, ID_TYPE, ID_LAST, FROM, TO, REASON))


class Place(NamedTuple):
    """A district, by its number in codes.DISTRICTS, and optionally the place in it."""

    district: int
    text: str | None = None


class Trip(NamedTuple):
    """A trip that an authority approved: one person, one direction, one period.

    Attributes:
        not_before: first second of validity (nbf), seconds since 1970 UTC.
        not_after: first second after it (exp).
        id_type: number in codes.ID_TYPES.
        reason: number in codes.REASONS, or free text.
        unknown: body keys that this software does not know, unchanged.
    """

    not_before: int
    not_after: int
    holder_name: str
    id_type: int
    id_last: str
    origin: Place
    destination: Place
    reason: int | str
    vehicle: str | None = None
    driver_name: str | None = None
    driver_licence_last: str | None = None
    unknown: Mapping[int, Any] = {}


class Pass(NamedTuple):
    """A trip and its index; the index and the UTC day of exp identify a pass uniquely."""

    index: int  # type: ignore[assignment] # hides tuple.index, which makes no sense for a pass
    trip: Trip

    @property
    def day(self) -> int:
        """The UTC day of exp (days since 1970-01-01), whose status log covers this pass."""
        return day_of(self.trip.not_after)


def encode_claims(pass_: Pass) -> bytes:
    """Encode a pass as claims.

    Raises:
        ClaimsError: a field breaks a rule or a limit.
    """
    trip = pass_.trip
    _check(pass_)
    body: dict[int, object] = {
        INDEX: pass_.index,
        HOLDER_NAME: pack_text(trip.holder_name),
        ID_TYPE: trip.id_type,
        ID_LAST: pack_text(trip.id_last),
        FROM: _pack_place(trip.origin),
        TO: _pack_place(trip.destination),
        REASON: trip.reason if isinstance(trip.reason, int) else pack_text(trip.reason),
    }
    for key, text in (
        (VEHICLE, trip.vehicle),
        (DRIVER_NAME, trip.driver_name),
        (DRIVER_LICENCE_LAST, trip.driver_licence_last),
    ):
        if text is not None:
            body[key] = pack_text(text)
    body.update(trip.unknown)
    claims = cbor.encode({CLAIM_EXP: trip.not_after, CLAIM_NBF: trip.not_before, CLAIM_BODY: body})
    if trip.unknown:
        cbor.decode(claims)  # refuses unknown values that are nested too deep
    return claims


def number_claims(claims: bytes, pass_: Pass) -> bytes:
    """Return the claims of a pass from those of its trip under index 0, which were encoded before.

    Args:
        claims: encode_claims of Pass(0, pass_.trip).
        pass_: the trip with its index.

    Raises:
        ClaimsError: the index is none.
    """
    _number("index", pass_.index, INDEX_LIMIT)
    body = _BEFORE_BODY + len(cbor.encode(pass_.trip.not_after)) + len(cbor.encode(pass_.trip.not_before))
    at = body + cbor.head_length(claims[body]) + 1  # after the lowest key, which comes first
    return claims[:at] + cbor.encode(pass_.index) + claims[at + 1 :]


def decode_claims(data: bytes) -> Pass:
    """Decode claims strictly. Call it only once their signature has been verified.

    Raises:
        WireError: the claims are not deterministic CBOR of the subset.
        ClaimsError: a field breaks a rule or a limit.
    """
    claims = cbor.decode(data)
    if not isinstance(claims, dict) or claims.keys() != _CLAIMS:
        raise ClaimsError("", "claims must hold exactly exp (4), nbf (5) and the body (-65537)")
    body = claims[CLAIM_BODY]
    if not isinstance(body, dict):
        raise ClaimsError("", "the body must be a map")
    known = body.keys() <= FIELD_NAMES.keys()
    unknown = {} if known else {key: body[key] for key in body if key not in FIELD_NAMES}
    if str in map(type, unknown):
        raise ClaimsError("", "the keys of the body must be integers")
    if not body.keys() >= _REQUIRED:
        raise ClaimsError(FIELD_NAMES[min(_REQUIRED - body.keys())], "missing")
    trip = Trip(
        not_before=claims[CLAIM_NBF],
        not_after=claims[CLAIM_EXP],
        holder_name=_text(body, HOLDER_NAME),
        id_type=body[ID_TYPE],
        id_last=_text(body, ID_LAST),
        origin=_place(body, FROM),
        destination=_place(body, TO),
        reason=body[REASON] if isinstance(body[REASON], int) else _text(body, REASON),
        vehicle=_text(body, VEHICLE) if VEHICLE in body else None,
        driver_name=_text(body, DRIVER_NAME) if DRIVER_NAME in body else None,
        driver_licence_last=_text(body, DRIVER_LICENCE_LAST) if DRIVER_LICENCE_LAST in body else None,
        unknown=unknown,
    )
    pass_ = Pass(body[INDEX], trip)
    _check(pass_)
    return pass_


def _check(pass_: Pass) -> None:
    """Check a pass against every rule that does not depend on its encoding."""
    trip = pass_.trip
    _number("index", pass_.index, INDEX_LIMIT)
    _number("not_before", trip.not_before, TIME_LIMIT)
    _number("not_after", trip.not_after, TIME_LIMIT)
    if trip.not_after <= trip.not_before:
        raise ClaimsError("not_after", "must be later than not_before", "not-later")
    if trip.not_after - trip.not_before > PASS_MAX_SECONDS:
        hours = (trip.not_after - trip.not_before) / 3600
        most = PASS_MAX_SECONDS // 3600
        raise ClaimsError("not_after", f"{hours:.6g} hours; a pass lasts at most {most}", "too-many-hours", max=most)
    check_text("holder.name", trip.holder_name)
    _number("holder.id_type", trip.id_type)
    check_text("holder.id_last", trip.id_last)
    _check_place("from", trip.origin)
    _check_place("to", trip.destination)
    if isinstance(trip.reason, str):
        check_text("reason", trip.reason)
    else:
        _number("reason", trip.reason)
    if trip.vehicle is not None:
        check_text("vehicle.registration", trip.vehicle)
    if trip.driver_name is not None:
        check_text("vehicle.driver.name", trip.driver_name)
    if trip.driver_licence_last is not None:
        check_text("vehicle.driver.licence_last", trip.driver_licence_last)
    for key in trip.unknown:
        if isinstance(key, bool) or not isinstance(key, int) or key in FIELD_NAMES:
            raise ClaimsError("", f"{key!r} cannot be an unknown body key: it is known to this software, or no integer")


_CODE_LIMIT = 1 << 16


def _number(name: str, value: object, limit: int = _CODE_LIMIT) -> None:
    if type(value) is not int or not 0 <= value < limit:
        raise ClaimsError(name, f"expected a number from 0 to {limit - 1}")


def _check_place(name: str, place: Place) -> None:
    _number(f"{name}.district", place.district)
    if place.text is not None:
        check_text(f"{name}.place", place.text)


def _pack_place(place: Place) -> object:
    return place.district if place.text is None else [place.district, pack_text(place.text)]


def _text(body: dict[int, Any], key: int) -> str:
    return _unpack(FIELD_NAMES[key], body[key])


def _place(body: dict[int, Any], key: int) -> Place:
    match body[key]:
        case int() as district:
            return Place(district)
        case [district, text]:
            return Place(district, _unpack(f"{FIELD_NAMES[key]}.place", text))
    raise ClaimsError(FIELD_NAMES[key], "expected a district, or a district and a text")


def _unpack(name: str, value: object) -> str:
    if isinstance(value, str) and value.isascii():
        return value  # ASCII text has no other form
    if not isinstance(value, str | bytes):
        raise ClaimsError(name, "expected text")
    try:
        return unpack_text(value)
    except WireError as e:
        raise ClaimsError(name, str(e)) from e
