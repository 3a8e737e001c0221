"""verify.json: texts and their verdicts, on devices in several states."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256, sha512
from typing import Any

from cryptography.hazmat.primitives import hashes

from make_vectors.cbor import cbor
from make_vectors.common import (
    DAY,
    EXP,
    INDEX_LIMIT,
    NBF,
    NOW,
    PASS_MAX,
    PUBLISHED,
    SYNCED,
    TIME_LIMIT,
    Vector,
    unhex,
    vector,
)
from make_vectors.keys import (
    DENIED_KEY,
    DENIED_STRANGER,
    ED25519,
    ED_ORDER,
    ESP256,
    NARROW_KEY,
    ORDER,
    REVOKED_KEY,
    SHORT_ED_X,
    SHORT_X,
    SHORT_Y,
    STRANGER,
    A,
    E,
)
from make_vectors.passes import (
    BANGLA,
    ENGLISH,
    PROTECTED,
    STANDARD,
    Sample,
    claims,
    envelope,
    header,
    payload,
    text_of,
    to_be_signed,
    with_signature,
)
from make_vectors.statuslog import log

OUTCOMES = {
    "valid": "accept",
    **dict.fromkeys(("forged", "revoked", "expired", "not-yet-valid", "key-revoked", "key-not-valid-then"), "reject"),
    **dict.fromkeys(("malformed", "not-a-pass"), "reject"),
    **dict.fromkeys(("unknown-key", "unsupported-version", "status-unknown", "stale", "clock-wrong"), "cannot-verify"),
    "scanner-wrong": "cannot-verify",
}
FAILED_CHECK = {
    "valid": None,
    "unknown-key": "key-known",
    "key-revoked": "key-good",
    "forged": "signature",
    "clock-wrong": "clock",
    "key-not-valid-then": "key-validity",
    "not-yet-valid": "time",
    "expired": "time",
    "status-unknown": "status",
    "revoked": "status",
    "stale": "freshness",
}
SHOWN_AFTER = (None, "clock", "key-validity", "time", "status", "freshness")
"""The pass is shown where everything passed, or a check failed that comes after signature and claims."""
POLICY = {"max_age": 24 * 3600, "warning_age": 6 * 3600, "clock_slack": 300}

REVOKED_INDEXES = (0, 7, 399_999, 400_001, 400_123, 4_999_999, 5_000_000)
NAME = "Movement Pass Authority"
BANGLA_NAME = "\u09a2\u09be\u0995\u09be \u09ae\u09b9\u09be\u09a8\u0997\u09b0 \u09aa\u09c1\u09b2\u09bf\u09b6"
NAMES = {"test": "Training ground", "bangla": BANGLA_NAME}
"""The authority's name in a state, where it is another one."""
LATE = 1 << 31


def key_document(name: str, keys: Sequence[Mapping[str, Any]], *, test: bool = False) -> dict[str, Any]:
    return {"authority": {"name": name, "test": test}, "keys": list(keys)}


def held_keys() -> dict[str, Any]:
    """Keys of every kind, some of which no device knows."""
    rsa = {"kty": "RSA", "alg": "PS256", "kid": "0badc0de", "use": "sig", "n": "u1Z3", "e": "AQAB", "nbf": 0, "exp": 1}
    p384 = {"kty": "EC", "crv": "P-384", "alg": "ES384", "kid": "0badc0df", "use": "sig", "x": "AA", "y": "AA"}
    return key_document(
        NAME,
        [
            rsa,
            A.jwk(),
            E.jwk(),
            p384,
            REVOKED_KEY.jwk(revoked={"at": PUBLISHED, "reason": "lost"}),
            DENIED_KEY.jwk(),
            NARROW_KEY.jwk(NBF, EXP),
            SHORT_X.jwk(),
            SHORT_Y.jwk(),
            SHORT_ED_X.jwk(),
        ],
    )


def states() -> dict[str, Any]:
    """The contents of devices, by name."""
    keys = held_keys()
    reason = "stolen"
    denied = {
        "denied": [
            {"kid": DENIED_KEY.kid.hex(), "at": EXP + 86400, "reason": reason},
            {"kid": DENIED_STRANGER.kid.hex(), "at": PUBLISHED, "reason": reason},
        ]
    }
    days = {str(day): log(day).hex() for day in range(DAY - 1, DAY + 5)}
    days[str(DAY)] = log(DAY, REVOKED_INDEXES[::2], REVOKED_INDEXES[1::2], generation=3).hex()
    days[str(DAY + 1)] = log(DAY + 1, [400_000, 400_002]).hex()
    held = {"keys": keys, "denied": denied}
    lists = {"published": PUBLISHED, "synced_at": SYNCED, "days": days}
    nobody: dict[str, Any] = {"denied": []}
    return {
        "main": {**held, "lists": lists},
        "day-old": {**held, "lists": {**lists, "published": NBF - 86400, "synced_at": NBF}},
        "no-list-today": {**held, "lists": {**lists, "days": {d: x for d, x in days.items() if d != str(DAY)}}},
        "no-lists": {**held, "lists": {**lists, "days": {}}},
        "age-unknown": {**held, "lists": {**lists, "published": None, "synced_at": None}},
        "test": {**held, "keys": key_document("Training ground", keys["keys"], test=True), "lists": lists},
        "bangla": {**held, "keys": key_document(BANGLA_NAME, [A.jwk()]), "lists": lists},
        "late": {
            "keys": key_document(NAME, [A.jwk(LATE - 86400, TIME_LIMIT - 1)]),
            "denied": nobody,
            "lists": {
                "published": LATE - 3600,
                "synced_at": LATE - 3600,
                "days": {str(day): log(day, [7]).hex() for day in (LATE // 86400, (TIME_LIMIT - 1) // 86400)},
            },
        },
        "other-authority": {"keys": key_document("Elsewhere", [STRANGER.jwk()]), "denied": nobody, "lists": lists},
        "denied-and-revoked": {
            "keys": key_document(NAME, [A.jwk(revoked={"at": PUBLISHED, "reason": "lost"})]),
            "denied": {"denied": [{"kid": A.kid.hex(), "at": PUBLISHED, "reason": reason}]},
            "lists": lists,
        },
        "never-synced": {
            "keys": key_document("", []),
            "denied": nobody,
            "lists": {"published": None, "synced_at": None, "days": {}},
        },
    }


def verdict(
    name: str,
    why: str,
    subject: Sample | str,
    says: str,
    *,
    failed: str | None = None,
    state: str = "main",
    now: int = NOW,
    last_seen: int | None = None,
    **policy: int,
) -> Vector:
    failed = failed or FAILED_CHECK[says]
    shown = subject if isinstance(subject, Sample) and failed in SHOWN_AFTER else None
    test = state == "test"
    return vector(
        name,
        why,
        "verify",
        {
            "text": subject.text if isinstance(subject, Sample) else subject,
            "state": state,
            "now": now,
            "policy": {**POLICY, **policy},
            "last_seen": last_seen,
        },
        {
            "outcome": OUTCOMES[says],
            "verdict": says,
            "failed": failed,
            "pass": shown.shown if shown else None,
            "pass_number": shown.number if shown else None,
            "authority": {"name": NAMES.get(state, NAME), "test": test} if shown else None,
        },
    )


def malleated(sample: Sample) -> str:
    """Return the same pass with the other of the two signatures that ECDSA's verification takes for one."""
    r, s = sample.signature[:32], int.from_bytes(sample.signature[32:], "big")
    return with_signature(sample.claims, r + (ORDER - s).to_bytes(32, "big"), sample.key)


def verify_vectors() -> list[Vector]:
    return [
        *accepted(),
        *not_ours(),
        *scanner_wrong(),
        *not_the_scanner(),
        *unknown_or_withdrawn(),
        *forged(),
        *forged_signatures(),
        *forged_ed25519(),
        *claims_after_signature(),
        *clock(),
        *key_validity(),
        *time_window(),
        *late(),
        *status(),
        *freshness(),
        *forged_first(),
        *precedence(),
    ]


@dataclass(frozen=True)
class Malleated(Sample):
    """A good payload under its other signature."""

    @cached_property
    def text(self) -> str:
        return malleated(self)


def accepted() -> Iterable[Vector]:
    yield verdict("valid", "the standard pass", STANDARD, "valid")
    yield verdict("valid-ed25519", "signed with Ed25519", Sample(key=E), "valid")
    yield verdict("valid-english", "with place and driver", Sample(ENGLISH), "valid")
    yield verdict("valid-bangla", "in Bangla", Sample(BANGLA), "valid")
    yield verdict("valid-no-vehicle", "without a vehicle", Sample({7: None}), "valid")
    yield verdict("valid-driver-only", "a driver without a vehicle", Sample({7: None, 8: "Abdul Karim"}), "valid")
    yield verdict("valid-free-reason", "a reason in words", Sample({6: "Sister's wedding"}), "valid")
    yield verdict(
        "valid-unknown-codes",
        "codes of a later table stay numbers",
        Sample({2: 7, 4: 65, 5: [99, "x"], 6: 15}),
        "valid",
    )
    unknown: dict[int, object] = {-1: "x", 10: 5, 11: True, 12: ["a", {"b": 1}]}
    yield verdict("valid-unknown-fields", "fields of a later version are shown as such", Sample(unknown), "valid")
    yield verdict("valid-malleated", "(r, n - s) is as good as (r, s)", Malleated(), "valid")
    for key, what in ((SHORT_X, "x"), (SHORT_Y, "y"), (SHORT_ED_X, "ed25519-x")):
        yield verdict(f"valid-short-{what}", f"a key whose {what} begins with a byte of 00", Sample(key=key), "valid")
    yield verdict("valid-authority-bangla", "an authority with a name in Bangla", STANDARD, "valid", state="bangla")
    large: dict[int, object] = {10: (1 << 53) + 1, 11: -(1 << 53) - 1, 12: [(1 << 64) - 1]}
    yield verdict("valid-unknown-large", "integers that a float can't hold", Sample(large), "valid")
    yield verdict("valid-test", "a TEST authority: accept, and it says TEST", STANDARD, "valid", state="test")
    midnight = (DAY + 1) * 86400
    across = Sample({0: 400_001}, nbf=midnight - 3600, exp=midnight + 3600)
    yield verdict(
        "valid-across-midnight", "the list is that of the day of exp, not of nbf", across, "valid", now=midnight - 1
    )
    at_midnight = Sample({0: 400_001}, nbf=midnight - 3600, exp=midnight)
    yield verdict(
        "valid-exp-midnight", "exp at midnight is of the day that begins", at_midnight, "valid", now=midnight - 1
    )
    long = Sample(exp=NBF + PASS_MAX)
    yield verdict("valid-12-hours", "the last second of twelve hours", long, "valid", now=NBF + PASS_MAX - 1)
    yield verdict(
        "valid-old-enough-to-warn", "old lists are good until max_age", long, "valid", now=PUBLISHED + 6 * 3600 + 1
    )


def not_ours() -> Iterable[Vector]:
    text = STANDARD.text
    yield verdict("not-a-pass", "a web address", "https://example.org/", "not-a-pass", failed="prefix")
    yield verdict("not-a-pass-empty", "no text", "", "not-a-pass", failed="prefix")
    yield verdict("not-a-pass-too-long", "1,025 other characters", "x" * 1025, "not-a-pass", failed="bounds")
    yield verdict("unsupported-version", "version 2", "MP2:" + text[4:], "unsupported-version", failed="prefix")
    yield verdict("malformed-too-long", "1,025 characters", "MP1:" + "0" * 1021, "malformed", failed="bounds")
    yield verdict(
        "malformed-lower-case", "in lower case, and expired", text.lower(), "malformed", failed="prefix", now=EXP
    )
    yield verdict("malformed-base45", "a character lost", text[:-1], "malformed", failed="encoding")
    yield verdict(
        "malformed-envelope", "a deprecated algorithm", payload(STANDARD.claims, alg=-7), "malformed", failed="envelope"
    )
    yield verdict(
        "malformed-never-synced", "what is malformed needs no keys", text[:-1], "malformed", failed="encoding",
        state="never-synced", now=0,
    )  # fmt: skip


def scanner_wrong() -> Iterable[Vector]:
    """Texts of good passes, with what a scanner's settings make of them."""
    text = STANDARD.text
    for name, why, before, behind, failed in (
        ("aim", "an AIM identifier", "]Q1", "", "prefix"),
        ("eci", "an ECI escape sequence", "\\000026", "", "prefix"),
        ("space", "a space before", " ", "", "prefix"),
        ("space-behind", "a space behind", "", " ", "encoding"),
        ("quotes", "quotes", '"', '"', "prefix"),
        ("bom", "a byte order mark", "\ufeff", "", "prefix"),
        ("nbsp", "no-break spaces", "\u00a0", "\u00a0", "prefix"),
        ("stx-etx", "control characters of a protocol", "\x02", "\x03", "prefix"),
        ("tab", "a tab", "", "\t", "encoding"),
        ("cr-lf", "a line end that was left on", "", "\r\n", "encoding"),
        ("date", "date and device", "", ";2026-11-22T10:00:00;DEV-17", "encoding"),
        ("digit", "a digit behind", "", "0", "encoding"),
        ("digits", "base45 behind", "", "000", "envelope"),
        ("overflow", "base45 that stands for too much", "", ":::", "encoding"),
        ("version", "another version's prefix before", "MP2:", "", "prefix"),
        ("payload-behind", "a second prefix behind", "", "MP1:", "encoding"),
        ("most", "32 characters before and 32 behind", "x" * 32, "y" * 32, "prefix"),
        ("most-wide", "characters are code points", "\U0001f600" * 32, "\U0001f600" * 32, "prefix"),
        ("bangla", "a Bangla word before", "\u09aa\u09be\u09b8 ", "", "prefix"),
    ):
        yield verdict(f"scanner-{name}", why, before + text + behind, "scanner-wrong", failed=failed)
    for name, why, changed in (
        ("lower-case", "in lower case", text.lower()),
        ("swapped-case", "under Caps Lock: the additions as well", "]q1" + text.swapcase()),
        ("mixed-case", "some letters in lower case", "mP1:" + text[4:40].lower() + text[40:]),
        ("lower-case-around", "32 characters around lower case", "x" * 32 + text.lower() + "y" * 32),
    ):
        yield verdict(f"scanner-{name}", why, changed, "scanner-wrong", failed="prefix")
    inner = "MP1:" + text[4:].lower()
    yield verdict("scanner-case-behind-prefix", "all but the prefix", inner, "scanner-wrong", failed="encoding")
    for name, why, sample in (
        ("ed25519", "signed with Ed25519", Sample(key=E)),
        ("bangla-pass", "a pass in Bangla", Sample(BANGLA)),
        ("malleated", "the other signature", Malleated()),
    ):
        yield verdict(f"scanner-{name}", why, "]Q1" + sample.text, "scanner-wrong", failed="prefix")
    yield verdict(
        "scanner-test", "no authority is named, not a TEST one either", "]Q1" + text, "scanner-wrong",
        failed="prefix", state="test",
    )  # fmt: skip


def not_the_scanner() -> Iterable[Vector]:
    """Texts that stay malformed: more than a setting adds, or no pass that is accepted."""
    text = STANDARD.text
    for name, why, changed, failed in (
        ("before-33", "33 characters before", "x" * 33 + text, "prefix"),
        ("behind-33", "33 characters behind", text + "x" * 33, "encoding"),
        ("prefix-twice", "the first prefix counts", "MP1:" + text, "encoding"),
        ("small-prefix-before", "the first prefix counts, in whatever case", "mp1:" + text, "prefix"),
        ("inside", "a character inside", text[:60] + " " + text[60:], "encoding"),
        ("twice", "the pass twice", text + text, "encoding"),
        ("cut-tab", "cut off, and a tab behind", text[:-1] + "\t", "encoding"),
        ("cut-before", "cut off, and a space before", " " + text[:-1], "prefix"),
        ("no-prefix", "the prefix cut off", " " + text[:3] + text[4:], "prefix"),
    ):
        says = "not-a-pass" if name == "no-prefix" else "malformed"
        yield verdict(f"not-scanner-{name}", why, changed, says, failed=failed)
    longest = next(s for size in range(560, 400, -1) if len((s := Sample({10: "x" * size})).text) <= 1024)
    assert len(longest.text) == 1024
    yield verdict("valid-longest", "1,024 characters", longest, "valid")
    yield verdict("not-scanner-bounds", "1,025 with what is added", " " + longest.text, "not-a-pass", failed="bounds")
    yield verdict("not-scanner-bounds-behind", "the same", longest.text + " ", "malformed", failed="bounds")
    forgery = with_signature(STANDARD.claims, flipped(STANDARD.signature, 9))
    faulty = payload(claims(exp=NBF + PASS_MAX + 1))
    for name, inner, state, now in (
        ("forged", forgery, "main", NOW),
        ("revoked", Sample({0: 400_001}).text, "main", NOW),
        ("expired", text, "main", EXP),
        ("not-yet-valid", text, "main", NBF - 1),
        ("unknown-key", Sample(key=STRANGER).text, "main", NOW),
        ("key-revoked", Sample(key=REVOKED_KEY).text, "main", NOW),
        ("key-not-valid-then", Sample(exp=EXP + 1, key=NARROW_KEY).text, "main", NOW),
        ("claims", faulty, "main", NOW),
        ("no-list", text, "no-list-today", NOW),
        ("stale", Sample(exp=NBF + PASS_MAX).text, "day-old", NBF + 2),
        ("clock-wrong", text, "main", 0),
        ("never-synced", text, "never-synced", NOW),
    ):
        for how, changed in (("added", "]Q1" + inner), ("case", inner.lower())):
            yield verdict(
                f"not-scanner-{name}-{how}", "the pass itself would not be accepted", changed, "malformed",
                failed="prefix", state=state, now=now,
            )  # fmt: skip
    yield verdict(
        "not-scanner-version", "unsupported stays unsupported", "MP2:" + forgery, "unsupported-version", failed="prefix"
    )


def unknown_or_withdrawn() -> Iterable[Vector]:
    stranger = Sample(key=STRANGER)
    yield verdict("unknown-key", "signed by a key of nobody's", stranger, "unknown-key")
    yield verdict("unknown-key-other-authority", "good elsewhere", STANDARD, "unknown-key", state="other-authority")
    yield verdict("unknown-key-never-synced", "a device without keys", STANDARD, "unknown-key", state="never-synced")
    yield verdict("unknown-key-expired", "nothing more is looked at", stranger, "unknown-key", now=EXP + 86400)
    content = STANDARD.claims
    for kid in ("0badc0de", "0badc0df"):
        yield verdict(
            f"unknown-key-{kid}", "keys of unknown kinds are left out", payload(content, kid=unhex(kid)), "unknown-key"
        )
    yield verdict("key-revoked", "revoked by the custodians", Sample(key=REVOKED_KEY), "key-revoked")
    yield verdict(
        "key-denied", "denied, at a time to come: the time changes nothing", Sample(key=DENIED_KEY), "key-revoked"
    )
    yield verdict("key-denied-unknown", "denied, and in no key document", Sample(key=DENIED_STRANGER), "key-revoked")
    yield verdict("key-denied-and-revoked", "both", STANDARD, "key-revoked", state="denied-and-revoked")
    for name, key in (("revoked", REVOKED_KEY), ("denied", DENIED_KEY)):
        forgery = payload(content, kid=key.kid)
        yield verdict(
            f"key-{name}-bad-signature", "a withdrawn key's signature is not looked at", forgery, "key-revoked"
        )
        over = Sample(key=key)
        yield verdict(f"key-{name}-expired", "a withdrawn key comes before time", over, "key-revoked", now=EXP + 1)
        yield verdict(f"key-{name}-clock", "a withdrawn key comes before the clock", over, "key-revoked", now=0)
    faulty = payload(b"\xa0" + bytes(30), DENIED_KEY)
    yield verdict("key-denied-bad-claims", "a withdrawn key's claims are not looked at", faulty, "key-revoked")


def flipped(data: bytes, bit: int) -> bytes:
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


def forgery(name: str, why: str, text: str) -> Vector:
    return verdict(f"forged-{name}", why, text, "forged")


def forged() -> Iterable[Vector]:
    content, signature = STANDARD.claims, STANDARD.signature
    message = to_be_signed(PROTECTED, content)
    for bit in (0, 255, 256, 511):
        yield forgery(f"bit-{bit}", f"bit {bit} of the signature", with_signature(content, flipped(signature, bit)))
    other = Sample({1: "Mohammad Rafiqul Islan"})
    yield forgery("name", "one letter of the name", with_signature(other.claims, signature))
    longer = Sample(exp=EXP + 1)
    yield forgery("exp", "a second more", with_signature(longer.claims, signature))
    yield forgery(
        "other-key", "the kid of one key, the signature of another", payload(content, STRANGER, alg=ESP256, kid=A.kid)
    )
    yield forgery("kid", "another good key's kid", payload(content, A, kid=NARROW_KEY.kid))
    text = text_of(envelope(content, signature, header(A.alg, NARROW_KEY.kid)))
    yield forgery("kid-moved", "the kid changed after signing", text)
    yield forgery("alg-of-ec-key", "an ECDSA key's kid under Ed25519", payload(content, A, alg=ED25519))
    yield forgery("alg-of-ed-key", "an Ed25519 key's kid under ECDSA", payload(content, E, alg=ESP256))
    yield forgery("alg-ed-signed", "an ECDSA key's kid, signed with Ed25519", payload(content, E, kid=A.kid))
    yield forgery("alg-ec-signed", "an Ed25519 key's kid, signed with ECDSA", payload(content, A, kid=E.kid))
    text = text_of(envelope(content, signature, header(ED25519, A.kid)))
    yield forgery("alg-moved", "the algorithm changed after signing", text)
    yield forgery(
        "claims-alone", "the claims signed without their Sig_structure", with_signature(content, A.sign(content))
    )
    wrong = cbor(["Signature", PROTECTED, b"", content])
    yield forgery("context", "the context of a COSE_Sign", with_signature(content, A.sign(wrong)))
    wrong = cbor(["Signature1", PROTECTED, b"MP1", content])
    yield forgery("external-data", "external data that we do not have", with_signature(content, A.sign(wrong)))
    wrong = cbor(["Signature1", b"", b"", content])
    yield forgery("unprotected", "signed without the protected header", with_signature(content, A.sign(wrong)))
    yield forgery("sha512", "ECDSA with SHA-512", with_signature(content, A.sign(message, hashes.SHA512())))
    yield forgery("sha384", "ECDSA with SHA-384", with_signature(content, A.sign(message, hashes.SHA384())))
    twice = A.sign(sha256(message).digest())
    yield forgery("hashed-twice", "ECDSA over the hash of the hash", with_signature(content, twice))


def forged_signatures() -> Iterable[Vector]:
    """Values that no ECDSA signature has, or that are not this one's."""
    content, signature = STANDARD.claims, STANDARD.signature
    r, s = signature[:32], signature[32:]
    zero, n = bytes(32), ORDER.to_bytes(32, "big")
    for name, why, value in (
        ("r-0", "r is 0", zero + s), ("s-0", "s is 0", r + zero), ("both-0", "both are 0", zero + zero),
        ("r-n", "r is n", n + s), ("s-n", "s is n", r + n), ("both-n", "both are n", n + n),
        ("r-0-s-1", "r is 0 and s is 1", zero + zero[1:] + b"\1"), ("both-1", "both are 1", (zero[1:] + b"\1") * 2),
        ("all-ff", "both are 2^256 - 1", b"\xff" * 64), ("swapped", "s before r", s + r),
        ("little-endian", "both in the other byte order", r[::-1] + s[::-1]),
        ("r-negated", "n - r in place of r", (ORDER - int.from_bytes(r, "big")).to_bytes(32, "big") + s),
    ):  # fmt: skip
        yield forgery(name, why, with_signature(content, value))


def not_canonical(sample: Sample) -> bytes:
    """Sign with a nonce of 0, and write R, the identity, as y = p + 1: the equation holds for points, not for bytes."""
    secret = int.from_bytes(sha512(E.seed).digest()[:32], "little") & (1 << 254) - 8 | 1 << 254
    big_r = ((1 << 255) - 19 + 1).to_bytes(32, "little")
    public = E.ed.public_key().public_bytes_raw()
    message = to_be_signed(header(E.alg, E.kid), sample.claims)
    challenge = int.from_bytes(sha512(big_r + public + message).digest(), "little")
    return big_r + (challenge * secret % ED_ORDER).to_bytes(32, "little")


def forged_ed25519() -> Iterable[Vector]:
    sample = Sample(key=E)
    big_r, s = sample.signature[:32], int.from_bytes(sample.signature[32:], "little")
    identity = b"\1" + bytes(31)
    digest = sha512(to_be_signed(header(E.alg, E.kid), sample.claims)).digest()
    for name, why, value in (
        (
            "s-plus-l",
            "s + L in place of s: the same modulo L, and refused",
            big_r + (s + ED_ORDER).to_bytes(32, "little"),
        ),
        ("s-l", "s is L", big_r + ED_ORDER.to_bytes(32, "little")),
        ("zero", "64 bytes of 0", bytes(64)),
        ("identity", "R is the identity and s is 0", identity + bytes(32)),
        ("high-bit", "the highest bit of s", big_r + (s | 1 << 255).to_bytes(32, "little")),
        ("sign-of-r", "the sign of R", flipped(sample.signature, 255)),
        ("not-a-point", "an R that is not on the curve", b"\2" + bytes(31) + sample.signature[32:]),
        ("prehashed", "the message's hash signed", E.sign(digest)),
        ("r-other-form", "R is the identity in another form: R is compared as bytes", not_canonical(sample)),
    ):
        yield verdict(f"forged-ed25519-{name}", why, with_signature(sample.claims, value, E), "forged")


def claims_after_signature() -> Iterable[Vector]:
    faulty = payload(claims(exp=NBF + PASS_MAX + 1))
    yield verdict("claims-malformed", "signed, and thirteen hours long", faulty, "malformed", failed="claims")
    yield verdict(
        "claims-malformed-ed25519", "the same with Ed25519", payload(claims({1: ""}), E), "malformed", failed="claims"
    )
    yield verdict(
        "claims-malformed-test",
        "no authority is named without a pass",
        faulty,
        "malformed",
        failed="claims",
        state="test",
    )
    yield verdict(
        "claims-before-clock", "malformed comes before the clock", faulty, "malformed", failed="claims", now=0
    )
    narrow = payload(claims({1: ""}, nbf=NBF - 1), NARROW_KEY)
    yield verdict(
        "claims-before-key-validity", "malformed comes before the key's time", narrow, "malformed", failed="claims"
    )
    cut = with_signature(STANDARD.claims[:-1], STANDARD.signature)
    yield verdict("forged-before-claims", "claims are read only once the signature holds", cut, "forged")


def clock() -> Iterable[Vector]:
    early = Sample(nbf=PUBLISHED - 3600, exp=PUBLISHED + 3600)
    yield verdict("clock-at-publication", "the lists are as new as can be", early, "valid", now=PUBLISHED)
    yield verdict(
        "clock-slack", "as far behind as the slack allows: their age is 0", early, "valid", now=PUBLISHED - 300
    )
    yield verdict("clock-wrong", "a second more", early, "clock-wrong", now=PUBLISHED - 301)
    yield verdict("clock-slack-0", "without slack", early, "valid", now=PUBLISHED, clock_slack=0)
    yield verdict(
        "clock-wrong-slack-0", "without slack, a second behind", early, "clock-wrong", now=PUBLISHED - 1, clock_slack=0
    )
    yield verdict("clock-slack-hour", "an hour of slack", early, "valid", now=PUBLISHED - 3600, clock_slack=3600)
    yield verdict("clock-1970", "a clock that lost its power", STANDARD, "clock-wrong", now=0)
    yield verdict(
        "clock-last-seen", "as far behind the last scan as the slack allows", STANDARD, "valid", last_seen=NOW + 300
    )
    yield verdict("clock-wrong-last-seen", "a second more", STANDARD, "clock-wrong", last_seen=NOW + 301)
    yield verdict("clock-last-seen-earlier", "the last scan was before now", STANDARD, "valid", last_seen=NOW - 86400)
    yield verdict(
        "clock-unknown-age", "without a publication there is no floor", STANDARD, "stale", state="age-unknown"
    )
    yield verdict(
        "clock-unknown-age-last-seen", "the last scan is a floor of its own", STANDARD, "clock-wrong",
        state="age-unknown", last_seen=NOW + 301,
    )  # fmt: skip
    yield verdict(
        "clock-test", "a TEST authority's pass with a wrong clock", STANDARD, "clock-wrong", state="test", now=0
    )


def key_validity() -> Iterable[Vector]:
    yield verdict("key-validity-exact", "the pass lasts just as long as its key", Sample(key=NARROW_KEY), "valid")
    early, late = Sample(nbf=NBF - 1, key=NARROW_KEY), Sample(exp=EXP + 1, key=NARROW_KEY)
    yield verdict("key-validity-nbf", "the pass begins a second before its key", early, "key-not-valid-then")
    yield verdict("key-validity-exp", "the pass ends a second after its key", late, "key-not-valid-then")
    before = Sample(nbf=NBF - 7200, exp=NBF, key=NARROW_KEY)
    yield verdict("key-validity-before", "the pass ends as its key begins", before, "key-not-valid-then", now=NBF - 1)
    after = Sample(nbf=EXP, exp=EXP + 3600, key=NARROW_KEY)
    yield verdict("key-validity-after", "the pass begins as its key ends", after, "key-not-valid-then", now=EXP)


def time_window() -> Iterable[Vector]:
    yield verdict("time-nbf", "the first second", STANDARD, "valid", now=NBF)
    yield verdict("not-yet-valid", "the second before", STANDARD, "not-yet-valid", now=NBF - 1)
    yield verdict("time-last", "the last second", STANDARD, "valid", now=EXP - 1)
    yield verdict("expired", "exp itself is over", STANDARD, "expired", now=EXP)
    yield verdict("expired-long-ago", "long over", STANDARD, "expired", now=EXP + 3 * 86400)
    yield verdict("expired-ed25519", "over, with Ed25519", Sample(key=E), "expired", now=EXP)
    yield verdict("expired-test", "over, of a TEST authority", STANDARD, "expired", now=EXP, state="test")


def late() -> Iterable[Vector]:
    """Times that 31 bits can't hold."""
    across = Sample(nbf=LATE - 1800, exp=LATE + 1800)
    for name, now in (("before", LATE - 1), ("at", LATE), ("after", LATE + 1799)):
        yield verdict(f"late-{name}", "valid across 2^31", across, "valid", state="late", now=now)
    yield verdict("late-expired", "over, after 2^31", across, "expired", state="late", now=LATE + 1800)
    yield verdict("late-not-yet", "not yet, before 2^31", across, "not-yet-valid", state="late", now=LATE - 1801)
    yield verdict("late-revoked", "revoked", replace(across, change={0: 7}), "revoked", state="late", now=LATE)
    yield verdict("late-clock", "a clock behind", across, "clock-wrong", state="late", now=LATE - 3901)
    last = Sample(nbf=TIME_LIMIT - 1 - PASS_MAX, exp=TIME_LIMIT - 1)
    yield verdict(
        "late-last", "the last second there is", last, "valid", state="late", now=TIME_LIMIT - 2, max_age=TIME_LIMIT
    )
    yield verdict("late-last-stale", "by lists of long ago", last, "stale", state="late", now=TIME_LIMIT - 2)
    yield verdict(
        "late-last-expired", "as the last second ends", last, "expired", state="late", now=TIME_LIMIT - 1,
        max_age=TIME_LIMIT,
    )  # fmt: skip


def status() -> Iterable[Vector]:
    for index in REVOKED_INDEXES:
        yield verdict(f"revoked-{index}", "its index is in the list of its day", Sample({0: index}), "revoked")
    for index in (1, 6, 8, 399_998, 400_002, 4_999_998, 5_000_001, INDEX_LIMIT - 1):
        yield verdict(f"not-revoked-{index}", "only indexes beside it are in the list", Sample({0: index}), "valid")
    revoked = Sample({0: 400_001})
    yield verdict("revoked-ed25519", "the list is the same for every key", Sample({0: 400_001}, key=E), "revoked")
    yield verdict("revoked-malleated", "a pass is never known by its signature", Malleated({0: 400_001}), "revoked")
    yield verdict("revoked-test", "revoked, of a TEST authority", revoked, "revoked", state="test")
    next_day = (DAY + 1) * 86400
    other = Sample({0: 400_000}, nbf=next_day - 3600, exp=next_day)
    yield verdict(
        "revoked-exp-midnight", "exp at midnight is of the day that begins", other, "revoked", now=next_day - 1
    )
    yield verdict("status-unknown", "no list for its day", STANDARD, "status-unknown", state="no-list-today")
    yield verdict("status-unknown-none", "no lists at all", STANDARD, "status-unknown", state="no-lists")
    yield verdict(
        "status-unknown-revoked", "without the list nobody knows", revoked, "status-unknown", state="no-list-today"
    )


def freshness() -> Iterable[Vector]:
    long = Sample(exp=NBF + PASS_MAX)
    yield verdict("fresh-max-age", "as old as they may be", long, "valid", state="day-old", now=NBF)
    yield verdict("stale", "a second older", long, "stale", state="day-old", now=NBF + 1)
    age = NOW - PUBLISHED
    yield verdict("fresh-policy", "another policy's limit", STANDARD, "valid", max_age=age)
    yield verdict("stale-policy", "a second over it", STANDARD, "stale", max_age=age - 1)
    yield verdict(
        "stale-not-by-sync",
        "age counts from the publication, not from the sync",
        STANDARD,
        "stale",
        max_age=NOW - SYNCED,
    )
    early = Sample(nbf=PUBLISHED - 3600, exp=PUBLISHED + 3600)
    yield verdict("fresh-max-age-0", "no age at all", early, "valid", now=PUBLISHED, max_age=0)
    yield verdict("fresh-max-age-0-slack", "an age is never below 0", early, "valid", now=PUBLISHED - 300, max_age=0)
    yield verdict("stale-max-age-0", "a second old", early, "stale", now=PUBLISHED + 1, max_age=0)
    yield verdict("stale-age-unknown", "lists of unknown age", STANDARD, "stale", state="age-unknown")
    yield verdict("stale-test", "stale, of a TEST authority", STANDARD, "stale", state="test", max_age=age - 1)


def forged_first() -> Iterable[Vector]:
    """A forged pass is forged, whatever else is wrong."""
    forgery = with_signature(STANDARD.claims, flipped(STANDARD.signature, 9))
    revoked = Sample({0: 400_001})
    revoked_forgery = with_signature(revoked.claims, flipped(revoked.signature, 9))
    yield verdict("forged-and-expired", "a forged pass is forged, whatever it says", forgery, "forged", now=EXP)
    yield verdict("forged-and-not-yet", "a forged pass is forged, whatever it says", forgery, "forged", now=NBF - 1)
    yield verdict("forged-and-revoked", "its status is not looked up", revoked_forgery, "forged")
    yield verdict("forged-and-clock-wrong", "forged comes before the clock", forgery, "forged", now=0)
    yield verdict("forged-and-stale", "forged comes before freshness", forgery, "forged", max_age=0)
    yield verdict("forged-and-no-list", "forged comes before status", forgery, "forged", state="no-lists")
    yield verdict("forged-test", "a TEST authority did not sign it", forgery, "forged", state="test")


def precedence() -> Iterable[Vector]:
    """If several things are wrong, the first check decides."""
    revoked = Sample({0: 400_001})
    late = Sample(exp=EXP + 1, key=NARROW_KEY)
    revoked_late = Sample({0: 400_001}, exp=EXP + 1, key=NARROW_KEY)
    yield verdict("clock-and-key-validity", "the clock comes first", late, "clock-wrong", now=0)
    yield verdict("clock-and-expired", "the clock comes first", STANDARD, "clock-wrong", now=EXP, last_seen=EXP + 301)
    yield verdict("clock-and-not-yet", "the clock comes first", STANDARD, "clock-wrong", now=PUBLISHED - 301)
    yield verdict("clock-and-revoked", "the clock comes first", revoked, "clock-wrong", last_seen=NOW + 301)
    yield verdict("clock-and-no-list", "the clock comes first", STANDARD, "clock-wrong", state="no-lists", now=0)
    yield verdict("clock-and-stale", "the clock comes first", STANDARD, "clock-wrong", last_seen=NOW + 301, max_age=0)
    yield verdict("key-validity-and-expired", "the key's time comes first", late, "key-not-valid-then", now=EXP + 1)
    yield verdict("key-validity-and-not-yet", "the key's time comes first", late, "key-not-valid-then", now=NBF - 1)
    yield verdict("key-validity-and-revoked", "the key's time comes first", revoked_late, "key-not-valid-then")
    yield verdict(
        "key-validity-and-no-list", "the key's time comes first", late, "key-not-valid-then", state="no-lists"
    )
    yield verdict("expired-and-revoked", "time comes before status", revoked, "expired", now=EXP)
    yield verdict("not-yet-and-revoked", "time comes before status", revoked, "not-yet-valid", now=NBF - 1)
    yield verdict("expired-and-no-list", "time comes before status", STANDARD, "expired", now=EXP, state="no-lists")
    yield verdict("expired-and-stale", "time comes before freshness", STANDARD, "expired", now=EXP, max_age=0)
    yield verdict(
        "expired-and-age-unknown", "time comes before freshness", STANDARD, "expired", now=EXP, state="age-unknown"
    )
    yield verdict("not-yet-and-stale", "time comes before freshness", STANDARD, "not-yet-valid", now=NBF - 1, max_age=0)
    yield verdict("revoked-and-stale", "a revoked pass stays revoked", revoked, "revoked", max_age=0)
    yield verdict("revoked-and-age-unknown", "a revoked pass stays revoked", revoked, "revoked", state="age-unknown")
    yield verdict(
        "no-list-and-stale", "status comes before freshness", STANDARD, "status-unknown", state="no-lists", max_age=0
    )
    yield verdict(
        "all-wrong",
        "unknown key, bad claims, wrong clock",
        payload(b"\xa0" + bytes(30), STRANGER),
        "unknown-key",
        now=0,
    )
