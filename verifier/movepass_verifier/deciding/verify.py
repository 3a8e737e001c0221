"""Decide the verdict as a pure function of text, keys, lists, one captured time and policy.

The steps are numbered as in docs/spec.md, "Verifying". Nothing here reads a clock, a file or a network.
"""

from typing import NamedTuple

from movepass_keys import KeySet, PassKey
from movepass_verifier.deciding.lists import Policy, StatusLists
from movepass_verifier.deciding.other_codes import PERSONAL, what_else, what_is_wrong
from movepass_verifier.deciding.scanner import find_payload
from movepass_verifier.deciding.verdicts import Freshness, Verdict, Verification
from movepass_wire import (
    Envelope,
    NotAPassError,
    Pass,
    PayloadError,
    UnsupportedVersionError,
    WireError,
    decode_claims,
    open_text,
)
from movepass_wire.times import day_of
from movepass_words import Message, message

DEFAULT_POLICY = Policy()
_FORM = ("prefix", "encoding", "envelope")
"""The checks that fail if a scanner's settings have changed a payload."""


class _Circumstances(NamedTuple):
    """The inputs of a verdict besides the text; see verify."""

    keys: KeySet
    lists: StatusLists
    now: int
    policy: Policy
    last_seen: int | None


class _Stop(Exception):  # noqa: N818 - not an error: the first check that fails decides
    """A check has failed."""

    def __init__(self, check: str, verdict: Verdict, why: Message, technical: str = "") -> None:
        super().__init__(why.key)
        self.check = check
        self.verdict = verdict
        self.why = why
        self.technical = technical


def verify(
    text: str,
    *,
    keys: KeySet,
    lists: StatusLists,
    now: int,
    policy: Policy = DEFAULT_POLICY,
    last_seen: int | None = None,
) -> Verification:
    """Decide whether a text is a pass that is genuine, in force and not revoked.

    Args:
        text: the content of the QR code, without a line end.
        keys: the authority's keys.
        lists: the revocation lists.
        now: the time of the decision, seconds since 1970 UTC.
        policy: how old lists may be.
        last_seen: the latest time at which this device has verified anything since its last sync.

    Returns:
        The verdict; every text gets exactly one.
    """
    circumstances = _Circumstances(keys, lists, now, policy, last_seen)
    result = _decide(text, circumstances)
    if result.failed in _FORM:
        found = find_payload(text)
        if found and _decide(found.payload, circumstances).verdict is Verdict.VALID:
            return result._replace(verdict=Verdict.SCANNER_WRONG, why=found.why, technical=found.technical)
    return result


def _decide(text: str, circumstances: _Circumstances) -> Verification:
    """Run the checks on an unchanged text."""
    keys, lists, now, policy, last_seen = circumstances
    freshness = Freshness.of(lists, now, policy)
    pass_: Pass | None = None
    try:
        envelope = _open(text)  # 1 to 4
        key = _key(envelope, keys, freshness)  # 5, 6
        _check_signature(envelope, key)  # 7
        pass_ = _claims(envelope)  # 8
        _check_clock(freshness, policy, last_seen)  # 9
        _check_key_validity(pass_, key)  # 10
        _check_time(pass_, freshness)  # 11
        _check_status(pass_, lists, freshness)  # 12
        _check_freshness(freshness)  # 13
        verdict, failed, technical = Verdict.VALID, None, ""
        why = message("reason.valid", until=pass_.trip.not_after)
    except _Stop as stop:
        verdict, failed, why, technical = stop.verdict, stop.check, stop.why, stop.technical
    return Verification(
        verdict=verdict,
        why=why,
        technical=technical,
        failed=failed,
        pass_=pass_,
        authority=keys.authority if pass_ else None,
        test=bool(pass_) and keys.test,
        freshness=freshness,
    )


def readiness(
    *,
    keys: KeySet,
    lists: StatusLists,
    now: int,
    policy: Policy = DEFAULT_POLICY,
    last_seen: int | None = None,
) -> Message | None:
    """Return why a good pass could not be accepted now, or None if it could. The arguments are those of verify.

    It follows the order of verify's checks: keys, clock, a key's validity, freshness, and the list of today.
    """
    freshness = Freshness.of(lists, now, policy)
    if freshness.age is None:
        return message("ready.never-synced")
    good = [key for kid, key in keys.keys.items() if keys.withdrawn(kid) is None]
    if not good:
        return message("ready.no-good-key")
    try:
        _check_clock(freshness, policy, last_seen)
        if not any(key.not_before <= now < key.not_after for key in good):
            return message("ready.no-key-now", now=now)
        _check_freshness(freshness)
    except _Stop as stop:
        return stop.why
    return None if day_of(now) in lists.days else message("ready.no-list", day=day_of(now))


def _open(text: str) -> Envelope:
    """Run steps 1 to 4: bounds, prefix and version, base45, and the one form of an envelope."""
    try:
        return open_text(text)
    except NotAPassError as e:
        why = what_else(text)
        raise _Stop(e.check, Verdict.NOT_A_PASS, why, "" if why.key in PERSONAL else str(e)) from e
    except UnsupportedVersionError as e:
        raise _Stop(e.check, Verdict.UNSUPPORTED_VERSION, message("reason.unsupported-version"), str(e)) from e
    except PayloadError as e:
        raise _Stop(e.check, Verdict.MALFORMED, what_is_wrong(text), str(e)) from e


def _key(envelope: Envelope, keys: KeySet, freshness: Freshness) -> PassKey:
    """Run steps 5 and 6: the key is known, and neither denied nor revoked."""
    kid = envelope.kid
    withdrawn = keys.withdrawn(kid)
    key = keys.keys.get(kid)
    if key is None and withdrawn is None:
        if freshness.age is None:
            why = message("reason.no-keys")
        else:
            why = message("reason.unknown-key", authority=keys.authority, age=freshness.age)
        raise _Stop("key-known", Verdict.UNKNOWN_KEY, why)
    if withdrawn:
        why = message("reason.key-revoked", kid=kid.hex(), why=withdrawn.reason)
        raise _Stop("key-good", Verdict.KEY_REVOKED, why)
    assert key is not None  # noqa: S101 - one of the two exists, and it is not the withdrawal
    return key


def _check_signature(envelope: Envelope, key: PassKey) -> None:
    """Run step 7: the key verifies the signature, with its own algorithm."""
    if envelope.alg != key.alg or not key.verifies(envelope.signature, envelope.signed):
        raise _Stop("signature", Verdict.FORGED, message("reason.forged"))


def _claims(envelope: Envelope) -> Pass:
    """Run step 8: the signed claims follow the rules."""
    try:
        return decode_claims(envelope.claims)
    except WireError as e:
        raise _Stop("claims", Verdict.MALFORMED, message("reason.claims"), str(e)) from e


def _check_clock(freshness: Freshness, policy: Policy, last_seen: int | None) -> None:
    """Run step 9: the clock is not behind what this device has already seen."""
    floors = ("reason.clock-before-lists", freshness.published), ("reason.clock-before-check", last_seen)
    latest = freshness.now + policy.clock_slack
    for key, seen in floors:
        if seen is not None and latest < seen:
            raise _Stop("clock", Verdict.CLOCK_WRONG, message(key, now=freshness.now, seen=seen))


def _check_key_validity(pass_: Pass, key: PassKey) -> None:
    """Run step 10: [nbf, exp) lies inside the key's validity."""
    if not key.covers(pass_.trip.not_before, pass_.trip.not_after):
        why = message(
            "reason.key-not-valid-then", kid=key.kid.hex(), **{"from": key.not_before, "until": key.not_after}
        )
        raise _Stop("key-validity", Verdict.KEY_NOT_VALID_THEN, why)


def _check_time(pass_: Pass, freshness: Freshness) -> None:
    """Run step 11: nbf <= now < exp."""
    trip, now = pass_.trip, freshness.now
    if now < trip.not_before:
        why = message("reason.not-yet-valid", **{"from": trip.not_before, "now": now})
        raise _Stop("time", Verdict.NOT_YET_VALID, why)
    if now >= trip.not_after:
        old = freshness.age is None or freshness.too_old
        key = "reason.expired-old-lists" if old else "reason.expired"
        raise _Stop("time", Verdict.EXPIRED, message(key, until=trip.not_after, now=now))


def _check_status(pass_: Pass, lists: StatusLists, freshness: Freshness) -> None:
    """Run step 12: there is a list for the pass's day, and it does not have the index."""
    revoked = lists.days.get(pass_.day)
    if revoked is None:
        if freshness.age is None:
            why = message("reason.status-never-synced", day=pass_.day)
        else:
            why = message("reason.status-unknown", day=pass_.day, age=freshness.age)
        raise _Stop("status", Verdict.STATUS_UNKNOWN, why)
    if pass_.index in revoked:
        raise _Stop("status", Verdict.REVOKED, message("reason.revoked"))


def _check_freshness(freshness: Freshness) -> None:
    """Run step 13: the lists are not too old."""
    if freshness.published is None:
        raise _Stop("freshness", Verdict.STALE, message("reason.stale-unknown-age"))
    if freshness.too_old:
        why = message("reason.stale", age=freshness.age, max=freshness.max_age)
        raise _Stop("freshness", Verdict.STALE, why)
