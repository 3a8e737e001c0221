"""Simulate a repository in memory that is signed with real keys and can lie.

It holds what a server would: a dict of path -> bytes. An honest one makes every document as the publisher and the
custodians would; a `Lie` changes one document before or after it is signed, and whatever names that document names
it as it came out. So a lie needs the keys that it would need in life, and no others are used.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from support.documents import make_root, make_targets
from tuf.api.metadata import MetaFile, TargetFile

from movepass_keys import KeySet, PassKey, Signer
from movepass_keys.records import algorithms, generations, layout, roles
from movepass_wire import ESP256, Pass, Place, Trip, encode_block, encode_claims, new_log, seal, to_be_signed
from movepass_wire.times import DAY_SECONDS, day_of

HOUR = 3600
TIMESTAMP = "metadata/timestamp.json"
ONLINE_ROLES = ("status", "snapshot", "timestamp")
_DAYS_AHEAD = 4
_DER_BYTES = 71
"""Half of all P-256 signatures have this length."""


class MemorySigner:
    """A P-256 key that exists nowhere else.

    As TUF writes its signatures (in DER), all are of one length: so documents that say equally much are equally long,
    and no lie is found out by chance because it is longer.
    """

    def __init__(self) -> None:
        self._private_key = algorithms.generate(ESP256)
        self.public_key = self._private_key.public_key()

    def sign(self, message: bytes) -> bytes:
        while True:
            signature = algorithms.sign(self._private_key, message)
            if len(algorithms.der_from_raw(signature)) == _DER_BYTES:
                return signature


@dataclass(frozen=True)
class Lie:
    """The ways in which a document differs from an honest one.

    Attributes:
        version: another version than the next.
        expires: seconds since 1970 UTC.
        signers: other signers than the role's.
        edit: changes the document before it is signed.
        twist: changes its bytes after it is signed.
    """

    version: int | None = None
    expires: int | None = None
    signers: Sequence[Signer] | None = None
    edit: Callable[[Any], None] | None = None
    twist: Callable[[bytes], bytes] | None = None


HONEST = Lie()


@dataclass
class Repository:
    """An authority with three custodians (two must sign), one online key and one pass key.

    Attributes:
        now: the time of everything, seconds since 1970 UTC.
        files: path -> content, as a server holds them.
        status: the status role's targets: name -> content.
    """

    now: int
    name: str = "Test Authority"
    files: dict[str, bytes] = field(default_factory=dict)
    status: dict[str, bytes] = field(default_factory=dict)
    online: Signer = field(default_factory=MemorySigner)
    pass_key: Signer = field(default_factory=MemorySigner)
    root_custodians: list[Signer] = field(default_factory=lambda: [MemorySigner() for _ in range(3)])
    targets_custodians: list[Signer] = field(default_factory=lambda: [MemorySigner() for _ in range(3)])
    versions: dict[str, int] = field(default_factory=dict)
    named: dict[str, MetaFile] = field(default_factory=dict)

    @classmethod
    def create(cls, now: int, *, revoked: Sequence[int] = ()) -> "Repository":
        """Create an authority that has published once, with these indexes of every day revoked."""
        repository = cls(now)
        repository._begin_logs()
        if revoked:
            repository.revoke(revoked)
        repository.status[roles.DENIED_TARGET] = roles.json_bytes({"denied": []})
        repository.sign_root()
        repository.sign_targets()
        repository.publish()
        return repository

    @property
    def today(self) -> int:
        return day_of(self.now)

    def move_on(self, seconds: int) -> None:
        """Advance the time: logs for the new days, new targets; nothing is published yet."""
        self.now += seconds
        self.status = {name: content for name, content in self.status.items() if not name.endswith(".log")}
        self._begin_logs()
        self.sign_targets()

    def _begin_logs(self) -> None:
        for day in range(self.today - 1, self.today + _DAYS_AHEAD + 1):
            self.status[log_name(day)] = new_log(day)

    def revoke(self, indexes: Iterable[int]) -> None:
        """Add indexes to every log, so that it does not matter on which day a pass ends."""
        block = encode_block(indexes)
        self.status |= {name: log + block for name, log in self.status.items() if name.endswith(".log")}

    def sign_root(
        self, lie: Lie = HONEST, *, before: Sequence[Signer] | None = None, put_as: int | None = None
    ) -> None:
        """Make the next root from the current custodians and online key.

        Args:
            lie: about it.
            before: the custodians of the root before it, who sign as well; the same as now without it.
            put_as: the version in its file's name, where it is not its own.
        """
        metadata = make_root(self.root_custodians, self.targets_custodians, self.online, threshold=2, now=self.now)
        signers = [*(before or ())[:2], *self.root_custodians[:2]]
        self._put("root", metadata, signers, lie, put_as)

    def sign_targets(self, lie: Lie = HONEST, *, keys: Iterable[Signer] | None = None) -> None:
        """Make the next targets, which name the pass keys (the existing key without `keys`)."""
        yesterday = (self.today - 1) * DAY_SECONDS
        signers = [self.pass_key] if keys is None else keys
        pass_keys = [PassKey(s.public_key, yesterday, yesterday + 365 * DAY_SECONDS) for s in signers]
        document = roles.json_bytes(KeySet.of(self.name, pass_keys, test=True).to_jwks())
        metadata = make_targets(document, self.online, now=self.now)
        self._put("targets", metadata, self.targets_custodians[:2], lie)
        self.put_target(layout.KEYS_TARGET, document)

    def publish(self, lies: Mapping[str, Lie] | None = None, *, at: int | None = None) -> None:
        """Publish status, snapshot and timestamp, as the holder of the online key does.

        Args:
            lies: by role.
            at: another time of publication than now.
        """
        lies, now = lies or {}, self.now if at is None else at
        targets = {name: self.put_target(name, content) for name, content in self.status.items()}
        online = [self.online]
        self._put("status", roles.make_status(targets, now=now, version=1), online, lies.get("status", HONEST))
        parts = {f"{role}.json": copy(self.named[role]) for role in ("targets", "status")}
        self._put("snapshot", roles.make_snapshot(parts, now=now, version=1), online, lies.get("snapshot", HONEST))
        timestamp = roles.make_timestamp(copy(self.named["snapshot"]), now=now, version=1)
        self._put("timestamp", timestamp, online, lies.get("timestamp", HONEST))

    def path(self, role: str) -> str:
        """Return the path of a role's newest file."""
        return TIMESTAMP if role == "timestamp" else f"metadata/{self.versions[role]}.{role}.json"

    def target_path(self, name: str) -> str:
        """Return the current path of a target."""
        content = self.keys_document if name == layout.KEYS_TARGET else self.status[name]
        return _hash(name, TargetFile.from_data(name, content, ["sha256"]))

    @property
    def keys_document(self) -> bytes:
        targets = json.loads(self.files[self.path("targets")])["signed"]["targets"]
        return self.files[f"targets/{targets[layout.KEYS_TARGET]['hashes']['sha256']}.{layout.KEYS_TARGET}"]

    def put_target(self, name: str, content: bytes) -> TargetFile:
        """Write a target's file to the path that its hash names."""
        target = TargetFile.from_data(name, content, ["sha256"])
        if name.endswith(".log"):
            generation = int.from_bytes(content[6:8], "big")
            target.unrecognized_fields["custom"] = {generations.GENERATION: generation}
        self.files[_hash(name, target)] = content
        return target

    def issue(self, index: int, *, begins: int | None = None, signer: Signer | None = None) -> str:
        """Sign a pass of three hours; without `begins` it is in force since ten minutes."""
        signer = signer or self.pass_key
        begins = self.now - 600 if begins is None else begins
        trip = Trip(
            begins, begins + 3 * HOUR, "Rahima Khatun", 1, "4821", origin=Place(26), destination=Place(33), reason=1
        )
        claims = encode_claims(Pass(index, trip))
        alg, kid = algorithms.algorithm_of(signer.public_key), algorithms.key_id(signer.public_key)
        return seal(alg, kid, claims, signer.sign(to_be_signed(alg, kid, claims)))

    def _put(self, role: str, metadata: Any, signers: Sequence[Signer], lie: Lie, put_as: int | None = None) -> None:
        version = lie.version or self.versions.get(role, 0) + 1
        metadata.signed.version = version
        if lie.expires is not None:
            metadata.signed.expires = datetime.fromtimestamp(lie.expires, UTC)
        if lie.edit:
            lie.edit(metadata.signed)
        data = roles.sign_document(metadata, signers if lie.signers is None else lie.signers)
        if lie.twist:
            data = lie.twist(data)
        self.versions[role] = put_as or version
        self.files[self.path(role)] = data
        self.named[role] = MetaFile.from_data(version, data, ["sha256"])


def log_name(day: int) -> str:
    """Name a day's log as a target."""
    return f"status/{day}.log"


def _hash(name: str, target: TargetFile) -> str:
    folder, slash, base = name.rpartition("/")
    return f"targets/{folder}{slash}{target.hashes['sha256']}.{base}"
