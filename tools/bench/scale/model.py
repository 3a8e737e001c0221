"""Models the cost of syncs for devices and the authority, and the time until a revocation reaches a device."""

import json
import random
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from movepass_issuer.publishing.packs import TAIL_MAX_BYTES
from movepass_issuer.publishing.publisher import listed_days
from movepass_keys.records.generations import WRITTEN_BEFORE, Generations, LastFile
from movepass_wire.limits import PACK_HOURS, PACK_RECENT_SECONDS
from movepass_wire.times import HOUR_SECONDS
from scale.assumptions import (
    CDN_BEYOND,
    CDN_REQUEST,
    CDN_TIERS,
    DAY,
    DELAYS,
    GB,
    HANDSHAKE_BYTES,
    HEAD_BYTES,
    MAX_AGE,
    PUBLISH_SECONDS,
    Delays,
)
from scale.devices import Schedule
from scale.lists import DAYS_AHEAD, Life, Version, share_of_day

_MONTH = 30
_PLACE_BYTES = 9
_DOCUMENT_BYTES, _LOG_BYTES = (_PLACE_BYTES + len(name) for name in ("metadata/100.status.json", "status/20779.log"))
"""Around a file in a pack."""
_PACK_BYTES = len("MPK1") + _DOCUMENT_BYTES
_PLAIN_BYTES = len(json.dumps(Generations(0).to_custom(), separators=(",", ":")))
Lists = Mapping[int, Version]
"""For each UTC day its log, as one publication names them."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The requests and bytes of syncs.

    Attributes:
        connections: TLS connections made.
        requests: files asked for.
        bodies: bytes of the answers' bodies, error pages not counted.
    """

    connections: float = 0
    requests: float = 0
    bodies: float = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.connections + other.connections, self.requests + other.requests, self.bodies + other.bodies)

    def __mul__(self, times: float) -> "Cost":
        return Cost(self.connections * times, self.requests * times, self.bodies * times)

    @property
    def link_bytes(self) -> float:
        """Bytes towards the device: bodies, heads and handshakes."""
        return self.bodies + self.requests * HEAD_BYTES + self.connections * HANDSHAKE_BYTES

    @property
    def usd(self) -> float:
        """A day's price on the CDN, a month being thirty such days."""
        left, month = self.link_bytes * _MONTH / GB, 0.0
        for size, price in CDN_TIERS:
            part = min(left, size)
            month, left = month + part * price, left - part
        return (month + left * CDN_BEYOND) / _MONTH + self.requests * CDN_REQUEST


@dataclass(frozen=True, slots=True)
class Documents:
    """Sizes of the signed documents, in bytes.

    Attributes:
        status: without any list.
        status_list: of one list's entry in it.
    """

    timestamp: int
    snapshot: int
    status: int
    status_list: int


def lists_of(life_of: Callable[[int], Life], published: int) -> Lists:
    """Return the logs that a publication names, each by its UTC day.

    Args:
        life_of: gives the life of a day's log.
        published: seconds since day 0 began.
    """
    return {day: life_of(day).at(published - (day - DAYS_AHEAD) * DAY) for day in listed_days(published)}


def sync_cost(documents: Documents, held: Lists | None, new: Lists, packed: Lists | None = None) -> Cost:
    """Return the cost of one sync of ours, as verifier/offer.py asks for files.

    Args:
        documents: their sizes.
        held: the lists of the publication held; None before the first sync.
        new: those of the one found.
        packed: the lists that the device's pack takes as held; None if it asks for none.
    """
    if held is not None and packed is not None:
        return _packed_cost(documents, held, new, packed)
    cost = Cost(1, 2, documents.timestamp)  # the root that comes next, which is not there, and the timestamp
    if held == new:
        return cost
    cost += Cost(0, 2, documents.snapshot + _status_bytes(documents, new))
    for day, version in new.items():
        cost += _log_cost((held or {}).get(day), version)
    return cost


def _packed_cost(documents: Documents, held: Lists, new: Lists, packed: Lists) -> Cost:
    """Return the cost of a sync with a pack; logs that are too long for it are fetched as without one."""
    cost = Cost(1, 1, _PACK_BYTES + documents.timestamp)
    if packed == new:
        return cost
    cost += Cost(0, 0, 2 * _DOCUMENT_BYTES + documents.snapshot + _status_bytes(documents, new))
    for day, version in new.items():
        rest = _log_cost(packed.get(day), version).bodies
        if 0 < rest <= TAIL_MAX_BYTES:
            cost += Cost(0, 0, _LOG_BYTES + rest)
        elif rest:
            cost += _log_cost(held.get(day), version)
    return cost


def _log_cost(held: Version | None, new: Version) -> Cost:
    """Return the cost of a log that is fetched by itself. A device rewrites what it holds where that is less."""
    if held == new:
        return Cost()
    if held is not None:
        steps, rest = new.generation - held.generation, new.appended - held.appended
        if 0 <= steps <= WRITTEN_BEFORE and (not steps or rest < new.size):
            return Cost(0, 1 + steps, rest)
    return Cost(0, 1, new.size)


def _status_bytes(documents: Documents, lists: Lists) -> int:
    """Return the size of the status document, with what each list's entry says of the generations before."""
    before = sum(_said_bytes(min(version.generation, WRITTEN_BEFORE), version.size) for version in lists.values())
    return documents.status + documents.status_list * len(lists) + before


@cache
def _said_bytes(generations: int, size: int) -> int:
    last = LastFile(size, "0" * 64, size)
    said = Generations(0, size if generations else 0, (last,) * generations)
    return len(json.dumps(said.to_custom(), separators=(",", ":"))) - _PLAIN_BYTES


def found_at(syncs: Sequence[float], every: int, delays: Delays, rng: random.Random) -> list[int]:
    """Return the time of the publication that each sync finds, through a CDN that may serve an older timestamp."""
    found, newest = [], -1 << 40
    for sync in syncs:
        newest = max(newest, int((sync - delays.publishing - rng.random() * delays.cache) // every) * every)
        found.append(newest)
    return found


def day_cost(
    syncs: Sequence[float],
    found: Sequence[int],
    look: Callable[[int], Lists],
    price: Callable[[Lists | None, Lists, Lists | None], Cost],
) -> Cost:
    """Add up a device's syncs from 0 to DAY; those before bring it to the state it starts the day in.

    Args:
        syncs: when it syncs.
        found: the time of the publication that each of them finds.
        look: gives the lists of a publication by its time.
        price: gives the cost of a sync from the lists held, those found, and those that its pack takes as held.
    """
    total, held, before = Cost(), None, 0
    for sync, published in zip(syncs, found, strict=True):
        new = look(published)
        if 0 < sync < DAY:
            total += price(held, new, None if held is None else _packed(sync, before, look))
        held, before = new, published
    return total


def _packed(sync: float, held: int, look: Callable[[int], Lists]) -> Lists | None:
    """Return the lists that the pack of a device with a publication of this time takes as held."""
    if sync - held <= PACK_RECENT_SECONDS:
        return look(held)
    if sync // HOUR_SECONDS - held // HOUR_SECONDS <= PACK_HOURS:
        return look(held // HOUR_SECONDS * HOUR_SECONDS)
    return None


@dataclass(frozen=True, slots=True)
class Reach:
    """The waits until revocations reach devices.

    Attributes:
        waits: seconds from a revocation until a device refuses, sorted.
        stale: share of the time in which a device has only lists too old to accept anything on.
    """

    waits: tuple[float, ...]
    stale: float

    def quantile(self, share: float) -> float:
        """Return the wait that this share of devices and revocations does not exceed."""
        return self.waits[min(int(share * len(self.waits)), len(self.waits) - 1)]


def reach(
    plans: Sequence[Schedule],
    *,
    rng: random.Random,
    every: int = PUBLISH_SECONDS,
    delays: Delays = DELAYS,
    revocations: int = 40,
) -> Reach:
    """Draw revocations on the day from 0 to DAY, and see when each device would refuse the pass.

    A device refuses as soon as it has a publication with the revocation in it, or has nothing younger than MAX_AGE.
    """
    waits, stale = [], 0.0
    for plan in plans:
        found = found_at(plan.syncs, every, delays, rng)
        stale += _stale(plan.syncs, found)
        for _ in range(revocations):
            revoked = _revocation(rng)
            waits.append(refused_at(revoked, plan.syncs, found, every) + delays.sync - revoked)
    return Reach(tuple(sorted(waits)), stale / len(plans))


def _revocation(rng: random.Random) -> float:
    """Draw a time of the day, as dense as revocations are."""
    while True:
        at = rng.random() * DAY
        if rng.random() * 0.1 < share_of_day(at, at + 3600):
            return at


def refused_at(revoked: float, syncs: Sequence[float], found: Sequence[int], every: int) -> float:
    """Return when a device begins the sync after which it refuses a pass, or has lists too old to accept anything.

    Args:
        revoked: when the pass was revoked.
        syncs: when it syncs.
        found: the time of the publication that each of them finds.
        every: seconds between publications.
    """
    at = bisect_left(found, -(-revoked // every) * every)
    informed = syncs[at] if at < len(syncs) else float("inf")
    held = found[at - 1] if at else -MAX_AGE
    return min(informed, max(held + MAX_AGE, revoked))


def _stale(syncs: Sequence[float], found: Sequence[int]) -> float:
    """Return the share of the day from 0 to DAY in which the lists held are older than MAX_AGE."""
    lost = 0.0
    for published, until in zip(found, [*syncs[1:], float(DAY)], strict=True):
        lost += max(0.0, min(until, DAY) - max(published + MAX_AGE, 0.0))
    return lost / DAY


def mean_cost(costs: Sequence[Cost]) -> Cost:
    """Return the mean of some devices' costs."""
    return sum(costs, Cost()) * (1 / len(costs))
