"""Distinguish a hand scanner from a person: both type on the same keyboard.

Every byte is part of a line. A line ends with Enter; one that is a whole payload ends with Tab, ETX or EOT as well, or
with a pause: scanners send any of these behind a code, or nothing. What has no end after REST_SECONDS is said to be
unfinished, or it would be taken for the beginning of the next pass.

A person presses one key, and nothing follows. A code of one character looks the same where its scanner pauses, so no
key does anything that matters: see session.py.
"""

import re
from dataclasses import dataclass

from movepass_verifier.deciding.scanner import find_payload
from movepass_wire.limits import TEXT_MAX_CHARS
from movepass_wire.payload import payload_length

PAUSE_SECONDS = 0.12
"""Slow scanners (Bluetooth) leave up to 100 ms between two characters; a person hardly notices that much."""
WHOLE_SECONDS = 0.3
"""The time that a whole payload waits for its Enter."""
SUFFIX_SECONDS = 1.0
"""A line end that comes this soon after a line belongs to it: CR and LF, or an Enter after a pause."""
REST_SECONDS = 3.0
"""Long compared with a scanner's pauses, even on a busy machine; short compared with the time between passes."""
ESCAPE = "\x1b"
_ENTER = b"\r\n"
_ENDS_OF_A_PAYLOAD = b"\t\x03\x04"
_RUBOUT = "\x08\x7f"
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|O[ -~]?)")
"""The sequences of arrows and function keys (ECMA-48), also incomplete ones."""
_KEPT_BYTES = 4 * TEXT_MAX_CHARS
"""The most of a line that is kept; a longer line is not a pass, and is still reported."""


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A completed text; an empty text is a line end alone, such as Enter."""

    text: str


@dataclass(frozen=True, slots=True)
class Key:
    """One key that a person pressed, by its character."""

    name: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A text that never ended."""

    text: str


Event = TypedLine | Key | Unfinished


class Keyboard:
    """Converts the bytes of a terminal or a serial line to lines and keys."""

    def __init__(self, keys: str = "") -> None:
        """Start with nothing typed.

        Args:
            keys: the characters that are keys where they stand alone, besides Escape; on a serial line there are none.
        """
        self._keys = {ESCAPE, *keys} if keys else set()
        self._held = bytearray()
        self.asked = False
        """Whether a person was asked for a line; then Escape alone is a key, and a line may come slowly."""
        self._last = self._ended = float("-inf")

    @property
    def typed(self) -> str:
        """The line so far."""
        return self._held.decode("utf-8", "replace")

    @property
    def may_be_a_key(self) -> bool:
        """Return whether the line so far is the sequence of a key."""
        typed = self.typed
        if self.asked:
            return bool(self._keys) and typed.endswith(ESCAPE)
        return typed in self._keys or bool(self._keys and _SEQUENCE.fullmatch(typed))

    def feed(self, data: bytes, at: float) -> list[Event]:
        """Process bytes that came at a time in seconds."""
        found: list[Event] = []
        for byte in data:
            if byte in _ENTER or (byte in _ENDS_OF_A_PAYLOAD and self._may_end()):
                found += self._end(at)
            elif len(self._held) < _KEPT_BYTES:
                self._held.append(byte)
        self._last = at
        return found

    def deadline(self) -> float | None:
        """Return the time at which idle() has something to do, or None."""
        if not self._held:
            return None
        if self.may_be_a_key:
            return self._last + PAUSE_SECONDS
        if find_payload(self.typed):
            return self._last + WHOLE_SECONDS
        return None if self.asked else self._last + REST_SECONDS

    def idle(self, at: float) -> list[Event]:
        """Return what the pause until now has ended, when no bytes came."""
        deadline = self.deadline()
        if deadline is None or at < deadline:
            return []
        if not self.may_be_a_key:
            return self._end(at) if find_payload(self.typed) else [Unfinished(self._take())]
        pressed = self._take()[-1 if self.asked else 0 :]
        # An arrow, or a code that looks like one: it must not be ignored, or the previous verdict would stand for it.
        return [Key(pressed) if pressed in self._keys else Unfinished(pressed)]

    def _may_end(self) -> bool:
        return not self._held or payload_length(self.typed) == len(self._held)

    def _end(self, at: float) -> list[Event]:
        follows = not self._held and at - self._ended < SUFFIX_SECONDS
        self._ended = at
        return [] if follows else [TypedLine(self._take())]

    def _take(self) -> str:
        typed = self.typed
        self._held.clear()
        return typed


def apply_edits(typed: str) -> str:
    """Return what a person meant to type: Backspace removes a character, arrows are ignored."""
    kept: list[str] = []
    for char in _SEQUENCE.sub("", typed):
        if char not in _RUBOUT:
            kept.append(char)
        elif kept:
            kept.pop()
    return "".join(kept)
