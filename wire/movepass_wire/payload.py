"""Seal and open payloads ("MP1"): base45 of a COSE_Sign1 (RFC 9052) that has exactly one byte form.

The decoder matches that form and slices it. No CBOR parser runs on bytes whose signature has not been verified.
"""

import re
from typing import NamedTuple

from movepass_wire import base45, cbor
from movepass_wire.errors import MalformedError, NotAPassError, UnsupportedVersionError, WireError
from movepass_wire.limits import TEXT_MAX_CHARS

PREFIX = "MP1:"
ESP256, ED25519 = -9, -19
"""The signature algorithms, all fully specified (RFC 9864)."""
KID_BYTES = 4
SIGNATURE_BYTES = 64

_ALG_BYTES = {ESP256: 0x28, ED25519: 0x32}
_ALGS = {byte: alg for alg, byte in _ALG_BYTES.items()}
_BEFORE_ALG = bytes.fromhex("d28449a201")
_BEFORE_KID = bytes.fromhex("0444")
_UNPROTECTED = bytes.fromhex("a0")
_BEFORE_SIGNATURE = bytes.fromhex("5840")
_SIG_STRUCTURE = b"\x84\x6aSignature1"
_PROTECTED = slice(2, 12)
"""The protected header with its byte-string head, the same in the envelope and in the signed bytes."""
_ALG_AT = len(_BEFORE_ALG)
_KID_AT = _ALG_AT + 1 + len(_BEFORE_KID)
_CLAIMS_AT = _KID_AT + KID_BYTES + len(_UNPROTECTED)
_NO_EXTERNAL_DATA = b"\x40"
_BYTE_STRING = 2
_LENGTH_BYTES = {24: 1, 25: 2}
"""The low bits of a byte string's head and the number of length bytes after it; a payload needs no others."""
_HEAD_MAX_CHARS = -(-(_CLAIMS_AT + 1 + max(_LENGTH_BYTES.values())) // 2) * 3
"""The characters after the prefix that hold everything up to the claims."""
_OTHER_VERSION = re.compile(r"MP([0-9]{1,3}):")


class Envelope(NamedTuple):
    """The parts of a payload. Trust none of them before the signature has been verified.

    Attributes:
        alg: ESP256 or ED25519.
        kid: the 4 bytes that name the key.
        claims: the claims as CBOR, for decode_claims once the signature is verified.
        signature: 64 bytes, as r||s or in the form of RFC 8032.
        signed: the signed bytes (Sig_structure, RFC 9052 section 4.4).
    """

    alg: int
    kid: bytes
    claims: bytes
    signature: bytes
    signed: bytes


def _protected_header(alg: int, kid: bytes) -> bytes:
    return _BEFORE_ALG[2:] + bytes([_ALG_BYTES[alg]]) + _BEFORE_KID + kid


def to_be_signed(alg: int, kid: bytes, claims: bytes) -> bytes:
    """Build the bytes that a signer signs for these claims."""
    head = cbor.head(_BYTE_STRING, len(claims))
    return _SIG_STRUCTURE + _protected_header(alg, kid) + _NO_EXTERNAL_DATA + head + claims


def seal(alg: int, kid: bytes, claims: bytes, signature: bytes) -> str:
    """Return the text of a payload.

    Raises:
        WireError: the text would be longer than TEXT_MAX_CHARS.
    """
    head = cbor.head(_BYTE_STRING, len(claims))
    envelope = (
        _BEFORE_ALG[:2] + _protected_header(alg, kid) + _UNPROTECTED + head + claims + _BEFORE_SIGNATURE + signature
    )
    text = PREFIX + base45.encode(envelope)
    if len(text) > TEXT_MAX_CHARS:
        raise WireError(f"the payload would have {len(text)} characters; at most {TEXT_MAX_CHARS} are allowed")
    return text


def open_text(text: str) -> Envelope:
    """Split the text of a payload into its parts.

    Raises:
        NotAPassError: the text belongs to another scheme.
        UnsupportedVersionError: the payload is of a newer version.
        MalformedError: the text is too long, not base45, or not in the one form of an envelope.
    """
    if len(text) > TEXT_MAX_CHARS:
        problem = f"{len(text)} characters; a pass has at most {TEXT_MAX_CHARS}"
        raise (MalformedError if text.startswith(PREFIX) else NotAPassError)("bounds", problem)
    if not text.startswith(PREFIX):
        raise _wrong_prefix(text)
    try:
        data = base45.decode(text[len(PREFIX) :])
    except WireError as e:
        raise MalformedError("encoding", str(e)) from e
    return _open(data)


def payload_length(text: str) -> int | None:
    """Return the length of the payload at the start of a text, as the head of its envelope claims.

    Only the head is read: the payload may still be cut off, damaged or forged.

    Returns:
        The number of characters, or None if the text does not start with a payload or is too short to tell.
    """
    if not text.startswith(PREFIX):
        return None
    beginning = text[len(PREFIX) :][:_HEAD_MAX_CHARS]
    try:
        data = base45.decode(beginning[: len(beginning) // 3 * 3])
        _check_form(data)
        _, claims_end = _claims_span(data)
    except WireError:
        return None
    pairs, odd = divmod(claims_end + len(_BEFORE_SIGNATURE) + SIGNATURE_BYTES, 2)
    length = len(PREFIX) + 3 * pairs + 2 * odd
    return length if length <= TEXT_MAX_CHARS else None


def _wrong_prefix(text: str) -> NotAPassError | MalformedError | UnsupportedVersionError:
    version = _OTHER_VERSION.match(text)
    if version and not version[1].startswith("0"):
        return UnsupportedVersionError("prefix", f"a pass of version {version[1]}; this software reads version 1")
    if PREFIX in text.upper():
        return MalformedError("prefix", f"the text of a pass starts with {PREFIX} in capitals, with nothing around it")
    return NotAPassError("prefix", f"expected {PREFIX} at the start, got {text[:12]!r}" if text else "no text at all")


def _open(data: bytes) -> Envelope:
    _check_form(data)
    claims_at, claims_end = _claims_span(data)
    if (
        data[claims_end : claims_end + len(_BEFORE_SIGNATURE)] != _BEFORE_SIGNATURE
        or len(data) != claims_end + len(_BEFORE_SIGNATURE) + SIGNATURE_BYTES
    ):
        raise MalformedError(
            "envelope", f"expected a signature of {SIGNATURE_BYTES} bytes after the claims, and nothing else"
        )
    alg = _ALGS.get(data[_ALG_AT])
    if alg is None:
        raise MalformedError("envelope", f"algorithm byte {data[_ALG_AT]:#04x} is neither ESP256's nor Ed25519's")
    return Envelope(
        alg=alg,
        kid=data[_KID_AT : _KID_AT + KID_BYTES],
        claims=data[claims_at:claims_end],
        signature=data[-SIGNATURE_BYTES:],
        signed=_SIG_STRUCTURE + data[_PROTECTED] + _NO_EXTERNAL_DATA + data[_CLAIMS_AT:claims_end],
    )


def _check_form(data: bytes) -> None:
    """Check the bytes before the claims."""
    if (
        not data.startswith(_BEFORE_ALG)
        or data[_ALG_AT + 1 : _KID_AT] != _BEFORE_KID
        or data[_CLAIMS_AT - 1 : _CLAIMS_AT] != _UNPROTECTED
    ):
        raise MalformedError("envelope", "the bytes are not a COSE_Sign1 in the one form of a pass")


def _claims_span(data: bytes) -> tuple[int, int]:
    """Return the start and end of the claims, read from the head of their byte string."""
    length = int.from_bytes(data[_CLAIMS_AT : _CLAIMS_AT + 1], "big") & 0x1F
    start = _CLAIMS_AT + 1
    if length in _LENGTH_BYTES:
        start += _LENGTH_BYTES[length]
        length = int.from_bytes(data[_CLAIMS_AT + 1 : start], "big")
    if cbor.head(_BYTE_STRING, length) != data[_CLAIMS_AT:start]:
        raise MalformedError("envelope", "the claims' length is not in its shortest form")
    return start, start + length
