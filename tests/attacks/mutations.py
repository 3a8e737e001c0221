"""Remove one defence at a time and show which attacks then succeed: `python tests/attacks/mutations.py`.

Each run is a process of its own, in which pytest loads this module as a plugin (`--without NAME`) and runs the tests
that are there for that defence. A test has caught the loss if it fails. If not even its fixtures work any more,
nothing was shown, and that is an error.
"""

import ast
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from attacks.defences import MUTATIONS, Patch  # noqa: E402 - a script must say first where its package is


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --without."""
    parser.addoption("--without", choices=sorted(MUTATIONS), help="a defence to take out")


@pytest.fixture(autouse=True)
def _without(request: pytest.FixtureRequest, monkeypatch: Patch) -> None:
    name = request.config.getoption("--without", default=None)
    if name:
        MUTATIONS[name].disable(monkeypatch)


def attack_tests() -> dict[str, Path]:
    """Find every test of an attack, and the file it is in."""
    own = {"test_table.py", "test_mutations.py"}
    files = [path for path in sorted(HERE.glob("test_*.py")) if path.name not in own]
    return {name: path for path in files for name in _functions(path)}


def open_tests() -> set[str]:
    """Find the tests of what is not defended yet: those marked xfail."""
    trees = [ast.parse(path.read_text("utf-8")) for path in set(attack_tests().values())]
    functions = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {f.name for f in functions if any("xfail" in ast.unparse(mark) for mark in f.decorator_list)}


def run(name: str) -> dict[str, list[str]]:
    """Run a mutation's tests without its defence, and return what failed in each.

    Raises:
        RuntimeError: not even the honest beginning works without it, so that nothing was shown.
    """
    mutation, files = MUTATIONS[name], attack_tests()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-p", "attacks.mutations", "--without", name]
        command += ["-p", "no:cacheprovider", "--junitxml", str(report)]
        command += [f"{files[test]}::{test}" for test in mutation.tests]
        environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
        subprocess.run(command, cwd=HERE.parents[1], env=environment, capture_output=True, check=False)
        cases = list(ET.parse(report).getroot().iter("testcase"))
    failed: dict[str, list[str]] = {test: [] for test in mutation.tests}
    for case in cases:
        for error in case.iter("error"):
            raise RuntimeError(f"{name}: {case.get('name')}: {error.get('message')}")
        for failure in case.iter("failure"):
            failed[str(case.get("name")).split("[")[0]].append(str(failure.get("message")).splitlines()[0])
    return failed


def outcome(failure: str) -> str:
    """Derive from a failure's first line what the attack achieved."""
    kind = failure.split(":", maxsplit=1)[0]
    if kind.endswith("SyncError"):
        return "a sync failed that should not"
    if "keeps what it has" in failure:
        return "another defence refused it, in other words"
    if "assert" in failure or "DID NOT RAISE" in failure:
        return "it went through"
    return f"the device broke ({kind.split('.')[-1]})"


def main() -> int:
    """Remove every defence in turn, print what caught it, and count those that nothing caught."""
    missed = 0
    for name, mutation in MUTATIONS.items():
        print(f"{mutation.what}  ({name})")
        for test, failures in run(name).items():
            missed += not failures
            outcomes = Counter(map(outcome, failures)).items()
            print(f"    {test}: {', '.join(f'{n} x {words}' for words, n in outcomes) or 'NOT CAUGHT'}", flush=True)
    print(f"{len(MUTATIONS)} defences taken out, {missed} tests did not notice")
    return missed


def _functions(path: Path) -> list[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


if __name__ == "__main__":
    sys.exit(bool(main()))
