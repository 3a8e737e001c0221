"""A full disk: people are told so in their language, nothing is half written, and it goes on once there is room."""

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.mounts import may_mount, small_disk
from support.sites import Answer, Browser, RunningSite, answers, hidden, references, running_site, whole_application

from movepass_service.site.words import words

DISK_KB = 6 * 1024
PREFIXES = {"bn": "", "en": "/en"}
WAIT_SECONDS = 60.0


def fill(disk: Path) -> Path:
    """Fill a disk to its last byte."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(os.urandom(size)) == size:
                    pass
            except OSError:
                continue
    return ballast


def wait_until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def send_until_full(browser: Browser, prefix: str, receipts: list[str]) -> tuple[dict[str, str], Answer]:
    """Send applications until one is refused; returns its fields and the answer."""
    for number in range(5000):
        name = f"Person {prefix} {number} {'x' * 20}"
        fields = hidden(
            browser.post(f"{prefix}/apply", answers(holder__name=name, holder__id_number=str(10**9 + number)))
        )
        answer = browser.post(f"{prefix}/apply/send", fields)
        if answer.status != 303:
            return fields, answer
        receipts += references(browser.follow(answer))
    raise AssertionError("the disk is never full")


def call_until_full(site: RunningSite, receipts: list[str]) -> Answer:
    """Send applications by the API until one is refused: where a form was, a smaller one may find room."""
    for number in range(5000):
        holder = {"name": f"Program {number}", "id_type": "nid", "id_number": str(2 * 10**9 + number)}
        sent = json.dumps(whole_application(holder=holder)).encode()
        answer = site.ask("POST", "/api/applications", sent, headers={"Content-Type": "application/json"})
        if answer.status != 202:
            return answer
        receipts.append(json.loads(answer.body)["reference"])
    raise AssertionError("the disk is never full")


def kept(disk: Path) -> set[str]:
    with closing(sqlite3.connect(disk / "data" / "service.sqlite")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        decided = db.execute(
            "SELECT count(*) FROM applications "
            "WHERE state <> 'received' AND number NOT IN (SELECT number FROM decisions)"
        )
        assert decided.fetchone() == (0,)
        return {reference for (reference,) in db.execute("SELECT reference FROM applications")}


def test_a_full_disk_loses_nothing_and_is_told_in_both_languages(tmp_path: Path) -> None:
    if not may_mount():
        pytest.skip("may not mount a small disk here")
    with small_disk(tmp_path / "disk", DISK_KB) as disk, running_site(disk, is_working=True) as site:
        browser = site.browser()
        receipts: list[str] = []
        first = browser.post("/apply", answers())
        receipts += references(browser.follow(browser.post("/apply/send", hidden(first))))
        wait_until(lambda: site.service.statistics_public().get("issued") == 1, "the first pass")
        ballast = fill(disk)

        refused = {}
        for language, prefix in PREFIXES.items():
            refused[prefix], answer = send_until_full(browser, prefix, receipts)
            assert answer.status == 503
            assert int(answer.header("Retry-After") or 0) > 0
            assert words("bn" if language == "bn" else "en")("refused-text.full") in answer.text
        api = call_until_full(site, receipts)
        assert (api.status, json.loads(api.body)["errors"][0]["code"]) == (503, "full")
        assert api.header("Retry-After")

        assert browser.get(f"/status/{receipts[0]}").status == 200
        assert browser.get("/en/apply").status == 200
        assert kept(disk) == set(receipts)

        ballast.unlink()
        for prefix, fields in refused.items():
            answer = browser.post(f"{prefix}/apply/send", fields)
            assert answer.status == 303, answer.text
            receipts += references(browser.follow(answer))
        wait_until(lambda: site.ask("GET", "/healthz").status == 200, "it is well again")
        wait_until(lambda: "received" not in site.service.statistics_public(), "the worker works again")
        wait_until(lambda: "approved" not in site.service.statistics_public(), "passes are issued again")
        assert kept(disk) == set(receipts)
        assert len(receipts) == len(set(receipts))
        with closing(sqlite3.connect(disk / "authority" / "ledger.sqlite")) as ledger:
            assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            issued = site.service.statistics_public()["issued"]
            assert ledger.execute("SELECT count(*) FROM passes WHERE text IS NOT NULL").fetchone() == (issued,)
