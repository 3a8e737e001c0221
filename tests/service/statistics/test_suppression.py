"""The rule of pairs: what is shown is the same whatever a small count is."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movepass_service.statistics.open.suppression import (
    LEAST,
    ROUNDING_BASE,
    Group,
    Shown,
    pair_up,
    round_count,
    sum_of,
    suppress,
)  # fmt: skip
from movepass_service.statistics.open.tables import BY_DISTRICT, TABLES
from movepass_wire.codes import DISTRICTS, REASONS

LEAVES = tuple("abcdefghijklm")
TREE = pair_up([Group(leaf) for leaf in LEAVES], "all")
COUNTS = st.fixed_dictionaries({leaf: st.one_of(st.integers(0, 12), st.integers(0, 500)) for leaf in LEAVES})


def shown_as(shown: tuple[Shown, ...]) -> dict[str, int]:
    return {one.group.name: one.count for one in shown}


@given(COUNTS)
def test_groups_are_large_enough_and_cover_everything_once(counts: dict[str, int]) -> None:
    shown = suppress(TREE, counts)
    assert all(one.count >= LEAST and one.count == sum_of(one.group, counts) for one in shown)
    total = sum(counts.values())
    assert bool(shown) == (total >= LEAST)
    if shown:
        assert [leaf for one in shown for leaf in one.group.leaves] == list(LEAVES)
        assert sum(one.count for one in shown) == total


@given(COUNTS)
def test_a_large_count_beside_a_large_neighbour_is_shown_by_itself(counts: dict[str, int]) -> None:
    shown = shown_as(suppress(TREE, {leaf: count + LEAST for leaf, count in counts.items()}))
    assert set(shown) == set(LEAVES)


@given(COUNTS, st.data())
def test_any_small_count_could_be_any_other_small_count(counts: dict[str, int], data: st.DataObject) -> None:
    shown = suppress(TREE, counts)
    small = [leaf for leaf, count in counts.items() if count < LEAST]
    if not small:
        return
    leaf, value = data.draw(st.sampled_from(small)), data.draw(st.integers(0, LEAST - 1))
    group = next((one for one in shown if leaf in one.group.leaves), Shown(TREE, 0))
    other = next((part for part in group.group.parts if leaf not in part.leaves), None)
    assert other, "a small count is never a group by itself"
    rest = {other.leaves[0]: group.count - value} if shown else {}
    world = {**counts, **dict.fromkeys(group.group.leaves, 0), **rest, leaf: value}
    assert shown_as(suppress(TREE, world)) == shown_as(shown)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, {}),
        ({"a": 9}, {}),
        ({"a": 10}, {"all": 10}),
        ({"a": 10, "b": 10, "c": 10, "d": 9}, {"a": 10, "b": 10, "c+d": 19}),
        ({"a": 10, "b": 10, "c": 10, "d": 10}, {"a": 10, "b": 10, "c": 10, "d": 10}),
        ({"a": 100, "b": 0, "c": 5, "d": 5}, {"a+b": 100, "c+d": 10}),
    ],
)
def test_examples(counts: dict[str, int], expected: dict[str, int]) -> None:
    tree = pair_up([Group(leaf) for leaf in "abcd"], "all")
    assert shown_as(suppress(tree, counts)) == expected


def test_a_category_that_the_table_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        suppress(TREE, {"nowhere": 3})
    with pytest.raises(ValueError, match="at least two"):
        Group("single", (Group("leaf"),))


@given(st.integers(0, 10_000), st.text(max_size=20), st.binary(min_size=16, max_size=16))
def test_rounding_is_to_the_base_and_stays_the_same(count: int, cell: str, secret: bytes) -> None:
    rounded = round_count(count, cell, secret)
    assert rounded % ROUNDING_BASE == 0
    assert abs(rounded - count) < ROUNDING_BASE
    assert rounded == round_count(count, cell, secret)


def test_rounding_is_unbiased_over_cells_and_needs_the_secret() -> None:
    for count in (30, 31, 32):
        rounded = [round_count(count, f"cell {n}", b"secret") for n in range(3000)]
        assert abs(sum(rounded) / len(rounded) - count) < 0.15
        assert len(Counter(rounded)) == (1 if count == 30 else 2)
    assert [round_count(31, f"cell {n}", b"one") for n in range(50)] != [
        round_count(31, f"cell {n}", b"two") for n in range(50)
    ]


def test_trees_have_every_code_once_and_pairs_alone() -> None:
    assert set(BY_DISTRICT.leaves) == set(DISTRICTS.by_key)
    assert set(TABLES[0].tree.leaves) == {*REASONS.by_key, "other"}
    for table in TABLES:
        names = sorted(group.name for group in table.tree.walk())
        assert all(one != other for one, other in pairwise(names))
        assert all(len(group.parts) in {0, 2} for group in table.tree.walk())
