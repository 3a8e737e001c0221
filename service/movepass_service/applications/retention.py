"""Retention of applications: for how many days each is kept, by its state."""

from movepass_service.applications.states import State
from movepass_wire.times import DAY_SECONDS

KEPT_DAYS = {
    State.ISSUED: 7,
    State.REVOKED: 7,
    State.APPROVED: 7,
    State.REJECTED: 7,
    State.EXPIRED: 2,
    State.WITHDRAWN: 1,
}
"""Days for which an application is kept: after the trip's end where there was a pass or may be an appeal, after the
withdrawal otherwise. An issuer keeps its payloads for as long (movepass_issuer.issuing.ledger.PERSONAL_DAYS)."""


def forget_at(state: State, not_after: int, now: int) -> int | None:
    """Return when an application is deleted that comes into a state now; None while it is open.

    Args:
        state: the new one.
        not_after: when the trip ends, seconds since 1970 UTC, as all times here.
        now: the present time.
    """
    days = KEPT_DAYS.get(state)
    if days is None:
        return None
    ends = now if state == State.WITHDRAWN else max(now, not_after)
    return ends + days * DAY_SECONDS
