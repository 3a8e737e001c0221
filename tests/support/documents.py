"""Make the documents of the offline roles in one call, for tests that need no ceremony."""

from collections.abc import Iterable

from tuf.api.metadata import Metadata, Root, Targets

from movepass_keys import Signer
from movepass_keys.records import roles


def make_root(
    root: Iterable[Signer], targets: Iterable[Signer], online: Signer, *, threshold: int, now: int
) -> Metadata[Root]:
    """Make a first root: custodians for root and targets, one online key for snapshot and timestamp."""
    holders = {"root": [roles.role_key(s) for s in root], "targets": [roles.role_key(s) for s in targets]}
    return roles.make_root(
        holders, [roles.role_key(online)], thresholds=dict.fromkeys(holders, threshold),
        version=1, expires=roles.expiry(now, roles.ROOT_DAYS),
    )  # fmt: skip


def make_targets(keys_document: bytes, online: Signer, *, now: int, version: int = 1) -> Metadata[Targets]:
    """Make targets that name the pass keys."""
    expires = roles.expiry(now, roles.TARGETS_DAYS)
    return roles.make_targets(keys_document, [roles.role_key(online)], version=version, expires=expires)
