"""Grows a day's log, and rewrites its blocks as one when it has become too large.

An index in a small block takes more bytes than one in a large block: a million of a hundred million, split evenly into
288 blocks, take twice the bytes of one block. So all that the log held becomes the first block of the next generation,
and what is new the second one. Any device that has the log before writes the first block by itself, and downloads what
is new. tools/bench/compaction.py compares the rules; docs/design.md has its table.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from movepass_issuer.errors import IssuerError
from movepass_wire import Bitmap, StatusLog, encode_block, encode_set, new_log, read_log
from movepass_wire.limits import RICE_MAX_K
from movepass_wire.statuslog import HEADER_BYTES

COMPACT_ABOVE = 1.25
"""A log is rewritten when it has more than so many times the bytes of one block. A higher bound saves bytes for devices
that sync often; a device without the log is promised 1.3, and chance needs some room below that."""
COMPACT_FROM_BYTES = 16 << 10
"""A smaller log is not rewritten: it would save less than a sync's own documents take."""

_BLOCK_HEAD_BYTES = 4
"""Count, k and sum of a block of some thousands."""


def one_block_bytes(count: int, limit: int) -> int:
    """Estimate a log of one block: exact within 1 % for a thousand indexes or more that are evenly spread.

    Gaps between evenly spread indexes are distributed geometrically (Golomb 1966), so the mean of a quotient is
    x / (1 - x) with x = (1 - density)^(2^k).

    Args:
        count: how many indexes.
        limit: they are all below it.
    """
    log_absent = math.log1p(-count / limit) if count < limit else -math.inf
    bits = (count * (1 + k - 1 / math.expm1(log_absent * 2**k) - 1) for k in range(RICE_MAX_K + 1))
    return HEADER_BYTES + _BLOCK_HEAD_BYTES + math.ceil(min(bits) / 8)


def is_due(size: int, count: int, limit: int, *, above: float = COMPACT_ABOVE) -> bool:
    """Return whether a log must be rewritten. This is the only rule for it.

    Args:
        size: bytes it would have, grown by another block.
        count: how many indexes it would hold.
        limit: they are all below it.
        above: another bound than ours, to compare.
    """
    return size > COMPACT_FROM_BYTES and size > above * one_block_bytes(count, limit)


@dataclass(frozen=True, slots=True)
class GrownLog:
    """A log to which indexes were added.

    Attributes:
        log: the whole of it; as it was, if it held them all.
        added: how many it did not hold before.
        held: how many it holds now.
        rewritten: its first bytes, which hold just what the log before held; 0 where that only grew.
    """

    log: bytes
    added: int
    held: int
    rewritten: int = 0


def grow_log(log: bytes, wanted: Iterable[int]) -> GrownLog:
    """Add indexes to a log as another block, after the blocks before or, if that is due, after one that holds them all.

    Raises:
        LogError: the log can't be read.
        IssuerError: the new log would not hold what it must: a defect.
    """
    before = read_log(log)
    union = before.revoked
    new = sorted({index for index in wanted if index not in union})
    held = len(union) + len(new)
    if not new:
        return GrownLog(log, 0, held)
    block, limit = encode_block(new), max(union.highest, new[-1]) + 1
    if len(union) and is_due(len(log) + len(block), held, limit):
        first = new_log(before.day, before.generation + 1) + encode_set(union)
        union.add(new)
        _check(first + block, StatusLog(before.day, before.generation + 1, union))
        return GrownLog(first + block, len(new), held, len(first))
    added = Bitmap()
    added.add(new)
    _check(new_log(before.day, before.generation) + block, StatusLog(before.day, before.generation, added))
    return GrownLog(log + block, len(new), held)


def _check(log: bytes, wanted: StatusLog) -> None:
    """Read back what is about to be published.

    Raises:
        IssuerError: it does not say what it must.
    """
    if read_log(log) != wanted:
        raise IssuerError(f"the log of day {wanted.day} would not hold what it must; nothing published: report this")
