"""The verdict: a pure function of the text, the keys, the lists, one captured time and the policy.

The steps are numbered as in docs/spec.md, "Verifying". Nothing here reads a clock, a file or a network.
"""

from movepass_keys import KeySet, PassKey
from movepass_verifier.lists import Policy, StatusLists
from movepass_verifier.verdicts import Freshness, Verdict, Verification
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
from movepass_wire.times import ago, day_name, day_of, local

DEFAULT_POLICY = Policy()


class _Stop(Exception):  # noqa: N818 - not an error: the first check that fails decides
    """A check has failed."""

    def __init__(self, check: str, verdict: Verdict, reason: str) -> None:
        super().__init__(reason)
        self.check = check
        self.verdict = verdict
        self.reason = reason


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
        text: what the QR code holds, without a line end.
        keys: the authority's keys.
        lists: the revocation lists.
        now: the time the decision is for, seconds since 1970 UTC.
        policy: how old lists may be.
        last_seen: the latest time at which this device has verified anything since its last sync.

    Returns:
        The verdict; every text gets exactly one.
    """
    freshness = Freshness(lists.published, lists.synced_at, now, policy.warning_age)
    pass_: Pass | None = None
    try:
        envelope = _open(text)  # 1 to 4
        key = _key(envelope, keys, freshness)  # 5, 6
        _check_signature(envelope, key)  # 7
        pass_ = _claims(envelope)  # 8
        _check_clock(freshness, policy, last_seen)  # 9
        _check_key_validity(pass_, key)  # 10
        _check_time(pass_, freshness, policy)  # 11
        _check_status(pass_, lists, freshness)  # 12
        _check_freshness(freshness, policy)  # 13
        verdict, reason, failed = Verdict.VALID, f"valid until {local(pass_.trip.not_after)}", None
    except _Stop as stop:
        verdict, reason, failed = stop.verdict, stop.reason, stop.check
    authority = keys.authority if pass_ else None
    return Verification(verdict, reason, failed, pass_, authority, bool(pass_) and keys.test, freshness)


def readiness(*, lists: StatusLists, now: int, policy: Policy = DEFAULT_POLICY, last_seen: int | None = None) -> str:
    """Say why a good pass could not be accepted now, or "" where it could: checks 9, 12 for today, and 13."""
    freshness = Freshness(lists.published, lists.synced_at, now, policy.warning_age)
    if freshness.age is None:
        return "this device has never been synced; sync it"
    try:
        _check_clock(freshness, policy, last_seen)
        _check_freshness(freshness, policy)
    except _Stop as stop:
        return stop.reason
    return "" if day_of(now) in lists.days else f"no revocation list for {day_name(day_of(now))}; sync this device"


def _open(text: str) -> Envelope:
    """Steps 1 to 4: bounds, prefix and version, base45, the envelope's one form."""
    try:
        return open_text(text)
    except NotAPassError as e:
        raise _Stop(e.check, Verdict.NOT_A_PASS, f"this is not a movement pass: {e}") from None
    except UnsupportedVersionError as e:
        raise _Stop(e.check, Verdict.UNSUPPORTED_VERSION, f"{e}; update this device") from None
    except PayloadError as e:
        raise _Stop(e.check, Verdict.MALFORMED, f"damaged, or not copied exactly: {e}") from None


def _key(envelope: Envelope, keys: KeySet, freshness: Freshness) -> PassKey:
    """Steps 5 and 6: the key is known, and neither denied nor revoked."""
    kid = envelope.kid
    withdrawn = keys.withdrawn(kid)
    key = keys.keys.get(kid)
    if key is None and withdrawn is None:
        if freshness.age is None:
            reason = "this device has no keys yet; sync it"
        else:
            reason = (
                f"not signed by any key of {keys.authority}; this device's keys are {ago(freshness.age)} old: "
                "treat as suspect"
            )
        raise _Stop("key-known", Verdict.UNKNOWN_KEY, reason)
    if withdrawn:
        reason = f"the key {kid.hex()} that signed it has been withdrawn ({withdrawn.reason}); its passes are void"
        raise _Stop("key-good", Verdict.KEY_REVOKED, reason)
    assert key is not None  # noqa: S101 - one of the two was there, and it was not the withdrawal
    return key


def _check_signature(envelope: Envelope, key: PassKey) -> None:
    """Step 7: the signature is the key's, by the key's own algorithm."""
    if envelope.alg != key.alg or not key.verifies(envelope.signature, envelope.signed):
        raise _Stop("signature", Verdict.FORGED, "the signature does not hold: the pass was made up or changed")


def _claims(envelope: Envelope) -> Pass:
    """Step 8: what was signed keeps the rules."""
    try:
        return decode_claims(envelope.claims)
    except WireError as e:
        raise _Stop("claims", Verdict.MALFORMED, f"signed, but not a pass as it should be: {e}") from None


def _check_clock(freshness: Freshness, policy: Policy, last_seen: int | None) -> None:
    """Step 9: the clock is not before what this device has seen already."""
    for seen, what in ((freshness.published, "the lists were published"), (last_seen, "it last checked a pass")):
        if seen is not None and freshness.now < seen - policy.clock_slack:
            raise _Stop(
                "clock",
                Verdict.CLOCK_WRONG,
                f"this device's clock says {local(freshness.now)}, but {what} at {local(seen)}: set the clock; "
                "if it is right, sync",
            )


def _check_key_validity(pass_: Pass, key: PassKey) -> None:
    """Step 10: [nbf, exp) lies inside the key's validity."""
    if not key.covers(pass_.trip.not_before, pass_.trip.not_after):
        raise _Stop(
            "key-validity",
            Verdict.KEY_NOT_VALID_THEN,
            f"its key {key.kid.hex()} was for {local(key.not_before)} to {local(key.not_after)}; the pass is not",
        )


def _check_time(pass_: Pass, freshness: Freshness, policy: Policy) -> None:
    """Step 11: nbf <= now < exp."""
    trip, now = pass_.trip, freshness.now
    if now < trip.not_before:
        reason = f"not valid before {local(trip.not_before)}; this device's clock says {local(now)}"
        raise _Stop("time", Verdict.NOT_YET_VALID, reason)
    if now >= trip.not_after:
        reason = f"expired at {local(trip.not_after)}; this device's clock says {local(now)}"
        if freshness.age is None or freshness.age > policy.max_age:
            reason += "; the lists are old as well: make sure that it is right"
        raise _Stop("time", Verdict.EXPIRED, reason)


def _check_status(pass_: Pass, lists: StatusLists, freshness: Freshness) -> None:
    """Step 12: the list of the pass's day is there, and does not hold its index."""
    revoked = lists.days.get(pass_.day)
    if revoked is None:
        when = "never synced" if freshness.age is None else f"lists are {ago(freshness.age)} old"
        raise _Stop(
            "status",
            Verdict.STATUS_UNKNOWN,
            f"no revocation list for {day_name(pass_.day)} on this device ({when}); sync, or call in the pass number",
        )
    if pass_.index in revoked:
        raise _Stop("status", Verdict.REVOKED, "the pass has been revoked")


def _check_freshness(freshness: Freshness, policy: Policy) -> None:
    """Step 13: what was relied on is not too old."""
    age = freshness.age
    if age is None or age > policy.max_age:
        old = "of unknown age" if age is None else f"{ago(age)} old"
        raise _Stop(
            "freshness",
            Verdict.STALE,
            f"the lists are {old}, more than {ago(policy.max_age)}, or this device's clock is ahead: "
            "check the clock, then sync, or call in the pass number",
        )
