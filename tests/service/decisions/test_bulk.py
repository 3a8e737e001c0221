"""Many cases at once: preview, limit, undo window, and carrying out exactly once."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.applications import HOUR, decision, run
from support.office import PHONE, Office, office_in, refused

from movepass_service.applications.states import State
from movepass_service.decisions.desk import Batch, Filters
from movepass_service.stores.desk import Hold
from movepass_service.stores.sqlite.store import SqliteStore

EVERY = Filters()


def decide(office: Office, cases: list[str], action: str = "approve") -> Batch:
    return office.desk.bulk_decide(office.asma, cases, action, now=office.now)


def states(office: Office, cases: list[str]) -> set[State]:
    return {office.state(case) for case in cases}


def test_a_preview_says_what_would_be_decided_and_what_not_and_why(office: Office) -> None:
    office.change(four_eyes_reasons=["office"], bulk_limit=3)
    cases = {
        "urgent": office.case(reason="medical"),
        "leased": office.case(),
        "proposed": office.case(reason="office"),
        "second-officer": office.case(reason="office"),
        "own": office.case(phone=PHONE),
        "decided-before": office.case(not_before="2026-11-22 20:00"),
    }
    office.desk.claim(office.babul, cases["leased"], now=office.now)
    office.approve(office.babul, cases["proposed"])
    office.desk.claim(office.asma, cases["decided-before"], now=office.now)
    office.desk.decide(office.asma, cases["decided-before"], "reject", now=office.now)
    run(office.store.change(cases["decided-before"], decision("appeal", actor="applicant"), office.now))
    free = [office.case() for _ in range(5)]
    asma = office.has_phone(office.asma)
    office.desk.claim(asma, free[0], now=office.now)  # one's own lease is in no way
    preview = office.desk.bulk_preview(asma, EVERY, "approve", now=office.now)
    assert preview.excluded == dict.fromkeys(cases, 1)
    assert set(preview.excluded_sample) == {(case, why) for why, case in cases.items()}
    assert [case.reference for case in preview.chosen] == free[:3]
    assert (preview.total, preview.beyond) == (11, 2)
    rejecting = office.desk.bulk_preview(asma, EVERY, "reject", now=office.now)
    assert "second-officer" not in rejecting.excluded
    assert office.desk.bulk_preview(asma, Filters(reason="medical"), "approve", now=office.now).total == 1
    batch = office.desk.bulk_decide(asma, [*cases.values()][:3], "approve", now=office.now)
    assert (batch.references, batch.skipped) == ((), {cases[why]: why for why in ("urgent", "leased", "proposed")})


def test_a_bulk_decision_is_carried_out_once_its_window_is_over(office: Office) -> None:
    cases = [office.case() for _ in range(3)]
    batch = decide(office, cases)
    assert (batch.references, batch.left_s) == (tuple(cases), 60)
    assert states(office, cases) == {State.REFERRED}
    (line, *_) = office.desk.queue(office.babul, EVERY, now=office.now).lines
    assert line.waits_for == "window"
    with refused("proposed"):
        office.desk.claim(office.babul, cases[0], now=office.now)
    with refused("no-proposal"):
        office.desk.confirm(office.babul, cases[0], now=office.now)
    office.wait(59)
    assert office.desk.carry_out(now=office.now) == 0
    (left,) = office.desk.batches(office.babul, now=office.now)
    assert (left.id, left.officer, left.left_s, set(left.references)) == (batch.id, "Asma", 1, set(cases))
    office.wait(1)
    assert office.desk.batches(office.babul, now=office.now) == []
    assert [office.desk.carry_out(now=office.now) for _ in range(3)] == [3, 0, 0]
    assert states(office, cases) == {State.APPROVED}
    for case in cases:
        last = office.records(case)[-1]
        assert (last["actor"], last["action"], last["batch"]) == ("officer:Asma", "approve", batch.id)
    assert office.store.holds(9) == []


def test_within_the_window_who_made_it_or_a_supervisor_undoes_it(office: Office) -> None:
    cases = [office.case() for _ in range(4)]
    first, second = decide(office, cases[:2]), decide(office, cases[2:], "reject")
    with refused("not-yours"):
        office.desk.bulk_undo(office.babul, first.id, now=office.now)
    assert office.desk.bulk_undo(office.asma, first.id, now=office.now) == 2
    office.wait(59)
    assert office.desk.bulk_undo(office.dipa, second.id, now=office.now) == 2
    office.wait(HOUR)
    assert office.desk.carry_out(now=office.now) == 0
    assert [len(office.records(case)) for case in cases] == [1, 1, 1, 1], "nothing was decided"
    for batch in (first.id, "none"):
        with refused("no-batch"):
            office.desk.bulk_undo(office.asma, batch, now=office.now)


@pytest.mark.parametrize("is_carried_out", [False, True])
@pytest.mark.parametrize("is_restarted", [False, True])
def test_after_the_window_undo_is_refused_whatever_the_clock_says(
    office: Office, *, is_carried_out: bool, is_restarted: bool
) -> None:
    cases = [office.case(not_before="2026-11-22 20:00")]
    batch = decide(office, cases)
    office.wait(60)
    code = "window-over"
    if is_carried_out:
        assert office.desk.carry_out(now=office.now) == 1
        code = "no-batch"
    with refused(code):
        office.desk.bulk_undo(office.asma, batch.id, now=office.now)
    office.now -= 7200
    if is_restarted:
        office.desk = office.new_desk()
    with refused(code):
        office.desk.bulk_undo(office.asma, batch.id, now=office.now)
    assert office.desk.carry_out(now=office.now) == (not is_carried_out)
    assert states(office, cases) == {State.APPROVED}


def test_a_clock_set_back_delays_no_window_beyond_its_length(office: Office) -> None:
    case = office.case(not_before="2026-11-22 20:00")
    decide(office, [case])
    office.now -= 7200
    office.ticks += 59
    assert office.desk.carry_out(now=office.now) == 0
    office.ticks += 1
    assert office.desk.carry_out(now=office.now) == 1


def test_the_limit_and_the_list_are_checked(office: Office) -> None:
    office.change(bulk_limit=2)
    cases = [office.case() for _ in range(3)]
    for wrong in ([], cases):
        with refused("too-many"):
            decide(office, wrong)
    with refused("unknown-action"):
        decide(office, cases[:1], "revoke")
    assert decide(office, [cases[0]] * 5).references == (cases[0],)


def test_bulk_is_no_way_around_the_volume_for_two_officers(office: Office) -> None:
    office.change(approvals_per_hour=3)
    cases = [office.case(not_before="2026-11-22 20:00") for _ in range(8)]
    assert office.approve(office.asma, cases[0]) == State.APPROVED
    batch = decide(office, cases[1:5])
    assert batch.references == tuple(cases[1:3])
    assert set(batch.skipped.values()) == {"second-officer"}
    assert office.approve(office.asma, cases[5]) == State.REFERRED, "those in the window count"
    assert decide(office, cases[6:]).references == ()


def test_approvals_beyond_the_volume_at_the_end_of_the_window_wait_for_a_second_officer(office: Office) -> None:
    cases = [office.case(not_before="2026-11-22 20:00") for _ in range(3)]
    decide(office, cases)
    office.change(approvals_per_hour=2)
    office.wait(60)
    assert office.desk.carry_out(now=office.now) == 2
    ((case, proposal),) = office.desk.proposals(office.babul)
    assert (case.reference, proposal.why, proposal.due_at) == (cases[2], "volume", None)
    assert office.desk.confirm(office.babul, cases[2], now=office.now).state == State.APPROVED


def test_what_takes_two_officers_by_the_end_of_the_window_waits_for_a_second_one(office: Office) -> None:
    case, other = office.case(), office.case(reason="office")
    decide(office, [case, other])
    office.change(four_eyes_reasons=["office"])
    office.wait(61)
    assert office.desk.carry_out(now=office.now) == 1
    assert (office.state(case), office.state(other)) == (State.APPROVED, State.REFERRED)
    ((waiting, proposal),) = office.desk.proposals(office.babul)
    assert (waiting.reference, proposal.why) == (other, "reason")
    assert office.desk.carry_out(now=office.now) == 0
    assert office.desk.confirm(office.babul, other, now=office.now).state == State.APPROVED


def test_what_changes_in_the_window_is_not_carried_out(office: Office) -> None:
    withdrawn, over, left = office.case(), office.case(), office.case()
    decide(office, [withdrawn, over])
    run(office.store.change(withdrawn, decision("withdraw", actor="applicant"), office.now))
    office.wait(4 * HOUR)
    assert office.desk.carry_out(now=office.now) == 0, "the trip is over"
    assert office.state(withdrawn) == State.WITHDRAWN
    assert office.store.holds(9) == []
    later = office.case()
    decide(office, [later])
    sql = "UPDATE officers SET role = 'auditor' WHERE name = 'Asma'"
    office.store.writer.call(lambda db: db.execute(sql) and None)
    office.wait(60)
    assert office.desk.carry_out(now=office.now) == 0, "who decides no longer decided nothing"
    assert (office.state(later), office.store.holds(9)) == (State.REFERRED, [])
    assert office.state(left) == State.REFERRED


def test_content_that_the_preview_did_not_show_is_no_part_of_it(office: Office) -> None:
    case, other = office.case(), office.case()
    shown = office.desk.bulk_preview(office.asma, EVERY, "approve", now=office.now).chosen
    seen = {one.reference: one.kept.correction for one in shown}
    office.correct(case)
    batch = office.desk.bulk_decide(office.asma, [case, other], "approve", now=office.now, seen=seen)
    assert (batch.references, batch.skipped) == ((other,), {case: "changed"})


def test_what_is_corrected_while_a_bulk_decision_is_made_is_no_part_of_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, other = office.case(), office.case()
    holds = office.desk._holds

    def correct_and_look() -> Mapping[int, Hold]:
        content = replace(office.kept(case).application(), language="en")
        run(office.store.correct(case, b"digest", content, office.now))
        office.store.decide_next(1, lambda *_: decision("refer"), office.now)
        return holds()

    monkeypatch.setattr(office.desk, "_holds", correct_and_look)
    batch = decide(office, [case, other])
    assert (batch.references, batch.skipped) == ((other,), {case: "changed"})


def test_what_is_proposed_while_a_bulk_decision_is_made_stays_proposed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = office.case()
    choose, desk = office.desk._choose, office.new_desk()

    def choose_too_late(*arguments: Any) -> Any:
        chosen = choose(*arguments)
        desk.bulk_decide(office.babul, [case], "reject", now=office.now)
        return chosen

    monkeypatch.setattr(office.desk, "_choose", choose_too_late)
    assert decide(office, [case]).skipped == {case: "changed"}
    (hold,) = office.store.holds(9)
    assert hold.proposal is not None
    assert (hold.proposal.officer, hold.proposal.action) == ("Babul", "reject")


def test_leases_that_ended_long_ago_are_cleared_away(office: Office) -> None:
    case = office.case(not_before="2026-11-22 20:00")
    office.desk.claim(office.asma, case, now=office.now)
    office.wait(899)
    office.desk.carry_out(now=office.now)
    assert len(office.store.holds(9)) == 1
    office.wait(1)
    office.desk.carry_out(now=office.now)
    assert office.store.holds(9) == []


CARRY_OUT = """
import os, signal, sys
from pathlib import Path
from movepass_service.decisions.desk import Desk
from movepass_service.rules.kept import KeptRules
from movepass_service.stores.sqlite.store import SqliteStore
folder, now, deaths = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
store = SqliteStore(folder, create=False)
done, decide = 0, store.decide_case
def decide_case(*args, **more):
    global done
    state = decide(*args, **more)
    done += 1
    if done == deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return state
store.decide_case = decide_case
print(Desk(store, KeptRules(store)).carry_out(now=now))
"""


def test_killed_while_carrying_out_the_rest_is_carried_out_and_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "service"
    with office_in(folder) as office:
        cases = [office.case() for _ in range(6)]
        decide(office, cases)
        office.wait(60)
        now = office.now

    def carry_out(deaths: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", CARRY_OUT, str(folder), str(now), str(deaths)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    killed = carry_out(2)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert carry_out(0).stdout.strip() == "4"
    with closing(SqliteStore(folder, create=False)) as store:
        kept = [found for case in cases if (found := store.find(case))]
        assert {one.state for one in kept} == {State.APPROVED}
        assert [len(store.history(one.number)) for one in kept] == [2] * 6
