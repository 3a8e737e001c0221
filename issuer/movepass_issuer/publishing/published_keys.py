"""The pass keys as they are published, and those denied at once: what an issuer and a publisher go by.

Read as plain JSON and not by python-tuf, whose import takes longer than all the rest of a Lambda function's. It is
read from the authority's own repository and trusted as that is; devices verify all of it.
"""

import json
from typing import Protocol

from movepass_issuer.errors import RepositoryError
from movepass_keys import KeyDocumentError, KeySet
from movepass_keys.records.expiry import Ending, endings
from movepass_keys.records.layout import KEYS_TARGET, document_name, target_name

DENIED = "denied.json"
"""In the repository, for who publishes; devices get it among the targets."""
NOBODY_DENIED = b'{"denied":[]}'


class Readable(Protocol):
    """What is asked of a repository."""

    def versions(self, role: str) -> list[int]:
        """See Repository."""

    def read(self, name: str) -> bytes | None:
        """See Repository."""


def published_keys(repository: Readable) -> KeySet:
    """Read the keys that the newest targets names, and which of them are denied.

    Raises:
        RepositoryError: there are none, or they can't be read.
    """
    try:
        return KeySet.from_jwks(load_keys(repository)).with_denied(load_denied(repository))
    except KeyDocumentError as e:
        raise RepositoryError(f"the published keys can't be read: {e}") from None


def published_endings(repository: Readable, now: int, in_use: bytes | None = None) -> list[Ending]:
    """Say when what is published ends: the custodians' newest root and targets, and the pass key.

    Args:
        repository: what is published.
        now: seconds since 1970 UTC.
        in_use: see movepass_keys.records.expiry.endings.

    Raises:
        RepositoryError: there are no keys yet, or they can't be read.
    """
    root, targets = (_newest(repository, role) for role in ("root", "targets"))
    try:
        keys = KeySet.from_jwks(_keys_named_by(repository, *targets)).with_denied(load_denied(repository))
        return endings(root=root[1], targets=targets[1], keys=keys, now=now, in_use=in_use)
    except KeyDocumentError as e:
        raise RepositoryError(f"the custodians' documents can't be read: {e}") from e


def load_keys(repository: Readable) -> bytes:
    """Read the pass keys' document that the newest targets names.

    Raises:
        RepositoryError: there is none.
    """
    return _keys_named_by(repository, *_newest(repository, "targets"))


def _keys_named_by(repository: Readable, name: str, data: bytes | None) -> bytes:
    """Read the pass keys' document that a targets document names."""
    if data is None:
        raise RepositoryError(f"there are no pass keys yet: {document_name('targets', 1)} is missing")
    try:
        digest = json.loads(data)["signed"]["targets"][KEYS_TARGET]["hashes"]["sha256"]
        file = target_name(KEYS_TARGET, digest)
    except (ValueError, KeyError, TypeError) as e:
        raise RepositoryError(f"{name} can't be read ({e!r}); restore it from a copy") from None
    document = repository.read(file)
    if document is None:
        raise RepositoryError(f"{file} is missing; restore it from a copy")
    return document


def _newest(repository: Readable, role: str) -> tuple[str, bytes | None]:
    """Read the newest document of an offline role, and give its name with it; None before the first."""
    name = document_name(role, max(repository.versions(role), default=0))
    return name, repository.read(name)


def load_denied(repository: Readable) -> bytes:
    """Read the document of the keys that are denied until the custodians' next ceremony.

    Raises:
        RepositoryError: it can't be read.
    """
    return repository.read(DENIED) or NOBODY_DENIED
