"""The status log: one day's revoked indexes, as a file that only grows.

A header names the day and the generation; each block holds the indexes newly revoked, sorted, as gaps in
Golomb-Rice code (Golomb 1966, Rice 1979), with all quotients in unary first and then all remainders. Split like
this the standard library decodes it at the speed of C. docs/spec.md takes one apart bit by bit.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from movepass_wire.errors import LogError
from movepass_wire.limits import DAY_LIMIT, GENERATION_LIMIT, INDEX_LIMIT, RICE_MAX_K

MAGIC = b"MPL1"
HEADER_BYTES = 8
_VARINT_MAX_BYTES = 5
_COUNT_BYTES = 65536


class Bitmap:
    """A set of indexes below 2^30, one bit each, as long as its highest index needs."""

    __slots__ = ("bits",)

    def __init__(self, bits: bytearray | None = None) -> None:
        self.bits = bytearray() if bits is None else bits

    def __contains__(self, index: object) -> bool:
        assert isinstance(index, int)  # noqa: S101 - what Container's signature can't say
        byte = index >> 3
        return byte < len(self.bits) and bool(self.bits[byte] >> (index & 7) & 1)

    def __len__(self) -> int:
        slices = range(0, len(self.bits), _COUNT_BYTES)
        return sum(int.from_bytes(self.bits[at : at + _COUNT_BYTES], "little").bit_count() for at in slices)

    def __iter__(self) -> Iterator[int]:
        for at, byte in enumerate(self.bits):
            if byte:
                yield from (at << 3 | bit for bit in range(8) if byte >> bit & 1)

    def add(self, indexes: Sequence[int]) -> None:
        """Add indexes, the highest last."""
        bits = self.bits
        bits.extend(bytes(max(0, (indexes[-1] >> 3) + 1 - len(bits))))
        for index in indexes:
            bits[index >> 3] |= 1 << (index & 7)


@dataclass(frozen=True, slots=True)
class StatusLog:
    """A log read whole.

    Attributes:
        day: the UTC day of exp it tells of (days since 1970-01-01).
        generation: goes up by one at each compaction.
        revoked: the indexes it holds.
    """

    day: int
    generation: int
    revoked: Bitmap = field(default_factory=Bitmap)


def new_log(day: int, generation: int = 0) -> bytes:
    """Begin an empty log.

    Raises:
        LogError: a day or generation that two bytes can't hold.
    """
    if not (0 <= day < DAY_LIMIT and 0 <= generation < GENERATION_LIMIT):
        raise LogError(f"day {day}, generation {generation}: each must be from 0 to {DAY_LIMIT - 1}")
    return MAGIC + day.to_bytes(2, "big") + generation.to_bytes(2, "big")


def encode_block(indexes: Iterable[int]) -> bytes:
    """Write one block, to be put at the end of a log that holds none of these indexes.

    Raises:
        LogError: no indexes, one twice, or one out of range.
    """
    ordered = sorted(indexes)
    if not ordered or ordered[0] < 0 or ordered[-1] >= INDEX_LIMIT:
        raise LogError(f"a block holds at least one index, each from 0 to {INDEX_LIMIT - 1}")
    gaps = [ordered[0], *(after - before - 1 for before, after in pairwise(ordered))]
    if min(gaps) < 0:
        raise LogError("an index is listed twice")
    k = _best_k(gaps)
    quotients = [gap >> k for gap in gaps]
    unary = "".join("1" * q + "0" for q in quotients)
    mask = (1 << k) - 1
    remainders = "".join(f"{gap & mask:0{k}b}" for gap in gaps) if k else ""
    return _varint(len(gaps)) + bytes([k]) + _varint(sum(quotients)) + _pack_bits(unary) + _pack_bits(remainders)


def read_log(data: bytes) -> StatusLog:
    """Read a whole log.

    Raises:
        LogError: the log breaks a rule of docs/spec.md, and which.
    """
    day, generation = read_header(data)
    log = StatusLog(day, generation)
    at, listed = HEADER_BYTES, 0
    while at < len(data):
        indexes, at = _read_block(data, at)
        log.revoked.add(indexes)
        listed += len(indexes)
    if len(log.revoked) != listed:
        raise LogError("an index is listed twice")
    return log


def read_header(data: bytes) -> tuple[int, int]:
    """Read which day and generation a log is of.

    Raises:
        LogError: too short, or not a status log of this version.
    """
    if len(data) < HEADER_BYTES or not data.startswith(MAGIC):
        raise LogError(f"expected a status log that starts with {MAGIC!r}, got {data[:HEADER_BYTES]!r}")
    return int.from_bytes(data[4:6], "big"), int.from_bytes(data[6:8], "big")


def _read_block(data: bytes, at: int) -> tuple[list[int], int]:
    """Read the block at `at`; every length is checked against what is there before anything is allocated."""
    count, at = _read_varint(data, at)
    if at >= len(data):
        raise LogError("a block is cut short")
    k = data[at]
    quotient_sum, at = _read_varint(data, at + 1)
    if count < 1 or k > RICE_MAX_K or quotient_sum > (INDEX_LIMIT - 1) >> k:
        raise LogError(f"a block of {count} gaps with k = {k} and quotients of {quotient_sum} in all can't be")
    unary_end = at + (count + quotient_sum + 7 >> 3)
    end = unary_end + (count * k + 7 >> 3)
    if end > len(data):
        raise LogError(f"a block is cut short: {end - len(data)} bytes are missing")
    unary = _unpack_bits(data[at:unary_end], count + quotient_sum)
    runs = unary.split("0")
    if len(runs) != count + 1 or runs.pop():
        raise LogError("a block's quotients do not add up to what it says")
    gaps: Iterable[int] = map(len, runs)
    if k:
        bits = _unpack_bits(data[unary_end:end], count * k)
        gaps = (len(run) << k | int(bits[i : i + k], 2) for run, i in zip(runs, range(0, count * k, k), strict=True))
    indexes = list(accumulate(gaps, lambda before, gap: before + gap + 1))
    if indexes[-1] >= INDEX_LIMIT:
        raise LogError(f"index {indexes[-1]} is not below {INDEX_LIMIT}")
    return indexes, end


def _best_k(gaps: Sequence[int]) -> int:
    """Choose the remainder bits that make the block smallest, beginning from the mean gap's."""
    near = (sum(gaps) // len(gaps)).bit_length()
    candidates = range(max(min(near, RICE_MAX_K) - 2, 0), min(near, RICE_MAX_K) + 1)
    return min(candidates, key=lambda k: len(gaps) * k + sum(gap >> k for gap in gaps))


def _pack_bits(bits: str) -> bytes:
    """Write a string of 0 and 1, most significant bit first, padded with 0 to a byte."""
    size = len(bits) + 7 >> 3
    return int(bits.ljust(size * 8, "0") or "0", 2).to_bytes(size, "big")


def _unpack_bits(data: bytes, count: int) -> str:
    bits = bin(int.from_bytes(b"\x01" + data, "big"))[3:]
    if "1" in bits[count:]:
        raise LogError("a block's padding is not 0")
    return bits[:count]


def _varint(value: int) -> bytes:
    """Write a number in groups of 7 bits, the lowest first, the top bit saying that more follow (LEB128)."""
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
