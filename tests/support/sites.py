"""The site as it runs: a real service with a TEST authority, uvicorn on a port of its own, and a clock for tests."""

import html
import http.client
import json
import re
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import uvicorn

from movepass_issuer.authority.creation import create_authority
from movepass_service.accounts import Accounts
from movepass_service.accounts.accounts import OUTBOX
from movepass_service.admission import Gate, LineSettings
from movepass_service.admission.sqlite_line import SqliteLine
from movepass_service.issuing.worker import Worker
from movepass_service.service import Service
from movepass_service.site import default_limits, make_app
from movepass_service.web import WebSettings

FORM = "application/x-www-form-urlencoded"
DAY = 86400


@dataclass(slots=True)
class Answer:
    """An answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def cookies(self) -> list[str]:
        return [value for key, value in self.headers if key.lower() == "set-cookie"]


@dataclass(slots=True)
class Browser:
    """As much of a browser as a page without JavaScript needs: cookies by path, and redirects when asked."""

    site: "RunningSite"
    jar: dict[tuple[str, str], str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        body = urllib.parse.urlencode(fields).encode()
        sent = {"Content-Type": FORM, "Origin": self.site.settings.origin, "Sec-Fetch-Site": "same-origin", **headers}
        return self.ask("POST", path, body, headers=sent)

    def follow(self, answer: Answer) -> Answer:
        assert answer.status == 303, (answer.status, answer.text)
        return self.get(answer.header("Location") or "")

    def ask(self, method: str, path: str, body: bytes | None = None, *, headers: Mapping[str, str]) -> Answer:
        plain = path.partition("?")[0]
        pairs = [
            f"{name}={value}"
            for (name, where), value in sorted(self.jar.items(), key=lambda item: -len(item[0][1]))
            if plain == where or plain.startswith(where.rstrip("/") + "/")
        ]
        sent = {**headers, **({"Cookie": "; ".join(pairs)} if pairs else {})}
        answer = self.site.ask(method, path.partition("#")[0], body, headers=sent)
        for cookie in answer.cookies():
            pair, *attributes = cookie.split("; ")
            name, _, value = pair.partition("=")
            where = next(a.removeprefix("Path=") for a in attributes if a.startswith("Path="))
            if "Max-Age=0" in attributes:
                self.jar.pop((name, where), None)
            else:
                self.jar[name, where] = value
        return answer


@dataclass(slots=True)
class RunningSite:
    """A site that runs."""

    service: Service
    port: int
    settings: WebSettings
    worker: Worker
    data: Path
    accounts: Accounts
    line: SqliteLine | None = None

    def last_message(self) -> str:
        """Return the last text message that was sent."""
        return str(json.loads((self.data / OUTBOX).read_text().splitlines()[-1])["text"])

    def work(self) -> None:
        """Let rules decide and passes be issued until nothing waits; nothing happens in between."""
        while self.worker.round():
            pass

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    def browser(self) -> Browser:
        return Browser(self)

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Host": self.settings.url.partition("//")[2], **(headers or {})}
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        got = Answer(answer.status, answer.getheaders(), answer.read())
        connection.close()
        return got


@contextmanager
def serving(app: Any) -> Iterator[int]:
    """Serve an application on localhost for as long as the block lasts; gives the port."""
    config = uvicorn.Config(app, port=0, http="httptools", access_log=False, log_config=None, server_header=False)
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


class Later:
    """An application that is made once its port is known; it can forbid browsers to run scripts."""

    app: Any = None
    has_scripts = True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def without_scripts(message: Any) -> None:
            if message["type"] == "http.response.start":
                pairs = [(k, v.replace(b"script-src 'self'", b"script-src 'none'")) for k, v in message["headers"]]
                message = {**message, "headers": pairs}
            await send(message)

        await self.app(scope, receive, send if self.has_scripts else without_scripts)


@contextmanager
def running_site(
    folder: Path,
    *,
    is_working: bool = False,
    has_scripts: bool = True,
    line: LineSettings | None = None,
    clock: Callable[[], float] = time.time,
    **settings: Any,
) -> Iterator[RunningSite]:
    """Run a site in a folder of its own.

    Args:
        folder: for the authority and the service.
        is_working: whether the worker works by itself, or only when a test says so.
        has_scripts: whether browsers may run the site's script.
        line: how many applications are let in; without it all are.
        clock: the time.
        settings: of WebSettings.
    """
    authority = folder / "authority"
    if not authority.exists():
        create_authority(authority, name="Dhaka Metropolitan Police", test=True)
    service = Service.open(folder / "data", authority)
    later = Later()
    try:
        with serving(later) as port:
            settings.setdefault("url", f"http://localhost:{port}")
            settings.setdefault("limits", default_limits(is_test=True))
            web = WebSettings(authority="Dhaka Metropolitan Police", **settings)
            accounts = Accounts.open(folder / "data")
            places = SqliteLine(folder / "data")
            gate = Gate(places, service.line_key, line) if line else None
            later.app = make_app(service, web, accounts=accounts, gate=gate, clock=clock)
            later.has_scripts = has_scripts
            worker = Worker(service)
            if is_working:
                worker.start()
            yield RunningSite(service, port, web, worker, folder / "data", accounts, places)
            if is_working:
                worker.stop()
            worker.close()
            accounts.close()
            places.close()
    finally:
        service.close()


def tomorrow(now: float | None = None) -> str:
    """Return tomorrow in Dhaka, as a form says it."""
    moment = time.gmtime((time.time() if now is None else now) + 6 * 3600 + DAY)
    return time.strftime("%Y-%m-%d", moment)


def answers(**changes: str) -> dict[str, str]:
    """Return a form that is filled in; names with dots are written with two underscores."""
    filled = {
        "holder.name": "Rahima Khatun",
        "holder.id_type": "nid",
        "holder.id_number": "1234567890",
        "reason": "medical",
        "from.district": "dhaka",
        "from.place": "Mirpur 10",
        "to.district": "gazipur",
        "not_before.date": "1",
        "not_before.time": "09:30",
        "hours": "3",
    }
    return filled | {name.replace("__", "."): value for name, value in changes.items()}


def hidden(answer: Answer) -> dict[str, str]:
    """Return the fields that the check page carries."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text)
    return {name: html.unescape(value) for name, value in found}


def references(answer: Answer) -> list[str]:
    return list(dict.fromkeys(re.findall(r'<dd class="big code">([^<]+)</dd>', answer.text)))


def apply(browser: Browser, prefix: str = "", **changes: str) -> Answer:
    """Apply, and return the receipt."""
    checked = browser.post(f"{prefix}/apply", answers(**changes))
    assert checked.status == 200, checked.text
    return browser.follow(browser.post(f"{prefix}/apply/send", hidden(checked)))


def whole_application(**changes: Any) -> dict[str, Any]:
    """Return an application as the JSON API takes it, with an id of its own."""
    return {
        "request_id": str(uuid.uuid4()),
        "holder": {"name": "Rahima Khatun", "id_type": "nid", "id_number": "1234567890"},
        "from": {"district": "dhaka", "place": "Mirpur 10"},
        "to": {"district": "gazipur"},
        "reason": "medical",
        "not_before": f"{tomorrow()}T09:00:00+06:00",
        "not_after": f"{tomorrow()}T12:00:00+06:00",
        "language": "en",
    } | changes


numbers = count(1_711_000_000, 10_007)
"""Each in a range of its own, whose budget no other test spends."""


def new_number() -> str:
    """Return a mobile number that no other test has."""
    return f"0{next(numbers)}"


def registered(site: RunningSite, phone: str) -> Browser:
    """Prove a number; gives the browser with the session."""
    browser = site.browser()
    page = browser.post("/en/my-passes", {"phone": phone})
    assert page.status == 200, page.text
    said = site.last_message()
    prefix = hidden(page)["prefix"]
    assert f"Use the code that has {prefix} before it" in page.text
    found = re.fullmatch(rf"Movement pass: your code is ({prefix}-\d{{6}})\. It lasts 10 minutes\. Tell nobody\.", said)
    assert found
    done = browser.post("/en/my-passes/code", hidden(page) | {"code": found[1]})
    assert done.header("Location") == "/en/my-passes"
    assert "HttpOnly; SameSite=Lax" in done.cookies()[0]
    return browser
