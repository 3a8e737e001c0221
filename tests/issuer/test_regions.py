"""Two regions' ledgers: telling each other of revocations, and working alone while the other is lost."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from support.faults import Doom, Killed
from support.ministack import Ministack
from support.sampling import every_nth_of
from support.servers import Drips, drips

from movepass_issuer.errors import IssuerError, LedgerError, ReasonError, UnknownPassError
from movepass_issuer.issuing.issuer import Revoker
from movepass_issuer.issuing.ledger import NO_INDEX, Entry, Request
from movepass_issuer.regions import peers as regions
from movepass_issuer.regions.ledger import BLOCK, AnyRevocation, Region, RequestRevocation, Revocation
from movepass_issuer.regions.peers import Peer, RegionalRevoker, Regions, region_beside, takeover_after
from movepass_issuer.regions.reconciliation import LostPasses, twins
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_issuer.storage.s3_repository import S3Repository
from movepass_keys.aws import Patience
from movepass_wire import format_number
from movepass_wire.times import day_of

NOW = int(time.time())
DAY = day_of(NOW)
HASH = b"h" * 32
DRIPS_SECONDS = 60
TABLE, BUCKET = "arn:aws:dynamodb:eu-west-1:000000000000:table/t", "arn:aws:s3:::bbb"


class Lost:
    """A client whose region does not answer."""

    def __getattr__(self, name: str) -> Any:
        raise TimeoutError(name)


class Far:
    """A client whose region answers each call after some seconds.

    Attributes:
        calls: what it was asked, by name.
    """

    def __init__(self, client: Any, seconds: float) -> None:
        self.calls: list[str] = []
        self._client = client
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        def call(**parameters: Any) -> Any:
            self.calls.append(name)
            time.sleep(self._seconds)
            return getattr(self._client, name)(**parameters)

        return call


@dataclass
class Pair:
    """The ledgers of two regions."""

    client: Any
    tables: list[str]

    def ledger(self, number: int, *, lost: bool = False) -> DynamoDbLedger:
        client = Lost() if lost else self.client
        return DynamoDbLedger(self.tables[number], client=client, region=Region(number, 2))

    def regions(self, number: int, *, lost: bool = False) -> Regions:
        other = 1 - number
        return Regions(self.ledger(number), Region(number, 2), [(other, self.ledger(other, lost=lost))])

    def beside(self, far: Far) -> Regions:
        """Return the first region, which has the second one beside it at the other end of that client."""
        other = DynamoDbLedger(self.tables[1], client=far, region=Region(1, 2))
        return Regions(self.ledger(0), Region(0, 2), [(1, other)])

    def revoker(self, number: int, *, lost: bool = False) -> RegionalRevoker:
        return RegionalRevoker(regions=self.regions(number, lost=lost), kids=[b"kid1"], clock=lambda: NOW)

    def issue(self, number: int, *request_ids: str) -> list[Entry]:
        ledger = self.ledger(number)
        entries = ledger.reserve([Request(request_id, HASH, DAY) for request_id in request_ids])
        ledger.store([(request_id, f"text of {request_id}") for request_id in request_ids])
        return entries

    def revoked(self) -> list[set[int]]:
        return [set(self.ledger(number).revoked(DAY)) for number in range(2)]

    def pending(self) -> list[set[int]]:
        return [{index for _, index in self.ledger(number).pending()} for number in range(2)]

    def outboxes(self) -> list[list[AnyRevocation]]:
        return [list(self.ledger(number).outbox(1 - number)) for number in range(2)]


@pytest.fixture
def pair(ministack: Ministack) -> Pair:
    client, tables = ministack.client("dynamodb"), [f"region-{uuid4()}" for _ in range(2)]
    for table in tables:
        DynamoDbLedger.create(table, client=client)
    return Pair(client, tables)


def number(entry: Entry) -> str:
    return format_number(entry.day, entry.index)


def test_an_index_tells_whose_it_is(pair: Pair) -> None:
    (one,), (two,) = pair.issue(0, "a"), pair.issue(1, "b")
    assert (one.index, two.index) == (0, BLOCK)
    assert [Region(0, 2).owner(entry.index) for entry in (one, two)] == [0, 1]


@pytest.mark.parametrize("at", range(2), ids=["its own region", "the other"])
def test_a_revocation_taken_in_either_region_is_in_both(pair: Pair, at: int) -> None:
    (entry,) = pair.issue(0, "a")
    told = pair.revoker(at).revoke(number=number(entry), reason="stolen")
    assert (told.request_id, told.revoked_at) == ("a", NOW)
    assert pair.revoked() == pair.pending() == [{0}, {0}]
    assert pair.outboxes() == [[], []]
    found = pair.ledger(0).find(["a"])["a"]
    assert (found.revoked_at, found.reason) == (NOW, "stolen")


def test_by_its_request_id_a_pass_is_found_in_whatever_region(pair: Pair) -> None:
    pair.issue(0, "a")
    assert pair.revoker(1).revoke(request_id="a").index == 0
    assert pair.revoked() == [{0}, {0}]
    with pytest.raises(UnknownPassError, match="in the ledger of any region"):
        pair.revoker(1).revoke(request_id="nobody")
    with pytest.raises(UnknownPassError, match="no pass"):
        pair.revoker(1).revoke(number=format_number(DAY, 5))


def test_by_its_request_id_both_passes_of_a_request_are_revoked(pair: Pair) -> None:
    pair.issue(0, "a")
    pair.issue(1, "a")
    pair.revoker(0).revoke(request_id="a")
    assert pair.revoked() == [{0, BLOCK}, {0, BLOCK}]


def test_while_its_region_is_lost_a_pass_is_revoked_by_its_number_and_its_region_learns_of_it(pair: Pair) -> None:
    (entry,) = pair.issue(0, "a")
    told = pair.revoker(1, lost=True).revoke(number=number(entry), reason="stolen")
    assert (told.request_id, told.revoked_at) == ("", NOW)
    assert pair.revoked() == [set(), {0}]
    later = RegionalRevoker(regions=pair.regions(1, lost=True), kids=[], clock=lambda: NOW + 9)
    assert later.revoke(number=number(entry)).revoked_at == NOW, "a second time changes nothing"
    assert pair.regions(1).tell() == {}
    assert pair.revoked() == pair.pending() == [{0}, {0}]
    assert pair.ledger(0).find(["a"])["a"].revoked_at == NOW
    assert pair.outboxes() == [[], []]


def test_a_request_revoked_while_the_other_region_is_lost_has_its_pass_there_revoked_when_it_is_told(
    pair: Pair,
) -> None:
    pair.issue(0, "a")
    pair.issue(1, "a")
    pair.revoker(0, lost=True).revoke(request_id="a", reason="stolen")
    assert pair.revoked() == [{0}, set()]
    pair.regions(0).tell()
    pair.regions(1).tell()
    assert pair.revoked() == pair.pending() == [{0, BLOCK}, {0, BLOCK}]
    there = pair.ledger(1).find(["a"])["a"]
    assert (there.revoked_at, there.reason) == (NOW, "stolen")
    assert pair.outboxes() == [[], []]


@pytest.mark.parametrize("lost", [False, True], ids=["reached", "lost"])
def test_a_revoked_request_gets_no_pass_in_the_other_region_either(pair: Pair, *, lost: bool) -> None:
    pair.issue(0, "a")
    pair.revoker(0, lost=lost).revoke(request_id="a")
    pair.regions(0).tell()
    (entry,) = pair.ledger(1).reserve([Request("a", HASH, DAY)])
    assert (entry.index, entry.revoked_at, entry.text) == (NO_INDEX, NOW, None)
    assert pair.revoker(1).find_entry(request_id="a").index == 0
    assert pair.revoker(1).revoke(request_id="a").index == 0, "a second time changes nothing"
    assert pair.revoked() == [{0}, {0}]
    with pytest.raises(UnknownPassError, match="was revoked"):
        Revoker(ledger=pair.ledger(1), kids=[]).find(request_id="a")


def test_a_request_that_is_revoked_and_reserved_at_once_is_revoked_or_has_no_pass(pair: Pair) -> None:
    told = [RequestRevocation(f"R-{n}", DAY, NOW, "") for n in range(20)]

    def take() -> None:
        ledger = pair.ledger(1)
        for one in told:
            ledger.take_request(one)

    def reserve() -> None:
        ledger = pair.ledger(1)
        for one in told:
            ledger.reserve([Request(one.request_id, HASH, DAY)])

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(take), pool.submit(reserve)]:
            done.result()
    found = pair.ledger(1).find([one.request_id for one in told]).values()
    assert [entry.revoked_at for entry in found] == [NOW] * 20
    assert pair.revoked()[1] == {entry.index for entry in found} - {NO_INDEX}


def test_a_pass_revoked_by_its_number_leaves_the_other_pass_of_its_request(pair: Pair) -> None:
    (entry,) = pair.issue(0, "a")
    pair.issue(1, "a")
    pair.revoker(0).revoke(number=number(entry))
    assert in_force(pair) == [[], ["a"]]


def test_while_its_region_is_lost_a_request_id_does_not_do_and_the_way_out_is_named(pair: Pair) -> None:
    pair.issue(0, "a")
    for ask in ("find_entry", "revoke"):
        with pytest.raises(UnknownPassError, match="region 0 can't be reached; revoke it by its pass number"):
            getattr(pair.revoker(1, lost=True), ask)(request_id="a")


def test_what_a_lost_region_can_not_be_told_waits_and_who_waits_asks_it_once(pair: Pair) -> None:
    entries = pair.issue(0, *(f"R-{n}" for n in range(60)))
    beside = pair.regions(0, lost=True)
    revoker = RegionalRevoker(regions=beside, kids=[], clock=lambda: NOW)
    for entry in entries:
        revoker.revoke(number=number(entry))
    assert "can't be reached" in beside.tell()[1]
    assert len(pair.outboxes()[0]) == 60
    assert pair.regions(0).tell() == {}
    assert pair.revoked()[1] == {entry.index for entry in entries}


def test_there_is_no_more_told_than_there_is_time_for(pair: Pair) -> None:
    for entry in pair.issue(0, *(f"R-{n}" for n in range(20))):
        pair.ledger(0).revoke(DAY, entry.index, reason="", now=NOW)
    far = Far(pair.client, 0.2)
    assert "the rest is told before the next" in pair.beside(far).tell(seconds=0.7)[1]
    assert len(far.calls) <= 4
    assert 0 < len(pair.outboxes()[0]) < 20
    assert pair.regions(0).tell() == {}
    assert pair.revoked()[1] == set(range(20))


def test_a_region_that_answers_slowly_holds_up_a_list_of_revocations_once(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regions, "SLOW_SECONDS", 0.1)
    ours = pair.issue(0, *(f"R-{n}" for n in range(20)))
    theirs = pair.issue(1, *(f"S-{n}" for n in range(20)))
    far = Far(pair.client, 0.19)
    revoker = RegionalRevoker(regions=pair.beside(far), kids=[b"kid1"], clock=lambda: NOW)
    with revoker.waited_for():
        for entry in ours + theirs:
            revoker.revoke(number=number(entry))
    assert len(far.calls) <= 3
    assert pair.revoked()[0] == {entry.index for entry in ours + theirs}
    assert len(pair.outboxes()[0]) == 40


def test_other_regions_are_waited_for_no_longer_than_is_said_however_many_are_revoked_together(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regions, "ASK_SECONDS", 0.5)
    monkeypatch.setattr(regions, "TELL_AT_ONCE_SECONDS", 0.5)
    entries = pair.issue(0, *(f"R-{n}" for n in range(40)))
    far = Far(pair.client, 0.1)
    revoker = RegionalRevoker(regions=pair.beside(far), kids=[b"kid1"], clock=lambda: NOW)
    with revoker.waited_for():
        for entry in entries:
            revoker.revoke(number=number(entry))
    assert len(far.calls) <= 12
    assert pair.revoked()[0] == {entry.index for entry in entries}


def test_all_that_is_revoked_together_is_durable_before_another_region_is_told_of_any(pair: Pair) -> None:
    entries = pair.issue(0, "a", "b", "c")
    beside = pair.regions(0)
    with beside.waited_for():
        for entry in entries:
            beside.revoke(DAY, entry.index, reason="", now=NOW)
        assert pair.revoked() == [{0, 1, 2}, set()]
    assert pair.revoked() == [{0, 1, 2}] * 2


def test_a_reason_that_is_too_long_for_the_other_region_keeps_it_from_nothing(pair: Pair) -> None:
    entries = pair.issue(1, "a", "b", "c")
    lost = pair.revoker(0, lost=True)
    with pytest.raises(ReasonError, match="reason: expected at most 256"):
        lost.revoke(number=number(entries[0]), reason="x" * 400_000)
    with pytest.raises(ReasonError, match="reason: expected at most 256"):
        pair.revoker(0).revoke(request_id="a", reason="x" * 400_000)
    assert pair.revoked() == [set(), set()]
    pair.ledger(0).take(Revocation(DAY, entries[0].index, NOW, "x" * 409_500), tell=[1])  # as it could be before
    for entry in entries[1:]:
        lost.revoke(number=number(entry), reason="stolen")
    assert pair.regions(0).tell() == {}
    assert pair.revoked()[1] == {entry.index for entry in entries}


def test_a_pass_may_be_revoked_twice_in_one_list(pair: Pair) -> None:
    (entry,) = pair.issue(0, "a")
    revoker = pair.revoker(0)
    with revoker.waited_for():
        told = [revoker.revoke(number=number(entry)), revoker.revoke(request_id="a"), revoker.revoke(request_id="a")]
    assert {one.revoked_at for one in told} == {NOW}
    assert pair.revoked() == [{0}] * 2
    assert pair.outboxes() == [[], []]


def test_an_index_that_was_revoked_before_anybody_had_it_is_given_to_nobody(pair: Pair) -> None:
    pair.ledger(1).take(Revocation(DAY, 2, NOW, "misheard"), tell=[0])
    pair.regions(1).tell()
    entries = pair.issue(0, *(f"R-{n}" for n in range(5)))
    assert 2 not in {entry.index for entry in entries}
    assert pair.revoked() == [{2}, {2}]
    assert pair.ledger(0).find_index(DAY, 2) is None


def test_a_revocation_taken_in_both_regions_at_once_is_one(pair: Pair) -> None:
    (entry,) = pair.issue(0, "a")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: pair.revoker(n % 2).revoke(number=number(entry)), range(8)))
    for n in range(2):
        pair.regions(n).tell()
    assert pair.revoked() == pair.pending() == [{0}, {0}]
    assert [pair.ledger(n).revoked_count(DAY) for n in range(2)] == [1, 1]


@pytest.mark.parametrize("every", every_nth_of("calls to DynamoDB at which regions that tell each other are killed", 7))
def test_killed_anywhere_while_it_tells_or_is_told_each_region_counts_each_revocation_once(
    pair: Pair, every: int
) -> None:
    revoked: set[int] = set()
    for at in count(step=every):  # before one call, and after another
        (entry,) = pair.issue(0, f"R-{at}")
        doom = Doom(at // 2, after=bool(at % 2))
        calls = ("transact_write_items", "batch_get_item", "batch_write_item", "query")
        doomed = [
            DynamoDbLedger(table, client=doom.wrap(pair.client, *calls), region=Region(n, 2))
            for n, table in enumerate(pair.tables)
        ]
        try:
            beside = Regions(doomed[1], Region(1, 2), [(0, doomed[0])])
            beside.revoke_request(entry.request_id, DAY, reason="", now=NOW)
            beside.revoke(DAY, entry.index, reason="", now=NOW)
            beside.tell()
        except Killed:
            beside = pair.regions(1)
            beside.revoke_request(entry.request_id, DAY, reason="", now=NOW)
            beside.revoke(DAY, entry.index, reason="", now=NOW)
            beside.tell()
        pair.regions(0).tell()  # it revoked its pass itself, and is to tell of that
        revoked.add(entry.index)
        assert pair.revoked() == [revoked, revoked]
        assert pair.ledger(0).find([entry.request_id])[entry.request_id].revoked_at == NOW
        assert pair.outboxes() == [[], []]
        if at // 2 >= len(doom.calls):
            break
    assert at > 20
    print(f"{at // every} places")
    assert [pair.ledger(n).revoked_count(DAY) for n in range(2)] == [len(revoked)] * 2


def test_twins_are_those_in_force_whose_request_another_region_has_a_pass_of(pair: Pair) -> None:
    pair.issue(0, "both", "here", "revoked")
    pair.issue(1, "both", "there", "revoked")
    pair.ledger(0).revoke(DAY, 2, reason="", now=NOW)
    pair.ledger(0).reserve([Request("begun", HASH, DAY)])
    pair.ledger(1).reserve([Request("here", HASH, DAY)])  # begun there and never finished: nobody has it
    found = [(twin.lost.request_id, twin.lost.index, twin.kept.index) for twin in twins_of(pair)]
    assert found == [("both", 0, BLOCK)]
    pair.regions(1).revoke(DAY, 0, reason="", now=NOW)
    assert twins_of(pair) == []


def twins_of(pair: Pair, lost: int = 0) -> list[Any]:
    return list(twins(pair.ledger(lost), [pair.ledger(1 - lost)], DAY))


def in_force(pair: Pair) -> list[list[str]]:
    found = [[entry.request_id for some in pair.ledger(n).in_force(DAY) for entry in some] for n in range(2)]
    return [sorted(ids) for ids in found]


def reconcile(pair: Pair, lost: int) -> None:
    ledger = LostPasses(pair.ledger(lost), pair.regions(0))
    revoker = Revoker(ledger=ledger, kids=[b"kid1"], clock=lambda: NOW)
    for twin in twins_of(pair, lost):
        revoker.revoke(number=number(twin.lost))


def test_regions_lost_in_turn_leave_each_request_the_pass_that_was_returned(pair: Pair) -> None:
    pair.issue(0, "morning")
    pair.issue(1, "morning")
    reconcile(pair, lost=0)
    pair.issue(1, "afternoon")
    pair.issue(0, "afternoon")
    reconcile(pair, lost=1)
    assert in_force(pair) == [["afternoon"], ["morning"]]


def test_reissues_of_a_lost_pass_go_with_it_and_those_of_the_kept_pass_stay(pair: Pair) -> None:
    again = f"a+{b'kid1'.hex()}"
    pair.issue(0, "a", again)
    pair.issue(1, "a", again)
    reconcile(pair, lost=0)
    assert in_force(pair) == [[], ["a", again]]


def test_a_lost_region_costs_seconds_once_and_not_each_time(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, unanswering: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", unanswering)
    for name, value in (("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(regions, "LOST_SECONDS", 3600)
    (entry,) = pair.issue(0, "a")
    lost = Peer.parse(f"1,{TABLE},{BUCKET}")
    other: Any = lost.open_ledger(2)
    beside = Regions(pair.ledger(0), Region(0, 2), [(1, other)])
    asked: list[str] = []
    other._calls.client.meta.events.register("before-send", lambda request, **_: asked.append(request.url))
    beside.revoke(DAY, entry.index, reason="", now=NOW)
    assert beside.find_index(DAY, BLOCK) == Entry("", b"", DAY, BLOCK)
    assert 1 <= len(asked) <= 2
    before = len(asked)
    for _ in range(3):
        assert beside.find_index(DAY, BLOCK) == Entry("", b"", DAY, BLOCK)
        assert beside.find(["nobody"]) == {}
    assert len(asked) == before
    with pytest.raises(IssuerError, match="no answer"):
        lost.open_repository().read("metadata/timestamp.json")


@pytest.fixture
def unanswering() -> Iterable[str]:
    """A server that takes connections and never says a word."""
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_an_answer_that_comes_in_drips_is_waited_for_no_longer_than_a_dead_region(
    monkeypatch: pytest.MonkeyPatch, dripping: Drips
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", dripping.url)
    for name, value in (("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")):
        monkeypatch.setenv(name, value)
    patience = Patience(deadline=1, connect=0.5, read=0.5, backoff_first=0.1, backoff_max=0.1)
    peer = Peer.parse(f"1,{TABLE},{BUCKET}")
    with pytest.raises(LedgerError, match="no answer after 1 attempt within 1 s"):
        peer.open_ledger(2, patience).find_index(1, 1)
    with pytest.raises(IssuerError, match="no answer from"):
        S3Repository(peer.repository, aws_region=peer.aws_region, patience=patience).read("metadata/timestamp.json")
    assert dripping.waited_for == []


@pytest.fixture
def dripping() -> Iterator[Drips]:
    """A server that answers with a byte at a time, each before anybody's patience with a silent one ends."""
    with drips(DRIPS_SECONDS) as server:
        yield server


def test_regions_are_named_by_number_table_and_bucket() -> None:
    assert Peer.parse(f"1,{TABLE},{BUCKET}") == Peer(1, TABLE, "s3://bbb", "eu-west-1")
    assert region_beside([Peer.parse(f"1,{TABLE},{BUCKET}")]) == Region(0, 2)
    assert region_beside([Peer.parse(f"{n},{TABLE},{BUCKET}") for n in (0, 2)]) == Region(1, 3)
    for wrong in ("1", f"1,{TABLE}", f"x,{TABLE},{BUCKET}", f"1,t,{BUCKET}", f"1,{TABLE},s3://b"):
        with pytest.raises(IssuerError, match="NUMBER,TABLE-ARN,BUCKET-ARN"):
            Peer.parse(wrong)
    for numbers in ((2,), (0, 0), (0, 3)):
        with pytest.raises(IssuerError, match="numbered from 0"):
            region_beside([Peer.parse(f"{n},{TABLE},{BUCKET}") for n in numbers])
    assert [takeover_after(n) for n in range(3)] == [900, 1200, 1500]


def test_a_region_without_a_table_says_so(pair: Pair) -> None:
    with pytest.raises(LedgerError, match="no such table"):
        DynamoDbLedger("nowhere", client=pair.client, region=Region(0, 2)).take(Revocation(DAY, 0, NOW, ""))
