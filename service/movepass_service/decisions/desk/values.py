"""The desk's results and its error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from movepass_service.applications.states import State
from movepass_service.decisions.desk.cases import Case
from movepass_service.decisions.desk.why import Explanation
from movepass_service.errors import ServiceError
from movepass_service.stores.desk import Hold, Note, Proposal
from movepass_service.stores.kept import Kept


class DeskError(ServiceError):
    """The desk refuses what was asked for; the text is English, pages translate by code.

    Attributes:
        code: "changed", "decided-before", "leased", "no-batch", "no-lease", "no-proposal", "not-approved",
            "not-waiting", "not-yours", "note-length", "own", "own-proposal", "proposed", "second-look-done",
            "second-look-own", "second-officer", "too-many", "too-many-leases", "too-many-notes", "unknown-action",
            "unknown-officer", "unknown-reason", or "window-over".
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
        why: by language, why it was referred.
        history: the records of all decisions, the first one at the beginning.
        notes: the officers' notes.
        same_person: other applications of the same identity number, the newest first, each with its state and pass.
        hold: who has it open, and what is proposed.
        lease_s: after how many seconds this officer's lease ends; None without one.
        conflicts: why this officer may not decide: "own", "decided-before", "leased", "own-proposal".
        second_officer: why its approval needs two officers: "reason", "row", "volume", or "".
    """

    case: Case
    age_s: int
    is_late: bool
    why: Mapping[str, Explanation]
    history: tuple[Mapping[str, Any], ...]
    notes: tuple[Note, ...]
    same_person: tuple[Kept, ...]
    hold: Hold | None
    lease_s: int | None
    conflicts: tuple[str, ...]
    second_officer: str


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a decision.

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
    """The effect that a bulk decision would have.

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
        left_s: after how many seconds the window ends.
        references: the cases in it.
        skipped: cases that were left out, with why.
    """

    id: str
    officer: str
    action: str
    code: str
    left_s: int
    references: tuple[str, ...]
    skipped: Mapping[str, str]
