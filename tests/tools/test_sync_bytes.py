"""The bytes of a sync: the bars hold against a real server, can be missed, and the peer is what it says it is."""

import zlib
from dataclasses import replace

import pytest
import sync_bytes


@pytest.fixture(scope="module")
def costs() -> list[sync_bytes.Cost]:
    return list(sync_bytes.measure(*sync_bytes.SMALL))


def test_the_bars_hold(costs: list[sync_bytes.Cost]) -> None:
    assert sync_bytes.missed_bars(costs) == []
    assert [cost.newly for cost in costs] == [0, 10, 1_000]
    assert [cost.requests for cost in costs] == [1, 1, 1]


def test_what_is_measured_is_more_than_what_must_be_told(costs: list[sync_bytes.Cost]) -> None:
    assert all(cost.sent > cost.entropy for cost in costs)
    assert costs[0].sent < costs[1].sent < costs[2].sent < costs[2].peer


def test_the_bars_can_be_missed(costs: list[sync_bytes.Cost]) -> None:
    unchanged, ten, thousand = costs
    for worse in (
        replace(unchanged, requests=2),
        replace(unchanged, sent=1_001),
        replace(ten, sent=4_000),
        replace(thousand, sent=5_000),
    ):
        assert len(sync_bytes.missed_bars([worse])) == 1


def test_the_entropy_is_that_of_what_is_new(costs: list[sync_bytes.Cost]) -> None:
    assert [round(cost.entropy) for cost in costs] == [0, 22, 1423]


def test_the_peer_is_a_bitmap_compressed() -> None:
    bits = bytes([0b10000010, 0, 0b00000001])
    assert sync_bytes.status_list(24, [1, 7, 16]) == len(zlib.compress(bits, 9))
