"""Sync a device: fetch what a source offers, and take over everything or nothing.

The store's freshness changes only when it holds everything that was signed. Sources are tried in order. A source that
can't be reached, is behind, or offers something unacceptable is skipped.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from tuf.api import exceptions as tuf_errors

from movepass_keys import KeyDocumentError, KeySet
from movepass_verifier.deciding.lists import Policy
from movepass_verifier.errors import DamagedError, SourceError, StoreError, SyncError
from movepass_verifier.store.store import DENIED, KEYS, Held, LogInfo, Store, describe
from movepass_verifier.sync import offer
from movepass_verifier.sync.offer import FAILED
from movepass_verifier.sync.scratch import Partials
from movepass_verifier.sync.sources import Progress, Source, resolve, without_user
from movepass_wire.times import iso


class Problem(StrEnum):
    """The reason why nothing came from a source."""

    UNREACHABLE = "unreachable"
    """It gave no answer, or no useful answer."""
    BEHIND = "behind"
    """It offers an older publication than the device holds: an outdated copy, or a replay."""
    REFUSED = "refused"
    """It offers something that the device must not take."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that failed: its full name, the problem, and the reason in words."""

    source: str
    problem: Problem
    reason: str

    def to_json(self) -> dict[str, str]:
        """Return the object that `sync --json` shows."""
        return {"source": self.source, "problem": self.problem.value, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class SyncResult:
    """The result of a sync.

    Attributes:
        changed: whether anything newer was taken over.
        requests: the number of files requested, from all sources.
        received: the bytes received.
        source: the source of the publication now held, or the source that confirmed it as newest.
        synced_at: seconds since 1970 UTC.
        published: the signed time of the publication now held.
        logs: the lists now held.
        added: the number of newly revoked passes for each of their days.
        failures: the sources that failed.
    """

    changed: bool
    requests: int
    received: int
    source: str
    synced_at: int
    published: int
    logs: tuple[LogInfo, ...]
    added: Mapping[int, int]
    failures: tuple[Failure, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object that `sync --json` shows."""
        return {
            "changed": self.changed,
            "requests": self.requests,
            "bytes": self.received,
            "source": self.source,
            "synced_at": iso(self.synced_at),
            "published": iso(self.published),
            "age_s": self.synced_at - self.published,
            "lists": [describe(log) | {"new": self.added[log.day]} for log in self.logs],
            "failed": [failure.to_json() for failure in self.failures],
        }


def sync(
    store: Store,
    *,
    now: int,
    sources: Sequence[str] = (),
    old: int = Policy().warning_age,
    ca: Path | None = None,
    progress: Progress | None = None,
) -> SyncResult:
    """Bring a store up to date.

    Args:
        store: the store of the device.
        now: seconds since 1970 UTC.
        sources: addresses or folders to try in this order; the store's own sources without them.
        old: if a source's publication is older than this, in seconds, the next source is asked too, because an outdated
            copy must not keep a device from newer data.
        ca: a file of CA certificates to trust besides the system's.
        progress: called with the progress of downloads.

    Raises:
        SyncError: no source could be reached that offers what the device may take; nothing has changed.
        StoreError: the store can't be written.
    """
    store.check_writable()
    names, malformed = _resolve_each(sources) if sources else (store.held().sources, [])
    before: dict[int, int] = {}
    with suppress(DamagedError):  # a sync may repair the damage
        before = {log.day: log.revoked for log in _logs(store)}
    connect = partial(Source, ca=ca, progress=progress)
    tried = _try_each(store, names, malformed, now, old=old, connect=connect)
    logs = _logs(store)
    return SyncResult(
        changed=tried.changed,
        requests=sum(source.requests for source in tried.opened),
        received=sum(source.received for source in tried.opened),
        source=tried.found,
        synced_at=now,
        published=tried.published,
        logs=logs,
        added={log.day: log.revoked - before.get(log.day, 0) for log in logs},
        failures=tuple(tried.failures),
    )


def _resolve_each(sources: Sequence[str]) -> tuple[list[str], list[Failure]]:
    """Return the full names of sources, and a failure for each malformed one.

    Raises:
        SourceError: all are malformed.
    """
    names, malformed = [], []
    for name in sources:
        try:
            names.append(resolve(name))
        except SourceError as e:
            malformed.append(Failure(repr(without_user(name)), Problem.REFUSED, str(e)))
    if not names:
        raise SourceError("; ".join(failure.reason for failure in malformed))
    return names, malformed


@dataclass(slots=True)
class _Tried:
    """The results of the sources so far: those opened, those that failed, and the rest as in SyncResult."""

    opened: list[Source] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    found: str = ""
    changed: bool = False
    published: int = 0


def _try_each(
    store: Store,
    names: Sequence[str],
    malformed: Sequence[Failure],
    now: int,
    *,
    old: int,
    connect: Callable[[str], Source],
) -> _Tried:
    """Take over newer data from one source after another, until one has published recently.

    Raises:
        SyncError: every source failed.
    """
    tried = _Tried(failures=list(malformed))
    with Partials(store.folder) as partials:
        for name in names:
            try:
                with connect(name) as source:
                    tried.opened.append(source)
                    newer, tried.published = _take(store, source, partials, now)
            except FAILED as e:
                tried.failures.append(_failure(name, e))
                partials.save()
                continue
            tried.found = name if newer or not tried.found else tried.found
            tried.changed |= newer
            if now - tried.published <= old:
                break
        if not tried.found:  # raised here, so that partial downloads are kept
            raise SyncError(_in_vain(tried.failures))
    return tried


def _take(store: Store, source: Source, partials: Partials, now: int) -> tuple[bool, int]:
    """Take over what one source offers, and return whether anything is newer and when it was published."""
    held = store.held()
    try:
        new = offer.fetch(held, source, store.folder, partials, packs_at=now)
    except OSError as e:
        raise StoreError(
            f"{store.folder} can't be written to ({e.strerror or e}); it verifies, but can't be synced"
        ) from e
    _check_keys(new)
    store.take_over(held, new, synced_at=now)
    return new.metadata != held.metadata, new.published or 0


def _logs(store: Store) -> tuple[LogInfo, ...]:
    with store.reading() as state:
        return state.logs


def _check_keys(new: Held) -> None:
    try:
        KeySet.from_jwks(new.documents[KEYS]).with_denied(new.documents[DENIED])
    except KeyDocumentError as e:
        raise SyncError(f"the keys are signed and yet unreadable: {e}") from e


_CUSTODIANS_ENDED = ("Final root.json is expired", "New targets is expired")
"""python-tuf's own wording."""
_WORDS: tuple[tuple[type[Exception], Callable[[Any], str]], ...] = (
    (
        tuf_errors.ExpiredMetadataError,
        lambda e: (
            f"the authority's signed documents have ended: it must renew them, or this device's clock is ahead ({e})"
            if str(e) in _CUSTODIANS_ENDED
            else f"what it offers was published too long ago, or this device's clock is ahead ({e})"
        ),
    ),
    (
        tuf_errors.BadVersionNumberError,
        lambda e: (
            f"a root is not the one that comes next ({e})"
            if "root" in str(e)
            else f"it is behind what this device has: an outdated copy, or an old one played again ({e})"
        ),
    ),
    (tuf_errors.UnsignedMetadataError, lambda e: f"not signed by those whom this device trusts ({e})"),
    (tuf_errors.LengthOrHashMismatchError, lambda e: f"a file is not the one that was signed ({e})"),
    (tuf_errors.DownloadLengthMismatchError, lambda e: f"a file is longer than was signed ({e})"),
    (tuf_errors.SlowRetrievalError, lambda e: f"too slow ({e})"),
    (tuf_errors.DownloadError, str),
)


def _failure(source: str, error: Exception) -> Failure:
    if isinstance(error, tuf_errors.BadVersionNumberError) and "root" not in str(error):
        problem = Problem.BEHIND
    elif isinstance(error, tuf_errors.DownloadError) and not isinstance(error, tuf_errors.DownloadLengthMismatchError):
        problem = Problem.UNREACHABLE
    else:
        problem = Problem.REFUSED
    return Failure(source, problem, in_words(error))


def _in_vain(failures: Sequence[Failure]) -> str:
    tried = ". ".join(f"{failure.source}: {failure.reason}" for failure in failures)
    return f"{tried}; this device keeps what it has"


def in_words(error: Exception) -> str:
    """Word the failure of a source, one of FAILED."""
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words(error)
    if isinstance(error, SyncError):
        return str(error)
    return f"it does not offer what an authority publishes ({error})"
