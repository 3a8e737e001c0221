"""Mutate modules one after the other, and say how many mutants the tests did not notice.

One line a module goes to standard output and into build/mutants/summary.txt; every survivor that survivors.toml does
not explain follows, and makes the exit code 1.
"""

import argparse
import json
import sys
from collections import Counter

from mutants.changes import mutants_of
from mutants.plan import ROOT, TARGETS, Target, explanations
from mutants.running import HUNG, NOTICED, SURVIVED, prepare, run

_FOLDER = ROOT / "build" / "mutants"
_PATIENCE = 5
"""So many times as long as the tests take on the module as it is, and the seconds below, and a mutant hangs."""
_LEAST_SECONDS = 10.0


def main() -> int:
    """Read the arguments, make and run the mutants, and sum up."""
    names = [target.short for target in TARGETS]
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(names)}; all without it")
    parser.add_argument("--again", action="store_true", help="only those that nobody noticed the last time")
    given = parser.parse_args()
    unknown = sorted(set(given.modules) - set(names))
    if unknown:
        parser.error(f"there is no module {unknown[0]!r} in the plan; there are {', '.join(names)}")
    targets = [target for target in TARGETS if target.short in (given.modules or names)]
    prepare(sorted({test for target in targets for test in target.tests}))
    explained = explanations()
    lines, total = list[str](), Counter[str]()
    for target in targets:
        outcomes = _try(target, again=given.again)
        survivors = [name for name, outcome in outcomes if outcome == SURVIVED]
        known = set(explained.get(target.short, ()))
        unexplained = [name for name in survivors if name not in known]
        count = Counter(outcome for _, outcome in outcomes) + Counter(unexplained=len(unexplained))
        total += count
        lines += [_line(target.short, count), *(f"    {name}" for name in unexplained)]
        print("\n".join(lines[-1 - len(unexplained) :]), flush=True)
    lines.append(_line("total", total))
    print(lines[-1])
    (_FOLDER / "summary.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return int(bool(total["unexplained"]))


def _try(target: Target, *, again: bool) -> list[tuple[str, str]]:
    """Run a module's tests on each of its mutants; gives their names and outcomes, and keeps them."""
    source = (ROOT / target.path).read_text("utf-8")
    results = _FOLDER / f"{target.short}.json"
    mutants = mutants_of(source)
    names = [mutant.name for mutant in mutants]
    before = json.loads(results.read_text("utf-8")) if again and results.exists() else []
    known = [outcome for _, outcome in before] if [name for name, _ in before] == names else [SURVIVED] * len(names)
    as_it_is = run(target, source, 600)
    if as_it_is.outcome != SURVIVED:
        raise RuntimeError(f"{target.short}: its tests fail on the module as it is: see build/mutants/output.txt")
    limit = max(_LEAST_SECONDS, _PATIENCE * as_it_is.seconds)
    outcomes = [
        (mutant.name, run(target, mutant.source, limit).outcome if outcome == SURVIVED else outcome)
        for mutant, outcome in zip(mutants, known, strict=True)
    ]
    results.write_text(json.dumps(outcomes, indent=0), "utf-8")
    return outcomes


def _line(name: str, count: Counter[str]) -> str:
    noticed, survived = count[NOTICED] + count[HUNG], count[SURVIVED]
    score = 100 * noticed / ((noticed + survived) or 1)
    words = f"{noticed:4} noticed ({count[HUNG]} hung), {survived:3} survived, {count['unexplained']:3} unexplained"
    return f"{name:12} {words}  {score:5.1f} %"


if __name__ == "__main__":
    sys.exit(main())
