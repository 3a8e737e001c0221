"""Encode and decode deterministic CBOR: the subset that claims use (RFC 8949, section 4.2.1).

The subset has integers, text, byte strings, booleans, arrays and maps. Heads are minimal and lengths definite. Map keys
are integers or text, unique, and in bytewise order of their encoding. Every value has exactly one encoding.
"""

from collections.abc import Mapping
from typing import Any

from movepass_wire.errors import WireError
from movepass_wire.limits import CLAIMS_MAX_DEPTH

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP = range(6)
_KEYS = _UNSIGNED, _NEGATIVE, _TEXT
_BOOLEANS = _FALSE, _TRUE = 0xF4, 0xF5
_DIRECT = 24
"""A smaller argument is stored in the head's own byte; a larger one in the 1, 2, 4 or 8 bytes after it."""
_WIDEST = 27
_FLOOR = {24: 24, 25: 1 << 8, 26: 1 << 16, 27: 1 << 32}
"""The smallest argument that needs each width."""


def head(major: int, argument: int) -> bytes:
    """Encode a data item's head in its shortest form (RFC 8949, section 3).

    Raises:
        WireError: the argument has more than 64 bits.
    """
    if argument < _DIRECT:
        return (major << 5 | argument).to_bytes()
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * size:
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise WireError(f"an integer of {argument.bit_length()} bits; claims hold at most 64")


def head_length(first: int) -> int:
    """Return how many bytes a head has, by its first one."""
    info = first & 0x1F
    return 1 if info < _DIRECT else 1 + (1 << info - _DIRECT)


def encode(value: object) -> bytes:
    """Encode a value. Its maps may be in any order.

    Raises:
        WireError: a type, a key or an integer is outside the subset.
    """
    match value:
        case bool():
            return bytes([_TRUE if value else _FALSE])
        case int():
            return head(_UNSIGNED, value) if value >= 0 else head(_NEGATIVE, -1 - value)
        case str():
            data = value.encode()
            return head(_TEXT, len(data)) + data
        case bytes():
            return head(_BYTES, len(value)) + value
        case list() | tuple():
            return head(_ARRAY, len(value)) + b"".join(map(encode, value))
        case dict() | Mapping():  # matching dict first is faster
            items = sorted([(_encode_key(key), encode(item)) for key, item in value.items()])
            return head(_MAP, len(items)) + b"".join([key + item for key, item in items])
    raise WireError(f"claims cannot hold a {type(value).__name__}")


def _encode_key(key: object) -> bytes:
    if isinstance(key, bool) or not isinstance(key, int | str):
        raise WireError("a map key must be an integer or text")
    return encode(key)


def decode(data: bytes) -> Any:
    """Decode the single value that fills all of data.

    Raises:
        WireError: the data is outside the subset, not in its one form, cut short, or followed by more bytes.
    """
    try:
        value, end = _item(data, 0, CLAIMS_MAX_DEPTH)
    except IndexError as e:
        raise WireError("CBOR is cut short") from e
    except UnicodeDecodeError as e:
        raise WireError("CBOR text is not UTF-8") from e
    if end != len(data):
        raise WireError(f"{len(data) - end} bytes follow the CBOR value")
    return value


def _item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """Read the item at `at` and return it with its end; `depth` more arrays and maps may open."""
    initial = data[at]
    at += 1
    if initial < _DIRECT:  # a small unsigned integer: most keys and codes
        return initial, at
    major, argument = initial >> 5, initial & 0x1F
    if major > _MAP or argument > _WIDEST:
        if initial in _BOOLEANS:
            return initial == _TRUE, at
        raise WireError(f"CBOR initial byte {initial:#04x} is not used in claims")
    if argument >= _DIRECT:
        floor = _FLOOR[argument]
        end = at + (1 << argument - _DIRECT)
        data[end - 1]
        argument = int.from_bytes(data[at:end], "big")
        at = end
        if argument < floor:
            raise WireError(f"CBOR argument {argument} is not in its shortest form")
    if major <= _NEGATIVE:
        return (-1 - argument if major else argument), at
    if major <= _TEXT:
        end = at + argument
        if end > len(data):
            raise IndexError
        return (data[at:end].decode() if major == _TEXT else data[at:end]), end
    if depth == 0:
        raise WireError(f"more than {CLAIMS_MAX_DEPTH} nested arrays and maps")
    return (_array if major == _ARRAY else _map)(data, at, argument, depth - 1)


def _array(data: bytes, at: int, count: int, depth: int) -> tuple[list[Any], int]:
    items = []
    for _ in range(count):
        item, at = _item(data, at, depth)
        items.append(item)
    return items, at


def _map(data: bytes, at: int, count: int, depth: int) -> tuple[dict[int | str, Any], int]:
    items: dict[int | str, Any] = {}
    before = b""
    for _ in range(count):
        start = at
        key = data[at]
        if key < _DIRECT:  # avoids a call for most keys
            at += 1
        elif key >> 5 in _KEYS:
            key, at = _item(data, at, depth)
        else:
            raise WireError("a map key must be an integer or text")
        encoded = data[start:at]
        if encoded <= before:
            raise WireError(f"map key {key!r} is out of order or duplicated")
        before = encoded
        items[key], at = _item(data, at, depth)
    return items, at
