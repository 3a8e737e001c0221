"""What the tidy function does each minute and each hour, on a real table."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.applications import decision, form
from support.honest_log import ONLINE
from support.ministack import Ministack

from movepass_issuer.publishing.published import HEAD, read_offered_head
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_issuer.storage.folder_repository import FolderRepository
from movepass_keys.records.checkpoint import Checkpoint, origin_of, sign_checkpoint
from movepass_keys.records.layout import HEAD_TARGET
from movepass_service.applications.references import Secrets
from movepass_service.applications.states import State
from movepass_service.aws.handover import Handover
from movepass_service.aws.opening import COUNTS, CloudService
from movepass_service.aws.sweeping import SETTLED_SECONDS, SWEEP_SECONDS, Progress
from movepass_service.aws.tidy import SWEEP, TidyFunction
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.store import Head

HOUR = 3600


def note(size: int) -> str:
    """Sign a head of a log."""
    checkpoint = Checkpoint(origin_of("00" * 32), size, bytes(32), int(time.time()))
    return sign_checkpoint(checkpoint, ONLINE).decode()


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
    if then:
        service.cloud_store.decide([receipt.reference], lambda *_: decision(then), now)
    return receipt.reference


def state(service: CloudService, reference: str) -> State:
    kept = service.store.find(reference)
    assert kept is not None
    return kept.state


class Functions:
    """Notes what the tidy function hands to others."""

    def __init__(self) -> None:
        self.handed: dict[str, list[str]] = {"decide": [], "sequence": []}

    def invoke(self, FunctionName: str, InvocationType: str, Payload: bytes) -> None:  # noqa: N803 - boto3's names
        assert InvocationType == "Event"
        self.handed[FunctionName] += json.loads(Payload)["references"]


class Tidy:
    """The function with a clock that a test moves."""

    def __init__(self, service: CloudService, folder: Path, ledger: DynamoDbLedger) -> None:
        self.service = service
        self.ledger = ledger
        self.repository = FolderRepository.create(folder)
        self.now = time.time()
        self.functions = Functions()

    def __call__(self, seconds: float = 0, **event: Any) -> dict[str, int]:
        """Let some time go by, and invoke it in a process of its own."""
        self.now += seconds
        self.functions.handed = {"decide": [], "sequence": []}
        handover = Handover("decide", "sequence", client=self.functions)
        tidy = TidyFunction(self.service, self.repository, self.ledger, handover, clock=lambda: self.now)
        return tidy(event, None)

    @property
    def progress(self) -> Progress:
        return Progress.read(self.service.store.noted(SWEEP))


@pytest.fixture
def tidy(service: CloudService, ministack: Ministack, tmp_path: Path) -> Tidy:
    ledger = DynamoDbLedger("not-asked", client=ministack.client("dynamodb"))  # as no keys are published
    return Tidy(service, tmp_path / "repository", ledger)


def test_nothing_stays_approved_or_waiting_after_its_trip(service: CloudService, tidy: Tidy) -> None:
    approved = apply(service, "a", "approve", holder__id_number="1234567890")
    waiting = apply(service, "b", "refer", holder__id_number="2345678901", reason="medical")
    service.cloud_store.sequence([approved, waiting])
    assert not any(tidy().values())
    assert [state(service, one) for one in (approved, waiting)] == [State.APPROVED, State.REFERRED]
    assert tidy() == {"carried_out": 0}, "the table is read once an hour"
    assert tidy(10 * HOUR)["expired"] == 2
    assert [state(service, one) for one in (approved, waiting)] == [State.EXPIRED, State.EXPIRED]
    assert tidy(SWEEP_SECONDS)["expired"] == 0
    assert service.store.noted(COUNTS) == b'{"expired": 2}'
    assert tidy(9 * 24 * HOUR)["forgotten"] == 2
    assert service.store.find(approved) is None


def test_what_the_stream_left_behind_is_handed_over_once_it_has_settled(service: CloudService, tidy: Tidy) -> None:
    received = apply(service, "a", "", holder__id_number="1234567890")
    unlogged = apply(service, "b", "refer", holder__id_number="2345678901")
    logged = apply(service, "c", "refer", holder__id_number="3456789012")
    unasked = apply(service, "d", "approve", holder__id_number="4567890123")
    service.cloud_store.sequence([logged, unasked])
    tidy(SETTLED_SECONDS - 60)
    assert tidy.functions.handed == {"decide": [], "sequence": []}, "the stream brings them any moment"
    tidy(120, sweep=True)
    assert tidy.functions.handed == {"decide": [received], "sequence": AnyOrder([unlogged, unasked])}
    tidy(SWEEP_SECONDS)
    assert tidy.functions.handed == {"decide": [received], "sequence": AnyOrder([unasked])}, "others were looked at"
    tidy(SWEEP_SECONDS)
    assert unasked in tidy.functions.handed["sequence"], "twice as old as it was"
    tidy(sweep=True)
    assert tidy.functions.handed["sequence"] == AnyOrder([unlogged, unasked])


def test_a_sweep_goes_on_where_it_ended(service: CloudService, tidy: Tidy, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        apply(service, str(number), "refer", holder__id_number=f"{number:010}")
    monkeypatch.setattr("movepass_service.aws.tidy.PART_ITEMS", 3)
    monkeypatch.setattr("movepass_service.aws.tidy.SWEEPING_SECONDS", 1e-9)
    now, seen = tidy.now, list[int]()
    while not seen or not tidy.progress.is_over:
        tidy(60)
        seen.append(sum(tidy.progress.states.values()))
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert seen[-1] == 5
    assert tidy.progress.begun == int(now) + 60
    assert service.store.noted(COUNTS) == b'{"referred": 5}'
    tidy(60)
    assert tidy.progress.is_over


def test_the_newest_head_of_the_log_is_put_where_the_publisher_finds_it(service: CloudService, tidy: Tidy) -> None:
    store, repository = service.cloud_store, tidy.repository
    tidy()
    assert read_offered_head(repository) == {}
    for size in (1, 2):
        head = note(size)
        store.add_head(Head(size, head, (bytes(32),)))
        tidy()
        assert read_offered_head(repository) == {HEAD_TARGET: head.encode()}
        assert store.has_offered(head)


def test_a_head_of_another_log_stays_and_is_told_of(
    service: CloudService, tidy: Tidy, caplog: pytest.LogCaptureFixture
) -> None:
    other = note(1).encode()
    tidy.repository.replace(HEAD, other, expected=None)
    service.cloud_store.add_head(Head(2, note(2), (bytes(32),)))
    assert tidy()["carried_out"] == 0, "all the rest goes on"
    assert tidy.repository.read(HEAD) == other
    assert "the head of the decision log is not published" in caplog.text


class AnyOrder(list[str]):
    """A list that equals another one in any order."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list) and sorted(self) == sorted(other)

    __hash__ = None
