"""Random tables and applications, and a naive interpreter that reads the TOML by itself."""

import random
from dataclasses import fields
from datetime import date, timedelta
from typing import Any

from movepass_service.rules import Facts
from movepass_wire.codes import DISTRICTS, REASONS

FIRST = date(2021, 4, 14)
REASON_WORDS = [*REASONS.by_key, "other"]
DISTRICT_WORDS = list(DISTRICTS.by_key)
EVIDENCE_WORDS = ["own-word", "assistant", "employer"]
NUMBERS = {"minutes": (1, 720), "lead_minutes": (0, 4320), "passes_today": (0, 1000), "passes_week": (0, 1000)}
WORDS = {
    "reason": REASON_WORDS,
    "from_district": DISTRICT_WORDS,
    "to_district": DISTRICT_WORDS,
    "evidence": EVIDENCE_WORDS,
}
FLAGS = ["overlaps", "closed", "phone_verified"]


def number_near(chance: random.Random, name: str) -> int:
    """Return a number that limits of random tables are likely to be near."""
    least, most = NUMBERS[name]
    return min(most, max(least, chance.choice([0, 1, 2, 3, 60, 180, 181, 720, chance.randint(least, most)])))


def words_text(chance: random.Random, name: str) -> str:
    chosen = chance.sample(WORDS[name], chance.randint(1, max(1, len(WORDS[name]) // 2)))
    listed = ", ".join(f'"{word}"' for word in chosen)
    return chance.choice([f"[{listed}]", f"{{ except = [{listed}] }}", f'"{chosen[0]}"'])


def number_text(chance: random.Random, name: str) -> str:
    least, most = sorted([number_near(chance, name), number_near(chance, name)])
    bounds = [f"at_least = {least}", f"at_most = {most}"]
    return chance.choice([str(least), *(f"{{ {bound} }}" for bound in bounds), f"{{ {', '.join(bounds)} }}"])


def condition_text(chance: random.Random, name: str) -> str:
    if name in NUMBERS:
        return number_text(chance, name)
    if name in WORDS:
        return words_text(chance, name)
    return chance.choice(["true", "false"])


def random_rules(chance: random.Random) -> str:
    names = [field.name for field in fields(Facts)]
    text = 'version = "1"\nowner = "Desk"\nfrom = 2021-04-01\n[texts.why]\nbn = "কারণ"\nen = "why"\n'
    for number in range(chance.randint(1, 12)):
        tested = chance.sample(names, chance.choice([0, 1, 1, 2, 2, 3, 4]))
        when = ", ".join(f"{name} = {condition_text(chance, name)}" for name in tested)
        text += f'[[row]]\nid = "r{number}"\nwhen = {{ {when} }}\ncode = "why"\n'
        text += f'decision = "{chance.choice(["approve", "reject", "refer"])}"\n'
        if chance.random() < 0.3:
            text += (
                f"from = {FIRST + timedelta(chance.randint(0, 3))}\nuntil = {FIRST + timedelta(chance.randint(3, 6))}\n"
            )
    return text


def random_facts(chance: random.Random) -> Facts:
    values: dict[str, Any] = {name: number_near(chance, name) for name in NUMBERS}
    values |= {name: chance.choice(words) for name, words in WORDS.items()}
    values |= {name: chance.random() < 0.5 for name in FLAGS}
    missing = [name for name in values if chance.random() < 0.05]
    return Facts(**(values | dict.fromkeys(missing)))


def naive_test(condition: Any, value: Any) -> bool:
    """Judge one condition as it stands in the file."""
    if isinstance(condition, dict) and "except" in condition:
        return value not in condition["except"]
    if isinstance(condition, dict):
        return bool(condition.get("at_least", value) <= value <= condition.get("at_most", value))
    if isinstance(condition, list):
        return value in condition
    return bool(condition == value)


def naive_decide(document: dict[str, Any], facts: Facts, day: date) -> tuple[str, str | None, str]:
    """Decide row by row: (action, row, code)."""
    for row in document["row"]:
        if not row.get("from", document["from"]) <= day <= row.get("until", date.max):
            continue
        answers = []
        for name, condition in row["when"].items():
            value = getattr(facts, name)
            answers.append(None if value is None else naive_test(condition, value))
        if False in answers:
            continue
        if None in answers:
            return "refer", row["id"], "missing-input"
        return row["decision"], row["id"], row["code"]
    return "refer", None, "no-rule"
