"""Sign and verify with ESP256 (ECDSA on P-256 with SHA-256) and Ed25519, as raw 64-byte signatures."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, Hash

from movepass_keys.errors import KeysError
from movepass_wire.payload import ED25519, ESP256, KID_BYTES, SIGNATURE_BYTES

PublicKey = EllipticCurvePublicKey | Ed25519PublicKey
PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey

NAMES = {ESP256: "ESP256", ED25519: "Ed25519"}
"""The names of RFC 9864, which people and options use."""
BY_NAME = {name: alg for alg, name in NAMES.items()}
_SPKI_HEADS = {
    ESP256: bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"),
    ED25519: bytes.fromhex("302a300506032b6570032100"),
}
"""The bytes before raw_public in a key's SPKI DER (RFC 5480, RFC 8410). Using cryptography's serialization instead
would cost every start of a device 6 ms, because it imports all its formats."""
_HALF = 32
_ECDSA = ECDSA(SHA256())


def algorithm_of(key: object) -> int:
    """Return the algorithm of a key object.

    Raises:
        KeysError: the key is neither P-256 nor Ed25519.
    """
    match key:
        case EllipticCurvePublicKey() | EllipticCurvePrivateKey() if isinstance(key.curve, SECP256R1):
            return ESP256
        case Ed25519PublicKey() | Ed25519PrivateKey():
            return ED25519
    raise KeysError(f"expected a P-256 or an Ed25519 key, got {getattr(key, 'curve', key).__class__.__name__}")


def key_id(public_key: PublicKey) -> bytes:
    """Return the kid of a public key: the first four bytes of the SHA-256 of its SPKI DER (RFC 5280)."""
    digest = Hash(SHA256())
    digest.update(_SPKI_HEADS[algorithm_of(public_key)] + raw_public(public_key))
    return digest.finalize()[:KID_BYTES]


def raw_public(public_key: PublicKey) -> bytes:
    """Return a public key as bytes: x||y for P-256, the form of RFC 8032 for Ed25519."""
    if isinstance(public_key, Ed25519PublicKey):
        return public_key.public_bytes_raw()
    point = public_key.public_numbers()
    return point.x.to_bytes(_HALF, "big") + point.y.to_bytes(_HALF, "big")


def generate(alg: int) -> PrivateKey:
    """Generate a private key."""
    return generate_private_key(SECP256R1()) if alg == ESP256 else Ed25519PrivateKey.generate()


def sign(private_key: PrivateKey, message: bytes) -> bytes:
    """Sign a message and return the raw signature, for ECDSA as r||s (RFC 9053, section 2.1)."""
    if isinstance(private_key, Ed25519PrivateKey):
        return private_key.sign(message)
    return raw_from_der(private_key.sign(message, _ECDSA))


def verify_signature(public_key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Check whether 64 raw bytes are the key's signature of a message. Any other length fails."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    try:
        if isinstance(public_key, Ed25519PublicKey):
            public_key.verify(signature, message)
        else:
            public_key.verify(der_from_raw(signature), message, _ECDSA)
    except InvalidSignature:
        return False
    return True


def raw_from_der(der: bytes) -> bytes:
    """Convert an ECDSA signature from DER to r||s."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def der_from_raw(raw: bytes) -> bytes:
    """Convert an ECDSA signature from r||s to DER."""
    return encode_dss_signature(int.from_bytes(raw[:_HALF], "big"), int.from_bytes(raw[_HALF:], "big"))
