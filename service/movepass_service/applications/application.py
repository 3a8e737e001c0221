"""Reading an application: the same for a form, the JSON API and a line of a CSV.

What becomes part of the pass is checked by the issuer's own code (movepass_issuer.read_trip), all faults at once. Here
is what comes before it (the ways in which people write dates, numbers and districts) and beside it (telephone,
language, the whole identity number, of which nothing but the last characters and a keyed hash leaves this module).
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from movepass_issuer import ApprovedPass, read_trip
from movepass_issuer.issuing.texts import check_readable
from movepass_service.applications.faults import FieldError, InvalidApplication
from movepass_service.applications.values import (
    HOURS_MAX,
    ID_LAST_CHARS,
    ascii_digits,
    comparable_id_number,
    id_number_digits,
    parse_date,
    parse_hours,
    parse_id_number,
    parse_moment,
    parse_phone,
    parse_time_of_day,
    suggest_district,
)
from movepass_service.canonical import canonical_json
from movepass_service.rules.columns import dhaka_day, week_of
from movepass_wire import ClaimsError, Trip, trip_from_json, trip_to_json
from movepass_wire.codes import DISTRICTS, ID_TYPES, REASONS
from movepass_wire.text import check_text, normalise
from movepass_wire.times import DHAKA

__all__ = ["Application", "FieldError", "InvalidApplication", "read_application", "read_applications"]

LANGUAGES = ("bn", "en")
FIELDS_MAX = 200
"""Fields of one application; a form has two dozen."""
VALUE_MAX_CHARS = 2048
"""Of one value; longer ones are refused before anything looks at them."""
_NESTING_MAX = 4
_YEAR_MAX = 9000
_OWN = ("language", "phone", "on_behalf_of")
_BEHALF = "on_behalf_of"
_REASON_OTHER = "other"
_TIMES = ("not_before", "not_after")
_OF_WAY_BACK = (*_TIMES, "hours")

ID_HASH_BYTES = 16
HashId = Callable[[int, bytes], bytes | None]
"""Hashes an identity number with the key of a week of travel (week_of); None where there is no such key any longer."""


@dataclass(frozen=True, slots=True)
class Application:
    """A trip that a person asks a pass for.

    Attributes:
        trip: what the pass shall say.
        language: of what the person is told, "bn" or "en".
        phone: +8801XXXXXXXXX, or None.
        on_behalf_of: who made it for the person, as the assistant or employer says it.
        id_hash: keyed hash of the whole identity number, and a second one where the trip reaches into the next week
            (split_hash); None where the number was not given.
        evidence: who vouches for it (rules.Evidence). This and the next are the session's to say, never the form's.
        phone_verified: whether the person has shown that the telephone is theirs.
    """

    trip: Trip
    language: str = "bn"
    phone: str | None = None
    on_behalf_of: str | None = None
    id_hash: bytes | None = None
    evidence: str = "own-word"
    phone_verified: bool = False

    @property
    def travel_day(self) -> int:
        """Return the day in Dhaka on which the trip begins (days since 1970-01-01)."""
        return dhaka_day(self.trip.not_before)

    def approved(self, request_id: str) -> ApprovedPass:
        """Return what the issuer is asked for once somebody has said yes."""
        return ApprovedPass(request_id, self.trip)

    def to_json(self) -> dict[str, Any]:
        """Write all of it but the hash of the identity number, which is kept apart."""
        document: dict[str, Any] = {
            "trip": trip_to_json(self.trip),
            "language": self.language,
            "evidence": self.evidence,
        }
        for name in ("phone", "on_behalf_of"):
            if (value := getattr(self, name)) is not None:
                document[name] = value
        return document | ({"phone_verified": True} if self.phone_verified else {})

    def canonical(self) -> str:
        """Write the same in the form in which it is kept, hashed and compared."""
        return canonical_json(self.to_json())

    @classmethod
    def from_json(cls, document: Mapping[str, Any], id_hash: bytes | None = None) -> "Application":
        """Read what to_json wrote."""
        others = {name: document[name] for name in document if name != "trip"}
        return cls(trip_from_json(document["trip"]), id_hash=id_hash, **others)

    def digest(self, key: bytes) -> bytes:
        """Return a keyed hash of the content, by which the same content is known again.

        Whether the telephone is verified does not count: a resent form may come from another session.
        """
        text = replace(self, phone_verified=False).canonical()
        return hmac.digest(key, text.encode() + b"\0" + (self.id_hash or b""), hashlib.sha256)


def weeks_of(trip: Trip) -> list[int]:
    """Return the weeks that a trip reaches: one, or two where it crosses the midnight between them."""
    return list(dict.fromkeys(week_of(dhaka_day(at)) for at in (trip.not_before, trip.not_after - 1)))


def split_hash(id_hash: bytes | None) -> tuple[bytes | None, bytes | None]:
    """Return the hash of the week in which a trip begins, and the next week's if it reaches into that."""
    if id_hash is None:
        return None, None
    return id_hash[:ID_HASH_BYTES], id_hash[ID_HASH_BYTES:] or None


def read_application(fields: Mapping[str, object], *, now: int, hash_id: HashId | None = None) -> Application:
    """Read one application.

    Args:
        fields: nested as in JSON, or flat with dotted names as a form sends them. A time is ISO 8601 with its zone, a
            date and time in Dhaka, or {"date", "time"}; `hours` may stand in place of not_after. `request_id` is
            left to whoever keeps applications.
        now: seconds since 1970 UTC.
        hash_id: hashes the whole identity number. Without it no quota can be looked up.

    Raises:
        InvalidApplication: with every fault.
    """
    document, errors = _unfolded(fields)
    document.pop("request_id", None)
    return _read(document, errors, now, hash_id)


def read_applications(
    fields: Mapping[str, object], *, now: int, hash_id: HashId | None = None
) -> tuple[Application, ...]:
    """Read a form that may be for the way out and back: `back` then has the times of the second trip.

    Raises:
        InvalidApplication: with every fault of both; those of the way back begin with "back.".
    """
    document, errors = _unfolded(fields)
    document.pop("request_id", None)
    back = document.pop("back", None)
    if not back:
        return (_read(document, errors, now, hash_id),)
    faults: list[FieldError] = []
    read = []
    for prefix, way in (("", document), ("back.", _way_back(document, back))):
        try:
            read.append(_read(way, errors if not prefix else [], now, hash_id))
        except InvalidApplication as e:
            own = [fault for fault in e.errors if not prefix or fault.field in _OF_WAY_BACK]
            faults += [replace(fault, field=prefix + fault.field) for fault in own or e.errors]
    if not faults and read[1].trip.not_before < read[0].trip.not_after:
        faults.append(FieldError("back.not_before", "before-way-out"))
    if faults:
        raise InvalidApplication(tuple(faults))
    return tuple(read)


def _way_back(document: Mapping[str, Any], times: object) -> dict[str, Any]:
    """Return the application of the second trip: places changed about, and times of its own."""
    times = times if isinstance(times, Mapping) else {"not_before": times}
    without = {key: value for key, value in document.items() if key not in ("from", "to", "hours", *_TIMES)}
    places = {new: document[old] for new, old in (("from", "to"), ("to", "from")) if old in document}
    own = {key: times[key] for key in ("hours", *_TIMES) if key in times}
    if not {"hours", "not_after"} & own.keys() and "hours" in document:
        own["hours"] = document["hours"]
    return without | places | own


def _read(document: Mapping[str, Any], errors: list[FieldError], now: int, hash_id: HashId | None) -> Application:
    trip_document = {key: value for key, value in document.items() if key not in (*_OWN, "hours", "other_reason")}
    found: dict[str, FieldError] = {error.field: error for error in errors}

    def add(error: FieldError | None) -> None:
        if error is not None:
            found.setdefault(error.field, error)

    for group in ("holder", "from", "to"):  # so that each of their fields is named as missing
        trip_document.setdefault(group, {})
    _tidy_reason(document, trip_document)
    _tidy_places(trip_document, add)
    number = _tidy_holder(trip_document, add)
    _tidy_vehicle(trip_document)
    _tidy_times(document, trip_document, now, add)
    own = _read_own(document, add)
    trip, faults = read_trip(trip_document, now=now)
    for fault in faults:
        add(FieldError(fault.field, fault.code, fault.values))
    if trip is None or found:
        raise InvalidApplication(tuple(found.values()))
    hashed = None
    if number and hash_id:
        hashed = _hashed(trip, f"{ID_TYPES.key(trip.id_type)} {number}".encode(), hash_id)
    return Application(trip, id_hash=hashed, **own)


def _hashed(trip: Trip, number: bytes, hash_id: HashId) -> bytes | None:
    """Hash a number for each week of a trip: passes on both sides of a week's border can overlap."""
    hashes = [hash_id(week, number) for week in weeks_of(trip)]
    return None if None in hashes else b"".join(filter(None, hashes))


def _unfolded(fields: Mapping[str, object]) -> tuple[dict[str, Any], list[FieldError]]:
    """Return fields nested, without those that are blank, and with the faults that stop anybody from reading on."""
    document: dict[str, Any] = {}
    errors: list[FieldError] = []
    for path, value in _leaves(fields, "", _NESTING_MAX):
        if len(errors) >= FIELDS_MAX:
            break
        if isinstance(value, str):
            if len(value) > VALUE_MAX_CHARS:
                errors.append(FieldError(path[:80], "too-long", {"length": str(len(value)), "max": "64"}))
                continue
            if not value.strip():
                continue
        if not _put(document, path.split("."), value):
            errors.append(FieldError(path[:80], "given-twice"))
    return document, errors


def _leaves(fields: Mapping[str, object], prefix: str, levels: int) -> Iterator[tuple[str, object]]:
    for count, (key, value) in enumerate(fields.items()):
        if count >= FIELDS_MAX:
            yield "", fields  # which is no field of anything, and is refused
            return
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and levels:
            yield from _leaves(value, f"{path}.", levels - 1)
        else:
            yield path, value


def _put(document: dict[str, Any], path: list[str], value: object) -> bool:
    """Put a value where its path says; tells whether nothing was there."""
    inner: Any = document
    for name in path[:-1]:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            return False
    if path[-1] in inner:
        return False
    inner[path[-1]] = value
    return True


def _tidy_reason(document: Mapping[str, Any], trip: dict[str, Any]) -> None:
    """Take a reason by its name too, or in the person's own words."""
    reason = trip.get("reason")
    if "other_reason" in document and (reason is None or reason == _REASON_OTHER):
        trip["reason"] = document["other_reason"]
    elif isinstance(reason, str) and (code := REASONS.find(reason)):
        trip["reason"] = code.key


def _tidy_places(trip: dict[str, Any], add: Callable[[FieldError | None], None]) -> None:
    for name in ("from", "to"):
        place = trip.get(name)
        if isinstance(place, str):  # "from": "dhaka"
            place = trip[name] = {"district": place}
        district = place.get("district") if isinstance(place, dict) else None
        if not isinstance(place, dict) or not isinstance(district, str):
            continue
        plain = ascii_digits(district)
        code = DISTRICTS.find(plain)
        if code is None and (likely := suggest_district(district)):
            values = {"district": likely.key, **{f"name_{lang}": likely.name(lang) for lang in LANGUAGES}}
            add(FieldError(f"{name}.district", "district-misspelt", values))
        trip[name] = {**place, "district": code.key if code else district}


def _tidy_holder(trip: dict[str, Any], add: Callable[[FieldError | None], None]) -> str | None:
    """Reduce a whole identity number to its last characters; returns the number, for the hash and nothing else."""
    holder = trip.get("holder")
    if not isinstance(holder, dict):
        return None
    trip["holder"] = holder = dict(holder)
    id_type = holder.get("id_type")
    code = ID_TYPES.find(ascii_digits(id_type)) if isinstance(id_type, str) else None
    if code:
        holder["id_type"] = code.key
    whole = holder.pop("id_number", None)
    last = holder.get("id_last")
    if isinstance(last, str):
        holder["id_last"] = last = ascii_digits(last)
        if len(last) > ID_LAST_CHARS:
            add(FieldError("holder.id_last", "id-last-too-long", {"max": str(ID_LAST_CHARS)}))
            holder["id_last"] = "0"
    if whole is None:
        return None
    key = code.key if code else ""
    try:
        number = parse_id_number(str(whole), key)
    except ValueError:
        digits = ", ".join(map(str, id_number_digits(key)))
        add(FieldError("holder.id_number", "id-number", {"digits": digits} if digits else {}))
        holder.setdefault("id_last", "0")
        return None
    if isinstance(last, str) and not number.endswith(last.upper()):
        add(FieldError("holder.id_last", "id-last-differs"))
    holder["id_last"] = number[-ID_LAST_CHARS:]
    return comparable_id_number(number, key)


def _tidy_vehicle(trip: dict[str, Any]) -> None:
    """Reduce a driver's whole licence number to its last characters; the issuer asks for no more."""
    vehicle = trip.get("vehicle")
    if not isinstance(vehicle, dict):
        return
    driver = vehicle.get("driver")
    if isinstance(driver, dict) and isinstance(driver.get("licence_last"), str):
        last = ascii_digits(driver["licence_last"])[-ID_LAST_CHARS:]
        trip["vehicle"] = {**vehicle, "driver": {**driver, "licence_last": last}}


def _tidy_times(
    document: Mapping[str, Any], trip: dict[str, Any], now: int, add: Callable[[FieldError | None], None]
) -> None:
    """Bring both times into the form that an issuer reads."""
    start = _moment(trip.get("not_before"), None)
    end = _moment(trip.get("not_after"), start)
    if start is not None and start.year > _YEAR_MAX:  # beyond which nothing can be added to it
        start = None
    if "hours" in document and "not_after" not in trip and (hours := _hours(document["hours"], add)):
        end = start + hours if start else None
        if start is None:  # the one fault is in the beginning
            add(FieldError("not_before", "no-time" if "not_before" in trip else "missing"))
            start = datetime.fromtimestamp(now, DHAKA)
            end = start + hours
    for name, moment in ((_TIMES[0], start), (_TIMES[1], end)):
        if moment is not None:
            trip[name] = moment.isoformat()


def _moment(value: object, start: datetime | None) -> datetime | None:
    """Read a time; an end without a date is on the day of the beginning, or after the midnight that follows it."""
    try:
        if isinstance(value, str):
            return parse_moment(value)
        if not isinstance(value, Mapping) or not value.keys() <= {"date", "time"}:
            return None
        clock = parse_time_of_day(str(value.get("time", "")))
        if "date" in value:
            return datetime.combine(parse_date(str(value["date"])), datetime.min.time(), DHAKA) + clock
        if start is None:
            return None
        begun = start.astimezone(DHAKA)
        same_day = datetime.combine(begun.date(), datetime.min.time(), DHAKA) + clock
        return same_day if same_day > begun else same_day + timedelta(days=1)
    except (ValueError, OverflowError):
        return None


def _hours(value: object, add: Callable[[FieldError | None], None]) -> timedelta | None:
    try:
        return parse_hours(str(value))
    except ValueError:
        add(FieldError("hours", "hours", {"max": str(HOURS_MAX)}))
    return timedelta(hours=1)


def _read_own(document: Mapping[str, Any], add: Callable[[FieldError | None], None]) -> dict[str, Any]:
    """Read what is no part of the pass."""
    own: dict[str, Any] = {}
    language = document.get("language", LANGUAGES[0])
    if language in LANGUAGES:
        own["language"] = language
    else:
        add(FieldError("language", "not-listed", {"listed": ", ".join(LANGUAGES)}))
    if "phone" in document:
        try:
            own["phone"] = parse_phone(str(document["phone"]))
        except ValueError:
            add(FieldError("phone", "phone"))
    value = document.get(_BEHALF)
    if isinstance(value, str):
        own[_BEHALF] = normalise(value)
        try:
            check_text(_BEHALF, own[_BEHALF])
            check_readable(_BEHALF, own[_BEHALF])
        except ClaimsError as e:
            add(FieldError(e.field, e.code, e.values))
    elif value is not None:
        add(FieldError(_BEHALF, "wrong-kind"))
    return own
