"""Puts the newest head of the decision log where the issuer's publish function finds it.

Each region's service does so in its region's own bucket. The publish function that is at work reads them all, and gives
each a target of its own (movepass_keys.records.layout.head_target), so no region's head takes another's place.
"""

from typing import Protocol

from movepass_issuer.publishing.published import HEAD
from movepass_issuer.storage.repository import Repository
from movepass_service.errors import ServiceError
from movepass_service.stores.store import Head


class ForeignHeadError(ServiceError):
    """The head that lies there is not of this log, and stays: an auditor has to compare with it."""


class Heads(Protocol):
    """The part of a store that is needed; see Store."""

    def newest_head(self) -> Head | None:
        """See Store."""

    def has_offered(self, note: str) -> bool:
        """See Store."""

    def offer_head(self) -> str | None:
        """See Store."""


def put_head(store: Heads, repository: Repository) -> bool:
    """Put the newest head into the repository; returns whether it is a new one.

    Raises:
        ForeignHeadError: another log's head lies there, as after the service was restored from a copy.
        RepositoryError: the repository can't be read or written, or somebody else wrote at this moment.
        StoreError: the store can't.
    """
    found = repository.read(HEAD)
    if found is not None and not store.has_offered(found.decode(errors="replace")):
        raise ForeignHeadError(
            f"{repository.name}: {HEAD} is no head of this log: the service was restored from a copy, or another one "
            "works for this authority. If you know that it was restored, keep that file for the auditors, and delete it"
        )
    newest = store.newest_head()
    if newest is None or newest.note.encode() == found:
        return False
    offered = store.offer_head()  # kept for ever, before anybody sees it
    repository.replace(HEAD, (offered or "").encode(), expected=found)
    return True
