"""kill -9 at any instant: the requests are issued from the start again, and each has exactly one pass."""

import random
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pytest
from support import processes
from support.sampling import some_of
from support.world import World

from movepass_issuer import SqliteLedger
from movepass_verifier import Verdict

REQUESTS = 2_000
BATCH = 40

ISSUE_ALL = """
import sys
from pathlib import Path
from support.passes import approved
from movepass_issuer import SignedPass
from movepass_issuer.authority.folder import Authority

folder, answers, now, requests, batch = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
with Authority.open(folder).issuer() as issuer, open(answers, "a", buffering=1) as file:
    print("started", flush=True)
    for start in range(0, requests, batch):
        wanted = [approved(f"R-{n}", now) for n in range(start, min(start + batch, requests))]
        for result in issuer.issue_many(wanted):
            assert isinstance(result, SignedPass), result
            file.write(f"{result.request_id} {result.pass_.index} {result.text}\\n")
"""
"""Issues every request and writes down each answer as a caller would who has been given it."""


def issue(world: World, answers: Path, *, kill_after: float | None) -> bool:
    """Run to the end, or be killed after so many seconds of issuing; tells whether it came to the end."""
    child = processes.start(ISSUE_ALL, world.authority.folder, answers, world.now, REQUESTS, BATCH)
    assert child.stdout is not None
    assert child.stdout.readline() == "started\n"
    if kill_after is not None:
        time.sleep(kill_after)
        child.kill()
    child.communicate(timeout=60)
    return child.returncode == 0


def check(world: World, answers: Path) -> None:
    """Hold every answer that was ever given against the ledger, and the ledger against the promises."""
    lines = [line.split(" ", 2) for line in answers.read_text().splitlines()]
    given = {tuple(line) for line in lines if len(line) == 3 and line[2].startswith("MP1:")}
    assert len({request_id for request_id, _, _ in given}) == REQUESTS
    assert len(given) == REQUESTS, "a request was answered with two different passes"
    assert len({index for _, index, _ in given}) == REQUESTS
    ledger = SqliteLedger(world.authority.ledger_path)
    entries = ledger.find([f"R-{n}" for n in range(REQUESTS)])
    ledger.close()
    assert {(e.request_id, str(e.index), e.text) for e in entries.values()} == given
    assert max(Counter((e.day, e.index) for e in entries.values()).values()) == 1
    with sqlite3.connect(world.authority.ledger_path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    texts = random.Random(1).sample(sorted(text for _, _, text in given), 20)
    with world.device() as device:
        assert {device.verify(text, world.now).verdict for text in texts} == {Verdict.VALID}


def rounds(world: World, folder: Path, count: int, seed: int) -> None:
    """Measure one whole run, then kill that many others somewhere in such a time, each time into a new ledger."""
    chance = random.Random(seed)
    rehearsal = world.copy(folder / "rehearsal")
    began = time.monotonic()
    assert issue(rehearsal, folder / "rehearsal.txt", kill_after=None)
    seconds = time.monotonic() - began
    killed = 0
    for number in range(count):
        struck = world.copy(folder / f"round-{number}")
        struck.now = world.now
        answers = folder / f"round-{number}.txt"
        for _ in range(chance.choice((1, 2))):
            killed += not issue(struck, answers, kill_after=chance.uniform(0, seconds * 0.8))
        assert issue(struck, answers, kill_after=None)
        check(struck, answers)
    assert killed >= count / 2  # else the instants were badly chosen, and nothing was shown


@pytest.mark.parametrize("count", some_of("an issuer killed while it works off 2,000 requests", 2, of=100))
def test_killed_at_random_instants_each_request_gets_exactly_one_pass(world: World, tmp_path: Path, count: int) -> None:
    rounds(world, tmp_path, count, seed=int(time.time()) if count == 100 else 20_261_122)


def test_two_processes_that_issue_the_same_requests_at_once_answer_alike(world: World, tmp_path: Path) -> None:
    answers = [tmp_path / "one.txt", tmp_path / "two.txt"]
    arguments = [(world.authority.folder, path, world.now, 400, BATCH) for path in answers]
    children = [processes.start(ISSUE_ALL, *values) for values in arguments]
    assert [child.wait(timeout=60) for child in children] == [0, 0]
    for child in children:
        child.communicate()
    one, two = (set(path.read_text().splitlines()) for path in answers)
    assert one == two
    assert len(one) == 400
    assert sorted(int(line.split()[1]) for line in one) == list(range(400))
