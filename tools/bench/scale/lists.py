"""How large a day's log is after each publication of its life: with the real codec and the publisher's rule."""

import math
import random
import zlib
from bisect import bisect
from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate

from movepass_issuer.revoking.compaction import COMPACT_ABOVE, is_due
from movepass_wire import encode_block, new_log
from movepass_wire.statuslog import HEADER_BYTES
from scale.assumptions import (
    DAY,
    DHAKA_AHEAD,
    ENVELOPE_BYTES,
    HOUR,
    HOURLY_WEIGHTS,
    PUBLISH_SECONDS,
    REVOKED_DAYS_BEFORE,
)

DAYS_AHEAD = max(REVOKED_DAYS_BEFORE)
LIFE_SECONDS = (DAYS_AHEAD + 1) * DAY
"""From the first revocation that a log may hold to the end of its day."""
_BY_HOUR = [0.0, *accumulate(weight / sum(HOURLY_WEIGHTS) for weight in HOURLY_WEIGHTS)]
_SAMPLE_BITS = 8_000_000
_SAMPLE_SHARES = (1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 2e-2, 5e-2)


def share_of_day(start: float, end: float) -> float:
    """Give the share of a day's checks or revocations between two times, in seconds since 00:00 UTC of some day."""
    return _until(end) - _until(start)


def _until(seconds: float) -> float:
    days, within = divmod(seconds + DHAKA_AHEAD, DAY)
    hour, rest = divmod(within, HOUR)
    return days + _BY_HOUR[int(hour)] + (_BY_HOUR[int(hour) + 1] - _BY_HOUR[int(hour)]) * rest / HOUR


def revoked_by(age: float) -> float:
    """Give the share of a day's revocations that have come when its log's life is so many seconds old."""
    total = 0.0
    for before, share in REVOKED_DAYS_BEFORE.items():
        start = (DAYS_AHEAD - before) * DAY
        total += share * share_of_day(start, min(max(age, start), start + DAY))
    return total


@dataclass(frozen=True, slots=True)
class Version:
    """A log as a publication names it.

    Attributes:
        size: bytes.
        generation: rises when the log is rewritten.
        count: revoked indexes in it.
        appended: bytes of all blocks as they were first published: what a device downloads that rewrites by itself.
    """

    size: int = HEADER_BYTES
    generation: int = 0
    count: int = 0
    appended: int = HEADER_BYTES


@dataclass(frozen=True, slots=True)
class Life:
    """One log from the first publication that may change it to the one after its day.

    Attributes:
        passes: that end on its day.
        every: seconds between publications.
        versions: the log after each publication; the first is empty.
        kept: whole logs, of the publications asked for, as of day 0.
    """

    passes: int
    every: int
    versions: tuple[Version, ...]
    kept: dict[int, bytes]

    def at(self, age: float) -> Version:
        """Give the version in force at an age in seconds, published up to then."""
        return self.versions[min(max(int(age // self.every), 0), len(self.versions) - 1)]


def live(
    passes: int,
    share: float,
    *,
    begins: int = 0,
    above: float = COMPACT_ABOVE,
    keep: Collection[int] = (),
    seed: int = 1,
) -> Life:
    """Play a log's life, with a publication every PUBLISH_SECONDS.

    Args:
        passes: that end on its day.
        share: of them that are revoked in the end, evenly among the indexes.
        begins: the log's age in seconds at the first publication; all that was revoked before comes with it.
        above: when a log is rewritten, in terms of the publisher's rule; never if infinite.
        keep: publications to keep the whole log of.
        seed: of the random numbers.
    """
    drawn = random.Random(seed).sample(range(passes), round(passes * share))
    versions, kept, blocks = [Version()], {}, [new_log(0)]
    held = top = generation = 0
    size = appended = HEADER_BYTES
    for publication in range(1, LIFE_SECONDS // PUBLISH_SECONDS + 1):
        age = publication * PUBLISH_SECONDS
        count = round(len(drawn) * revoked_by(age)) if age >= begins else 0
        if count > held:
            new, before, held = drawn[held:count], held, count
            top = max(top, *new)
            blocks.append(encode_block(new))
            size += len(blocks[-1])
            appended += len(blocks[-1])
            if before and is_due(size, held, top + 1, above=above):
                generation += 1
                blocks = [new_log(0, generation), encode_block(drawn[:before]), blocks[-1]]
                size = sum(map(len, blocks))
        versions.append(Version(size, generation, held, appended))
        if publication in keep:
            kept[publication] = b"".join(blocks)
    return Life(passes, PUBLISH_SECONDS, tuple(versions), kept)


def daily_life(passes: int, share: float) -> Life:
    """Play the life of a log that is published once a day, at 00:00 UTC, each time as one block."""
    total = round(passes * share)
    counts = [round(total * revoked_by(day * DAY)) for day in range(DAYS_AHEAD + 2)]
    versions = [Version(one_block_bytes(passes, count), at, count) for at, count in enumerate(counts)]
    return Life(passes, DAY, tuple(versions), {})


def one_block_bytes(passes: int, count: int, seed: int = 2) -> int:
    """Measure a log of one block."""
    return HEADER_BYTES + (len(encode_block(random.Random(seed).sample(range(passes), count))) if count else 0)


def entropy_bytes(passes: int, count: int) -> float:
    """Give the bytes that no code can go below on average: log2 of the ways to choose the revoked ones."""
    ways = math.lgamma(passes + 1) - math.lgamma(count + 1) - math.lgamma(passes - count + 1)
    return ways / math.log(2) / 8


class TokenStatusList:
    """Size of the IETF's list: a bit for each index, zlib at level 9 (draft-ietf-oauth-status-list).

    Measured on some bits at some shares of revoked; between them, and for more bits, in proportion.
    """

    def __init__(self, bits: int = _SAMPLE_BITS) -> None:
        """Measure."""
        rng = random.Random(3)
        self._shares = [0.0, *_SAMPLE_SHARES]
        self._densities = [zipped_bytes(bits, share, rng) / bits for share in self._shares]

    def size(self, passes: int, count: int) -> int:
        """Give the bytes of a list, in the smaller of its two forms."""
        share = count / passes
        right = min(max(bisect(self._shares, share), 1), len(self._shares) - 1)
        (x0, x1), (y0, y1) = self._shares[right - 1 : right + 1], self._densities[right - 1 : right + 1]
        return ENVELOPE_BYTES + round(passes * (y0 + (y1 - y0) * (share - x0) / (x1 - x0)))


def zipped_bytes(bits: int, share: float, rng: random.Random) -> int:
    """Measure a zipped bitmap with this share of its bits set."""
    bitmap = bytearray(bits // 8)
    for index in rng.sample(range(bits), round(bits * share)):
        bitmap[index >> 3] |= 1 << (index & 7)
    return len(zlib.compress(bytes(bitmap), 9))
