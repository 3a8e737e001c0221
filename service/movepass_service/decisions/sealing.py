"""Signs checkpoints of the decision log, so that no pass is issued whose decision is not in one that is durable.

The tree's frontier is in memory: a checkpoint reads the leaves since the one before it. The store keeps the frontier
with each head, so a start reads no more either.
"""

from hashlib import sha256

from movepass_issuer.authority.folder import Authority
from movepass_keys import KeysError, Signer
from movepass_keys.records.checkpoint import (
    Checkpoint,
    SignedCheckpoint,
    origin_of,
    read_checkpoint,
    sign_checkpoint,
)
from movepass_service.errors import StoreError
from movepass_service.stores.store import Head, Store
from movepass_wire import WireError
from movepass_wire.merkle import Tree, leaf_hash


def origin_for(authority: Authority) -> str:
    """Return the origin of an authority's log: it names the authority by the SHA-256 of the root it began with.

    Raises:
        StoreError: the root can't be read.
    """
    try:
        return origin_of(sha256(authority.root_path.read_bytes()).hexdigest())
    except OSError as e:
        raise StoreError(f"can't read {authority.root_path}: {e.strerror or e}") from e


class Sealer:
    """Signs checkpoints of one store's log. One thread uses it."""

    def __init__(self, store: Store, origin: str) -> None:
        """Continue from the newest head.

        Args:
            store: keeps log and heads.
            origin: whose log it is (origin_for).

        Raises:
            StoreError: the store can't be read, or its newest head is not one that it signed.
        """
        self._store = store
        self._origin = origin
        self._signed: SignedCheckpoint | None = None
        self._tree = Tree()
        head = store.newest_head()
        if head is not None:
            self._signed, self._tree = _resume(head, origin)
        self.covered = self._tree.size
        """Return how many leaves the newest durable head covers."""

    def seal(self, signer: Signer, now: int) -> bool:
        """Sign the log as it is, unless the newest head covers all of it and is signed by this key.

        Args:
            signer: the online key.
            now: seconds since 1970 UTC.

        Returns:
            Whether there is a new head. It is durable.

        Raises:
            StoreError: the store can't be read or written.
            SignerError: the signer failed.
        """
        size = self._store.log_size()
        if size == self.covered and self._is_signed_by(signer):
            return False
        for leaf in self._store.leaves(self._tree.size, size):
            self._tree.append(leaf_hash(leaf.encode()))
        if self._tree.size != size:
            raise StoreError(f"the decision log has {size} leaves, and {self._tree.size} can be read")
        note = sign_checkpoint(Checkpoint(self._origin, size, self._tree.root(), now), signer)
        self._store.add_head(Head(size, note.decode(), self._tree.frontier))
        self._signed, self.covered = read_checkpoint(note), size
        return True

    def _is_signed_by(self, signer: Signer) -> bool:
        return self._signed is not None and self._signed.verified_by([signer.public_key]) is not None


def _resume(head: Head, origin: str) -> tuple[SignedCheckpoint, Tree]:
    try:
        signed, tree = read_checkpoint(head.note.encode()), Tree(head.size, head.frontier)
    except (KeysError, WireError) as e:
        raise StoreError(f"the newest head of the decision log can't be read ({e}); restore the store") from e
    seen = signed.checkpoint
    if (seen.size, seen.root) != (tree.size, tree.root()):
        raise StoreError("the newest head of the decision log does not fit its frontier; restore the store from a copy")
    if seen.origin != origin:
        raise StoreError(f"this is the decision log of another authority: {seen.origin}, not {origin}")
    return signed, tree
