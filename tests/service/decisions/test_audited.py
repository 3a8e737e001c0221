"""Audit a real service from what it exports: honest it is whole, and what is done beside it is named."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from support.applications import APPROVE_ALL, rules, run, submit, use_rules, work
from support.keys import replace_pass_key
from support.world import World

from movepass_issuer.issuing.issuer import IssueResult
from movepass_service.decisions import copies as service_copies
from movepass_service.decisions import officers
from movepass_service.decisions.officers import REASONS
from movepass_service.decisions.records import Decision
from movepass_service.issuing.publishing import PublisherThread
from movepass_service.issuing.worker import Worker
from movepass_service.officers.accounts import OfficerAccounts
from movepass_service.officers.passkeys import RelyingParty
from movepass_service.service import Service
from movepass_service.stores.kept import Kept
from movepass_verifier.auditing import copies
from movepass_verifier.auditing.audit import AuditReport, audit_copies
from movepass_verifier.auditing.heads import read_head
from movepass_verifier.auditing.trust import read_trust

DAY = 86400
REFER_MEDICAL = rules("refer-medical", ('reason = "medical"', "refer"), ("", "approve"))


@pytest.fixture
def approving(service: Service, now: int) -> Service:
    use_rules(service, APPROVE_ALL, now)
    return service


def audit(
    service: Service, world: World, to: Path, taken: int, *, kept: Sequence[bytes] = (), passes: Sequence[str] = ()
) -> AuditReport:
    """Publish, sync, export and audit, as an auditor would who keeps heads."""
    PublisherThread(service, clock=partial(float, taken))._publish()
    world.sync()
    service_copies.export(service.store, world.authority, to, patience=0)
    found = copies.find_copies(to, to)
    assert found.head
    heads = [read_head("head", found.head.read_bytes()), *(read_head("kept", note) for note in kept)]
    return audit_copies(found, heads, taken=taken, trust=read_trust(world.store), passes=passes)


def decide(service: Service, reference: str, action: str, officer: str, now: int) -> None:
    reason = next(iter(REASONS))
    service.store.decide_case(reference, Decision(action, officer, reason, REASONS[reason]), now)


def test_the_log_has_one_clock_also_after_the_machines_was_ahead(
    service: Service, world: World, now: int, tmp_path: Path
) -> None:
    """A claim at the desk saw the wrong time; accounts are then measured by it, and the log is not."""
    use_rules(service, REFER_MEDICAL, now)
    service.store.advance_clock(now + 3600)
    accounts = OfficerAccounts(service.store, RelyingParty("localhost", ("http://localhost",), "TEST"))
    manager = officers.add_officer(service.store, "Rumana", "manager", now + 1).officer
    for number in range(3):
        submit(service, now, f"plain {number}")
        work(service, now + 2 + number)
        accounts.add(manager, f"Officer {number}", "officer", None, now=now + 2 + number)
    accounts.change_role(manager, "Officer 1", "supervisor", now=now + 5)
    officers.renew_link(service.store, "Officer 2", now + 5)
    work(service, now + 6)
    assert audit(service, world, tmp_path / "copies", now + 60).is_whole


def test_an_honest_service_is_whole_with_its_published_head(
    service: Service, world: World, now: int, tmp_path: Path
) -> None:
    use_rules(service, REFER_MEDICAL, now)
    plain, given_back = (submit(service, now, name) for name in ("plain", "given back"))
    cases = [submit(service, now, f"case {number}", reason="medical") for number in range(3)]
    work(service, now)
    run(service.withdraw(given_back.reference, given_back.secret, now=now))
    decide(service, cases[0].reference, "approve", "officer:Rahim", now + 1)
    decide(service, cases[1].reference, "reject", "officer:Rahim", now + 2)
    run(service.appeal(cases[1].reference, cases[1].secret, "please", now=now + 3))
    decide(service, cases[1].reference, "approve", "officer:Karim", now + 4)
    work(service, now + 5)
    decide(service, cases[0].reference, "reject", "officer:Karim", now + 6)
    work(service, now + 7)
    report = audit(service, world, tmp_path / "copies", now + 60)
    assert report.findings.counts == {}
    assert [head["published"] for head in report.to_json()["heads"]] == [True]
    assert (report.scanned.issuances, report.issued) == (4, 4)
    assert plain.reference != given_back.reference


def test_a_signer_that_takes_minutes_dates_no_leaf_back(
    service: Service, world: World, now: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_rules(service, APPROVE_ALL, now)
    submit(service, now)
    time, ask = [now], Worker._ask

    def ask_for_minutes(worker: Worker, waiting: Sequence[Kept]) -> list[IssueResult]:
        time[0] += 300
        officers.add_officer(service.store, "Asma", "officer", time[0])
        return ask(worker, waiting)

    monkeypatch.setattr(Worker, "_ask", ask_for_minutes)
    worker = Worker(service, clock=lambda: time[0])
    worker.round()
    worker.close()
    assert audit(service, world, tmp_path / "copies", now + 360).is_whole


def test_a_day_at_the_desk_is_whole(service: Service, world: World, now: int, tmp_path: Path) -> None:
    """Two officers, a bulk decision, an appeal, second looks, a reversal, changed settings: nothing to notice."""
    use_rules(service, rules("refer-all", ("", "refer")), now)
    cases = [submit(service, now, f"case {number}") for number in range(7)]
    work(service, now)
    desk, first, late = service.desk, cases[0].reference, cases[1]
    for name, role in (("Asma", "officer"), ("Babul", "officer"), ("Dipa", "supervisor")):
        officers.add_officer(service.store, name, role, now)
    asma, babul, dipa = map(desk.officer, ("Asma", "Babul", "Dipa"))
    settings = desk.settings()
    desk.change_settings(dipa, settings, replace(settings, second_look_percent=100), now=now)
    batch = desk.bulk_decide(asma, [case.reference for case in cases[4:]], "approve", now=now)
    desk.claim(asma, late.reference, now=now)
    desk.decide(asma, late.reference, "reject", now=now)
    run(service.appeal(late.reference, late.secret, "please", now=now))
    desk.claim(babul, late.reference, now=now)
    desk.decide(babul, late.reference, "approve", now=now)
    work(service, now + 61)
    settings = desk.settings()
    desk.change_settings(dipa, settings, replace(settings, four_eyes_reasons=("groceries",)), now=now)
    desk.claim(asma, first, now=now + 62)
    desk.decide(asma, first, "approve", now=now + 62)
    desk.confirm(babul, first, now=now + 63)
    work(service, now + 63)
    looks = desk.second_looks(dipa, now=now + 64)
    assert sorted(kept.reference for kept, _ in looks) == sorted([*batch.references, late.reference, first])
    for kept, look in looks:
        agrees = kept.reference != first
        desk.record_second_look(dipa, look.decision, agrees=agrees, note="no letter", now=now + 64)
        if not agrees:
            desk.resolve_second_look(dipa, look.decision, reverse=True, note="called", now=now + 65)
    work(service, now + 66)
    report = audit(service, world, tmp_path / "copies", now + 120)
    assert report.findings.counts == {}
    assert (report.scanned.issuances, report.scanned.administrations) == (5, 3 + 2 + 5 + 1)


def test_passes_issued_again_after_a_leak_are_whole(approving: Service, world: World, now: int, tmp_path: Path) -> None:
    submit(approving, now)
    work(approving, now)
    replace_pass_key(world.authority.folder, world.now)
    with Service.open(tmp_path / "service", world.authority.folder) as again:
        work(again, now + 1)
        report = audit(again, world, tmp_path / "copies", now + 60)
    assert report.findings.counts == {"reissued-in-force": 1}
    assert report.is_whole


def test_what_retention_let_go_is_forgotten_and_whole(
    approving: Service, world: World, now: int, tmp_path: Path
) -> None:
    submit(approving, now)
    work(approving, now)
    assert audit(approving, world, tmp_path / "early", now + 60).forgotten == 0
    work(approving, now + 30 * DAY)
    world.publish(now + 30 * DAY)
    report = audit(approving, world, tmp_path / "late", now + 30 * DAY + 60)
    assert (report.findings.counts, report.forgotten) == ({}, 1)


def test_a_sold_pass_is_found_though_the_copies_leave_it_out(
    approving: Service, world: World, now: int, tmp_path: Path
) -> None:
    submit(approving, now)
    work(approving, now)
    sold = world.issue("sold")
    to = tmp_path / "copies"
    assert audit(approving, world, to, now + 60).findings.counts == {"pass-without-decision": 1}
    later = now + 2 * DAY
    submit(approving, later, "another")
    work(approving, later)
    report = audit(approving, world, to, later, passes=[sold.text, sold.number])
    assert report.findings.counts == {"pass-without-decision": 1, "found-without-decision": 2}
    assert {found["pass_number"] for found in report.found} == {sold.number}


def test_a_service_restored_from_a_copy_has_rewound_its_log(
    approving: Service, world: World, now: int, tmp_path: Path
) -> None:
    """Only the head that was kept shows it: the rewound service signs whole heads of its own."""
    submit(approving, now)
    work(approving, now)
    saved = tmp_path / "saved"
    saved.mkdir()
    with closing(sqlite3.connect(approving.store._path)) as db:
        db.execute("VACUUM INTO ?", (str(saved / approving.store._path.name),))
    for file in (tmp_path / "service").iterdir():
        if not file.name.startswith(approving.store._path.name):
            (shutil.copytree if file.is_dir() else shutil.copy2)(file, saved / file.name)
    submit(approving, now + 1, "later")
    work(approving, now + 1)
    service_copies.export(approving.store, world.authority, tmp_path / "before", patience=0)
    kept = (tmp_path / "before/head").read_bytes()
    approving.close()
    with Service.open(saved, world.authority.folder) as rewound:
        for number in range(2):
            submit(rewound, now + 2, f"other {number}")
        work(rewound, now + 2)
        report = audit(rewound, world, tmp_path / "after", now + 60, kept=[kept])
    assert report.findings.counts["log-changed"] == 1
    (changed,) = [finding for finding in report.findings if finding.code == "log-changed"]
    assert "were rewritten between the two heads" in changed.words
