"""Measures a sync on the wire with 0, 10 and 1,000 new revocations, beside a Token Status List.

Run it with `PYTHONPATH=tools/bench:tests python tools/bench/sync_bytes.py [--large]`. It
prints a table, and exits 1 if a bar is missed. A real publisher signs, a real device syncs over HTTP from nginx (or,
where that is missing, from the tests' own server), and the server's own count of what it sent is taken: bodies, error
pages included, no headers.

The peer is the IETF's Token Status List in its shortest form: one bit for each pass, compressed by zlib at level 9,
without signature and envelope. It has no deltas, so a change costs the whole list again.
"""

import random
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scale.lists import entropy_bytes
from support.nginx import find_nginx, nginx_serving
from support.servers import serving
from support.world import World

REQUESTS_MAX, UNCHANGED_BYTES_MAX, OVERHEAD_MAX = 1, 1_000, 3_000
"""The bars: requests of a sync, bytes of an unchanged one, and of a changed one beyond the entropy of what is new."""
SMALL, LARGE = (1_000_000, 10_000), (100_000_000, 1_000_000)
"""Passes of a day, and how many of them are revoked before: 1 %."""
NEWLY = (0, 10, 1_000)

Sent = Callable[[], Sequence[int]]
"""Gives the bytes of every body that a server has sent so far."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One sync.

    Attributes:
        passes: of the day.
        revoked: of them, before.
        newly: revoked since the device's last sync.
        requests: that it made.
        sent: bytes of the answers' bodies.
        entropy: bytes that no code can go below on average, for what is new.
        peer: bytes of the Token Status List after it.
    """

    passes: int
    revoked: int
    newly: int
    requests: int
    sent: int
    entropy: float
    peer: int


def status_list(passes: int, revoked: Sequence[int]) -> int:
    """Size of a Token Status List of one bit a pass."""
    bits = bytearray(-(-passes // 8))
    for index in revoked:
        bits[index // 8] |= 1 << index % 8
    return len(zlib.compress(bits, 9))


@contextmanager
def _server(repository: Path, work: Path) -> Iterator[tuple[str, Sent]]:
    if find_nginx():
        with nginx_serving(repository, work) as nginx:
            yield nginx.url, lambda: [size for _, _, size in nginx.answers(0)]
    else:
        with serving(repository) as server:
            yield server.url, lambda: [exchange.sent for exchange in server.exchanges]


def measure(passes: int, revoked: int, *, seed: int = 1) -> Iterator[Cost]:
    """Let an authority revoke, publish and revoke again, and a device sync each time."""
    indexes = random.Random(seed).sample(range(passes), revoked + max(NEWLY))
    with tempfile.TemporaryDirectory() as folder:
        world = World.create(Path(folder))
        world.revoke_indexes(indexes[:revoked])
        world.publish()
        world.sync()
        for newly in NEWLY:
            store = Path(folder) / f"device-{newly}"
            shutil.copytree(world.store, store)
            repository = Path(folder) / f"authority-{newly}"
            shutil.copytree(world.authority.folder, repository)
            if newly:
                copy = World(type(world.authority).open(repository), store)
                copy.revoke_indexes(indexes[revoked : revoked + newly])
                copy.publish()
            with _server(repository / "repository", Path(folder) / f"server-{newly}") as (url, sent):
                result = world.sync(url, store)
                bodies = sent()
            if result.added[world.today] != newly or result.requests != len(bodies):
                raise RuntimeError(f"{result.added} new in {result.requests} requests, {len(bodies)} answered")
            bound = entropy_bytes(passes - revoked, newly)
            peer = status_list(passes, indexes[: revoked + newly])
            yield Cost(passes, revoked, newly, result.requests, sum(bodies), bound, peer)


def missed_bars(costs: Sequence[Cost]) -> list[str]:
    """Hold the costs against the bars; gives a line for each one missed."""
    missed = []
    for cost in costs:
        what = f"{cost.newly} new in {cost.revoked:,} of {cost.passes:,}"
        if cost.requests > REQUESTS_MAX:
            missed.append(f"{what}: {cost.requests} requests; at most {REQUESTS_MAX}")
        if not cost.newly and cost.sent > UNCHANGED_BYTES_MAX:
            missed.append(f"{what}: {cost.sent} bytes; at most {UNCHANGED_BYTES_MAX}")
        if cost.sent > cost.entropy + OVERHEAD_MAX and cost.newly:
            missed.append(f"{what}: {cost.sent} bytes; at most {cost.entropy + OVERHEAD_MAX:.0f}")
    return missed


def main() -> int:
    """Print the table; the exit code is 1 if a bar is missed."""
    print(f"{'passes':>12}{'revoked':>10}{'new':>7}{'requests':>10}{'bytes':>8}{'entropy':>9}{'status list':>13}")
    costs = []
    for passes, revoked in (SMALL, LARGE) if "--large" in sys.argv[1:] else (SMALL,):
        for cost in measure(passes, revoked):
            costs.append(cost)
            print(
                f"{cost.passes:>12,}{cost.revoked:>10,}{cost.newly:>7,}{cost.requests:>10}{cost.sent:>8,}"
                f"{cost.entropy:>9,.0f}{cost.peer:>13,}",
                flush=True,
            )
    missed = missed_bars(costs)
    for line in missed:
        print(f"MISSED: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
