"""The load of April 2021 as the press reported it, replayed minute by minute."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from scale.assumptions import (
    APPLICATIONS_A_MINUTE,
    DHAKA_AHEAD,
    HOUR,
    LAUNCH_HOUR,
    MINUTE,
    REPORTED,
    Reported,
)
from scale.lists import share_of_day
from scale.peers import CHECKS_A_DAY

MINUTES = round(REPORTED[-1].hours * 60)


def per_minute(minute: int, total: Callable[[Reported], int]) -> float:
    """Return the mean rate between the two reports around a minute since the launch."""
    before, after = next(pair for pair in pairwise(REPORTED) if minute < pair[1].hours * 60)
    return (total(after) - total(before)) / (after.hours - before.hours) / 60


def hits(minute: int) -> float:
    """Return the hits on the site in a minute."""
    return per_minute(minute, lambda reported: reported.hits)


def checks(minute: int) -> float:
    """Return the checks in a minute, if the country's officers made them as we assume."""
    start = LAUNCH_HOUR * HOUR - DHAKA_AHEAD + minute * MINUTE
    return CHECKS_A_DAY * share_of_day(start, start + MINUTE)


def unanswered(capacity: float) -> float:
    """Return the share of checks that a site leaves unanswered which serves hits and checks alike.

    Args:
        capacity: requests that it answers in a minute; of more, each has the same chance.
    """
    asked = lost = 0.0
    for minute in range(MINUTES):
        offered = hits(minute) + checks(minute)
        asked += checks(minute)
        lost += checks(minute) * max(0.0, 1 - capacity / offered)
    return lost / asked


@dataclass(frozen=True, slots=True)
class Backlog:
    """An issuer under load.

    Attributes:
        passes: most that waited at a time.
        seconds: longest wait of one.
        busy: share of the first hour in which it worked.
    """

    passes: float
    seconds: float
    busy: float


def issue(rate: float) -> Backlog:
    """Let one issuer sign every application as if approved at once, the first hour at the rate the police gave.

    Args:
        rate: passes that it issues in a second.
    """
    waiting = most = 0.0
    for arrived in _applications():
        waiting = max(0.0, waiting + arrived - rate * MINUTE)
        most = max(most, waiting)
    return Backlog(most, most / rate, min(1.0, APPLICATIONS_A_MINUTE / (rate * MINUTE)))


def _applications() -> Iterator[float]:
    for minute in range(MINUTES):
        yield APPLICATIONS_A_MINUTE if minute < 60 else per_minute(minute, lambda reported: reported.applications)
