"""What happens at the post, one thing after the other: a code gives a verdict, a key changes what is shown.

No terminal, no clock and no file of its own: every call is told the time, and what a verdict rests on is asked of the
post it was given. What came last is what is shown; what came before stays in sight as a row of `recent`.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from movepass_cli.scanning.keyboard import END, ESCAPE, Key
from movepass_verifier import Outcome, Verification
from movepass_verifier.by_number import NumberAnswer
from movepass_verifier.journal import Decision, Noted, Seen
from movepass_verifier.other_codes import is_number
from movepass_verifier.words import LANGUAGES, Message

CLOSE_SECONDS = 20.0
"""After so long a verdict leaves the screen by itself: nobody else shall read who was here."""
RECENT = 5
_NUMBER_MOST_CHARS = 40
"""A longer line is a code that was scanned while a pass number was asked for."""
DECISION_KEYS = {"1": Decision.LET_THROUGH, "2": Decision.SENT_BACK, "3": Decision.CALLED_IN}


class Post(Protocol):
    """What a verdict rests on; Device is one."""

    def verify(self, text: str) -> Verification:
        """See Device."""

    def check_number(self, text: str) -> NumberAnswer:
        """See Device."""

    def note(self, result: Verification) -> Noted | None:
        """See Device."""

    def decide(self, entry: int, decision: Decision) -> None:
        """See Device."""


class Page(Enum):
    """What fills the screen."""

    MAIN = "main"
    DETAILS = "details"
    HELP = "help"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Recent:
    """A verdict that was shown: when (seconds since 1970 UTC), its outcome, the pass's number where it is known."""

    at: float
    outcome: Outcome
    number: str


@dataclass(slots=True)
class Decided:
    """The verdict that is shown.

    Attributes:
        result: what was decided.
        noted: its entry in the journal, and whether the pass was seen before; None before it is noted, or where the
            journal can't be kept.
        decision: what the officer said was done.
    """

    result: Verification
    noted: Noted | None = None
    decision: Decision | None = None

    @property
    def seen(self) -> Seen | None:
        """When this device was shown the same pass before."""
        return self.noted.seen if self.noted else None


class Session:
    """One officer's shift at one screen."""

    def __init__(
        self, post: Post, language: str, *, close_after: float = CLOSE_SECONDS, languages: Sequence[str] = LANGUAGES
    ) -> None:
        """Begin with nothing shown.

        Args:
            post: where verdicts come from.
            language: to begin with.
            languages: those that the terminal can show.
            close_after: seconds after which what is shown goes; 0 keeps it.
        """
        self._post = post
        self._close_after = close_after
        self._closes: float | None = None
        self.language = language
        self.languages = languages
        self.page = Page.MAIN
        self.shown: Decided | NumberAnswer | Message | None = None
        """A verdict, an answer to a pass number, or what was wrong with a picture or a scanner."""
        self.recent: deque[Recent] = deque(maxlen=RECENT)
        self.notice: Message | None = None
        """What is wrong with a scanner or a camera; until the next code."""
        self.checked = 0
        self.ended = False

    def code(self, text: str, at: float) -> Outcome:
        """Take a code's text and show its verdict; `note` it once it is on the screen."""
        result = self._post.verify(text)
        self._show(Decided(result), at)
        self._count(result.outcome, result.pass_number or "", at)
        return result.outcome

    def note(self) -> None:
        """Put the verdict that is shown into the journal."""
        if isinstance(self.shown, Decided) and self.shown.noted is None:
            self.shown.noted = self._post.note(self.shown.result)

    def line(self, text: str, at: float) -> Outcome:
        """Take a line that was typed: a pass number, if one was asked for or if it is one, or else a code."""
        asked = self.page is Page.NUMBER and len(text) <= _NUMBER_MOST_CHARS
        if not asked and not is_number(text):
            return self.code(text, at)
        answer = self._post.check_number(text)
        self._show(answer, at)
        self._count(answer.outcome, answer.number if answer.readable else "", at)
        return answer.outcome

    def problem(self, problem: Message, at: float) -> None:
        """Show what is wrong with what was shown, in place of an earlier verdict: nobody shall take that for its."""
        self._show(problem, at)

    def trouble(self, trouble: Message) -> None:
        """Note that a scanner or a camera has a problem; the verdict that is shown stays."""
        self.notice = trouble

    def key(self, key: Key, at: float) -> None:
        """Take a key that was pressed."""
        if key == END or (key.name in "qQ" and self.page is not Page.NUMBER):
            self.ended = True
        elif key.name == ESCAPE:
            self.shown = None if self.page is Page.MAIN else self.shown
            self.page = Page.MAIN
        elif isinstance(self.shown, Decided) and key.name in DECISION_KEYS:
            self._decide(self.shown, DECISION_KEYS[key.name])
        else:
            self._turn(key.name.lower())
        if self._closes is not None:
            self._closes = at + self._close_after  # somebody is reading

    def tick(self, at: float) -> None:
        """Take what is shown off the screen once its time is over."""
        if self._closes is not None and at >= self._closes:
            self.shown, self.page, self._closes = None, Page.MAIN, None

    @property
    def closes(self) -> float | None:
        """When what is shown goes, or None."""
        return self._closes

    def _show(self, what: Decided | NumberAnswer | Message, at: float) -> None:
        self.shown, self.page, self.notice = what, Page.MAIN, None
        self._closes = at + self._close_after if self._close_after else None

    def _count(self, outcome: Outcome, number: str, at: float) -> None:
        self.checked += 1
        self.recent.append(Recent(at, outcome, number))

    def _decide(self, verdict: Decided, decision: Decision) -> None:
        if verdict.noted and verdict.result.outcome is Outcome.CANNOT_VERIFY:
            self._post.decide(verdict.noted.entry, decision)
            verdict.decision = decision

    def _turn(self, name: str) -> None:
        """Turn a page, or back."""
        pages = {"d": Page.DETAILS, "h": Page.HELP, "?": Page.HELP, "n": Page.NUMBER}
        if name == "l":
            self.language = self.languages[(self.languages.index(self.language) + 1) % len(self.languages)]
        elif name in pages:
            page = pages[name]
            if page is not Page.DETAILS or isinstance(self.shown, Decided):
                self.page = Page.MAIN if self.page is page else page
