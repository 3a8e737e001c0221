"""Read and write enrolments: a file or QR code that tells a device where to sync from and which root to trust.

    MPE1:BASE45    compact JSON {"source": URL or list, "root": SHA-256 of metadata/1.root.json in hexadecimal}
    a file         JSON {"source", "root": the document, or "root_sha256", "max_age"?, "warning_age"?, "language"?}

A root is too large for a QR code, so the code has its hash and the root comes from the source. Neither proves itself:
the person who sets the device up compares the root's fingerprint with a copy that came another way.
"""

import hashlib
import json
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from movepass_keys.ceremony.proposal import digits_of
from movepass_keys.records import layout
from movepass_verifier.deciding.lists import Policy
from movepass_verifier.errors import EnrolmentError, RootRefusedError
from movepass_verifier.sync.offer import FAILED, check_root
from movepass_verifier.sync.sources import Progress, Source, resolve
from movepass_verifier.sync.sync import in_words
from movepass_wire import WireError, base45
from movepass_wire.times import parse_duration
from movepass_words import LANGUAGES

PREFIX = "MPE1:"
ENROLMENT_MAX_BYTES = 1 << 20
ENROLMENT_MAX_CHARS = 4296
"""The most characters of a code: the capacity of a QR code in the alphanumeric set."""
SOURCES_MOST = 16
ROOT_MAX_BYTES = 512_000
"""python-tuf's limit for later roots."""
_HEX_DIGITS, _DIGITS = 64, 40
_KEYS = {"source", "root", "root_sha256", "max_age", "warning_age", "language"}


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The settings for a new device.

    Attributes:
        sources: where to sync from, in the order to try them.
        root: the root document, or None if it must be fetched.
        root_sha256: its SHA-256 in hexadecimal, if it must be fetched.
        max_age, warning_age: how old lists may be, in seconds; None for the default.
        language: the language of the device; None for English.
    """

    sources: tuple[str, ...]
    root: bytes | None = None
    root_sha256: str | None = None
    max_age: int | None = None
    warning_age: int | None = None
    language: str | None = None

    @property
    def policy(self) -> Policy:
        """Return how old lists may be; not checked yet."""
        usual = Policy()
        return Policy(
            max_age=usual.max_age if self.max_age is None else self.max_age,
            warning_age=usual.warning_age if self.warning_age is None else self.warning_age,
        )


def read(data: bytes) -> Enrolment:
    """Read an enrolment: the content of a file, or the text of a QR code.

    Raises:
        EnrolmentError: the data is not an enrolment; the message says what was expected and what came.
    """
    if data.startswith(PREFIX.encode()):
        return read_code(data.decode("ascii", "replace").rstrip("\r\n"))
    document = _object(data)
    if "signed" in document:
        raise EnrolmentError("this is a root, not an enrolment: give it as --root, with --source")
    unknown = sorted(document.keys() - _KEYS)
    if unknown:
        raise EnrolmentError(f"an enrolment has no {unknown[0]!r}; it has {', '.join(sorted(_KEYS))}")
    if ("root" in document) == ("root_sha256" in document):
        raise EnrolmentError("an enrolment has either the root or its root_sha256")
    root = document.get("root")
    if root is not None and not isinstance(root, dict):
        raise EnrolmentError("expected the root document itself as 'root'; for its SHA-256, 'root_sha256'")
    language = document.get("language")
    if language is not None and language not in LANGUAGES:
        raise EnrolmentError(f"expected a language of {', '.join(LANGUAGES)}, got {str(language)[:40]!r}")
    return Enrolment(
        sources=_sources(document),
        root=None if root is None else _compact(root),
        root_sha256=None if root is not None else _hash(document["root_sha256"], "root_sha256"),
        max_age=_duration(document, "max_age"),
        warning_age=_duration(document, "warning_age"),
        language=language,
    )


def read_code(text: str) -> Enrolment:
    """Read the text of a QR code, without a line end.

    Raises:
        EnrolmentError: it is not such a code, or breaks a rule of docs/spec.md, "Repository".
    """
    if not text.startswith(PREFIX):
        raise EnrolmentError(f"expected an enrolment's code, {PREFIX}…, got {text[:12]!r}")
    if len(text) > ENROLMENT_MAX_CHARS:
        raise EnrolmentError(f"an enrolment's code has at most {ENROLMENT_MAX_CHARS} characters, got {len(text)}")
    try:
        data = base45.decode(text.removeprefix(PREFIX))
    except WireError as e:
        raise EnrolmentError(f"this enrolment is damaged, or not copied exactly: {e}") from e
    if data.startswith(BOM_UTF8):
        raise EnrolmentError("an enrolment's code begins with a byte order mark; make it again: movepass enrolment")
    document = _object(data)
    unknown = sorted(document.keys() - {"source", "root"})
    if unknown or "root" not in document:
        wrong = f"it has {unknown[0]!r}" if unknown else "it has no root"
        raise EnrolmentError(f"expected an enrolment with source and root, and nothing else; {wrong}")
    return Enrolment(_sources(document), root_sha256=_hash(document["root"], "root"))


def code(sources: Sequence[str], root: bytes) -> str:
    """Return the text of a QR code.

    Args:
        sources: where devices will sync from.
        root: metadata/1.root.json, as it is published.
    """
    source = sources[0] if len(sources) == 1 else list(sources)
    document = {"source": source, "root": hashlib.sha256(root).hexdigest()}
    return PREFIX + base45.encode(_compact(document))


def file(sources: Sequence[str], root: bytes, **settings: str) -> bytes:
    """Return the content of a file, optionally with max_age, warning_age and language; see code."""
    source = sources[0] if len(sources) == 1 else list(sources)
    document = {"source": source, **settings, "root": json.loads(root)}
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def root_of(enrolment: Enrolment, *, ca: Path | None = None, progress: Progress | None = None) -> bytes:
    """Return the root of an enrolment; if only its hash is known, fetch it from the first source that has it.

    Args:
        enrolment: the enrolment.
        ca: a file of CA certificates to trust besides the system's.
        progress: called with the progress of downloads.

    Raises:
        RootRefusedError: no source has a root with that hash, or none could be reached.
        SyncError: the root is not a root document, or a source is of an unknown kind.
    """
    if enrolment.root is not None:
        check_root(enrolment.root)
        return enrolment.root
    name, failures = layout.document_name("root", 1), []
    for address in map(resolve, enrolment.sources):
        try:
            with Source(address, ca=ca, progress=progress) as source:
                root = source.download_bytes(name, ROOT_MAX_BYTES)
        except FAILED as e:
            failures.append(f"{address}: {in_words(e)}")
            continue
        came = hashlib.sha256(root).hexdigest()
        if came == enrolment.root_sha256:
            check_root(root)
            return root
        failures.append(
            f"{address}: its root is NOT the one in the enrolment (SHA-256 {came}, expected "
            f"{enrolment.root_sha256}): do not use it, and tell the authority"
        )
    raise RootRefusedError(f"{'. '.join(failures)}; nothing was set up")


def fingerprint(root: bytes) -> str:
    """Return the fingerprint of a root as custodians read it to each other: eight groups of five digits."""
    return digits_of(root)


def check_fingerprint(root: bytes, told: str) -> None:
    """Compare a root with a fingerprint that came another way: its SHA-256 in hexadecimal, or the forty digits.

    Raises:
        EnrolmentError: the text is not a fingerprint.
        RootRefusedError: it is the fingerprint of another root.
    """
    plain = "".join(c for c in told.lower() if c not in " :-")
    if len(plain) == _DIGITS and plain.isascii() and plain.isdigit():
        came = fingerprint(root).replace(" ", "")
    else:
        came, plain = hashlib.sha256(root).hexdigest(), _hash(plain, "fingerprint")
    if came != plain:
        raise RootRefusedError(
            f"the root has ANOTHER fingerprint: {fingerprint(root)} (SHA-256 {hashlib.sha256(root).hexdigest()}); do "
            "not use it, and tell the authority. Nothing was set up"
        )


def _object(data: bytes) -> dict[str, Any]:
    """Read a JSON object without duplicate keys."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise EnrolmentError("an enrolment has a duplicate key")
        return found

    try:
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=once, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as e:
        raise EnrolmentError(
            f"expected an enrolment: a JSON file, a picture of its QR code, or a text {PREFIX}…; this is none ({e})"
        ) from e
    if not isinstance(document, dict):
        raise EnrolmentError(f"expected an enrolment as a JSON object, got {type(document).__name__}")
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _sources(document: dict[str, Any]) -> tuple[str, ...]:
    given = document.get("source")
    sources = [given] if isinstance(given, str) else given
    if not (isinstance(sources, list) and 0 < len(sources) <= SOURCES_MOST):
        raise EnrolmentError(f"expected a source, or a list of at most {SOURCES_MOST} of them, as 'source'")
    if not all(isinstance(source, str) and source for source in sources):
        raise EnrolmentError("expected addresses or folders as 'source'")
    return tuple(sources)


def _hash(value: Any, name: str) -> str:
    if isinstance(value, str) and len(value) == _HEX_DIGITS and not set(value.lower()) - set("0123456789abcdef"):
        return value.lower()
    also = f", or {_DIGITS} digits" if name == "fingerprint" else ""
    raise EnrolmentError(
        f"expected a SHA-256 of {_HEX_DIGITS} hexadecimal digits{also} as {name}, got {str(value)[:80]!r}"
    )


def _duration(document: dict[str, Any], name: str) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    try:
        return parse_duration(str(value))
    except ValueError as e:
        raise EnrolmentError(f"{name}: {e}") from e


def _compact(document: dict[str, Any]) -> bytes:
    """Write JSON in the one form in which an authority publishes it, so that the fingerprint of a root is the same."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
