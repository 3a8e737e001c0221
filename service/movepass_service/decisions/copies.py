"""Copies the decision log, and what was issued, for an auditor (docs/spec.md, "Copies for an auditor").

The service may run meanwhile. The ledger is read first, then the log: so every pass in the copies has its leaf in them,
if it has any. Each file appears whole; one of an earlier export is replaced only by one that continues it.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from movepass_issuer.authority.folder import Authority
from movepass_issuer.issuing.ledger import Entry
from movepass_keys import files
from movepass_service.canonical import canonical_json
from movepass_service.errors import ServiceError
from movepass_service.stores.store import Head, Store

LEAVES, RECORDS, ISSUED, HEAD = "decisions/leaves.jsonl", "decisions/records.jsonl", "issued/issued.jsonl", "head"
PATIENCE_SECONDS = 5.0
"""Seconds to wait for the leaves and the checkpoint of passes that are being issued, where a service runs."""
_PAUSE_SECONDS = 0.1
_AWAITED_MAX = 10_000
"""Passes without a leaf that are waited for: more are no pause between two steps of the service."""
_OWNER_ONLY_FOLDER = 0o700
_BUFFER_BYTES = 1 << 20


class ExportError(ServiceError):
    """The copies can't be written there."""

    is_input = True


class RewoundLogError(ServiceError):
    """An earlier export holds leaves that the log no longer has in their place."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The size of an export.

    Attributes:
        leaves: how many leaves.
        records: how many of their records are still kept.
        passes: how many issued passes.
        covered: how many leaves the head covers.
        without_leaf: passes that have no leaf in the log.
    """

    leaves: int
    records: int
    passes: int
    covered: int
    without_leaf: int


@dataclass(slots=True)
class _Passes:
    """The ledger as it was while it was copied.

    Attributes:
        count: passes.
        last_leaf: the highest position of one's leaf, or -1.
        lacking: (day, index) of the first that had no leaf.
        lacked: how many had none.
    """

    count: int
    last_leaf: int
    lacking: list[tuple[int, int]]
    lacked: int


def export(store: Store, authority: Authority, to: Path, *, patience: float) -> Exported:
    """Copy the log, the records that are still kept, the ledger's passes and the newest head into a folder.

    Args:
        store: the service's.
        authority: whose ledger it is.
        to: a new or empty folder, or that of an earlier export.
        patience: seconds to wait for passes that are being issued.

    Raises:
        ExportError: the folder can't be used, or there is no head yet.
        RewoundLogError: the earlier export there is not the beginning of the log. Nothing is replaced.
        StoreError, LedgerError: the service or the ledger can't be read.
    """
    try:
        with _folder(to) as room, ExitStack() as files_left:
            new = {name: files_left.enter_context(_new_file(room / name)) for name in (LEAVES, RECORDS, ISSUED, HEAD)}
            passes = _copy_passes(store, authority, new[ISSUED].out)
            head, end = _choose_head(store, passes, patience)
            leaves = _copy_leaves(store, end, new[LEAVES].out, room / LEAVES)
            records = _copy_records(store, end, new[RECORDS].out)
            new[HEAD].out.write(head.note.encode())
            for one in new.values():  # in this order: a head never covers more than the leaves beside it
                one.keep()
    except OSError as e:
        raise ExportError(f"can't write the copies to {e.filename or to}: {e.strerror or e}") from e
    return Exported(leaves, records, passes.count, head.size, passes.lacked)


def _copy_passes(store: Store, authority: Authority, out: BinaryIO) -> _Passes:
    seen = _Passes(0, -1, [], 0)
    with authority.ledgers() as ledgers:
        for ledger in ledgers.values():
            for entries in ledger.issued():
                out.write("".join(map(_issued_line, entries)).encode())
                _look_for_leaves(store, entries, seen)
    return seen


def _look_for_leaves(store: Store, entries: Sequence[Entry], seen: _Passes) -> None:
    places = [(entry.day, entry.index) for entry in entries]
    leaves = store.issuance_leaves(places)
    lacking = [place for place in places if place not in leaves]
    seen.count += len(places)
    seen.last_leaf = max(seen.last_leaf, *leaves.values(), -1)
    seen.lacked += len(lacking)
    seen.lacking += lacking[: _AWAITED_MAX - len(seen.lacking)]


def _choose_head(store: Store, passes: _Passes, patience: float) -> tuple[Head, int]:
    """Wait until a head covers every pass that was copied; return it, and how many leaves to copy.

    Raises:
        ExportError: no head was ever signed.
    """
    end = time.monotonic() + patience
    while True:
        head = store.newest_head()
        if passes.lacked == len(passes.lacking):
            found = store.issuance_leaves(passes.lacking)
            passes.last_leaf = max(passes.last_leaf, *found.values(), -1)
            passes.lacking = [place for place in passes.lacking if place not in found]
            passes.lacked = len(passes.lacking)
        if head is not None and head.size > passes.last_leaf and not passes.lacked:
            return head, head.size
        if time.monotonic() >= end:
            break
        time.sleep(_PAUSE_SECONDS)
    if head is None:
        raise ExportError("no checkpoint of the log has been signed yet: start the service (movepass service run)")
    return head, store.log_size()


def _copy_leaves(store: Store, end: int, out: BinaryIO, earlier: Path) -> int:
    """Copy the leaves, and compare them with those of an earlier export, which must be their beginning."""
    count = 0
    with _reading(earlier) as before:
        for leaf in store.leaves(0, end):
            line = f"{leaf}\n".encode()
            if before and (held := before.read(len(line))) != line[: len(held)]:
                raise RewoundLogError(
                    f"{earlier} is no beginning of this log: leaf {count} is another one there. The log was rewritten, "
                    "or it is another service's. Nothing was replaced; keep that folder, and export into a new one"
                )
            out.write(line)
            count += 1
        if before and before.read(1):
            raise RewoundLogError(
                f"{earlier} has more leaves than the log, which has {count}: the log was rewound, as by restoring the "
                "service from a copy. Nothing was replaced; keep that folder, and export into a new one"
            )
    return count


def _copy_records(store: Store, end: int, out: BinaryIO) -> int:
    count = 0
    for record in store.records(end):
        line = canonical_json({"position": record.position, "salt": record.salt.hex(), "text": record.text})
        out.write(f"{line}\n".encode())
        count += 1
    return count


def _issued_line(entry: Entry) -> str:
    payload = {"payload": sha256(entry.text.encode()).hexdigest()} if entry.text else {}
    told = {"day": entry.day, "index": entry.index, "revoked": entry.revoked_at is not None, **payload}
    return canonical_json(told) + "\n"


@contextmanager
def _folder(to: Path) -> Iterator[Path]:
    """Make the folder, or check that it is an earlier export's, and keep other exports out.

    Raises:
        ExportError: it holds something else, or another export is at work.
    """
    to.mkdir(mode=_OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    descriptor = os.open(to, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise ExportError(f"another export is writing to {to}; wait for it, or name another folder") from e
        own = {HEAD, *(name.partition("/")[0] for name in (LEAVES, ISSUED))}
        others = sorted(path.name for path in to.iterdir() if path.name not in own and not _is_left_over(path))
        if others:
            raise ExportError(f"{to} holds {others[0]!r}, which no export writes; name a new folder")
        for name in (LEAVES, ISSUED):
            (to / name).parent.mkdir(mode=_OWNER_ONLY_FOLDER, exist_ok=True)
        for room in (to, *((to / name).parent for name in (LEAVES, ISSUED))):
            for left in filter(_is_left_over, room.iterdir()):  # of exports that were killed
                left.unlink()
        yield to
    finally:
        os.close(descriptor)


@dataclass(slots=True)
class _NewFile:
    """A file that is being written beside its place."""

    path: Path
    temporary: Path
    out: BinaryIO

    def keep(self) -> None:
        """Make it durable, and put it into its place."""
        self.out.flush()
        os.fsync(self.out.fileno())
        self.temporary.replace(self.path)


@contextmanager
def _new_file(path: Path) -> Iterator[_NewFile]:
    """Open a new file that takes its place once it is kept, and is gone otherwise."""
    temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}{files.TEMPORARY}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, files.OWNER_ONLY)
    with os.fdopen(descriptor, "wb", _BUFFER_BYTES) as out:
        try:
            yield _NewFile(path, temporary, out)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO | None]:
    try:
        file, _ = files.open_regular(path)
    except FileNotFoundError:
        yield None
        return
    with file:
        yield file


def _is_left_over(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(files.TEMPORARY)
