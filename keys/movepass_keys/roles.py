"""The roles of the TUF repository, and how their documents are made and signed.

    root       offline, a threshold of custodians: who holds which role
    targets    offline, a threshold of custodians: keys.jwks.json, and the delegation of status/* to the online key
    status     online: the status logs, and the keys denied at once
    snapshot   online: which versions belong together
    timestamp  online: the newest snapshot, and when it was published

The Update Framework's specification 1.0, https://theupdateframework.github.io/specification/latest/.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from securesystemslib.signer import Key, Signature, SSlibKey
from securesystemslib.signer import Signer as RoleSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from movepass_keys import algorithms
from movepass_keys.signers import Signer
from movepass_wire.payload import ESP256
from movepass_wire.times import DAY_SECONDS

STATUS = "status"
STATUS_PATHS = "status/*"
KEYS_TARGET = "keys.jwks.json"
DENIED_TARGET = "status/denied-keys.json"
PUBLISHED = "x-movepass-published"
"""Field of the timestamp: when it was published, seconds since 1970 UTC. Freshness is judged by it."""
GENERATION = "generation"
"""Field of a log's target: its generation, as in the log's own header."""

ROOT_DAYS = 730
TARGETS_DAYS = 365
STATUS_SECONDS = SNAPSHOT_SECONDS = 3 * DAY_SECONDS
TIMESTAMP_SECONDS = 2 * DAY_SECONDS
RESIGN_BEFORE_SECONDS = TIMESTAMP_SECONDS
"""Status and snapshot are signed anew when less than this is left, so whatever is published holds for 48 h: the
time a USB stick may travel. What they say is pinned by the timestamp, so their own longer life gives nothing away."""


class _Custodian(RoleSigner):
    """One of our signers in the role of a TUF signer: TUF writes ECDSA as DER."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._public_key = role_key(signer)

    @property
    def public_key(self) -> Key:
        return self._public_key

    @classmethod
    def from_priv_key_uri(cls, priv_key_uri: str, public_key: Key, secrets_handler: Any = None) -> RoleSigner:
        raise NotImplementedError

    def sign(self, payload: bytes) -> Signature:
        signature = self._signer.sign(payload)
        if algorithms.algorithm_of(self._signer.public_key) == ESP256:
            signature = algorithms.der_from_raw(signature)
        return Signature(self._public_key.keyid, signature.hex())


def role_key(signer: Signer) -> SSlibKey:
    """Give a signer's public key as TUF writes it."""
    return SSlibKey.from_crypto(signer.public_key)


def make_root(
    root: Iterable[Signer], targets: Iterable[Signer], online: Signer, *, threshold: int, now: int
) -> Metadata[Root]:
    """Make the first root: custodians for root and targets, one online key for snapshot and timestamp.

    Args:
        root: the custodians' root keys.
        targets: their targets keys.
        online: the key that publishes.
        threshold: how many custodians must sign, for either role.
        now: seconds since 1970 UTC.
    """
    online_key = role_key(online)
    holders = {"root": [role_key(s) for s in root], "targets": [role_key(s) for s in targets]}
    keys: dict[str, Key] = {key.keyid: key for role in holders.values() for key in role}
    keys[online_key.keyid] = online_key
    roles = {name: Role([key.keyid for key in role], threshold) for name, role in holders.items()}
    roles |= {name: Role([online_key.keyid], 1) for name in ("snapshot", "timestamp")}
    expires = _time(now + ROOT_DAYS * DAY_SECONDS)
    return Metadata(Root(version=1, expires=expires, keys=keys, roles=roles, consistent_snapshot=True))


def make_targets(keys_document: bytes, online: Signer, *, now: int, version: int = 1) -> Metadata[Targets]:
    """Make the custodians' targets: the pass keys, and the delegation of status/* to the online key."""
    online_key = role_key(online)
    role = DelegatedRole(STATUS, [online_key.keyid], 1, terminating=True, paths=[STATUS_PATHS])
    target = TargetFile.from_data(KEYS_TARGET, keys_document)
    return Metadata(
        Targets(
            version=version,
            expires=_time(now + TARGETS_DAYS * DAY_SECONDS),
            targets={KEYS_TARGET: target},
            delegations=Delegations({online_key.keyid: online_key}, {STATUS: role}),
        )
    )


def make_status(targets: Mapping[str, TargetFile], *, now: int, version: int) -> Metadata[Targets]:
    """Make the online role's document: the status logs and the denied keys."""
    return Metadata(Targets(version=version, expires=_time(now + STATUS_SECONDS), targets=dict(targets)))


def make_snapshot(parts: Mapping[str, MetaFile], *, now: int, version: int) -> Metadata[Snapshot]:
    """Make the snapshot: which versions of targets and status belong together."""
    return Metadata(Snapshot(version=version, expires=_time(now + SNAPSHOT_SECONDS), meta=dict(parts)))


def make_timestamp(snapshot: MetaFile, *, now: int, version: int) -> Metadata[Timestamp]:
    """Make the timestamp, with the time of publication in it."""
    return Metadata(
        Timestamp(
            version=version,
            expires=_time(now + TIMESTAMP_SECONDS),
            snapshot_meta=snapshot,
            unrecognized_fields={PUBLISHED: now},
        )
    )


def sign(metadata: Metadata[Any], signers: Iterable[Signer]) -> bytes:
    """Sign a document and write it as compact JSON, signatures included."""
    for signer in signers:
        metadata.sign(_Custodian(signer), append=True)
    return metadata.to_bytes(JSONSerializer(compact=True))


def published_at(timestamp: Timestamp) -> int | None:
    """Give when a timestamp was published, or None where it does not say."""
    value = timestamp.unrecognized_fields.get(PUBLISHED)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """Write a JSON document compactly, as it is published."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
