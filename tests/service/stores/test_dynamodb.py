"""The store in DynamoDB keeps every store's promises, over the wire."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from support.applications import decision, draft, run

from movepass_service.stores.dynamodb.store import DynamoDbStore, Found
from movepass_service.stores.dynamodb.table import Item, Key, Table
from movepass_service.stores.kept import Kept

from .store_contract import NOW, StoreContract, application, name


class Followed(DynamoDbStore):
    """The store with its log's function beside it: whoever looks at the log finds it up to date."""

    def log_size(self) -> int:
        self.sequence()
        return super().log_size()

    def approved(self, limit: int, covered: int, *, among: Sequence[Found] | None = None) -> list[Kept]:
        self.sequence()
        return super().approved(limit, covered, among=among)

    def append_administration(self, document: Mapping[str, Any], now: int) -> int:
        self.sequence()
        return super().append_administration(document, now)

    def issuance_leaves(self, passes: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
        self.sequence()
        return super().issuance_leaves(passes)

    def find_pass(self, day: int, index: int) -> Kept | None:
        self.sequence()
        return super().find_pass(day, index)


@pytest.fixture
def store(client: Any, table: str) -> DynamoDbStore:
    return Followed(table, client=client)


class TestDynamoDbStore(StoreContract):
    @staticmethod
    def records(store: DynamoDbStore, reference: str) -> list[tuple[bytes, str, bytes]]:
        found = store._read(reference)
        assert found is not None
        events = {event.seq: event for event in found[1].events}
        return [
            (bytes.fromhex(record.salt), record.text, bytes.fromhex(events[record.seq].digest))
            for record in found[1].records
        ]

    @staticmethod
    def heads(store: DynamoDbStore) -> list[str]:
        newest = store.newest_head()
        assert newest is not None
        return list(dict.fromkeys([*(note for _, note in store._log.offered()), newest.note]))

    @staticmethod
    def records_of_forgotten(store: DynamoDbStore) -> list[tuple[bytes | None, str | None, bytes]]:
        size = store.log_size()
        kept = {record.position for record in store.records(size)}
        leaves = enumerate(store.leaves(0, size))
        return [(None, None, bytes.fromhex(leaf.split('"')[5])) for at, leaf in leaves if at not in kept]


def test_cases_are_read_up_to_the_limit_and_the_most_urgent_ones(
    client: Any, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, reasons = DynamoDbStore(table, client=client), ("groceries", "medical", "burial", "groceries")
    for number, reason in enumerate(reasons):
        one = draft(application(reason=reason), client=f"client {number}".encode(), reference=name(number))
        run(store.submit([one], NOW + number))
    store.decide([name(number) for number in range(4)], lambda *_: decision("refer"), NOW + 9)
    asked: list[int] = []
    read_many, index = Table.get_many, Table.index

    def counted(table: Table, keys: Sequence[Key]) -> dict[Key, Item]:
        asked.append(len(keys))
        return read_many(table, keys)

    def listed(*given: Any) -> Iterator[Item]:
        for one in index(*given):
            asked.append(1)
            yield one

    monkeypatch.setattr(Table, "get_many", counted)
    monkeypatch.setattr(Table, "index", listed)
    assert [kept.reference for kept in store.cases(2)] == [name(1), name(2)]
    assert asked == [1, 1, 4], "two entries of the index, and the two items of each"
    assert [kept.reference for kept in store.cases(9)] == [name(1), name(2), name(0), name(3)]
