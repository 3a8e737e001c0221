"""statuslog.json: status logs, read and written."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any

from make_vectors.common import DAY, INDEX_LIMIT, SEED, Vector, vector
from make_vectors.passes import STANDARD

RICE_MAX_K = 26


def varint(value: int, extra: int = 0) -> bytes:
    """Write a varint; `extra` more bytes than it needs."""
    groups = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)] + [0] * extra
    return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])


def pack(bits: str, pad: str = "0") -> bytes:
    bits += pad * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def cost(gaps: Sequence[int], k: int) -> int:
    return len(gaps) * k + sum(gap >> k for gap in gaps)


def block_of(
    gaps: Sequence[int],
    k: int | None = None,
    *,
    count: int | None = None,
    quotients: int | None = None,
    unary_pad: str = "0",
    pad: str = "0",
    extra: tuple[int, int] = (0, 0),
) -> bytes:
    """Write a block; what it says of itself may be given otherwise than it is."""
    k = min(range(RICE_MAX_K + 1), key=lambda k: cost(gaps, k)) if k is None else k
    unary = "".join("1" * (gap >> k) + "0" for gap in gaps)
    rest = "".join(f"{gap & (1 << k) - 1:0{k}b}" for gap in gaps) if k else ""
    total = sum(gap >> k for gap in gaps)
    return (
        varint(len(gaps) if count is None else count, extra[0])
        + bytes([k])
        + varint(total if quotients is None else quotients, extra[1])
        + pack(unary, unary_pad)
        + pack(rest, pad)
    )


def gaps_of(indexes: Iterable[int]) -> list[int]:
    return [after - before - 1 for before, after in pairwise([-1, *sorted(indexes)])]


def log_head(day: int, generation: int = 0) -> bytes:
    return b"MPL1" + day.to_bytes(2, "big") + generation.to_bytes(2, "big")


def log(day: int, *blocks: Iterable[int], generation: int = 0) -> bytes:
    return log_head(day, generation) + b"".join(block_of(gaps_of(block)) for block in blocks)


def drawn(name: str, count: int, below: int) -> list[int]:
    """Draw different indexes, the same ones for ever."""
    found: set[int] = set()
    counter = 0
    while len(found) < count:
        digest = sha256(f"{SEED}: {name} {counter}".encode()).digest()
        found |= {int.from_bytes(digest[at : at + 4], "big") % below for at in range(0, 32, 4)}
        counter += 1
    return sorted(found)[:count]


INDEXES_SHOWN = 64
"""Up to so many indexes stand in the file; of longer lists, their number and digest."""


def read(name: str, why: str, data: bytes, indexes: Iterable[int], *, day: int = DAY, generation: int = 0) -> Vector:
    ordered = sorted(indexes)
    expect: dict[str, Any] = {"day": day, "generation": generation}
    if len(ordered) <= INDEXES_SHOWN:
        expect["indexes"] = ordered
    else:
        expect["count"] = len(ordered)
        expect["sha256"] = sha256(b"".join(index.to_bytes(4, "big") for index in ordered)).hexdigest()
    return vector(name, why, "statuslog-read", {"log": data.hex()}, expect)


def unreadable(name: str, why: str, data: bytes) -> Vector:
    return vector(name, why, "statuslog-read", {"log": data.hex()}, {"refused": True})


def statuslog_vectors() -> list[Vector]:
    return [
        *good_logs(),
        *bad_headers(),
        *bad_blocks(),
        *bad_indexes(),
        *bad_numbers(),
        *written_logs(),
        *refused_writes(),
    ]


SMALL = (3, 5, 12, 400_000)
TOP = INDEX_LIMIT - 1


def good_logs() -> Iterable[Vector]:
    start = log_head(DAY)
    yield read("empty", "nothing revoked yet", log(DAY), [])
    yield read("empty-generation", "after a compaction", log(DAY, generation=7), [], generation=7)
    yield read("empty-first-day", "1970-01-01", log(0), [], day=0)
    yield read(
        "empty-last-day", "the last day and generation", log(65535, generation=65535), [], day=65535, generation=65535
    )
    for index in (0, 1, 7, 8, 63, 64, 400_000, 1 << 26, TOP):
        yield read(f"one-{index}", "one index", log(DAY, [index]), [index])
    yield read("small", "four indexes", log(DAY, SMALL), SMALL)
    yield read("dense-8", "eight in a row from 0: nothing but zero bits", log(DAY, range(8)), range(8))
    yield read("dense-9", "nine in a row: a bit into the second byte", log(DAY, range(9)), range(9))
    yield read("dense-1000", "a thousand in a row", log(DAY, range(1000)), range(1000))
    yield read(
        "dense-late", "64 in a row up to the last index", log(DAY, range(TOP - 63, TOP + 1)), range(TOP - 63, TOP + 1)
    )
    dense = drawn("dense", 5000, 7000)
    yield read("dense", "5,000 of 7,000", log(DAY, dense), dense)
    percent = drawn("percent", 2000, 200_000)
    yield read("percent", "one in a hundred of 200,000", log(DAY, percent), percent)
    sparse = drawn("sparse", 500, 1 << 24)
    yield read("sparse", "500 of 16,777,216", log(DAY, sparse), sparse)
    many = drawn("many blocks", 600, 100_000)
    parts = [many[at::200] for at in range(200)]
    yield read("many-blocks", "200 blocks of three, each over the whole range", log(DAY, *parts), many)
    yield read("two-blocks", "a later block may begin below an earlier one", log(DAY, [5, 400_000], [3, 12]), SMALL)
    yield read("blocks-of-one", "each index in a block of its own", log(DAY, *([index] for index in SMALL)), SMALL)
    for k in (0, 3, 17, RICE_MAX_K):
        gaps = gaps_of([3, 5, 12, 40])
        yield read(f"k-{k}", f"k = {k}, which is not the best", start + block_of(gaps, k), [3, 5, 12, 40])
    yield read("k-16-most", "the highest index, k = 16: quotients of 16,383", start + block_of([TOP], 16), [TOP])
    for count in (127, 128, 129):
        run = range(0, count * 2, 2)
        yield read(f"count-{count}", f"a block of {count}", log(DAY, run), run)
    for total in (127, 128):
        yield read(f"quotients-{total}", f"quotients of {total}", start + block_of([total], 0), [total])
    yield read(
        "unary-whole-byte", "the quotients end with their byte", start + block_of([0] * 3 + [4], 0), [0, 1, 2, 7]
    )
    yield read("rest-whole-byte", "the remainders end with their byte", start + block_of([1] * 4, 2), [1, 3, 5, 7])


def bad_headers() -> Iterable[Vector]:
    good = log(DAY, SMALL)
    yield unreadable("no-bytes", "an empty file", b"")
    for length in (1, 3, 4, 6, 7):
        yield unreadable(f"header-{length}", f"the header's first {length} bytes", good[:length])
    yield unreadable("magic-version", "a later version", b"MPL2" + good[4:])
    yield unreadable("magic-case", "in lower case", b"mpl1" + good[4:])
    yield unreadable("magic-shifted", "a byte before it", b"\0" + good)
    yield unreadable("magic-payload", "a pass", STANDARD.text.encode())


def bad_blocks() -> Iterable[Vector]:
    start = log_head(DAY)
    gaps = gaps_of([3, 5, 12, 40])
    good = block_of(gaps, 3)
    parts = {1: "after the count", 2: "after k", 3: "after the quotients' sum", len(good) - 2: "before the remainders"}
    assert len(good) == 6
    for length, what in parts.items():
        yield unreadable(f"cut-{length}", f"cut {what}", start + good[:length])
    yield unreadable("cut-last-byte", "the last byte is missing", start + good[:-1])
    yield unreadable("cut-second", "the second block is cut short", start + good + block_of([100], 3)[:-1])
    yield unreadable("cut-unary", "a long unary part is cut short", start + block_of([100], 0)[:-1])
    yield unreadable("trailing-0", "a byte 0 after the last block", start + good + b"\0")
    yield unreadable("trailing-000", "a block of none after the last block", start + good + bytes(3))
    yield unreadable("count-0", "a block of none", start + bytes([0, 0, 0]))
    yield unreadable("count-0-k", "a block of none with k = 5", start + bytes([0, 5, 0]))
    yield unreadable("count-more", "it says one more than its bytes hold", start + block_of([0] * 8, 0, count=9))
    yield unreadable(
        "count-less", "it says one less than it has, within the same bytes", start + block_of([0, 0, 9], 0, count=2)
    )
    yield unreadable(
        "count-less-cut",
        "it says one less, and a one bit stands in the padding",
        start + block_of([0, 0, 1], 1, count=2),
    )
    yield unreadable("quotients-more", "it says quotients of one more", start + block_of([0, 3], 0, quotients=4))
    yield unreadable("quotients-less", "it says quotients of one less", start + block_of([0, 3], 0, quotients=2))
    swapped = block_of([0, 3], 0, count=3, quotients=2)
    yield unreadable("count-for-quotient", "one more and one less: the bits add up, the zeros do not", start + swapped)
    yield unreadable("unary-open", "the last quotient does not end", start + bytes([2, 0, 2]) + pack("1100"[::-1]))
    yield unreadable(
        "unary-padding", "a one in the padding of the quotients", start + block_of([0, 3], 0, unary_pad="1")
    )
    yield unreadable("rest-padding", "a one in the padding of the remainders", start + block_of([1, 2, 3], 3, pad="1"))
    yield unreadable("unary-padding-one-bit", "a one in the very last bit", start + bytes([1, 0, 0, 0x01]))


def bad_indexes() -> Iterable[Vector]:
    """Beyond what an index can be, or listed before."""
    start, good = log_head(DAY), block_of(gaps_of([3, 5, 12, 40]), 3)
    yield unreadable("k-27", "k = 27", start + block_of([3], 27))
    yield unreadable("k-30", "k = 30", start + block_of([3], 30))
    yield unreadable("k-255", "k = 255", start + block_of([3], 255))
    for k in (0, 1, 16, 26):
        over = ((INDEX_LIMIT - 1) >> k) + 1
        data = start + varint(1) + bytes([k]) + varint(over)
        yield unreadable(f"quotients-over-k-{k}", "more quotients than any index has", data + bytes(16))
    for k in (31, 32, 58, 64, 250):
        data = start + varint(1) + bytes([k]) + varint(0) + b"\0" + bytes(k + 7 >> 3)
        yield unreadable(f"k-shift-{k}", f"k = {k}, which a shift may take modulo 32 or 64", data)
    for power in (31, 32, 33, 34):
        more = block_of([9, 2, 0], 1, quotients=(1 << power) + 5)
        yield unreadable(f"quotients-2-pow-{power}", f"a sum of 2^{power} more than it is", start + more)
        more = block_of([9, 2, 0], 1, count=(1 << power) + 3)
        yield unreadable(f"count-2-pow-{power}-more", f"a count of 2^{power} more than it is", start + more)
    for power, least in ((32, 7), (35, 1)):
        data = start + varint((1 << power) - least) + b"\0" + varint(0) + bytes(8)
        yield unreadable(f"count-2-pow-{power}-less-{least}", "a count whose bits overflow as they become bytes", data)
    far = (1 << 26) - 1
    for name, gaps in (
        ("31", [far] * 32 + [5]),
        ("32", [far] * 64 + [5]),
        ("32-twice", [far] * 128 + [5]),
        ("32-into-order", [0, *[far] * 63, far - 1, 40]),
    ):
        wrapped = f"gaps that add up to more than 2^{name[:2]}, and to a good index if cut to as many bits"
        yield unreadable(f"wrap-{name}", wrapped, start + block_of(gaps, 26))
    yield unreadable("index-over", "the index 2^30", start + block_of([TOP, 0], 26))
    yield unreadable("index-over-far", "far beyond the last index", start + block_of([TOP, (1 << 26) - 1], 26))
    yield unreadable("index-over-second", "the second block goes beyond", start + good + block_of([TOP, 5], 26))
    yield unreadable("twice", "an index in two blocks", log(DAY, [3, 5], [5, 7]))
    yield unreadable("twice-last", "the last index in two blocks", log(DAY, [TOP], [TOP]))
    yield unreadable("twice-block", "the same block again", log(DAY, SMALL, SMALL))


def bad_numbers() -> Iterable[Vector]:
    start = log_head(DAY)
    yield unreadable(
        "varint-long-count", "the count in two bytes, where one is enough", start + block_of([3], 0, extra=(1, 0))
    )
    yield unreadable("varint-long-quotients", "the quotients' sum in two bytes", start + block_of([3], 0, extra=(0, 1)))
    yield unreadable("varint-long-0", "0 in two bytes", start + block_of([0], 0, extra=(0, 1)))
    yield unreadable("varint-5-long", "3 in five bytes", start + block_of([3], 0, extra=(0, 4)))
    yield unreadable("varint-6", "3 in six bytes", start + block_of([3], 0, extra=(0, 5)))
    yield unreadable("varint-6-value", "a number of six bytes", start + varint(1 << 35) + bytes(40))
    yield unreadable("varint-open", "a number that does not end", start + b"\x80\x80")
    yield unreadable("varint-open-quotients", "a sum that does not end", start + b"\x01\x00\xff\xff")
    yield unreadable("count-2-pow-35", "a count of 2^35 - 1", start + varint((1 << 35) - 1) + bytes(40))
    yield unreadable(
        "count-2-pow-32", "a count of 2^32 + 1, 1 if cut to 32 bits", start + varint((1 << 32) + 1) + bytes(3)
    )
    yield unreadable("count-huge-k", "a count of 2^31 with k = 26", start + varint(1 << 31) + b"\x1a" + bytes(40))


def write(name: str, why: str, blocks: Sequence[Sequence[int]], *, day: int = DAY, generation: int = 0) -> Vector:
    given = {"day": day, "generation": generation, "blocks": [list(block) for block in blocks]}
    return vector(name, why, "statuslog-write", given, {"log": log(day, *blocks, generation=generation).hex()})


def written_logs() -> Iterable[Vector]:
    yield write("write-empty", "nothing but the header", [])
    yield write("write-generation", "another generation", [], day=DAY + 1, generation=258)
    yield write("write-small", "four indexes", [SMALL])
    yield write("write-unsorted", "indexes come in any order", [[400_000, 3, 12, 5]])
    yield write("write-blocks", "block after block", [[5, 400_000], [3, 12]])
    yield write("write-one-0", "the first index: k = 0", [[0]])
    yield write("write-one-last", "the last index: k = 26", [[TOP]])
    yield write("write-tie", "k = 0 and k = 1 make the same size: the smaller", [[1, 3, 5, 7]])
    yield write("write-dense", "64 in a row", [list(range(64))])
    yield write("write-one-far", "63 in a row and one far off", [[*range(63), TOP]])
    yield write("write-drawn", "60 of 100,000", [drawn("write", 60, 100_000)])
    yield write("write-percent", "1,000 of 100,000", [drawn("write percent", 1000, 100_000)])


def refused_writes() -> Iterable[Vector]:
    for name, why, day, generation, blocks in (
        ("block-empty", "a block of none", DAY, 0, [[]]),
        ("twice", "an index twice in a block", DAY, 0, [[3, 5, 3]]),
        ("twice-blocks", "an index in two blocks", DAY, 0, [[3, 5], [9, 5]]),
        ("twice-blocks-apart", "an index in two blocks, one between them", DAY, 0, [[TOP], [9], [TOP]]),
        ("twice-blocks-same", "the same block again", DAY, 0, [[3, 5], [5, 3]]),
        ("negative", "an index below 0", DAY, 0, [[-1, 3]]),
        ("over", "an index of 2^30", DAY, 0, [[3, INDEX_LIMIT]]),
        ("day", "a day of more than two bytes", 65536, 0, []),
        ("day-negative", "a day before 1970", -1, 0, []),
        ("generation", "a generation of more than two bytes", DAY, 65536, []),
        ("generation-negative", "a generation below 0", DAY, -1, []),
    ):
        given: dict[str, Any] = {"day": day, "generation": generation, "blocks": blocks}
        yield vector(f"write-refused-{name}", why, "statuslog-write", given, {"refused": True})
