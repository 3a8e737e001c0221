"""Two publishers at once, from one ledger into one repository: whatever was confirmed is in the list a device syncs."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import processes, s3
from support.ministack import Ministack, share_clients
from support.sampling import every_nth_of, some_of
from support.world import World

from movepass_issuer import SqliteLedger
from movepass_issuer.publishing.publisher import Publisher

if TYPE_CHECKING:
    import subprocess

PUBLISHER = """
import sys, time
from contextlib import nullcontext
from pathlib import Path
from movepass_issuer import SqliteLedger
from movepass_issuer.authority.folder import Authority
from movepass_issuer.publishing.publisher import Publisher
from movepass_keys import signer_from_uri

authority, leased = Authority.open(Path(sys.argv[1])), sys.argv[2] == "leased"
repository = authority.repository
if not leased:
    repository.lease = nullcontext
ledger = SqliteLedger(authority.ledger_path)
publisher = Publisher(
    repository=repository, ledger=ledger, patience=50, signer=signer_from_uri(authority.online_signer, authority.folder)
)
with authority.issuer() as issuer:
    print("ready", flush=True)
    for line in sys.stdin:
        issuer.revoke(number=line.strip())
        print("confirmed", flush=True)
        print("published", publisher.publish(int(time.time())).version, flush=True)
"""
"""Revokes each pass it is told of, and publishes."""


@contextmanager
def racing(folder: Path, mode: str) -> "Iterator[list[subprocess.Popen[str]]]":
    """Start two publishers for one authority."""
    with ExitStack() as stack:
        racers = [processes.converse(PUBLISHER, folder, mode) for _ in range(2)]
        for racer in racers:
            stack.enter_context(racer)
            stack.callback(racer.kill)
        assert [line(racer) for racer in racers] == ["ready", "ready"]
        yield racers


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def race(world: World, loops: int, mode: str, source: Callable[[], str]) -> None:
    """Let both revoke one pass each at the same moment and publish; a device must then refuse both, every time."""
    passes = world.issue_many(2 * loops)
    versions = []
    with racing(world.authority.folder, mode) as racers:
        for loop in range(loops):
            pair = passes[2 * loop : 2 * loop + 2]
            for racer, pass_ in zip(racers, pair, strict=True):
                assert racer.stdin is not None
                racer.stdin.write(f"{pass_.number}\n")
                racer.stdin.flush()
            for racer in racers:
                assert line(racer) == "confirmed"
                word, _, version = line(racer).partition(" ")
                assert word == "published"
                versions.append(int(version))
            world.sync(source())
            with world.device() as device:
                revoked = device.state().lists.days
                assert all(p.pass_.index in revoked[p.pass_.day] for p in passes[: 2 * loop + 2])
                assert not any(p.pass_.index in revoked[p.pass_.day] for p in passes[2 * loop + 2 :])
    assert len(set(versions)) == len(versions)


@pytest.fixture
def world_in_s3(world: World, ministack: Ministack, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same world, published in a bucket."""
    s3.enter(monkeypatch, s3.environment(ministack))
    share_clients(monkeypatch)
    bucket = s3.new_bucket(ministack)
    client = ministack.client("s3")
    for path in world.repository.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), bucket, f"a/{path.relative_to(world.repository)}")
    shutil.rmtree(world.repository)
    world.authority = replace(world.authority, repository_uri=f"s3://{bucket}/a").save()
    return world


MODES = ["leased", "unleased"]
"""Without the lease, conditional writes alone must carry it."""


def mirrored(world: World, ministack: Ministack, folder: Path) -> Callable[[], str]:
    """Return a function that copies the bucket's new files to a folder to sync from."""
    bucket = world.authority.repository_uri.split("/")[2]

    def copied() -> str:
        s3.mirror(ministack, bucket, folder)
        return str(folder / "a")

    return copied


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("loops", some_of("races of two publishers over a folder", 4, of=200))
def test_two_publishers_race_over_a_folder(world: World, mode: str, loops: int) -> None:
    race(world, loops, mode, lambda: str(world.repository))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("loops", some_of("races of two publishers over S3", 3, of=200))
def test_two_publishers_race_over_s3(
    world_in_s3: World, ministack: Ministack, tmp_path: Path, mode: str, loops: int
) -> None:
    race(world_in_s3, loops, mode, mirrored(world_in_s3, ministack, tmp_path / "mirror"))


# Every interleaving of one publication with one step of another


class Interrupted:
    """Lets something else happen just before one of the calls that go through it."""

    def __init__(self, at: int, happen: Callable[[], object]) -> None:
        self.calls = 0
        self._at = at
        self._happen = happen

    def wrap(self, target: Any) -> Any:
        """Return an object that behaves like the target."""
        interruption = self

        class Wrapped:
            def __getattr__(self, name: str) -> Any:
                value = getattr(target, name)
                if name == "lease":
                    return nullcontext
                return partial(interruption.call, value) if callable(value) else value

        return Wrapped()

    def call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self.calls += 1
        if self.calls - 1 == self._at:
            self._happen()
        return method(*arguments, **named)


def overtake_everywhere(
    world: World, mine: Callable[[int], list[int]], source: Callable[[], str], every: int = 1
) -> None:
    """Go through the calls of a publication; whoever is overtaken where, a device gets every revocation."""
    signer, repository = world.online_signer(), world.authority.repository
    with closing(SqliteLedger(world.authority.ledger_path)) as ledger:
        other = Publisher(repository=repository, ledger=ledger, signer=signer)

        def publish_overtaken(at: int, mine: list[int], theirs: list[int]) -> int:
            def happen() -> None:
                world.revoke_indexes(theirs)
                other.publish(world.now)

            world.revoke_indexes(mine)
            through = Interrupted(at, happen)
            Publisher(repository=through.wrap(repository), ledger=through.wrap(ledger), signer=signer).publish(
                world.now
            )
            return through.calls

        calls = publish_overtaken(-1, mine(0), [])
        assert calls > 15
        expected = set(mine(0))
        for at in range(0, calls, every):
            first, second = mine(at + 1), [10_000 + at]
            publish_overtaken(at, first, second)
            other.publish(world.now)  # what came after the ledger was read is listed by the next
            assert ledger.pending() == []
            expected |= {*first, *second}
            world.sync(source())
            with world.device() as device:
                revoked = device.state().lists.days[world.today]
                assert all(index in revoked for index in expected), at


@pytest.mark.parametrize("busy", [True, False], ids=["with revocations", "with nothing new"])
def test_overtaken_at_any_call_by_a_whole_publication_over_a_folder(world: World, busy: bool) -> None:  # noqa: FBT001
    overtake_everywhere(world, lambda n: [n] if busy else [], lambda: str(world.repository))


@pytest.mark.parametrize("busy", [True, False], ids=["with revocations", "with nothing new"])
@pytest.mark.parametrize("every", every_nth_of("calls at which a publication over S3 is overtaken", 9))
def test_overtaken_at_any_call_by_a_whole_publication_over_s3(
    world_in_s3: World, ministack: Ministack, tmp_path: Path, busy: bool, every: int  # noqa: FBT001
) -> None:  # fmt: skip
    source = mirrored(world_in_s3, ministack, tmp_path / "m")
    overtake_everywhere(world_in_s3, lambda n: [n] if busy else [], source, every)
