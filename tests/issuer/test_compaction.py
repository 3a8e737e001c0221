"""A day's log: its content after any number of publications, and when rewriting it saves bytes."""

import random
from collections.abc import Iterator
from math import lgamma, log
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.repositories import logs_of, status_of
from support.world import World

from movepass_issuer import IssuerError
from movepass_issuer.revoking import compaction
from movepass_issuer.revoking.compaction import (
    COMPACT_ABOVE,
    COMPACT_FROM_BYTES,
    GrownLog,
    grow_log,
    is_due,
    one_block_bytes,
)
from movepass_keys.records.generations import WRITTEN_BEFORE, Generations
from movepass_wire import encode_block, new_log, read_log
from movepass_wire.statuslog import HEADER_BYTES, read_header

DAY = 20779


def generation(data: bytes) -> int:
    return read_header(data)[1]


def entropy(count: int, limit: int) -> float:
    return (lgamma(limit + 1) - lgamma(count + 1) - lgamma(limit - count + 1)) / log(2) / 8


def publications(count: int, each: int, limit: int, seed: int) -> Iterator[tuple[bytes, set[int]]]:
    """Yield a log and everything that was added to it, after each of so many publications."""
    drawn = random.Random(seed).sample(range(limit), count * each)
    log_, held = new_log(DAY), set[int]()
    for start in range(0, len(drawn), each):
        new = drawn[start : start + each]
        after = grow_log(log_, new)
        log_ = after.log
        assert after.added == each
        held.update(new)
        yield log_, held


@given(st.lists(st.sets(st.integers(0, 5000) | st.integers(0, 1 << 20), max_size=60), max_size=8), st.booleans())
def test_a_log_holds_the_union_of_what_was_brought_and_counts_what_was_new(sets: list[set[int]], often: bool) -> None:  # noqa: FBT001
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "COMPACT_FROM_BYTES", 0 if often else COMPACT_FROM_BYTES)
        data, held = new_log(DAY, 3), set[int]()
        for wanted in sets:
            before, new = data, wanted - held
            after = grow_log(data, wanted)
            assert after.added == len(new)
            data = after.log
            if generation(data) == generation(before):
                assert data.startswith(before)
                assert after.rewritten == 0
            else:
                assert generation(data) == generation(before) + 1
                first = new_log(DAY, generation(data)) + encode_block(held)
                assert data == first + encode_block(new)
                assert after.rewritten == len(first)
            held |= wanted
            assert after.held == len(held)
            assert set(read_log(data).revoked) == held


def test_a_log_that_holds_everything_already_does_not_change() -> None:
    data = grow_log(new_log(DAY), [3, 7]).log
    assert grow_log(data, [7, 3]) == GrownLog(data, 0, 2)


def test_at_no_moment_of_a_day_is_a_log_more_than_1_3_times_the_entropy() -> None:
    """A small part of the bar's case, with as many publications; tools/bench/compaction.py plays all of it."""
    limit, seen, worst = 3_456_000, set[int](), 0.0
    for data, held in publications(288, 120, limit, seed=1):
        ratio = len(data) / entropy(len(held), limit)
        assert ratio <= 1.3 or len(data) <= COMPACT_FROM_BYTES
        seen.add(generation(data))
        worst = max(worst, ratio if generation(data) else 0)
    assert seen == set(range(7))
    assert worst > 1.2  # else logs are rewritten more often than it is worth
    assert set(read_log(data).revoked) == held


@pytest.mark.parametrize(
    ("count", "limit"), [(1000, 10_000_000), (3472, 100_000_000), (50_000, 50_000_000), (9000, 10_000)]
)
def test_the_size_of_one_block_is_known_within_1_percent_without_writing_it(count: int, limit: int) -> None:
    drawn = random.Random(count).sample(range(limit), count)
    exact = HEADER_BYTES + len(encode_block(drawn))
    assert one_block_bytes(count, max(drawn) + 1) == pytest.approx(exact, rel=0.01)


def test_every_index_below_the_limit_is_a_size_too() -> None:
    assert one_block_bytes(8000, 8000) == len(new_log(DAY) + encode_block(range(8000)))


@pytest.mark.parametrize("gap", [1, 2, 3, 4, 8, 9, 64, 100, 1024, 4096])
@pytest.mark.parametrize("run", [1, 10, 20_000])
def test_a_log_of_one_block_is_never_due_however_its_indexes_lie(gap: int, run: int) -> None:
    """Else it would be rewritten at every publication. Runs of indexes at even gaps, with holes between them."""
    indexes = [start * run * gap * 3 + n * gap for start in range(20_000 // run) for n in range(run)]
    size = HEADER_BYTES + len(encode_block(indexes))
    assert not is_due(size, len(indexes), indexes[-1] + 1)
    assert size <= 1.1 * one_block_bytes(len(indexes), indexes[-1] + 1)


def test_a_small_log_is_left_as_it_is() -> None:
    for data, _ in publications(100, 1, 1_000_000, seed=1):
        assert generation(data) == 0


def test_a_log_that_would_not_hold_the_union_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(indexes: Any) -> bytes:
        return encode_block(sorted(indexes)[:-1])

    data = grow_log(new_log(DAY), range(0, 40_000, 2)).log
    monkeypatch.setattr(compaction, "encode_block", forgetful)
    with pytest.raises(IssuerError, match="would not hold what it must"):
        grow_log(data, [1, 3])
    monkeypatch.setattr(compaction, "COMPACT_FROM_BYTES", 0)
    monkeypatch.setattr(compaction, "COMPACT_ABOVE", 0)
    monkeypatch.setattr(compaction.is_due, "__kwdefaults__", {"above": 0})
    with pytest.raises(IssuerError, match="would not hold what it must"):
        grow_log(data, [1, 3])


def test_a_rewritten_log_reaches_a_device_with_its_generation(world: World) -> None:
    """As many publications as it takes. The device syncs once in each generation, and downloads what is new."""
    drawn = random.Random(5).sample(range(1_000_000), 60 * 400)
    name, generations, held = f"status/{world.today}.log", [0], set[int]()
    data, ends = new_log(world.today), list[int]()
    for start in range(0, len(drawn), 400):
        world.revoke_indexes(drawn[start : start + 400])
        world.publish()
        held.update(drawn[start : start + 400])
        target = status_of(world.repository).targets[name]
        before, data = data, logs_of(world.repository)[world.today]
        if generation(data) != generation(before):
            ends.append(len(before))
        said = Generations.from_custom(target.custom, target.length)
        assert said is not None
        assert said.generation == generation(data)
        assert [last.length for last in said.before] == ends[: -WRITTEN_BEFORE - 1 : -1]
        if generation(data) != generations[-1]:
            generations.append(generation(data))
            world.sync()
            with world.device() as device:
                revoked = device.state().lists.days[world.today]
                assert all(index in revoked for index in held)
                assert not any(index in revoked for index in range(2000) if index not in held)
    assert generations == [0, 1, 2, 3]
    assert len(data) < COMPACT_ABOVE * one_block_bytes(len(held), max(held) + 1)
