"""One case at a time: the queue, a claim, a decision, and the second officer where one is needed."""

from dataclasses import replace
from typing import Any

from movepass_service.applications.states import WAITING_FOR_OFFICER, State
from movepass_service.decisions.desk import checks
from movepass_service.decisions.desk.cases import Case, Filters, Queue, QueueLine, count_by, read_case
from movepass_service.decisions.desk.core import HOLDS_MAX, HOUR, DeskCore, make_decision, once
from movepass_service.decisions.desk.values import DeskError, Done, OpenCase
from movepass_service.decisions.desk.why import explain
from movepass_service.decisions.reasons import codes_of
from movepass_service.decisions.records import desk_actor
from movepass_service.decisions.roles import Action, may, require
from movepass_service.stores.desk import Changed, Guard, Hold, Note, Proposal, TooManyApprovals
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Officer
from movepass_wire import WireError
from movepass_wire.number import parse_number, resolve_day
from movepass_wire.times import DAY_SECONDS

NOTES_MAX = 50
"""Notes about one application."""
LEASES_MAX = 10
"""Cases that one officer may have open: nobody hides the queue from others."""
SAME_PERSON_MAX = 20
QUEUE_MAX = 200
_TRIES = 3


class SingleCases(DeskCore):
    """The desk's work on one case at a time."""

    def queue(self, officer: Officer, filters: Filters, *, now: int, offset: int = 0, limit: int = 50) -> Queue:
        """Return a page of the queue, most urgent first.

        Args:
            officer: who looks.
            filters: which cases.
            now: seconds since 1970 UTC.
            offset: how many to leave out at the beginning.
            limit: lines, at most QUEUE_MAX.
        """
        require(officer, Action.SEE_CASES)
        cases, holds, clock = self._cases(), self._holds(), self._clock.peek(now)
        accepted = [case for case in cases if filters.accepts(case, now)]
        start = max(0, offset)
        page = accepted[start : start + max(1, min(limit, QUEUE_MAX))]
        conflict = self._conflicts_of(officer, now)
        return Queue(
            lines=tuple(_line(case, holds.get(case.kept.number), conflict(case), now, clock) for case in page),
            total=len(accepted),
            offset=start,
            waiting=len(cases),
            late=sum(case.is_late(now) for case in cases),
            by_reason=count_by(cases, lambda case: (case.reason,)),
            by_district=count_by(cases, lambda case: (case.from_district, case.to_district)),
            by_row=count_by(cases, lambda case: (case.row,)),
            appeals=sum(case.is_appeal for case in cases),
            is_cut=len(cases) >= self._cases_max,
        )

    def open_case(self, officer: Officer, reference: str, *, now: int) -> OpenCase:
        """Show an application, whether it waits or was decided; claims nothing.

        Raises:
            UnknownApplication: there is none.
        """
        require(officer, Action.SEE_CASES)
        case = read_case(self._find(reference))
        return self._show(officer, case, self._store.hold(case.kept.number), now)

    def find_reference(self, officer: Officer, text: str, *, now: int) -> str:
        """Return the reference of what an officer typed: a reference or a pass number.

        Raises:
            UnknownApplication: neither.
        """
        require(officer, Action.SEE_CASES)
        try:
            day, index = parse_number(text)
        except (WireError, ValueError):
            return self._find(text).reference
        found = self._store.find_pass(resolve_day(day, now // DAY_SECONDS), index)
        return found.reference if found else self._find(text).reference

    def claim(self, officer: Officer, reference: str, *, now: int) -> OpenCase:
        """Claim a case for this officer, or renew the lease; others are kept from it until the lease ends.

        Raises:
            UnknownApplication: there is none.
            DeskError: not-waiting, leased (values: officer, left_s), own, decided-before, proposed, too-many-leases.
        """
        require(officer, Action.DECIDE)
        for _ in range(_TRIES):
            case = read_case(self._find(reference))
            self._check_waiting(case.kept)
            self._check_conflict(officer, case, now)
            clock = self._clock.advance(now)
            hold = self._store.hold(case.kept.number)
            self._check_free(officer, hold, clock)
            try:
                return self._show(officer, case, self._lease(officer, case.kept, hold, clock), now)
            except Changed:
                continue
        raise DeskError("changed", "somebody was quicker; look at it again")

    def claim_next(self, officer: Officer, filters: Filters, *, now: int, after: str | None = None) -> OpenCase | None:
        """Claim the most urgent case that is free and that this officer may decide; None if there is none.

        Args:
            officer: who claims.
            filters: which cases.
            now: seconds since 1970 UTC.
            after: the reference of a case that the officer skips: the search begins behind it.
        """
        require(officer, Action.DECIDE)
        clock, holds, conflict = self._clock.advance(now), self._holds(), self._conflicts_of(officer, now)
        cases = [case for case in self._cases() if filters.accepts(case, now)]
        skipped = [at for at, case in enumerate(cases, 1) if case.reference == after]
        if skipped:
            cases = cases[skipped[0] :]
        for case in cases:
            hold = holds.get(case.kept.number)
            taken = hold is not None and (hold.proposal or (hold.officer != officer.name and hold.until > clock))
            if taken or conflict(case):
                continue
            try:
                return self.claim(officer, case.reference, now=now)
            except DeskError as e:
                if e.code == "too-many-leases":
                    raise
        return None

    def renew(self, officer: Officer, reference: str, *, now: int) -> int:
        """Renew a lease; returns for how many seconds it holds now.

        Raises:
            DeskError: no-lease: it ended, or the case was decided.
        """
        require(officer, Action.DECIDE)
        kept, clock = self._find(reference), self._clock.advance(now)
        hold = self._own_lease(officer, kept, clock)
        try:
            renewed = self._lease(officer, kept, hold, clock)
        except Changed as e:
            raise _no_lease() from e
        return renewed.until - clock

    def release(self, officer: Officer, reference: str, *, now: int) -> None:
        """Release a lease. Without one nothing changes."""
        require(officer, Action.DECIDE)
        kept = self._find(reference)
        hold = self._store.hold(kept.number)
        if hold is None or hold.officer != officer.name or hold.proposal is not None:
            return
        self._clock.advance(now)
        try:
            self._store.put_hold(hold, hold.token, delete=True)
        except Changed:
            return

    def decide(  # noqa: PLR0913 - all of it is part of the record
        self, officer: Officer, reference: str, action: str, *, now: int, code: str | None = None,
        note: str | None = None, seen: int | None = None, actor: str | None = None,
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
            seen: the correction of the content that the officer saw; one that came since refuses the decision.
            actor: how the record names the officer; "officer:NAME" without it.

        Raises:
            DeskError: no-lease, not-waiting, own, decided-before, unknown-action, unknown-reason, note-length, changed.
            NotAllowed: its state does not allow it, or the trip is over.
        """
        require(officer, Action.DECIDE)
        reason, words = checks.read_code(action, code), checks.read_note(note)
        case, who = read_case(self._find(reference)), actor or desk_actor(officer.name)
        self._check_waiting(case.kept)
        self._check_conflict(officer, case, now)
        hold = self._own_lease(officer, case.kept, self._clock.advance(now))
        _check_seen(case, seen)
        proposal = Proposal(action, reason, officer.name, who, now, note=words or None)
        with once():
            if action == "approve" and (why := self._second_officer(officer, case, now)):
                return self._propose(case.kept, hold, replace(proposal, why=why))
            decision = make_decision(action, who, reason, words)
            try:
                guard = self._guard(hold.token, now)
                return self._decide(case.kept, decision, guard, now)
            except TooManyApprovals:
                return self._propose(case.kept, hold, replace(proposal, why="volume"))

    def decide_unclaimed(  # noqa: PLR0913 - all of it is part of the record
        self, officer: Officer, reference: str, action: str, *, now: int, code: str | None, note: str | None, actor: str
    ) -> Done:
        """Decide what is no case at the console: approve after all what was rejected, or withdraw for an applicant.

        Raises:
            DeskError: own, leased, proposed, second-officer: the approval needs two, who find it only among the cases.
            NotAllowed: its state does not allow it, or the trip is over.
        """
        require(officer, Action.DECIDE)
        words, case = checks.read_note(note), read_case(self._find(reference))
        self._check_own(officer, case, now)
        clock, hold = self._clock.advance(now), self._store.hold(case.kept.number)
        self._check_free(officer, hold, clock)
        is_unseen = case.kept.state == State.RECEIVED and bool(self.settings().four_eyes_rows)  # which row is to come
        if action == "approve" and (is_unseen or self._second_officer(officer, case, now)):
            message = "approving this needs two officers; the applicant can appeal, and then it is a case"
            raise DeskError("second-officer", message)
        decision = make_decision(action, actor, code or codes_of(action)[0], words)
        with once():
            return self._decide(case.kept, decision, Guard(hold.token if hold else None), now)

    def add_note(self, officer: Officer, reference: str, text: str, *, now: int) -> Note:
        """Add a note to a case. Notes stay, and are deleted with the application.

        Raises:
            DeskError: note-length, too-many-notes, own.
        """
        require(officer, Action.DECIDE)
        note = Note(now, officer.name, checks.read_note(text, is_needed=True))
        kept = self._find(reference)
        self._check_own(officer, read_case(kept), now)
        try:
            self._store.add_note(kept.number, note, NOTES_MAX)
        except Changed as e:
            raise DeskError("too-many-notes", f"an application has at most {NOTES_MAX} notes", max=NOTES_MAX) from e
        return note

    def proposals(self, officer: Officer) -> list[tuple[Case, Proposal]]:
        """Return what waits for a second officer, most urgent first; own ones too, which others confirm."""
        require(officer, Action.SEE_CASES)
        found = []
        for hold in self._holds().values():
            kept = self._store.find(hold.reference) if hold.proposal and _waits(hold.proposal) else None
            if kept is not None and hold.proposal is not None:
                found.append((read_case(kept), hold.proposal))
        return sorted(found, key=lambda one: (not one[0].kept.is_urgent, one[0].kept.number))

    def confirm(
        self, officer: Officer, reference: str, *, now: int, note: str | None = None, seen: int | None = None,
        actor: str | None = None,
    ) -> Done:  # fmt: skip
        """Confirm another officer's proposal, which is then carried out. The record names both.

        Args:
            officer: who confirms.
            reference: the application's, as people type it.
            now: seconds since 1970 UTC.
            note: for the record; the proposer's without it.
            seen: see decide.
            actor: how the record names the officer; "officer:NAME" without it.

        Raises:
            DeskError: no-proposal, own-proposal, own, decided-before, note-length, changed.
            NotAllowed: the trip is over.
        """
        require(officer, Action.DECIDE)
        words = checks.read_note(note)
        case = read_case(self._find(reference))
        hold, proposal = self._proposed(case.kept)
        _check_seen(case, seen)
        if proposal.officer == officer.name:
            raise DeskError("own-proposal", "another officer confirms what you proposed")
        self._check_conflict(officer, case, now)
        if not self._still_decides(proposal.officer):
            raise DeskError("no-proposal", f"{proposal.officer} decides no longer; refuse the proposal")
        self._clock.advance(now)
        decision = make_decision(
            proposal.action,
            actor or desk_actor(officer.name),
            proposal.code,
            words or proposal.note or "",
            proposed_by=proposal.actor,
            batch=proposal.batch,
        )
        with once():
            return self._decide(case.kept, decision, Guard(hold.token), now)

    def refuse(self, officer: Officer, reference: str, *, now: int, note: str) -> None:
        """Refuse a proposal, or withdraw one's own: the case waits in the queue again, with the note.

        Raises:
            DeskError: no-proposal, own, decided-before, note-length, changed.
        """
        require(officer, Action.DECIDE)
        words = checks.read_note(note, is_needed=True)
        case = read_case(self._find(reference))
        hold, proposal = self._proposed(case.kept)
        if proposal.officer != officer.name:
            self._check_conflict(officer, case, now)
        with once():
            self._store.put_hold(hold, hold.token, delete=True, note=Note(now, officer.name, words))

    def reverse(self, officer: Officer, reference: str, *, now: int, note: str, actor: str | None = None) -> Done:
        """Revoke what was approved, as a supervisor. A second time changes nothing.

        A correction that waits ends with it.

        Raises:
            DeskError: not-approved, own, note-length.
        """
        require(officer, Action.REVERSE)
        words = checks.read_note(note, is_needed=True)
        case = read_case(self._find(reference))
        self._check_own(officer, case, now)
        if not case.kept.is_reversible and case.kept.state != State.REVOKED:
            raise DeskError("not-approved", f"an application that is {case.kept.state} has no approval to reverse")
        decision = make_decision("revoke", actor or desk_actor(officer.name), codes_of("revoke")[0], words)
        return self._decide(case.kept, decision, None, now)

    def _show(self, officer: Officer, case: Case, hold: Hold | None, now: int) -> OpenCase:
        kept, clock = case.kept, self._clock.peek(now)
        history = tuple(self._store.history(kept.number))
        is_mine = hold is not None and hold.officer == officer.name and hold.until > clock
        conflicts = [self._conflicts_of(officer, now)(case)]
        if hold is not None and checks.is_leased(hold, clock) and not is_mine:
            conflicts.append("leased")
        if hold is not None and hold.proposal is not None:
            conflicts.append("own-proposal" if hold.proposal.officer == officer.name else "")
        return OpenCase(
            case=case,
            age_s=case.age(now),
            is_late=case.is_late(now),
            why=explain(kept, history, self._rules),
            history=history,
            notes=tuple(self._store.notes(kept.number)),
            same_person=tuple(self._store.same_person(kept, SAME_PERSON_MAX)),
            hold=hold,
            lease_s=hold.until - clock if hold is not None and is_mine else None,
            conflicts=tuple(filter(None, conflicts)),
            second_officer=self._second_officer(officer, case, now),
        )

    def _check_waiting(self, kept: Kept) -> None:
        if kept.state not in WAITING_FOR_OFFICER:
            raise DeskError(
                "not-waiting", f"the application is {kept.state} and waits for no officer", state=kept.state
            )

    def _check_free(self, officer: Officer, hold: Hold | None, clock: int) -> None:
        if hold is not None and hold.proposal is not None:
            raise DeskError("proposed", f"{hold.proposal.officer} has decided, and it is not carried out yet")
        if hold is not None and checks.is_leased(hold, clock) and hold.officer != officer.name:
            left = hold.until - clock
            raise DeskError(
                "leased", f"{hold.officer} has it open, for {left} s more", officer=hold.officer, left_s=left
            )
        mine = [one for one in self._store.holds(HOLDS_MAX) if one.officer == officer.name and one.until > clock]
        others = [one for one in mine if hold is None or one.number != hold.number]
        if len(others) >= LEASES_MAX:
            raise DeskError("too-many-leases", f"at most {LEASES_MAX} cases are open at once", max=LEASES_MAX)

    def _lease(self, officer: Officer, kept: Kept, hold: Hold | None, clock: int) -> Hold:
        until = clock + self.settings().lease_s
        wanted = Hold(kept.number, officer.name, until, reference=kept.reference, correction=kept.correction)
        return replace(wanted, token=self._store.put_hold(wanted, hold.token if hold else None))

    def _own_lease(self, officer: Officer, kept: Kept, clock: int) -> Hold:
        hold = self._store.hold(kept.number)
        if hold is None or hold.proposal is not None or hold.officer != officer.name or hold.until <= clock:
            raise _no_lease()
        return hold

    def _proposed(self, kept: Kept) -> tuple[Hold, Proposal]:
        """Return what waits for a second officer."""
        hold = self._store.hold(kept.number)
        if hold is None or hold.proposal is None or not _waits(hold.proposal):
            raise DeskError("no-proposal", "nothing is proposed about this application")
        return hold, hold.proposal

    def _propose(self, kept: Kept, hold: Hold, proposal: Proposal) -> Done:
        self._store.put_hold(Hold(kept.number, proposal=proposal, correction=kept.correction), hold.token)
        return Done(kept.reference, kept.state, proposal)

    def _decide(self, kept: Kept, decision: Any, guard: Guard | None, now: int) -> Done:
        state = self._store.decide_case(kept.reference, decision, now, guard=guard, draw=self._drawer())
        self._gone.add(kept.number)
        return Done(kept.reference, state)

    def _second_officer(self, officer: Officer, case: Case, now: int) -> str:
        """Return why this officer can't approve a case alone, or ""."""
        settings = self.settings()
        if why := checks.second_officer(case, settings):
            return why
        most = settings.approvals_per_hour
        return "volume" if most and self._approvals(officer, now) >= most else ""

    def _approvals(self, officer: Officer, now: int) -> int:
        """Count an officer's approvals of the last hour, and those whose window is open."""
        made = self._store.approvals_since(officer.name, now - HOUR)
        proposed = (hold.proposal for hold in self._store.holds(HOLDS_MAX) if hold.proposal)
        return made + sum(
            one.officer == officer.name and one.action == "approve" and not _waits(one) for one in proposed
        )

    def _guard(self, token: str, now: int) -> Guard:
        most = self.settings().approvals_per_hour
        return Guard(token, most or None, now - HOUR)

    def _still_decides(self, name: str) -> bool:
        officer = self._store.officer(name)
        return officer is not None and may(officer.role, Action.DECIDE)


def _waits(proposal: Proposal) -> bool:
    """Return whether a proposal waits for a second officer, and not for the end of its window."""
    return proposal.due_at is None


def _check_seen(case: Case, seen: int | None) -> None:
    """Check that the content is still what an officer saw, by its correction; None stands for whatever there is."""
    if seen is not None and seen != case.kept.correction:
        raise DeskError("changed", "the applicant corrected the application meanwhile; look at it again")


def _no_lease() -> DeskError:
    return DeskError("no-lease", "the case is not claimed, or the claim has ended; claim it first")


def _line(case: Case, hold: Hold | None, conflict: str, now: int, clock: int) -> QueueLine:
    leased_by = hold.officer if hold is not None and checks.is_leased(hold, clock) else ""
    waits_for = ""
    if hold is not None and hold.proposal is not None:
        waits_for = "second-officer" if _waits(hold.proposal) else "window"
    return QueueLine(case, case.age(now), case.is_late(now), leased_by, waits_for, conflict)
