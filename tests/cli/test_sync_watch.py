"""Run `movepass sync --watch` as a real process that syncs, reports failures, continues, and ends when told to."""

import json
import shutil
import signal
import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.servers import Answer, serving

from .conftest import ENDS_WITHIN, Field, Movepass, Start, end, next_row, set_up


@pytest.fixture
def own(tmp_path: Path) -> Field:
    """An authority and a device of one's own."""
    return set_up(tmp_path / "own")


@pytest.fixture
def start(launch: Start, own: Field) -> Start:
    return lambda *options: launch("sync", "--store", own.device, *options)


def test_it_brings_what_is_published_again_and_again_and_ends_cleanly(
    movepass: Movepass, own: Field, start: Start
) -> None:
    watcher = start("--watch", 1, "--json")
    assert set(next_row(watcher)) == {
        "changed", "requests", "bytes", "source", "synced_at", "published", "age_s", "lists", "failed", "next_s",
    }  # fmt: skip
    assert movepass("verify", "--store", own.device, own.text).code == 0
    assert movepass("revoke", "--authority", own.authority, own.number).code == 0
    assert movepass("publish", "--authority", own.authority).code == 0
    while not next_row(watcher)["changed"]:
        pass
    assert movepass("verify", "--store", own.device, own.text).code == 1
    code, out, err = end(watcher)
    assert code == 0
    assert all(json.loads(line)["next_s"] <= 1 for line in out.splitlines())
    assert "the first sync is in" in err
    assert len(err.splitlines()) == 1


def test_a_failure_is_told_and_the_next_try_goes_on(own: Field, start: Start) -> None:
    watcher = start("--watch", 1, "--json")
    repository = own.authority / "repository"
    assert "error" not in next_row(watcher)
    shutil.move(repository, own.authority / "away")
    failed = next_row(watcher)
    while "error" not in failed:
        failed = next_row(watcher)
    assert "is the stick plugged in" in failed["error"]
    assert set(failed) == {"at", "error", "next_s"}
    shutil.move(own.authority / "away", repository)
    while "error" in next_row(watcher):
        pass
    assert end(watcher, signal.SIGINT)[0] == 0


def test_for_people_it_says_a_line_each(own: Field, start: Start) -> None:
    watcher = start("--watch", 1)
    assert watcher.stdout is not None
    assert watcher.stderr is not None
    lines = [watcher.stdout.readline() for _ in range(2)]
    assert all(f": Nothing new, from {own.authority / 'repository'}: 1 request, " in line for line in lines)
    assert all("; published " in line and " ago; next sync in 1 s" in line for line in lines)
    shutil.rmtree(own.authority / "repository")
    assert "the first sync is in" in watcher.stderr.readline()
    assert "; next try in 1 s" in watcher.stderr.readline()
    assert end(watcher)[0] == 0


def test_without_seconds_it_is_a_quarter_of_an_hour(start: Start) -> None:
    watcher = start("--watch", "--json")
    assert watcher.stderr is not None
    line = watcher.stderr.readline()
    assert 0 <= int(line.split("in ")[1].split(" s;")[0]) <= 900
    assert end(watcher)[:2] == (0, "")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_told_to_end_in_the_middle_of_a_sync_it_ends_at_once_and_leaves_no_litter(
    own: Field, start: Start, how: signal.Signals
) -> None:
    """Over a poor link a sync takes minutes, and whoever shuts a device down does not wait for that long."""
    hold, reached = threading.Event(), threading.Event()
    with serving(own.authority / "repository") as server:

        def stall(path: str, wanted: str | None) -> Answer | None:
            if "packs/" not in path:
                return None
            reached.set()
            return replace(server.honest(path, wanted), cut=9, hold=hold)

        server.rule = stall
        watcher = start("--watch", 1, "--source", server.url)
        assert reached.wait(ENDS_WITHIN)
        began = time.monotonic()
        code, out, err = end(watcher, how)
        assert time.monotonic() - began < 15  # a silent server would be left after 20
        hold.set()
    assert (code, out) == (0, "")
    assert "Traceback" not in err
    assert not [path.name for path in own.device.iterdir() if path.name.startswith(".sync")]
    with sqlite3.connect(own.device / "device.sqlite") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


def test_a_folder_that_is_no_store_is_no_failure_to_go_on_after(movepass: Movepass, tmp_path: Path) -> None:
    ran = movepass("sync", "--store", tmp_path, "--watch", 1)
    assert ran.code == 4
    assert "is not a device's store" in ran.err


@pytest.mark.parametrize("seconds", ["0", "-1", "86401", "soon"])
def test_seconds_that_can_not_be_are_a_wrong_usage(movepass: Movepass, own: Field, seconds: str) -> None:
    assert movepass("sync", "--store", own.device, "--watch", seconds).code == 2
