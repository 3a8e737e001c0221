"""Read and write the public pass keys that a device trusts, as a JWK set (RFC 7517) and as objects."""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self, TypeGuard

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from movepass_keys.errors import KeyDocumentError
from movepass_keys.records import algorithms
from movepass_wire.limits import TIME_LIMIT
from movepass_wire.payload import KID_BYTES

_COORDINATE_BYTES = 32
_KINDS = {("EC", "P-256", "ES256"), ("OKP", "Ed25519", "Ed25519")}
_PRIVATE = {"d", "k"}
"""The members of a JWK that must not be published (RFC 7518): a private key, and a symmetric key."""


class Withdrawal(NamedTuple):
    """The withdrawal of a key whose passes are all void: when (seconds since 1970 UTC) and why."""

    at: int
    reason: str


@dataclass(frozen=True, slots=True)
class PassKey:
    """A key that signs passes, as a device knows it.

    Attributes:
        public_key: P-256 or Ed25519.
        not_before: the first second of its validity, seconds since 1970 UTC.
        not_after: the first second after it; the [nbf, exp) of a pass must lie inside.
        revoked: set once the custodians have revoked the key.
        kid: the four bytes that name the key in a payload.
        alg: ESP256 or ED25519.
    """

    public_key: algorithms.PublicKey
    not_before: int
    not_after: int
    revoked: Withdrawal | None = None
    kid: bytes = field(init=False)
    alg: int = field(init=False)

    def __post_init__(self) -> None:
        if self.not_after <= self.not_before:
            raise KeyDocumentError(
                f"a key's validity must end after it begins, got {self.not_before} to {self.not_after}"
            )
        object.__setattr__(self, "kid", algorithms.key_id(self.public_key))
        object.__setattr__(self, "alg", algorithms.algorithm_of(self.public_key))

    def ending(self, not_after: int) -> Self:
        """Return the same key with another end."""
        return type(self)(self.public_key, self.not_before, not_after, self.revoked)

    def withdrawn(self, at: int, reason: str) -> Self:
        """Return the same key, revoked; an earlier revocation stays."""
        return type(self)(self.public_key, self.not_before, self.not_after, self.revoked or Withdrawal(at, reason))

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Check whether 64 raw bytes are this key's signature of a message."""
        return algorithms.verify_signature(self.public_key, signature, message)

    def covers(self, not_before: int, not_after: int) -> bool:
        """Check whether the time of a pass lies inside the validity of the key."""
        return self.not_before <= not_before and not_after <= self.not_after


@dataclass(frozen=True, slots=True)
class KeySet:
    """Every key of one authority, by kid.

    Attributes:
        authority: the name of the authority.
        test: whether it is a TEST authority, whose passes let nobody through.
        keys: the pass keys.
        denied: kids that the online role withdrew before the custodians could meet.
    """

    authority: str
    test: bool
    keys: Mapping[bytes, PassKey]
    denied: Mapping[bytes, Withdrawal] = field(default_factory=dict)

    @classmethod
    def of(cls, authority: str, keys: Iterable[PassKey], *, test: bool) -> "KeySet":
        """Collect keys.

        Raises:
            KeyDocumentError: two keys share a kid; make another key.
        """
        by_kid: dict[bytes, PassKey] = {}
        for key in keys:
            if key.kid in by_kid:
                raise KeyDocumentError(f"two keys have the kid {key.kid.hex()}; make another key")
            by_kid[key.kid] = key
        return cls(authority, test, by_kid)

    @classmethod
    def from_jwks(cls, document: bytes | str | Mapping[str, Any]) -> "KeySet":
        """Read the published document, skipping keys of kinds that this software does not know.

        Raises:
            KeyDocumentError: the document is not a JWK set of ours, or the kid of a key is not its own.
        """
        top = _object(document, "the JWK set")
        authority = top.get("authority")
        keys = top.get("keys")
        if not isinstance(authority, dict) or not isinstance(keys, list):
            raise KeyDocumentError('a JWK set of ours needs "authority" and "keys"')
        name, test = authority.get("name"), authority.get("test")
        if not _is_text(name) or not isinstance(test, bool):
            raise KeyDocumentError('"authority" needs a "name" and a boolean "test"')
        return cls.of(name, [key for key in map(_key_from_jwk, keys) if key], test=test)

    def to_jwks(self) -> dict[str, Any]:
        """Write the document that from_jwks reads, without the denied keys (see denied_to_json)."""
        return {
            "authority": {"name": self.authority, "test": self.test},
            "keys": [_key_to_jwk(key) for key in self.keys.values()],
        }

    def with_denied(self, document: bytes | str | Mapping[str, Any]) -> "KeySet":
        """Add the denied keys of the online role's document, {"denied": [{"kid", "at", "reason"}]}.

        Raises:
            KeyDocumentError: the document has another form.
        """
        denied = _object(document, "denied-keys").get("denied")
        if not isinstance(denied, list):
            raise KeyDocumentError('denied-keys needs "denied", a list')
        return replace(self, denied={_kid(item): _withdrawal(item) for item in denied})

    def denied_to_json(self) -> dict[str, Any]:
        """Write the document that with_denied reads."""
        return {"denied": [{"kid": kid.hex(), "at": w.at, "reason": w.reason} for kid, w in self.denied.items()]}

    def withdrawn(self, kid: bytes) -> Withdrawal | None:
        """Return when and why a key was revoked or denied, or None while it is good."""
        key = self.keys.get(kid)
        return self.denied.get(kid) or (key.revoked if key else None)


def _object(document: bytes | str | Mapping[str, Any], what: str) -> Mapping[str, Any]:
    if isinstance(document, bytes | str):
        try:  # json would also read UTF-16 from bytes, which other implementations need not accept
            text = document.decode() if isinstance(document, bytes) else document
            document = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_once)
        except (ValueError, RecursionError) as e:
            raise KeyDocumentError(f"{what} is not JSON: {e}") from e
    if not isinstance(document, Mapping):
        raise KeyDocumentError(f"{what} must be a JSON object, got {type(document).__name__}")
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object whose members are unique, because implementations disagree on which of two counts."""
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("an object has a duplicate member")
    return found


def _is_text(value: object) -> TypeGuard[str]:
    """Check whether a value is text that every device can show: JSON may hold half of a surrogate pair."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def _key_to_jwk(key: PassKey) -> dict[str, Any]:
    raw = algorithms.raw_public(key.public_key)
    x, y = _base64(raw[:_COORDINATE_BYTES]), _base64(raw[_COORDINATE_BYTES:])
    if isinstance(key.public_key, EllipticCurvePublicKey):
        jwk: dict[str, Any] = {
            "kty": "EC",
            "crv": "P-256",
            "x": x,
            "y": y,
            "alg": "ES256",
        }
    else:
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "Ed25519"}
    jwk |= {"kid": key.kid.hex(), "use": "sig", "nbf": key.not_before, "exp": key.not_after}
    if key.revoked:
        jwk["revoked"] = {"at": key.revoked.at, "reason": key.revoked.reason}
    return jwk


def _key_from_jwk(jwk: object) -> PassKey | None:
    if not isinstance(jwk, dict):
        raise KeyDocumentError(f"a key must be a JSON object, got {type(jwk).__name__}")
    if jwk.keys() & _PRIVATE:
        raise KeyDocumentError("a key includes its private part: withdraw that key, and publish another document")
    public_key = _public_key(jwk)
    if public_key is None:
        return None
    kid = _kid(jwk)
    key = PassKey(
        public_key,
        not_before=_seconds(jwk, "nbf"),
        not_after=_seconds(jwk, "exp"),
        revoked=_withdrawal(jwk["revoked"]) if "revoked" in jwk else None,
    )
    if key.kid != kid:
        raise KeyDocumentError(f"the key named {kid.hex()} has the kid {key.kid.hex()}")
    return key


def _public_key(jwk: dict[str, Any]) -> algorithms.PublicKey | None:
    """Read the point of a key; None if the key is of an unknown kind."""
    kind = (jwk.get("kty"), jwk.get("crv"), jwk.get("alg"))
    if not all(isinstance(part, str) for part in kind) or kind not in _KINDS:
        return None
    try:
        if jwk["kty"] == "EC":
            x, y = (int.from_bytes(_coordinate(jwk.get(name)), "big") for name in ("x", "y"))
            return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
        return Ed25519PublicKey.from_public_bytes(_coordinate(jwk.get("x")))
    except ValueError as e:
        raise KeyDocumentError(f"the key {jwk.get('kid')} is not a point of its curve: {e}") from e


def _withdrawal(value: object) -> Withdrawal:
    if not isinstance(value, dict) or not _is_text(value.get("reason")):
        raise KeyDocumentError('a withdrawn key needs "at" and a "reason"')
    return Withdrawal(_seconds(value, "at"), value["reason"])


def _kid(value: object) -> bytes:
    kid = value.get("kid") if isinstance(value, dict) else None
    try:
        raw = bytes.fromhex(kid) if isinstance(kid, str) else b""
    except ValueError:
        raw = b""
    if len(raw) != KID_BYTES or raw.hex() != kid:
        raise KeyDocumentError(f"a kid must be 8 lower-case hexadecimal digits, got {kid!r}")
    return raw


def _seconds(value: dict[str, Any], name: str) -> int:
    seconds = value.get(name)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds < TIME_LIMIT:
        raise KeyDocumentError(f'"{name}" must be a time in seconds since 1970, got {seconds!r}')
    return seconds


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _coordinate(value: object) -> bytes:
    """Decode 32 bytes of base64url strictly: no padding, and no bits set after the last byte."""
    text = value if isinstance(value, str) else ""
    try:
        data = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        data = b""
    if len(data) != _COORDINATE_BYTES or _base64(data) != text:
        raise ValueError(f"expected {_COORDINATE_BYTES} bytes in base64url without padding, got {str(value)[:60]!r}")
    return data
