"""One DynamoDB table: reads, conditional writes and transactions, with retries and errors in words."""

import random
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from movepass_keys.aws import (
    NO_CONNECTION,
    AwsClientError,
    Patience,
    RefusedError,
    UnintelligibleError,
    patient_client,
    patiently,
)
from movepass_service.errors import Busy, StoreError, StoreRefuses

PATIENCE = Patience(deadline=20, connect=2, read=5, backoff_first=0.05, backoff_max=2)
ATTEMPTS = 10
"""Attempts of a write that other writers obstruct; the waits between them double."""
_WAIT_SECONDS, _WAIT_MAX_SECONDS = 0.02, 1.0
_BUSY_SECONDS = 5
_GET_KEYS = 100
_AT_ONCE = 32
"""Connections that are kept: of calls that a process makes at once."""
_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:([a-z0-9-]+):[0-9]{12}:table/([A-Za-z0-9_.-]+)")
NO_SORT = "-"
INDEXES = ("cases", "holds", "revocations", "looks")
"""Sparse: an item is in one if it has the attributes NAME_key and NAME_order."""
_REASONS_THAT_PASS = {None, "None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
_THROTTLED = {
    "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded",
    "TransactionInProgressException",
}  # fmt: skip
_T = TypeVar("_T")
Value = str | int | bytes
Item = dict[str, Value]
"""An item's attributes; numbers are whole."""
Key = tuple[str, str]


class Table:
    """A table by its name. Its methods raise StoreError, or Busy where it is throttled for too long."""

    def __init__(self, name: str, *, client: Any = None, patience: Patience = PATIENCE) -> None:
        """Take a table; nothing is read from it yet.

        Args:
            name: the table's, or its ARN if it is in another AWS region than boto3 finds.
            client: boto3's; by default one for that region, with the credentials that boto3 finds.
            patience: how long a call may take.

        Raises:
            StoreError: the [aws] extra, the region or the credentials are missing.
        """
        arn = _ARN.fullmatch(name)
        self.name = arn[2] if arn else name
        self._patience = patience
        try:
            region = arn[1] if arn else None
            self._client = client or patient_client("dynamodb", patience, region, at_once=_AT_ONCE)
        except AwsClientError as e:
            raise StoreError(f"a store in DynamoDB: {e}") from e

    @staticmethod
    def create(name: str, *, client: Any, has_ttl: bool = True) -> None:
        """Make a table like the template's, for tests and trials; without TTL where a test's clock is in the past."""
        keys = [f"{index}_{part}" for index in INDEXES for part in ("key", "order")]
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk", *keys)],
            KeySchema=_schema("pk", "sk"),
            GlobalSecondaryIndexes=[
                {
                    "IndexName": index,
                    "KeySchema": _schema(f"{index}_key", f"{index}_order"),
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
                for index in INDEXES
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        if has_ttl:
            ttl = {"Enabled": True, "AttributeName": "expires"}
            client.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)

    def get(self, pk: str, sk: str = NO_SORT) -> Item | None:
        """Read an item consistently."""
        answer = self._call("get_item", Key=_typed({"pk": pk, "sk": sk}), ConsistentRead=True)
        return _plain(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """Read items consistently; those that are missing are left out."""
        found: dict[Key, Item] = {}
        for group in groups(dict.fromkeys(keys), _GET_KEYS):
            wanted: Any = {
                self.name: {"Keys": [_typed({"pk": pk, "sk": sk}) for pk, sk in group], "ConsistentRead": True}
            }
            for wait in waits():
                answer = self._call("batch_get_item", RequestItems=wanted)
                items = [_plain(item) for page in answer["Responses"].values() for item in page]
                found |= {key_of(item): item for item in items}
                wanted = answer["UnprocessedKeys"]
                if not wanted:
                    break
                time.sleep(wait)
            else:
                raise Busy(_BUSY_SECONDS)
        return found

    def partition(
        self, pk: str, *, first: str = "", last: str = "\U0010ffff", backwards: bool = False
    ) -> Iterator[Item]:
        """Read the items of a partition consistently, by their sort key."""
        yield from self._pages(
            "query", KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=_typed({":pk": pk, ":first": first or "\x00", ":last": last}),
            ScanIndexForward=not backwards, ConsistentRead=True,
        )  # fmt: skip

    def count(self, pk: str, *, first: str) -> int:
        """Count the items of a partition from a sort key on."""
        return sum(1 for _ in self.partition(pk, first=first))

    def index(self, name: str, key: str) -> Iterator[Item]:
        """Read keys and order from a sparse index; an entry may be a moment old."""
        yield from self._pages(
            "query", IndexName=name, KeyConditionExpression=f"{name}_key = :key",
            ExpressionAttributeValues=_typed({":key": key}),
        )  # fmt: skip

    def scan(
        self, condition: str, values: Mapping[str, Value], names: Mapping[str, str] | None = None
    ) -> Iterator[Item]:
        """Read the whole table for the items that meet a condition: for repairs and operators, never for a page."""
        more = {"ExpressionAttributeNames": dict(names)} if names else {}
        yield from self._pages(
            "scan", FilterExpression=condition, ExpressionAttributeValues=_typed(values), ConsistentRead=True, **more
        )

    def page(
        self, condition: str, values: Mapping[str, Value], after: Key | None, limit: int
    ) -> tuple[list[Item], Key | None]:
        """Read a part of the whole table, as it was a moment ago, for the items that meet a condition.

        Args:
            condition: as for scan.
            values: those of the condition.
            after: where the page before ended; None at the beginning.
            limit: how many items to look at.

        Returns:
            The items, and where the next page begins; None at the end.
        """
        start = {"ExclusiveStartKey": _typed({"pk": after[0], "sk": after[1]})} if after else {}
        answer = self._call(
            "scan", FilterExpression=condition, ExpressionAttributeValues=_typed(values), Limit=limit, **start
        )
        last = answer.get("LastEvaluatedKey")
        return [_plain(item) for item in answer["Items"]], key_of(_plain(last)) if last else None

    def put(
        self, item: Item, condition: str = "attribute_not_exists(pk)", values: Mapping[str, Value] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> bool:  # fmt: skip
        """Write an item if a condition holds; returns whether it did.

        Args:
            item: what to write.
            condition: about the item that is there.
            values: those of the condition, as ":size".
            names: attribute names that it can't spell, as "#size".
        """
        given: dict[str, Any] = {"ExpressionAttributeNames": dict(names)} if names else {}
        if values:
            given["ExpressionAttributeValues"] = _typed(values)
        return self._if_it_holds("put_item", Item=_typed(item), ConditionExpression=condition, **given)

    def replace(self, item: Item) -> None:
        """Write an item, whatever is there."""
        self._call("put_item", Item=_typed(item))

    def delete(
        self, pk: str, sk: str = NO_SORT, condition: str | None = None, values: Mapping[str, Value] | None = None
    ) -> bool:
        """Delete an item, if it is there and a condition holds; returns whether the condition did."""
        given: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        if values:
            given["ExpressionAttributeValues"] = _typed(values)
        return self._if_it_holds("delete_item", Key=_typed({"pk": pk, "sk": sk}), **given)

    def take(self, pk: str, sk: str = NO_SORT) -> Item | None:
        """Delete an item and return it; of several at once one gets it."""
        answer = self._call("delete_item", Key=_typed({"pk": pk, "sk": sk}), ReturnValues="ALL_OLD")
        return _plain(answer["Attributes"]) if "Attributes" in answer else None

    def transact(self, parts: Sequence[Mapping[str, Any]]) -> list[int]:
        """Write all parts or none; returns the places of those whose condition did not hold."""
        for wait in waits():
            reasons = self._transacted(parts)
            refused = [place for place, code in enumerate(reasons) if code == "ConditionalCheckFailed"]
            if refused or not reasons:
                return refused
            if not set(reasons) <= _REASONS_THAT_PASS:
                raise StoreError(f"the table {self.name}: a transaction was refused: {reasons}")
            time.sleep(wait)
        raise Busy(_BUSY_SECONDS)

    def part(
        self, item: Item, condition: str | None = "attribute_not_exists(pk)", values: Mapping[str, Value] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Return the part of a transaction that writes an item under a condition: see put."""
        put: dict[str, Any] = {"TableName": self.name, "Item": _typed(item)}
        if condition:
            put["ConditionExpression"] = condition
        if names:
            put["ExpressionAttributeNames"] = dict(names)
        if values:
            put["ExpressionAttributeValues"] = _typed(values)
        return {"Put": put}

    def _transacted(self, parts: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """Write a transaction, and return why it was cancelled, for each of its parts, or nothing."""
        once = secrets.token_hex(16)  # by which DynamoDB recognises a retry after a lost answer
        call = self._client.transact_write_items
        try:
            patiently(self._client, lambda: call(TransactItems=parts, ClientRequestToken=once), self._patience, _passes)
        except RefusedError as e:
            codes = [reason.get("Code") for reason in e.answer.get("CancellationReasons") or [{}]]
            if e.code != "TransactionCanceledException":
                raise self._in_words(e) from e
            if len(codes) != len(parts) or set(codes) <= {None, "None"}:
                raise StoreError(f"the table {self.name}: a transaction was cancelled without saying why") from e
            return codes
        except UnintelligibleError as e:
            raise StoreError(f"the table {self.name}: {e}") from e
        return []

    def _pages(self, operation: str, **parameters: Any) -> Iterator[Item]:
        start: dict[str, Any] = {}
        while True:
            answer = self._call(operation, **parameters, **start)
            yield from (_plain(item) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _if_it_holds(self, operation: str, **parameters: Any) -> bool:
        """Write under a condition; returns whether it held."""
        try:
            self._ask(operation, **parameters)
        except RefusedError as e:
            if e.code == "ConditionalCheckFailedException":
                return False
            raise self._in_words(e) from e
        return True

    def _call(self, operation: str, **parameters: Any) -> Any:
        try:
            return self._ask(operation, **parameters)
        except RefusedError as e:
            raise self._in_words(e) from e

    def _ask(self, operation: str, **parameters: Any) -> Any:
        call = getattr(self._client, operation)
        table = {} if operation == "batch_get_item" else {"TableName": self.name}
        try:
            return patiently(self._client, lambda: call(**table, **parameters), self._patience, _passes)
        except UnintelligibleError as e:
            raise StoreError(f"the table {self.name}: {e}") from e

    def _in_words(self, refused: RefusedError) -> StoreError | Busy:
        if refused.code in _THROTTLED:
            return Busy(_BUSY_SECONDS)
        if refused.code == "AccessDeniedException":
            return StoreRefuses(f"the table {self.name}: these credentials may not do that: {refused.said}")
        if refused.code == "ResourceNotFoundException":
            return StoreRefuses(f"there is no table {self.name} in this account and region; is the stack deployed?")
        if refused.kind in NO_CONNECTION:
            attempts = self._patience.in_words(refused.attempts)
            return StoreError(f"the table {self.name}: no answer after {attempts} ({refused.said})")
        return StoreError(f"the table {self.name}: {refused.kind}: {refused.said}")


def waits() -> Iterator[float]:
    """Yield a random wait for each attempt, from ever longer spans ("full jitter")."""
    for attempt in range(ATTEMPTS):
        yield random.uniform(0, min(_WAIT_SECONDS * 2**attempt, _WAIT_MAX_SECONDS))  # noqa: S311 - no secret


def key_of(item: Item) -> Key:
    """Return partition and sort key of an item."""
    return str(item["pk"]), str(item["sk"])


def groups(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Yield items in lists of at most a size."""
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group


def _passes(refused: RefusedError) -> bool:
    return refused.code in _THROTTLED


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _typed(item: Mapping[str, Value]) -> dict[str, Any]:
    return {name: _type(value) for name, value in item.items()}


def _type(value: Value) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": value}
    return {"B": value} if isinstance(value, bytes) else {"N": str(value)}


def _plain(item: Mapping[str, Any]) -> Item:
    return {name: _value(typed) for name, typed in item.items()}


def _value(typed: Mapping[str, Any]) -> Value:
    ((kind, value),) = typed.items()
    if kind == "N":
        return int(value)
    return bytes(value) if kind == "B" else str(value)
