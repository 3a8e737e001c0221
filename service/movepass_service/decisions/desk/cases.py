"""The queue: what waits for an officer, how urgent it is, and which of it a filter shows. Pure: no store, no clock."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from movepass_service.applications.application import Application
from movepass_service.applications.states import State
from movepass_service.rules.columns import OTHER_REASON
from movepass_service.stores.kept import Kept
from movepass_wire import WireError
from movepass_wire.codes import DISTRICTS, REASONS

ALERT_SECONDS = 3600
"""After which an urgent case raises an alert."""
UNREADABLE = "unreadable"
"""The reason of a case whose content can't be read."""


@dataclass(frozen=True, slots=True)
class Case:
    """An application that waits for an officer, as a line of the queue.

    Attributes:
        kept: as the store keeps it.
        application: its content; None where that is damaged.
        reason: of the trip: a key of the reasons' table, "other", or "unreadable".
        from_district: key of the district of departure; "" where it can't be read.
        to_district: key of the district of arrival.
        row: the id of the rules' row that referred it; "" where none did.
        is_appeal: whether its applicant asked for another officer.
    """

    kept: Kept
    application: Application | None
    reason: str
    from_district: str
    to_district: str
    row: str
    is_appeal: bool

    @property
    def reference(self) -> str:
        """Return the application's reference."""
        return self.kept.reference

    def age(self, now: int) -> int:
        """Return for how many seconds it has waited for an officer."""
        return max(0, now - self.kept.since)

    def is_late(self, now: int) -> bool:
        """Return whether it is urgent and has waited so long that somebody must be told."""
        return self.kept.is_urgent and self.age(now) > ALERT_SECONDS


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of the queue; None and 0 leave a filter out.

    Attributes:
        reason: of the trip.
        district: of departure or arrival.
        row: of the rules.
        min_age_s: at least so old.
        appeals: only appeals, or none of them.
        urgent: only urgent ones, or none of them.
    """

    reason: str | None = None
    district: str | None = None
    row: str | None = None
    min_age_s: int = 0
    appeals: bool | None = None
    urgent: bool | None = None

    def accepts(self, case: Case, now: int) -> bool:
        """Return whether a case is shown."""
        return (
            self.reason in (None, case.reason)
            and self.district in (None, case.from_district, case.to_district)
            and self.row in (None, case.row)
            and case.age(now) >= self.min_age_s
            and self.appeals in (None, case.is_appeal)
            and self.urgent in (None, case.kept.is_urgent)
        )


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A case as an officer sees it in the queue.

    Attributes:
        age_s: for how long it has waited.
        is_late: whether it is urgent and past ALERT_SECONDS.
        leased_by: the officer who has it open; "" where nobody has.
        waits_for: "" for a decision, "second-officer", or "window" for the end of an undo window.
        conflict: why this officer may not decide it: "own", "decided-before", or "".
    """

    case: Case
    age_s: int
    is_late: bool
    leased_by: str
    waits_for: str
    conflict: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """A page of the queue.

    Attributes:
        lines: most urgent first.
        total: how many cases the filters accept.
        offset: of the first line among them.
        waiting: how many cases wait in all.
        late: how many of all are past the alert.
        by_reason: counts of all cases by reason of the trip, for a filter; the same for the others.
        is_cut: whether so many cases were read as are read at most, so that there may be more.
    """

    lines: tuple[QueueLine, ...]
    total: int
    offset: int
    waiting: int
    late: int
    by_reason: Mapping[str, int]
    by_district: Mapping[str, int]
    by_row: Mapping[str, int]
    appeals: int
    is_cut: bool


def read_case(kept: Kept) -> Case:
    """Read a case; damaged content must hide no other case."""
    try:
        application = kept.application()
    except (WireError, ValueError, LookupError, TypeError):
        return Case(kept, None, UNREADABLE, "", "", kept.row or "", kept.state == State.APPEALED)
    trip = application.trip
    return Case(
        kept,
        application,
        str(REASONS.key(trip.reason)) if isinstance(trip.reason, int) else OTHER_REASON,
        str(DISTRICTS.key(trip.origin.district)),
        str(DISTRICTS.key(trip.destination.district)),
        kept.row or "",
        kept.state == State.APPEALED,
    )


def count_by(cases: Iterable[Case], values: Callable[[Case], Sequence[str]]) -> dict[str, int]:
    """Count cases by the values that each has, the most frequent first."""
    return dict(Counter(value for case in cases for value in dict.fromkeys(values(case)) if value).most_common())
