"""Runs tests in a process of its own in which one module is another: forked, so that libraries need no loading."""

import importlib
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import hypothesis
import pytest

from mutants.plan import ROOT, TOO_SLOW, Target

_MEMORY_BYTES = 4 << 30
_LOG = ROOT / "build" / "mutants" / "output.txt"
_SCRATCH = tempfile.TemporaryDirectory(prefix="movepass-mutants-")  # goes when this process ends: forks end otherwise
SURVIVED, NOTICED, HUNG = "survived", "noticed", "hung"


class Run(NamedTuple):
    """The tests' verdict on a mutant, and how many seconds it took."""

    outcome: str
    seconds: float


class _Instead(MetaPathFinder, InspectLoader):
    """Imports a source text under a module's name, as if it stood in the module's file."""

    def __init__(self, module: str, path: Path, source: str) -> None:
        self._module, self._path, self._source = module, path, source

    def find_spec(self, name: str, _path: object = None, _target: ModuleType | None = None) -> ModuleSpec | None:
        return spec_from_file_location(name, self._path, loader=self) if name == self._module else None

    def get_source(self, _name: str) -> str:
        return self._source

    def get_filename(self, _name: str) -> str:
        return str(self._path)


def prepare(tests: Sequence[str]) -> None:
    """Load the libraries that tests use, and see to it that properties are tried alike each time.

    Raises:
        RuntimeError: the tests fail as the code is.
    """
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile(
        "mutants", max_examples=30, derandomize=True, database=None, deadline=None, phases=phases
    )
    hypothesis.settings.load_profile("mutants")
    names = ROOT / "build" / "mutants" / "libraries.txt"
    names.parent.mkdir(parents=True, exist_ok=True)

    def note() -> int:
        code = _pytest([*tests, "--collect-only"])
        files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
        others = [name for name, file in files.items() if "site-packages" in file]
        names.write_text("\n".join(others), "utf-8")
        return code

    if _forked(note, 300).outcome != SURVIVED:
        raise RuntimeError(f"the tests can't be collected: see {_LOG}")
    for name in names.read_text("utf-8").splitlines():
        with suppress(Exception):
            importlib.import_module(name)
    loaded = [name for name in sys.modules if name.startswith("movepass_")]
    if loaded:
        raise RuntimeError(f"{loaded[0]} is loaded, so no mutant of it would be")


def run(target: Target, source: str, seconds: float) -> Run:
    """Run a target's tests with a source text in its place, for so long at most."""

    def tests() -> int:
        sys.meta_path.insert(0, _Instead(target.module, ROOT / target.path, source))
        return _vectors(target.vectors) or _pytest(target.tests)

    return _forked(tests, seconds)


def _vectors(kinds: Sequence[str]) -> int:
    """Run vectors without pytest, which takes ten times as long as they do."""
    if not kinds:
        return 0
    sys.path[:0] = [str(ROOT / "tests")]
    from run_vectors import disagreement, load  # noqa: PLC0415 - imports the packages, one of which is mutated
    from vectors_adapter import answer  # noqa: PLC0415

    return int(any(disagreement(case, answer(case.request)) for case in load() if case.request["kind"] in kinds))


def _pytest(arguments: Sequence[str]) -> int:
    options = ["-x", "-m", "not slow", "--tb=short", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    options += [part for test in TOO_SLOW for part in ("--deselect", test)]
    return int(pytest.main([*options, "--basetemp", _SCRATCH.name, *arguments]))


def _forked(task: Callable[[], int], seconds: float) -> Run:
    began = time.monotonic()
    child = os.fork()
    if not child:
        code = 1
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)  # what it does by itself: ends the process
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
            log = os.open(_LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            code = task()
        except BaseException:  # noqa: BLE001 - whatever it is, the mutant was noticed, and the process must end here
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    took = time.monotonic() - began
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        return Run(HUNG, took)
    return Run(NOTICED if status else SURVIVED, took)
