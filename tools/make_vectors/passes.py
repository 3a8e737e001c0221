"""Passes: what they say, how that becomes a payload, and what is expected of one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from make_vectors.cbor import Block, Raw, cbor, mapping
from make_vectors.common import CODES, DHAKA, EXP, NBF, Vector, vector
from make_vectors.keys import A, Key
from make_vectors.pass_number import pass_number

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
    """Return the standard pass's body with changes; a field set to None is left out."""
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


def readable(name: str, why: str, sample: Sample) -> Vector:
    return vector(name, why, "payload", {"text": sample.text}, {"decoded": sample.decoded})


def refused(name: str, why: str, text: str, check: str, kind: str = "malformed") -> Vector:
    return vector(name, why, "payload", {"text": text}, {"refused": {"check": check, "kind": kind}})


def bad_claims(name: str, why: str, content: bytes) -> Vector:
    """Make a payload that is properly signed, and whose claims break one rule."""
    return refused(name, why, payload(content), "claims")


PROTECTED = header(A.alg, A.kid)
