"""Random changes to examples, where nothing guides them: quick, and the same for the same seed."""

from collections.abc import Callable, Sequence
from random import Random

_ODD = (b"\x00", b"\xff", b"\x7f", b"\x80", b"\x18", b"\x1b" + b"\xff" * 8, b"\x9f", b"0", b" ", b":", b"-1", b"null")
_MOST_BYTES = 8192
_HOW_OFTEN = (1, 1, 1, 2, 3, 6)


def mutate(chance: Random, seeds: Sequence[bytes]) -> bytes:
    """Make an input from one of the seeds, by one change or some."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice(_HOW_OFTEN)):
        chance.choice(_CHANGES)(chance, data, seeds)
    return bytes(data[:_MOST_BYTES])


def _flip(chance: Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _set(chance: Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.randrange(256)


def _copy_one(chance: Random, data: bytearray, _: Sequence[bytes]) -> None:
    """Put one of its own bytes elsewhere, which keeps to its alphabet."""
    if data:
        data[chance.randrange(len(data))] = data[chance.randrange(len(data))]


def _swap(chance: Random, data: bytearray, _: Sequence[bytes]) -> None:
    if len(data) > 1:
        at = chance.randrange(len(data) - 1)
        data[at], data[at + 1] = data[at + 1], data[at]


def _insert(chance: Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = chance.randint(0, len(data))
    data[at:at] = chance.choice(_ODD) if chance.random() < 0.5 else chance.randbytes(chance.randint(1, 8))


def _delete(chance: Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = chance.randint(0, len(data))
    del data[at : at + chance.randint(1, 8)]


def _cut(chance: Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[chance.randint(0, len(data)) :]


def _repeat(chance: Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = chance.randint(0, len(data))
    piece = data[at : at + chance.randint(1, 32)]
    data[at:at] = piece * chance.randint(1, 4)


def _splice(chance: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    other = chance.choice(seeds)
    at, start = chance.randint(0, len(data)), chance.randint(0, len(other))
    piece = other[start : start + chance.randint(1, 64)]
    data[at : at + (len(piece) if chance.random() < 0.5 else 0)] = piece


_CHANGES: tuple[Callable[[Random, bytearray, Sequence[bytes]], None], ...] = (
    _flip, _set, _copy_one, _swap, _insert, _delete, _cut, _repeat, _splice,
)  # fmt: skip
