"""Counts on the wire what an application asks of AWS, from its POST to its pass: calls, units of DynamoDB, costs.

python tools/bench/aws_application.py [DOCS]

The service's functions and the issuer's run in this process, and a proxy before ministack counts all that they ask
for. The queues are read as Lambda reads them, and that counts too, because AWS charges the account for it. What Lambda
reads from the table's stream is free of charge (DynamoDB pricing, "DynamoDB Streams") and does not count.
"""

import math
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import boto3
from aws_load import ROUNDS, STANDARD_BATCH, root_environment
from page import table, update
from support.applications import APPROVE_ALL
from support.cloud import Cloud, take_ten
from support.counting import Tally, counting
from support.ministack import Ministack, running
from support.service_cloud import ServiceCloud
from support.sites import whole_application

from movepass_issuer.aws import opening
from movepass_service.admission import gate
from movepass_service.applications.states import State
from movepass_service.stores.dynamodb import store
from movepass_wire.times import iso

CALLS_MAX = 8.0
WRITE_UNITS_MAX = 12.0
"""For an application, in batches of STANDARD_BATCH."""
PAGES = ("aws.md", "benchmarks.md")
POST, DECIDE, SEQUENCE, ASK, ISSUE = "site: a POST", "decide", "sequence", "request queue, read", "issue"
READ, NOTE, SEQUENCE_AGAIN = "answers queue, read", "answers", "sequence, the pass"
_QUEUE_CALLS = {"SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessageBatch"}
_USD: Mapping[str, float] = {"sign": 15.0, "write unit": 0.7625, "read unit": 0.1525, "call of SQS": 0.40}
"""List prices of a million in eu-central-1, November 2026: KMS (ECC), DynamoDB on demand, SQS (standard)."""
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Share:
    """The calls that one step, or all of them, made to AWS for some applications.

    Attributes:
        step: its name.
        applications: how many.
        calls: for each operation.
        write_units: of DynamoDB.
        read_units: of DynamoDB.
    """

    step: str
    applications: int
    calls: Mapping[str, int]
    write_units: float
    read_units: float

    @property
    def calls_each(self) -> float:
        """Calls an application."""
        return sum(self.calls.values()) / self.applications

    @property
    def write_units_each(self) -> float:
        """Write units an application."""
        return self.write_units / self.applications

    def costs(self) -> dict[str, float]:
        """Return what a million applications cost, in USD at list prices, by what is charged."""
        queued = sum(count for name, count in self.calls.items() if name in _QUEUE_CALLS)
        counted = {
            "sign": self.calls.get("Sign", 0), "write unit": self.write_units, "read unit": self.read_units,
            "call of SQS": queued,
        }  # fmt: skip
        return {name: count / self.applications * _USD[name] for name, count in counted.items()}


@dataclass(slots=True)
class _Steps:
    """Counts what passes the proxy in each step."""

    tally: Tally
    calls: dict[str, Counter[str]] = field(default_factory=dict)
    units: dict[str, tuple[float, float]] = field(default_factory=dict)

    @contextmanager
    def counted(self, name: str) -> Iterator[None]:
        """Count what is asked for in the block."""
        self.tally.clear()
        yield
        writes, reads = self.units.get(name, (0.0, 0.0))
        self.units[name] = writes + self.tally.write_units, reads + self.tally.read_units
        self.calls[name] = self.calls.get(name, Counter()) + self.tally.calls

    def shares(self, applications: int) -> list[Share]:
        """Return what each step asked for."""
        return [Share(name, applications, calls, *self.units[name]) for name, calls in self.calls.items()]


def shares(size: int = STANDARD_BATCH, rounds: int = ROUNDS) -> list[Share]:
    """Count what warm functions ask of AWS for batches of applications, step by step.

    Left out is what does not grow with the applications, but with time: the issuer's keys, read again each minute, the
    lease of a block of indexes, the rules in force, read again after 5 seconds, and the line's counters, which a
    process tells the table every 10 seconds, or every second while many come.
    """
    with _cloud() as (cloud, tally):
        service = ServiceCloud(cloud, APPROVE_ALL)
        _play(service, _Steps(tally), "first", size)
        steps = _Steps(tally)
        for number in range(rounds):
            _play(service, steps, f"batch-{number}", size)
        return steps.shares(size * rounds)


def floor(rounds: int = ROUNDS) -> Share:
    """Count the least that a pass can take: one write, one signature, one message."""
    with _cloud() as (cloud, tally):
        tables, keys, queues = (boto3.client(name) for name in ("dynamodb", "kms", "sqs"))
        key = cloud.settings.signer.removeprefix("awskms:")
        tally.clear()
        for number in range(rounds):
            item = {"pk": {"S": f"FLOOR#{number}"}, "sk": {"S": "-"}, "text": {"B": bytes(600)}}
            tables.put_item(TableName=cloud.settings.table, Item=item)
            keys.sign(KeyId=key, Message=b"m" * 160, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256")
            queues.send_message(QueueUrl=cloud.settings.answers, MessageBody="m" * 500)
        return Share("floor", rounds, Counter(tally.calls), tally.write_units, tally.read_units)


@contextmanager
def _cloud() -> Iterator[tuple[Cloud, Tally]]:
    with (
        tempfile.TemporaryDirectory() as temporary,
        running(Path(temporary), auth=False) as ministack,
        counting(ministack) as tally,
        patch.object(opening, "KEYS_SECONDS", math.inf),
        patch.object(store, "_RULES_SECONDS", math.inf),
        patch.object(gate, "QUIET_S", math.inf),
        patch.dict(os.environ, _environment(ministack, tally)),
    ):
        yield Cloud.create(ministack, Path(temporary)), tally


def _environment(ministack: Ministack, tally: Tally) -> dict[str, str]:
    return root_environment(ministack) | {"AWS_ENDPOINT_URL": tally.url}


def _play(service: ServiceCloud, steps: _Steps, name: str, size: int) -> None:
    """Let so many people apply, and carry their applications on until they have passes."""
    queues = boto3.client("sqs")
    documents = [_document(f"{name}-{number}") for number in range(size)]
    with steps.counted(POST):
        receipts = [service.ask("POST", "/api/applications", document) for document in documents]
    for step in (DECIDE, SEQUENCE):
        with steps.counted(step):
            service.follow_stream()
    with steps.counted(ASK):
        requests = take_ten(queues, service.requests)
    with steps.counted(ISSUE):
        service.bring_requests(requests)
    with steps.counted(READ):
        answers = take_ten(queues, service.cloud.settings.answers)
    with steps.counted(NOTE):
        service.bring_answers(answers)
    with steps.counted(SEQUENCE_AGAIN):
        service.follow_stream()
    found = service.store.find_many([said["reference"] for _, said in receipts]).values()
    states = {str(status) for status, _ in receipts} | {str(kept.state) for kept in found}
    before = service.batches
    service.follow_stream()
    if states != {"202", State.ISSUED} or service.batches != before:
        raise RuntimeError(f"of {size} applications not all have their pass: {states}")


def _document(name: str) -> dict[str, object]:
    """Write an application of a person of its own, whose pass counts towards quotas."""
    begin = int(time.time()) // 60 * 60 + _HOUR
    number = f"{int.from_bytes(name.encode()) % 10**10:010}"
    return whole_application(
        holder={"name": "Rahima Khatun", "id_type": "nid", "id_number": number}, reason="groceries",
        not_before=iso(begin), not_after=iso(begin + 2 * _HOUR),
    )  # fmt: skip


# What is written


def together(found: Sequence[Share]) -> Share:
    """Add steps up."""
    calls: Counter[str] = Counter()
    for share in found:
        calls.update(share.calls)
    units = sum(share.write_units for share in found), sum(share.read_units for share in found)
    return Share("from POST to pass", found[0].applications if found else 1, calls, *units)


def tables(found: Sequence[Share], least: Share | None) -> dict[str, str]:
    """Write the tables of the pages."""
    if least is None:
        return {"aws-application": table(("ministack is not installed",), []), "aws-costs": ""}
    whole = together(found)
    rows = [
        (
            share.step,
            f"{share.calls_each:.3g}",
            ", ".join(f"{name} {count / share.applications:.3g}" for name, count in Counter(share.calls).most_common()),
            f"{share.write_units_each:.3g}",
            f"{share.read_units / share.applications:.3g}",
        )
        for share in (*found, whole, least)
    ]
    head = ("for an application", "calls", "which", "write units", "read units")
    costs = [
        (share.step, *(f"{usd:.2f}" for usd in share.costs().values()), f"{sum(share.costs().values()):.2f}")
        for share in (whole, least)
    ]
    charged = ("a million applications, USD", "signatures", "writes", "reads", "queues", "together")
    return {"aws-application": table(head, rows), "aws-costs": table(charged, costs)}


def main() -> int:
    """Print the tables, and put them into the pages of a folder."""
    found = tables(shares(), floor())
    print("\n\n".join(found.values()))
    for page in PAGES if len(sys.argv) > 1 else ():
        update(Path(sys.argv[1]) / page, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
