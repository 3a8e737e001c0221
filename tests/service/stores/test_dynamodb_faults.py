"""The store in DynamoDB under what AWS does to it: killed before and after each call, throttled, raced, sent twice."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from support.applications import decision, draft, run
from support.counting import counting
from support.ministack import REGION, Ministack, Refusal, fronting, running
from support.sampling import first_of

from movepass_keys.aws import Patience
from movepass_service.applications.states import State
from movepass_service.decisions.records import Decision
from movepass_service.errors import Busy, StoreError
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Counts, Draft

from .store_contract import NOW, PERSON, application, issued, name

_HURRIED = Patience(deadline=3, connect=0.5, read=2, backoff_first=0.01, backoff_max=0.05)
CALLS_MAX = 100
"""More than the story makes."""


def new_table(client: Any) -> str:
    table = f"service-{uuid4()}"
    DynamoDbStore.create(table, client=client, has_ttl=False)
    return table


def near_client(url: str) -> Any:
    """Return a client that asks once, as `patiently` wants it."""
    return boto3.client(
        "dynamodb", endpoint_url=url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )  # fmt: skip


class Killed(BaseException):
    """The function ends at this call: nothing of ours may catch it."""


class Mortal:
    """A client that ends before or after a call."""

    def __init__(self, client: Any, call: int, when: str) -> None:
        self.meta = client.meta
        self._client, self._call, self._when, self.calls = client, call, when, 0

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def ask(**parameters: Any) -> Any:
            self.calls += 1
            is_now = self.calls == self._call
            if is_now and self._when == "before":
                raise Killed
            answer = getattr(self._client, operation)(**parameters)
            if is_now:
                raise Killed
            return answer

        return ask


def drafts() -> list[Draft]:
    return [draft(application(), client=f"client {n}".encode(), reference=name(n)) for n in range(3)]


def two_a_day(_: Kept, counts: Counts | None) -> Decision:
    assert counts is not None
    return decision("approve" if counts.today < 2 else "reject")


def story(store: DynamoDbStore) -> None:
    """Play three applications of one person, of whom the rules allow two; one of the passes is withdrawn.

    It may be played again after it was cut short anywhere, as AWS does with batches of a stream or a queue.
    """
    references = [name(n) for n in range(3)]
    for one in drafts():
        run(store.submit([one], NOW))
    for reference in references:  # in the order in which they came
        store.decide([reference], two_a_day, NOW)
    store.sequence(references)
    approved = [kept for kept in map(store.find, references) if kept and kept.state == State.APPROVED]
    store.record_issued([issued(kept) for kept in approved], NOW + 1)
    store.sequence(references)
    run(store.change(name(0), decision("withdraw", actor="applicant"), NOW + 2))
    store.record_revoked(store.to_revoke(9), NOW + 3)
    store.sequence(references)


def check(store: DynamoDbStore) -> None:
    """Check what must be so after the story: two passes, one of them withdrawn, one leaf for each event."""
    states = [kept.state for kept in (store.find(name(n)) for n in range(3)) if kept]
    assert states == [State.WITHDRAWN, State.ISSUED, State.REJECTED]
    assert store.to_revoke(9) == []
    leaves = [place for chunk in store._log.chunks(0, store.log_size()) for place in chunk.places]
    assert max(Counter(leaves).values()) == 1
    events = [(content.number, event.seq) for content, document in store._all() for event in document.events]
    assert sorted(events) == sorted(leaves)
    assert len(events) == 3 + 2 + 1
    person = store.person(PERSON)
    ended = sorted(str(rows[0][-1]) for rows in person.applications.values() if rows)
    assert ended == [str(NOW + 2), "None"], "the rejected one claims nothing"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("part", first_of("every fourth call to DynamoDB at which a story is killed", 1, range(4)))
def test_killed_at_any_call_and_played_again_the_story_is_whole(client: Any, when: str, part: int) -> None:
    for call in range(1 + part, CALLS_MAX, 4):
        table = new_table(client)
        mortal = Mortal(client, call, when)
        try:
            story(DynamoDbStore(table, client=mortal))
        except Killed:
            story(DynamoDbStore(table, client=client))
            check(DynamoDbStore(table, client=client))
        else:
            assert mortal.calls < call
            check(DynamoDbStore(table, client=client))
            return
    pytest.fail(f"the story makes more than {CALLS_MAX} calls")


def test_several_deciders_of_the_same_batches_never_exceed_a_quota(client: Any) -> None:
    table = new_table(client)
    references = [name(n) for n in range(8)]
    for n, reference in enumerate(references):
        one = draft(application(), client=f"client {n}".encode(), reference=reference)
        run(DynamoDbStore(table, client=client).submit([one], NOW))
    with ThreadPoolExecutor(4) as pool:
        stores = [DynamoDbStore(table, client=client) for _ in range(4)]
        decided = [pool.submit(store.decide, references[::step], two_a_day, NOW) for store, step in
                   zip(stores, (1, -1, 1, -1), strict=True)]  # fmt: skip
        assert sum(one.result() for one in decided) == len(references)
    store = DynamoDbStore(table, client=client)
    assert store.counts_by_state() == {State.APPROVED: 2, State.REJECTED: 6}
    with ThreadPoolExecutor(4) as pool:
        added = [pool.submit(one.sequence, references) for one in stores]
        assert sum(one.result() for one in added) == len(references)
    leaves = [place for chunk in store._log.chunks(0, store.log_size()) for place in chunk.places]
    assert len(set(leaves)) == len(leaves) == len(references)


def test_a_throttled_table_is_asked_again_and_then_said_to_be_busy(ministack: Ministack, client: Any) -> None:
    table = new_table(client)
    throttled = Refusal("ProvisionedThroughputExceededException")
    with fronting(ministack, lambda _, before: throttled if before % 3 else None) as front:
        near = near_client(front.url)
        story(DynamoDbStore(table, client=near))
        check(DynamoDbStore(table, client=client))
        front.rule = lambda *_: throttled
        store = DynamoDbStore(new_table(client), client=near, patience=_HURRIED)
        with pytest.raises(Busy):
            run(store.submit(drafts()[:1], NOW))
        front.rule = lambda *_: Refusal("AccessDeniedException", message="not authorized")
        with pytest.raises(StoreError, match="may not do"):
            store.find(name(0))


def test_a_missing_table_is_named(client: Any) -> None:
    with pytest.raises(StoreError, match="is the stack deployed"):
        DynamoDbStore("missing", client=client).find(name(0))


def test_an_application_takes_few_calls_and_write_units(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("counted"), auth=False) as ministack, counting(ministack) as tally:
        table = new_table(ministack.client("dynamodb"))
        near = near_client(tally.url)
        store, references = DynamoDbStore(table, client=near), [name(n) for n in range(10)]
        store.rules_in_force()
        tally.clear()
        for n, reference in enumerate(references):
            one = draft(application(bytes([n]) * 16), client=f"client {n:08}".encode(), reference=reference)
            run(store.submit([one], NOW))
        store.decide(references, two_a_day, NOW)
        store.sequence(references)
        waiting = [kept for kept in map(store.find, references) if kept]
        looked = len(waiting)  # the test's own reads
        text = "MP1:" + "X" * 225  # as long as a pass is
        store.record_issued([issued(kept, pass_text=text) for kept in waiting], NOW + 1)
        store.sequence(references)
        calls, units = (sum(tally.calls.values()) - looked) / 10, tally.write_units / 10
        print(f"\n{calls} calls and {units} write units an application: {dict(tally.calls)}")
        assert units <= 6
        assert calls <= 6.6
