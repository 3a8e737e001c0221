"""Puts this Python implementation behind tests/run_vectors.py; the model for another implementation's adapter.

    python tests/run_vectors.py --command 'python tests/vectors_adapter.py'

It reads one request a line, answers each with one line, and ends when its input ends. tests/vectors/README.md has
the requests and answers.
"""

import json
import sys
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from tuf.api.exceptions import DownloadHTTPError

from movepass_keys import KeyDocumentError, KeySet, PassKey
from movepass_keys.records import algorithms
from movepass_verifier.deciding.lists import Policy, StatusLists
from movepass_verifier.deciding.verify import verify
from movepass_verifier.errors import EnrolmentError
from movepass_verifier.store.store import DENIED, KEYS, Held
from movepass_verifier.sync import offer
from movepass_verifier.sync.enrolment import read_code as read_enrolment
from movepass_verifier.sync.offer import FAILED
from movepass_verifier.sync.scratch import Partials
from movepass_verifier.sync.sources import Source
from movepass_verifier.sync.sync import _failure
from movepass_wire import (
    LogError,
    NotAPassError,
    NumberError,
    Pass,
    PayloadError,
    Place,
    UnsupportedVersionError,
    WireError,
    cbor,
    decode_claims,
    format_number,
    open_text,
    parse_number,
    read_log,
    write_log,
)
from movepass_wire.number import resolve_day

Message = dict[str, Any]
REFUSED: Message = {"refused": True}
_NOT_TAKEN: tuple[type[Exception], ...] = (*FAILED, KeyDocumentError, LogError)


def answer(request: Message) -> Message:
    """Answer one request."""
    return {"id": request["id"], **_KINDS[request["kind"]](request)}


def _payload(request: Message) -> Message:
    """Take a text apart and read its claims, whether the signature holds or not."""
    try:
        envelope = open_text(request["text"])
    except PayloadError as e:
        kind = "malformed"
        if isinstance(e, NotAPassError):
            kind = "not-a-pass"
        elif isinstance(e, UnsupportedVersionError):
            kind = "unsupported-version"
        return {"refused": {"check": e.check, "kind": kind}}
    try:
        pass_ = decode_claims(envelope.claims)
    except WireError:
        return {"refused": {"check": "claims", "kind": "malformed"}}
    return {
        "decoded": {
            "alg": envelope.alg,
            "kid": envelope.kid.hex(),
            "claims": _claims(pass_),
            "signature": envelope.signature.hex(),
        }
    }


def _claims(pass_: Pass) -> Message:
    trip = pass_.trip
    fields = {
        "index": pass_.index,
        "not_before": trip.not_before,
        "not_after": trip.not_after,
        "holder_name": trip.holder_name,
        "id_type": trip.id_type,
        "id_last": trip.id_last,
        "from": _place(trip.origin),
        "to": _place(trip.destination),
        "reason": trip.reason,
        "vehicle": trip.vehicle,
        "driver_name": trip.driver_name,
        "driver_licence_last": trip.driver_licence_last,
        "unknown": {str(key): cbor.encode(value).hex() for key, value in trip.unknown.items()} or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _place(place: Place) -> Message:
    return {"district": place.district} | ({} if place.text is None else {"place": place.text})


def _verify(request: Message) -> Message:
    state = request["state"]
    lists = state["lists"]
    days: dict[int, Any] = {int(day): read_log(bytes.fromhex(log)).revoked for day, log in lists["days"].items()}
    result = verify(
        request["text"],
        keys=KeySet.from_jwks(state["keys"]).with_denied(state["denied"]),
        lists=StatusLists(days, lists["published"], lists["synced_at"]),
        now=request["now"],
        policy=Policy(**request["policy"]),
        last_seen=request["last_seen"],
    ).to_json()
    failed = next((check["name"] for check in result["checks"] if check["state"] == "failed"), None)
    said = ("outcome", "verdict", "pass", "pass_number", "authority")
    return {**{name: result[name] for name in said}, "failed": failed}


def _statuslog_read(request: Message) -> Message:
    try:
        log = read_log(bytes.fromhex(request["log"]))
    except LogError:
        return REFUSED
    return {"day": log.day, "generation": log.generation, "indexes": list(log.revoked)}


def _statuslog_write(request: Message) -> Message:
    try:
        log = write_log(request["day"], request["generation"], request["blocks"])
    except LogError:
        return REFUSED
    return {"log": log.hex()}


def _number_read(request: Message) -> Message:
    try:
        day, index = parse_number(request["text"])
    except NumberError:
        return REFUSED
    return {"day": day, "index": index}


def _number_write(request: Message) -> Message:
    try:
        return {"number": format_number(request["day"], request["index"])}
    except NumberError:
        return REFUSED


def _number_day(request: Message) -> Message:
    return {"day": resolve_day(request["day_in_number"], request["near"])}


def _keys(request: Message) -> Message:
    try:
        keys = KeySet.from_jwks(request["keys"].encode("latin-1")).with_denied(request["denied"].encode("latin-1"))
    except KeyDocumentError:
        return REFUSED
    return {
        "authority": {"name": keys.authority, "test": keys.test},
        "keys": [_key(keys.keys[kid]) for kid in sorted(keys.keys)],
        "denied": [{"kid": kid.hex(), **keys.denied[kid]._asdict()} for kid in sorted(keys.denied)],
    }


def _key(key: PassKey) -> Message:
    return {
        "kid": key.kid.hex(),
        "alg": key.alg,
        "public": algorithms.raw_public(key.public_key).hex(),
        "nbf": key.not_before,
        "exp": key.not_after,
        "revoked": key.revoked._asdict() if key.revoked else None,
    }


def _enrolment(request: Message) -> Message:
    try:
        enrolment = read_enrolment(request["text"])
    except EnrolmentError:
        return REFUSED
    return {"sources": list(enrolment.sources), "root": enrolment.root_sha256}


class _Files:
    """A repository in memory, as a source reads it."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def open(self, name: str, start: int) -> tuple[int, Generator[bytes]]:
        if name not in self._files:
            raise DownloadHTTPError(f"{name}: HTTP 404", 404)
        return start, (piece for piece in [self._files[name].encode("latin-1")[start:]])

    def close(self) -> None:
        """Nothing to close."""


def _sync(request: Message) -> Message:
    """Sync as a device does, from memory and at another time."""
    held = Held(0, (), None, {"root": request["root"].encode("latin-1")}, {}, {})
    with TemporaryDirectory() as folder:
        if request["held"]:
            held = _fetched(held, request["held"]["files"], request["held"]["now"], Path(folder))
        try:
            held = _fetched(held, request["files"], request["now"], Path(folder))
        except _NOT_TAKEN as e:
            return {"refused": _failure("", e).problem.value}
    files = {**held.documents, **{f"status/{day}.log": log for day, log in held.logs.items()}}
    named = {{"keys": "keys.jwks.json", "denied": "status/denied-keys.json"}.get(n, n): d for n, d in files.items()}
    return {"published": held.published, "files": {name: sha256(data).hexdigest() for name, data in named.items()}}


def _fetched(held: Held, files: dict[str, str], now: int, folder: Path) -> Held:
    class At(offer._Updater):
        """One for which documents expire by the request's time."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._trusted_set.reference_time = datetime.fromtimestamp(now, UTC)

    source = Source(str(folder))
    source._medium = _Files(files)
    with Partials(folder) as partials, mock.patch.object(offer, "_Updater", At):
        new = offer.fetch(held, source, folder, partials, packs_at=now)
    KeySet.from_jwks(new.documents[KEYS]).with_denied(new.documents[DENIED])
    for log in new.logs.values():
        read_log(log)
    return new


_KINDS: dict[str, Callable[[Message], Message]] = {
    "payload": _payload,
    "verify": _verify,
    "statuslog-read": _statuslog_read,
    "statuslog-write": _statuslog_write,
    "number-read": _number_read,
    "number-write": _number_write,
    "number-day": _number_day,
    "keys": _keys,
    "enrolment": _enrolment,
    "sync": _sync,
}


def main() -> None:
    """Answer requests until the input ends."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
