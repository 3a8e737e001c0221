"""The issue function's processes killed with kill -9 while a queue is worked off: each request has one pass."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ministack import running
from support.passes import request
from support.processes import environment
from support.stack import CEREMONY, Stack, deploy

from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger

REQUESTS = 300
KILLS = 6


@pytest.fixture
def service(tmp_path: Path, package: Path) -> Iterator[Stack]:
    """A service of the test's own, whose queue hands out again after seconds."""
    with running(tmp_path) as ministack:
        stack = deploy(ministack, package, PublishRate="rate(1 day)")
        o = stack.outputs
        ministack.client("sqs").set_queue_attributes(QueueUrl=o["RequestsUrl"], Attributes={"VisibilityTimeout": "3"})
        subprocess.run(
            [
                sys.executable, "-m", "movepass_cli.main", "init", "--authority", tmp_path / "authority",
                "--ledger", f"dynamodb:{o['Table']}", "--repository", f"s3://{o['RepositoryBucket']}",
                "--pass-signer", f"awskms:{o['PassKeyArn']}", "--online-signer", f"awskms:{o['OnlineKeyArn']}",
            ], check=True, env=environment(stack.environment(CEREMONY)),
        )  # fmt: skip
        yield stack


def workers(parent: int) -> list[int]:
    """Find the processes that ministack runs functions in."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, _, rest = path.read_text().partition(" ")
            if rest.rpartition(") ")[2].split()[1] == str(parent):
                found.append(int(pid))
        except OSError:  # it has just ended
            continue
    return found


@pytest.mark.slow
def test_killed_while_the_queue_is_worked_off_each_request_has_one_pass(service: Stack) -> None:
    sqs, o, now = service.ministack.client("sqs"), service.outputs, int(time.time())
    for start in range(0, REQUESTS, 10):
        entries = [{"Id": str(n), "MessageBody": json.dumps(request(f"R-{n}", now))} for n in range(start, start + 10)]
        sqs.send_message_batch(QueueUrl=o["RequestsUrl"], Entries=entries)
    chance, killed = random.Random(1), 0
    given: dict[str, set[str | None]] = {}
    end, next_kill = time.monotonic() + 120, 0.0
    while len(given) < REQUESTS:
        assert time.monotonic() < end, f"{len(given)} of {REQUESTS}"
        if killed < KILLS and time.monotonic() > next_kill and (some := workers(service.ministack.pid)):
            os.kill(chance.choice(some), signal.SIGKILL)
            killed, next_kill = killed + 1, time.monotonic() + chance.uniform(0.1, 0.6)
        got = sqs.receive_message(QueueUrl=o["AnswersUrl"], MaxNumberOfMessages=10).get("Messages", [])
        for message in got:
            answer = json.loads(message["Body"])
            given.setdefault(answer["request_id"], set()).add(answer["text"])
            sqs.delete_message(QueueUrl=o["AnswersUrl"], ReceiptHandle=message["ReceiptHandle"])
    assert killed > 1
    assert {len(texts) for texts in given.values()} == {1}
    ledger = DynamoDbLedger(o["Table"], client=service.ministack.client("dynamodb"))
    found = ledger.find(list(given))
    assert {request_id: {entry.text} for request_id, entry in found.items()} == given
    assert len({entry.index for entry in found.values()}) == REQUESTS
