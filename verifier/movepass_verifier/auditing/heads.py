"""Compare heads of a decision log with each other, with the log's leaves, and by a proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from movepass_keys.errors import CheckpointError
from movepass_keys.records.algorithms import PublicKey
from movepass_keys.records.checkpoint import (
    Checkpoint,
    SignedCheckpoint,
    decode_hash,
    encode_hash,
    read_checkpoint,
)
from movepass_verifier.auditing.findings import Findings
from movepass_verifier.errors import CopiesError
from movepass_wire.merkle import verify_consistency
from movepass_wire.times import local

TIME_SLACK_SECONDS = 120
"""Seconds by which a leaf's time may lie before an earlier leaf's: pages and the worker take it when they begin."""
PROOF_MAX_BYTES = 1 << 18
_PROOF_MAX_HASHES = 128


@dataclass(frozen=True, slots=True)
class NamedHead:
    """A head and where it came from."""

    name: str
    note: bytes
    signed: SignedCheckpoint

    @property
    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint of the note."""
        return self.signed.checkpoint

    def __str__(self) -> str:
        return f"the head of {self.checkpoint.size:,} leaves ({self.name}, {local(self.checkpoint.at)})"


def read_head(name: str, note: bytes) -> NamedHead:
    """Read a head.

    Raises:
        CopiesError: it is none.
    """
    try:
        return NamedHead(name, note, read_checkpoint(note))
    except CheckpointError as e:
        raise CopiesError(f"{name}: {e}") from e


def order_heads(heads: Sequence[NamedHead]) -> list[NamedHead]:
    """Sort heads by size and time, each note once."""
    by_note = {head.note: head for head in heads}
    return sorted(by_note.values(), key=lambda head: (head.checkpoint.size, head.checkpoint.at))


def compare_heads(heads: Sequence[NamedHead], findings: Findings) -> None:
    """Compare heads with each other, without any leaves.

    Args:
        heads: in the order of order_heads.
        findings: gets a split view, a later head of fewer leaves, and heads of several logs.
    """
    for one, other in pairwise(heads):
        if one.checkpoint.origin != other.checkpoint.origin:
            findings.add(
                "other-log",
                f"{one} is of {one.checkpoint.origin}, {other} of {other.checkpoint.origin}: two logs, each to be "
                "audited by itself",
                heads=[one.name, other.name],
            )
            return
    for one, other in pairwise(heads):
        if one.checkpoint.size == other.checkpoint.size and one.checkpoint.root != other.checkpoint.root:
            findings.add(
                "split-view",
                f"{one} and {other} have different roots: two logs were shown, keep both files as evidence",
                heads=[one.name, other.name],
                roots=[encode_hash(head.checkpoint.root) for head in (one, other)],
            )
        if one.checkpoint.size < other.checkpoint.size and one.checkpoint.at > other.checkpoint.at:
            findings.add("head-backwards", f"{one} was made after {other}", heads=[one.name, other.name])


def check_signatures(heads: Sequence[NamedHead], online: Sequence[PublicKey], findings: Findings) -> None:
    """Check that an online key signed each head."""
    for head in heads:
        if head.signed.verified_by(online) is None:
            findings.add(
                "head-signature",
                f"{head} has no signature of an online key that the store trusts: it is not the authority's, or the "
                "online key was changed since",
                heads=[head.name],
            )


def compare_with_log(
    heads: Sequence[NamedHead], roots: Sequence[bytes | None], leaves: int, findings: Findings
) -> None:
    """Compare heads with the leaves of a copy.

    Args:
        heads: in the order of order_heads.
        roots: the root of as many leaves as each head covers; None where there are fewer.
        leaves: how many there are.
        findings: gets each head that differs, and between which heads it does.
    """
    agreeing = [head for head, root in zip(heads, roots, strict=True) if root == head.checkpoint.root]
    for head, root in zip(heads, roots, strict=True):
        if root == head.checkpoint.root:
            continue
        size = head.checkpoint.size
        before = max((h.checkpoint.size for h in agreeing if h.checkpoint.size < size), default=0)
        newer = next((h for h in agreeing if h.checkpoint.size > size), None)
        if root is None:
            findings.add(
                "log-cut",
                f"{head} covers leaves that are missing: the copy ends after {leaves:,}; "
                f"leaf {leaves:,} and those behind it were removed, or the copy was cut",
                position=leaves, heads=[head.name], missing=size - leaves,
            )  # fmt: skip
        elif newer:
            findings.add(
                "log-changed",
                f"the copy is the log of {newer} and not of {head}: leaves {before:,} to {size - 1:,} were rewritten "
                "between the two heads",
                position=before, heads=[head.name, newer.name],
            )  # fmt: skip
        else:
            findings.add(
                "log-changed",
                f"the first {size:,} leaves do not have the root of {head}: one of leaves {before:,} to {size - 1:,} "
                "was changed, added or removed",
                position=before, heads=[head.name],
            )  # fmt: skip


def check_times(heads: Sequence[NamedHead], newest: Sequence[int], findings: Findings) -> None:
    """Check that no head was made before a leaf that it covers; `newest` has the newest time of each head's leaves."""
    for head, at in zip(heads, newest, strict=False):  # there is none for heads of more leaves than there are
        if at > head.checkpoint.at + TIME_SLACK_SECONDS:
            words = f"{head} covers a leaf of {local(at)}: the clock was set back, or the head was backdated"
            findings.add("head-backwards", words, heads=[head.name])


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that the log of a head continues that of `old` leaves."""

    old: int
    hashes: tuple[bytes, ...]
    new: NamedHead


def write_proof(old: int, hashes: Sequence[bytes], new: NamedHead) -> bytes:
    """Write a proof as C2SP's tlog-witness has it: the old size, the hashes, a blank line, and the new head."""
    lines = [f"old {old}", *map(encode_hash, hashes)]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + new.note


def read_proof(name: str, data: bytes) -> Proof:
    """Read a proof.

    Raises:
        CopiesError: it is none.
    """
    top, blank, note = data.partition(b"\n\n")
    try:
        first, *hashes = top.decode("ascii").split("\n")
        size = first.removeprefix("old ")
        if not blank or first == size or not size.isdecimal() or len(size) > 15 or len(hashes) > _PROOF_MAX_HASHES:
            raise CopiesError(f"{name}: expected a proof that begins with old and a size, got {first[:60]!r}")
        return Proof(int(size), tuple(map(decode_hash, hashes)), read_head(f"the new head in {name}", note))
    except (UnicodeDecodeError, CheckpointError) as e:
        raise CopiesError(f"{name}: {e}") from e


def check_proof(proof: Proof, old: NamedHead, findings: Findings) -> None:
    """Check without any leaves that a log only grew between two heads.

    Raises:
        CopiesError: the proof begins with another size than the old head.
    """
    before, after = old.checkpoint, proof.new.checkpoint
    if proof.old != before.size:
        raise CopiesError(
            f"the proof begins with {proof.old:,} leaves, {old} does not: ask for one between these heads"
        )
    if not verify_consistency(before.size, before.root, after.size, after.root, proof.hashes):
        findings.add(
            "log-changed",
            f"the proof does not lead from {old} to {proof.new}: it is damaged, or the log was rewritten between them",
            position=0, heads=[old.name, proof.new.name],
        )  # fmt: skip
