"""kill -9 of the writer at each of its steps, events that come twice and in any order: totals are right."""

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.applications import secrets_in
from support.played import NOW, RULES, TOLD, note_all, play, secrets_of
from support.sampling import every_nth_of

from movepass_service.statistics import collecting, compaction, engine
from movepass_service.statistics.building import FactBuilder
from movepass_service.statistics.collecting import Collector, compact
from movepass_service.statistics.compaction import merge_parts
from movepass_service.statistics.facts import FactsError, moment
from movepass_service.statistics.folder import list_days, part_path, reading
from movepass_service.statistics.parts import FolderParts
from movepass_service.stores.sqlite.store import SqliteStore

LATER = NOW + 2 * 86400
WRITE = """
import os, signal, sys
from pathlib import Path
from support.played import RULES
from movepass_service.statistics import collecting
from movepass_service.statistics.building import FactBuilder
from movepass_service.statistics.parts import FolderParts
from movepass_service.stores.sqlite.store import SqliteStore

data, folder = map(Path, sys.argv[1:3])
last, now = map(int, sys.argv[3:])
collecting.PART_POSITIONS = 9
steps = 0

def counting(call):
    def step(*args, **options):
        global steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **options)
    return step

store = SqliteStore(data)
for name in ("fsync", "replace", "rename", "unlink", "mkdir"):
    setattr(os, name, counting(getattr(os, name)))
collector = collecting.Collector(store, FolderParts(folder), collecting.FactBuilder(b"key", lambda _: RULES))
while collector.collect(now) or collector.is_behind:
    pass
collecting.compact(folder, now)
os._exit(0)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store in which the whole story has happened."""
    folder = tmp_path_factory.mktemp("story")
    with closing(SqliteStore(folder)) as store:
        play(store)
        note_all(store)
    return folder


@pytest.fixture
def store(data: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(data)) as opened:
        yield opened


def collector(store: SqliteStore, folder: Path) -> Collector:
    return Collector(store, FolderParts(folder), FactBuilder(b"key", lambda _: RULES))


def counted(folder: Path) -> Counter[tuple[Any, ...]]:
    """Return every column of every fact."""
    with reading(folder), engine.connect() as db:
        return Counter(db.execute(engine.facts_query(list_days(folder))).fetchall())


@pytest.fixture
def whole(store: SqliteStore, tmp_path: Path) -> Counter[tuple[Any, ...]]:
    collector(store, tmp_path / "whole").collect(NOW)
    found = counted(tmp_path / "whole")
    assert found.total() == len(TOLD)
    return found


@pytest.mark.parametrize("nth", every_nth_of("steps of the writer of facts that is killed", 17))
def test_killed_at_each_step(
    data: Path, store: SqliteStore, whole: Counter[tuple[Any, ...]], tmp_path: Path, nth: int
) -> None:
    step, is_killed = nth, True
    while is_killed:
        folder = tmp_path / f"killed-{step}"
        child = processes.start(WRITE, data, folder, step, LATER)
        child.communicate(timeout=60)
        assert child.returncode in {0, -9}
        is_killed = child.returncode == -9
        while (again := collector(store, folder)).collect(LATER) or again.is_behind:
            pass
        assert counted(folder) == whole, step
        compact(folder, LATER)
        assert counted(folder) == whole, step
        assert list(folder.rglob("*.jsonl")) == []
        step += nth
    assert step > 30, "the writer has as many steps"


@pytest.mark.parametrize("seed", range(2))
def test_events_that_come_twice_late_and_in_any_order_count_once(
    store: SqliteStore, whole: Counter[tuple[Any, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(collecting, "PART_POSITIONS", 4)
    rng = random.Random(seed)
    collected = tmp_path / "collected"
    clock = NOW
    while (one := collector(store, collected)).collect(clock) or one.is_behind:
        clock -= 7200  # a clock that is set back, again and again
    lines = [
        (path.parent.name.removeprefix("day="), line)
        for path in sorted(collected.rglob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    told = lines + rng.choices(lines, k=len(lines))
    rng.shuffle(told)
    folder = tmp_path / "shuffled"
    for number in range(0, len(told), 8):
        for day, line in told[number : number + 8]:
            path = part_path(folder, day, f"part-{rng.randrange(6)}")
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        if rng.random() < 0.4:
            compact(folder, LATER)
    assert counted(folder) == whole
    compact(folder, LATER)
    assert counted(folder) == whole


def test_nobody_is_in_parts_or_in_parquet(store: SqliteStore, tmp_path: Path) -> None:
    collector(store, tmp_path / "facts").collect(NOW)
    shutil.copytree(tmp_path / "facts", tmp_path / "compacted")
    compact(tmp_path / "compacted", LATER)
    with engine.connect() as db:  # uncompressed, so that every text is there as it is
        for path in sorted((tmp_path / "compacted").rglob("*.parquet")):
            plain = path.with_suffix(".plain")
            db.execute(f"COPY (FROM read_parquet('{path}')) TO '{plain}' (FORMAT parquet, COMPRESSION uncompressed)")
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"groceries" in written
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} >= {".jsonl", ".parquet", ".plain", ".json"}
    assert secrets_in(written.decode("ascii", "replace"), secrets_of(store)) == []


def test_many_parts_of_a_day_are_put_together(
    store: SqliteStore, whole: Counter[tuple[Any, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "PART_POSITIONS", 2)
    monkeypatch.setattr(compaction, "MERGED_PARTS", 4)
    folder, day = tmp_path / "facts", moment(NOW).day
    merged = 0
    while (one := collector(store, folder)).collect(NOW) or one.is_behind:
        merged += merge_parts(folder, day)
        assert len(list_days(folder)[0].parts) <= 4 + merged
    assert merged > 1
    (first, *_) = list_days(folder)
    assert {part.stem.partition("-")[0] for part in first.parts} > {"merged"}
    assert counted(folder) == whole
    monkeypatch.setattr(compaction, "MERGED_PARTS", 1)
    monkeypatch.setattr(compaction, "replacing", kill)
    with pytest.raises(FactsError, match="killed"):
        merge_parts(folder, day)
    monkeypatch.undo()
    assert counted(folder) == whole, "killed between the merged part and the end of the small ones"


def kill(_: Path) -> None:
    raise KilledError("killed")


class KilledError(OSError):
    """The end of a process, as far as what comes after it is concerned."""
