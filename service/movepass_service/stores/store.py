"""The contract of every store of applications. tests/service/stores/store_contract.py checks each store against it.

- a receipt that was given is durable, and so is every change that a method has returned from;
- a client id belongs to one content for ever (until it is forgotten), whoever sends it at once and how often;
- every change of state that decides something leaves a record and a leaf in the log, in the same transaction;
- every pass has one leaf in the log, appended in the transaction that makes it visible;
- the log only grows: no leaf and no published head is changed or deleted;
- applications are decided in the order in which they came, and each one's counts hold those approved before it;
- a full disk leaves nothing half written.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from movepass_service.applications.application import Application
from movepass_service.applications.states import State
from movepass_service.decisions.records import Decision
from movepass_service.stores.desk import DeskStore, Draw, Guard
from movepass_service.stores.kept import Kept

RECEIVED_MAX = 10_000
"""Applications that are counted before one that waits for the rules: more are only said to be many."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An application to keep.

    Attributes:
        client: the client id, as it is kept.
        part: which application of one form it is: 0, or 1 for the way back.
        digest: keyed hash of the content of the whole form.
        references: the reference to use, and those to use where it is taken.
        secret_hash: of its secret.
        application: what was asked for.
    """

    client: bytes
    part: int
    digest: bytes
    references: tuple[str, ...]
    secret_hash: bytes
    application: Application


@dataclass(frozen=True, slots=True)
class Submitted:
    """The result of storing a draft.

    Attributes:
        reference: the application's.
        state: where it stands.
        is_new: whether it was not known before.
        is_copied: whether other regions have it too, where there are any.
    """

    reference: str
    state: State
    is_new: bool
    is_copied: bool = True


@dataclass(frozen=True, slots=True)
class Counts:
    """The other passes of the same person: for the day and the week of travel, and whether one overlaps in time.

    A pass that was given back, or replaced by a correction, counts for day and week if its time had begun.
    """

    today: int
    week: int
    overlaps: bool


Decide = Callable[[Kept, Counts | None], Decision]
"""Decides a received application; there are no counts where the whole identity number was not given."""


@dataclass(frozen=True, slots=True)
class Issued:
    """The pass of an application.

    Attributes:
        number: the application's.
        correction: which content of it the pass has.
        pass_number: "A1B-2C3-D4E".
        pass_text: the payload.
        day: the UTC day in which it ends, days since 1970-01-01.
        index: its index in that day.
        kid: the key that signed it.
        replaces: day and index of the pass that it was issued again for, under another key; None for any other.
    """

    number: int
    correction: int
    pass_number: str
    pass_text: str
    day: int
    index: int
    kid: bytes
    replaces: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """A signed checkpoint of the log.

    Attributes:
        size: how many leaves it covers.
        note: the signed note.
        frontier: the tree's, to continue from (movepass_wire.merkle.Tree).
    """

    size: int
    note: str
    frontier: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    """A record that is still kept, and the position of its leaf."""

    position: int
    salt: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Reissuable:
    """An issued pass that may have been issued again under another key.

    Attributes:
        number: the application's.
        correction: which content of it the pass has.
        request_id: the issuer's name for it.
        not_after: when it ends.
    """

    number: int
    correction: int
    request_id: str
    not_after: int

    @property
    def place(self) -> tuple[int, int, int]:
        """Return its place in the order of Store.issued_under."""
        return self.not_after, self.number, self.correction


@dataclass(frozen=True, slots=True)
class ToRevoke:
    """A pass that must be revoked; its number is None where the issuer may have issued it, or not."""

    number: int
    correction: int
    request_id: str
    pass_number: str | None


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody who may use the desk: a name, a role (decisions.roles.ROLES), and a telephone as +8801XXXXXXXXX.

    The telephone is theirs in private life. It may be None; it keeps them from applications that came from it.
    """

    name: str
    role: str
    phone: str | None = None


class Store(DeskStore, Protocol):
    """Keeps applications and decisions. Methods raise StoreError (StorageFull, Busy) where the store itself fails."""

    async def submit(self, drafts: Sequence[Draft], now: int) -> list[Submitted]:
        """Keep the applications of one form, all or none; durable when this returns.

        Raises:
            ConflictingApplication: the client id came before with other content.
        """

    async def correct(self, reference: str, digest: bytes, application: Application, now: int) -> Submitted:
        """Replace the content of an application, which is received again. The same content again changes nothing.

        Raises:
            UnknownApplication, NotAllowed: there is none, or its state does not allow it.
        """

    async def change(self, reference: str, decision: Decision, now: int) -> State:
        """Withdraw or appeal, as its applicant asks; returns the new state. A second time changes nothing.

        Raises:
            UnknownApplication, NotAllowed: there is none, or its state does not allow it.
        """

    def find(self, reference: str) -> Kept | None:
        """Look up an application."""

    def decide_next(self, limit: int, decide: Decide, now: int) -> int:
        """Decide the received applications that came first, in order; returns how many."""

    def decide_case(
        self, reference: str, decision: Decision, now: int, *, guard: Guard | None = None, draw: Draw | None = None
    ) -> State:
        """Decide one application as an officer; returns its new state. Its hold ends with it.

        Args:
            reference: the application's.
            decision: what was decided.
            now: seconds since 1970 UTC.
            guard: what must be so at that moment.
            draw: tells of an approval whether it gets a second look.

        Raises:
            UnknownApplication, NotAllowed: there is none, or its state does not allow it.
            Changed, TooManyApprovals: the guard's conditions do not hold.
        """

    def expire(self, decision: Decision, now: int, limit: int) -> int:
        """Let applications that wait expire once their trip is over; returns how many."""

    def approved(self, limit: int, covered: int) -> list[Kept]:
        """Return approved applications that have no pass yet, those that came first at the beginning.

        Args:
            limit: how many at most.
            covered: leave out those whose approving decision is not among so many first leaves of the log.
        """

    def record_issued(self, passes: Sequence[Issued], now: int) -> None:
        """Note passes that the issuer has issued, and append a leaf for each that has none yet.

        One withdrawn meanwhile stays withdrawn, and its pass to revoke.
        """

    def record_reissued(self, passes: Sequence[Issued], shown: Sequence[Issued], now: int) -> None:
        """Note passes that were issued again under another key, and append a leaf for each that has none yet.

        Args:
            passes: all of them, each after the one that it replaces.
            shown: those that applicants get from now on, in place of the passes before.
            now: seconds since 1970 UTC.
        """

    def issued_under(self, kid: bytes, *, after: tuple[int, int, int], limit: int) -> list[Reissuable]:
        """Return passes that a key has signed, those that end first at the beginning.

        Args:
            kid: which key.
            after: when the last one ended that was returned before, its number and its correction (Reissuable.place).
            limit: how many at most.
        """

    def record_refused(self, kept: Kept, decision: Decision, now: int) -> None:
        """Note that the issuer refused an approved application: it expires or is referred."""

    def to_revoke(self, limit: int) -> list[ToRevoke]:
        """Return passes that must be revoked and are not yet."""

    def record_revoked(self, passes: Sequence[ToRevoke], now: int, unseen: Sequence[Issued] = ()) -> None:
        """Note that passes were revoked.

        Args:
            passes: which.
            now: seconds since 1970 UTC.
            unseen: those that the issuer had issued and that were not noted as issued: each gets its leaf now.
        """

    def append_administration(self, document: Mapping[str, Any], now: int) -> int:
        """Keep the record of an act of administration, and append its leaf; returns the leaf's position.

        Args:
            document: what was done: "action" and "actor", and whatever describes it. Values are JSON.
            now: seconds since 1970 UTC.
        """

    def log_size(self) -> int:
        """Count the leaves of the log."""

    def leaves(self, start: int, end: int) -> Iterator[str]:
        """Read the leaves of the log from a position up to another one, in order, some at a time."""

    def records(self, end: int, start: int = 0) -> Iterator[LoggedRecord]:
        """Read the records that are still kept of the leaves from a position up to another one, some at a time."""

    def issuance_leaves(self, passes: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """Look up the leaves of passes by (day, index); those without a leaf are left out."""

    def newest_head(self) -> Head | None:
        """Return the head of the log that was signed last."""

    def add_head(self, head: Head) -> None:
        """Keep a signed head: durable when this returns. Those before it go, but for those that were published."""

    def has_offered(self, note: str) -> bool:
        """Return whether a head is one that was to be published."""

    def offer_head(self) -> str | None:
        """Return the newest head to be published, which is kept for ever from now on; None before the first."""

    def officer(self, name: str) -> Officer | None:
        """Look up an officer."""

    def cases(self, limit: int) -> list[Kept]:
        """Return what waits for an officer, urgent ones first, then in the order in which they came."""

    def places(self) -> Mapping[int, int]:
        """Return the place of each case in that order, by number, from 1; it may be some seconds old."""

    def received_before(self, number: int) -> int | None:
        """Return how many received applications came before one; RECEIVED_MAX stands for that many and more.

        None where the store does not count them.
        """

    def history(self, number: int) -> list[dict[str, Any]]:
        """Return the records of all decisions about an application, the first one at the beginning."""

    def counts_by_state(self) -> Mapping[State, int]:
        """Count applications."""

    def decided_by_people_since(self, at: int) -> int:
        """Count the decisions of officers since a time."""

    def id_key(self, week: int, oldest: int) -> bytes | None:
        """Return the key of a week's identity hashes, made when it is first needed; None if it is before `oldest`."""

    def forget(self, now: int, oldest_week: int, limit: int) -> int:
        """Delete what need not be kept any longer, so that its bytes are gone; returns how many applications."""

    def close(self) -> None:
        """Finish what was begun, and let go of the store."""
