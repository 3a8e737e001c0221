"""The service's functions under what AWS does to them: killed, throttled, refused, batches twice, in another order.

One story is played again and again: eight people's applications, two withdrawals, a decision of an officer, a trip that
is over. Whatever happens in between, it ends with one pass an application, no quota exceeded, every confirmed
withdrawal on the next list, every application in a state of its own, and each leaf of the log once.
"""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.applications import rules
from support.cloud import Cloud
from support.sampling import every_nth_of, some_of
from support.service_cloud import MODES, Faults, ServiceCloud
from support.sites import whole_application

from movepass_service.applications.states import State
from movepass_service.aws.sweeping import SETTLED_SECONDS
from movepass_service.decisions.officers import add_officer
from movepass_service.stores.dynamodb.document import to_revoke
from movepass_verifier import Device, Verdict
from movepass_wire.times import iso

RULES = rules(
    "faults",
    ('reason = "return-home"', "refer"),
    ("passes_today = { at_least = 1 }", "reject"),
    ("", "approve"),
)
HOUR = 3600
ENDS = {
    "twice": State.REJECTED,
    "kept": State.ISSUED,
    "withdrawn": State.WITHDRAWN,
    "hurried": State.WITHDRAWN,
    "decided": State.ISSUED,
    "over": State.EXPIRED,
}
"""How each application ends: `twice` is the second of the person who has `kept`."""


class Play:
    """One playing of the story."""

    def __init__(self, cloud: Cloud, **service: Any) -> None:
        self.service = ServiceCloud(cloud, RULES)
        for name, value in service.items():
            setattr(self.service, name, value)
        self.receipts: dict[str, dict[str, Any]] = {}
        self.person = time.time_ns() % 10**9

    def play(self) -> None:
        """Play it, and all that the schedule does afterwards."""
        service, now = self.service, int(time.time())
        self.apply("kept", 0)
        self.apply("withdrawn", 1)
        self.apply("decided", 2, reason="return-home")
        self.apply("over", 3, reason="return-home")
        service.settle()
        if service.dropped:  # somebody finds what is missing, before the officer comes
            service.tidy({"sweep": True}, late=SETTLED_SECONDS)
        self.apply("twice", 0)
        self.apply("hurried", 4)
        service.follow_stream()  # they are decided,
        service.follow_stream()  # and the pass is asked for
        self.withdraw("hurried")
        self.withdraw("withdrawn")
        officer = add_officer(service.store, "Dipa", "supervisor", now).officer
        desk = service.core().desk
        service.settle()
        batch = desk.bulk_decide(officer, [self.receipts["decided"]["reference"]], "approve", now=now)
        assert batch.references
        service.tidy(late=2 * SETTLED_SECONDS)
        for hours in (2, 10, 12):
            service.tidy(late=hours * HOUR)

    def apply(self, name: str, person: int, **changes: Any) -> None:
        begin = int(time.time()) // 60 * 60 + HOUR
        document = whole_application(
            holder={"name": "Rahima Khatun", "id_type": "nid", "id_number": f"{self.person + person:010}"},
            not_before=iso(begin), not_after=iso(begin + 2 * HOUR), **{"reason": "groceries", **changes},
        )  # fmt: skip
        status, receipt = self.service.ask("POST", "/api/applications", document)
        assert status == 202, receipt
        self.receipts[name] = receipt

    def withdraw(self, name: str) -> None:
        receipt = self.receipts[name]
        path = f"/api/applications/{receipt['reference']}/withdraw"
        status, told = self.service.ask("POST", path, secret=receipt["secret"])
        assert (status, told["state"]) == (200, "withdrawn")

    def check(self) -> dict[str, list[str]]:
        """Check what must be so; returns the passes that must be accepted, and those that must be on the next list."""
        found = {content.reference: (content, document) for content, document in self.service.applications()}
        names = {receipt["reference"]: name for name, receipt in self.receipts.items()}
        states = {names[reference]: document.state for reference, (_, document) in found.items()}
        if self.service.dropped and states["twice"] == State.ISSUED:  # it was decided before the other one
            states["twice"], states["kept"] = states["kept"], states["twice"]
        assert states == ENDS
        assert not [one for _, document in found.values() for one in to_revoke(document) if one.number]
        self._check_log([*found.values()])
        return self._check_passes(names)

    def _check_log(self, applications: list[Any]) -> None:
        leaves = self.service.places_in_log()
        assert max(Counter(leaves).values()) == 1
        events = [(content.number, event.seq) for content, document in applications for event in document.events]
        assert sorted(events) == sorted(place for place in leaves if place[0] >= 0)
        head = self.service.store.newest_head()
        assert head is not None
        assert head.size == len(leaves)

    def _check_passes(self, names: dict[str, str]) -> dict[str, list[str]]:
        ledger = self.service.cloud.ledger()
        entries = [entry for group in ledger.issued() for entry in group]
        own = [(names[ref], entry) for entry in entries if (ref := str(entry.request_id).partition(".")[0]) in names]
        passes = Counter(name for name, _ in own)
        assert set(passes.values()) == {1}
        issued = {name for name in passes if ENDS[name] == State.ISSUED} | {"twice"} & set(passes)
        assert len(issued) == 2
        assert set(passes) - issued <= {"withdrawn", "hurried"}
        assert self.service.dropped or len(passes) == 4
        return {
            "valid": [str(entry.text) for name, entry in own if name in issued],
            "revoked": [str(entry.text) for name, entry in own if name not in issued],
        }


def verdicts(cloud: Cloud, folder: Path, passes: dict[str, list[str]]) -> dict[str, set[Verdict]]:
    """Publish, sync a device, and return its verdicts."""
    assert "error" not in cloud.publish()({}, cloud.context)
    cloud.enroll(folder / "device")
    at = int(time.time()) + 2 * HOUR
    with Device.open(folder / "device") as device:
        device.sync(str(cloud.mirror(folder / "mirror")))
        return {kind: {device.verify(text, at).verdict for text in texts} for kind, texts in passes.items()}


@pytest.mark.parametrize("stories", some_of("stories of the service on AWS for each kind of fault, until", 1, of=60))
@pytest.mark.parametrize("mode", MODES)
def test_killed_throttled_or_refused_at_any_call_the_story_ends_as_it_should(
    shared: Cloud, tmp_path: Path, mode: str, stories: int
) -> None:
    passes: dict[str, list[str]] = {"valid": [], "revoked": []}
    faults, told = Faults(mode), 0
    for _ in range(stories):
        play = Play(shared, faults=faults)
        play.play()
        for kind, texts in play.check().items():
            passes[kind] += texts
        if len(faults.hit) == told:
            break  # every kind of call was hit
        told = len(faults.hit)
    else:
        assert stories == 1
    assert verdicts(shared, tmp_path, passes) == {"valid": {Verdict.VALID}, "revoked": {Verdict.REVOKED}}
    print(
        f"{mode}: {told} calls in {len(passes['valid']) // 2} stories, {Counter(one.split()[0] for one in faults.hit)}"
    )
    assert told > 10


@pytest.mark.parametrize("how", ["twice", "reordered"])
def test_batches_that_come_twice_or_in_another_order_change_nothing(shared: Cloud, tmp_path: Path, how: str) -> None:
    play = Play(shared, **{how: True})
    play.play()
    expected = {"valid": {Verdict.VALID}, "revoked": {Verdict.REVOKED}}
    assert verdicts(shared, tmp_path, play.check()) == expected


@pytest.mark.parametrize("every", every_nth_of("batches of the stream that never come", 6))
def test_what_a_batch_of_the_stream_named_that_never_comes_is_found_by_the_sweep(
    shared: Cloud, tmp_path: Path, every: int
) -> None:
    passes: dict[str, list[str]] = {"valid": [], "revoked": []}
    number, batches = 0, 1
    while number < batches:
        play = Play(shared, dropped=frozenset([number]))
        play.play()
        for kind, texts in play.check().items():
            passes[kind] += texts
        batches = play.service.batches
        number += every
    print(f"{batches} batches")
    assert batches > 10
    assert verdicts(shared, tmp_path, passes) == {"valid": {Verdict.VALID}, "revoked": {Verdict.REVOKED}}
