"""Run a shift at the post event by event: a code gives a verdict, a key changes the screen.

No terminal, no clock and no file of its own: every call is told the time, and what a verdict rests on is asked of the
post it was given. What came last is what is shown; what came before stays in sight as a row of `recent`.

A code can make a scanner press any key. So a key only turns a page, and takes the verdict before it away: to end, and
to note what was done, somebody must type a number that is on the screen (confirmation.py).
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from movepass_cli.officer.scanning.confirmation import ANSWER_MAX_CHARS, RETRY_SECONDS, Confirmation
from movepass_cli.officer.scanning.keyboard import ESCAPE, Key, apply_edits
from movepass_verifier import Outcome, Verification
from movepass_verifier.deciding.other_codes import is_number
from movepass_verifier.officer.by_number import NumberAnswer
from movepass_verifier.officer.journal import Decision, Noted, Seen
from movepass_words import LANGUAGES, Message, message

CLOSE_SECONDS = 20.0
"""After this time a verdict leaves the screen, so that nobody else can read who was here."""
PAGE_SECONDS = 30.0
"""A question that nobody answers is withdrawn after this time."""
RECENT = 5
_NUMBER_MAX_CHARS = 40
"""A longer line is a code that was scanned while a pass number was asked for."""
DECISION_KEYS = {"1": Decision.LET_THROUGH, "2": Decision.SENT_BACK, "3": Decision.CALLED_IN}
KEYS = "dDhH?lLnNqQ123"


class Post(Protocol):
    """The source of verdicts; Device is one."""

    def verify(self, text: str) -> Verification:
        """See Device."""

    def check_number(self, text: str) -> NumberAnswer:
        """See Device."""

    def note(self, result: Verification) -> Noted | None:
        """See Device."""

    def decide(self, entry: int, decision: Decision) -> None:
        """See Device."""


class Page(Enum):
    """The page on the screen."""

    MAIN = "main"
    DETAILS = "details"
    HELP = "help"
    NUMBER = "number"
    CONFIRM = "confirm"


_ASKED_CHARS = {Page.NUMBER: _NUMBER_MAX_CHARS, Page.CONFIRM: ANSWER_MAX_CHARS}
"""The longest answer on pages that ask for a line."""


@dataclass(frozen=True, slots=True)
class Recent:
    """An earlier verdict: when (seconds since 1970 UTC), its outcome, and the pass number if it is known."""

    at: float
    outcome: Outcome
    number: str


@dataclass(slots=True)
class Decided:
    """The verdict on the screen.

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
        """Return when this device was shown the same pass before."""
        return self.noted.seen if self.noted else None


class Session:
    """One officer's shift at one screen."""

    def __init__(
        self, post: Post, language: str, *, close_after: float = CLOSE_SECONDS, languages: Sequence[str] = LANGUAGES,
        confirmation: Confirmation | None = None,
    ) -> None:  # fmt: skip
        """Start with an empty screen.

        Args:
            post: where verdicts come from.
            language: to begin with.
            languages: those that the terminal can show.
            close_after: seconds after which what is shown goes; 0 keeps it.
            confirmation: draws the numbers that are asked for.
        """
        self._post = post
        self._close_after = close_after
        self._closes: float | None = None
        self._page_closes: float | None = None
        self._confirmation = confirmation or Confirmation()
        self.confirming: Decision | None = None
        """The action after its number was typed; None means quit."""
        self.language = language
        self.languages = languages
        self.page = Page.MAIN
        self.shown: Decided | NumberAnswer | Message | None = None
        """A verdict, an answer to a pass number, or the problem of a picture or a scanner."""
        self.shown_at = 0.0
        self.recent: deque[Recent] = deque(maxlen=RECENT)
        self.notice: Message | None = None
        """The problem of a scanner or a camera, until the next code."""
        self.reading = False
        """Whether a code is coming in over a serial line."""
        self.checked = 0
        self.ended = False

    def code(self, text: str, at: float) -> Outcome:
        """Decide about a code and show the verdict; call `note` once it is on the screen."""
        result = self._post.verify(text)
        self._show(Decided(result), at)
        self._count(result.outcome, result.pass_number or "", at)
        return result.outcome

    def note(self) -> None:
        """Write the shown verdict into the journal."""
        if isinstance(self.shown, Decided) and self.shown.noted is None:
            self.shown.noted = self._post.note(self.shown.result)

    def typing(self, text: str, at: float) -> None:
        """Handle an unfinished line: the old verdict is cleared, or it would be taken for the next one."""
        if len(text) > _ASKED_CHARS.get(self.page, 0):
            self._clear()
        elif self.asks:
            self._page_closes = at + PAGE_SECONDS

    def begin(self) -> None:
        """Handle the start of a code on a serial line."""
        self._clear()
        self.reading = True

    def line(self, text: str, at: float) -> Outcome | None:
        """Handle a typed line: an answer if a question was asked, a pass number, or else a code.

        Returns:
            None where it is no matter of a pass.
        """
        page, answer = self.page, apply_edits(text)
        if page is Page.CONFIRM:
            right = self._confirmation.answer(answer, at)
            self.page, self._page_closes = Page.MAIN, None
            if right is not None:
                if right:
                    self._confirm(at)
                else:
                    self.problem(message("scan.wrong-answer", wait=int(RETRY_SECONDS)), at)
                return None
        if not text:
            self.problem(message("scan.empty"), at)
            return None
        asked = page is Page.NUMBER and len(answer) <= _NUMBER_MAX_CHARS
        if not asked and not is_number(text):
            return self.code(text, at)
        found = self._post.check_number(answer)
        self._show(found, at)
        self._count(found.outcome, found.number if found.readable else "", at)
        return found.outcome

    def problem(self, problem: Message, at: float) -> None:
        """Show a problem instead of an earlier verdict, which nobody may take for its result."""
        self._show(problem, at)

    def trouble(self, trouble: Message) -> None:
        """Record a problem of a scanner or a camera; the shown verdict stays."""
        self.notice, self.reading = trouble, False

    def key(self, key: Key, at: float) -> None:
        """Handle a pressed key: it turns a page or changes the language, and clears the verdict.

        A code may be that key alone, and the previous verdict would seem to be its own. Only the details and the
        question what was done continue from a verdict, and neither shows it again when it closes.
        """
        before, page = self.shown, self.page
        if key.name in "qQ":
            self._ask(None, at)
        elif key.name == ESCAPE:
            self._turn_to(Page.MAIN, at)
        elif key.name in DECISION_KEYS:
            if self._may_decide:
                self._ask(DECISION_KEYS[key.name], at)
        else:
            self._turn(key.name.lower(), at)
        if self._goes_on:
            self._closes = at + self._close_after if self._close_after else None  # somebody is reading
        elif self.shown is before:
            self.shown = self._closes = None
            if before is not None and page is self.page is Page.MAIN and key.name != ESCAPE:
                self.problem(message("scan.key"), at)

    def tick(self, at: float) -> None:
        """Clear the screen once its time is over."""
        if self._page_closes is not None and at >= self._page_closes:
            self._clear()
        if self._closes is not None and at >= self._closes:
            self._clear()

    @property
    def closes(self) -> float | None:
        """The time at which something leaves the screen, or None."""
        return min((at for at in (self._closes, self._page_closes) if at is not None), default=None)

    @property
    def number(self) -> int | None:
        """The number that the page CONFIRM asks for."""
        return self._confirmation.number

    @property
    def asks(self) -> bool:
        """Return whether the page asks for a line."""
        return self.page in _ASKED_CHARS

    def _show(self, what: Decided | NumberAnswer | Message, at: float) -> None:
        self._clear()
        self.shown, self.shown_at, self.notice = what, at, None
        self._closes = at + self._close_after if self._close_after else None

    def _clear(self) -> None:
        self.shown, self.page, self.reading = None, Page.MAIN, False
        self._closes = self._page_closes = None
        self._confirmation.drop()

    def _count(self, outcome: Outcome, number: str, at: float) -> None:
        self.checked += 1
        self.recent.append(Recent(at, outcome, number))

    @property
    def _goes_on(self) -> bool:
        """Return whether the page is about the verdict that was shown."""
        return self.page is Page.DETAILS or (self.page is Page.CONFIRM and self.confirming is not None)

    @property
    def _may_decide(self) -> bool:
        shown = self.shown
        return isinstance(shown, Decided) and bool(shown.noted) and shown.result.outcome is Outcome.CANNOT_VERIFY

    def _ask(self, decision: Decision | None, at: float) -> None:
        """Ask for a number before an action that no code may trigger."""
        if self._confirmation.ask(at):
            self.confirming = decision
            self._turn_to(Page.CONFIRM, at)
        else:
            self.problem(message("scan.asked-too-soon", wait=int(RETRY_SECONDS)), at)

    def _confirm(self, at: float) -> None:
        if self.confirming is None:
            self.ended = True
        elif isinstance(self.shown, Decided) and self.shown.noted:
            self._post.decide(self.shown.noted.entry, self.confirming)
            self.shown.decision = self.confirming
            self._closes = at + self._close_after if self._close_after else None

    def _turn_to(self, page: Page, at: float) -> None:
        self.page = page
        self._page_closes = at + PAGE_SECONDS if self.asks else None
        if page is not Page.CONFIRM:
            self._confirmation.drop()

    def _turn(self, name: str, at: float) -> None:
        """Turn a page forward or back."""
        pages = {"d": Page.DETAILS, "h": Page.HELP, "?": Page.HELP, "n": Page.NUMBER}
        if name == "l":
            self.language = self.languages[(self.languages.index(self.language) + 1) % len(self.languages)]
        elif name in pages:
            page = pages[name]
            if page is not Page.DETAILS or isinstance(self.shown, Decided):
                self._turn_to(Page.MAIN if self.page is page else page, at)
