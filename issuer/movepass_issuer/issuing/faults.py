"""Finds all faults of a trip at once, for a person who fills in a form; an issuer stops at the first.

Each rule stands in one place, in movepass_wire or approved.py, and raises at the first fault. So each fault is replaced
by a harmless value in a copy, and the copy is checked again.
"""

from collections.abc import Mapping
from typing import Any

from movepass_issuer.issuing.approved import check_timely, checked_claims
from movepass_wire import ClaimsError, Trip, trip_from_json
from movepass_wire.times import iso, parse_iso

FAULTS_MAX = 30
"""More than a trip has fields; a document may have any number of unknown keys."""
_LEVELS = 3
_HOUR = 3600
_TIMES = ("not_before", "not_after")
_PLACE = {"district": 1}
_HARMLESS: Mapping[str, Any] = {
    "holder": {"name": "A", "id_type": 1, "id_last": "A"},
    "holder.name": "A",
    "holder.id_type": 1,
    "holder.id_last": "A",
    "from": _PLACE,
    "from.district": 1,
    "from.place": "A",
    "to": _PLACE,
    "to.district": 1,
    "to.place": "A",
    "reason": "A",
    "vehicle": {"registration": "A"},
    "vehicle.registration": "A",
    "vehicle.driver": {"name": "A", "licence_last": "A"},
    "vehicle.driver.name": "A",
    "vehicle.driver.licence_last": "A",
}

_KNOWN = frozenset((*_HARMLESS, *_TIMES))


def read_trip(document: Mapping[str, Any], *, now: int) -> tuple[Trip | None, tuple[ClaimsError, ...]]:
    """Read a trip that could be issued at a time.

    Args:
        document: the approved pass's keys without request_id.
        now: seconds since 1970 UTC.

    Returns:
        The trip and no fault, or no trip and every fault: one for each field, in the order of the rules.
    """
    try:
        return _read(document, now), ()
    except ClaimsError as e:
        first = e
    faults = {first.field: first}
    mended = _copied(document, _LEVELS)
    fault: ClaimsError | None = first
    while fault is not None and len(faults) < FAULTS_MAX and _mend(mended, fault, now):
        try:
            _read(mended, now)
            fault = None
        except ClaimsError as e:
            fault = e
            faults.setdefault(e.field, e)
    return None, tuple(faults.values())


def _read(document: Mapping[str, Any], now: int) -> Trip:
    trip = trip_from_json(document)
    checked_claims(trip)
    check_timely(trip, now)
    return trip


def _copied(value: Any, levels: int) -> Any:
    """Copy as many levels of objects as a trip has; deeper levels are shared."""
    if levels and isinstance(value, Mapping):
        return {key: _copied(inner, levels - 1) for key, inner in value.items()}
    return value


def _mend(document: Any, fault: ClaimsError, now: int) -> bool:
    """Replace a faulty value by a harmless one, and return whether that was possible."""
    if fault.field in _TIMES:
        _mend_times(document, fault, now)
        return True
    if fault.code == "unknown-key":
        return _drop(document, fault.field)
    path, _, key = fault.field.rpartition(".")
    inner = document
    for name in filter(None, path.split(".")):
        inner = inner[name]
    if fault.field not in _HARMLESS:
        return False
    inner[key] = _copied(_HARMLESS[fault.field], _LEVELS)
    return True


def _drop(document: dict[str, Any], field: str) -> bool:
    """Delete the unknown key that a fault names; the name may be cut short and may contain dots."""
    for path in ("", "holder", "from", "to", "vehicle", "vehicle.driver"):
        inner: Any = document
        for name in filter(None, path.split(".")):
            inner = inner.get(name) if isinstance(inner, dict) else None
        for key in inner if isinstance(inner, dict) else ():
            if f"{path}.{key}".removeprefix(".")[:80] == field and field not in _KNOWN:
                del inner[key]
                return True
    return False


def _mend_times(document: dict[str, Any], fault: ClaimsError, now: int) -> None:
    """Replace a time that can't be read by one that fits the other, or both if their relation is at fault."""
    if fault.code in ("no-time", "missing"):
        other = _TIMES[fault.field == _TIMES[0]]
        step = -_HOUR if fault.field == _TIMES[0] else _HOUR
        try:
            document[fault.field] = iso(parse_iso(str(document.get(other))) + step)
        except ValueError:
            document[fault.field] = iso(now + (0 if step < 0 else _HOUR))
    else:
        document.update({_TIMES[0]: iso(now), _TIMES[1]: iso(now + _HOUR)})
