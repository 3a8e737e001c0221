"""Officers' accounts: enrolment, signing in, sessions, and what managers change.

Its methods wait for the disk, so call them from a thread. `now` is the wall clock in seconds since 1970 UTC. Ends are
measured by the desk's clock, which never runs backwards and never stands still: a wrong clock prolongs no link and no
session. The log has the wall clock's times, as decisions have.
"""

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from movepass_service.applications.references import hash_secret
from movepass_service.decisions.desk.clock import DeskClock
from movepass_service.decisions.officers import OfficerError, new_secret, read_officer
from movepass_service.decisions.roles import MANAGER, ROLES, Action, require
from movepass_service.errors import ServiceError
from movepass_service.officers import passkeys
from movepass_service.officers.passkeys import RelyingParty, WrongPasskey
from movepass_service.stores.accounts import (
    Account,
    Challenge,
    KeptSession,
    NoSuchAccount,
    Passkey,
    StoreWithAccounts,
)
from movepass_service.stores.store import Officer

LINK_SECONDS = 24 * 3600
"""How long an enrolment link can be used."""
CHALLENGE_SECONDS = 300
CHALLENGES_MAX = 10_000
"""Challenges that wait at one time; a further one takes the place of the oldest."""
IDLE_SECONDS = 30 * 60
SESSION_SECONDS = 12 * 3600
SESSIONS_MAX = 3
"""Sessions of one officer at one time; the oldest ends."""
_TOUCH_SECONDS = 30
"""A session's last use is noted this often, so that most requests write nothing."""
_TOKEN_BYTES = 32
_CHALLENGE_BYTES = 32


class AccountError(ServiceError):
    """An account can't be used or changed so; the text is English, pages translate by code.

    Attributes:
        code: "link-over", "signed-out", "passkey", "copied", "own-account", "no-change", "role", "name".
    """

    is_input = True

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Session:
    """A session in use.

    Attributes:
        officer: who is signed in.
        token: the cookie's value.
        ends_at: when it ends at the latest, seconds since 1970 UTC.
    """

    officer: Officer
    token: str
    ends_at: int

    @property
    def form_token(self) -> str:
        """Return what every form of this session carries: nobody else can make it."""
        return hmac.digest(self.token.encode(), b"movepass desk form", hashlib.sha256).hex()[:32]


class OfficerAccounts:
    """The accounts of one desk."""

    def __init__(
        self, store: StoreWithAccounts, party: RelyingParty, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the store, the host that passkeys belong to, and what runs on evenly, in seconds."""
        self._store = store
        self._party = party
        self._clock = DeskClock(store, monotonic)

    # Enrolment

    def link_officer(self, secret: str, *, now: int) -> Officer:
        """Return for whom an enrolment link is.

        Raises:
            AccountError: link-over: it was used, has ended, or never was.
        """
        return self._link(secret, self._latest(now))[0]

    def begin_enrolment(self, secret: str, *, now: int) -> tuple[str, dict[str, Any]]:
        """Begin to enrol a passkey; returns the browser's token, and what to ask the authenticator for.

        Raises:
            AccountError: link-over.
        """
        at = self._latest(now)
        officer, replaces = self._link(secret, at)
        browser, challenge = self._challenge(hash_secret(secret), at)
        known = [] if replaces else [passkey.id for passkey in self._store.passkeys_of(officer.name)]
        handle = self._store.handle(officer.name)
        options = passkeys.enrolment_options(self._party, challenge, handle=handle, name=officer.name, known=known)
        return browser, options

    def finish_enrolment(self, browser: str, credential: Mapping[str, Any], *, now: int) -> Officer:
        """Keep the passkey that an authenticator made; the link is used up.

        Raises:
            AccountError: passkey, link-over.
        """
        at = self._latest(now)
        challenge = self._answered(browser, at)
        link = challenge.enrolment and self._store.enrolment(challenge.enrolment)
        if not link or challenge.enrolment is None or not _is_fresh(link.made_at, at, LINK_SECONDS):
            raise AccountError("link-over", "the enrolment link was used, or has ended")
        try:
            made = passkeys.check_enrolment(self._party, credential, challenge.value)
            passkey = Passkey(made.id, link.officer, made.public_key, made.sign_count, at)
            act = _act("enrol-passkey", f"officer:{link.officer}", link.officer, now)
            self._store.enrol(challenge.enrolment, passkey, at, act)
        except (WrongPasskey, NoSuchAccount) as e:
            raise AccountError("passkey", str(e)) from e
        return self._officer(link.officer)

    # Signing in

    def begin_sign_in(self, *, now: int) -> tuple[str, dict[str, Any]]:
        """Begin to sign in; returns the browser's token, and what to ask the authenticator for."""
        browser, challenge = self._challenge(None, self._latest(now))
        return browser, passkeys.sign_in_options(self._party, challenge)

    def finish_sign_in(self, browser: str, credential: Mapping[str, Any], agent: str, *, now: int) -> Session:
        """Begin a session under a token that was never seen before.

        Args:
            browser: the token that begin_sign_in gave this browser; it is used up.
            credential: what the authenticator answered.
            agent: what the browser says that it is; the session is bound to it.
            now: see the module.

        Raises:
            AccountError: passkey; copied: the authenticator's counter is behind, and the passkey was stopped.
        """
        at = self._latest(now)
        challenge = self._answered(browser, at)
        if challenge.enrolment is not None:
            raise AccountError("passkey", "the challenge was for enrolling")
        try:
            found = self._store.passkey(passkeys.read_id(credential))
            if found is None:
                raise WrongPasskey("no such passkey is enrolled, or it was stopped")
            handle = self._store.handle(found.officer)
            count = passkeys.check_sign_in(
                self._party, credential, challenge.value, public_key=found.public_key, handle=handle
            )
            self._check_count(found, count, at, now)
            return self._begin_session(found, count, agent, at)
        except (WrongPasskey, NoSuchAccount) as e:
            raise AccountError("passkey", str(e)) from e

    def session(self, token: str, agent: str, *, now: int, is_person: bool = True) -> Session | None:
        """Return the session of a cookie; None if there is none any more.

        A session that another browser shows ends at once: its cookie was copied.

        Args:
            token: the cookie's value.
            agent: what the browser says that it is.
            now: see the module.
            is_person: whether a person did something, and not a page by itself; the session then goes on.
        """
        kept = self._store.session(_hash(token)) if token else None
        if kept is None:
            return None
        at = self._latest(now)
        officer = self._store.officer(kept.officer)
        is_alive = _is_fresh(kept.seen_at, at, IDLE_SECONDS) and _is_fresh(kept.began_at, at, SESSION_SECONDS)
        is_same = officer is not None and officer.role == kept.role
        if officer is None or not (is_alive and is_same and hmac.compare_digest(kept.agent, _agent(agent))):
            self._store.end_session(kept.token)
            return None
        if is_person and at - kept.seen_at >= _TOUCH_SECONDS:
            self._store.touch_session(kept.token, at)
        return Session(officer, token, kept.began_at + SESSION_SECONDS)

    def sign_out(self, token: str) -> None:
        """End a session."""
        self._store.end_session(_hash(token))

    # What managers do

    def accounts(self, by: Officer) -> list[Account]:
        """Return all accounts, by name."""
        require(by, Action.SEE_ACCOUNTS)
        return self._store.accounts()

    def has_open_link(self, account: Account, *, now: int) -> bool:
        """Return whether an account has an enrolment link that can be used."""
        made = account.link_made_at
        return made is not None and _is_fresh(made, self._latest(now), LINK_SECONDS)

    def add(self, by: Officer, name: str, role: str, phone: str | None, *, now: int) -> tuple[Officer, str]:
        """Add an officer; returns the secret of their enrolment link, which is shown once.

        A manager gets none: another manager must approve it. Otherwise one person could be two managers.

        Raises:
            AccountError: name: the name, the role or the telephone can't be one.
            NotAllowed: there is one of this name.
        """
        require(by, Action.MANAGE_ACCOUNTS)
        try:
            officer = read_officer(name, role, phone)
        except OfficerError as e:
            raise AccountError("name", str(e)) from e
        asked_by = _second_manager(by, officer.role)
        secret = "" if asked_by else new_secret()
        act = self._act(by, "add-officer", officer.name, now, role=officer.role)
        secret_hash = hash_secret(secret) if secret else b""
        self._store.add_officer(officer, secret_hash, self._latest(now), act, asked_by=asked_by)
        return officer, secret

    def change_role(self, by: Officer, name: str, role: str, *, now: int) -> None:
        """Change an officer's role; their sessions end.

        Whoever becomes a manager has no passkey until another manager has approved a new link.

        Raises:
            AccountError: role, own-account, no-change.
        """
        _require_other(by, name)
        act = self._act(by, "change-role", name, now, role=_role(role))
        asked_by = _second_manager(by, role)
        self._change(lambda at: self._store.change_role(name, role, at, act, asked_by=asked_by), now)

    def close(self, by: Officer, name: str, *, now: int) -> None:
        """Close an account: its sessions and links end, and nobody signs in with its passkeys. Nothing is deleted.

        Raises:
            AccountError: own-account, no-change.
        """
        _require_other(by, name)
        act = self._act(by, "close-account", name, now)
        self._change(lambda at: self._store.set_disabled(name, at, act, disabled=True), now)

    def open_again(self, by: Officer, name: str, *, now: int) -> None:
        """Open a closed account again; its passkeys are those that it had.

        Raises:
            AccountError: own-account, no-change.
        """
        _require_other(by, name)
        act = self._act(by, "open-account", name, now)
        self._change(lambda at: self._store.set_disabled(name, at, act, disabled=False), now)

    def end_sessions(self, by: Officer, name: str, *, now: int) -> None:
        """End all sessions of an officer.

        Raises:
            AccountError: no-change.
        """
        require(by, Action.MANAGE_ACCOUNTS)
        act = self._act(by, "end-sessions", name, now)
        self._change(lambda at: self._store.end_sessions(name, at, act), now)

    def ask_link(self, by: Officer, name: str, *, now: int) -> None:
        """Ask for a new enrolment link, as after a loss; another manager must approve.

        Raises:
            AccountError: own-account, no-change.
        """
        _require_other(by, name)
        act = self._act(by, "ask-enrolment", name, now)
        self._change(lambda at: self._store.ask_enrolment(name, by.name, at, act), now)

    def drop_link(self, by: Officer, name: str, *, now: int) -> None:
        """Refuse what a manager asked for, or take one's own back.

        Raises:
            AccountError: no-change.
        """
        require(by, Action.MANAGE_ACCOUNTS)
        act = self._act(by, "refuse-enrolment", name, now)
        self._change(lambda at: self._store.drop_enrolment(name, at, act), now)

    def approve_link(self, by: Officer, name: str, *, now: int) -> str:
        """Approve what another manager asked for; returns the link's secret, which is shown once.

        Using it ends the officer's other passkeys and sessions.

        Raises:
            AccountError: own-account; no-change: nobody else has asked.
        """
        _require_other(by, name)
        secret = new_secret()
        act = self._act(by, "approve-enrolment", name, now)
        self._change(lambda at: self._store.approve_enrolment(name, by.name, hash_secret(secret), at, act), now)
        return secret

    def _change(self, change: Any, now: int) -> None:
        try:
            change(self._latest(now))
        except NoSuchAccount as e:
            raise AccountError("no-change", str(e)) from e

    def _act(self, by: Officer, action: str, name: str, now: int, **more: str) -> dict[str, Any]:
        return _act(action, f"officer:{by.name}", name, now, **more)

    def _latest(self, now: int) -> int:
        return self._clock.advance(now)

    def _officer(self, name: str) -> Officer:
        officer = self._store.officer(name)
        if officer is None:
            raise AccountError("no-change", f"there is no officer {name!r}")
        return officer

    def _link(self, secret: str, at: int) -> tuple[Officer, bool]:
        found = self._store.enrolment(hash_secret(secret))
        if found is None or not _is_fresh(found.made_at, at, LINK_SECONDS):
            raise AccountError("link-over", "the enrolment link was used, or has ended")
        return self._officer(found.officer), found.replaces

    def _challenge(self, enrolment: bytes | None, at: int) -> tuple[str, bytes]:
        """Make a challenge for a browser that was never seen before."""
        browser, value = secrets.token_hex(_TOKEN_BYTES), os.urandom(_CHALLENGE_BYTES)
        oldest = at - CHALLENGE_SECONDS
        self._store.put_challenge(_hash(browser), Challenge(value, enrolment, at), CHALLENGES_MAX, oldest)
        return browser, value

    def _answered(self, browser: str, at: int) -> Challenge:
        """Take a browser's challenge: whatever comes of the answer, it is used up."""
        challenge = self._store.take_challenge(_hash(browser)) if browser else None
        if challenge is None or not _is_fresh(challenge.made_at, at, CHALLENGE_SECONDS):
            raise AccountError("passkey", "there is no challenge for this browser; begin again")
        return challenge

    def _check_count(self, found: Passkey, count: int, at: int, now: int) -> None:
        """Stop a passkey whose counter runs behind: its authenticator was copied, or an answer was used twice."""
        if (count or found.sign_count) and count <= found.sign_count:
            act = _act("stop-copied-passkey", "service", found.officer, now)
            self._store.stop_passkey(found.id, at, act)
            raise AccountError("copied", "the authenticator's counter is behind; its passkey was stopped")

    def _begin_session(self, found: Passkey, count: int, agent: str, at: int) -> Session:
        officer = self._officer(found.officer)
        token = secrets.token_hex(_TOKEN_BYTES)
        kept = KeptSession(_hash(token), officer.name, officer.role, found.id, _agent(agent), at, at)
        self._store.begin_session(kept, count, SESSIONS_MAX)
        return Session(officer, token, at + SESSION_SECONDS)


def forget_sessions(store: StoreWithAccounts, now: int) -> None:
    """Delete sessions that are over."""
    at = store.advance_clock(now)
    store.forget_sessions(at - IDLE_SECONDS, at - SESSION_SECONDS)


def _act(action: str, actor: str, officer: str, now: int, **more: str) -> dict[str, Any]:
    return {"action": action, "actor": actor, "officer": officer, "at": now, **more}


def _is_fresh(since: int, at: int, seconds: int) -> bool:
    return at - since < seconds


def _require_other(by: Officer, name: str) -> None:
    require(by, Action.MANAGE_ACCOUNTS)
    if name.casefold() == by.name.casefold():
        raise AccountError("own-account", "another manager changes your own account")


def _second_manager(by: Officer, role: str) -> str:
    """Return who asks for a link that another manager must approve: nobody makes a manager alone."""
    return by.name if role == MANAGER else ""


def _role(role: str) -> str:
    if role not in ROLES:
        raise AccountError("role", f"role: expected one of {', '.join(ROLES)}, got {role[:40]!r}")
    return role


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _agent(agent: str) -> bytes:
    return hashlib.sha256(agent.encode()).digest()
