"""Puts a version of the rules into force: its author signs a draft, a second person confirms it, both with own keys.

Every activation names the one before it by its hash, so a missing or exchanged one is found.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from movepass_keys import Signer
from movepass_keys.records import algorithms
from movepass_service.canonical import canonical_json
from movepass_service.errors import ServiceError
from movepass_service.rules.check import check_table
from movepass_service.rules.engine import RuleSet
from movepass_service.rules.table import read_table
from movepass_wire.payload import ED25519

_DOMAIN = b"movepass rules 1\n"
"""Begins everything that is signed here, so that no signature of another kind can be taken for one of these."""
_COORDINATE_BYTES = 32


class ActivationError(ServiceError):
    """A draft or an activation that is refused; says why and what to do."""

    is_input = True


class ArchiveError(ServiceError):
    """The record of activations is damaged or was changed."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A version of the rules, signed by its author and not in force yet. Times are seconds since 1970 UTC."""

    source: str
    version: str
    author: str
    at: int
    key: str
    """The author's public key: the algorithm and the raw key in hexadecimal."""
    signature: str

    @property
    def digest(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        return sha256(self.source.encode()).hexdigest()

    def body(self) -> dict[str, Any]:
        """Return what its author signs."""
        return {
            "kind": "draft",
            "rules": self.source,
            "version": self.version,
            "author": self.author,
            "at": self.at,
            "key": self.key,
        }


@dataclass(frozen=True, slots=True)
class Activation:
    """A draft that a second person has confirmed."""

    draft: Draft
    number: int
    """From 1, without a gap."""
    previous: str | None
    """SHA-256 of the activation before it, in hexadecimal."""
    confirmed_by: str
    at: int
    """In force from this time on."""
    key: str
    signature: str

    @property
    def digest(self) -> str:
        """SHA-256 of its document, in hexadecimal."""
        return sha256(to_bytes(self)).hexdigest()

    def body(self) -> dict[str, Any]:
        """Return what the second person signs: the whole signed draft with it."""
        return {
            "kind": "activation",
            "draft": _document(self.draft),
            "number": self.number,
            "previous": self.previous,
            "confirmed_by": self.confirmed_by,
            "at": self.at,
            "key": self.key,
        }


class RuleArchive(Protocol):
    """Keeps drafts and activations, durably. tests/service/rules/test_archive.py holds an archive to it."""

    def add(self, draft: Draft) -> None:
        """Keep a draft.

        Raises:
            ActivationError: there is another one of its version.
        """

    def confirm(self, activation: Activation) -> None:
        """Keep an activation: all of it, or nothing.

        Raises:
            ActivationError: another one came first.
        """

    def drafts(self) -> Sequence[Draft]:
        """Return all drafts, also those that were confirmed."""

    def activations(self) -> Sequence[Activation]:
        """Return all activations, the oldest first.

        Raises:
            ArchiveError: one was changed, or is missing.
        """

    def in_force(self, at: int) -> RuleSet | None:
        """Return the rules that were in force at a time; None before the first activation."""


def make_draft(source: str, *, author: str, signer: Signer, now: int, archive: RuleArchive) -> Draft:
    """Check a file of rules and sign it as its author.

    Args:
        source: the file's text.
        author: who signs.
        signer: the author's key.
        now: seconds since 1970 UTC.
        archive: tells whose key is whose.

    Raises:
        RuleTableError: the file is no table.
        ActivationError: the check found a fault, or the author is known by another key.
        ArchiveError: what was activated before was changed.
    """
    table = read_table(source)
    if not check_table(table).is_sound:
        raise ActivationError(
            f"version {table.version} has gaps, dead rows or unused texts; movepass service rules check shows them"
        )
    key = _public(signer)
    _check_person(_name(author), key, [*archive.drafts(), *archive.activations()])
    unsigned = Draft(source, table.version, author, now, key, "")
    return Draft(source, table.version, author, now, key, _sign(signer, unsigned.body()))


def make_activation(draft: Draft, *, person: str, signer: Signer, now: int, archive: RuleArchive) -> Activation:
    """Confirm a draft as a second person.

    Raises:
        ActivationError: the person or the key is the author's, or the person is known by another key.
        ArchiveError: the draft, or what was activated before, was changed.
    """
    key = _public(signer)
    if person.casefold() == draft.author.casefold():
        raise ActivationError(f"{draft.author} is the author of version {draft.version}; a second person confirms it")
    if key == draft.key:
        raise ActivationError(f"this is the key of the author, {draft.author}; a second person has a key of their own")
    verify_draft(draft)
    before = archive.activations()
    _check_person(_name(person), key, [*archive.drafts(), *before])
    last = before[-1] if before else None
    if last is not None and now < last.at:
        raise ActivationError("the clock is behind the last activation; set it right and try again")
    parts = (draft, len(before) + 1, last.digest if last else None, person, now, key)
    return Activation(*parts, signature=_sign(signer, Activation(*parts, signature="").body()))


def verify_draft(draft: Draft) -> None:
    """Check that a draft is as its author signed it.

    Raises:
        ArchiveError: it is not.
    """
    if not _holds(draft.key, draft.signature, draft.body()):
        raise ArchiveError(f"the draft of version {draft.version} was changed after {draft.author} had signed it")


def verify_activations(activations: Sequence[Activation]) -> None:
    """Check every signature, that two people signed, and that none is missing in between.

    Raises:
        ArchiveError: the first that is wrong.
    """
    previous: Activation | None = None
    for number, activation in enumerate(activations, 1):
        verify_draft(activation.draft)
        where = f"activation {activation.number} (version {activation.draft.version})"
        if not _holds(activation.key, activation.signature, activation.body()):
            raise ArchiveError(f"{where} was changed after {activation.confirmed_by} had signed it")
        if activation.key == activation.draft.key:
            raise ArchiveError(f"{where} has two signatures of one key")
        if activation.number != number or activation.previous != (previous.digest if previous else None):
            raise ArchiveError(f"{where} does not follow the one before it: one is missing or was exchanged")
        previous = activation


def newest(activations: Sequence[Activation], at: int) -> Activation | None:
    """Return the activation that was in force at a time."""
    return next((activation for activation in reversed(activations) if activation.at <= at), None)


def to_bytes(document: Draft | Activation) -> bytes:
    """Write a draft or an activation as JSON."""
    return canonical_json(_document(document)).encode() + b"\n"


def draft_from(data: bytes, where: str) -> Draft:
    """Read a draft.

    Raises:
        ArchiveError: it is none.
    """
    return _draft(_object(data, where), where)


def activation_from(data: bytes, where: str) -> Activation:
    """Read an activation.

    Raises:
        ArchiveError: it is none.
    """
    document = _object(data, where)
    draft = document.get("draft")
    if not isinstance(draft, dict):
        raise ArchiveError(f"{where} has no draft; restore it from a copy")
    previous, number = document.get("previous"), document.get("number")
    if not isinstance(previous, str | None) or not isinstance(number, int):
        raise ArchiveError(f"{where} has no number; restore it from a copy")
    person, key, signature = (_text(document, name, where) for name in ("confirmed_by", "key", "signature"))
    return Activation(_draft(draft, where), number, previous, person, _time(document, where), key, signature)


def _draft(document: Mapping[str, Any], where: str) -> Draft:
    source, version, author, key, signature = (
        _text(document, name, where) for name in ("rules", "version", "author", "key", "signature")
    )
    return Draft(source, version, author, _time(document, where), key, signature)


def _document(signed: Draft | Activation) -> dict[str, Any]:
    return signed.body() | {"signature": signed.signature}


def _check_person(person: str, key: str, known: Iterable[Draft | Activation]) -> None:
    """Refuse a name with another key than before, and a key under another name: two people stay two."""
    for document in known:
        signed_by = document.author if isinstance(document, Draft) else document.confirmed_by
        if signed_by.casefold() == person.casefold() and document.key != key:
            raise ActivationError(f"{signed_by} has signed with another key before; use that key, or another name")
        if document.key == key and signed_by.casefold() != person.casefold():
            raise ActivationError(f"this key has signed as {signed_by} before; everybody has a key of their own")


def _name(person: str) -> str:
    if not person.strip() or not person.isprintable():
        raise ActivationError(f"expected a person's name, got {person[:40]!r}")
    return person


def _sign(signer: Signer, body: Mapping[str, Any]) -> str:
    return signer.sign(_DOMAIN + canonical_json(body).encode()).hex()


def _holds(key: str, signature: str, body: Mapping[str, Any]) -> bool:
    try:
        name, _, raw = key.partition(":")
        point, signed = bytes.fromhex(raw), bytes.fromhex(signature)
        public: algorithms.PublicKey
        if algorithms.BY_NAME[name] == ED25519:
            public = Ed25519PublicKey.from_public_bytes(point)
        else:
            x, y = point[:_COORDINATE_BYTES], point[_COORDINATE_BYTES:]
            numbers = EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), SECP256R1())
            public = numbers.public_key()
    except (ValueError, KeyError):
        return False
    return algorithms.verify_signature(public, signed, _DOMAIN + canonical_json(body).encode())


def _public(signer: Signer) -> str:
    name = algorithms.NAMES[algorithms.algorithm_of(signer.public_key)]
    return f"{name}:{algorithms.raw_public(signer.public_key).hex()}"


def _object(data: bytes, where: str) -> Mapping[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as e:
        raise ArchiveError(f"{where} is not JSON; restore it from a copy") from e
    if not isinstance(document, dict):
        raise ArchiveError(f"{where} is no JSON object; restore it from a copy")
    return document


def _text(document: Mapping[str, Any], name: str, where: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise ArchiveError(f"{where} has no {name}; restore it from a copy")
    return value


def _time(document: Mapping[str, Any], where: str) -> int:
    value = document.get("at")
    if not isinstance(value, int) or isinstance(value, bool):
        raise ArchiveError(f"{where} has no time; restore it from a copy")
    return value
