"""CBOR, written loosely enough to be wrong on purpose."""

from collections.abc import Iterable
from dataclasses import dataclass


class Raw(bytes):
    """CBOR that goes in as it stands."""


SHARED = {"\u200c": 1, "\u200d": 2, "\u0964": 3}


@dataclass(frozen=True)
class Block:
    """A text in block form."""

    text: str
    number: int = 0x13

    @property
    def packed(self) -> bytes:
        return bytes([self.number, *(SHARED.get(c, ord(c) if ord(c) < 128 else 128 + ord(c) % 128) for c in self.text)])


def legal(text: str) -> str | Block:
    """Write a text in its only valid form."""
    blocks = {ord(c) // 128 for c in text if ord(c) > 127 and c not in SHARED}
    short = len(blocks) == 1 and max(blocks) < 256 and len(text) + 1 < len(text.encode())
    return Block(text, blocks.pop()) if short else text


def head(major: int, value: int, width: int | None = None) -> bytes:
    """Write a head; `width` is how many bytes the argument takes, the fewest possible without it."""
    if width is None:
        width = next(w for w in (0, 1, 2, 4, 8) if value < (24 if w == 0 else 1 << 8 * w))
    if width == 0:
        return bytes([major << 5 | value])
    return bytes([major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[width]]) + value.to_bytes(width, "big")


def cbor(value: object) -> bytes:  # noqa: PLR0911 - a kind of value, a line
    match value:
        case Raw():
            return bytes(value)
        case Block():
            return cbor(value.packed)
        case bool():
            return b"\xf5" if value else b"\xf4"
        case int():
            return head(0, value) if value >= 0 else head(1, -1 - value)
        case str():
            return head(3, len(value.encode())) + value.encode()
        case bytes():
            return head(2, len(value)) + value
        case list():
            return head(4, len(value)) + b"".join(cbor(item) for item in value)
        case dict():
            return mapping(sorted(value.items(), key=lambda pair: cbor(pair[0])))
    raise TypeError(value)


def mapping(pairs: Iterable[tuple[object, object]]) -> Raw:
    """Write a map with its pairs in just this order."""
    parts = [cbor(key) + cbor(value) for key, value in pairs]
    return Raw(head(5, len(parts)) + b"".join(parts))


def bytes_of(*pairs: tuple[object, object]) -> bytes:
    """Write a map as what a byte string holds."""
    return bytes(mapping(pairs))
