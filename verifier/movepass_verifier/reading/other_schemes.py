"""Read who issued another scheme's code, with which key and for when. Nothing is verified.

    hcert    EU digital COVID certificate: "HC1:" and base45 of zipped COSE (eHealth Network, HCERT 1.0.5)
    shc      SMART Health Card: "shc:/" and a JWT's characters as pairs of digits (SMART Health Cards Framework 1.4)
    jwt      JSON Web Token, signed, in its compact form (RFC 7519)

Personal data is left out, because it is no business of people who check movement passes.
"""

import json
import re
import zlib
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from movepass_verifier.deciding.other_codes import looks_like_jwt
from movepass_verifier.errors import OtherCodeError
from movepass_wire import base45
from movepass_wire.limits import TIME_LIMIT
from movepass_words import Message, message

CODE_MAX_CHARS = 7089
"""The most that one QR code holds (ISO/IEC 18004, digits in version 40-L)."""
_CONTENT_MAX_BYTES = 1 << 17
_SHOWN_MAX_CHARS = 200
_RAW_DEFLATE = -15
_HCERT, _SHC = "HC1:", "shc:/"
_SHC_OFFSET = 45
_DIGIT_PAIRS = re.compile(r"(?:[0-9]{2})+")
_COSE_ALG, _COSE_KID = 1, 4
_CWT_ISS, _CWT_EXP, _CWT_NBF, _CWT_IAT = 1, 4, 5, 6
_COSE_SIGN1_PARTS = 4
_ALGORITHMS = {-7: "ES256", -8: "EdDSA", -9: "ESP256", -19: "Ed25519", -35: "ES384", -37: "PS256", -257: "RS256"}
_NEEDS_CBOR = "its content needs an extra: pip install 'movepass[scan]'"


@dataclass(frozen=True, slots=True)
class OtherCode:
    """Another scheme's code, as it describes itself. Times are seconds since 1970 UTC; None if it does not say.

    Attributes:
        scheme: "hcert", "shc" or "jwt".
        what: the kind of code, as a message for any language.
        kid: the name of the key as the scheme writes it, in base64 for an HCERT.
    """

    scheme: str
    what: Message
    alg: str | None
    kid: str | None
    issuer: str | None
    issued_at: int | None
    not_before: int | None
    expires_at: int | None


def take_apart(text: str) -> OtherCode | None:
    """Read another scheme's code; None if the scheme is unknown.

    Raises:
        OtherCodeError: it begins like such a code, but can't be read.
    """
    start = text[: len(_SHC)].lower()
    if start.startswith(_HCERT.lower()):
        return _read("hcert", message("reason.covid-certificate"), _hcert, text)
    if start == _SHC:
        return _read("shc", message("reason.health-card"), _shc, text)
    if looks_like_jwt(text):
        return _read("jwt", message("reason.signed-token"), _jws, text)
    return None


def _read(scheme: str, what: Message, reader: Callable[[str], dict[str, Any]], text: str) -> OtherCode:
    try:
        if len(text) > CODE_MAX_CHARS:
            raise ValueError(f"{len(text)} characters; a QR code has at most {CODE_MAX_CHARS}")
        said = reader(text)
    except (ValueError, RecursionError, zlib.error) as e:
        raise OtherCodeError(what, str(e)) from e
    return OtherCode(
        scheme=scheme,
        what=what,
        alg=_word(said["alg"]),
        kid=_word(said["kid"]),
        issuer=_word(said["iss"]),
        issued_at=_time(said["iat"]),
        not_before=_time(said["nbf"]),
        expires_at=_time(said["exp"]),
    )


def _hcert(text: str) -> dict[str, Any]:
    data = base45.decode(text[len(_HCERT) :])
    protected, unprotected, payload = _sign1(_inflate(data, zlib.MAX_WBITS))
    headers = {**unprotected, **protected}
    kid, alg = headers.get(_COSE_KID), headers.get(_COSE_ALG)
    return {
        "alg": _ALGORITHMS.get(alg, str(alg)) if isinstance(alg, int) else None,
        "kid": b64encode(kid).decode() if isinstance(kid, bytes) else None,
        "iss": payload.get(_CWT_ISS),
        "iat": payload.get(_CWT_IAT),
        "nbf": payload.get(_CWT_NBF),
        "exp": payload.get(_CWT_EXP),
    }


def _sign1(data: bytes) -> tuple[Mapping[Any, Any], Mapping[Any, Any], Mapping[Any, Any]]:
    """Read the two headers of a COSE_Sign1 and the map in its payload (RFC 9052), tagged or not."""
    value = _cbor(data)
    while hasattr(value, "tag"):
        value = value.value
    if not (isinstance(value, list) and len(value) == _COSE_SIGN1_PARTS):
        raise ValueError("expected a COSE_Sign1")
    protected, unprotected, payload, _ = value
    parts = (_cbor(protected) if protected else {}, unprotected, _cbor(payload))
    if not all(isinstance(part, Mapping) for part in parts):
        raise ValueError("expected maps in a COSE_Sign1")
    return parts


def _cbor(data: Any) -> Any:
    """Read CBOR as others write it: our own reader accepts only its deterministic subset."""
    try:
        import cbor2  # noqa: PLC0415 - an extra
    except ImportError as e:
        raise ValueError(_NEEDS_CBOR) from e
    if not isinstance(data, bytes):
        raise ValueError("expected a byte string")  # noqa: TRY004 - the code's fault, not the caller's
    try:
        return cbor2.loads(data)
    except Exception as e:  # cbor2 raises many kinds for one cause
        raise ValueError(f"not CBOR: {e}") from e


def _shc(text: str) -> dict[str, Any]:
    digits = text[len(_SHC) :]
    if "/" in digits:
        raise ValueError("it is one part of several")
    if not _DIGIT_PAIRS.fullmatch(digits):
        raise ValueError("expected pairs of digits")
    return _jws("".join(chr(int(digits[at : at + 2]) + _SHC_OFFSET) for at in range(0, len(digits), 2)))


def _jws(text: str) -> dict[str, Any]:
    """Read a JWS in its compact form (RFC 7515)."""
    header_part, payload_part, _ = text.split(".")
    header = _object(_unbase64(header_part))
    content = _unbase64(payload_part)
    payload = _object(_inflate(content, _RAW_DEFLATE) if header.get("zip") == "DEF" else content)
    said = {name: payload.get(name) for name in ("iss", "iat", "nbf", "exp")}
    return said | {"alg": header.get("alg"), "kid": header.get("kid")}


def _unbase64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _object(data: bytes) -> dict[str, Any]:
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError("expected a JSON object")  # noqa: TRY004 - the code's fault, not the caller's
    return value


def _inflate(data: bytes, window: int) -> bytes:
    """Unzip data that is complete and not a bomb."""
    unzip = zlib.decompressobj(window)
    content = unzip.decompress(data, _CONTENT_MAX_BYTES)
    if not unzip.eof:
        raise ValueError(f"zipped content that is cut short, or of more than {_CONTENT_MAX_BYTES} bytes")
    return content


def _word(value: Any) -> str | None:
    return value[:_SHOWN_MAX_CHARS] if isinstance(value, str) else None


def _time(value: Any) -> int | None:
    """Read a time as others write it, whole or with a fraction; None if it can't be shown."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < TIME_LIMIT else None
