"""A day's revocation list: its size beside the entropy and other formats, and what a device pays to read it.

Run it with `PYTHONPATH=tools/bench:tests python tools/bench/lists.py`. It prints tables and exits 1 if a bar
is missed. Indexes are drawn at random, which is the worst for every format here. The peers:

    zipped bitmap    the IETF's Token Status List: a bit for each index, zlib at level 9, without its envelope
    roaring          pyroaring's portable form, run-optimised
    zipped roaring   the same, zlib at level 9

What is timed depends on the machine; the bars leave room.
"""

import random
import sys
import time
import zlib
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from pyroaring import BitMap
from scale.full_size import Sync, sync_in_a_process
from scale.lists import entropy_bytes
from support.repositories import publish_by_hand
from support.world import World

from movepass_verifier.store.store import Store
from movepass_wire import encode_block, new_log, read_log

SHARE = 0.01
PASSES = (1_000_000, 100_000_000)
DAYS = 5

ENTROPY_RATIO_MAX = 1.02
DECODE_SECONDS_MAX = 1.5
MEMORY_LOOKUP_MICROSECONDS_MAX = 1.0
STORE_LOOKUP_MICROSECONDS_MAX = 25.0
PEAK_MB_MAX = 150
_LOOKUPS = 20_000
_BATCHES = 20
OURS = "status log"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Size:
    """One format's bytes for a list of so many passes, SHARE of them revoked."""

    passes: int
    form: str
    size: int

    @property
    def ratio(self) -> float:
        """The ratio to the entropy."""
        return self.size / entropy_bytes(self.passes, round(self.passes * SHARE))


@dataclass(frozen=True, slots=True)
class Timing:
    """Something that a device does, with its bar, in the same unit."""

    what: str
    value: float
    unit: str
    most: float


def draw(passes: int, seed: int = 1) -> list[int]:
    """Draw the revoked ones."""
    return random.Random(seed).sample(range(passes), round(passes * SHARE))


def forms(indexes: Sequence[int], passes: int) -> dict[str, bytes]:
    """Write the same list in each format."""
    bits = bytearray(-(-passes // 8))
    for index in indexes:
        bits[index >> 3] |= 1 << (index & 7)
    roaring = BitMap(indexes)
    roaring.run_optimize()
    return {
        OURS: new_log(0) + encode_block(indexes),
        "zipped bitmap": zlib.compress(bytes(bits), 9),
        "roaring": roaring.serialize(),
        "zipped roaring": zlib.compress(roaring.serialize(), 9),
    }


def sizes(passes: int) -> list[Size]:
    """Measure a list of so many passes in each format."""
    return [Size(passes, form, len(data)) for form, data in forms(draw(passes), passes).items()]


def timings(folder: Path) -> list[Timing]:
    """Let a device read five full lists, in a process of its own, and look passes up."""
    indexes = draw(PASSES[-1])
    log = new_log(0) + encode_block(indexes)
    bitmap, decode = _timed(lambda: read_log(log).revoked)
    asked = [*indexes[: _LOOKUPS // 2], *random.Random(2).sample(range(PASSES[-1]), _LOOKUPS // 2)]
    random.Random(3).shuffle(asked)
    taken, world = five_days(folder)
    with Store(world.store).reading() as state:
        within = lookup_microseconds(state.lists.days[world.today], asked)
    return [
        Timing("decoding 1 M of 100 M", decode, "s", DECODE_SECONDS_MAX),
        Timing("lookup in memory", lookup_microseconds(bitmap, asked), "us", MEMORY_LOOKUP_MICROSECONDS_MAX),
        Timing("lookup through the store", within, "us", STORE_LOOKUP_MICROSECONDS_MAX),
        Timing("  with a transaction of its own", _alone(world, asked), "us", STORE_LOOKUP_MICROSECONDS_MAX),
        Timing(f"memory of a first sync of {DAYS} such days", taken.peak_mb, "MB", PEAK_MB_MAX),
        Timing("  its time", taken.seconds, "s", float("inf")),
        Timing("  the store afterwards", taken.disk_mb, "MB", float("inf")),
    ]


def five_days(folder: Path) -> tuple[Sync, World]:
    """Publish DAYS full lists, and let a device sync them from a folder."""
    world = World.create(folder)
    days = range(world.today, world.today + DAYS)
    logs = {f"status/{day}.log": new_log(day) + encode_block(draw(PASSES[-1], seed=day)) for day in days}
    publish_by_hand(world, logs)
    return sync_in_a_process(world.store, world.now), world


def lookup_microseconds(revoked: Container[int], asked: Sequence[int]) -> float:
    """Time lookups one by one, the loop included."""

    def look_up(indexes: Sequence[int]) -> None:
        for index in indexes:
            index in revoked  # noqa: B015 - that is what is timed

    return _fastest(look_up, asked)


def _alone(world: World, asked: Sequence[int]) -> float:
    """Time lookups as scans come: each reads the state in a transaction of its own."""
    store = Store(world.store)

    def look_up(indexes: Sequence[int]) -> None:
        for index in indexes:
            with store.reading() as state:
                index in state.lists.days[world.today]  # noqa: B015 - that is what is timed

    return _fastest(look_up, asked)


def _fastest(look_up: Callable[[Sequence[int]], None], asked: Sequence[int]) -> float:
    """Return microseconds a lookup, in the batch that others on the machine disturbed least."""
    size = -(-len(asked) // _BATCHES)
    batches = [asked[at : at + size] for at in range(0, len(asked), size)]
    return min(_timed(partial(look_up, batch))[1] / len(batch) for batch in batches) * 1e6


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    return call(), time.perf_counter() - began


def missed_bars(table: Sequence[Size], measured: Sequence[Timing]) -> list[str]:
    """Hold the figures against the bars; gives a line for each one missed."""
    ours = {size.passes: size for size in table if size.form == OURS}
    missed = [
        f"a list of {size.passes} passes is {size.ratio:.3f} times the entropy; at most {ENTROPY_RATIO_MAX}"
        for size in ours.values()
        if size.ratio > ENTROPY_RATIO_MAX
    ]
    missed += [
        f"a list of {size.passes} passes is no smaller than {size.form}'s {size.size} bytes"
        for size in table
        if size.form != OURS and size.size <= ours[size.passes].size
    ]
    return missed + [
        f"{timing.what.strip()} takes {timing.value:.2f} {timing.unit}; at most {timing.most}"
        for timing in measured
        if timing.value > timing.most
    ]


def main() -> int:
    """Print the tables; the exit code is 1 if a bar is missed."""
    table = [size for passes in PASSES for size in sizes(passes)]
    print(f"{'passes, 1 % revoked':<22}{'format':<16}{'bytes':>12}{'times the entropy':>20}")
    for size in table:
        print(f"{size.passes:<22,}{size.form:<16}{size.size:>12,}{size.ratio:>20.3f}")
    with TemporaryDirectory() as folder:
        measured = timings(Path(folder))
    print()
    for timing in measured:
        print(f"{timing.what:<40}{timing.value:>10.2f} {timing.unit}")
    missed = missed_bars(table, measured)
    for line in missed:
        print(f"MISSED: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
