"""A region's functions of the service, called in this process as AWS calls them: by the HTTP API, stream and queue."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from movepass_service.aws.answers import AnswersFunction
from movepass_service.aws.decide import DecideFunction
from movepass_service.aws.opening import open_service
from movepass_service.aws.sequence import SequenceFunction
from movepass_service.aws.settings import ServiceFunctionSettings
from movepass_service.aws.site import open_site
from movepass_service.aws.tidy import TidyFunction
from movepass_service.errors import ServiceError
from movepass_service.stores.dynamodb.homes import Home, HomeItems, is_given_up
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.dynamodb.table import Table
from movepass_service.stores.kept import Kept
from support.stack import Stack

URL = "https://pass.example"
BATCH = 100
"""Records of the stream that a function is handed at once."""
TRIES = 20
"""Of a batch; on AWS it comes again for a day."""
ACCOUNT = "000000000000"


class Office:
    """The functions of one region, each a process's worth, and what an operator sees.

    Attributes:
        number: the region's.
    """

    def __init__(self, number: int, stack: Stack, table: str, peer: tuple[str, str], secret: str, direct: Any) -> None:
        """Open the functions.

        Args:
            number: the region's.
            stack: the issuer's, deployed there.
            table: of applications, there.
            peer: the other region's AWS name and its table.
            secret: the name of the site's secret.
            direct: a DynamoDB client of boto3's that reaches the region's table past what it loses.
        """
        self.number = number
        self._stack = stack
        self._sqs = stack.ministack.client("sqs")
        self._table = Table(table, client=direct)
        self._direct = DynamoDbStore(table, client=direct)
        other = f"{1 - number},arn:aws:dynamodb:{peer[0]}:{ACCOUNT}:table/{peer[1]}"
        settings = ServiceFunctionSettings.from_environment(
            {
                "MOVEPASS_SERVICE_TABLE": table, "MOVEPASS_AUTHORITY": "Regions", "MOVEPASS_TEST": "true",
                "MOVEPASS_URL": URL, "MOVEPASS_SITE_SECRET": secret,
                "MOVEPASS_REPOSITORY": f"s3://{stack.outputs['RepositoryBucket']}",
                "MOVEPASS_SIGNER": f"awskms:{stack.outputs['OnlineKeyArn']}",
                "MOVEPASS_REQUESTS": stack.outputs["RequestsUrl"], "MOVEPASS_LEDGER": stack.outputs["Table"],
                "MOVEPASS_REVOKE_FUNCTION": stack.outputs["RevokeFunctionName"],
                "MOVEPASS_REGION_NUMBER": str(number), "MOVEPASS_SERVICE_PEERS": other,
            }
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", stack.ministack.url)
            patch.setenv("AWS_DEFAULT_REGION", stack.ministack.region)
            patch.setenv("AWS_ACCESS_KEY_ID", "test")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
            self._site = open_site(settings)
            self._decide = DecideFunction(open_service(settings))
            self._sequence = SequenceFunction.open(settings)
            self._answers = AnswersFunction.open(settings)
            self._tidy = TidyFunction.open(settings)

    def ask(
        self, method: str, path: str, document: Any = None, secret: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Send a request to the site's API, as API Gateway hands it over; returns its status and what it says."""
        headers = {"host": urlsplit(URL).netloc, "content-type": "application/json"}
        if secret:
            headers["authorization"] = f"Bearer {secret}"
        http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"}
        event = {
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
            "requestContext": {"http": http, "domainName": headers["host"], "stage": "$default", "timeEpoch": 0},
            "isBase64Encoded": False,
        } | ({} if document is None else {"body": json.dumps(document)})  # fmt: skip
        answer = self._site(event, None)  # type: ignore[arg-type] # the context is not looked at
        return answer["statusCode"], json.loads(answer["body"])

    def decide(self, names: Iterable[str]) -> None:
        """Hand what came to the rules, in the stream's batches."""
        for records in _batches(names, "C"):
            _until_done(self._decide, records)

    def sequence(self, names: Iterable[str]) -> None:
        """Hand what changed to the log's function."""
        for records in _batches(names, "S"):
            _until_done(self._sequence, records)

    def take_answers(self) -> list[str]:
        """Hand the issuer's answers to their function, then to the log's; returns the applications."""
        url = self._stack.outputs["AnswersUrl"]
        answers: dict[str, Any] = {}
        for _ in range(BATCH // 10):
            found = self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            answers |= {message["MessageId"]: message for message in found}
            if len(found) < 10:
                break
        records = [{"messageId": id_, "body": message["Body"]} for id_, message in answers.items()]
        if not records:
            return []
        _until_done(self._answers, {"Records": records})
        names = [json.loads(message["Body"])["request_id"].partition(".")[0] for message in answers.values()]
        self.sequence(names)
        done = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(answers.values())]
        for start in range(0, len(done), 10):
            self._sqs.delete_message_batch(QueueUrl=url, Entries=done[start : start + 10])
        return names

    def tidy(self, event: object = None) -> dict[str, int]:
        """Let the tidy function do what is due, or what an operator asks for."""
        return self._tidy(event, None)

    def own(self, names: Iterable[str]) -> dict[str, Kept]:
        """Read the applications of some that this region is the home of, past what is lost."""
        found = self._direct.find_many(list(names))
        homes = self.homes(found)
        return {name: kept for name, kept in found.items() if not is_given_up(homes.get(name), self.number)}

    def homes(self, names: Iterable[str]) -> Mapping[str, Home]:
        """Read what the region keeps of applications of another region's, and of adopted ones, past what is lost."""
        return HomeItems(self._table).find(list(names))


def _until_done(function: Callable[[Any, Any], Any], records: dict[str, Any]) -> None:
    """Hand a batch to a function, again where it fails, as Lambda does."""
    for _ in range(TRIES):
        with suppress(ServiceError):
            if not function(records, None).get("batchItemFailures"):
                return
        time.sleep(1)
    raise AssertionError(f"a batch failed {TRIES} times")


def _batches(names: Iterable[str], what: str) -> Iterable[dict[str, Any]]:
    """Write the records that the stream has of applications, in batches."""
    listed = list(names)
    for start in range(0, len(listed), BATCH):
        keys = [{"pk": {"S": f"A#{name}"}, "sk": {"S": what}} for name in listed[start : start + BATCH]]
        yield {
            "Records": [
                {"eventName": "MODIFY", "dynamodb": {"Keys": key, "SequenceNumber": str(n)}}
                for n, key in enumerate(keys)
            ]
        }


def at_once(threads: int) -> ThreadPoolExecutor:
    """Return threads in which sites can be asked: each has an event loop, as a process of Lambda's has."""
    return ThreadPoolExecutor(threads, initializer=lambda: asyncio.set_event_loop(asyncio.new_event_loop()))
