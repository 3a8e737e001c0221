"""April 2021 minute by minute: the 160 M hits and 401,000 applications that were reported.

Reported are totals at three times and the first hour's applications (scale.assumptions has the sources). What one
applicant fetches is measured on the real pages (handlers.Visit). All other hits are refreshes, spread evenly between
two reports; nobody reported of what, so both bounds are played: of pages that a cache keeps, and of status pages.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scale.assumptions import APPLICATIONS_A_MINUTE, APPLICATIONS_FIRST_HOUR, REPORTED

from launch.handlers import Visit

MINUTES = round(REPORTED[-1].hours * 60)
ISSUED_SHARE = REPORTED[-1].issued / REPORTED[-1].applications
_HOUR = 60


@dataclass(frozen=True, slots=True)
class Minute:
    """What came in a minute.

    Attributes:
        arrived: applications that were sent.
        entered: applications that the line let in.
        kept: hits that a cache answers: pages and assets, the first fetch of applicants.
        looks: requests for places in line, which a cache answers too.
        refreshes: hits beyond what applicants need.
    """

    arrived: float
    entered: float
    kept: float
    looks: float
    refreshes: float


def play(visit: Visit, *, capacity_per_s: float, look_s: float) -> list[Minute]:
    """Play all minutes.

    Args:
        visit: what an applicant fetches.
        capacity_per_s: applications that the line lets in; infinite without one.
        look_s: how often a page that waits in line asks.
    """
    minutes, waiting = [], 0.0
    arrivals = list(_arrivals())
    for start, end, hits in _stretches():
        some = arrivals[start:end]
        refreshes = max(0.0, hits - sum(some) * (visit.kept + visit.asked)) / len(some)
        for arrived in some:
            entered = min(waiting + arrived, capacity_per_s * 60)
            waiting += arrived - entered
            looks = waiting * 60 / look_s
            minutes.append(Minute(arrived, entered, arrived * visit.kept, looks, refreshes))
    return minutes


def peak(minutes: Sequence[Minute], what: str) -> float:
    """Return the busiest minute's number of something, in a second."""
    return float(max(getattr(minute, what) for minute in minutes)) / 60


def total(minutes: Sequence[Minute], what: str) -> float:
    """Return the number of something in all minutes."""
    return float(sum(getattr(minute, what) for minute in minutes))


def _arrivals() -> Iterator[float]:
    """Yield the applications of each minute: the first at the rate of the police, up to the first hour's count."""
    left = float(APPLICATIONS_FIRST_HOUR)
    for _ in range(_HOUR):
        now = min(left, APPLICATIONS_A_MINUTE)
        left -= now
        yield now
    for before, after in pairwise(REPORTED):
        first = _HOUR if before.hours == 0 else 0
        known = APPLICATIONS_FIRST_HOUR if before.hours == 0 else before.applications
        count = round((after.hours - before.hours) * 60) - first
        yield from [(after.applications - known) / count] * count


def _stretches() -> Iterator[tuple[int, int, int]]:
    """Yield first and last minute between two reports, and the hits in between."""
    for before, after in pairwise(REPORTED):
        yield round(before.hours * 60), round(after.hours * 60), after.hits - before.hits
