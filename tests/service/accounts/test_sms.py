"""Text messages through SNS: to mobile numbers of Bangladesh only, after the budgets, and failures in words."""

import json
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

import boto3
import pytest
from support.ministack import REGION, Ministack

from movepass_service.accounts import Accounts, Budgets, SmsError, TooManyCodes
from movepass_service.accounts.sms import SnsGateway
from movepass_service.stores.dynamodb.numbers import DynamoDbNumbers
from movepass_service.stores.dynamodb.store import DynamoDbStore

NOW = 1_795_802_400 + 3600
_numbers = iter(range(10_000_000))


@pytest.fixture
def phone() -> str:
    return f"+88018{next(_numbers):08}"


@pytest.fixture
def accounts(ministack: Ministack) -> Accounts:
    client = ministack.client("dynamodb")
    table = f"service-{uuid4()}"
    DynamoDbStore.create(table, client=client, has_ttl=False)
    gateway = SnsGateway(client=ministack.client("sns"))
    return Accounts(DynamoDbNumbers(table, client=client), gateway, Budgets(number=2, pause_s=0))


def sent(ministack: Ministack, phone: str) -> list[str]:
    """Return the messages that SNS took for a number."""
    with urlopen(f"{ministack.url}/_ministack/sns/sms-messages?region={REGION}") as answer:
        read: Any = json.load(answer)
    kept = json.dumps(read)
    assert isinstance(read, dict), kept
    records = next(value for value in read.values() if isinstance(value, dict)).get(phone, [])
    return [record.get("Message", record.get("message")) for record in records]


def test_a_code_goes_through_sns_until_the_budget_is_spent(
    accounts: Accounts, ministack: Ministack, phone: str
) -> None:
    for _ in range(2):
        challenge = accounts.send_code(phone, lambda prefix, code: f"{prefix}-{code}", now=NOW)
    with pytest.raises(TooManyCodes):
        accounts.send_code(phone, lambda prefix, code: f"{prefix}-{code}", now=NOW)
    messages = sent(ministack, phone)
    assert len(messages) == 2
    token = accounts.sign_in(challenge.id, messages[-1][-6:], now=NOW)
    assert accounts.phone_of(token, now=NOW) == phone


@pytest.mark.parametrize("number", ["+447700900123", "+8802123456", "01812345678", "+88018123456789", "+880181234567a"])
def test_other_numbers_are_refused(ministack: Ministack, number: str) -> None:
    with pytest.raises(SmsError, match="Bangladesh") as refused:
        SnsGateway(client=ministack.client("sns")).send(number, "text")
    assert number not in str(refused.value)


def test_what_sns_refuses_is_said_without_the_number(ministack: Ministack, phone: str) -> None:
    key, secret = ministack.user(f"nobody-{uuid4()}", "dynamodb:GetItem")
    client = boto3.client(
        "sns", endpoint_url=ministack.url, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret
    )
    with pytest.raises(SmsError, match=r"AccessDenied|AuthorizationError") as refused:
        SnsGateway(client=client).send(phone, "text")
    assert phone not in str(refused.value)
