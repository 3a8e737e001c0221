"""Officers' accounts in the embedded store."""

import json
from typing import TYPE_CHECKING, Any

from movepass_service.stores.accounts import Account, Act, Challenge, Enrolment, KeptSession, Passkey
from movepass_service.stores.sqlite import account_rows
from movepass_service.stores.sqlite.writer import Writer, failures
from movepass_service.stores.store import Officer

if TYPE_CHECKING:
    import sqlite3


class SqliteAccounts:
    """See stores.accounts.AccountStore for what each method promises."""

    writer: Writer
    if TYPE_CHECKING:

        @property
        def _reader(self) -> "sqlite3.Connection": ...

    def add_officer(
        self, officer: Officer, secret_hash: bytes, now: int, act: Act | None = None, *, asked_by: str = ""
    ) -> None:
        """See AccountStore."""
        self.writer.call(lambda db: account_rows.add_officer(db, officer, secret_hash, now, act, asked_by))

    def officer(self, name: str) -> Officer | None:
        """Look up an officer."""
        with failures():
            return account_rows.officer(self._reader, name)

    def accounts(self) -> list[Account]:
        """See AccountStore."""
        with failures():
            return account_rows.accounts(self._reader)

    def change_role(self, name: str, role: str, now: int, act: Act, *, asked_by: str = "") -> None:
        """See AccountStore."""
        self.writer.call(lambda db: account_rows.change_role(db, name, role, now, act, asked_by))

    def set_disabled(self, name: str, now: int, act: Act, *, disabled: bool) -> None:
        """See AccountStore."""
        self.writer.call(lambda db: account_rows.set_disabled(db, name, now, act, disabled=disabled))

    def end_sessions(self, name: str, now: int, act: Act) -> int:
        """See AccountStore."""
        return self.writer.call(lambda db: account_rows.end_sessions(db, name, now, act))

    def ask_enrolment(self, name: str, manager: str, now: int, act: Act) -> None:
        """See AccountStore."""
        self.writer.call(lambda db: account_rows.ask_enrolment(db, name, manager, now, act))

    def drop_enrolment(self, name: str, now: int, act: Act) -> None:
        """See AccountStore."""
        self.writer.call(lambda db: account_rows.drop_enrolment(db, name, now, act))

    def approve_enrolment(self, name: str, manager: str, secret_hash: bytes, now: int, act: Act) -> None:
        """See AccountStore."""
        self.writer.call(lambda db: account_rows.approve_enrolment(db, name, manager, secret_hash, now, act))

    def renew_enrolment(self, name: str, secret_hash: bytes, now: int, act: Act) -> None:
        """See AccountStore."""
        self.writer.call(lambda db: account_rows.renew_enrolment(db, name, secret_hash, now, act))

    def enrolment(self, secret_hash: bytes) -> Enrolment | None:
        """See AccountStore."""
        with failures():
            return account_rows.enrolment(self._reader, secret_hash)

    def handle(self, name: str) -> bytes:
        """See AccountStore."""
        with failures():
            return account_rows.handle(self._reader, name)

    def put_challenge(self, browser: bytes, challenge: Challenge, limit: int, oldest: int) -> None:
        """See AccountStore."""
        self.writer.call(lambda db: account_rows.put_challenge(db, browser, challenge, limit, oldest))

    def take_challenge(self, browser: bytes) -> Challenge | None:
        """See AccountStore."""
        return self.writer.call(lambda db: account_rows.take_challenge(db, browser))

    def enrol(self, secret_hash: bytes, passkey: Passkey, now: int, act: Act) -> None:
        """See AccountStore."""
        self.writer.call(lambda db: account_rows.enrol(db, secret_hash, passkey, now, act))

    def passkey(self, id_: bytes) -> Passkey | None:
        """See AccountStore."""
        with failures():
            return account_rows.passkey(self._reader, id_)

    def passkeys_of(self, name: str) -> list[Passkey]:
        """See AccountStore."""
        with failures():
            return account_rows.passkeys_of(self._reader, name)

    def stop_passkey(self, id_: bytes, now: int, act: Act) -> None:
        """See AccountStore."""
        self.writer.call(lambda db: account_rows.stop_passkey(db, id_, now, act))

    def begin_session(self, session: KeptSession, sign_count: int, limit: int) -> None:
        """See AccountStore."""
        self.writer.call(lambda db: account_rows.begin_session(db, session, sign_count, limit))

    def session(self, token: bytes) -> KeptSession | None:
        """See AccountStore."""
        with failures():
            return account_rows.session(self._reader, token)

    def touch_session(self, token: bytes, now: int) -> None:
        """See AccountStore."""
        change = "UPDATE sessions SET seen_at = max(seen_at, ?) WHERE token = ?"
        self.writer.call(lambda db: db.execute(change, (now, token)) and None)

    def end_session(self, token: bytes) -> None:
        """See AccountStore."""
        self.writer.call(lambda db: db.execute("DELETE FROM sessions WHERE token = ?", (token,)) and None)

    def forget_sessions(self, seen_before: int, began_before: int) -> None:
        """See AccountStore."""
        self.writer.call(lambda db: account_rows.forget_sessions(db, seen_before, began_before))

    def administration(self, limit: int) -> list[dict[str, Any]]:
        """See AccountStore."""
        with failures():
            return [json.loads(record) for record in account_rows.administration(self._reader, limit)]

    def published_heads(self, limit: int) -> list[str]:
        """See AccountStore."""
        with failures():
            return account_rows.published_heads(self._reader, limit)
