"""References and secrets: derived from what the client sent, so that sending it again gives the same ones.

A reference is twelve symbols, shown 4-4-4, the last one a check symbol: people read it out and type it. It opens
nothing. The secret beside it has 128 bits.
"""

import hashlib
import hmac
from typing import Final

from movepass_service.errors import UnknownApplication

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SYMBOLS, _GROUP = 12, 4
_BITS = 5 * (_SYMBOLS - 1)
REFERENCE_BITS: Final = 5 * _SYMBOLS
"""Of a reference with its check symbol."""
SECRET_BYTES: Final = 16
_READ_AS = {
    **{symbol: value for value, symbol in enumerate(ALPHABET)},
    "O": 0,
    "I": 1,
    "L": 1,
    **{chr(0x09E6 + digit): digit for digit in range(10)},
}
_SEPARATORS = frozenset(" -\u2010\u2011\u2012\u2013\u2014\u00a0")
_POLYNOMIAL = 0b100101
_SHOWN_MAX = 40


class Secrets:
    """Derives everything that must not be guessed from one key of the service's own."""

    def __init__(self, master: bytes) -> None:
        """Take the key, which never leaves the service's folder."""
        self._client, self._content, self._reference, self._secret, self._line, self._statistics = (
            hmac.digest(master, b"movepass service: " + purpose, hashlib.sha256)
            for purpose in (b"client", b"content", b"reference", b"secret", b"line", b"statistics")
        )

    @property
    def content_key(self) -> bytes:
        """The key of contents' digests."""
        return self._content

    @property
    def line_key(self) -> bytes:
        """The key that signs places in line."""
        return self._line

    @property
    def statistics_key(self) -> bytes:
        """The seed by which open statistics are rounded."""
        return self._statistics

    def client(self, client_id: str) -> bytes:
        """Return under what a client id is kept."""
        return hmac.digest(self._client, client_id.encode(), hashlib.sha256)[:16]

    def reference(self, client: bytes, part: int, attempt: int = 0) -> str:
        """Return the reference of an application; another attempt where one is taken."""
        digest = hmac.digest(self._reference, client + bytes((part, attempt)), hashlib.sha256)
        return write_reference(int.from_bytes(digest[:8], "big") >> (64 - _BITS))

    def secret(self, client: bytes, part: int, digest: bytes) -> str:
        """Return the secret of an application, of SECRET_BYTES, in letters and digits."""
        secret = hmac.digest(self._secret, client + bytes((part,)) + digest, hashlib.sha256)[:SECRET_BYTES]
        return _base32(int.from_bytes(secret, "big"), -(-8 * SECRET_BYTES // 5))


def hash_secret(secret: str) -> bytes:
    """Return what is kept of a secret. It has 128 bits, so a plain hash can't be guessed."""
    return hashlib.sha256(secret.encode()).digest()


def write_reference(value: int) -> str:
    """Write a number of 55 bits as a reference."""
    text = _base32(value, _SYMBOLS - 1)
    text += ALPHABET[_times_x(_checksum([ALPHABET.index(symbol) for symbol in text]))]
    return _grouped(text)


def reference_value(reference: str) -> int:
    """Return a reference, its check symbol included, as a number of REFERENCE_BITS."""
    value = 0
    for symbol in reference.replace("-", ""):
        value = value << 5 | ALPHABET.index(symbol)
    return value


def reference_with_value(value: int) -> str:
    """Return the reference that such a number stands for."""
    return _grouped(_base32(value, _SYMBOLS))


def parse_reference(text: str) -> str:
    """Read a reference as people type it: O for 0, I or L for 1, in either case, with or without hyphens.

    Raises:
        UnknownApplication: it can't be one.
    """
    symbols = [_READ_AS.get(c.upper(), -1) for c in text[:_SHOWN_MAX] if c not in _SEPARATORS]
    if len(symbols) != _SYMBOLS or min(symbols) < 0 or _checksum(symbols):
        raise UnknownApplication("no application of this reference")
    plain = "".join(ALPHABET[value] for value in symbols)
    return _grouped(plain)


def _grouped(symbols: str) -> str:
    return "-".join(symbols[at : at + _GROUP] for at in range(0, _SYMBOLS, _GROUP))


def _base32(value: int, length: int) -> str:
    return "".join(ALPHABET[value >> 5 * at & 31] for at in reversed(range(length)))


def _times_x(value: int) -> int:
    value <<= 1
    return value ^ _POLYNOMIAL if value & 32 else value


def _checksum(symbols: list[int]) -> int:
    """Evaluate the symbols as a polynomial over GF(32), as pass numbers do: one slip or swap of neighbours shows."""
    total = 0
    for symbol in symbols:
        total = _times_x(total) ^ symbol
    return total
