"""The people: each fills the form in, checks the answers, sends them, reads the receipt and looks at the status page.

A person does what a browser does with the pages as they are: the fields and the id of the check page go into the
second POST, its redirect is followed, and the status page is asked again after as many seconds as it says, with the
ETag that it came with. Bodies are put together before.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from support.sites import answers, tomorrow

from load.connections import Answer, Connections
from load.schedule import run_on_schedule

READS_SECONDS = 2.0
"""For how long a person reads the answers to be checked, and the receipt."""
DOUBLE_EVERY = 50
"""Every so many people one presses the button twice."""
_DOUBLE_AFTER_SECONDS = 0.05
_RETRY_SECONDS = 5.0
"""As the site's script: after no answer at all."""
_LOOKS_MAX = 20
_TOO_BUSY = (429, 503)
_ID = b'name="request_id" value="'
_ID_LENGTH = 36
_STATE = re.compile(rb'id="state" class="state ([a-z-]+)"')
_WAITING = (b"received", b"approved", b"")

OUTCOMES = ("issued", "rejected", "referred")
_MIX = "issued " * 20 + "rejected " * 3 + "referred " * 2
"""As in April 2021: four of five got their pass."""
_KINDS = [_MIX.split()[(place * 7) % 25] for place in range(25)]
_ASKED = {
    "issued": {"reason": "groceries"},
    "rejected": {"reason": "groceries", "hours": "6"},
    "referred": {"reason": "other", "other_reason": "Harvest"},
}
"""What the rules of April 2021 make of an application."""


@dataclass(slots=True)
class Person:
    """One person and what became of them.

    Attributes:
        number: which one.
        expected: the state that the rules lead to.
        references: that they were given; one, however often they pressed.
        secret: of the application.
        shown: the last state that the status page showed.
        has_sent: whether the second POST was ever sent.
    """

    number: int
    expected: str
    references: set[str] = field(default_factory=set)
    secret: str = ""
    shown: str = ""
    has_sent: bool = False


@dataclass(slots=True)
class Seen:
    """The observations from outside; times in seconds, from when a person wanted it."""

    check: list[float] = field(default_factory=list)
    send: list[float] = field(default_factory=list)
    look: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    put_off: int = 0
    broken: int = 0
    wrong: list[str] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    requests: int = 0


class Crowd:
    """Sends people to a site."""

    def __init__(self, port: int, origin: str) -> None:
        """Take the site's port, and its origin as browsers see it."""
        self.seen = Seen()
        self._connections = Connections(port)
        host = origin.partition("//")[2]
        browser = (
            f"Host: {host}\r\n"
            "User-Agent: Mozilla/5.0 (Linux; Android 8.1.0; Mobile) Chrome/96.0 Mobile Safari/537.36\r\n"
            "Accept: text/html,application/xhtml+xml\r\nAccept-Language: bn-BD,bn;q=0.9,en;q=0.8\r\n"
            "Accept-Encoding: gzip, deflate, br\r\n"
        )
        self._get = f" HTTP/1.1\r\n{browser}Sec-Fetch-Site: same-origin\r\n"
        self._post = (
            f" HTTP/1.1\r\n{browser}Origin: {origin}\r\nSec-Fetch-Site: same-origin\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
        )
        self._day = tomorrow()

    async def arrive(self, rate: float, seconds: float, first: int = 0) -> int:
        """Let people come on schedule, `rate` a second; returns how many, once all have seen their last page."""
        total = int(rate * seconds)
        await run_on_schedule(rate, total, lambda number, due: self._live(first + number, due))
        return total

    async def crowd(self, together: int, seconds: float, first: int) -> int:
        """Let so many people at a time send applications one after the other, without a pause; returns how many."""
        count, end = 0, time.monotonic() + seconds

        async def one_after_the_other() -> None:
            nonlocal count
            while time.monotonic() < end:
                count += 1
                person = self._person(first + count)
                body, cookie = await self._fill_in(person, time.monotonic())
                if body:
                    await self._send(person, body, cookie, time.monotonic())

        await asyncio.gather(*(one_after_the_other() for _ in range(together)))
        return count

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()

    def _person(self, number: int) -> Person:
        person = Person(number, _KINDS[number % len(_KINDS)])
        self.seen.people.append(person)
        return person

    async def _live(self, number: int, came: float) -> None:
        person = self._person(number)
        loop = asyncio.get_running_loop()
        body, cookie = await self._fill_in(person, came)
        if not body:
            return
        wanted = loop.time() + READS_SECONDS
        await asyncio.sleep(READS_SECONDS)
        if number % DOUBLE_EVERY == 0:
            pressed = wanted + _DOUBLE_AFTER_SECONDS
            sent = await asyncio.gather(
                self._send(person, body, cookie, wanted),
                _later(_DOUBLE_AFTER_SECONDS, lambda: self._send(person, body, cookie, pressed)),
            )
            answer = sent[1]
        else:
            answer = await self._send(person, body, cookie, wanted)
        if answer is not None:
            await self._read(person, answer, wanted)

    async def _fill_in(self, person: Person, came: float) -> tuple[bytes, bytes]:
        """Send the form to be checked; returns the second POST's body and the cookie, or b"" where that failed."""
        fields = answers(
            holder__name=f"Person {person.number}",
            holder__id_number=str(10**9 + person.number),
            **_ASKED[person.expected],
        )
        answer = await self._ask(
            self._post_of(person, "/apply", urlencode(fields).encode(), b""), self.seen.check, came
        )
        start = answer.body.find(_ID) if answer else -1
        if answer is None or answer.status != 200 or start < 0:
            self._note_wrong(answer, "check")
            return b"", b""
        fields["not_before.date"] = self._day
        fields["request_id"] = answer.body[start + len(_ID) :][:_ID_LENGTH].decode()
        return urlencode(fields).encode(), _cookies(answer)[b"form"]

    async def _send(self, person: Person, body: bytes, cookie: bytes, wanted: float) -> Answer | None:
        person.has_sent = True
        request = self._post_of(person, "/apply/send", body, b"form=" + cookie)
        answer = await self._ask(request, self.seen.send, wanted)
        if answer is None or answer.status != 303:
            self._note_wrong(answer, "send")
            return None
        reference, _, secret = _cookies(answer)[b"receipt"].decode().partition(".")
        person.references.add(reference)
        person.secret = secret
        return answer

    async def _read(self, person: Person, sent: Answer, wanted: float) -> None:
        """Follow the redirect, read the receipt, and look at the status page until it needs no more looking."""
        loop = asyncio.get_running_loop()
        cookies = _cookies(sent)
        (reference,) = person.references
        prefix = _prefix(person)
        receipt = await self._ask(
            self._get_of(f"{prefix}/receipt", b"receipt=" + cookies[b"receipt"]), self.seen.look, loop.time()
        )
        if receipt is None or receipt.status != 200 or reference.encode() not in receipt.body:
            self._note_wrong(receipt, "receipt")
        tag, pause = b"", READS_SECONDS
        for _ in range(_LOOKS_MAX):
            wants = loop.time() + pause
            await asyncio.sleep(pause)
            more = b"If-None-Match: " + tag + b"\r\n" if tag else b""
            request = self._get_of(f"{prefix}/status/{reference}", b"key=" + cookies[b"key"], more)
            answer = await self._ask(request, self.seen.look, wants)
            if answer is None or answer.status not in (200, 304):
                self._note_wrong(answer, "status")
                return
            if answer.status == 200:
                found = _STATE.search(answer.body)
                person.shown = found[1].decode() if found else ""
            if person.shown.encode() not in _WAITING:
                if person.shown == "issued":
                    self.seen.ready.append(loop.time() - wanted)
                return
            tag = answer.header(b"etag") or b""
            pause = float(answer.header(b"retry-after") or READS_SECONDS)

    async def _ask(self, request: bytes, times: list[float], wanted: float) -> Answer | None:
        """Ask until there is an answer, as the site's script does."""
        loop = asyncio.get_running_loop()
        for _ in range(_LOOKS_MAX):
            self.seen.requests += 1
            try:
                answer = await self._connections.ask(request)
            except OSError:
                self.seen.broken += 1
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if answer.status not in _TOO_BUSY:
                times.append(loop.time() - wanted)
                return answer
            self.seen.put_off += 1
            await asyncio.sleep(float(answer.header(b"retry-after") or _RETRY_SECONDS))
        return None

    def _post_of(self, person: Person, path: str, body: bytes, cookie: bytes) -> bytes:
        head = f"POST {_prefix(person)}{path}{self._post}Content-Length: {len(body)}\r\n".encode()
        return head + (b"Cookie: " + cookie + b"\r\n" if cookie else b"") + b"\r\n" + body

    def _get_of(self, path: str, cookie: bytes, more: bytes = b"") -> bytes:
        return f"GET {path}{self._get}".encode() + more + b"Cookie: " + cookie + b"\r\n\r\n"

    def _note_wrong(self, answer: Answer | None, what: str) -> None:
        self.seen.wrong.append(f"{what}: {answer.status if answer else 'no answer'}")


def _prefix(person: Person) -> str:
    return "/en" if person.number % 2 else ""


def _cookies(answer: Answer) -> dict[bytes, bytes]:
    found = re.findall(rb"\r\nset-cookie: ([^=]+)=([^;]*)", answer.head, re.IGNORECASE)
    return dict(reversed(found))


async def _later(seconds: float, do: Callable[[], Awaitable[Answer | None]]) -> Answer | None:
    await asyncio.sleep(seconds)
    return await do()
