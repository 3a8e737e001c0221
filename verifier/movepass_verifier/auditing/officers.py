"""Look for officers whose approvals are unusual. Each is a notice: numbers accuse nobody, they say where to look.

Share: cases that one row of the rules referred are alike. For each row, an officer's share of approvals is compared
with the share of all colleagues, by the z score of two proportions. Bulk decisions count as often as they decided, but
not for speed: nobody reads those one by one.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any

from movepass_verifier.auditing.checks import Context
from movepass_verifier.auditing.leaves import APPROVING
from movepass_wire.times import local

LEAST_DECISIONS = 20
"""Decisions that an officer and all colleagues must each have about a row's cases, to be compared at all."""
SHARE_DIFFERENCE = 0.15
SHARE_Z = 4.0
"""By chance, an officer lies so far above colleagues once in 30,000 comparisons."""
SPEED_SECONDS = 60
SPEED_APPROVALS = 30
"""More approvals within SPEED_SECONDS than anybody reads: a trained officer decides ten plain cases in a minute."""
SHARES_MAX = 1000
"""Shares that a report lists; all are looked at."""
_ACTS = """
CREATE TABLE acts AS SELECT position, at, action = 'approve' AS approves, reference, is_bulk,
    CASE WHEN actor GLOB 'officer:*' THEN substr(actor, 9) ELSE substr(actor, instr(actor, ' as ') + 4) END AS officer,
    (SELECT coalesce(before.row, before.action) FROM decisions before WHERE before.reference = decisions.reference
        AND before.position < decisions.position AND before.action IN ('refer', 'appeal')
        ORDER BY before.position DESC LIMIT 1) AS referred_by
FROM decisions
WHERE action IN ('approve', 'reject', 'revoke') AND (actor GLOB 'officer:*' OR actor GLOB 'console:* as *')
"""


@dataclass(frozen=True, slots=True)
class Share:
    """An officer's approvals of the cases that one row referred, beside those of all colleagues."""

    officer: str
    row: str
    approved: int
    decided: int
    others_approved: int
    others_decided: int

    @property
    def z(self) -> float:
        """Return the z score of the officer's share beside the colleagues'; 0 if they can't be compared."""
        if min(self.decided, self.others_decided) < LEAST_DECISIONS:
            return 0.0
        pooled = (self.approved + self.others_approved) / (self.decided + self.others_decided)
        spread = sqrt(pooled * (1 - pooled) * (1 / self.decided + 1 / self.others_decided))
        return self.difference / spread if spread else 0.0

    @property
    def difference(self) -> float:
        """Return the officer's share of approvals less the colleagues'."""
        return self.approved / self.decided - self.others_approved / self.others_decided if self.others_decided else 0.0

    @property
    def is_unusual(self) -> bool:
        """Return whether the officer approves far more than colleagues."""
        return self.z >= SHARE_Z and self.difference >= SHARE_DIFFERENCE

    def to_json(self) -> dict[str, Any]:
        """Return the object that `audit --json` shows."""
        return {
            "officer": self.officer, "row": self.row, "approved": self.approved, "decided": self.decided,
            "others_approved": self.others_approved, "others_decided": self.others_decided, "z": round(self.z, 1),
        }  # fmt: skip


def check_officers(context: Context) -> list[Share]:
    """Add a notice for each officer whose approvals are unusual; returns the shares, for the report."""
    context.db.execute(_ACTS)
    shares: list[Share] = []
    for share in _shares(context):
        if share.is_unusual:
            context.findings.add("officer-share", _word_share(share), **share.to_json())
        if len(shares) < SHARES_MAX:
            shares.append(share)
    _check_speed(context)
    _check_own_appeals(context)
    _check_confirmed_by_another(context)
    _check_console(context)
    return shares


def _shares(context: Context) -> Iterator[Share]:
    query = (
        "SELECT officer, row, approved, decided, sum(approved) OVER (PARTITION BY row) - approved, "
        "sum(decided) OVER (PARTITION BY row) - decided FROM (SELECT officer, coalesce(referred_by, '-') AS row, "
        "sum(approves) AS approved, count(*) AS decided FROM acts GROUP BY 1, 2) ORDER BY row, officer"
    )
    for row in context.rows(query):
        yield Share(*row)


def _word_share(share: Share) -> str:
    mine, others = share.approved / share.decided, share.others_approved / share.others_decided
    return (
        f"officer {share.officer} approved {share.approved:,} of {share.decided:,} cases of row {share.row} "
        f"({mine:.0%}); all colleagues together {share.others_approved:,} of {share.others_decided:,} ({others:.0%}); "
        f"z = {share.z:.1f}"
    )


def _check_speed(context: Context) -> None:
    """Find for each officer the most approvals within SPEED_SECONDS, if they are too many."""
    recent: deque[int] = deque()
    most: dict[str, tuple[int, int]] = {}
    last = None
    for officer, at in context.rows("SELECT officer, at FROM acts WHERE approves AND NOT is_bulk ORDER BY officer, at"):
        if officer != last:
            recent.clear()
            last = officer
        recent.append(at)
        while recent[0] <= at - SPEED_SECONDS:
            recent.popleft()
        if len(recent) >= SPEED_APPROVALS and len(recent) > most.get(officer, (0, 0))[0]:
            most[officer] = len(recent), recent[0]
    for officer, (count, at) in most.items():
        words = (
            f"officer {officer} approved {count:,} cases one by one within {SPEED_SECONDS} s, at {local(at)}: unread"
        )
        context.findings.add("officer-speed", words, officer=officer, approved=count, at=at)


def _check_own_appeals(context: Context) -> None:
    query = (
        "SELECT a.officer, a.reference, a.position FROM acts a WHERE a.approves AND EXISTS (SELECT 1 FROM decisions d "
        "JOIN acts r ON r.position = d.position WHERE d.reference = a.reference AND d.position < a.position "
        "AND NOT r.approves AND r.officer = a.officer) ORDER BY a.position"
    )
    context.db.execute("CREATE INDEX acts_at ON acts (position)")
    for officer, reference, position in context.rows(query):
        words = f"officer {officer} approved application {reference} after having rejected it"
        context.findings.add("officer-own-appeal", words, position, officer=officer, reference=reference)


def _check_confirmed_by_another(context: Context) -> None:
    """Check that two pairs of eyes were two officers', at the desk or at the console."""
    query = (
        "SELECT acts.position, acts.officer, acts.reference FROM decisions JOIN acts USING (position) "
        "WHERE proposed_by = 'officer:' || acts.officer OR proposed_by GLOB 'console:*' "
        "AND substr(proposed_by, instr(proposed_by, ' as ') + 4) = acts.officer ORDER BY acts.position"
    )
    for position, officer, reference in context.rows(query):
        words = f"officer {officer} confirmed, in leaf {position:,}, what {officer} had proposed for {reference}"
        context.findings.add("confirmed-alone", words, position, officer=officer, reference=reference)


def _check_console(context: Context) -> None:
    query = (
        "SELECT actor, count(*), min(position), sum(action = ?) FROM decisions WHERE actor GLOB 'console:*' "
        "GROUP BY actor ORDER BY actor"
    )
    for actor, count, first, approved in context.rows(query, APPROVING):
        words = f"{actor}: {count:,} decisions, of which {approved:,} approve, at the console instead of the desk"
        context.findings.add("console-decisions", words, first, actor=actor, decisions=count, approved=approved)
