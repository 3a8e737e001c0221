"""The Merkle tree against the vectors of Certificate Transparency and against the recursion of RFC 6962."""

from hashlib import sha256
from itertools import accumulate

import pytest

from movepass_wire import merkle
from movepass_wire.errors import TreeError

LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
"""The leaves of certificate-transparency's merkle_tree_test.cc, and of every implementation since."""
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]
MANY = 70
MANY_HASHES = [merkle.leaf_hash(str(number).encode()) for number in range(MANY)]


def naive_root(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word by word."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return sha256(b"\1" + naive_root(hashes[:k]) + naive_root(hashes[k:])).digest()


def split(n: int) -> int:
    return max(1 << bit for bit in range(n.bit_length()) if 1 << bit < n)


def naive_path(m: int, hashes: list[bytes]) -> list[bytes]:
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if m < k:
        return [*naive_path(m, hashes[:k]), naive_root(hashes[k:])]
    return [*naive_path(m - k, hashes[k:]), naive_root(hashes[:k])]


def naive_subproof(m: int, hashes: list[bytes], *, known: bool) -> list[bytes]:
    if m == len(hashes):
        return [] if known else [naive_root(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*naive_subproof(m, hashes[:k], known=known), naive_root(hashes[k:])]
    return [*naive_subproof(m - k, hashes[k:], known=False), naive_root(hashes[:k])]


def grow(hashes: list[bytes]) -> merkle.Tree:
    tree = merkle.Tree()
    for hashed in hashes:
        tree.append(hashed)
    return tree


MANY_ROOTS = [grow(MANY_HASHES[:size]).root() for size in range(MANY + 1)]


def test_roots_are_those_of_certificate_transparency() -> None:
    assert [grow(HASHES[:size]).root() for size in range(9)] == ROOTS
    assert ROOTS[0] == merkle.EMPTY_ROOT


@pytest.mark.parametrize(("position", "size"), INCLUSION)
def test_inclusion_proofs_are_those_of_certificate_transparency(position: int, size: int) -> None:
    proof = merkle.inclusion_proof(HASHES, position, size)
    assert [hashed.hex() for hashed in proof] == INCLUSION[position, size]
    assert merkle.verify_inclusion(HASHES[position], position, size, proof, ROOTS[size])


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_proofs_are_those_of_certificate_transparency(old: int, new: int) -> None:
    proof = merkle.consistency_proof(HASHES, old, new)
    assert [hashed.hex() for hashed in proof] == CONSISTENCY[old, new]
    assert merkle.verify_consistency(old, ROOTS[old], new, ROOTS[new], proof)


@pytest.mark.parametrize("size", range(MANY + 1))
def test_a_tree_of_any_size_is_as_the_recursion_says(size: int) -> None:
    hashes = MANY_HASHES[:size]
    root = naive_root(hashes)
    assert MANY_ROOTS[size] == root
    for position in range(size):
        proof = merkle.inclusion_proof(iter(MANY_HASHES), position, size)
        assert proof == naive_path(position, hashes)
        assert merkle.verify_inclusion(hashes[position], position, size, proof, root)


def test_every_two_sizes_are_proved_consistent() -> None:
    for new in range(MANY + 1):
        for old in range(new + 1):
            proof = merkle.consistency_proof(iter(MANY_HASHES), old, new)
            assert proof == (naive_subproof(old, MANY_HASHES[:new], known=True) if old else [])
            assert merkle.verify_consistency(old, MANY_ROOTS[old], new, MANY_ROOTS[new], proof), (old, new)


def spoil(hashed: bytes) -> bytes:
    return bytes([hashed[0] ^ 1]) + hashed[1:]


def spoilt(proof: list[bytes]) -> list[list[bytes]]:
    """Return proofs that are each wrong in one way."""
    changed = [[*proof[:at], spoil(proof[at]), *proof[at + 1 :]] for at in range(len(proof))]
    swapped = [proof[::-1]] if len(proof) > 1 else []
    return [
        *changed,
        *swapped,
        [*proof, merkle.EMPTY_ROOT],
        [merkle.EMPTY_ROOT, *proof],
        *([proof[:-1]] if proof else []),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 33, 70])
def test_a_tampered_inclusion_proof_is_refused(size: int) -> None:
    for position in range(size):
        proof = merkle.inclusion_proof(MANY_HASHES, position, size)
        good = (MANY_HASHES[position], position, size, proof, MANY_ROOTS[size])
        assert merkle.verify_inclusion(*good)
        assert not any(merkle.verify_inclusion(*good[:3], wrong, good[4]) for wrong in spoilt(proof))
        assert not merkle.verify_inclusion(spoil(good[0]), *good[1:])
        assert not merkle.verify_inclusion(*good[:4], spoil(good[4]))
        assert not any(
            merkle.verify_inclusion(good[0], other, size, proof, good[4])
            for other in range(-1, size + 1)
            if other != position
        )


@pytest.mark.parametrize("new", [1, 2, 3, 7, 8, 33, 70])
def test_a_tampered_consistency_proof_is_refused(new: int) -> None:
    for old in range(new + 1):
        proof = merkle.consistency_proof(MANY_HASHES, old, new)
        roots = MANY_ROOTS[old], MANY_ROOTS[new]
        assert not any(merkle.verify_consistency(old, roots[0], new, roots[1], wrong) for wrong in spoilt(proof))
        assert not merkle.verify_consistency(old, spoil(roots[0]), new, roots[1], proof)
        if old:
            assert not merkle.verify_consistency(old, roots[0], new, spoil(roots[1]), proof)
        assert not any(
            merkle.verify_consistency(other, roots[0], new, roots[1], proof)
            for other in range(-1, new + 2)
            if other != old
        )


def test_a_rewritten_tree_is_not_consistent() -> None:
    """A log that changed an old leaf can't prove that it only grew, whatever proof it makes."""
    other = [*MANY_HASHES[:11], spoil(MANY_HASHES[11]), *MANY_HASHES[12:]]
    root = naive_root(other)
    for old in range(12, MANY):
        for hashes in (MANY_HASHES, other):
            proof = merkle.consistency_proof(hashes, old, MANY)
            assert not merkle.verify_consistency(old, MANY_ROOTS[old], MANY, root, proof)


def test_hashes_of_another_length_are_refused() -> None:
    assert not merkle.verify_inclusion(HASHES[0], 0, 2, [HASHES[1][:31]], ROOTS[2])
    assert not merkle.verify_consistency(1, ROOTS[1], 2, ROOTS[2], [HASHES[1] + b"\0"])


def test_a_tree_is_resumed_from_its_frontier() -> None:
    for size in range(MANY):
        tree = grow(MANY_HASHES[:size])
        resumed = merkle.Tree(tree.size, tree.frontier)
        tree.append(MANY_HASHES[size])
        resumed.append(MANY_HASHES[size])
        assert (resumed.size, resumed.root(), resumed.frontier) == (tree.size, MANY_ROOTS[size + 1], tree.frontier)


@pytest.mark.parametrize(
    ("size", "frontier"),
    [(-1, ()), (1, ()), (0, (b"\0" * 32,)), (3, (b"\0" * 32,)), (1, (b"\0" * 31,)), (2**63, (b"\0" * 32,))],
)
def test_a_frontier_that_fits_no_such_tree_is_refused(size: int, frontier: tuple[bytes, ...]) -> None:
    with pytest.raises(TreeError):
        merkle.Tree(size, frontier)


def test_proofs_of_what_is_not_there_are_refused() -> None:
    with pytest.raises(TreeError, match="no leaf 8"):
        merkle.inclusion_proof(HASHES, 8, 8)
    with pytest.raises(TreeError, match="no leaf -1"):
        merkle.inclusion_proof(HASHES, -1, 8)
    with pytest.raises(TreeError, match="continue"):
        merkle.consistency_proof(HASHES, 8, 7)
    with pytest.raises(TreeError, match="fewer"):
        merkle.consistency_proof(HASHES, 3, 9)
    with pytest.raises(TreeError, match="fewer"):
        merkle.inclusion_proof(HASHES, 3, 9)


def test_a_proof_reads_a_stream_once_and_no_further() -> None:
    read = []
    stream = (read.append(hashed) or hashed for hashed in MANY_HASHES)  # type: ignore[func-returns-value]
    merkle.consistency_proof(stream, 5, 40)
    assert len(read) == 40


def test_a_large_tree_stays_small() -> None:
    tree = merkle.Tree(2**62 - 1, list(accumulate([merkle.EMPTY_ROOT] * 62, merkle.node_hash)))
    tree.append(merkle.EMPTY_ROOT)
    assert len(tree.frontier) == 1
