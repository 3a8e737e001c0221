"""kill -9 of a publisher at any instant: the repository is as before or as after, and the next one has it all."""

import random
import time
from contextlib import closing

import pytest
from support import processes
from support.repositories import revoked_in
from support.sampling import some_of
from support.world import World

from movepass_issuer import SqliteLedger
from movepass_keys.records.layout import TIMESTAMP

NURSERY = """
import os, signal, sys, time, traceback
from pathlib import Path
from movepass_issuer.authority.folder import Authority

def publish():
    with Authority.open(Path(sys.argv[1])).publisher() as publisher:
        publisher.publish(int(time.time()))

publish()  # so that all is loaded, and a child dies of nothing but its publication
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            publish()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    time.sleep(float(line))
    os.kill(child, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Told a number of seconds, lets a child publish and kills it after that time; answers with its exit code."""
KILLED = -9


class Nursery:
    """Children that publish, each of them to be killed."""

    def __init__(self, world: World) -> None:
        self._process = processes.converse(NURSERY, world.authority.folder)
        assert self._answer() == "ready"

    def publish(self, kill_after: float) -> bool:
        """Let a child publish; tells whether it was killed before it had finished."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{kill_after}\n")
        self._process.stdin.flush()
        code = int(self._answer())
        assert code in (0, KILLED)
        return code == KILLED

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def usual_seconds(world: World, nursery: Nursery) -> float:
    """Measure how long a publication takes that nobody kills, from the child's birth on."""
    for wait in (0.02 * 1.5**n for n in range(20)):
        world.revoke(world.issue(f"rehearsal-{wait}"))
        if not nursery.publish(wait):
            return wait
    raise AssertionError("no publication came to its end")


def kill_again_and_again(world: World, times: int, seed: int) -> None:
    """Kill at random instants, at least so many times; more where the machine's speed changed and few were hit."""
    chance, nursery = random.Random(seed), Nursery(world)
    seconds = usual_seconds(world, nursery)
    versions: dict[str, bytes] = {}
    confirmed, killed, unpublished = set(revoked_in(world.repository)), 0, 0
    world.now = int(time.time())
    world.publish()
    number = 0
    while number < times or killed <= times / 3 or not times / 10 < unpublished < number:
        assert number < 10 * times, f"of {number} publications {killed} were killed, {unpublished} came to nothing"
        number += 1
        pass_ = world.issue(f"R-{number}")
        assert (pass_.pass_.day, pass_.pass_.index) not in confirmed
        world.revoke(pass_)
        new = (pass_.pass_.day, pass_.pass_.index)
        before, timestamp = revoked_in(world.repository), world.authority.repository.read(TIMESTAMP)
        confirmed.add(new)

        was_killed = nursery.publish(chance.uniform(0, seconds))
        killed += was_killed
        seconds *= 1.1 if was_killed else 0.9

        after = revoked_in(world.repository)
        if world.authority.repository.read(TIMESTAMP) == timestamp:
            unpublished += 1
            assert after == before
        else:
            assert after == before | {new}
        with closing(SqliteLedger(world.authority.ledger_path)) as ledger:
            assert after | set(ledger.pending()) == confirmed
        world.now = int(time.time())
        world.sync()
        assert world.verdict(pass_.text) == ("revoked" if new in after else "valid")

        world.publish()
        assert revoked_in(world.repository) == confirmed
        world.sync()
        assert world.verdict(pass_.text) == "revoked"
        for path in (world.repository / "metadata").glob("[0-9]*.json"):
            assert versions.setdefault(path.name, path.read_bytes()) == path.read_bytes(), path.name
    nursery.close()


@pytest.mark.parametrize("times", some_of("kills of a publisher", 20, of=1000))
def test_a_publisher_killed_at_any_instant(world: World, times: int) -> None:
    kill_again_and_again(world, times, seed=int(time.time()) if times == 1000 else 20_261_122)
