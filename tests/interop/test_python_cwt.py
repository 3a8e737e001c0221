"""python-cwt beside us: it verifies our payloads unchanged, and what it makes in our form is one of ours.

python-cwt knows ESP256 (-9) and Ed25519 (-19) by number and by name from 3.1 on (RFC 9864), so nothing has to be
registered. Three things about it matter here:

- `COSEKey.from_pem` gives an Ed25519 key without `alg` the deprecated EdDSA (-8), so `alg` is always named;
- `kid_auto_inclusion` puts `kid` in the unprotected header, so the protected header is written out;
- `COSE.decode` does not compare the header's `alg` with the key's; ours, in the template, can be nothing else.
"""

from dataclasses import dataclass
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cwt import COSE, COSEKey, VerifyError
from cwt.cose_key_interface import COSEKeyInterface
from fuzz.passes import vectors
from fuzz.targets import open_target
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import passes

from movepass_wire import ED25519, ESP256, Pass, Place, Trip, base45, encode_claims, open_text, seal, to_be_signed

CLAIMS = encode_claims(
    Pass(
        400_000,
        Trip(
            not_before=1795316400,
            not_after=1795327200,
            holder_name="রহিমা খাতুন",
            id_type=1,
            id_last="4821",
            origin=Place(13, "মিরপুর ১০"),
            destination=Place(18),
            reason=3,
            vehicle="DHAKA METRO GA 11-2233",
        ),
    )
)


CLAIMS_TARGET = open_target("claims")


@dataclass(frozen=True)
class Signer:
    """A fresh key, as cryptography holds it and as python-cwt does."""

    alg: int
    private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

    @property
    def kid(self) -> bytes:
        spki = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return sha256(spki).digest()[:4]

    @property
    def cose_public(self) -> COSEKeyInterface:
        pem = self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return COSEKey.from_pem(pem, alg=self.alg, kid=self.kid)

    @property
    def cose_private(self) -> COSEKeyInterface:
        pem = self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return COSEKey.from_pem(pem, alg=self.alg, kid=self.kid)

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(message)
        r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def verify(self, signature: bytes, message: bytes) -> None:
        """Verify with cryptography alone.

        Raises:
            InvalidSignature: it does not hold.
        """
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            self.private.public_key().verify(signature, message)
            return
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        self.private.public_key().verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


@pytest.fixture(params=[ESP256, ED25519], ids=["ESP256", "Ed25519"])
def signer(request: pytest.FixtureRequest) -> Signer:
    if request.param == ESP256:
        return Signer(ESP256, ec.generate_private_key(ec.SECP256R1()))
    return Signer(ED25519, ed25519.Ed25519PrivateKey.generate())


def our_bytes(signer: Signer) -> bytes:
    signature = signer.sign(to_be_signed(signer.alg, signer.kid, CLAIMS))
    return base45.decode(seal(signer.alg, signer.kid, CLAIMS, signature).removeprefix("MP1:"))


def cwts_bytes(signer: Signer) -> bytes:
    made = COSE.new().encode_and_sign(CLAIMS, signer.cose_private, protected={1: signer.alg, 4: signer.kid})
    assert isinstance(made, bytes)
    return made


def test_python_cwt_takes_the_key_for_the_same_algorithm(signer: Signer) -> None:
    assert signer.cose_public.alg == signer.alg


def test_python_cwt_verifies_our_payload_and_gives_its_claims(signer: Signer) -> None:
    assert COSE.new(verify_kid=True).decode(our_bytes(signer), signer.cose_public) == CLAIMS


def test_python_cwt_reads_our_headers(signer: Signer) -> None:
    protected, unprotected, _ = COSE.new().decode_with_headers(our_bytes(signer), signer.cose_public)
    assert (protected, unprotected) == ({1: signer.alg, 4: signer.kid}, {})


@pytest.mark.parametrize(
    "at", [15, 40, -64, -1], ids=["claims' first", "claims", "signature's first", "signature's last"]
)
def test_python_cwt_refuses_our_payload_with_a_bit_changed(signer: Signer, at: int) -> None:
    data = bytearray(our_bytes(signer))
    data[at] ^= 1
    with pytest.raises(VerifyError):
        COSE.new().decode(bytes(data), signer.cose_public)


def test_a_payload_by_python_cwt_is_ours_byte_for_byte(signer: Signer) -> None:
    made = cwts_bytes(signer)
    signature = made[-64:]
    assert "MP1:" + base45.encode(made) == seal(signer.alg, signer.kid, CLAIMS, signature)


def test_a_payload_by_python_cwt_opens_and_its_signature_holds(signer: Signer) -> None:
    envelope = open_text("MP1:" + base45.encode(cwts_bytes(signer)))
    assert (envelope.alg, envelope.kid, envelope.claims) == (signer.alg, signer.kid, CLAIMS)
    signer.verify(envelope.signature, envelope.signed)


def test_a_payload_by_python_cwt_under_other_claims_does_not_hold(signer: Signer) -> None:
    envelope = open_text("MP1:" + base45.encode(cwts_bytes(signer)))
    with pytest.raises(InvalidSignature):
        signer.verify(envelope.signature, to_be_signed(signer.alg, signer.kid, CLAIMS + b"\x00"))


@given(passes(), st.none() | st.integers(-7200, 7200))
def test_python_cwt_and_cbor2_read_every_pass_as_we_do_and_judge_it_alike(pass_: Pass, begins: int | None) -> None:
    """The fuzzers' oracle: signature by python-cwt, content and verdict by cbor2; at any time, and about now."""
    if begins is not None:
        nbf = vectors("verify")["vectors"][0]["input"]["now"] + begins
        pass_ = pass_._replace(trip=pass_.trip._replace(not_before=nbf, not_after=nbf + 7200))
    CLAIMS_TARGET.check(encode_claims(pass_))
