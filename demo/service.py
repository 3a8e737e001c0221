"""Plays the issuing service on AWS, on this machine, and fails if anything is not as expected.

Ministack plays AWS: it runs the template's functions, queues, tables, keys and schedules. The functions are those of
`make package`, deployed by infra/template.yaml; what a person does is done by `movepass`. Nothing is left running.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import package
from run import EXAMPLES, EXAMPLES_NOW, Story, approved_for_today
from support.cdn import before_bucket
from support.ministack import Ministack, running
from support.stack import CEREMONY, OPERATOR, Stack, deploy

from movepass_issuer.printing.qr import qr_png
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger

PASSES = 200
DUPLICATES = 20
REVOKED = 3
PICTURES = 4
WAIT_SECONDS = 120


class Service:
    """The deployed service, from outside."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.sqs = stack.ministack.client("sqs")
        self.answers: list[dict[str, Any]] = []

    def send(self, bodies: list[str]) -> None:
        """Put messages on the request queue."""
        for start in range(0, len(bodies), 10):
            some = bodies[start : start + 10]
            entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(some)]
            sent = self.sqs.send_message_batch(QueueUrl=self.stack.outputs["RequestsUrl"], Entries=entries)
            assert not sent.get("Failed"), sent

    def receive(self, count: int) -> None:
        """Wait for answers, as an integrator does: read, note, delete."""
        url = self.stack.outputs["AnswersUrl"]

        def read() -> bool:
            got = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
            for message in got:
                self.answers.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return len(self.answers) >= count

        wait_for(f"{count} answers", read)


def wait_for(what: str, done: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + WAIT_SECONDS
    while not done():
        if time.monotonic() > end:
            sys.exit(f"demo: waited {WAIT_SECONDS} s for {what}")
        time.sleep(0.2)


def many_approved(now: datetime, count: int) -> list[dict[str, Any]]:
    """Take the examples that are in force, again and again, under new request ids."""
    examples = [json.loads(line) for line in approved_for_today(now)][:-1]
    return [examples[n % len(examples)] | {"request_id": f"Q-{n:04}"} for n in range(count)]


def what_no_pass_can_come_of(good: list[dict[str, Any]], now: datetime) -> dict[str, str]:
    """Write messages by the reason that each will get."""
    begun = now.replace(microsecond=0) - timedelta(hours=5)
    over = {"not_before": begun.isoformat(), "not_after": (begun + timedelta(hours=2)).isoformat()}
    return {
        "not a JSON object": "no JSON at all",
        "colour: unknown": json.dumps(good[0] | {"request_id": "X-1", "colour": "red"}),
        "is over": json.dumps(good[0] | {"request_id": "X-2"} | over),
        "used before for other content": json.dumps(good[0] | {"reason": "something else"}),
        "at most 65536": json.dumps(good[0] | {"request_id": "X-3", "reason": "long " * 20_000}),
    }


class Play:
    """The story, part by part."""

    def __init__(self, story: Story, ministack: Ministack, passes: int) -> None:
        self.story = story
        self.passes = passes
        self.ministack = ministack
        self.now = datetime.now(EXAMPLES_NOW.tzinfo)
        self.good = many_approved(self.now, passes)
        self.bad = what_no_pass_can_come_of(self.good, self.now)
        self.issued: dict[str, dict[str, Any]] = {}
        self.root = ""

    def deploy(self) -> None:
        """Build the package and deploy the template."""
        print("\n--- The package is built and the template deployed; a schedule publishes every minute")
        zipped = self.story.folder / "movepass.zip"
        print(f"  {package.build_here(zipped) / 1e6:.1f} MB")
        begun = time.monotonic()
        self.stack = deploy(self.ministack, zipped, PublishRate="rate(1 minute)")
        self.service, self.outputs = Service(self.stack), self.stack.outputs
        print(f"  {len(self.stack.resources())} resources in {time.monotonic() - begun:.1f} s")

    def set_up(self) -> None:
        """Make the authority."""
        print("\n--- An authority is set up: ledger in DynamoDB, repository in S3, both keys in KMS")
        self.story.environment = self.stack.environment(CEREMONY)
        self.root = self.story.done(
            "init", "--authority", "authority", "--name", "Demo authority",
            "--ledger", f"dynamodb:{self.outputs['Table']}", "--repository", f"s3://{self.outputs['RepositoryBucket']}",
            "--pass-signer", f"awskms:{self.outputs['PassKeyArn']}",
            "--online-signer", f"awskms:{self.outputs['OnlineKeyArn']}",
        )[0]["root"]  # fmt: skip

    def issue(self) -> None:
        """Put everything on the queue, and wait for the answers."""
        total = self.passes + DUPLICATES + len(self.bad)
        twice, bad = f"{DUPLICATES} of them twice", f"{len(self.bad)} bad ones"
        print(f"\n--- {self.passes} approved passes go on the queue, {twice}, and {bad}")
        begun = time.monotonic()
        self.service.send([json.dumps(request) for request in (*self.good, *self.good[:DUPLICATES])])
        self.service.receive(self.passes + DUPLICATES)
        self.service.send(list(self.bad.values()))
        self.service.receive(total)
        print(f"  {total} answers in {time.monotonic() - begun:.1f} s")
        answers = self.service.answers
        self.issued = {answer["request_id"]: answer for answer in answers if "text" in answer}
        self.story.note("requests that have a pass", self.passes, len(self.issued))
        self.story.note("passes", self.passes, len({answer["text"] for answer in answers if "text" in answer}))
        self.story.note("messages answered with a reason", len(self.bad), sum("error" in answer for answer in answers))

    def look_at_dead_letters(self) -> None:
        """Read the reasons, send one again, and drop them."""
        print("\n--- What no pass came of waits for a person, with its reason")
        self.story.environment = self.stack.environment(OPERATOR)
        queue = ("--dead-letters", self.outputs["DeadLettersUrl"])
        letters = self.story.done("dlq", "list", *queue)
        for wanted in self.bad:
            count = sum(wanted in letter["reason"] for letter in letters)
            self.story.note(f"dead letters of which one says: {wanted}", 1, count)
        over = next(letter["id"] for letter in letters if "is over" in letter["reason"])
        self.story.done("dlq", "replay", *queue, "--requests", self.outputs["RequestsUrl"], over)
        self.service.receive(len(self.service.answers) + 1)
        letters = self.story.done("dlq", "list", *queue)
        self.story.note("dead letters after one was sent again", len(self.bad), len(letters))
        self.story.note("it is a new one", 1, sum("is over" in x["reason"] and x["id"] != over for x in letters))
        self.story.done("dlq", "drop", *queue, "--all")

    def revoke(self) -> None:
        """Revoke some, and wait until the schedule has published that."""
        print(f"\n--- {REVOKED} are revoked; then the schedule publishes")
        wanted = [{"request_id": request["request_id"], "reason": "stolen"} for request in self.good[:REVOKED]]
        told = self.stack.invoke("Revoke", wanted)
        self.story.note("revocations confirmed", REVOKED, sum("revoked_at" in answer for answer in told))
        ledger = DynamoDbLedger(self.outputs["Table"], client=self.ministack.client("dynamodb"))
        wait_for("the schedule to publish", lambda: not ledger.pending())

    def at_the_roadside(self) -> None:
        """Sync a device, and verify pictures."""
        print("\n--- A device syncs over HTTP from what stands before the bucket, and verifies pictures, offline")
        with before_bucket(self.ministack, self.outputs["RepositoryBucket"]) as address:
            self.story.done("enroll", "--store", "device", "--root", self.root, "--source", address)
            self.story.done("sync", "--store", "device")
        pictures = self.story.folder / "qr"
        pictures.mkdir()
        for number, request in enumerate(self.good[: REVOKED + PICTURES]):
            answer = self.issued[request["request_id"]]
            picture = pictures / f"{answer['pass_number']}.png"
            picture.write_bytes(qr_png(answer["text"]))
            kind, verdict = ("revoked", "reject: revoked") if number < REVOKED else ("in force", "accept: valid")
            self.story.check(f"pass {request['request_id']}, {kind}", f"qr/{picture.name}", verdict)
        last = self.issued[self.good[-1]["request_id"]]
        self.story.environment = self.stack.environment(CEREMONY)
        shown = self.story.done("show", "--authority", "authority", "--request", last["request_id"])[0]
        self.story.note("the pass shown at the desk is the one answered", "yes", said(shown["text"] == last["text"]))

    def read_the_logs(self) -> None:
        """Look for what must not be there."""
        print("\n--- The logs of all this")
        logs = (self.story.folder / "ministack.log").read_text("utf-8", "replace") + all_logs(self.ministack)
        seen = '"message":"published"' in logs and '"Issued":' in logs
        self.story.note("the functions' logs are there", "yes", said(seen))
        self.story.note("names, ids, vehicles, payloads in them", "none", ", ".join(personal(logs)) or "none")


def said(yes: bool) -> str:  # noqa: FBT001 - it is the whole point
    """Return yes or no."""
    return "yes" if yes else "no"


def personal(logs: str) -> list[str]:
    """Return the parts of passes that are in the logs."""
    found = ["MP1:"] if "MP1:" in logs else []
    for line in EXAMPLES.read_text("utf-8").splitlines():
        request = json.loads(line)
        vehicle = request.get("vehicle", {})
        driver = vehicle.get("driver", {})
        texts = [request["holder"]["name"], vehicle.get("registration"), driver.get("name")]
        found += [text for text in texts if text and text in logs]
        digits = f'"{request["holder"]["id_last"]}"'
        found += [digits] if digits in logs else []
    return found


def all_logs(ministack: Ministack) -> str:
    """Return everything in CloudWatch Logs."""
    client = ministack.client("logs")
    groups = [group["logGroupName"] for group in client.describe_log_groups()["logGroups"]]
    pages = [page for g in groups for page in client.get_paginator("filter_log_events").paginate(logGroupName=g)]
    return "\n".join(event["message"] for page in pages for event in page["events"])


def main() -> None:
    """Play the story in a folder, with so many passes (200), print the table, and fail if a row is not as expected."""
    folder = Path(sys.argv[1]).resolve()
    passes = int(sys.argv[2]) if len(sys.argv) > 2 else PASSES
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    story = Story(folder)
    with running(folder) as ministack:
        play = Play(story, ministack, passes)
        for part in (
            play.deploy, play.set_up, play.issue, play.look_at_dead_letters, play.revoke, play.at_the_roadside,
            play.read_the_logs,
        ):  # fmt: skip
            part()
    story.finish("qr/*.png  authority/  device/  ministack.log")


if __name__ == "__main__":
    main()
