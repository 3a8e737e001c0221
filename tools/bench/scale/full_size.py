"""One device with lists of full size: what its first sync and the next take in time, memory and disk."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.processes import environment
from support.repositories import publish_by_hand
from support.servers import serving
from support.world import World

from scale.assumptions import DAY, HOUR, MINUTE, PUBLISH_SECONDS
from scale.lists import DAYS_AHEAD, LIFE_SECONDS, Life
from scale.sample import scratch

_MOST_HELD = 5 * HOUR + 50 * MINUTE
"""Of the day: just before yesterday's log goes, a device holds the most."""
_DEVICE = Path(__file__).with_name("one_device.py")


@dataclass(frozen=True, slots=True)
class Sync:
    """The cost of a sync.

    Attributes:
        seconds: of the whole.
        peak_mb: of the process's memory, the interpreter and its modules included.
        disk_mb: of the store afterwards.
        received: bytes of bodies.
        revoked: indexes held afterwards.
    """

    seconds: float
    peak_mb: float
    disk_mb: float
    received: int
    revoked: int


def publications() -> list[dict[int, int]]:
    """Give, for two publications after each other, which of a log's publications each day's log is at."""
    last = LIFE_SECONDS // PUBLISH_SECONDS
    return [
        {day: min((published - (day - DAYS_AHEAD) * DAY) // PUBLISH_SECONDS, last) for day in range(-1, DAYS_AHEAD + 1)}
        for published in (_MOST_HELD, _MOST_HELD + PUBLISH_SECONDS)
    ]


def measure(life: Life) -> tuple[Sync, Sync]:
    """Measure a device's first sync, and the one after the next publication."""
    with scratch() as folder:
        world = World.create(folder)
        store = folder / "full"
        with serving(world.repository) as server:
            world.enroll(store, server.url)
            taken = []
            for state in publications():
                logs = {
                    f"status/{world.today + day}.log": _of_day(life.kept[at], world.today + day)
                    for day, at in state.items()
                }
                publish_by_hand(world, logs)
                world = World(world.authority, world.store, world.now + PUBLISH_SECONDS)
                taken.append(sync_in_a_process(store, world.now))
    return taken[0], taken[1]


def _of_day(log: bytes, day: int) -> bytes:
    return log[:4] + day.to_bytes(2, "big") + log[6:]


def sync_in_a_process(store: Path, now: int) -> Sync:
    """Measure a device's sync in a process of its own."""
    command = [sys.executable, str(_DEVICE), str(store), str(now)]
    told = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, env=environment())
    disk = sum(file.stat().st_size for file in store.iterdir())
    return Sync(disk_mb=disk / 1e6, **json.loads(told.stdout))
