from dataclasses import fields, replace
from typing import Any

import pytest
from support.rule_tables import DAY, ORDINARY, row, table_text

from movepass_service.rules import Facts, RuleSet, default_rules


def test_the_first_row_that_matches_decides() -> None:
    rules = RuleSet.from_toml(
        table_text(
            row("long", "{ minutes = { at_least = 181 } }", "reject", "too-long"),
            row("all"),
            codes=("yes", "too-long"),
        )
    )
    outcome = rules.decide(replace(ORDINARY, minutes=181), at=DAY)
    assert (outcome.action, outcome.row, outcome.code) == ("reject", "long", "too-long")
    assert outcome.texts == {"bn": "too-long বাংলা", "en": "too-long English"}
    assert rules.decide(replace(ORDINARY, minutes=180), at=DAY).row == "all"


def test_a_missing_value_refers_only_where_a_row_needs_it() -> None:
    rules = RuleSet.from_toml(
        table_text(
            row("medical", '{ reason = "medical" }'),
            row("quota", '{ reason = "office", passes_today = { at_least = 3 } }', "reject"),
            row("all"),
        )
    )
    unknown = replace(ORDINARY, passes_today=None)
    assert rules.decide(replace(unknown, reason="medical"), at=DAY).row == "medical"
    assert rules.decide(replace(unknown, reason="groceries"), at=DAY).row == "all"
    outcome = rules.decide(replace(unknown, reason="office"), at=DAY)
    assert (outcome.action, outcome.row, outcome.code) == ("refer", "quota", "missing-input")
    assert outcome.missing == ("passes_today",)
    assert "whole ID number" in outcome.texts["en"]


@pytest.mark.parametrize(("name", "value"), [("minutes", 721), ("lead_minutes", -1), ("reason", "holiday")])
def test_a_value_that_its_column_cannot_have_is_missing(name: str, value: Any) -> None:
    rules = RuleSet.from_toml(table_text(row("a", '{ reason = "office", minutes = 5, lead_minutes = 5 }'), row("all")))
    facts = replace(ORDINARY, **{"reason": "office", "minutes": 5, "lead_minutes": 5, name: value})
    assert rules.decide(facts, at=DAY).missing == (name,)


def test_a_row_holds_from_its_first_day_to_its_last() -> None:
    rules = RuleSet.from_toml(
        table_text(row("eid", decision="reject", more="from = 2021-04-14\nuntil = 2021-04-15"), row("all"))
    )
    assert [rules.decide(ORDINARY, at=DAY + day).row for day in (-1, 0, 1, 2)] == ["all", "eid", "eid", "all"]


def test_an_application_that_no_row_covers_is_referred() -> None:
    rules = RuleSet.from_toml(table_text(row("a", "{ closed = true }"), top="until = 2021-04-14\n"))
    assert rules.decide(ORDINARY, at=DAY).code == "no-rule"
    assert rules.decide(replace(ORDINARY, closed=True), at=DAY + 1).code == "no-rule"


def test_a_closure_covers_a_district_from_its_first_day_to_its_last() -> None:
    top = '[[closure]]\ndistrict = "Cox\'s Bazar"\nfrom = 2021-04-14\nuntil = 2021-04-15\n'
    rules = RuleSet.from_toml(table_text(row("a")) + top)
    coast = ("dhaka", "coxs-bazar")
    assert [rules.is_closed(coast, DAY + day, DAY + day) for day in (-1, 0, 1, 2)] == [False, True, True, False]
    assert rules.is_closed(coast, DAY - 1, DAY)
    assert not rules.is_closed(("dhaka", "gazipur"), DAY, DAY)


@pytest.mark.parametrize(
    ("change", "action", "name"),
    [
        ({}, "approve", "within-limits"),
        ({"minutes": 181}, "reject", "three-hours"),
        ({"passes_today": 2}, "approve", "within-limits"),
        ({"passes_today": 3}, "reject", "three-a-day"),
        ({"overlaps": True}, "reject", "one-direction"),
        ({"closed": True}, "refer", "closed-district"),
        ({"reason": "medical", "passes_today": 9, "overlaps": True}, "approve", "urgent"),
        ({"reason": "burial", "passes_today": None, "overlaps": None}, "approve", "urgent"),
        ({"reason": "medical", "closed": True}, "refer", "urgent-officer"),
        ({"reason": "medical", "minutes": 181}, "refer", "urgent-officer"),
        ({"reason": "media", "minutes": 720, "evidence": "employer"}, "approve", "duty"),
        ({"reason": "media", "minutes": 720}, "refer", "long-duty"),
        ({"reason": "return-home", "minutes": 400}, "refer", "journey"),
        ({"reason": "other"}, "refer", "other-reason"),
        ({"passes_today": None}, "refer", "three-a-day"),
    ],
)
def test_the_default_rules_are_those_of_april_2021(change: dict[str, Any], action: str, name: str) -> None:
    outcome = default_rules().decide(replace(ORDINARY, **change), at=DAY)
    assert (outcome.action, outcome.row) == (action, name)


def test_nothing_known_refers() -> None:
    nothing = Facts(**{field.name: None for field in fields(Facts)})
    assert default_rules().decide(nothing, at=DAY).action == "refer"
