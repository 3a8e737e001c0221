"""Both stores keep the promises of officers' accounts; the one in DynamoDB over the wire."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.sqlite.store import SqliteStore

from .account_contract import NOW, SESSION, AccountContract, enrolled


class TestSqliteAccounts(AccountContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqliteStore]:
        with closing(SqliteStore(tmp_path / "service")) as opened:
            yield opened


class TestDynamoDbAccounts(AccountContract):
    @pytest.fixture
    def store(self, client: Any, table: str) -> DynamoDbStore:
        return DynamoDbStore(table, client=client)


def test_what_leads_to_an_account_expires(client: Any, table: str) -> None:
    store = DynamoDbStore(table, client=client)
    enrolled(store)
    store.begin_session(SESSION, 8, 3)
    items = client.scan(TableName=table)["Items"]
    expiring = {item["pk"]["S"].partition("#")[0] for item in items if "expires" in item}
    assert expiring == {"LINK", "SESSION"}
    assert all(int(item["expires"]["N"]) > NOW for item in items if "expires" in item)
