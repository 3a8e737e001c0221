"""The line on AWS: items of the service's DynamoDB table, by partition key `pk` and sort key `sk`.

    LINE#LANE           -         places given, counters, and where the lane stands
    LINE#LANE#BLOCK     NUMBER    the form that uses a place; a block is 64 places

All functions share a lane's first item, and a key takes about 1,000 writes a second. So a function that gives many
places leases them in blocks, which doubles as they are used up, and counts what came once a second. Places that are
left of a block are dropped after BLOCK_S: nobody has them, and the line passes over them as over abandoned ones.
TTL (attribute `expires`) deletes uses within days.

Source: DynamoDB Developer Guide, "Designing partition keys to distribute your workload": 1,000 write units a second for
a partition. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from movepass_service.admission.line import Counters, LineState
from movepass_service.admission.store import Use, state_from_json, state_to_json

BLOCK_MAX = 64
"""Places leased at one time: 64,000 a second for each lane."""
BLOCK_S = 2.0
"""Seconds for which a leased block is used: for so long a later comer may have an earlier place."""
_USES = 64
_KEPT_S = 2 * 86_400
_FAILED = "ConditionalCheckFailedException"


@dataclass(slots=True)
class _Block:
    """Places leased by this process."""

    next: int
    last: int
    size: int
    at: float


class DynamoDbLine:
    """See LineStore for what each method promises."""

    def __init__(self, table: str, *, client: Any) -> None:
        """Take the table's name and a DynamoDB client."""
        self._table = table
        self._client = client
        self._blocks: dict[str, _Block] = {}

    def load(self, lane: str, *, entered: int = 0, unreserved: int = 0) -> tuple[LineState | None, Counters]:
        """See LineStore: one call, which writes only if there is something to add."""
        if entered or unreserved:
            item = self._add(lane, entered=entered, unreserved=unreserved)
        else:
            got = self._client.get_item(TableName=self._table, Key=_lane_key(lane), ConsistentRead=True)
            item = got.get("Item", {})
        counters = Counters(*(int(item.get(name, {"N": "0"})["N"]) for name in ("issued", "entered", "unreserved")))
        return (state_from_json(item["state"]["S"]) if "state" in item else None), counters

    def save(self, lane: str, before: LineState | None, after: LineState) -> bool:
        """See LineStore."""
        condition = "attribute_not_exists(#at)" if before is None else "#at = :before"
        known = {} if before is None else {":before": {"S": repr(before.at)}}
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_lane_key(lane),
                UpdateExpression="SET #at = :at, #state = :state",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#at": "at", "#state": "state"},
                ExpressionAttributeValues={
                    ":at": {"S": repr(after.at)}, ":state": {"S": state_to_json(after)}, **known,
                },
            )  # fmt: skip
        except ClientError as e:
            if e.response["Error"]["Code"] != _FAILED:
                raise
            return False
        return True

    def take(self, lane: str, now: float) -> int:
        """See LineStore."""
        block = self._blocks.get(lane)
        if block is None or block.next > block.last or not 0 <= now - block.at < BLOCK_S:
            is_fast = block is not None and block.next > block.last and 0 <= now - block.at < BLOCK_S
            size = min(BLOCK_MAX, 2 * block.size) if block is not None and is_fast else 1
            last = int(self._add(lane, issued=size)["issued"]["N"])
            self._blocks[lane] = block = _Block(last - size + 1, last, size, now)
        block.next += 1
        return block.next - 1

    def come(self, lane: str, number: int, use: Use) -> Use | None:
        """See LineStore."""
        numbers = {"enter_at": use.enter_at, "expires": use.enter_at // 1000 + _KEPT_S}
        item = {
            **_use_key(lane, number), "client": {"B": use.client},
            **{name: {"N": str(value)} for name, value in numbers.items()},
        }  # fmt: skip
        try:
            self._client.put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except ClientError as e:
            if e.response["Error"]["Code"] != _FAILED:
                raise
            return self.use_of(lane, number)
        return None

    def use_of(self, lane: str, number: int) -> Use | None:
        """See LineStore."""
        got = self._client.get_item(TableName=self._table, Key=_use_key(lane, number), ConsistentRead=True)
        item = got.get("Item")
        return None if item is None else Use(bytes(item["client"]["B"]), int(item["enter_at"]["N"]))

    def came(self, lane: str, first: int, last: int) -> int:
        """See LineStore: a query for each block that the places reach."""
        return sum(self._came_in(lane, block, first, last) for block in range(first // _USES, last // _USES + 1))

    def forget(self, lane: str, up_to: int, entered_before: int) -> None:
        """See LineStore: TTL deletes them."""

    def _came_in(self, lane: str, block: int, first: int, last: int) -> int:
        found = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": {"S": f"LINE#{lane}#{block}"}, ":first": {"S": _written(first)}, ":last": {"S": _written(last)},
            },
            Select="COUNT",
            ConsistentRead=True,
        )  # fmt: skip
        return int(found["Count"])

    def _add(self, lane: str, **numbers: int) -> dict[str, Any]:
        done = self._client.update_item(
            TableName=self._table,
            Key=_lane_key(lane),
            UpdateExpression="ADD " + ", ".join(f"{name} :{name}" for name in numbers),
            ExpressionAttributeValues={f":{name}": {"N": str(number)} for name, number in numbers.items()},
            ReturnValues="ALL_NEW",
        )
        return dict(done["Attributes"])


def _written(number: int) -> str:
    return f"{number:015}"


def _lane_key(lane: str) -> dict[str, Any]:
    return {"pk": {"S": f"LINE#{lane}"}, "sk": {"S": "-"}}


def _use_key(lane: str, number: int) -> dict[str, Any]:
    return {"pk": {"S": f"LINE#{lane}#{number // _USES}"}, "sk": {"S": _written(number)}}
