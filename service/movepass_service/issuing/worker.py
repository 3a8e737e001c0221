"""The worker: one thread that carries out, decides, seals, issues, revokes, expires and forgets, in rounds.

A round's decisions are covered by a signed checkpoint of the log, which is durable, before a pass is issued for one of
them. Without the online key nothing new is issued, and all the rest goes on.

Killed anywhere, the next round continues: what is decided is in the store, and what is issued is in the issuer's ledger
under a request id of the application's own. A pass that is not in both yet is issued again, which gives the same one.
There is one worker, so nothing is revoked while it is being issued.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from movepass_issuer import Issuer, IssuerError, RequestError, SignedPass, UnknownPassError
from movepass_issuer.authority.folder import Authority
from movepass_issuer.errors import KeyPeriodError
from movepass_issuer.issuing.issuer import IssueResult, Revoker
from movepass_issuer.issuing.ledger import Entry
from movepass_keys import KeysError, Signer
from movepass_service.applications.application import Application
from movepass_service.decisions.records import SERVICE, Decision
from movepass_service.decisions.sealing import Sealer, origin_for
from movepass_service.errors import NotSealed, ServiceError, places
from movepass_service.issuing.deciding import EXPIRED, NOT_ISSUED, decider
from movepass_service.issuing.reissues import describe, take_reissues
from movepass_service.rules.columns import dhaka_day, week_of
from movepass_service.service import Service
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Issued, Reissuable, ToRevoke
from movepass_wire import WireError
from movepass_wire.times import DAY_SECONDS

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
_REISSUE_MAX = 500
"""Passes that are looked up in a round, to see whether they were issued again under another key."""
_REISSUE_VOID_SECONDS, _REISSUE_SECONDS = 60.0, 600.0
"""How often all are: where the key that signed some is withdrawn, and else, as after a key was only replaced."""
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
        self._online: Signer | None = None
        self._sealer: Sealer | None = None
        self._unlooked: list[tuple[bytes, tuple[int, int, int]]] = []
        self._reopen_at = 0.0
        self._held: dict[int, float] = {}
        self._contents: dict[tuple[int, int], Application] = {}
        self._next_forget = self._next_expiry = self._next_checkpoint = self._next_reissue = 0.0
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
        now = self._now()
        self._contents.clear()
        if time.monotonic() >= self._reopen_at:
            self.close()
            self._reopen_at = time.monotonic() + REOPEN_SECONDS
        decide = decider(self._service.rules, now, self._remember)
        parts: tuple[Callable[[], int], ...] = (
            lambda: self._service.desk.carry_out(now=now),
            lambda: self._store.decide_next(self._service.settings.batch, decide, now),
            lambda: self._seal(self._now()),
            lambda: self._issue(self._now()),
            lambda: self._reissued(self._now()),
            self._revoke,
            lambda: self._tidy(self._now()),
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
        """Let go of the issuer and of the online key."""
        self._issuer = self._online = None
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
        try:
            self._seal(self._now())  # the passes of the last round
        except (ServiceError, WireError) as e:  # which the next start does
            self._fail(e)
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

    def _now(self) -> int:
        return int(self._clock())

    def _seal(self, now: int) -> int:
        """Sign a checkpoint of the decision log as it is by now; returns whether there is a new one.

        Raises:
            NotSealed: the online key can't be used.
        """
        sealer = self._open_sealer()
        try:
            return sealer.seal(self._open_online(), now)
        except (KeysError, IssuerError) as e:
            raise NotSealed(
                f"no checkpoint of the decision log can be signed, so no new pass is issued until it can: {e}"
            ) from e

    def _issue(self, now: int) -> int:
        """Issue what is approved by a decision that a checkpoint covers; returns how many passes."""
        self._release(time.monotonic())
        approved = self._store.approved(ISSUE_MAX + len(self._held), self._open_sealer().covered)
        free = [one for one in approved if one.number not in self._held][:ISSUE_MAX]
        waiting = [one for one in free if one.not_after > now]
        for over in (one for one in free if one.not_after <= now):
            self._store.record_refused(over, EXPIRED, now)
        if not waiting:
            return len(free)
        self._take_reissues([before for one in waiting for before in _earlier(one)])
        answers = self._ask(waiting)
        at = self._now()  # a signer may take minutes, and what the log says of these passes is said now
        issued: list[Issued] = []
        for application, answer in zip(waiting, answers, strict=True):
            if isinstance(answer, SignedPass):
                issued.append(describe(application.number, application.correction, answer))
            if isinstance(answer, SignedPass) and answer.revoked_at is None:
                continue
            if isinstance(answer, KeyPeriodError):
                self._held[application.number] = time.monotonic()
                LOG.warning("a pass can't be signed now: %s", answer)
            else:
                self._refuse(application, answer, at)
        if issued:
            self._store.record_issued(issued, at)
        self._note(waiting, at)
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

    def _revoke(self) -> int:
        """Revoke the passes of what was withdrawn, reversed or corrected; returns how many."""
        wanted = self._store.to_revoke(ISSUE_MAX)
        if not wanted:
            return 0
        unseen = []
        with Authority.open(self._service.authority.folder).revoker() as revoker:  # which needs no key
            for one in wanted:
                entry = _revoke_one(revoker, one)
                if entry and entry.text and one.pass_number is None:
                    unseen.append(describe(one.number, one.correction, entry))
        self._store.record_revoked(wanted, self._now(), unseen)
        self._service.pulse.revoked.set()
        return len(wanted)

    def _reissued(self, now: int) -> int:
        """Look for passes that custodians have issued again under another key; returns how many are new.

        Some of the passes in force that the key in use has not signed are looked at in each round, until all were.
        """
        if not self._unlooked and time.monotonic() >= self._next_reissue:
            self._unlooked = self._other_keys(now)
        while self._unlooked:
            kid, after = self._unlooked.pop()
            passes = self._store.issued_under(kid, after=after, limit=_REISSUE_MAX)
            if len(passes) == _REISSUE_MAX:
                self._unlooked.append((kid, passes[-1].place))
            if passes:
                return self._take_reissues(passes)
        return 0

    def _other_keys(self, now: int) -> list[tuple[bytes, tuple[int, int, int]]]:
        """Return the keys that are not in use, and the place from which to look through the passes of each."""
        authority = Authority.open(self._service.authority.folder)
        keys = authority.keys()
        others = ({*keys.keys, *authority.held_keys}) - {authority.pass_key}
        is_void = any(keys.withdrawn(kid) for kid in others)
        self._next_reissue = time.monotonic() + (_REISSUE_VOID_SECONDS if is_void else _REISSUE_SECONDS)
        return [(kid, (now - DAY_SECONDS, 0, 0)) for kid in others if kid is not None]

    def _take_reissues(self, passes: Sequence[Reissuable]) -> int:
        """Note what was issued again for some passes, and show it to the applicants in place of the void one."""
        if not passes:
            return 0
        authority = Authority.open(self._service.authority.folder)
        with authority.revoker() as revoker:
            return take_reissues(self._store, revoker, passes, lambda kid: kid == authority.pass_key, self._now())

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
        if self._issuer is None:
            authority = Authority.open(self._service.authority.folder)
            self._issuer = self._opened.enter_context(authority.issuer())
        return self._issuer

    def _open_online(self) -> Signer:
        if self._online is None:
            self._online = Authority.open(self._service.authority.folder).online_key()
        return self._online

    def _open_sealer(self) -> Sealer:
        if self._sealer is None:
            self._sealer = Sealer(self._store, origin_for(self._service.authority))
        return self._sealer

    def _release(self, at: float) -> None:
        """Let passes that the key could not sign be tried again."""
        for number in [number for number, since in self._held.items() if at - since >= HELD_SECONDS]:
            del self._held[number]


def _revoke_one(revoker: Revoker, one: ToRevoke) -> Entry | None:
    """Revoke a pass and return its entry; one that was never issued has none, and needs no revocation."""
    try:
        if one.pass_number is not None:
            return revoker.revoke(number=one.pass_number, reason="withdrawn")
        return revoker.revoke(request_id=one.request_id, reason="withdrawn")
    except UnknownPassError:
        if one.pass_number is not None:
            LOG.warning("pass %s is not in the ledger any longer", one.pass_number)
        return None


def _earlier(kept: Kept) -> Iterator[Reissuable]:
    """Return the passes that an application may have had before it was corrected.

    What was issued again for one of them comes before the pass that replaces it.
    """
    for correction in range(kept.correction):
        yield Reissuable(kept.number, correction, kept.request_id_of(correction), kept.not_after)
