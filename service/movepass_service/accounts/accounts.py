"""Registered numbers: a code proves one, a session remembers that, and what was applied for is found again.

Whether a number is known shows nowhere: each number gets a code in the same way. Codes cost money and can be guessed,
so there are budgets for a number, for its prefix and for a day, and few tries for a code.
"""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from movepass_service.accounts.sms import Outbox, SmsGateway
from movepass_service.errors import ServiceError
from movepass_service.rules import dhaka_day
from movepass_service.stores.numbers import Budgets, Code, Ends, Helper, NumberStore, Purses
from movepass_service.stores.sqlite.numbers import SqliteNumbers
from movepass_wire.times import DAY_SECONDS

FILE, OUTBOX = "accounts.sqlite3", "outbox.jsonl"
CODE_SECONDS = 600
CODE_DIGITS = 6
TRIES_MAX = 5
PREFIX_LETTERS = "BCDFGHJKMNPQRSTVWXYZ"
"""Of the two letters before a code, by which people know which of several messages is meant; no vowel, so no word."""
SESSION_SECONDS = 30 * DAY_SECONDS
APPLICATIONS_SECONDS = 11 * DAY_SECONDS
"""For how long an application is found again: three days ahead, and seven after the day of its pass."""
APPLICATIONS_MAX = 50
_TOKEN_BYTES = 16
_NUMBER_PREFIX_CHARS = len("+88017123")
"""Of a number, as far as a range of ten thousand: fraud runs through such ranges."""


class WrongCode(ServiceError):  # noqa: N818
    """Not the code, or one that is over, used or tried too often: nobody learns which."""

    is_input = True


@dataclass(frozen=True, slots=True)
class Challenge:
    """A code on its way.

    Attributes:
        id: comes back with the code; it can't be guessed.
        prefix: the two letters before the code.
    """

    id: str
    prefix: str


Compose = Callable[[str, str], str]
"""Writes a message from the prefix and the code."""


class Accounts:
    """Everything about registered numbers. Its methods wait for the store, so call them from a thread."""

    def __init__(self, store: NumberStore, gateway: SmsGateway, budgets: Budgets | None = None) -> None:
        """Take the store, and who sends messages."""
        self._store = store
        self._gateway = gateway
        self._budgets = budgets or Budgets()

    @classmethod
    def open(cls, data: Path, gateway: SmsGateway | None = None, budgets: Budgets | None = None) -> Self:
        """Open the accounts in the service's folder; without a gateway messages go to an outbox there.

        Raises:
            StoreError: the folder can't be used.
        """
        return cls(SqliteNumbers(data / FILE), gateway or Outbox(data / OUTBOX), budgets)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def send_code(self, phone: str, compose: Compose, *, now: int) -> Challenge:
        """Send a code to a number.

        Args:
            phone: +8801XXXXXXXXX.
            compose: writes the message.
            now: seconds since 1970 UTC.

        Raises:
            TooManyCodes: no code was sent.
            SmsError: the gateway did not take it; the code counts as sent.
        """
        challenge = secrets.token_hex(_TOKEN_BYTES)
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        kept = Code(self._hash("challenge", challenge), phone, self._hash(challenge, code), now)
        self._store.add_code(kept, self._purses(phone), self._budgets, dhaka_day(now))
        prefix = "".join(secrets.choice(PREFIX_LETTERS) for _ in range(2))
        self._gateway.send(phone, compose(prefix, code))
        return Challenge(challenge, prefix)

    def sign_in(self, challenge: str, code: str, *, now: int) -> str:
        """Take a code; returns the token of a new session.

        Raises:
            WrongCode: see there.
        """
        token = secrets.token_hex(_TOKEN_BYTES)
        name, given = self._hash("challenge", challenge), self._hash(challenge, code)
        session, made_after = self._hash("session", token), now - CODE_SECONDS
        if not self._store.try_code(name, given, session, now, made_after=made_after, tries_max=TRIES_MAX):
            raise WrongCode("not the code that was sent")
        return token

    def phone_of(self, token: str, *, now: int) -> str | None:
        """Return the number of a session, or None if there is no such session any more."""
        return self._store.session(self._hash("session", token), now - SESSION_SECONDS)

    def sign_out(self, token: str) -> None:
        """End a session."""
        self._store.end_session(self._hash("session", token))

    def remember(self, phone: str, receipts: list[tuple[str, str]], *, now: int) -> None:
        """Note that a number applied: references and secrets."""
        self._store.note_applications(self._hash("phone", phone), receipts, now)

    def applications_of(self, phone: str, *, now: int) -> list[tuple[str, str]]:
        """Return references and secrets of what a number applied for, the newest first."""
        name = self._hash("phone", phone)
        return self._store.applications(name, now - APPLICATIONS_SECONDS, APPLICATIONS_MAX)

    def forget(self, now: int) -> None:
        """Delete what is over: codes, sessions, budgets of other days, and what was applied for long ago."""
        ends = Ends(now - CODE_SECONDS, now - SESSION_SECONDS, now - APPLICATIONS_SECONDS, dhaka_day(now))
        self._store.forget(ends)

    def secret_of(self, phone: str, reference: str, *, now: int) -> str | None:
        """Return the secret of one application of a number, or None if it has none of this reference."""
        name = self._hash("phone", phone)
        return self._store.application_secret(name, reference, now - APPLICATIONS_SECONDS)

    def references_of(self, phone: str, *, now: int) -> frozenset[str]:
        """Return the references of all that a number applied for, for itself and for others."""
        found = self._store.applications(self._hash("phone", phone), now - APPLICATIONS_SECONDS)
        return frozenset(reference for reference, _ in found)

    def appoint(self, phone: str, helper: Helper) -> None:
        """Let a number apply for others, or change what it may do."""
        self._store.put_helper(self._hash("phone", phone), helper)

    def helper_of(self, phone: str) -> Helper | None:
        """Return what a number may do for others, or None."""
        return self._store.helper(self._hash("phone", phone))

    def quota_left(self, phone: str, helper: Helper, *, now: int) -> int:
        """Return how many applications of lists a number has left on this day."""
        return max(0, helper.quota - self._store.rows_spent(self._hash("quota", phone), dhaka_day(now)))

    def reserve_rows(self, phone: str, helper: Helper, ids: list[str], *, now: int) -> set[str]:
        """Return those of a list's rows that may be stored: as many new ones as the day's quota has left.

        Rows that were reserved before cost nothing again, so a list that was cut off can be sent once more.
        """
        return self._store.reserve_rows(self._hash("quota", phone), dhaka_day(now), ids, helper.quota, now)

    def row_id(self, phone: str, content: str) -> str:
        """Return the id of a list's row: the same for the same content, and guessed by nobody."""
        return str(uuid.UUID(bytes=self._hash(f"row of {phone}", content)[:16], version=4))

    def _purses(self, phone: str) -> Purses:
        prefix = self._hash("prefix", phone[:_NUMBER_PREFIX_CHARS])
        return Purses(self._hash("number", phone), prefix, self._hash("day", ""))

    def _hash(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._store.key, f"{purpose}\0{text}".encode(), hashlib.sha256)
