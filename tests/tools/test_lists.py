"""The benchmark of lists: its formats hold the same list, what it times is answered rightly, its bars can be missed."""

import random
import zlib
from dataclasses import replace

import pytest
from lists import OURS, SHARE, Size, Timing, draw, forms, lookup_microseconds, missed_bars, sizes
from pyroaring import BitMap

from movepass_wire import read_log

PASSES = 200_000


def test_every_format_holds_the_same_list() -> None:
    indexes = draw(PASSES)
    written = forms(indexes, PASSES)
    bits = zlib.decompress(written["zipped bitmap"])
    assert list(read_log(written[OURS]).revoked) == sorted(indexes)
    assert [index for index in range(PASSES) if bits[index >> 3] >> (index & 7) & 1] == sorted(indexes)
    assert list(BitMap.deserialize(written["roaring"])) == sorted(indexes)
    assert zlib.decompress(written["zipped roaring"]) == written["roaring"]
    assert len(indexes) == PASSES * SHARE


def test_our_list_is_close_to_the_entropy_and_smaller_than_the_others() -> None:
    table = sizes(PASSES)
    assert missed_bars(table, []) == []
    (ours,) = (size for size in table if size.form == OURS)
    assert 1 < ours.ratio < 1.02


@pytest.mark.parametrize("larger", [1.03, 2])
def test_a_list_that_is_too_large_misses_a_bar(larger: float) -> None:
    table = [replace(size, size=round(size.size * larger)) if size.form == OURS else size for size in sizes(PASSES)]
    assert any("times the entropy" in line for line in missed_bars(table, []))


def test_a_peer_that_is_no_larger_misses_a_bar() -> None:
    table = [*sizes(PASSES), Size(PASSES, "magic", 7)]
    assert missed_bars(table, []) == [f"a list of {PASSES} passes is no smaller than magic's 7 bytes"]


def test_what_takes_too_long_misses_a_bar() -> None:
    assert missed_bars([], [Timing("  waiting", 2.5, "s", 1.5)]) == ["waiting takes 2.50 s; at most 1.5"]
    assert missed_bars([], [Timing("waiting", 1.5, "s", 1.5)]) == []


def test_every_index_asked_for_is_looked_up() -> None:
    found = []

    class Noting:
        def __contains__(self, index: object) -> bool:
            found.append(index)
            return True

    asked = random.Random(1).sample(range(PASSES), 50)
    assert lookup_microseconds(Noting(), asked) > 0
    assert found == asked
