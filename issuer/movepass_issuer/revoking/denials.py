"""Pass keys that are denied until the custodians meet. The set only grows, in every region, until a ceremony ends it.

Each region's publisher lists the keys in its own repository's denied.json. The desk and every region that copies a
publication add denials to it. A denial is removed only when the pass keys that the custodians signed settle it.
"""

import time
from collections.abc import Iterable
from dataclasses import replace

from movepass_issuer.errors import BusyError, RepositoryError
from movepass_issuer.publishing.published import DENIED, NOBODY_DENIED
from movepass_issuer.publishing.publisher import PATIENCE_SECONDS
from movepass_issuer.storage.repository import Repository
from movepass_keys import KeyDocumentError, KeySet
from movepass_keys.records import roles

_PAUSE_SECONDS = 0.25


def put_denials(repository: Repository, more: Iterable[bytes] = (), *, keys: KeySet | None = None) -> None:
    """Add the denials of some documents to a repository's own. Call it under the repository's lease.

    The lease alone is not enough: a write that was given up may still arrive after it and undo another. So the file is
    replaced only if it is unchanged.

    Args:
        repository: whose denied.json it is.
        more: documents as KeySet.denied_to_json writes them.
        keys: the pass keys as the custodians signed them, to leave out what they have settled since.

    Raises:
        BusyError: it was written meanwhile.
        RepositoryError: it can't be read or written.
    """
    found = repository.read(DENIED)
    own = found or NOBODY_DENIED
    document = roles.json_bytes(_denied_in([*more, own], keys).denied_to_json())
    if document != own:
        repository.replace(DENIED, document, expected=found)


def tell_denials(repository: Repository, more: Iterable[bytes]) -> None:
    """Add denials to a repository where a publisher may be at work; see put_denials.

    Raises:
        BusyError: one was at work for longer than a publication takes.
        RepositoryError: it can't be read or written.
    """
    more = list(more)
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with repository.lease():
                put_denials(repository, more)
                return
        except BusyError:
            if time.monotonic() > end:
                raise
        time.sleep(_PAUSE_SECONDS)


def denied_in(documents: Iterable[bytes], keys: KeySet) -> frozenset[bytes]:
    """Return the kids that are denied in any of the documents and that the custodians have not settled since.

    Raises:
        RepositoryError: a document can't be read.
    """
    return frozenset(_denied_in(documents, keys).denied)


def _denied_in(documents: Iterable[bytes], keys: KeySet | None) -> KeySet:
    nobody = KeySet("", test=False, keys={})
    try:
        sets = [nobody.with_denied(document).denied for document in documents]
    except KeyDocumentError as e:
        raise RepositoryError(f"the denied keys can't be read: {e}") from e
    found = {kid: withdrawal for denied in sets for kid, withdrawal in denied.items()}
    if keys is not None:
        listed = {kid for kid, key in keys.keys.items() if key.revoked is None}
        found = {kid: withdrawal for kid, withdrawal in found.items() if kid in listed}
    return replace(nobody, denied=dict(sorted(found.items())))
