"""Syncing: fetch what a source offers, and take over all of it or nothing.

Only when everything held is what has been signed does the store's freshness move.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tuf.api import exceptions as tuf_errors

from movepass_keys import KeyDocumentError, KeySet
from movepass_verifier import offer
from movepass_verifier.errors import SyncError
from movepass_verifier.sources import Source
from movepass_verifier.store import DENIED, KEYS, Held, LogInfo, Store, describe
from movepass_wire.times import iso

_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a sync did.

    Attributes:
        changed: whether anything newer was taken over.
        requests: files asked for.
        received: bytes that came.
        source: where from.
        synced_at: seconds since 1970 UTC.
        published: signed time of the publication now held.
        logs: the lists now held.
    """

    changed: bool
    requests: int
    received: int
    source: str
    synced_at: int
    published: int
    logs: tuple[LogInfo, ...]

    def to_json(self) -> dict[str, Any]:
        """Write as `sync --json` shows it."""
        return {
            "changed": self.changed,
            "requests": self.requests,
            "bytes": self.received,
            "source": self.source,
            "synced_at": iso(self.synced_at),
            "published": iso(self.published),
            "lists": [describe(log) for log in self.logs],
        }


def sync(store: Store, *, source: str | None, now: int) -> SyncResult:
    """Bring a store up to date.

    Args:
        store: the device's.
        source: an http(s) address or a folder; the store's first without it.
        now: seconds since 1970 UTC.

    Raises:
        SyncError: the source can't be reached, or offers what the device must not take; nothing has changed.
        StoreError: the store can't be written.
    """
    store.check_writable()
    held = store.held()
    medium = Source(source or held.sources[0])
    try:
        try:
            new = offer.fetch(held, medium)
        except tuf_errors.DownloadHTTPError as e:
            if e.status_code != _NOT_FOUND:
                raise
            new = offer.fetch(held, medium)  # a publication came between two requests: begin again, once
    except (tuf_errors.RepositoryError, tuf_errors.DownloadError) as e:
        raise SyncError(f"{medium.name}: {_in_words(e)}; this device keeps what it has") from None
    _check_keys(new)
    store.take_over(held, new, synced_at=now)
    with store.reading() as state:
        logs = state.logs
    changed = new.metadata != held.metadata
    published = new.published or 0
    return SyncResult(changed, medium.requests, medium.received, medium.name, now, published, logs)


def _check_keys(new: Held) -> None:
    try:
        KeySet.from_jwks(new.documents[KEYS]).with_denied(new.documents[DENIED])
    except KeyDocumentError as e:
        raise SyncError(f"the keys are signed and yet unreadable: {e}; nothing was taken over") from None


_WORDS: tuple[tuple[type[Exception], Callable[[Any], str]], ...] = (
    (
        tuf_errors.ExpiredMetadataError,
        lambda e: f"what it offers was published too long ago, or this device's clock is ahead ({e})",
    ),
    (
        tuf_errors.BadVersionNumberError,
        lambda e: (
            f"a root is not the one that comes next ({e})"
            if "root" in str(e)
            else f"it is behind what this device has ({e})"
        ),
    ),
    (tuf_errors.UnsignedMetadataError, lambda e: f"not signed by those whom this device trusts ({e})"),
    (tuf_errors.LengthOrHashMismatchError, lambda e: f"a file is not the one that was signed ({e})"),
    (tuf_errors.DownloadLengthMismatchError, lambda e: f"a file is longer than was signed ({e})"),
    (tuf_errors.SlowRetrievalError, lambda e: f"too slow ({e})"),
    (tuf_errors.DownloadError, str),
)


def _in_words(error: Exception) -> str:
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words(error)
    return f"it does not offer what an authority publishes ({error})"
