"""Read from a device's store whom its authority lets sign heads and passes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from movepass_keys import KeysError, KeySet
from movepass_keys.records.algorithms import PublicKey, algorithm_of
from movepass_keys.records.layout import is_head_target
from movepass_verifier.errors import StoreError
from movepass_verifier.store.store import Store


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys that a synced device trusts.

    Attributes:
        authority: its name.
        online: the keys that sign lists and heads.
        keys: the keys that sign passes.
        published_heads: SHA-256 of each published head, in hexadecimal, by its target; one for each region's log.
    """

    authority: str
    online: tuple[PublicKey, ...]
    keys: KeySet
    published_heads: Mapping[str, str]


def read_trust(folder: Path) -> Trust:
    """Read it from a store.

    Raises:
        StoreError: there is no store, it is damaged, or it was never synced.
    """
    store = Store(folder)
    try:
        held = store.held()
        with store.reading() as state:
            keys = state.keys
    finally:
        store.close()
    if not {"targets", "status"} <= held.metadata.keys():
        raise StoreError(f"{folder} was never synced: movepass sync --store {folder}")
    targets, status = (json.loads(held.metadata[role])["signed"] for role in ("targets", "status"))
    published = {name: target["hashes"]["sha256"] for name, target in status["targets"].items() if is_head_target(name)}
    return Trust(keys.authority, _online_keys(targets), keys, published)


def _online_keys(targets: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    """Return the keys of the role that signs what is under status/; the custodians' documents name them."""
    delegations = targets["delegations"]
    ids = [keyid for role in delegations["roles"] if role["name"] == "status" for keyid in role["keyids"]]
    found: list[PublicKey] = []
    for keyid in ids:
        try:
            key = load_pem_public_key(delegations["keys"][keyid]["keyval"]["public"].encode())
            algorithm_of(key)
        except (ValueError, UnsupportedAlgorithm, KeysError):  # of a kind that this software does not know
            continue
        found.append(key)  # type: ignore[arg-type] # algorithm_of has checked it
    return tuple(found)
