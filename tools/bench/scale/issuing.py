"""Measures how fast one issuer signs passes: with the real ledger, a key in a file, in one process."""

import time

from support.passes import approved
from support.world import World

from movepass_issuer import SignedPass
from scale.sample import scratch

_PASSES = 3000


def passes_a_second() -> float:
    """Measure the rate of a batch."""
    with scratch() as folder:
        world = World.create(folder)
        requests = [approved(f"R-{number}", world.now) for number in range(_PASSES)]
        with world.authority.issuer() as issuer:
            began = time.perf_counter()
            made = issuer.issue_many(requests)
            seconds = time.perf_counter() - began
    return sum(isinstance(one, SignedPass) for one in made) / seconds
