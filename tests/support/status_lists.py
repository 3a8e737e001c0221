"""Read IETF Token Status List tokens independently of our code: python-cwt, cbor2 and zlib."""

import zlib
from typing import Any

import cbor2
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cwt import COSE, COSEKey

from movepass_keys.records.algorithms import PublicKey

ALG, KID = 1, 4
STATUS_LIST = 65533


def read_token(data: bytes, key: PublicKey) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Verify a token, and return its headers and its claims.

    Raises:
        VerifyError: the signature does not hold.
    """
    protected, unprotected, *_ = cbor2.loads(data).value
    headers = {**unprotected, **cbor2.loads(protected)}
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    theirs = COSEKey.from_pem(pem, alg=headers[ALG], kid=headers[KID])
    return headers, cbor2.loads(COSE.new().decode(data, theirs))


def statuses(bits: int, zipped: bytes) -> bytes:
    """Read every status of a list."""
    mask, data = (1 << bits) - 1, zlib.decompress(zipped)
    return bytes(byte >> shift & mask for byte in data for shift in range(0, 8, bits))
