"""Measures a pass on the wire and as a QR code, beside other formats of the same content.

Run it from the repository's root: `python bench/qr_sizes.py`. It prints a table and exits 1 if a bar is missed.

Every payload is really signed, all with one fresh P-256 key, and holds the same content: the approved pass's JSON
with issuer, nbf, exp and index. Where a peer's own profile demands more than that, the shorter is taken, in its
favour: no `typ` in the JWT, no FHIR bundle, issuer URL or 43-character `kid` in the SMART Health Card, no `iat` in
the HCERT, four bytes of `kid` everywhere.
"""

import json
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import cbor2
import qrcode
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cwt import COSE, COSEAlgs, COSEHeaders, COSEKey
from joserfc import jws, jwt
from joserfc.jwk import ECKey
from joserfc.registry import HeaderParameter

from movepass_wire import ESP256, Pass, base45, encode_claims, seal, to_be_signed, trip_from_json
from movepass_wire.trip_json import trip_to_json

BYTES_MAX, VERSION_M_MAX = 172, 9
"""The bars for the standard pass: the most that fits QR version 9-M."""
BANGLA_MORE_MAX = 5
"""Bytes by which the example in Bangla may differ from the one in English."""

OURS, HCERT, SHC, JWT = "MP1", "HCERT", "SHC", "JWT"
STANDARD, ENGLISH, BANGLA = "standard pass", "example, English", "example, Bangla"

_INDEX = 400_000
_ISSUER = "BD"
_TIMES = {"not_before": "2026-11-22T09:00:00+06:00", "not_after": "2026-11-22T12:00:00+06:00"}

SUBJECTS: dict[str, dict[str, Any]] = {
    STANDARD: {
        "holder": {"name": "Mohammad Rafiqul Islam", "id_type": "nid", "id_last": "4821"},
        "from": {"district": "dhaka"},
        "to": {"district": "gazipur"},
        "reason": "medical",
        **_TIMES,
        "vehicle": {"registration": "DHAKA METRO-GA 15-4821"},
    },
    ENGLISH: {
        "holder": {"name": "Rahima Khatun", "id_type": "nid", "id_last": "4821"},
        "from": {"district": "dhaka", "place": "Mirpur 10"},
        "to": {"district": "gazipur"},
        "reason": "medical",
        **_TIMES,
        "vehicle": {
            "registration": "DHAKA METRO GA 11-2233",
            "driver": {"name": "Abdul Karim", "licence_last": "77AB"},
        },
    },
    BANGLA: {
        "holder": {"name": "রহিমা খাতুন", "id_type": "nid", "id_last": "৪৮২১"},
        "from": {"district": "dhaka", "place": "মিরপুর ১০"},
        "to": {"district": "gazipur"},
        "reason": "medical",
        **_TIMES,
        "vehicle": {
            "registration": "ঢাকা মেট্রো গ ১১-২২৩৩",
            "driver": {"name": "আব্দুল করিম", "licence_last": "৭৭এবি"},
        },
    },
}
"""The approved passes: the standard pass and the full example of the design, and that one in Bangla."""


@dataclass(frozen=True, slots=True)
class Size:
    """One line of the table.

    Attributes:
        payload_bytes: what the text stands for: the signed (and, for HCERT, compressed) bytes, or the JWS's ASCII.
        characters: the text in the QR code, prefix included.
        version_m: the QR version at error correction level M.
        version_q: the same at level Q.
    """

    subject: str
    scheme: str
    payload_bytes: int
    characters: int
    version_m: int
    version_q: int


@dataclass(frozen=True, slots=True)
class Key:
    """A P-256 key and the four bytes that name it."""

    private: ec.EllipticCurvePrivateKey
    kid: bytes

    @classmethod
    def fresh(cls) -> "Key":
        """Make a key, its kid as the design has it: from the SHA-256 of its SPKI."""
        private = ec.generate_private_key(ec.SECP256R1())
        spki = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return cls(private, sha256(spki).digest()[:4])

    @property
    def pem(self) -> bytes:
        """The private key as the peers' libraries take it."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


@dataclass(frozen=True, slots=True)
class Payload:
    """A scheme's text, and how many bytes it stands for."""

    text: str
    size: int


def make_ours(document: dict[str, Any], key: Key) -> Payload:
    """Sign our own payload, "MP1"."""
    claims = encode_claims(Pass(_INDEX, trip_from_json(document)))
    der = key.private.sign(to_be_signed(ESP256, key.kid, claims), ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(der)
    text = seal(ESP256, key.kid, claims, r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return Payload(text, len(base45.decode(text.removeprefix("MP1:"))))


def make_hcert(document: dict[str, Any], key: Key) -> Payload:
    """Sign a health certificate's way (EU DCC): a CWT in COSE_Sign1, zlib, base45, "HC1:"."""
    content, nbf, exp = _content(document)
    claims = cbor2.dumps({1: _ISSUER, 4: exp, 5: nbf, -260: {1: content}})
    protected = {COSEHeaders.ALG: COSEAlgs.ES256, COSEHeaders.KID: key.kid}
    signer = COSEKey.from_pem(key.pem, kid=key.kid, alg="ES256")
    signed = COSE.new().encode_and_sign(claims, signer, protected=protected)
    compressed = zlib.compress(signed, 9)
    return Payload("HC1:" + base45.encode(compressed), len(compressed))


def make_shc(document: dict[str, Any], key: Key) -> Payload:
    """Sign a SMART Health Card's way: a JWS over DEFLATEd JSON, each character as two digits, "shc:/"."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    compressed = deflate.compress(_claims_json(document)) + deflate.flush()
    registry = jws.JWSRegistry(header_registry={"zip": HeaderParameter("Compression Algorithm", "str")})
    header = {"alg": "ES256", "zip": "DEF", "kid": key.kid.hex()}
    token = jws.serialize_compact(header, compressed, ECKey.import_key(key.pem), registry=registry)
    return Payload("shc:/" + "".join(f"{ord(char) - 45:02}" for char in token), len(token))


def make_jwt(document: dict[str, Any], key: Key) -> Payload:
    """Sign a JSON Web Token, ES256."""
    header = {"alg": "ES256", "kid": key.kid.hex()}
    claims = json.loads(_claims_json(document))
    token = jwt.encode(header, claims, ECKey.import_key(key.pem), default_type=None)
    return Payload(token, len(token))


SCHEMES: dict[str, Callable[[dict[str, Any], Key], Payload]] = {
    OURS: make_ours,
    HCERT: make_hcert,
    SHC: make_shc,
    JWT: make_jwt,
}


def _content(document: dict[str, Any]) -> tuple[dict[str, Any], int, int]:
    """Return the approved pass's fields with the index; nbf and exp are apart, as in every CWT and JWT."""
    trip = trip_from_json(document)
    fields = trip_to_json(trip)
    del fields["not_before"], fields["not_after"]
    return {"id": _INDEX, **fields}, trip.not_before, trip.not_after


def _claims_json(document: dict[str, Any]) -> bytes:
    content, nbf, exp = _content(document)
    claims = {"iss": _ISSUER, "nbf": nbf, "exp": exp, **content}
    return json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()


def qr_version(text: str, level: int) -> int:
    """Return the smallest QR version for a text, every stretch of it in the mode that suits it best.

    Args:
        text: what the code holds.
        level: one of qrcode.constants.ERROR_CORRECT_*.
    """
    code = qrcode.QRCode(error_correction=level)
    code.add_data(text)
    return int(code.best_fit())


def sizes() -> list[Size]:
    """Sign every subject in every scheme, and measure."""
    key = Key.fresh()
    table = []
    for subject, document in SUBJECTS.items():
        for scheme, make in SCHEMES.items():
            payload = make(document, key)
            version_m = qr_version(payload.text, qrcode.constants.ERROR_CORRECT_M)
            version_q = qr_version(payload.text, qrcode.constants.ERROR_CORRECT_Q)
            table.append(Size(subject, scheme, payload.size, len(payload.text), version_m, version_q))
    return table


def missed_bars(table: Sequence[Size]) -> list[str]:
    """Hold the table against the bars; gives a line for each one missed."""
    ours = {size.subject: size for size in table if size.scheme == OURS}
    missed = []
    standard = ours[STANDARD]
    if standard.payload_bytes > BYTES_MAX:
        missed.append(f"the standard pass has {standard.payload_bytes} bytes; at most {BYTES_MAX}")
    if standard.version_m > VERSION_M_MAX:
        missed.append(f"the standard pass needs QR version {standard.version_m}-M; at most {VERSION_M_MAX}-M")
    more = abs(ours[BANGLA].payload_bytes - ours[ENGLISH].payload_bytes)
    if more > BANGLA_MORE_MAX:
        missed.append(f"Bangla and English differ by {more} bytes; at most {BANGLA_MORE_MAX}")
    for peer in (size for size in table if size.scheme != OURS):
        mine = ours[peer.subject]
        missed += [
            f"{peer.subject}: {name} is {getattr(mine, name)}, no smaller than {peer.scheme}'s {getattr(peer, name)}"
            for name in ("payload_bytes", "characters", "version_m", "version_q")
            if getattr(mine, name) >= getattr(peer, name)
        ]
    return missed


def main() -> int:
    """Print the table; the exit code is 1 if a bar is missed."""
    table = sizes()
    print(f"{'content':<18}{'scheme':<8}{'bytes':>6}{'characters':>12}{'QR at M':>9}{'QR at Q':>9}")
    for size in table:
        print(
            f"{size.subject:<18}{size.scheme:<8}{size.payload_bytes:>6}{size.characters:>12}"
            f"{size.version_m:>9}{size.version_q:>9}"
        )
    missed = missed_bars(table)
    for line in missed:
        print(f"MISSED: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
