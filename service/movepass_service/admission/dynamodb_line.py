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

from movepass_service.admission.line import Counters, LineState
from movepass_service.admission.store import Use, state_from_json, state_to_json
from movepass_service.stores.dynamodb.table import Item, Table, Value

BLOCK_MAX = 64
"""Places leased at one time: 64,000 a second for each lane."""
BLOCK_S = 2.0
"""Seconds for which a leased block is used: for so long a later comer may have an earlier place."""
_USES = 64
_KEPT_S = 2 * 86_400


@dataclass(slots=True)
class _Block:
    """Places leased by this process."""

    next: int
    last: int
    size: int
    at: float


class DynamoDbLine:
    """See LineStore for what each method promises."""

    def __init__(self, table: str, *, client: Any = None) -> None:
        """Use a table; nothing is read from it yet.

        Args:
            table: its name.
            client: boto3's; by default one with the credentials and the region that boto3 finds.

        Raises:
            StoreError: the [aws] extra, the region or the credentials are missing.
        """
        self._table = Table(table, client=client)
        self._blocks: dict[str, _Block] = {}

    def load(self, lane: str, *, entered: int = 0, unreserved: int = 0) -> tuple[LineState | None, Counters]:
        """See LineStore: one call, which writes only if there is something to add."""
        if entered or unreserved:
            item = self._table.add(_lane(lane), {"entered": entered, "unreserved": unreserved})
        else:
            item = self._table.get(_lane(lane)) or {}
        counters = Counters(*(int(item.get(name, 0)) for name in ("issued", "entered", "unreserved")))
        return (state_from_json(str(item["state"])) if "state" in item else None), counters

    def save(self, lane: str, before: LineState | None, after: LineState) -> bool:
        """See LineStore."""
        condition = "attribute_not_exists(#at)" if before is None else "#at = :before"
        known: dict[str, Value] = {} if before is None else {":before": repr(before.at)}
        values: Item = {"at": repr(after.at), "state": state_to_json(after)}
        return self._table.change(_lane(lane), values, condition, known)

    def take(self, lane: str, now: float) -> int:
        """See LineStore."""
        block = self._blocks.get(lane)
        if block is None or block.next > block.last or not 0 <= now - block.at < BLOCK_S:
            is_fast = block is not None and block.next > block.last and 0 <= now - block.at < BLOCK_S
            size = min(BLOCK_MAX, 2 * block.size) if block is not None and is_fast else 1
            last = int(self._table.add(_lane(lane), {"issued": size})["issued"])
            self._blocks[lane] = block = _Block(last - size + 1, last, size, now)
        block.next += 1
        return block.next - 1

    def come(self, lane: str, number: int, use: Use) -> Use | None:
        """See LineStore."""
        item: Item = {
            "pk": _block(lane, number), "sk": _written(number), "client": use.client, "enter_at": use.enter_at,
            "expires": use.enter_at // 1000 + _KEPT_S,
        }  # fmt: skip
        return None if self._table.put(item) else self.use_of(lane, number)

    def use_of(self, lane: str, number: int) -> Use | None:
        """See LineStore."""
        item = self._table.get(_block(lane, number), _written(number))
        return None if item is None else Use(bytes(item["client"]), int(item["enter_at"]))  # type: ignore[arg-type]

    def came(self, lane: str, first: int, last: int) -> int:
        """See LineStore: a query for each block that the places reach."""
        return sum(
            self._table.count(_block(lane, block * _USES), first=_written(first), last=_written(last))
            for block in range(first // _USES, last // _USES + 1)
        )

    def forget(self, lane: str, up_to: int, entered_before: int) -> None:
        """See LineStore: TTL deletes them."""


def _written(number: int) -> str:
    return f"{number:015}"


def _lane(lane: str) -> str:
    return f"LINE#{lane}"


def _block(lane: str, number: int) -> str:
    return f"LINE#{lane}#{number // _USES}"
