"""Plays the service on AWS, on this machine, and fails if anything is not as expected.

Ministack plays AWS: infra/main.yaml is deployed to it, with the packages of `make package`. People apply at the site's
HTTP API, the table's stream carries their applications through the rules, the log and the issuer, an officer decides at
the desk's API with a passkey, a device verifies offline, and an auditor checks the log. Nothing is left running.
"""

import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import package
from run import EXAMPLES_NOW, Story
from service import all_logs, said, wait_for
from support.apis import open_api
from support.cdn import before_bucket
from support.desks import DeskBrowser
from support.ministack import Ministack, running
from support.sites import Answer, Browser, apply, references, whole_application
from support.stack import CEREMONY
from support.whole_stack import deploy_whole

from movepass_issuer.authority.folder import Authority
from movepass_service.decisions.copies import export
from movepass_service.decisions.officers import add_officer
from movepass_service.stores.dynamodb.store import DynamoDbStore

SITE, DESK = "https://pass.example", "https://desk.example"
APPLICATIONS = 20
NAME = "Rahima Khatun"
_PATIENCE = 30


class Play:
    """The story, part by part."""

    def __init__(self, story: Story, ministack: Ministack, people: int = APPLICATIONS, **parameters: str) -> None:
        """Take what it plays on; `parameters` are further ones of the template."""
        self.story = story
        self.parameters = parameters
        self.people = people
        self.ministack = ministack
        self.receipts: list[dict[str, Any]] = []
        self.texts: list[str] = []
        start = datetime.now(EXAMPLES_NOW.tzinfo).replace(microsecond=0) + timedelta(minutes=5)
        self.times = {"not_before": start.isoformat(), "not_after": (start + timedelta(hours=2)).isoformat()}
        self.during = (start + timedelta(minutes=1)).isoformat()
        self.root = ""

    def play(self) -> None:
        """Play all parts."""
        for part in (
            self.deploy, self.set_up, self.people_apply, self.an_officer_decides, self.at_the_roadside,
            self.an_auditor_comes, self.count_facts, self.read_the_logs,
        ):  # fmt: skip
            part()

    def deploy(self) -> None:
        """Build the packages and deploy both templates."""
        print("\n--- Packages are built, and issuer and service are deployed")
        zips = [self.story.folder / f"{name}.zip" for name in ("movepass", "service", "statistics")]
        for zipped, contents in zip(zips, package.CONTENTS.values(), strict=True):
            print(f"  {zipped.name}: {package.build_here(zipped, contents=contents) / 1e6:.1f} MB")
        begun = time.monotonic()
        self.whole = deploy_whole(
            self.ministack, *zips, Authority="Demo authority", Test="false", SiteUrl=SITE, DeskUrl=DESK,
            **self.parameters,
        )  # fmt: skip
        count = sum(len(stack.resources()) for stack in (self.whole.issuer, self.whole.service, self.whole.reports))
        print(f"  {count} resources in {time.monotonic() - begun:.1f} s")

    def set_up(self) -> None:
        """Make the authority, and open the site."""
        print("\n--- An authority is set up: ledger in DynamoDB, repository in S3, both keys in KMS")
        outputs = self.whole.issuer.outputs
        self.story.environment = self.whole.issuer.environment(CEREMONY)
        self.root = self.story.done(
            "init", "--authority", "authority", "--name", "Demo authority",
            "--ledger", f"dynamodb:{outputs['Table']}", "--repository", f"s3://{outputs['RepositoryBucket']}",
            "--pass-signer", f"awskms:{outputs['PassKeyArn']}", "--online-signer", f"awskms:{outputs['OnlineKeyArn']}",
        )[0]["root"]  # fmt: skip
        self.site = open_api(self.ministack, self.whole.service, "Site", SITE)
        self.desk = open_api(self.ministack, self.whole.service, "Desk", DESK)
        table = self.whole.service.outputs["TableName"]
        self.store = DynamoDbStore(table, client=self.ministack.client("dynamodb"))

    def people_apply(self) -> None:
        """Apply by the API, each person once and one of them twice, and by a form without JavaScript."""
        print(f"\n--- {self.people} people apply by the API, one of them twice, and one by the form")
        for number in range(self.people):
            document = whole_application(holder=holder(number), reason="groceries", **self.times)
            self.receipts.append(self.send(document))
        again = self.send(document)
        self.story.note("the same again is the same", self.receipts[-1]["reference"], again["reference"])
        begun = time.monotonic()
        states = [self.state(receipt, "issued") for receipt in self.receipts]
        print(f"  all issued {time.monotonic() - begun:.1f} s after the last one")
        self.texts = [state["pass"]["text"] for state in states]
        self.story.note("passes, each its own", self.people, len(set(self.texts)))
        browser = Browser(self.site)  # type: ignore[arg-type] # as much of a site as a browser needs
        receipt = apply(browser, "/en", **{"holder.name": NAME, "reason": "groceries"})
        (reference,) = references(receipt)
        wait_for("the form's pass", lambda: "Your pass is ready" in browser.get(f"/en/status/{reference}").text)
        self.story.note("the form's pass is on its page", "yes", "yes")

    def an_officer_decides(self) -> None:
        """Refer a case, and approve it at the desk with a passkey."""
        print("\n--- A case that the rules refer is decided at the desk, with a passkey")
        referred = self.send(whole_application(holder=holder(90), reason="a reason of my own"))
        self.state(referred, "referred")
        now = int(time.time())
        secret = add_officer(self.store, "Nasrin", "officer", now).secret
        officer = DeskBrowser(self.desk)  # type: ignore[arg-type]
        self.story.note("the officer sets up a passkey", 200, officer.enrol(secret).status)
        self.story.note("and signs in", 200, officer.sign_in().status)
        reference = referred["reference"]
        self.story.note("the case is on the desk", "yes", said(reference in officer.get("/en").text))
        officer.send(f"/en/case/{reference}/claim")
        decided = officer.send(f"/en/case/{reference}/decide", action="approve")
        self.story.note("the desk takes the decision", 303, decided.status)
        self.story.note("the pass of the case", "issued", self.state(referred, "issued")["state"])

    def at_the_roadside(self) -> None:
        """Verify offline; withdraw, publish, and verify again."""
        print("\n--- A device syncs and verifies offline; a pass that is given back is in the next list")
        with before_bucket(self.ministack, self.whole.issuer.outputs["RepositoryBucket"]) as address:
            self.story.done("enroll", "--store", "device", "--root", self.root, "--source", address)
            self.story.done("sync", "--store", "device")
            self.story.check("a pass of the service", self.texts[0], "accept: valid", at=self.during)
            given_back = self.receipts[0]
            path = f"/api/applications/{given_back['reference']}/withdraw"
            answer = self.call("POST", path, {}, given_back["secret"])
            self.story.note("withdrawn", "withdrawn", json.loads(answer.body)["state"])
            wait_for("the revocation", lambda: not self.store.to_revoke(9))
            wait_for("the seal", self.is_sealed)
            self.whole.service.invoke("Tidy", {})  # which the schedule does each minute
            self.whole.issuer.invoke("Publish", {})
            self.story.done("sync", "--store", "device")
            self.story.check("the pass that was given back", self.texts[0], "reject: revoked", at=self.during)
            self.story.check("another one", self.texts[1], "accept: valid", at=self.during)

    def an_auditor_comes(self) -> None:
        """Export the log, and audit it against the head that the device has synced."""
        print("\n--- An auditor checks the copies: no pass without a decision, and the head is the published one")
        with acting(self.whole.issuer.environment(CEREMONY)):
            authority = Authority.open(self.story.folder / "authority")
            exported = export(self.store, authority, self.story.folder / "copies", patience=_PATIENCE)
        print(f"  {exported}")
        result = self.story.movepass(
            "audit", "--decisions", "copies/decisions", "--issued", "copies/issued", "--head", "copies/head",
            "--store", "device", "--json",
        )  # fmt: skip
        self.story.note("the audit", 0, result.returncode)
        (head,) = json.loads(result.stdout)["heads"]
        self.story.note("the head is signed, and published with the lists", "yes", said(head["published"] is True))

    def count_facts(self) -> None:
        """Collect the facts of all this, and look for people in them."""
        print("\n--- Facts without people are collected from the log")
        service, s3 = self.whole.service, self.ministack.client("s3")
        service.invoke("Facts", {})
        bucket = {"Bucket": service.outputs["FactsBucket"]}
        keys = [listed["Key"] for listed in s3.list_objects_v2(**bucket)["Contents"]]
        parts = {key: s3.get_object(**bucket, Key=key)["Body"].read().decode() for key in keys if "/day=" in key}
        facts = [json.loads(line) for part in parts.values() for line in part.splitlines()]
        kinds = Counter(kind for kind, _ in {(fact["type"], fact["event"]) for fact in facts})
        shown = ", ".join(f"{kinds[kind]} {kind}" for kind in ("applied", "decided", "issued", "revoked"))
        people = self.people + 2
        self.story.note("facts", f"{people} applied, {people + 1} decided, {people} issued, 1 revoked", shown)
        known = [NAME, "Nasrin", *(receipt["reference"] for receipt in self.receipts), *self.texts]
        found = [text for text in known if any(text in part for part in parts.values())]
        self.story.note("people in them", "nobody", ", ".join(found) or "nobody")
        old = json.dumps(facts[0] | {"day": "2021-04-14"}) + "\n"
        s3.put_object(**bucket, Key="parts/day=2021-04-14/old.jsonl", Body=old.encode())
        service.invoke("Compact", {})
        listed = s3.list_objects_v2(**bucket, Prefix="facts/day=2021-04-14/")
        self.story.note("a day that is over is one file", 1, listed["KeyCount"])

    def read_the_logs(self) -> None:
        """Look for what must not be there."""
        print("\n--- The logs of all this")
        logs = (self.story.folder / "ministack.log").read_text("utf-8", "replace") + all_logs(self.ministack)
        secrets = [receipt["secret"] for receipt in self.receipts]
        found = [text for text in (NAME, "Person 7", "MP1:", *secrets) if text in logs]
        self.story.note("names, payloads, secrets in them", "none", ", ".join(found) or "none")

    def is_sealed(self) -> bool:
        """Return whether the newest head covers the whole log."""
        head = self.store.newest_head()
        return head is not None and head.size == self.store.log_size()

    def send(self, document: dict[str, Any]) -> dict[str, Any]:
        """Apply by the API."""
        answer = self.call("POST", "/api/applications", document)
        if answer.status != 202:
            sys.exit(f"demo: {answer.status} {answer.text}")
        receipt: dict[str, Any] = json.loads(answer.body)
        return receipt

    def state(self, receipt: dict[str, Any], wanted: str) -> dict[str, Any]:
        """Wait until an application is in a state; return what its applicant sees."""
        path = f"/api/applications/{receipt['reference']}"
        last: dict[str, Any] = {}

        def is_there() -> bool:
            last.update(json.loads(self.call("GET", path, None, receipt["secret"]).body))
            return bool(last["state"] == wanted)

        wait_for(f"{receipt['reference']} to be {wanted}", is_there)
        return last

    def call(self, method: str, path: str, document: Any, secret: str | None = None) -> Answer:
        """Call the API."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {secret}"} if secret else {})
        return self.site.ask(method, path, None if document is None else json.dumps(document).encode(), headers=headers)


@contextmanager
def acting(environment: dict[str, str]) -> Iterator[None]:
    """Let boto3 act as somebody."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def holder(number: int) -> dict[str, str]:
    """Return one of many people."""
    return {"name": f"Person {number}", "id_type": "nid", "id_number": f"19{number:08}"}


def main() -> None:
    """Play the story in a folder, print the table, and fail if a row is not as expected."""
    folder = Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    story = Story(folder)
    print(datetime.now(EXAMPLES_NOW.tzinfo).strftime("It is %H:%M in Dhaka."))
    with running(folder) as ministack:
        Play(story, ministack).play()
    story.finish("copies/  authority/  device/  ministack.log")


if __name__ == "__main__":
    main()
