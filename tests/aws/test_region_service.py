"""Applicants are served in two regions at once, one of which is lost in the middle of the work and comes back."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from support.applications import HOUR, decision, draft, form, run
from support.regions import NAMES
from support.sampling import some_of

from movepass_issuer.issuing.ledger import Entry
from movepass_service.applications.application import Application, read_application
from movepass_service.applications.states import State
from movepass_service.errors import Busy, StoreError
from movepass_service.stores.dynamodb.regional import HURRY, Neighbour, RegionalStore
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Issued, Submitted
from movepass_verifier import Device, Verdict
from movepass_wire import decode_claims, open_text
from movepass_wire.times import day_of
from movepass_wire.trip_json import trip_to_json

from . import test_regions
from .test_regions import KEPT, LOST, WAIT_SECONDS, Service, wait

service, sources = test_regions.service, test_regions.sources
"""Fixtures: both regions with the issuer deployed, and where devices read."""

TABLE = "applications"
AT_ONCE, BATCH = 4, 25
"""Applicants, or functions of a kind, at work at once; and applications of a batch of theirs."""
WITHDRAW = decision("withdraw", actor="applicant")


def name_of(number: int) -> str:
    return f"0000-0000-{number:04}"


@dataclass
class Office:
    """What a region's functions do for applications: rules, log, requests, answers, revocations.

    Attributes:
        waiting: references of applications that it took, or adopted, and whose pass it was not answered.
    """

    number: int
    store: RegionalStore
    service: Service
    waiting: set[str] = field(default_factory=set)
    _sent: set[str] = field(default_factory=set)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def work(self) -> None:
        """Decide, log and send to the issuer what waits and was not sent, in batches at once; take some answers."""
        names = sorted(self.waiting - self._sent)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._decide, [names[start : start + BATCH] for start in range(0, len(names), BATCH)]))
        self.take_answers()

    def _decide(self, names: list[str]) -> None:
        self.store.decide(names, lambda *_: decision("approve"), int(time.time()))
        self._sequence(names)
        self._send([kept for kept in map(self.store.find, names) if kept and kept.state == State.APPROVED])
        self._sent |= set(names)

    def _sequence(self, names: list[str]) -> None:
        with self._one_at_a_time:  # as the log's function has one instance
            self.store.sequence(names)

    def begin_again(self, names: Iterable[str]) -> None:
        """Take up what was not finished, as the stream and the tidying function do after a loss."""
        self.waiting, self._sent = set(names), set()

    def finish(self, names: set[str]) -> None:
        """Take answers until all of some applications have theirs."""
        left, end = len(names), time.monotonic() + WAIT_SECONDS
        while self.waiting & names:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(lambda _: self.take_answers(), range(AT_ONCE)))
            if len(self.waiting & names) < left:
                left, end = len(self.waiting & names), time.monotonic() + WAIT_SECONDS
            assert time.monotonic() < end, f"no answer for {left} applications"

    def _send(self, approved: list[Kept]) -> None:
        sqs, url = self._queue("RequestsUrl")
        bodies = [trip_to_json(kept.application().trip) | {"request_id": kept.request_id} for kept in approved]
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(n), "MessageBody": json.dumps(b)} for n, b in enumerate(bodies[start : start + 10])]
            assert not sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")

    def take_answers(self) -> int:
        """Note the passes that the issuer made, and let the other region follow; returns how many there were."""
        sqs, url = self._queue("AnswersUrl")
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        answers = [json.loads(message["Body"]) for message in messages]
        passes = [one for one in map(self._issued, answers) if one]
        self.store.record_issued(passes, int(time.time()))
        names = [answer["request_id"].partition(".")[0] for answer in answers]
        self._sequence(names)
        self.store.follow(names)
        self.waiting -= set(names)
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(messages)

    def revoke(self) -> None:
        """Revoke what the store says must be, as the tidying function does."""
        for one in self.store.to_revoke(1000):
            named = {"pass_number": one.pass_number} if one.pass_number else {"request_id": one.request_id}
            self.service.revoke(self.number, **named)
            self.store.record_revoked([one], int(time.time()))
        self.store.find_strays()
        for stray in self.store.strays(1000):
            told = self.service.revoke(self.number, pass_number=stray.pass_number)
            assert "revoked_at" in told, told
            self.store.settle_stray(stray, int(time.time()))

    def _issued(self, answer: dict[str, Any]) -> Issued | None:
        if "text" not in answer:  # its request was revoked
            return None
        envelope = open_text(answer["text"])
        pass_ = decode_claims(envelope.claims)
        name, _, correction = answer["request_id"].partition(".")
        kept = self.service_number(name)
        return Issued(
            kept, int(correction), answer["pass_number"], answer["text"], pass_.day, pass_.index, envelope.kid
        )

    def service_number(self, name: str) -> int:
        kept = self.store.find(name)
        assert kept is not None
        return kept.number

    def _queue(self, output: str) -> tuple[Any, str]:
        stack = self.service.stacks[self.number]
        return stack.ministack.client("sqs"), stack.outputs[output]


@dataclass
class Run:
    """The parts of the story.

    Attributes:
        offices: one a region.
        receipts: what applicants were told, by reference.
        alone: references of which one region alone had the application, by its receipt.
        withdrawn: references whose withdrawal was confirmed.
    """

    service: Service
    sources: list[str]
    offices: list[Office]
    count: int
    now: int
    receipts: dict[str, Submitted] = field(default_factory=dict)
    alone: set[str] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)
    again: int = 0

    def application(self, number: int) -> Application:
        """Return an application for a trip that began a minute ago."""
        before = self.now - HOUR - 60
        fields = form(before, holder__name=f"Applicant {number}", holder__id_number=None, holder__id_last="4856")
        return read_application(fields, now=before)

    def apply(self, number: int) -> None:
        """Apply in the home region, and if it does not answer in the other one."""
        one = draft(self.application(number), client=f"client {number}".encode(), reference=name_of(number))
        for region in (number % 2, 1 - number % 2):
            with suppress(StoreError, Busy):
                (receipt,) = run(self.offices[region].store.submit([one], self.now))
                self.receipts[receipt.reference] = receipt
                if not receipt.is_copied:
                    self.alone.add(receipt.reference)
                if receipt.is_new:
                    self.offices[region].waiting.add(receipt.reference)
                return
            self.again += 1
        raise AssertionError("no region took it")

    def apply_all(self, numbers: Iterable[int]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.apply, numbers))

    def withdraw(self, names: Iterable[str], at: int) -> None:
        for name in names:
            assert run(self.offices[at].store.change(name, WITHDRAW, int(time.time()))) == State.WITHDRAWN
            self.withdrawn.add(name)

    def of_home(self, number: int) -> list[str]:
        """Return what a region took and is not withdrawn, in order."""
        return [name for name in sorted(self.receipts) if int(name[-4:]) % 2 == number and name not in self.withdrawn]

    def work_in_both(self) -> None:
        """The first half applies and gets its passes; some withdraw, in either region."""
        self.apply_all(range(self.count // 2))
        for office in self.offices:
            office.work()
            office.finish(office.waiting)
        for home in (LOST, KEPT):
            some = self.of_home(home)[: max(4, self.count // 100)]
            self.withdraw(some[::2], home)
            self.withdraw(some[1::2], 1 - home)
        for office in self.offices:
            office.revoke()

    def lose_one(self) -> None:
        """The second half applies when a region is lost, with some of its applications at every stage."""
        second = range(self.count // 2, self.count)
        self.apply_all(second[: len(second) // 2])
        self.offices[LOST].waiting &= set(sorted(self.offices[LOST].waiting)[::2])  # the others are not decided yet
        self.offices[LOST].work()
        with ThreadPoolExecutor(1) as pool:
            rest = second[len(second) // 2 :]
            applying = pool.submit(self.apply_all, rest)
            wait("some of the last", lambda: any(name_of(n) in self.receipts for n in rest))
            self.service.world.lose(LOST)
            applying.result()

    def go_on_with_the_other(self) -> None:
        """Everything confirmed is found; some withdraw; the other region adopts what is open, and makes its passes."""
        kept = self.offices[KEPT]
        held_there = {name for name in self.alone if kept.store.find(name) is None}
        assert all(kept.store.find(name) for name in self.receipts if name not in held_there)
        assert not [name for name in held_there if self.receipts[name].is_copied]
        self.withdraw(self.of_home(LOST)[-5:], KEPT)
        kept.waiting |= set(kept.store.adopt_open(LOST, self.now, 10_000))
        kept.work()
        kept.finish(kept.waiting - self.withdrawn)
        kept.revoke()
        wait("the other to publish", lambda: "published" in self.service.publish(KEPT))

    def come_back(self) -> int:
        """The lost region is told what was adopted and works its queue off; gives how many passes it made in vain."""
        self.service.world.find(LOST)
        kept, lost = self.offices[KEPT].store, self.offices[LOST]
        wait("the region to be told", lambda: kept.copy_rest() == 0)
        lost.store.copy_rest()
        wait("the lost region's queue", lambda: self.service.idle(LOST) and not lost.take_answers())
        lost.begin_again(name for name in self.receipts if (one := lost.store.find(name)) and one.state not in DONE)
        lost.work()
        lost.finish(lost.waiting)
        twins = sum(count > 1 for count in Counter(name for name, _ in self.in_force()).values())
        lost.revoke()
        self.offices[KEPT].revoke()
        self.service.movepass("reconcile", "--authority", "authority", "--lost", str(LOST))
        self.service.publish(KEPT)
        self.service.publish(LOST)
        return twins

    def in_force(self) -> Iterator[tuple[str, Entry]]:
        """Return the passes of both ledgers that are not revoked, with the applications that they are for."""
        for number in (LOST, KEPT):
            for entries in self.service.ledger(number).in_force(day_of(self.now)):
                for entry in entries:
                    yield entry.request_id.partition(".")[0], entry

    def check(self) -> Counter[Verdict]:
        """Both regions say the same of each application; each that is issued has one pass in force, the one shown."""
        in_force: dict[str, list[str]] = {}
        for name, entry in self.in_force():
            in_force.setdefault(name, []).append(entry.text or "")
        said: Counter[Verdict] = Counter()
        with Device.open(self.device()) as device:
            device.sync(self.sources[KEPT])
            for name in self.receipts:
                here, there = (office.store.find(name) for office in self.offices)
                assert here is not None
                assert there is not None
                assert (here.state, here.pass_text) == (there.state, there.pass_text)
                assert here.state == (State.WITHDRAWN if name in self.withdrawn else State.ISSUED), name
                assert in_force.pop(name, []) == ([here.pass_text] if here.pass_text else []), name
                if here.pass_text:
                    said[device.verify(here.pass_text).verdict] += 1
        assert not in_force
        return said

    def device(self) -> Any:
        folder = self.service.folder
        store = folder / "device-of-applicants"
        Device.enroll(store, root=(folder / "authority" / "root.json").read_bytes(), sources=self.sources)
        return store


DONE = (State.ISSUED, State.WITHDRAWN)


def open_offices(deployed: Service) -> list[Office]:
    """Open both regions' stores, each with the other's through the router."""
    clients = [
        boto3.client(
            "dynamodb", region_name=region, endpoint_url=deployed.world.router.url, aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=HURRY.connect, read_timeout=10),
        )
        for region in NAMES
    ]  # fmt: skip
    for number in (LOST, KEPT):
        DynamoDbStore.create(TABLE, client=deployed.world.direct[number].client("dynamodb"))
    stores = [
        RegionalStore(
            TABLE, number, [Neighbour(1 - number, DynamoDbStore(TABLE, client=clients[1 - number]))],
            client=clients[number],
        )
        for number in (LOST, KEPT)
    ]  # fmt: skip
    return [Office(number, stores[number], deployed) for number in (LOST, KEPT)]


@pytest.mark.parametrize("count", some_of("applications in two regions, one of which is lost", 40, of=5000))
def test_a_region_lost_in_the_middle_of_the_work_loses_no_application_and_leaves_no_twin(
    service: Service,
    sources: list[str],
    count: int,
) -> None:
    begun = time.monotonic()
    story = Run(service, sources, open_offices(service), count, int(time.time()))
    story.work_in_both()
    story.lose_one()
    story.go_on_with_the_other()
    twins = story.come_back()
    said = story.check()
    assert len(story.receipts) == count
    assert set(said) == {Verdict.VALID}
    print(
        f"{count} applications, {story.again} sent again to the other region, {len(story.alone)} held in one region "
        f"only by their receipts; 0 lost; {len(story.withdrawn)} withdrawn, none of them with a pass in force; "
        f"{twins} twins before reconciliation, 0 valid after; {said[Verdict.VALID]} passes valid, one an application; "
        f"{time.monotonic() - begun:.0f} s"
    )
    assert twins > 0
    assert story.again > 0
