"""The contract of whatever keeps the line, and how a lane is written."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from movepass_service.admission.line import Batch, Counters, LineState, Mark
from movepass_service.errors import StoreError


@dataclass(frozen=True, slots=True)
class Use:
    """The use of a place.

    Attributes:
        client: the form that has it.
        enter_at: when that may enter, in milliseconds since 1970.
    """

    client: bytes
    enter_at: int


class LineStore(Protocol):
    """Keeps the lanes: what survives a restart, and what several processes share. `lane` names one."""

    def load(self, lane: str, *, entered: int = 0, unreserved: int = 0) -> tuple[LineState | None, Counters]:
        """Add to the counters; return where a lane stands, None before its first move, and its counters."""
        ...

    def save(self, lane: str, before: LineState | None, after: LineState) -> bool:
        """Keep where a lane stands, unless it has moved on since `before`; return whether it was kept."""
        ...

    def take(self, lane: str, now: float) -> int:
        """Return the next place; nobody else gets it, also after a restart."""
        ...

    def come(self, lane: str, number: int, use: Use) -> Use | None:
        """Note that a place is used; return the use that was noted before, or None if there was none."""
        ...

    def use_of(self, lane: str, number: int) -> Use | None:
        """Return the use of a place, None without one."""
        ...

    def came(self, lane: str, first: int, last: int) -> int:
        """Return how many of these places are used, both ends included."""
        ...

    def forget(self, lane: str, up_to: int, entered_before: int) -> None:
        """Delete uses of places up to one that entered before a time in milliseconds."""
        ...


def state_to_json(state: LineState) -> str:
    """Write where a lane stands."""
    return json.dumps(asdict(state), separators=(",", ":"))


def state_from_json(text: str) -> LineState:
    """Read where a lane stands.

    Raises:
        StoreError: it is damaged.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        document["counted"] = Counters(**document["counted"])
        document["batches"] = tuple(Batch(**batch) for batch in document["batches"])
        document["marks"] = tuple(Mark(**mark) for mark in document["marks"])
        return LineState(**document)
    except (ValueError, LookupError, TypeError) as e:
        raise StoreError("the line: its state is damaged") from e
