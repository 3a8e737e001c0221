"""What a decision changes, and how the passes of a person are counted: the same in every store. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from movepass_service.applications.states import APPEALABLE, DECIDABLE, REVERSIBLE, WITHDRAWABLE, State
from movepass_service.decisions.records import Decision
from movepass_service.errors import NotAllowed
from movepass_service.rules.columns import dhaka_day
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Counts

NEW_STATE: Final = {
    "approve": State.APPROVED,
    "reject": State.REJECTED,
    "refer": State.REFERRED,
    "needs-correction": State.NEEDS_CORRECTION,
    "expire": State.EXPIRED,
    "withdraw": State.WITHDRAWN,
    "revoke": State.REVOKED,
    "appeal": State.APPEALED,
}
"""The state that a decision's action leads to."""
ENDS_PASSES: Final = frozenset({State.REJECTED, State.EXPIRED, State.WITHDRAWN, State.REVOKED})
"""States in which no pass of an application may be in force, not even one of its content before a correction."""
_ALLOWED: Mapping[str, tuple[State, ...]] = {
    "approve": DECIDABLE,
    "reject": DECIDABLE,
    "needs-correction": DECIDABLE,
    "withdraw": WITHDRAWABLE,
    "appeal": APPEALABLE,
}


@dataclass(frozen=True, slots=True)
class PastPass:
    """A pass that a person got, or is about to get.

    Attributes:
        number: the application's.
        correction: which content of it the pass has.
        is_of_week: whether the person's hash is the one of its week of travel; else it reaches into that week.
        travel_day: the day in Dhaka on which it begins, days since 1970-01-01.
        not_before: when it begins, seconds since 1970 UTC, as all times here.
        not_after: when it ends.
        ended_at: when it was given back or taken away; None before.
    """

    number: int
    correction: int
    is_of_week: bool
    travel_day: int
    not_before: int
    not_after: int
    ended_at: int | None


def settle(found: Kept, decision: Decision, now: int) -> Decision | None:
    """Return the decision that a person's decision means for an application; None where it is so already.

    Raises:
        NotAllowed: its state does not allow it.
    """
    is_revocation = decision.action == "reject" and found.state in REVERSIBLE
    meant = replace(decision, action="revoke") if is_revocation else decision
    if found.state == NEW_STATE[meant.action]:
        return None
    is_reversal = meant.action == "revoke" and found.is_reversible
    if not is_reversal and found.state not in _ALLOWED.get(meant.action, ()):
        raise NotAllowed(f"{meant.action}: not possible for an application that is {found.state}", found.state)
    if meant.action in ("approve", "appeal") and found.not_after <= now:
        raise NotAllowed(f"{meant.action}: the trip is over", found.state)
    return meant


def count_passes(passes: Iterable[PastPass], kept: Kept) -> Counts:
    """Count the passes that the same person has beside an application, which came or was corrected just now.

    Passes are counted as they were issued, whatever their applications say by now. One that was given back counts if
    it had begun: it could be used. So does one of the application's own, which a correction would replace.
    """
    day = dhaka_day(kept.not_before)
    today, week, overlaps = set(), set(), False
    for one in passes:
        ended = kept.since if one.ended_at is None and one.number == kept.number else one.ended_at
        if ended is not None and ended <= one.not_before:
            continue
        # one that a correction replaces counts once
        key = (one.number, one.correction if one.not_before <= kept.since else None)
        if one.travel_day == day:
            today.add(key)
        if one.is_of_week:
            week.add(key)
        overlaps |= ended is None and one.not_before < kept.not_after and kept.not_before < one.not_after
    return Counts(len(today), len(week), overlaps)
