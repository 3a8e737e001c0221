"""What the tidy function does each minute and each hour, on a real table."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import pytest
from support.applications import decision, form
from support.ministack import Ministack

from movepass_service.applications.references import Secrets
from movepass_service.applications.states import State
from movepass_service.aws.opening import COUNTS, CloudService
from movepass_service.aws.tidy import SWEPT, TidyFunction
from movepass_service.stores.dynamodb.store import DynamoDbStore

HOUR = 3600


@pytest.fixture
def service(ministack: Ministack) -> CloudService:
    client = ministack.client("dynamodb")
    table = f"service-{uuid4()}"
    DynamoDbStore.create(table, client=client, has_ttl=False)
    return CloudService(DynamoDbStore(table, client=client), Secrets(b"x" * 32), name="Demo", is_test=True)


def apply(service: CloudService, client_id: str, then: str, **changes: Any) -> str:
    now = int(time.time())
    applications = service.read(form(now, **changes), now=now)
    (receipt,) = asyncio.run(service.submit(client_id, applications, now=now))
    service.cloud_store.decide([receipt.reference], lambda *_: decision(then), now)
    return receipt.reference


def state(service: CloudService, reference: str) -> State:
    kept = service.store.find(reference)
    assert kept is not None
    return kept.state


def test_nothing_stays_approved_or_waiting_after_its_trip(
    service: CloudService, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved = apply(service, "a", "approve", holder__id_number="1234567890")
    waiting = apply(service, "b", "refer", holder__id_number="2345678901", reason="medical")
    service.cloud_store.sequence([approved, waiting])
    tidy, later = TidyFunction(service), time.time() + 10 * HOUR
    assert tidy({}, None) == {"carried_out": 0, "expired": 0, "forgotten": 0}
    assert [state(service, one) for one in (approved, waiting)] == [State.APPROVED, State.REFERRED]
    assert tidy({}, None) == {"carried_out": 0}, "the table is read once an hour"
    monkeypatch.setattr("movepass_service.aws.tidy.time.time", lambda: later)
    assert tidy({}, None)["expired"] == 2
    assert [state(service, one) for one in (approved, waiting)] == [State.EXPIRED, State.EXPIRED]
    assert service.store.noted(COUNTS) == b'{"expired": 2}'
    assert service.store.noted(SWEPT) == str(int(later)).encode()
