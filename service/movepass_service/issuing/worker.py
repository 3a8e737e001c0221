"""The worker: one thread that decides, issues, revokes, expires and forgets, in rounds.

Killed anywhere, the next round continues: what is decided is in the store, and what is issued is in the issuer's ledger
under a request id of the application's own. A pass that is not in both yet is issued again, which gives the same one.
There is one worker, so nothing is revoked while it is being issued.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from movepass_issuer import Issuer, IssuerError, RequestError, SignedPass, UnknownPassError
from movepass_issuer.authority.folder import Authority
from movepass_issuer.errors import KeyPeriodError
from movepass_issuer.issuing.issuer import IssueResult, Revoker
from movepass_keys import KeysError
from movepass_service.applications.application import Application
from movepass_service.decisions.records import SERVICE, Decision
from movepass_service.errors import ServiceError, places
from movepass_service.issuing.deciding import EXPIRED, NOT_ISSUED, decider
from movepass_service.rules.columns import dhaka_day, week_of
from movepass_service.service import Service
from movepass_service.stores.store import Issued, Kept, ToRevoke
from movepass_wire import WireError

LOG = logging.getLogger(__name__)
ROUND_SECONDS = 0.2
"""From the beginning of a round to that of the next: all that comes meanwhile shares the round's commits."""
ISSUE_MAX = 500
"""Passes issued in a round: the issuer's own group."""
REOPEN_SECONDS = 60.0
"""How often the authority is read again, as custodians may have put another key into use."""
HELD_SECONDS = 60.0
"""For how long to leave passes that the key in use can't sign."""
FORGET_SECONDS = 300.0
_FORGET_MAX = 500
_EXPIRE_SECONDS = 5.0
_CHECKPOINT_SECONDS = 1.0
_EXPIRE_MAX = 500
_RETRY_FIRST_SECONDS, _RETRY_MAX_SECONDS = 1.0, 30.0


class Worker:
    """Works for one service until it is told to stop. Everything but `wake` and `stop` runs in its own thread."""

    def __init__(
        self,
        service: Service,
        clock: Callable[[], float] = time.time,
        also_forget: Callable[[int], None] = lambda _now: None,
    ) -> None:
        """Take the service to work for.

        Args:
            service: an open one.
            clock: gives the time in seconds since 1970 UTC.
            also_forget: called whenever the store forgets, for what is kept elsewhere.
        """
        self._also_forget = also_forget
        self._service = service
        self._store = service.store
        self._clock = clock
        self._issuer: Issuer | None = None
        self._opened = ExitStack()
        self._reopen_at = 0.0
        self._held: dict[int, float] = {}
        self._contents: dict[tuple[int, int], Application] = {}
        self._next_forget = self._next_expiry = self._next_checkpoint = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the round at work, and end the thread."""
        self._stop.set()
        self._thread.join()

    def round(self) -> bool:
        """Do all that is to be done now; tells whether there was anything.

        Raises:
            ServiceError, IssuerError, KeysError: a part of it failed; the next round does it again.
        """
        now = int(self._clock())
        self._contents.clear()
        decide = decider(self._service.rules, now, self._remember)
        parts: tuple[Callable[[], int], ...] = (
            lambda: self._store.decide_next(self._service.settings.batch, decide, now),
            lambda: self._issue(now),
            lambda: self._revoke(now),
            lambda: self._tidy(now),
        )
        done, failures = 0, []
        for part in parts:
            try:
                done += part()
            except Exception as e:  # noqa: BLE001 - raised below: while no pass can be signed, withdrawn ones end
                failures.append(e)
        if failures:
            raise failures[0]
        self._service.pulse.worked_at = time.monotonic()
        return bool(done)

    def close(self) -> None:
        """Let go of the issuer."""
        self._issuer = None
        self._opened.close()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                self.round()
            except Exception as e:  # noqa: BLE001 - whatever it is, the next round may do better, and health tells
                failures += 1
                self._fail(e)
                self._stop.wait(min(_RETRY_FIRST_SECONDS * 2 ** min(failures - 1, 8), _RETRY_MAX_SECONDS))
                continue
            failures = 0
            self._service.pulse.worker_trouble = self._trouble()
            self._stop.wait(max(0.0, ROUND_SECONDS - (time.monotonic() - begun)))
        self.close()

    def _fail(self, error: Exception) -> None:
        """Tell of a failure, without any value of an application: only our own errors are shown in words."""
        known = isinstance(error, ServiceError | IssuerError | KeysError)
        self._service.pulse.worker_trouble = f"{type(error).__name__}: {error}" if known else type(error).__name__
        LOG.error(
            "the worker failed: %s%s", self._service.pulse.worker_trouble, "" if known else f" at {places(error)}"
        )
        self.close()

    def _trouble(self) -> str:
        return f"{len(self._held)} passes wait for another key of the authority's" if self._held else ""

    def _issue(self, now: int) -> int:
        """Issue what is approved; returns how many passes."""
        self._release(time.monotonic())
        approved = self._store.approved(ISSUE_MAX + len(self._held))
        free = [one for one in approved if one.number not in self._held][:ISSUE_MAX]
        waiting = [one for one in free if one.not_after > now]
        for over in (one for one in free if one.not_after <= now):
            self._store.record_refused(over, EXPIRED, now)
        if not waiting:
            return len(free)
        answers = self._ask(waiting)
        issued: list[Issued] = []
        for application, answer in zip(waiting, answers, strict=True):
            if isinstance(answer, SignedPass) and answer.revoked_at is None:
                issued.append(Issued(application.number, application.correction, answer.number, answer.text))
            elif isinstance(answer, KeyPeriodError):
                self._held[application.number] = time.monotonic()
                LOG.warning("a pass can't be signed now: %s", answer)
            else:
                self._refuse(application, answer, now)
        if issued:
            self._store.record_issued(issued, now)
        self._note(waiting, now)
        return len(free)

    def _ask(self, waiting: Sequence[Kept]) -> list[IssueResult]:
        """Ask the issuer; an application that can't be read any longer keeps no other from being issued."""
        unread: dict[int, IssueResult] = {}
        requests = []
        for at, one in enumerate(waiting):
            try:
                requests.append(self._read(one).approved(one.request_id))
            except (IssuerError, WireError, ValueError, LookupError, TypeError) as e:
                unread[at] = RequestError(f"it can't be read: {type(e).__name__}")
        answers = iter(self._open_issuer().issue_many(requests))
        return [unread.get(at) or next(answers) for at in range(len(waiting))]

    def _remember(self, kept: Kept, content: Application) -> None:
        """Keep what was read to be decided until it is issued: reading it again costs as much as deciding."""
        self._contents[kept.number, kept.correction] = content

    def _read(self, kept: Kept) -> Application:
        return self._contents.get((kept.number, kept.correction)) or kept.application()

    def _refuse(self, application: Kept, answer: SignedPass | IssuerError, now: int) -> None:
        """Note that the issuer gave no pass: an officer must look."""
        why = "revoked before" if isinstance(answer, SignedPass) else str(answer)
        decision = Decision("refer", SERVICE, "not-issued", NOT_ISSUED, note=why)
        self._store.record_refused(application, decision, now)

    def _note(self, issued: Sequence[Kept], now: int) -> None:
        """Note how long people waited whom no officer kept waiting."""
        waits = [now - one.received_at for one in issued if one.by_rules and not one.correction]
        self._service.pulse.ready.note([float(max(0, wait)) for wait in waits], now)

    def _revoke(self, now: int) -> int:
        """Revoke the passes of what was withdrawn, reversed or corrected; returns how many."""
        wanted = self._store.to_revoke(ISSUE_MAX)
        if not wanted:
            return 0
        with Authority.open(self._service.authority.folder).revoker() as revoker:  # which needs no key
            for one in wanted:
                _revoke_one(revoker, one)
        self._store.record_revoked(wanted, now)
        self._service.pulse.revoked.set()
        return len(wanted)

    def _tidy(self, now: int) -> int:
        """Expire and forget, now and then; and write the log back. Nothing waits for it."""
        at = time.monotonic()
        if at >= self._next_checkpoint:
            self._store.checkpoint()
            self._next_checkpoint = at + _CHECKPOINT_SECONDS
        if at >= self._next_expiry:
            more = self._store.expire(EXPIRED, now, _EXPIRE_MAX) == _EXPIRE_MAX
            self._next_expiry = at + (0 if more else _EXPIRE_SECONDS)
        if at >= self._next_forget:
            oldest = week_of(dhaka_day(now)) - 1
            more = self._store.forget(now, oldest, _FORGET_MAX) == _FORGET_MAX
            self._next_forget = at + (0 if more else FORGET_SECONDS)
            self._also_forget(now)
        return 0

    def _open_issuer(self) -> Issuer:
        """Return the issuer, opened again from time to time."""
        at = time.monotonic()
        if self._issuer is None or at >= self._reopen_at:
            self.close()
            authority = Authority.open(self._service.authority.folder)
            self._issuer = self._opened.enter_context(authority.issuer())
            self._reopen_at = at + REOPEN_SECONDS
        return self._issuer

    def _release(self, at: float) -> None:
        """Let passes that the key could not sign be tried again."""
        for number in [number for number, since in self._held.items() if at - since >= HELD_SECONDS]:
            del self._held[number]


def _revoke_one(revoker: Revoker, one: ToRevoke) -> None:
    """Revoke a pass; one that was never issued needs no revocation."""
    try:
        if one.pass_number is not None:
            revoker.revoke(number=one.pass_number, reason="withdrawn")
        else:
            revoker.revoke(request_id=one.request_id, reason="withdrawn")
    except UnknownPassError:
        if one.pass_number is not None:
            LOG.warning("pass %s is not in the ledger any longer", one.pass_number)
