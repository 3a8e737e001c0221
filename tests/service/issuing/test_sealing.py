"""No pass without a decision that a durable checkpoint covers; and what becomes of the log without the online key."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.applications import APPROVE_ALL, decision, form, rules, run, submit, use_rules, work
from support.keys import replace_pass_key
from support.repositories import status_of, target
from support.world import World

from movepass_issuer import Issuer
from movepass_issuer.errors import KeyPeriodError
from movepass_keys import KeysError, signer_from_uri
from movepass_keys.records import layout
from movepass_keys.records.checkpoint import Checkpoint, read_checkpoint
from movepass_service.applications.states import State
from movepass_service.errors import NotSealed, StoreError
from movepass_service.issuing.publishing import PublisherThread
from movepass_service.issuing.worker import Worker
from movepass_service.service import Receipt, Service
from movepass_service.settings import Settings
from movepass_service.stores.sqlite.store import SqliteStore
from movepass_service.stores.store import Head, Reissuable
from movepass_wire import format_number
from movepass_wire.merkle import Tree, leaf_hash
from movepass_wire.times import iso

DAY = 86400


@pytest.fixture
def approving(service: Service, now: int) -> Service:
    use_rules(service, APPROVE_ALL, now)
    return service


def leaves(service: Service) -> list[dict[str, Any]]:
    return [json.loads(leaf) for leaf in service.store.leaves(0, service.store.log_size())]


def kinds(service: Service) -> list[str]:
    return [leaf["kind"] for leaf in leaves(service)]


def state(service: Service, receipt: Receipt) -> State:
    kept = service.store.find(receipt.reference)
    assert kept is not None
    return kept.state


def verified(service: Service, world: World) -> Checkpoint:
    """Return the newest head, once its signature and its root are checked."""
    head = service.store.newest_head()
    assert head is not None
    signed = read_checkpoint(head.note.encode())
    assert signed.verified_by([world.online_signer().public_key])
    tree = Tree()
    for leaf in service.store.leaves(0, signed.checkpoint.size):
        tree.append(leaf_hash(leaf.encode()))
    assert (signed.checkpoint.size, signed.checkpoint.root) == (tree.size, tree.root())
    return signed.checkpoint


def without_online_key(world: World) -> Callable[..., Any]:
    """Return what opens signers, but for the online key."""

    def opened(uri: str, folder: Any) -> Any:
        if uri == world.authority.online_signer:
            raise KeysError("the token is not there")
        return signer_from_uri(uri, folder)

    return opened


def test_a_checkpoint_of_the_decision_is_durable_before_the_issuer_is_asked(
    approving: Service, world: World, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, covered = Issuer.issue_many, []

    def issue(self: Issuer, requests: Any) -> Any:
        with closing(SqliteStore(approving.store.folder, create=False)) as elsewhere:  # what is durable
            head = elsewhere.newest_head()
            decided = [i for i, leaf in enumerate(elsewhere.leaves(0, 100)) if json.loads(leaf)["kind"] == "decision"]
        covered.append(head is not None and head.size > max(decided) and len(decided) == len(requests))
        return real(self, requests)

    monkeypatch.setattr(Issuer, "issue_many", issue)
    receipts = [submit(approving, now, f"c{n}") for n in range(3)]
    work(approving, now)
    assert covered == [True]
    assert [state(approving, receipt) for receipt in receipts] == [State.ISSUED] * 3
    assert kinds(approving) == ["decision"] * 3 + ["issuance"] * 3
    head = verified(approving, world)
    assert (head.size, head.at) == (6, now)
    root = sha256(world.authority.root_path.read_bytes()).hexdigest()
    assert head.origin == f"movepass-decisions/{root}"


def test_the_leaves_say_which_pass_by_which_decision(approving: Service, world: World, now: int) -> None:
    receipt = submit(approving, now)
    work(approving, now)
    kept = approving.store.find(receipt.reference)
    assert kept is not None
    assert kept.pass_text is not None
    _, leaf = leaves(approving)
    assert leaf["decision"] == 0
    assert format_number(leaf["day"], leaf["index"]) == kept.pass_number
    assert leaf["payload"] == sha256(kept.pass_text.encode()).hexdigest()
    run(approving.withdraw(receipt.reference, receipt.secret, now=now))
    work(approving, now)
    assert kinds(approving) == ["decision", "issuance", "decision"]
    assert verified(approving, world).size == 3


def test_while_the_online_key_is_away_nothing_new_is_issued_and_health_says_why(
    approving: Service, world: World, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    covered = submit(approving, now, "covered")
    worker = Worker(approving, clock=lambda: now)
    with monkeypatch.context() as early:
        early.setattr(Issuer, "issue_many", lambda _, requests: [KeyPeriodError("later") for _ in requests])
        worker.round()
    assert state(approving, covered) == State.APPROVED
    monkeypatch.setattr("movepass_issuer.authority.folder.signer_from_uri", without_online_key(world))
    worker.close()
    worker._held.clear()
    uncovered = submit(approving, now, "uncovered")
    with pytest.raises(NotSealed) as error:
        worker.round()
    worker._fail(error.value)
    assert "no new pass is issued until it can: the token is not there" in approving.health().trouble
    assert not approving.health().ok
    assert state(approving, covered) == State.ISSUED, "its decision was covered before"
    assert state(approving, uncovered) == State.APPROVED
    monkeypatch.undo()
    worker.round()
    worker.close()
    assert state(approving, uncovered) == State.ISSUED
    assert verified(approving, world).size == 3


def test_a_log_that_did_not_grow_is_signed_again_by_a_new_online_key_alone(
    approving: Service, world: World, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(approving, now)
    work(approving, now)
    before = approving.store.newest_head()
    work(approving, now + 60)
    assert approving.store.newest_head() == before
    other = signer_from_uri(world.authority.pass_signer, world.authority.folder)
    monkeypatch.setattr("movepass_issuer.authority.folder.Authority.online_key", lambda _: other)
    work(approving, now + 61)
    head = approving.store.newest_head()
    assert head is not None
    assert read_checkpoint(head.note.encode()).verified_by([other.public_key])


def test_a_start_reads_only_the_leaves_since_the_last_head(
    approving: Service, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(20):
        submit(approving, now, f"c{n}")
    work(approving, now)
    approving.store.append_administration({"action": "x", "actor": "y"}, now)
    read: list[tuple[int, int]] = []
    real = SqliteStore.leaves

    def leaves_of(store: SqliteStore, start: int, end: int) -> Iterator[str]:
        read.append((start, end))
        return real(store, start, end)

    monkeypatch.setattr(SqliteStore, "leaves", leaves_of)
    work(approving, now)
    assert read == [(40, 41)]


@pytest.mark.parametrize("damage", ["frontier", "origin", "unread"])
def test_a_head_that_is_not_this_logs_stops_issuing(
    approving: Service, now: int, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(approving, now)
    work(approving, now)
    head = approving.store.newest_head()
    assert head is not None
    if damage == "frontier":
        approving.store.add_head(Head(head.size, head.note, tuple(bytes(32) for _ in head.frontier)))
    elif damage == "unread":
        approving.store.add_head(Head(head.size, "note", head.frontier))
    else:
        monkeypatch.setattr("movepass_service.issuing.worker.origin_for", lambda _: "movepass-decisions/another")
    again = submit(approving, now, "again")
    with pytest.raises(StoreError):
        work(approving, now)
    assert state(approving, again) == State.APPROVED


def test_what_the_issuer_has_issued_and_nobody_saw_has_its_leaf_too(
    approving: Service, world: World, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash between the issuer's commit and the store's, when the applicant withdraws meanwhile."""
    receipt = submit(approving, now)
    with monkeypatch.context() as crash:
        crash.setattr(SqliteStore, "record_issued", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            work(approving, now)
    assert kinds(approving) == ["decision"]
    run(approving.withdraw(receipt.reference, receipt.secret, now=now))
    work(approving, now)
    assert kinds(approving) == ["decision", "decision", "issuance"]
    with closing(world.authority.ledger()) as ledger:
        ((entry,),) = ledger.issued()
    assert entry.revoked_at is not None
    assert leaves(approving)[2]["index"] == entry.index
    assert leaves(approving)[2]["decision"] == 0


def test_the_newest_head_is_published_with_the_lists_and_kept(approving: Service, world: World, now: int) -> None:
    notes = []
    for n in range(2):
        submit(approving, now, f"c{n}")
        work(approving, now)
        head = approving.store.newest_head()
        assert head is not None
        notes.append(head.note)
        PublisherThread(approving, clock=partial(float, now + n))._publish()
        assert published_head(world) == head.note.encode()
    world.sync()
    with closing(SqliteStore(approving.store.folder, create=False)) as store:
        held = [note for (note,) in store._reader.execute("SELECT note FROM heads ORDER BY id")]
    assert held == notes


def test_the_last_head_is_published_in_the_end(world: World, tmp_path: Path, now: int) -> None:
    with Service.open(tmp_path / "data", world.authority.folder) as service:
        use_rules(service, APPROVE_ALL, now)
        publisher, worker = PublisherThread(service), Worker(service)
        publisher.start()
        worker.start()
        receipt = submit(service, now)
        while state(service, receipt) != State.ISSUED:
            time.sleep(0.01)
        worker.stop()
        publisher.stop()
        head = service.store.newest_head()
        assert head is not None
        assert (head.size, published_head(world)) == (2, head.note.encode())


def test_a_published_head_of_another_log_stays_and_health_says_so(
    approving: Service, world: World, now: int, tmp_path: Path
) -> None:
    submit(approving, now)
    work(approving, now)
    publisher = PublisherThread(approving, clock=lambda: now)
    publisher._publish()
    first = published_head(world)
    with Service.open(tmp_path / "restored", world.authority.folder) as other:
        work(other, now)
        thread = PublisherThread(other, clock=lambda: now)
        thread._publish()
        assert published_head(world) == first
        assert "not of this log" in other.health().trouble
        with Service.open(tmp_path / "restored", world.authority.folder, Settings(replace_head=True)) as settled:
            PublisherThread(settled, clock=lambda: now)._publish()
        head = other.store.newest_head()
        assert head is not None
        assert published_head(world) == head.note.encode() != first
        thread._publish()
        assert other.health().trouble == ""
    publisher._publish()
    assert "not of this log" in approving.health().trouble


def published_head(world: World) -> bytes:
    targets = status_of(world.repository).targets
    return target(world.repository, layout.HEAD_TARGET, targets[layout.HEAD_TARGET])


def test_lists_are_published_though_the_store_fails(
    approving: Service, world: World, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(approving, now)
    work(approving, now)
    thread = PublisherThread(approving, clock=lambda: now)
    thread._publish()

    def fail(_: SqliteStore) -> str:
        raise StoreError("the disk is full")

    monkeypatch.setattr(SqliteStore, "offer_head", fail)
    assert thread._publish().version
    assert layout.HEAD_TARGET in status_of(world.repository).targets
    assert "the disk is full" in approving.health().trouble


def test_lists_are_published_though_the_heads_file_is_gone(approving: Service, world: World, now: int) -> None:
    submit(approving, now)
    work(approving, now)
    thread = PublisherThread(approving, clock=lambda: now)
    thread._publish()
    (file,) = world.repository.rglob("*.decisions.head")
    file.unlink()
    assert thread._publish().version
    assert "decisions.head is missing" in approving.health().trouble


# Passes that custodians issue again


def test_a_reissued_pass_has_its_leaf_and_is_shown(approving: Service, world: World, now: int) -> None:
    receipts = [submit(approving, now, f"c{n}", not_before=iso(now)) for n in range(3)]
    work(approving, now)
    before = [approving.store.find(receipt.reference) for receipt in receipts]
    replace_pass_key(world.authority.folder, world.now)
    work(approving, now)
    after = [approving.store.find(receipt.reference) for receipt in receipts]
    world.sync()
    for old, new in zip(before, after, strict=True):
        assert old is not None
        assert new is not None
        assert old.pass_text is not None
        assert new.pass_text is not None
        assert new.state == State.ISSUED
        assert [world.verdict(text) for text in (old.pass_text, new.pass_text)] == ["key-revoked", "valid"]
    found = leaves(approving)
    assert kinds(approving) == ["decision"] * 3 + ["issuance"] * 6
    for first, again in zip(found[3:6], found[6:], strict=True):
        assert again["replaces"] == [first["day"], first["index"]]
        assert again["decision"] == first["decision"]
    work(approving, now)
    assert len(leaves(approving)) == 9, "each is noticed once"
    assert verified(approving, world).size == 9


def test_a_reissued_pass_is_revoked_with_its_first_and_logged_although_it_came_late(
    approving: Service, world: World, now: int
) -> None:
    receipt = submit(approving, now, not_before=iso(now))
    work(approving, now)
    replace_pass_key(world.authority.folder, world.now)
    run(approving.withdraw(receipt.reference, receipt.secret, now=now))
    work(approving, now)
    with closing(world.authority.ledger()) as ledger:
        entries = [entry for some in ledger.issued() for entry in some]
    assert len(entries) == 2
    assert all(entry.revoked_at is not None for entry in entries)
    assert kinds(approving).count("issuance") == 2
    assert state(approving, receipt) == State.WITHDRAWN


def test_a_pass_issued_again_twice_names_each_pass_that_it_replaced(approving: Service, world: World, now: int) -> None:
    receipt = submit(approving, now, not_before=iso(now))
    work(approving, now)
    for _ in range(2):
        replace_pass_key(world.authority.folder, world.now)
    work(approving, now)
    first, second, third = (leaf for leaf in leaves(approving) if leaf["kind"] == "issuance")
    assert second["replaces"] == [first["day"], first["index"]]
    assert third["replaces"] == [second["day"], second["index"]]
    kept = approving.store.find(receipt.reference)
    assert kept is not None
    assert kept.pass_number == format_number(third["day"], third["index"])


def test_a_correction_replaces_the_pass_that_was_issued_again(
    approving: Service, world: World, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = submit(approving, now, not_before=iso(now))
    work(approving, now)
    replace_pass_key(world.authority.folder, world.now)
    monkeypatch.setattr(Worker, "_reissued", lambda *_: 0)  # it has not looked yet
    other = approving.read(form(now, not_before=iso(now), reason="office"), now=now)[0]
    run(approving.correct(receipt.reference, receipt.secret, other, now=now))
    work(approving, now)
    first, again, corrected = (leaf for leaf in leaves(approving) if leaf["kind"] == "issuance")
    assert again["replaces"] == [first["day"], first["index"]]
    assert corrected["replaces"] == [again["day"], again["index"]]
    with closing(world.authority.ledger()) as ledger:
        revoked = [entry.revoked_at is not None for some in ledger.issued() for entry in some]
    assert revoked == [True, True, False]


def test_what_is_over_for_a_day_is_not_looked_for(
    approving: Service, world: World, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(approving, now, not_before=iso(now))
    work(approving, now)
    replace_pass_key(world.authority.folder, world.now)
    asked: list[int] = []

    def take(_: Worker, passes: Sequence[Reissuable]) -> int:
        asked.append(len(passes))
        return 0

    monkeypatch.setattr(Worker, "_take_reissues", take)
    work(approving, now + 2 * DAY)
    assert asked == []
    work(approving, now + DAY // 2)
    assert asked == [1]


def test_a_refused_and_a_referred_application_have_decisions_and_no_pass(service: Service, now: int) -> None:
    use_rules(service, rules("mixed", ('reason = "office"', "reject"), ("", "refer")), now)
    submit(service, now, "a", reason="office")
    referred = submit(service, now, "b")
    work(service, now)
    service.store.decide_case(referred.reference, decision("approve", actor="console:me as Nasrin"), now)
    work(service, now)
    assert kinds(service) == ["decision"] * 3 + ["issuance"]
    assert leaves(service)[3]["decision"] == 2
