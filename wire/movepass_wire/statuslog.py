"""Read and write status logs: the revoked indexes of one day in a file that only grows.

A header names the day and the generation. Each block holds the newly revoked indexes, sorted, as gaps in Golomb-Rice
code (Golomb 1966, Rice 1979). All quotients come first, in unary, then all remainders. This split lets the standard
library decode a block at the speed of C. docs/spec.md explains an example bit by bit.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import NamedTuple

from movepass_wire.errors import LogError
from movepass_wire.limits import DAY_LIMIT, GENERATION_LIMIT, INDEX_LIMIT, RICE_MAX_K

MAGIC = b"MPL1"
HEADER_BYTES = 8
PAGE_BYTES = 2000
"""A page covers 16,000 indexes. Two pages and their overhead fit into one page of SQLite."""
PAGE_INDEXES = PAGE_BYTES * 8
_VARINT_MAX_BYTES = 5
_PIECE_BYTES = 4096
"""Quotients are read in pieces of this size, however large a block is."""
_PIECE_GAPS = 16384
"""Gaps are written in pieces of so many, for the same reason."""


class Bitmap:
    """A set of indexes below 2^30, one bit each, in pages. Empty pages are not stored.

    Attributes:
        pages: the pages by number; page n covers the indexes from n * PAGE_INDEXES on.
    """

    __slots__ = ("pages",)

    def __init__(self) -> None:
        self.pages: dict[int, bytearray] = {}

    def __contains__(self, index: object) -> bool:
        assert isinstance(index, int)  # noqa: S101 - Container's signature cannot say this
        number, within = divmod(index, PAGE_INDEXES)
        page = self.pages.get(number)
        return page is not None and bool(page[within >> 3] >> (within & 7) & 1)  # has_bit, inlined for speed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bitmap) and self.pages == other.pages

    __hash__ = None  # type: ignore[assignment] # a Bitmap is mutable

    @property
    def highest(self) -> int:
        """The highest index, or -1 if the set is empty."""
        if not self.pages:
            return -1
        number = max(self.pages)
        return number * PAGE_INDEXES + int.from_bytes(self.pages[number], "little").bit_length() - 1

    def __len__(self) -> int:
        return sum(int.from_bytes(page).bit_count() for page in self.pages.values())

    def __iter__(self) -> Iterator[int]:
        for number, page in sorted(self.pages.items()):
            start = number * PAGE_INDEXES
            for at, byte in enumerate(page):
                if byte:
                    yield from (start + (at << 3 | bit) for bit in range(8) if byte >> bit & 1)

    def add(self, indexes: Sequence[int]) -> None:
        """Add indexes in rising order.

        Raises:
            LogError: an index is already in the set.
        """
        for number, within in by_page(indexes):
            set_bits(self.pages.setdefault(number, bytearray(PAGE_BYTES)), within)


def by_page(indexes: Sequence[int]) -> Iterator[tuple[int, Iterable[int]]]:
    """Group rising indexes by their page, and count them from the start of the page."""
    at = 0
    while at < len(indexes):
        number = indexes[at] // PAGE_INDEXES
        start = number * PAGE_INDEXES
        end = bisect_left(indexes, start + PAGE_INDEXES, at)
        yield number, [index - start for index in indexes[at:end]]
        at = end


def has_bit(page: bytes | bytearray, within: int) -> bool:
    """Check whether a page has the bit of an index, counted from the start of the page."""
    return bool(page[within >> 3] >> (within & 7) & 1)


def set_bits(page: bytearray, within: Iterable[int]) -> None:
    """Set the bits of indexes, counted from the start of the page.

    Raises:
        LogError: a bit is already set.
    """
    for index in within:
        byte = page[index >> 3]
        more = byte | 1 << (index & 7)
        if more == byte:
            raise LogError("an index is listed twice")
        page[index >> 3] = more


@dataclass(frozen=True, slots=True)
class StatusLog:
    """The content of a status log.

    Attributes:
        day: the UTC day of exp that it covers (days since 1970-01-01).
        generation: a number that each compaction raises by one.
        revoked: the revoked indexes.
    """

    day: int
    generation: int
    revoked: Bitmap = field(default_factory=Bitmap)


def new_log(day: int, generation: int = 0) -> bytes:
    """Return an empty log.

    Raises:
        LogError: the day or the generation does not fit two bytes.
    """
    if not (0 <= day < DAY_LIMIT and 0 <= generation < GENERATION_LIMIT):
        raise LogError(f"day {day}, generation {generation}: each must be from 0 to {DAY_LIMIT - 1}")
    return MAGIC + day.to_bytes(2, "big") + generation.to_bytes(2, "big")


def write_log(day: int, generation: int, blocks: Iterable[Iterable[int]]) -> bytes:
    """Return a whole log, each block in rising order.

    Raises:
        LogError: a day, generation or index is out of range, a block is empty, or an index is in the log twice.
    """
    log, held = new_log(day, generation), Bitmap()
    for block in blocks:
        indexes = sorted(block)
        log += encode_block(indexes)
        held.add(indexes)
    return log


def encode_block(indexes: Iterable[int]) -> bytes:
    """Encode one block, for the end of a log that holds none of its indexes yet.

    Raises:
        LogError: there are no indexes, one is listed twice, or one is out of range.
    """
    ordered = sorted(indexes)
    if not ordered or ordered[0] < 0 or ordered[-1] >= INDEX_LIMIT:
        raise LogError(f"a block holds at least one index, each from 0 to {INDEX_LIMIT - 1}")
    gaps = [ordered[0], *(after - before - 1 for before, after in pairwise(ordered))]
    if min(gaps) < 0:
        raise LogError("an index is listed twice")
    starts = range(0, len(gaps), _PIECE_GAPS)
    return _encode(len(gaps), sum(gaps), lambda: (gaps[at : at + _PIECE_GAPS] for at in starts))


def encode_set(revoked: Bitmap) -> bytes:
    """Encode a whole set as one block, page by page: besides the set, only the block itself is in memory.

    Raises:
        LogError: the set is empty, or an index is out of range.
    """
    count, highest = len(revoked), revoked.highest
    if not 0 <= highest < INDEX_LIMIT:
        raise LogError(f"a block holds at least one index, each from 0 to {INDEX_LIMIT - 1}")
    return _encode(count, highest + 1 - count, lambda: _gaps_of(revoked))


def read_log(data: bytes) -> StatusLog:
    """Read a whole log.

    Raises:
        LogError: the log breaks a rule of docs/spec.md; the message names it.
    """
    log = StatusLog(*read_header(data))
    for indexes in read_blocks(data):
        log.revoked.add(indexes)
    return log


def read_blocks(data: bytes, start: int = HEADER_BYTES) -> Iterator[list[int]]:
    """Read the blocks of a log in pieces of bounded size, so that no log takes much memory.

    Args:
        data: the whole log.
        start: the offset of a block, or the end of the log.

    Yields:
        Rising indexes of one block. The caller checks that no index is in an earlier block.

    Raises:
        LogError: a block breaks a rule of docs/spec.md. Valid pieces may have been yielded before.
    """
    while start < len(data):
        block = _read_head(data, start)
        yield from _read_gaps(data, block)
        start = block.end


def read_header(data: bytes) -> tuple[int, int]:
    """Read the day and the generation of a log.

    Raises:
        LogError: the data is too short, or not a status log of this version.
    """
    if len(data) < HEADER_BYTES or not data.startswith(MAGIC):
        raise LogError(f"expected a status log that starts with {MAGIC!r}, got {data[:HEADER_BYTES]!r}")
    return int.from_bytes(data[4:6], "big"), int.from_bytes(data[6:8], "big")


class _Block(NamedTuple):
    """The head of a block and the offsets of its two streams."""

    gaps: int
    k: int
    quotient_sum: int
    unary: int
    remainders: int
    end: int


def _read_head(data: bytes, at: int) -> _Block:
    """Read the head of the block at `at`, and check every length against the bytes that are there."""
    count, at = _read_varint(data, at)
    if at >= len(data):
        raise LogError("a block is cut short")
    k = data[at]
    quotient_sum, at = _read_varint(data, at + 1)
    if count < 1 or k > RICE_MAX_K or quotient_sum > (INDEX_LIMIT - 1) >> k:
        raise LogError(f"a block cannot have {count} gaps, k = {k} and a quotient sum of {quotient_sum}")
    remainders = at + (count + quotient_sum + 7 >> 3)
    end = remainders + (count * k + 7 >> 3)
    if end > len(data):
        raise LogError(f"a block is cut short: {end - len(data)} bytes are missing")
    return _Block(count, k, quotient_sum, at, remainders, end)


def _read_gaps(data: bytes, block: _Block) -> Iterator[list[int]]:
    """Read the indexes of a block, one piece of its quotients at a time."""
    done, last = 0, -1
    for quotients in _read_quotients(data, block):
        gaps: Iterable[int] = quotients
        if block.k:
            remainders = _read_remainders(data, block, done, len(quotients))
            gaps = (q << block.k | r for q, r in zip(quotients, remainders, strict=True))
        first, *rest = gaps
        indexes = list(accumulate(rest, lambda before, gap: before + gap + 1, initial=last + first + 1))
        done, last = done + len(indexes), indexes[-1]
        if last >= INDEX_LIMIT:
            raise LogError(f"index {last} is not below {INDEX_LIMIT}")
        yield indexes


def _read_quotients(data: bytes, block: _Block) -> Iterator[list[int]]:
    """Read the quotients in pieces. A piece inside one very long quotient yields nothing."""
    bits_left, zeros_left, ones = block.gaps + block.quotient_sum, block.gaps, 0
    for start in range(block.unary, block.remainders, _PIECE_BYTES):
        piece = data[start : min(start + _PIECE_BYTES, block.remainders)]
        bits = _unpack_bits(piece, min(bits_left, len(piece) * 8))
        bits_left -= len(bits)
        runs = list(map(len, bits.split("0")))
        runs[0] += ones
        ones = runs.pop()
        zeros_left -= len(runs)
        if zeros_left < 0:
            break
        if runs:
            yield runs
    if zeros_left or ones:
        raise LogError("the quotients of a block do not add up to the sum in its head")


def _read_remainders(data: bytes, block: _Block, done: int, count: int) -> Iterator[int]:
    """Read the remainders of `count` gaps after the first `done`."""
    k = block.k
    first_bit, end_bit = done * k, (done + count) * k
    first_byte, end_byte = first_bit >> 3, end_bit + 7 >> 3
    piece = data[block.remainders + first_byte : block.remainders + end_byte]
    whole = len(piece) * 8  # the rest of the last byte belongs to the next gap, or is padding after the last gap
    bits = _unpack_bits(piece, whole if done + count < block.gaps else end_bit - first_byte * 8)
    at = first_bit & 7
    return (int(bits[i : i + k], 2) for i in range(at, at + count * k, k))


def _encode(count: int, total: int, pieces: Callable[[], Iterable[Sequence[int]]]) -> bytes:
    """Encode a block, the same bytes for the same gaps on every machine.

    Args:
        count: how many gaps.
        total: their sum.
        pieces: returns the gaps in order, some at a time; called twice.
    """
    k, quotient_sum = _best_k(count, total, pieces)
    quotients, remainders, mask = _BitWriter(), _BitWriter(), (1 << k) - 1
    for gaps in pieces():
        quotients.add("".join(["1" * (gap >> k) + "0" for gap in gaps]))
        if k:
            remainders.add("".join([f"{gap & mask:0{k}b}" for gap in gaps]))
    return _varint(count) + bytes([k]) + _varint(quotient_sum) + quotients.finish() + remainders.finish()


def _best_k(count: int, total: int, pieces: Callable[[], Iterable[Sequence[int]]]) -> tuple[int, int]:
    """Return the k that needs the fewest bits before padding, the lower one of two, and the sum of its quotients.

    One more bit for k saves, in each gap, half of its quotient, rounded up. So the bits first fall and then rise as k
    rises. If the mean gap has n bits, k = n saves too little to be surpassed, and below n - 2 a higher k is better.
    """
    near = min((total // count).bit_length(), RICE_MAX_K)
    sums = dict.fromkeys(range(max(near - 2, 0), near + 1), 0)
    for gaps in pieces():
        for k in sums:
            sums[k] += sum([gap >> k for gap in gaps])
    return min(sums.items(), key=lambda found: count * found[0] + found[1])


def _gaps_of(revoked: Bitmap) -> Iterator[list[int]]:
    """Read the gaps of a set, one page at a time: they are the runs of zeros between its bits."""
    run = expected = 0
    for number, page in sorted(revoked.pages.items()):
        run += (number - expected) * PAGE_INDEXES
        expected = number + 1
        bits = bin(int.from_bytes(page, "little") | 1 << PAGE_INDEXES)[:2:-1]  # the lowest index first
        gaps = list(map(len, bits.split("1")))
        gaps[0] += run
        run = gaps.pop()
        if gaps:
            yield gaps


class _BitWriter:
    """Packs strings of 0 and 1 into bytes, most significant bit first."""

    __slots__ = ("_left", "_out")

    def __init__(self) -> None:
        self._out = bytearray()
        self._left = ""

    def add(self, bits: str) -> None:
        """Add bits; fewer than eight wait for the next ones."""
        bits = self._left + bits
        whole = len(bits) >> 3
        self._left = bits[whole * 8 :]
        if whole:
            self._out += int(bits[: whole * 8], 2).to_bytes(whole, "big")

    def finish(self) -> bytes:
        """Pad with 0, and return all bytes."""
        if self._left:
            self.add("0" * (8 - len(self._left)))
        return bytes(self._out)


def _unpack_bits(data: bytes, count: int) -> str:
    bits = bin(int.from_bytes(b"\x01" + data, "big"))[3:]
    if "1" in bits[count:]:
        raise LogError("the padding of a block is not 0")
    return bits[:count]


def _varint(value: int) -> bytes:
    """Encode a number as LEB128: groups of 7 bits, the lowest first, the top bit set if more follow."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 7 * _VARINT_MAX_BYTES, 7):
        if at >= len(data):
            raise LogError("a block is cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and shift:
                raise LogError("a number is not in its shortest form")
            return value, at
    raise LogError(f"a number is longer than {_VARINT_MAX_BYTES} bytes")
