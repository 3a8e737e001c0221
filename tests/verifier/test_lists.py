"""Compare the lists in a device's store with plain sets 100,000 times, however they came."""

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.repositories import publish_by_hand
from support.sampling import some_of
from support.servers import serving
from support.world import World

from movepass_verifier import StoreError, SyncError
from movepass_verifier.store import pages
from movepass_verifier.store.store import Store
from movepass_wire import encode_block, new_log, read_log
from movepass_wire.limits import INDEX_LIMIT
from movepass_wire.statuslog import HEADER_BYTES, PAGE_INDEXES, read_blocks

DAY = 20779
ROOT = b'{"signed": {"version": 1}}'
FIRST_IN = [n * PAGE_INDEXES for n in range(6)]


def make(folder: Path) -> Store:
    Store.create(folder, root=ROOT, sources=["nowhere"])
    return Store(folder)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(make(tmp_path / "device")) as store:
        yield store


def take_over(store: Store, logs: dict[int, bytes]) -> None:
    before = store.held()
    store.take_over(before, replace(before, logs=logs, published=1, documents={}), synced_at=1)


def revoked(store: Store, *indexes: int, day: int = DAY) -> set[int]:
    with store.reading() as state:
        return {index for index in indexes if index in state.lists.days[day]}


# What is read and written


@pytest.fixture
def read_from(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The offsets from which logs were read."""
    found = list[int]()

    def read(data: bytes, start: int) -> Iterator[list[int]]:
        found.append(start)
        return read_blocks(data, start)

    monkeypatch.setattr(pages, "read_blocks", read)
    return found


def write_store(store: Store, logs: dict[int, bytes]) -> set[int]:
    """Take over logs, and return the numbers of the pages that change."""
    store._db.execute("CREATE TEMP TABLE IF NOT EXISTS changed (id)")
    for event in ("INSERT", "UPDATE"):
        store._db.execute(
            f"CREATE TEMP TRIGGER IF NOT EXISTS on_{event} AFTER {event} ON main.pages "
            "BEGIN INSERT INTO changed VALUES (new.id); END"
        )
    take_over(store, logs)
    numbers = {id_ & 0x1FFFF for (id_,) in store._db.execute("SELECT id FROM changed")}
    store._db.execute("DELETE FROM changed")
    return numbers


def test_of_a_log_that_has_grown_only_the_new_blocks_are_read_and_only_their_pages_written(
    store: Store, read_from: list[int]
) -> None:
    held = new_log(DAY) + encode_block(FIRST_IN)
    assert write_store(store, {DAY: held}) == {0, 1, 2, 3, 4, 5}
    grown = held + encode_block([7, 2 * PAGE_INDEXES + 1])
    assert write_store(store, {DAY: grown}) == {0, 2}
    assert read_from == [HEADER_BYTES, len(held)]
    assert revoked(store, 7, 8, 2 * PAGE_INDEXES + 1, *FIRST_IN) == {7, 2 * PAGE_INDEXES + 1, *FIRST_IN}


def test_a_log_of_a_new_generation_is_read_whole_and_pages_that_it_does_not_change_are_not_written(
    store: Store, read_from: list[int]
) -> None:
    write_store(store, {DAY: new_log(DAY) + encode_block(FIRST_IN[:3]) + encode_block(FIRST_IN[3:])})
    assert write_store(store, {DAY: new_log(DAY, 1) + encode_block([*FIRST_IN, 9])}) == {0}
    assert read_from == [HEADER_BYTES, HEADER_BYTES]
    assert revoked(store, 8, 9, *FIRST_IN) == {9, *FIRST_IN}


def test_a_log_that_does_not_begin_with_the_held_one_is_read_whole(store: Store, read_from: list[int]) -> None:
    take_over(store, {DAY: new_log(DAY) + encode_block([1]) + encode_block([5])})
    take_over(store, {DAY: new_log(DAY) + encode_block([2]) + encode_block([5]) + encode_block([6])})
    assert read_from == [HEADER_BYTES, HEADER_BYTES]
    assert revoked(store, 1, 2, 5, 6) == {2, 5, 6}


def test_an_index_of_a_new_block_that_a_held_block_has_is_refused(store: Store) -> None:
    held = new_log(DAY) + encode_block([3, 70_000])
    take_over(store, {DAY: held})
    with pytest.raises(SyncError, match="signed and yet unreadable: an index is listed twice"):
        take_over(store, {DAY: held + encode_block([5, 70_000])})
    assert revoked(store, 3, 5, 70_000) == {3, 70_000}


@pytest.mark.parametrize(
    "damage",
    ["DELETE FROM pages", "UPDATE pages SET bits = zeroblob(2000)", "UPDATE logs SET sums = zeroblob(8)",
     "UPDATE pages SET bits = (SELECT bits FROM pages LIMIT 1)"],
)  # fmt: skip
def test_where_the_pages_that_a_new_block_touches_are_damaged_the_log_is_read_whole(store: Store, damage: str) -> None:
    held = new_log(DAY) + encode_block([3, 70_000])
    take_over(store, {DAY: held})
    store._db.execute(damage)
    with pytest.raises(StoreError, match="movepass doctor"):
        revoked(store, 3, 70_000)
    take_over(store, {DAY: held + encode_block([5, 70_001])})
    assert revoked(store, 3, 5, 70_000, 70_001) == {3, 5, 70_000, 70_001}


def test_a_page_that_is_missing_is_damage_and_not_no_revocation(store: Store) -> None:
    take_over(store, {DAY: new_log(DAY) + encode_block([3, 70_000])})
    store._db.execute("DELETE FROM pages WHERE id & 0x1FFFF = 0")
    with pytest.raises(StoreError, match="page 0 of the list of 2026-11-22 is not what was written"):
        revoked(store, 4)


def test_a_page_of_an_earlier_transaction_is_damage(store: Store) -> None:
    """As when a card loses a write that it has confirmed."""
    log = new_log(DAY) + encode_block([3])
    take_over(store, {DAY: log})
    (old,) = store._db.execute("SELECT bits FROM pages").fetchone()
    take_over(store, {DAY: log + encode_block([4])})
    store._db.execute("UPDATE pages SET bits = ?", (old,))
    with pytest.raises(StoreError, match="not what was written"):
        revoked(store, 4)


def test_a_list_can_be_larger_than_what_is_kept_in_memory_while_it_is_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_CACHED_PAGES", 2)
    blocks = [[n * PAGE_INDEXES + block for n in range(0, 50, 1 + block % 3)] for block in range(7)]
    take_over(store, {DAY: new_log(DAY) + b"".join(map(encode_block, blocks))})
    wanted = {index for block in blocks for index in block}
    assert revoked(store, *(n * PAGE_INDEXES + within for n in range(51) for within in range(8))) == wanted


@pytest.mark.usefixtures("without_packs")
def test_of_a_new_generation_nothing_that_is_held_is_kept_and_of_the_same_one_only_the_rest_is_fetched(
    world: World,
) -> None:
    held = new_log(world.today) + encode_block(range(0, 900, 3))
    longer = held + encode_block([1])
    compacted = new_log(world.today, 1) + encode_block([1, *range(0, 900, 3), *range(10_000, 90_000, 7)])
    asked = []
    for log in (held, longer, compacted):
        publish_by_hand(world, {f"status/{world.today}.log": log})
        with serving(world.repository) as server:
            world.sync(server.url)
        asked.append([(e.range, e.status) for e in server.exchanges if e.path.endswith(".log")])
    assert asked == [[("bytes=8-", 206)], [(f"bytes={len(held)}-", 206)], [(None, 200)]]
    with world.device() as device, device._store.reading() as state:
        assert sum(n in state.lists.days[world.today] for n in range(90_000)) == 301 + len(range(10_000, 90_000, 7))


# A hundred thousand checks

_near = st.integers(0, 200)
indexes = st.one_of(
    _near,
    st.builds(lambda page, near: page * PAGE_INDEXES + near - 100, st.integers(1, 4), _near),
    st.builds(lambda near: INDEX_LIMIT - 1 - near, _near),
    st.integers(0, INDEX_LIMIT - 1),
)
changes = st.tuples(st.sampled_from(["grow", "grow", "compact", "gone"]), st.sets(indexes, max_size=40))
publications = st.lists(st.dictionaries(st.sampled_from([DAY, DAY + 1]), changes, max_size=2), min_size=1, max_size=6)
LOOKUPS = 500


@dataclass
class Published:
    """A publisher's lists: as sets, and as logs."""

    sets: dict[int, set[int]] = field(default_factory=dict)
    logs: dict[int, bytes] = field(default_factory=dict)

    def change(self, day: int, how: str, given: set[int]) -> None:
        held = self.sets.pop(day, set())
        log = self.logs.pop(day, new_log(day))
        if how == "gone":
            return
        new = given - held
        if how == "compact":
            log, held, new = new_log(day, read_log(log).generation + 1), set(), held | given
        self.sets[day] = held | new
        self.logs[day] = log + (encode_block(new) if new else b"")


def asked(published: Published, chance: random.Random) -> list[int]:
    """Choose what to look up: revoked indexes, their neighbours, and others."""
    revoked = {index for held in published.sets.values() for index in held}
    beside = {index + step for index in revoked for step in (-1, 1)} - {-1, INDEX_LIMIT}
    near = sorted(revoked | beside | {0, PAGE_INDEXES, INDEX_LIMIT - 1})
    anywhere = [chance.randrange(INDEX_LIMIT) for _ in range(LOOKUPS - len(near))]
    return [*chance.sample(near, min(len(near), LOOKUPS)), *anywhere]


def check(store: Store, published: Published, chance: random.Random) -> int:
    """Compare the store, and the logs read in memory, with the sets; return the number of lookups."""
    checks = 0
    with store.reading() as state:
        assert {log.day: log.revoked for log in state.logs} == {day: len(x) for day, x in published.sets.items()}
        for day, expected in published.sets.items():
            wanted = asked(published, chance)
            in_memory = read_log(published.logs[day]).revoked
            for held in (state.lists.days[day], in_memory):
                assert {index for index in wanted if index in held} == expected & set(wanted)
            assert len(in_memory) == len(expected)
            checks += len(wanted)
    return checks


@pytest.mark.parametrize("examples", some_of("histories of lists that answer as sets do", 20, of=150))
def test_lists_answer_as_sets_do_after_any_publications(examples: int) -> None:
    checks = 0

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(publications, st.randoms(use_true_random=False), st.sampled_from([1, 3, 16384]))
    def hold_against(publications: list[dict[int, tuple[str, set[int]]]], chance: Any, cached_pages: int) -> None:
        nonlocal checks
        published = Published()
        with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
            patch.setattr(pages, "_CACHED_PAGES", cached_pages)
            with closing(make(Path(folder))) as store:
                for changed in publications:
                    for day, (how, given_) in changed.items():
                        published.change(day, how, given_)
                    take_over(store, published.logs)
                    checks += check(store, published, chance)

    hold_against()
    assert checks >= (100_000 if examples == 150 else 5_000)
