"""The public site: any request, in this process, and a sample of them as bytes over a socket."""

import asyncio
import atexit
import json
import logging
import re
import resource
import socket
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlencode

from support.sites import answers, serving, tomorrow, whole_application

from fuzz import requests
from fuzz.targets import Check, hold
from movepass_issuer.authority.creation import create_authority
from movepass_service.accounts import Accounts, Budgets, Helper
from movepass_service.issuing.worker import Worker
from movepass_service.service import Receipt, Service
from movepass_service.site import make_app
from movepass_service.site.app import API, PAGES
from movepass_service.site.pages.lists import EXAMPLE
from movepass_service.site.pages.site import make_token
from movepass_service.web import WebSettings

HANG_SECONDS = 2.0
CAST_EVERY = 500
"""Every so many inputs there are new applications: the old ones were withdrawn, or else."""
WIRE_EVERY = 200
"""Every so many inputs one goes over a socket as it is, to a server that must go on."""
MEMORY_FROM, MEMORY_EVERY = 20_000, 5_000
MEMORY_MOST_MB = 120.0
"""By which the process may grow after its first MEMORY_FROM inputs. Each thread that draws cards takes its share once:
114 MB became 197 MB by the 150,000th of 240,000 inputs, and stayed."""
_MARK = "Qxzzy"
"""A holder's name, in seeds; no line of the log may have it."""
_PHONE = "+8801799887766"
_EVIL = "\"><script>x</script><x-y a='b"
_ASKED: dict[str, dict[str, str]] = {
    "issued": {"reason": "medical"},
    "rejected": {"reason": "groceries", "hours": "6"},
    "referred": {"reason": "other", "other_reason": "Harvest"},
}
_FORBIDDEN_IN_PAGES = re.compile(rb"<x-y|<script(?! src=\"/static/)|javascript:|\son[a-z]+=", re.IGNORECASE)
_OWN_PATH = re.compile(rb"/[a-z](?:[^/\\].*)?|/")
_STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_WIRE_SECONDS = 5.0
_PAGE = b"GET /en/apply HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class _Log(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class _NoGateway:
    """Sends no message anywhere."""

    def send(self, phone: str, text: str) -> None:
        """See SmsGateway."""


class _World:
    """A service with a few applications, and a server before it."""

    def __init__(self) -> None:
        stack = ExitStack()
        atexit.register(stack.close)
        where = "/dev/shm" if Path("/dev/shm").is_dir() else None  # an fsync for each input is not what is looked at
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=where)))
        create_authority(folder / "authority", name="Test", test=True)
        self.service = stack.enter_context(Service.open(folder / "data", folder / "authority"))
        settings = WebSettings(url=f"http://{requests.HOST.decode()}", limits={}, body_timeout_s=1.0)
        budgets = Budgets(number=10**9, prefix=10**9, day=10**9, pause_s=0)
        self._accounts = Accounts.open(folder / "data", _NoGateway(), budgets)
        stack.callback(self._accounts.close)
        self.app = make_app(self.service, settings, accounts=self._accounts)
        self._worker = Worker(self.service)
        stack.callback(self._worker.close)
        self.loop = asyncio.new_event_loop()
        stack.callback(self.loop.close)
        self.port = stack.enter_context(serving(self.app))
        self.log = _Log()
        logging.getLogger("movepass_service").addHandler(self.log)
        logging.getLogger("movepass_service").setLevel(logging.INFO)
        logging.getLogger("movepass_service").propagate = False
        self.values: list[dict[bytes, bytes]] = []
        self.cast()

    def cast(self) -> None:
        """Make an application of each kind and a session, and let the worker work."""
        self.values = []
        session = self._sign_in()
        for number, changes in enumerate(_ASKED.values()):
            receipt = self.loop.run_until_complete(self._apply(str(uuid.uuid4()), str(10**9 + number), changes))
            token = make_token(receipt.secret, receipt.reference)
            values = {
                "{REF}": receipt.reference,
                "{KEY}": receipt.secret,
                "{TOKEN}": token,
                "{FORM}": str(uuid.uuid4()),
                **session,
            }
            self.values.append({name.encode(): value.encode() for name, value in values.items()})
        while self._worker.round():
            pass

    def _sign_in(self) -> dict[str, str]:
        """Prove a number that applies for others; returns what a browser then knows, and a code not used yet."""
        now, codes = int(time.time()), []

        def compose(_prefix: str, code: str) -> str:
            codes.append(code)
            return code

        self._accounts.appoint(_PHONE, Helper("employer", "Test Mills", 10**6))
        token = self._accounts.sign_in(self._accounts.send_code(_PHONE, compose, now=now).id, codes[0], now=now)
        waiting = self._accounts.send_code(_PHONE, compose, now=now)
        return {
            "{SESSION}": token,
            "{SESSION-TOKEN}": make_token(token, "session"),
            "{CHALLENGE}": waiting.id,
            "{CODE}": codes[1],
        }

    async def _apply(self, client: str, number: str, changes: dict[str, str]) -> Receipt:
        fields = answers(holder__name=_MARK, holder__id_number=number, **changes)
        fields["not_before"] = f"{tomorrow()}T09:00:00+06:00"
        del fields["not_before.date"], fields["not_before.time"]
        now = int(time.time())
        (receipt,) = await self.service.submit(client, self.service.read(fields, now=now), now=now)
        return receipt


def web() -> tuple[Check, Sequence[bytes]]:
    """Any request: an answer that is no 500, in time, of templates alone; the log names nobody; the server goes on."""
    world = _World()
    number, memory_mb = 0, 0.0

    def check(data: bytes) -> None:
        nonlocal number, memory_mb
        number += 1
        if number % CAST_EVERY == 0:
            world.cast()
        data = requests.fill(data, world.values[number % len(world.values)])
        _in_process(world, data)
        if number % WIRE_EVERY == 0:
            _over_a_socket(world.port, data)
        if number == MEMORY_FROM:
            memory_mb = _memory_mb()
        elif number > MEMORY_FROM and number % MEMORY_EVERY == 0:
            hold(_memory_mb() < memory_mb + MEMORY_MOST_MB, "memory grows")

    return check, _seeds()


def _in_process(world: _World, data: bytes) -> None:
    request = requests.read(data)
    began = time.thread_time()
    answer = world.loop.run_until_complete(requests.ask(world.app, request))
    hold(time.thread_time() - began < HANG_SECONDS, "hangs")
    lines, world.log.lines = world.log.lines, []
    faults = [line for line in lines if "incident" in line]
    hold(not faults, f"a fault: {faults[:1]}")
    hold(not any(mark in line for line in lines for mark in (_MARK, "Rahima", _PHONE[4:])), "a name is in the log")
    if answer is None:
        return
    hold(200 <= answer.status < 500, f"status {answer.status}")
    for name, value in answer.headers:
        hold(not {0, 10, 13} & {*name, *value}, "a header ends early")
    hold(b"default-src 'none'" in answer.header(b"content-security-policy"), "no policy")
    location = answer.header(b"location")
    hold(not location or _OWN_PATH.fullmatch(location) is not None, f"leads to {location[:80]!r}")
    if answer.header(b"content-type").startswith(b"text/html") and not answer.header(b"content-encoding"):
        found = _FORBIDDEN_IN_PAGES.search(answer.body)
        hold(found is None, f"in a page: {found and answer.body[found.start() : found.start() + 60]!r}")
    no_body = request.method == "HEAD" or answer.status in (204, 304)
    said = answer.header(b"content-length")
    hold(no_body or not said or int(said) == len(answer.body), "another length than it says")


def _over_a_socket(port: int, data: bytes) -> None:
    """Send an input as it is, whatever it is, and then ask for a page on another connection."""
    with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), _WIRE_SECONDS) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        came = _until_closed(connection)
        statuses = [int(status) for status in _STATUS_LINE.findall(came)]
        hold(not came or came.startswith(b"HTTP/1.1 "), "an answer that is none")
        hold(all(status < 500 for status in statuses), f"statuses {statuses} on a socket")
    with socket.create_connection(("127.0.0.1", port), _WIRE_SECONDS) as connection:
        connection.sendall(_PAGE)
        hold(_until_closed(connection).startswith(b"HTTP/1.1 200 "), "the server does not go on")


def _until_closed(connection: socket.socket) -> bytes:
    """Read until the other side closes, or is silent: a connection is kept for a while where it may be used again."""
    came = b""
    with suppress(TimeoutError):
        connection.settimeout(_WIRE_SECONDS)
        while piece := connection.recv(65536):
            came += piece
    return came


def _memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * resource.getpagesize() / 2**20


# Seeds


def _seeds() -> list[bytes]:
    return [*[seed.encode() for seed in (*_pages(), *_forms(), *_api())], *_odd()]


_LISTS = (
    EXAMPLE.replace("2026-11-29 08:00", f"{tomorrow()} 08:00"),
    f'{EXAMPLE}\n"a,b\n{_EVIL},,,,\n=1+1,nid,1234567890,dhaka,dhaka,office,1,1,1,1',
    "a,a\n1,2\n" + "x\n" * 205,
    "holder.name\r\nA\0",
)


def _pages() -> list[str]:
    cookies = "Cookie: session={SESSION}; key={KEY}; receipt={REF}.{KEY}; form=0123456789abcdef0123456789abcdef\n"
    paths = [path.replace("{reference}", "{REF}") for path, methods in PAGES.items() if "GET" in methods]
    return [
        *[f"GET {prefix}{path}\n{cookies}\n" for path in paths for prefix in ("", "/en")],
        "GET /status/{REF}?key={KEY}\n\n",
        'GET /en/status/{REF}?done=withdraw&still=1&from=link\nCookie: key={KEY}\nIf-None-Match: "x"\n\n',
        "HEAD /\nAccept-Encoding: gzip\n\n",
        "GET /static/site.css\n\n",
        "OPTIONS /apply\nAccess-Control-Request-Method: POST\n\n",
        "PUT /apply\n\n",
        f"GET /nowhere?{_EVIL}\n\n",
    ]


def _forms() -> list[str]:
    plain = answers(holder__name=_MARK)
    bangla = plain | {
        "holder.name": "রহিমা খাতুন", "not_before.date": "২৮/১১/২০২৬", "not_before.time": "০৯:৩০", "hours": "৩",
        "from.district": "ঢাকা",
    }  # fmt: skip
    evil = plain | {"holder.name": _EVIL, "from.place": "{{7*7}}", "vehicle.registration": "GA\r\nSet-Cookie: a=b"}
    back = plain | {"back.not_before.date": "2", "back.not_before.time": "16:00", "back.hours": "3"}
    driver = plain | {"vehicle.registration": "GA 1", "vehicle.driver.name": "K", "vehicle.driver.licence_last": "77AB"}
    misspelt = plain | {"from.district": "Dahka", "hours": "13", "holder.id_number": "12", "phone": "0171"}
    arrays = {"holder.name[]": "a", "holder": "b", "from": "dhaka", "__proto__.x": "1"}
    far = plain | {"not_before.date": "9999-12-31", "not_before.time": "23:59"}
    forms = [plain, bangla, evil, back, driver, misspelt, arrays, far, {}]
    own = "Cookie: session={SESSION}; key={KEY}; form=0123456789abcdef0123456789abcdef\n"
    token = {"token": "{TOKEN}", "note": "Please look again"}

    def post(path: str, fields: dict[str, str], headers: str = own) -> str:
        body = re.sub(r"%7B([A-Z-]+)%7D", r"{\1}", urlencode(fields))
        return f"POST {path}\n{headers}\n{body}"

    return [
        *[post("/apply", form) for form in forms],
        *[post("/en/apply", form) for form in forms],
        *[post("/en/apply/change", form) for form in forms[:3]],
        *[post("/apply/send", form | {"request_id": "{FORM}"}) for form in (plain, back, evil)],
        post("/en/status", {"reference": "{REF}", "secret": "{KEY}"}),
        *[post(f"/status/{{REF}}/{do}", token) for do in ("withdraw", "appeal", "forget")],
        *[post(f"/en/status/{{REF}}/correct{do}", plain | token) for do in ("", "/change", "/send")],
        post("/en/my-passes", {"phone": _PHONE}),
        post("/my-passes/code", {"challenge": "{CHALLENGE}", "code": "{CODE}", "prefix": "AB"}),
        post("/my-passes/sign-out", {"token": "{SESSION-TOKEN}"}),
        *[post("/en/my-passes/list", {"token": "{SESSION-TOKEN}", "rows": rows}) for rows in _LISTS],
        post("/apply", plain, "Origin: https://evil.example\nSec-Fetch-Site: cross-site\n"),
        post("/apply", plain, "Content-Type: multipart/form-data; boundary=x\n"),
        post("/apply", plain, "Content-Type: application/x-www-form-urlencoded; charset=utf-16\n"),
        post("/apply", plain, "Content-Length: 99999999999999999999\n"),
        post("/apply", plain, "Host: evil.example\nX-Forwarded-Host: evil.example\nX-Forwarded-For: 1.2.3.4\n"),
    ]


def _api() -> list[str]:
    whole = whole_application(request_id="{FORM}")
    whole["holder"]["name"] = _MARK
    documents = [
        json.dumps(whole),
        json.dumps(whole, ensure_ascii=False).replace("Mirpur 10", "মিরপুর ১০"),
        json.dumps(whole | {"holder": ["a"], "from": "dhaka", "vehicle": {"driver": []}, "language": ["en"]}),
        json.dumps(whole | {"hours": 3, "phone": 1712345678, "on_behalf_of": None, "back": {"hours": 1}}),
        json.dumps(whole).replace(_MARK, "\\ud800").replace("Mirpur", "\\u0000"),
        '{"holder": {"name": 1e999, "id_type": -0.0, "id_last": 123456789012345678901234567890}}',
        '{"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}}}',
        '{"holder": {}, "holder": {}, "x": NaN}',
        "[" * 200,
        "{}",
    ]
    sent = "Content-Type: application/json\n"
    own = sent + "Authorization: Bearer {KEY}\n"
    api = [path.replace("{reference}", "{REF}") for path in API]
    return [
        *[f"POST /api/applications\n{sent}\n{document}" for document in documents],
        *[f"GET {path}\n{own}\n" for path in api],
        *[f"POST {path}\n{own}\n" + '{"note": "Again"}' for path in api],
        f"POST /api/applications/{{REF}}/correct\n{own}\n{documents[0]}",
    ]


def _odd() -> list[bytes]:
    """Requests that are none, for the socket above all."""
    return [
        b"GET /%00%ff%c0%af/../..//status?%\nHost:\n\n",
        b"GET http://localhost/en/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /apply HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
        b"POST /apply HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /apply HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nhello",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\nCookie: key=\x80\xff; =; ;;a\r\n\r\n",
        b"GET /status/O123-4567-89AB HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET /en/ HTTP/1.1\r\nHost: localhost\r\n folded: x\r\nX: " + b"a" * 3000 + b"\r\n\r\n",
    ]
