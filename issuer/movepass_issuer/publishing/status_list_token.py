"""Writes a day's list as an IETF Token Status List token (draft-ietf-oauth-status-list-20).

It is for other agencies' back ends that already read this format, and know a pass's day and index from its number. The
token is a CWT in a COSE_Sign1; its list has one zipped bit for each index, 1 for revoked. No device of ours reads it:
devices sync the status logs, which are smaller and grow only by new revocations.
"""

import zlib
from collections.abc import Iterable

from movepass_issuer.errors import IssuerError
from movepass_keys import Signer
from movepass_keys.records import algorithms
from movepass_wire import ED25519, ESP256, cbor
from movepass_wire.limits import INDEX_LIMIT

MEDIA_TYPE = "application/statuslist+cwt"
TTL_SECONDS = 900
"""How long a reader may keep a token before it asks for a newer one: an authority publishes at least as often."""
_BITS = 1
_SIGN1_TAG = b"\xd2"
_ALG, _KID, _TYP = 1, 4, 16
_SUB, _EXP, _IAT, _STATUS_LIST, _TTL = 2, 4, 6, 65533, 65534
_THEIR_ALGS = {ESP256: -7, ED25519: -8}
"""ES256 and EdDSA, as in the draft's examples: readers of this format hardly know the numbers of RFC 9864 yet."""


def status_list(revoked: Iterable[int], size: int) -> bytes:
    """Write a list: bits from each byte's lowest on, zipped at level 9.

    Args:
        revoked: indexes.
        size: how many indexes it tells of; a reader can't judge one that is not below it.

    Raises:
        IssuerError: an index is not below the size, or the size is over 2^30.
    """
    if not 0 < size <= INDEX_LIMIT:
        raise IssuerError(f"expected a size from 1 to {INDEX_LIMIT}, got {size}")
    bits = bytearray(size + 7 >> 3)
    for index in revoked:
        if index >= size:
            raise IssuerError(f"index {index} is revoked, and a list of {size} does not tell of it: give a larger size")
        bits[index >> 3] |= 1 << (index & 7)
    return zlib.compress(bits, 9)


def token(list_: bytes, *, signer: Signer, subject: str, issued_at: int, expires_at: int) -> bytes:
    """Sign a list.

    Args:
        list_: from status_list.
        signer: whoever readers of this token trust; its kid is named as ours are.
        subject: the URI under which the token is found, as tokens that refer to it have it.
        issued_at: seconds since 1970 UTC.
        expires_at: the same.

    Raises:
        SignerError: no signature could be had.
    """
    key = signer.public_key
    alg = _THEIR_ALGS[algorithms.algorithm_of(key)]
    protected = cbor.encode({_ALG: alg, _KID: algorithms.key_id(key), _TYP: MEDIA_TYPE})
    payload = cbor.encode(
        {
            _SUB: subject,
            _EXP: expires_at,
            _IAT: issued_at,
            _TTL: TTL_SECONDS,
            _STATUS_LIST: {"bits": _BITS, "lst": list_},
        }
    )
    signature = signer.sign(cbor.encode(["Signature1", protected, b"", payload]))
    return _SIGN1_TAG + cbor.encode([protected, {}, payload, signature])
