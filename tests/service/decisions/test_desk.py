"""One case at a time: the queue, claims, decisions, four eyes, notes, and who must not decide."""

from dataclasses import replace
from unittest.mock import Mock

import pytest
from support.applications import HOUR, decision, run
from support.office import PHONE, Office, refused

from movepass_service.accounts import Helper
from movepass_service.applications.states import State
from movepass_service.decisions.desk import DeskSettings, DeskSettingsError, Filters, core
from movepass_service.decisions.desk.checks import officers_in
from movepass_service.decisions.desk.single import LEASES_MAX, NOTES_MAX
from movepass_service.decisions.desk.why import Explanation
from movepass_service.decisions.records import Decision
from movepass_service.errors import NotAllowed, UnknownApplication
from movepass_service.stores.desk import Changed
from movepass_service.stores.sqlite.desk_rows import SAME_PERSON
from movepass_service.stores.store import Issued
from movepass_wire.number import format_number

EVERY = Filters()
PERSON, OTHER = b"\xfa\xce" * 8, b"\xca\xfe" * 8
APPEAL = Decision("appeal", "applicant", "appealed", {"bn": "আপিল", "en": "Appealed"}, note="the ferry is slow")


# The queue


def test_urgent_cases_come_first_each_with_its_age_and_an_alert_past_an_hour(office: Office) -> None:
    office.case()
    urgent = office.case(reason="medical")
    office.wait(HOUR)
    queue = office.desk.queue(office.asma, EVERY, now=office.now)
    first = queue.lines[0]
    assert (first.case.reference, first.age_s, first.is_late) == (urgent, HOUR, False)
    assert queue.late == 0
    office.wait(1)
    queue = office.desk.queue(office.asma, EVERY, now=office.now)
    assert [line.is_late for line in queue.lines] == [True, False]
    assert (queue.late, queue.waiting, queue.total) == (1, 2, 2)


def test_filters_show_what_they_say_and_counts_are_of_all(office: Office) -> None:
    one = office.case(from__district="khulna", row="row-1")
    two = office.case(reason="medical", to__district="khulna", row="row-2")
    office.wait(60)
    three = office.case(reason="office", row="row-2")
    office.store.decide_case(three, decision("reject", actor="officer:Babul"), office.now)
    run(office.store.change(three, APPEAL, office.now))

    def shown(**filters: object) -> set[str]:
        queue = office.desk.queue(office.asma, Filters(**filters), now=office.now)  # type: ignore[arg-type]
        assert (queue.waiting, queue.total) == (3, len(queue.lines))
        return {line.case.reference for line in queue.lines}

    assert shown(reason="medical") == {two}
    assert shown(district="khulna") == {one, two}
    assert shown(row="row-2") == {two, three}
    assert shown(min_age_s=60) == {one, two}
    assert shown(appeals=True) == {three}
    assert shown(appeals=False, urgent=False) == {one}
    queue = office.desk.queue(office.asma, Filters(reason="medical"), now=office.now)
    assert queue.by_reason == {"medical": 1, "groceries": 1, "office": 1}
    assert (queue.by_row, queue.appeals) == ({"row-2": 2, "row-1": 1}, 1)
    assert queue.by_district["khulna"] == 2


def test_the_queue_comes_in_pages(office: Office) -> None:
    cases = [office.case() for _ in range(5)]
    pages = [office.desk.queue(office.asma, EVERY, now=office.now, offset=at, limit=2) for at in (0, 2, 4, 6)]
    assert [[line.case.reference for line in page.lines] for page in pages] == [cases[:2], cases[2:4], cases[4:], []]
    assert {page.total for page in pages} == {5}


def test_a_long_queue_is_read_once_a_second_and_what_was_decided_is_gone_at_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "LISTED_MIN", 3)
    cases = [office.case(not_before="2026-11-22 20:00") for _ in range(4)]

    def shown() -> list[str]:
        return [line.case.reference for line in office.desk.queue(office.asma, EVERY, now=office.now).lines]

    assert shown() == cases
    office.approve(office.asma, cases[0])
    later = office.case()
    assert shown() == cases[1:]
    run(office.store.change(cases[1], decision("withdraw", actor="applicant"), office.now))
    opened = office.desk.claim_next(office.asma, EVERY, now=office.now)
    assert opened is not None
    assert opened.case.reference == cases[2], "one that was withdrawn meanwhile is passed over"
    office.wait(1)
    assert shown() == [*cases[2:], later]


@pytest.mark.parametrize("content", ["{}", "null", "", '{"trip":' * 3_000])
def test_damaged_content_hides_no_case(office: Office, content: str) -> None:
    damaged, whole = office.case(), office.case()
    change = "UPDATE applications SET content = ? WHERE reference = ?"
    office.store.writer.call(lambda db: db.execute(change, (content, damaged)) and None)
    queue = office.desk.queue(office.asma, EVERY, now=office.now)
    assert {line.case.reference: line.case.reason for line in queue.lines} == {
        damaged: "unreadable",
        whole: "groceries",
    }


# Claims


def test_a_claimed_case_is_nobody_elses_until_the_lease_ends(office: Office) -> None:
    case = office.case()
    assert office.desk.claim(office.asma, case, now=office.now).lease_s == 300
    office.wait(299)
    with refused("leased"):
        office.desk.claim(office.babul, case, now=office.now)
    with refused("no-lease"):
        office.desk.decide(office.babul, case, "approve", now=office.now)
    (line,) = office.desk.queue(office.babul, EVERY, now=office.now).lines
    assert line.leased_by == "Asma"
    office.wait(1)
    with refused("no-lease"):
        office.desk.decide(office.asma, case, "approve", now=office.now)
    office.desk.claim(office.babul, case, now=office.now)
    with refused("no-lease"):
        office.desk.renew(office.asma, case, now=office.now)
    assert office.desk.decide(office.babul, case, "approve", now=office.now).state == State.APPROVED
    assert office.records(case)[-1]["actor"] == "officer:Babul"


def test_activity_renews_a_lease_and_release_ends_it(office: Office) -> None:
    case = office.case()
    office.desk.claim(office.asma, case, now=office.now)
    for _ in range(5):
        office.wait(200)
        assert office.desk.renew(office.asma, case, now=office.now) == 300
    office.desk.release(office.babul, case, now=office.now)
    with refused("leased"):
        office.desk.claim(office.babul, case, now=office.now)
    office.desk.release(office.asma, case, now=office.now)
    office.desk.claim(office.babul, case, now=office.now)


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_clock_set_back_gives_nobody_a_second_lease_and_frees_none_early(
    office: Office, *, is_restarted: bool
) -> None:
    case = office.case()
    office.desk.claim(office.asma, case, now=office.now)
    office.wait(301)
    office.desk.claim(office.babul, case, now=office.now)
    office.now -= 3600
    if is_restarted:
        office.desk = office.new_desk()
    office.wait(299)
    with refused("no-lease"):
        office.desk.decide(office.asma, case, "approve", now=office.now)
    with refused("leased"):
        office.desk.claim(office.asma, case, now=office.now)
    office.wait(1)
    office.desk.claim(office.asma, case, now=office.now)


def test_a_clock_that_was_far_ahead_keeps_no_lease_for_ever(office: Office) -> None:
    case = office.case()
    office.now += 10**8
    office.desk.claim(office.asma, case, now=office.now)
    office.now -= 10**8
    office.wait(300)
    assert office.desk.claim(office.babul, case, now=office.now).lease_s == 300


def test_the_next_case_is_the_most_urgent_free_one(office: Office) -> None:
    plain = [office.case(), office.case()]
    urgent = office.case(reason="burial")
    opened = [office.desk.claim_next(who, EVERY, now=office.now) for who in (office.asma, office.babul, office.dipa)]
    assert [one.case.reference for one in opened if one] == [urgent, *plain]
    assert office.desk.claim_next(office.chandra, EVERY, now=office.now) is None
    skipped = office.desk.claim_next(office.asma, EVERY, now=office.now, after=urgent)
    assert skipped is None, "those behind it are others'"


def test_nobody_holds_more_than_some_cases(office: Office) -> None:
    cases = [office.case() for _ in range(LEASES_MAX + 1)]
    for case in cases[:-1]:
        office.desk.claim(office.asma, case, now=office.now)
    with refused("too-many-leases"):
        office.desk.claim(office.asma, cases[-1], now=office.now)
    office.desk.claim(office.asma, cases[0], now=office.now)
    office.desk.release(office.asma, cases[0], now=office.now)
    office.desk.claim(office.asma, cases[-1], now=office.now)


@pytest.mark.parametrize("change", ["withdraw", "correct"])
def test_a_change_by_the_applicant_ends_the_lease(office: Office, change: str) -> None:
    case = office.case()
    office.desk.claim(office.asma, case, now=office.now)
    if change == "withdraw":
        run(office.store.change(case, decision("withdraw", actor="applicant"), office.now))
        code = "not-waiting"
    else:
        content = replace(office.kept(case).application(), language="en")
        run(office.store.correct(case, b"digest", content, office.now))
        office.store.decide_next(1, lambda *_: decision("refer"), office.now)
        code = "no-lease"
    assert office.store.holds(9) == []
    with refused(code):
        office.desk.decide(office.asma, case, "approve", now=office.now)


def test_who_saw_the_content_before_its_correction_does_not_decide_the_new_one(office: Office) -> None:
    case = office.case()
    seen = office.desk.claim(office.asma, case, now=office.now).case.kept.correction
    run(office.store.correct(case, b"digest", replace(office.kept(case).application(), language="en"), office.now))
    office.store.decide_next(1, lambda *_: decision("refer"), office.now)
    office.desk.claim(office.asma, case, now=office.now)  # in another tab
    with refused("changed"):
        office.desk.decide(office.asma, case, "approve", now=office.now, seen=seen)
    office.change(four_eyes_reasons=["groceries"])
    assert office.desk.decide(office.asma, case, "approve", now=office.now, seen=1).state == State.REFERRED
    with refused("changed"):
        office.desk.confirm(office.babul, case, now=office.now, seen=seen)
    assert office.desk.confirm(office.babul, case, now=office.now, seen=1).state == State.APPROVED


# A case on one screen


def test_a_case_shows_why_it_was_referred_in_words_in_both_languages(office: Office) -> None:
    case = office.case(row="row-0")
    shown = office.desk.open_case(office.asma, case, now=office.now)
    assert shown.why["en"] == Explanation("Reason", ("length of the trip: more than 3 h",))
    assert shown.why["bn"].conditions[0].startswith("যাত্রার সময়কাল")
    other = office.desk.open_case(office.asma, office.case(row="row-1"), now=office.now)
    assert other.why["en"].conditions == ("every other application",)
    assert [record["actor"] for record in shown.history] == ["rules"]


def test_a_case_shows_why_it_came_back_and_not_why_it_was_approved(office: Office) -> None:
    case = office.case("approve", row="row-0")
    told = decision("refer", actor="service", code="not-issued", texts={"bn": "পাস হয়নি", "en": "No pass"})
    office.store.record_refused(office.kept(case), told, office.now)
    shown = office.desk.open_case(office.asma, case, now=office.now)
    assert shown.why == {"bn": Explanation("পাস হয়নি"), "en": Explanation("No pass")}


def test_an_appeal_shows_why_the_rules_rejected_it(office: Office) -> None:
    case = office.case("reject", row="row-0")
    run(office.store.change(case, APPEAL, office.now))
    assert office.desk.open_case(office.asma, case, now=office.now).why["en"] == Explanation(
        "An officer will look at it.",  # the text of its code in the rules that decided
        ("length of the trip: more than 3 h",),
    )


def test_rules_that_are_gone_hide_no_case(office: Office) -> None:
    case = office.case()
    office.store.writer.call(lambda db: db.execute("DELETE FROM rules") and None)
    assert office.new_desk().open_case(office.asma, case, now=office.now).why["en"] == Explanation("Reason")


def test_a_case_shows_other_applications_of_the_same_number_side_by_side(office: Office) -> None:
    issued = office.case("approve", person=PERSON)
    twin, other = office.case(person=PERSON), office.case(person=OTHER)
    long = office.case(person=OTHER + PERSON)  # its trip reaches into the week of the others
    case = office.case(person=PERSON)
    shown = office.desk.open_case(office.asma, case, now=office.now).same_person
    assert [(kept.reference, kept.state) for kept in shown] == [
        (long, State.REFERRED),
        (twin, State.REFERRED),
        (issued, State.APPROVED),
    ]
    assert office.desk.open_case(office.asma, office.case(), now=office.now).same_person == ()
    seen = office.desk.open_case(office.asma, other, now=office.now).same_person
    assert [kept.reference for kept in seen] == [long]


def test_a_look_for_the_same_person_reads_an_index(office: Office) -> None:
    plan = office.store._reader.execute(
        f"EXPLAIN QUERY PLAN SELECT number FROM applications WHERE {SAME_PERSON}", (1, PERSON, None, PERSON, 9)
    ).fetchall()
    assert {"by_id_hash", "by_id_hash_after"} <= {word for row in plan for word in row[3].split()}
    assert not any(row[3].startswith("SCAN") for row in plan)


def test_notes_are_only_added_are_bounded_and_go_with_the_application(office: Office) -> None:
    case = office.case()
    office.desk.add_note(office.asma, case, " called\nthe hospital ", now=office.now)
    office.desk.add_note(office.babul, case, "they confirm", now=office.now + 1)
    shown = office.desk.open_case(office.asma, case, now=office.now).notes
    assert [(note.officer, note.text) for note in shown] == [("Asma", "called the hospital"), ("Babul", "they confirm")]
    for wrong in ("", " ", "x" * 501):
        with refused("note-length"):
            office.desk.add_note(office.asma, case, wrong, now=office.now)
    for _ in range(NOTES_MAX - 2):
        office.desk.add_note(office.asma, case, "x", now=office.now)
    with refused("too-many-notes"):
        office.desk.add_note(office.asma, case, "x", now=office.now)
    with pytest.raises(Exception, match="only added"):
        office.store.writer.call(lambda db: db.execute("UPDATE notes SET text = 'other'") and None)
    number = office.kept(case).number
    run(office.store.change(case, decision("withdraw", actor="applicant"), office.now))
    assert len(office.store.notes(number)) == NOTES_MAX
    assert office.store.forget(office.now + 86400, 0, 10) == 1
    assert office.store.notes(number) == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("র‍্যাব অফিসে\nফোন করেছি", "র‍্যাব অফিসে ফোন করেছি"),
        ("safe\u202egnp.exe\x00", "safe?gnp.exe?"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_a_note_keeps_the_joiners_of_bangla_and_nothing_else_unseen(office: Office, typed: str, kept: str) -> None:
    assert office.desk.add_note(office.asma, office.case(), typed, now=office.now).text == kept


def test_a_case_is_found_by_reference_and_by_pass_number(office: Office) -> None:
    case = office.case("approve")
    kept = office.kept(case)
    day = kept.not_after // 86400
    number = format_number(day, 7)
    issued = Issued(kept.number, kept.correction, number, "MP1:TEXT", day, 7, bytes(4))
    office.store.record_issued([issued], office.now)
    for typed in (case.lower(), number, number.lower().replace("-", " ")):
        assert office.desk.find_reference(office.asma, typed, now=office.now) == case
    for typed in ("", "x" * 1000, format_number(day, 8)):
        with pytest.raises(UnknownApplication):
            office.desk.find_reference(office.asma, typed, now=office.now)


# Decisions


@pytest.mark.parametrize(
    ("action", "code", "state"),
    [
        ("approve", None, State.APPROVED),
        ("reject", "duplicate", State.REJECTED),
        ("needs-correction", "name-unclear", State.NEEDS_CORRECTION),
    ],
)
def test_a_decision_tells_the_applicant_why_in_both_languages(
    office: Office, action: str, code: str | None, state: State
) -> None:
    case = office.case()
    office.desk.claim(office.asma, case, now=office.now)
    done = office.desk.decide(office.asma, case, action, now=office.now, code=code, note="seen")
    assert (done.state, done.proposal) == (state, None)
    reason = office.kept(case).reason
    assert reason is not None
    assert reason[0] == (code or "approved-by-officer")
    assert all(reason[1][language] for language in ("bn", "en"))
    last = office.records(case)[-1]
    assert (last["action"], last["actor"], last["note"]) == (action, "officer:Asma", "seen")


def test_a_decision_that_is_none_is_refused_and_changes_nothing(office: Office) -> None:
    case = office.case()
    office.desk.claim(office.asma, case, now=office.now)
    for code, arguments in (
        ("unknown-action", ("revoke", None, None)),
        ("unknown-action", ("", None, None)),
        ("unknown-reason", ("reject", "approved-by-officer", None)),
        ("unknown-reason", ("approve", "because", None)),
        ("note-length", ("approve", None, "x" * 501)),
    ):
        with refused(code):
            office.desk.decide(office.asma, case, arguments[0], now=office.now, code=arguments[1], note=arguments[2])
    assert len(office.records(case)) == 1
    office.desk.decide(office.asma, case, "reject", now=office.now)
    with refused("not-waiting"):
        office.desk.decide(office.asma, case, "approve", now=office.now)


def test_a_trip_that_is_over_is_approved_no_longer(office: Office) -> None:
    case = office.case()
    office.wait(4 * HOUR)
    with pytest.raises(NotAllowed, match="over"):
        office.approve(office.asma, case)


# Four eyes


def test_a_chosen_reason_needs_two_officers_and_the_record_names_both(office: Office) -> None:
    office.change(four_eyes_reasons=["medical"])
    case = office.case(reason="medical")
    assert office.desk.open_case(office.asma, case, now=office.now).second_officer == "reason"
    office.desk.claim(office.asma, case, now=office.now)
    done = office.desk.decide(office.asma, case, "approve", now=office.now, note="saw the letter")
    assert (done.state, done.proposal is not None and done.proposal.why) == (State.REFERRED, "reason")
    assert len(office.records(case)) == 1, "nothing is decided yet"
    for who, code in ((office.asma, "proposed"), (office.babul, "proposed")):
        with refused(code):
            office.desk.claim(who, case, now=office.now)
    with refused("own-proposal"):
        office.desk.confirm(office.asma, case, now=office.now)
    ((proposed, _),) = office.desk.proposals(office.babul)
    assert proposed.reference == case
    assert office.desk.confirm(office.babul, case, now=office.now).state == State.APPROVED
    last = office.records(case)[-1]
    assert (last["actor"], last["proposed_by"], last["note"]) == ("officer:Babul", "officer:Asma", "saw the letter")
    with refused("no-proposal"):
        office.desk.confirm(office.chandra, case, now=office.now)


def test_a_chosen_row_needs_two_officers_and_a_rejection_does_not(office: Office) -> None:
    office.change(four_eyes_rows=["row-2"])
    plain, chosen, rejected = office.case(), office.case(row="row-2"), office.case(row="row-2")
    assert office.approve(office.asma, plain) == State.APPROVED
    assert office.approve(office.asma, chosen) == State.REFERRED
    office.desk.claim(office.asma, rejected, now=office.now)
    assert office.desk.decide(office.asma, rejected, "reject", now=office.now).state == State.REJECTED


def test_what_no_rule_has_seen_yet_is_no_way_around_a_chosen_row(office: Office) -> None:
    case = office.case()
    office.change(four_eyes_rows=["row-1"])
    content = replace(office.kept(case).application(), language="en")
    run(office.store.correct(case, b"digest", content, office.now))
    assert office.state(case) == State.RECEIVED
    with refused("second-officer"):
        office.desk.decide_unclaimed(
            office.asma, case, "approve", now=office.now, code=None, note=None, actor="console:root as Asma"
        )


def test_a_refused_proposal_waits_in_the_queue_again_with_the_note(office: Office) -> None:
    office.change(four_eyes_reasons=["groceries"])
    case = office.case()
    office.approve(office.asma, case)
    with refused("note-length"):
        office.desk.refuse(office.babul, case, now=office.now, note="")
    office.desk.refuse(office.babul, case, now=office.now, note="the shop is closed")
    shown = office.desk.claim(office.babul, case, now=office.now)
    assert [note.text for note in shown.notes] == ["the shop is closed"]
    office.desk.decide(office.babul, case, "reject", now=office.now)
    assert [record["action"] for record in office.records(case)] == ["refer", "reject"]


def test_a_proposal_is_refused_with_its_note_or_not_at_all(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.change(four_eyes_reasons=["groceries"])
    case = office.case()
    office.approve(office.asma, case)
    for number in range(NOTES_MAX):  # by whom it may be: nobody keeps a proposal from being refused
        office.desk.add_note(office.asma, case, f"note {number}", now=office.now)
    monkeypatch.setattr("movepass_service.stores.sqlite.desk_rows.add_note", Mock(side_effect=Changed("killed")))
    with refused("changed"):
        office.desk.refuse(office.babul, case, now=office.now, note="no letter")
    monkeypatch.undo()
    assert len(office.desk.proposals(office.babul)) == 1
    office.desk.refuse(office.babul, case, now=office.now, note="no letter")
    assert office.desk.proposals(office.babul) == []
    assert office.store.notes(office.kept(case).number)[-1].text == "no letter"


def test_a_proposal_of_somebody_who_decides_no_longer_is_not_confirmed(office: Office) -> None:
    office.change(four_eyes_reasons=["groceries"])
    case = office.case()
    office.approve(office.asma, case)
    demote(office, "Asma")
    with refused("no-proposal"):
        office.desk.confirm(office.babul, case, now=office.now)
    office.desk.refuse(office.babul, case, now=office.now, note="Asma left")
    office.desk.claim(office.babul, case, now=office.now)


def demote(office: Office, name: str) -> None:
    sql = "UPDATE officers SET role = 'auditor' WHERE name = ?"
    office.store.writer.call(lambda db: db.execute(sql, (name,)) and None)


def test_more_approvals_in_an_hour_than_chosen_need_two_officers(office: Office) -> None:
    office.change(approvals_per_hour=2)
    cases = [office.case(not_before="2026-11-22 14:00") for _ in range(5)]
    assert [office.approve(office.asma, case) for case in cases[:3]] == [
        State.APPROVED,
        State.APPROVED,
        State.REFERRED,
    ]
    assert office.approve(office.babul, cases[3]) == State.APPROVED
    assert office.desk.confirm(office.babul, cases[2], now=office.now).state == State.APPROVED
    office.wait(HOUR + 1)
    assert office.approve(office.asma, cases[4]) == State.APPROVED, "an hour later, and confirming does not count"


def test_what_waits_for_a_second_officer_is_no_approval_yet(office: Office) -> None:
    office.change(approvals_per_hour=1, four_eyes_reasons=["office"])
    assert office.approve(office.asma, office.case(reason="office")) == State.REFERRED
    assert office.approve(office.asma, office.case()) == State.APPROVED


# Who must not decide


def test_an_application_from_an_officers_own_telephone_is_for_others(office: Office) -> None:
    asma = office.has_phone(office.asma)
    named = office.case(phone=PHONE)
    sent = office.case()
    office.accounts.remember("+8801712345678", [(sent, "secret")], now=office.now)
    other = office.case(phone="01812345678")
    for case in (named, sent):
        for act in (
            lambda case=case: office.desk.claim(asma, case, now=office.now),
            lambda case=case: office.desk.decide(asma, case, "approve", now=office.now),
            lambda case=case: office.desk.add_note(asma, case, "I know her", now=office.now),
        ):
            with refused("own"):
                act()
        assert office.desk.open_case(asma, case, now=office.now).conflicts == ("own",)
    lines = office.desk.queue(asma, EVERY, now=office.now).lines
    assert [line.conflict for line in lines] == ["own", "own", ""]
    opened = office.desk.claim_next(asma, EVERY, now=office.now)
    assert opened is not None
    assert opened.case.reference == other
    assert office.approve(office.babul, named) == State.APPROVED


def test_an_application_by_the_office_of_an_officers_telephone_is_for_others(office: Office) -> None:
    office.accounts.appoint("+8801712345678", Helper("assistant", "Mirpur union office", 10))
    office.vouched = {"evidence": "assistant", "on_behalf_of": "Mirpur union office"}
    case = office.case()
    office.vouched = {"evidence": "own-word", "on_behalf_of": "Mirpur union office"}
    claimed = office.case()
    with refused("own"):
        office.desk.claim(office.has_phone(office.asma), case, now=office.now)
    office.desk.claim(office.has_phone(office.asma), claimed, now=office.now)
    office.desk.claim(office.has_phone(office.babul, "+8801812345678"), case, now=office.now)


def test_who_may_not_decide_does_not_confirm_either(office: Office) -> None:
    office.change(four_eyes_reasons=["groceries"])
    case = office.case(phone=PHONE)
    office.approve(office.asma, case)
    babul = office.has_phone(office.babul)
    for act in (
        lambda: office.desk.confirm(babul, case, now=office.now),
        lambda: office.desk.refuse(babul, case, now=office.now, note="no"),
    ):
        with refused("own"):
            act()
    assert office.state(case) == State.REFERRED


def test_an_appeal_is_for_an_officer_who_did_not_decide_before(office: Office) -> None:
    office.change(four_eyes_reasons=["groceries"])
    case = office.case(not_before="2026-11-22 20:00")
    office.desk.claim(office.asma, case, now=office.now)
    office.desk.decide(office.asma, case, "reject", now=office.now)
    run(office.store.change(case, APPEAL, office.now))
    with refused("decided-before"):
        office.desk.claim(office.asma, case, now=office.now)
    (line,) = office.desk.queue(office.asma, EVERY, now=office.now).lines
    assert line.conflict == "decided-before"
    assert office.desk.claim_next(office.asma, EVERY, now=office.now) is None
    assert office.approve(office.babul, case) == State.APPEALED
    with refused("decided-before"):
        office.desk.confirm(office.asma, case, now=office.now)
    assert office.desk.confirm(office.chandra, case, now=office.now).state == State.APPROVED


def test_an_appeal_stays_one_when_a_correction_is_asked_for(office: Office) -> None:
    case = office.case(not_before="2026-11-22 20:00")
    office.desk.claim(office.asma, case, now=office.now)
    office.desk.decide(office.asma, case, "reject", now=office.now)
    run(office.store.change(case, APPEAL, office.now))
    office.desk.claim(office.babul, case, now=office.now)
    office.desk.decide(office.babul, case, "needs-correction", now=office.now)
    office.correct(case)
    with refused("decided-before"):
        office.desk.claim(office.asma, case, now=office.now)
    assert office.desk.bulk_preview(office.asma, EVERY, "reject", now=office.now).excluded == {"decided-before": 1}
    assert office.approve(office.babul, case) == State.APPROVED, "who asked for the correction did not decide before"


def test_whoever_decided_or_proposed_is_among_the_officers_of_a_history() -> None:
    history = [
        {"actor": "rules"},
        {"actor": "officer:Asma", "proposed_by": "officer:Babul"},
        {"actor": "console:root as nobody as Chandra"},
        {"actor": "applicant"},
        {"actor": "service"},
    ]
    assert officers_in(history) == {"Asma", "Babul", "Chandra"}


def test_who_asked_for_a_correction_may_decide_what_comes_back(office: Office) -> None:
    case = office.case()
    office.desk.claim(office.asma, case, now=office.now)
    office.desk.decide(office.asma, case, "needs-correction", now=office.now)
    run(office.store.correct(case, b"digest", replace(office.kept(case).application(), language="en"), office.now))
    office.store.decide_next(1, lambda *_: decision("refer"), office.now)
    assert office.approve(office.asma, case) == State.APPROVED


# Reversal and settings


def test_a_supervisor_reverses_an_approval_and_its_pass_is_revoked(office: Office) -> None:
    case = office.case()
    office.approve(office.asma, case)
    with refused("note-length"):
        office.desk.reverse(office.dipa, case, now=office.now, note="")
    for _ in range(2):
        done = office.desk.reverse(office.dipa, case, now=office.now, note="the letter was forged")
        assert done.state == State.REVOKED
    assert [one.number for one in office.store.to_revoke(9)] == [office.kept(case).number]
    assert [record["action"] for record in office.records(case)] == ["refer", "approve", "revoke"]
    with refused("not-approved"):
        office.desk.reverse(office.dipa, office.case(), now=office.now, note="x")
    own = office.case(phone=PHONE)
    office.approve(office.asma, own)
    with refused("own"):
        office.desk.reverse(office.has_phone(office.dipa), own, now=office.now, note="x")


def test_a_pass_is_reversed_while_its_correction_waits(office: Office) -> None:
    case = office.case()
    office.approve(office.asma, case)
    office.issue(case)
    office.correct(case)
    office.desk.claim(office.babul, case, now=office.now)
    assert office.desk.reverse(office.dipa, case, now=office.now, note="forged").state == State.REVOKED
    assert len(office.store.to_revoke(9)) == 1
    with refused("not-waiting"):
        office.desk.decide(office.babul, case, "approve", now=office.now)


def test_what_has_no_pass_in_force_is_not_reversed(office: Office) -> None:
    case = office.case()
    office.approve(office.asma, case)
    office.issue(case)
    office.correct(case)
    office.desk.claim(office.babul, case, now=office.now)
    office.desk.decide(office.babul, case, "reject", now=office.now)
    office.correct(case)
    assert office.state(case) == State.REFERRED
    with refused("not-approved"):
        office.desk.reverse(office.dipa, case, now=office.now, note="x")


def test_settings_are_changed_from_what_was_seen_and_the_log_says_so(office: Office) -> None:
    found = office.desk.settings()
    wanted = replace(found, undo_s=90, four_eyes_reasons=("medical",))
    office.desk.change_settings(office.dipa, found, wanted, now=office.now)
    assert office.new_desk().settings() == wanted
    with refused("changed"):
        office.desk.change_settings(office.dipa, found, replace(found, undo_s=10), now=office.now)
    office.desk.change_settings(office.dipa, wanted, wanted, now=office.now)
    acts = office.store.administration(100)
    assert [act for act in acts if act["action"] != "add-officer"] == [
        {
            "action": "change-desk-settings",
            "actor": "officer:Dipa",
            "at": office.now,
            "from": {"four_eyes_reasons": [], "undo_s": 60},
            "to": {"four_eyes_reasons": ["medical"], "undo_s": 90},
        }
    ]


@pytest.mark.parametrize(
    "document",
    [
        {"undo_s": 0}, {"undo_s": 1.5}, {"undo_s": True}, {"undo_s": "60"}, {"bulk_limit": 501}, {"lease_s": 5},
        {"second_look_percent": 101}, {"approvals_per_hour": -1}, {"four_eyes_reasons": ["fun"]},
        {"four_eyes_reasons": "medical"}, {"four_eyes_rows": [""]}, {"four_eyes_rows": ["x" * 65]},
        {"four_eyes_rows": [1]}, {"four_eyes_rows": [f"row-{n}" for n in range(101)]}, {"surprise": 1},
    ],
)  # fmt: skip
def test_settings_out_of_their_bounds_are_refused(document: dict[str, object]) -> None:
    with pytest.raises(DeskSettingsError, match="expected"):
        DeskSettings.from_json(document)
