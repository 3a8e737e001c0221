"""Run `movepass sync` and `enroll` as their users do: sources, words, JSON, progress."""

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.certificates import make_ca
from support.servers import serving

from .conftest import Field, Movepass, set_up

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def own(tmp_path: Path) -> Field:
    """An authority and a device of one's own, with a pass revoked since the device has synced."""
    return set_up(tmp_path / "own")


def revoke(movepass: Movepass, own: Field) -> None:
    assert movepass("revoke", "--authority", own.authority, own.number).code == 0
    assert movepass("publish", "--authority", own.authority).code == 0


def test_what_was_got_from_where_and_how_old_it_is_in_words(movepass: Movepass, own: Field) -> None:
    revoke(movepass, own)
    repository = own.authority / "repository"
    ran = movepass("sync", "--store", own.device, "--source", NOWHERE, "--source", repository)
    assert ran.code == 0
    first, second, *lists = ran.out.splitlines()
    assert first.startswith(f"Newer keys or lists taken over, from {repository}: ")
    assert " requests, " in first
    assert second.startswith("Published ")
    assert any("1 revoked, 1 of them new" in line for line in lists)
    assert ran.err.startswith(f"movepass: {NOWHERE}: no connection: ")
    assert "host=" not in ran.err
    assert "went on to the next source" in ran.err
    again = movepass("sync", "--store", own.device)
    assert again.out.startswith("Nothing new, from ")
    assert "new" not in again.out.partition("\n")[2]
    assert again.err == ""


def test_a_source_that_an_enrolment_named_drives_no_terminal(movepass: Movepass, own: Field, tmp_path: Path) -> None:
    """The fingerprint that people compare covers the root, and not where it comes from."""
    hostile = tmp_path / "stick\x1b[2J\x9b2J\x07\u202e"
    shutil.copytree(own.authority / "repository", hostile)
    ran = movepass("sync", "--store", own.device, "--source", hostile)
    assert ran.code == 0
    assert "stick\\x1b[2J\\x9b2J\\x07\\u202e" in ran.out
    assert all(line.isprintable() for line in ran.out.splitlines())


def test_and_in_json(movepass: Movepass, own: Field) -> None:
    revoke(movepass, own)
    ran = movepass(
        "sync", "--store", own.device, "--json", "--source", NOWHERE, "--source", own.authority / "repository"
    )
    row = ran.row
    assert set(row) == {
        "changed", "requests", "bytes", "source", "synced_at", "published", "age_s", "lists", "failed",
    }  # fmt: skip
    assert [failure["source"] for failure in row["failed"]] == [NOWHERE]
    assert row["failed"][0]["problem"] == "unreachable"
    assert sum(day["new"] for day in row["lists"]) == 1
    assert 0 <= row["age_s"] < 60


def test_a_device_is_enrolled_with_several_sources(movepass: Movepass, own: Field, tmp_path: Path) -> None:
    root, repository = own.authority / "repository" / "metadata" / "1.root.json", own.authority / "repository"
    new = tmp_path / "new"
    ran = movepass(
        "enroll", "--store", new, "--root", root, "--source", NOWHERE, "--source", repository, "--json"
    )  # fmt: skip
    assert (ran.row["store"], ran.row["sources"]) == (str(new), [NOWHERE, str(repository)])
    assert movepass("sync", "--store", new, "--json").row["source"] == str(repository)
    assert movepass("status", "--store", new, "--json").row["sources"] == [NOWHERE, str(repository)]
    variable = {"MOVEPASS_SOURCE": f"{NOWHERE} {repository}"}
    assert movepass("sync", "--store", new, "--json", env=variable).row["source"] == str(repository)
    assert movepass("enroll", "--store", tmp_path / "newer", "--root", root, env=variable).code == 2


def test_enroll_wants_a_source_and_a_root_before_anything_is_made(
    movepass: Movepass, own: Field, tmp_path: Path
) -> None:
    root = own.authority / "repository" / "metadata" / "1.root.json"
    assert movepass("enroll", "--store", tmp_path / "new", "--root", root).code == 2
    ran = movepass("enroll", "--store", tmp_path / "new", "--root", root, "--source", NOWHERE, "--source", "ftp://x")
    assert ran.code == 2
    assert "expected a source like" in ran.err
    assert not (tmp_path / "new").exists()


def test_all_sources_that_failed_stand_in_one_line(movepass: Movepass, own: Field, tmp_path: Path) -> None:
    ran = movepass("sync", "--store", own.device, "--source", NOWHERE, "--source", tmp_path / "stick")
    assert (ran.code, ran.out) == (4, "")
    (line,) = ran.err.splitlines()
    assert "no connection" in line
    assert "is the stick plugged in" in line
    assert line.endswith("this device keeps what it has")


def test_a_ca_comes_by_option_or_variable(movepass: Movepass, own: Field, tmp_path: Path) -> None:
    ca, tls = make_ca(tmp_path)
    with serving(own.authority / "repository", tls) as server:
        sync = ("sync", "--store", own.device, "--source", server.url)
        assert "certificate can't be trusted" in movepass(*sync).err
        assert movepass(*sync, "--ca", ca).code == 0
        assert movepass(*sync, env={"MOVEPASS_CA": str(ca)}).code == 0
        assert "can't read the CA certificates" in movepass(*sync, "--ca", tmp_path / "missing").err


def test_progress_is_shown_on_a_terminal_and_gone_in_the_end(movepass: Movepass, own: Field) -> None:
    revoke(movepass, own)
    shutil.rmtree(own.authority / "repository" / "packs")  # a long list is in none
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "movepass_cli.main", "sync", "--store", str(own.device)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=slave, check=True, timeout=60)
    os.close(slave)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert b"\033" not in done.stdout
    steps = shown.split("\r\033[K")
    assert any(step.startswith("movepass: ") and step.endswith(" bytes") and ".log: " in step for step in steps)
    assert steps[-1] == ""


def test_no_progress_is_shown_elsewhere(movepass: Movepass, own: Field, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    revoke(movepass, own)
    shutil.copytree(own.authority / "repository", stick)
    assert movepass("sync", "--store", own.device, "--source", stick).err == ""
