"""A ledger that was restored from a copy gives no number twice: nothing is written before somebody says `recover`."""

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.passes import request
from support.world import World

from movepass_cli.main import cli
from movepass_issuer.authority.ceremony_desk import recover
from movepass_issuer.errors import RepositoryError, RestoredError
from movepass_issuer.issuing.ledger import Announced
from movepass_issuer.publishing.continuity import check_continuity
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
from movepass_keys.records.layout import TIMESTAMP


def copied(world: World, to: Path) -> Path:
    with closing(sqlite3.connect(world.authority.ledger_path)) as db:
        db.execute("VACUUM INTO ?", (str(to),))
    return to


def put_in_place(world: World, ledger: Path) -> None:
    for path in world.authority.folder.glob("ledger.sqlite*"):
        path.unlink()
    shutil.copy(ledger, world.authority.ledger_path)


def dumped(world: World) -> list[str]:
    with closing(sqlite3.connect(world.authority.ledger_path)) as db:
        return list(db.iterdump())


@pytest.fixture
def restored(world: World, tmp_path: Path) -> World:
    """A ledger of this morning, which has forgotten R-1 and the publication after it."""
    backup = copied(world, tmp_path / "backup")
    world.revoke_and_publish(world.issue("R-1"))
    put_in_place(world, backup)
    return world


@pytest.mark.parametrize("command", ["issue", "revoke", "reissue"])
def test_nothing_is_written_to_a_ledger_that_was_restored(restored: World, tmp_path: Path, command: str) -> None:
    asked = tmp_path / "request.json"
    asked.write_text(json.dumps(request("R-2", restored.now)))
    arguments = {
        "issue": ["issue", str(asked)], "revoke": ["revoke", "--request", "R-2"],
        "reissue": ["keys", "reissue", "0" * 8],
    }[command]  # fmt: skip
    before = dumped(restored)
    done = CliRunner().invoke(cli, [*arguments, "--authority", str(restored.authority.folder)])
    assert isinstance(done.exception, RestoredError)
    assert "movepass recover" in str(done.exception)
    assert done.stdout == ""
    assert dumped(restored) == before


def test_after_recover_a_pass_gets_a_number_that_nobody_has(restored: World) -> None:
    recover(restored.authority, restored.now + 1, skip=1)
    assert restored.issue("R-2").pass_.index == 1


def test_an_empty_ledger_in_place_of_the_lost_one_is_noticed(world: World, tmp_path: Path) -> None:
    world.issue("R-1")
    SqliteLedger(tmp_path / "empty", create=True).close()
    put_in_place(world, tmp_path / "empty")
    with pytest.raises(RestoredError, match="movepass recover"):
        world.issue("R-2")


def test_a_repository_that_was_restored_is_noticed(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.repository, tmp_path / "morning")
    world.publish()
    shutil.rmtree(world.repository)
    shutil.move(tmp_path / "morning", world.repository)
    with pytest.raises(RestoredError, match="movepass recover"):
        world.issue("R-1")


def test_a_lost_timestamp_is_named(world: World) -> None:
    (world.repository / TIMESTAMP).unlink()
    with pytest.raises(RestoredError, match=f"{TIMESTAMP} is missing.*movepass publish"):
        world.issue("R-1")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"signed": {}}', b'{"signed": {"version": "x"}}'])
def test_a_damaged_timestamp_is_named(world: World, data: bytes) -> None:
    (world.repository / TIMESTAMP).write_bytes(data)
    with pytest.raises(RepositoryError, match="can't be read"):
        world.issue("R-1")


def test_a_publication_that_was_cut_short_stops_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Announced and not replaced, or replaced and not settled."""
    with monkeypatch.context() as patch:
        patch.setattr(SqliteLedger, "settle", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            world.publish()
    world.issue("R-1")
    with closing(world.authority.ledger()) as ledger:
        ledger.announce(Announced(10**6, b"1" * 32))
    world.issue("R-2")


class Busy:
    """A repository whose publisher is at work: every timestamp that is read has just been replaced, a few times."""

    name = "busy"

    def __init__(self, versions: Iterator[int]) -> None:
        self.versions = versions
        self.newest = 0

    def read(self, _: str) -> bytes:
        self.newest = next(self.versions, self.newest)
        return b'{"signed": {"version": %d}}' % self.newest


class Knowing:
    """A ledger that knows one timestamp, the settled one."""

    def __init__(self, version: int) -> None:
        self.known = Announced(version, sha256(b'{"signed": {"version": %d}}' % version).digest())

    def has_announced(self, timestamp: Announced) -> bool:
        return timestamp == self.known


def test_a_publisher_at_work_is_waited_for() -> None:
    check_continuity(Busy(iter(range(1, 6))), Knowing(5))
    with pytest.raises(RestoredError):
        check_continuity(Busy(iter(range(1, 6))), Knowing(6))


def test_the_check_is_cheap_enough_to_make_each_time(world: World) -> None:
    """One file and one row: it must not come to read the ledger or the lists."""
    calls: list[str] = []
    with closing(world.authority.ledger()) as ledger:
        assert isinstance(ledger, SqliteLedger)
        ledger._db.set_trace_callback(calls.append)
        begun = time.perf_counter()
        check_continuity(world.authority.repository, ledger)
        print(f"{(time.perf_counter() - begun) * 1e3:.2f} ms")
    assert len(calls) == 1
