"""Read and write the JSON form of a trip, which issuing services hand over and verifiers return.

{"holder": {"name", "id_type", "id_last"}, "from": {"district", "place"?}, "to": {...}, "reason",
"not_before", "not_after", "vehicle"?: {"registration", "driver"?: {"name", "licence_last"}}}
"""

from collections.abc import Iterable
from typing import Any

from movepass_wire.claims import Place, Trip
from movepass_wire.codes import DISTRICTS, ID_TYPES, REASONS, Table
from movepass_wire.errors import ClaimsError
from movepass_wire.text import normalise
from movepass_wire.times import iso, parse_iso


def trip_from_json(document: object) -> Trip:
    """Read a trip from JSON and normalise its text to NFC. encode_claims checks the limits.

    Raises:
        ClaimsError: a key is missing, unknown or of the wrong type, a name is in no table, or a time does not exist.
    """
    top = _keys("", document, ("holder", "from", "to", "reason", "not_before", "not_after"), ("vehicle",))
    holder = _keys("holder", top["holder"], ("name", "id_type", "id_last"))
    vehicle = _keys("vehicle", top["vehicle"], ("registration",), ("driver",)) if "vehicle" in top else {}
    driver = _keys("vehicle.driver", vehicle["driver"], ("name", "licence_last")) if "driver" in vehicle else {}
    return Trip(
        not_before=_time("not_before", top["not_before"]),
        not_after=_time("not_after", top["not_after"]),
        holder_name=_text("holder.name", holder["name"]),
        id_type=_code("holder.id_type", holder["id_type"], ID_TYPES, "one of " + ", ".join(ID_TYPES.by_key)),
        id_last=_text("holder.id_last", holder["id_last"]),
        origin=_place("from", top["from"]),
        destination=_place("to", top["to"]),
        reason=_reason(top["reason"]),
        vehicle=_text("vehicle.registration", vehicle["registration"]) if vehicle else None,
        driver_name=_text("vehicle.driver.name", driver["name"]) if driver else None,
        driver_licence_last=_text("vehicle.driver.licence_last", driver["licence_last"]) if driver else None,
    )


def trip_to_json(trip: Trip) -> dict[str, Any]:
    """Write a trip as JSON. Codes of newer tables stay numbers; unknown body keys go under "unknown"."""
    document: dict[str, Any] = {
        "holder": {"name": trip.holder_name, "id_type": ID_TYPES.key(trip.id_type), "id_last": trip.id_last},
        "from": _place_to_json(trip.origin),
        "to": _place_to_json(trip.destination),
        "reason": REASONS.key(trip.reason) if isinstance(trip.reason, int) else trip.reason,
        "not_before": iso(trip.not_before),
        "not_after": iso(trip.not_after),
    }
    vehicle: dict[str, Any] = {}
    if trip.vehicle is not None:
        vehicle["registration"] = trip.vehicle
    driver = {"name": trip.driver_name, "licence_last": trip.driver_licence_last}
    if any(driver.values()):
        vehicle["driver"] = {key: value for key, value in driver.items() if value is not None}
    if vehicle:
        document["vehicle"] = vehicle
    if trip.unknown:
        document["unknown"] = {str(key): _plain(value) for key, value in trip.unknown.items()}
    return document


def _keys(name: str, value: object, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ClaimsError(name, f"expected an object, got {_shorten(value)}", "wrong-kind")
    prefix = f"{name}." if name else ""
    allowed = [*required, *optional]
    for key in value:
        if key not in allowed:
            raise ClaimsError(f"{prefix}{key}"[:80], f"unknown key; known here: {', '.join(allowed)}", "unknown-key")
    for key in required:
        if key not in value:
            raise ClaimsError(prefix + key, "missing", "missing")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ClaimsError(name, f"expected text, got {_shorten(value)}", "wrong-kind")
    return normalise(value)


def _time(name: str, value: object) -> int:
    try:
        return parse_iso(value if isinstance(value, str) else repr(value))
    except ValueError as e:
        raise ClaimsError(name, str(e), "no-time") from e


def _code(name: str, value: object, table: Table, expected: str) -> int:
    code = table.find(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    if code is None:
        raise ClaimsError(name, f"expected {expected}, got {_shorten(value)}", "not-listed")
    return code.number


def _place(name: str, value: object) -> Place:
    place = _keys(name, value, ("district",), ("place",))
    expected = "one of the 64 districts by name or code (1 to 64, ISO 3166-2:BD)"
    district = _code(f"{name}.district", place["district"], DISTRICTS, expected)
    return Place(district, _text(f"{name}.place", place["place"]) if "place" in place else None)


def _reason(value: object) -> int | str:
    text = _text("reason", value)
    code = REASONS.by_key.get(text)
    return code.number if code else text


def _place_to_json(place: Place) -> dict[str, Any]:
    document: dict[str, Any] = {"district": DISTRICTS.key(place.district)}
    if place.text is not None:
        document["place"] = place.text
    return document


def _plain(value: object) -> object:
    """Convert a CBOR value to JSON: byte strings become hexadecimal, map keys text."""
    match value:
        case bytes():
            return value.hex()
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
    return value


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
