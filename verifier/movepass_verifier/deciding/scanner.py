"""Find the payload in the output of a wrongly set scanner, which added characters or changed the case."""

from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple

from movepass_wire.limits import SCANNER_ADDS_MAX_CHARS
from movepass_wire.payload import PREFIX, payload_length
from movepass_words import Message, message

_CAPITALS = str.maketrans(ascii_lowercase, ascii_uppercase)


class Found(NamedTuple):
    """A payload found in the output of a scanner.

    Attributes:
        payload: the text that the scanner may have read; not verified.
        why: the setting that is wrong.
        technical: the added characters, for a help desk.
    """

    payload: str
    why: Message
    technical: str


def find_payload(text: str) -> Found | None:
    """Find the payload that a scanner may have read when it sent this text (docs/spec.md, "Verifying").

    Payloads have no small letters, so a text contains at most one payload.
    """
    capitals = text.translate(_CAPITALS)
    start = capitals.find(PREFIX, 0, SCANNER_ADDS_MAX_CHARS + len(PREFIX))
    length = payload_length(capitals[start:]) if start >= 0 else None
    if length is None or not 0 <= len(text) - start - length <= SCANNER_ADDS_MAX_CHARS:
        return None
    end = start + length
    payload = capitals[start:end]
    key = "reason.scanner-adds" if payload == text[start:end] else "reason.letter-case"
    return Found(payload, message(key), f"{text[:start]!r} before the pass, {text[end:]!r} behind it")
