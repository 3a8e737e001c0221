"""One DynamoDB table: reads, conditional writes and transactions, with retries and errors in words."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from movepass_keys.aws import Patience
from movepass_keys.dynamodb import PATIENCE, TableCalls, TableError, groups, waits
from movepass_service.errors import Busy, StoreError, StoreRefuses

__all__ = ["INDEXES", "NO_SORT", "PATIENCE", "Item", "Key", "Table", "Value", "groups", "key_of", "waits"]

_BUSY_SECONDS = 5
_PAGE_ITEMS = 1_000
_LAST = "\U0010ffff"
"""After every sort key."""
NO_SORT = "-"
INDEXES = ("cases", "holds", "revocations", "looks")
"""Sparse: an item is in one if it has the attributes NAME_key and NAME_order."""
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
        self._calls = TableCalls(name, _error_of, client=client, patience=patience)
        self.name = self._calls.name

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
        answer = self._calls.call("get_item", Key=_typed({"pk": pk, "sk": sk}), ConsistentRead=True)
        return _plain(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """Read items consistently; those that are missing are left out."""
        wanted = [_typed({"pk": pk, "sk": sk}) for pk, sk in dict.fromkeys(keys)]
        return {key_of(item): item for item in map(_plain, self._calls.get_many(wanted))}

    def partition(self, pk: str, *, first: str = "", last: str = _LAST, backwards: bool = False) -> Iterator[Item]:
        """Read the items of a partition consistently, by their sort key."""
        for answer in self._answers(pk, first, last, ScanIndexForward=not backwards):
            yield from map(_plain, answer["Items"])

    def count(self, pk: str, *, first: str, last: str = _LAST) -> int:
        """Count the items of a partition from a sort key on, up to another."""
        return sum(int(answer["Count"]) for answer in self._answers(pk, first, last, Select="COUNT"))

    def index(self, name: str, key: str, limit: int | None = None) -> Iterator[Item]:
        """Read keys and order from a sparse index, by their order; an entry may be a moment old.

        Args:
            name: the index.
            key: whose entries.
            limit: how many at most; without it all.
        """
        more = {"Limit": min(limit, _PAGE_ITEMS)} if limit is not None else {}
        found = self._pages(
            "query", IndexName=name, KeyConditionExpression=f"{name}_key = :key",
            ExpressionAttributeValues=_typed({":key": key}), **more,
        )  # fmt: skip
        yield from islice(found, limit)

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
        answer = self._calls.call(
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
        return self._calls.holds("put_item", Item=_typed(item), ConditionExpression=condition, **given)

    def add(self, pk: str, numbers: Mapping[str, int]) -> Item:
        """Add to numbers of an item, which need not be there; returns it as it is then."""
        answer = self._calls.call(
            "update_item", Key=_typed({"pk": pk, "sk": NO_SORT}), ReturnValues="ALL_NEW",
            UpdateExpression="ADD " + ", ".join(f"#{name} :{name}" for name in numbers),
            ExpressionAttributeNames={f"#{name}": name for name in numbers},
            ExpressionAttributeValues=_typed({f":{name}": number for name, number in numbers.items()}),
        )  # fmt: skip
        return _plain(answer["Attributes"])

    def change(self, pk: str, values: Item, condition: str, known: Mapping[str, Value]) -> bool:
        """Set attributes of an item, which need not be there, if a condition holds; returns whether it did.

        Args:
            pk: its partition key.
            values: the attributes; the condition can name them as "#state".
            condition: about the item that is there.
            known: values of the condition, as ":before".
        """
        return self._calls.holds(
            "update_item", Key=_typed({"pk": pk, "sk": NO_SORT}), ConditionExpression=condition,
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues=_typed({f":{name}": value for name, value in values.items()} | dict(known)),
        )  # fmt: skip

    def replace(self, item: Item) -> None:
        """Write an item, whatever is there."""
        self._calls.call("put_item", Item=_typed(item))

    def delete(
        self, pk: str, sk: str = NO_SORT, condition: str | None = None, values: Mapping[str, Value] | None = None
    ) -> bool:
        """Delete an item, if it is there and a condition holds; returns whether the condition did."""
        given: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        if values:
            given["ExpressionAttributeValues"] = _typed(values)
        return self._calls.holds("delete_item", Key=_typed({"pk": pk, "sk": sk}), **given)

    def take(self, pk: str, sk: str = NO_SORT) -> Item | None:
        """Delete an item and return it; of several at once one gets it."""
        answer = self._calls.call("delete_item", Key=_typed({"pk": pk, "sk": sk}), ReturnValues="ALL_OLD")
        return _plain(answer["Attributes"]) if "Attributes" in answer else None

    def transact(self, parts: Sequence[Mapping[str, Any]]) -> list[int]:
        """Write all parts or none; returns the places of those whose condition did not hold."""
        return self._calls.transact(parts)

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

    def _answers(self, pk: str, first: str, last: str, **parameters: Any) -> Iterator[Any]:
        """Yield the answers to a consistent query of a partition, a page at a time."""
        return self._calls.answers(
            "query", KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=_typed({":pk": pk, ":first": first or "\x00", ":last": last}),
            ConsistentRead=True, **parameters,
        )  # fmt: skip

    def _pages(self, operation: str, **parameters: Any) -> Iterator[Item]:
        return (_plain(item) for items in self._calls.pages(operation, **parameters) for item in items)


def _error_of(error: TableError) -> StoreError | Busy:
    if error.is_busy:
        return Busy(_BUSY_SECONDS)
    return StoreRefuses(str(error)) if error.is_refusal else StoreError(str(error))


def key_of(item: Item) -> Key:
    """Return partition and sort key of an item."""
    return str(item["pk"]), str(item["sk"])


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
