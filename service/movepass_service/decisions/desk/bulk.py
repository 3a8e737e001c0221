"""Many cases at once: a preview, a decision with a limit, a window in which it can be undone, and the carrying out."""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from movepass_service.applications.states import WAITING_FOR_OFFICER
from movepass_service.decisions.desk import checks
from movepass_service.decisions.desk.cases import Case, Filters, read_case
from movepass_service.decisions.desk.core import HOLDS_MAX, HOUR, make_decision
from movepass_service.decisions.desk.settings import DeskSettings
from movepass_service.decisions.desk.single import SingleCases
from movepass_service.decisions.desk.values import Batch, BulkPreview, DeskError
from movepass_service.decisions.records import desk_actor
from movepass_service.decisions.roles import Action, may, require
from movepass_service.errors import NotAllowed, UnknownApplication
from movepass_service.stores.desk import Changed, Guard, Hold, Proposal, TooManyApprovals
from movepass_service.stores.store import Officer

SAMPLE_OF_EXCLUDED = 5
"""References that a preview names for each reason to leave a case out."""
_BATCH_BYTES = 8
_KEPT_LEASE_SECONDS = 600
"""For how long a lease that has ended is kept: its officer may come back, and claim again with one write."""
_TIDY_MAX = 50


class BulkCases(SingleCases):
    """The desk's work on many cases at once."""

    def bulk_preview(self, officer: Officer, filters: Filters, action: str, *, now: int) -> BulkPreview:
        """Return what a bulk decision would do; changes nothing.

        Raises:
            DeskError: unknown-action.
        """
        require(officer, Action.DECIDE_MANY)
        checks.read_code(action, None)
        cases = [case for case in self._cases() if filters.accepts(case, now)]
        chosen, beyond, excluded = self._choose(officer, cases, self._holds(), action, now)
        seen: Counter[str] = Counter()
        sample = []
        for case, why in excluded:
            seen[why] += 1
            if seen[why] <= SAMPLE_OF_EXCLUDED:
                sample.append((case.reference, why))
        return BulkPreview(len(cases), tuple(chosen), beyond, dict(seen), tuple(sample))

    def bulk_decide(  # noqa: PLR0913 - all of it is part of the record, or guards it
        self, officer: Officer, references: Sequence[str], action: str, *, now: int, code: str | None = None,
        note: str | None = None, seen: Mapping[str, int] | None = None,
    ) -> Batch:  # fmt: skip
        """Decide the cases of a preview together; they can be undone while Batch.left_s lasts, then are carried out.

        Each case is checked again; those that can't be decided any longer are in Batch.skipped, with why.

        Args:
            officer: who decides.
            references: the cases of the preview.
            action: "approve", "reject" or "needs-correction".
            now: seconds since 1970 UTC.
            code: one of codes_of(action); the usual one without it.
            note: for the record.
            seen: by reference the correction of the content that the preview showed; a case of another one is left
                out. None stands for whatever there is.

        Raises:
            DeskError: too-many (values: limit), unknown-action, unknown-reason, note-length.
            UnknownApplication: a reference is none.
        """
        require(officer, Action.DECIDE_MANY)
        settings, reason, words = self.settings(), checks.read_code(action, code), checks.read_note(note)
        wanted = list(dict.fromkeys(references))
        if not 0 < len(wanted) <= settings.bulk_limit:
            message = f"a bulk decision has 1 to {settings.bulk_limit} cases, got {len(wanted)}"
            raise DeskError("too-many", message, limit=settings.bulk_limit)
        cases = [read_case(self._find(reference)) for reference in wanted]
        holds = self._holds()  # once: a hold that is replaced must be the one that was judged
        chosen, _, excluded = self._choose(officer, cases, holds, action, now)
        skipped = {case.reference: why for case, why in excluded}
        clock = self._clock.advance(now)
        proposal = Proposal(
            action=action,
            code=reason,
            officer=officer.name,
            actor=desk_actor(officer.name),
            made_at=now,
            due_at=clock + settings.undo_s,
            note=words or None,
            batch=secrets.token_hex(_BATCH_BYTES),
        )
        done = []
        for case in chosen:
            if seen is not None and seen.get(case.reference) != case.kept.correction:
                skipped[case.reference] = "changed"
                continue
            hold = holds.get(case.kept.number)
            pending = Hold(case.kept.number, proposal=proposal, correction=case.kept.correction)
            try:
                self._store.put_hold(pending, hold.token if hold else None)
                done.append(case.reference)
            except Changed:
                skipped[case.reference] = "changed"
        return Batch(proposal.batch or "", officer.name, action, reason, settings.undo_s, tuple(done), skipped)

    def batches(self, officer: Officer, *, now: int) -> list[Batch]:
        """Return the bulk decisions that can still be undone, the newest first."""
        require(officer, Action.SEE_CASES)
        clock = self._clock.peek(now)
        found: dict[str, list[tuple[str, Proposal]]] = {}
        for hold in self._holds().values():
            proposal = hold.proposal
            if proposal and proposal.batch and (proposal.due_at or 0) > clock:
                found.setdefault(proposal.batch, []).append((hold.reference, proposal))
        batches = [_batch(batch, members, clock) for batch, members in found.items()]
        return sorted(batches, key=lambda batch: -batch.left_s)

    def bulk_undo(self, officer: Officer, batch: str, *, now: int) -> int:
        """Undo a bulk decision; returns how many cases wait in the queue again.

        Raises:
            DeskError: no-batch: there is none, or it was carried out; window-over; not-yours: who made it, or a
                supervisor, can undo it.
        """
        require(officer, Action.DECIDE_MANY)
        members = [(hold, hold.proposal) for hold in self._holds().values() if hold.proposal]
        members = [(hold, proposal) for hold, proposal in members if proposal.batch == batch and proposal.due_at]
        if not members:
            raise _no_batch()
        made_by = members[0][1].officer
        if made_by != officer.name and not may(officer.role, Action.UNDO_OF_OTHERS):
            raise DeskError("not-yours", f"{made_by} or a supervisor can undo this")
        clock, undone, late = self._clock.advance(now), 0, False
        for hold, proposal in members:
            if clock >= (proposal.due_at or 0):
                late = True
                continue
            try:
                self._store.put_hold(hold, hold.token, delete=True)
                undone += 1
            except Changed:  # the application changed meanwhile, which ended the hold
                continue
        if late and not undone:
            raise DeskError("window-over", "the time to undo this is over; a supervisor can reverse single approvals")
        if not undone:
            raise _no_batch()
        return undone

    def carry_out(self, *, now: int) -> int:
        """Carry out bulk decisions whose window is over; returns how many cases. The worker calls this.

        Each case is one transaction of the store, which also ends its hold: killed in between, the rest is carried out
        in the next round, and nothing twice.
        """
        clock, due, stale = self._clock.peek(now), [], []
        for hold in self._store.holds(HOLDS_MAX):
            proposal = hold.proposal
            if proposal is not None and proposal.due_at is not None and proposal.due_at <= clock:
                due.append((hold, proposal))
            elif proposal is None and hold.until <= clock - _KEPT_LEASE_SECONDS:
                stale.append(hold)
        if not due and not stale:
            return 0
        self._clock.advance(now)
        for hold in stale[:_TIDY_MAX]:
            self._delete(hold)
        return sum(self._carry_out_one(hold, proposal, now) for hold, proposal in due)

    def _carry_out_one(self, hold: Hold, proposal: Proposal, now: int) -> bool:
        """Carry out one case of a bulk decision; tells whether it was."""
        if not self._still_decides(proposal.officer):
            self._delete(hold)
            return False
        settings = self.settings()
        if why := self._why_two(hold.reference, proposal, settings):
            self._replace(hold, replace(proposal, due_at=None, why=why))
            return False
        most = settings.approvals_per_hour
        guard = Guard(hold.token, most or None, now - HOUR)
        decision = make_decision(
            proposal.action, proposal.actor, proposal.code, proposal.note or "", batch=proposal.batch
        )
        try:
            self._store.decide_case(hold.reference, decision, now, guard=guard, draw=self._drawer())
        except TooManyApprovals:  # the officer approved others meanwhile: now it takes two
            self._replace(hold, replace(proposal, due_at=None, why="volume"))
        except (NotAllowed, UnknownApplication):  # the trip is over, or the application was forgotten
            self._delete(hold)
        except Changed:
            pass
        else:
            return True
        return False

    def _why_two(self, reference: str, proposal: Proposal, settings: DeskSettings) -> str:
        """Return why a bulk approval takes two officers by the settings of now, which may be newer than it; or ""."""
        kept = self._store.find(reference) if proposal.action == "approve" else None
        return checks.second_officer(read_case(kept), settings) if kept else ""

    def _choose(
        self, officer: Officer, cases: Sequence[Case], holds: Mapping[int, Hold], action: str, now: int
    ) -> tuple[list[Case], int, list[tuple[Case, str]]]:
        """Divide cases into those to decide, how many are beyond the limit, and those left out with why."""
        settings, clock = self.settings(), self._clock.peek(now)
        left = settings.approvals_per_hour - self._approvals(officer, now) if settings.approvals_per_hour else None
        chosen: list[Case] = []
        excluded: list[tuple[Case, str]] = []
        beyond, conflict = 0, self._conflicts_of(officer, now)
        for case in cases:
            why = _why_not(officer, case, holds.get(case.kept.number), clock) or conflict(case)
            if not why and action == "approve":
                is_over = left is not None and len(chosen) >= left
                why = "second-officer" if is_over or checks.second_officer(case, settings) else ""
            if why:
                excluded.append((case, why))
            elif len(chosen) < settings.bulk_limit:
                chosen.append(case)
            else:
                beyond += 1
        return chosen, beyond, excluded

    def _delete(self, hold: Hold) -> None:
        try:
            self._store.put_hold(hold, hold.token, delete=True)
        except Changed:
            return

    def _replace(self, hold: Hold, proposal: Proposal) -> None:
        try:
            self._store.put_hold(replace(hold, proposal=proposal), hold.token)
        except Changed:
            return


def _batch(batch: str, members: Sequence[tuple[str, Proposal]], clock: int) -> Batch:
    first = members[0][1]
    references = tuple(reference for reference, _ in members)
    left = (first.due_at or clock) - clock
    return Batch(batch, first.officer, first.action, first.code, left, references, {})


def _why_not(officer: Officer, case: Case, hold: Hold | None, clock: int) -> str:
    """Return why a case is no part of a bulk decision, or ""."""
    if case.kept.state not in WAITING_FOR_OFFICER:
        return "not-waiting"
    if case.application is None:
        return "unreadable"
    if case.kept.is_urgent:
        return "urgent"
    if hold is not None and hold.proposal is not None:
        return "proposed"
    is_others = checks.is_leased(hold, clock) and hold is not None and hold.officer != officer.name
    return "leased" if is_others else ""


def _no_batch() -> DeskError:
    return DeskError("no-batch", "nothing of this bulk decision is left to undo: it was carried out or undone")
