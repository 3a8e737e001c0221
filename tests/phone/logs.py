"""Mutated status logs: read or refused, and if read, which indexes."""

import hashlib
from collections.abc import Iterator
from typing import Any

from movepass_wire import LogError, encode_block, new_log, read_log
from movepass_wire.limits import INDEX_LIMIT
from phone.mutate import Mutator

Message = dict[str, Any]
DAY = 20779


def cases(mutator: Mutator) -> Iterator[tuple[Message, Message]]:
    """Make logs without end."""
    while True:
        log = _log(mutator)
        data = log if mutator.rng.random() < 0.05 else mutator.data(log)
        yield {"log": data.hex()}, _read(data)


def _log(mutator: Mutator) -> bytes:
    """Make a good log of up to three blocks, dense or sparse, near either end."""
    rng = mutator.rng
    log, left = new_log(DAY, rng.choice((0, 1, 65535))), set(range(200))
    for _ in range(rng.randrange(4)):
        chosen = set(rng.sample(sorted(left), rng.choice((1, 2, 20))))
        left -= chosen
        scale, offset = rng.choice(((1, 0), (1000, 0), (5_000_000, 0), (1, INDEX_LIMIT - 200)))
        indexes = {index * scale + offset for index in chosen}
        log += encode_block(indexes)
    return log


def _read(data: bytes) -> Message:
    try:
        log = read_log(data)
    except LogError:
        return {"result": "refused"}
    indexes = b"".join(index.to_bytes(4, "big") for index in log.revoked)
    return {
        "result": "read",
        "day": log.day,
        "generation": log.generation,
        "sha256": hashlib.sha256(indexes).hexdigest(),
    }
