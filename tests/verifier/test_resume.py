"""Check that an interrupted download continues, whatever interrupted it, and is trusted only when it is whole."""

import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support import processes
from support.repositories import logs_of, publish_by_hand
from support.servers import Answer, RangeServer, serving
from support.world import World

from movepass_keys.files import Folder
from movepass_verifier import SyncError
from movepass_verifier.sync import scratch
from movepass_verifier.sync.sources import web as web_source
from movepass_wire import encode_block, new_log, read_log

pytestmark = pytest.mark.usefixtures("without_packs")
"""File by file; tests/verifier/test_packs.py has the same with packs."""

MANY = 160_000
"""Revoked passes whose list has more than 128 KiB."""


@pytest.fixture(scope="module")
def grown(template: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world whose list of today has grown long since the device has synced; nothing may change it."""
    world = template.copy(tmp_path_factory.mktemp("grown"))
    world.revoke_indexes(random.Random(1).sample(range(1 << 24), MANY))
    world.publish()
    assert len(log_of(world)) > 2 * scratch._STEP_BYTES
    return world


@pytest.fixture
def world(grown: World, tmp_path: Path) -> World:
    """A world of one's own."""
    return grown.copy(tmp_path)


@pytest.fixture
def server(world: World) -> Iterator[RangeServer]:
    with serving(world.repository) as server:
        yield server


def log_of(world: World) -> bytes:
    return logs_of(world.repository)[world.today]


def cutting(server: RangeServer, after: int, **more: object) -> Callable[[str, str | None], Answer | None]:
    """Break every answer with today's list off after some bytes."""

    def rule(path: str, wanted: str | None) -> Answer | None:
        if not path.endswith(".log"):
            return None
        answer = server.honest(path, wanted)
        return replace(answer, cut=after, **more) if len(answer.body) > after else answer  # type: ignore[arg-type]

    return rule


def log_requests(server: RangeServer) -> list[tuple[str | None, int, int]]:
    """Return the requested ranges of lists, and the status and body size of each answer."""
    return [(e.range, e.status, e.sent) for e in server.exchanges if e.path.endswith(".log")]


def fail(world: World, server: RangeServer, words: str = "the connection was lost") -> None:
    with pytest.raises(SyncError, match=words):
        world.sync(server.url)


def partial_files(world: World) -> list[Path]:
    return [path for path in world.store.glob(".partial/*") if path.stat().st_size]


def assert_whole(world: World) -> None:
    """Check that the device holds the publication, and that nothing is left of the download."""
    with world.device() as device:
        assert dict(device._store.held().logs) == logs_of(world.repository)
        with device._store.reading() as state:
            assert all(index in state.lists.days[world.today] for index in list(read_log(log_of(world)).revoked)[:99])
    assert {path.name for path in world.store.iterdir()} <= {"device.sqlite", "device.sqlite-wal", "device.sqlite-shm"}


def test_a_server_that_cuts_every_answer_is_got_the_list_from_in_pieces(world: World, server: RangeServer) -> None:
    size = len(log_of(world))
    server.rule = cutting(server, 30_000)
    tries = -(-size // 30_000)
    assert tries > 4
    for _ in range(tries - 1):
        fail(world, server)
    world.sync(server.url)
    assert sum(sent for _, _, sent in log_requests(server)) < size + 100
    assert_whole(world)


def test_a_process_that_is_killed_loses_no_more_than_the_last_step(world: World, server: RangeServer) -> None:
    """kill -9 while the server holds the rest back."""
    size, hold, temporary = len(log_of(world)), threading.Event(), world.store.parent / "tmp"
    temporary.mkdir()
    server.rule = cutting(server, size - 1000, hold=hold)
    child = processes.start(SYNC, world.store, server.url, temporary=temporary)
    until(lambda: sum(path.stat().st_size for path in partial_files(world)) >= 2 * scratch._STEP_BYTES)
    child.kill()
    child.communicate(timeout=20)
    assert child.returncode == -signal.SIGKILL
    hold.set()
    assert list(temporary.iterdir()) == []
    assert list(world.store.glob(".sync-*"))
    server.rule = None
    server.exchanges.clear()
    world.sync(server.url)
    assert sum(sent for _, _, sent in log_requests(server)) <= size - 2 * scratch._STEP_BYTES
    assert_whole(world)


SYNC = """
import sys
from movepass_verifier import Device
with Device.open(sys.argv[1]) as device:
    device.sync(sys.argv[2])
"""


def until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_came_until_the_deadline_is_kept(
    world: World, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, size = threading.Event(), len(log_of(world))
    server.rule = cutting(server, 50_000, hold=hold)
    monkeypatch.setattr(web_source, "FILE_SECONDS", 0.5)
    fail(world, server, "took longer than")
    hold.set()
    monkeypatch.undo()
    server.rule = None
    world.sync(server.url)
    assert log_requests(server)[-1][1:] == (206, size - size_of_empty_list() - 50_000)
    assert_whole(world)


def test_a_sync_that_is_interrupted_keeps_what_came(world: World, server: RangeServer) -> None:
    def stop(_: str, there: int, length: int) -> None:
        if there > length // 2:
            raise KeyboardInterrupt

    with world.device() as device, pytest.raises(KeyboardInterrupt):
        device.sync(server.url, progress=stop)
    assert sum(path.stat().st_size for path in partial_files(world)) > len(log_of(world)) // 2
    world.sync(server.url)
    assert sum(e.sent for e in server.exchanges[-1:]) < len(log_of(world)) // 2
    assert_whole(world)


def size_of_empty_list() -> int:
    """The size of an empty list, which the device held before."""
    return len(new_log(1))


def test_of_a_list_of_which_the_beginning_is_held_only_the_rest_is_kept(world: World, server: RangeServer) -> None:
    server.rule = cutting(server, 50_000)
    fail(world, server)
    (kept,) = partial_files(world)
    assert kept.read_bytes() == log_of(world)[size_of_empty_list() : size_of_empty_list() + 50_000]


def test_the_next_source_goes_on_from_what_the_first_one_gave(world: World, server: RangeServer) -> None:
    server.rule = cutting(server, 50_000)
    with serving(world.repository) as second, world.device() as device:
        result = device.sync(server.url, second.url)
        assert log_requests(second) == [
            (f"bytes={size_of_empty_list() + 50_000}-", 206, len(log_of(world)) - size_of_empty_list() - 50_000)
        ]
    assert result.source == second.url
    assert_whole(world)


def test_lists_that_came_whole_before_another_was_cut_off_are_not_fetched_again(
    world: World, server: RangeServer
) -> None:
    tomorrow = world.today + 1
    world.revoke_indexes(random.Random(2).sample(range(1 << 24), MANY), tomorrow)
    world.publish()
    server.rule = cutting(server, len(log_of(world)) + 1)
    assert len(logs_of(world.repository)[tomorrow]) > len(log_of(world)) + 1
    fail(world, server)
    server.rule, before = None, len(log_requests(server))
    world.sync(server.url)
    assert len(log_requests(server)) == before + 1
    assert_whole(world)


def test_a_download_goes_on_though_the_list_has_grown_meanwhile(world: World, server: RangeServer) -> None:
    server.rule = cutting(server, 50_000)
    fail(world, server)
    world.revoke_indexes([(1 << 24) + 7])
    world.publish()
    server.rule = None
    world.sync(server.url)
    assert log_requests(server)[-1] == (
        f"bytes={size_of_empty_list() + 50_000}-", 206, len(log_of(world)) - size_of_empty_list() - 50_000,
    )  # fmt: skip
    assert_whole(world)


@pytest.mark.parametrize("count", [10, 2 * MANY], ids=["shorter", "longer"])
def test_what_came_of_another_generation_is_thrown_away(world: World, server: RangeServer, count: int) -> None:
    server.rule = cutting(server, 50_000)
    fail(world, server)
    compacted = new_log(world.today, 1) + encode_block(range(0, 3 * count, 3))
    publish_by_hand(world, {f"status/{world.today}.log": compacted})
    server.rule = None
    world.sync(server.url)
    with world.device() as device:
        assert device._store.held().logs[world.today] == compacted


def test_a_bit_that_flips_in_what_came_costs_another_download_and_nothing_else(
    world: World, server: RangeServer
) -> None:
    server.rule = cutting(server, 50_000)
    fail(world, server)
    (kept,) = partial_files(world)
    data = kept.read_bytes()
    kept.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    server.rule = None
    world.sync(server.url)
    assert_whole(world)


@pytest.mark.parametrize("damage", ["too long", "emptied", "another name"])
def test_what_came_and_can_not_be_of_the_list_is_thrown_away_before_it_is_gone_on_from(
    world: World, server: RangeServer, damage: str
) -> None:
    server.rule = cutting(server, 50_000)
    fail(world, server)
    (kept,) = partial_files(world)
    data = kept.read_bytes()
    kept.write_bytes({"too long": data * 9, "emptied": b""}.get(damage, data))
    if damage == "another name":
        kept.rename(kept.with_name(kept.name.replace("-0-", "-0-9")))
    fail(world, server)
    server.rule = None
    server.exchanges.clear()
    world.sync(server.url)
    assert log_requests(server)[-1] == (
        f"bytes={size_of_empty_list() + 50_000}-", 206, len(log_of(world)) - size_of_empty_list() - 50_000,
    )  # fmt: skip
    assert_whole(world)


def test_a_server_that_knows_no_range_sends_the_whole_again(world: World, server: RangeServer) -> None:
    server.rule = cutting(server, 50_000)
    fail(world, server)
    server.rule = lambda path, _: server.honest(path, None)
    world.sync(server.url)
    assert log_requests(server)[-1] == (f"bytes={size_of_empty_list() + 50_000}-", 200, len(log_of(world)))
    assert_whole(world)


def test_what_came_of_a_list_that_is_no_longer_published_is_removed(world: World, server: RangeServer) -> None:
    server.rule = cutting(server, 50_000)
    fail(world, server)
    (kept,) = partial_files(world)
    kept.rename(kept.with_name(kept.name.replace(str(world.today), str(world.today - 9))))
    fail(world, server)
    assert [path.name.split("-")[0] for path in partial_files(world)] == [str(world.today)]


def test_a_sync_beside_another_one_leaves_its_download_and_its_folder_alone(world: World, server: RangeServer) -> None:
    done: list[str] = []

    def meanwhile(path: str, wanted: str | None) -> Answer | None:
        if path.endswith(".log") and not done:
            done.append(path)
            with serving(world.repository) as second:
                second.rule = cutting(second, 20_000)
                fail(world, second)
            assert len(list(world.store.glob(".sync-*"))) == 1
        return cutting(server, 50_000)(path, wanted)

    server.rule = meanwhile
    fail(world, server)
    (kept,) = partial_files(world)
    assert kept.stat().st_size == 50_000


def test_a_disk_that_is_full_costs_what_came_and_nothing_else(
    world: World, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.rule = cutting(server, 100_000)
    monkeypatch.setattr(Folder, "append", _full)
    fail(world, server)
    monkeypatch.undo()
    assert partial_files(world) == []
    server.rule = None
    world.sync(server.url)
    assert_whole(world)


def _full(*_: object) -> int:
    raise OSError(28, "No space left on device")


def test_a_sync_that_goes_well_writes_nothing_beside_the_store(
    world: World, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for python-tuf's own folder: a small list is never written twice."""
    world.sync(server.url)
    world.revoke_indexes([77])
    world.publish()
    written: list[str] = []
    monkeypatch.setattr(scratch.Partial, "write", lambda partial: written.append(partial._prefix))
    world.sync(server.url)
    assert written == []
    assert_whole(world)


def test_folders_that_killed_syncs_have_left_are_removed(world: World) -> None:
    for name in (".sync-abc", ".sync-def"):
        (world.store / name / "root_history").mkdir(parents=True)
        (world.store / name / "root_history" / "1.root.json").write_bytes(b"{}")
    shutil.copytree(world.store / ".sync-abc", world.store / "kept")
    world.sync()
    assert not list(world.store.glob(".sync-*"))
    assert (world.store / "kept").is_dir()
