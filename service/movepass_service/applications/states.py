"""The states of an application, and what may be done in each."""

from enum import StrEnum

from movepass_wire.codes import REASONS


class State(StrEnum):
    """The state of an application."""

    RECEIVED = "received"
    REFERRED = "referred"
    NEEDS_CORRECTION = "needs-correction"
    APPROVED = "approved"
    ISSUED = "issued"
    REJECTED = "rejected"
    APPEALED = "appealed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"


WAITING_FOR_OFFICER = (State.REFERRED, State.APPEALED)
WITHDRAWABLE = (
    State.RECEIVED, State.REFERRED, State.NEEDS_CORRECTION, State.APPROVED, State.ISSUED, State.APPEALED,
)  # fmt: skip
CORRECTABLE = (State.RECEIVED, State.REFERRED, State.NEEDS_CORRECTION, State.ISSUED, State.REJECTED, State.EXPIRED)
"""Not while it is approved: within seconds it is issued."""
APPEALABLE = (State.REJECTED,)
DECIDABLE = (State.REFERRED, State.APPEALED, State.REJECTED, State.RECEIVED)
"""By an officer. A rejected one may be approved after all, as when the reason turns out to be wrong."""
REVERSIBLE = (State.APPROVED, State.ISSUED)
"""An officer's rejection then revokes the pass."""
HOLDING = (State.APPROVED, State.ISSUED)
"""Those that count as a pass of the person's."""
OPEN = (State.RECEIVED, State.REFERRED, State.NEEDS_CORRECTION, State.APPEALED)
"""Those that end by themselves once the trip is over."""


def actions(state: State) -> frozenset[str]:
    """Return what its applicant may do with an application."""
    allowed = (("withdraw", WITHDRAWABLE), ("correct", CORRECTABLE), ("appeal", APPEALABLE))
    return frozenset(action for action, states in allowed if state in states)


_URGENT = frozenset(REASONS.by_key[key].number for key in ("medical", "burial"))


def is_urgent(reason: int | str) -> bool:
    """Return whether applications of a reason come before others."""
    return reason in _URGENT
