"""A bundle: a copy of a repository, as much of it as devices need, to carry to them on a stick.

It is fetched as a device would fetch it, from the repository's own first root on: so everything in it is signed, fits
together and has not expired, and a copy that is torn is found here and not at the checkpoint. Whether it is the right
authority's, the devices decide, each by the root that it was enrolled with: whoever carries a stick has to be trusted
with nothing, and needs no device's store.

Files go to the stick one by one, each whole or not at all; the timestamp comes last. Pulled out before that, the stick
holds the bundle that it held before, or none.
"""

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import Metadata

from movepass_keys import files, layout, roles
from movepass_keys.layout import TIMESTAMP, document_name, target_file
from movepass_verifier import offer
from movepass_verifier.errors import BundleError, SyncError
from movepass_verifier.scratch import Partials
from movepass_verifier.sources import Progress, Source, resolve
from movepass_verifier.store import DENIED, KEYS, Held
from movepass_verifier.sync import FAILED, in_words
from movepass_wire.times import iso

MARK = "movepass-bundle.txt"
_MARK_TEXT = b"""Movepass: keys and revocation lists, to carry to devices. Every file is signed; none is secret.

    movepass sync --store DEVICE --source THIS-FOLDER

This folder is kept by `movepass export-bundle`, which removes from metadata/ and targets/ what is no longer needed.
"""
_FIRST_ROOT = document_name("root", 1)
_NAMED = ("snapshot", "targets", roles.STATUS)
"""Roles whose file has a version in its name that the timestamp leads to."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did.

    Attributes:
        source: where from.
        folder: where to.
        published: signed time of what the bundle holds, seconds since 1970 UTC.
        expires: until when devices will take it over.
        requests: files asked for.
        received: bytes that came.
        written: bytes that were written; what was there already was not.
        size: bytes of the whole bundle.
    """

    source: str
    folder: Path
    published: int
    expires: int
    requests: int
    received: int
    written: int
    size: int

    def to_json(self) -> dict[str, Any]:
        """Write as `export-bundle --json` shows it."""
        return {
            "source": self.source,
            "to": str(self.folder),
            "published": iso(self.published),
            "expires": iso(self.expires),
            "requests": self.requests,
            "bytes": self.received,
            "written": self.written,
            "size": self.size,
        }


class _Recorded(Source):
    """A source that keeps the documents it has given."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self.documents: dict[str, bytes] = {}

    def download_bytes(self, url: str, max_length: int) -> bytes:
        data = self.documents[url] = super().download_bytes(url, max_length)
        return data


def export(name: str, folder: Path, *, ca: Path | None = None, progress: Progress | None = None) -> Exported:
    """Make a bundle, or bring one up to date: what it holds already is neither fetched nor written again.

    Args:
        name: the source, an address or a folder.
        folder: where the bundle shall be.
        ca: a file of CA certificates to trust besides the system's.
        progress: is told how downloads go.

    Raises:
        SyncError: the source can't be reached, or offers what no device would take.
        BundleError: the folder holds something else or something newer, or can't be written to.
    """
    if resolve(name) == str(folder.absolute()):
        raise BundleError(f"{folder} is the source itself; a bundle is a folder of its own")
    try:
        _mark(folder)
        with _Recorded(name, ca=ca, progress=progress) as source, tempfile.TemporaryDirectory() as work:
            new = _fetch(source, folder, Path(work))
        content = _content(new, source.documents)
        written = _write(folder, content)
        _remove_others(folder, content)
    except OSError as e:
        raise BundleError(
            f"can't write to {e.filename or folder}: {e.strerror}; a bundle that was there is still whole"
        ) from None
    expires = min(int(Metadata[Any].from_bytes(data).signed.expires.timestamp()) for data in new.metadata.values())
    size = sum(map(len, content.values()))
    return Exported(source.name, folder, new.published or 0, expires, source.requests, source.received, written, size)


def _mark(folder: Path) -> None:
    """Make sure that the folder is a bundle's, so that nobody's repository is ever cleaned away."""
    if not (folder / MARK).exists():
        if any((folder / part).exists() for part in (layout.METADATA_FOLDER, layout.TARGETS_FOLDER)):
            raise BundleError(f"{folder} holds a repository that is no bundle (it lacks {MARK}); name another folder")
        folder.mkdir(parents=True, exist_ok=True)
        files.write_whole(folder / MARK, _MARK_TEXT)


def _fetch(source: _Recorded, folder: Path, work: Path) -> Held:
    try:
        root = source.download_bytes(_FIRST_ROOT, offer.DOCUMENT_MAX_BYTES)
        offer.check_root(root)
        before = _read(folder / _FIRST_ROOT)
        if before not in (None, root):
            raise BundleError(f"{folder} holds the bundle of another authority; name another folder")
        with Partials(work) as partials:
            return offer.fetch(_held(folder, root), source, work, partials)
    except tuf_errors.BadVersionNumberError as e:
        raise BundleError(f"{source.name} is behind what {folder} holds already ({e})") from None
    except FAILED as e:
        raise SyncError(f"{source.name}: {in_words(e)}") from None


def _held(folder: Path, root: bytes) -> Held:
    """Read what a bundle holds, as far as it is there; the client believes none of it unchecked."""
    metadata, documents, logs = {"root": root}, {}, {}
    with suppress(OSError, AttributeError, KeyError, tuf_errors.RepositoryError):
        metadata["timestamp"] = (folder / TIMESTAMP).read_bytes()
        timestamp = Metadata[Any].from_bytes(metadata["timestamp"]).signed
        metadata["snapshot"] = (folder / document_name("snapshot", timestamp.snapshot_meta.version)).read_bytes()
        named = Metadata[Any].from_bytes(metadata["snapshot"]).signed.meta
        for role in _NAMED[1:]:
            metadata[role] = (folder / document_name(role, named[f"{role}.json"].version)).read_bytes()
            for path, target in Metadata[Any].from_bytes(metadata[role]).signed.targets.items():
                data = _read(folder / target_file(target))
                day = layout.log_day(path)
                if data is not None and day is not None:
                    logs[day] = data
                elif data is not None:
                    documents[KEYS if path == roles.KEYS_TARGET else DENIED] = data
    return Held(0, (), None, metadata, documents, logs)


def _content(new: Held, fetched: dict[str, bytes]) -> dict[str, bytes]:
    """Give every file of a bundle by its name, the timestamp last."""
    content = {name: data for name, data in fetched.items() if layout.document_version(name, "root")}
    parsed: dict[str, Any] = {role: Metadata[Any].from_bytes(new.metadata[role]).signed for role in _NAMED}
    for role, document in parsed.items():
        content[document_name(role, document.version)] = new.metadata[role]
    for path, target in (parsed["targets"].targets | parsed[roles.STATUS].targets).items():
        day = layout.log_day(path)
        if day is not None:
            content[target_file(target)] = new.logs[day]
        elif path in (roles.KEYS_TARGET, roles.DENIED_TARGET):
            content[target_file(target)] = new.documents[KEYS if path == roles.KEYS_TARGET else DENIED]
    return content | {TIMESTAMP: new.metadata["timestamp"]}


def _write(folder: Path, content: dict[str, bytes]) -> int:
    """Write what is not there yet; gives how many bytes that were."""
    written = 0
    for name, data in content.items():
        path = folder / name
        if _read(path) != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write_whole(path, data)
            written += len(data)
    return written


def _remove_others(folder: Path, content: dict[str, bytes]) -> None:
    """Remove what the bundle no longer names, and what an export that was interrupted has left."""
    for part in (layout.METADATA_FOLDER, layout.TARGETS_FOLDER, layout.STATUS_FOLDER):
        for path in (folder / part).iterdir():
            left = path.name.startswith(".") and path.name.endswith(files.TEMPORARY)
            if path.is_file() and (left or f"{part}/{path.name}" not in content):
                path.unlink()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
