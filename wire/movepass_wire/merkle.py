"""Hash a list of leaves into a Merkle tree, and prove what it holds (RFC 6962, section 2.1; RFC 9162, section 2.1).

A leaf's hash is SHA-256(0x00 || data), a node's is SHA-256(0x01 || left || right). The left subtree of n leaves holds
the largest power of two that is smaller than n. Everything here works on leaf hashes, read once and in order: a tree
of any size needs at most 64 hashes of memory.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice

from movepass_wire.errors import TreeError

HASH_BYTES = 32
SIZE_LIMIT = 2**63
"""A tree is smaller than this, so that its size fits a signed number of 64 bits."""
EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""

Range = tuple[int, int]
"""Leaves from the first position to before the second."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node above two others."""
    return sha256(b"\1" + left + right).digest()


class Tree:
    """A tree that only grows, kept as the roots of its complete subtrees.

    Attributes:
        size: the number of leaves.
    """

    __slots__ = ("_roots", "size")

    def __init__(self, size: int = 0, frontier: Sequence[bytes] = ()) -> None:
        """Resume a tree from its size and its frontier.

        Raises:
            TreeError: the frontier can't be that of a tree of this size.
        """
        if not 0 <= size < SIZE_LIMIT or len(frontier) != size.bit_count():
            raise TreeError(f"a tree of {size} leaves can't have a frontier of {len(frontier)} hashes")
        if any(len(root) != HASH_BYTES for root in frontier):
            raise TreeError(f"each hash of a frontier must have {HASH_BYTES} bytes")
        self.size = size
        self._roots = list(frontier)

    @property
    def frontier(self) -> tuple[bytes, ...]:
        """Return the roots of the complete subtrees, largest first: one for each bit that is set in the size."""
        return tuple(self._roots)

    def append(self, hashed: bytes) -> None:
        """Add the hash of the next leaf."""
        size, roots = self.size, self._roots
        self.size = size + 1
        while size & 1:
            hashed = sha256(b"\1" + roots.pop() + hashed).digest()
            size >>= 1
        roots.append(hashed)

    def root(self) -> bytes:
        """Return the hash of the whole tree (RFC 6962: MTH)."""
        if not self._roots:
            return EMPTY_ROOT
        *left, root = self._roots
        for subtree in reversed(left):
            root = node_hash(subtree, root)
        return root


def inclusion_proof(leaf_hashes: Iterable[bytes], position: int, size: int) -> list[bytes]:
    """Return the proof that a leaf is in a tree (RFC 6962: PATH).

    Args:
        leaf_hashes: those of the tree, in order; they are read once, and more than `size` are not read.
        position: the leaf's, from 0.
        size: the tree's.

    Raises:
        TreeError: there is no such leaf, or there are fewer leaves than `size`.
    """
    if not 0 <= position < size:
        raise TreeError(f"a tree of {size} leaves has no leaf {position}")
    return _roots_of(leaf_hashes, list(_path(position, 0, size)))


def consistency_proof(leaf_hashes: Iterable[bytes], old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of size `new` begins with the tree of size `old` (RFC 6962: PROOF).

    It is empty if `old` is 0 or the sizes are equal.

    Args:
        leaf_hashes: those of the tree, in order; they are read once, and more than `new` are not read.
        old: the smaller tree's size.
        new: the larger tree's size.

    Raises:
        TreeError: `new` is smaller than `old`, or there are fewer leaves than `new`.
    """
    if not 0 <= old <= new:
        raise TreeError(f"a tree of {new} leaves can't continue one of {old}")
    if old == 0:
        return []
    return _roots_of(leaf_hashes, list(_subproof(old, 0, new, known=True)))


def verify_inclusion(hashed: bytes, position: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Check the proof that a leaf is in a tree (RFC 9162, section 2.1.3.2).

    Args:
        hashed: the leaf's hash.
        position: the leaf's, from 0.
        size: the tree's.
        proof: what inclusion_proof returned.
        root: the tree's.
    """
    if not 0 <= position < size < SIZE_LIMIT or not _are_hashes(proof):
        return False
    at, last = position, size - 1
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            hashed = node_hash(sibling, hashed)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            hashed = node_hash(hashed, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and hashed == root


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Check the proof that a tree only grew (RFC 9162, section 2.1.4.2).

    Args:
        old: the smaller tree's size.
        old_root: its root.
        new: the larger tree's size.
        new_root: its root.
        proof: what consistency_proof returned.
    """
    if not 0 <= old <= new < SIZE_LIMIT or not _are_hashes(proof):
        return False
    if old in (0, new):
        return not proof and old_root == (EMPTY_ROOT if old == 0 else new_root)
    hashes: Sequence[bytes] = [old_root, *proof] if old & (old - 1) == 0 else proof
    if not hashes:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _are_hashes(proof: Sequence[bytes]) -> bool:
    return all(len(hashed) == HASH_BYTES for hashed in proof)


def _split(start: int, end: int) -> int:
    """Return where the right subtree of a range of at least two leaves begins."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _path(position: int, start: int, end: int) -> Iterator[Range]:
    """Find the ranges whose roots prove a leaf, from the leaf up."""
    if end - start == 1:
        return
    middle = _split(start, end)
    if position < middle:
        yield from _path(position, start, middle)
        yield middle, end
    else:
        yield from _path(position, middle, end)
        yield start, middle


def _subproof(old: int, start: int, end: int, *, known: bool) -> Iterator[Range]:
    """Find the ranges whose roots prove that a tree begins with `old` leaves.

    Args:
        old: where the smaller tree ends.
        start: of the range.
        end: of the range.
        known: whether this range's root, if it is the smaller tree, is the root that the verifier has.
    """
    if old == end:
        if not known:
            yield start, end
        return
    middle = _split(start, end)
    if old <= middle:
        yield from _subproof(old, start, middle, known=known)
        yield middle, end
    else:
        yield from _subproof(old, middle, end, known=False)
        yield start, middle


def _roots_of(leaf_hashes: Iterable[bytes], ranges: Sequence[Range]) -> list[bytes]:
    """Return the roots of ranges that do not overlap, reading the leaves once.

    Raises:
        TreeError: there are fewer leaves.
    """
    found: dict[Range, bytes] = {}
    hashes, at = iter(leaf_hashes), 0
    for start, end in sorted(ranges):
        tree = Tree()
        for hashed in islice(hashes, start - at, end - at):
            tree.append(hashed)
        if tree.size != end - start:
            raise TreeError(f"expected at least {end} leaves, and there are fewer")
        found[start, end] = tree.root()
        at = end
    return [found[range_] for range_ in ranges]
