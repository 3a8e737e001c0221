"""A device rewrites a log of an earlier generation by itself, and downloads only what is new; else the whole log."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.repositories import logs_of, publish_by_hand, status_of
from support.servers import RangeServer, serving
from support.world import World

from movepass_issuer.revoking import compaction
from movepass_keys.records.generations import BEFORE, READ_BEFORE, REWRITTEN, WRITTEN_BEFORE, Generations, LastFile
from movepass_verifier.sync import rewriting
from movepass_wire import encode_block, new_log
from movepass_wire.statuslog import read_header

pytestmark = pytest.mark.usefixtures("without_packs")
"""File by file; tests/verifier/test_packs.py has the same with packs."""

FIRST, MORE = 4000, 300
"""Indexes of the first two publications each, and of each later one."""
STEPS = WRITTEN_BEFORE + 2


@pytest.fixture(scope="module")
def kept(template: World, tmp_path_factory: pytest.TempPathFactory) -> list[World]:
    """The same device and repository after each publication; each but the first rewrites today's log."""
    folder = tmp_path_factory.mktemp("kept")
    drawn = random.Random(7).sample(range(1 << 20), 2 * FIRST + MORE * 3 * STEPS)
    world, made = template.copy(folder / "made"), []
    with pytest.MonkeyPatch.context() as patch:
        for step in range(STEPS):
            patch.setattr(compaction, "is_due", lambda *_: False)
            for _ in range(2):
                world.revoke_indexes(_some(drawn, FIRST if not step else MORE))
                world.publish()
            patch.setattr(compaction, "is_due", lambda *_: True)
            world.revoke_indexes(_some(drawn, MORE))
            world.publish()
            made.append(world.copy(folder / str(step)))
    assert [read_header(log_of(one))[1] for one in made] == list(range(1, STEPS + 1))
    return made


def _some(drawn: list[int], count: int) -> list[int]:
    some, drawn[:count] = drawn[:count], []
    return some


def log_of(world: World) -> bytes:
    return logs_of(world.repository)[world.today]


def said_of(world: World) -> Generations:
    target = status_of(world.repository).targets[f"status/{world.today}.log"]
    found = Generations.from_custom(target.custom, target.length)
    assert found is not None
    return found


@pytest.fixture
def newest(kept: list[World], tmp_path: Path) -> World:
    """A device that has nothing, before the last publication."""
    return kept[-1].copy(tmp_path / "newest")


def device_of(kept: list[World], newest: World, step: int, tmp_path: Path) -> World:
    """Return a device that synced after a publication, before the repository as it is now."""
    old = kept[step].copy(tmp_path / "old")
    old.sync()
    return replace(newest, store=old.store)


@pytest.fixture
def server(newest: World) -> Iterator[RangeServer]:
    with serving(newest.repository) as running:
        yield running


def logs_asked(server: RangeServer) -> list[int]:
    """Return the bytes of lists in each answer."""
    return [exchange.sent for exchange in server.exchanges if exchange.path.endswith(".log")]


def held(world: World) -> bytes:
    with world.device() as device:
        return device._store.held().logs[world.today]


@pytest.mark.parametrize("missed", range(1, STEPS))
def test_a_device_downloads_what_is_new_however_many_generations_it_missed(
    kept: list[World], newest: World, server: RangeServer, tmp_path: Path, missed: int
) -> None:
    world = device_of(kept, newest, STEPS - 1 - missed, tmp_path)
    whole, said = log_of(newest), said_of(newest)
    world.sync(server.url)
    assert held(world) == whole
    sizes = logs_asked(server)
    if missed <= WRITTEN_BEFORE:
        chain = said.before[missed - 1 :: -1]
        begun = len(log_of(kept[STEPS - 1 - missed]))
        parts = [chain[0].length - begun, *(last.length - last.rewritten for last in chain[1:])]
        assert sizes == [*parts, len(whole) - said.rewritten]
        assert sum(sizes) < len(whole) / 2
    else:
        assert sizes == [len(whole)]


def test_a_source_that_answers_with_whole_files_is_no_hindrance(
    kept: list[World], newest: World, server: RangeServer, tmp_path: Path
) -> None:
    server.rule = lambda path, _wanted: server.honest(path, None)
    world = device_of(kept, newest, STEPS - 3, tmp_path)
    world.sync(server.url)
    assert held(world) == log_of(newest)


def test_where_an_earlier_file_is_gone_the_whole_log_is_downloaded(
    kept: list[World], newest: World, server: RangeServer, tmp_path: Path
) -> None:
    world = device_of(kept, newest, STEPS - 3, tmp_path)
    last = said_of(newest).before[0]
    next(newest.repository.rglob(f"{last.sha256}.*")).unlink()
    world.sync(server.url)
    assert held(world) == log_of(newest)
    assert logs_asked(server)[-1] == len(log_of(newest))


def test_a_device_that_has_the_last_file_asks_for_nothing_of_it(
    kept: list[World], newest: World, tmp_path: Path
) -> None:
    """It synced just before the log was rewritten."""
    last = said_of(newest).before[0]
    old = kept[-2].copy(tmp_path / "old")
    publish_by_hand(old, {f"status/{old.today}.log": next(newest.repository.rglob(f"{last.sha256}.*")).read_bytes()})
    old.sync()
    assert len(held(old)) == last.length
    world = replace(newest, store=old.store)
    publish_by_hand(world, {})
    with serving(newest.repository) as server:
        world.sync(server.url)
        assert logs_asked(server) == [len(log_of(newest)) - said_of(newest).rewritten]
    assert held(world) == log_of(newest)


def lies(said: Generations) -> dict[str, Any]:
    """Return what a target may say that does not fit."""
    last, *earlier = (one.to_json() for one in said.before)
    honest = {REWRITTEN: said.rewritten, BEFORE: [last, *earlier]}
    return {
        "none before": {REWRITTEN: said.rewritten},
        "no bytes": {BEFORE: honest[BEFORE]},
        "other bytes": honest | {REWRITTEN: said.rewritten + 1},
        "no number": honest | {REWRITTEN: "9"},
        "a truth": honest | {REWRITTEN: True},
        "less than nothing": honest | {REWRITTEN: -9},
        "more than the log": honest | {REWRITTEN: 1 << 27},
        "not a list": honest | {BEFORE: last},
        "no objects": honest | {BEFORE: ["", 0]},
        "too many": honest | {BEFORE: [last] * (READ_BEFORE + 1)},
        "another hash": honest | {BEFORE: [last | {"sha256": "0" * 64}, *earlier]},
        "a path": honest | {BEFORE: [last | {"sha256": "../../" + "a" * 58}, *earlier]},
        "a longer file": honest | {BEFORE: [last | {"length": last["length"] + 1}, *earlier]},
        "a shorter file": honest | {BEFORE: [last | {"length": last["length"] - 1}, *earlier]},
        "a huge file": honest | {BEFORE: [last | {"length": 1 << 28}, *earlier]},
        "in another order": honest | {BEFORE: [*earlier, last]},
        "a generation that was never rewritten": honest | {BEFORE: [last | {REWRITTEN: 0}, *earlier]},
        "other first bytes": honest | {BEFORE: [last | {REWRITTEN: last[REWRITTEN] - 9}, *earlier]},
    }


@pytest.mark.parametrize("lie", lies(Generations(1, 9, (LastFile(9, "0" * 64, 8),) * 2)))
def test_whatever_does_not_fit_is_no_hindrance(kept: list[World], newest: World, tmp_path: Path, lie: str) -> None:
    """The signed hash of the whole decides, and at most one more log is downloaded than without it."""
    world = device_of(kept, newest, STEPS - 3, tmp_path)
    name, whole = f"status/{newest.today}.log", log_of(newest)
    publish_by_hand(newest, {name: whole}, said=lies(said_of(newest))[lie])
    with serving(newest.repository) as server:
        world.sync(server.url)
        assert sum(logs_asked(server)) < 2 * len(whole) + len(encode_block([1]))
    assert held(world) == whole


def test_a_rewritten_log_that_holds_other_indexes_is_not_taken_for_the_signed_one(
    kept: list[World], newest: World, tmp_path: Path
) -> None:
    """A publisher whose first block lacks an index: the device must end up with what was signed."""
    world = device_of(kept, newest, STEPS - 2, tmp_path)
    said = said_of(newest)
    log = new_log(newest.today, said.generation) + encode_block(range(5000)) + encode_block([1 << 20])
    publish_by_hand(
        newest, {f"status/{newest.today}.log": log},
        said={REWRITTEN: said.rewritten, BEFORE: [last.to_json() for last in said.before]},
    )  # fmt: skip
    world.sync(str(newest.repository))
    assert held(world) == log


def test_a_device_whose_copy_is_damaged_downloads_the_whole_log(
    kept: list[World], newest: World, server: RangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = device_of(kept, newest, STEPS - 2, tmp_path)
    honest, damaged = rewriting.begin, list[bytes]()

    def begin(source: Any, day: int, target: Any, data: bytes) -> bytes:
        made = honest(source, day, target, data[:-1] + bytes([data[-1] ^ 1]))
        damaged.append(made)
        return made

    monkeypatch.setattr(rewriting, "begin", begin)
    world.sync(server.url)
    assert b"" in damaged
    assert held(world) == log_of(newest)


def test_a_download_of_the_rest_that_was_cut_off_continues(
    kept: list[World], newest: World, server: RangeServer, tmp_path: Path
) -> None:
    world = device_of(kept, newest, STEPS - 2, tmp_path)

    def rule(path: str, wanted: str | None) -> Any:
        answer = server.honest(path, wanted)
        return replace(answer, cut=20) if path.endswith(".log") and len(answer.body) > 20 else answer

    server.rule = rule
    with pytest.raises(Exception, match="the connection was lost"):
        world.sync(server.url)
    server.rule = None
    world.sync(server.url)
    assert held(world) == log_of(newest)
