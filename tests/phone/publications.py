"""Mutated publications: taken over or refused, and if taken, what is held afterwards.

A document is changed before it is signed by those who may, after it, or not signed anew; whatever names it names it as
it came out. So most are refused for what is in them, and not for a hash.
"""

import hashlib
import json
import time
from collections.abc import Generator, Iterator
from copy import copy
from pathlib import Path
from typing import Any

from attacks.simulator import HONEST, Lie, MemorySigner, Repository, log_name
from securesystemslib.exceptions import FormatError
from securesystemslib.formats import encode_canonical
from support.documents import make_targets
from tuf.api import exceptions as tuf_errors

from movepass_keys import KeyDocumentError, KeySet
from movepass_keys.records import algorithms, layout, roles
from movepass_verifier.store.store import DENIED, KEYS, Held
from movepass_verifier.sync import offer
from movepass_verifier.sync.offer import FAILED
from movepass_verifier.sync.scratch import Partials
from movepass_verifier.sync.sources import Source
from movepass_wire import LogError, read_log
from phone.mutate import Mutator, dump

Message = dict[str, Any]
_REFUSED: tuple[type[Exception], ...] = (*FAILED, KeyDocumentError, LogError)
_KINDS = ("root", "targets", "status", "snapshot", "timestamp", "keys", "denied", "log", "file")


class _Medium:
    """Files in memory, as a source reads them."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def open(self, name: str, start: int) -> tuple[int, Generator[bytes]]:
        if name not in self.files:
            raise tuf_errors.DownloadHTTPError(f"{name}: HTTP 404", 404)
        return start, (piece for piece in [self.files[name][start:]])

    def close(self) -> None:
        """Nothing to close."""


def cases(mutator: Mutator, folder: Path) -> Iterator[tuple[Message, Message]]:
    """Make publications without end; the first request has the honest one that the device holds."""
    now = int(time.time())
    honest = Repository.create(now, revoked=[8])
    source, medium = Source(str(folder)), _Medium()
    source._medium = medium
    medium.files = dict(honest.files)
    root = honest.files["metadata/1.root.json"]
    enrolled = Held(0, (), None, {"root": root}, {}, {})
    with Partials(folder) as partials:
        held = offer.fetch(enrolled, source, folder, partials)
        yield {"files": _latin(honest.files), "root": root.decode(), "now": now}, _taken(held)
        while True:
            repository = _publication(mutator, honest)
            medium.files = repository.files
            fresh = mutator.rng.random() < 0.2
            changed = {path: data for path, data in repository.files.items() if honest.files.get(path) != data}
            if any(map(_taken_by_python_alone, changed.values())):
                continue
            gone = [path for path in honest.files if path not in repository.files]
            request = {"changed": _latin(changed), "gone": gone, "fresh": fresh}
            yield request, _sync(enrolled if fresh else held, source, folder, partials)


def _publication(mutator: Mutator, honest: Repository) -> Repository:
    """Publish something newer, with one thing wrong about it."""
    rng = mutator.rng
    repository = copy(honest)
    repository.files, repository.status = dict(honest.files), dict(honest.status)
    repository.versions, repository.named = dict(honest.versions), {k: copy(v) for k, v in honest.named.items()}
    if rng.random() < 0.5:
        repository.revoke([rng.randrange(1000, 2000)])
    kind = rng.choice(_KINDS)
    lie = _lie(mutator, repository, kind)
    if kind == "root":
        repository.sign_root(lie)
    elif kind == "targets":
        repository.sign_targets(lie)
    elif kind == "keys":
        document = dump(mutator.document(json.loads(repository.keys_document)))
        metadata = make_targets(document, repository.online, now=repository.now)
        repository._put("targets", metadata, repository.targets_custodians[:2], HONEST)
        repository.put_target(layout.KEYS_TARGET, document)
    elif kind == "denied":
        withdrawn = [{"kid": "01020304", "at": 5, "reason": "lost"}, {"kid": "0a0b0c0d", "at": 6, "reason": "x"}]
        repository.status[roles.DENIED_TARGET] = dump(mutator.document({"denied": withdrawn}))
    elif kind == "log":
        name = log_name(repository.today + rng.randrange(-1, 5))
        repository.status[name] = mutator.data(repository.status[name])
    repository.publish({kind: lie})
    if kind == "file":
        path = rng.choice(sorted(repository.files))
        repository.files[path] = mutator.data(repository.files[path])
        if rng.random() < 0.2:
            del repository.files[path]
    return repository


def _taken_by_python_alone(data: bytes) -> bool:
    """Tell whether python-tuf takes what the phone, by the letter of TUF's specification, refuses.

    It takes null for the newest spec_version, and anything that Python takes for true for consistent snapshots.
    """
    try:
        signed = json.loads(data)["signed"]
        return signed.get("spec_version", "") is None or not isinstance(signed.get("consistent_snapshot", True), bool)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _lie(mutator: Mutator, repository: Repository, kind: str) -> Lie:
    rng = mutator.rng
    signers = {
        "root": repository.root_custodians[:2],
        "targets": repository.targets_custodians[: rng.choice((1, 2, 2, 3))],
    }.get(kind, [repository.online])

    def twist(data: bytes) -> bytes:
        if rng.random() < 0.2:
            return mutator.data(data)
        document = json.loads(data)
        if rng.random() < 0.2:
            return dump(mutator.document(document))
        document["signed"] = mutator.document(document["signed"])
        return dump(_signed(document, signers))

    return Lie(twist=twist)


def _signed(document: Any, signers: list[MemorySigner] | Any) -> Any:
    """Sign a document as it is; one that has no canonical form keeps the signatures it had."""
    try:
        canonical = encode_canonical(document["signed"])
        message = (canonical or "").encode()
    except (FormatError, UnicodeEncodeError):
        return document
    document["signatures"] = [
        {"keyid": roles.role_key(s).keyid, "sig": algorithms.der_from_raw(s.sign(message)).hex()} for s in signers
    ]
    return document


def _sync(held: Held, source: Source, folder: Path, partials: Partials) -> Message:
    """Sync as a device does, but for the store."""
    try:
        new = offer.fetch(held, source, folder, partials)
        KeySet.from_jwks(new.documents[KEYS]).with_denied(new.documents[DENIED])
        for log in new.logs.values():
            read_log(log)
    except _REFUSED:
        return {"result": "refused"}
    return _taken(new)


def _taken(held: Held) -> Message:
    files = {**held.metadata, "keys.jwks.json": held.documents[KEYS], "status/denied-keys.json": held.documents[DENIED]}
    files |= {log_name(day): log for day, log in held.logs.items()}
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return {"result": "taken", "published": held.published, "files": hashes}


def _latin(files: dict[str, bytes]) -> dict[str, str]:
    return {path: data.decode("latin-1") for path, data in files.items()}
