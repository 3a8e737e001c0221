"""Check the verdict: the order of the checks, one verdict per text, and only genuine passes accepted."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.passes import DAY, HOUR, approved

from movepass_keys import KeySet, PassKey, Withdrawal
from movepass_keys.records import algorithms
from movepass_verifier import Outcome, Policy, StatusLists, Verdict, Verification, verify
from movepass_verifier.deciding.verdicts import CHECKS
from movepass_verifier.officer.shown import shown
from movepass_wire import Bitmap, Pass, base45, cbor, encode_claims, parse_number, seal, to_be_signed
from movepass_wire.payload import ED25519, ESP256
from movepass_wire.times import day_of
from movepass_words import words

NOW = 1795316400  # 2026-11-22T09:00:00+06:00
HOLDER = "Rahima Khatun"
TRIP = approved("R-1", NOW).trip
PASS = Pass(400_000, TRIP)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PRIVATE = {alg: algorithms.generate(alg) for alg in (ESP256, ED25519)}
KEYS = {alg: PassKey(key.public_key(), NOW - DAY, NOW + DAY) for alg, key in PRIVATE.items()}
BOTH = pytest.mark.parametrize("alg", [ESP256, ED25519], ids=["esp256", "ed25519"])


def sign_claims(claims: bytes, alg: int = ESP256) -> str:
    kid = KEYS[alg].kid
    return seal(alg, kid, claims, algorithms.sign(PRIVATE[alg], to_be_signed(alg, kid, claims)))


def sign(pass_: Pass = PASS, alg: int = ESP256) -> str:
    return sign_claims(encode_claims(pass_), alg)


def revoke(*indexes: int) -> Any:
    bitmap = Bitmap()
    if indexes:
        bitmap.add(sorted(indexes))
    return bitmap


@dataclass(frozen=True)
class Device:
    """Everything a verdict depends on besides the text."""

    keys: KeySet = field(default_factory=lambda: KeySet.of("Dhaka", KEYS.values(), test=False))
    lists: StatusLists = field(
        default_factory=lambda: StatusLists({PASS.day: revoke(), PASS.day + 1: revoke()}, NOW - 60, NOW - 30)
    )
    now: int = NOW
    policy: Policy = field(default_factory=Policy)
    last_seen: int | None = None

    def verify(self, text: str) -> Verification:
        return verify(
            text,
            keys=self.keys,
            lists=self.lists,
            now=self.now,
            policy=self.policy,
            last_seen=self.last_seen,
        )


GOOD = Device()


def with_key(**changes: Any) -> Device:
    return replace(GOOD, keys=KeySet.of("Dhaka", [replace(KEYS[ESP256], **changes)], test=False))


def with_lists(days: dict[int, Any], published: int | None = NOW - 60) -> Device:
    return replace(GOOD, lists=StatusLists(days, published, published))


@BOTH
def test_a_genuine_pass_in_force_is_accepted_and_shown(alg: int) -> None:
    result = GOOD.verify(sign(alg=alg))
    assert (result.outcome, result.verdict, result.failed) == (Outcome.ACCEPT, Verdict.VALID, None)
    assert (result.pass_, result.authority, result.test) == (PASS, "Dhaka", False)
    assert parse_number(result.pass_number or "") == (PASS.day % 1024, PASS.index)
    assert [check.state for check in result.checks] == ["passed"] * len(CHECKS)


def test_the_json_of_an_accept_says_everything() -> None:
    shown = GOOD.verify(sign()).to_json()
    assert {key: shown[key] for key in ("outcome", "verdict", "pass_number", "authority")} == {
        "outcome": "accept",
        "verdict": "valid",
        "pass_number": GOOD.verify(sign()).pass_number,
        "authority": {"name": "Dhaka", "test": False},
    }
    assert shown["pass"]["holder"] == {"name": HOLDER, "id_type": "nid", "id_last": "4821"}
    assert shown["pass"]["not_after"] == "2026-11-22T11:50:00+06:00"
    assert [check["name"] for check in shown["checks"]] == list(CHECKS)
    assert shown["freshness"] == {
        "synced_at": "2026-11-22T08:59:30+06:00", "published": "2026-11-22T08:59:00+06:00",
        "age_s": 60, "sync_soon": False,
    }  # fmt: skip


def test_a_test_authoritys_accept_says_so() -> None:
    device = replace(GOOD, keys=replace(GOOD.keys, test=True))
    result = device.verify(sign())
    assert (result.outcome, result.test) == (Outcome.ACCEPT, True)
    assert result.to_json()["authority"] == {"name": "Dhaka", "test": True}


# The order of the checks

_FORGED = seal(ESP256, KEYS[ESP256].kid, encode_claims(PASS), bytes(63) + b"\1")
_OLD = TRIP._replace(not_before=NOW - 5 * HOUR, not_after=NOW - 4 * HOUR)
_LATER = TRIP._replace(not_before=NOW + HOUR, not_after=NOW + 2 * HOUR)
_REVOKED_AND_STALE = with_lists({PASS.day: revoke(PASS.index)}, NOW - 3 * DAY)
_WITHDRAWN = Withdrawal(NOW - HOUR, "stolen")
_NO_COVER = KeySet.of("Dhaka", [replace(KEYS[ESP256], not_before=NOW)], test=False)

CASCADE: dict[str, tuple[str, Device, Verdict]] = {
    "bounds": ("x" * 1025, GOOD, Verdict.NOT_A_PASS),
    "prefix": ("mp1:not base45 either", GOOD, Verdict.MALFORMED),
    "encoding": ("MP1:not base45", GOOD, Verdict.MALFORMED),
    "envelope": ("MP1:" + base45.encode(b"not COSE"), GOOD, Verdict.MALFORMED),
    "key-known": (
        seal(ESP256, b"none", b"not claims" * 4, bytes(64)),
        replace(_REVOKED_AND_STALE, now=0),
        Verdict.UNKNOWN_KEY,
    ),
    "key-good": (
        seal(ESP256, KEYS[ESP256].kid, b"not claims" * 4, bytes(64)),
        replace(with_key(revoked=_WITHDRAWN), now=0, lists=StatusLists()),
        Verdict.KEY_REVOKED,
    ),
    "signature": (_FORGED, replace(_REVOKED_AND_STALE, now=0, keys=_NO_COVER), Verdict.FORGED),
    "claims": (
        sign_claims(b"not claims" * 4),
        replace(_REVOKED_AND_STALE, now=0, keys=_NO_COVER),
        Verdict.MALFORMED,
    ),
    "clock": (
        sign(Pass(PASS.index, _OLD)),
        replace(_REVOKED_AND_STALE, keys=_NO_COVER, last_seen=NOW + 301),
        Verdict.CLOCK_WRONG,
    ),
    "key-validity": (
        sign(Pass(PASS.index, _OLD)),
        replace(_REVOKED_AND_STALE, keys=_NO_COVER),
        Verdict.KEY_NOT_VALID_THEN,
    ),
    "time": (sign(Pass(PASS.index, _OLD)), _REVOKED_AND_STALE, Verdict.EXPIRED),
    "status": (sign(), _REVOKED_AND_STALE, Verdict.REVOKED),
    "freshness": (sign(), with_lists({PASS.day: revoke()}, NOW - 3 * DAY), Verdict.STALE),
}
"""For each check a text and a device with which it fails, and so do the later ones: the first must decide."""


def test_every_check_has_its_case() -> None:
    assert list(CASCADE) == list(CHECKS)


@pytest.mark.parametrize("name", CASCADE)
def test_the_first_check_that_fails_decides(name: str) -> None:
    text, device, verdict = CASCADE[name]
    result = device.verify(text)
    assert (result.failed, result.verdict) == (name, verdict)
    assert result.reason


@pytest.mark.parametrize("name", CASCADE)
def test_checks_before_the_failed_one_passed_and_those_after_it_were_not_reached(name: str) -> None:
    text, device, _ = CASCADE[name]
    result = device.verify(text)
    at = CHECKS.index(name)
    assert tuple(check.name for check in result.checks) == CHECKS
    assert [check.state for check in result.checks] == [
        *["passed"] * at, "failed", *["not-reached"] * (len(CHECKS) - at - 1),
    ]  # fmt: skip
    assert [check.detail for check in result.checks if check.detail] == [result.reason]


@pytest.mark.parametrize("name", CASCADE)
def test_holder_data_and_authority_are_shown_only_where_the_signature_held_and_the_claims_could_be_read(
    name: str,
) -> None:
    text, device, _ = CASCADE[name]
    result = device.verify(text)
    shown = CHECKS.index(name) > CHECKS.index("claims")
    assert (result.pass_ is not None) is shown
    assert (result.authority is not None) is shown
    assert (result.pass_number is not None) is shown
    assert (HOLDER in json.dumps(result.to_json())) is shown


@pytest.mark.parametrize("name", CASCADE)
def test_a_test_authority_is_named_only_where_its_signature_held(name: str) -> None:
    text, device, _ = CASCADE[name]
    result = replace(device, keys=replace(device.keys, test=True)).verify(text)
    assert result.test is (CHECKS.index(name) > CHECKS.index("claims"))


OUTCOMES = {
    Outcome.ACCEPT: {"valid"},
    Outcome.REJECT: {
        "forged", "revoked", "expired", "not-yet-valid", "key-revoked", "key-not-valid-then", "malformed", "not-a-pass",
    },
    Outcome.CANNOT_VERIFY: {
        "unknown-key", "unsupported-version", "status-unknown", "stale", "clock-wrong", "scanner-wrong",
    },
}  # fmt: skip
"""DESIGN.md, section 6."""


def test_every_verdict_has_the_outcome_of_the_design() -> None:
    assert {outcome: {v.value for v in Verdict if v.outcome is outcome} for outcome in Outcome} == OUTCOMES


# Each verdict by itself


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("", Verdict.NOT_A_PASS),
        ("https://example.org/", Verdict.NOT_A_PASS),
        ("HC1:NCFOXN", Verdict.NOT_A_PASS),
        ("MP2:ANYTHING", Verdict.UNSUPPORTED_VERSION),
        ("MP17:ANYTHING", Verdict.UNSUPPORTED_VERSION),
        ("MP1:", Verdict.MALFORMED),
        ("mp1:" + "A" * 20, Verdict.MALFORMED),
        (" " + sign(), Verdict.SCANNER_WRONG),
        (sign() + "\n", Verdict.SCANNER_WRONG),
        (sign()[:-1], Verdict.MALFORMED),
        (sign() + "00", Verdict.SCANNER_WRONG),
        (sign() * 3, Verdict.MALFORMED),
    ],
    ids=lambda value: value[:8] if isinstance(value, str) else value.value,
)
def test_a_text_that_is_no_pass_of_this_version_says_which(text: str, verdict: Verdict) -> None:
    assert GOOD.verify(text).verdict is verdict


ADDED = st.text(max_size=40)
CASE = st.sampled_from([str, str.lower, str.swapcase])


@given(ADDED, ADDED, CASE)
@example("]Q1", "", str)
@example("\\000026", "", str)
@example("x" * 32, "y" * 32, str.lower)
@example("x" * 33, "", str)
@example("", "y" * 33, str)
@example("MP1:", "", str)
@example("", "\r\n", str)
@example("\U0001f600" * 32, "\u0131\u017f", str)
def test_a_wrongly_set_scanner_is_said_and_nothing_is_accepted(
    before: str, behind: str, case: Callable[[str], str]
) -> None:
    good = sign()
    text = case(before + good + behind)
    result = GOOD.verify(text)
    if text == good:
        assert result.verdict is Verdict.VALID
        return
    lengths = (len(case(before)), len(case(behind)))  # case may lengthen: one sharp s, two capitals
    expected = max(lengths) <= 32 and "MP1:" not in before.upper()
    assert (result.verdict is Verdict.SCANNER_WRONG) == expected
    assert result.outcome is (Outcome.CANNOT_VERIFY if expected else Outcome.REJECT)
    assert result.failed in ("prefix", "encoding", "envelope")
    assert (result.pass_, result.authority, result.test) == (None, None, False)
    if expected:
        key = "reason.scanner-adds" if case is str else "reason.letter-case"
        assert (result.why.key, HOLDER in json.dumps(result.to_json())) == (key, False)


@pytest.mark.parametrize("name", CASCADE)
@given(ADDED, ADDED, CASE)
def test_what_a_scanner_adds_never_softens_a_reject(
    name: str, before: str, behind: str, case: Callable[[str], str]
) -> None:
    """Around anything but a pass that would be accepted, the verdict is what the form of the text alone gives."""
    bad, device, _ = CASCADE[name]
    text = case(before + bad + behind)
    if text != bad:
        nobody = replace(device, keys=KeySet("", test=False, keys={}))
        got, without_keys = device.verify(text), nobody.verify(text)
        assert got.verdict is not Verdict.SCANNER_WRONG
        assert (got.verdict, got.failed, got.why) == (without_keys.verdict, without_keys.failed, without_keys.why)


def test_an_unknown_key_on_a_device_without_keys_asks_for_a_sync() -> None:
    device = replace(GOOD, keys=KeySet("", test=False, keys={}), lists=StatusLists())
    result = device.verify(sign())
    assert result.verdict is Verdict.UNKNOWN_KEY
    assert "sync" in result.reason


def test_an_unknown_key_on_a_device_with_keys_is_suspect_and_their_age_is_said() -> None:
    result = replace(with_lists({}, NOW - 5 * HOUR), keys=KeySet.of("Dhaka", [], test=False)).verify(sign())
    assert result.verdict is Verdict.UNKNOWN_KEY
    assert "not signed by any key of Dhaka; this device's keys are 5 h old: treat as suspect" in result.reason


def test_a_key_that_is_denied_is_withdrawn_even_where_nothing_else_is_known_of_it() -> None:
    denied = {KEYS[ESP256].kid: _WITHDRAWN}
    for keys in (replace(GOOD.keys, denied=denied), KeySet("Dhaka", test=False, keys={}, denied=denied)):
        result = replace(GOOD, keys=keys).verify(sign())
        assert (result.verdict, result.failed) == (Verdict.KEY_REVOKED, "key-good")
        assert "stolen" in result.reason


def test_one_withdrawn_key_leaves_the_others_good() -> None:
    keys = replace(GOOD.keys, denied={KEYS[ESP256].kid: _WITHDRAWN})
    assert replace(GOOD, keys=keys).verify(sign(alg=ED25519)).verdict is Verdict.VALID


@BOTH
def test_a_pass_under_another_keys_kid_is_forged(alg: int) -> None:
    claims = encode_claims(PASS)
    other = algorithms.generate(alg)
    signature = algorithms.sign(other, to_be_signed(alg, KEYS[alg].kid, claims))
    assert GOOD.verify(seal(alg, KEYS[alg].kid, claims, signature)).verdict is Verdict.FORGED


@BOTH
def test_a_payload_that_names_the_other_algorithm_than_its_keys_is_forged(alg: int) -> None:
    claims, other = encode_claims(PASS), ESP256 if alg == ED25519 else ED25519
    signature = algorithms.sign(PRIVATE[alg], to_be_signed(other, KEYS[alg].kid, claims))
    assert GOOD.verify(seal(other, KEYS[alg].kid, claims, signature)).verdict is Verdict.FORGED


def test_a_signature_by_another_good_key_is_forged_under_this_kid() -> None:
    claims = encode_claims(PASS)
    kid = KEYS[ESP256].kid
    signature = algorithms.sign(PRIVATE[ED25519], to_be_signed(ESP256, kid, claims))
    assert GOOD.verify(seal(ESP256, kid, claims, signature)).verdict is Verdict.FORGED


def test_ecdsas_twin_signature_is_the_same_pass_and_is_revoked_with_it() -> None:
    text = sign()
    data = base45.decode(text.removeprefix("MP1:"))
    s = P256_ORDER - int.from_bytes(data[-32:], "big")
    twin = "MP1:" + base45.encode(data[:-32] + s.to_bytes(32, "big"))
    assert twin != text
    assert GOOD.verify(twin).pass_number == GOOD.verify(text).pass_number
    assert with_lists({PASS.day: revoke(PASS.index)}).verify(twin).verdict is Verdict.REVOKED


@pytest.mark.parametrize(
    ("offset", "verdict"),
    [(-1, Verdict.NOT_YET_VALID), (0, Verdict.VALID), (HOUR - 1, Verdict.VALID), (HOUR, Verdict.EXPIRED)],
)
def test_a_pass_is_valid_from_nbf_until_the_second_before_exp(offset: int, verdict: Verdict) -> None:
    text = sign(Pass(1, TRIP._replace(not_before=NOW, not_after=NOW + HOUR)))
    assert replace(GOOD, now=NOW + offset).verify(text).verdict is verdict


def test_an_expired_pass_on_a_device_with_old_lists_hints_at_the_clock() -> None:
    text = sign(Pass(1, _OLD))
    assert "make sure" not in GOOD.verify(text).reason
    old = with_lists({}, NOW - 3 * DAY).verify(text)
    assert "make sure" in old.reason
    assert shown(old, words("en")).rows[-1] == ("Lists", "3 d old: too old, sync now")


@pytest.mark.parametrize(
    ("not_before", "not_after", "verdict"),
    [
        (TRIP.not_before, TRIP.not_after, Verdict.VALID),
        (TRIP.not_before + 1, TRIP.not_after, Verdict.KEY_NOT_VALID_THEN),
        (TRIP.not_before, TRIP.not_after - 1, Verdict.KEY_NOT_VALID_THEN),
    ],
)
def test_a_passs_whole_time_must_lie_inside_its_keys_validity(
    not_before: int, not_after: int, verdict: Verdict
) -> None:
    assert with_key(not_before=not_before, not_after=not_after).verify(sign()).verdict is verdict


@pytest.mark.parametrize(("behind", "verdict"), [(300, Verdict.VALID), (301, Verdict.CLOCK_WRONG)])
@pytest.mark.parametrize("floor", ["published", "last_seen"])
def test_a_clock_more_than_five_minutes_before_what_was_seen_is_wrong(
    behind: int, verdict: Verdict, floor: str
) -> None:
    seen = NOW + behind
    device = with_lists({PASS.day: revoke()}, seen) if floor == "published" else replace(GOOD, last_seen=seen)
    assert device.verify(sign()).verdict is verdict


def test_no_list_for_the_day_is_status_unknown_even_if_other_days_are_there() -> None:
    result = with_lists({PASS.day + 1: revoke(), PASS.day - 1: revoke()}).verify(sign())
    assert (result.verdict, result.outcome) == (Verdict.STATUS_UNKNOWN, Outcome.CANNOT_VERIFY)
    assert "2026-11-22" in result.reason
    assert "never synced" in with_lists({}, None).verify(sign()).reason


def test_only_the_index_that_is_listed_under_the_day_of_exp_is_revoked() -> None:
    for lists in ({PASS.day: revoke(PASS.index - 1, PASS.index + 1)}, {PASS.day: revoke(), 0: revoke(PASS.index)}):
        assert with_lists(lists).verify(sign()).verdict is Verdict.VALID
    assert with_lists({PASS.day: revoke(0, PASS.index, 1 << 20)}).verify(sign()).verdict is Verdict.REVOKED


def test_the_day_of_a_pass_across_midnight_is_the_one_it_ends_on() -> None:
    midnight = (day_of(NOW) + 1) * DAY
    pass_ = Pass(7, TRIP._replace(not_before=midnight - HOUR, not_after=midnight + HOUR))
    device = replace(GOOD, now=midnight - 1)
    device = replace(device, lists=StatusLists({day_of(NOW): revoke(7), day_of(NOW) + 1: revoke()}, NOW, NOW))
    assert device.verify(sign(pass_)).verdict is Verdict.VALID
    device = replace(device, lists=StatusLists({day_of(NOW): revoke(), day_of(NOW) + 1: revoke(7)}, NOW, NOW))
    assert device.verify(sign(pass_)).verdict is Verdict.REVOKED


@pytest.mark.parametrize(("age", "verdict"), [(DAY, Verdict.VALID), (DAY + 1, Verdict.STALE), (None, Verdict.STALE)])
def test_no_accept_rests_on_lists_older_than_the_policy_allows(age: int | None, verdict: Verdict) -> None:
    device = with_lists({PASS.day: revoke()}, None if age is None else NOW - age)
    result = device.verify(sign())
    assert result.verdict is verdict
    assert result.freshness.age == age


def test_the_policy_decides_how_old_is_too_old() -> None:
    device = replace(with_lists({PASS.day: revoke()}, NOW - HOUR), policy=Policy(max_age=HOUR - 1))
    assert device.verify(sign()).verdict is Verdict.STALE
    assert replace(device, policy=Policy(max_age=HOUR)).verify(sign()).verdict is Verdict.VALID


def test_age_counts_from_the_publication_not_from_the_sync() -> None:
    lists = StatusLists({PASS.day: revoke()}, NOW - 2 * DAY, NOW)
    assert replace(GOOD, lists=lists).verify(sign()).verdict is Verdict.STALE


@pytest.mark.parametrize(("age", "soon"), [(0, False), (6 * HOUR, False), (6 * HOUR + 1, True), (DAY + 1, True)])
def test_lists_are_getting_old_when_older_than_the_warning_age(age: int, soon: bool) -> None:  # noqa: FBT001
    freshness = with_lists({}, NOW - age).verify(sign()).freshness
    assert (freshness.age, freshness.sync_soon) == (age, soon)
    assert not with_lists({}, None).verify(sign()).freshness.sync_soon


def test_lists_of_a_moment_that_the_clock_has_not_reached_are_no_seconds_old() -> None:
    assert with_lists({PASS.day: revoke()}, NOW + 1).verify(sign()).freshness.age == 0


def test_a_stale_verdict_names_both_causes() -> None:
    reason = with_lists({PASS.day: revoke()}, NOW - 3 * DAY).verify(sign()).reason
    assert "old" in reason
    assert "clock" in reason


def test_revoked_is_said_even_by_stale_lists() -> None:
    assert _REVOKED_AND_STALE.verify(sign()).verdict is Verdict.REVOKED


# Any text, any claims


@given(st.text())
@example("MP1:")
@example("MP1:" + "\ud800")
@example("\ud800" * 2000)
def test_every_text_gets_one_verdict_that_is_no_accept(text: str) -> None:
    result = GOOD.verify(text)
    assert result.outcome is not Outcome.ACCEPT
    assert result.pass_ is None
    json.dumps(result.to_json())


@given(st.binary(max_size=300))
def test_every_envelope_gets_one_verdict_that_is_no_accept(data: bytes) -> None:
    assert GOOD.verify("MP1:" + base45.encode(data)).outcome is Outcome.REJECT


CBOR = st.recursive(
    st.booleans() | st.integers(-(1 << 64), (1 << 64) - 1) | st.text(max_size=12) | st.binary(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(-9, 20), inner, max_size=3),
    max_leaves=6,
)


@given(st.binary(min_size=24, max_size=120))
def test_signed_bytes_of_any_kind_are_malformed(claims: bytes) -> None:
    result = GOOD.verify(sign_claims(claims))
    assert (result.verdict, result.failed) == (Verdict.MALFORMED, "claims")


@given(
    key=st.integers(0, 9) | st.integers(-(1 << 40), 1 << 40),
    value=CBOR,
    exp=st.none() | st.integers(-(1 << 64), (1 << 64) - 1),
)
def test_signed_claims_with_any_value_in_any_place_get_one_verdict_that_can_be_shown(
    key: int, value: Any, exp: int | None
) -> None:
    claims = cbor.decode(encode_claims(PASS))
    claims[-65537][key] = value
    if exp is not None:
        claims[4] = exp
    result = GOOD.verify(sign_claims(cbor.encode(claims)))
    json.dumps(result.to_json())
    assert result.failed is None or CHECKS.index(result.failed) >= CHECKS.index("claims")


def test_a_body_key_of_later_software_is_kept_and_shown_as_unknown() -> None:
    pass_ = Pass(1, TRIP._replace(unknown={10: "convoy", -3: [1, b"\xff"]}))
    result = GOOD.verify(sign(pass_))
    assert result.verdict is Verdict.VALID
    assert result.to_json()["pass"]["unknown"] == {"10": "convoy", "-3": [1, "ff"]}


# Mutations

TEXTS = {alg: sign(alg=alg) for alg in (ESP256, ED25519)}


def must_refuse(text: str) -> bool:
    result = GOOD.verify(text)
    return result.outcome is not Outcome.ACCEPT and result.pass_ is None


@BOTH
def test_no_change_of_one_character_is_ever_accepted(alg: int) -> None:
    """Every character of base45's alphabet, and some others, in every place."""
    text = TEXTS[alg]
    for at, was in enumerate(text):
        for char in base45.ALPHABET + "a\n\0é\u0660\U0001d7d8":
            if char != was:
                assert must_refuse(text[:at] + char + text[at + 1 :]), (at, char)


@BOTH
def test_no_lost_doubled_or_swapped_character_is_ever_accepted(alg: int) -> None:
    text = TEXTS[alg]
    for at in range(len(text)):
        assert must_refuse(text[:at] + text[at + 1 :])
        assert must_refuse(text[:at] + text[at] + text[at:])
        swapped = text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        assert swapped == text or must_refuse(swapped)
        assert must_refuse(text[:at])


@BOTH
def test_no_change_of_one_bit_is_ever_accepted(alg: int) -> None:
    data = base45.decode(TEXTS[alg].removeprefix("MP1:"))
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit >> 3] ^= 1 << (bit & 7)
        assert must_refuse("MP1:" + base45.encode(bytes(changed))), bit


@given(alg=st.sampled_from([ESP256, ED25519]), at=st.integers(0, 10_000), put=st.binary(max_size=3))
def test_no_bytes_put_in_taken_out_or_replaced_are_ever_accepted(alg: int, at: int, put: bytes) -> None:
    data = base45.decode(TEXTS[alg].removeprefix("MP1:"))
    at %= len(data)
    for changed in (data[:at] + put + data[at:], data[:at] + put + data[at + len(put) :], data[:at] + data[at + 1 :]):
        assert changed == data or must_refuse("MP1:" + base45.encode(changed))


def _bitmap(device: Device) -> Bitmap:
    bitmap = device.lists.days[PASS.day]
    assert isinstance(bitmap, Bitmap)
    return bitmap


def test_the_function_is_pure() -> None:
    """The same arguments give the same result, and none of them has changed."""
    text = sign()
    before = (json.dumps(GOOD.keys.to_jwks()), sorted(_bitmap(GOOD)))
    results = [GOOD.verify(text) for _ in range(3)]
    assert results[0] == results[1] == results[2]
    after = (json.dumps(GOOD.keys.to_jwks()), sorted(_bitmap(GOOD)))
    assert before == after


def test_the_revocation_lists_of_a_forged_pass_are_never_asked() -> None:
    class Watched:
        def __contains__(self, index: object) -> bool:
            raise AssertionError(index)

    device = with_lists({PASS.day: Watched()})
    for name in ("signature", "key-known", "envelope"):
        device.verify(CASCADE[name][0])
    with pytest.raises(AssertionError):
        device.verify(sign())
