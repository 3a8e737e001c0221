"""Add officers, make their enrolment links, and decide at the console as one of them."""

import secrets
from dataclasses import dataclass

from movepass_service.applications.references import hash_secret
from movepass_service.applications.states import WAITING_FOR_OFFICER
from movepass_service.applications.values import parse_phone
from movepass_service.decisions.desk import Desk, Done
from movepass_service.decisions.reasons import REASONS, codes_of
from movepass_service.decisions.records import AS
from movepass_service.decisions.roles import ROLES
from movepass_service.errors import ServiceError
from movepass_service.stores.accounts import StoreWithAccounts
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Officer
from movepass_wire.text import normalise

NAME_MAX_CHARS = 64
CASES_MAX = 10_000
CONSOLE = "console"
"""The actor of a command whose user is not known."""
DESK_URL = "desk-url"
"""Under which the store keeps where the desk was served last: enrolment links lead there."""
DESK_DEFAULT = "http://localhost:8081"
_SECRET_BYTES = 32
ACTIONS = ("approve", "reject", "needs-correction", "withdraw")
"""Actions of the console."""
__all__ = [
    "ACTIONS",
    "CONSOLE",
    "REASONS",
    "ROLES",
    "Enrolment",
    "OfficerError",
    "add_officer",
    "decide",
    "waiting_cases",
]


class OfficerError(ServiceError):
    """An officer, a role or a reason that there is not, or a decision that is not theirs."""

    is_input = True


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new officer, and the secret with which they enrol once."""

    officer: Officer
    secret: str


def plain_name(text: str) -> str:
    """Return an officer's name in its one spelling: Bangla letters can be typed in two ways that look the same."""
    return " ".join(normalise(text).split())


def read_officer(name: str, role: str, phone: str | None) -> Officer:
    """Read what somebody typed about an officer.

    Raises:
        OfficerError: no such role, or the name or telephone can't be one.
    """
    plain = plain_name(name)
    if role not in ROLES:
        raise OfficerError(f"role: expected one of {', '.join(ROLES)}, got {role[:40]!r}")
    if not 0 < len(plain) <= NAME_MAX_CHARS or not plain.isprintable() or AS in f" {plain} ":
        raise OfficerError(f"a name has 1 to {NAME_MAX_CHARS} printable characters, and not the word {AS.strip()!r}")
    try:
        number = None if phone is None else parse_phone(phone)
    except ValueError as e:
        raise OfficerError(f"phone: {e}, got {phone[:20]!r}" if phone else f"phone: {e}") from e
    return Officer(plain, role, number)


def add_officer(
    store: StoreWithAccounts, name: str, role: str, now: int, phone: str | None = None, actor: str = CONSOLE
) -> Enrolment:
    """Add an officer; the log says who did.

    Args:
        store: where officers are kept.
        name: 1 to NAME_MAX_CHARS printable characters.
        role: one of ROLES.
        now: seconds since 1970 UTC.
        phone: their own telephone: they never decide about applications that came from it.
        actor: who adds them, as the log names them.

    Raises:
        OfficerError: no such role, or the name or telephone can't be one.
        NotAllowed: there is one of this name.
    """
    officer, secret = read_officer(name, role, phone), new_secret()
    act = {"action": "add-officer", "actor": actor, "officer": officer.name, "role": role, "at": now}
    store.add_officer(officer, hash_secret(secret), store.advance_clock(now), act)
    return Enrolment(officer, secret)


def renew_link(store: StoreWithAccounts, name: str, now: int, actor: str = CONSOLE) -> Enrolment:
    """Make a new enrolment link for an officer who lost their passkey; using it ends the ones before.

    Raises:
        OfficerError: there is no such officer.
    """
    officer = store.officer(plain_name(name))
    if officer is None:
        raise OfficerError(f"there is no officer {name[:NAME_MAX_CHARS]!r}; see movepass service officer add")
    secret = new_secret()
    act = {"action": "renew-enrolment", "actor": actor, "officer": officer.name, "at": now}
    store.renew_enrolment(officer.name, hash_secret(secret), store.advance_clock(now), act)
    return Enrolment(officer, secret)


def new_secret() -> str:
    """Return the secret of an enrolment link."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def enrolment_link(desk_url: str, secret: str) -> str:
    """Return an enrolment link: browsers never send what follows the number sign, so it reaches no server's log."""
    return f"{desk_url.rstrip('/')}/enrol#{secret}"


def decide(  # noqa: PLR0913 - all of it is part of the record
    desk: Desk, reference: str, action: str, *, officer: str, actor: str, now: int,
    code: str | None = None, note: str | None = None,
) -> Done:  # fmt: skip
    """Decide as an officer at the console, by the same rules as at the desk.

    A case that waits is claimed first, so one that another officer has open is refused. Where somebody else proposed
    the same, this confirms it.

    Args:
        desk: carries it out.
        reference: the application's, as people type it.
        action: one of ACTIONS.
        officer: the officer's name.
        actor: how the record names who did it, "console:USER as OFFICER".
        now: seconds since 1970 UTC.
        code: one of codes_of(action); the usual one of the action without it.
        note: what the officer adds; the applicant does not read it.

    Raises:
        OfficerError: there is no such action, or no such reason for it.
        ForbiddenError: the officer's role does not allow it.
        DeskError: there is no such officer, or the desk refuses.
        UnknownApplication, NotAllowed: there is no such application, or its state does not allow it.
    """
    known = desk.officer(officer)
    if action not in ACTIONS:
        raise OfficerError(f"expected one of {', '.join(ACTIONS)}, got {action[:40]!r}")
    if code is not None and code not in codes_of(action):
        raise OfficerError(f"reason for {action}: expected one of {', '.join(codes_of(action))}, got {code[:40]!r}")
    shown = desk.open_case(known, reference, now=now)
    kept, proposal = shown.case.kept, shown.hold.proposal if shown.hold else None
    if kept.is_reversible and kept.state not in WAITING_FOR_OFFICER and action == "reject":
        return desk.reverse(known, reference, now=now, note=note or "rejected at the console", actor=actor)
    if proposal is not None and proposal.due_at is None and proposal.action == action:
        return desk.confirm(known, reference, now=now, note=note, actor=actor)
    if kept.state not in WAITING_FOR_OFFICER or action == "withdraw":
        return desk.decide_unclaimed(known, reference, action, now=now, code=code, note=note, actor=actor)
    desk.claim(known, reference, now=now)
    try:
        return desk.decide(known, reference, action, now=now, code=code, note=note, actor=actor)
    except ServiceError:
        desk.release(known, reference, now=now)
        raise


def waiting_cases(store: StoreWithAccounts) -> list[Kept]:
    """Return what waits for an officer, most urgent first."""
    return store.cases(CASES_MAX)
