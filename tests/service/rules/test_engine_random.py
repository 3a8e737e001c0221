"""The engine agrees with a naive interpreter that reads the TOML by itself, over random tables and applications."""

import random
import tomllib
from collections import Counter
from datetime import timedelta

import pytest
from support.naive_rules import FIRST, naive_decide, random_facts, random_rules
from support.rule_tables import DAY

from movepass_service.rules import RuleSet


def assert_agrees(chance: random.Random, applications: int) -> Counter[str]:
    text = random_rules(chance)
    rules, document = RuleSet.from_toml(text), tomllib.loads(text)
    seen: Counter[str] = Counter()
    for _ in range(applications):
        facts, ahead = random_facts(chance), chance.randint(-1, 7)
        outcome = rules.decide(facts, at=DAY + ahead)
        expected = naive_decide(document, facts, FIRST + timedelta(ahead))
        assert (outcome.action.value, outcome.row, outcome.code) == expected, (text, facts, ahead)
        seen[outcome.code if outcome.code != "why" else outcome.action.value] += 1
    return seen


def test_it_agrees_over_random_applications() -> None:
    chance = random.Random(16)
    seen = sum((assert_agrees(chance, 50) for _ in range(60)), Counter[str]())
    assert min(seen[kind] for kind in ("approve", "reject", "refer", "missing-input", "no-rule")) > 100


@pytest.mark.slow
def test_it_agrees_over_a_hundred_thousand_applications() -> None:
    chance = random.Random(1600)
    assert sum(assert_agrees(chance, 100).total() for _ in range(1000)) == 100_000
