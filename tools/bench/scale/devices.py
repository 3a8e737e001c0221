"""The times at which devices sync: an interval with jitter, and spells without a network."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scale.assumptions import DAY, JITTER, Link


@dataclass(frozen=True, slots=True)
class Schedule:
    """One device's syncs.

    Attributes:
        link: the group it belongs to.
        syncs: when each begins that succeeds, in seconds, rising.
    """

    link: Link
    syncs: tuple[float, ...]


def schedule(link: Link, start: float, end: float, rng: random.Random) -> Schedule:
    """Draw a device's syncs between two times; what it does before the start leaves no trace but chance."""
    syncs = []
    at = start + rng.random() * link.interval
    for up, down in _spells(link, start, rng):
        while at < min(down, end):
            if at >= up:
                syncs.append(at)
            at += link.interval * rng.uniform(1 - JITTER, 1 + JITTER)
        if down >= end:
            break
    return Schedule(link, tuple(syncs))


def _spells(link: Link, start: float, rng: random.Random) -> Iterator[tuple[float, float]]:
    """Return spells with a network: from when, to when."""
    if not link.offline:
        yield start, float("inf")
        return
    online = link.spell * (1 - link.offline) / link.offline
    at = start if rng.random() >= link.offline else start + rng.expovariate(1 / link.spell)
    while True:
        down = at + rng.expovariate(1 / online)
        yield at, down
        at = down + rng.expovariate(1 / link.spell)


def draw_plans(links: Iterable[Link], *, devices: int, rng: random.Random) -> list[Schedule]:
    """Draw devices in the links' shares, each with syncs from two days before 0 until three days after."""
    kinds = [link for link in links for _ in range(max(1, round(devices * link.share)))]
    return [schedule(link, -2 * DAY, 3 * DAY, rng) for link in kinds]
