"""Write tests/vectors/*.json: what every implementation of docs/spec.md must agree on.

    python tests/make_vectors.py           write the files
    python tests/make_vectors.py --check   exit 1 if a file is not as it would be written

Everything follows from SEED, so two runs write the same bytes. Nothing of Movepass is imported: payloads, logs and
numbers are put together a second time from the spec, and what is expected of a broken one stands beside it by hand.
So a mistake in the code can't hide in the vectors.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from hashlib import sha256, sha512
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SEED = "movepass test vectors, format 1"
FORMAT = 1
REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = REPOSITORY / "tests" / "vectors"
CODES = REPOSITORY / "wire" / "movepass_wire" / "codes.json"

NBF = int(datetime(2026, 11, 22, 3, tzinfo=UTC).timestamp())
EXP = NBF + 3 * 3600
DAY = EXP // 86400
NOW = NBF + 3600
PUBLISHED = NBF - 1800
SYNCED = NBF - 1740
KEY_NBF, KEY_EXP = NBF - 30 * 86400, NBF + 335 * 86400
TIME_LIMIT, INDEX_LIMIT, CODE_LIMIT = 1 << 32, 1 << 30, 1 << 16
HOUR12 = 12 * 3600
TEXT_MAX = 1024
DHAKA = timezone(timedelta(hours=6))

Vector = dict[str, Any]


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


# --- CBOR, written loosely enough to be wrong on purpose ---------------------------------------------------------


class Raw(bytes):
    """CBOR that goes in as it stands."""


SHARED = {"\u200c": 1, "\u200d": 2, "\u0964": 3}


@dataclass(frozen=True)
class Block:
    """A text in block form."""

    text: str
    number: int = 0x13

    @property
    def packed(self) -> bytes:
        return bytes([self.number, *(SHARED.get(c, ord(c) if ord(c) < 128 else 128 + ord(c) % 128) for c in self.text)])


def legal(text: str) -> str | Block:
    """Give a text the one form it may have."""
    blocks = {ord(c) // 128 for c in text if ord(c) > 127 and c not in SHARED}
    short = len(blocks) == 1 and max(blocks) < 256 and len(text) + 1 < len(text.encode())
    return Block(text, blocks.pop()) if short else text


def head(major: int, value: int, width: int | None = None) -> bytes:
    """Write a head; `width` is how many bytes the argument takes, the fewest possible without it."""
    if width is None:
        width = next(w for w in (0, 1, 2, 4, 8) if value < (24 if w == 0 else 1 << 8 * w))
    if width == 0:
        return bytes([major << 5 | value])
    return bytes([major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[width]]) + value.to_bytes(width, "big")


def cbor(value: object) -> bytes:  # noqa: PLR0911 - a kind of value, a line
    match value:
        case Raw():
            return bytes(value)
        case Block():
            return cbor(value.packed)
        case bool():
            return b"\xf5" if value else b"\xf4"
        case int():
            return head(0, value) if value >= 0 else head(1, -1 - value)
        case str():
            return head(3, len(value.encode())) + value.encode()
        case bytes():
            return head(2, len(value)) + value
        case list():
            return head(4, len(value)) + b"".join(cbor(item) for item in value)
        case dict():
            return mapping(sorted(value.items(), key=lambda pair: cbor(pair[0])))
    raise TypeError(value)


def mapping(pairs: Iterable[tuple[object, object]]) -> Raw:
    """Write a map with its pairs in just this order."""
    parts = [cbor(key) + cbor(value) for key, value in pairs]
    return Raw(head(5, len(parts)) + b"".join(parts))


# --- keys, deterministic -----------------------------------------------------------------------------------------

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""n of P-256."""
ED_ORDER = (1 << 252) + 27742317777372353535851937790883648493
"""L of Ed25519."""
ESP256, ED25519 = -9, -19


@dataclass(frozen=True)
class Key:
    name: str
    alg: int = ESP256

    @cached_property
    def seed(self) -> bytes:
        return sha256(f"{SEED}: {self.name}".encode()).digest()

    @cached_property
    def ec(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(self.seed, "big") % (ORDER - 1) + 1, ec.SECP256R1())

    @cached_property
    def ed(self) -> ed25519.Ed25519PrivateKey:
        return ed25519.Ed25519PrivateKey.from_private_bytes(self.seed)

    @cached_property
    def kid(self) -> bytes:
        public = self.ec.public_key() if self.alg == ESP256 else self.ed.public_key()
        return sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()[:4]

    def sign(self, message: bytes, digest: hashes.HashAlgorithm | None = None) -> bytes:
        if self.alg == ED25519:
            return self.ed.sign(message)
        der = self.ec.sign(message, ec.ECDSA(digest or hashes.SHA256(), deterministic_signing=True))
        return b"".join(half.to_bytes(32, "big") for half in decode_dss_signature(der))

    def jwk(self, nbf: int = KEY_NBF, exp: int = KEY_EXP, revoked: Mapping[str, Any] | None = None) -> dict[str, Any]:
        if self.alg == ESP256:
            numbers = self.ec.public_key().public_numbers()
            jwk = {"kty": "EC", "crv": "P-256", "alg": "ES256", "x": _base64(numbers.x), "y": _base64(numbers.y)}
        else:
            x = self.ed.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            jwk = {"kty": "OKP", "crv": "Ed25519", "alg": "Ed25519", "x": _base64(int.from_bytes(x, "big"))}
        return {**jwk, "kid": self.kid.hex(), "use": "sig", "nbf": nbf, "exp": exp} | (
            {"revoked": dict(revoked)} if revoked else {}
        )


def _base64(value: int) -> str:
    """Write 32 bytes in base64url: 43 characters of 6 bits, two bits to spare."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return "".join(alphabet[(value << 2) >> shift & 63] for shift in range(252, -1, -6))


A = Key("pass key")
E = Key("pass key, Ed25519", ED25519)
REVOKED_KEY = Key("revoked by the custodians")
DENIED_KEY = Key("denied by the online role")
NARROW_KEY = Key("valid just as long as the pass")
STRANGER = Key("in no document")
DENIED_STRANGER = Key("denied, and in no key document")


# --- payloads ----------------------------------------------------------------------------------------------------

BODY: dict[int, object] = {
    0: 400_000,
    1: "Mohammad Rafiqul Islam",
    2: 1,
    3: "4821",
    4: 13,
    5: 18,
    6: 3,
    7: "DHAKA METRO-GA 15-4821",
}
"""The standard pass."""
ENGLISH: dict[int, object] = {
    1: "Rahima Khatun",
    4: [13, "Mirpur 10"],
    7: "DHAKA METRO GA 11-2233",
    8: "Abdul Karim",
    9: "77AB",
}
BANGLA: dict[int, object] = {
    1: Block("\u09b0\u09b9\u09bf\u09ae\u09be \u0996\u09be\u09a4\u09c1\u09a8"),
    3: Block("\u09ea\u09ee\u09e8\u09e7"),
    4: [13, Block("\u09ae\u09bf\u09b0\u09aa\u09c1\u09b0 \u09e7\u09e6")],
    7: Block(
        "\u09a2\u09be\u0995\u09be \u09ae\u09c7\u099f\u09cd\u09b0\u09cb \u0997 \u09e7\u09e7-\u09e8\u09e8\u09e9\u09e9"
    ),
    8: Block("\u0986\u09ac\u09cd\u09a6\u09c1\u09b2 \u0995\u09b0\u09bf\u09ae"),
    9: Block("\u09ed\u09ed\u098f\u09ac\u09bf"),
}
KA = "\u0995"
"""A Bangla letter."""


def body(change: Mapping[int, object] | None = None) -> dict[int, object]:
    """Give the standard pass's body with changes; a field set to None is left out."""
    return {key: value for key, value in {**BODY, **(change or {})}.items() if value is not None}


def claims(change: Mapping[int, object] | None = None, *, exp: object = EXP, nbf: object = NBF) -> bytes:
    return bytes(mapping([(4, exp), (5, nbf), (-65537, body(change))]))


def header(alg: int, kid: bytes) -> bytes:
    return bytes(mapping([(1, alg), (4, kid)]))


def to_be_signed(protected: bytes, content: bytes) -> bytes:
    assert not isinstance(content, Raw), "the claims are signed as a byte string"
    return cbor(["Signature1", protected, b"", content])


def envelope(content: bytes, signature: bytes, protected: bytes) -> bytes:
    return b"\xd2" + cbor([protected, {}, content, signature])


def base45(data: bytes) -> str:
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
    text = ""
    for at in range(0, len(data), 2):
        group = data[at : at + 2]
        value = int.from_bytes(group, "big")
        for _ in range(len(group) + 1):
            value, digit = divmod(value, 45)
            text += alphabet[digit]
    return text


def text_of(data: bytes) -> str:
    return "MP1:" + base45(data)


def payload(content: bytes, key: Key = A, *, alg: int | None = None, kid: bytes | None = None) -> str:
    """Sign claims whatever they are; the header may name another algorithm or key than the signer's."""
    protected = header(key.alg if alg is None else alg, key.kid if kid is None else kid)
    return text_of(envelope(content, key.sign(to_be_signed(protected, content)), protected))


def with_signature(content: bytes, signature: bytes, key: Key = A) -> str:
    return text_of(envelope(content, signature, header(key.alg, key.kid)))


# --- what a good payload says ------------------------------------------------------------------------------------

FIELDS = (
    "index", "holder_name", "id_type", "id_last", "from", "to", "reason", "vehicle", "driver_name",
    "driver_licence_last",
)  # fmt: skip
_tables = json.loads(CODES.read_text("utf-8"))
DISTRICTS, ID_TYPES, REASONS = (
    {row["code"]: row["key"] for row in _tables[name]} for name in ("districts", "id_types", "reasons")
)


def written(value: object) -> object:
    return value.text if isinstance(value, Block) else value


def place(value: object, table: Mapping[object, object]) -> dict[str, object]:
    district, *rest = value if isinstance(value, list) else [value]
    return {"district": table.get(district, district)} | ({"place": written(rest[0])} if rest else {})


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, DHAKA).isoformat()


@dataclass(frozen=True)
class Sample:
    """A payload in good order, with all that is expected of it."""

    change: Mapping[int, object] = field(default_factory=dict)
    exp: int = EXP
    nbf: int = NBF
    key: Key = A

    @cached_property
    def claims(self) -> bytes:
        return claims(self.change, exp=self.exp, nbf=self.nbf)

    @cached_property
    def signature(self) -> bytes:
        return self.key.sign(to_be_signed(header(self.key.alg, self.key.kid), self.claims))

    @cached_property
    def text(self) -> str:
        return with_signature(self.claims, self.signature, self.key)

    @property
    def decoded(self) -> dict[str, Any]:
        """The raw values, as payload.json has them."""
        fields: dict[str, Any] = {"not_before": self.nbf, "not_after": self.exp}
        unknown = {}
        for key, value in body(self.change).items():
            if key not in range(len(FIELDS)):
                unknown[str(key)] = cbor(value).hex()
            else:
                fields[FIELDS[key]] = place(value, {}) if key in (4, 5) else written(value)
        if unknown:
            fields["unknown"] = unknown
        return {
            "alg": self.key.alg,
            "kid": self.key.kid.hex(),
            "claims": fields,
            "signature": self.signature.hex(),
        }

    @property
    def shown(self) -> dict[str, Any]:
        """The approved pass's form, as verify.json has it."""
        said = body(self.change)
        texts = {key: written(value) for key, value in said.items()}
        shown: dict[str, Any] = {
            "holder": {"name": texts[1], "id_type": ID_TYPES.get(said[2], said[2]), "id_last": texts[3]},
            "from": place(said[4], DISTRICTS),
            "to": place(said[5], DISTRICTS),
            "reason": REASONS.get(said[6], said[6]) if isinstance(said[6], int) else texts[6],
            "not_before": moment(self.nbf),
            "not_after": moment(self.exp),
        }
        driver = {name: texts[key] for key, name in ((8, "name"), (9, "licence_last")) if key in texts}
        vehicle = ({"registration": texts[7]} if 7 in texts else {}) | ({"driver": driver} if driver else {})
        unknown = {str(key): value for key, value in said.items() if key not in range(len(FIELDS))}
        return shown | ({"vehicle": vehicle} if vehicle else {}) | ({"unknown": unknown} if unknown else {})

    @property
    def number(self) -> str:
        index = body(self.change)[0]
        assert isinstance(index, int)
        return pass_number(self.exp // 86400, index)


STANDARD = Sample()


# --- payload.json ------------------------------------------------------------------------------------------------


def vector(name: str, why: str, kind: str, given: Mapping[str, Any], expect: Mapping[str, Any]) -> Vector:
    return {"id": name, "why": why, "kind": kind, "input": dict(given), "expect": dict(expect)}


def readable(name: str, why: str, sample: Sample) -> Vector:
    return vector(name, why, "payload", {"text": sample.text}, {"decoded": sample.decoded})


def refused(name: str, why: str, text: str, check: str, kind: str = "malformed") -> Vector:
    return vector(name, why, "payload", {"text": text}, {"refused": {"check": check, "kind": kind}})


def bad_claims(name: str, why: str, content: bytes) -> Vector:
    """Make a payload that is properly signed, and whose claims break one rule."""
    return refused(name, why, payload(content), "claims")


def payload_vectors() -> list[Vector]:
    return [
        *whole_passes(),
        *claims_lengths(),
        *prefixes(),
        *sizes(),
        *base45_faults(),
        *envelope_bytes(),
        *algorithms(),
        *envelope_forms(),
        *envelope_lengths(),
        *unknown_keys(),
        *cbor_faults(),
        *claims_structure(),
        *number_fields(),
        *times(),
        *text_fields(),
        *text_forms(),
        *characters(),
    ]


def whole_passes() -> Iterable[Vector]:
    yield readable("standard", "the standard pass", STANDARD)
    yield readable("standard-ed25519", "the standard pass, signed with Ed25519", Sample(key=E))
    yield readable("english", "a pass with place and driver, in English", Sample(ENGLISH))
    yield readable("bangla", "the same pass in Bangla: every text is block text", Sample(BANGLA))
    yield readable("no-vehicle", "a pass without a vehicle", Sample({7: None}))
    yield readable("driver-without-vehicle", "8 and 9 do not need 7", Sample({7: None, 8: "Abdul Karim", 9: "77AB"}))
    yield readable("driver-name-only", "8 does not need 9", Sample({8: "Abdul Karim"}))
    yield readable("driver-licence-only", "9 does not need 8", Sample({9: "77AB"}))
    yield readable("both-places", "both districts with a text", Sample({4: [13, "Mirpur 10"], 5: [18, "Tongi"]}))
    yield readable("free-reason", "a reason in words", Sample({6: "Sister's wedding"}))


def padded(length: int) -> dict[int, object]:
    """Change the standard pass so that its claims have this many bytes, by two unknown fields."""
    change: dict[int, object] = {10: b"", 11: b""}
    spare = length - len(claims(change))
    for first in range(spare, spare - 4, -1):  # a byte string's own head grows with it
        change = {10: bytes(first // 2), 11: bytes(first - first // 2)}
        if len(claims(change)) == length:
            return change
    raise AssertionError(length)


def claims_lengths() -> Iterable[Vector]:
    yield readable("claims-255-bytes", "the longest claims with a one-byte length (58 ff)", Sample(padded(255)))
    yield readable("claims-256-bytes", "the shortest claims with a two-byte length (59 01 00)", Sample(padded(256)))
    largest = (TEXT_MAX - 4) // 3 * 2 - 13 - 3 - 66
    yield readable("text-1024", "the longest text there is: 1,024 characters", Sample(padded(largest)))
    longer = payload(claims(padded(largest + 1)))
    yield refused("text-1026", "in good order but for its 1,026 characters", longer, "bounds")
    yield bad_claims("claims-0-bytes", "no claims at all: the byte string's head is 40", b"")
    yield bad_claims("claims-1-byte", "an empty map: the byte string's head is 41", b"\xa0")
    yield bad_claims("claims-23-bytes", "the most that a head of one byte (57) stands for", b"\xa0" + bytes(22))
    yield bad_claims("claims-24-bytes", "the fewest that a head of two bytes (58 18) stands for", b"\xa0" + bytes(23))


def prefixes() -> Iterable[Vector]:
    text = STANDARD.text
    other = (
        ("empty", "no text", ""),
        ("nul", "a NUL", "\0"),
        ("space", "a space", " "),
        ("url", "a web address", "https://example.org/pass?id=400000"),
        ("vcard", "a visiting card", "BEGIN:VCARD\nVERSION:3.0\nFN:Rahima Khatun\nEND:VCARD"),
        ("hcert", "a health certificate", "HC1:" + text[4:]),
        ("shc", "a SMART Health Card", "shc:/567629095243206034602924374044603122295953265460346029254077280433"),
        ("jwt", "a JSON Web Token", "eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjE3OTUzMjcyMDB9." + "A" * 86),
        ("json", "unsigned JSON", '{"name": "Rahima Khatun", "to": "gazipur"}'),
        ("wifi", "a network's password", "WIFI:S:checkpoint;T:WPA;P:secret;;"),
        ("bangla-text", "words in Bangla", "\u09b0\u09b9\u09bf\u09ae\u09be"),
        ("digits", "a bar code's digits", "8901234567894"),
        ("prefix-cut-1", "M alone", "M"),
        ("prefix-cut-3", "MP1 without its colon", "MP1"),
        ("prefix-no-colon", "a payload without the colon", text.replace(":", "", 1)),
        ("prefix-cut-off", "a payload without its prefix", text[4:]),
        ("version-none", "MP: names no version", "MP:" + text[4:]),
        ("version-0", "there is no version 0", "MP0:" + text[4:]),
        ("version-00", "there is no version 00", "MP00:" + text[4:]),
        ("version-01", "a version never begins with 0", "MP01:" + text[4:]),
        ("version-1000", "a version has at most three digits", "MP1000:" + text[4:]),
        ("version-letter", "a version is a number", "MPX:" + text[4:]),
        ("version-2-lower-case", "other versions have their prefix in capitals too", "mp2:" + text[4:]),
        ("version-arabic-digit", "a version's digits are ASCII", "MP\u0662:" + text[4:]),
        ("version-2-inside", "another version's prefix counts only at the start", " MP2:" + text[4:]),
        ("prefix-full-width", "full-width letters are other letters", "\uff2d\uff30\uff11\uff1a" + text[4:]),
    )
    for name, why, value in other:
        yield refused(name, why, value, "prefix", "not-a-pass")
    for version in ("2", "9", "10", "11", "999"):
        name, why = f"version-{version}", f"version {version} is a later one"
        yield refused(name, why, f"MP{version}:" + text[4:], "prefix", "unsupported-version")
    yield refused("version-2-bare", "a later version's prefix alone", "MP2:", "prefix", "unsupported-version")
    yield refused(
        "version-2-other", "what follows is the later version's affair", "MP2:\u0995", "prefix", "unsupported-version"
    )
    wrapped = (
        ("prefix-lower-case", "the prefix in lower case", "mp1:" + text[4:]),
        ("all-lower-case", "a payload in lower case", text.lower()),
        ("prefix-mixed-case", "the prefix in mixed case", "Mp1:" + text[4:]),
        ("url-wrapped", "a payload inside a web address", "https://example.org/#" + text),
        ("space-before", "a space before the payload", " " + text),
        ("newline-before", "a newline before the payload", "\n" + text),
        ("bom-before", "a byte order mark before the payload", "\ufeff" + text),
        ("nul-before", "a NUL before the payload", "\0" + text),
        ("quoted", "a payload in quotes", f'"{text}"'),
    )
    for name, why, value in wrapped:
        yield refused(name, why, value, "prefix")


def sizes() -> Iterable[Vector]:
    astral = "\U0001f600"
    yield refused("other-1024", "other text of 1,024 characters", "x" * TEXT_MAX, "prefix", "not-a-pass")
    yield refused("other-1025", "other text of 1,025 characters", "x" * (TEXT_MAX + 1), "bounds", "not-a-pass")
    yield refused(
        "other-1024-astral", "characters are code points, not UTF-16 units", astral * TEXT_MAX, "prefix", "not-a-pass"
    )
    yield refused("other-1025-astral", "1,025 code points", astral * (TEXT_MAX + 1), "bounds", "not-a-pass")
    yield refused("text-1024-astral", "1,024 code points after all", "MP1:" + astral * (TEXT_MAX - 4), "encoding")
    yield refused(
        "text-1024-not-base45", "the length is checked first, and holds", "MP1:" + "#" * (TEXT_MAX - 4), "encoding"
    )
    yield refused(
        "text-1025", "the length is checked first, and does not hold", "MP1:" + "#" * (TEXT_MAX - 3), "bounds"
    )
    long = "0" * (TEXT_MAX - 3)
    yield refused(
        "version-2-too-long", "too long to be read at all, so no version is seen", "MP2:" + long, "bounds", "not-a-pass"
    )
    yield refused("lower-case-too-long", "too long to be read at all", "mp1:" + long, "bounds", "not-a-pass")


def base45_faults() -> Iterable[Vector]:
    text = STANDARD.text
    for name, char in (
        ("hash", "#"), ("comma", ","), ("equals", "="), ("underscore", "_"), ("at", "@"), ("backtick", "`"),
        ("lower-case", "a"), ("bang", "!"), ("semicolon", ";"), ("tab", "\t"), ("newline", "\n"), ("nul", "\0"),
        ("delete", "\x7f"), ("latin", "\u00e9"), ("bangla-digit", "\u09e7"), ("full-width", "\uff21"),
        ("no-break-space", "\u00a0"), ("kelvin", "\u212a"), ("astral", "\U0001f600"),
    ):  # fmt: skip
        yield refused(
            f"base45-{name}", f"U+{ord(char):04X} is not in the alphabet", text[:40] + char + text[41:], "encoding"
        )
    yield refused("base45-lower-case-body", "base45 in lower case", "MP1:" + text[4:].lower(), "encoding")
    yield refused("base45-one-over", "a length that leaves 1 when divided by 3", text_of(bytes(2)) + "0", "encoding")
    cut = text[: len(text) - (len(text) - 4 - 1) % 3]
    yield refused("base45-cut", "a payload cut to a length that leaves 1", cut, "encoding")
    for name, group in (("65536", "GGW"), ("90000", "ZZW"), ("91124", ":::")):
        yield refused(
            f"base45-triple-{name}",
            f"three characters that stand for {name}",
            text[:40] + group + text[43:],
            "encoding",
        )
    for name, group in (("256", "V5"), ("2024", "::")):
        whole = text[: len(text) - (len(text) - 4) % 3]
        yield refused(f"base45-pair-{name}", f"a last pair that stands for {name}", whole + group, "encoding")
    yield refused("base45-65535", "three characters that stand for 65535, the most", "MP1:FGW", "envelope")
    yield refused("base45-255", "a pair that stands for 255, the most", "MP1:U5", "envelope")
    for name, sample in (("even", STANDARD), ("odd", Sample({1: "Mohammad Rafiqul Isla"}))):
        yield readable(f"base45-{name}", f"an {name} number of bytes", sample)
        yield refused(f"base45-{name}-newline", "a line end is not part of a payload", sample.text + "\n", "encoding")
        yield refused(f"base45-{name}-space", "no payload ends with a space", sample.text + " ", "encoding")
    yield refused("base45-twice", "two payloads in a row", text + text, "encoding")
    yield refused("prefix-twice", "the prefix twice", "MP1:" + text, "encoding")


PROTECTED = header(A.alg, A.kid)
CLAIMS_LENGTH_AT = 14


def bytes_of(*pairs: tuple[object, object]) -> bytes:
    """Write a map as what a byte string holds."""
    return bytes(mapping(pairs))


def broken(name: str, why: str, data: bytes) -> Vector:
    return refused(f"envelope-{name}", why, text_of(data), "envelope")


def form(
    name: str,
    why: str,
    *,
    protected: object = PROTECTED,
    unprotected: object = Raw(b"\xa0"),
    content: object = STANDARD.claims,
    signature: object = STANDARD.signature,
) -> Vector:
    """Make an envelope of which one part is written otherwise."""
    return broken(name, why, b"\xd2" + cbor([protected, unprotected, content, signature]))


def envelope_bytes() -> Iterable[Vector]:
    """One byte of the template changed; the envelope cut short, or longer."""
    good = envelope(STANDARD.claims, STANDARD.signature, PROTECTED)
    end = len(good) - 66
    for at, what in (
        (0, "the tag 18"), (1, "the array of four"), (2, "the protected header's length"), (3, "its map of two"),
        (4, "the label alg"), (6, "the label kid"), (7, "the kid's length"), (12, "the empty unprotected header"),
        (13, "the claims' head"), (14, "the claims' length"), (end, "the signature's head"),
        (end + 1, "the signature's length"),
    ):  # fmt: skip
        for change in (0x01, 0x80):
            data = good[:at] + bytes([good[at] ^ change]) + good[at + 1 :]
            yield broken(f"byte-{at}-xor-{change:02x}", f"{what} is another byte", data)
    yield broken("empty", "the prefix alone", b"")
    for length in (1, 2, 4, 5, 6, 8, 11, 12, 13, 14, 15, 16, end - 1, end, end + 1, end + 2, len(good) - 1):
        yield broken(f"first-{length}", f"cut after {length} bytes", good[:length])
    yield broken("trailing", "a byte after the signature", good + b"\0")
    yield broken("leading", "a byte before the tag", b"\0" + good)
    for name, change in (("more", 1), ("less", -1)):
        data = good[:CLAIMS_LENGTH_AT] + bytes([good[CLAIMS_LENGTH_AT] + change]) + good[CLAIMS_LENGTH_AT + 1 :]
        yield broken(f"claims-one-{name}", f"the claims' length says one byte {name}", data)


def algorithms() -> Iterable[Vector]:
    """Every algorithm but the two; all properly signed with the key as it is."""
    names = {
        -7: "ES256, deprecated", -8: "EdDSA, deprecated", -35: "ES384", -36: "ES512", -47: "ES256K", -37: "PS256",
        -51: "ESP384", -53: "Ed448", 5: "HMAC",
    }  # fmt: skip
    for alg in (*names, -6, -10, -18, -20, 0, 1, 23):
        why = f"algorithm {alg} ({names.get(alg, 'unassigned or of no use here')})"
        yield refused(f"alg-{alg}", why, payload(STANDARD.claims, alg=alg), "envelope")
    text_alg = bytes_of((1, "ESP256"), (4, A.kid))
    yield form("alg-text", "the algorithm by its name", protected=text_alg)


def envelope_forms() -> Iterable[Vector]:
    """The same content in forms that COSE knows, and a pass does not have."""
    content, signature = STANDARD.claims, STANDARD.signature
    for name, why, tag in (
        ("untagged", "without the tag", ""),
        ("cwt-tag", "inside the tag of a CWT", "d83dd2"),
        ("long-tag", "the tag is not in its shortest form", "d812"),
        ("sign-tag", "the tag of a COSE_Sign", "d862"),
    ):
        yield broken(name, why, unhex(tag) + cbor([PROTECTED, {}, content, signature]))
    yield broken("three-parts", "three parts", b"\xd2" + cbor([PROTECTED, content, signature]))
    yield broken("five-parts", "five parts", b"\xd2" + cbor([PROTECTED, {}, content, signature, b""]))
    indefinite = cbor([PROTECTED, {}, content, signature])[1:]
    yield broken("indefinite", "an array of indefinite length", b"\xd2\x9f" + indefinite + b"\xff")
    only_alg = bytes_of((1, A.alg))
    yield form("kid-unprotected", "the kid is not protected", protected=only_alg, unprotected={4: A.kid})
    yield form("no-kid", "there is no kid", protected=only_alg)
    yield form("kid-first", "the kid before the algorithm", protected=bytes_of((4, A.kid), (1, A.alg)))
    yield form("content-type", "a third header", protected=bytes_of((1, A.alg), (3, 61), (4, A.kid)))
    for length in (0, 3, 5, 8):
        other = bytes_of((1, A.alg), (4, sha256(A.kid).digest()[:length]))
        yield form(f"kid-{length}-bytes", f"a kid of {length} bytes", protected=other)
    yield form("kid-text", "the kid is text", protected=bytes_of((1, A.alg), (4, "abcd")))
    long_head = bytes_of((1, Raw(head(1, 8, 1))), (4, A.kid))
    yield form("alg-long", "the algorithm in two bytes", protected=long_head)
    yield form("protected-map", "the protected header is no byte string", protected=Raw(PROTECTED))
    yield form("unprotected-entry", "something unprotected", unprotected={4: A.kid})
    yield form("unprotected-bytes", "the unprotected header is a byte string", unprotected=b"")


def envelope_lengths() -> Iterable[Vector]:
    content, signature = STANDARD.claims, STANDARD.signature
    yield form("claims-map", "the claims are no byte string", content=Raw(content))
    yield form("claims-text", "the claims are text", content="x" * len(content))
    yield form("claims-nil", "the claims are detached", content=Raw(b"\xf6"))
    yield form("claims-pieces", "the claims come in pieces", content=Raw(b"\x5f" + cbor(content) + b"\xff"))
    short = b"\xa0" + bytes(22)
    for data, width in ((content, 2), (content, 4), (content, 8), (short, 1), (claims(padded(255)), 2)):
        why = f"the length of {len(data)} bytes in {width}"
        wide = Raw(head(2, len(data), width) + data)
        yield form(f"claims-{len(data)}-length-{width}", why, content=wide)
    for info in (28, 29, 30):
        reserved = Raw(bytes([2 << 5 | info]) + content)
        yield form(f"claims-head-{info}", f"the additional information {info} is reserved", content=reserved)
    for length in (0, 63, 65, 96):
        yield form(f"signature-{length}", f"a signature of {length} bytes", signature=(signature * 2)[:length])
    for width in (2, 4, 8):
        wide = Raw(head(2, 64, width) + signature)
        yield form(f"signature-length-{width}", f"the signature's length in {width} bytes", signature=wide)
    yield form("signature-text", "the signature is text", signature="x" * 64)


def unknown_keys() -> Iterable[Vector]:
    """Later versions may add fields; this one keeps what it does not know."""
    for name, key in (
        ("10", 10), ("23", 23), ("24", 24), ("255", 255), ("256", 256), ("65536", 65536), ("2-pow-32", 1 << 32),
        ("2-pow-64-less-1", (1 << 64) - 1), ("minus-1", -1), ("minus-25", -25), ("minus-2-pow-64", -(1 << 64)),
    ):  # fmt: skip
        yield readable(f"unknown-key-{name}", f"the unknown key {key}", Sample({key: 1}))
    values: tuple[tuple[str, object], ...] = (
        ("0", 0), ("24", 24), ("256", 256), ("65536", 65536), ("2-pow-32", 1 << 32), ("2-pow-53", 1 << 53),
        ("2-pow-64-less-1", (1 << 64) - 1), ("minus-1", -1), ("minus-257", -257), ("minus-2-pow-64", -(1 << 64)),
        ("false", False), ("true", True), ("text", "x"), ("text-empty", ""), ("text-nul", "\0"),
        ("text-illegal-as-field", "\u0995\u0996"), ("bytes", b"\x01"), ("bytes-empty", b""), ("bytes-24", bytes(24)),
        ("array", [1, "x", b"y", False]), ("array-empty", []), ("array-24", [0] * 24), ("map", {1: 2, "a": "b"}),
        ("map-empty", {}), ("map-keys", {24: 0, -1: 0, "": 0, "b": 0, "aa": 0}),
        ("map-24", dict.fromkeys(range(24), 1)),
        ("depth-4-arrays", [[]]), ("depth-4-maps", {0: {0: 0}}), ("depth-4-mixed", [{"a": True}]),
    )  # fmt: skip
    for name, value in values:
        yield readable(f"unknown-value-{name}", "an unknown field of a kind that claims may hold", Sample({10: value}))
    yield readable(
        "unknown-both", "two unknown keys, in bytewise order: 24 (18 18) before -1 (20)", Sample({24: 1, -1: 2})
    )


def cbor_faults() -> Iterable[Vector]:
    """One fault each inside an unknown field, which is the last thing in the claims."""
    faults = (
        ("null", "f6", "null is not used"),
        ("undefined", "f7", "undefined is not used"),
        ("simple-0", "e0", "simple values are not used"),
        ("simple-19", "f3", "simple values are not used"),
        ("simple-24", "f818", "simple values are not used"),
        ("simple-false-wide", "f814", "false in two bytes"),
        ("simple-255", "f8ff", "simple values are not used"),
        ("half-float", "f93c00", "floats are not used"),
        ("float", "fa3f800000", "floats are not used"),
        ("double", "fb3ff0000000000000", "floats are not used"),
        ("nan", "f97e00", "floats are not used"),
        ("tag", "c11a6b000000", "tags are not used"),
        ("tag-wide", "d83d00", "tags are not used"),
        ("bignum", "c249010000000000000000", "integers have at most 64 bits"),
        ("break", "ff", "a break without a beginning"),
        ("reserved-28", "1c", "the additional information 28 is reserved"),
        ("reserved-29", "3d", "the additional information 29 is reserved"),
        ("reserved-30", "5e", "the additional information 30 is reserved"),
        ("reserved-31", "1f", "no integer is indefinite"),
        ("reserved-array-28", "9c", "the additional information 28 is reserved"),
        ("indefinite-bytes", "5f4101ff", "lengths are definite"),
        ("indefinite-text", "7f6161ff", "lengths are definite"),
        ("indefinite-array", "9f01ff", "lengths are definite"),
        ("indefinite-array-empty", "9fff", "lengths are definite"),
        ("indefinite-map", "bf0102ff", "lengths are definite"),
        ("long-0", "1800", "0 in two bytes"),
        ("long-23", "1817", "23 in two bytes"),
        ("long-255", "1900ff", "255 in three bytes"),
        ("long-65535", "1a0000ffff", "65,535 in five bytes"),
        ("long-2-pow-32", "1b00000000ffffffff", "2^32 - 1 in nine bytes"),
        ("long-minus-24", "3817", "-24 in two bytes"),
        ("long-minus-256", "3900ff", "-256 in three bytes"),
        ("long-bytes", "580101", "a byte string's length in two bytes"),
        ("long-text", "780161", "a text's length in two bytes"),
        ("long-text-3", "79000161", "a text's length in three bytes"),
        ("long-array", "980100", "an array's count in two bytes"),
        ("long-map", "b8010000", "a map's count in two bytes"),
        ("utf8-lone", "6180", "a continuation byte alone"),
        ("utf8-overlong", "62c080", "NUL in two bytes"),
        ("utf8-overlong-3", "63e08080", "NUL in three bytes"),
        ("utf8-cut", "61c3", "a character cut short"),
        ("utf8-cut-in-text", "62c361", "a character cut short by another"),
        ("utf8-surrogate", "63eda080", "U+D800, a surrogate"),
        ("utf8-surrogates", "66eda0bdedb880", "an emoji as two surrogates"),
        ("utf8-beyond", "64f4908080", "beyond U+10FFFF"),
        ("utf8-ff", "61ff", "a byte that UTF-8 never has"),
        ("key-twice", "a200000001", "a map's key twice"),
        ("key-twice-text", "a2616100616101", "a map's text key twice"),
        ("key-order", "a201000000", "a map's keys out of order"),
        ("key-order-length-first", "a220001818 00", "keys in the order of RFC 7049, the shorter first"),
        ("key-order-text", "a26261610061 6200", "the text aa before the text b: 62 61 61 comes after 61 62"),
        ("key-order-types", "a2616100 0000", "a text key before an integer"),
        ("key-bool", "a1f400", "a boolean as a key"),
        ("key-bytes", "a14000", "a byte string as a key"),
        ("key-array", "a18000", "an array as a key"),
        ("key-map", "a1a000", "a map as a key"),
        ("key-float", "a1f93c0000", "a float as a key"),
        ("key-null", "a1f600", "null as a key"),
        ("key-long", "a1180000", "a key that is not in its shortest form"),
        ("depth-5-array", "818180", "a fifth array or map inside each other"),
        ("depth-5-map", "a100a100a0", "a fifth array or map inside each other"),
        ("depth-5-mixed", "8181a0", "a fifth array or map inside each other"),
        ("cut-int", "18", "an integer cut short"),
        ("cut-int-4", "1a000100", "an integer cut short"),
        ("cut-bytes", "4201", "a byte string cut short"),
        ("cut-text", "6261", "a text cut short"),
        ("cut-array", "8200", "an array cut short"),
        ("cut-array-empty", "81", "an array cut short"),
        ("cut-map", "a100", "a map cut short"),
        ("cut-map-pair", "a2000001", "a map cut short"),
        ("huge-bytes", "5bffffffffffffffff", "a length of 2^64 - 1"),
        ("huge-text", "7bffffffffffffffff", "a length of 2^64 - 1"),
        ("huge-array", "9bffffffffffffffff", "a count of 2^64 - 1"),
        ("huge-map", "bbffffffffffffffff", "a count of 2^64 - 1"),
        ("huge-2-pow-31", "5a80000000", "a length of 2^31, negative if taken as signed"),
    )
    for name, data, why in faults:
        yield bad_claims(f"cbor-{name}", why, claims({10: Raw(unhex(data))}))


def claims_structure() -> Iterable[Vector]:
    good = STANDARD.claims
    said = list(body().items())

    def whole(name: str, why: str, pairs: Iterable[tuple[object, object]]) -> Vector:
        return bad_claims(f"claims-{name}", why, bytes_of(*pairs))

    def inner(name: str, why: str, pairs: Iterable[tuple[object, object]]) -> Vector:
        return whole(f"body-{name}", why, [(4, EXP), (5, NBF), (-65537, mapping(pairs))])

    yield bad_claims("claims-trailing", "a byte after the claims", good + b"\0")
    yield bad_claims("claims-twice", "the claims twice", good + good)
    yield bad_claims("claims-cut", "the claims' last byte is missing", good[:-1])
    yield bad_claims("claims-tagged", "inside the tag of a CWT", unhex("d83d") + good)
    yield bad_claims("claims-array", "an array", cbor([EXP, NBF, body()]))
    yield bad_claims("claims-bytes", "a byte string around the claims", cbor(good))
    yield bad_claims("claims-indefinite", "a map of indefinite length", b"\xbf" + good[1:] + b"\xff")
    yield bad_claims("claims-long-head", "the map's count in two bytes", b"\xb8\x03" + good[1:])
    yield whole("no-exp", "without exp", [(5, NBF), (-65537, body())])
    yield whole("no-nbf", "without nbf", [(4, EXP), (-65537, body())])
    yield whole("no-body", "without the body", [(4, EXP), (5, NBF)])
    yield whole("none", "a map of nothing, long enough for the envelope", [(10, bytes(30))])
    yield whole("iat", "one claim more", [(4, EXP), (5, NBF), (6, NBF), (-65537, body())])
    yield whole("text-key", "a claim named by text", [(4, EXP), (5, NBF), (-65537, body()), ("x", 1)])
    yield whole("order", "nbf before exp", [(5, NBF), (4, EXP), (-65537, body())])
    yield whole("body-first", "the body before the times", [(-65537, body()), (4, EXP), (5, NBF)])
    yield whole("exp-twice", "exp twice", [(4, EXP), (4, EXP), (5, NBF), (-65537, body())])
    yield whole("exp-key-long", "the key 4 in two bytes", [(Raw(head(0, 4, 1)), EXP), (5, NBF), (-65537, body())])
    yield whole("long-body-key", "the body's key in nine bytes", [(4, EXP), (5, NBF), (Raw(head(1, 65536, 8)), body())])
    yield whole("body-array", "the body is an array", [(4, EXP), (5, NBF), (-65537, [value for _, value in said])])
    yield whole(
        "body-bytes", "the body is a byte string", [(4, EXP), (5, NBF), (-65537, bytes(mapping(body().items())))]
    )
    yield inner("empty", "the body is empty", [])
    yield inner("order", "holder name before index", [said[1], said[0], *said[2:]])
    yield inner("twice", "the index twice", [said[0], *said])
    yield inner("key-long", "the key 7 in two bytes", [*said[:-1], (Raw(head(0, 7, 1)), said[-1][1])])
    yield inner("text-key", "a key of text", [*said, ("name", "x")])
    yield inner("bool-key", "a key that is a boolean", [*said, (True, "x")])
    yield inner("length-first", "-1 (20) before 24 (18 18), the order of RFC 7049", [*said, (-1, 0), (24, 0)])
    for key in range(7):
        yield inner(f"without-{key}", f"{key} ({FIELDS[key]}) is missing", [pair for pair in said if pair[0] != key])


KINDS = {bool: "bool", str: "text", bytes: "bytes", list: "array", dict: "map"}


def number_fields() -> Iterable[Vector]:
    """Every field that is a number: both ends of its range, one beyond each, and every other kind of value."""

    def in_array(key: int) -> Callable[[object], Mapping[int, object]]:
        return lambda value: {key: [value, "Mirpur 10"]}

    def alone(key: int) -> Callable[[object], Mapping[int, object]]:
        return lambda value: {key: value}

    null, double = Raw(unhex("f6")), Raw(unhex("fb3ff0000000000000"))
    fields: tuple[tuple[str, int, Callable[[object], Mapping[int, object]], tuple[object, ...]], ...] = (
        ("index", INDEX_LIMIT, alone(0), ("7", b"\x07", [7])),
        ("id-type", CODE_LIMIT, alone(2), ("nid", b"\x01", [1])),
        ("from-district", CODE_LIMIT, alone(4), ("dhaka", b"\x0d", {0: 13})),
        ("from-district-of-two", CODE_LIMIT, in_array(4), ("dhaka", b"\x0d", [13])),
        ("to-district", CODE_LIMIT, alone(5), ("gazipur", b"\x12", {0: 18})),
        ("to-district-of-two", CODE_LIMIT, in_array(5), ("gazipur", b"\x12", [18])),
        ("reason-code", CODE_LIMIT, alone(6), ([3], {0: 3})),
    )
    for name, limit, change, others in fields:
        yield readable(f"{name}-least", "0 is a number like others", Sample(change(0)))
        yield readable(f"{name}-most", f"{limit - 1} is the most", Sample(change(limit - 1)))
        yield bad_claims(f"{name}-over", f"{limit} is one too many", claims(change(limit)))
        yield bad_claims(f"{name}-negative", "-1 is too little", claims(change(-1)))
        for value in (True, False, null, double, *others):
            kind = "null" if value is null else "float" if value is double else KINDS[type(value)]
            kind = str(value).lower() if isinstance(value, bool) else kind
            yield bad_claims(f"{name}-{kind}", f"{name} is no number", claims(change(value)))
    yield readable("district-65", "a district that no table has yet", Sample({4: 65, 5: [66, "Tongi"]}))
    yield readable("reason-15", "a reason that no table has yet", Sample({6: 15}))
    yield readable("id-type-7", "an identity paper that no table has yet", Sample({2: 7}))
    for key, name in ((4, "from"), (5, "to")):
        for kind, value in (
            ("empty", []), ("one", [13]), ("three", [13, "Mirpur 10", "x"]), ("swapped", ["Mirpur 10", 13]),
            ("nested", [[13, "Mirpur 10"]]),
        ):  # fmt: skip
            yield bad_claims(
                f"{name}-array-{kind}", "a place is a district, or a district and a text", claims({key: value})
            )


def times() -> Iterable[Vector]:
    yield readable("hours-12", "12 hours exactly", Sample(exp=NBF + HOUR12))
    yield bad_claims("hours-12-and-a-second", "12 hours and a second", claims(exp=NBF + HOUR12 + 1))
    yield readable("second-1", "one second", Sample(exp=NBF + 1))
    yield bad_claims("seconds-0", "exp is nbf", claims(exp=NBF))
    yield bad_claims("seconds-negative", "exp is before nbf", claims(exp=NBF - 1))
    yield readable("nbf-0", "the first second of 1970", Sample(nbf=0, exp=HOUR12))
    yield bad_claims("nbf-negative", "before 1970", claims(nbf=-1, exp=HOUR12 - 1))
    yield bad_claims("both-negative", "both before 1970", claims(nbf=-2, exp=-1))
    yield readable("exp-most", "exp is 2^32 - 1", Sample(nbf=TIME_LIMIT - HOUR12, exp=TIME_LIMIT - 1))
    yield bad_claims("exp-2-pow-32", "exp is 2^32", claims(nbf=TIME_LIMIT - HOUR12, exp=TIME_LIMIT))
    yield bad_claims("nbf-2-pow-32", "both are 2^32 and more", claims(nbf=TIME_LIMIT, exp=TIME_LIMIT + 1))
    others: tuple[tuple[str, object], ...] = (
        ("text", "2026"), ("bytes", b"\x01"), ("true", True), ("false", False), ("array", [NBF]), ("map", {0: NBF}),
        ("float", Raw(unhex("fb") + unhex("41dac0fa80000000"))), ("null", Raw(unhex("f6"))),
        ("tagged", Raw(b"\xc1" + cbor(NBF))), ("long", Raw(head(0, NBF, 8))),
    )  # fmt: skip
    for name, value in others:
        yield bad_claims(f"exp-{name}", "exp is no plain number", claims(exp=value))
        yield bad_claims(f"nbf-{name}", "nbf is no plain number", claims(nbf=value))


def text_fields() -> Iterable[Vector]:
    """Every rule of a text, in every field that is one."""
    fields: tuple[tuple[str, Callable[[object], Mapping[int, object]]], ...] = (
        ("holder-name", lambda value: {1: value}),
        ("id-last", lambda value: {3: value}),
        ("from-place", lambda value: {4: [13, value]}),
        ("to-place", lambda value: {5: [18, value]}),
        ("reason-text", lambda value: {6: value}),
        ("vehicle", lambda value: {7: value}),
        ("driver-name", lambda value: {8: value}),
        ("driver-licence", lambda value: {9: value}),
    )
    for name, change in fields:
        yield readable(f"{name}-1", "one character", Sample(change("x")))
        yield readable(f"{name}-64", "64 characters", Sample(change("x" * 64)))
        yield bad_claims(f"{name}-65", "65 characters", claims(change("x" * 65)))
        yield bad_claims(f"{name}-empty", "no character", claims(change("")))
        yield bad_claims(f"{name}-newline", "a control character", claims(change("a\nb")))
        yield bad_claims(f"{name}-override", "a format character", claims(change(legal("a\u202eb"))))
        yield bad_claims(f"{name}-no-break-space", "white space alone", claims(change("\u00a0")))
        yield readable(f"{name}-block", "block text", Sample(change(Block(KA * 2))))
        yield bad_claims(f"{name}-not-block", "UTF-8 where block text is shorter", claims(change(KA * 2)))
        yield bad_claims(f"{name}-not-utf8", "block text where UTF-8 is as short", claims(change(b"\x00ab")))
        yield bad_claims(f"{name}-true", "a boolean", claims(change(Raw(cbor(value=True)))))
        yield bad_claims(f"{name}-array", "an array", claims(change(["x"])))
        if name != "reason-text":
            yield bad_claims(f"{name}-number", "a number", claims(change(7)))
    yield readable("text-64-block", "64 characters as block text", Sample({1: Block(KA * 64)}))
    yield bad_claims("text-65-block", "65 characters as block text", claims({1: Block(KA * 65)}))
    yield readable("text-64-astral", "64 characters, 128 UTF-16 units, 256 bytes", Sample({1: "\U0001f600" * 64}))
    yield bad_claims("text-65-astral", "65 characters", claims({1: "\U0001f600" * 65}))
    yield readable(
        "text-64-marks",
        "a character is a code point, however it is drawn",
        Sample({1: Block("e" + "\u0301" * 63, 0x06)}),
    )
    yield bad_claims(
        "text-65-marks", "65 code points that look like one", claims({1: Block("e" + "\u0301" * 64, 0x06)})
    )
    yield readable("text-not-nfc", "only the issuer sees to NFC: e and an accent apart", Sample({1: "Jose\u0301"}))
    yield readable(
        "text-not-nfc-bangla", "U+09DF, which NFC takes apart", Sample({1: Block("\u09ae\u09df\u09a8\u09be")})
    )
    yield readable("text-spaces-around", "decoders take texts as they are", Sample({1: " Rahima "}))


def text_forms() -> Iterable[Vector]:
    """The one legal form of a text, both ways."""
    dev = "\u0939\u093e\u0901"
    good: tuple[tuple[str, str, object], ...] = (
        ("tie", "one accent: both forms have five bytes, and UTF-8 it is", "Jos\u00e9"),
        ("two-accents", "two accents: block text is a byte shorter", Block("\u00d1u\u00f1oa", 0x01)),
        ("ascii-among", "ASCII among Bangla", Block(KA + " A-~ 10")),
        ("joiner", "ZWJ is 02", Block("\u09b0\u200d\u09cd\u09af")),
        ("non-joiner", "ZWNJ is 01", Block("\u0995\u09cd\u200c\u09b7")),
        ("danda", "the danda is 03", Block("\u09b6\u09c7\u09b7\u0964")),
        ("danda-own-block", "the danda is 03 in its own block too", Block(dev + "\u0964", 0x12)),
        ("double-danda", "the double danda is Devanagari's own", Block(dev + "\u0965", 0x12)),
        ("joiner-own-block", "ZWNJ is 01 in its own block too", Block("\u2013\u200c\u2014", 0x40)),
        ("joiner-first", "shared characters name no block", Block("\u200d\u0964" + KA * 2)),
        ("danda-only", "shared characters alone have no block text", "\u0964\u0964\u0964"),
        ("joiners-only", "shared characters alone have no block text", "\u200c\u200d"),
        ("two-blocks", "two blocks have no block text", KA * 9 + "\u043a"),
        ("two-blocks-neighbours", "two blocks side by side are two", "\u09ff" * 9 + "\u0a00"),
        ("one-letter", "one letter: two bytes against three", Block(KA)),
        ("greek", "another script", Block("\u0391\u03b8\u03ae\u03bd\u03b1", 0x07)),
        ("block-ff", "the last block there is", Block("\u7fff\u7f80", 0xFF)),
        ("block-100", "the first block that one byte can't number", "\u8000\u8000"),
        ("block-02", "the first block after Latin-1", Block("\u0100\u017f", 0x02)),
        ("astral", "beyond the blocks that one byte can number", "\U0001f600\U0001f601"),
        ("astral-among", "an emoji among Bangla leaves UTF-8 alone", KA * 20 + "\U0001f600"),
        ("block-23", "23 bytes of block text, with the head's one byte", Block(KA * 22)),
        ("block-24", "24 bytes of block text, with the head's two", Block(KA * 23)),
    )
    for name, why, value in good:
        yield readable(f"form-{name}", why, Sample({1: value}))
    bad: tuple[tuple[str, str, object], ...] = (
        ("tie", "block text where both have five bytes", Block("Jos\u00e9", 0x01)),
        ("ascii", "block text for ASCII", b"\x13Rahima"),
        ("ascii-high", "ASCII by way of block 0", b"\x00\xd2\xe1\xe8"),
        ("two-accents", "UTF-8 where block text is a byte shorter", "\u00d1u\u00f1oa"),
        ("danda-high", "the danda by Devanagari's own byte", b"\x12\xb9\xbe\xe4"),
        ("joiner-high", "ZWNJ by its own block's byte", b"\x40\x93\x8c\x94"),
        ("danda-only", "block text of shared characters alone", b"\x13\x03\x03\x03"),
        ("joiners-only", "block text of shared characters alone", b"\x13\x01\x02"),
        ("byte-00", "block text with the byte 00", b"\x13\x95\x00\x95"),
        ("byte-04", "block text with the byte 04", b"\x13\x95\x04\x95"),
        ("byte-0a", "block text with the byte 0a", b"\x13\x95\x0a\x95"),
        ("byte-1f", "block text with the byte 1f", b"\x13\x95\x1f\x95"),
        ("byte-7f", "block text with DEL", b"\x13\x95\x7f\x95"),
        ("bytes-empty", "block text without its block", b""),
        ("bytes-block-only", "block text without a character", b"\x13"),
        ("bytes-utf8", "UTF-8 in a byte string", b"Rahima"),
        ("block-ff-utf8", "UTF-8 where block text is shorter", "\u7fff\u7f80"),
        ("soft-hyphen", "a refused character by its block's byte", b"\x01\xad\xad"),
        ("arabic-sign", "a refused character by its block's byte", b"\x0c\x80\xa7"),
        ("next-line", "a control character by its block's byte", b"\x01\x85\xe9"),
        ("override", "a format character by its block's byte", b"\x40\xae\x93"),
    )
    for name, why, value in bad:
        yield bad_claims(f"form-bad-{name}", why, claims({1: value}))


REFUSED = (
    (0x0000, 0x001F), (0x007F, 0x009F), (0x00AD, 0x00AD), (0x0600, 0x0605), (0x061C, 0x061C), (0x06DD, 0x06DD),
    (0x070F, 0x070F), (0x0890, 0x0891), (0x08E2, 0x08E2), (0x180E, 0x180E), (0x200B, 0x200B), (0x200E, 0x200F),
    (0x2028, 0x202E), (0x2060, 0x206F), (0xE000, 0xF8FF), (0xFDD0, 0xFDEF), (0xFEFF, 0xFEFF), (0xFFF0, 0xFFFB),
    (0xFFFE, 0xFFFF), (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0x10FFFF),
)  # fmt: skip
"""The spec's table but for the surrogates, which UTF-8 can't hold anyway."""
SPACES = (0x00A0, 0x1680, 0x2000, 0x2005, 0x200A, 0x202F, 0x205F, 0x3000)


def characters() -> Iterable[Vector]:
    for first, last in REFUSED:
        for point in sorted({first, last}):
            text = legal("Rahima " + chr(point))
            yield bad_claims(f"char-u{point:04x}", f"U+{point:04X} is refused", claims({1: text}))
    beside = [p for first, last in REFUSED for p in (first - 1, last + 1) if 0 <= p < 0x110000 and p not in _SURROGATES]
    beside = sorted(set(beside) - {p for first, last in REFUSED for p in (first, last)} | {0xD7FF})
    text = "".join(map(chr, beside))
    assert len(text) <= 64
    yield readable("char-beside", "every character that stands beside a refused one", Sample({1: text}))
    yield readable("char-quotes", "ASCII's own signs", Sample({1: "\"'\\/<>&%$#@!{}[]`~^|"}))
    for point in SPACES:
        yield bad_claims(f"blank-u{point:04x}", f"U+{point:04X} alone is no text", claims({1: legal(chr(point))}))
    for count in (1, 2, 64):
        yield bad_claims(f"blank-{count}", f"{count} times U+0020 is no text", claims({1: " " * count}))
    yield bad_claims("blank-mixed", "white space of several kinds is no text", claims({1: " \u00a0 \u3000"}))
    yield readable("spaces-in-text", "white space of any kind inside a text", Sample({1: "a\u00a0b\u2003c\u3000d"}))


_SURROGATES = range(0xD800, 0xE000)


# --- verify.json -------------------------------------------------------------------------------------------------

OUTCOMES = {
    "valid": "accept",
    **dict.fromkeys(("forged", "revoked", "expired", "not-yet-valid", "key-revoked", "key-not-valid-then"), "reject"),
    **dict.fromkeys(("malformed", "not-a-pass"), "reject"),
    **dict.fromkeys(("unknown-key", "unsupported-version", "status-unknown", "stale", "clock-wrong"), "cannot-verify"),
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


def key_document(name: str, keys: Sequence[Mapping[str, Any]], *, test: bool = False) -> dict[str, Any]:
    return {"authority": {"name": name, "test": test}, "keys": list(keys)}


def states() -> dict[str, Any]:
    """What devices hold, by name."""
    rsa = {"kty": "RSA", "alg": "PS256", "kid": "0badc0de", "use": "sig", "n": "u1Z3", "e": "AQAB", "nbf": 0, "exp": 1}
    p384 = {"kty": "EC", "crv": "P-384", "alg": "ES384", "kid": "0badc0df", "use": "sig", "x": "AA", "y": "AA"}
    keys = key_document(
        NAME,
        [
            rsa,
            A.jwk(),
            E.jwk(),
            p384,
            REVOKED_KEY.jwk(revoked={"at": PUBLISHED, "reason": "lost"}),
            DENIED_KEY.jwk(),
            NARROW_KEY.jwk(NBF, EXP),
        ],
    )
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
            "authority": {"name": "Training ground" if test else NAME, "test": test} if shown else None,
        },
    )


def malleated(sample: Sample) -> str:
    """Give the same pass with the other of the two signatures that ECDSA's verification takes for one."""
    r, s = sample.signature[:32], int.from_bytes(sample.signature[32:], "big")
    return with_signature(sample.claims, r + (ORDER - s).to_bytes(32, "big"), sample.key)


def verify_vectors() -> list[Vector]:
    return [
        *accepted(),
        *not_ours(),
        *unknown_or_withdrawn(),
        *forged(),
        *claims_after_signature(),
        *clock(),
        *key_validity(),
        *time_window(),
        *status(),
        *freshness(),
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
    long = Sample(exp=NBF + HOUR12)
    yield verdict("valid-12-hours", "the last second of twelve hours", long, "valid", now=NBF + HOUR12 - 1)
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
    yield verdict("malformed-lower-case", "in lower case", text.lower(), "malformed", failed="prefix")
    yield verdict("malformed-base45", "a character lost", text[:-1], "malformed", failed="encoding")
    yield verdict(
        "malformed-envelope", "a deprecated algorithm", payload(STANDARD.claims, alg=-7), "malformed", failed="envelope"
    )
    yield verdict(
        "malformed-never-synced", "what is malformed needs no keys", text[:-1], "malformed", failed="encoding",
        state="never-synced", now=0,
    )  # fmt: skip


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


def forged() -> Iterable[Vector]:
    content, signature = STANDARD.claims, STANDARD.signature
    message = to_be_signed(PROTECTED, content)

    def forgery(name: str, why: str, text: str) -> Vector:
        return verdict(f"forged-{name}", why, text, "forged")

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
    yield from forged_ed25519()


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
    ):
        yield verdict(f"forged-ed25519-{name}", why, with_signature(sample.claims, value, E), "forged")


def claims_after_signature() -> Iterable[Vector]:
    faulty = payload(claims(exp=NBF + HOUR12 + 1))
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
    long = Sample(exp=NBF + HOUR12)
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


def precedence() -> Iterable[Vector]:
    """Where more than one thing is wrong, the check that comes first decides."""
    forgery = with_signature(STANDARD.claims, flipped(STANDARD.signature, 9))
    revoked = Sample({0: 400_001})
    revoked_forgery = with_signature(revoked.claims, flipped(revoked.signature, 9))
    late = Sample(exp=EXP + 1, key=NARROW_KEY)
    revoked_late = Sample({0: 400_001}, exp=EXP + 1, key=NARROW_KEY)
    yield verdict("forged-and-expired", "a forged pass is forged, whatever it says", forgery, "forged", now=EXP)
    yield verdict("forged-and-not-yet", "a forged pass is forged, whatever it says", forgery, "forged", now=NBF - 1)
    yield verdict("forged-and-revoked", "its status is not looked up", revoked_forgery, "forged")
    yield verdict("forged-and-clock-wrong", "forged comes before the clock", forgery, "forged", now=0)
    yield verdict("forged-and-stale", "forged comes before freshness", forgery, "forged", max_age=0)
    yield verdict("forged-and-no-list", "forged comes before status", forgery, "forged", state="no-lists")
    yield verdict("forged-test", "a TEST authority did not sign it", forgery, "forged", state="test")
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


# --- statuslog.json ----------------------------------------------------------------------------------------------

RICE_MAX_K = 26


def varint(value: int, extra: int = 0) -> bytes:
    """Write a varint; `extra` more bytes than it needs."""
    groups = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)] + [0] * extra
    return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])


def pack(bits: str, pad: str = "0") -> bytes:
    bits += pad * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def cost(gaps: Sequence[int], k: int) -> int:
    return len(gaps) * k + sum(gap >> k for gap in gaps)


def block_of(
    gaps: Sequence[int],
    k: int | None = None,
    *,
    count: int | None = None,
    quotients: int | None = None,
    unary_pad: str = "0",
    pad: str = "0",
    extra: tuple[int, int] = (0, 0),
) -> bytes:
    """Write a block; what it says of itself may be given otherwise than it is."""
    k = min(range(RICE_MAX_K + 1), key=lambda k: cost(gaps, k)) if k is None else k
    unary = "".join("1" * (gap >> k) + "0" for gap in gaps)
    rest = "".join(f"{gap & (1 << k) - 1:0{k}b}" for gap in gaps) if k else ""
    total = sum(gap >> k for gap in gaps)
    return (
        varint(len(gaps) if count is None else count, extra[0])
        + bytes([k])
        + varint(total if quotients is None else quotients, extra[1])
        + pack(unary, unary_pad)
        + pack(rest, pad)
    )


def gaps_of(indexes: Iterable[int]) -> list[int]:
    return [after - before - 1 for before, after in pairwise([-1, *sorted(indexes)])]


def log_head(day: int, generation: int = 0) -> bytes:
    return b"MPL1" + day.to_bytes(2, "big") + generation.to_bytes(2, "big")


def log(day: int, *blocks: Iterable[int], generation: int = 0) -> bytes:
    return log_head(day, generation) + b"".join(block_of(gaps_of(block)) for block in blocks)


def drawn(name: str, count: int, below: int) -> list[int]:
    """Draw different indexes, the same ones for ever."""
    found: set[int] = set()
    counter = 0
    while len(found) < count:
        digest = sha256(f"{SEED}: {name} {counter}".encode()).digest()
        found |= {int.from_bytes(digest[at : at + 4], "big") % below for at in range(0, 32, 4)}
        counter += 1
    return sorted(found)[:count]


INDEXES_SHOWN = 64
"""Up to so many indexes stand in the file; of longer lists, their number and digest."""


def read(name: str, why: str, data: bytes, indexes: Iterable[int], *, day: int = DAY, generation: int = 0) -> Vector:
    ordered = sorted(indexes)
    expect: dict[str, Any] = {"day": day, "generation": generation}
    if len(ordered) <= INDEXES_SHOWN:
        expect["indexes"] = ordered
    else:
        expect["count"] = len(ordered)
        expect["sha256"] = sha256(b"".join(index.to_bytes(4, "big") for index in ordered)).hexdigest()
    return vector(name, why, "statuslog-read", {"log": data.hex()}, expect)


def unreadable(name: str, why: str, data: bytes) -> Vector:
    return vector(name, why, "statuslog-read", {"log": data.hex()}, {"refused": True})


def statuslog_vectors() -> list[Vector]:
    return [*good_logs(), *bad_headers(), *bad_blocks(), *bad_numbers(), *written_logs(), *refused_writes()]


SMALL = (3, 5, 12, 400_000)
TOP = INDEX_LIMIT - 1


def good_logs() -> Iterable[Vector]:
    start = log_head(DAY)
    yield read("empty", "nothing revoked yet", log(DAY), [])
    yield read("empty-generation", "after a compaction", log(DAY, generation=7), [], generation=7)
    yield read("empty-first-day", "1970-01-01", log(0), [], day=0)
    yield read(
        "empty-last-day", "the last day and generation", log(65535, generation=65535), [], day=65535, generation=65535
    )
    for index in (0, 1, 7, 8, 63, 64, 400_000, 1 << 26, TOP):
        yield read(f"one-{index}", "one index", log(DAY, [index]), [index])
    yield read("small", "four indexes", log(DAY, SMALL), SMALL)
    yield read("dense-8", "eight in a row from 0: nothing but zero bits", log(DAY, range(8)), range(8))
    yield read("dense-9", "nine in a row: a bit into the second byte", log(DAY, range(9)), range(9))
    yield read("dense-1000", "a thousand in a row", log(DAY, range(1000)), range(1000))
    yield read(
        "dense-late", "64 in a row up to the last index", log(DAY, range(TOP - 63, TOP + 1)), range(TOP - 63, TOP + 1)
    )
    dense = drawn("dense", 5000, 7000)
    yield read("dense", "5,000 of 7,000", log(DAY, dense), dense)
    percent = drawn("percent", 2000, 200_000)
    yield read("percent", "one in a hundred of 200,000", log(DAY, percent), percent)
    sparse = drawn("sparse", 500, 1 << 24)
    yield read("sparse", "500 of 16,777,216", log(DAY, sparse), sparse)
    many = drawn("many blocks", 600, 100_000)
    parts = [many[at::200] for at in range(200)]
    yield read("many-blocks", "200 blocks of three, each over the whole range", log(DAY, *parts), many)
    yield read("two-blocks", "a later block may begin below an earlier one", log(DAY, [5, 400_000], [3, 12]), SMALL)
    yield read("blocks-of-one", "each index in a block of its own", log(DAY, *([index] for index in SMALL)), SMALL)
    for k in (0, 3, 17, RICE_MAX_K):
        gaps = gaps_of([3, 5, 12, 40])
        yield read(f"k-{k}", f"k = {k}, which is not the best", start + block_of(gaps, k), [3, 5, 12, 40])
    yield read("k-16-most", "the highest index, k = 16: quotients of 16,383", start + block_of([TOP], 16), [TOP])
    for count in (127, 128, 129):
        run = range(0, count * 2, 2)
        yield read(f"count-{count}", f"a block of {count}", log(DAY, run), run)
    for total in (127, 128):
        yield read(f"quotients-{total}", f"quotients of {total}", start + block_of([total], 0), [total])
    yield read(
        "unary-whole-byte", "the quotients end with their byte", start + block_of([0] * 3 + [4], 0), [0, 1, 2, 7]
    )
    yield read("rest-whole-byte", "the remainders end with their byte", start + block_of([1] * 4, 2), [1, 3, 5, 7])


def bad_headers() -> Iterable[Vector]:
    good = log(DAY, SMALL)
    yield unreadable("no-bytes", "an empty file", b"")
    for length in (1, 3, 4, 6, 7):
        yield unreadable(f"header-{length}", f"the header's first {length} bytes", good[:length])
    yield unreadable("magic-version", "a later version", b"MPL2" + good[4:])
    yield unreadable("magic-case", "in lower case", b"mpl1" + good[4:])
    yield unreadable("magic-shifted", "a byte before it", b"\0" + good)
    yield unreadable("magic-payload", "a pass", STANDARD.text.encode())


def bad_blocks() -> Iterable[Vector]:
    start = log_head(DAY)
    gaps = gaps_of([3, 5, 12, 40])
    good = block_of(gaps, 3)
    parts = {1: "after the count", 2: "after k", 3: "after the quotients' sum", len(good) - 2: "before the remainders"}
    assert len(good) == 6
    for length, what in parts.items():
        yield unreadable(f"cut-{length}", f"cut {what}", start + good[:length])
    yield unreadable("cut-last-byte", "the last byte is missing", start + good[:-1])
    yield unreadable("cut-second", "the second block is cut short", start + good + block_of([100], 3)[:-1])
    yield unreadable("cut-unary", "a long unary part is cut short", start + block_of([100], 0)[:-1])
    yield unreadable("trailing-0", "a byte 0 after the last block", start + good + b"\0")
    yield unreadable("trailing-000", "a block of none after the last block", start + good + bytes(3))
    yield unreadable("count-0", "a block of none", start + bytes([0, 0, 0]))
    yield unreadable("count-0-k", "a block of none with k = 5", start + bytes([0, 5, 0]))
    yield unreadable("count-more", "it says one more than its bytes hold", start + block_of([0] * 8, 0, count=9))
    yield unreadable(
        "count-less", "it says one less than it has, within the same bytes", start + block_of([0, 0, 9], 0, count=2)
    )
    yield unreadable(
        "count-less-cut",
        "it says one less, and a one bit stands in the padding",
        start + block_of([0, 0, 1], 1, count=2),
    )
    yield unreadable("quotients-more", "it says quotients of one more", start + block_of([0, 3], 0, quotients=4))
    yield unreadable("quotients-less", "it says quotients of one less", start + block_of([0, 3], 0, quotients=2))
    swapped = block_of([0, 3], 0, count=3, quotients=2)
    yield unreadable("count-for-quotient", "one more and one less: the bits add up, the zeros do not", start + swapped)
    yield unreadable("unary-open", "the last quotient does not end", start + bytes([2, 0, 2]) + pack("1100"[::-1]))
    yield unreadable(
        "unary-padding", "a one in the padding of the quotients", start + block_of([0, 3], 0, unary_pad="1")
    )
    yield unreadable("rest-padding", "a one in the padding of the remainders", start + block_of([1, 2, 3], 3, pad="1"))
    yield unreadable("unary-padding-one-bit", "a one in the very last bit", start + bytes([1, 0, 0, 0x01]))
    yield unreadable("k-27", "k = 27", start + block_of([3], 27))
    yield unreadable("k-30", "k = 30", start + block_of([3], 30))
    yield unreadable("k-255", "k = 255", start + block_of([3], 255))
    for k in (0, 1, 16, 26):
        over = ((INDEX_LIMIT - 1) >> k) + 1
        data = start + varint(1) + bytes([k]) + varint(over)
        yield unreadable(f"quotients-over-k-{k}", "more quotients than any index has", data + bytes(16))
    yield unreadable("index-over", "the index 2^30", start + block_of([TOP, 0], 26))
    yield unreadable("index-over-far", "far beyond the last index", start + block_of([TOP, (1 << 26) - 1], 26))
    yield unreadable("index-over-second", "the second block goes beyond", start + good + block_of([TOP, 5], 26))
    yield unreadable("twice", "an index in two blocks", log(DAY, [3, 5], [5, 7]))
    yield unreadable("twice-last", "the last index in two blocks", log(DAY, [TOP], [TOP]))
    yield unreadable("twice-block", "the same block again", log(DAY, SMALL, SMALL))


def bad_numbers() -> Iterable[Vector]:
    start = log_head(DAY)
    yield unreadable(
        "varint-long-count", "the count in two bytes, where one is enough", start + block_of([3], 0, extra=(1, 0))
    )
    yield unreadable("varint-long-quotients", "the quotients' sum in two bytes", start + block_of([3], 0, extra=(0, 1)))
    yield unreadable("varint-long-0", "0 in two bytes", start + block_of([0], 0, extra=(0, 1)))
    yield unreadable("varint-5-long", "3 in five bytes", start + block_of([3], 0, extra=(0, 4)))
    yield unreadable("varint-6", "3 in six bytes", start + block_of([3], 0, extra=(0, 5)))
    yield unreadable("varint-6-value", "a number of six bytes", start + varint(1 << 35) + bytes(40))
    yield unreadable("varint-open", "a number that does not end", start + b"\x80\x80")
    yield unreadable("varint-open-quotients", "a sum that does not end", start + b"\x01\x00\xff\xff")
    yield unreadable("count-2-pow-35", "a count of 2^35 - 1", start + varint((1 << 35) - 1) + bytes(40))
    yield unreadable(
        "count-2-pow-32", "a count of 2^32 + 1, 1 if cut to 32 bits", start + varint((1 << 32) + 1) + bytes(3)
    )
    yield unreadable("count-huge-k", "a count of 2^31 with k = 26", start + varint(1 << 31) + b"\x1a" + bytes(40))


def write(name: str, why: str, blocks: Sequence[Sequence[int]], *, day: int = DAY, generation: int = 0) -> Vector:
    given = {"day": day, "generation": generation, "blocks": [list(block) for block in blocks]}
    return vector(name, why, "statuslog-write", given, {"log": log(day, *blocks, generation=generation).hex()})


def written_logs() -> Iterable[Vector]:
    yield write("write-empty", "nothing but the header", [])
    yield write("write-generation", "another generation", [], day=DAY + 1, generation=258)
    yield write("write-small", "four indexes", [SMALL])
    yield write("write-unsorted", "indexes come in any order", [[400_000, 3, 12, 5]])
    yield write("write-blocks", "block after block", [[5, 400_000], [3, 12]])
    yield write("write-one-0", "the first index: k = 0", [[0]])
    yield write("write-one-last", "the last index: k = 26", [[TOP]])
    yield write("write-tie", "k = 0 and k = 1 make the same size: the smaller", [[1, 3, 5, 7]])
    yield write("write-dense", "64 in a row", [list(range(64))])
    yield write("write-one-far", "63 in a row and one far off", [[*range(63), TOP]])
    yield write("write-drawn", "60 of 100,000", [drawn("write", 60, 100_000)])
    yield write("write-percent", "1,000 of 100,000", [drawn("write percent", 1000, 100_000)])


def refused_writes() -> Iterable[Vector]:
    for name, why, day, generation, blocks in (
        ("block-empty", "a block of none", DAY, 0, [[]]),
        ("twice", "an index twice in a block", DAY, 0, [[3, 5, 3]]),
        ("negative", "an index below 0", DAY, 0, [[-1, 3]]),
        ("over", "an index of 2^30", DAY, 0, [[3, INDEX_LIMIT]]),
        ("day", "a day of more than two bytes", 65536, 0, []),
        ("day-negative", "a day before 1970", -1, 0, []),
        ("generation", "a generation of more than two bytes", DAY, 65536, []),
        ("generation-negative", "a generation below 0", DAY, -1, []),
    ):
        given: dict[str, Any] = {"day": day, "generation": generation, "blocks": blocks}
        yield vector(f"write-refused-{name}", why, "statuslog-write", given, {"refused": True})


# --- number.json -------------------------------------------------------------------------------------------------

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def gf32_product(a: int, b: int) -> int:
    """Multiply two polynomials over GF(2) and reduce by x^5 + x^2 + 1."""
    product = 0
    for shift in range(5):
        product ^= (a << shift) * (b >> shift & 1)
    for degree in range(8, 4, -1):
        if product >> degree & 1:
            product ^= 0b100101 << degree - 5
    return product


def pass_number(day: int, index: int) -> str:
    """Write a pass number; the check symbol is the sum of symbol times weight, the weights being x^8 down to x."""
    value = day % 1024 << 30 | index
    symbols = [value >> shift & 31 for shift in range(35, -5, -5)]
    weights = [2]
    while len(weights) < 8:
        weights.insert(0, gf32_product(weights[0], 2))
    check = 0
    for symbol, weight in zip(symbols, weights, strict=True):
        check ^= gf32_product(symbol, weight)
    text = "".join(SYMBOLS[symbol] for symbol in [*symbols, check])
    return f"{text[:3]}-{text[3:6]}-{text[6:]}"


def typed(name: str, why: str, text: str, day: int, index: int) -> Vector:
    return vector(name, why, "number-read", {"text": text}, {"day": day % 1024, "index": index})


def mistyped(name: str, why: str, text: str) -> Vector:
    return vector(name, why, "number-read", {"text": text}, {"refused": True})


def number_vectors() -> list[Vector]:
    return [*numbers_both_ways(), *typed_otherwise(), *mistyped_numbers(), *days_nearby()]


def numbers_both_ways() -> Iterable[Vector]:
    for day, index, why in (
        (DAY, 400_000, "the standard pass"),
        (DAY, 0, "the first index"),
        (DAY, INDEX_LIMIT - 1, "the last index"),
        (0, 0, "nothing but zeros"),
        (0, 1, "one in the last place of the index"),
        (1023, INDEX_LIMIT - 1, "the highest day and index"),
        (1024, 0, "the day begins again"),
        (65535, 123_456_789, "the last day a log can have"),
        (DAY + 1, 31, "a symbol Z"),
        (DAY + 1, 32, "carried into the next symbol"),
    ):
        text = pass_number(day, index)
        given, name = {"day": day, "index": index}, f"{day}-{index}"
        yield vector(f"write-{name}", why, "number-write", given, {"number": text})
        yield typed(f"read-{name}", why, text, day, index)
    for name, why, day, index in (
        ("index-over", "an index of 2^30", DAY, INDEX_LIMIT),
        ("index-negative", "an index below 0", DAY, -1),
        ("day-negative", "a day before 1970", -1, 0),
    ):
        yield vector(f"write-refused-{name}", why, "number-write", {"day": day, "index": index}, {"refused": True})


def typed_otherwise() -> Iterable[Vector]:
    index = 1 << 5 | 0 << 10 | 1 << 15 | 12345 << 15
    number = pass_number(DAY, index)
    plain = number.replace("-", "")
    assert "0" in plain
    assert "1" in plain
    for name, why, text in (
        ("compact", "without hyphens", plain),
        ("lower-case", "in lower case", number.lower()),
        ("mixed-case", "in mixed case", plain[:4].lower() + plain[4:]),
        ("spaces", "with spaces for hyphens", number.replace("-", " ")),
        ("spaces-around", "with spaces around", f"  {number} "),
        ("hyphens-anywhere", "grouped otherwise", "-".join(plain)),
        ("letter-o", "O for 0", number.replace("0", "O")),
        ("letter-o-small", "o for 0", number.replace("0", "o")),
        ("letter-i", "I for 1", number.replace("1", "I")),
        ("letter-i-small", "i for 1", number.replace("1", "i")),
        ("letter-l", "L for 1", number.replace("1", "L")),
        ("letter-l-small", "l for 1", number.replace("1", "l")),
    ):
        yield typed(f"typed-{name}", why, text, DAY, index)


def mistyped_numbers() -> Iterable[Vector]:
    number = pass_number(DAY, 400_000)
    plain = number.replace("-", "")
    numbers = (pass_number(DAY, index).replace("-", "") for index in range(25, INDEX_LIMIT, 32))
    ends_with_ss = next(text for text in numbers if text.endswith("SS"))
    for name, why, text in (
        ("empty", "nothing", ""),
        ("hyphens", "hyphens alone", "--"),
        ("short", "eight symbols", plain[:-1]),
        ("long", "ten symbols", plain + "0"),
        ("twice", "two numbers", number + " " + number),
        ("letter-u", "U is no symbol", "U" + plain[1:]),
        ("star", "Crockford's own check symbols are not used", plain[:-1] + "*"),
        ("equals", "Crockford's own check symbols are not used", plain[:-1] + "="),
        ("dot", "dots do not count as hyphens", number.replace("-", ".")),
        ("underscore", "underscores do not count as hyphens", number.replace("-", "_")),
        ("tab", "a tab", number + "\t"),
        ("newline", "a line end", number + "\n"),
        ("nul", "a NUL", number + "\0"),
        ("no-break-space", "a space that is not U+0020", number.replace("-", "\u00a0")),
        ("en-dash", "a dash that is not U+002D", number.replace("-", "\u2013")),
        ("bangla-digits", "Bangla digits", "".join(chr(0x9E6 + int(c)) if c.isdigit() else c for c in number)),
        ("full-width", "full-width digits", "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in number)),
        ("payload", "a payload", STANDARD.text),
        ("sharp-s", "\u00df, whose capital is SS, in place of SS", ends_with_ss[:7] + "\u00df"),
        (
            "dotless-i",
            "\u0131, whose capital is I, in place of 1",
            "\u0131" + pass_number(1 << 5, 0).replace("-", "")[1:],
        ),
        (
            "long-s",
            "\u017f, whose capital is S, in place of S",
            "\u017f" + pass_number(25 << 5, 0).replace("-", "")[1:],
        ),
    ):
        yield mistyped(f"refused-{name}", why, text)
    for at, symbol in enumerate(plain):
        for other in SYMBOLS:
            if other != symbol:
                yield mistyped(f"slip-{at + 1}-{other}", "a slip in one symbol", plain[:at] + other + plain[at + 1 :])
    for text in (plain, pass_number(DAY + 3, 123_456_789).replace("-", "")):
        for at in range(8):
            if text[at] != text[at + 1]:
                swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
                yield mistyped(f"swap-{text}-{at + 1}", "two neighbours swapped", swapped)


def days_nearby() -> Iterable[Vector]:
    for near in (DAY, 0, 512, 65535):
        for offset in (-512, -511, -1, 0, 1, 4, 511):
            day = near + offset
            given = {"day_in_number": day % 1024, "near": near}
            why = "half way between two days: the earlier" if offset == -512 else "the nearest day of that number"
            yield vector(f"near-{near}-{offset}", why, "number-day", given, {"day": day})


# --- files -------------------------------------------------------------------------------------------------------


def document(name: str, note: str, vectors: Sequence[Vector], **shared: Any) -> bytes:
    """Write one file: a line a vector, ASCII only."""
    names = [v["id"] for v in vectors]
    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
    lines = [f'"format": {FORMAT}', f'"name": {json.dumps(name)}', f'"note": {json.dumps(note)}']
    for title, entries in shared.items():
        lines.append(_block(title, "{", (f"{json.dumps(k)}: {json.dumps(v)}" for k, v in entries.items()), "}"))
    lines.append(_block("vectors", "[", map(json.dumps, vectors), "]"))
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def _block(title: str, start: str, entries: Iterable[str], end: str) -> str:
    return f'"{title}": {start}\n' + ",\n".join(entries) + f"\n{end}"


def files() -> dict[str, bytes]:
    made = "Written by tests/make_vectors.py; see README.md."
    return {
        "payload.json": document("payload", f"Texts, taken apart or refused. {made}", payload_vectors()),
        "verify.json": document("verify", f"Texts and their verdicts. {made}", verify_vectors(), states=states()),
        "statuslog.json": document("statuslog", f"Status logs, read and written. {made}", statuslog_vectors()),
        "number.json": document("number", f"Pass numbers, read and written. {made}", number_vectors()),
    }


def stale(folder: Path = FOLDER) -> list[str]:
    """Name the files that are not as they would be written."""
    made = files()
    return [
        name for name, data in made.items() if not (folder / name).is_file() or (folder / name).read_bytes() != data
    ]


def main(arguments: Sequence[str]) -> int:
    if arguments == ["--check"]:
        wrong = stale()
        sys.stdout.writelines(f"{name} is not as make_vectors.py writes it\n" for name in wrong)
        return 1 if wrong else 0
    if arguments:
        sys.stderr.write("usage: make_vectors.py [--check]\n")
        return 2
    FOLDER.mkdir(exist_ok=True)
    for name, data in files().items():
        (FOLDER / name).write_bytes(data)
        sys.stdout.write(f"{name}: {len(json.loads(data)['vectors'])} vectors, {len(data)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
