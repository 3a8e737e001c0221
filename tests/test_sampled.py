"""A run of tests ends by naming what it took a sample of."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.processes import ROOT

TESTS = """
import pytest
from support.sampling import every_nth_of, some_of

@pytest.mark.parametrize("kills", some_of("kills of a publisher", 20, of=1000))
def test_is_killed(kills):
    print("kills:", kills)

@pytest.mark.parametrize("step", every_nth_of("calls to AWS", 5))
def test_is_killed_at_each_call(step):
    print("step:", step)

def test_samples_nothing():
    pass
"""
CONFIGURATION = "[pytest]\nmarkers =\n    slow\n    sampled\naddopts = --strict-markers\n"


@pytest.mark.parametrize(
    ("options", "samples", "done"),
    [
        (["-m", "not slow"], ["calls to AWS: 1 in 5", "kills of a publisher: 20 of 1,000"], ["step: 5", "kills: 20"]),
        (["-m", "not slow", "-n", "1"], ["calls to AWS: 1 in 5", "kills of a publisher: 20 of 1,000"], []),
        (["-m", "slow"], [], ["step: 1", "kills: 1000"]),
        (["-m", "not slow", "-k", "nothing"], [], []),
    ],
    ids=["a sample", "in another process", "all of it", "something else"],
)
def test_a_run_ends_by_naming_what_it_sampled(
    tmp_path: Path, options: list[str], samples: list[str], done: list[str]
) -> None:
    (tmp_path / "test_it.py").write_text(TESTS, "utf-8")
    (tmp_path / "pytest.ini").write_text(CONFIGURATION, "utf-8")
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "conftest",
            "-p",
            "no:cacheprovider",
            "-s",
            f"--basetemp={tmp_path / 'inner'}",  # else it takes this run's folder from everybody else's eyes
            *options,
            "test_it.py",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests"), "CI": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    _, found, after = ran.stdout.partition("sampled; make slow runs all of it")
    assert bool(found) == bool(samples)
    assert after.splitlines()[1 : len(samples) + 1] == samples
    assert all(line in ran.stdout for line in done)
