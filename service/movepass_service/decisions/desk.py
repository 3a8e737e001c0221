"""The desk: what officers do with cases. Pages and commands call this; it decides who may, and the store keeps it.

Every method checks the officer's role first. Its methods wait for the disk, so call them from a thread. `now` is the
wall clock in seconds since 1970 UTC; leases and windows go by a clock that never runs backwards (clock.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from movepass_service.applications.states import State
from movepass_service.decisions.cases import Case, Filters, Queue
from movepass_service.decisions.desk_settings import DeskSettings
from movepass_service.errors import ServiceError
from movepass_service.stores.desk import Hold, Note, Proposal, SecondLook
from movepass_service.stores.store import Kept, Officer


class DeskError(ServiceError):
    """The desk refuses what was asked for; the text is English, pages translate by code.

    Attributes:
        code: "not-waiting", "leased", "no-lease", "own", "decided-before", "proposed", "no-proposal", "own-proposal",
            "no-batch", "window-over", "not-yours", "second-look-own", "second-look-done", "not-approved", "changed",
            "too-many-leases", "too-many-notes", "too-many", "unknown-officer", "unknown-action", "unknown-reason",
            "note-length".
        values: what the text names.
    """

    is_input = True

    def __init__(self, code: str, message: str, **values: Any) -> None:
        super().__init__(message)
        self.code = code
        self.values = values


@dataclass(frozen=True, slots=True)
class OpenCase:
    """Everything that an officer needs about a case, on one screen.

    Attributes:
        case: what was asked for.
        age_s: for how long it has waited.
        is_late: whether it is urgent and late.
        why: by language, why it was referred: the conditions of the rules' row in words, or the reason where no row
            decided; one text for each condition.
        history: the records of all decisions, the first one at the beginning.
        notes: the officers' notes.
        same_person: other applications of the same identity number, the newest first, each with its state and pass.
        hold: who has it open, and what is proposed.
        lease_until: when this officer's lease ends; None without one.
        conflicts: why this officer may not decide: "own", "decided-before", "leased", "own-proposal".
        second_officer: why its approval needs two officers: "reason", "row", "volume", or "".
    """

    case: Case
    age_s: int
    is_late: bool
    why: Mapping[str, tuple[str, ...]]
    history: tuple[Mapping[str, Any], ...]
    notes: tuple[Note, ...]
    same_person: tuple[Kept, ...]
    hold: Hold | None
    lease_until: int | None
    conflicts: tuple[str, ...]
    second_officer: str


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a decision.

    Attributes:
        reference: the application's.
        state: its state now.
        proposal: what waits for a second officer, or for the end of its window; None where it was carried out.
    """

    reference: str
    state: State
    proposal: Proposal | None = None


@dataclass(frozen=True, slots=True)
class BulkPreview:
    """What a bulk decision would do.

    Attributes:
        total: how many cases the filters accept.
        chosen: those that would be decided, most urgent first, at most the limit.
        beyond: how many more could be decided if the limit were higher.
        excluded: how many are left out, by why: "leased", "proposed", "second-officer", "own", "decided-before",
            "urgent", "unreadable".
        excluded_sample: some of each, as (reference, why).
    """

    total: int
    chosen: tuple[Case, ...]
    beyond: int
    excluded: Mapping[str, int]
    excluded_sample: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """A bulk decision in its undo window.

    Attributes:
        id: can't be guessed.
        officer: who made it.
        action: what was decided.
        code: the reason's.
        due_at: when the window ends.
        references: the cases in it.
        skipped: cases that were left out, with why.
    """

    id: str
    officer: str
    action: str
    code: str
    due_at: int
    references: tuple[str, ...]
    skipped: Mapping[str, str]


class Desk:
    """The desk of one service."""

    def officer(self, name: str) -> Officer:
        """Look up an officer.

        Raises:
            DeskError: unknown-officer.
        """
        raise NotImplementedError

    # One case

    def queue(self, officer: Officer, filters: Filters, *, now: int, offset: int = 0, limit: int = 50) -> Queue:
        """Return a page of the queue, most urgent first."""
        raise NotImplementedError

    def open_case(self, officer: Officer, reference: str, *, now: int) -> OpenCase:
        """Show an application, whether it waits or was decided; claims nothing.

        Raises:
            UnknownApplication: there is none.
        """
        raise NotImplementedError

    def find_reference(self, officer: Officer, text: str) -> str:
        """Return the reference of what an officer typed: a reference or a pass number.

        Raises:
            UnknownApplication: neither.
        """
        raise NotImplementedError

    def claim(self, officer: Officer, reference: str, *, now: int) -> OpenCase:
        """Claim a case for this officer, or renew the lease; others are kept from it until the lease ends.

        Raises:
            UnknownApplication: there is none.
            DeskError: not-waiting, leased (values: officer, until), own, decided-before, proposed, too-many-leases.
        """
        raise NotImplementedError

    def claim_next(self, officer: Officer, filters: Filters, *, now: int, after: str | None = None) -> OpenCase | None:
        """Claim the most urgent case that is free and that this officer may decide; None if there is none.

        Args:
            officer: who claims.
            filters: which cases.
            now: seconds since 1970 UTC.
            after: a reference to leave aside, as when an officer skips a case.
        """
        raise NotImplementedError

    def renew(self, officer: Officer, reference: str, *, now: int) -> int:
        """Renew a lease; returns when it ends now.

        Raises:
            DeskError: no-lease: it ended, or the case was decided.
        """
        raise NotImplementedError

    def release(self, officer: Officer, reference: str, *, now: int) -> None:
        """Give up a lease. Without one nothing changes."""
        raise NotImplementedError

    def decide(  # noqa: PLR0913 - all of it is part of the record
        self, officer: Officer, reference: str, action: str, *, now: int, code: str | None = None,
        note: str | None = None, actor: str | None = None,
    ) -> Done:  # fmt: skip
        """Approve, reject, or ask for a correction. Needs this officer's lease.

        Where two officers are needed, the approval becomes a proposal and the application's state stays.

        Args:
            officer: who decides.
            reference: the application's, as people type it.
            action: "approve", "reject" or "needs-correction".
            now: seconds since 1970 UTC.
            code: one of codes_of(action); the usual one without it.
            note: for the record; the applicant does not read it.
            actor: how the record names the officer; "officer:NAME" without it.

        Raises:
            DeskError: no-lease, not-waiting, own, decided-before, proposed, unknown-action, unknown-reason, changed.
            NotAllowed: its state does not allow it, or the trip is over.
        """
        raise NotImplementedError

    def add_note(self, officer: Officer, reference: str, text: str, *, now: int) -> Note:
        """Add a note to a case. Notes stay, and are deleted with the application.

        Raises:
            DeskError: note-length, too-many-notes.
        """
        raise NotImplementedError

    # Two officers

    def proposals(self, officer: Officer, *, now: int) -> list[tuple[Case, Proposal]]:
        """Return what waits for a second officer, the oldest first; own ones too, which others confirm."""
        raise NotImplementedError

    def confirm(self, officer: Officer, reference: str, *, now: int, note: str | None = None) -> Done:
        """Confirm another officer's proposal, which is then carried out.

        Raises:
            DeskError: no-proposal, own-proposal, own, decided-before, leased, changed.
        """
        raise NotImplementedError

    def refuse(self, officer: Officer, reference: str, *, now: int, note: str) -> None:
        """Refuse a proposal, or withdraw one's own: the case waits in the queue again, with the note.

        Raises:
            DeskError: no-proposal, own, note-length, changed.
        """
        raise NotImplementedError

    # Second looks

    def second_looks(self, officer: Officer, *, now: int) -> list[tuple[Kept, SecondLook]]:
        """Return approvals that this officer may look at again; for a supervisor also those with a disagreement."""
        raise NotImplementedError

    def record_second_look(self, officer: Officer, decision: int, *, agrees: bool, note: str, now: int) -> SecondLook:
        """Note what a second look found.

        Raises:
            DeskError: second-look-own, second-look-done, own, note-length.
        """
        raise NotImplementedError

    def resolve_second_look(self, officer: Officer, decision: int, *, reverse: bool, note: str, now: int) -> SecondLook:
        """Close a disagreement as a supervisor: reverse the approval, which revokes, or uphold it.

        Raises:
            DeskError: second-look-own, second-look-done, own.
        """
        raise NotImplementedError

    def reverse(self, officer: Officer, reference: str, *, now: int, note: str, actor: str | None = None) -> Done:
        """Revoke what was approved, as a supervisor.

        Raises:
            DeskError: not-approved, own, note-length.
        """
        raise NotImplementedError

    # Many cases

    def bulk_preview(self, officer: Officer, filters: Filters, action: str, *, now: int) -> BulkPreview:
        """Return what a bulk decision would do; changes nothing."""
        raise NotImplementedError

    def bulk_decide(
        self, officer: Officer, references: Sequence[str], action: str, *, now: int, code: str | None = None,
        note: str | None = None,
    ) -> Batch:  # fmt: skip
        """Decide the cases of a preview together; they can be undone until Batch.due_at, and then are carried out.

        Each case is checked again; those that can't be decided any longer are in Batch.skipped.

        Raises:
            DeskError: too-many (values: limit), unknown-action, unknown-reason, note-length.
        """
        raise NotImplementedError

    def batches(self, officer: Officer, *, now: int) -> list[Batch]:
        """Return the bulk decisions that can still be undone, the newest first."""
        raise NotImplementedError

    def bulk_undo(self, officer: Officer, batch: str, *, now: int) -> int:
        """Undo a bulk decision; returns how many cases wait in the queue again.

        Raises:
            DeskError: no-batch, window-over, not-yours.
        """
        raise NotImplementedError

    def carry_out(self, *, now: int) -> int:
        """Carry out bulk decisions whose window is over; returns how many cases. The worker calls this."""
        raise NotImplementedError

    # Settings

    def settings(self) -> DeskSettings:
        """Return the settings in force."""
        raise NotImplementedError

    def change_settings(
        self, officer: Officer, found: DeskSettings, wanted: DeskSettings, *, now: int, actor: str | None = None
    ) -> None:
        """Change the settings, as a supervisor; the log says who, and from what to what.

        Args:
            officer: who changes them.
            found: the settings that they saw.
            wanted: those to put in place.
            now: seconds since 1970 UTC.
            actor: how the record names the officer.

        Raises:
            DeskError: changed: another supervisor was quicker.
        """
        raise NotImplementedError
