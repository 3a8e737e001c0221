"""What is kept of one officer's account, in one item of a table, and what changes it. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, TypeVar

from movepass_service.canonical import canonical_json
from movepass_service.stores.accounts import (
    CLOSED,
    Account,
    Enrolment,
    KeptSession,
    NoSuchAccount,
    Passkey,
    look_of,
)
from movepass_service.stores.dynamodb.table import Item
from movepass_service.stores.store import Officer

OFFICERS: Final = "OFFICERS"
"""The partition of all accounts, a few hundred; the sort key is the name as it looks (look_of)."""
_T = TypeVar("_T", Passkey, KeptSession)


@dataclass(frozen=True, slots=True)
class Link:
    """An enrolment link that was not used."""

    secret_hash: bytes
    made_at: int
    replaces: bool


@dataclass(frozen=True, slots=True)
class KeptAccount:
    """An officer's account. Everything that must change together is in it, so each change is one conditional write.

    Attributes:
        officer: name, role and telephone.
        added_at: when, seconds since 1970 UTC, as all times here.
        handle: see AccountStore.handle.
        disabled_at: when it was closed; None while it is open.
        link: the enrolment link that was not used.
        asked_by: the manager who asked for a new link; "" where nobody has.
        asked_at: when.
        passkeys: all that were ever enrolled.
        sessions: those that were not ended.
        version: how often it was written.
    """

    officer: Officer
    added_at: int
    handle: bytes
    disabled_at: int | None = None
    link: Link | None = None
    asked_by: str = ""
    asked_at: int = 0
    passkeys: tuple[Passkey, ...] = ()
    sessions: tuple[KeptSession, ...] = ()
    version: int = 0

    @property
    def name(self) -> str:
        """The officer's name."""
        return self.officer.name

    @property
    def is_open(self) -> bool:
        """Whether the account was not closed."""
        return self.disabled_at is None

    @property
    def usable(self) -> list[Passkey]:
        """The passkeys that may be used."""
        return [passkey for passkey in self.passkeys if passkey.stopped_at is None and self.is_open]

    @property
    def enrolment(self) -> Enrolment | None:
        """The enrolment link, as the contract has it."""
        return Enrolment(self.name, self.link.made_at, self.link.replaces) if self.link else None

    def seen(self) -> Officer:
        """Return the officer as others see them: one whose account is closed has the role CLOSED."""
        return self.officer if self.is_open else replace(self.officer, role=CLOSED)

    def shown(self) -> Account:
        """Return what a manager sees."""
        working = [passkey for passkey in self.passkeys if passkey.stopped_at is None]
        return Account(
            officer=self.officer, added_at=self.added_at, disabled_at=self.disabled_at, passkeys=len(working),
            used_at=max((passkey.used_at for passkey in self.passkeys), default=0), sessions=len(self.sessions),
            link_made_at=self.link.made_at if self.link else None, asked_by=self.asked_by, asked_at=self.asked_at,
        )  # fmt: skip

    def to_item(self) -> Item:
        """Write it as an item."""
        return {
            "pk": OFFICERS, "sk": look_of(self.name), "v": self.version,
            "doc": canonical_json(_spelled(asdict(replace(self, version=0)))),
        }  # fmt: skip

    @classmethod
    def from_item(cls, item: Item) -> "KeptAccount":
        """Read an item."""
        read = json.loads(str(item["doc"]))
        link = read["link"]
        return cls(
            officer=Officer(**read["officer"]), added_at=read["added_at"], handle=bytes.fromhex(read["handle"]),
            disabled_at=read["disabled_at"],
            link=Link(**(link | {"secret_hash": bytes.fromhex(link["secret_hash"])})) if link else None,
            asked_by=read["asked_by"], asked_at=read["asked_at"],
            passkeys=_read(Passkey, read["passkeys"]), sessions=_read(KeptSession, read["sessions"]),
            version=int(item["v"]),
        )  # fmt: skip


Change = Callable[[KeptAccount], KeptAccount]
MaybeChange = Callable[[KeptAccount], KeptAccount | None]


def with_role(account: KeptAccount, role: str, now: int, asked_by: str) -> KeptAccount:
    """Change the role; sessions end, and where another manager must approve a new link, all that signs in does.

    Raises:
        NoSuchAccount: it has this role.
    """
    _must(account.officer.role != role, account)
    changed = replace(account, officer=replace(account.officer, role=role), sessions=())
    if not asked_by:
        return changed
    return replace(_without_passkeys(changed, now), link=None, asked_by=asked_by, asked_at=now)


def with_end(account: KeptAccount, now: int, *, disabled: bool) -> KeptAccount:
    """Close or open an account.

    Raises:
        NoSuchAccount: it is so already.
    """
    _must(account.is_open == disabled, account)
    if not disabled:
        return replace(account, disabled_at=None)
    return replace(account, disabled_at=now, sessions=(), link=None, asked_by="", asked_at=0)


def asked(account: KeptAccount, manager: str, now: int) -> KeptAccount:
    """Note that a manager asks for a new link.

    Raises:
        NoSuchAccount: somebody has asked already.
    """
    _must(not account.asked_by, account)
    return replace(account, asked_by=manager, asked_at=now)


def dropped(account: KeptAccount) -> KeptAccount:
    """Forget that somebody asked.

    Raises:
        NoSuchAccount: nobody has.
    """
    _must(bool(account.asked_by), account)
    return replace(account, asked_by="", asked_at=0)


def approved(account: KeptAccount, manager: str, secret_hash: bytes, now: int) -> KeptAccount:
    """Turn what another manager asked for into a link.

    Raises:
        NoSuchAccount: nobody else has asked.
    """
    _must(account.asked_by.casefold() != manager.casefold(), account)
    return renewed(dropped(account), secret_hash, now)


def renewed(account: KeptAccount, secret_hash: bytes, now: int) -> KeptAccount:
    """Make a new link in place of earlier ones."""
    return replace(account, link=Link(secret_hash, now, replaces=True))


def enrolled(account: KeptAccount, secret_hash: bytes, passkey: Passkey, now: int) -> KeptAccount:
    """Keep a passkey and use up its link.

    Raises:
        NoSuchAccount: the link was used meanwhile.
    """
    link = account.link
    if link is None or link.secret_hash != secret_hash:
        raise NoSuchAccount("the enrolment link was used before")
    before = replace(_without_passkeys(account, now), sessions=()) if link.replaces else account
    return replace(before, link=None, passkeys=(*before.passkeys, passkey))


def without_passkey(account: KeptAccount, id_: bytes, now: int) -> KeptAccount | None:
    """Stop a passkey for ever and end the sessions; None where it was stopped before."""
    if not any(passkey.id == id_ and passkey.stopped_at is None for passkey in account.passkeys):
        return None
    stopped = _each(account.passkeys, id_, stopped_at=now)
    return replace(account, passkeys=stopped, sessions=())


def with_session(account: KeptAccount, session: KeptSession, sign_count: int, limit: int) -> KeptAccount:
    """Begin a session; the oldest beyond the limit end.

    Raises:
        NoSuchAccount: the passkey was stopped, its counter has moved on, or the role was changed, meanwhile.
    """
    found = next((passkey for passkey in account.usable if passkey.id == session.passkey), None)
    if found is None or account.seen().role != session.role or 0 < sign_count <= found.sign_count:
        raise NoSuchAccount("the account was changed at this moment; sign in again")
    newest = sorted(account.sessions, key=lambda kept: kept.began_at, reverse=True)[: limit - 1]
    used = _each(account.passkeys, found.id, sign_count=sign_count, used_at=session.began_at)
    return replace(account, passkeys=used, sessions=(session, *newest))


def with_sessions(account: KeptAccount, change: Callable[[KeptSession], KeptSession | None]) -> KeptAccount | None:
    """Change or end each session; None where nothing changes."""
    sessions = tuple(kept for kept in map(change, account.sessions) if kept)
    return None if sessions == account.sessions else replace(account, sessions=sessions)


def _must(holds: bool, account: KeptAccount) -> None:  # noqa: FBT001 - what must hold
    if not holds:
        raise NoSuchAccount(f"there is nothing to change for {account.name!r}; look at the account again")


def _without_passkeys(account: KeptAccount, now: int) -> KeptAccount:
    stopped = (p if p.stopped_at is not None else replace(p, stopped_at=now) for p in account.passkeys)
    return replace(account, passkeys=tuple(stopped))


def _each(passkeys: Sequence[Passkey], id_: bytes, **changes: int) -> tuple[Passkey, ...]:
    """Change the passkey of an id."""
    return tuple(replace(one, **changes) if one.id == id_ else one for one in passkeys)  # type: ignore[arg-type]


def _spelled(value: Any) -> Any:
    """Write bytes as hexadecimal digits, wherever they are."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: _spelled(one) for name, one in value.items()}
    return [_spelled(one) for one in value] if isinstance(value, list | tuple) else value


def _read(kind: type[_T], read: Sequence[Mapping[str, Any]]) -> tuple[_T, ...]:
    binary = {field.name for field in fields(kind) if field.type is bytes}
    found = []
    for one in read:
        values: dict[str, Any] = {name: bytes.fromhex(one[name]) if name in binary else one[name] for name in one}
        found.append(kind(**values))
    return tuple(found)
