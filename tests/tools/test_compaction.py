"""The simulation of compaction: its bars hold with the real codec, and can be missed."""

import compaction
import pytest

from movepass_wire import encode_block


def test_the_bars_hold_with_the_real_codec_on_a_day_of_288_publications_up_to_a_million_of_a_hundred_million() -> None:
    counts = compaction.DAYS["1 %, evenly over the day"]
    assert (len(counts), sum(counts), compaction.PASSES) == (288, 1_000_000, 100_000_000)
    at_worst, compacted, error = compaction.play_for_real(counts, seed=1)
    assert 1.2 < at_worst <= compaction.ANY_MOMENT_MAX
    assert 1 < compacted <= compaction.COMPACTED_MAX
    assert error <= compaction.FORMULA_ERROR_MAX


@pytest.mark.parametrize("name", compaction.DAYS)
def test_the_rule_holds_the_bar_on_every_simulated_day(name: str) -> None:
    assert compaction.table(compaction.DAYS[name])[1] <= compaction.ANY_MOMENT_MAX


def test_without_compaction_the_bar_is_missed() -> None:
    states = list(compaction.play(compaction.DAYS["1 %, evenly over the day"], compaction.never))
    assert compaction.worst(states) > 2


def test_a_device_downloads_what_it_lacks_or_the_whole_of_a_rewritten_log() -> None:
    def rule(blocks: tuple[int, ...], _size: int) -> tuple[int, ...] | None:
        return (2000, 1000) if blocks == (1000, 1000, 1000) else None

    states = list(compaction.play([1000] * 4, rule))
    assert [state.blocks for state in states] == [(1000,), (1000, 1000), (2000, 1000), (2000, 1000, 1000)]
    sizes = [state.size for state in states]
    assert compaction.downloaded(states, 1, compaction.by_prefix) == sizes[1] + sizes[2] + sizes[3] - sizes[2]
    assert compaction.downloaded(states, 2, compaction.by_prefix) == sizes[1] + sizes[3]
    assert compaction.downloaded(states, 1, compaction.by_rewriting) == 8 + 4 * compaction.block_bytes(1000)


def test_the_formula_of_a_block_is_that_of_the_codec() -> None:
    indexes = range(50, compaction.PASSES, compaction.PASSES // 10_000)
    assert compaction.block_bytes(len(indexes)) == pytest.approx(len(encode_block(indexes)), rel=0.05)
