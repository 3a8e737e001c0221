"""Places as signed texts: lane, number and time, and nothing about a person."""

import hashlib
import hmac
import re
from dataclasses import dataclass

from movepass_service.admission.lanes import Lane

TOKEN_MAX_AGE_S = 24 * 3600
"""A place of yesterday's line is none of today's."""
TOKEN_MAX_CHARS = 96
_MAC_CHARS = 32
_SHAPE = re.compile(r"([a-z-]{4,12})\.([1-9][0-9]{0,14})\.([1-9][0-9]{0,11})\.([0-9a-f]{32})")


class BadTokenError(Exception):
    """A text that is no valid place.

    Attributes:
        code: names the words for it: "forged" or "old".
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Place:
    """A place in line.

    Attributes:
        lane: the line.
        number: in the order of arrival.
        issued_at: Unix seconds.
    """

    lane: Lane
    number: int
    issued_at: int


def write_token(key: bytes, place: Place) -> str:
    """Write a place as a signed text."""
    text = f"{place.lane}.{place.number}.{place.issued_at}"
    return f"{text}.{_mac(key, text)}"


def read_token(key: bytes, token: str, now: float) -> Place:
    """Read a signed place.

    Raises:
        BadTokenError: nobody with the key wrote it, or it is too old.
    """
    found = _SHAPE.fullmatch(token) if len(token) <= TOKEN_MAX_CHARS else None
    text = token.rpartition(".")[0]
    if found is None or not hmac.compare_digest(found[4], _mac(key, text)):
        raise BadTokenError("forged")
    place = Place(Lane(found[1]), int(found[2]), int(found[3]))
    if not -60 <= now - place.issued_at <= TOKEN_MAX_AGE_S:
        raise BadTokenError("old")
    return place


def _mac(key: bytes, text: str) -> str:
    return hmac.digest(key, f"place {text}".encode(), hashlib.sha256).hex()[:_MAC_CHARS]
