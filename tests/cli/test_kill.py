"""Kill a batch while it is issued: after a restart every request has one pass, and none differs from before."""

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.sampling import some_of

from .conftest import Movepass, make_request


def _kill_midway(authority: Path, requests: Path, after: float) -> list[str]:
    """Issue, kill the process some time after its first answer, and return the complete answers."""
    with subprocess.Popen(
        [sys.executable, "-m", "movepass_cli.main", "issue", "--authority", str(authority), str(requests)],
        stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        first = process.stdout.readline()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
    return [line.decode() for line in (first + rest).splitlines(keepends=True) if line.endswith(b"\n")]


def _kill_and_begin_again(movepass: Movepass, folder: Path, count: int, rounds: int) -> None:
    authority, requests = folder / "a", folder / "requests.jsonl"
    assert movepass("init", "--authority", authority).code == 0
    requests.write_text("".join(json.dumps(make_request(f"K-{n}")) + "\n" for n in range(count)))
    chance = random.Random(7)
    answered: dict[str, str] = {}
    for _ in range(rounds):
        for line in _kill_midway(authority, requests, chance.uniform(0, count / 20_000)):
            row = json.loads(line)
            assert answered.setdefault(row["request_id"], row["text"]) == row["text"]
    rows = movepass("issue", "--authority", authority, requests).rows
    again = movepass("issue", "--authority", authority, requests).rows
    assert rows == again
    assert [row["request_id"] for row in rows] == [f"K-{n}" for n in range(count)]
    assert len({row["pass_number"] for row in rows}) == count
    assert all(row["text"] == answered.get(row["request_id"], row["text"]) for row in rows)
    with sqlite3.connect(authority / "ledger.sqlite") as db:
        assert db.execute("SELECT count(*), count(DISTINCT day || ':' || idx) FROM passes").fetchone() == (count, count)
    db.close()


@pytest.mark.parametrize("rounds", some_of("kills of a batch of 500 requests for each", 3, of=20))
def test_a_batch_that_is_killed_and_begun_again(movepass: Movepass, tmp_path: Path, rounds: int) -> None:
    _kill_and_begin_again(movepass, tmp_path, count=500 * rounds, rounds=rounds)
