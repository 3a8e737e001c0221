"""Base45, RFC 9285: two bytes in three characters of the QR code's alphanumeric set."""

from struct import Struct, error, pack

from movepass_wire.errors import WireError

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

_INVALID = 0xFF
_VALUES = bytes(ALPHABET.find(chr(c)) % 256 for c in range(256))  # -1 % 256 is _INVALID


def encode(data: bytes) -> str:
    """Write bytes as base45 text."""
    out = []
    for high, low in zip(data[0::2], data[1::2], strict=False):
        rest, c = divmod(high * 256 + low, 45)
        e, d = divmod(rest, 45)
        out.append(ALPHABET[c] + ALPHABET[d] + ALPHABET[e])
    if len(data) % 2:
        d, c = divmod(data[-1], 45)
        out.append(ALPHABET[c] + ALPHABET[d])
    return "".join(out)


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
    triples, rest = divmod(len(values), 3)
    if rest == 1:
        raise WireError(f"base45 never has {len(values)} characters: one is missing or too many")
    try:
        data = Struct(f">{triples}H").pack(
            *[c + 45 * d + 2025 * e for c, d, e in zip(values[0::3], values[1::3], values[2::3], strict=False)]
        )
        if rest:
            data += pack(">B", values[-2] + 45 * values[-1])
    except error:
        raise WireError("a base45 group stands for more than its bytes can hold") from None
    return data
