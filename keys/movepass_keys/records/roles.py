"""Make and sign the documents of the TUF roles.

    root       offline, a threshold of custodians: who holds which role
    targets    offline, a threshold of custodians: keys.jwks.json, and the delegation of status/* to the online keys
    status     online: the status logs, the keys denied at once, and the head of the decision log
    snapshot   online: which versions belong together
    timestamp  online: the newest snapshot, and when it was published

Where several regions publish, each has its own online key, and one signature is enough.

The Update Framework's specification 1.0, https://theupdateframework.github.io/specification/latest/.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import Key, Signature, SSlibKey
from securesystemslib.signer._utils import compute_default_keyid
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

from movepass_keys.records import algorithms, layout
from movepass_keys.signers.signer import Signer
from movepass_wire.limits import TIME_LIMIT
from movepass_wire.payload import ESP256
from movepass_wire.times import DAY_SECONDS

STATUS = "status"
STATUS_PATHS = "status/*"
DENIED_TARGET = "status/denied-keys.json"
PUBLISHED = "x-movepass-published"
"""The field of the timestamp with the time of publication, seconds since 1970 UTC, which decides freshness."""

ROOT_DAYS = 730
TARGETS_DAYS = 365
STATUS_SECONDS = SNAPSHOT_SECONDS = 3 * DAY_SECONDS
TIMESTAMP_SECONDS = 2 * DAY_SECONDS
RESIGN_BEFORE_SECONDS = TIMESTAMP_SECONDS
"""Status and snapshot are signed again when less than this is left, so that a publication holds for 48 h, the time that
a USB stick may travel. Their own longer life is harmless, because the timestamp pins their content."""


def role_key(signer: Signer) -> SSlibKey:
    """Return a signer's public key in the form of TUF."""
    return SSlibKey.from_crypto(signer.public_key)


def make_root(
    holders: Mapping[str, Sequence[Key]], online: Sequence[Key], *,
    thresholds: Mapping[str, int], version: int, expires: datetime,
) -> Metadata[Root]:  # fmt: skip
    """Make a root from the keys of each offline role and the online keys, each of which signs alone."""
    keys: dict[str, Key] = {key.keyid: key for role in (*holders.values(), online) for key in role}
    roles = {name: Role([key.keyid for key in role], thresholds[name]) for name, role in holders.items()}
    roles |= {name: Role([key.keyid for key in online], 1) for name in ("snapshot", "timestamp")}
    return Metadata(Root(version=version, expires=expires, keys=keys, roles=roles, consistent_snapshot=True))


def make_targets(keys_document: bytes, online: Sequence[Key], *, version: int, expires: datetime) -> Metadata[Targets]:
    """Make the custodians' targets: the pass keys, and the delegation of status/* to each of the online keys."""
    role = DelegatedRole(STATUS, [key.keyid for key in online], 1, terminating=True, paths=[STATUS_PATHS])
    target = TargetFile.from_data(layout.KEYS_TARGET, keys_document, ["sha256"])
    delegations = Delegations({key.keyid: key for key in online}, {STATUS: role})
    return Metadata(
        Targets(version=version, expires=expires, targets={layout.KEYS_TARGET: target}, delegations=delegations)
    )


def make_status(targets: Mapping[str, TargetFile], *, now: int, version: int) -> Metadata[Targets]:
    """Make the document of the online role: the status logs and the denied keys."""
    return Metadata(Targets(version=version, expires=_time(now + STATUS_SECONDS), targets=dict(targets)))


def make_snapshot(parts: Mapping[str, MetaFile], *, now: int, version: int) -> Metadata[Snapshot]:
    """Make the snapshot, which says which versions of targets and status belong together."""
    return Metadata(Snapshot(version=version, expires=_time(now + SNAPSHOT_SECONDS), meta=dict(parts)))


def make_timestamp(snapshot: MetaFile, *, now: int, version: int) -> Metadata[Timestamp]:
    """Make the timestamp, which includes the time of publication."""
    return Metadata(
        Timestamp(
            version=version,
            expires=_time(now + TIMESTAMP_SECONDS),
            snapshot_meta=snapshot,
            unrecognized_fields={PUBLISHED: now},
        )
    )


def sign_document(metadata: Metadata[Any], signers: Iterable[Signer]) -> bytes:
    """Sign a document and write it as compact JSON, signatures included."""
    for signer in signers:
        made = signature(metadata, signer)  # metadata.sign would hide the signer's own error
        metadata.signatures[made.keyid] = made
    return document_bytes(metadata)


def document_bytes(metadata: Metadata[Any]) -> bytes:
    """Write a document as compact JSON with the signatures it has."""
    return metadata.to_bytes(JSONSerializer(compact=True))


def signature(metadata: Metadata[Any], signer: Signer) -> Signature:
    """Sign a document and return the signature alone; TUF uses DER for ECDSA."""
    raw = signer.sign(metadata.signed_bytes)
    written = algorithms.der_from_raw(raw) if algorithms.algorithm_of(signer.public_key) == ESP256 else raw
    return Signature(role_key(signer).keyid, written.hex())


def with_signature(metadata: Metadata[Any], key: Key, value: str) -> Metadata[Any] | None:
    """Add a signature to a copy of a document, or return None if it is not a signature of the key."""
    signature = Signature(key.keyid, value)
    signed = Metadata.from_dict(metadata.to_dict())
    signed.signatures[key.keyid] = signature
    return signed if has_signed(signed, key) else None


def has_signed(metadata: Metadata[Any], key: Key) -> bool:
    """Check whether a document carries a valid signature of a key."""
    signature = metadata.signatures.get(key.keyid)
    if signature is None:
        return False
    try:
        key.verify_signature(signature, metadata.signed_bytes)
    except (UnverifiedSignatureError, VerificationError):
        return False
    return True


def keyid_of(key: SSlibKey) -> str:
    """Compute the id that a key must have: the SHA-256 of its canonical form."""
    keyid: str = compute_default_keyid(key.keytype, key.scheme, key.keyval)
    return keyid


def expiry(now: int, days: int) -> datetime:
    """Return the time a number of days ahead."""
    return _time(now + days * DAY_SECONDS)


def published_at(timestamp: Timestamp) -> int | None:
    """Return when a timestamp was published, or None if it does not say or the time is impossible."""
    value = timestamp.unrecognized_fields.get(PUBLISHED)
    seconds = value if isinstance(value, int) and not isinstance(value, bool) else -1
    return seconds if 0 <= seconds < TIME_LIMIT else None


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """Write a JSON document compactly, as it is published."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
