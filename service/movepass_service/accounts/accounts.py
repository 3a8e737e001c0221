"""Registered numbers: a code proves one, a session remembers that, and what was applied for is found again.

Whether a number is known shows nowhere: each number gets a code in the same way. Codes cost money and can be guessed,
so there are budgets for a number, for its prefix and for a day, and few tries for a code.
"""

import hashlib
import hmac
import secrets
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from movepass_service.accounts.sms import Outbox, SmsGateway
from movepass_service.accounts.store import AccountStore
from movepass_service.errors import ServiceError
from movepass_service.rules import dhaka_day
from movepass_service.rules.columns import seconds_to_midnight
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


class TooManyCodes(ServiceError):  # noqa: N818 - named as the service's other refusals
    """A budget is spent, or the last code is too recent; no code was sent.

    Attributes:
        retry_after_s: when to ask again.
    """

    is_input = True

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many codes were asked for")
        self.retry_after_s = retry_after_s


class WrongCode(ServiceError):  # noqa: N818
    """Not the code, or one that is over, used or tried too often: nobody learns which."""

    is_input = True


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
class Challenge:
    """A code on its way.

    Attributes:
        id: comes back with the code; it can't be guessed.
        prefix: the two letters before the code.
    """

    id: str
    prefix: str


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


Compose = Callable[[str, str], str]
"""Writes a message from the prefix and the code."""


class Accounts:
    """Everything about registered numbers. Its methods wait for the disk, so call them from a thread."""

    def __init__(self, store: AccountStore, gateway: SmsGateway, budgets: Budgets) -> None:
        """Take what `open` opened."""
        self._store = store
        self._gateway = gateway
        self._budgets = budgets

    @classmethod
    def open(cls, data: Path, gateway: SmsGateway | None = None, budgets: Budgets | None = None) -> Self:
        """Open the accounts in the service's folder; without a gateway messages go to an outbox there.

        Raises:
            StoreError: the folder can't be used.
        """
        return cls(AccountStore(data / FILE), gateway or Outbox(data / OUTBOX), budgets or Budgets())

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
        """
        challenge = secrets.token_hex(_TOKEN_BYTES)
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        with self._store.transaction() as db:
            self._spend(db, phone, now)
            db.execute("DELETE FROM challenges WHERE made_at <= ?", (now - CODE_SECONDS,))
            row = (self._hash("challenge", challenge), phone, self._hash(challenge, code), now, 0)
            db.execute("INSERT INTO challenges VALUES (?, ?, ?, ?, ?)", row)
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
        with self._store.transaction() as db:
            query = "SELECT phone, code, tries FROM challenges WHERE id = ? AND made_at > ?"
            phone, expected, tries = db.execute(query, (name, now - CODE_SECONDS)).fetchone() or ("", bytes(32), 0)
            is_right = hmac.compare_digest(given, expected) and bool(phone) and tries < TRIES_MAX
            if is_right:
                db.execute("DELETE FROM challenges WHERE id = ?", (name,))
                db.execute("INSERT INTO sessions VALUES (?, ?, ?)", (self._hash("session", token), phone, now))
            else:
                db.execute("UPDATE challenges SET tries = tries + 1 WHERE id = ?", (name,))
        if not is_right:
            raise WrongCode("not the code that was sent")
        return token

    def phone_of(self, token: str, *, now: int) -> str | None:
        """Return the number of a session, or None if there is no such session any more."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM sessions WHERE seen_at <= ?", (now - SESSION_SECONDS,))
            found = db.execute("SELECT phone FROM sessions WHERE token = ?", (self._hash("session", token),)).fetchone()
        return found[0] if found else None

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM sessions WHERE token = ?", (self._hash("session", token),))

    def remember(self, phone: str, receipts: list[tuple[str, str]], *, now: int) -> None:
        """Note that a number applied: references and secrets."""
        name = self._hash("phone", phone)
        with self._store.transaction() as db:
            db.execute("DELETE FROM applications WHERE made_at <= ?", (now - APPLICATIONS_SECONDS,))
            rows = [(name, reference, secret, now) for reference, secret in receipts]
            db.executemany("INSERT OR IGNORE INTO applications VALUES (?, ?, ?, ?)", rows)

    def applications_of(self, phone: str, *, now: int) -> list[tuple[str, str]]:
        """Return references and secrets of what a number applied for, the newest first."""
        query = (
            "SELECT reference, secret FROM applications WHERE phone = ? AND made_at > ? "
            "ORDER BY made_at DESC, reference LIMIT ?"
        )
        with self._store.transaction() as db:
            found = db.execute(query, (self._hash("phone", phone), now - APPLICATIONS_SECONDS, APPLICATIONS_MAX))
            return [(reference, secret) for reference, secret in found]

    def forget(self, now: int) -> None:
        """Delete what is over: codes, sessions, budgets of other days, and what was applied for long ago."""
        with self._store.transaction() as db:
            for query, before in (
                ("DELETE FROM challenges WHERE made_at <= ?", now - CODE_SECONDS),
                ("DELETE FROM sessions WHERE seen_at <= ?", now - SESSION_SECONDS),
                ("DELETE FROM budgets WHERE day < ?", dhaka_day(now)),
                ("DELETE FROM applications WHERE made_at <= ?", now - APPLICATIONS_SECONDS),
                ("DELETE FROM list_rows WHERE made_at <= ?", now - APPLICATIONS_SECONDS),
            ):
                db.execute(query, (before,))
        self._store.truncate_log()

    def secret_of(self, phone: str, reference: str, *, now: int) -> str | None:
        """Return the secret of one application of a number, or None if it has none of this reference."""
        query = "SELECT secret FROM applications WHERE phone = ? AND reference = ? AND made_at > ?"
        with self._store.transaction() as db:
            key = (self._hash("phone", phone), reference, now - APPLICATIONS_SECONDS)
            row = db.execute(query, key).fetchone()
        return row[0] if row else None

    def references_of(self, phone: str, *, now: int) -> frozenset[str]:
        """Return the references of all that a number applied for, for itself and for others."""
        query = "SELECT reference FROM applications WHERE phone = ? AND made_at > ?"
        with self._store.transaction() as db:
            found = db.execute(query, (self._hash("phone", phone), now - APPLICATIONS_SECONDS))
            return frozenset(reference for (reference,) in found)

    def appoint(self, phone: str, helper: Helper) -> None:
        """Let a number apply for others, or change what it may do."""
        row = (self._hash("phone", phone), helper.role, helper.name, helper.quota)
        with self._store.transaction() as db:
            db.execute("INSERT OR REPLACE INTO helpers VALUES (?, ?, ?, ?)", row)

    def helper_of(self, phone: str) -> Helper | None:
        """Return what a number may do for others, or None."""
        query = "SELECT role, name, quota FROM helpers WHERE phone = ?"
        with self._store.transaction() as db:
            row = db.execute(query, (self._hash("phone", phone),)).fetchone()
        return Helper(*row) if row else None

    def quota_left(self, phone: str, helper: Helper, *, now: int) -> int:
        """Return how many applications of lists a number has left on this day."""
        query = "SELECT spent FROM budgets WHERE name = ? AND day = ?"
        with self._store.transaction() as db:
            row = db.execute(query, (self._hash("quota", phone), dhaka_day(now))).fetchone()
        return max(0, helper.quota - (row[0] if row else 0))

    def reserve_rows(self, phone: str, helper: Helper, ids: list[str], *, now: int) -> set[str]:
        """Return those of a list's rows that may be stored: as many new ones as the day's quota has left.

        Rows that were reserved before cost nothing again, so a list that was cut off can be sent once more.
        """
        name, day = self._hash("quota", phone), dhaka_day(now)
        with self._store.transaction() as db:
            query = "SELECT 1 FROM list_rows WHERE id = ?"
            known = {row for row in ids if db.execute(query, (row,)).fetchone()}
            spent = db.execute("SELECT spent FROM budgets WHERE name = ? AND day = ?", (name, day)).fetchone()
            left = max(0, helper.quota - (spent[0] if spent else 0))
            new = [row for row in dict.fromkeys(ids) if row not in known][:left]
            db.executemany("INSERT INTO list_rows VALUES (?, ?)", [(row, now) for row in new])
            count = (
                "INSERT INTO budgets VALUES (?, ?, ?, ?) "
                "ON CONFLICT (name, day) DO UPDATE SET spent = spent + excluded.spent"
            )
            db.execute(count, (name, day, len(new), now))
        return known | set(new)

    def row_id(self, phone: str, content: str) -> str:
        """Return the id of a list's row: the same for the same content, and guessed by nobody."""
        return str(uuid.UUID(bytes=self._hash(f"row of {phone}", content)[:16], version=4))

    def _spend(self, db: sqlite3.Connection, phone: str, now: int) -> None:
        """Take a code from each budget, or from none."""
        day = dhaka_day(now)
        budgets = (
            (self._hash("number", phone), self._budgets.number),
            (self._hash("prefix", phone[:_NUMBER_PREFIX_CHARS]), self._budgets.prefix),
            (self._hash("day", ""), self._budgets.day),
        )
        db.execute("DELETE FROM budgets WHERE day < ?", (day,))
        for number, (name, most) in enumerate(budgets):
            row = db.execute("SELECT spent, last_at FROM budgets WHERE name = ? AND day = ?", (name, day)).fetchone()
            spent, last_at = row or (0, 0)
            if spent >= most:
                raise TooManyCodes(seconds_to_midnight(now))
            if number == 0 and now - last_at < self._budgets.pause_s:
                raise TooManyCodes(self._budgets.pause_s - max(0, now - last_at))
        for name, _ in budgets:
            query = (
                "INSERT INTO budgets VALUES (?, ?, 1, ?) "
                "ON CONFLICT (name, day) DO UPDATE SET spent = spent + 1, last_at = excluded.last_at"
            )
            db.execute(query, (name, day, now))

    def _hash(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._store.key, f"{purpose}\0{text}".encode(), hashlib.sha256)
