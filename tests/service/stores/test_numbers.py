"""Both stores keep the promises of registered numbers; the one in DynamoDB over the wire."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from movepass_service.stores.dynamodb.numbers import SHARDS, DynamoDbNumbers
from movepass_service.stores.numbers import Budgets
from movepass_service.stores.sqlite.numbers import SqliteNumbers

from .number_contract import CODE, DAY, HELPER, NAME, NOW, SESSION, NumberContract, ask, purses


class TestSqliteNumbers(NumberContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqliteNumbers]:
        with closing(SqliteNumbers(tmp_path / "numbers")) as opened:
            yield opened


class TestDynamoDbNumbers(NumberContract):
    @pytest.fixture
    def store(self, client: Any, table: str) -> DynamoDbNumbers:
        return DynamoDbNumbers(table, client=client)


def test_everything_but_helpers_expires_and_no_used_code_names_its_number(client: Any, table: str) -> None:
    store = DynamoDbNumbers(table, client=client)
    store.add_code(CODE, purses(), Budgets(), DAY)
    assert store.try_code(CODE.id, CODE.code, SESSION, NOW, made_after=0, tries_max=5)
    store.note_applications(NAME, [("A", "secret")], NOW)
    store.reserve_rows(NAME, DAY, ["row"], 1, NOW)
    store.put_helper(NAME, HELPER)
    items = client.scan(TableName=table)["Items"]
    assert [item["sk"]["S"] for item in items if "expires" not in item] == ["-"]
    assert all(int(item["expires"]["N"]) > NOW for item in items if "expires" in item)
    assert [item["pk"]["S"].partition("#")[0] for item in items if "phone" in item and item["phone"]["S"] != "-"] == [
        "SIGNED-IN"
    ]


def test_codes_take_from_many_partitions(client: Any, table: str) -> None:
    store = DynamoDbNumbers(table, client=client)
    assert all(ask(store, number, Budgets(), of=purses(number, number)) for number in range(SHARDS))
    items = client.scan(TableName=table)["Items"]
    shards = {item["sk"]["S"] for item in items if item["pk"]["S"] == f"BUDGET#{purses().day.hex()}#{DAY}"}
    assert len(shards) == SHARDS


def test_two_functions_share_the_key(client: Any, table: str) -> None:
    assert DynamoDbNumbers(table, client=client).key == DynamoDbNumbers(table, client=client).key
