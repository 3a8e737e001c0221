"""The contract of a store of registered numbers, and what it decides. Numbers are looked up by a keyed hash.

tests/service/stores/number_contract.py checks each store against it:

- a code is taken from all its budgets or from none, however many ask at once;
- a code opens one session, and each wrong try counts;
- a quota of list rows holds, and a row that was reserved costs nothing again.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from movepass_service.errors import ServiceError
from movepass_service.rules.columns import seconds_to_midnight

KEY_BYTES = 32


class TooManyCodes(ServiceError):  # noqa: N818 - named as the service's other refusals
    """A budget is spent, or the last code is too recent; no code was sent.

    Attributes:
        retry_after_s: when to ask again.
    """

    is_input = True

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many codes were asked for")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Budgets:
    """How many codes are sent on a day.

    Attributes:
        number: to one number.
        prefix: to all numbers of a prefix.
        day: to all numbers.
        pause_s: between two to one number.
    """

    number: int = 5
    prefix: int = 100
    day: int = 20_000
    pause_s: int = 60


@dataclass(frozen=True, slots=True)
class Purses:
    """The budgets that a code is taken from, by the hashes of their names."""

    number: bytes
    prefix: bytes
    day: bytes


@dataclass(frozen=True, slots=True)
class Code:
    """A code on its way.

    Attributes:
        id: hash of the challenge's id.
        phone: the number that it was sent to, +8801XXXXXXXXX.
        code: hash of the code.
        made_at: seconds since 1970 UTC, as all times here.
        tries: how often a wrong code was given.
    """

    id: bytes
    phone: str
    code: bytes
    made_at: int
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Helper:
    """Somebody who applies for others.

    Attributes:
        role: "assistant" or "employer", which the rules look at as evidence.
        name: of the office or the firm; it is recorded with each application.
        quota: applications a day from lists.
    """

    role: str
    name: str
    quota: int


@dataclass(frozen=True, slots=True)
class Ends:
    """Times up to which things are over.

    Attributes:
        codes: codes that were made then or before; so for the others.
        sessions: sessions.
        applications: applications and rows of lists.
        day: days before this one, in Dhaka, since 1970-01-01: their budgets are over.
    """

    codes: int
    sessions: int
    applications: int
    day: int


class NumberStore(Protocol):
    """Keeps codes, sessions, budgets and applications of registered numbers. Methods raise StoreError where it fails.

    Every change is durable when its method returns. What is over is hidden at once, and deleted by `forget` or later.
    """

    @property
    def key(self) -> bytes:
        """The key of all hashes here, made when the store was."""

    def add_code(self, code: Code, purses: Purses, budgets: Budgets, day: int) -> None:
        """Keep a code, and take it from each budget of a day in Dhaka, or from none.

        Raises:
            TooManyCodes: one of them is spent, or the last code to this number is too recent.
        """

    def try_code(self, id_: bytes, given: bytes, session: bytes, now: int, *, made_after: int, tries_max: int) -> bool:
        """Use a code up and begin a session, if it is right; else count the try. Returns whether it was.

        Args:
            id_: the code's.
            given: hash of what was given.
            session: hash of the session's token.
            now: when the session begins.
            made_after: codes made then or before are over.
            tries_max: a code with so many wrong tries is over.
        """

    def session(self, token: bytes, began_after: int) -> str | None:
        """Return the number of a session that began after a time, or None."""

    def end_session(self, token: bytes) -> None:
        """End a session. Without one nothing changes."""

    def note_applications(self, phone: bytes, receipts: Sequence[tuple[str, str]], now: int) -> None:
        """Note references and secrets of what a number applied for; one that is noted keeps its time."""

    def applications(self, phone: bytes, made_after: int, limit: int | None = None) -> list[tuple[str, str]]:
        """Return references and secrets of what a number applied for, the newest first."""

    def application_secret(self, phone: bytes, reference: str, made_after: int) -> str | None:
        """Return the secret of one application of a number, or None if it has none of this reference."""

    def put_helper(self, phone: bytes, helper: Helper) -> None:
        """Note what a number may do for others."""

    def helper(self, phone: bytes) -> Helper | None:
        """Return what a number may do for others, or None."""

    def rows_spent(self, name: bytes, day: int) -> int:
        """Return how many rows were reserved under a name on a day."""

    def reserve_rows(self, name: bytes, day: int, ids: Sequence[str], quota: int, now: int) -> set[str]:
        """Reserve rows of a list, as many new ones as the day's quota has left; returns those that are reserved."""

    def forget(self, ends: Ends) -> None:
        """Delete what is over."""

    def close(self) -> None:
        """Let go of the store."""


def check_budgets(budgets: Budgets, spent: Sequence[int], last_at: int, now: int) -> None:
    """Check that a code may be sent.

    Args:
        budgets: how many are sent on a day.
        spent: how many were sent today to the number, to its prefix, and to all numbers.
        last_at: when the last one was sent to the number today; 0 for never.
        now: seconds since 1970 UTC.

    Raises:
        TooManyCodes: none may be sent.
    """
    if spent[0] >= budgets.number:
        raise TooManyCodes(seconds_to_midnight(now))
    if now - last_at < budgets.pause_s:
        raise TooManyCodes(budgets.pause_s - max(0, now - last_at))
    if spent[1] >= budgets.prefix or spent[2] >= budgets.day:
        raise TooManyCodes(seconds_to_midnight(now))


def is_right(code: Code | None, given: bytes, made_after: int, tries_max: int) -> bool:
    """Check a code that was given; it takes as long whether there is one or not."""
    is_same = hmac.compare_digest(given, code.code if code else bytes(len(given)))
    return code is not None and is_same and code.made_at > made_after and code.tries < tries_max


def new_rows(ids: Sequence[str], known: set[str], left: int) -> list[str]:
    """Return the rows of a list to reserve: the first ones that are not known, as many as are left."""
    return [row for row in dict.fromkeys(ids) if row not in known][: max(0, left)]
