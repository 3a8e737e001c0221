"""Check that the threat model names existing tests and every attack test, and marks open attacks as `open`."""

import ast
import re
from pathlib import Path

from attacks.mutations import attack_tests, open_tests

HOUSE = Path(__file__).resolve().parents[2]
TABLE = (HOUSE / "docs" / "threat-model.md").read_text("utf-8")
NAME = re.compile(r"`(test_\w+)`")


def test_every_test_that_the_threat_model_names_exists() -> None:
    paths = [*(HOUSE / "tests").rglob("test_*.py"), *(HOUSE / "tests").rglob("*_contract.py")]
    trees = [ast.parse(path.read_text("utf-8")) for path in paths]
    exist = {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert set(NAME.findall(TABLE)) <= exist


def test_every_attack_test_is_in_the_threat_model() -> None:
    assert set(attack_tests()) <= set(NAME.findall(TABLE))


def test_the_threat_model_says_open_where_and_only_where_a_test_is_marked_so() -> None:
    rows = [line for line in TABLE.splitlines() if line.startswith("|") and "| **open**:" in line]
    assert {name for row in rows for name in NAME.findall(row)} == open_tests()


ELSEWHERE = ("`pytest tests/attacks`", "not shown: ", 'see above, "The phone"')
"""What stands in place of a test's name."""


def test_every_row_names_a_test_or_says_what_shows_it() -> None:
    """But those about the phone that name the phone's tests, which are sentences."""
    phone = TABLE.split("## The phone")[1].split("\n## ")[0]
    rows = [line for line in TABLE.replace(phone, "").splitlines() if line.startswith("| ") and "shown by" not in line]
    assert len(rows) > 100
    assert [row for row in rows if not NAME.search(row) and not any(words in row for words in ELSEWHERE)] == []
