"""The tidy function beside another region: what it copies, revokes and adopts, and what operators may ask for."""

import io
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.applications import decision, draft, form, run
from support.ministack import REGION, Ministack
from support.stack import ACCOUNT

from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_issuer.storage.folder_repository import FolderRepository
from movepass_service.applications.application import read_application
from movepass_service.applications.references import Secrets
from movepass_service.applications.states import State
from movepass_service.aws.events import UnknownEventError
from movepass_service.aws.handover import Handover
from movepass_service.aws.opening import CloudService
from movepass_service.aws.other_region import OtherRegion
from movepass_service.aws.revoking import NotFollowedError, Revocations
from movepass_service.aws.settings import FunctionSettingsError, Peer, ServiceFunctionSettings
from movepass_service.aws.tidy import TidyFunction
from movepass_service.stores.dynamodb.regional import Neighbour, RegionalStore
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.store import Issued

NAME, NUMBER = "0000-0000-0001", "A1B-2C3-D4E"
NOW = int(time.time())


class Lambda:
    """Stands in for the issuer's revoke function.

    Attributes:
        asked: what it was invoked with.
        fails: whether it raises.
    """

    meta = None

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.fails = False

    def invoke(self, *, FunctionName: str, Payload: bytes, InvocationType: str = "") -> dict[str, Any]:  # noqa: N803 - boto3's
        if InvocationType == "Event":  # what a sweep hands over
            assert FunctionName != "revoke"
            return {}
        self.asked.append(json.loads(Payload))
        answer = [{**one, "revoked_at": NOW} for one in self.asked[-1]]
        return {"Payload": io.BytesIO(json.dumps(answer).encode())} | ({"FunctionError": "x"} if self.fails else {})


class Region:
    """A region's tidy function with its store."""

    def __init__(self, store: RegionalStore, folder: Path, ledger: DynamoDbLedger) -> None:
        self.store = store
        self.functions = Lambda()
        service = CloudService(store, Secrets(b"x" * 32), name="Demo", is_test=True, regional=store)
        other = OtherRegion(store, Revocations("revoke", client=self.functions))
        repository, handover = FolderRepository.create(folder), Handover("decide", "sequence", client=self.functions)
        self._tidy = TidyFunction(service, repository, ledger, handover, other)

    def tidy(self, event: object = None) -> dict[str, int]:
        return self._tidy(event, None)

    def issue(self) -> None:
        kept = self.store.find_many([NAME])[NAME]
        self.store.record_issued([Issued(kept.number, 0, NUMBER, "text", 20_000, 7, b"keyid123")], NOW)


@pytest.fixture
def regions(ministack: Ministack, tmp_path: Path) -> tuple[Region, Region]:
    """Two regions, the first of which took an application and approved it; the second has its copy."""
    client = ministack.client("dynamodb")
    tables = [f"region-{number}-{uuid4()}" for number in (0, 1)]
    for table in tables:
        DynamoDbStore.create(table, client=client)
    neighbours = [Neighbour(number, DynamoDbStore(tables[number], client=client)) for number in (0, 1)]
    one, two = (RegionalStore(tables[n], n, [neighbours[1 - n]], client=client) for n in (0, 1))
    application = read_application(form(NOW), now=NOW)
    run(one.submit([draft(application, client=b"client", reference=NAME)], NOW))
    one.decide([NAME], lambda *_: decision("approve"), NOW)
    ledger = DynamoDbLedger("not-asked", client=client)  # as no keys are published
    return Region(one, tmp_path / "one", ledger), Region(two, tmp_path / "two", ledger)


def test_an_operator_lets_a_region_adopt_what_was_open_in_a_lost_one(regions: tuple[Region, Region]) -> None:
    _, two = regions
    assert two.tidy({"adopt": 0}) == {"adopted": 1}
    assert two.tidy({"adopt": 0}) == {"adopted": 0}
    assert two.store.counts_by_state() == {State.RECEIVED: 1}


def test_a_region_that_is_back_is_told_and_revokes_its_strays_once(regions: tuple[Region, Region]) -> None:
    one, two = regions
    one.issue()
    two.tidy({"adopt": 0})
    one.tidy()  # the hourly look through the table, before it is told
    assert one.functions.asked == []
    told = two.tidy()
    assert (told["uncopied"], told["strays"]) == (0, 0)
    assert one.tidy({"strays": True}) == {"strays": 1}
    assert one.functions.asked == [[{"pass_number": NUMBER, "reason": "another region has adopted the application"}]]
    assert one.tidy({"strays": True}) == {"strays": 0}
    assert two.functions.asked == []


def test_a_stray_that_can_not_be_revoked_stays_noted(regions: tuple[Region, Region]) -> None:
    one, two = regions
    two.tidy({"adopt": 0})
    two.tidy()
    kept = two.store.find_many([NAME])[NAME]
    one.store.record_issued([Issued(kept.number, 0, NUMBER, "text", 20_000, 7, b"keyid123")], NOW)
    one.functions.fails = True
    with pytest.raises(NotFollowedError):
        one.tidy()
    one.functions.fails = False
    assert one.tidy()["strays"] == 1


@pytest.mark.parametrize(
    "event", [{"adopt": 1}, {"adopt": 7}, {"adopt": "0"}, {"adopt": True}, {"adopt": 0, "strays": True}, {"strays": 1}]
)
def test_what_an_operator_can_not_mean_is_refused(regions: tuple[Region, Region], event: Any) -> None:
    _, two = regions
    with pytest.raises(UnknownEventError):
        two.tidy(event)
    assert two.store.counts_by_state() == {}


def test_one_region_alone_adopts_nothing(ministack: Ministack, tmp_path: Path) -> None:
    client = ministack.client("dynamodb")
    table = f"alone-{uuid4()}"
    DynamoDbStore.create(table, client=client)
    alone = CloudService(DynamoDbStore(table, client=client), Secrets(b"x" * 32), name="Demo", is_test=True)
    repository, ledger = FolderRepository.create(tmp_path / "alone"), DynamoDbLedger("not-asked", client=client)
    tidy = TidyFunction(alone, repository, ledger, Handover("decide", "sequence", client=Lambda()))
    with pytest.raises(UnknownEventError, match="no other region"):
        tidy({"adopt": 0}, None)


def environment(**changes: str) -> dict[str, str]:
    plain = {"SERVICE_TABLE": "t", "AUTHORITY": "Demo", "TEST": "true"}
    return {f"MOVEPASS_{name}": value for name, value in (plain | changes).items()}


ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/other"


def test_settings_name_the_other_region() -> None:
    read = ServiceFunctionSettings.from_environment(environment(REGION_NUMBER="1", SERVICE_PEERS=f"0,{ARN}"))
    assert (read.region, read.peers) == (1, (Peer(0, ARN),))
    assert ServiceFunctionSettings.from_environment(environment()).peers == ()


@pytest.mark.parametrize(
    "changes", [{"SERVICE_PEERS": f"0,{ARN}"}, {"SERVICE_PEERS": "1,other"}, {"REGION_NUMBER": "one"}]
)
def test_settings_that_name_no_other_region_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(FunctionSettingsError):
        ServiceFunctionSettings.from_environment(environment(**changes))
