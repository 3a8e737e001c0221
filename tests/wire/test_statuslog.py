"""Check that status logs round-trip and that malformed logs are refused before memory is allocated for them."""

import random
import tracemalloc
from collections.abc import Iterable
from itertools import accumulate, chain, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from movepass_wire import statuslog
from movepass_wire.errors import LogError
from movepass_wire.limits import RICE_MAX_K
from movepass_wire.statuslog import (
    HEADER_BYTES,
    PAGE_BYTES,
    PAGE_INDEXES,
    Bitmap,
    by_page,
    encode_block,
    encode_set,
    has_bit,
    new_log,
    read_blocks,
    read_header,
    read_log,
    set_bits,
    write_log,
)

DAY = 20779
TOP_INDEX = (1 << 30) - 1
HEADER = new_log(DAY, 3)

_indexes = st.integers(0, 3000) | st.integers(0, 1 << 20)
index_sets = st.sets(_indexes, min_size=1, max_size=80)


def varint(value: int) -> bytes:
    """Encode LEB128 without checks, for malformed logs."""
    groups = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])


def lying(count: int, k: int, quotient_sum: int, streams: bytes = b"") -> bytes:
    return HEADER + varint(count) + bytes([k]) + varint(quotient_sum) + streams


def dense(size: int) -> Iterable[int]:
    return range(size)


def half(size: int) -> Iterable[int]:
    return random.Random(1).sample(range(size), size // 2)


def one_in(many: int, size: int) -> Iterable[int]:
    return random.Random(2).sample(range(size), size // many)


@given(st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=6), max_size=4))
def test_a_written_log_is_read_back(blocks: list[list[int]]) -> None:
    given_indexes = list(chain.from_iterable(blocks))
    if len(set(given_indexes)) < len(given_indexes):
        with pytest.raises(LogError, match="twice"):
            write_log(DAY, 3, blocks)
        return
    log = read_log(write_log(DAY, 3, blocks))
    assert (log.day, log.generation, list(log.revoked)) == (DAY, 3, sorted(given_indexes))


@given(st.lists(index_sets, max_size=5))
def test_a_log_holds_the_indexes_of_its_blocks(sets: list[set[int]]) -> None:
    log, held = HEADER, set[int]()
    for indexes in sets:
        fresh = indexes - held
        if fresh:
            log += encode_block(fresh)
            held |= fresh
    read = read_log(log)
    assert (read.day, read.generation) == (DAY, 3)
    assert list(read.revoked) == sorted(held)
    assert len(read.revoked) == len(held)


@given(index_sets)
def test_a_block_does_not_depend_on_the_order_of_its_input(indexes: set[int]) -> None:
    assert encode_block(sorted(indexes, reverse=True)) == encode_block(sorted(indexes))


@given(index_sets, _indexes)
def test_a_bitmap_behaves_like_a_set(indexes: set[int], asked: int) -> None:
    revoked = read_log(HEADER + encode_block(indexes)).revoked
    assert (asked in revoked) == (asked in indexes)
    assert all(index in revoked for index in indexes)


@pytest.mark.parametrize(
    "indexes",
    [
        pytest.param([0], id="one, the lowest"),
        pytest.param([7, 8], id="across a byte"),
        pytest.param(dense(20_000), id="dense"),
        pytest.param(half(20_000), id="every other, more or less"),
        pytest.param(one_in(100, 1_000_000), id="one in 100"),
        pytest.param(one_in(10_000, 1 << 24), id="one in 10,000"),
        pytest.param([0, 1 << 20], id="two far apart"),
        pytest.param([*range(1000), (1 << 20) + 5], id="a run and one far off"),
    ],
)
def test_dense_and_sparse_blocks_round_trip(indexes: Iterable[int]) -> None:
    assert list(read_log(HEADER + encode_block(indexes)).revoked) == sorted(indexes)


@given(
    st.sets(_indexes | st.integers(TOP_INDEX - 40_000, TOP_INDEX), min_size=1, max_size=80),
    st.sampled_from([1, 2, 3, 7, 16384]),
)
@example({0}, 1)
@example({TOP_INDEX}, 1)
@example({PAGE_INDEXES - 1, PAGE_INDEXES, 3 * PAGE_INDEXES}, 16384)
def test_a_set_has_one_block_however_it_is_encoded(indexes: set[int], size: int) -> None:
    revoked = Bitmap()
    revoked.add(sorted(indexes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statuslog, "_PIECE_GAPS", size)
        assert encode_block(indexes) == encode_set(revoked)
    assert read_log(HEADER + encode_set(revoked)).revoked == revoked


def test_a_set_is_encoded_in_little_more_memory_than_its_block_takes() -> None:
    revoked = Bitmap()
    revoked.add(sorted(one_in(100, 10_000_000)))
    tracemalloc.start()
    try:
        block = encode_set(revoked)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(block) > 100_000
    assert peak < 4 * len(block)  # a list of the indexes alone takes over 40 times


@pytest.mark.parametrize("page", [-1, TOP_INDEX // PAGE_INDEXES + 1])
def test_an_empty_set_or_one_out_of_range_cannot_be_encoded(page: int) -> None:
    revoked = Bitmap()
    if page >= 0:
        revoked.pages[page] = bytearray(b"\x01" + bytes(PAGE_BYTES - 1))
    with pytest.raises(LogError, match="at least one index"):
        encode_set(revoked)


@given(st.lists(index_sets, min_size=1, max_size=3), st.sampled_from([1, 2, 3, 7, 4096]))
def test_the_size_of_the_pieces_does_not_matter(sets: list[set[int]], size: int) -> None:
    log = HEADER + b"".join(map(encode_block, sets))
    whole = [list(piece) for piece in read_blocks(log)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statuslog, "_PIECE_BYTES", size)
        pieces = list(read_blocks(log))
    assert [index for piece in pieces for index in piece] == [index for piece in whole for index in piece]
    assert all(len(piece) <= 8 * size for piece in pieces)
    assert all(before < after for piece in pieces for before, after in pairwise(piece))


def test_a_large_block_comes_in_pieces() -> None:
    pieces = list(read_blocks(HEADER + encode_block(one_in(10, 1_000_000))))
    assert len(pieces) > 5
    assert sum(map(len, pieces)) == 100_000


def test_reading_can_start_at_any_block() -> None:
    for blocks, end in enumerate(BLOCK_ENDS):
        assert list(chain.from_iterable(read_blocks(LOG, end))) == list(chain.from_iterable(SETS[blocks:]))


def test_reading_a_log_takes_little_more_memory_than_its_pages() -> None:
    large, small = HEADER + encode_block(one_in(10, 2_000_000)), HEADER + encode_block([TOP_INDEX])
    for log, most in ((large, 250_000 + 3_000_000), (small, 50_000)):
        tracemalloc.start()
        try:
            read_log(log)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < most


def test_the_highest_index_round_trips() -> None:
    revoked = read_log(HEADER + encode_block([0, TOP_INDEX])).revoked
    assert TOP_INDEX in revoked
    assert TOP_INDEX - 1 not in revoked
    assert len(revoked) == 2


@pytest.mark.parametrize(
    ("indexes", "block"),
    [
        pytest.param([0], "01 00 00 00", id="a gap of 0"),
        pytest.param([3], "01 01 01 80 80", id="a gap of 3 with k = 1: 10, 1"),
        pytest.param([0, 1, 2], "03 00 00 00", id="three gaps of 0: 000"),
        pytest.param([2, 5, 11], "03 01 04 ac 20", id="gaps of 2, 2 and 5 with k = 1: 10 10 110, 0 0 1"),
    ],
)
def test_a_block_is_count_k_quotient_sum_unary_and_remainders(indexes: list[int], block: str) -> None:
    expected = bytes.fromhex(block)
    assert list(read_log(HEADER + expected).revoked) == indexes
    assert encode_block(indexes) == expected


def test_an_empty_log_is_its_header() -> None:
    assert new_log(DAY, 3) == b"MPL1" + DAY.to_bytes(2, "big") + b"\x00\x03"
    assert list(read_log(new_log(DAY)).revoked) == []
    assert read_header(new_log(DAY)) == (DAY, 0)


@pytest.mark.parametrize(("day", "generation"), [(0, 0), (DAY, 1), (65535, 65535)])
def test_day_and_generation_round_trip(day: int, generation: int) -> None:
    assert read_header(new_log(day, generation)) == (day, generation)


@pytest.mark.parametrize(("day", "generation"), [(-1, 0), (65536, 0), (1 << 20, 0), (0, -1), (0, 65536), (0, 1 << 20)])
def test_a_day_or_generation_beyond_two_bytes_is_refused(day: int, generation: int) -> None:
    with pytest.raises(LogError, match="each must be from 0 to 65535"):
        new_log(day, generation)


@pytest.mark.parametrize(
    "indexes",
    [[], [-1], [-1, 5], [1 << 30], [0, 1 << 30], [1 << 31]],
    ids=["none", "below 0", "below 0 among", "2^30", "among", "2^31"],
)
def test_an_empty_block_or_an_index_out_of_range_cannot_be_encoded(indexes: list[int]) -> None:
    with pytest.raises(LogError, match="at least one index, each from 0 to 1073741823"):
        encode_block(indexes)


@pytest.mark.parametrize("indexes", [[5, 5], [1, 2, 3, 2], [0, 0]])
def test_a_block_with_a_duplicate_index_cannot_be_encoded(indexes: list[int]) -> None:
    with pytest.raises(LogError, match="listed twice"):
        encode_block(indexes)


@pytest.mark.parametrize(("first", "second"), [([5], [5]), ([1, 2, 3], [3, 9]), ([9], [0, 9])])
def test_an_index_in_two_blocks_is_refused(first: list[int], second: list[int]) -> None:
    with pytest.raises(LogError, match="an index is listed twice"):
        read_log(HEADER + encode_block(first) + encode_block(second))


@pytest.mark.parametrize("data", [b"", b"MPL1", HEADER[:-1], b"MPL2" + HEADER[4:], b"\x00" * 8, HEADER[1:] + b"\x00"])
def test_a_file_that_does_not_start_like_a_log_is_refused(data: bytes) -> None:
    with pytest.raises(LogError, match="expected a status log that starts with b'MPL1'"):
        read_log(data)


SETS = [[3, 400, 401, 90_000], [7], sorted(100_000 + index for index in one_in(50, 5000))]
LOG = HEADER + b"".join(map(encode_block, SETS))
BLOCK_ENDS = list(accumulate((len(encode_block(indexes)) for indexes in SETS), initial=HEADER_BYTES))


def test_the_message_says_how_much_is_missing() -> None:
    with pytest.raises(LogError, match="a block is cut short: 1 bytes are missing"):
        read_log(LOG[:-1])


@pytest.mark.parametrize("count", [127, 128, 129, 16383, 16384])
def test_a_count_at_the_edge_of_its_bytes_round_trips(count: int) -> None:
    assert list(read_log(HEADER + encode_block(range(count))).revoked) == list(range(count))


@given(st.lists(st.integers(0, 300), min_size=1, max_size=8))
@example([154, 42, 172, 144, 155])
def test_no_other_number_of_remainder_bits_makes_a_block_smaller(gaps: list[int]) -> None:
    indexes = list(accumulate(gaps, lambda before, gap: before + gap + 1))
    k = encode_block(indexes)[1]
    sizes = [len(gaps) * bits + sum(gap >> bits for gap in gaps) for bits in range(RICE_MAX_K + 1)]
    assert sizes[k] == min(sizes)


def test_a_page_covers_sixteen_thousand_indexes() -> None:
    assert [(n, list(within)) for n, within in by_page([0, 15_999, 16_000])] == [(0, [0, 15_999]), (1, [0])]


@given(st.sets(st.integers(0, 15_999), max_size=20), st.integers(0, 15_999))
def test_a_page_has_exactly_the_bits_that_were_set(indexes: set[int], asked: int) -> None:
    page = bytearray(2000)
    set_bits(page, indexes)
    assert all(has_bit(page, index) for index in indexes)
    assert all(has_bit(page, near) == (near in indexes) for index in indexes for near in (index ^ 1, index ^ 8))
    assert has_bit(page, asked) == (asked in indexes)


@pytest.mark.parametrize(("blocks", "end"), list(enumerate(BLOCK_ENDS)))
def test_a_log_cut_between_blocks_is_the_log_as_it_was(blocks: int, end: int) -> None:
    assert list(read_log(LOG[:end]).revoked) == sorted(chain.from_iterable(SETS[:blocks]))


@pytest.mark.parametrize("end", sorted(set(range(len(LOG))) - set(BLOCK_ENDS)))
def test_a_log_cut_anywhere_else_is_refused(end: int) -> None:
    with pytest.raises(LogError):
        read_log(LOG[:end])


def test_every_flipped_bit_is_refused_or_changes_the_log() -> None:
    whole = read_log(LOG)
    for bit in range(len(LOG) * 8):
        flipped = bytearray(LOG)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        try:
            read = read_log(bytes(flipped))
        except LogError:
            continue
        assert (read.day, read.generation, list(read.revoked)) != (whole.day, whole.generation, list(whole.revoked))


@given(st.binary(max_size=40))
@settings(max_examples=300)
def test_any_bytes_are_refused_or_are_a_block_of_rising_indexes(data: bytes) -> None:
    try:
        read = list(read_log(HEADER + data).revoked)
    except LogError:
        return
    assert all(before < after for before, after in pairwise([-1, *read, TOP_INDEX + 1]))
    assert bool(read) is bool(data)


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(lying(0, 0, 0), id="no gaps"),
        pytest.param(lying(0, 5, 0, bytes(10)), id="no gaps, with bytes"),
        pytest.param(lying(1, 27, 0, bytes(1 + 4)), id="k over 26"),
        pytest.param(lying(1, 255, 0, bytes(1 + 32)), id="k of 255"),
        pytest.param(lying(1, 0, 1 << 30), id="quotients of 2^30"),
        pytest.param(lying(1, 26, 16, bytes(10)), id="quotients of 16 at k = 26"),
        pytest.param(lying(1, 10, 1 << 20, bytes(1 << 18)), id="quotients of 2^20 at k = 10"),
    ],
)
def test_an_impossible_count_k_or_quotient_sum_is_refused(log: bytes) -> None:
    with pytest.raises(LogError, match="a block cannot have"):
        read_log(log)


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(lying(2, 0, 0, b"\x40"), id="a quotient where none is said"),
        pytest.param(lying(1, 8, 1, bytes(2)), id="a gap more than is said"),
        pytest.param(lying(1, 8, 7, bytes(2)), id="seven gaps more than are said"),
        pytest.param(lying(2, 0, 1, b"\x00"), id="no quotient where one is said"),
        pytest.param(lying(2, 0, 1, b"\xc0"), id="quotients of 2 where 1 is said"),
        pytest.param(lying(3, 0, 5, b"\x1f"), id="the last gap not ended"),
        pytest.param(lying(8, 0, 0, b"\x01"), id="eight gaps, the last not ended"),
    ],
)
def test_quotients_that_do_not_add_up_are_refused(log: bytes) -> None:
    with pytest.raises(LogError, match="do not add up"):
        read_log(log)


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(lying(1, 0, 0, b"\x01"), id="behind the unary stream"),
        pytest.param(lying(1, 0, 0, b"\x40"), id="right behind the unary stream"),
        pytest.param(lying(1, 1, 0, b"\x00\x40"), id="behind the remainders"),
        pytest.param(lying(3, 1, 0, b"\x00\x10"), id="behind three remainders"),
    ],
)
def test_padding_that_is_not_zero_is_refused(log: bytes) -> None:
    with pytest.raises(LogError, match="padding of a block is not 0"):
        read_log(log)


@pytest.mark.parametrize("size", [1, 2, 4096])
def test_padding_after_the_last_of_several_pieces_is_checked_too(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statuslog, "_PIECE_BYTES", size)
    log = HEADER + encode_block(range(0, 3300, 100))
    assert log[HEADER_BYTES] * log[HEADER_BYTES + 1] % 8 != 0  # the remainders of the gaps do not end on a byte
    assert list(read_log(log).revoked) == list(range(0, 3300, 100))
    with pytest.raises(LogError, match="padding of a block is not 0"):
        read_log(log[:-1] + bytes([log[-1] | 1]))


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(HEADER + b"\x81\x00\x00\x00\x00", id="count"),
        pytest.param(HEADER + b"\x01\x00\x80\x00\x00", id="quotient sum"),
        pytest.param(HEADER + b"\x81\x80\x00\x00\x00", id="count, longer"),
    ],
)
def test_a_number_not_in_its_shortest_form_is_refused(log: bytes) -> None:
    with pytest.raises(LogError, match="not in its shortest form"):
        read_log(log)


@pytest.mark.parametrize(
    "log", [HEADER + b"\xff" * 6, HEADER + b"\x80" * 5 + b"\x01", HEADER + b"\x01\x00" + b"\xff" * 9]
)
def test_a_number_over_five_bytes_is_refused(log: bytes) -> None:
    with pytest.raises(LogError, match="longer than 5 bytes"):
        read_log(log)


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(lying(2, 26, 15, b"\xff\xfe\x00" + b"\xff" * 6 + b"\xf0"), id="a second gap past the limit"),
        pytest.param(lying(3, 26, 15, b"\xff\xfe\x00" + b"\xff" * 9 + b"\xfc"), id="a third gap past the limit"),
    ],
)
def test_an_index_past_the_limit_is_refused(log: bytes) -> None:
    with pytest.raises(LogError, match="is not below 1073741824"):
        read_log(log)


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(lying((1 << 35) - 1, 26, 15), id="2^35 gaps of 26 bits"),
        pytest.param(lying((1 << 35) - 1, 0, TOP_INDEX), id="2^35 gaps and 2^30 quotients"),
        pytest.param(lying(1 << 30, 0, 0, bytes(1000)), id="2^30 gaps"),
        pytest.param(lying(1, 0, TOP_INDEX, bytes(1000)), id="2^30 quotients"),
        pytest.param(lying(1 << 20, 26, 0, bytes(100_000)), id="remainders beyond the end"),
        pytest.param(HEADER + encode_block([5]) + lying(1 << 30, 1, 5)[HEADER_BYTES:], id="in the second block"),
    ],
)
def test_a_log_that_claims_to_be_huge_is_refused_without_allocating(log: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(LogError, match="cut short"):
            read_log(log)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50_000


def test_one_percent_of_a_hundred_thousand_is_close_to_the_entropy_bound() -> None:
    size = len(encode_block(one_in(100, 100_000)))
    assert size * 8 / 1000 < 8.08 * 1.03  # bits per revoked index; 8.08 is the bound at 1 %


@given(st.lists(index_sets, min_size=2, max_size=2))
def test_bitmaps_with_the_same_indexes_are_equal_and_know_the_highest(sets: list[set[int]]) -> None:
    one, other = (read_log(HEADER + encode_block(indexes)).revoked for indexes in sets)
    assert (one == other) is (sets[0] == sets[1])
    assert one == read_log(HEADER + encode_block(sets[0])).revoked != sets[0]
    assert [one.highest, other.highest] == [max(indexes) for indexes in sets]
    assert Bitmap().highest == -1


def test_an_empty_bitmap_holds_nothing() -> None:
    bitmap = Bitmap()
    assert (len(bitmap), list(bitmap), 0 in bitmap, TOP_INDEX in bitmap) == (0, [], False, False)


def test_a_bitmap_stores_only_pages_with_an_index() -> None:
    bitmap = Bitmap()
    bitmap.add([0, 8, TOP_INDEX])
    bitmap.add([3])
    assert bitmap.pages.keys() == {0, TOP_INDEX // PAGE_INDEXES}
    assert bytes(bitmap.pages[0]) == b"\x09\x01" + bytes(PAGE_BYTES - 2)
    with pytest.raises(LogError, match="listed twice"):
        bitmap.add([8])
