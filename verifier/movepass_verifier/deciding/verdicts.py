"""Define the result of a verification: outcome, verdict, checks, and what may be shown of the pass."""

from enum import Enum
from typing import Any, NamedTuple

from movepass_verifier.deciding.lists import Policy, StatusLists
from movepass_wire import Pass, format_number, trip_to_json
from movepass_wire.times import iso
from movepass_words import Message, words


class Outcome(Enum):
    """The officer's action: let through, refuse, or fall back on other means."""

    ACCEPT = "accept"
    REJECT = "reject"
    CANNOT_VERIFY = "cannot-verify"


class Verdict(Enum):
    """The reason for the outcome, in one word for machines. docs/spec.md has the rule for each."""

    VALID = "valid"
    FORGED = "forged"
    REVOKED = "revoked"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    KEY_REVOKED = "key-revoked"
    KEY_NOT_VALID_THEN = "key-not-valid-then"
    MALFORMED = "malformed"
    NOT_A_PASS = "not-a-pass"  # noqa: S105 - a movement pass, not a password
    UNKNOWN_KEY = "unknown-key"
    UNSUPPORTED_VERSION = "unsupported-version"
    STATUS_UNKNOWN = "status-unknown"
    STALE = "stale"
    CLOCK_WRONG = "clock-wrong"
    SCANNER_WRONG = "scanner-wrong"

    @property
    def outcome(self) -> Outcome:
        """The outcome of this verdict, always the same."""
        if self is Verdict.VALID:
            return Outcome.ACCEPT
        return Outcome.CANNOT_VERIFY if self in _CANNOT_VERIFY else Outcome.REJECT


_CANNOT_VERIFY = {
    Verdict.UNKNOWN_KEY,
    Verdict.UNSUPPORTED_VERSION,
    Verdict.STATUS_UNKNOWN,
    Verdict.STALE,
    Verdict.CLOCK_WRONG,
    Verdict.SCANNER_WRONG,
}

CHECKS = (
    "bounds",
    "prefix",
    "encoding",
    "envelope",
    "key-known",
    "key-good",
    "signature",
    "claims",
    "clock",
    "key-validity",
    "time",
    "status",
    "freshness",
)
"""Every check, in order. The first check that fails decides."""


class Check(NamedTuple):
    """One check of a verification: its name, passed / failed / not-reached, and the reason of a failure."""

    name: str
    state: str
    detail: str


class Freshness(NamedTuple):
    """The age of the data that the device relies on.

    Attributes:
        published: the signed time of the newest publication held, seconds since 1970 UTC; None before the first sync.
        synced_at: the time of the last successful sync; None before the first.
        now: the time of the verification.
        warning_age: the age in seconds from which lists count as getting old.
        max_age: the age in seconds from which no accept relies on lists.
    """

    published: int | None
    synced_at: int | None
    now: int
    warning_age: int
    max_age: int

    @classmethod
    def of(cls, lists: StatusLists, now: int, policy: Policy) -> "Freshness":
        """Judge lists at a time, in seconds since 1970 UTC."""
        return cls(lists.published, lists.synced_at, now, policy.warning_age, policy.max_age)

    @property
    def age(self) -> int | None:
        """The seconds since the publication, at least 0."""
        return None if self.published is None else max(0, self.now - self.published)

    @property
    def sync_soon(self) -> bool:
        """Return whether there are lists and they are getting old."""
        return self.age is not None and self.age > self.warning_age

    @property
    def too_old(self) -> bool:
        """Return whether there are lists and they are too old for an accept."""
        return self.published is not None and self.now - self.published > self.max_age

    def to_json(self) -> dict[str, Any]:
        """Return the object of `verify --json`."""
        return {
            "synced_at": None if self.synced_at is None else iso(self.synced_at),
            "published": None if self.published is None else iso(self.published),
            "age_s": self.age,
            "sync_soon": self.sync_soon,
        }


class Verification(NamedTuple):
    """The result of verifying one text.

    Attributes:
        verdict: the verdict, which decides the outcome.
        why: the reason, in words that an officer can repeat.
        technical: more for a help desk, in English.
        failed: the check that decided; None if all passed.
        pass_: the content of the pass, only if its signature is valid under a trusted key.
        authority: who signed; None if no signature is valid.
        test: whether that is a TEST authority, whose accepted passes let nobody through.
        freshness: how old the keys and lists are.
        real_only: whether a pass of a TEST authority must not be accepted.
    """

    verdict: Verdict
    why: Message
    technical: str
    failed: str | None
    pass_: Pass | None
    authority: str | None
    test: bool
    freshness: Freshness
    real_only: bool = False

    @property
    def outcome(self) -> Outcome:
        """The verdict's outcome, but cannot verify for a TEST authority's good pass with `real_only`."""
        if self.real_only and self.test and self.verdict is Verdict.VALID:
            return Outcome.CANNOT_VERIFY
        return self.verdict.outcome

    @property
    def lets_through(self) -> bool:
        """Return whether the person may be let through: accepted, and not signed by a TEST authority."""
        return self.outcome is Outcome.ACCEPT and not self.test

    @property
    def reason(self) -> str:
        """The reason in English, with its technical details."""
        said = words().say(self.why)
        return f"{said}: {self.technical}" if self.technical else said

    @property
    def pass_number(self) -> str | None:
        """The pass number, if the signature is valid."""
        return format_number(self.pass_.day, self.pass_.index) if self.pass_ else None

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every check in order, with its result."""
        reached = CHECKS.index(self.failed) if self.failed else len(CHECKS)
        return tuple(
            Check(name, "passed", "")
            if at < reached
            else Check(name, "failed", self.reason)
            if at == reached
            else Check(name, "not-reached", "")
            for at, name in enumerate(CHECKS)
        )

    def to_json(self) -> dict[str, Any]:
        """Return the object that `verify --json` shows."""
        return {
            "outcome": self.outcome.value,
            "lets_through": self.lets_through,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "pass_number": self.pass_number,
            "pass": trip_to_json(self.pass_.trip) if self.pass_ else None,
            "authority": None if self.authority is None else {"name": self.authority, "test": self.test},
            "checks": [check._asdict() for check in self.checks],
            "freshness": self.freshness.to_json(),
        }
