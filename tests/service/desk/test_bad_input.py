"""Whatever a form, a query or a call holds, the desk answers in words: never with a fault of its own."""

import json
import random
from collections.abc import Callable, Iterator

import pytest
from support.desks import DeskBrowser, RunningDesk

from movepass_service.desk.app import CALLS, PAGES
from movepass_service.desk.guard import Guarded

ROUNDS = 2
ODD = (
    "", " ", "x", "0", "-1", "1" * 30, "9" * 18, "০১২", "²", "x" * 600, "x" * 16_000, "\u200b", "\u202e", "\n", "null",
    "[]", "{}", '{"undo_s": 1e400}', "<b>", "'", "approve", "reject", "withdraw", "revoke", "agree", "uphold",
    "AAAA-AAAA-AAAA", "Nobody", "officer", "king", "on", "medical", "other", "urgent", "900",
)  # fmt: skip


def calls() -> Iterator[tuple[str, str, Guarded]]:
    for table in (PAGES, CALLS):
        for path, methods in table.items():
            for method, served in methods.items():
                if isinstance(served.handler, Guarded) and path != "/sign-out":
                    yield method, path, served.handler


@pytest.fixture(scope="module")
def browsers(desk: RunningDesk) -> list[tuple[DeskBrowser, str]]:
    found = [desk.signed_in(role) for role in ("supervisor", "manager", "rule-author")]
    return [(browser, browser.token()) for browser in found]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_odd_values_in_every_field(desk: RunningDesk, browsers: list[tuple[DeskBrowser, str]], seed: int) -> None:
    chance = random.Random(seed)
    references = ["nothing", "AAAA-AAAA-AAAA", desk.case(f"Odd {seed}")]
    choose: Callable[[], str] = lambda: chance.choice(ODD)  # noqa: E731
    for method, pattern, handler in calls():
        for browser, token in browsers:
            path = "/en" * (not pattern.startswith("/api/")) + pattern.format(
                reference=chance.choice(references), name=chance.choice(("applications-by-hour", "nothing"))
            )
            fields = {name: choose() for name in sorted(handler.fields) if chance.random() < 0.9}
            if method == "GET":
                answer = browser.get(f"{path}?from={chance.randrange(-5, 10**6)}&version=x&action=approve&kind=urgent")
            elif path.startswith("/api/"):
                answer = browser.call(path, {"token": token, **fields})
            else:
                answer = browser.post(path, {"token": token, **fields})
            assert answer.status < 500, (method, path, fields, answer.text)


@pytest.mark.parametrize("path", [path for path in CALLS if path.startswith("/api/")])
def test_calls_that_are_no_calls(desk: RunningDesk, path: str) -> None:
    browser = desk.signed_in("officer")
    token = browser.token()
    documents: list[dict[str, object]] = [
        {}, {"token": token}, {"token": token, "credential": "x"}, {"token": 5}, {"token": None, "next": []},
        {"secret": ["x"]}, {"secret": {"a": 1}}, {"credential": {"id": {}}, "language": 7},
    ]  # fmt: skip
    for document in documents:
        answer = browser.call(path.format(reference="AAAA-AAAA-AAAA"), document)
        assert answer.status < 500, (document, answer.text)
        if answer.status >= 400:
            assert json.loads(answer.body)["errors"][0]["message"]
    for body in (b"", b"[", b"[]", b"\xff", b'{"a":1,"a":2}', b'{"a":NaN}', b"null"):
        headers = {"Content-Type": "application/json", "Origin": desk.origin}
        answer = browser.ask("POST", path.format(reference="AAAA-AAAA-AAAA"), body, headers=headers)
        assert answer.status < 500, (body, answer.text)
