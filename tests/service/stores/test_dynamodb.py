"""The store in DynamoDB keeps every store's promises, over the wire."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.kept import Kept

from .store_contract import StoreContract


class Followed(DynamoDbStore):
    """The store with its log's function beside it: whoever looks at the log finds it up to date."""

    def log_size(self) -> int:
        self.sequence()
        return super().log_size()

    def approved(self, limit: int, covered: int, *, among: Sequence[str] | None = None) -> list[Kept]:
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
