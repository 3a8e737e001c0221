"""Base45, RFC 9285: two bytes in three characters of the QR code's alphanumeric set."""

from functools import lru_cache
from struct import unpack

from movepass_wire.errors import WireError

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

_INVALID = 0xFF
_CHARACTERS = ALPHABET.encode().ljust(256)
_VALUES = bytes(ALPHABET.find(chr(c)) % 256 for c in range(256))  # -1 % 256 is _INVALID


def encode(data: bytes) -> str:
    """Write bytes as base45 text."""
    pairs, rest = divmod(len(data), 2)
    numbers = unpack(f">{pairs}H", data[: 2 * pairs])
    values = bytearray(3 * pairs)
    values[0::3] = bytes([n % 45 for n in numbers])
    values[1::3] = bytes([n // 45 % 45 for n in numbers])
    values[2::3] = bytes([n // 2025 for n in numbers])
    if rest:
        values += bytes([data[-1] % 45, data[-1] // 45])
    return values.translate(_CHARACTERS).decode("ascii")


def decode(text: str) -> bytes:
    """Read base45 text, strictly: upper case only, nothing skipped, one text for each sequence of bytes.

    Raises:
        WireError: a character outside the alphabet, a length that no bytes have, or a group over its maximum.
    """
    try:
        values = text.encode("ascii").translate(_VALUES)
    except UnicodeEncodeError as e:
        raise WireError(f"character {text[e.start]!r} at {e.start} is not one of base45's") from None
    if _INVALID in values:
        at = values.index(_INVALID)
        raise WireError(f"character {text[at]!r} at {at} is not one of base45's")
    groups, rest = divmod(len(values), 3)
    if rest == 1:
        raise WireError(f"base45 never has {len(values)} characters: one is missing or too many")
    sums = _sums(values[: 3 * groups])
    last = values[-2] + 45 * values[-1] if rest else 0
    if sums[0::3] != bytes(groups) or last > 0xFF:
        raise WireError("a base45 group stands for more than its bytes can hold")
    del sums[0::3]
    return bytes(sums) + (bytes([last]) if rest else b"")


def _sums(values: bytes) -> bytearray:
    """Give c + 45 d + 2025 e of every group, in three bytes each: all at once, as lanes of one large integer.

    A group's sum is below 2^17, so no lane runs into the next. A loop over the groups takes four times as long.
    """
    lanes, last_only = int.from_bytes(values), _last_of_each(len(values) // 3)
    c, d, e = lanes >> 16 & last_only, lanes >> 8 & last_only, lanes & last_only
    return bytearray((c + 45 * d + 2025 * e).to_bytes(len(values)))


@lru_cache(512)
def _last_of_each(lanes: int) -> int:
    """Make the mask of each lane's last byte; passes have few lengths."""
    return int.from_bytes(b"\0\0\xff" * lanes)
