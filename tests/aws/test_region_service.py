"""Applicants are served in two regions at once, one of which is lost in the middle of the work and comes back.

The issuer is deployed in both; the service's functions are called in this process as AWS calls them.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.applications import APPROVE_ALL
from support.offices import Office, at_once
from support.regions import NAMES
from support.sampling import some_of
from support.sites import whole_application

from movepass_issuer.issuing.ledger import Entry
from movepass_service.applications.states import State
from movepass_service.stores.dynamodb.document import kept_of
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_verifier import Device, Verdict
from movepass_wire.times import day_of, iso

from . import test_regions
from .test_regions import KEPT, LOST, WAIT_SECONDS, Service, deployed, wait

sources = test_regions.sources
"""A fixture: where devices read."""

TABLES = ("applications-0", "applications-1")
SECRET = "site"
APPLICANTS = 4
"""At once."""
HOUR = 3600
DONE = (State.ISSUED, State.WITHDRAWN)


@dataclass(frozen=True)
class Receipt:
    """What an applicant was told: by which region, and whether that region alone holds the application."""

    secret: str
    region: int
    is_alone: bool


@dataclass
class Run:
    """The parts of the story.

    Attributes:
        offices: one a region.
        begins: when all trips begin, seconds since 1970 UTC.
        receipts: by reference.
        withdrawn: references whose withdrawal was confirmed.
        again: how many applications were sent again to the other region.
        waiting: by region, references that it took or adopted and whose pass it was not answered.
    """

    service: Service
    sources: list[str]
    offices: list[Office]
    count: int
    begins: int
    receipts: dict[str, Receipt] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    again: int = 0
    waiting: tuple[set[str], set[str]] = field(default_factory=lambda: (set(), set()))

    def apply(self, number: int) -> None:
        """Apply in one region, and if it does not answer in the other."""
        document = whole_application(
            holder={"name": f"Applicant {number}", "id_type": "nid", "id_last": "4856"}, reason="groceries",
            not_before=iso(self.begins), not_after=iso(self.begins + HOUR),
        )  # fmt: skip
        for region in (number % 2, 1 - number % 2):
            status, said = self.offices[region].ask("POST", "/api/applications", document)
            if status == 202:
                self.receipts[said["reference"]] = Receipt(said["secret"], region, "held_in" in said)
                self.waiting[region].add(said["reference"])
                return
            assert status >= 500, said  # 500 where the store is lost, 503 where it is only busy
            self.again += 1
        raise AssertionError("no region took it")

    def apply_all(self, numbers: Iterable[int]) -> None:
        with at_once(APPLICANTS) as pool:
            list(pool.map(self.apply, numbers))

    def withdraw(self, names: Iterable[str], at: int) -> None:
        """Withdraw in a region; the streams of both then say what changed."""
        withdrawn = list(names)
        with at_once(1) as pool:
            for name in withdrawn:
                path = f"/api/applications/{name}/withdraw"
                status, said = pool.submit(self.offices[at].ask, "POST", path, {}, self.receipts[name].secret).result()
                assert (status, said["state"]) == (200, "withdrawn")
        self.withdrawn |= set(withdrawn)
        for office in self.offices:
            if at == office.number or not self.service.world.is_lost(office.number):
                office.sequence(withdrawn)

    def taken_by(self, region: int) -> list[str]:
        """Return what a region took and is not withdrawn, in order."""
        return [n for n, one in sorted(self.receipts.items()) if one.region == region and n not in self.withdrawn]

    def work(self, region: int, names: Iterable[str] | None = None) -> None:
        """Let rules decide what waits, and ask for passes; take the answers until there are all of them."""
        office, waiting = self.offices[region], self.waiting[region]
        some = sorted(waiting if names is None else names)
        office.decide(some)
        office.sequence(some)
        end = time.monotonic() + WAIT_SECONDS
        while left := waiting & (set(some) - self.withdrawn):
            assert time.monotonic() < end, f"no answer for {len(left)} applications"
            if taken := office.take_answers():
                waiting.difference_update(taken)
                end = time.monotonic() + WAIT_SECONDS
            else:
                time.sleep(0.2)

    def work_in_both(self) -> None:
        """The first half applies and gets its passes; some withdraw, in either region."""
        self.apply_all(range(self.count // 2))
        for region in (LOST, KEPT):
            self.work(region)
        for home in (LOST, KEPT):
            some = self.taken_by(home)[: max(4, self.count // 100)]
            self.withdraw(some[::2], home)
            self.withdraw(some[1::2], 1 - home)

    def lose_one(self) -> None:
        """The second half applies when a region is lost, with some of its applications at every stage."""
        second = range(self.count // 2, self.count)
        self.apply_all(second[: len(second) // 2])
        here = sorted(self.waiting[LOST])
        self.work(LOST, here[: len(here) // 3])
        asked_for = here[len(here) // 3 : 2 * len(here) // 3]  # the issuer is at these; the others are not decided yet
        self.offices[LOST].decide(asked_for)
        self.offices[LOST].sequence(asked_for)
        with at_once(1) as pool:
            rest = second[len(second) // 2 :]
            before = len(self.receipts)
            applying = pool.submit(self.apply_all, rest)
            wait("some of the last", lambda: len(self.receipts) > before + len(rest) // 20)
            self.service.world.lose(LOST)
            applying.result()

    def go_on_with_the_other(self) -> None:
        """Everything confirmed is found; some withdraw; the other region adopts what is open, and makes its passes."""
        kept = self.offices[KEPT]
        found = set(kept.own(self.receipts)) | set(kept.homes(self.receipts))
        missing = {name for name in self.receipts if name not in found}
        assert missing <= self.held_alone(LOST)
        self.withdraw([name for name in self.taken_by(LOST) if name in found][-5:], KEPT)
        adopted = kept.tidy({"adopt": LOST})["adopted"]
        assert kept.tidy({"adopt": LOST}) == {"adopted": 0}
        own = {name for name, one in kept.own(self.receipts).items() if one.state not in DONE}
        assert len(own - self.waiting[KEPT]) == adopted
        self.waiting[KEPT].update(own)
        self.work(KEPT)
        assert "published" in self.service.publish(KEPT, take_over=True)

    def held_alone(self, region: int) -> set[str]:
        return {name for name, one in self.receipts.items() if one.region == region and one.is_alone}

    def come_back(self) -> int:
        """The lost region is told what was adopted and works its queue off; gives how many passes it made in vain."""
        self.service.world.find(LOST)
        kept, lost = self.offices[KEPT], self.offices[LOST]
        wait("the region to be told", lambda: kept.tidy()["uncopied"] == 0 and kept.tidy()["uncopied"] == 0)
        wait("the region to tell", lambda: lost.tidy()["uncopied"] == 0)
        wait("the lost region's queue", lambda: self.service.idle(LOST) and not lost.take_answers())
        self.waiting[LOST].clear()
        self.waiting[LOST].update(n for n, one in lost.own(self.receipts).items() if one.state not in DONE)
        self.work(LOST)
        twins = sum(count > 1 for count in Counter(name for name, _ in self.in_force()).values())
        while lost.tidy({"strays": True})["strays"]:
            pass
        self.service.movepass("reconcile", "--authority", "authority", "--lost", str(LOST))
        wait("the region to be told of revocations", self.publish_and_tell)
        self.service.publish(LOST)
        return twins

    def publish_and_tell(self) -> bool:
        """Publish, which tells the lost region of revocations; it is not asked for 30 s after it did not answer."""
        self.service.publish(KEPT)
        return not list(self.service.ledger(KEPT).outbox(LOST))

    def in_force(self) -> Iterator[tuple[str, Entry]]:
        """Return the passes of both ledgers that are not revoked, with the applications that they are for."""
        for number in (LOST, KEPT):
            for entries in self.service.ledger(number).in_force(day_of(self.begins)):
                for entry in entries:
                    yield entry.request_id.partition(".")[0], entry

    def check(self) -> Counter[Verdict]:
        """Each application has one home, whose copy the other region has; if it is issued, one pass is in force."""
        in_force: dict[str, list[str]] = {}
        for name, entry in self.in_force():
            in_force.setdefault(name, []).append(entry.text or "")
        own = [office.own(self.receipts) for office in self.offices]
        copies = [office.homes(self.receipts) for office in self.offices]
        said: Counter[Verdict] = Counter()
        with Device.open(self.device()) as device:
            device.sync(self.sources[KEPT])
            for name in self.receipts:
                (home,) = [number for number in (LOST, KEPT) if name in own[number]]
                kept, copy = own[home][name], copies[1 - home][name]
                assert kept_of(copy.content, copy.document) == kept, name
                assert kept.state == (State.WITHDRAWN if name in self.withdrawn else State.ISSUED), name
                assert in_force.pop(name, []) == ([kept.pass_text] if kept.pass_text else []), name
                if kept.pass_text:
                    said[device.verify(kept.pass_text, at=self.begins + 60).verdict] += 1
        assert not in_force
        self.check_pages(own)
        return said

    def check_pages(self, own: list[dict[str, Any]]) -> None:
        """Applicants see the same in either region."""
        some = sorted(self.receipts)[:: max(1, self.count // 20)]
        with at_once(1) as pool:
            for name in some:
                (kept,) = [found[name] for found in own if name in found]
                for office in self.offices:
                    ask = pool.submit(office.ask, "GET", f"/api/applications/{name}", None, self.receipts[name].secret)
                    status, said = ask.result()
                    assert (status, said["state"]) == (200, str(kept.state))
                    assert said.get("pass", {}).get("text") == kept.pass_text

    def device(self) -> Any:
        folder = self.service.folder
        store = folder / "device-of-applicants"
        Device.enroll(store, root=(folder / "authority" / "root.json").read_bytes(), sources=self.sources)
        return store


def open_offices(service: Service) -> list[Office]:
    """Make both regions' tables, and open their functions on either side of the router."""
    clients = [direct.client("dynamodb") for direct in service.world.direct]
    for number, direct in enumerate(service.world.direct):
        DynamoDbStore.create(TABLES[number], client=clients[number])
        store = DynamoDbStore(TABLES[number], client=clients[number])
        store.add_rules("approve-all", APPROVE_ALL, int(time.time()))
        direct.client("secretsmanager").create_secret(Name=SECRET, SecretString="s" * 64)
    return [
        Office(
            number, service.stacks[number], TABLES[number], (NAMES[1 - number], TABLES[1 - number]), SECRET,
            clients[number],
        )
        for number in (LOST, KEPT)
    ]  # fmt: skip


@pytest.fixture
def service(tmp_path: Path, package: Path) -> Iterator[Service]:
    """Both regions with the issuer deployed; a region publishes in the other's place when it is told to."""
    with deployed(tmp_path, package, takeover=12 * HOUR) as made:
        yield made


@pytest.mark.parametrize("count", some_of("applications in two regions, one of which is lost", 60, of=5000))
def test_a_region_lost_in_the_middle_of_the_work_loses_no_application_and_leaves_no_twin(
    service: Service,
    sources: list[str],
    count: int,
) -> None:
    begun = time.monotonic()
    story = Run(service, sources, open_offices(service), count, int(time.time()) + 3 * HOUR)
    for part in (story.work_in_both, story.lose_one, story.go_on_with_the_other):
        part()
        print(f"{part.__name__}: {time.monotonic() - begun:.0f} s")
    twins = story.come_back()
    said = story.check()
    assert len(story.receipts) == count
    assert set(said) == {Verdict.VALID}
    alone = sum(one.is_alone for one in story.receipts.values())
    print(
        f"{count} applications, {story.again} sent again to the other region, {alone} held in one region "
        f"only by their receipts; 0 lost; {len(story.withdrawn)} withdrawn, none of them with a pass in force; "
        f"{twins} twins before reconciliation, 0 valid after; {said[Verdict.VALID]} passes valid, one an application; "
        f"{time.monotonic() - begun:.0f} s"
    )
    assert twins > 0
    assert story.again > 0
