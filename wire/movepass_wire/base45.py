"""Base45, RFC 9285: two bytes in three characters of the QR code's alphanumeric set."""

from functools import lru_cache

from movepass_wire.errors import WireError

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

_INVALID = 0xFF
_CHARACTERS = ALPHABET.encode().ljust(256)
_VALUES = bytes(ALPHABET.find(chr(c)) % 256 for c in range(256))  # -1 % 256 is _INVALID


def encode(data: bytes) -> str:
    """Encode bytes as base45 text."""
    pairs = len(data) // 2
    values = _digits(data[: 2 * pairs])
    if len(data) % 2:
        values += bytes([data[-1] % 45, data[-1] // 45])
    return values.translate(_CHARACTERS).decode("ascii")


def _digits(data: bytes) -> bytearray:
    """Compute c, d and e of every pair of bytes at once, as lanes of eight bytes in one large integer.

    A lane is divided by n by multiplying it by 2^s / n, rounded up, and shifting right by s. This is exact for every
    value of two bytes. A loop over the pairs takes twice as long.
    """
    lanes = len(data) // 2
    spread = bytearray(8 * lanes)
    spread[6::8], spread[7::8] = data[0::2], data[1::2]
    number, last_only = int.from_bytes(spread), int.from_bytes(b"\0\0\0\0\0\0\0\xff" * lanes)
    e = number * -(-(1 << 28) // 2025) >> 28 & last_only
    rest = number - 2025 * e
    d = rest * -(-(1 << 16) // 45) >> 16 & last_only
    c = rest - 45 * d
    packed = (c << 16 | d << 8 | e).to_bytes(8 * lanes)
    digits = bytearray(3 * lanes)
    digits[0::3], digits[1::3], digits[2::3] = packed[5::8], packed[6::8], packed[7::8]
    return digits


def decode(text: str) -> bytes:
    """Decode base45 text strictly: upper case only, nothing skipped, one text for each sequence of bytes.

    Raises:
        WireError: a character is outside the alphabet, no bytes encode to this length, or a group is over its maximum.
    """
    try:
        values = text.encode("ascii").translate(_VALUES)
    except UnicodeEncodeError as e:
        raise WireError(f"character {text[e.start]!r} at {e.start} is not in the base45 alphabet") from e
    if _INVALID in values:
        at = values.index(_INVALID)
        raise WireError(f"character {text[at]!r} at {at} is not in the base45 alphabet")
    groups, rest = divmod(len(values), 3)
    if rest == 1:
        raise WireError(f"base45 text never has {len(values)} characters: one is missing, or there is one too many")
    sums = _sums(values[: 3 * groups])
    last = values[-2] + 45 * values[-1] if rest else 0
    if sums[0::3] != bytes(groups) or last > 0xFF:
        raise WireError("a base45 group encodes more than its bytes can hold")
    del sums[0::3]
    return bytes(sums) + (bytes([last]) if rest else b"")


def _sums(values: bytes) -> bytearray:
    """Compute c + 45 d + 2025 e of every group at once, in three bytes each, as lanes of one large integer.

    A group's sum is below 2^17, so no lane overflows into the next. A loop over the groups takes four times as long.
    """
    lanes, last_only = int.from_bytes(values), _last_of_each(len(values) // 3)
    c, d, e = lanes >> 16 & last_only, lanes >> 8 & last_only, lanes & last_only
    return bytearray((c + 45 * d + 2025 * e).to_bytes(len(values)))


@lru_cache(512)
def _last_of_each(lanes: int) -> int:
    """Build the mask of each lane's last byte. The cache pays off because passes have few lengths."""
    return int.from_bytes(b"\0\0\xff" * lanes)
