"""The target offer: what a server may offer to a device that syncs, TUF's documents and lists.

An input says what to change in an honest publication, and not what it is changed into, so that it means the same under
other keys and at another time:

    byte 0    which file
    byte 1    how: bytes are changed, or values, as anybody can; values, which the role's own keys then sign; or values,
              signatures among them, and the documents above name the file as it came out
    then      four bytes a change: which operation, where (two bytes), and with what
"""

import atexit
import json
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from attacks.simulator import Lie, Repository
from securesystemslib.exceptions import FormatError
from securesystemslib.formats import encode_canonical
from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Metadata

from fuzz.targets import Check, corpus, hold
from movepass_keys import Signer
from movepass_keys.records import algorithms, layout, roles
from movepass_verifier import Device
from movepass_verifier.store.store import KEYS, Held, Store
from movepass_verifier.sync import offer as offers
from movepass_verifier.sync import sync
from movepass_verifier.sync.scratch import Partials
from movepass_verifier.sync.sources import Source

_ONLINE, _OFFLINE = ("timestamp", "snapshot", "status"), ("targets", "root")
_ROLES = (*_ONLINE, *_OFFLINE)
_NEXT_ROOT = "metadata/2.root.json"
_HEAD_BYTES = 2
_BYTES, _VALUES_UNSIGNED, _VALUES_SIGNED, _WAYS = 0, 1, 2, 4
_BY_ANYBODY = (_BYTES, _VALUES_UNSIGNED)
_CHANGES_MOST = 16
_DEEP = json.loads("[" * 100 + "]" * 100)
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 1 << 31, 1 << 63, 1 << 70, 0.5, 1e308, "", "a", "sha256", "x" * 5000, "\u0000",
    "\ud800", "২০২৬", "../../etc/passwd", "status/20779.log", "status/99999999.log", "2000-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", [], {}, [[]], {"": ""}, {"sha256": "00"}, {"keyids": [], "threshold": 0}, _DEEP,
)  # fmt: skip


class Memory(Source):
    """A source whose files are in memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.name, self.requests, self.received = "memory", 0, 0
        self._progress = None
        self._medium = _Files(files)


class _Files:
    """See Medium."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def open(self, name: str, start: int) -> tuple[int, Generator[bytes]]:
        """See Medium."""
        if name not in self._files:
            raise DownloadHTTPError("not there", 404)
        data = self._files[name]
        return start, (piece for piece in [data[start:]])

    def close(self) -> None:
        """See Medium."""


def offer() -> tuple[Check, Sequence[bytes]]:
    """Mutates anything that a server or the holder of a role's keys may publish."""
    seeds = [
        bytes([file, how, *(value for change in range(changes) for value in (change, file, change * 7, change))])
        for file in range(16)
        for how in range(_WAYS)
        for changes in range(4)
    ]
    return Roadside().check, [*corpus("offer"), *seeds]


class Roadside:
    """A device that has synced from an honest repository, which then publishes once more."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")  # a disk would be most of the time
        self._folder = Path(tempfile.mkdtemp(prefix="movepass-fuzz-", dir=memory if memory.is_dir() else None))
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self.now = int(time.time())
        self.honest = Repository.create(self.now, revoked=[3, 70_000])
        root = self.honest.files["metadata/1.root.json"]
        Device.enroll(self._folder / "device", root=root, sources=["/nowhere"])
        self.store = Store(self._folder / "device")
        with Partials(self.store.folder) as partials:
            sync._take(self.store, Memory(self.honest.files), partials, self.now)
            self.before = self.store.held()
            self.honest.revoke([5])
            self.honest.publish()
            self.after = offers.fetch(self.before, Memory(self.honest.files), self.store.folder, partials)

    def check(self, data: bytes) -> None:
        """See Check."""
        if len(data) < _HEAD_BYTES:
            return
        how = data[1] % _WAYS
        role = _ROLES[data[0] % len(_ROLES)]
        files = _tampered(self.honest, role, data) if how in _BY_ANYBODY else _published(self.honest, role, data)
        try:
            with Partials(self.store.folder) as partials:
                new = offers.fetch(self.before, Memory(files), self.store.folder, partials)
            sync._check_keys(new)
            self._write(new)
        except offers.FAILED:
            return
        if how not in _BY_ANYBODY and role in _OFFLINE:
            return  # custodians may say anything
        hold(new.documents[KEYS] == self.before.documents[KEYS], "other pass keys than the custodians signed")
        hold(all(_said(new, r) == _said(self.before, r) for r in _OFFLINE), "what the custodians did not sign")
        if how in _BY_ANYBODY:
            hold(any(is_same(new, honest) for honest in (self.before, self.after)), "what nobody has published")

    def _write(self, new: Held) -> None:
        """Take over what was fetched, and take that back."""
        try:
            with self.store._writing():
                self.store._write(self.before, new, self.now)
                raise _TakenBackError
        except _TakenBackError:
            pass


class _TakenBackError(Exception):
    """Rolls a transaction back."""


def _said(held: Held, role: str) -> bytes:
    """Return a document as python-tuf reads it, however it is written and whoever else has signed it.

    It takes null for the specification's version as the one it knows, and checks signatures over what it has read: so
    null in the place of that very version changes nothing, and is no forgery.
    """
    signed: bytes = Metadata[Any].from_bytes(held.metadata[role]).signed_bytes
    return signed


def is_same(one: Held, other: Held) -> bool:
    contents = [(held.published, held.documents, held.logs) for held in (one, other)]
    return contents[0] == contents[1] and all(_said(one, role) == _said(other, role) for role in _ROLES)


def _tampered(honest: Repository, role: str, data: bytes) -> dict[str, bytes]:
    """Change a file that a device fetches; the next root is one as well, though there is none."""
    files = dict(honest.files)
    if data[1] % _WAYS == _VALUES_UNSIGNED:
        document = json.loads(files[honest.path(role)])
        _change_values(document["signed"], data)
        files[honest.path(role)] = json.dumps(document).encode()
        return files
    targets = [honest.target_path(name) for name in (layout.KEYS_TARGET, *honest.status)]
    names = [*map(honest.path, _ROLES), *targets, _NEXT_ROOT]
    name = names[data[0] % len(names)]
    files[name] = _changed_bytes(files.get(name) or files["metadata/1.root.json"], data)
    return files


def _changed_bytes(content: bytes, data: bytes) -> bytes:
    changed = bytearray(content)
    for operation, where, value in _changes(data):
        at = where % (len(changed) + 1)
        match operation % 4:
            case 0:
                changed[at : at + 1] = bytes([value])
            case 1:
                changed[at:at] = bytes([value])
            case 2:
                del changed[at : at + 1 + value]
            case _:
                changed[at:at] = changed[value : value + 40]
    return bytes(changed)


def _published(honest: Repository, role: str, data: bytes) -> dict[str, bytes]:
    """Change values of a role's document, and publish that as those would who hold its keys, or those above it."""
    repository = replace(
        honest,
        files=dict(honest.files), status=dict(honest.status), versions=dict(honest.versions), named=dict(honest.named),
    )  # fmt: skip
    signers = {"root": repository.root_custodians[:2], "targets": repository.targets_custodians[:2]}

    def twist(written: bytes) -> bytes:
        document = json.loads(written)
        if data[1] % _WAYS == _VALUES_SIGNED:
            _change_values(document["signed"], data)
            _sign(document, signers.get(role, [repository.online]))
        else:
            _change_values(document, data)
        return json.dumps(document).encode()

    lie = Lie(twist=twist)
    if role == "root":
        repository.sign_root(lie)
    elif role == "targets":
        repository.sign_targets(lie)
    repository.publish({role: lie} if role in _ONLINE else None)
    return repository.files


def _sign(document: dict[str, Any], signers: Sequence[Signer]) -> None:
    """Sign what a document says, as python-tuf would have it signed."""
    try:
        signed = str(encode_canonical(document["signed"])).encode()
    except (FormatError, UnicodeEncodeError):  # that has no canonical form, and keeps the signatures it had
        return
    document["signatures"] = [
        {"keyid": roles.role_key(s).keyid, "sig": algorithms.der_from_raw(s.sign(signed)).hex()} for s in signers
    ]


def _changes(data: bytes) -> list[tuple[int, int, int]]:
    """Read what is to be done: operation, where, and a value."""
    end = min(len(data), _HEAD_BYTES + 4 * _CHANGES_MOST)
    pieces = [data[at : at + 4] for at in range(_HEAD_BYTES, end - 3, 4)]
    return [(piece[0], piece[1] << 8 | piece[2], piece[3]) for piece in pieces]


def _change_values(document: Any, data: bytes) -> None:
    """Change some of all the values in a document."""
    for operation, where, value in _changes(data):
        places = list(_places(document))
        if places:
            _change_value(places, operation, where, value)


def _change_value(places: list[tuple[Any, Any]], operation: int, where: int, value: int) -> None:
    holder, key = places[where % len(places)]
    other, other_key = places[value % len(places)]
    new = deepcopy(_VALUES[value % len(_VALUES)])
    match operation % 6:
        case 0:
            holder[key] = new
        case 1:
            del holder[key]
        case 2:
            holder[key] = deepcopy(other[other_key])
        case 3 if isinstance(holder, dict):
            holder[str(new)[:80]] = deepcopy(holder[key])
        case 4 if isinstance(holder[key], str):
            text, at = holder[key], value % (len(holder[key]) + 1)
            holder[key] = text[:at] + chr(32 + value % 96) + text[at + 1 :]
        case 5 if isinstance(holder[key], int):
            holder[key] += value - 128


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Return every place in a document where a value stands."""
    for key in list(value) if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0):
        yield value, key
        yield from _places(value[key])
