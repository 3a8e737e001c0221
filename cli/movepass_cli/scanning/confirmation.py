"""Asks for a number that only somebody who reads the screen can type.

Whatever a person types, a code can make a scanner type: every byte, with any pauses. But a code was printed before the
number was drawn. So what a code must never do is done only for such a number. One guess a minute of ten thousand is
all that a code has.
"""

from collections.abc import Callable
from secrets import randbelow

REST_SECONDS = 60.0
"""After a wrong number none is drawn for so long."""
_LOWEST, _NUMBERS = 1000, 9000
ANSWER_MAX_CHARS = 8
"""A longer line is a code."""


def draw() -> int:
    """Return four digits that nobody can foresee."""
    return _LOWEST + randbelow(_NUMBERS)


class Confirmation:
    """One question at a time."""

    def __init__(self, draw: Callable[[], int] = draw) -> None:
        """Begin with nothing asked."""
        self._draw = draw
        self._rests_until = float("-inf")
        self.number: int | None = None
        """The number that is asked for."""

    def ask(self, at: float) -> bool:
        """Draw a number, or return False where a wrong one was typed less than REST_SECONDS ago."""
        self.number = None if at < self._rests_until else self._draw()
        return self.number is not None

    def answer(self, text: str, at: float) -> bool | None:
        """Compare a line with the number, which is used up by that.

        Returns:
            None where the line is no number at all.
        """
        asked, self.number = self.number, None
        digits = text.strip()
        if asked is None or len(digits) > ANSWER_MAX_CHARS or not digits.isdecimal():
            return None
        if int(digits) == asked:
            return True
        self._rests_until = at + REST_SECONDS
        return False

    def drop(self) -> None:
        """Ask no longer."""
        self.number = None
