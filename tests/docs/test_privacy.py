"""docs/privacy.md: its figures are the code's, the template's and the phone's."""

import re

from support.stack import template

from movepass_cli.officer.scanning.session import CLOSE_SECONDS
from movepass_issuer.issuing import ledger
from movepass_service.accounts import accounts
from movepass_service.site.pages import apply, site
from movepass_verifier.officer import journal
from movepass_wire import limits

from .reading import ROOT

PAGE = (ROOT / "docs" / "privacy.md").read_text("utf-8")
ROWS = {
    tuple(cell.strip() for cell in line.strip("|").split("|"))[:2]: line.split("|")[3].strip()
    for line in PAGE.split("## What is kept")[1].splitlines()
    if line.startswith("|") and line.count("|") == 4
}
DAY, HOUR = 86400, 3600


def kept(where: str, what: str = "") -> list[int]:
    """Give the figures of how long something is kept."""
    found = [time for (place, thing), time in ROWS.items() if place.startswith(where) and thing.startswith(what)]
    assert len(found) == 1, (where, what)
    return [int(figure.replace(",", "")) for figure in re.findall(r"\d[\d,]*\d|\d", found[0])]


def test_ledger() -> None:
    assert kept("ledger, SQLite") == [ledger.PERSONAL_DAYS]
    assert kept("", "request id, SHA-256") == [ledger.REQUEST_DAYS]
    assert kept("ledger, DynamoDB") == [ledger.PERSONAL_DAYS + 1, ledger.REQUEST_DAYS + 1]


def test_queues_logs_and_bucket() -> None:
    stack = template()
    queues = {name: stack["Resources"][name]["Properties"]["MessageRetentionPeriod"] for name in
              ("Requests", "DeadLetters", "AnswersQueue")}  # fmt: skip
    assert {queues["Requests"], queues["DeadLetters"]} == {kept("request queue")[0] * DAY}
    assert [queues["AnswersQueue"]] == [kept("answers queue")[0] * DAY]
    assert kept("logs of the functions") == [stack["Parameters"]["LogDays"]["Default"]]
    rules = stack["Resources"]["Repository"]["Properties"]["LifecycleConfiguration"]["Rules"]
    old = rules[0]["NoncurrentVersionExpiration"]["NoncurrentDays"]
    assert kept("bucket or folder")[0] * HOUR == limits.LOG_KEPT_SECONDS
    assert kept("bucket or folder")[-1] == old


def test_device_and_phone() -> None:
    days = [seconds // DAY for seconds in (journal.KEEP_SECONDS, journal.KEEP_LEAST, journal.KEEP_MOST)]
    assert kept("device: journal") == [*days, journal.ENTRIES_MOST]
    assert kept("", "counts by hour") == [journal.COUNTS_KEPT_SECONDS // DAY]
    assert kept("device: screen") == [CLOSE_SECONDS]
    phone = (ROOT / "phone" / "src" / "store" / "journal.ts").read_text("utf-8")
    assert f"KEPT_SECONDS = {kept('phone: IndexedDB')[0]} * 86400" in phone


def test_the_sites_cookies_and_registered_numbers() -> None:
    assert kept("applicant's browser") == [site.KEY_DAYS]
    assert kept("", "a random key by which") == [apply.NONCE_SECONDS // HOUR]
    script = (ROOT / "service/movepass_service/site/static/site.js").read_text("utf-8")
    assert f"DRAFT_MAX_AGE_MS = {kept('', 'what is typed')[0]} * 86400000" in script
    assert kept("service: registered") == [accounts.CODE_SECONDS // 60]
    assert kept("", "the number and a hash of the session") == [accounts.SESSION_SECONDS // DAY]
    assert kept("", "references and secrets") == [accounts.APPLICATIONS_SECONDS // DAY]


def test_what_one_text_may_hold() -> None:
    assert f"at most {limits.FIELD_MAX_CHARS} characters" in PAGE
