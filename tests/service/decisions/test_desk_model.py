"""The desk against a naive model: whatever officers, applicants and clocks do, both say the same."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from support.applications import decision, run
from support.office import Office, office_in

from movepass_service.decisions.desk import DeskError, Filters
from movepass_service.errors import NotAllowed
from movepass_service.stores.store import Officer

CASES = 4
MEMORY = Path("/dev/shm")
WHO = st.sampled_from(["asma", "babul", "dipa"])
CASE = st.integers(0, CASES - 1)
LEASE, UNDO, PER_HOUR = 300, 60, 3
NOTHING = Filters(reason="unreadable")


@dataclass
class Modelled:
    """A case as the model sees it: a state, who may go on with it, and who decided what."""

    state: str = "referred"
    needs_two: bool = False
    lease: tuple[str, int] | None = None
    proposer: str = ""
    proposed: str = ""
    due: int | None = None
    batch: str = ""
    decided: tuple[str, ...] = ()
    records: int = 1

    @property
    def waits(self) -> bool:
        return self.state in ("referred", "appealed")

    def end(self, state: str, by: str = "") -> None:
        self.state, self.lease, self.proposer, self.proposed, self.due, self.batch = state, None, "", "", None, ""
        self.records += 1
        self.decided = (*self.decided, by) if by else self.decided


class DeskMachine(RuleBasedStateMachine):
    """Officers work on four cases: two plain, and two of a reason that needs two officers."""

    @initialize()
    def open(self) -> None:
        self.stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.stack.callback(shutil.rmtree, self.folder)
        self.office: Office = self.stack.enter_context(office_in(self.folder / "service"))
        self.office.change(four_eyes_reasons=["office"], approvals_per_hour=PER_HOUR, second_look_percent=0)
        reasons = ("groceries", "groceries", "office", "office")
        self.names = [self.office.case(reason=reason, not_before="2026-11-25 08:00", hours="12") for reason in reasons]
        self.cases = [Modelled(needs_two=reason == "office") for reason in reasons]
        self.true_now = self.office.now
        self.approvals: list[tuple[str, int]] = []

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()

    # What goes by

    @rule(seconds=st.sampled_from([1, 30, 59, 60, 240, 299, 300, 301]))
    def wait(self, seconds: int) -> None:
        self.office.wait(seconds)
        self.true_now += seconds

    @rule(seconds=st.sampled_from([60, 400, 5000]), is_restarted=st.booleans())
    def set_the_clock_back(self, seconds: int, *, is_restarted: bool) -> None:
        self.office.desk.claim_next(self.office.chandra, NOTHING, now=self.office.now)  # the store has seen the time
        self.office.now -= seconds
        if is_restarted:
            self.office.desk = self.office.new_desk()

    # What officers do

    @rule(who=WHO, at=CASE)
    def claim(self, who: str, at: int) -> None:
        case = self.cases[at]
        expected = self._refusal(who, case)
        if not expected and case.proposed:
            expected = "proposed"
        elif not expected and case.lease and case.lease[0] != who and case.lease[1] > self.true_now:
            expected = "leased"
        self._same(expected, lambda me: self.office.desk.claim(me, self.names[at], now=self.office.now), who)
        if not expected:
            case.lease = (who, self.true_now + LEASE)

    @rule(who=WHO, at=CASE)
    def renew(self, who: str, at: int) -> None:
        case = self.cases[at]
        expected = "" if self._has_lease(who, case) else "no-lease"
        self._same(expected, lambda me: self.office.desk.renew(me, self.names[at], now=self.office.now), who)
        if not expected:
            case.lease = (who, self.true_now + LEASE)

    @rule(who=WHO, at=CASE)
    def release(self, who: str, at: int) -> None:
        case = self.cases[at]
        self._same("", lambda me: self.office.desk.release(me, self.names[at], now=self.office.now), who)
        if case.lease and case.lease[0] == who:
            case.lease = None

    @rule(who=WHO, at=CASE, action=st.sampled_from(["approve", "approve", "reject"]))
    def decide(self, who: str, at: int, action: str) -> None:
        case = self.cases[at]
        expected = self._refusal(who, case) or ("" if self._has_lease(who, case) else "no-lease")
        decide = self.office.desk.decide
        self._same(expected, lambda me: decide(me, self.names[at], action, now=self.office.now), who)
        if expected:
            return
        if action == "approve" and (case.needs_two or self._made(who) >= PER_HOUR):
            case.lease, case.proposer, case.proposed = None, who, action
        else:
            self._end(case, who, action)

    @rule(who=WHO, at=CASE)
    def confirm(self, who: str, at: int) -> None:
        case = self.cases[at]
        expected = "no-proposal" if not case.proposed or case.due is not None else ""
        expected = expected or ("own-proposal" if case.proposer == who else self._refusal(who, case))
        self._same(expected, lambda me: self.office.desk.confirm(me, self.names[at], now=self.office.now), who)
        if not expected:
            proposer = case.proposer
            case.end("approved", who)
            case.decided = (*case.decided, proposer)

    @rule(who=WHO, at=CASE)
    def refuse(self, who: str, at: int) -> None:
        case = self.cases[at]
        expected = "no-proposal" if not case.proposed or case.due is not None else ""
        if not expected and case.proposer != who:
            expected = self._refusal(who, case)
        refuse = self.office.desk.refuse
        self._same(expected, lambda me: refuse(me, self.names[at], now=self.office.now, note="no"), who)
        if not expected:
            case.proposer = case.proposed = ""

    @rule(who=WHO, action=st.sampled_from(["approve", "reject"]))
    def decide_all(self, who: str, action: str) -> None:
        wanted = self._bulk(who, action)
        done = self.office.desk.bulk_decide(self._officer(who), self.names, action, now=self.office.now)
        assert done.references == tuple(self.names[at] for at in wanted)
        for at in wanted:
            case = self.cases[at]
            case.lease, case.proposer, case.proposed, case.batch = None, who, action, done.id
            case.due = self.true_now + UNDO

    @rule(who=WHO, at=CASE)
    def undo(self, who: str, at: int) -> None:
        batch = self.cases[at].batch or "none"
        members = [case for case in self.cases if case.batch == batch and case.due is not None]
        if not members:
            expected = "no-batch"
        elif who not in (members[0].proposer, "dipa"):
            expected = "not-yours"
        else:
            expected = "" if any((case.due or 0) > self.true_now for case in members) else "window-over"
        self._same(expected, lambda me: self.office.desk.bulk_undo(me, batch, now=self.office.now), who)
        for case in members if not expected else []:
            case.proposer, case.proposed, case.due, case.batch = "", "", None, ""

    @rule()
    def carry_out(self) -> None:
        self.office.desk.carry_out(now=self.office.now)
        for case in self.cases:
            if case.due is None or case.due > self.true_now:
                continue
            if case.proposed == "approve" and self._recorded(case.proposer) >= PER_HOUR:
                case.due = None
            else:
                self._end(case, case.proposer, case.proposed)

    # What applicants do

    @rule(at=CASE)
    def withdraw_and_apply_no_more(self, at: int) -> None:
        self._by_applicant(at, "withdraw", ("referred", "approved", "appealed"), "withdrawn")

    @rule(at=CASE)
    def appeal(self, at: int) -> None:
        self._by_applicant(at, "appeal", ("rejected",), "appealed")

    @invariant()
    def both_say_the_same(self) -> None:
        if not hasattr(self, "cases"):
            return
        for name, case in zip(self.names, self.cases, strict=True):
            kept = self.office.kept(name)
            assert str(kept.state) == case.state
            assert len(self.office.store.history(kept.number)) == case.records
            hold = self.office.store.hold(kept.number)
            proposal = hold.proposal if hold else None
            assert (proposal.action if proposal else "") == case.proposed
            assert (proposal.officer.lower() if proposal else "") == case.proposer

    def _by_applicant(self, at: int, action: str, states: tuple[str, ...], new: str) -> None:
        case = self.cases[at]
        try:
            run(self.office.store.change(self.names[at], decision(action, actor="applicant"), self.office.now))
        except NotAllowed:
            assert case.state not in (*states, new)
            return
        assert case.state in (*states, new)
        if case.state != new:
            case.end(new)

    def _end(self, case: Modelled, who: str, action: str) -> None:
        if action == "approve":
            self.approvals.append((who, self.office.now))
        case.end("approved" if action == "approve" else "rejected", who)

    def _recorded(self, who: str) -> int:
        return sum(name == who and at >= self.office.now - 3600 for name, at in self.approvals)

    def _made(self, who: str) -> int:
        waiting = [case for case in self.cases if case.due is not None and case.proposer == who]
        return self._recorded(who) + sum(case.proposed == "approve" for case in waiting)

    def _refusal(self, who: str, case: Modelled) -> str:
        if not case.waits:
            return "not-waiting"
        return "decided-before" if case.state == "appealed" and who in case.decided else ""

    def _has_lease(self, who: str, case: Modelled) -> bool:
        return case.lease is not None and case.lease[0] == who and case.lease[1] > self.true_now

    def _bulk(self, who: str, action: str) -> list[int]:
        left = PER_HOUR - self._made(who)
        wanted: list[int] = []
        for at, case in enumerate(self.cases):
            others = case.lease and case.lease[0] != who and case.lease[1] > self.true_now
            is_free = not self._refusal(who, case) and not case.proposed and not others
            if is_free and (action == "reject" or (not case.needs_two and len(wanted) < left)):
                wanted.append(at)
        return wanted

    def _officer(self, who: str) -> Officer:
        found: Officer = getattr(self.office, who)
        return found

    def _same(self, expected: str, act: Callable[[Officer], object], who: str) -> None:
        code = ""
        try:
            act(self._officer(who))
        except DeskError as e:
            code = e.code
        assert code == expected


MODEL = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def test_the_desk_does_what_the_model_does() -> None:
    run_state_machine_as_test(DeskMachine, settings=MODEL)


@pytest.mark.slow
def test_the_desk_does_what_the_model_does_many_times() -> None:
    run_state_machine_as_test(DeskMachine, settings=settings(MODEL, max_examples=300))
