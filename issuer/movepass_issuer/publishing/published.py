"""The one reader of what is published: files, documents, logs, pass keys and denied keys of a repository.

A publisher, an issuer and a desk trust their own repository; devices verify all of it. A region verifies the signatures
of another region's publication before it reads on (movepass_issuer.regions.replication), and lengths and hashes with
`read_described`. How large a file may be is said in movepass_keys.records.layout.

The keys and the timestamp's version are read as plain JSON. python-tuf is imported by those functions that need it:
importing it takes longer than the rest of an issuing Lambda function.
"""

import json
from typing import TYPE_CHECKING, Any, Protocol

from movepass_issuer.errors import RepositoryError
from movepass_keys import KeyDocumentError, KeysError, KeySet
from movepass_keys.records.checkpoint import read_checkpoint, region_of
from movepass_keys.records.expiry import Ending, endings
from movepass_keys.records.layout import KEYS_TARGET, TIMESTAMP, document_name, head_target, target_name

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata, MetaFile, TargetFile

DENIED = "denied.json"
"""The denied keys in the repository, for publishers; devices get them among the targets."""
NOBODY_DENIED = b'{"denied":[]}'
HEAD = "decisions.head"
"""The newest head of a service's decision log in the repository, for publishers; devices find it among the targets."""
_RESTORE = "restore it from a copy"


class ReadableFiles(Protocol):
    """Files that can be read by name; see Repository."""

    @property
    def name(self) -> str:
        """See Repository."""

    def read(self, name: str) -> bytes | None:
        """See Repository."""


class Readable(ReadableFiles, Protocol):
    """A repository that can be read; see Repository."""

    def versions(self, role: str) -> list[int]:
        """See Repository."""


def read_file(repository: ReadableFiles, name: str, *, advice: str = _RESTORE) -> bytes:
    """Read a file that must be there.

    Args:
        repository: where.
        name: which.
        advice: what to do if it is missing.

    Raises:
        RepositoryError: it is missing or can't be read.
    """
    data = repository.read(name)
    if data is None:
        raise RepositoryError(f"{repository.name}: {name} is missing; {advice}")
    return data


def read_described(
    repository: ReadableFiles, name: str, described: "MetaFile | TargetFile", *, advice: str = _RESTORE
) -> bytes:
    """Read a file, and check its length and hash by the document that names it.

    Raises:
        RepositoryError: it is missing or damaged.
    """
    from tuf.api.exceptions import LengthOrHashMismatchError  # noqa: PLC0415 - see above

    data = read_file(repository, name, advice=advice)
    try:
        described.verify_length_and_hashes(data)
    except LengthOrHashMismatchError as e:
        raise RepositoryError(f"{repository.name}: {name} is damaged ({e}); {_RESTORE}") from e
    return data


def parse_document(data: bytes) -> "Metadata[Any]":
    """Read the content of a role's document.

    Raises:
        RepositoryError: it can't be read.
    """
    from tuf.api.metadata import Metadata  # noqa: PLC0415 - see above

    try:
        return Metadata.from_bytes(data)
    except Exception as e:
        raise RepositoryError(f"a document of the repository can't be read ({e}); {_RESTORE}") from e


def parse_timestamp(repository: ReadableFiles, data: bytes) -> "Metadata[Any]":
    """Read the content of a repository's timestamp.

    Raises:
        RepositoryError: it can't be read, or is a document of another role.
    """
    document = parse_document(data)
    if document.signed.type != "timestamp":
        raise RepositoryError(f"{repository.name}: {TIMESTAMP} holds a {document.signed.type}; {_RESTORE}")
    return document


def parse_version(repository: ReadableFiles, timestamp: bytes) -> int:
    """Return the version of a repository's timestamp, without python-tuf.

    Raises:
        RepositoryError: it can't be read.
    """
    try:
        return int(json.loads(timestamp)["signed"]["version"])
    except (ValueError, LookupError, TypeError) as e:
        raise RepositoryError(f"{repository.name}: {TIMESTAMP} can't be read ({e!r}); {_RESTORE}") from e


def find_newest(repository: Readable, role: str) -> "Metadata[Any] | None":
    """Read the newest document of a custodians' role; None before the first.

    Raises:
        RepositoryError: it can't be read.
    """
    data = _find_newest(repository, role)[1]
    return None if data is None else parse_document(data)


def read_keys(repository: Readable) -> KeySet:
    """Read the keys that the newest targets names, and which of them are denied.

    Raises:
        RepositoryError: there are none, or they can't be read.
    """
    try:
        return KeySet.from_jwks(read_keys_document(repository)).with_denied(read_denied(repository))
    except KeyDocumentError as e:
        raise RepositoryError(f"the published keys can't be read: {e}") from e


def read_endings(repository: Readable, now: int, in_use: bytes | None = None) -> list[Ending]:
    """Return when what is published ends: the custodians' newest root and targets, and the pass key.

    Args:
        repository: what is published.
        now: seconds since 1970 UTC.
        in_use: see movepass_keys.records.expiry.endings.

    Raises:
        RepositoryError: there are no keys yet, or they can't be read.
    """
    root, targets = (_find_newest(repository, role) for role in ("root", "targets"))
    try:
        keys = KeySet.from_jwks(_read_named_keys(repository, *targets)).with_denied(read_denied(repository))
        return endings(root=root[1], targets=targets[1], keys=keys, now=now, in_use=in_use)
    except KeyDocumentError as e:
        raise RepositoryError(f"the custodians' documents can't be read: {e}") from e


def read_keys_document(repository: Readable) -> bytes:
    """Read the pass keys' document that the newest targets names.

    Raises:
        RepositoryError: there is none.
    """
    return _read_named_keys(repository, *_find_newest(repository, "targets"))


def read_denied(repository: ReadableFiles) -> bytes:
    """Read the document of the keys that are denied until the custodians' next ceremony.

    Raises:
        RepositoryError: it can't be read.
    """
    return repository.read(DENIED) or NOBODY_DENIED


def read_offered_head(repository: ReadableFiles, region: int = 0) -> dict[str, bytes]:
    """Read the head of the decision log that a service has put there, as Publisher's `others`; empty without one.

    Args:
        repository: a region's own, as each region has a log of its own.
        region: its number. The target has it in its name, so that no region's head takes the place of another's.

    Raises:
        RepositoryError: it can't be read, or is no head. The one that was published before then stays.
    """
    head = repository.read(HEAD)
    if head is None:
        return {}
    try:
        if region_of(read_checkpoint(head).checkpoint.origin) != region:
            raise RepositoryError(f"{repository.name}: {HEAD} is of another region's log than {region}")
    except KeysError as e:
        raise RepositoryError(f"{repository.name}: {HEAD} is no head of a decision log ({e})") from e
    return {head_target(region): head}


def _find_newest(repository: Readable, role: str) -> tuple[str, bytes | None]:
    """Return the name and content of the newest document of a custodians' role."""
    name = document_name(role, max(repository.versions(role), default=0))
    return name, repository.read(name)


def _read_named_keys(repository: Readable, name: str, data: bytes | None) -> bytes:
    """Read the pass keys' document that a targets document names."""
    if data is None:
        raise RepositoryError(f"there are no pass keys yet: {document_name('targets', 1)} is missing")
    try:
        digest = json.loads(data)["signed"]["targets"][KEYS_TARGET]["hashes"]["sha256"]
        file = target_name(KEYS_TARGET, digest)
    except (ValueError, KeyError, TypeError) as e:
        raise RepositoryError(f"{name} can't be read ({e!r}); {_RESTORE}") from e
    return read_file(repository, file)
