"""sync.json: repositories as files, and what a device takes over of them."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from make_vectors.common import DAY, PUBLISHED, TIME_LIMIT, Vector, vector
from make_vectors.key_documents import DENIED, NOBODY, keys_of, latin
from make_vectors.keys import DENIED_KEY, A, Key
from make_vectors.statuslog import log

Signed = dict[str, Any]
Edit = Callable[[Signed], object]
Files = dict[str, bytes]

ROOT_KEYS = tuple(Key(f"root custodian {at}") for at in (1, 2, 3))
TARGETS_KEYS = tuple(Key(f"targets custodian {at}") for at in (1, 2, 3))
ONLINE, OTHER_ONLINE, THIEF = Key("online"), Key("another online key"), Key("a thief's")
HOURS = {"root": 730 * 24, "targets": 365 * 24, "status": 72, "snapshot": 72, "timestamp": 48}
LATER = PUBLISHED + 3600


def canonical(value: object) -> str:
    """Write what a signature is over."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return f"[{','.join(map(canonical, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{canonical(name)}:{canonical(value[name])}' for name in sorted(value))}}}"
    return json.dumps(value)


def role_key(key: Key) -> Signed:
    pem = key.ec.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return {"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": {"public": pem}}


def key_id(key: Key) -> str:
    return sha256(canonical(role_key(key)).encode()).hexdigest()


def role(keys: Iterable[Key], threshold: int) -> Signed:
    return {"keyids": [key_id(key) for key in keys], "threshold": threshold}


def described(data: bytes) -> Signed:
    return {"length": len(data), "hashes": {"sha256": sha256(data).hexdigest()}}


@dataclass(frozen=True)
class Publication:
    """One publication, and how it differs from an honest one.

    Attributes:
        version: of status, snapshot and timestamp.
        at: when it was published.
        root, targets: their versions.
        online: the key of the roles online.
        keys, denied: the key documents.
        logs: by name.
        edits: change a role's document before it is signed.
        signers: sign in place of a role's own.
    """

    version: int = 1
    at: int = PUBLISHED
    root: int = 1
    targets: int = 1
    online: Key = ONLINE
    keys: str = field(default_factory=lambda: latin(keys_of(A.jwk(), DENIED_KEY.jwk())))
    denied: str = NOBODY
    logs: Mapping[str, bytes] = field(
        default_factory=lambda: {f"status/{day}.log": log(day, [7, 9]) for day in (DAY, DAY + 1)}
    )
    edits: Mapping[str, Edit] = field(default_factory=dict)
    signers: Mapping[str, Sequence[Key]] = field(default_factory=dict)

    def files(self) -> Files:
        files: Files = {}
        for version in range(1, self.root + 1):
            online = self.online if version == self.root else ONLINE
            last = version == self.root
            files[f"metadata/{version}.root.json"] = self._root(version, online, edited=last)
        keys = self.keys.encode("latin-1")
        files[_named("keys.jwks.json", keys)] = keys
        files[f"metadata/{self.targets}.targets.json"] = targets = self._sign("targets", self._targets(keys))
        status_files = {"status/denied-keys.json": self.denied.encode("latin-1"), **self.logs}
        files |= {_named(name, data): data for name, data in status_files.items()}
        status = self._sign("status", self._document("targets", "status", self.version, targets=_targets(status_files)))
        files[f"metadata/{self.version}.status.json"] = status
        meta = {
            "targets.json": {"version": self.targets, **described(targets)},
            "status.json": {"version": self.version, **described(status)},
        }
        snapshot = self._sign("snapshot", self._document("snapshot", "snapshot", self.version, meta=meta))
        files[f"metadata/{self.version}.snapshot.json"] = snapshot
        meta = {"snapshot.json": {"version": self.version, **described(snapshot)}}
        more = {"meta": meta, "x-movepass-published": self.at}
        files["metadata/timestamp.json"] = self._sign(
            "timestamp", self._document("timestamp", "timestamp", self.version, **more)
        )
        return files

    def _document(self, kind: str, name: str, version: int, **more: object) -> Signed:
        expires = datetime.fromtimestamp(self.at + HOURS[name] * 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"_type": kind, "spec_version": "1.0.31", "version": version, "expires": expires, **more}

    def _root(self, version: int, online: Key, *, edited: bool) -> bytes:
        keys = {key_id(key): role_key(key) for key in (*ROOT_KEYS, *TARGETS_KEYS, online)}
        roles = {
            "root": role(ROOT_KEYS, 2),
            "targets": role(TARGETS_KEYS, 2),
            **dict.fromkeys(("snapshot", "timestamp"), role([online], 1)),
        }
        signed = self._document("root", "root", version, consistent_snapshot=True, keys=keys, roles=roles)
        return self._sign("root", signed) if edited and version > 1 else _written(signed, ROOT_KEYS[:2])

    def _targets(self, keys: bytes) -> Signed:
        delegated = {"name": "status", "paths": ["status/*"], "terminating": True, **role([self.online], 1)}
        delegations = {"keys": {key_id(self.online): role_key(self.online)}, "roles": [delegated]}
        targets = _targets({"keys.jwks.json": keys})
        return self._document("targets", "targets", self.targets, targets=targets, delegations=delegations)

    def _sign(self, name: str, signed: Signed) -> bytes:
        if name in self.edits:
            self.edits[name](signed)
        usual = {"root": ROOT_KEYS[:2], "targets": TARGETS_KEYS[:2]}.get(name, (self.online,))
        return _written(signed, self.signers.get(name, usual))


def _written(signed: Signed, signers: Iterable[Key]) -> bytes:
    message = canonical(signed).encode()
    rule = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    signatures = [{"keyid": key_id(key), "sig": key.ec.sign(message, rule).hex()} for key in signers]
    return json.dumps({"signatures": signatures, "signed": signed}, separators=(",", ":")).encode()


def _named(name: str, data: bytes) -> str:
    folder, slash, base = name.rpartition("/")
    return f"targets/{folder}{slash}{sha256(data).hexdigest()}.{base}"


def _targets(files: Mapping[str, bytes]) -> Signed:
    generation = {name: {"custom": {"generation": int.from_bytes(d[6:8], "big")}} for name, d in files.items()}
    return {name: described(data) | (generation[name] if name.endswith(".log") else {}) for name, data in files.items()}


def plain_name(path: str) -> str:
    """Return a file's name in a pack: a target's is without its hash."""
    return re.sub(r"^targets/((?:.*/)?)[0-9a-f]{64}\.", r"\1", path)


FIRST = Publication()
GROWN = {**FIRST.logs, f"status/{DAY}.log": log(DAY, [7, 9], [1, 400_000]), f"status/{DAY + 2}.log": log(DAY + 2)}
SECOND = Publication(version=2, at=LATER, denied=latin({"denied": [DENIED]}), logs=GROWN)
FILES = {"first": FIRST.files(), "second": SECOND.files()}


def repositories() -> dict[str, Any]:
    return {name: {path: data.decode("latin-1") for path, data in files.items()} for name, files in FILES.items()}


def case(
    name: str,
    why: str,
    offered: Publication | Files,
    expect: Publication | dict[str, Any] | str,
    *,
    held: str | None = "first",
    now: int = LATER + 60,
) -> Vector:
    files = offered.files() if isinstance(offered, Publication) else offered
    base = "second"
    changed: dict[str, str | None] = {
        path: data.decode("latin-1") for path, data in files.items() if FILES[base].get(path) != data
    }
    changed |= dict.fromkeys(FILES[base].keys() - files.keys())
    given = {
        "root": "first",
        "held": held,
        "held_at": {"first": PUBLISHED, "second": LATER}.get(held or ""),
        "repository": base,
        "changed": dict(sorted(changed.items())),
        "now": now,
    }
    said = {"refused": expect} if isinstance(expect, str) else expect
    return vector(name, why, "sync", given, taken(said) if isinstance(said, Publication) else said)


def taken(publication: Publication) -> dict[str, Any]:
    """Describe the content of a device afterwards."""
    wanted = {"keys.jwks.json": publication.keys.encode("latin-1"), **publication.logs}
    wanted["status/denied-keys.json"] = publication.denied.encode("latin-1")
    held = {name: sha256(data).hexdigest() for name, data in sorted(wanted.items()) if _is_held(name)}
    return {"published": publication.at, "files": held}


def _is_held(name: str) -> bool:
    return re.fullmatch(r"keys\.jwks\.json|status/denied-keys\.json|status/(0|[1-9][0-9]{0,4})\.log", name) is not None


def sync_vectors() -> list[Vector]:
    return [*taken_over(), *behind(), *expired(), *unsigned(), *unlike_what_was_signed(), *left_out(), *roots()]


def edited(name: str, edit: Edit, **changes: Any) -> Publication:
    return replace(SECOND, edits={name: edit}, **changes)


def setting(member: str, value: object) -> Edit:
    return lambda signed: signed.update({member: value})


def taken_over() -> Iterable[Vector]:
    yield case("newer", "a newer publication", SECOND, SECOND)
    yield case("fresh", "a device that has never synced", SECOND, SECOND, held=None)
    yield case("unchanged", "nothing newer", SECOND, SECOND, held="second")
    compacted = {**GROWN, f"status/{DAY}.log": log(DAY, [1, 7, 9, 400_000], generation=1)}
    yield case("compacted", "a log of another generation", p := replace(SECOND, version=3, logs=compacted), p)
    yield from rewritten()
    fewer = {name: data for name, data in GROWN.items() if f"{DAY + 1}" not in name}
    yield case("log-gone", "a day that is no longer named", p := replace(SECOND, logs=fewer), p)
    yield case("no-logs", "no day is named", p := replace(SECOND, logs={}), p)
    odd = {**GROWN, "status/notes.txt": b"x", f"status/0{DAY}.log": log(DAY), "status/123456.log": b"x"}
    odd["status/decisions.head"] = b"movepass-decisions/x\n"
    yield case("other-names", "names that are no log's are ignored", p := replace(SECOND, logs=odd), p)
    yield case("later-member", "a member of a later version", edited("status", setting("later", [1])), SECOND)
    yield case("published-0", "the least time of publication", edited("timestamp", published(0)), replace(SECOND, at=0))
    most = TIME_LIMIT - 1
    last = replace(SECOND, at=most)
    yield case("published-most", "the greatest time of publication", edited("timestamp", published(most)), last)
    yield case(
        "all-signatures",
        "signed by all three",
        replace(SECOND, signers={"targets": TARGETS_KEYS}, targets=2),
        replace(SECOND, targets=2),
    )


def rewritten() -> Iterable[Vector]:
    """A log of the next generation, and what its target says of the one before; both devices that rewrite take it."""
    name, last = f"status/{DAY}.log", log(DAY, [7, 9], [1])
    first = log(DAY, [1, 7, 9], generation=1)
    logs = {**GROWN, name: log(DAY, [1, 7, 9], [400_000], generation=1)}
    before = {"length": len(last), "sha256": sha256(last).hexdigest()}
    honest = {"rewritten": len(first), "before": [before]}
    for case_name, why, said in (
        ("", "a log whose beginning the device can write by itself", honest),
        ("-other-bytes", "as many first bytes as there are not", honest | {"rewritten": len(first) + 1}),
        ("-other-file", "an earlier file that is not there", honest | {"before": [before | {"sha256": "0" * 64}]}),
        ("-long", "an earlier file that is shorter", honest | {"before": [before | {"length": 1 << 27}]}),
        ("-null", "members that say nothing", {"rewritten": None, "before": None}),
        ("-odd", "members that are nothing of ours", {"rewritten": [9], "before": [{"length": "9"}, 7]}),
    ):  # fmt: skip

        def edit(signed: Signed, said: Signed = said) -> None:
            signed["targets"][name]["custom"].update(said)

        publication = replace(SECOND, version=3, logs=logs, edits={"status": edit})
        files = publication.files() | {_named(name, last): last}
        yield case(f"rewritten{case_name}", why, files, taken(publication))


def published(value: object) -> Edit:
    return setting("x-movepass-published", value)


def behind() -> Iterable[Vector]:
    yield case("older", "an older publication as a whole", FIRST, "behind", held="second")
    old = {**FILES["second"], "metadata/timestamp.json": FILES["first"]["metadata/timestamp.json"]}
    yield case("older-timestamp", "an older timestamp", old, "behind", held="second")
    yield case(
        "older-status", "an older status in a newer snapshot",
        replace(SECOND, version=3, edits={"snapshot": lambda s: s["meta"]["status.json"].update(version=1)}),
        "behind", held="second",
    )  # fmt: skip


def expired() -> Iterable[Vector]:
    end = LATER + 48 * 3600
    yield case("last-second", "the timestamp's last second", SECOND, SECOND, now=end - 1)
    yield case("expired", "the timestamp has expired from that second on", SECOND, "refused", now=end)
    ended = datetime.fromtimestamp(LATER, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name in ("status", "snapshot"):
        yield case(f"expired-{name}", f"{name} has expired", edited(name, setting("expires", ended)), "refused")
    old = edited("targets", setting("expires", ended), targets=2)
    yield case("expired-targets", "targets have expired", old, "refused")


def unsigned() -> Iterable[Vector]:
    for name in ("timestamp", "snapshot", "status"):
        stolen = replace(SECOND, signers={name: [THIEF]})
        yield case(f"unsigned-{name}", f"{name} signed by a stranger", stolen, "refused")
        nobody = replace(SECOND, signers={name: []})
        yield case(f"unsigned-{name}-none", f"{name} signed by nobody", nobody, "refused")
    for name, signers in (
        ("one", TARGETS_KEYS[:1]), ("online", [ONLINE]), ("root", ROOT_KEYS),
        ("one-and-thief", [TARGETS_KEYS[0], THIEF]),
    ):  # fmt: skip
        few = replace(SECOND, signers={"targets": signers}, targets=2)
        yield case(f"targets-{name}", "targets that too few of its custodians signed", few, "refused")
    twice = edited("targets", twice_delegated, targets=2)
    yield case("key-twice", "one public key under two ids", twice, "refused")


def twice_delegated(signed: Signed) -> None:
    signed["delegations"]["keys"]["0" * 64] = role_key(ONLINE)


def changed(path: str, data: bytes) -> Files:
    assert path in FILES["second"]
    return {**FILES["second"], path: data}


def unlike_what_was_signed() -> Iterable[Vector]:
    for what, name, data in (
        ("keys", "keys.jwks.json", SECOND.keys.encode("latin-1")),
        ("denied", "status/denied-keys.json", SECOND.denied.encode("latin-1")),
        ("log", f"status/{DAY}.log", SECOND.logs[f"status/{DAY}.log"]),
    ):
        path = _named(name, data)
        fresh = None if what == "keys" else "first"
        yield case(f"{what}-changed", "another byte", changed(path, flipped(data)), "refused", held=fresh)
        yield case(f"{what}-longer", "a byte more", changed(path, data + b" "), "refused", held=fresh)
    for name in ("snapshot", "status"):
        path = f"metadata/2.{name}.json"
        yield case(f"{name}-changed", "another byte", changed(path, flipped(FILES["second"][path])), "refused")
    wrong = {**GROWN, f"status/{DAY}.log": log(DAY + 1, [7])}
    yield case("log-other-day", "a log that is of another day", replace(SECOND, logs=wrong), "refused")
    broken = {**GROWN, f"status/{DAY}.log": log(DAY, [7], [7])}
    yield case("log-unreadable", "a log that breaks a rule", replace(SECOND, logs=broken), "refused")
    target = f"status/{DAY}.log"
    for name, custom in (
        ("other", {"generation": 1}), ("none", {}), ("null", {"generation": None}), ("true", {"generation": True}),
        ("text", {"generation": "0"}),
    ):  # fmt: skip
        logs = {**GROWN, target: log(DAY, [7], generation=1)} if name == "true" else GROWN

        def generation(signed: Signed, custom: Signed = custom) -> None:
            signed["targets"][target]["custom"] = custom

        yield case(
            f"generation-{name}",
            "a generation that is not the log's",
            edited("status", generation, logs=logs),
            "refused",
        )
    for name, value in (
        ("null", None), ("text", "1795314600"), ("negative", -1), ("over", TIME_LIMIT), ("true", True),
    ):  # fmt: skip
        yield case(f"published-{name}", "no time of publication", edited("timestamp", published(value)), "refused")
    yield case(
        "keys-null",
        "a revocation of null",
        replace(SECOND, keys=latin(keys_of(A.jwk() | {"revoked": None})), targets=2),
        "refused",
    )
    yield case("denied-bad", "denied keys that can't be read", replace(SECOND, denied='{"denied":[{}]}'), "refused")


def flipped(data: bytes) -> bytes:
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


def without(member: str) -> Edit:
    return lambda signed: signed.pop(member)


def left_out() -> Iterable[Vector]:
    yield case(
        "no-published", "no time of publication", edited("timestamp", without("x-movepass-published")), "refused"
    )
    no_denied = edited("status", lambda signed: signed["targets"].pop("status/denied-keys.json"))
    yield case("no-denied", "denied keys that nothing names", no_denied, "refused")
    no_keys = edited("targets", lambda signed: signed["targets"].clear(), targets=2)
    yield case("no-keys", "pass keys that nothing names", no_keys, "refused")
    for name in ("targets", "status"):
        edit: Edit = lambda signed, name=name: signed["meta"].pop(f"{name}.json")  # type: ignore[misc] # noqa: E731
        yield case(
            f"snapshot-without-{name}", f"a snapshot that leaves {name} out", edited("snapshot", edit), "refused"
        )
    for what, path in (("timestamp", "timestamp"), ("snapshot", "2.snapshot"), ("status", "2.status")):
        files = {name: data for name, data in FILES["second"].items() if name != f"metadata/{path}.json"}
        yield case(f"missing-{what}", "a file is not there", files, "unreachable")
    gone = _named(f"status/{DAY}.log", GROWN[f"status/{DAY}.log"])
    files = {name: data for name, data in FILES["second"].items() if name != gone}
    yield case("missing-log", "a log is not there", files, "unreachable")


def roots() -> Iterable[Vector]:
    second = replace(SECOND, root=2, targets=2, online=OTHER_ONLINE)
    yield case("root-2", "a new root with another online key", second, second)
    for name, signers in (("one", ROOT_KEYS[:1]), ("targets", TARGETS_KEYS), ("online", [ONLINE]), ("thief", [THIEF])):
        few = replace(second, signers={"root": signers})
        yield case(f"root-2-{name}", "a root that too few custodians signed", few, "refused")
    for name, version in (("skipped", 3), ("again", 1)):
        files = replace(second, edits={"root": setting("version", version)}).files()
        yield case(f"root-2-{name}", f"a root of version {version} in the place of version 2", files, "refused")
    old = replace(second, edits={"root": setting("expires", "2020-01-01T00:00:00Z")})
    yield case("root-2-expired", "the last root has expired", old, "refused")
    stolen = replace(second, online=OTHER_ONLINE, signers={"timestamp": [ONLINE]})
    yield case("root-2-old-key", "the old online key after a new root", stolen, "refused")
