"""Make approved passes. Times count from one captured `now`, because TUF's expiry uses the real clock."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from movepass_issuer import ApprovedPass
from movepass_wire import Place, Trip

HOUR = 3600
DAY = 24 * HOUR
HOLDER = "Rahima Khatun"


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def request(request_id: str, now: int, /, **changes: Any) -> dict[str, Any]:
    """Write a request that begins ten minutes before `now` and lasts three hours; None takes a key out."""
    document = {
        "request_id": request_id,
        "holder": {"name": HOLDER, "id_type": "nid", "id_last": "4821"},
        "from": {"district": "dhaka", "place": "Mirpur 10"},
        "to": {"district": "gazipur"},
        "reason": "medical",
        "not_before": iso(now - 600),
        "not_after": iso(now - 600 + 3 * HOUR),
        "vehicle": {
            "registration": "DHAKA METRO GA 11-2233",
            "driver": {"name": "Abdul Karim", "licence_last": "77AB"},
        },
    } | changes
    return {key: value for key, value in document.items() if value is not None}


def approved(request_id: str, now: int, /, **changes: Any) -> ApprovedPass:
    return ApprovedPass.from_json(request(request_id, now, **changes))


def changed_in_each_field(trip: Trip) -> Iterator[tuple[str, Trip]]:
    """Yield a trip with another value in each of its fields, future fields included."""
    for name, value in trip._asdict().items():
        match value:
            case Place(district, text):
                changes: list[Any] = [Place(district + 1, text), Place(district, "elsewhere")]
            case int():  # a code, or a time, which nobody is shown the seconds of
                changes = [value + 1 if name in {"id_type", "reason"} else value + 60]
            case str() | None:
                changes = ["something else"]
            case _:
                continue  # what is unknown
        yield from ((name, trip._replace(**{name: change})) for change in changes)
