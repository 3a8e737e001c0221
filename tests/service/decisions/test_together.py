"""Many officers at once, in threads and processes: nobody's case twice, and no two leases."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest
from support.office import NOW, Office, office_in

from movepass_service.applications.states import State
from movepass_service.decisions.desk import Desk, DeskError, Filters
from movepass_service.decisions.records import officer_of
from movepass_service.rules.kept import KeptRules
from movepass_service.stores.desk import Hold
from movepass_service.stores.sqlite.store import SqliteStore
from movepass_service.stores.store import Officer

CASES = 200
OFFICERS = ("Asma", "Babul", "Chandra", "Dipa", "Elias")


def work(desk: Desk, name: str, locks: Path) -> Counter[str]:
    """Decide what is free until nothing is left; count what was done. A lock file for each lease finds a second one."""
    officer, seed, counts = desk.officer(name), random.Random(name), Counter[str]()
    while (opened := desk.claim_next(officer, Filters(), now=NOW)) is not None:
        reference = opened.case.reference
        lock = locks / reference
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            counts["two leases"] += 1
            continue
        draw = seed.random()
        time.sleep(0.001)
        lock.unlink()
        if draw < 0.1:
            desk.release(officer, reference, now=NOW)
        elif draw < 0.2:
            desk.release(officer, reference, now=NOW)
            preview = desk.bulk_preview(officer, Filters(), "reject", now=NOW)
            references = [case.reference for case in preview.chosen[:5]]
            if references:
                counts["bulk"] += len(desk.bulk_decide(officer, references, "reject", now=NOW).references)
        else:
            desk.decide(officer, reference, "approve" if draw < 0.7 else "reject", now=NOW)
            counts["decided"] += 1
    return counts


def run_together(works: list[Callable[[], object]]) -> None:
    """Run functions at once; raise what one of them raised."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(len(works))

    def run(one: Callable[[], object]) -> None:
        barrier.wait()
        try:
            one()
        except BaseException as e:  # noqa: BLE001 - raised below
            failures.append(e)

    threads = [threading.Thread(target=run, args=(one,)) for one in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


PROCESS = """
import json, sys
from collections import Counter
from contextlib import closing
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from movepass_service.decisions.desk import Desk
from movepass_service.rules.kept import KeptRules
from movepass_service.stores.sqlite.store import SqliteStore
import test_together
folder, names = Path(sys.argv[2]), sys.argv[3:]
with closing(SqliteStore(folder, create=False)) as store:
    desk, counts = Desk(store, KeptRules(store)), []
    print("ready", flush=True)
    sys.stdin.readline()
    work, locks = test_together.work, folder.parent / "locks"
    test_together.run_together([lambda name=name: counts.append(work(desk, name, locks)) for name in names])
    print(json.dumps(sum(counts, Counter())))
"""


def test_five_officers_in_two_processes_decide_200_cases_once_each(tmp_path: Path) -> None:
    folder = tmp_path / "service"
    (tmp_path / "locks").mkdir()
    with office_in(folder) as office:
        office.store.add_officer(Officer("Elias", "officer"), b"", 0)
        cases = [office.case() for _ in range(CASES)]
    here, path = Path(__file__).parent, os.pathsep.join(sys.path)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(here), str(folder), *names],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path},
        )
        for names in (OFFICERS[:3], OFFICERS[3:])
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    counts = sum((Counter(json.loads(process.communicate(timeout=60)[0])) for process in processes), Counter[str]())
    assert counts["two leases"] == 0
    with closing(SqliteStore(folder, create=False)) as store:
        carried_out = Desk(store, KeptRules(store)).carry_out(now=NOW + 120)
        kept = [found for case in cases if (found := store.find(case))]
        histories = [store.history(one.number) for one in kept]
        holds = store.holds(9)
        counts_by_state = store.counts_by_state()
        approvals = [store.approvals_since(name, 0) for name in OFFICERS]
        passes = store._reader.execute("SELECT count(*) FROM passes").fetchone()[0]
    assert {one.state for one in kept} == {State.APPROVED, State.REJECTED}
    assert counts_by_state == Counter(one.state for one in kept)
    assert sum(approvals) == passes == counts_by_state[State.APPROVED]
    assert [len(history) for history in histories] == [2] * CASES, "decided once, after the rules referred it"
    assert counts["decided"] + carried_out == CASES
    assert carried_out == counts["bulk"] > 0
    assert {officer_of(history[1]["actor"]) for history in histories} == set(OFFICERS)
    assert holds == []


def race(acts: list[Callable[[], object]]) -> int:
    """Do several things at once; return how many of them succeeded. The others must be refused by the desk."""
    wins: list[object] = []

    def attempt(act: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            with suppress(DeskError):
                if done := act():
                    wins.append(done)

        return run

    run_together([attempt(act) for act in acts])
    return len(wins)


def everybody(office: Office, act: Callable[[Officer], object]) -> list[Callable[[], object]]:
    return [partial(act, who) for who in (office.asma, office.babul, office.chandra, office.dipa)]


@pytest.mark.parametrize("_", range(8))
def test_of_many_claims_one_wins(office: Office, _: int) -> None:
    case = office.case()
    assert race(everybody(office, lambda who: office.desk.claim(who, case, now=office.now))) == 1
    (hold,) = office.store.holds(9)
    assert hold.officer in OFFICERS


@pytest.mark.parametrize("_", range(8))
def test_of_many_confirmations_and_refusals_one_wins(office: Office, _: int) -> None:
    office.change(four_eyes_reasons=["groceries"])
    case = office.case()
    office.approve(office.asma, case)

    def refuse(who: Officer) -> bool:
        office.desk.refuse(who, case, now=office.now, note="no")
        return True

    acts = everybody(office, lambda who: office.desk.confirm(who, case, now=office.now))
    assert race([*acts, partial(refuse, office.babul), partial(refuse, office.dipa)]) == 1
    assert len(office.records(case)) == (2 if office.state(case) == State.APPROVED else 1)


@pytest.mark.parametrize("_", range(8))
def test_of_many_second_looks_one_counts(office: Office, _: int) -> None:
    office.change(second_look_percent=100)
    office.approve(office.asma, office.case())
    (look,) = office.store.second_looks(["open"], 9)

    def record(who: Officer) -> object:
        return office.desk.record_second_look(who, look.decision, agrees=False, note=who.name, now=office.now)

    assert race(everybody(office, record)) == 1
    done = office.store.second_look(look.decision)
    assert done is not None
    assert done.note == done.looked_by


@pytest.mark.parametrize("_", range(8))
def test_undone_and_carried_out_at_once_it_is_one_of_both(office: Office, _: int) -> None:
    case = office.case()
    batch = office.desk.bulk_decide(office.asma, [case], "approve", now=office.now).id
    desks = [office.new_desk() for _ in range(4)]  # as in four processes, whose clocks differ
    done = race(
        [
            lambda: desks[0].bulk_undo(office.asma, batch, now=office.now + 59),
            lambda: desks[1].bulk_undo(office.dipa, batch, now=office.now + 59),
            lambda: desks[2].carry_out(now=office.now + 60),
            lambda: desks[3].carry_out(now=office.now + 60),
        ]
    )
    assert done == 1
    assert len(office.records(case)) == (2 if office.state(case) == State.APPROVED else 1)
    assert office.store.holds(9) == []


def test_approvals_at_once_are_no_way_around_the_volume(office: Office) -> None:
    office.change(approvals_per_hour=3)
    cases = [office.case() for _ in range(8)]
    for case in cases:
        office.desk.claim(office.asma, case, now=office.now)
    run_together([partial(office.desk.decide, office.asma, case, "approve", now=office.now) for case in cases])
    states = Counter(office.state(case) for case in cases)
    assert states == {State.APPROVED: 3, State.REFERRED: 5}
    assert len(office.desk.proposals(office.babul)) == 5


def test_a_claim_while_a_bulk_decision_is_judged_is_not_taken_away(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = office.case()
    holds, desk = office.store.holds, office.new_desk()

    def holds_and_then_a_claim(limit: int) -> list[Hold]:
        found = holds(limit)
        monkeypatch.undo()
        office.desk.claim(office.babul, case, now=office.now)
        return found

    monkeypatch.setattr(office.store, "holds", holds_and_then_a_claim)
    batch = desk.bulk_decide(office.asma, [case], "reject", now=office.now)
    assert batch.skipped == {case: "changed"}
    assert [hold.officer for hold in office.store.holds(9)] == ["Babul"]
