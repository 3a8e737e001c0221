"""Each store of the line keeps every promise; DynamoDB over the wire."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from support.lines import MemoryLine
from support.ministack import Ministack

from movepass_service.admission.dynamodb_line import DynamoDbLine
from movepass_service.admission.sqlite_line import FILE, SqliteLine
from movepass_service.errors import StoreError

from .line_contract import LANE, NOW, LineContract, Open


class TestInMemory(LineContract):
    @pytest.fixture
    def line(self) -> MemoryLine:
        return MemoryLine()

    @pytest.fixture
    def again(self, line: MemoryLine) -> Open:
        return lambda: line


class TestSqlite(LineContract):
    @pytest.fixture
    def line(self, tmp_path: Path) -> Iterator[SqliteLine]:
        with closing(SqliteLine(tmp_path)) as line:
            yield line

    @pytest.fixture
    def again(self, tmp_path: Path) -> Iterator[Open]:
        with ExitStack() as opened:
            yield lambda: opened.enter_context(closing(SqliteLine(tmp_path)))

    def test_without_a_line_nothing_is_written(self, line: SqliteLine, tmp_path: Path) -> None:
        size = (tmp_path / f"{FILE}-wal").stat().st_size
        line.load(LANE, entered=1000, unreserved=1000)
        assert line._db.total_changes == 0
        assert (tmp_path / f"{FILE}-wal").stat().st_size == size

    def test_a_damaged_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / FILE).write_bytes(b"no database" * 1000)
        with pytest.raises(StoreError, match=r"line\.db"):
            SqliteLine(tmp_path)

    def test_a_damaged_state_is_named(self, line: SqliteLine, tmp_path: Path) -> None:
        line.take(LANE, NOW)
        line._db.execute("UPDATE lane SET state = '{}'")
        with pytest.raises(StoreError, match="damaged"):
            SqliteLine(tmp_path)


class TestDynamoDb(LineContract):
    @pytest.fixture
    def line(self, ministack: Ministack) -> DynamoDbLine:
        client, table = ministack.client("dynamodb"), f"line-{uuid.uuid4().hex[:8]}"
        client.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        return DynamoDbLine(table, client=client)

    @pytest.fixture
    def again(self, line: DynamoDbLine) -> Open:
        return lambda: DynamoDbLine(line._table.name, client=line._table._calls.client)

    def test_many_places_are_leased_by_few_writes(self, line: DynamoDbLine) -> None:
        writes = []
        line._table._calls.client.meta.events.register("before-call.dynamodb.UpdateItem", lambda **_: writes.append(1))
        assert [line.take("ordinary", NOW) for _ in range(500)] == list(range(1, 501))
        assert len(writes) <= 16

    def test_what_is_left_of_an_old_block_is_dropped(self, line: DynamoDbLine, again: Open) -> None:
        given = [line.take("ordinary", NOW) for _ in range(4)]
        other = again().take("ordinary", NOW + 1)
        assert line.take("ordinary", NOW + 60) > other > max(given)
