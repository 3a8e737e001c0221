"""Two regions that issue at once, one of which is lost in the middle of the work and comes back."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.cdn import before_bucket
from support.passes import request
from support.processes import environment
from support.regions import NAMES, World, two_regions
from support.stack import Stack, deploy

from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_verifier import Device, Verdict

LOST, KEPT = 0, 1
TAKEOVER_SECONDS = 15
"""Longer than a publication and the copy of it take on a busy machine."""
VISIBILITY_SECONDS = 5
WAIT_SECONDS = 300


@dataclass
class Service:
    """The service in both regions, and whoever asks it.

    Attributes:
        homes: the region that each request was sent to first, by its id.
        answered: what was returned for each request, the first answer that was taken from a queue.
    """

    world: World
    stacks: list[Stack]
    folder: Path
    now: int
    homes: dict[str, int] = field(default_factory=dict)
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)

    def movepass(self, *arguments: str) -> list[dict[str, Any]]:
        """Run the command at the desk, which belongs to the region that is kept."""
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": NAMES[KEPT]}
        done = subprocess.run(
            [sys.executable, "-m", "movepass_cli.main", *arguments, "--json"], capture_output=True, text=True,
            check=False, env=environment(keys | {"AWS_ENDPOINT_URL": self.world.router.url}), cwd=self.folder,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def set_up(self) -> None:
        """Introduce the regions to each other, and make one authority of both."""
        for number, stack in enumerate(self.stacks):
            other = self.stacks[1 - number].outputs
            stack.update(PeerTableArn=other["TableArn"], PeerBucketArn=other["RepositoryArn"])
            stack.ministack.client("sqs").set_queue_attributes(
                QueueUrl=stack.outputs["RequestsUrl"], Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)}
            )
        desk, other = self.stacks[KEPT].outputs, self.stacks[LOST].outputs
        keys = [
            part for o in (desk, other) for part in
            ("--pass-signer", f"awskms:{o['PassKeyArn']}", "--online-signer", f"awskms:{o['OnlineKeyArn']}")
        ]  # fmt: skip
        self.movepass(
            "init", "--authority", "authority", "--ledger", f"dynamodb:{desk['TableArn']}",
            "--repository", f"s3://{desk['RepositoryBucket']}", *keys,
            "--peer", f"{LOST},{other['TableArn']},{other['RepositoryArn']}",
        )  # fmt: skip
        # Schedules also publish, each once: a publisher that finds another at work is asked again.
        wait("the first publication", lambda: "published" in self.publish(KEPT))
        wait("the lost region to publish", lambda: "published" in self.publish(LOST, take_over=True))
        wait("the other to follow", lambda: "followed" in self.publish(KEPT))

    def publish(self, number: int, **asked: bool) -> dict[str, Any]:
        return dict(self.stacks[number].invoke("Publish", asked))

    def revoke(self, at: int, **wanted: str) -> dict[str, Any]:
        return dict(self.stacks[at].invoke("Revoke", wanted))

    def send(self, number: int, ids: list[str]) -> None:
        """Put requests on a region's queue."""
        sqs, url = self.stacks[number].ministack.client("sqs"), self.stacks[number].outputs["RequestsUrl"]
        for start in range(0, len(ids), 10):
            some = ids[start : start + 10]
            entries = [{"Id": str(n), "MessageBody": json.dumps(request(i, self.now))} for n, i in enumerate(some)]
            assert not sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")

    def take(self, number: int) -> None:
        """Take what there is from a region's answers. Who asked elsewhere drops what comes late."""
        sqs, url = self.stacks[number].ministack.client("sqs"), self.stacks[number].outputs["AnswersUrl"]
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            answer = json.loads(message["Body"])
            self.answered.setdefault(answer["request_id"], answer)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def taken_from(self, number: int) -> list[str]:
        """Return the requests that a region was asked first and that were answered by it."""
        return [i for i, home in self.homes.items() if home == number and i in self.answered]

    def ledger(self, number: int) -> DynamoDbLedger:
        stack = self.stacks[number]
        return DynamoDbLedger(stack.outputs["Table"], client=self.world.direct[number].client("dynamodb"))

    def idle(self, number: int) -> bool:
        """Return whether a region's request queue is empty."""
        sqs, url = self.stacks[number].ministack.client("sqs"), self.stacks[number].outputs["RequestsUrl"]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return not any(int(found[name]) for name in names)


def wait(what: str, done: Callable[[], object], *, every: float = 0.02) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not done():
        assert time.monotonic() < end, what
        time.sleep(every)


@contextmanager
def deployed(folder: Path, package: Path, *, takeover: int) -> Iterator[Service]:
    """Run two regions, with the issuer deployed in both.

    Args:
        folder: where they keep what they have.
        package: the functions'.
        takeover: seconds without a publication after which the other region publishes.
    """
    with two_regions(folder) as world:
        stacks = [
            deploy(
                ministack, package, RegionNumber=str(number), RegionCount="2", PublishRate="rate(1 day)",
                TakeoverSeconds=str(takeover),
            )
            for number, ministack in enumerate(world.regions)
        ]  # fmt: skip
        made = Service(world, stacks, folder, int(time.time()))
        made.set_up()
        yield made


@pytest.fixture
def service(tmp_path: Path, package: Path) -> Iterator[Service]:
    with deployed(tmp_path, package, takeover=TAKEOVER_SECONDS) as made:
        yield made


@pytest.fixture
def sources(service: Service) -> Iterator[list[str]]:
    """Addresses that devices read from, one a region."""
    with ExitStack() as stack:
        buckets = [s.outputs["RepositoryBucket"] for s in service.stacks]
        yield [stack.enter_context(before_bucket(m, b)) for m, b in zip(service.world.direct, buckets, strict=True)]


class Run:
    """The parts of the story.

    Attributes:
        ids: of all requests.
        late: those of them that are sent last, so that the region is lost while it is at them.
        confirmed: requests whose passes were revoked, and the revocation confirmed.
        again: requests that the lost region did not answer, and that the other was asked for instead.
    """

    def __init__(self, service: Service, sources: list[str], folder: Path, count: int) -> None:
        self.service = service
        self.sources = sources
        self.ids = [f"R-{n}" for n in range(count)]
        self.late = self.ids[count // 2 :]
        self.confirmed: list[str] = []
        self.again: list[str] = []
        root = (folder / "authority" / "root.json").read_bytes()
        self.devices = [folder / f"device-{number}" for number in (LOST, KEPT)]
        for store in self.devices:
            Device.enroll(store, root=root, sources=sources)

    def work_in_both(self) -> None:
        """Half of the requests go to both regions, and passes are revoked in both."""
        service = self.service
        service.homes = {i: n % 2 for n, i in enumerate(self.ids)}
        for number in (LOST, KEPT):
            service.send(number, self.ids[: len(self.ids) // 2][number::2])

        def some_taken() -> bool:
            service.take(LOST)
            service.take(KEPT)
            return min(len(service.taken_from(number)) for number in (LOST, KEPT)) >= max(20, len(self.ids) // 10)

        wait("answers of both", some_taken)
        self.confirmed += revoke_in_both(service)
        for number in (LOST, KEPT):
            service.publish(number)

    def lose_one(self) -> int:
        """The other half is on its way when a region is lost; gives how many connections were cut."""
        service = self.service
        for number in (KEPT, LOST):
            service.send(number, self.late[number::2])

        def first_taken() -> bool:
            service.take(LOST)
            return any(i in service.answered for i in self.late[LOST::2])

        wait("the first of the last", first_taken)
        service.world.lose(LOST)
        return service.world.router.cut

    def go_on_with_the_other(self) -> float:
        """Ask the other region for missing answers until it takes over, and return after how many seconds it did."""
        service, lost_at = self.service, time.monotonic()
        self.again = [i for i in self.ids if i not in service.answered and service.homes[i] == LOST]
        service.send(KEPT, self.again)
        self.confirmed += revoke_while_lost(service, self.confirmed)
        wait("the other to publish", lambda: "published" in service.publish(KEPT), every=0.5)
        took_over = time.monotonic() - lost_at

        def all_taken() -> bool:
            service.take(KEPT)
            return len(service.answered) == len(self.ids)

        wait("all answers", all_taken)
        self.sync(KEPT)
        assert self.verdicts(KEPT, self.confirmed) == {Verdict.REVOKED}
        return took_over

    def come_back(self) -> None:
        """The region is back with what it had, goes on with its queue, and keeps a copy of what the other publishes."""
        service, next_time = self.service, 0.0
        service.world.find(LOST)

        def worked_off() -> bool:
            nonlocal next_time
            if time.monotonic() > next_time:  # as the schedule does; else the region that is back would take over
                assert "published" in service.publish(KEPT)
                next_time = time.monotonic() + TAKEOVER_SECONDS / 3
            return service.idle(LOST)

        wait("the lost region's queue", worked_off)
        service.publish(KEPT)
        assert "followed" in service.publish(LOST)

    def reconcile(self) -> int:
        """Twins are found and those that nobody has are revoked; gives how many were valid before."""
        service = self.service
        command = ("reconcile", "--authority", "authority", "--lost", str(LOST))
        found = service.movepass(*command, "--dry-run")
        ids = [row["request_id"] for row in found]
        texts = [entry.text or "" for entry in service.ledger(LOST).find(ids).values()]
        self.sync(LOST)
        before = self.valid(LOST, texts)
        assert service.movepass(*command) == [row | {"revoked": True} for row in found]
        assert service.movepass(*command) == []
        assert "published" in service.publish(KEPT)
        assert "followed" in service.publish(LOST)
        good = [i for i in self.ids if i not in self.confirmed]
        for number in (LOST, KEPT):
            self.sync(number)
            assert self.valid(number, texts) == 0
            assert self.verdicts(number, self.confirmed) == {Verdict.REVOKED}
            assert self.verdicts(number, good) == {Verdict.VALID}
        assert before == len(set(texts)) == len(found)
        third = service.stacks[LOST].invoke("Issue", request(ids[0], service.now))
        assert third["revoked_at"], "who asks the lost region a third time is told"
        return before

    def hand_over(self) -> None:
        """The region that is back publishes again, because it is told to."""
        assert "published" in self.service.publish(LOST, take_over=True)
        assert "followed" in self.service.publish(KEPT)

    def sync(self, number: int) -> None:
        """Let the device of a region sync over HTTP from that region's bucket."""
        with Device.open(self.devices[number]) as device:
            device.sync(self.sources[number])

    def verdicts(self, number: int, ids: list[str]) -> set[Verdict]:
        with Device.open(self.devices[number]) as device:
            return {device.verify(self.service.answered[i]["text"]).verdict for i in ids}

    def valid(self, number: int, texts: list[str]) -> int:
        with Device.open(self.devices[number]) as device:
            return sum(device.verify(text).verdict is Verdict.VALID for text in texts)


@pytest.mark.slow  # test_region_service loses a region in every run, with the issuer at work in both
@pytest.mark.parametrize("count", [5000])
def test_a_region_lost_in_the_middle_of_the_work_loses_no_request_and_no_revocation(
    service: Service, sources: list[str], tmp_path: Path, count: int
) -> None:
    run, begun = Run(service, sources, tmp_path, count), time.monotonic()
    run.work_in_both()
    cut = run.lose_one()
    took_over = run.go_on_with_the_other()
    run.come_back()
    twins = run.reconcile()
    run.hand_over()
    print(
        f"{count} requests, {len(run.again)} asked again in the other region; {cut} connections cut; "
        f"{count - len(service.answered)} lost; {len(run.confirmed)} revocations confirmed, all listed; "
        f"taken over after {took_over:.1f} s; {twins} twins before reconciliation, all valid, 0 valid after; "
        f"{time.monotonic() - begun:.0f} s"
    )
    assert twins > 0


def revoke_in_both(service: Service) -> list[str]:
    """Revoke passes of both regions in both, by number and by request id; gives the requests."""
    revoked = []
    for owner in (LOST, KEPT):
        ids = service.taken_from(owner)[:6]
        for place, request_id in enumerate(ids):
            named = {"request_id": request_id} if place % 3 == 0 else {
                "pass_number": service.answered[request_id]["pass_number"]
            }  # fmt: skip
            told = service.revoke(place % 2, **named, reason="stolen")
            assert told["request_id"] == request_id
            revoked.append(request_id)
    return revoked


def revoke_while_lost(service: Service, before: list[str]) -> list[str]:
    """Revoke in the region that is left what the lost one issued, and what it issued itself."""
    lost, kept = ([i for i in service.taken_from(n) if i not in before] for n in (LOST, KEPT))
    revoked = lost[:3]
    for request_id in revoked:
        told = service.revoke(KEPT, pass_number=service.answered[request_id]["pass_number"])
        assert "revoked_at" in told
        assert "request_id" not in told, "only the lost region knows it"
    assert "revoke it by its pass number" in service.revoke(KEPT, request_id=lost[3])["error"]
    assert service.revoke(KEPT, request_id=kept[0])["request_id"] == kept[0]
    return [*revoked, kept[0]]
