"""The contract of a store for the desk, beside applications: holds, notes, approvals and second looks.

Each change is one conditional write: it names what it found, and fails with Changed if somebody was quicker.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from movepass_service.errors import ServiceError
from movepass_service.stores.kept import Kept


class Changed(ServiceError):  # noqa: N818 - named as the service's other refusals
    """Somebody changed the same thing meanwhile. Nothing was stored."""

    is_input = True


class TooManyApprovals(ServiceError):  # noqa: N818
    """An officer approved as many as one may without a second officer. Nothing was stored."""

    is_input = True


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision that is not carried out yet: another officer must confirm it, or its undo window is open.

    Attributes:
        action: "approve", "reject" or "needs-correction".
        code: the reason's.
        officer: the name of the officer who proposes.
        actor: how a record names them.
        made_at: seconds since 1970 UTC.
        due_at: when the undo window ends and the worker carries it out, by the desk's clock (DeskStore.advance_clock);
            None where another officer must confirm it.
        note: for the record.
        batch: the id of the bulk decision that it belongs to.
        why: why two officers are needed: "reason", "row" or "volume"; "" where it has a window.
    """

    action: str
    code: str
    officer: str
    actor: str
    made_at: int
    due_at: int | None = None
    note: str | None = None
    batch: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """Keeps others from a case: an officer's lease, a proposal, or both. Any change of the application ends it.

    Attributes:
        number: the application's.
        officer: whose lease it is; "" without one.
        until: when the lease ends, by the desk's clock.
        proposal: a decision that is not carried out yet.
        token: names this version of it; the store makes one with each write.
        reference: the application's, as the store tells it.
        correction: of the content that it is about.
    """

    number: int
    officer: str = ""
    until: int = 0
    proposal: Proposal | None = None
    token: str = ""
    reference: str = ""
    correction: int = 0


@dataclass(frozen=True, slots=True)
class Guard:
    """Conditions that a decision is stored under.

    Attributes:
        token: of the hold that was found, None if there was none.
        approvals_max: approvals that the officer may have made since `since`; None is no bound.
        since: seconds since 1970 UTC.
    """

    token: str | None
    approvals_max: int | None = None
    since: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """An officer's note about a case."""

    at: int
    officer: str
    text: str


@dataclass(frozen=True, slots=True)
class SecondLook:
    """An approval by an officer that another officer looks at again.

    Attributes:
        decision: the id of the approving decision in the store.
        reference: the application's.
        officer: who approved.
        proposer: who proposed the approval, where two officers made it.
        at: when it was approved.
        outcome: "open", "agreed", "disagreed", "upheld" or "reversed".
        looked_by: who looked; "" before.
        looked_at: when; 0 before.
        note: what they wrote.
        resolved_by: the supervisor who closed a disagreement.
    """

    decision: int
    reference: str
    officer: str
    proposer: str | None
    at: int
    outcome: str = "open"
    looked_by: str = ""
    looked_at: int = 0
    note: str = ""
    resolved_by: str = ""


Draw = Callable[[bytes], bool]
"""Decides by an approval's digest whether it gets a second look."""


class DeskStore(Protocol):
    """The part of a store that the desk alone uses."""

    def hold(self, number: int) -> Hold | None:
        """Return the hold of a case."""

    def holds(self, limit: int) -> list[Hold]:
        """Return the holds of all cases, in the order in which these came."""

    def put_hold(self, hold: Hold, found: str | None, *, delete: bool = False, note: Note | None = None) -> str:
        """Write or delete a case's hold; returns its new token.

        Args:
            hold: what to keep; its token and reference do not count.
            found: the token of the hold that it replaces, None if there was none.
            delete: whether to delete the hold that was found instead.
            note: why; it is added in the same transaction, however many notes there are.

        Raises:
            Changed: another hold is there, or the application waits for no officer or has another content by now.
        """

    def same_person(self, kept: Kept, limit: int) -> list[Kept]:
        """Return other applications of the same identity number, the newest first; none where it was not given."""

    def add_note(self, number: int, note: Note, limit: int) -> None:
        """Add a note to an application; it is deleted with it.

        Raises:
            Changed: it has as many as `limit`, or is there no longer.
        """

    def notes(self, number: int) -> list[Note]:
        """Return an application's notes, the first one at the beginning."""

    def approvals_since(self, officer: str, at: int) -> int:
        """Count an officer's approvals since a time."""

    def second_looks(self, outcomes: Sequence[str], limit: int) -> list[SecondLook]:
        """Return approvals that were drawn for a second look and have one of the outcomes, the oldest first."""

    def second_look(self, decision: int) -> SecondLook | None:
        """Look up the second look of an approval that was drawn for one."""

    def put_second_look(self, look: SecondLook, found: str, now: int, act: Mapping[str, Any] | None = None) -> None:
        """Write the outcome of a second look.

        Args:
            look: the decision's, with the outcome.
            found: the outcome that it had.
            now: seconds since 1970 UTC.
            act: the record of it, which the log gets in the same transaction.

        Raises:
            Changed: it has another one by now, or was forgotten.
        """

    def find_pass(self, day: int, index: int) -> Kept | None:
        """Look up the application of a pass, whether it was its first or replaced another, by what the log has.

        Args:
            day: the UTC day on which the pass ends, in days since 1970-01-01.
            index: its index in that day.
        """

    def noted(self, name: str) -> bytes | None:
        """Return the value that is kept under a name."""

    def replace_noted(
        self, name: str, found: bytes | None, value: bytes, now: int, act: Mapping[str, Any] | None = None
    ) -> None:
        """Keep a value under a name in place of the one that was found.

        Args:
            name: under which it is kept.
            found: what was there; None for nothing.
            value: what to keep.
            now: seconds since 1970 UTC.
            act: the record of an act of administration, which the log gets in the same transaction.

        Raises:
            Changed: another value is there.
        """

    def advance_clock(self, now: int) -> int:
        """Return the latest time that any process has named here, which is `now` if that is later."""
