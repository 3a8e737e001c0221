"""What is said of mutants holds for the code as it is; and a mutant is run in place of its module."""

import json

import pytest
from mutants.plan import ROOT, TARGETS, Target, explanations
from support import processes

SOURCES = {target.short: (ROOT / target.path).read_text("utf-8") for target in TARGETS}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.short)
def test_every_test_of_the_plan_is_there(target: Target) -> None:
    assert [test for test in target.tests if not (ROOT / test.partition("::")[0]).exists()] == []


@pytest.mark.parametrize("module", explanations())
def test_every_survivor_that_is_explained_is_of_a_line_that_is_there(module: str) -> None:
    lines = {line.strip() for line in SOURCES[module].splitlines()}
    for name in explanations()[module]:
        changed = name.partition(": ")[2].removeprefix("swapped with the next: ").partition(" -> ")[0]
        assert changed.removesuffix(" ...") in lines, name


CODE = """
import json
from mutants.plan import ROOT, TARGETS
from mutants.running import prepare, run
(target,) = (target for target in TARGETS if target.short == "verify")
target = target._replace(tests=("tests/wire/test_times.py",))
source = (ROOT / target.path).read_text()
too_late = source.replace("now >= trip.not_after", "now > trip.not_after")
hangs = source.replace("DEFAULT_POLICY = Policy()", "DEFAULT_POLICY = Policy()\\nwhile True: pass")
assert source not in (too_late, hangs)
prepare(target.tests)
print(json.dumps([run(target, text, seconds).outcome for text, seconds in ((source, 60), (too_late, 60), (hangs, 1))]))
"""


def test_a_mutant_is_run_in_place_of_its_module_and_one_that_hangs_is_ended() -> None:
    assert json.loads(processes.run(CODE)) == ["survived", "noticed", "hung"]
