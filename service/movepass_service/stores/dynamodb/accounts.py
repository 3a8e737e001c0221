"""Officers' accounts in DynamoDB.

Items, by partition key `pk` and sort key `sk`:

    OFFICERS             NAME         an account with its link, passkeys and sessions (account.py)
    LINK#HASH            -            whose an enrolment link is
    PASSKEY#ID           -            whose a passkey is; none is enrolled twice
    SESSION#HASH         -            whose a session is
    CHALLENGE#HASH       -            a challenge for a browser; taken with its deletion

A link, a passkey or a session counts only if its account holds it: the other items lead there. An act of
administration is one transaction with the account, in which the log gets its leaf.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from movepass_service.errors import Busy, NotAllowed
from movepass_service.stores.accounts import (
    Account,
    Act,
    Challenge,
    Enrolment,
    KeptSession,
    NoSuchAccount,
    Passkey,
    look_of,
)
from movepass_service.stores.dynamodb import account as accounts
from movepass_service.stores.dynamodb.account import OFFICERS, Change, KeptAccount, Link, MaybeChange
from movepass_service.stores.dynamodb.applications import BUSY_SECONDS
from movepass_service.stores.dynamodb.log import Log, Refused
from movepass_service.stores.dynamodb.table import NO_SORT, Item, Table, Value, waits
from movepass_service.stores.store import Officer
from movepass_wire.times import DAY_SECONDS

_LINK, _PASSKEY, _SESSION, _CHALLENGE = "LINK", "PASSKEY", "SESSION", "CHALLENGE"
_HANDLE_BYTES = 32
_KEPT_DAYS: Final = {_LINK: 30, _SESSION: 2, _CHALLENGE: 1}
"""Days after which TTL deletes what is long over by then."""


class DynamoDbAccounts:
    """See stores.accounts.AccountStore for what each method promises."""

    _table: Table
    _log: Log

    def add_officer(
        self, officer: Officer, secret_hash: bytes, now: int, act: Act | None = None, *, asked_by: str = ""
    ) -> None:
        """See AccountStore."""
        link = Link(secret_hash, now, replaces=False) if secret_hash else None
        new = KeptAccount(
            officer, now, os.urandom(_HANDLE_BYTES), link=link, asked_by=asked_by, asked_at=now if asked_by else 0
        )
        try:
            self._write_account(None, new, act, now, self._leading_to_link(new))
        except Refused as e:
            raise NotAllowed(f"there is an officer {officer.name!r} already", "known") from e

    def officer(self, name: str) -> Officer | None:
        """Look up an officer by their name as it was written when they were added."""
        found = self._account(name)
        return found.seen() if found else None

    def accounts(self) -> list[Account]:
        """See AccountStore."""
        return [KeptAccount.from_item(item).shown() for item in self._table.partition(OFFICERS)]

    def change_role(self, name: str, role: str, now: int, act: Act, *, asked_by: str = "") -> None:
        """See AccountStore."""
        self._change_account(name, lambda account: accounts.with_role(account, role, now, asked_by), now, act)

    def set_disabled(self, name: str, now: int, act: Act, *, disabled: bool) -> None:
        """See AccountStore."""
        self._change_account(name, lambda account: accounts.with_end(account, now, disabled=disabled), now, act)

    def end_sessions(self, name: str, now: int, act: Act) -> int:
        """See AccountStore."""
        before = self._change_account(name, lambda account: replace(account, sessions=()), now, act)
        return len(before.sessions)

    def ask_enrolment(self, name: str, manager: str, now: int, act: Act) -> None:
        """See AccountStore."""
        self._change_account(name, lambda account: accounts.asked(account, manager, now), now, act)

    def drop_enrolment(self, name: str, now: int, act: Act) -> None:
        """See AccountStore."""
        self._change_account(name, accounts.dropped, now, act)

    def approve_enrolment(self, name: str, manager: str, secret_hash: bytes, now: int, act: Act) -> None:
        """See AccountStore."""
        self._change_account(
            name, lambda account: accounts.approved(account, manager, secret_hash, now), now, act, self._leading_to_link
        )

    def renew_enrolment(self, name: str, secret_hash: bytes, now: int, act: Act) -> None:
        """See AccountStore."""
        self._change_account(
            name, lambda account: accounts.renewed(account, secret_hash, now), now, act, self._leading_to_link
        )

    def enrolment(self, secret_hash: bytes) -> Enrolment | None:
        """See AccountStore."""
        found = self._led_to(_LINK, secret_hash)
        return found.enrolment if found and found.link and found.link.secret_hash == secret_hash else None

    def handle(self, name: str) -> bytes:
        """See AccountStore."""
        return self._known_account(name).handle

    def put_challenge(self, browser: bytes, challenge: Challenge, limit: int, oldest: int) -> None:  # noqa: ARG002
        """See AccountStore. A table has room for a flood, so none has to go before its time."""
        item: Item = {
            "pk": _name(_CHALLENGE, browser), "sk": NO_SORT, "value": challenge.value, "made_at": challenge.made_at,
            "expires": _expiry(_CHALLENGE, challenge.made_at),
        }  # fmt: skip
        self._table.replace(item | ({"enrolment": challenge.enrolment} if challenge.enrolment else {}))

    def take_challenge(self, browser: bytes) -> Challenge | None:
        """See AccountStore. Should the answer be lost, the challenge is gone, and the browser begins again."""
        item: Mapping[str, Any] | None = self._table.take(_name(_CHALLENGE, browser))
        return Challenge(item["value"], item.get("enrolment"), item["made_at"]) if item else None

    def enrol(self, secret_hash: bytes, passkey: Passkey, now: int, act: Act) -> None:
        """See AccountStore."""
        name = _name(_PASSKEY, passkey.id)

        def lead(after: KeptAccount) -> Sequence[Mapping[str, Any]]:
            if self._table.get(name):
                raise NoSuchAccount("this passkey is enrolled already")
            return [self._table.part({"pk": name, "sk": NO_SORT, "officer": look_of(after.name)})]

        change: Change = lambda account: accounts.enrolled(account, secret_hash, passkey, now)  # noqa: E731
        self._change_account(passkey.officer, change, now, act, lead)

    def passkey(self, id_: bytes) -> Passkey | None:
        """See AccountStore."""
        found = self._led_to(_PASSKEY, id_)
        return next((passkey for passkey in found.usable if passkey.id == id_), None) if found else None

    def passkeys_of(self, name: str) -> list[Passkey]:
        """See AccountStore."""
        found = self._account(name)
        return found.usable if found else []

    def stop_passkey(self, id_: bytes, now: int, act: Act) -> None:
        """See AccountStore."""
        found = self._led_to(_PASSKEY, id_)
        if found:
            self._change_account(found.name, lambda account: accounts.without_passkey(account, id_, now), now, act)

    def begin_session(self, session: KeptSession, sign_count: int, limit: int) -> None:
        """See AccountStore."""
        item: Item = {
            "pk": _name(_SESSION, session.token), "sk": NO_SORT, "officer": look_of(session.officer),
            "expires": _expiry(_SESSION, session.began_at),
        }  # fmt: skip
        change: Change = lambda account: accounts.with_session(account, session, sign_count, limit)  # noqa: E731
        self._change_account(session.officer, change, session.began_at, lead=lambda _: [self._table.part(item, None)])

    def session(self, token: bytes) -> KeptSession | None:
        """See AccountStore."""
        found = self._led_to(_SESSION, token)
        return next((session for session in found.sessions if session.token == token), None) if found else None

    def touch_session(self, token: bytes, now: int) -> None:
        """See AccountStore."""
        self._change_sessions(
            token,
            lambda kept: replace(kept, seen_at=max(kept.seen_at, now)) if kept.token == token else kept,
        )

    def end_session(self, token: bytes) -> None:
        """See AccountStore."""
        self._change_sessions(token, lambda kept: None if kept.token == token else kept)

    def forget_sessions(self, seen_before: int, began_before: int) -> None:
        """See AccountStore."""

        def change(kept: KeptSession) -> KeptSession | None:
            return kept if kept.seen_at > seen_before and kept.began_at > began_before else None

        for item in self._table.partition(OFFICERS):
            account = KeptAccount.from_item(item)
            if accounts.with_sessions(account, change):
                self._change_account(account.name, lambda account: accounts.with_sessions(account, change), 0)

    def administration(self, limit: int) -> list[dict[str, Any]]:
        """See AccountStore."""
        return [json.loads(record.text) for record in self._log.last_administration(limit)]

    def published_heads(self, limit: int) -> list[str]:
        """See AccountStore."""
        return [note for _, note in reversed(self._log.offered())][:limit]

    def _account(self, name: str) -> KeptAccount | None:
        """Read the account of a name as it was written when it was added."""
        item = self._table.get(OFFICERS, look_of(name))
        found = KeptAccount.from_item(item) if item else None
        return found if found and found.name == name else None

    def _known_account(self, name: str) -> KeptAccount:
        found = self._account(name)
        if found is None:
            raise NoSuchAccount(f"there is no officer {name!r}")
        return found

    def _led_to(self, kind: str, key: bytes) -> KeptAccount | None:
        """Read the account that an item of a link, a passkey or a session leads to."""
        lead = self._table.get(_name(kind, key))
        item = self._table.get(OFFICERS, str(lead["officer"])) if lead else None
        return KeptAccount.from_item(item) if item else None

    def _change_account(
        self, name: str, change: MaybeChange, now: int, act: Act | None = None,
        lead: Callable[[KeptAccount], Sequence[Mapping[str, Any]]] = lambda _: (),
    ) -> KeptAccount:  # fmt: skip
        """Change an account; returns it as it was before.

        Args:
            name: the officer's.
            change: returns the account to write, or None where there is nothing to change; it may be called again.
            now: seconds since 1970 UTC.
            act: the record of it, which the log gets in the same transaction.
            lead: returns the items that lead to it, from the account to write.

        Raises:
            NoSuchAccount: there is no such officer.
            Busy: others changed it again and again.
        """
        for wait in waits():
            before = self._known_account(name)
            after = change(before)
            if after is None:
                return before
            try:
                self._write_account(before, after, act, now, lead(after))
            except Refused:
                time.sleep(wait)
            else:
                return before
        raise Busy(BUSY_SECONDS)

    def _change_sessions(self, token: bytes, change: Callable[[KeptSession], KeptSession | None]) -> None:
        found = self._led_to(_SESSION, token)
        if found:
            self._change_account(found.name, lambda account: accounts.with_sessions(account, change), 0)

    def _write_account(
        self,
        before: KeptAccount | None,
        after: KeptAccount,
        act: Act | None,
        now: int,
        more: Sequence[Mapping[str, Any]],
    ) -> None:
        """Write an account in place of the one that was read.

        Raises:
            Refused: somebody was faster.
        """
        version = before.version if before else 0
        item = replace(after, version=version + 1).to_item()
        condition = "v = :v" if before else "attribute_not_exists(pk)"
        values: dict[str, Value] | None = {":v": version} if before else None
        part = self._table.part(item, condition, values)
        if act is not None:  # logged at the time that it says, which is the machine's
            self._log.append_administration(act, act.get("at", now), [part, *more])
        elif self._table.transact([part, *more]) if more else not self._table.put(item, condition, values):
            raise Refused

    def _leading_to_link(self, account: KeptAccount) -> list[Mapping[str, Any]]:
        link = account.link
        if link is None:
            return []
        expires = _expiry(_LINK, link.made_at)
        item: Item = {"pk": _name(_LINK, link.secret_hash), "sk": NO_SORT, "officer": look_of(account.name)}
        return [self._table.part(item | {"expires": expires}, None)]


def _name(kind: str, key: bytes) -> str:
    return f"{kind}#{key.hex()}"


def _expiry(kind: str, at: int) -> int:
    return at + _KEPT_DAYS[kind] * DAY_SECONDS
