"""Keys and signatures that follow from their names."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from make_vectors.common import KEY_EXP, KEY_NBF, SEED

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
SHORT_X = next(
    key for n in range(10_000)
    if (key := Key(f"x begins with 00: {n}")).ec.public_key().public_numbers().x < 1 << 248
)  # fmt: skip
SHORT_Y = next(
    key for n in range(10_000)
    if (key := Key(f"y begins with 00: {n}")).ec.public_key().public_numbers().y < 1 << 248
)  # fmt: skip
SHORT_ED_X = next(
    key for n in range(10_000)
    if (key := Key(f"Ed25519's x begins with 00: {n}", ED25519)).ed.public_key().public_bytes_raw()[0] == 0
)  # fmt: skip
"""Keys of which a coordinate has a first byte of 00, which must not be left out."""
DENIED_STRANGER = Key("denied, and in no key document")
