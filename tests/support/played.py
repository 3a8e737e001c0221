"""Play the same story on any store: all that applications can become, and what facts must tell of it."""

from dataclasses import replace
from typing import Any

from movepass_service.applications.application import read_application
from movepass_service.decisions.records import Decision, desk_actor
from movepass_service.rules import RuleSet
from movepass_service.statistics.facts import Fact
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Issued, Store
from movepass_wire.codes import REASONS
from support.applications import HOUR, NAME, decision, draft, form, rules, run

NOW = 1795316400  # 2026-11-22T09:00:00+06:00
ASMA, RUMA, NASRIN = "Asma Begum", "Ruma Das", "Nasrin Akter"
PHONE = "01712345678"
RULE_TEXT = rules(
    "limits", ("passes_week = { at_least = 9 }", "reject"), ("overlaps = true", "reject"), ("", "approve")
)
RULES = RuleSet.from_toml(RULE_TEXT)
ALL = 10**9
SUMMARY = ("type", "minute", "outcome", "reason", "decided_by", "quota", "correction", "waited_s", "case_s")

TOLD = (
    # type, minute, outcome, reason, decided_by, quota, correction, waited_s, case_s
    ("applied", 0, None, "groceries", None, None, None, None, None),
    ("applied", 0, None, "medical", None, None, None, None, None),
    ("applied", 0, None, "groceries", None, None, None, None, None),
    ("applied", 0, None, "burial", None, None, None, None, None),
    ("applied", 0, None, "groceries", None, None, None, None, None),
    ("applied", 0, None, "media", None, None, None, None, None),
    # 0 gets a pass and gives it back
    ("decided", 1, "approve", "groceries", "rules", None, 0, 60, None),
    ("issued", 2, None, "groceries", None, None, 0, 120, None),
    ("withdrawn", 10, "withdraw", "groceries", "applicant", None, 0, 600, None),
    ("revoked", 10, "withdraw", "groceries", "applicant", None, 0, None, None),
    # 1 is referred, an officer approves, a second look disagrees, a supervisor reverses
    ("decided", 1, "refer", "medical", "rules", None, 0, 60, None),
    ("decided", 5, "approve", "medical", "officer", None, 0, 300, 240),
    ("issued", 6, None, "medical", None, None, 0, 360, None),
    ("looked", 20, "disagreed", None, "officer", None, None, None, None),
    ("revoked", 25, "revoke", "medical", "officer", None, 0, None, None),
    ("looked", 25, "reversed", None, "officer", None, None, None, None),
    # 2 has passes enough; an officer says so again
    ("decided", 1, "reject", "groceries", "rules", "overlap", 0, 60, None),
    ("appealed", 3, "appeal", "groceries", "applicant", None, 0, 180, None),
    ("decided", 8, "reject", "groceries", "officer", None, 0, 480, 300),
    # 3 waits for an officer until its trip is over, four hours later
    ("decided", 1, "refer", "burial", "rules", None, 0, 60, None),
    ("expired", 1, "expire", "burial", "service", None, 0, 4 * HOUR + 60, 4 * HOUR),
    # 4 gets a pass, corrects it, gets another one in its place, and that one again under another key
    ("decided", 1, "approve", "groceries", "rules", None, 0, 60, None),
    ("issued", 2, None, "groceries", None, None, 0, 120, None),
    ("decided", 30, "approve", "office", "rules", None, 1, 0, None),
    ("issued", 31, None, "office", None, None, 1, 60, None),
    ("revoked", 31, "replaced", "groceries", None, None, 0, None, None),
    ("reissued", 40, None, "office", None, None, 1, 600, None),
    # 5 came, and waits for the rules until they ask for a correction
    ("decided", 50, "needs-correction", "media", "rules", None, 0, 3000, None),
)  # fmt: skip
"""What the facts of the story say, of each fact the columns of SUMMARY."""


def play(store: Store) -> None:
    """Play the story, without what the issuer notes in its end."""
    store.add_rules("limits", RULE_TEXT, NOW)  # type: ignore[attr-defined]
    for number, reason in enumerate(("groceries", "medical", "groceries", "burial", "groceries")):
        put(store, number, reason=reason)
    asked = iter(("approve", "refer", "reject", "refer", "approve"))
    store.decide_next(9, lambda kept, _: by_rules(next(asked), kept), NOW + 60)
    _issue(store, NOW + 120)
    run(store.change(_name(2), decision("appeal", actor="applicant"), NOW + 180))
    approval = decision("approve", actor=desk_actor(ASMA))
    store.decide_case(_name(1), approval, NOW + 300, draw=lambda _: True)
    _issue(store, NOW + 360)
    store.decide_case(_name(2), decision("reject", actor=desk_actor(ASMA), proposed_by=desk_actor(RUMA)), NOW + 480)
    run(store.change(_name(0), decision("withdraw", actor="applicant"), NOW + 600))
    store.record_revoked(store.to_revoke(9), NOW + 605)
    _look(store, NOW + 1200, "disagreed", RUMA)
    store.decide_case(_name(1), decision("revoke", actor=desk_actor(NASRIN)), NOW + 1500)
    _look(store, NOW + 1500, "reversed", NASRIN)
    run(store.correct(_name(4), b"digest", _application("office"), NOW + 1790))
    store.decide_next(9, lambda kept, _: by_rules("approve", kept), NOW + 1800)
    _issue(store, NOW + 1860)
    _reissue(store, NOW + 2400)
    put(store, 5, reason="media")
    store.decide_next(9, lambda kept, _: by_rules("needs-correction", kept), NOW + 3000)
    assert store.expire(decision("expire", actor="service"), NOW + 4 * HOUR + 60, 1) == 1


def note_all(store: Store) -> None:
    """Let the issuer note what was taken away and is not noted yet, ten seconds after the last of it."""
    store.record_revoked(store.to_revoke(9), NOW + 1870)


def secrets_of(store: Store) -> set[str]:
    """Return what tells of a person in the story, in every form in which it may be written."""
    people = {NAME, "Sultana", ASMA, RUMA, NASRIN, PHONE, PHONE[1:], "4856", "Sufia", "Mirpur"}
    for number in range(6):
        kept = store.find(_name(number))
        assert kept is not None
        people |= {kept.reference, kept.reference.replace("-", ""), kept.request_id, f"PASS-{number}"}
        people |= {kept.secret_hash.hex(), str(kept.pass_number or kept.reference)}
    return people


def summary(fact: Fact) -> tuple[Any, ...]:
    """Return the columns that TOLD names."""
    return tuple(getattr(fact, name) for name in SUMMARY)


def put(store: Store, number: int, reason: str) -> None:
    """Send an application."""
    one = draft(_application(reason), client=f"client {number}".encode(), reference=_name(number))
    run(store.submit([one], NOW))


def by_rules(action: str, kept: Kept) -> Decision:
    """Decide as rules do, with the columns that they saw."""
    trip = kept.application().trip
    assert isinstance(trip.reason, int)
    facts = {
        "reason": REASONS.key(trip.reason), "from_district": "dhaka", "to_district": "gazipur",
        "evidence": "own-word", "overlaps": action == "reject",
    }  # fmt: skip
    assert trip.holder_name == NAME
    row = {"reject": "row-1", "approve": "row-2"}.get(action)
    return decision(action, rules_version="limits", row=row, facts=facts)


def _name(number: int) -> str:
    return f"7X3K-0000-{number:04}"


def _application(reason: str) -> Any:
    fields = form(
        NOW, reason=reason, phone=PHONE, holder__id_number=None, holder__id_last="4856", on_behalf_of="Sufia",
        from__place="Mirpur 10",
    )  # fmt: skip
    return replace(read_application(fields, now=NOW), id_hash=b"\xfa\xce" * 8)


def _issued(kept: Kept, **changes: Any) -> Issued:
    index = 10 * int(kept.reference[-4:]) + 10 + kept.correction
    made = Issued(kept.number, kept.correction, f"PASS-{kept.reference[-1]}", "MP1:TEXT", 20_779, index, b"key1")
    return replace(made, **changes)


def _issue(store: Store, now: int) -> None:
    store.record_issued([_issued(kept) for kept in store.approved(9, ALL)], now)


def _reissue(store: Store, now: int) -> None:
    kept = store.find(_name(4))
    assert kept is not None
    before = _issued(kept)
    again = replace(before, index=999, kid=b"key2", replaces=(before.day, before.index))
    store.record_reissued([again], [again], now)


def _look(store: Store, now: int, outcome: str, officer: str) -> None:
    (look,) = store.second_looks(("open", "disagreed"), 9)
    act = {"action": "second-look", "actor": desk_actor(officer), "decision": look.decision, "outcome": outcome}
    store.put_second_look(replace(look, outcome=outcome, looked_by=officer), look.outcome, now, act)
