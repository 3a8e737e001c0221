"""A replay counts quotas again and tells every changed outcome; random ones agree with a naive replay."""

import random
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, replace
from datetime import date, timedelta
from typing import Any

import pytest
from support.naive_rules import naive_decide, random_facts, random_rules
from support.rule_tables import DAY, ORDINARY, row, table_text

from movepass_service.rules import Facts, RuleSet, default_rules
from movepass_service.rules.replay import Change, Decided, PastApplication, replay

HOUR = 3600
MORNING = DAY * 86400 + 2 * HOUR
"""08:00 in Dhaka."""
APPROVED = Decided("approve", "within-limits", "within-limits")


def past(number: int, *, start: int = MORNING, person: bytes | None = b"p", **changes: Any) -> PastApplication:
    """Make an application for an hour that came at a second of its own and was approved."""
    own = {name: changes.pop(name) for name in ("decided", "got_pass", "released") if name in changes}
    facts = astuple(replace(ORDINARY, **changes))
    given: dict[str, Any] = {"decided": APPROVED, "got_pass": True, "released": None} | own
    return PastApplication(f"R{number}", MORNING - HOUR + number, start, start + HOUR, person, facts, **given)


def changes_of(rules: RuleSet, applications: Sequence[PastApplication], since: int = 0) -> dict[str, str | None]:
    found: list[Change] = []
    result = replay(rules, applications, since=since, on_change=found.append)
    assert result.changed == len(found)
    return {change.application.reference: change.now.row for change in found}


def test_quotas_are_counted_again_in_order_of_arrival() -> None:
    rules = RuleSet.from_toml(
        default_rules().table.source.replace("passes_today = { at_least = 3 }", "passes_today = { at_least = 2 }")
    )
    applications = [past(n, start=MORNING + n * HOUR) for n in range(4)]
    assert changes_of(default_rules(), applications) == {"R3": "three-a-day"}
    assert changes_of(rules, applications) == {"R2": "three-a-day", "R3": "three-a-day"}


def test_another_person_or_another_day_has_a_quota_of_its_own() -> None:
    rules = RuleSet.from_toml(table_text(row("one", "{ passes_today = { at_least = 1 } }", "reject"), row("all")))
    applications = [
        past(0),
        past(1, person=b"q"),
        past(2, start=MORNING + 86400),
        past(3, start=MORNING + 16 * HOUR, person=b"q"),
    ]
    assert replay(rules, applications).after == {Decided("approve", "all", "yes"): 4}


def test_the_week_runs_from_sunday_to_saturday() -> None:
    rules = RuleSet.from_toml(table_text(row("one", "{ passes_week = { at_least = 1 } }", "reject"), row("all")))
    days = [-3, 3, 4]  # from Wednesday: Sunday, Saturday, Sunday
    applications = [past(n, start=MORNING + day * 86400) for n, day in enumerate(days)]
    assert changes_of(rules, applications)["R1"] == "one"
    assert replay(rules, applications).after[Decided("approve", "all", "yes")] == 2


def test_a_pass_at_the_same_time_is_seen() -> None:
    applications = [past(0), past(1, start=MORNING + HOUR - 1), past(2, start=MORNING + HOUR)]
    assert changes_of(default_rules(), applications) == {"R1": "one-direction"}


def test_a_pass_that_had_begun_counts_for_the_day_after_it_was_withdrawn() -> None:
    one_a_day = RuleSet.from_toml(table_text(row("one", "{ passes_today = { at_least = 1 } }", "reject"), row("all")))
    used = past(0, start=MORNING - 4 * HOUR, released=MORNING - 2 * HOUR)._replace(came=MORNING - 5 * HOUR)
    assert changes_of(one_a_day, [used, past(1)])["R1"] == "one"
    assert "R1" not in changes_of(default_rules(), [used, past(1, start=MORNING - 3 * HOUR)])


def test_a_withdrawn_pass_counts_until_it_was_withdrawn() -> None:
    applications = [past(0, released=MORNING - HOUR + 2), past(1), past(2)]
    assert changes_of(default_rules(), applications) == {"R1": "one-direction"}


def test_what_an_officer_approved_counts() -> None:
    referred = Decided("refer", "other-reason", "other-reason")
    for got_pass, expected in ((True, {"R1": "one-direction"}), (False, {})):
        applications = [past(0, reason="other", decided=referred, got_pass=got_pass), past(1)]
        assert changes_of(default_rules(), applications) == expected


def test_closures_are_those_of_the_version_that_is_tried() -> None:
    closure = '\n[[closure]]\ndistrict = "gazipur"\nfrom = 2021-04-14\nuntil = 2021-04-14\n'
    closed = RuleSet.from_toml(default_rules().table.source + closure)
    midnight = MORNING - 8 * HOUR
    applications = [
        past(0),
        past(1, start=MORNING + 86400),
        past(2, to_district="khulna", start=MORNING + HOUR),
        past(3, start=midnight - HOUR // 2),
        past(4, start=midnight - HOUR, person=b"q"),
        past(5, closed=True, start=MORNING + 2 * 86400, decided=Decided("refer", "closed-district", "closed-district")),
    ]
    assert changes_of(closed, applications) == {"R0": "closed-district", "R3": "closed-district", "R5": "within-limits"}


def test_without_the_id_number_what_was_missing_is_missing_still() -> None:
    unknown = past(0, person=None, passes_today=None, passes_week=None, overlaps=None)
    result = replay(default_rules(), [unknown])
    assert result.after == {Decided("refer", "three-a-day", "missing-input"): 1}


def test_earlier_applications_count_for_quotas_alone() -> None:
    applications = [past(0), past(1), past(2)]
    since = applications[1].came
    assert changes_of(default_rules(), applications, since) == {"R1": "one-direction", "R2": "one-direction"}
    assert replay(default_rules(), applications, since=since).applications == 2


def test_a_row_of_another_name_is_no_change() -> None:
    rules = RuleSet.from_toml(default_rules().table.source.replace('id = "within-limits"', 'id = "rest"'))
    assert changes_of(rules, [past(0)]) == {}


class Naive:
    """Decides and remembers every pass, and looks through all of them each time."""

    def __init__(self, text: str) -> None:
        self.document = tomllib.loads(text)
        self.passes: list[PastApplication] = []

    def decide(self, application: PastApplication) -> Decided:
        start = date(1970, 1, 1)
        travel = start + timedelta(hours=(application.not_before + 6 * HOUR) // HOUR)
        held = [p for p in self.passes if p.person == application.person and p.person is not None]
        held = [p for p in held if p.released is None or p.released > application.came]
        days = [start + timedelta(hours=(p.not_before + 6 * HOUR) // HOUR) for p in held]
        sunday = travel - timedelta(days=travel.isoweekday() % 7)
        values: Any = application.facts
        facts = Facts(*values)
        if application.person is not None:
            facts = replace(
                facts,
                passes_today=days.count(travel),
                passes_week=sum(sunday <= day < sunday + timedelta(days=7) for day in days),
                overlaps=any(
                    max(p.not_before, application.not_before) < min(p.not_after, application.not_after) for p in held
                ),
            )
        came = start + timedelta(hours=(application.came + 6 * HOUR) // HOUR)
        return Decided(*naive_decide(self.document, replace(facts, closed=False), came))


def random_past(chance: random.Random, number: int) -> PastApplication:
    start = MORNING + chance.randint(0, 20) * HOUR * 6
    person = chance.choice([None, b"a", b"b", b"c"])
    released = chance.choice([None, None, MORNING + number + chance.randint(1, 20)])
    length = chance.randint(1, 720) * 60
    facts = astuple(random_facts(chance))
    decided = Decided(chance.choice(["approve", "reject", "refer"]), None, "why")
    return PastApplication(
        f"R{number}", MORNING + number, start, start + length, person, facts, decided, chance.random() < 0.5, released
    )


@pytest.mark.parametrize("seed", range(10))
def test_it_agrees_with_a_naive_replay(seed: int) -> None:
    chance = random.Random(seed)
    text = random_rules(chance)
    applications = [random_past(chance, number) for number in range(200)]
    naive, expected = Naive(text), Counter[tuple[Decided, Decided]]()
    for application in applications:
        now = naive.decide(application)
        expected[application.decided, now] += 1
        if now.action == "approve" or (now.action == "refer" and application.got_pass):
            naive.passes.append(application)
    assert replay(RuleSet.from_toml(text), applications).pairs == expected
