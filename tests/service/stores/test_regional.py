"""Two regions' stores beside each other: copies before receipts, and what happens while one is lost and after."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from support.applications import decision, draft, run
from support.ministack import Ministack

from movepass_service.applications.states import State
from movepass_service.errors import ConflictingApplication, StoreError, StoreRefuses, UnknownApplication
from movepass_service.rules.engine import default_rules
from movepass_service.statistics.building import FactBuilder, name_by_hash
from movepass_service.statistics.collecting import Collector
from movepass_service.statistics.facts import Fact, read_line
from movepass_service.statistics.parts import FolderParts
from movepass_service.stores.desk import Hold
from movepass_service.stores.dynamodb.document import Content, number_for
from movepass_service.stores.dynamodb.regional import AT_ONCE, LOST_SECONDS, Neighbour, RegionalStore
from movepass_service.stores.dynamodb.store import DynamoDbStore

from .store_contract import NOW, REFERENCE, application, issued, name
from .test_dynamodb import Followed
from .test_dynamodb import TestDynamoDbStore as DynamoDbContract

A, B = 0, 1
WITHDRAW = decision("withdraw", actor="applicant")


class Line:
    """A client of another region's, whose connection can be cut."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.is_cut = False

    def __getattr__(self, name: str) -> Any:
        if self.is_cut and name != "meta":
            return self._refuse
        return getattr(self._client, name)

    def _refuse(self, **_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="nowhere")


@dataclass
class Pair:
    """Two regions, and the lines between them by the number of the region that they lead to."""

    stores: tuple[RegionalStore, RegionalStore]
    lines: tuple[Line, Line]
    clock: list[float]

    def lose(self, number: int) -> None:
        self.lines[number].is_cut = True

    def find(self, number: int) -> None:
        """Let a region be reached again, once it may be asked again."""
        self.lines[number].is_cut = False
        self.clock[0] += LOST_SECONDS

    def submit(self, at: int, number: int = 0, **changes: Any) -> Any:
        one = draft(application(**changes), client=f"client {number}".encode(), reference=name(number))
        (done,) = run(self.stores[at].submit([one], NOW))
        return done

    def change(self, at: int, reference: str = REFERENCE) -> State:
        return run(self.stores[at].change(reference, WITHDRAW, NOW + 9))

    def state(self, at: int, reference: str = REFERENCE) -> State:
        kept = self.stores[at].find(reference)
        assert kept is not None
        return kept.state

    def decide(self, at: int, *references: str, action: str = "approve") -> int:
        return self.stores[at].decide(references or [REFERENCE], lambda *_: decision(action), NOW + 1)


@pytest.fixture
def pair(ministack: Ministack) -> Pair:
    client = ministack.client("dynamodb")
    tables = [f"region-{number}-{uuid4()}" for number in (A, B)]
    for table in tables:
        DynamoDbStore.create(table, client=client, has_ttl=False)
    lines, clock = (Line(client), Line(client)), [0.0]
    others = [
        Neighbour(number, DynamoDbStore(tables[number], client=lines[number]), lambda: clock[0]) for number in (A, B)
    ]
    stores = [RegionalStore(tables[number], number, [others[1 - number]], client=client) for number in (A, B)]
    return Pair((stores[A], stores[B]), lines, clock)


def test_an_application_is_in_both_regions_before_its_receipt(pair: Pair) -> None:
    done = pair.submit(A)
    assert (done.reference, done.is_new, done.is_copied) == (REFERENCE, True, True)
    here, there = (store.find(REFERENCE) for store in pair.stores)
    assert here == there
    pair.lose(A)
    copy = pair.stores[B].find(REFERENCE)
    assert copy is not None
    assert copy == here


def test_one_that_only_one_region_holds_says_so_until_the_other_has_it(pair: Pair) -> None:
    pair.lose(B)
    assert not pair.submit(A).is_copied
    kept = pair.stores[A].find(REFERENCE)
    assert kept is not None
    assert not kept.is_copied
    assert pair.stores[A].copy_rest() == 1
    pair.find(B)
    assert pair.stores[A].copy_rest() == 0
    kept = pair.stores[A].find(REFERENCE)
    assert kept is not None
    assert kept.is_copied
    assert pair.state(B) == State.RECEIVED


def test_what_is_copied_late_is_no_newer_than_what_failed_meanwhile(pair: Pair) -> None:
    pair.lose(B)
    pair.submit(A)
    homes = pair.stores[A]._homes
    pair.decide(A)
    assert not pair.stores[A].follow([REFERENCE])
    homes.copied(REFERENCE, 0)  # of the version before, by a function that was slow
    assert homes.is_uncopied(REFERENCE)
    pair.find(B)
    assert pair.stores[A].copy_rest() == 0
    assert not homes.is_uncopied(REFERENCE)
    assert pair.stores[A].find(REFERENCE) == pair.stores[B].find(REFERENCE)


def test_a_lost_region_is_tried_with_a_few_of_those_that_it_lacks(pair: Pair) -> None:
    pair.lose(B)
    for each in range(AT_ONCE + 3):
        pair.submit(A, each)
    pair.clock[0] += LOST_SECONDS
    with patch.object(RegionalStore, "_copy", autospec=True, side_effect=RegionalStore._copy) as tried:
        assert pair.stores[A].copy_rest() == AT_ONCE + 3
        assert tried.call_count == 1
        pair.find(B)
        assert pair.stores[A].copy_rest() == 0


def test_what_is_left_after_as_many_as_may_be_copied_is_counted(pair: Pair) -> None:
    pair.lose(B)
    for each in range(5):
        pair.submit(A, each)
    pair.find(B)
    assert [pair.stores[A].copy_rest(2) for _ in range(4)] == [2, 1, 0, 0]


def test_a_note_of_an_application_that_is_given_up_goes(pair: Pair) -> None:
    pair.submit(A)
    pair.lose(A)
    pair.stores[B].adopt_open(A, NOW, 99)
    pair.lose(B)
    pair.decide(A)
    assert not pair.stores[A].follow([REFERENCE])
    pair.find(A)
    pair.find(B)
    assert pair.stores[B].copy_rest() == 0
    assert pair.stores[A].copy_rest() == 0
    assert not pair.stores[A]._homes.is_uncopied(REFERENCE)


@pytest.mark.parametrize("lost", [None, A])
def test_a_form_sent_again_to_the_other_region_is_the_same_application(pair: Pair, lost: int | None) -> None:
    first = pair.submit(A)
    if lost is not None:
        pair.lose(lost)
    again = pair.submit(B)
    assert (again.reference, again.state, again.is_new) == (first.reference, State.RECEIVED, False)
    with pytest.raises(ConflictingApplication):
        pair.submit(B, reason="office")
    assert pair.decide(B) == 0, "it is the other region's"
    assert pair.decide(A) == 1


def test_a_withdrawal_in_the_other_region_is_carried_out_at_home(pair: Pair) -> None:
    pair.submit(A)
    assert pair.change(B) == State.WITHDRAWN
    assert (pair.state(A), pair.state(B)) == (State.WITHDRAWN, State.WITHDRAWN)
    assert len(pair.stores[A].history(number(pair, A))) == 1
    with pytest.raises(UnknownApplication):
        pair.change(B, name(7))


def number(pair: Pair, at: int) -> int:
    kept = pair.stores[at].find(REFERENCE)
    assert kept is not None
    return kept.number


def test_a_correction_in_the_other_region_is_in_both(pair: Pair) -> None:
    pair.submit(A)
    corrected = application(to__district="cumilla")
    done = run(pair.stores[B].correct(REFERENCE, b"corrected", corrected, NOW + 5))
    assert (done.is_new, done.is_copied) == (True, True)
    pair.lose(A)
    copy = pair.stores[B].find(REFERENCE)
    assert copy is not None
    assert copy.application() == corrected


def test_what_is_withdrawn_while_its_home_is_lost_stays_withdrawn(pair: Pair) -> None:
    pair.submit(A)
    pair.lose(A)
    assert pair.change(B) == State.WITHDRAWN
    assert pair.decide(A) == 1, "the lost region does not know yet"
    pair.find(A)
    assert pair.stores[B].copy_rest() == 0
    assert pair.state(A) == State.WITHDRAWN
    assert pair.decide(A) == 0
    assert pair.stores[A].approved(10, 10) == []


def test_states_follow_so_that_a_lost_region_can_be_answered_for(pair: Pair) -> None:
    pair.submit(A)
    pair.decide(A)
    assert pair.stores[A].follow([REFERENCE])
    pair.lose(A)
    assert pair.state(B) == State.APPROVED
    assert pair.change(B) == State.WITHDRAWN
    assert [one.request_id for one in pair.stores[B].to_revoke(9)] == [f"{REFERENCE}.0"]


def test_what_was_open_in_a_lost_region_is_decided_by_the_other(pair: Pair) -> None:
    for each in range(4):
        pair.submit(A, each)
    pair.decide(A, name(0), action="reject")
    pair.stores[A].follow([name(0)])
    pair.lose(A)
    adopted = pair.stores[B].adopt_open(A, NOW, 99)
    assert sorted(adopted) == [name(1), name(2), name(3)]
    assert pair.stores[B].adopt_open(A, NOW, 99) == []
    assert pair.decide(B, *adopted) == 3
    pair.decide(A, *adopted)
    pair.find(A)
    assert pair.stores[B].copy_rest() == 0
    pair.stores[B].follow(adopted)
    assert [pair.state(A, reference) for reference in adopted] == [State.APPROVED] * 3
    assert pair.stores[A].counts_by_state() == {State.REJECTED: 1}


def test_passes_of_a_region_that_came_back_are_revoked_where_another_has_adopted_the_application(pair: Pair) -> None:
    for each in range(3):
        pair.submit(A, each)
    pair.lose(A)
    adopted = pair.stores[B].adopt_open(A, NOW, 99)
    pair.decide(A, *adopted)
    early, late = [kept for kept in map(pair.stores[A].find, adopted[:2]) if kept]
    pair.stores[A].record_issued([issued(early)], NOW + 2)
    pair.find(A)
    assert pair.stores[B].copy_rest() == 0
    pair.stores[A].record_issued([replace(issued(late), pass_number="LATE")], NOW + 3)
    pair.stores[A].find_strays()
    strays = pair.stores[A].strays(9)
    assert {(one.pass_number, one.request_id) for one in strays} == {
        (issued(early).pass_number, early.request_id), ("LATE", late.request_id)
    }  # fmt: skip
    for one in strays:
        pair.stores[A].settle_stray(one, NOW)
    assert pair.stores[A].strays(9) == []
    assert pair.state(A, late.reference) == State.RECEIVED, "what the other region says of it"


def test_of_two_regions_that_took_the_same_form_the_lower_is_the_home(pair: Pair) -> None:
    pair.lose(A)
    pair.lose(B)
    assert [pair.submit(at).is_copied for at in (A, B)] == [False, False]
    pair.find(A)
    pair.find(B)
    assert [store.copy_rest() for store in pair.stores] == [0, 0]
    assert (pair.decide(B), pair.decide(A)) == (0, 1)
    assert pair.state(B) == State.APPROVED


def test_an_adopted_case_waits_for_the_other_regions_officers(pair: Pair) -> None:
    pair.submit(A)
    pair.decide(A, action="refer")
    case = pair.stores[A].find(REFERENCE)
    assert case is not None
    pair.stores[A].put_hold(Hold(case.number, "Nasrin", NOW + 600), None)
    pair.stores[A].follow([REFERENCE])
    pair.lose(A)
    assert pair.stores[B].adopt_open(A, NOW, 99) == [REFERENCE]
    assert [each.reference for each in pair.stores[B].cases(9)] == [REFERENCE]
    assert pair.stores[B].holds(9) == [], "an officer's lease in a lost region keeps nobody out"
    pair.find(A)
    assert pair.stores[B].copy_rest() == 0
    assert pair.stores[A].cases(9) == []


def test_adopted_back_it_is_as_the_other_region_had_it(pair: Pair) -> None:
    pair.submit(A)
    pair.lose(A)
    pair.stores[B].adopt_open(A, NOW, 99)
    pair.decide(A, action="reject")
    pair.find(A)
    assert pair.stores[B].copy_rest() == 0
    pair.lose(B)
    assert pair.stores[A].adopt_open(B, NOW, 99) == [REFERENCE]
    assert pair.state(A) == State.RECEIVED
    assert pair.decide(A) == 1
    assert pair.state(A) == State.APPROVED


def test_an_adopted_one_can_be_adopted_back(pair: Pair) -> None:
    pair.submit(A)
    pair.lose(A)
    assert pair.stores[B].adopt_open(A, NOW, 99) == [REFERENCE]
    pair.find(A)
    assert pair.stores[B].copy_rest() == 0
    pair.lose(B)
    assert pair.change(A) == State.WITHDRAWN
    pair.find(B)
    assert pair.stores[A].copy_rest() == 0
    assert pair.state(B) == State.WITHDRAWN
    assert pair.decide(B) == 0


def test_the_own_regions_failure_is_no_other_regions(ministack: Ministack) -> None:
    store = RegionalStore(f"none-{uuid4()}", A, [], client=ministack.client("dynamodb"))
    with pytest.raises(StoreError, match="no such table"):
        store.find(REFERENCE)


def test_the_other_regions_table_is_read_and_written_by_key_alone(ministack: Ministack) -> None:
    client = ministack.client("dynamodb")
    tables = [f"region-{number}-{uuid4()}" for number in (A, B)]
    for table in tables:
        DynamoDbStore.create(table, client=client)
    arn = f"arn:aws:dynamodb:{ministack.region}:000000000000:table/{tables[B]}"
    actions = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem")
    key, secret = ministack.user_of({action: [arn] for action in actions}, name=f"site-{uuid4()}")
    limited = boto3.client(
        "dynamodb", endpoint_url=ministack.url, region_name=ministack.region, aws_access_key_id=key,
        aws_secret_access_key=secret,
    )  # fmt: skip
    here = RegionalStore(tables[A], A, [Neighbour(B, DynamoDbStore(tables[B], client=limited))], client=client)
    there = RegionalStore(tables[B], B, [Neighbour(A, DynamoDbStore(tables[A], client=client))], client=client)
    (done,) = run(here.submit([draft(application(), client=b"here", reference=name(1))], NOW))
    assert done.is_copied
    run(there.submit([draft(application(), client=b"there", reference=name(2))], NOW))
    run(here.correct(name(2), b"corrected", application(to__district="cumilla"), NOW + 1))
    assert run(here.change(name(2), WITHDRAW, NOW + 2)) == State.WITHDRAWN
    kept = there.find(name(2))
    assert kept is not None
    assert (kept.state, kept.correction) == (State.WITHDRAWN, 1), "it was not adopted"
    with pytest.raises(ClientError, match="AccessDenied"):
        limited.scan(TableName=tables[B])


def test_a_home_that_is_there_and_refuses_loses_no_application_to_another_region(ministack: Ministack) -> None:
    client = ministack.client("dynamodb")
    table = f"region-{uuid4()}"
    DynamoDbStore.create(table, client=client, has_ttl=False)
    key, secret = ministack.user_of({}, name=f"nobody-{uuid4()}")
    denied = boto3.client(
        "dynamodb", endpoint_url=ministack.url, region_name=ministack.region, aws_access_key_id=key,
        aws_secret_access_key=secret,
    )  # fmt: skip
    store = RegionalStore(table, B, [Neighbour(A, DynamoDbStore("other", client=denied))], client=client)
    elsewhere = RegionalStore("nowhere", A, [Neighbour(B, DynamoDbStore(table, client=client))], client=client)
    one = draft(application(), client=b"client", reference=REFERENCE)
    content = Content.of(one, REFERENCE, number_for(REFERENCE, 1), 1, NOW, None)
    assert elsewhere._copy_new([content])
    for _ in range(2):  # asked, and not asked again for a while
        with pytest.raises(StoreRefuses):
            run(store.change(REFERENCE, WITHDRAW, NOW))
    assert store.counts_by_state() == {}
    assert store.find(REFERENCE) is not None


class FollowedRegional(Followed, RegionalStore):
    """A region's store with its log's function beside it."""


class TestRegionalStore(DynamoDbContract):
    """A region's store keeps every store's promises."""

    @pytest.fixture
    def store(self, ministack: Ministack) -> RegionalStore:
        client = ministack.client("dynamodb")
        tables = [f"region-{number}-{uuid4()}" for number in (A, B)]
        for table in tables:
            DynamoDbStore.create(table, client=client, has_ttl=False)
        return FollowedRegional(tables[A], A, [Neighbour(B, DynamoDbStore(tables[B], client=client))], client=client)


KEY = b"one key of statistics in both regions"


def collect(store: DynamoDbStore, folder: Path) -> None:
    parts = FolderParts(folder)
    Collector(store, parts, FactBuilder(KEY, lambda _: default_rules(), name_by_hash(KEY))).collect(NOW + 60)


def test_what_a_region_adopted_is_counted_once_in_both_regions_facts_together(pair: Pair, tmp_path: Path) -> None:
    one, other = pair.stores
    names = [pair.submit(A, number).reference for number in range(3)]
    own = pair.submit(B, 3).reference
    pair.decide(A, *names[:2])
    one.follow(names)
    one.sequence(names)
    collect(one, tmp_path / "a")
    pair.lose(A)
    assert sorted(other.adopt_open(A, NOW, 9)) == sorted(names)
    pair.decide(B, own, *names)
    found = other.find_many([own, *names])
    other.record_issued([issued(kept) for kept in found.values()], NOW + 5)
    other.sequence([own, *names])
    collect(other, tmp_path / "b")
    told = [Counter(fact.type for fact in facts_in(tmp_path / name)) for name in ("a", "b")]
    assert [counts["applied"] for counts in told] == [2, 4], "two are in both: they were decided before the loss"
    together = {(fact.type, fact.event) for name in ("a", "b") for fact in facts_in(tmp_path / name)}
    assert Counter(kind for kind, _ in together) == {"applied": 4, "decided": 4, "issued": 4}


def facts_in(folder: Path) -> list[Fact]:
    return [read_line(line) for path in folder.rglob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
