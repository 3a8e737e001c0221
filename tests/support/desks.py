"""The desk as it runs: a real service, the desk's application on a port of its own, officers with software passkeys."""

import hashlib
import json
import os
import re
import struct
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from movepass_issuer.authority.creation import create_authority
from movepass_service.decisions.desk import Desk
from movepass_service.decisions.officers import add_officer, enrolment_link
from movepass_service.desk import default_desk_limits, make_desk_app
from movepass_service.issuing.worker import Worker
from movepass_service.service import Service
from movepass_service.web import WebSettings
from movepass_service.web.limits import Limit
from support.sites import Answer, Browser, Later, serving, whole_application

AGENT = "tests/1"
SIGN_INS = Limit(1000, 10_000)
"""More than all tests that share a desk send, on any machine."""
NAMES = count(1)
numbers = count(2_000_000_000)


@dataclass(slots=True)
class Authenticator:
    """A passkey in software: as much of WebAuthn as an honest authenticator, and what a dishonest one changes."""

    origin: str
    counter: int = 0
    is_counting: bool = True
    is_verified: bool = True
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: os.urandom(16))
    handle: bytes = b""

    def create(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Make the passkey, as navigator.credentials.create() does."""
        self.handle = _bytes(options["user"]["id"])
        public = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")}
        data = self._data(options["rp"]["id"], attested=True) + bytes(16) + struct.pack(">H", len(self.id)) + self.id
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data + cbor2.dumps(cose)})
        client = self._client("webauthn.create", options["challenge"])
        return self._written(attestationObject=attestation, clientDataJSON=client)

    def get(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Sign in, as navigator.credentials.get() does."""
        self.counter += self.is_counting
        data, client = self._data(options["rpId"]), self._client("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._written(authenticatorData=data, clientDataJSON=client, signature=signature, userHandle=self.handle)

    def _data(self, host: str, *, attested: bool = False) -> bytes:
        flags = 0x01 | (0x04 if self.is_verified else 0) | (0x40 if attested else 0)
        return hashlib.sha256(host.encode()).digest() + struct.pack(">BI", flags, self.counter)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _written(self, **response: bytes) -> dict[str, Any]:
        name = _text(self.id)
        return {
            "id": name, "rawId": name, "type": "public-key",
            "response": {key: _text(value) for key, value in response.items()},
        }  # fmt: skip


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(slots=True)
class DeskBrowser(Browser):
    """A browser at the desk, with an authenticator."""

    site: "RunningDesk"  # type: ignore[assignment]
    agent: str = AGENT
    authenticator: Authenticator | None = None

    def ask(self, method: str, path: str, body: bytes | None = None, *, headers: Mapping[str, str]) -> Answer:
        return Browser.ask(self, method, path, body, headers={"User-Agent": self.agent, **headers})

    def call(self, path: str, document: Mapping[str, Any], **headers: str) -> Answer:
        """Call as a page's script does."""
        sent = {"Content-Type": "application/json", "Origin": self.site.origin, "Sec-Fetch-Site": "same-origin"}
        return self.ask("POST", path, json.dumps(document).encode(), headers=sent | headers)

    def enrol(self, secret: str, *, is_counting: bool = True) -> Answer:
        """Set up a passkey by a link's secret."""
        self.authenticator = Authenticator(self.site.origin, is_counting=is_counting)
        begun = self.call("/api/enrol/options", {"secret": secret})
        if begun.status != 200:
            return begun
        return self.call("/api/enrol", {"credential": self.authenticator.create(json.loads(begun.body)["options"])})

    def options(self) -> dict[str, Any]:
        """Begin to sign in."""
        begun = self.call("/api/sign-in/options", {})
        assert begun.status == 200, begun.text
        options: dict[str, Any] = json.loads(begun.body)["options"]
        return options

    def sign_in(self) -> Answer:
        """Sign in with the passkey."""
        assert self.authenticator
        return self.call("/api/sign-in", {"credential": self.authenticator.get(self.options()), "language": "en"})

    def token(self, path: str = "/en/rules") -> str:
        """Return the token that forms of this session carry."""
        found = re.search(r'name="token" value="([0-9a-f]+)"', self.get(path).text)
        assert found
        return found[1]

    def send(self, path: str, **fields: str) -> Answer:
        """Send a form of the desk, with its token, and the content that was seen where it decides."""
        seen = {"seen": "0"} if path.endswith(("/confirm", "/decide")) and "/case/" in path else {}
        return self.post(path, {"token": self.token(), **seen, **fields})


@dataclass(slots=True)
class RunningDesk:
    """A desk that runs, with a clock that tests set."""

    service: Service
    port: int
    settings: WebSettings
    worker: Worker
    clock: "Clock"
    data: Path

    @property
    def origin(self) -> str:
        return self.settings.origin

    @property
    def now(self) -> int:
        return int(self.clock())

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        from support.sites import RunningSite  # noqa: PLC0415 - the same way of asking

        return RunningSite.ask(self, method, path, body, headers=headers)  # type: ignore[arg-type]

    def browser(self, agent: str = AGENT) -> DeskBrowser:
        return DeskBrowser(self, agent=agent)

    def add(self, role: str, name: str = "") -> str:
        """Add an officer; returns the secret of their link."""
        return add_officer(self.service.store, name or f"{role} {next(NAMES)}", role, self.now).secret

    def signed_in(self, role: str, name: str = "") -> DeskBrowser:
        """Return a browser in which an officer of a role is signed in."""
        browser = self.browser()
        assert browser.enrol(self.add(role, name)).status == 200
        answer = browser.sign_in()
        assert answer.status == 200, answer.text
        return browser

    async def _submit(self, changes: Mapping[str, Any]) -> str:
        document = whole_application(**changes)
        client_id = document.pop("request_id")
        (application,) = self.service.read(document, now=self.now)
        (receipt,) = await self.service.submit(client_id, (application,), now=self.now)
        return receipt.reference

    def case(self, name: str = "Rahima Khatun", **changes: Any) -> str:
        """Let somebody apply so that an officer must decide; returns the reference."""
        return self.cases(1, name, **changes)[0]

    def cases(self, many: int, name: str = "Rahima Khatun", **changes: Any) -> list[str]:
        """Let many apply so that an officer must decide; returns the references."""
        import asyncio  # noqa: PLC0415

        async def submit() -> list[str]:
            return [await self._submit(_referred(name, changes)) for _ in range(many)]

        references = asyncio.run(submit())
        self.worker.round()
        return references

    def age(self, reference: str, seconds: int) -> None:
        """Let a case have waited for longer."""
        change = "UPDATE applications SET since = since - ? WHERE reference = ?"
        self.service.store.writer.call(lambda db: db.execute(change, (seconds, reference)) and None)

    def link(self, role: str, name: str) -> str:
        """Add an officer; returns their enrolment link."""
        return enrolment_link(self.origin, self.add(role, name))


def _referred(name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes by which the rules refer an application: a reason in one's own words."""
    holder = {"name": name, "id_type": "nid", "id_number": str(next(numbers))}
    return {"holder": holder, "reason": "Wedding of my sister", **changes}


class Clock:
    """The time, and how far a test has set it."""

    def __init__(self) -> None:
        self.shift = 0.0

    def __call__(self) -> float:
        return time.time() + self.shift


@contextmanager
def running_desk(folder: Path, *, is_working: bool = False, **settings: Any) -> Iterator[RunningDesk]:
    """Run a desk in a folder of its own; the worker works when a test says so, or by itself."""
    authority = folder / "authority"
    if not authority.exists():
        create_authority(authority, name="Dhaka Metropolitan Police", test=True)
    service = Service.open(folder / "data", authority)
    later, clock = Later(), Clock()
    try:
        with serving(later) as port:
            settings.setdefault("url", f"http://localhost:{port}")
            settings.setdefault("limits", {**default_desk_limits(is_test=True), "sign-in": SIGN_INS})
            web = WebSettings(authority="Dhaka Metropolitan Police", **settings)
            later.app = make_desk_app(service, Desk(service.store, service.rules), web, clock=clock)
            worker = Worker(service)
            if is_working:
                worker.start()
            yield RunningDesk(service, port, web, worker, clock, folder / "data")
            if is_working:
                worker.stop()
            worker.close()
    finally:
        service.close()
