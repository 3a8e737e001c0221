"""What every store promises (stores/store.py), as tests. A store's own tests make one and take these over."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.applications import HOUR, NAME, decision, draft, form, run

from movepass_service.applications.application import Application, read_application
from movepass_service.applications.states import State
from movepass_service.decisions.records import Decision
from movepass_service.errors import ConflictingApplication, NotAllowed, StoreError, UnknownApplication
from movepass_service.stores.desk import Changed, Guard, Hold, Note, Proposal, TooManyApprovals
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Counts, Head, Issued, Store, ToRevoke

NOW = 1795316400  # 2026-11-22T09:00:00+06:00, a Sunday
DAY = 86400
REFERENCE = "0000-0000-0000"
PERSON, OTHER_PERSON = b"\xfa\xce" * 8, b"\xca\xfe" * 8
ALL = 10**9
"""A checkpoint that covers every decision."""
KID, OTHER_KID = b"key1", b"key2"
EXPIRE = decision("expire", actor="service")


def application(person: bytes | None = PERSON, **changes: Any) -> Application:
    fields = form(NOW, holder__id_number=None, holder__id_last="4856", **changes)
    return read_application(fields, now=NOW) if person is None else _with(read_application(fields, now=NOW), person)


def _with(read: Application, person: bytes) -> Application:
    return replace(read, id_hash=person)


def name(number: int) -> str:
    return f"0000-0000-{number:04}"


def issued(kept: Kept, **changes: Any) -> Issued:
    """Describe a pass as if the issuer had made it: each content of an application has an index of its own."""
    index = 10 * int(kept.reference[-4:]) + 10 + kept.correction
    return replace(
        Issued(kept.number, kept.correction, f"PASS-{kept.number}", "MP1:TEXT", 20_779, index, KID), **changes
    )


class StoreContract:
    """Promises of a store; `store` is the fixture that makes an empty one."""

    def put(self, store: Store, number: int = 0, person: bytes | None = PERSON, **changes: Any) -> str:
        one = draft(application(person, **changes), client=f"client {number}".encode(), reference=name(number))
        (submitted,) = run(store.submit([one], NOW))
        assert submitted.is_new
        return submitted.reference

    def counts_seen(self, store: Store) -> list[Counts | None]:
        """Approve the next application; return what was counted for it."""
        seen: list[Counts | None] = []

        def decide(_: Kept, counts: Counts | None) -> Decision:
            seen.append(counts)
            return decision("approve")

        store.decide_next(1, decide, NOW)
        return seen

    def decide(self, store: Store, action: str = "approve", now: int = NOW) -> int:
        return store.decide_next(100, lambda *_: decision(action), now)

    def issue(self, store: Store, now: int = NOW) -> list[Kept]:
        waiting = store.approved(100, ALL)
        store.record_issued([issued(k) for k in waiting], now)
        return waiting

    def state(self, store: Store, reference: str) -> State:
        kept = store.find(reference)
        assert kept is not None
        return kept.state

    def test_an_application_is_kept_as_it_came(self, store: Store) -> None:
        sent = application(vehicle__registration="DHAKA 1", phone="01712345678")
        (submitted,) = run(store.submit([draft(sent)], NOW))
        assert (submitted.reference, submitted.state, submitted.is_new) == (REFERENCE, State.RECEIVED, True)
        kept = store.find(REFERENCE)
        assert kept is not None
        assert kept.application() == sent
        assert (kept.state, kept.since, kept.received_at, kept.correction) == (State.RECEIVED, NOW, NOW, 0)
        assert (kept.reason, kept.pass_number, kept.pass_text) == (None, None, None)
        assert store.find("0000-0000-0001") is None

    def test_the_same_again_is_the_same_and_changes_nothing(self, store: Store) -> None:
        first = draft(application())
        run(store.submit([first], NOW))
        (again,) = run(store.submit([replace(first, references=(REFERENCE, "ZZZZ-ZZZZ-ZZZZ"))], NOW + 5))
        assert (again.reference, again.is_new) == (REFERENCE, False)
        kept = store.find(REFERENCE)
        assert kept is not None
        assert kept.received_at == NOW
        assert store.counts_by_state() == {State.RECEIVED: 1}

    def test_the_same_at_once_from_many_is_one(self, store: Store) -> None:
        async def all_at_once() -> list[Any]:
            return await asyncio.gather(*(store.submit([draft(application())], NOW) for _ in range(50)))

        answers = run(all_at_once())
        assert sum(submitted.is_new for (submitted,) in answers) == 1
        assert {submitted.reference for (submitted,) in answers} == {REFERENCE}

    def test_a_client_id_with_other_content_is_refused(self, store: Store) -> None:
        run(store.submit([draft(application())], NOW))
        for other in ([draft(application(reason="office"))], [draft(application()), draft(application(), part=1)]):
            with pytest.raises(ConflictingApplication) as error:
                run(store.submit(other, NOW))
            assert NAME not in str(error.value)
        assert store.counts_by_state() == {State.RECEIVED: 1}

    def test_one_form_is_kept_whole_or_not_at_all(self, store: Store) -> None:
        self.put(store, 0)
        out = draft(application(), client=b"two", reference=name(1))
        back = draft(application(), client=b"two", part=1, reference=name(0))  # which is taken
        with pytest.raises(Exception, match="reference"):
            run(store.submit([out, back], NOW))
        assert store.find(name(1)) is None
        free = replace(back, references=(name(0), name(2)))
        answers = run(store.submit([out, free], NOW))
        assert [(a.reference, a.is_new) for a in answers] == [(name(1), True), (name(2), True)]
        again = run(store.submit([out, free], NOW))
        assert [(a.reference, a.is_new) for a in again] == [(name(1), False), (name(2), False)]

    def test_applications_are_decided_in_the_order_in_which_they_came(self, store: Store) -> None:
        sent = [self.put(store, number) for number in range(7)]
        seen: list[str] = []

        def decide(kept: Kept, _: Counts | None) -> Decision:
            seen.append(kept.reference)
            return decision("approve")

        assert [store.decide_next(3, decide, NOW) for _ in range(4)] == [3, 3, 1, 0]
        assert seen == sent

    def test_each_count_holds_the_passes_approved_before_it(self, store: Store) -> None:
        for number, (person, start) in enumerate(
            [(PERSON, 1), (PERSON, 10), (OTHER_PERSON, 1), (PERSON, 24), (PERSON, 24), (None, 1), (PERSON, 14)]
        ):
            self.put(store, number, person, not_before=f"2026-11-{22 + start // 24} {9 + start % 24:02}:00", hours="2")
        seen: list[Counts | None] = []

        def decide(_: Kept, counts: Counts | None) -> Decision:
            seen.append(counts)
            return decision("reject" if len(seen) == 2 else "approve")

        store.decide_next(100, decide, NOW)
        assert seen == [
            Counts(0, 0, overlaps=False),
            Counts(1, 1, overlaps=False),  # is rejected, and does not count
            Counts(0, 0, overlaps=False),
            Counts(0, 1, overlaps=False),
            Counts(1, 2, overlaps=True),
            None,
            Counts(1, 3, overlaps=False),
        ]

    def test_a_pass_counts_while_its_correction_waits(self, store: Store) -> None:
        self.put(store, 0)
        self.decide(store)
        self.issue(store)
        run(store.correct(name(0), b"digest", application(reason="office"), NOW))
        self.decide(store, "refer")
        self.put(store, 1)
        assert self.counts_seen(store) == [Counts(1, 1, overlaps=True)]

    def test_withdrawn_passes_do_not_count(self, store: Store) -> None:
        self.put(store, 0)
        self.decide(store)
        run(store.change(name(0), decision("withdraw", actor="applicant"), NOW))
        self.put(store, 1)
        assert self.counts_seen(store) == [Counts(0, 0, overlaps=False)]

    @pytest.mark.parametrize(
        ("action", "state"),
        [
            ("approve", State.APPROVED), ("reject", State.REJECTED), ("refer", State.REFERRED),
            ("expire", State.EXPIRED), ("needs-correction", State.NEEDS_CORRECTION),
        ],
    )  # fmt: skip
    def test_a_decision_leads_to_its_state_with_its_reason(self, store: Store, action: str, state: State) -> None:
        self.put(store)
        self.decide(store, action, NOW + 3)
        kept = store.find(REFERENCE)
        assert kept is not None
        assert (kept.state, kept.since, kept.reason) == (state, NOW + 3, ("code", {"bn": "কারণ", "en": "Reason"}))

    def test_every_decision_leaves_a_record_that_its_hash_proves(self, store: Store) -> None:
        self.put(store)
        store.decide_next(1, lambda *_: decision("refer", facts={"minutes": 180}, row="r1", rules_version="v1"), NOW)
        store.decide_case(REFERENCE, decision("approve", actor="console:me as Nasrin", note="seen"), NOW + 9)
        self.issue(store, NOW + 10)
        run(store.change(REFERENCE, decision("withdraw", actor="applicant"), NOW + 20))
        records = self.records(store, REFERENCE)
        assert [json.loads(text)["action"] for _, text, _ in records] == ["refer", "approve", "withdraw"]
        for salt, text, digest in records:
            assert hashlib.sha256(salt + text.encode()).digest() == digest
        first, second, _ = (json.loads(text) for _, text, _ in records)
        assert (first["actor"], first["row"], first["rules"], first["facts"]) == ("rules", "r1", "v1", {"minutes": 180})
        assert (second["actor"], second["note"], second["at"]) == ("console:me as Nasrin", "seen", NOW + 9)
        assert first["reference"] == REFERENCE
        assert len({salt for salt, _, _ in records}) == 3

    def test_issued_once_is_issued(self, store: Store) -> None:
        self.put(store)
        self.decide(store)
        (waiting,) = self.issue(store, NOW + 2)
        assert waiting.request_id == f"{REFERENCE}.0"
        kept = store.find(REFERENCE)
        assert kept is not None
        assert (kept.state, kept.pass_number, kept.pass_text) == (State.ISSUED, f"PASS-{kept.number}", "MP1:TEXT")
        assert store.approved(10, ALL) == []
        assert store.to_revoke(10) == []

    def test_withdrawn_while_it_is_issued_it_stays_withdrawn_and_its_pass_is_revoked(self, store: Store) -> None:
        self.put(store)
        self.decide(store)
        (waiting,) = store.approved(10, ALL)
        run(store.change(REFERENCE, decision("withdraw", actor="applicant"), NOW))
        assert store.to_revoke(10) == [ToRevoke(waiting.number, 0, f"{REFERENCE}.0", None)]
        store.record_issued([issued(waiting)], NOW)
        assert self.state(store, REFERENCE) == State.WITHDRAWN
        (again,) = store.to_revoke(10)
        assert again.pass_number == f"PASS-{waiting.number}"
        store.record_revoked([again], NOW)
        assert store.to_revoke(10) == []

    def test_withdrawing_twice_is_withdrawing_once(self, store: Store) -> None:
        self.put(store)
        for _ in range(2):
            assert run(store.change(REFERENCE, decision("withdraw", actor="applicant"), NOW)) == State.WITHDRAWN
        assert len(self.records(store, REFERENCE)) == 1

    def test_a_correction_is_decided_again_and_its_pass_replaces_the_old_one(self, store: Store) -> None:
        self.put(store)
        self.decide(store)
        self.issue(store)
        corrected = application(reason="office")
        done = run(store.correct(REFERENCE, b"digest", corrected, NOW + 60))
        assert (done.state, done.is_new) == (State.RECEIVED, True)
        assert not run(store.correct(REFERENCE, b"digest", corrected, NOW + 61)).is_new
        assert store.to_revoke(10) == [], "the old pass holds until there is a new one"
        self.decide(store, "approve", NOW + 70)
        (waiting,) = self.issue(store, NOW + 71)
        assert (waiting.request_id, waiting.application()) == (f"{REFERENCE}.1", corrected)
        assert [(one.correction, one.pass_number) for one in store.to_revoke(10)] == [(0, f"PASS-{waiting.number}")]

    def test_a_correction_without_a_change_changes_nothing(self, store: Store) -> None:
        self.put(store)
        self.decide(store)
        self.issue(store)
        done = run(store.correct(REFERENCE, b"digest", application(), NOW))
        assert (done.state, done.is_new) == (State.ISSUED, False)

    def test_rejected_answers_sent_again_unchanged_are_decided_again(self, store: Store) -> None:
        self.put(store)
        self.decide(store, "reject")
        assert run(store.correct(REFERENCE, b"digest", application(), NOW)).state == State.RECEIVED
        self.decide(store)
        assert len(self.issue(store)) == 1

    def test_a_correction_that_is_rejected_ends_the_old_pass(self, store: Store) -> None:
        self.put(store)
        self.decide(store)
        self.issue(store)
        run(store.correct(REFERENCE, b"digest", application(reason="office"), NOW))
        self.decide(store, "reject")
        assert [one.correction for one in store.to_revoke(10)] == [0]

    def test_an_officers_rejection_of_an_issued_one_revokes_it(self, store: Store) -> None:
        self.put(store)
        self.decide(store)
        self.issue(store)
        assert store.decide_case(REFERENCE, decision("reject", actor="console:me"), NOW) == State.REVOKED
        assert len(store.to_revoke(10)) == 1
        kept = store.find(REFERENCE)
        assert kept is not None
        assert kept.pass_text is None

    def test_an_appeal_after_a_rejection_can_be_approved(self, store: Store) -> None:
        self.put(store)
        self.decide(store, "reject")
        assert run(store.change(REFERENCE, decision("appeal", actor="applicant"), NOW)) == State.APPEALED
        assert store.decide_case(REFERENCE, decision("approve", actor="console:me"), NOW) == State.APPROVED
        self.issue(store)
        run(store.change(REFERENCE, decision("withdraw", actor="applicant"), NOW))
        assert len(store.to_revoke(10)) == 1

    @pytest.mark.parametrize(
        ("made", "asked"),
        [
            ("withdraw", "appeal"), ("approve", "appeal"), ("reject", "withdraw"), ("expire", "withdraw"),
            ("refer", "appeal"), ("expire", "approve"), ("withdraw", "approve"),
        ],
    )  # fmt: skip
    def test_what_a_state_does_not_allow_changes_nothing(self, store: Store, made: str, asked: str) -> None:
        self.put(store)
        self.decide(store, made)
        before = store.find(REFERENCE)
        with pytest.raises(NotAllowed):
            store.decide_case(REFERENCE, decision(asked), NOW)
        assert store.find(REFERENCE) == before
        assert len(self.records(store, REFERENCE)) == 1

    def test_an_unknown_reference_is_unknown(self, store: Store) -> None:
        for change in (
            lambda: store.decide_case(name(9), decision("approve"), NOW),
            lambda: run(store.change(name(9), decision("withdraw"), NOW)),
            lambda: run(store.correct(name(9), b"", application(), NOW)),
        ):
            with pytest.raises(UnknownApplication):
                change()

    def test_what_waits_expires_once_its_trip_is_over(self, store: Store) -> None:
        for number, action in enumerate(("refer", "needs-correction", "reject", "approve")):
            self.put(store, number)
            self.decide(store, action)
        self.put(store, 4)
        end = NOW + 4 * HOUR
        assert store.expire(EXPIRE, end - 1, 10) == 0
        assert store.expire(EXPIRE, end, 2) == 2
        assert store.expire(EXPIRE, end, 10) == 1
        states = [self.state(store, name(number)) for number in range(5)]
        assert states == [State.EXPIRED, State.EXPIRED, State.REJECTED, State.APPROVED, State.EXPIRED]

    def test_an_approved_one_that_the_issuer_refuses_expires_or_is_referred(self, store: Store) -> None:
        self.put(store)
        self.decide(store)
        (waiting,) = store.approved(1, ALL)
        store.record_refused(waiting, decision("refer", actor="service"), NOW)
        assert self.state(store, REFERENCE) == State.REFERRED
        store.record_refused(waiting, EXPIRE, NOW)
        assert self.state(store, REFERENCE) == State.REFERRED, "it was approved no longer"
        store.decide_case(REFERENCE, decision("approve", actor="console:me"), NOW)
        assert len(self.issue(store)) == 1
        assert self.state(store, REFERENCE) == State.ISSUED

    def test_cases_are_urgent_ones_first_then_in_order(self, store: Store) -> None:
        for number, reason in enumerate(("groceries", "medical", "office", "burial")):
            self.put(store, number, reason=reason)
        assert store.received_before(store_number(store, name(2))) in (2, None)
        self.decide(store, "refer")
        assert [case.reference for case in store.cases(10)] == [name(1), name(3), name(0), name(2)]
        places = store.places()
        assert [places[store_number(store, name(number))] for number in range(4)] == [3, 1, 4, 2]
        assert store.received_before(store_number(store, name(3))) in (0, None)

    def test_only_decisions_of_people_are_counted_as_theirs(self, store: Store) -> None:
        for number in range(3):
            self.put(store, number)
        self.decide(store, "refer")
        store.decide_case(name(0), decision("approve", actor="console:me as A"), NOW + 1)
        store.decide_case(name(1), decision("reject", actor="console:me as A"), NOW + 9)
        assert [store.decided_by_people_since(NOW + s) for s in (0, 1, 2, 10)] == [2, 2, 1, 0]

    def test_keys_of_weeks_are_made_once_and_deleted(self, store: Store) -> None:
        key = store.id_key(2969, 2968)
        assert key is not None
        assert len(key) == 32
        assert store.id_key(2969, 2968) == key != store.id_key(2970, 2968)
        assert store.id_key(2967, 2968) is None
        store.forget(NOW, 2970, 10)
        assert store.id_key(2969, 2970) is None
        assert store.id_key(2969, 2969) != key, "made again, it is another one"

    def test_what_need_not_be_kept_is_forgotten_and_the_records_hash_stays(self, store: Store) -> None:
        for number, action in enumerate(("withdraw", "reject", "refer")):
            self.put(store, number)
            self.decide(store, action)
        assert store.forget(NOW + DAY - 1, 0, 10) == 0
        assert store.forget(NOW + DAY, 0, 10) == 1
        assert store.find(name(0)) is None
        (record,) = self.records_of_forgotten(store)
        assert record[:2] == (None, None)
        assert len(record[2]) == 32
        assert store.forget(NOW + 4 * HOUR + 7 * DAY, 0, 10) == 1
        assert store.find(name(1)) is None
        assert self.state(store, name(2)) == State.REFERRED, "it waits"

    # The log

    def leaves(self, store: Store) -> list[dict[str, Any]]:
        texts = list(store.leaves(0, store.log_size()))
        assert texts == [json.dumps(json.loads(t), sort_keys=True, separators=(",", ":")) for t in texts]
        return [json.loads(text) for text in texts]

    def test_every_decision_and_every_pass_has_one_leaf(self, store: Store) -> None:
        for number in range(3):
            self.put(store, number)
        self.decide(store)
        run(store.change(name(1), decision("withdraw", actor="applicant"), NOW + 1))
        self.issue(store, NOW + 2)
        again = store.find(name(0))
        assert again is not None
        store.record_issued([issued(again)], NOW + 3)
        found = self.leaves(store)
        assert [leaf["kind"] for leaf in found] == ["decision"] * 4 + ["issuance"] * 2
        assert [leaf["at"] for leaf in found] == [NOW] * 3 + [NOW + 1] + [NOW + 2] * 2
        digests = [digest.hex() for n in range(3) for _, _, digest in self.records(store, name(n))]
        assert sorted(leaf["digest"] for leaf in found[:4]) == sorted(digests)
        payload = hashlib.sha256(b"MP1:TEXT").hexdigest()
        assert found[4:] == [
            {"at": NOW + 2, "day": 20_779, "decision": d, "index": 10 * (d + 1), "kind": "issuance", "payload": payload}
            for d in (0, 2)
        ]
        assert store.issuance_leaves([(20_779, 10), (20_779, 20), (20_779, 30)]) == {(20_779, 10): 4, (20_779, 30): 5}

    def test_records_prove_their_leaves(self, store: Store) -> None:
        self.put(store)
        self.decide(store)
        document = {"action": "officer-added", "actor": "console:root", "name": "Nasrin", "role": "officer"}
        assert store.append_administration(document, NOW + 1) == 1
        kinds = []
        for record, leaf in zip(store.records(ALL), self.leaves(store), strict=True):
            assert hashlib.sha256(record.salt + record.text.encode()).hexdigest() == leaf["digest"]
            kinds.append((record.position, leaf["kind"], json.loads(record.text)["action"]))
        assert kinds == [(0, "decision", "approve"), (1, "administration", "officer-added")]
        assert json.loads(list(store.records(ALL))[1].text) == {**document, "at": NOW + 1}
        assert [record.position for record in store.records(1)] == [0]
        assert [record.position for record in store.records(2, 1)] == [1]

    def test_what_no_checkpoint_covers_is_not_issued(self, store: Store) -> None:
        def approved(covered: int) -> list[str]:
            return [kept.reference for kept in store.approved(10, covered)]

        for number in range(3):
            self.put(store, number)
        store.decide_next(3, lambda kept, _: decision("refer" if kept.reference == name(1) else "approve"), NOW)
        assert approved(0) == []
        assert approved(1) == [name(0)]
        store.decide_case(name(1), decision("approve", actor="console:me as Nasrin"), NOW + 1)
        assert approved(3) == [name(0), name(2)], "its own approval counts, not its referral"
        assert approved(4) == [name(0), name(1), name(2)]

    def test_a_corrections_pass_names_the_one_that_it_replaces(self, store: Store) -> None:
        self.put(store)
        self.decide(store)
        self.issue(store)
        run(store.correct(REFERENCE, b"digest", application(reason="office"), NOW))
        self.decide(store)
        self.issue(store)
        decided, first, again, second = self.leaves(store)
        assert (decided["kind"], again["kind"]) == ("decision", "decision")
        assert "replaces" not in first
        assert (second["decision"], second["replaces"]) == (2, [20_779, first["index"]])

    def test_a_pass_issued_again_under_another_key_is_shown_and_logged_once(self, store: Store) -> None:
        self.put(store)
        self.decide(store)
        (kept,) = self.issue(store)
        (found,) = store.issued_under(KID, after=(NOW, 0, 0), limit=10)
        assert (found.number, found.correction, found.request_id) == (kept.number, 0, kept.request_id)
        assert store.issued_under(KID, after=found.place, limit=10) == []
        assert store.issued_under(OTHER_KID, after=(0, 0, 0), limit=10) == []
        new = issued(kept, pass_number="NEW", pass_text="MP1:NEW", index=77, kid=OTHER_KID, replaces=(20_779, 10))
        for _ in range(2):
            store.record_reissued([new], [new], NOW + 5)
        _, first, second = self.leaves(store)
        assert (second["decision"], second["index"], second["replaces"]) == (0, 77, [20_779, first["index"]])
        shown = store.find(REFERENCE)
        assert shown is not None
        assert (shown.state, shown.pass_number, shown.pass_text) == (State.ISSUED, "NEW", "MP1:NEW")
        assert store.issued_under(KID, after=(0, 0, 0), limit=10) == []
        assert len(store.issued_under(OTHER_KID, after=(0, 0, 0), limit=10)) == 1
        run(store.change(REFERENCE, decision("withdraw", actor="applicant"), NOW))
        (revoke,) = store.to_revoke(10)
        assert revoke.pass_number == f"PASS-{kept.number}", "whose reissues are revoked with it"

    def test_a_pass_that_nobody_saw_has_its_leaf_once_it_is_revoked(self, store: Store) -> None:
        self.put(store)
        self.decide(store)
        (kept,) = store.approved(10, ALL)
        run(store.change(REFERENCE, decision("withdraw", actor="applicant"), NOW))
        (revoke,) = store.to_revoke(10)
        store.record_revoked([revoke], NOW, [issued(kept)])
        assert [(leaf["kind"], leaf.get("decision")) for leaf in self.leaves(store)][-1] == ("issuance", 0)
        assert self.state(store, REFERENCE) == State.WITHDRAWN
        assert store.to_revoke(10) == []

    def test_published_heads_stay_and_others_give_way(self, store: Store) -> None:
        assert (store.newest_head(), store.offer_head()) == (None, None)
        heads = [Head(size, f"note {size}", (bytes([size]) * 32,) * size.bit_count()) for size in (1, 2, 3)]
        store.add_head(heads[0])
        assert store.offer_head() == "note 1"
        for head in heads[1:]:
            store.add_head(head)
        assert store.newest_head() == heads[2]
        assert self.heads(store) == ["note 1", "note 3"]
        with pytest.raises(StoreError, match="never covers less"):
            store.add_head(heads[1])
        assert store.newest_head() == heads[2]

    def test_the_leaves_of_what_is_forgotten_stay(self, store: Store) -> None:
        self.put(store)
        self.decide(store)
        self.issue(store)
        store.append_administration({"action": "officer-added", "actor": "console:root"}, NOW)
        before = self.leaves(store)
        assert store.forget(NOW + 30 * DAY, 0, 10) == 1
        assert self.leaves(store) == before
        assert [record.position for record in store.records(ALL)] == [2]

    heads: Callable[..., list[str]]
    """Return the notes of the heads that are kept; each store has its own way, as for the others below."""
    # The desk's part

    def referred(self, store: Store, number: int = 0, person: bytes | None = PERSON) -> int:
        """Put in an application that waits for an officer; returns its number."""
        self.put(store, number, person)
        store.decide_next(1, lambda *_: decision("refer", row="row-1"), NOW)
        return store_number(store, name(number))

    def test_a_hold_replaces_the_one_that_was_found_and_no_other(self, store: Store) -> None:
        number = self.referred(store)
        assert store.hold(number) is None
        first = store.put_hold(Hold(number, "Asma", NOW + 5), None)
        kept = store.hold(number)
        assert kept == Hold(number, "Asma", NOW + 5, None, first, REFERENCE)
        assert store.holds(9) == [kept]
        for found in (None, "other"):
            with pytest.raises(Changed):
                store.put_hold(Hold(number, "Babul", NOW + 9), found)
            with pytest.raises(Changed):
                store.put_hold(Hold(number), found, delete=True)
        assert store.hold(number) == kept
        proposal = Proposal("approve", "code", "Asma", "officer:Asma", NOW, NOW + 60, "কথা", "batch", "volume")
        second = store.put_hold(Hold(number, proposal=proposal), first)
        assert second != first
        assert store.hold(number) == Hold(number, "", 0, proposal, second, REFERENCE)
        store.put_hold(Hold(number), second, delete=True)
        assert store.hold(number) is None
        assert store.put_hold(Hold(number, "Babul", NOW), None) not in (first, second), "no token comes twice"

    @pytest.mark.parametrize("state", ["approve", "reject", "needs-correction", "expire", "withdraw", None])
    def test_what_waits_for_no_officer_can_not_be_held(self, store: Store, state: str | None) -> None:
        self.put(store)
        if state is not None:
            self.decide(store, state)
        with pytest.raises(Changed):
            store.put_hold(Hold(store_number(store, REFERENCE), "Asma", NOW), None)
        with pytest.raises(Changed):
            store.put_hold(Hold(99, "Asma", NOW), None)

    def test_a_hold_is_about_the_content_that_was_seen(self, store: Store) -> None:
        number = self.referred(store)
        run(store.correct(REFERENCE, b"digest", application(reason="office"), NOW))
        self.decide(store, "refer")
        with pytest.raises(Changed):
            store.put_hold(Hold(number, "Asma", NOW), None)
        store.put_hold(Hold(number, "Asma", NOW, correction=1), None)
        hold = store.hold(number)
        assert hold is not None
        assert hold.correction == 1

    @pytest.mark.parametrize("change", ["decide", "withdraw", "correct", "expire", "forget"])
    def test_whatever_changes_an_application_ends_its_hold(self, store: Store, change: str) -> None:
        number = self.referred(store)
        store.put_hold(Hold(number, "Asma", NOW + 5), None)
        if change == "decide":
            store.decide_case(REFERENCE, decision("reject", actor="console:me as A"), NOW)
        elif change == "correct":
            run(store.correct(REFERENCE, b"digest", application(reason="office"), NOW))
            self.decide(store, "refer")
        elif change == "expire":
            store.expire(EXPIRE, NOW + 4 * HOUR, 9)
        else:
            run(store.change(REFERENCE, decision("withdraw", actor="applicant"), NOW))
        if change == "forget":
            store.forget(NOW + DAY, 0, 9)
        assert store.hold(number) is None
        assert store.holds(9) == []

    def test_a_decision_is_stored_only_over_the_hold_that_was_found(self, store: Store) -> None:
        number = self.referred(store)
        approve = decision("approve", actor="officer:Asma")
        token = store.put_hold(Hold(number, "Asma", NOW + 5), None)
        for found in (None, "other"):
            with pytest.raises(Changed):
                store.decide_case(REFERENCE, approve, NOW, guard=Guard(found))
        assert self.state(store, REFERENCE) == State.REFERRED
        assert store.decide_case(REFERENCE, approve, NOW, guard=Guard(token)) == State.APPROVED
        assert len(self.records(store, REFERENCE)) == 2

    def test_approvals_beyond_what_an_officer_may_are_refused_in_the_same_transaction(self, store: Store) -> None:
        for number in range(4):
            self.referred(store, number)
        approve, bound = decision("approve", actor="officer:Asma"), Guard(None, 1, NOW)
        store.decide_case(name(0), approve, NOW, guard=bound)
        with pytest.raises(TooManyApprovals):
            store.decide_case(name(1), approve, NOW + 1, guard=bound)
        assert self.state(store, name(1)) == State.REFERRED
        store.decide_case(name(1), approve, NOW + 2, guard=replace(bound, since=NOW + 1))
        store.decide_case(name(2), replace(approve, actor="console:me as Asma"), NOW + 3)
        assert [store.approvals_since("Asma", NOW + s) for s in (0, 1, 3, 4)] == [3, 2, 1, 0]
        store.decide_case(name(3), replace(approve, actor="officer:Babul", proposed_by="officer:Asma"), NOW)
        assert store.approvals_since("Babul", 0) == 0, "two made it"
        assert store.approvals_since("Asma", 0) == 3

    def test_second_looks_are_drawn_with_the_approval_and_change_once(self, store: Store) -> None:
        for number in range(3):
            self.referred(store, number)
        seen: list[bytes] = []

        def draw(digest: bytes) -> bool:
            seen.append(digest)
            return len(seen) != 2

        approve = decision("approve", actor="officer:Asma", proposed_by="officer:Babul")
        for number in range(3):
            store.decide_case(name(number), approve, NOW + number, draw=draw)
        assert seen == [self.records(store, name(number))[-1][2] for number in range(3)]
        first, second = store.second_looks(["open"], 9)
        assert (first.reference, first.officer, first.proposer, first.at) == (name(0), "Asma", "Babul", NOW)
        assert second.reference == name(2)
        assert store.second_look(first.decision) == first
        assert store.second_look(first.decision + 1000) is None
        done = replace(first, outcome="disagreed", looked_by="Chandra", looked_at=NOW + 9, note="কেন?")
        store.put_second_look(done, "open", NOW, {"action": "second-look", "actor": "officer:Chandra"})
        with pytest.raises(Changed):
            store.put_second_look(replace(done, outcome="agreed"), "open", NOW)
        assert store.second_looks(["open"], 9) == [second]
        assert store.second_looks(["open", "disagreed"], 1) == [done]
        run(store.change(name(0), decision("withdraw", actor="applicant"), NOW))
        store.forget(NOW + DAY, 0, 9)
        assert store.second_looks(["open", "disagreed"], 9) == [second]

    def test_other_applications_of_the_same_number_are_found_by_either_week(self, store: Store) -> None:
        numbers = [
            self.referred(store, number, person)
            for number, person in enumerate([PERSON, PERSON, OTHER_PERSON, OTHER_PERSON + PERSON, None, None])
        ]

        def others(number: int, limit: int = 9) -> list[str]:
            kept = store.find(name(number))
            assert kept is not None
            return [one.reference for one in store.same_person(kept, limit)]

        assert others(0) == [name(3), name(1)]
        assert others(0, 1) == [name(3)]
        assert others(2) == [name(3)]
        assert others(3) == [name(2), name(1), name(0)]
        assert others(4) == []
        assert len(numbers) == 6

    def test_notes_stay_in_order_up_to_a_limit_and_go_with_the_application(self, store: Store) -> None:
        number = self.referred(store)
        notes = [Note(NOW, "Asma", "এক"), Note(NOW, "Babul", "two")]
        for note in notes:
            store.add_note(number, note, 2)
        with pytest.raises(Changed):
            store.add_note(number, notes[0], 2)
        with pytest.raises(Changed):
            store.add_note(99, notes[0], 2)
        assert store.notes(number) == notes
        run(store.change(REFERENCE, decision("withdraw", actor="applicant"), NOW))
        store.forget(NOW + DAY, 0, 9)
        assert store.notes(number) == []

    def test_the_application_of_a_pass_is_found_by_its_number(self, store: Store) -> None:
        self.put(store)
        self.decide(store)
        (kept,) = self.issue(store)
        first = issued(kept)
        again = issued(kept, index=first.index + 7, replaces=(first.day, first.index))
        store.record_issued([again], NOW + 1)
        for index in (first.index, again.index):
            found = store.find_pass(first.day, index)
            assert found is not None
            assert found.reference == REFERENCE
        assert store.find_pass(first.day + 1, first.index) is None
        assert store.find_pass(first.day, 999) is None

    def test_a_named_value_replaces_the_one_that_was_found(self, store: Store) -> None:
        store.replace_noted("x", None, b"1", NOW)
        for found in (None, b"2"):
            with pytest.raises(Changed):
                store.replace_noted("x", found, b"3", NOW)
        store.replace_noted("x", b"1", b"2", NOW, {"action": "change", "actor": "officer:Dipa"})
        with pytest.raises(Changed):
            store.replace_noted("x", b"1", b"2", NOW)

    def test_the_clock_only_advances(self, store: Store) -> None:
        assert [store.advance_clock(at) for at in (0, NOW, NOW - 5, NOW + 1, 0)] == [0, NOW, NOW, NOW + 1, NOW + 1]

    def test_the_row_of_the_rules_stays_until_the_content_is_replaced(self, store: Store) -> None:
        def row() -> str | None:
            kept = store.find(REFERENCE)
            assert kept is not None
            return kept.row

        self.referred(store)
        assert row() == "row-1"
        store.decide_case(REFERENCE, decision("reject", actor="officer:Asma"), NOW)
        run(store.change(REFERENCE, decision("appeal", actor="applicant"), NOW))
        assert row() == "row-1"
        store.decide_case(REFERENCE, decision("needs-correction", actor="officer:Asma"), NOW)
        run(store.correct(REFERENCE, b"digest", application(reason="office"), NOW))
        assert row() is None

    records: Callable[..., list[tuple[bytes, str, bytes]]]
    """Return salt, record and digest of each decision about an application; each store has its own way."""
    records_of_forgotten: Callable[..., list[tuple[bytes | None, str | None, bytes]]]


def store_number(store: Store, reference: str) -> int:
    kept = store.find(reference)
    assert kept is not None
    return kept.number
