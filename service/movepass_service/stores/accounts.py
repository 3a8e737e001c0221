"""The contract of a store of officers' accounts: passkeys, enrolment links, sessions, and links still to approve.

Every change of an account is an act of administration, whose record the log gets in the same transaction.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from movepass_service.errors import ServiceError
from movepass_service.stores.store import Officer, Store

Act = Mapping[str, Any]
"""The record of an act of administration: "action" and "actor", and whatever describes it."""
CLOSED = "closed"
"""The role of an account that was closed: no table of roles knows it, so it allows nothing, at no desk or console."""


class NoSuchAccount(ServiceError):  # noqa: N818 - named as the service's other refusals
    """There is no officer of this name, or nothing of theirs to change."""

    is_input = True


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of an officer's.

    Attributes:
        id: the credential's id.
        officer: whose it is.
        public_key: as COSE.
        sign_count: the authenticator's counter at its last use; 0 where it counts nothing.
        made_at: when it was enrolled, seconds since 1970 UTC, as all times here.
        used_at: when it last signed in; 0 before.
        stopped_at: when it was stopped; None while it may be used.
    """

    id: bytes
    officer: str
    public_key: bytes
    sign_count: int
    made_at: int
    used_at: int = 0
    stopped_at: int | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A link that enrols one passkey, once.

    Attributes:
        officer: for whom.
        made_at: when it was made.
        replaces: whether it ends the officer's other passkeys and sessions, as after a loss.
    """

    officer: str
    made_at: int
    replaces: bool


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge that a browser must sign.

    Attributes:
        value: random bytes.
        enrolment: hash of the enrolment link that it belongs to; None where it is for signing in.
        made_at: when it was made.
    """

    value: bytes
    enrolment: bytes | None
    made_at: int


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A session of an officer's.

    Attributes:
        token: hash of the cookie's value.
        officer: whose it is.
        role: theirs when it began.
        passkey: the credential that began it.
        agent: hash of what the browser says that it is.
        began_at: when it began.
        seen_at: when it was last used.
    """

    token: bytes
    officer: str
    role: str
    passkey: bytes
    agent: bytes
    began_at: int
    seen_at: int


@dataclass(frozen=True, slots=True)
class Account:
    """An officer with what there is to sign in.

    Attributes:
        officer: name, role and telephone.
        added_at: when they were added.
        disabled_at: when the account was closed; None while it is open.
        passkeys: how many can be used.
        used_at: when one of them last signed in; 0 before.
        sessions: how many are open.
        link_made_at: when the newest unused enrolment link was made; None where there is none.
        asked_by: the manager who asked for a new link, which a second one must approve; "" where nobody has.
        asked_at: when.
    """

    officer: Officer
    added_at: int
    disabled_at: int | None
    passkeys: int
    used_at: int
    sessions: int
    link_made_at: int | None
    asked_by: str
    asked_at: int


class AccountStore(Protocol):
    """The part of a store that keeps officers' accounts."""

    def add_officer(
        self, officer: Officer, secret_hash: bytes, now: int, act: Act | None = None, *, asked_by: str = ""
    ) -> None:
        """Keep an officer and their first enrolment link; without a hash of its secret there is no link.

        Args:
            officer: whom to add.
            secret_hash: of the link's secret.
            now: seconds since 1970 UTC.
            act: the record of it.
            asked_by: the manager who asks for the first link, which another one must approve.

        Raises:
            NotAllowed: there is one of this name, whatever its letters' size.
        """

    def accounts(self) -> list[Account]:
        """Return all accounts, by name."""

    def change_role(self, name: str, role: str, now: int, act: Act, *, asked_by: str = "") -> None:
        """Change an officer's role; their sessions end.

        Args:
            name: the officer's.
            role: the new one.
            now: seconds since 1970 UTC.
            act: the record of it.
            asked_by: the manager who asks for a new link, which another one must approve; passkeys and links end now.

        Raises:
            NoSuchAccount: there is no such officer, or they have this role.
        """

    def set_disabled(self, name: str, now: int, act: Act, *, disabled: bool) -> None:
        """Close or open an account; closing ends its sessions and its enrolment links.

        Raises:
            NoSuchAccount: there is no such officer, or it is so already.
        """

    def end_sessions(self, name: str, now: int, act: Act) -> int:
        """End all sessions of an officer; returns how many there were.

        Raises:
            NoSuchAccount: there is no such officer.
        """

    def ask_enrolment(self, name: str, manager: str, now: int, act: Act) -> None:
        """Note that a manager asks for a new link for an officer.

        Raises:
            NoSuchAccount: there is no such officer, or somebody has asked already.
        """

    def drop_enrolment(self, name: str, now: int, act: Act) -> None:
        """Forget that somebody asked.

        Raises:
            NoSuchAccount: nobody has.
        """

    def approve_enrolment(self, name: str, manager: str, secret_hash: bytes, now: int, act: Act) -> None:
        """Turn what another manager asked for into a link.

        Raises:
            NoSuchAccount: nobody else has asked.
        """

    def renew_enrolment(self, name: str, secret_hash: bytes, now: int, act: Act) -> None:
        """Make a new link for an officer, in place of earlier ones; for the command, whose user owns the store.

        Raises:
            NoSuchAccount: there is no such officer.
        """

    def enrolment(self, secret_hash: bytes) -> Enrolment | None:
        """Look up an enrolment link that was not used."""

    def handle(self, name: str) -> bytes:
        """Return the random name under which authenticators know an officer; made when it is first needed."""

    def put_challenge(self, browser: bytes, challenge: Challenge, limit: int, oldest: int) -> None:
        """Keep a challenge for a browser, in place of its earlier one.

        A flood refuses nobody: those made before `oldest` may be deleted, and where space is short the oldest one
        beyond `limit`.
        """

    def take_challenge(self, browser: bytes) -> Challenge | None:
        """Return a browser's challenge and delete it: the next call finds none."""

    def enrol(self, secret_hash: bytes, passkey: Passkey, now: int, act: Act) -> None:
        """Keep a passkey and use up its link.

        Raises:
            NoSuchAccount: the link was used meanwhile, or the passkey is known.
        """

    def passkey(self, id_: bytes) -> Passkey | None:
        """Look up a passkey that may be used, of an account that is open."""

    def passkeys_of(self, name: str) -> list[Passkey]:
        """Return an officer's passkeys that may be used."""

    def stop_passkey(self, id_: bytes, now: int, act: Act) -> None:
        """Stop a passkey for ever, and end its officer's sessions."""

    def begin_session(self, session: KeptSession, sign_count: int, limit: int) -> None:
        """Keep a session, and the passkey's counter; of an officer's sessions the oldest beyond `limit` end.

        Raises:
            NoSuchAccount: the passkey was stopped, its counter has moved on, or the role was changed, meanwhile.
        """

    def session(self, token: bytes) -> KeptSession | None:
        """Look up a session."""

    def touch_session(self, token: bytes, now: int) -> None:
        """Note that a session is in use."""

    def end_session(self, token: bytes) -> None:
        """End a session. Without one nothing changes."""

    def forget_sessions(self, seen_before: int, began_before: int) -> None:
        """Delete sessions that are over."""

    def administration(self, limit: int) -> list[dict[str, Any]]:
        """Return the records of the last acts of administration that are kept, the newest first."""

    def published_heads(self, limit: int) -> list[str]:
        """Return the heads of the log that were published, the newest first."""


class StoreWithAccounts(Store, AccountStore, Protocol):
    """A store that keeps applications and officers' accounts, as every store does."""


def look_of(name: str) -> str:
    """Return what is the same for names that look the same, in the size of letters or in another form of them."""
    return unicodedata.normalize("NFKC", name).casefold()
