"""Run `movepass publish --watch` as a real process that publishes, reports failures, continues and ends."""

import json
import shutil
import signal
import time
from contextlib import closing
from pathlib import Path
from subprocess import Popen

import pytest

from movepass_issuer import SqliteLedger
from movepass_issuer.authority.folder import Authority
from movepass_issuer.storage.folder_repository import FolderRepository

from .conftest import ENDS_WITHIN, Movepass, Start, end, make_request, next_row

DAY = 86400


@pytest.fixture
def authority(movepass: Movepass, tmp_path: Path) -> Path:
    assert movepass("init", "--authority", tmp_path / "a").code == 0
    return tmp_path / "a"


@pytest.fixture
def start(launch: Start, authority: Path) -> Start:
    return lambda *options: launch("publish", "--authority", authority, *options)


def test_it_publishes_again_and_again_whatever_other_commands_do_at_the_same_time(
    movepass: Movepass, authority: Path, start: Start
) -> None:
    watcher = start("--watch", 1, "--json")
    versions = [next_row(watcher)["version"]]
    issued = movepass("issue", "--authority", authority, "-", "--json", given=json.dumps(make_request()))
    assert movepass("revoke", "--authority", authority, issued.row["pass_number"]).code == 0
    for _ in range(3):  # side by side with the watcher's own, and none of them is refused
        ran = movepass("publish", "--authority", authority, "--json")
        assert ran.code == 0, ran.err
    kid = movepass("keys", "list", "--authority", authority, "--json").row["keys"][0]["kid"]
    assert movepass("keys", "deny", kid, "--authority", authority, "--reason", "stolen").code == 0
    versions += [next_row(watcher)["version"] for _ in range(3)]
    assert versions == sorted(set(versions))
    with closing(SqliteLedger(authority / "ledger.sqlite")) as ledger:
        assert ledger.pending() == []
    code, out, err = end(watcher)
    assert (code, err) == (0, "")
    assert all("version" in json.loads(line) for line in out.splitlines())


def test_a_failure_is_told_in_words_and_the_next_try_goes_on(authority: Path, start: Start) -> None:
    watcher = start("--watch", 1, "--json")
    assert "version" in next_row(watcher)
    shutil.move(authority / "repository", authority / "away")
    failed = next_row(watcher)
    while "error" not in failed:  # the one that was at work
        failed = next_row(watcher)
    assert "No such file or directory" in failed["error"]
    shutil.move(authority / "away", authority / "repository")
    came = next_row(watcher)
    while "error" in came:
        came = next_row(watcher)
    assert came["version"] > 1
    code, _, err = end(watcher)
    assert code == 0
    assert "No such file or directory; next try in 1 s" in err


def test_for_people_it_says_a_line_each(start: Start) -> None:
    watcher = start("--watch", 1)
    assert watcher.stdout is not None
    lines = [watcher.stdout.readline() for _ in range(2)]
    assert all(line.startswith("Published at ") and "0 newly revoked" in line for line in lines)
    assert end(watcher, signal.SIGINT)[0] == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_publication_at_work_is_finished_before_it_ends(authority: Path, start: Start, how: signal.Signals) -> None:
    with FolderRepository(authority / "repository").lease():
        watcher = start("--watch", 3600, "--json")
        wait_until_it_handles_signals(watcher)
        watcher.send_signal(how)
        time.sleep(0.5)
        assert watcher.poll() is None  # it waits for the lease, and has not given up
    out, err = watcher.communicate(timeout=ENDS_WITHIN)
    assert (watcher.returncode, err) == (0, "")
    assert json.loads(out)["version"] > 1


def test_a_second_signal_ends_it_at_once(authority: Path, start: Start) -> None:
    with FolderRepository(authority / "repository").lease():
        watcher = start("--watch", 3600)
        wait_until_it_handles_signals(watcher)
        watcher.send_signal(signal.SIGTERM)
        wait_until_it_handles_signals(watcher, handles=False)  # it has taken the first
        assert end(watcher)[0] == -signal.SIGTERM


def test_a_folder_that_is_no_authority_is_no_failure_to_go_on_after(movepass: Movepass, tmp_path: Path) -> None:
    ran = movepass("publish", "--authority", tmp_path, "--watch", 1)
    assert ran.code == 4
    assert "is not an authority" in ran.err


@pytest.mark.parametrize("seconds", ["0", "-1", "86401", "soon"])
def test_seconds_that_can_not_be_are_a_wrong_usage(movepass: Movepass, authority: Path, seconds: str) -> None:
    assert movepass("publish", "--authority", authority, "--watch", seconds).code == 2


def test_a_clock_that_jumped_stops_it_until_somebody_says_that_it_is_right(authority: Path, start: Start) -> None:
    with Authority.open(authority).publisher() as publisher:
        publisher.publish(int(time.time()) + 4 * DAY, clock_checked=True)
    watcher = start("--watch", 1, "--json")
    assert "is it right? If so: movepass publish --clock-checked" in next_row(watcher)["error"]
    assert end(watcher)[0] == 0
    watcher = start("--watch", 1, "--clock-checked", "--json")
    assert ["version" in next_row(watcher) for _ in range(2)] == [True, True]
    assert end(watcher)[0] == 0


def wait_until_it_handles_signals(process: Popen[str], *, handles: bool = True) -> None:
    """Look into /proc for its handler of SIGTERM, or until there is none any more."""
    deadline = time.monotonic() + ENDS_WITHIN
    while time.monotonic() < deadline:
        status = Path(f"/proc/{process.pid}/status").read_text("ascii")
        caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
        if bool(caught >> (signal.SIGTERM - 1) & 1) is handles:
            return
        time.sleep(0.05)
    raise AssertionError("it never got ready")
