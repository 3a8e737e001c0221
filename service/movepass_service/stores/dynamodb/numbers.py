"""Registered numbers in DynamoDB.

Items, by partition key `pk` and sort key `sk`:

    NUMBERS              -            the key of all hashes
    CODE#ID              -            a code on its way; once it was used, only that it was
    SIGNED-IN#TOKEN      -            a session
    NUMBER#HASH          -            what a number may do for others
                         A#REFERENCE  what it applied for
    BUDGET#HASH#DAY      SHARD        how many codes, or rows of lists, were taken on a day
    ROW#ID               -            a row of a list that was reserved

A code is one transaction with its three budgets: the number's, its prefix's and the day's. Numbers and prefixes have
few codes a day. The day's budget is shared out to SHARDS partitions, because all codes take from it: each carries some
500 transactional writes a second. TTL (attribute `expires`) deletes what is over within days; until then it is hidden.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ (1,000 write units a second for a partition;
TransactWriteItems: 100 items).
"""

import os
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from movepass_service.errors import Busy
from movepass_service.stores.dynamodb.applications import BUSY_SECONDS
from movepass_service.stores.dynamodb.table import NO_SORT, Item, Table, Value, waits
from movepass_service.stores.numbers import (
    KEY_BYTES,
    Budgets,
    Code,
    Ends,
    Helper,
    Purses,
    check_budgets,
    is_right,
    new_rows,
)
from movepass_wire.times import DAY_SECONDS

SHARDS = 16
_KEY, _CODE, _SESSION, _NUMBER, _BUDGET, _ROW = "NUMBERS", "CODE", "SIGNED-IN", "NUMBER", "BUDGET", "ROW"
_APPLIED = "A#"
_KEPT_DAYS: Final = {_CODE: 1, _SESSION: 31, _NUMBER: 12, _BUDGET: 2, _ROW: 12}
"""Days after which TTL deletes what is over by then (accounts.accounts says when)."""
_PARTS = 100
_USED = "-"
"""In place of the number of a code that was used."""


class DynamoDbNumbers:
    """See stores.numbers.NumberStore for what each method promises."""

    def __init__(self, table: str, *, client: Any = None) -> None:
        """Use a table; nothing is read from it yet.

        Args:
            table: the name of the service's table.
            client: boto3's; by default one with the credentials and the region that boto3 finds.

        Raises:
            StoreError: the [aws] extra, the region or the credentials are missing.
        """
        self._table = Table(table, client=client)

    @cached_property
    def key(self) -> bytes:
        """See NumberStore."""
        self._table.put({"pk": _KEY, "sk": NO_SORT, "value": os.urandom(KEY_BYTES)})
        found: Mapping[str, Any] = self._table.get(_KEY) or {}
        return bytes(found["value"])

    def add_code(self, code: Code, purses: Purses, budgets: Budgets, day: int) -> None:
        """See NumberStore. One read and one transaction of four items."""
        names = [(_budget(name, day), NO_SORT) for name in (purses.number, purses.prefix)]
        shards = [(_budget(purses.day, day), str(shard)) for shard in range(SHARDS)]
        for wait in waits():
            found: Mapping[Any, Mapping[str, Any]] = self._table.get_many([*names, *shards])
            number, prefix, *parts = (found.get(name, {}) for name in (*names, *shards))
            today = [part.get("spent", 0) for part in parts]
            spent = (number.get("spent", 0), prefix.get("spent", 0), sum(today))
            check_budgets(budgets, spent, number.get("last_at", 0), code.made_at)
            shard = _shard_with_room(today, budgets.day, int.from_bytes(purses.number[:2], "big"))
            taken = [*names, shards[shard]]
            changes = [self._spend(name, found.get(name), 1, code.made_at, day) for name in taken]
            if not self._table.transact([self._table.part(_code_item(code)), *changes]):
                return
            time.sleep(wait)
        raise Busy(BUSY_SECONDS)

    def try_code(self, id_: bytes, given: bytes, session: bytes, now: int, *, made_after: int, tries_max: int) -> bool:
        """See NumberStore. A code that was used stays without its number, so that a second use finds it used."""
        for wait in waits():
            item = self._table.get(_name(_CODE, id_))
            code = _code(id_, item) if item else None
            right = is_right(code, given, made_after, tries_max)
            if code is None or item is None:
                return False
            if right:
                used = item | {"phone": _USED, "code": bytes(len(code.code)), "tries": tries_max}
                began: Item = {"pk": _name(_SESSION, session), "sk": NO_SORT, "phone": code.phone, "began_at": now}
                parts = [
                    self._table.part(used, "tries = :tries", {":tries": code.tries}),
                    self._table.part(began | {"expires": _expiry(_SESSION, now)}),
                ]
                is_written = not self._table.transact(parts)
            else:
                tried = item | {"tries": code.tries + 1}
                is_written = self._table.put(tried, "tries = :tries", {":tries": code.tries})
            if is_written:
                return right
            time.sleep(wait)
        raise Busy(BUSY_SECONDS)

    def session(self, token: bytes, began_after: int) -> str | None:
        """See NumberStore."""
        item: Mapping[str, Any] | None = self._table.get(_name(_SESSION, token))
        return str(item["phone"]) if item and item["began_at"] > began_after else None

    def end_session(self, token: bytes) -> None:
        """See NumberStore."""
        self._table.delete(_name(_SESSION, token))

    def note_applications(self, phone: bytes, receipts: Sequence[tuple[str, str]], now: int) -> None:
        """See NumberStore."""
        pk = _name(_NUMBER, phone)
        wanted = {f"{_APPLIED}{reference}": secret for reference, secret in receipts}
        known = self._table.get_many([(pk, sk) for sk in wanted])
        expires = _expiry(_NUMBER, now)
        new: list[Item] = [
            {"pk": pk, "sk": sk, "secret": secret, "made_at": now, "expires": expires}
            for sk, secret in wanted.items()
            if (pk, sk) not in known
        ]
        if len(new) == 1:
            self._table.put(new[0])
            return
        for start in range(0, len(new), _PARTS):
            self._table.transact([self._table.part(item, None) for item in new[start : start + _PARTS]])

    def applications(self, phone: bytes, made_after: int, limit: int | None = None) -> list[tuple[str, str]]:
        """See NumberStore."""
        items: list[Mapping[str, Any]] = [
            item
            for item in self._table.partition(_name(_NUMBER, phone), first=_APPLIED, last=f"{_APPLIED}\U0010ffff")
            if int(item["made_at"]) > made_after
        ]
        items.sort(key=lambda item: (-item["made_at"], item["sk"]))
        return [(item["sk"].removeprefix(_APPLIED), item["secret"]) for item in items[:limit]]

    def application_secret(self, phone: bytes, reference: str, made_after: int) -> str | None:
        """See NumberStore."""
        item: Mapping[str, Any] | None = self._table.get(_name(_NUMBER, phone), f"{_APPLIED}{reference}")
        return str(item["secret"]) if item and item["made_at"] > made_after else None

    def put_helper(self, phone: bytes, helper: Helper) -> None:
        """See NumberStore."""
        item: Item = {"role": helper.role, "name": helper.name, "quota": helper.quota}
        self._table.replace({"pk": _name(_NUMBER, phone), "sk": NO_SORT} | item)

    def helper(self, phone: bytes) -> Helper | None:
        """See NumberStore."""
        item: Mapping[str, Any] | None = self._table.get(_name(_NUMBER, phone))
        return Helper(item["role"], item["name"], item["quota"]) if item else None

    def rows_spent(self, name: bytes, day: int) -> int:
        """See NumberStore."""
        return _spent(self._table.get(_budget(name, day)))

    def reserve_rows(self, name: bytes, day: int, ids: Sequence[str], quota: int, now: int) -> set[str]:
        """See NumberStore. Each hundred rows are one transaction with the quota."""
        reserved: set[str] = set()
        for start in range(0, len(ids), _PARTS - 1):
            reserved |= self._reserve(name, day, ids[start : start + _PARTS - 1], quota, now)
        return reserved

    def forget(self, ends: Ends) -> None:
        """See NumberStore. TTL deletes what is over; until then it is hidden."""

    def close(self) -> None:
        """See NumberStore. There is nothing to close."""

    def _reserve(self, name: bytes, day: int, ids: Sequence[str], quota: int, now: int) -> set[str]:
        budget = (_budget(name, day), NO_SORT)
        for wait in waits():
            found = self._table.get_many([budget, *((_row(id_), NO_SORT) for id_ in ids)])
            known = {id_ for id_ in ids if (_row(id_), NO_SORT) in found}
            new = new_rows(ids, known, quota - _spent(found.get(budget)))
            rows: list[Item] = [
                {"pk": _row(id_), "sk": NO_SORT, "made_at": now, "expires": _expiry(_ROW, now)} for id_ in new
            ]
            spend = self._spend(budget, found.get(budget), len(new), now, day)
            if not new or not self._table.transact([spend, *map(self._table.part, rows)]):
                return known | set(new)
            time.sleep(wait)
        raise Busy(BUSY_SECONDS)

    def _spend(
        self, key: tuple[str, str], found: Mapping[str, Any] | None, count: int, now: int, day: int
    ) -> dict[str, Any]:
        """Return the part of a transaction that takes from a budget, unless somebody has taken since it was read."""
        item: Item = {
            "pk": key[0], "sk": key[1], "spent": _spent(found) + count, "last_at": now,
            "expires": _expiry(_BUDGET, day * DAY_SECONDS),
        }  # fmt: skip
        values: dict[str, Value] | None = {":spent": _spent(found)} if found else None
        return self._table.part(item, "spent = :spent" if found else "attribute_not_exists(pk)", values)


def _shard_with_room(spent: Sequence[int], most: int, first: int) -> int:
    """Return a shard of the day's budget that is not spent, looking from one on; together they have room."""
    order = [(first + step) % SHARDS for step in range(SHARDS)]
    return next(shard for shard in order if spent[shard] < _share(most, shard))


def _share(most: int, shard: int) -> int:
    return most // SHARDS + (shard < most % SHARDS)


def _spent(item: Mapping[str, Any] | None) -> int:
    return int(item["spent"]) if item else 0


def _code_item(code: Code) -> Item:
    return {
        "pk": _name(_CODE, code.id), "sk": NO_SORT, "phone": code.phone, "code": code.code, "made_at": code.made_at,
        "tries": code.tries, "expires": _expiry(_CODE, code.made_at),
    }  # fmt: skip


def _code(id_: bytes, item: Mapping[str, Any]) -> Code:
    return Code(id_, item["phone"], item["code"], item["made_at"], item["tries"])


def _name(kind: str, key: bytes) -> str:
    return f"{kind}#{key.hex()}"


def _budget(name: bytes, day: int) -> str:
    return f"{_name(_BUDGET, name)}#{day}"


def _row(id_: str) -> str:
    return f"{_ROW}#{id_}"


def _expiry(kind: str, at: int) -> int:
    return at + _KEPT_DAYS[kind] * DAY_SECONDS
