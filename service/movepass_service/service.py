"""The service, as the pages, the API and the commands see it: apply, ask, correct, withdraw, appeal."""

import hashlib
import hmac
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, Self

from movepass_issuer import SignedPass
from movepass_issuer.authority.folder import Authority
from movepass_issuer.printing.card import UnprintableError
from movepass_keys import files
from movepass_service.applications.application import (
    ID_HASH_BYTES,
    Application,
    read_application,
    read_applications,
    split_hash,
    weeks_of,
)
from movepass_service.applications.references import Secrets, hash_secret, parse_reference
from movepass_service.applications.states import WAITING_FOR_OFFICER, State, actions
from movepass_service.decisions.desk import Desk
from movepass_service.decisions.records import APPLICANT, Decision
from movepass_service.errors import NoCard, NotAllowed, StoreError, UnknownApplication
from movepass_service.issuing.figures import LastHour
from movepass_service.rules import RuleSet, default_rules
from movepass_service.rules.columns import dhaka_day, week_of
from movepass_service.rules.kept import KeptRules
from movepass_service.settings import Settings
from movepass_service.stores.accounts import StoreWithAccounts
from movepass_service.stores.kept import Kept
from movepass_service.stores.sqlite.store import SqliteStore
from movepass_service.stores.store import Draft
from movepass_wire import Pass, decode_claims, open_text

NOTE_MAX_CHARS = 500
_HOUR = 3600
_MASTER_BYTES = 32
KEY_FILE = "service.key"
_REFERENCES = 3
_SOON_SECONDS, _LATER_SECONDS, _SETTLED_SECONDS = 3, 60, 300
"""When a status page may look again: while the service works on it, while an officer must, and once all is done."""
_WITHDRAWN = {"bn": "আপনি আবেদনটি প্রত্যাহার করেছেন।", "en": "You withdrew this application."}
_APPEALED = {
    "bn": "আপনি একজন কর্মকর্তাকে আবার দেখতে বলেছেন।",
    "en": "You asked an officer to look at this again.",
}
_NO_SUCH = "no application of this reference with this secret"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to an application, and to the same one sent again.

    Attributes:
        reference: to read out and type.
        secret: opens the application.
        state: where it stands.
        is_new: whether it was not known before.
        is_copied: whether other regions have it too, where there are any; else it is lost with this one.
    """

    reference: str
    secret: str
    state: State
    is_new: bool
    is_copied: bool = True


@dataclass(frozen=True, slots=True)
class IssuedPass:
    """The pass of an application."""

    pass_number: str
    text: str


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an application.

    Attributes:
        since: when it came into its state, seconds since 1970 UTC.
        place: how many are before it and it, where it waits.
        expected_s: in how many seconds it will be decided, by the last hour's figures; None where these tell nothing.
        retry_after_s: when it is worth to ask again.
        reason: the code of the latest decision and its words by language; None before any.
        issued: its pass, where there is one in force.
        can: what the applicant may do: "withdraw", "correct", "appeal".
        is_copied: see Receipt.
    """

    reference: str
    state: State
    since: int
    place: int | None
    expected_s: int | None
    retry_after_s: int
    reason: tuple[str, Mapping[str, str]] | None
    issued: IssuedPass | None
    application: Application
    can: frozenset[str]
    is_copied: bool = True


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the service works.

    Attributes:
        ok: whether it accepts, and its worker works.
        worker_age_s: how long ago the worker last finished a round; None before the first.
        last_publication: when lists were last published, seconds since 1970 UTC; None where that is not known.
        queue: how many applications wait to be decided or issued.
        trouble: what is wrong, for an operator; "" where nothing is.
    """

    ok: bool
    worker_age_s: float | None
    last_publication: int | None
    queue: int
    trouble: str = ""


@dataclass(slots=True)
class Pulse:
    """The counts that working threads keep; each value is written by one of them.

    Attributes:
        worked_at: when the worker last finished a round, by the monotonic clock.
        published_at: when lists were last published, seconds since 1970 UTC.
        ready: how long passes took from their application, in the last hour.
        revoked: set once passes were revoked that are in no list yet.
        worker_trouble: what keeps the worker from working, or "".
        publisher_trouble: what keeps lists from being published, or "".
        log_trouble: what keeps the head of the decision log from being published, or "".
    """

    worked_at: float | None = None
    published_at: int | None = None
    ready: LastHour = field(default_factory=LastHour)
    revoked: threading.Event = field(default_factory=threading.Event)
    worker_trouble: str = ""
    publisher_trouble: str = ""
    log_trouble: str = ""
    started_at: float = field(default_factory=time.monotonic)


_WORKER_MAX_AGE_SECONDS = 60.0


class ServiceStore(StoreWithAccounts, Protocol):
    """A store with the rules that it keeps."""

    def rules_in_force(self) -> str | None:
        """Return the version of the rules in force; None before there are any."""

    def rules_text(self, version: str) -> str | None:
        """Return a rule set's file, whether it is in force or not."""


class ServiceCore:
    """What may be asked of an issuing service, wherever its store and its authority are.

    Attributes:
        desk: carries out what officers decided; pages use one that knows the registered numbers too.
        folder: where its files are, among them drafts of rules; None where it has no folder.
    """

    folder: Path | None = None

    def __init__(self, store: ServiceStore, secrets: Secrets, settings: Settings, *, name: str, is_test: bool) -> None:
        """Take what it works with.

        Args:
            store: where applications are kept.
            secrets: derives references and the applicants' secrets.
            settings: how it works.
            name: the authority's, as cards show it.
            is_test: whether it is a TEST authority.
        """
        self.store = store
        self.name = name
        self.is_test = is_test
        self.settings = settings
        self.pulse = Pulse()
        self._secrets = secrets
        self._rules = KeptRules(store)
        self.desk = Desk(store, self._rules)

    @property
    def statistics_key(self) -> bytes:
        """The seed by which open statistics are rounded."""
        return self._secrets.statistics_key

    def close(self) -> None:
        """Finish what is being written, and let go of the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, fields: Mapping[str, object], *, now: int) -> tuple[Application, ...]:
        """Read a form, an object of the JSON API or a line of a CSV; two applications where it is out and back.

        Raises:
            InvalidApplication: with every fault.
        """
        return read_applications(fields, now=now, hash_id=self._hash_id(now))

    def read_one(self, fields: Mapping[str, object], *, now: int) -> Application:
        """Read one application, as for a correction.

        Raises:
            InvalidApplication: with every fault.
        """
        return read_application(fields, now=now, hash_id=self._hash_id(now))

    @property
    def line_key(self) -> bytes:
        """The key that signs places in line."""
        return self._secrets.line_key

    def client(self, client_id: str) -> bytes:
        """Return under what a client id is kept."""
        return self._secrets.client(client_id)

    def is_known(self, client_id: str, applications: tuple[Application, ...]) -> bool:
        """Return whether the applications of a form are stored already, with the same content."""
        return any(
            hmac.compare_digest(hash_secret(secret), kept.secret_hash)
            for references, secret in self._names(client_id, applications)
            for kept in self._find_any(references)
        )

    async def submit(self, client_id: str, applications: tuple[Application, ...], *, now: int) -> tuple[Receipt, ...]:
        """Keep the applications of one form, all or none: durable when this returns.

        The same client id and content give the same receipts again.

        Raises:
            ConflictingApplication: the client id came before with other content.
            Busy, StorageFull: nothing was stored.
        """
        client, digest = self._secrets.client(client_id), self._digest(applications)
        names = self._names(client_id, applications)
        drafts = [
            Draft(client, part, digest, references, hash_secret(key), application)
            for part, (application, (references, key)) in enumerate(zip(applications, names, strict=True))
        ]
        submitted = await self.store.submit(drafts, now)
        return tuple(
            Receipt(one.reference, key, one.state, one.is_new, one.is_copied)
            for one, (_, key) in zip(submitted, names, strict=True)
        )

    def _digest(self, applications: tuple[Application, ...]) -> bytes:
        digests = [application.digest(self._secrets.content_key) for application in applications]
        return digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()

    def _names(self, client_id: str, applications: tuple[Application, ...]) -> list[tuple[tuple[str, ...], str]]:
        """Return the references that each application of a form may have, and its secret."""
        secrets, digest = self._secrets, self._digest(applications)
        client = secrets.client(client_id)
        return [
            (
                tuple(secrets.reference(client, part, attempt) for attempt in range(_REFERENCES)),
                secrets.secret(client, part, digest),
            )
            for part in range(len(applications))
        ]

    def _find_any(self, references: tuple[str, ...]) -> Iterator[Kept]:
        for reference in references:
            with suppress(UnknownApplication):
                if (kept := self.store.find(reference)) is not None:
                    yield kept

    def status(self, reference: str, secret: str, *, now: int) -> Status:
        """Return where an application stands.

        Raises:
            UnknownApplication: the reference or the secret is not right; nobody learns which.
        """
        kept = self._opened(reference, secret)
        place, expected, again = self._outlook(kept, now)
        has_pass = kept.state == State.ISSUED and kept.pass_number and kept.pass_text
        return Status(
            reference=kept.reference,
            state=kept.state,
            since=kept.since,
            place=place,
            expected_s=expected,
            retry_after_s=again,
            reason=kept.reason,
            issued=IssuedPass(kept.pass_number or "", kept.pass_text or "") if has_pass else None,
            application=kept.application(),
            can=actions(kept.state),
            is_copied=kept.is_copied,
        )

    async def withdraw(self, reference: str, secret: str, *, now: int) -> State:
        """Withdraw an application; its pass, if it has one, is revoked.

        Raises:
            UnknownApplication, NotAllowed: see status; or its state does not allow it.
        """
        kept = self._opened(reference, secret)
        return await self.store.change(kept.reference, Decision("withdraw", APPLICANT, "withdrawn", _WITHDRAWN), now)

    async def correct(self, reference: str, secret: str, application: Application, *, now: int) -> Receipt:
        """Replace an application's content; it is decided again. A pass it has is revoked once there is a new one.

        Raises:
            UnknownApplication, NotAllowed: see status; or its state does not allow it.
        """
        kept = self._opened(reference, secret)
        corrected = _with_known_number(application, kept.application())
        digest = corrected.digest(self._secrets.content_key)
        done = await self.store.correct(kept.reference, digest, corrected, now)
        return Receipt(done.reference, secret, done.state, done.is_new, done.is_copied)

    async def appeal(self, reference: str, secret: str, note: str, *, now: int) -> State:
        """Ask that a person looks at a rejected application.

        Raises:
            UnknownApplication, NotAllowed: see status; or its state does not allow it.
        """
        kept = self._opened(reference, secret)
        words = " ".join(note.split())[:NOTE_MAX_CHARS] or None
        appeal = Decision("appeal", APPLICANT, "appealed", _APPEALED, note=words)
        return await self.store.change(kept.reference, appeal, now)

    def card(self, reference: str, secret: str) -> bytes:
        """Draw the card of an issued application, as PDF.

        Raises:
            UnknownApplication, NotAllowed: see status; or it has no pass.
            NoCard: it has letters that no font here holds.
            CardError: no card can be drawn on this machine.
        """
        signed = self._signed(reference, secret)
        try:
            return signed.card(authority=self.name, test=self.is_test, file_format="PDF")
        except UnprintableError as e:
            raise NoCard(str(e)) from e

    def qr(self, reference: str, secret: str) -> bytes:
        """Draw the QR code of an issued application, as PNG.

        Raises:
            UnknownApplication, NotAllowed: see status; or it has no pass.
        """
        return self._signed(reference, secret).png()

    def health(self) -> Health:
        """Return whether the service works."""
        counts = self.store.counts_by_state()
        pulse, now = self.pulse, time.monotonic()
        age = None if pulse.worked_at is None else now - pulse.worked_at
        late = now - (pulse.worked_at or pulse.started_at) > _WORKER_MAX_AGE_SECONDS
        trouble = "; ".join(filter(None, (pulse.worker_trouble, pulse.publisher_trouble, pulse.log_trouble)))
        if late:
            trouble = trouble or "the worker does not work"
        queue = counts.get(State.RECEIVED, 0) + counts.get(State.APPROVED, 0)
        return Health(not trouble, age, pulse.published_at, queue, trouble)

    def rules_in_force(self) -> RuleSet:
        """Return the rules that an application would be decided by if it came now."""
        return self.rules(self.store.rules_in_force())

    def rules(self, version: str | None) -> RuleSet:
        """Return a rule set by its version; None stands for those that come with the software.

        Raises:
            StoreError: there is none of this version.
        """
        return self._rules(version)

    def statistics_public(self) -> dict[str, int]:
        """Count applications by state, exactly: for operators and tests, never for a public page."""
        return {str(state): count for state, count in self.store.counts_by_state().items()}

    def _opened(self, reference: str, secret: str) -> Kept:
        """Look an application up; an unknown reference takes as long as a wrong secret."""
        try:
            kept = self.store.find(parse_reference(reference))
        except UnknownApplication:
            kept = None
        expected = bytes(32) if kept is None else kept.secret_hash
        if not hmac.compare_digest(hash_secret(secret), expected) or kept is None:
            raise UnknownApplication(_NO_SUCH)
        return kept

    def _signed(self, reference: str, secret: str) -> SignedPass:
        kept = self._opened(reference, secret)
        if kept.state != State.ISSUED or kept.pass_text is None or kept.pass_number is None:
            raise NotAllowed("there is no pass", kept.state)
        pass_: Pass = decode_claims(open_text(kept.pass_text).claims)
        return SignedPass(kept.request_id, kept.pass_text, kept.pass_number, pass_)

    def _outlook(self, kept: Kept, now: int) -> tuple[int | None, int | None, int]:
        """Return an application's place, when it will be decided, and when to ask again; all seconds from now."""
        if kept.state in (State.RECEIVED, State.APPROVED):
            before = self.store.received_before(kept.number) if kept.state == State.RECEIVED else 0
            ready = self.pulse.ready.mean(now)
            return (
                None if before is None else before + 1,
                None if ready is None else max(1, round(ready)),
                _SOON_SECONDS,
            )
        if kept.state in WAITING_FOR_OFFICER:
            place = self.store.places().get(kept.number)
            decided = self.store.decided_by_people_since(now - _HOUR)
            expected = round(place * _HOUR / decided) if place and decided else None
            return place, expected, _LATER_SECONDS
        return None, None, _SETTLED_SECONDS

    def _hash_id(self, now: int) -> Any:
        """Return what hashes identity numbers; keys of weeks that are over are not made again."""
        oldest = week_of(dhaka_day(now)) - 1

        def hash_id(week: int, number: bytes) -> bytes | None:
            key = self.store.id_key(week, oldest)
            return None if key is None else hmac.digest(key, number, hashlib.sha256)[:ID_HASH_BYTES]

        return hash_id


class Service(ServiceCore):
    """A service in one process, with the folders of its data and of its authority."""

    store: SqliteStore

    def __init__(self, store: SqliteStore, authority: Authority, secrets: Secrets, settings: Settings) -> None:
        """Take what `open` opened."""
        super().__init__(store, secrets, settings, name=authority.name, is_test=authority.test)
        self.authority = authority
        self.folder = store.folder

    @classmethod
    def open(cls, data: Path, authority: Path, settings: Settings | None = None) -> Self:
        """Open the service's folder, which is made where there is none, and its authority.

        Raises:
            StoreError, AuthorityError: one of the two can't be used.
        """
        opened = Authority.open(authority)
        key_file = data / KEY_FILE
        if key_file.exists() and not SqliteStore.is_in(data):
            raise StoreError(f"{data} has lost its store, and {KEY_FILE} is there; restore the store from a copy")
        store = SqliteStore(data)
        try:
            if not key_file.exists() and store.counts_by_state():
                raise StoreError(f"{key_file} is missing; restore it from a copy, or forms sent again count twice")
            service = cls(store, opened, Secrets(_own_key(data)), settings or Settings.load(data))
            store.note("is_test", b"1" if opened.test else b"0")
            if store.rules_in_force() is None:
                rules = default_rules()
                store.add_rules(rules.version, rules.table.source, int(time.time()))
        except BaseException:
            store.close()
            raise
        return service


def _with_known_number(corrected: Application, before: Application) -> Application:
    """Return a correction with the hash of the number that was given before, where it shows the same end of it.

    The form can't show the whole number again, and without it an officer would have to decide. There is a hash for each
    week that the earlier trip reached; a correction that reaches another week has none.
    """
    known = dict(zip(weeks_of(before.trip), split_hash(before.id_hash), strict=False))
    hashes = [known.get(week) for week in weeks_of(corrected.trip)]
    same_paper = (corrected.trip.id_type, corrected.trip.id_last) == (before.trip.id_type, before.trip.id_last)
    if corrected.id_hash is None and same_paper and all(hashes):
        return replace(corrected, id_hash=b"".join(one for one in hashes if one))
    return corrected


def _own_key(data: Path) -> bytes:
    """Return the service's own key, made at the first start.

    It is kept beside the store, not in it: a copy of the store alone opens no application.

    Raises:
        StoreError: the file is damaged or can't be read.
    """
    path = data / KEY_FILE
    try:
        with suppress(FileExistsError):
            files.write_new(path, os.urandom(_MASTER_BYTES), files.OWNER_ONLY)
        key = files.read_regular(path, _MASTER_BYTES + 1, own=True)
    except OSError as e:
        raise StoreError(f"{path}: {e.strerror or e}") from e
    if len(key) != _MASTER_BYTES:
        raise StoreError(f"{path} is damaged; restore it from a copy, or forms sent again count twice")
    return key


@contextmanager
def opened(data: Path, authority: Path, settings: Settings | None = None) -> Iterator[Service]:
    """Open a service, and close it at the end of the block."""
    service = Service.open(data, authority, settings)
    try:
        yield service
    finally:
        service.close()
