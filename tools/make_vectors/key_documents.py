"""keys.json: the published key documents, read or refused."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from make_vectors.common import KEY_EXP, KEY_NBF, PUBLISHED, TIME_LIMIT, Vector, vector
from make_vectors.keys import (
    DENIED_KEY,
    ED25519,
    ESP256,
    REVOKED_KEY,
    SHORT_ED_X,
    SHORT_X,
    SHORT_Y,
    STRANGER,
    A,
    E,
    Key,
)

P256_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
REVOKED = {"at": PUBLISHED, "reason": "lost"}
DENIED = {"kid": DENIED_KEY.kid.hex(), "at": PUBLISHED, "reason": "stolen"}
AUTHORITY = {"name": "Movement Pass Authority", "test": False}
NOBODY = '{"denied":[]}'
BANGLA_NAME = "\u09a2\u09be\u0995\u09be \u09ae\u09b9\u09be\u09a8\u0997\u09b0 \u09aa\u09c1\u09b2\u09bf\u09b6"

Document = dict[str, Any]


def key_vectors() -> list[Vector]:
    return [
        *read(),
        *read_whatever_else_is_there(),
        *refused_json(),
        *refused_authorities(),
        *refused_keys(),
        *refused_points(),
        *refused_times(),
        *refused_withdrawals(),
        *refused_denials(),
    ]


def latin(document: object) -> str:
    """Write a document as UTF-8 whose bytes are characters U+0000 to U+00FF."""
    text = document if isinstance(document, str) else json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return text.encode().decode("latin-1")


def keys_of(*jwks: object, **authority: object) -> Document:
    return {"authority": AUTHORITY | authority, "keys": list(jwks)}


def public(key: Key) -> str:
    if key.alg == ED25519:
        return key.ed.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    return key.ec.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:].hex()


def known(key: Key, nbf: int = KEY_NBF, exp: int = KEY_EXP, revoked: Mapping[str, Any] | None = None) -> Document:
    return {
        "kid": key.kid.hex(), "alg": key.alg, "public": public(key), "nbf": nbf, "exp": exp,
        "revoked": dict(revoked) if revoked else None,
    }  # fmt: skip


def good(
    title: str,
    why: str,
    keys: object,
    *expected: Document,
    denied: object = NOBODY,
    withdrawn: Sequence[Document] = (),
    **authority: object,
) -> Vector:
    given = {"keys": latin(keys), "denied": latin(denied)}
    expect = {
        "authority": AUTHORITY | authority,
        "keys": sorted(expected, key=lambda key: str(key["kid"])),
        "denied": sorted(withdrawn, key=lambda one: str(one["kid"])),
    }
    return vector(title, why, "keys", given, expect)


def bad(name: str, why: str, keys: object, denied: object = NOBODY) -> Vector:
    given = {"keys": keys if isinstance(keys, str) else latin(keys), "denied": latin(denied)}
    return vector(f"refused-{name}", why, "keys", given, {"refused": True})


def read() -> Iterable[Vector]:
    yield good(
        "standard", "keys of both kinds, one revoked and one denied",
        keys_of(A.jwk(), E.jwk(), REVOKED_KEY.jwk(revoked=REVOKED), DENIED_KEY.jwk()),
        known(A), known(E), known(REVOKED_KEY, revoked=REVOKED), known(DENIED_KEY),
        denied={"denied": [DENIED]}, withdrawn=[DENIED],
    )  # fmt: skip
    yield good("no-keys", "no key at all", keys_of())
    yield good("test", "a TEST authority", keys_of(A.jwk(), test=True), known(A), test=True)
    yield good("name-empty", "a name may be empty", keys_of(name=""), name="")
    yield good("name-bangla", "a name in Bangla", keys_of(A.jwk(), name=BANGLA_NAME), known(A), name=BANGLA_NAME)
    escaped = json.dumps(keys_of(A.jwk(), name=BANGLA_NAME + "\U0001f600"))
    yield good("name-escaped", "a name in escapes", escaped, known(A), name=BANGLA_NAME + "\U0001f600")
    for key, what in ((SHORT_X, "x"), (SHORT_Y, "y"), (SHORT_ED_X, "ed25519-x")):
        yield good(f"short-{what}", f"{what} begins with a byte of 00", keys_of(key.jwk()), known(key))
    yield good(
        "times", "the least nbf and the greatest exp", keys_of(A.jwk(0, TIME_LIMIT - 1)), known(A, 0, TIME_LIMIT - 1)
    )
    yield good("one-second", "valid for one second", keys_of(A.jwk(5, 6)), known(A, 5, 6))
    late = 1 << 31
    yield good("late", "times from 2^31 on", keys_of(A.jwk(late, late + 5)), known(A, late, late + 5))
    for name, revoked in (("at-0", {"at": 0, "reason": ""}), ("later", {"at": TIME_LIMIT - 1, "reason": BANGLA_NAME})):
        yield good(f"revoked-{name}", "revoked", keys_of(A.jwk(revoked=revoked)), known(A, revoked=revoked))
    both = [{"kid": A.kid.hex(), "at": 7, "reason": "denied as well"}]
    yield good(
        "revoked-and-denied", "both stay", keys_of(A.jwk(revoked=REVOKED)), known(A, revoked=REVOKED),
        denied={"denied": both}, withdrawn=both,
    )  # fmt: skip
    stranger = {"kid": STRANGER.kid.hex(), "at": 0, "reason": ""}
    yield good(
        "denied-stranger", "a denied kid that no key has", keys_of(A.jwk()), known(A),
        denied={"denied": [stranger]}, withdrawn=[stranger],
    )  # fmt: skip
    yield good(
        "denied-twice", "a kid denied twice: the last one counts", keys_of(A.jwk()), known(A),
        denied={"denied": [DENIED | {"reason": "first"}, stranger, DENIED]}, withdrawn=[stranger, DENIED],
    )  # fmt: skip


def read_whatever_else_is_there() -> Iterable[Vector]:
    yield good(
        "spaces", "white space, and the members in another order",
        json.dumps(dict(reversed(keys_of(dict(reversed(A.jwk().items()))).items())), indent=1) + "\r\n\t ",
        known(A), denied=' {\n"denied" :\t[ ] }\r\n',
    )  # fmt: skip
    more = {"later": [None, 1.5, 1e300, -0.0, 2**53 + 1, True, {"kid": None}], "": ""}
    document = keys_of(A.jwk(revoked=REVOKED | more) | more, **more) | more
    yield good(
        "unknown-members", "members of a later version", document, known(A, revoked=REVOKED),
        denied={"denied": [DENIED | more], **more}, withdrawn=[DENIED],
    )  # fmt: skip
    deep = "[" * 100 + "]" * 100
    yield good(
        "unknown-deep", "an unknown member of a hundred arrays",
        json.dumps(keys_of(A.jwk()))[:-1] + f', "later": {deep}}}', known(A),
    )  # fmt: skip
    for name, changes in (
        ("rsa", {"kty": "RSA", "alg": "PS256", "n": "u1Z3", "e": "AQAB"}),
        ("p384", {"crv": "P-384", "alg": "ES384"}),
        ("es384-on-p256", {"alg": "ES384"}),
        ("esp256", {"alg": "ESP256"}),
        ("eddsa", {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA"}),
        ("ed448", {"kty": "OKP", "crv": "Ed448", "alg": "Ed448"}),
        ("small-letters", {"crv": "p-256"}),
        ("numbers", {"kty": 1, "crv": None, "alg": ["ES256"]}),
        ("no-alg", {"alg": None}),
    ):
        other = {k: v for k, v in (A.jwk() | {"kid": "a later kid"} | changes).items() if k != "alg" or v is not None}
        yield good(f"left-out-{name}", "a key of another kind", keys_of(other, E.jwk(), other), known(E))


def refused_json() -> Iterable[Vector]:
    text = latin(keys_of(A.jwk()))
    one = json.dumps(A.jwk()["kid"])
    for name, why, document in (
        ("empty", "no bytes", ""),
        ("truncated", "a byte is missing", text[:-1]),
        ("more", "something follows", text + "{}"),
        ("array", "an array", f"[{text}]"),
        ("null", "null", "null"),
        ("bom", "a byte order mark", "\u00ef\u00bb\u00bf" + text),
        ("utf-16", "UTF-16", text.encode("utf-16-le").decode("latin-1")),
        ("not-utf-8", "a byte that is no UTF-8", text.replace("Movement", "M\u00f6vement")),
        ("overlong", "an overlong form", text.replace("Movement", "M\u00c1\u00afvement")),
        ("surrogate-utf-8", "a surrogate in UTF-8", text.replace("Movement", "\u00ed\u00a0\u0080")),
        ("comma", "a comma too many", text[:-1] + ",}"),
        ("nan", "NaN is no JSON", text[:-1] + ',"later":NaN}'),
        ("infinity", "Infinity is no JSON", text[:-1] + ',"later":-Infinity}'),
        ("control", "a control character in a text", text.replace("Movement", "Move\u0001ment")),
        ("single-quotes", "other quotes", text.replace('"', "'")),
        ("comment", "a comment", text + "/* */"),
        ("leading-zero", "a number with a leading zero", text[:-1] + ',"later":01}'),
        ("keys-twice", "a member twice", text[:-1] + ',"keys":[]}'),
        ("name-twice", "a member twice", text.replace('"test"', '"name":"x","test"')),
        ("kid-twice", "a member twice, the same both times", text.replace('"kid"', f'"kid":{one},"kid"')),
        ("unknown-twice", "an unknown member twice", text[:-1] + ',"later":1,"later":1}'),
    ):
        yield bad(f"json-{name}", why, document)


def without(document: Mapping[str, Any], name: str) -> Document:
    return {key: value for key, value in document.items() if key != name}


def refused_authorities() -> Iterable[Vector]:
    value: object
    document = keys_of(A.jwk())
    yield bad("no-authority", "no authority", without(document, "authority"))
    yield bad("no-keys", "no keys", without(document, "keys"))
    for name, value in (("null", None), ("text", "Movement Pass Authority"), ("list", [AUTHORITY])):
        yield bad(f"authority-{name}", "an authority that is no object", document | {"authority": value})
    for name, value in (("null", None), ("object", {"x": A.jwk()}), ("text", "x")):
        yield bad(f"keys-{name}", "keys that are no array", document | {"keys": value})
    for name, value in (("null", None), ("number", 1), ("list", ["x"])):
        yield bad(f"name-{name}", "a name that is no text", keys_of(A.jwk(), name=value))
    lone = json.dumps(document).replace("Movement", "\\ud800 Movement")
    yield bad("name-half", "a name with half a surrogate pair", lone)
    yield bad("no-name", "no name", document | {"authority": {"test": False}})
    yield bad("no-test", "no test", document | {"authority": {"name": "x"}})
    for name, value in (("null", None), ("zero", 0), ("one", 1), ("text", "false")):
        yield bad(f"test-{name}", "a test that is neither true nor false", keys_of(A.jwk(), test=value))


def refused_keys() -> Iterable[Vector]:
    value: object
    jwk = A.jwk()
    for name, value in (("null", None), ("text", "x"), ("array", [jwk])):
        yield bad(f"key-{name}", "a key that is no object", keys_of(value))
    kid = A.kid.hex()
    assert kid != kid.upper()
    for name, why, value in (
        ("null", "no text", None),
        ("number", "no text", 592942),
        ("empty", "empty", ""),
        ("capitals", "in capitals", kid.upper()),
        ("short", "too short", kid[:-2]),
        ("long", "too long", kid + "00"),
        ("space", "with a space", kid + " "),
        ("not-hex", "not hexadecimal", "g" + kid[1:]),
        ("another", "of another key", E.kid.hex()),
        ("nobody", "of no key", "00000000"),
    ):
        yield bad(f"kid-{name}", f"a kid that is {why}", keys_of(jwk | {"kid": value}))
    yield bad("no-kid", "no kid", keys_of(without(jwk, "kid")))
    yield bad("twice", "the same key twice", keys_of(jwk, E.jwk(), jwk))
    yield bad("twice-revoked", "the same key, good and revoked", keys_of(jwk, A.jwk(revoked=REVOKED)))
    secret = base64.urlsafe_b64encode(A.seed).rstrip(b"=").decode()
    yield bad("private", "a private key", keys_of(jwk | {"d": secret}))
    yield bad("private-null", "a member d, whatever it holds", keys_of(jwk | {"d": None}))
    yield bad("private-ed25519", "a private key", keys_of(E.jwk() | {"d": secret}))
    other = {"kty": "RSA", "alg": "PS256", "n": "u1Z3", "e": "AQAB", "d": "AQAB"}
    yield bad("private-unknown", "a private key of another kind", keys_of(jwk, other))
    yield bad("symmetric", "a symmetric key", keys_of(jwk, {"kty": "oct", "alg": "HS256", "k": secret}))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def refused_points() -> Iterable[Vector]:
    jwk = A.jwk()
    x, y = bytes.fromhex(public(A))[:32], bytes.fromhex(public(A))[32:]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = jwk["x"]
    spare = text[:-1] + letters[letters.index(text[-1]) + 1]
    standard = text.replace("-", "+").replace("_", "/")
    assert standard != text
    for name, why, value in (
        ("null", "null", None),
        ("number", "a number", 5),
        ("empty", "empty", ""),
        ("padded", "padded", text + "="),
        ("spare-bits", "with a bit set behind its last byte", spare),
        ("31-bytes", "a byte short", b64(x[1:])),
        ("33-bytes", "a byte of 00 more", b64(b"\0" + x)),
        ("space", "with a line end", text + "\n"),
        ("hexadecimal", "in hexadecimal", x.hex()),
        ("zero", "0", b64(bytes(32))),
        ("prime", "the prime or more", b64((P256_PRIME + 5).to_bytes(32, "big"))),
        ("not-on-curve", "not the point's", b64(x[:-1] + bytes([x[-1] ^ 1]))),
    ):
        yield bad(f"x-{name}", f"an x that is {why}", keys_of(jwk | {"x": value}))
    yield bad("x-standard-base64", "an x in base64 with + or /", keys_of(jwk | {"x": standard}))
    yield bad("x-without-zero", "an x without its first byte of 00", keys_of(without_zero(SHORT_X, "x")))
    yield bad("y-without-zero", "a y without its first byte of 00", keys_of(without_zero(SHORT_Y, "y")))
    yield bad("no-x", "no x", keys_of(without(jwk, "x")))
    yield bad("no-y", "no y", keys_of(without(jwk, "y")))
    negated = (P256_PRIME - int.from_bytes(y, "big")).to_bytes(32, "big")
    yield bad("y-negated", "the other point with this x is another key", keys_of(jwk | {"y": b64(negated)}))
    ed = E.jwk()
    for name, value in (("null", None), ("padded", ed["x"] + "="), ("short", ed["x"][:-2])):
        yield bad(f"ed25519-x-{name}", "an x of Ed25519 that is no 32 bytes in base64url", keys_of(ed | {"x": value}))
    yield bad("ed25519-no-x", "no x", keys_of(without(ed, "x")))


def without_zero(key: Key, name: str) -> Document:
    whole = bytes.fromhex(public(key))
    half = whole[:32] if name == "x" else whole[32:]
    return key.jwk() | {name: b64(half[1:])}


TIMES = (
    ("null", "null"), ("negative", "-1"), ("over", str(TIME_LIMIT)), ("2-53", str(2**53 + 1)), ("2-64", str(2**64)),
    ("float", "5.0"), ("exponent", "5e0"), ("text", '"5"'), ("true", "true"), ("list", "[5]"),
)  # fmt: skip


def refused_times() -> Iterable[Vector]:
    for member, usual in (("nbf", 5), ("exp", 6)):
        yield bad(f"no-{member}", f"no {member}", keys_of(without(A.jwk(), member)))
        for name, value in TIMES:
            text = json.dumps(keys_of(A.jwk(5, 6))).replace(f'"{member}": {usual}', f'"{member}": {value}')
            yield bad(f"{member}-{name}", f"{member} is no time", text)
    yield bad("exp-is-nbf", "no second of validity", keys_of(A.jwk(5, 5)))
    yield bad("exp-before-nbf", "exp before nbf", keys_of(A.jwk(6, 5)))


def refused_withdrawals() -> Iterable[Vector]:
    for name, value in (
        ("null", None), ("false", False), ("true", True), ("number", 0), ("text", "lost"), ("array", [REVOKED]),
        ("empty", {}), ("no-at", {"reason": "lost"}), ("no-reason", {"at": 5}),
        ("reason-null", {"at": 5, "reason": None}),
        ("reason-number", {"at": 5, "reason": 7}), ("at-null", {"at": None, "reason": "lost"}),
        ("at-negative", {"at": -1, "reason": "lost"}), ("at-over", {"at": TIME_LIMIT, "reason": "lost"}),
        ("at-text", {"at": "5", "reason": "lost"}), ("at-true", {"at": True, "reason": "lost"}),
    ):  # fmt: skip
        yield bad(
            f"revoked-{name}", "a revocation that says neither when nor why", keys_of(A.jwk() | {"revoked": value})
        )
    half = json.dumps(keys_of(A.jwk(revoked=REVOKED))).replace('"lost"', '"\\udfff"')
    yield bad("revoked-reason-half", "a reason of half a surrogate pair", half)


def refused_denials() -> Iterable[Vector]:
    document = keys_of(A.jwk())
    for name, why, denied in (
        ("empty", "no bytes", ""),
        ("array", "an array", [DENIED]),
        ("no-denied", "no denied", {"keys": []}),
        ("null", "denied that is no array", {"denied": None}),
        ("object", "denied that is no array", {"denied": {DENIED["kid"]: DENIED}}),
        ("entry-null", "an entry that is no object", {"denied": [None]}),
        ("entry-text", "an entry that is no object", {"denied": [DENIED["kid"]]}),
        ("no-kid", "no kid", {"denied": [without(DENIED, "kid")]}),
        ("no-at", "no at", {"denied": [without(DENIED, "at")]}),
        ("no-reason", "no reason", {"denied": [without(DENIED, "reason")]}),
        ("kid-capitals", "a kid in capitals", {"denied": [DENIED | {"kid": "ABCDEF01"}]}),
        ("kid-short", "a kid too short", {"denied": [DENIED | {"kid": "abcdef"}]}),
        ("kid-null", "a kid that is no text", {"denied": [DENIED | {"kid": None}]}),
        ("at-over", "at is 2^32", {"denied": [DENIED | {"at": TIME_LIMIT}]}),
        ("at-float", "at is no integer", {"denied": [DENIED | {"at": 5.0}]}),
        ("reason-null", "a reason that is no text", {"denied": [DENIED | {"reason": None}]}),
        ("one-of-two", "one good entry, one bad one", {"denied": [DENIED, {}]}),
        ("twice", "a member twice", '{"denied":[],"denied":[]}'),
    ):
        yield bad(f"denied-{name}", why, document, denied)


assert {A.alg, E.alg} == {ESP256, ED25519}
