"""Second looks: which approvals are drawn, who looks, and what a disagreement leads to."""

import hashlib
import json

import pytest
from support.office import PHONE, Office, refused

from movepass_service.applications.states import State
from movepass_service.stores.desk import SecondLook


@pytest.fixture
def drawn(office: Office) -> tuple[str, SecondLook]:
    """An approval by Asma that was drawn."""
    office.change(second_look_percent=100)
    case = office.case()
    office.approve(office.asma, case)
    ((_, look),) = office.desk.second_looks(office.babul, now=office.now)
    return case, look


def test_the_share_is_drawn_by_a_key_of_the_store(office: Office) -> None:
    digests = [hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(4000)]
    office.change(second_look_percent=5)
    draw = office.desk._drawer()
    chosen = [draw(digest) for digest in digests]
    assert 140 < sum(chosen) < 260
    assert [office.new_desk()._drawer()(digest) for digest in digests[:50]] == chosen[:50], "the key is kept"
    for percent, expected in ((0, False), (100, True)):
        office.change(second_look_percent=percent)
        draw = office.desk._drawer()
        assert {draw(digest) for digest in digests[:100]} == {expected}
    office.store.writer.call(lambda db: db.execute("DELETE FROM meta WHERE name = 'second-look-key'") and None)
    office.change(second_look_percent=5)
    other = office.new_desk()._drawer()
    assert [other(digest) for digest in digests] != chosen, "another key draws others"


def test_only_officers_approvals_are_drawn(office: Office) -> None:
    office.change(second_look_percent=100)
    office.case("approve")
    rejected = office.case()
    office.desk.claim(office.asma, rejected, now=office.now)
    office.desk.decide(office.asma, rejected, "reject", now=office.now)
    assert office.desk.second_looks(office.babul, now=office.now) == []


def test_another_officer_agrees(office: Office, drawn: tuple[str, SecondLook]) -> None:
    case, look = drawn
    assert (look.officer, look.outcome, look.reference) == ("Asma", "open", case)
    assert office.desk.second_looks(office.asma, now=office.now) == []
    with refused("second-look-own"):
        office.desk.record_second_look(office.asma, look.decision, agrees=True, note="", now=office.now)
    done = office.desk.record_second_look(office.babul, look.decision, agrees=True, note="", now=office.now)
    assert (done.outcome, done.looked_by, done.looked_at) == ("agreed", "Babul", office.now)
    for who in (office.babul, office.chandra):
        with refused("second-look-done"):
            office.desk.record_second_look(who, look.decision, agrees=False, note="no", now=office.now)
    assert office.state(case) == State.APPROVED


def test_a_proposer_and_an_owner_do_not_look(office: Office) -> None:
    office.change(second_look_percent=100, four_eyes_reasons=["groceries"])
    case = office.case(phone=PHONE)
    office.approve(office.asma, case)
    office.desk.confirm(office.babul, case, now=office.now)
    for who in (office.asma, office.babul, office.has_phone(office.chandra)):
        assert office.desk.second_looks(who, now=office.now) == []
    ((_, look),) = office.desk.second_looks(office.dipa, now=office.now)
    assert (look.officer, look.proposer) == ("Babul", "Asma")
    for who, code in ((office.asma, "second-look-own"), (office.has_phone(office.chandra), "own")):
        with refused(code):
            office.desk.record_second_look(who, look.decision, agrees=True, note="", now=office.now)


@pytest.mark.parametrize(("reverse", "state"), [(True, State.REVOKED), (False, State.APPROVED)])
def test_a_disagreement_goes_to_a_supervisor(
    office: Office, drawn: tuple[str, SecondLook], *, reverse: bool, state: State
) -> None:
    case, look = drawn
    with refused("note-length"):
        office.desk.record_second_look(office.babul, look.decision, agrees=False, note=" ", now=office.now)
    office.desk.record_second_look(office.babul, look.decision, agrees=False, note="no letter", now=office.now)
    assert office.desk.second_looks(office.chandra, now=office.now) == []
    ((_, seen),) = office.desk.second_looks(office.dipa, now=office.now)
    assert (seen.outcome, seen.note) == ("disagreed", "no letter")
    done = office.desk.resolve_second_look(office.dipa, look.decision, reverse=reverse, note="called", now=office.now)
    assert (done.outcome, done.resolved_by) == ("reversed" if reverse else "upheld", "Dipa")
    assert office.state(case) == state
    acts = office.store._reader.execute("SELECT record FROM administration ORDER BY id DESC LIMIT 2").fetchall()
    assert [(act["actor"], act["decision"], act["outcome"]) for act in (json.loads(text) for (text,) in acts)] == [
        ("officer:Dipa", look.decision, done.outcome),
        ("officer:Babul", look.decision, "disagreed"),
    ]
    assert len(office.store.to_revoke(9)) == reverse
    with refused("second-look-done"):
        office.desk.resolve_second_look(office.dipa, look.decision, reverse=True, note="again", now=office.now)


@pytest.mark.parametrize("state", [State.REFERRED, State.NEEDS_CORRECTION])
def test_a_reversal_revokes_the_pass_although_a_correction_waits(
    office: Office, drawn: tuple[str, SecondLook], state: State
) -> None:
    case, look = drawn
    office.issue(case)
    office.correct(case)
    if state == State.NEEDS_CORRECTION:
        office.desk.claim(office.chandra, case, now=office.now)
        office.desk.decide(office.chandra, case, "needs-correction", now=office.now)
    assert office.state(case) == state
    office.desk.record_second_look(office.babul, look.decision, agrees=False, note="no letter", now=office.now)
    assert office.store.to_revoke(9) == [], "the first pass is in force"
    done = office.desk.resolve_second_look(office.dipa, look.decision, reverse=True, note="called", now=office.now)
    assert done.outcome == "reversed"
    assert office.state(case) == State.REVOKED
    assert len(office.store.to_revoke(9)) == 1


def test_a_supervisor_does_not_judge_their_own_approval(office: Office) -> None:
    office.change(second_look_percent=100)
    office.approve(office.dipa, office.case())
    ((_, look),) = office.desk.second_looks(office.babul, now=office.now)
    office.desk.record_second_look(office.babul, look.decision, agrees=False, note="no", now=office.now)
    assert office.desk.second_looks(office.dipa, now=office.now) == []
    with refused("second-look-own"):
        office.desk.resolve_second_look(office.dipa, look.decision, reverse=False, note="fine", now=office.now)


def test_one_who_died_between_the_reversal_and_its_note_can_do_it_again(
    office: Office, drawn: tuple[str, SecondLook], monkeypatch: pytest.MonkeyPatch
) -> None:
    case, look = drawn
    office.desk.record_second_look(office.babul, look.decision, agrees=False, note="no", now=office.now)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(office.store, "put_second_look", die)
    with pytest.raises(KeyboardInterrupt):
        office.desk.resolve_second_look(office.dipa, look.decision, reverse=True, note="x", now=office.now)
    monkeypatch.undo()
    assert office.state(case) == State.REVOKED
    done = office.desk.resolve_second_look(office.dipa, look.decision, reverse=True, note="x", now=office.now)
    assert done.outcome == "reversed"
    assert [record["action"] for record in office.records(case)] == ["refer", "approve", "revoke"]
