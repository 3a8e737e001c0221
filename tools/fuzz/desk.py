"""The officer's desk without its terminal: keyboard, session and screen run as in officer/scanning/command.py.

A thousand inputs a second are typed so; fuzz/terminal.py types a sample of them into the real command.
"""

import time
from random import Random
from zlib import crc32

from support.writing import foreign

from fuzz.targets import hold
from movepass_cli.display import columns
from movepass_cli.officer.scanning.confirmation import Confirmation
from movepass_cli.officer.scanning.keyboard import REST_SECONDS, Event, Key, Keyboard, Unfinished
from movepass_cli.officer.scanning.screen import Badge, Size, frame
from movepass_cli.officer.scanning.session import KEYS, Decided, Session
from movepass_verifier import Device, Outcome, Verification
from movepass_verifier.deciding.verdicts import Freshness
from movepass_verifier.officer.by_number import NumberAnswer
from movepass_verifier.officer.journal import Decision, Noted
from movepass_words import message

_SIZES = (Size(80, 24), Size(40, 10), Size(120, 40))
_NUMBER = 7303
"""What is asked for before anything that no code may do."""
_PAUSES = (0.0, 0.001, 0.02, 0.1, 0.2, 0.5, 1.5, 4.0)
_PIECES_MOST = 4
_HANG_SECONDS = 2.0


class _Post:
    """A device whose journal keeps nothing."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self.decided = False

    def verify(self, text: str) -> Verification:
        return self._device.verify(text)

    def check_number(self, text: str) -> NumberAnswer:
        return self._device.check_number(text)

    def note(self, _: Verification) -> Noted:
        return Noted(1, None)

    def decide(self, _: int, __: Decision) -> None:
        self.decided = True


class Desk:
    """One shift: passes are scanned, and between them whatever a code may type."""

    def __init__(self, device: Device) -> None:
        """Begin a shift."""
        self._post = _Post(device)
        self._badge = Badge("Test Authority", test=True, freshness=Freshness(0, 0, 0, 1, 2), problem=None)
        self._at = time.time()
        self._begin()

    def _begin(self) -> None:
        self._post.decided = False
        self._session = Session(self._post, "en", confirmation=Confirmation(lambda: _NUMBER))
        self._keyboard = Keyboard(KEYS)

    def check(self, data: bytes, good: str, holder: str) -> None:
        """Type an input in some pieces, with pauses, and then a good pass: it is accepted, and nothing was steered.

        Args:
            data: what a code makes a scanner type. Its checksum chooses pieces, pauses and the window's size.
            good: a pass's text.
            holder: its holder's name.
        """
        began, chance = time.process_time(), Random(crc32(data))
        size = chance.choice(_SIZES)
        cuts = sorted(chance.randint(0, len(data)) for _ in range(chance.randrange(_PIECES_MOST)))
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            self._type(data[start:end], size)
            self._pause(chance.choice(_PAUSES), size)
        self._type(b"\r", size)
        self._pause(REST_SECONDS + 1, size)
        if str(_NUMBER).encode() not in data:
            hold(not self._session.ended, "a code has ended the shift")
            hold(not self._post.decided, "a code has noted a decision")
        if self._session.ended:
            self._begin()
        screen = self._type(good.encode() + b"\r", size)
        shown = self._session.shown
        hold(isinstance(shown, Decided) and shown.result.outcome is Outcome.ACCEPT, "a good pass is not accepted")
        hold(size.rows < _SIZES[0].rows or holder in screen, "its holder is not shown")
        hold(time.process_time() - began < _HANG_SECONDS, "hangs")

    def _type(self, data: bytes, size: Size) -> str:
        if not data or self._session.ended:
            return ""
        self._keyboard.asked = self._session.asks
        for event in self._keyboard.feed(data, self._at):
            self._take(event)
        if self._keyboard.typed and not self._keyboard.may_be_a_key:
            self._session.typing(self._keyboard.typed, self._at)
            hold(self._session.asks or self._session.shown is None, "a verdict is in sight while a code comes")
        return self._screen(size)

    def _pause(self, seconds: float, size: Size) -> None:
        self._at += seconds
        self._keyboard.asked = self._session.asks
        events = self._keyboard.idle(self._at)
        for event in events:
            self._take(event)
        self._session.tick(self._at)
        if events:
            self._screen(size)

    def _take(self, event: Event) -> None:
        if self._session.ended:
            return
        if isinstance(event, Key):
            self._session.key(event, self._at)
        elif isinstance(event, Unfinished):
            self._session.problem(message("scan.unfinished", count=len(event.text)), self._at)
        else:
            self._session.line(event.text, self._at)
            self._session.note()

    def _screen(self, size: Size) -> str:
        """Lay the screen out, and return its text."""
        lines = frame(self._session, self._badge, self._keyboard.typed, size, unicode=True, now=self._at)
        hold(len(lines) == size.rows, "another number of rows")
        hold(all(sum(columns(text) for text, _ in line) <= size.columns for line in lines), "a row is too wide")
        written = "\n".join("".join(text for text, _ in line) for line in lines)
        pieces = foreign(written.encode())
        hold(not pieces, f"written into the terminal: {pieces[:3]}")
        return written
