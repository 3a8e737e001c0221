"""Run an authority on AWS for tests that call the functions in their own process: bucket, table, keys, queues."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from movepass_issuer.authority.creation import Elsewhere, create_authority
from movepass_issuer.authority.folder import Authority
from movepass_issuer.aws.issue import IssueFunction
from movepass_issuer.aws.publish import PublishFunction
from movepass_issuer.aws.revoke import RevokeFunction
from movepass_issuer.aws.settings import FunctionSettings
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_keys.records.layout import PACKS_FOLDER, TIMESTAMP
from movepass_verifier import Device
from support.ministack import REGION, Ministack

ATTEMPTS = 3


@dataclass
class Context:
    """The context that Lambda passes to a handler besides the event."""

    left: float = 60.0
    aws_request_id: str = "invocation"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left * 1000)


@dataclass
class Cloud:
    """An authority on AWS; the environment must let boto3 find ministack."""

    ministack: Ministack
    authority: Authority
    settings: FunctionSettings
    online: FunctionSettings
    bucket: str
    context: Context = field(default_factory=Context)

    @classmethod
    def create(cls, ministack: Ministack, folder: Path, now: int | None = None) -> "Cloud":
        (made,) = cls._create(ministack, folder, 1, now)
        return made

    @classmethod
    def pair(cls, ministack: Ministack, folder: Path) -> "tuple[Cloud, Cloud]":
        """Make one authority's two regions; the desk belongs to the first."""
        one, two = cls._create(ministack, folder, 2)
        return one, two

    @classmethod
    def _create(cls, ministack: Ministack, folder: Path, count: int, now: int | None = None) -> "list[Cloud]":
        names = [f"cloud-{uuid4()}" for _ in range(count)]
        for name in names:
            DynamoDbLedger.create(name, client=ministack.client("dynamodb"))
            ministack.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        passes, online = ([f"awskms:{ministack.key()}" for _ in names] for _ in range(2))
        peers = [
            f"{number},arn:aws:dynamodb:{REGION}:000000000000:table/{name},arn:aws:s3:::{name}"
            for number, name in enumerate(names)
        ]
        authority = create_authority(
            folder / "authority", name="Cloud", test=True, now=now,
            elsewhere=Elsewhere(
                f"dynamodb:{names[0]}", f"s3://{names[0]}", tuple(passes), tuple(online), tuple(peers[1:])
            ),
        )  # fmt: skip
        made = []
        for number, name in enumerate(names):
            urls = [
                ministack.client("sqs").create_queue(QueueName=f"{kind}-{name}")["QueueUrl"]
                for kind in ("answers", "dead")
            ]
            variables = {
                "TABLE": name, "REPOSITORY": f"s3://{name}", "ANSWERS": urls[0], "DEAD_LETTERS": urls[1],
                "ATTEMPTS": str(ATTEMPTS), "REGION_NUMBER": str(number), "REGION_COUNT": str(count),
                "PEERS": " ".join(peer for n, peer in enumerate(peers) if n != number),
            }  # fmt: skip
            settings, for_publisher = (
                FunctionSettings.from_environment(
                    {f"MOVEPASS_{k}": v for k, v in (variables | {"SIGNER": signer}).items()}
                )
                for signer in (passes[number], online[number])
            )
            made.append(cls(ministack, authority, settings, for_publisher, name))
        return made

    def issue(self) -> IssueFunction:
        """Open the function again, as a new process would."""
        return IssueFunction.open(self.settings)

    def revoke(self) -> RevokeFunction:
        return RevokeFunction.open(self.settings)

    def publish(self) -> PublishFunction:
        return PublishFunction.open(self.online)

    def ledger(self) -> DynamoDbLedger:
        return DynamoDbLedger(self.settings.table, client=self.ministack.client("dynamodb"))

    def answers(self) -> list[dict[str, Any]]:
        """Take everything from the answers queue."""
        return [json.loads(message["Body"]) for message in self.taken(self.settings.answers)]

    def dead(self) -> list[dict[str, Any]]:
        """Take everything from the dead letters: their bodies, kinds and reasons."""
        return [
            {"body": m["Body"]} | {name: value["StringValue"] for name, value in m["MessageAttributes"].items()}
            for m in self.taken(self.settings.dead_letters)
        ]

    def taken(self, url: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while some := take_ten(self.ministack.client("sqs"), url):
            found += some
        return found

    def mirror(self, folder: Path) -> Path:
        """Copy the publication into a folder; existing files never change, except the timestamp and packs."""
        s3 = self.ministack.client("s3")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for listed in page.get("Contents", []):
                path = folder / listed["Key"]
                if path.exists() and listed["Key"] != TIMESTAMP and not listed["Key"].startswith(f"{PACKS_FOLDER}/"):
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(s3.get_object(Bucket=self.bucket, Key=listed["Key"])["Body"].read())
        return folder

    def enroll(self, store: Path) -> None:
        Device.enroll(store, root=self.authority.root_path.read_bytes(), sources=["nowhere"])


def take_ten(sqs: Any, url: str) -> list[dict[str, Any]]:
    """Take at most ten messages from a queue with a client, in two calls, as Lambda does."""
    found: list[dict[str, Any]] = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages", [])  # fmt: skip
    if found:
        taken = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(found)]
        sqs.delete_message_batch(QueueUrl=url, Entries=taken)
    return found


def event(bodies: Iterable[str], attempt: int = 1) -> dict[str, Any]:
    """Write what Lambda makes of messages in a queue."""
    records = [
        {"messageId": f"m-{n}", "body": body, "attributes": {"ApproximateReceiveCount": str(attempt)}}
        for n, body in enumerate(bodies)
    ]
    return {"Records": records}


def failed(answer: dict[str, Any]) -> list[str]:
    """Return the messages that must come again."""
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]
