"""Check what a source offers against what the device trusts, by The Update Framework.

python-tuf works in a scratch folder that is filled from the store and read back, because its own files are not synced
to the disk. Data that the device already holds is compared with the trusted length and hash every time.
"""

from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import Metadata, MetaFile, Root, TargetFile, Targets, Timestamp
from tuf.ngclient import Updater

from movepass_keys.records import layout, roles
from movepass_keys.records.generations import Generations
from movepass_keys.records.layout import LOG_MAX_BYTES, target_file
from movepass_verifier.errors import SyncError
from movepass_verifier.store.store import DENIED, KEYS, Held
from movepass_verifier.sync import packs, rewriting
from movepass_verifier.sync.packs import NO_PACK, PackedSource
from movepass_verifier.sync.scratch import Partials, scratch
from movepass_verifier.sync.sources import Source
from movepass_verifier.sync.sources.medium import GONE
from movepass_wire import LogError
from movepass_wire.statuslog import read_header

FAILED: tuple[type[Exception], ...] = (SyncError, tuf_errors.RepositoryError, tuf_errors.DownloadError)
"""The errors that keep a device from taking over what a source offers."""
DOCUMENT_MAX_BYTES = 1 << 20
STATUS_TARGETS_MAX = 64
"""The most files that the status role may name; an authority publishes six or seven."""
_OF_NO_USE = (tuf_errors.DownloadHTTPError, tuf_errors.DownloadLengthMismatchError)
_ROLES = ("timestamp", "snapshot", "targets", roles.STATUS)


def check_root(root: bytes) -> int:
    """Check that bytes are a root document that signs itself, and return its version.

    Raises:
        SyncError: the bytes are not such a root document.
    """
    try:
        metadata = Metadata[Root].from_bytes(root)
        metadata.signed.verify_delegate("root", metadata.signed_bytes, metadata.signatures)
        _check_keys_differ(root)
        version: int = metadata.signed.version
    except (tuf_errors.RepositoryError, AttributeError, ValueError) as e:
        raise SyncError(f"this is not a root document of an authority: {e}") from e
    return version


def fetch(held: Held, source: Source, folder: Path, partials: Partials, *, packs_at: int | None = None) -> Held:
    """Fetch a complete new state from the source, and verify every part of it with the signed metadata.

    If a file is missing, a publication came between two requests, and the fetch starts again once. If
    anything is refused while a pack is used, it starts again without the pack.

    Args:
        held: the current state.
        source: the source.
        folder: a folder to work in.
        partials: interrupted downloads of lists; new ones are added.
        packs_at: the time for which to ask for a pack, in seconds since 1970 UTC; None to ask for none.

    Raises:
        RepositoryError, DownloadError: python-tuf's.
        OSError: there is no space.
    """
    pack = NO_PACK if packs_at is None else packs.request_pack(source, held.metadata.get("timestamp"), packs_at)
    packed = PackedSource(source, pack)
    if pack.parts:
        try:
            return _fetch(held, source, packed, folder, partials)
        except FAILED as e:
            if isinstance(e, tuf_errors.DownloadError) and not isinstance(e, _OF_NO_USE):
                raise  # the network failed, not the pack
        packed.drop_pack()
    try:
        return _fetch(held, source, packed, folder, partials)
    except tuf_errors.DownloadHTTPError as e:
        if e.status_code not in GONE:
            raise
        return _fetch(held, source, PackedSource(source, NO_PACK), folder, partials)


def _fetch(held: Held, source: Source, packed: PackedSource, folder: Path, partials: Partials) -> Held:
    with scratch(folder) as work:
        for role in _ROLES:
            if role in held.metadata:
                (work / f"{role}.json").write_bytes(held.metadata[role])
        updater = _Updater(str(work), layout.METADATA, fetcher=packed, bootstrap=held.metadata["root"])
        updater.refresh()
        documents = {
            KEYS: _document(updater, source, packed, layout.KEYS_TARGET, held.documents.get(KEYS)),
            DENIED: _document(updater, source, packed, roles.DENIED_TARGET, held.documents.get(DENIED)),
        }
        status = Metadata[Targets].from_file(str(work / f"{roles.STATUS}.json")).signed
        if len(status.targets) > STATUS_TARGETS_MAX:
            raise tuf_errors.RepositoryError(f"{len(status.targets)} lists; a device takes {STATUS_TARGETS_MAX}")
        days = [day for name in status.targets if (day := layout.log_day(name)) is not None]
        roots = sorted((work / "root_history").iterdir())
        _check_keys_differ(*(path.read_bytes() for path in (*roots, (work / "targets.json"))))
        targets = {day: _target(updater, layout.log_target(day), LOG_MAX_BYTES) for day in days}
        partials.keep_only({(day, _generation(target)) for day, target in targets.items()})
        logs = {day: _log(source, packed, day, targets[day], held.logs.get(day, b""), partials) for day in days}
        metadata = {role: (work / f"{role}.json").read_bytes() for role in ("root", *_ROLES)}
    published = roles.published_at(Metadata[Timestamp].from_bytes(metadata["timestamp"]).signed)
    if published is None:
        raise tuf_errors.RepositoryError(f"the timestamp lacks {roles.PUBLISHED}")
    return Held(held.syncs, held.sources, published, metadata, documents, logs)


class _Updater(Updater):
    """python-tuf's client without its symbolic link: FAT has none, and on Windows few users may create one."""

    def _update_root_symlink(self) -> None:
        folder = Path(self._dir)
        newest = folder / "root_history" / f"{self._trusted_set.root.version}.root.json"
        (folder / "root.json").write_bytes(newest.read_bytes())


def _target(updater: Updater, name: str, max_bytes: int) -> TargetFile:
    try:
        target = updater.get_targetinfo(name)
    except TypeError as e:  # python-tuf reads a delegation to a role whose name is no text, but can't follow it
        raise tuf_errors.RepositoryError(f"{name} is delegated to a role without a name: {e}") from e
    if target is None:
        raise tuf_errors.RepositoryError(f"{name} is not published")
    if target.length > max_bytes:
        raise tuf_errors.RepositoryError(f"{name} of {target.length} bytes is more than a device takes ({max_bytes})")
    return target


def _document(updater: Updater, source: Source, packed: PackedSource, name: str, held: bytes | None) -> bytes:
    target = _target(updater, name, DOCUMENT_MAX_BYTES)
    for there in (held, packed.find(name, b"")):
        if there is not None and is_signed(target, there):
            return there
    data = source.fetch_rest(target_file(target), b"", target.length)
    target.verify_length_and_hashes(data)
    return data


def _log(source: Source, packed: PackedSource, day: int, target: TargetFile, held: bytes, partials: Partials) -> bytes:
    """Get a day's log, whose header must match the signed day and generation."""
    if is_signed(target, held):
        data = held
    else:
        data = _of_pack(packed, day, target, held) or _download(source, day, target, held, partials)
    _check_header(day, target, data)
    return data


def _of_pack(packed: PackedSource, day: int, target: TargetFile, held: bytes) -> bytes:
    """Return a day's log as a pack makes it of what is held; b"" where it does not."""
    begun = held if _held_generation(held) == _generation(target) else rewriting.begin(packed, day, target, held)
    for beginning in (held, begun):
        found = packed.find(target.path, beginning)
        if found is not None and is_signed(target, found):
            return found
    return b""


def _check_header(day: int, target: TargetFile, data: bytes) -> None:
    try:
        said = read_header(data)
    except LogError as e:
        raise SyncError(f"the list of day {day} is signed and yet unreadable: {e}") from e
    if said != (day, _generation(target)):
        raise SyncError(
            f"the list of day {day} says that it is of day {said[0]} and generation {said[1]}, and is signed as of "
            f"generation {_generation(target)}"
        )


def _download(source: Source, day: int, target: TargetFile, held: bytes, partials: Partials) -> bytes:
    """Download a log, but for the part that is there, or can be made of it, if the rest fits."""
    generation = _generation(target)
    begun = held if _held_generation(held) == generation else rewriting.begin(source, day, target, held)
    partial = partials.of(day, generation, begun, target.length)
    for beginning in partial.beginnings():
        if is_signed(target, beginning):
            return beginning
        try:
            data = source.fetch_rest(target_file(target), beginning, target.length, partial.note)
        except tuf_errors.DownloadLengthMismatchError:
            partial.drop()
            if not beginning:
                raise
        else:
            if is_signed(target, data):
                return data
            partial.drop()
    target.verify_length_and_hashes(data)
    return data


def _generation(target: TargetFile) -> int | None:
    """Return the signed generation of a log; None if there is none."""
    found = Generations.from_custom(target.custom, target.length)
    return None if found is None else found.generation


def _held_generation(held: bytes) -> int:
    try:
        return read_header(held)[1]
    except LogError:  # damaged on the device
        return -1


def is_signed(described: MetaFile | TargetFile, data: bytes) -> bool:
    """Check whether data has the length and hash in a signed document."""
    try:
        described.verify_length_and_hashes(data)
    except tuf_errors.LengthOrHashMismatchError:
        return False
    return True


def _check_keys_differ(*documents: bytes) -> None:
    """Check that no key is listed twice: python-tuf counts ids, so that a key with two ids would count as two.

    Raises:
        UnsignedMetadataError: a key is listed twice.
    """
    for document in documents:
        signed: Any = Metadata[Any].from_bytes(document).signed
        keys = signed.keys if isinstance(signed, Root) else signed.delegations.keys if signed.delegations else {}
        try:
            points = {_point(key.keyval["public"]) for key in keys.values()}
        except (KeyError, TypeError, ValueError, UnsupportedAlgorithm) as e:
            raise tuf_errors.UnsignedMetadataError(f"a key can't be read: {e}") from e
        if len(points) != len(keys):
            raise tuf_errors.UnsignedMetadataError("a key is listed twice, under two ids")


def _point(public: str) -> bytes:
    """Return a public key in the one form that does not depend on its encoding."""
    pem = "BEGIN" in public
    key = load_pem_public_key(public.encode()) if pem else Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
