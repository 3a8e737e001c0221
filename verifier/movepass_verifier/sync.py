"""Syncing: fetch, verify by The Update Framework, and take everything over at once or nothing.

python-tuf works in a scratch folder laid out from the store and is read back from it, because its own files are not
synced to the disk. Whatever is held is compared with the trusted length and hash at every sync, and only then does
the store's freshness move.
"""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import Metadata, Root, TargetFile, Targets, Timestamp
from tuf.ngclient import Updater

from movepass_keys import KeyDocumentError, KeySet, roles
from movepass_verifier.errors import SyncError
from movepass_verifier.sources import Source
from movepass_verifier.store import DENIED, KEYS, Held, LogInfo, Store, describe
from movepass_wire import Bitmap, LogError, read_log
from movepass_wire.times import iso

LOG_MAX_BYTES = 256 << 20
"""A log's length as signed; 2^30 indexes at the worst density stay below this."""
DOCUMENT_MAX_BYTES = 1 << 20
STATUS_TARGETS_MAX = 64
"""Files that the status role may name; an authority publishes six or seven."""
_ROLES = ("timestamp", "snapshot", "targets", roles.STATUS)
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
        source: an http(s) address or a folder; the store's own without it.
        now: seconds since 1970 UTC.

    Raises:
        SyncError: the source can't be reached, or offers what the device must not take; nothing has changed.
        StoreError: the store can't be written.
    """
    held = store.held()
    medium = Source(source or held.source)
    try:
        try:
            new = _fetch(held, medium)
        except tuf_errors.DownloadHTTPError as e:
            if e.status_code != _NOT_FOUND:
                raise
            new = _fetch(held, medium)  # a publication came between two requests: begin again, once
    except (tuf_errors.RepositoryError, tuf_errors.DownloadError) as e:
        raise SyncError(f"{medium.name}: {_in_words(e)}; this device keeps what it has") from None
    changed_days = {day for day, data in new.logs.items() if held.logs.get(day) != data}
    _check_keys(new)
    store.take_over(new, changed_days, lambda day: _read(day, new.logs[day]), synced_at=now)
    with store.reading() as state:
        logs = state.logs
    changed = new.metadata != held.metadata
    published = new.published or 0
    return SyncResult(changed, medium.requests, medium.received, medium.name, now, published, logs)


def check_root(root: bytes) -> int:
    """Check that bytes are a root document that signs for itself; returns its version.

    Raises:
        SyncError: not one.
    """
    try:
        metadata = Metadata[Root].from_bytes(root)
        metadata.signed.verify_delegate("root", metadata.signed_bytes, metadata.signatures)
        _check_keys_differ(root)
        version: int = metadata.signed.version
    except (tuf_errors.RepositoryError, AttributeError, ValueError) as e:
        raise SyncError(f"this is not a root document of an authority: {e}") from None
    return version


def _version_words(error: Exception) -> str:
    """Tell a root that skips a version from a source that is behind."""
    what = "a root is not the one that comes next" if "root" in str(error) else "it is behind what this device has"
    return f"{what} ({error})"


def _check_keys_differ(*documents: bytes) -> None:
    """Make sure that no key is listed twice: python-tuf counts ids, so one key under two would count as two.

    Raises:
        UnsignedMetadataError: one is.
    """
    for document in documents:
        signed: Any = Metadata[Any].from_bytes(document).signed
        keys = signed.keys if isinstance(signed, Root) else signed.delegations.keys if signed.delegations else {}
        try:
            points = {_point(key.keyval["public"]) for key in keys.values()}
        except (KeyError, TypeError, ValueError, UnsupportedAlgorithm) as e:
            raise tuf_errors.UnsignedMetadataError(f"a key can't be read: {e}") from None
        if len(points) != len(keys):
            raise tuf_errors.UnsignedMetadataError("a key is listed twice, under two ids")


def _point(public: str) -> bytes:
    """Give a public key in the one form that does not depend on how it was written."""
    pem = "BEGIN" in public
    key = load_pem_public_key(public.encode()) if pem else Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _fetch(held: Held, source: Source) -> Held:
    """Get a whole new state from the source, every part of it verified against the signed metadata."""
    with tempfile.TemporaryDirectory(prefix="movepass-sync-") as scratch:
        for role in _ROLES:
            if role in held.metadata:
                Path(scratch, f"{role}.json").write_bytes(held.metadata[role])
        updater = Updater(scratch, "metadata/", fetcher=source, bootstrap=held.metadata["root"])
        updater.refresh()
        documents = {
            KEYS: _document(updater, source, roles.KEYS_TARGET, held.documents.get(KEYS)),
            DENIED: _document(updater, source, roles.DENIED_TARGET, held.documents.get(DENIED)),
        }
        status = Metadata[Targets].from_file(str(Path(scratch, f"{roles.STATUS}.json"))).signed
        if len(status.targets) > STATUS_TARGETS_MAX:
            raise tuf_errors.RepositoryError(f"{len(status.targets)} lists; a device takes {STATUS_TARGETS_MAX}")
        names = {int(match[1]): name for name in status.targets if (match := roles.LOG_NAME.fullmatch(name))}
        roots = sorted(Path(scratch, "root_history").iterdir())
        _check_keys_differ(*(path.read_bytes() for path in (*roots, Path(scratch, "targets.json"))))
        logs = {day: _log(updater, source, name, held.logs.get(day, b"")) for day, name in names.items()}
        metadata = {role: Path(scratch, f"{role}.json").read_bytes() for role in ("root", *_ROLES)}
    published = roles.published_at(Metadata[Timestamp].from_bytes(metadata["timestamp"]).signed)
    if published is None:
        raise tuf_errors.RepositoryError(f"the timestamp lacks {roles.PUBLISHED}")
    return Held(held.syncs, held.source, published, metadata, documents, logs)


def _target(updater: Updater, name: str, max_bytes: int) -> TargetFile:
    target = updater.get_targetinfo(name)
    if target is None:
        raise tuf_errors.RepositoryError(f"{name} is not published")
    if target.length > max_bytes:
        raise tuf_errors.RepositoryError(f"{name} of {target.length} bytes is more than a device takes ({max_bytes})")
    return target


def _document(updater: Updater, source: Source, name: str, held: bytes | None) -> bytes:
    target = _target(updater, name, DOCUMENT_MAX_BYTES)
    if held is not None and _is(target, held):
        return held
    data = source.fetch_rest(_address(target), b"", target.length)
    target.verify_length_and_hashes(data)
    return data


def _log(updater: Updater, source: Source, name: str, held: bytes) -> bytes:
    """Get a log: what is held of it is kept where the rest fits on to it."""
    target = _target(updater, name, LOG_MAX_BYTES)
    if _is(target, held):
        return held
    if 0 < len(held) < target.length:
        with suppress(tuf_errors.DownloadLengthMismatchError):
            data = source.fetch_rest(_address(target), held, target.length)
            if _is(target, data):
                return data
    data = source.fetch_rest(_address(target), b"", target.length)
    target.verify_length_and_hashes(data)
    return data


def _is(target: TargetFile, data: bytes) -> bool:
    try:
        target.verify_length_and_hashes(data)
    except tuf_errors.LengthOrHashMismatchError:
        return False
    return True


def _address(target: TargetFile) -> str:
    """Name a target's file: its hash stands before its name (TUF's consistent snapshots)."""
    folder, slash, base = target.path.rpartition("/")
    return f"targets/{folder}{slash}{next(iter(target.hashes.values()))}.{base}"


def _read(day: int, data: bytes) -> Bitmap:
    try:
        log = read_log(data)
    except LogError as e:
        raise SyncError(f"the list of day {day} is signed and yet unreadable: {e}; nothing was taken over") from None
    if log.day != day:
        raise SyncError(f"the list of day {day} says that it is of day {log.day}; nothing was taken over")
    return log.revoked


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
