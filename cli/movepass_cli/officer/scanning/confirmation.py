"""Ask for a number that only a person who reads the screen can type.

Whatever a person types, a code can make a scanner type: every byte, with any pauses. But a code was printed before the
number was drawn. So whatever a code must never do needs such a number. A code has one guess a minute, of nine thousand.
"""

from collections.abc import Callable
from secrets import randbelow

RETRY_SECONDS = 60.0
"""After a wrong number, no new number is drawn for this long."""
_LOWEST, _NUMBERS = 1000, 9000
ANSWER_MAX_CHARS = 8
"""A longer line is a code."""


def draw() -> int:
    """Return four unpredictable digits."""
    return _LOWEST + randbelow(_NUMBERS)


class Confirmation:
    """One question at a time."""

    def __init__(self, draw: Callable[[], int] = draw) -> None:
        """Start without a question."""
        self._draw = draw
        self._locked_until = float("-inf")
        self.number: int | None = None
        """The number that is asked for."""

    def ask(self, at: float) -> bool:
        """Draw a number, or return False if a wrong one was typed less than RETRY_SECONDS ago."""
        self.number = None if at < self._locked_until else self._draw()
        return self.number is not None

    def answer(self, text: str, at: float) -> bool | None:
        """Compare a line with the number, which is used up by this.

        Returns:
            None where the line is no number at all.
        """
        asked, self.number = self.number, None
        digits = text.strip()
        if asked is None or len(digits) > ANSWER_MAX_CHARS or not digits.isdecimal():
            return None
        if int(digits) == asked:
            return True
        self._locked_until = at + RETRY_SECONDS
        return False

    def drop(self) -> None:
        """Withdraw the question."""
        self.number = None
