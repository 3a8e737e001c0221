"""Tells a hand scanner from a person: both type on the same keyboard.

A scanner types a whole line within milliseconds and ends it with Enter. A person presses one key, and nothing follows.
So one character alone is a key once PAUSE_SECONDS have gone by, and what has no end after REST_SECONDS is forgotten:
else it would be taken for the beginning of the next pass. What is typed after it was asked for (a pass number) is a
line as well, however slowly it comes.
"""

import codecs
import unicodedata
from dataclasses import dataclass

from movepass_wire.limits import TEXT_MAX_CHARS

PAUSE_SECONDS = 0.08
"""Slow scanners (Bluetooth) leave up to 30 ms between two characters; a person notices no tenth of a second."""
REST_SECONDS = 3.0
"""Long beside any scanner's pause, also on a machine that was busy, and short beside the time between two passes."""
ESCAPE = "\x1b"
_ENTER = "\r\n"
_END = "\x04"
_RUBOUT = "\x08\x7f"
_KEPT_CHARS = 4 * TEXT_MAX_CHARS
"""No line is kept beyond this; what is longer is no pass, and says so all the same."""


@dataclass(frozen=True, slots=True)
class Line:
    """A text that ended with Enter."""

    text: str


@dataclass(frozen=True, slots=True)
class Key:
    """One key, pressed by a person, by its character."""

    name: str


class Keyboard:
    """Takes what a terminal gives, and says what it was."""

    def __init__(self, *, keys: bool = True) -> None:
        """Begin with nothing typed; without `keys`, as on a serial line, one character alone is none."""
        self._keys = keys
        self.typed = ""
        """What has been typed of a line so far."""
        self.asked = False
        """Whether a line has been asked for: then no character is a key."""
        self._sequence = ""
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._last = 0.0

    def feed(self, data: bytes, at: float) -> list[Line | Key]:
        """Take bytes, as they came at a time in seconds."""
        found: list[Line | Key] = []
        for char in self._decode(data):
            found += self._take(char)
        self._last = at
        return found

    def deadline(self) -> float | None:
        """Give the time at which the one character that was typed becomes a key, or more are forgotten; or None."""
        if self._sequence or (self._is_key and not self.asked):
            return self._last + PAUSE_SECONDS
        return self._last + REST_SECONDS if self.typed and not self.asked else None

    def idle(self, at: float) -> list[Line | Key]:
        """Say what was pressed, once its pause is over. For when there is nothing to feed."""
        deadline = self.deadline()
        if deadline is None or at < deadline:
            return []
        if self._sequence:
            pressed, self._sequence = self._sequence, ""
            return [Key(pressed)] if pressed == ESCAPE else []
        pressed, is_key, self.typed = self.typed, self._is_key, ""
        return [Key(pressed)] if is_key else []

    @property
    def _is_key(self) -> bool:
        return self._keys and len(self.typed) == 1

    def _take(self, char: str) -> list[Line | Key]:
        if self._in_sequence(char):
            return []
        if char in _ENTER:
            typed, self.typed = self.typed, ""
            return [Line(typed)] if typed else []
        if char == _END:
            return [Key(_END)] if not self.typed else []
        if char in _RUBOUT:
            self.typed = self.typed[:-1]
        elif not unicodedata.category(char).startswith("C") and len(self.typed) < _KEPT_CHARS:
            self.typed += char
        return []

    def _in_sequence(self, char: str) -> bool:
        """Pass over what arrows and function keys send, as ECMA-48 has it; Escape alone waits for its pause."""
        if self._sequence == ESCAPE and char not in "[O":
            self._sequence = ""
        if not self._sequence:
            self._sequence = ESCAPE if char == ESCAPE else ""
        elif len(self._sequence) > 1 and "@" <= char <= "~":
            self._sequence = ""
            return True
        else:
            self._sequence += char
        return bool(self._sequence)


END = Key(_END)
"""Ctrl-D."""
