"""The worker: decides, issues once, revokes, expires, forgets; and what a person is told meanwhile."""

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.applications import (
    APPROVE_ALL,
    HOUR,
    ID_NUMBER,
    NAME,
    THREE_A_DAY,
    bytes_of,
    decision,
    form,
    rules,
    run,
    submit,
    use_rules,
    work,
)
from support.world import World

from movepass_issuer import Issuer, LedgerError, RequestError
from movepass_issuer.errors import KeyPeriodError
from movepass_keys import KeysError, signer_from_uri
from movepass_service.accounts import Accounts
from movepass_service.applications.states import State
from movepass_service.decisions import officers
from movepass_service.decisions.desk import DeskError
from movepass_service.decisions.roles import ForbiddenError
from movepass_service.errors import ConflictingApplication, NotAllowed, NotSealed, UnknownApplication
from movepass_service.issuing.deciding import decider
from movepass_service.issuing.publishing import PublisherThread
from movepass_service.issuing.worker import Worker
from movepass_service.rules import default_rules
from movepass_service.service import Receipt, Service, Status
from movepass_service.settings import Settings
from movepass_wire.times import iso

DAY = 86400
PHONE = "01799887766"


@pytest.fixture
def approving(service: Service, now: int) -> Service:
    use_rules(service, APPROVE_ALL, now)
    return service


def status(service: Service, receipt: Receipt, now: int) -> Status:
    return service.status(receipt.reference, receipt.secret, now=now)


def records(service: Service) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(service.store._path)) as db:
        return [json.loads(text) for (text,) in db.execute("SELECT record FROM decisions ORDER BY id")]


def issued_by_request(world: World) -> dict[str, tuple[str, int | None]]:
    with closing(sqlite3.connect(world.authority.ledger_path)) as db:
        found = db.execute("SELECT request_id, text, revoked_at FROM passes")
        return {name: (text, revoked) for name, text, revoked in found}


def officer(service: Service, now: int, role: str = "officer") -> str:
    return officers.add_officer(service.store, f"Nasrin {role}", role, now).officer.name


def decide(service: Service, receipt: Receipt, action: str, now: int, **more: Any) -> State:
    name = "Nasrin officer"
    if service.store.officer(name) is None:
        officer(service, now)
    actor = f"console:tester as {name}"
    return officers.decide(service.desk, receipt.reference, action, officer=name, actor=actor, now=now, **more).state


# The thread


def test_from_the_form_to_a_pass_that_a_device_accepts_until_it_is_withdrawn(
    approving: Service, world: World, now: int
) -> None:
    receipt = submit(approving, now, not_before=iso(now))
    before = status(approving, receipt, now)
    assert (before.state, before.place, before.issued) == (State.RECEIVED, 1, None)
    assert before.can == {"withdraw", "correct"}
    work(approving, now)
    after = status(approving, receipt, now)
    assert after.state == State.ISSUED
    assert after.issued is not None
    assert after.reason == ("yes", {"bn": "অনুমোদিত।", "en": "Approved."})
    assert world.verdict(after.issued.text) == "valid"
    assert approving.qr(receipt.reference, receipt.secret).startswith(b"\x89PNG")
    run(approving.withdraw(receipt.reference, receipt.secret, now=now))
    work(approving, now)
    world.publish()
    world.sync()
    assert world.verdict(after.issued.text) == "revoked"
    with pytest.raises(NotAllowed):
        approving.qr(receipt.reference, receipt.secret)
    assert [record["action"] for record in records(approving)] == ["approve", "withdraw"]


def test_the_same_form_again_gives_the_same_receipt_whatever_happened_since(approving: Service, now: int) -> None:
    receipt = submit(approving, now)
    work(approving, now)
    again = submit(approving, now)
    assert (again.reference, again.secret, again.is_new, again.state) == (
        receipt.reference, receipt.secret, False, State.ISSUED,
    )  # fmt: skip
    with pytest.raises(ConflictingApplication):
        submit(approving, now, reason="office")
    assert submit(approving, now, "client-2").reference != receipt.reference


def test_a_wrong_secret_is_as_unknown_as_a_wrong_reference(approving: Service, now: int) -> None:
    receipt = submit(approving, now)
    said = set()
    for reference, secret in [
        (receipt.reference, "X" * 26), ("0000-0000-0000", receipt.secret), ("nonsense", receipt.secret), ("", ""),
    ]:  # fmt: skip
        for ask in (
            lambda r, s: approving.status(r, s, now=now),
            lambda r, s: run(approving.withdraw(r, s, now=now)),
            lambda r, s: run(approving.appeal(r, s, "", now=now)),
            approving.qr,
        ):
            with pytest.raises(UnknownApplication) as error:
                ask(reference, secret)
            said.add(str(error.value))
    assert len(said) == 1
    typed = receipt.reference.lower().replace("0", "O")
    assert approving.status(typed, receipt.secret, now=now).reference == receipt.reference


def test_out_and_back_become_two_passes(approving: Service, now: int) -> None:
    fields = form(now, **{"back.not_before": iso(now + 6 * HOUR)})
    receipts = run(approving.submit("two", approving.read(fields, now=now), now=now))
    work(approving, now)
    numbers = {one.issued.pass_number for r in receipts if (one := status(approving, r, now)).issued}
    assert len(numbers) == 2


# Rules


def test_each_application_is_decided_by_the_rules_in_force_when_it_came(service: Service, now: int) -> None:
    early = submit(service, now, "early", reason="media", hours="4")
    use_rules(service, APPROVE_ALL, now + 1)
    late = submit(service, now, "late", reason="media", hours="4")
    work(service, now)
    assert status(service, early, now).state == State.REFERRED
    assert status(service, late, now).state == State.ISSUED
    assert [(r["rules"], r["rules_digest"]) for r in records(service)] == [
        (default_rules().version, default_rules().digest), ("approve-all", service.rules("approve-all").digest),
    ]  # fmt: skip


def test_the_closed_columns_are_recorded_with_the_decision(service: Service, now: int) -> None:
    submit(service, now, reason="medical")
    work(service, now)
    (record,) = records(service)
    assert record["row"] == "urgent"
    facts = record["facts"]
    assert (facts["reason"], facts["minutes"], facts["lead_minutes"], facts["passes_today"]) == ("medical", 180, 60, 0)
    assert (facts["from_district"], facts["evidence"], facts["phone_verified"]) == ("dhaka", "own-word", False)
    assert NAME not in json.dumps(record)


def test_without_the_whole_number_no_quota_is_known_and_an_officer_decides(service: Service, now: int) -> None:
    use_rules(service, THREE_A_DAY, now)
    receipt = submit(service, now, holder__id_number=None, holder__id_last="4856")
    work(service, now)
    told = status(service, receipt, now)
    assert told.state == State.REFERRED
    assert told.reason is not None
    assert told.reason[0] == "missing-input"


def test_quotas_hold_while_many_apply_at_once(service: Service, now: int) -> None:
    """Fifty of one person at once, while the worker works: three passes, for those that came first."""
    use_rules(service, THREE_A_DAY, now)
    application = service.read(form(now), now=now)
    stop, failed = threading.Event(), []

    def keep_working() -> None:
        worker = Worker(service, clock=lambda: now)
        try:
            while not stop.is_set():
                worker.round()
        except Exception as e:  # noqa: BLE001
            failed.append(e)
        finally:
            worker.close()

    thread = threading.Thread(target=keep_working)
    thread.start()

    async def apply() -> list[tuple[Receipt, ...]]:
        return await asyncio.gather(*(service.submit(f"c-{n}", application, now=now) for n in range(50)))

    receipts = run(apply())
    deadline = time.monotonic() + 20
    while {State.RECEIVED, State.APPROVED} & service.store.counts_by_state().keys() and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    thread.join()
    assert failed == []
    assert service.statistics_public() == {"issued": 3, "rejected": 47}
    kept = sorted((k.number, k.state) for (r,) in receipts if (k := service.store.find(r.reference)))
    assert [state for _, state in kept[:3]] == [State.ISSUED] * 3


# Officers


def test_an_officers_approval_is_issued_and_names_the_officer(service: Service, now: int) -> None:
    use_rules(service, rules("refer-all", ("", "refer")), now)
    receipt = submit(service, now, reason="burial")
    work(service, now)
    (case,) = officers.waiting_cases(service.store)
    assert (case.reference, case.is_urgent) == (receipt.reference, True)
    assert decide(service, receipt, "approve", now, note="called the family") == State.APPROVED
    work(service, now)
    assert status(service, receipt, now).state == State.ISSUED
    last = records(service)[-1]
    assert (last["actor"], last["note"]) == ("console:tester as Nasrin officer", "called the family")
    assert officers.waiting_cases(service.store) == []


def test_a_rejection_can_be_appealed_and_corrected(service: Service, now: int) -> None:
    use_rules(service, rules("no", ('reason = ["office"]', "approve"), ("", "reject")), now)
    one, two = submit(service, now, "one"), submit(service, now, "two")
    work(service, now)
    told = status(service, one, now)
    assert told.state == State.REJECTED
    assert told.can == {"correct", "appeal"}
    run(service.appeal(one.reference, one.secret, "please\nlook", now=now))
    assert status(service, one, now).state == State.APPEALED
    assert decide(service, one, "approve", now) == State.APPROVED
    corrected = service.read_one(form(now, reason="office"), now=now)
    done = run(service.correct(two.reference, two.secret, corrected, now=now))
    assert (done.reference, done.secret, done.state) == (two.reference, two.secret, State.RECEIVED)
    work(service, now)
    assert [status(service, r, now).state for r in (one, two)] == [State.ISSUED] * 2
    appeal = next(record for record in records(service) if record["action"] == "appeal")
    assert (appeal["actor"], appeal["note"]) == ("applicant", "please look")


def test_a_correction_keeps_the_number_of_which_it_shows_the_end(service: Service, now: int) -> None:
    use_rules(service, THREE_A_DAY, now)
    receipts = []
    for paper in (ID_NUMBER, "1234567890"):
        receipts.append(submit(service, now, f"client-{paper}", holder__id_number=paper))
        last = {"holder__id_number": None, "holder__id_last": ID_NUMBER[-4:], "reason": "office"}
        corrected = service.read_one(form(now, **last), now=now)
        assert corrected.id_hash is None
        run(service.correct(receipts[-1].reference, receipts[-1].secret, corrected, now=now))
    work(service, now)
    states = [service.status(one.reference, one.secret, now=now).state for one in receipts]
    assert states == [State.ISSUED, State.REFERRED]


def test_a_corrected_pass_replaces_the_old_one_at_the_device(approving: Service, world: World, now: int) -> None:
    receipt = submit(approving, now, not_before=iso(now))
    work(approving, now)
    old = status(approving, receipt, now).issued
    corrected = approving.read_one(form(now, not_before=iso(now), to__place="Tongi"), now=now)
    run(approving.correct(receipt.reference, receipt.secret, corrected, now=now))
    work(approving, now)
    new = status(approving, receipt, now).issued
    assert old is not None
    assert new is not None
    assert old.pass_number != new.pass_number
    world.publish()
    world.sync()
    assert [world.verdict(one.text) for one in (old, new)] == ["revoked", "valid"]
    assert {name: bool(revoked) for name, (_, revoked) in issued_by_request(world).items()} == {
        f"{receipt.reference}.0": True, f"{receipt.reference}.1": False,
    }  # fmt: skip


def test_a_bulk_decision_is_issued_once_its_window_is_over_and_a_reversal_revokes(
    service: Service, world: World, now: int
) -> None:
    use_rules(service, rules("refer-all", ("", "refer")), now)
    one, two, undone = (submit(service, now, client) for client in ("one", "two", "three"))
    work(service, now)
    officer(service, now)
    officer(service, now, "supervisor")
    nasrin, supervisor = (service.desk.officer(f"Nasrin {role}") for role in ("officer", "supervisor"))
    service.desk.bulk_decide(nasrin, [one.reference, two.reference], "approve", now=now)
    batch = service.desk.bulk_decide(nasrin, [undone.reference], "approve", now=now)
    work(service, now + 59)
    assert issued_by_request(world) == {}
    service.desk.bulk_undo(nasrin, batch.id, now=now + 59)
    work(service, now + 60)
    states = [status(service, receipt, now).state for receipt in (one, two, undone)]
    assert states == [State.ISSUED, State.ISSUED, State.REFERRED]
    number = status(service, one, now).issued
    assert number is not None
    assert service.desk.find_reference(nasrin, number.pass_number, now=now) == one.reference
    service.desk.reverse(supervisor, one.reference, now=now + 61, note="forged letter")
    work(service, now + 61)
    assert {name: bool(revoked) for name, (_, revoked) in issued_by_request(world).items()} == {
        f"{one.reference}.0": True, f"{two.reference}.0": False,
    }  # fmt: skip


def test_who_may_not_decide_does_not(service: Service, now: int) -> None:
    receipt = submit(service, now)
    officer(service, now, "auditor")

    def ask(name: str, action: str = "approve", **more: Any) -> None:
        officers.decide(service.desk, receipt.reference, action, officer=name, actor="x", now=now, **more)

    officer(service, now)
    for wrong in (
        lambda: ask("Nobody"),
        lambda: ask("Nasrin auditor"),
        lambda: ask("Nasrin officer", "burn"),
        lambda: ask("Nasrin officer", code="because"),
        lambda: ask("Nasrin officer", note="x" * 501),
        lambda: officers.add_officer(service.store, "A", "king", now),
        lambda: officers.add_officer(service.store, " ", "officer", now),
        lambda: officers.add_officer(service.store, "Tester as Nasrin", "officer", now),
        lambda: officers.add_officer(service.store, "A", "officer", now, "12345"),
    ):
        with pytest.raises((officers.OfficerError, DeskError, ForbiddenError)):
            wrong()
    with pytest.raises(NotAllowed):
        officer(service, now)
    assert records(service) == []


# Trouble


def test_what_waited_too_long_expires_with_a_reason(service: Service, now: int) -> None:
    use_rules(service, rules("refer-all", ("", "refer")), now)
    referred, unseen = submit(service, now, "a"), None
    work(service, now)
    unseen = submit(service, now, "b")
    late = now + 5 * HOUR
    work(service, late)
    for receipt in (referred, unseen):
        told = status(service, receipt, late)
        assert told.state == State.EXPIRED
        assert told.reason is not None
        assert told.reason[0] == "trip-over"
        assert told.can == {"correct"}


def test_an_approved_one_whose_trip_is_over_is_never_issued(approving: Service, world: World, now: int) -> None:
    receipt = submit(approving, now)
    approving.store.decide_next(10, lambda *_: decision("approve"), now)
    work(approving, now + 5 * HOUR)
    assert status(approving, receipt, now).state == State.EXPIRED
    assert issued_by_request(world) == {}


def test_what_the_issuer_refuses_goes_to_an_officer(
    approving: Service, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = submit(approving, now)
    monkeypatch.setattr(Issuer, "issue_many", lambda _, requests: [RequestError("no") for _ in requests])
    work(approving, now)
    told = status(approving, receipt, now)
    assert told.state == State.REFERRED
    assert told.reason is not None
    assert told.reason[0] == "not-issued"


def test_passes_that_the_key_cant_sign_wait_and_keep_no_other_from_being_issued(
    approving: Service, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Issuer.issue_many

    def issue(self: Issuer, requests: Any) -> Any:
        answers = real(self, requests)
        return [
            KeyPeriodError("another key") if r.trip.reason == 10 else a for r, a in zip(requests, answers, strict=True)
        ]

    monkeypatch.setattr(Issuer, "issue_many", issue)
    monkeypatch.setattr("movepass_service.issuing.worker.ISSUE_MAX", 2)
    waiting = [submit(approving, now, f"w{n}", reason="office") for n in range(4)]
    good = [submit(approving, now, f"g{n}") for n in range(4)]
    worker = Worker(approving, clock=lambda: now)
    for _ in range(8):
        worker.round()
    assert "4 passes" in worker._trouble()
    worker.close()
    assert [status(approving, r, now).state for r in good] == [State.ISSUED] * 4
    assert [status(approving, r, now).state for r in waiting] == [State.APPROVED] * 4


def test_one_that_cant_be_read_keeps_no_other_waiting(approving: Service, now: int) -> None:
    """As after a change of the software, or a damaged row: an officer gets it, and the others their passes."""
    undecided, unissued, good = (submit(approving, now, name) for name in "abc")

    def damage(receipt: Receipt) -> None:
        query = "UPDATE applications SET content = replace(content, 'gazipur', 'atlantis') WHERE reference = ?"
        approving.store.writer.call(lambda db: db.execute(query, (receipt.reference,)) and None)

    damage(undecided)
    worker = Worker(approving, clock=lambda: now)
    approving.store.decide_next(10, decider(approving.rules, now), now)
    damage(unissued)
    worker.round()
    worker.close()
    kept = [approving.store.find(receipt.reference) for receipt in (undecided, unissued, good)]
    assert [one and one.state for one in kept] == [State.REFERRED, State.REFERRED, State.ISSUED]
    assert [one and one.reason and one.reason[0] for one in kept] == ["not-decided", "not-issued", "yes"]


def test_a_failing_ledger_is_trouble_that_passes(approving: Service, now: int, monkeypatch: pytest.MonkeyPatch) -> None:
    receipt = submit(approving, now)
    real, failures = Issuer.issue_many, [LedgerError("the ledger is locked")]

    def issue(self: Issuer, requests: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(self, requests)

    monkeypatch.setattr(Issuer, "issue_many", issue)
    worker = Worker(approving)
    worker.start()
    seen = _wait_for(lambda: approving.health().trouble)
    assert "the ledger is locked" in seen
    _wait_for(lambda: status(approving, receipt, now).issued)
    _wait_for(lambda: approving.health().ok)
    worker.stop()


def _wait_for(ask: Callable[[], Any], seconds: float = 20) -> Any:
    give_up = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < give_up
        time.sleep(0.01)
    return found


# Publishing


def test_a_revocation_is_published_soon_and_lists_on_a_schedule(world: World, tmp_path: Path, now: int) -> None:
    settings = Settings(publish_every_s=60, publish_after_revocation_s=0.1)
    with Service.open(tmp_path / "service", world.authority.folder, settings) as service:
        use_rules(service, APPROVE_ALL, now)
        publisher, worker = PublisherThread(service), Worker(service)
        publisher.start()
        worker.start()
        try:
            receipt = submit(service, now, not_before=iso(now))
            text = _wait_for(lambda: status(service, receipt, now).issued).text
            _wait_for(lambda: service.health().last_publication)
            begun = time.monotonic()
            run(service.withdraw(receipt.reference, receipt.secret, now=now))
            _wait_for(lambda: world.sync().changed and world.verdict(text) == "revoked")
            assert time.monotonic() - begun < 10
            assert service.health().ok
        finally:
            worker.stop()
            publisher.stop()


def test_what_was_revoked_last_is_published_in_the_end(world: World, tmp_path: Path, now: int) -> None:
    settings = Settings(publish_every_s=60, publish_after_revocation_s=60)
    with Service.open(tmp_path / "service", world.authority.folder, settings) as service:
        use_rules(service, APPROVE_ALL, now)
        receipt = submit(service, now, not_before=iso(now))
        work(service, now)
        text = status(service, receipt, now).issued
        assert text is not None
        publisher = PublisherThread(service)
        publisher.start()
        _wait_for(lambda: service.health().last_publication)
        run(service.withdraw(receipt.reference, receipt.secret, now=now))
        work(service, now)
        publisher.stop()
    world.sync()
    assert world.verdict(text.text) == "revoked"


def test_the_write_ahead_log_is_written_back_while_people_apply(
    approving: Service, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("movepass_service.issuing.worker._CHECKPOINT_SECONDS", 0)
    log = approving.store._path.with_name("service.sqlite-wal")
    application = approving.read(form(now, holder__id_number=None, holder__id_last="4856"), now=now)
    worker, sizes = Worker(approving, clock=lambda: now), []

    async def apply(part: int) -> None:
        await asyncio.gather(*(approving.submit(f"c-{part}-{n}", application, now=now) for n in range(50)))

    for part in range(12):
        run(apply(part))
        worker.round()
        sizes.append(log.stat().st_size)
    worker.close()
    assert sizes[-1] <= 2 * sizes[2], "it grows without end"


# What people are told


def test_cases_know_their_place_and_how_long_it_may_take(service: Service, now: int, monkeypatch: Any) -> None:
    monkeypatch.setattr("movepass_service.stores.sqlite.store._PLACES_SECONDS", 0)
    use_rules(service, rules("refer-all", ("", "refer")), now)
    receipts = [submit(service, now, f"c{n}", reason=reason) for n, reason in enumerate(["office", "media", "medical"])]
    work(service, now)
    told = [status(service, receipt, now) for receipt in receipts]
    assert [one.place for one in told] == [2, 3, 1]
    assert [one.expected_s for one in told] == [None] * 3, "nobody has decided in the last hour"
    decide(service, receipts[2], "approve", now)
    told = [status(service, receipt, now + 60) for receipt in receipts[:2]]
    assert [(one.place, one.expected_s) for one in told] == [(1, HOUR), (2, 2 * HOUR)]
    assert told[0].retry_after_s >= 30


def test_what_rules_decide_is_expected_as_long_as_the_last_hours_took(approving: Service, now: int) -> None:
    first = submit(approving, now, "a")
    assert status(approving, first, now).expected_s is None
    work(approving, now + 4)
    second = submit(approving, now + 5, "b")
    assert status(approving, second, now + 5).expected_s == 4
    assert status(approving, second, now + 2 * HOUR).expected_s is None


# What is kept


def test_what_is_known_of_registered_numbers_is_forgotten_too(service: Service, now: int) -> None:
    with closing(Accounts.open(service.store.folder)) as accounts:
        sent = accounts.send_code("+8801799887766", lambda prefix, code: f"{prefix} {code}", now=now)
        assert sent.id
        accounts.remember("+8801799887766", [("REFERENCE-1", "A-SECRET-OF-MINE")], now=now)
        (service.store.folder / "outbox.jsonl").unlink()
        words = [b"+8801799887766", b"A-SECRET-OF-MINE"]
        assert all(word in bytes_of(service.store.folder) for word in words)
        worker = Worker(service, clock=lambda: now + 40 * DAY, also_forget=accounts.forget)
        worker.round()
        worker.close()
        left = bytes_of(service.store.folder)
        assert [word for word in words if word in left] == []


def test_the_whole_number_is_in_no_file_and_all_is_forgotten_in_time(
    approving: Service, world: World, now: int
) -> None:
    """In the store's files, and in the whole folder of the authority beside it."""
    folder = approving.store._path.parent
    receipt = submit(approving, now, phone=PHONE, on_behalf_of="Union office Savar")
    withdrawn = submit(approving, now, "w", holder__name="Somebody Else")
    run(approving.withdraw(withdrawn.reference, withdrawn.secret, now=now))
    work(approving, now)
    held = bytes_of(folder) + bytes_of(world.authority.folder)
    assert ID_NUMBER.encode() not in held
    assert receipt.secret.encode() not in held
    kept = approving.store.find(receipt.reference)
    assert kept is not None
    words = [NAME.encode(), b"+8801799887766", b"Union office Savar", kept.id_hash or b""]
    assert all(word in bytes_of(folder) for word in words)
    work(approving, now + DAY + HOUR)
    assert b"Somebody Else" not in bytes_of(folder)
    assert NAME.encode() in bytes_of(folder)
    work(approving, now + 8 * DAY)
    left = bytes_of(folder)
    assert [word for word in words if word in left] == []
    with pytest.raises(UnknownApplication):
        status(approving, receipt, now)


@pytest.mark.parametrize("key", ["pass_signer", "online_signer"])
def test_while_a_key_is_away_what_was_withdrawn_is_revoked_and_what_is_over_expires(
    approving: Service, world: World, now: int, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    first = submit(approving, now)
    work(approving, now)
    run(approving.withdraw(first.reference, first.secret, now=now))
    second = submit(approving, now, "second", not_before=iso(now + 5 * HOUR))
    monkeypatch.setattr("movepass_issuer.authority.folder.signer_from_uri", without(key, world))
    with pytest.raises((KeysError, NotSealed), match="the token is not there"):
        work(approving, now)
    assert status(approving, second, now).state == State.APPROVED
    (revoked_at,) = [revoked for _, revoked in issued_by_request(world).values()]
    assert revoked_at is not None


def without(key: str, world: World) -> Callable[..., Any]:
    """Return what opens signers, but for one key of the authority's."""

    def opened(uri: str, folder: Path) -> Any:
        if uri == getattr(world.authority, key):
            raise KeysError("the token is not there")
        return signer_from_uri(uri, folder)

    return opened


def test_the_log_of_a_failing_worker_quotes_nobody(
    approving: Service, now: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"no room for {NAME}")

    monkeypatch.setattr(Worker, "_issue", fail)
    worker = Worker(approving, clock=lambda: now)
    with pytest.raises(RuntimeError) as caught:
        worker.round()
    worker._fail(caught.value)
    assert "RuntimeError" in caplog.text
    assert NAME not in caplog.text


def test_the_log_of_what_rules_cant_decide_names_no_reference(
    service: Service, now: int, caplog: pytest.LogCaptureFixture
) -> None:
    receipt = submit(service, now)
    with closing(sqlite3.connect(service.store._path)) as db, db:
        db.execute("UPDATE applications SET rules = 'gone'")
    work(service, now)
    assert status(service, receipt, now).state == State.REFERRED
    assert "can't be decided by rules" in caplog.text
    assert receipt.reference not in caplog.text
