"""Run the service's functions in this process beside an issuer's: stream, queues and invocations as AWS brings them.

Ministack keeps table, stream and queues. What Lambda does between them is done here, so a test can break any of it: an
invocation that dies, a batch that comes twice, in another order or not at all.
"""

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from mangum import Mangum

from movepass_issuer.publishing.published import HEAD
from movepass_issuer.storage.s3_repository import S3Repository
from movepass_keys import signer_from_uri
from movepass_service.admission import Gate
from movepass_service.admission.dynamodb_line import DynamoDbLine
from movepass_service.aws.answers import AnswersFunction
from movepass_service.aws.decide import DecideFunction
from movepass_service.aws.handover import Handover
from movepass_service.aws.opening import CloudService, open_service
from movepass_service.aws.sequence import SequenceFunction, read_origin
from movepass_service.aws.settings import ServiceFunctionSettings
from movepass_service.aws.tidy import TidyFunction
from movepass_service.aws.web import web_settings
from movepass_service.rules import RuleSet
from movepass_service.site import make_app
from movepass_service.stores.dynamodb.document import Content, Document
from movepass_service.stores.dynamodb.store import DynamoDbStore
from support.cloud import Cloud, event, failed
from support.stack import read_template
from support.whole_stack import SERVICE_TEMPLATE

SITE = "https://pass.example"
FUNCTIONS = ("site", "decide", "sequence", "answers", "tidy")
MODES = ("before", "after", "throttled", "refused")
"""What may happen at a call: the process dies before or after it, it is throttled once, or it fails for good."""
_APART = 10
"""Calls from one fault to the next, at least."""
_ROUNDS_MAX = 60
_THROTTLED = {
    "dynamodb": "ProvisionedThroughputExceededException", "kms": "ThrottlingException", "sqs": "RequestThrottled",
    "lambda": "TooManyRequestsException", "s3": "SlowDown", "secretsmanager": "ThrottlingException",
}  # fmt: skip
_SLOW_DOWN = 503


class Killed(BaseException):
    """As if the process had been killed: nothing of ours may catch it."""


@dataclass
class Faults:
    """What happens to the functions' calls to AWS: one fault at each kind of call, over as many stories as it takes.

    An invocation that follows a failed one of the same function is spared: only what goes wrong for ever may not end.

    Attributes:
        mode: what happens.
        hit: the kinds of calls at which it happened, as "decide 4 dynamodb:PutItem": the fourth call of an invocation.
    """

    mode: str = "before"
    hit: dict[str, None] = field(default_factory=dict)
    _since: int = 0
    """Calls since the last fault."""
    _spared: set[str] = field(default_factory=set)
    _function: str = ""
    _place: int = 0
    _is_dead: bool = False
    _depth: int = 0
    """Above 0 while another function works that this one invoked."""

    @contextmanager
    def watched(self, function: str) -> Iterator[None]:
        """Let them happen to one invocation of a function. A process that dies raises Killed."""
        if function in self._spared:
            yield
            self._spared.remove(function)
            return
        make = BaseClient._make_api_call

        def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            return self.call(
                client.meta.service_model.service_name, operation, lambda: make(client, operation, parameters)
            )

        self._function, self._place, self._is_dead = function, 0, False
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", call)
            try:
                yield
            finally:
                self._function = ""
        if self._is_dead:  # whatever it was answered with meanwhile
            raise Killed

    def call(self, service: str, operation: str, do: Callable[[], Any]) -> Any:
        """Make a call, unless this is the place."""
        if self._depth or not self._function:
            return do()
        if self._is_dead:
            raise Killed
        self._since += 1
        self._place += 1
        kind = f"{self._function} {self._place} {service}:{operation}"
        is_here = kind not in self.hit and self._since > _APART
        if is_here:
            self._spared.add(self._function)
            self.hit[kind] = None
            self._since = 0
            if self.mode in {"throttled", "refused"}:
                raise _refusal(service, operation, is_throttled=self.mode == "throttled")
            self._is_dead = True
            if self.mode == "before":
                raise Killed
        self._depth += service == "lambda"
        try:
            done = do()
        finally:
            self._depth -= service == "lambda"
        if is_here:
            raise Killed
        return done


def _refusal(service: str, operation: str, *, is_throttled: bool) -> ClientError:
    code = _THROTTLED[service] if is_throttled else "AccessDeniedException"
    status = _SLOW_DOWN if code == "SlowDown" else 400
    answer: Any = {"Error": {"Code": code, "Message": "wanted"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


class _Functions:
    """A client for Lambda that invokes functions in this process."""

    def __init__(self, functions: Mapping[str, Callable[[Any], Any]]) -> None:
        self.meta = SimpleNamespace(endpoint_url="here", service_model=SimpleNamespace(service_id="Lambda"))
        self.faults: Faults | None = None
        self._functions = functions

    def invoke(self, FunctionName: str, Payload: bytes, InvocationType: str = "") -> dict[str, Any]:  # noqa: N803, ARG002 - boto3's
        def run() -> dict[str, Any]:
            told = self._functions[FunctionName](json.loads(Payload))
            return {"Payload": io.BytesIO(json.dumps(told).encode())}

        return self.faults.call("lambda", "Invoke", run) if self.faults else run()


class ServiceCloud:
    """The service beside an issuer, with a table and a request queue of its own.

    Attributes:
        faults: what happens to the functions' calls; nothing where there are none.
        twice: whether each batch and each message comes twice.
        reordered: whether batches come in the opposite order.
        dropped: the numbers of the stream's batches that never come, in the order in which they would.
        batches: how many batches of the stream there were.
    """

    def __init__(self, cloud: Cloud, rules: str) -> None:
        """Make the table and the queue, and put rules into force. What another log's head was is forgotten."""
        self.cloud = cloud
        S3Repository(cloud.settings.repository).delete(HEAD)
        name = f"service-{uuid4()}"
        self._tables = cloud.ministack.client("dynamodb")
        DynamoDbStore.create(name, client=self._tables, has_ttl=False)
        self.store = DynamoDbStore(name, client=self._tables)
        self.store.add_rules(RuleSet.from_toml(rules).version, rules, int(time.time()))
        secret = cloud.ministack.client("secretsmanager").create_secret(Name=name, SecretString="x" * 64)["ARN"]
        self._sqs = cloud.ministack.client("sqs")
        self.requests = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        self.settings = ServiceFunctionSettings.from_environment({
            "MOVEPASS_SERVICE_TABLE": name, "MOVEPASS_AUTHORITY": "Cloud", "MOVEPASS_TEST": "true",
            "MOVEPASS_URL": SITE, "MOVEPASS_SITE_SECRET": secret, "MOVEPASS_REPOSITORY": cloud.settings.repository,
            "MOVEPASS_SIGNER": cloud.online.signer, "MOVEPASS_REQUESTS": self.requests,
            "MOVEPASS_REVOKE_FUNCTION": "revoke", "MOVEPASS_DECIDE_FUNCTION": "decide",
            "MOVEPASS_SEQUENCE_FUNCTION": "sequence",
        })  # fmt: skip
        self.faults: Faults | None = None
        self.twice = self.reordered = False
        self.dropped: frozenset[int] = frozenset()
        self.batches = 0
        self.late = 0
        """Seconds by which the tidy function's clock is ahead."""
        issue, revoke = cloud.issue(), cloud.revoke()
        self._issue: Callable[[list[str]], list[str]] = lambda bodies: failed(issue(event(bodies), cloud.context))
        self._handed: dict[str, list[Any]] = {"decide": [], "sequence": []}
        self._functions = _Functions({
            "revoke": lambda wanted: revoke(wanted, cloud.context),
            "decide": self._handed["decide"].append,
            "sequence": self._handed["sequence"].append,
        })  # fmt: skip
        self._open: dict[str, Callable[[Any], Any]] = {}
        self._waiting: dict[str, list[list[dict[str, Any]]]] = {"decide": [], "sequence": []}
        self._stream = cloud.ministack.client("dynamodbstreams")
        self._iterators = self._begin_stream()
        self._filters = {function: _filter(resource) for function, resource in _STREAMED.items()}

    # ---- What people do

    def ask(self, method: str, path: str, document: Any = None, secret: str = "") -> tuple[int, dict[str, Any]]:
        """Send a request to the site until it is answered well, as a browser or a program does."""
        headers = {"host": "pass.example", "content-type": "application/json"}
        if secret:
            headers["authorization"] = f"Bearer {secret}"
        for _ in range(3):
            status, body = self._ask(method, path, json.dumps(document or {}) if method == "POST" else "", headers)
            if status < 500:
                return status, body
        raise AssertionError(f"{status} {body}")

    def _ask(self, method: str, path: str, body: str, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"}
        asked = {
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
            "requestContext": {"http": http, "stage": "$default", "domainName": "pass.example", "requestId": "r"},
            "body": body, "isBase64Encoded": False,
        }  # fmt: skip
        died, answer = self._invoke("site", asked)
        if died or answer is None:
            return 502, {}
        return answer["statusCode"], json.loads(answer["body"])

    # ---- What Lambda does

    def settle(self) -> None:
        """Let everything work until there is nothing left to do."""
        for _ in range(_ROUNDS_MAX):
            moved = self.follow_stream() | self._take_what_is_handed()
            moved |= self.bring_requests(self.cloud.taken(self.requests))
            moved |= self.bring_answers(self.cloud.taken(self.cloud.settings.answers))
            if not moved:
                return
        raise AssertionError("it never comes to rest")

    def tidy(self, event: Any = None, *, late: int) -> None:
        """Let the schedule ring twice: an invocation that fails is not repeated, the next one comes soon."""
        self.late = late
        for _ in range(2):
            self._invoke("tidy", event or {})
        self.settle()

    def bring_requests(self, messages: Sequence[Mapping[str, Any]]) -> bool:
        """Bring messages of the request queue to the issue function; returns whether there were any."""
        return self._bring_messages(messages, lambda records: self._issue([r["body"] for r in records]))

    def bring_answers(self, messages: Sequence[Mapping[str, Any]]) -> bool:
        """Bring the issuer's answers to their function; returns whether there were any."""
        return self._bring_messages(messages, self._note)

    def _note(self, records: Sequence[dict[str, Any]]) -> list[str]:
        died, answer = self._invoke("answers", {"Records": list(records)})
        if died or answer is None:
            return [record["messageId"] for record in records]
        return failed(answer)

    def _bring_messages(
        self, messages: Sequence[Mapping[str, Any]], function: Callable[[Sequence[dict[str, Any]]], list[str]]
    ) -> bool:
        found = [{"messageId": f"m-{n}", "body": m["Body"]} for n, m in enumerate(messages)]
        if self.twice and found:
            function(found)
        waiting = list(reversed(found)) if self.reordered else found
        for _ in range(_ROUNDS_MAX):
            if not waiting:
                break
            again = set(function(waiting))
            waiting = [record for record in waiting if record["messageId"] in again]
        assert not waiting, "messages come again and again"
        return bool(found)

    def _take_what_is_handed(self) -> bool:
        """Invoke functions with what another one handed over, three times at most, as Lambda does."""
        handed = [(function, wanted) for function, some in self._handed.items() for wanted in some]
        for some in self._handed.values():
            some.clear()
        for function, wanted in handed:
            any(self._invoke(function, wanted)[1] is not None for _ in range(3))
        return bool(handed)

    def follow_stream(self) -> bool:
        """Bring what is new in the stream; returns whether there was anything."""
        records = self._new_records()
        for function, wants in self._filters.items():
            if batch := [record for record in records if wants(record)]:
                if self.batches not in self.dropped:
                    self._waiting[function].append(batch)
                self.batches += 1
        for function in sorted(self._waiting, reverse=self.reordered):
            waiting, self._waiting[function] = self._waiting[function], []
            for batch in waiting:
                self._bring(function, list(reversed(batch)) if self.reordered else batch)
                if self.twice:
                    self._bring(function, batch)
        return bool(records)

    def _bring(self, function: str, batch: list[dict[str, Any]]) -> None:
        """Bring a batch of the stream until it is done: of one that fails in part, all from the first failure on."""
        left = batch
        for _ in range(_ROUNDS_MAX):
            died, answer = self._invoke(function, {"Records": left})
            if died or answer is None:
                continue
            again = failed(answer) if "batchItemFailures" in answer else []
            if not again:
                return
            ids = [record["dynamodb"]["SequenceNumber"] for record in left]
            left = left[min(map(ids.index, again)) :]
        raise AssertionError("a batch comes again and again")

    def _invoke(self, function: str, event: Any) -> tuple[bool, Any]:
        """Invoke a function; returns whether it died, and its answer, which is None where it raised."""
        self._functions.faults = self.faults
        try:
            with self.faults.watched(function) if self.faults else nullcontext():
                if function not in self._open:
                    self._open[function] = self._begin(function)
                return False, self._open[function](event)
        except Killed:
            self._open.pop(function, None)
            return True, None
        except Exception:
            if self.faults is None:
                raise
            return False, None

    def _begin(self, function: str) -> Callable[[Any], Any]:
        """Begin a process of a function."""
        if function == "site":
            service = open_service(self.settings)
            gate = Gate(DynamoDbLine(self.settings.table), service.line_key, self.settings.line)
            site = Mangum(make_app(service, web_settings(self.settings, has_cache=True), gate=gate), lifespan="off")
            return lambda asked: site(asked, self.cloud.context)  # type: ignore[arg-type] # as much of one as it needs
        if function == "sequence":
            signer, origin = (
                signer_from_uri(self.settings.signer),
                read_origin(self.settings.repository, self.settings.region),
            )
            made: Any = SequenceFunction(self._new_store(), signer, origin, self.settings, functions=self._functions)
        elif function == "answers":
            made = AnswersFunction(self._new_store())
        elif function == "decide":
            made = DecideFunction(self.core())
        else:
            made = TidyFunction(
                self.core(),
                S3Repository(self.settings.repository),
                self.cloud.ledger(),
                Handover("decide", "sequence", client=self._functions),
                clock=lambda: time.time() + self.late,
            )
        return lambda asked: made(asked, self.cloud.context)

    def core(self) -> CloudService:
        """Open the service's core."""
        return open_service(self.settings)

    def _new_store(self) -> DynamoDbStore:
        return DynamoDbStore(self.settings.table)

    def _begin_stream(self) -> list[str]:
        arn = self._tables.describe_table(TableName=self.settings.table)["Table"]["LatestStreamArn"]
        shards = self._stream.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        return [
            self._stream.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            for shard in shards
        ]  # fmt: skip

    def _new_records(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for place in range(len(self._iterators)):
            while True:
                read = self._stream.get_records(ShardIterator=self._iterators[place], Limit=1000)
                self._iterators[place] = read["NextShardIterator"]
                found += read["Records"]
                if not read["Records"]:
                    break
        return found

    # ---- What must be so

    def applications(self) -> list[tuple[Content, Document]]:
        """Read all applications."""
        return list(self.store._all())

    def places_in_log(self) -> list[tuple[int, int]]:
        """Return whose leaves the log has: the number of the application, and of its event."""
        return [place for chunk in self.store._log.chunks(0, self.store.log_size()) for place in chunk.places]


_STREAMED = {"decide": "DecideFunction", "sequence": "SequenceFunction"}


def _filter(resource: str) -> Callable[[Mapping[str, Any]], bool]:
    """Return the filter that the template gives a function's stream."""
    (source,) = read_template(SERVICE_TEMPLATE)["Resources"][resource]["Properties"]["Events"].values()
    (pattern,) = source["Properties"]["FilterCriteria"]["Filters"]
    wanted = json.loads(pattern["Pattern"])["dynamodb"]["Keys"]["sk"]["S"]
    return lambda record: record["dynamodb"]["Keys"]["sk"]["S"] in wanted
