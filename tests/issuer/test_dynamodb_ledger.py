"""The DynamoDB ledger's own promises, over the wire; test_ledger.py has those of every ledger."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError
from support.ministack import REGION, Ministack

from movepass_issuer.errors import LedgerError
from movepass_issuer.issuing.ledger import PERSONAL_DAYS, REQUEST_DAYS, Announced, Request
from movepass_issuer.regions.ledger import Region
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_keys import dynamodb

DAY = 20_779
HASH = b"h" * 32
Open = Callable[..., DynamoDbLedger]


@pytest.fixture
def client(ministack: Ministack) -> Any:
    return ministack.client("dynamodb")


@pytest.fixture
def table(client: Any) -> str:
    name = f"ledger-{uuid4()}"
    DynamoDbLedger.create(name, client=client)
    return name


@pytest.fixture
def open_ledger(client: Any, table: str) -> Open:
    return lambda **settings: DynamoDbLedger(table, client=client, **settings)


def reserve(ledger: DynamoDbLedger, *request_ids: str) -> list[int]:
    return [entry.index for entry in ledger.reserve([Request(i, HASH, DAY) for i in request_ids])]


def ids(count: int, begin: str) -> list[str]:
    return [f"{begin}-{n}" for n in range(count)]


def item(client: Any, table: str, pk: str) -> Any:
    return client.get_item(TableName=table, Key={"pk": {"S": pk}, "sk": {"S": "-"}}).get("Item")


def test_processes_take_indexes_from_blocks_of_their_own(open_ledger: Open) -> None:
    one, two = open_ledger(block=4), open_ledger(block=4)
    assert reserve(one, "a") + reserve(two, "b") + reserve(one, *ids(4, "c")) == [0, 4, 1, 2, 3, 8]


def test_regions_take_blocks_that_no_other_region_takes(open_ledger: Open) -> None:
    regions = [open_ledger(block=4, region=Region(number, 3)) for number in range(3)]
    given = [reserve(ledger, *ids(9, str(number))) for number, ledger in enumerate(regions)]
    assert given[0] == [0, 1, 2, 3, 12, 13, 14, 15, 24]
    assert given[2] == [8, 9, 10, 11, 20, 21, 22, 23, 32]
    assert len({index for indexes in given for index in indexes}) == 27


def test_no_index_is_given_twice_where_the_counter_is_older_than_the_passes(
    client: Any, table: str, open_ledger: Open
) -> None:
    given = reserve(open_ledger(block=4), *ids(10, "a"))
    client.delete_item(TableName=table, Key={"pk": {"S": f"NEXT#{DAY}#0"}, "sk": {"S": "-"}})
    given += reserve(open_ledger(block=4), *ids(10, "b"))
    assert len(set(given)) == 20


def test_twenty_writers_of_the_same_requests_give_each_one_index(open_ledger: Open) -> None:
    wanted = ids(60, "shared")
    with ThreadPoolExecutor(20) as pool:
        given = list(pool.map(lambda _: reserve(open_ledger(), *wanted), range(20)))
    assert all(indexes == given[0] for indexes in given)
    assert len(set(given[0])) == len(wanted)


def test_one_payload_is_stored_whoever_comes_first(open_ledger: Open) -> None:
    wanted = ids(30, "a")
    reserve(open_ledger(), *wanted)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda n: open_ledger().store([(i, f"{n}") for i in wanted]), range(10)))
    assert all(answer == answers[0] for answer in answers)


def test_a_revocation_by_many_at_once_is_one(open_ledger: Open) -> None:
    reserve(open_ledger(), "a")
    with ThreadPoolExecutor(10) as pool:
        entries = list(pool.map(lambda n: open_ledger().revoke(DAY, 0, reason=f"{n}", now=n), range(10)))
    assert len({(entry.revoked_at, entry.reason) for entry in entries}) == 1
    assert open_ledger().pending() == [(DAY, 0)]
    assert open_ledger().revoked(DAY) == [0]


def test_what_goes_carries_the_time_at_which_it_goes(client: Any, table: str, open_ledger: Open) -> None:
    ledger = open_ledger()
    reserve(ledger, "a")
    ledger.store([("a", "text")])
    assert int(item(client, table, "T#a")["expires"]["N"]) == (DAY + PERSONAL_DAYS + 1) * 86_400
    assert int(item(client, table, "R#a")["expires"]["N"]) == (DAY + REQUEST_DAYS + 1) * 86_400
    assert "text" not in item(client, table, "R#a")
    described = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert (described["TimeToLiveStatus"], described["AttributeName"]) == ("ENABLED", "expires")


def test_a_forgotten_request_that_is_not_yet_deleted_gives_way_to_a_new_one(open_ledger: Open) -> None:
    old = open_ledger()
    reserve(old, "a")
    old.store([("a", "old")])
    old.forget(DAY + REQUEST_DAYS + 1)
    new = open_ledger()
    entry = new.reserve([Request("a", HASH, DAY + REQUEST_DAYS)])[0]
    assert (entry.day, entry.text) == (DAY + REQUEST_DAYS, None)
    assert new.find(["a"])["a"].text is None
    assert new.store([("a", "new")]) == {"a": "new"}
    assert open_ledger().find(["a"])["a"].text == "new"


def test_more_than_a_page_of_revocations_is_read(open_ledger: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = open_ledger()
    reserve(ledger, *ids(40, "a"))
    for index in range(40):
        ledger.revoke(DAY, index, reason="", now=0)
    query = ledger._calls.client.query
    monkeypatch.setattr(ledger._calls.client, "query", lambda **more: query(**more, Limit=2))
    assert ledger.pending() == [(DAY, index) for index in range(40)]
    assert sorted(ledger.revoked(DAY)) == list(range(40))
    ledger.settle([(DAY, index) for index in range(39)], Announced(1, b"1" * 32))
    assert ledger.pending() == [(DAY, 39)]


def test_keys_that_were_left_unprocessed_are_asked_for_again(
    open_ledger: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_ledger()
    reserve(ledger, *ids(10, "a"))
    get = ledger._calls.client.batch_get_item

    def half(RequestItems: dict[str, Any]) -> Any:  # noqa: N803 - boto3's name
        (table, wanted), *_ = RequestItems.items()
        keys = wanted["Keys"]
        answer = get(RequestItems={table: {**wanted, "Keys": keys[: len(keys) // 2 + 1]}})
        left = keys[len(keys) // 2 + 1 :]
        return answer | {"UnprocessedKeys": {table: {**wanted, "Keys": left}} if left else {}}

    monkeypatch.setattr(ledger._calls.client, "batch_get_item", half)
    monkeypatch.setattr(dynamodb, "_WAIT_SECONDS", 0)
    assert len(ledger.find(ids(10, "a"))) == 10


def test_a_missing_permission_is_named(ministack: Ministack, table: str) -> None:
    access, secret = ministack.user(f"nobody-{uuid4()}", "dynamodb:BatchGetItem")
    client = boto3.client(
        "dynamodb", endpoint_url=ministack.url, region_name=REGION, aws_access_key_id=access,
        aws_secret_access_key=secret,
    )  # fmt: skip
    ledger = DynamoDbLedger(table, client=client)
    with pytest.raises(LedgerError, match=r"may not do dynamodb:UpdateItem"):
        reserve(ledger, "a")
    with pytest.raises(LedgerError, match=r"may not do dynamodb:Query"):
        ledger.pending()


def test_a_missing_table_is_named(client: Any) -> None:
    with pytest.raises(LedgerError, match="no such table"):
        DynamoDbLedger("nowhere", client=client).find(["a"])


def test_a_table_that_is_too_busy_says_so_and_nothing_is_written(
    open_ledger: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_ledger()
    busy = ledger._calls.client.exceptions.TransactionCanceledException
    response = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}],
    }
    attempts = []

    def refuse(**_: Any) -> None:
        attempts.append(1)
        raise busy(response, "TransactWriteItems")

    monkeypatch.setattr(ledger._calls.client, "transact_write_items", refuse)
    monkeypatch.setattr(dynamodb, "_WAIT_SECONDS", 0)
    with pytest.raises(LedgerError, match="too busy"):
        reserve(ledger, "a")
    assert len(attempts) == dynamodb.ATTEMPTS
    assert open_ledger().find(["a"]) == {}


class Client:
    """A client one of whose operations answers what a test wants, or raises it."""

    def __init__(self, client: Any, **answers: Any) -> None:
        self._client, self._answers = client, answers

    def __getattr__(self, name: str) -> Any:
        if name not in self._answers:
            return getattr(self._client, name)

        def answered(**_: Any) -> Any:
            if isinstance(self._answers[name], Exception):
                raise self._answers[name]
            return self._answers[name]

        return answered


@pytest.mark.parametrize(
    "reasons",
    [{}, {"CancellationReasons": None}, {"CancellationReasons": []}, {"CancellationReasons": [{"Code": "None"}]},
     {"CancellationReasons": [{"Code": "None"}] * 2}, {"CancellationReasons": [{}, {}]},
     {"CancellationReasons": ["?", "?"]}, {"CancellationReasons": [{"Code": "ConditionalCheckFailed"}]}],
    ids=["none", "null", "empty", "too few", "none that is any", "without codes", "no objects", "one of two"],
)  # fmt: skip
def test_a_transaction_that_was_cancelled_is_never_taken_for_written(
    client: Any, open_ledger: Open, reasons: dict[str, Any]
) -> None:
    ledger, whole = open_ledger(), client
    error = {"Error": {"Code": "TransactionCanceledException", "Message": "x"}, **reasons}
    ledger._calls.client = Client(whole, transact_write_items=ClientError(error, "TransactWriteItems"))
    with pytest.raises(LedgerError, match=r"refused|cancelled, without saying why"):
        reserve(ledger, "R-1")
    assert open_ledger().find(["R-1"]) == {}


def test_an_answer_that_does_not_say_what_is_left_is_no_answer(client: Any, open_ledger: Open) -> None:
    reserve(open_ledger(), "R-1")
    ledger = open_ledger()
    ledger._calls.client = Client(client, batch_get_item={"Responses": {}})
    with pytest.raises(LedgerError, match="answered without UnprocessedKeys"):
        ledger.find(["R-1"])
