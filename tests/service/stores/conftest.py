"""A table of its own for each test of the stores in DynamoDB."""

from typing import Any
from uuid import uuid4

import pytest
from support.ministack import Ministack

from movepass_service.stores.dynamodb.store import DynamoDbStore


@pytest.fixture
def client(ministack: Ministack) -> Any:
    return ministack.client("dynamodb")


@pytest.fixture
def table(client: Any) -> str:
    name = f"service-{uuid4()}"
    DynamoDbStore.create(name, client=client, has_ttl=False)
    return name
