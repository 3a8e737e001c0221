"""What officers decide: who may, why, and the record of it."""

import secrets
from dataclasses import dataclass

from movepass_service.applications.references import hash_secret, parse_reference
from movepass_service.applications.states import State
from movepass_service.decisions.records import Decision
from movepass_service.errors import ServiceError
from movepass_service.stores.sqlite import SqliteStore
from movepass_service.stores.store import Kept, Officer

ROLES = ("officer", "supervisor", "rule-author", "manager", "auditor")
DECIDING_ROLES = ("officer", "supervisor")
NAME_MAX_CHARS = 64
NOTE_MAX_CHARS = 500
CASES_MAX = 10_000
REASONS = {
    "approved-by-officer": {"bn": "একজন কর্মকর্তা আবেদনটি অনুমোদন করেছেন।", "en": "An officer approved this."},
    "not-necessary": {
        "bn": "এই যাত্রা এখন জরুরি বলে মনে হয়নি। জরুরি হলে কারণ জানিয়ে আপিল করুন।",
        "en": "The trip does not seem necessary at present. If it is, appeal and say why.",
    },
    "details-wrong": {
        "bn": "আবেদনের কিছু তথ্য মিলছে না। তথ্য ঠিক করে আবার পাঠান।",
        "en": "Some details do not fit together. Correct them and send the application again.",
    },
    "too-many": {
        "bn": "এই সময়ের জন্য আপনার যথেষ্ট পাস আছে।",
        "en": "You already have passes enough for this time.",
    },
    "place-closed": {
        "bn": "এলাকাটি এখন বন্ধ। খুললে আবার আবেদন করুন।",
        "en": "The area is closed at present. Apply again once it is open.",
    },
    "withdrawn-by-officer": {
        "bn": "একজন কর্মকর্তা আবেদনটি বাতিল করেছেন।",
        "en": "An officer withdrew this application.",
    },
    "reversed": {"bn": "একজন কর্মকর্তা পাসটি বাতিল করেছেন।", "en": "An officer revoked this pass."},
}
"""What an officer may give as a reason, in the words that the applicant reads."""
_USUAL = {
    "approve": "approved-by-officer",
    "reject": "not-necessary",
    "needs-correction": "details-wrong",
    "withdraw": "withdrawn-by-officer",
}
ACTIONS = tuple(_USUAL)


class OfficerError(ServiceError):
    """An officer, a role or a reason that there is not, or a decision that is not theirs."""

    is_input = True


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new officer, and the secret with which they enrol once."""

    officer: Officer
    secret: str


def add_officer(store: SqliteStore, name: str, role: str, now: int) -> Enrolment:
    """Note an officer.

    Raises:
        OfficerError: no such role, or the name can't be one.
        NotAllowed: there is one of this name.
    """
    plain = " ".join(name.split())
    if role not in ROLES:
        raise OfficerError(f"role: expected one of {', '.join(ROLES)}, got {role[:40]!r}")
    if not 0 < len(plain) <= NAME_MAX_CHARS or not plain.isprintable():
        raise OfficerError(f"a name has 1 to {NAME_MAX_CHARS} printable characters")
    officer, secret = Officer(plain, role), secrets.token_urlsafe(16)
    store.add_officer(officer, hash_secret(secret), now)
    return Enrolment(officer, secret)


def decide(  # noqa: PLR0913 - all of it is part of the record
    store: SqliteStore, reference: str, action: str, *, officer: str, actor: str, now: int,
    code: str | None = None, note: str | None = None,
) -> State:  # fmt: skip
    """Decide a case as an officer; returns the application's new state.

    Args:
        store: where it is kept.
        reference: the application's, as people type it.
        action: one of ACTIONS.
        officer: the officer's name.
        actor: how the record names who did it, "console:USER as OFFICER".
        now: seconds since 1970 UTC.
        code: one of REASONS; the usual one of the action without it.
        note: what the officer adds; the applicant does not read it.

    Raises:
        OfficerError: there is no such officer, reason or action, or the officer's role decides nothing.
        UnknownApplication, NotAllowed: there is no such application, or its state does not allow it.
    """
    known = store.officer(officer)
    if known is None:
        raise OfficerError(f"there is no officer {officer[:NAME_MAX_CHARS]!r}; see movepass service officer add")
    if known.role not in DECIDING_ROLES:
        raise OfficerError(f"{known.name} is {known.role}; deciding is for: {', '.join(DECIDING_ROLES)}")
    if action not in _USUAL:
        raise OfficerError(f"expected one of {', '.join(ACTIONS)}, got {action[:40]!r}")
    reason = code or _USUAL[action]
    if reason not in REASONS:
        raise OfficerError(f"reason: expected one of {', '.join(REASONS)}, got {reason[:40]!r}")
    words = " ".join((note or "").split())
    if len(words) > NOTE_MAX_CHARS:
        raise OfficerError(f"a note has at most {NOTE_MAX_CHARS} characters, got {len(words)}")
    decision = Decision(action, actor, reason, REASONS[reason], note=words or None)
    return store.decide_case(parse_reference(reference), decision, now)


def waiting_cases(store: SqliteStore) -> list[Kept]:
    """Return what waits for an officer, most urgent first."""
    return store.cases(CASES_MAX)
