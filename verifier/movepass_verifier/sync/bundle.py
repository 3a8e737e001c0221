"""Export a bundle: a copy of the parts of a repository that devices need, carried to them on a stick.

It is fetched as a device would fetch it, from the repository's own first root on. So everything in it is signed,
belongs together and has not expired, and a torn copy is found here and not at the checkpoint. The devices decide
whether it is from the right authority, each by its own root. So the carrier needs no trust and no device's store.

Each file is written whole or not at all, and the timestamp comes last. A stick that is pulled out before that holds its
previous bundle, or none. A stick may be hostile: no link on it is followed, so nothing outside the bundle's folder is
read, written or deleted (movepass_keys.files.Folder).
"""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import Metadata

from movepass_keys import files
from movepass_keys.files import Folder
from movepass_keys.records import layout, roles
from movepass_keys.records.layout import TIMESTAMP, document_name, target_file
from movepass_verifier.errors import BundleError, SyncError
from movepass_verifier.store.store import DENIED, KEYS, Held
from movepass_verifier.sync import offer
from movepass_verifier.sync.offer import FAILED
from movepass_verifier.sync.scratch import Partials
from movepass_verifier.sync.sources import Progress, Source, resolve
from movepass_verifier.sync.sync import in_words
from movepass_wire.times import iso

MARK = "movepass-bundle.txt"
_MARK_TEXT = b"""Movepass: keys and revocation lists, to carry to devices. Every file is signed; none is secret.

    movepass sync --store DEVICE --source THIS-FOLDER

This folder is kept by `movepass export-bundle`, which removes from metadata/ and targets/ what is no longer needed.
"""
_HELD_MOST_BYTES = 64 << 20
"""How much of a stick's lists is read to fetch only new data; the rest is fetched whole."""
_FIRST_ROOT = document_name("root", 1)
_NAMED = ("snapshot", "targets", roles.STATUS)
"""The roles whose file name has a version that the timestamp leads to."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The result of an export.

    Attributes:
        source: the name of the source.
        folder: the folder of the bundle.
        published: the signed time of the bundle's publication, seconds since 1970 UTC.
        expires: until when devices will take it over.
        requests: the number of files requested.
        received: the bytes received.
        written: the bytes written; unchanged files are not written.
        size: the bytes of the whole bundle.
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
        """Return the object that `export-bundle --json` shows."""
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
    """A source that keeps the documents it has returned."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self.documents: dict[str, bytes] = {}

    def download_bytes(self, url: str, max_length: int) -> bytes:
        data = self.documents[url] = super().download_bytes(url, max_length)
        return data


def export(name: str, folder: Path, *, ca: Path | None = None, progress: Progress | None = None) -> Exported:
    """Create or update a bundle; files that it already holds are neither fetched nor written again.

    Args:
        name: the source, an address or a folder.
        folder: the folder for the bundle.
        ca: a file of CA certificates to trust besides the system's.
        progress: called with the progress of downloads.

    Raises:
        SyncError: the source can't be reached, or offers something that no device would take.
        BundleError: the folder holds something else or a newer bundle, or can't be written to.
    """
    if resolve(name) == str(folder.absolute()):
        raise BundleError(f"{folder} is the source itself; a bundle is a folder of its own")
    try:
        with Folder.open(folder, make=True) as there:
            _mark(there)
            _list_files(there)  # before anything is read or written: a hostile stick is refused completely
            with _Recorded(name, ca=ca, progress=progress) as source, tempfile.TemporaryDirectory() as work:
                new = _fetch(source, there, Path(work))
            content = _content(new, source.documents)
            written = _write(there, content)
            _remove_others(there, content)
    except files.UnfitFileError as e:
        raise BundleError(
            f"{e.filename}: {e.strerror}. No export leaves a stick like this: empty it, or take another one"
        ) from e
    except OSError as e:
        raise BundleError(
            f"can't write to {e.filename or folder}: {e.strerror}; a bundle that was there is still whole"
        ) from e
    expires = min(int(Metadata[Any].from_bytes(data).signed.expires.timestamp()) for data in new.metadata.values())
    size = sum(map(len, content.values()))
    return Exported(source.name, folder, new.published or 0, expires, source.requests, source.received, written, size)


def _mark(folder: Folder) -> None:
    """Check that the folder is a bundle's, so that no repository is ever cleaned up by mistake."""
    held = set(folder.names())
    if MARK not in held:
        if held & {layout.METADATA_FOLDER, layout.TARGETS_FOLDER}:
            raise BundleError(f"{folder.path} holds a repository that is no bundle (it lacks {MARK}); name another")
        folder.write_whole(MARK, _MARK_TEXT)


def _fetch(source: _Recorded, folder: Folder, work: Path) -> Held:
    try:
        root = source.download_bytes(_FIRST_ROOT, offer.DOCUMENT_MAX_BYTES)
        offer.check_root(root)
        before = _read(folder, _FIRST_ROOT)
        if before not in (None, root):
            raise BundleError(f"{folder.path} holds the bundle of another authority; name another folder")
        with Partials(work) as partials:
            return offer.fetch(_read_held(folder, root), source, work, partials)
    except tuf_errors.BadVersionNumberError as e:
        raise BundleError(f"{source.name} is behind what {folder.path} holds already ({e})") from e
    except FAILED as e:
        raise SyncError(f"{source.name}: {in_words(e)}") from e


def _read_held(folder: Folder, root: bytes) -> Held:
    """Read the parts of a bundle that exist; the client trusts none of them unchecked."""
    metadata, documents, logs, left = {"root": root}, {}, {}, _HELD_MOST_BYTES
    with suppress(_MissingError, AttributeError, KeyError, tuf_errors.RepositoryError):
        metadata["timestamp"] = _require(folder, TIMESTAMP)
        timestamp = Metadata[Any].from_bytes(metadata["timestamp"]).signed
        metadata["snapshot"] = _version(folder, "snapshot", timestamp.snapshot_meta.version)
        named = Metadata[Any].from_bytes(metadata["snapshot"]).signed.meta
        for role in _NAMED[1:]:
            metadata[role] = _version(folder, role, named[f"{role}.json"].version)
            for path, target in Metadata[Any].from_bytes(metadata[role]).signed.targets.items():
                name = target_file(target)
                data = _read(folder, name, left) if layout.plain_target(name) else None
                left -= len(data or b"")
                day = layout.log_day(path)
                if data is not None and day is not None:
                    logs[day] = data
                elif data is not None:
                    documents[KEYS if path == layout.KEYS_TARGET else DENIED] = data
    return Held(0, (), None, metadata, documents, logs)


def _content(new: Held, fetched: dict[str, bytes]) -> dict[str, bytes]:
    """Return every file of a bundle by name, the timestamp last."""
    content = {name: data for name, data in fetched.items() if layout.document_version(name, "root")}
    parsed: dict[str, Any] = {role: Metadata[Any].from_bytes(new.metadata[role]).signed for role in _NAMED}
    for role, document in parsed.items():
        content[document_name(role, document.version)] = new.metadata[role]
    for path, target in (parsed["targets"].targets | parsed[roles.STATUS].targets).items():
        day = layout.log_day(path)
        if day is not None:
            content[target_file(target)] = new.logs[day]
        elif path in (layout.KEYS_TARGET, roles.DENIED_TARGET):
            content[target_file(target)] = new.documents[KEYS if path == layout.KEYS_TARGET else DENIED]
    return content | {TIMESTAMP: new.metadata["timestamp"]}


def _write(folder: Folder, content: dict[str, bytes]) -> int:
    """Write the missing files, and return the number of bytes written."""
    written = 0
    for name, data in content.items():
        if _read(folder, name, len(data)) != data:
            with _inside(folder, name, make=True) as (part, last):
                part.write_whole(last, data)
            written += len(data)
    return written


def _remove_others(folder: Folder, content: dict[str, bytes]) -> None:
    """Remove files that the bundle no longer names, and leftovers of an interrupted export."""
    for name in _list_files(folder):
        if name not in content:
            with _inside(folder, name) as (part, last):
                part.remove(last)


def _list_files(folder: Folder) -> list[str]:
    """List the files in a bundle's folders.

    Raises:
        UnfitFileError: a file is a link, a pipe or a device.
    """
    found = []
    for path in (layout.METADATA_FOLDER, layout.TARGETS_FOLDER, layout.STATUS_FOLDER):
        with suppress(FileNotFoundError), _inside(folder, f"{path}/") as (part, _):
            found += [f"{path}/{name}" for name in part.files()]
    return found


@contextmanager
def _inside(folder: Folder, name: str, *, make: bool = False) -> Iterator[tuple[Folder, str]]:
    """Open the folder of a file inside the bundle, and yield it with the file's name in it."""
    first, _, rest = name.partition("/")
    with folder.folder(first, make=make) as part:
        if "/" not in rest:
            yield part, rest
            return
        with _inside(part, rest, make=make) as found:
            yield found


def _read(folder: Folder, name: str, most: int = offer.DOCUMENT_MAX_BYTES) -> bytes | None:
    """Read a file of the bundle; None if it is missing or too large."""
    try:
        with _inside(folder, name) as (part, last):
            return part.read(last, most)
    except FileNotFoundError:
        return None
    except files.UnfitFileError as e:
        if e.errno == errno.EFBIG:
            return None
        raise


def _version(folder: Folder, role: str, version: int) -> bytes:
    name = document_name(role, version)
    if layout.document_version(name, role) is None:  # only the stick says so; no signature is checked yet
        raise _MissingError
    return _require(folder, name)


def _require(folder: Folder, name: str) -> bytes:
    data = _read(folder, name)
    if data is None:
        raise _MissingError
    return data


class _MissingError(Exception):
    """A bundle lacks a document, so that the documents it leads to are unknown too."""
