"""A run of tests ends by naming what was skipped; in CI it fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.processes import ROOT

TESTS = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_needs_a_server(number):
    pytest.skip("NOT TESTED: the server is missing; on Debian: apt install server")

def test_needs_nothing():
    pass
"""


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_a_run_ends_by_naming_what_was_skipped(tmp_path: Path, ci: str, status: int) -> None:
    (tmp_path / "test_it.py").write_text(TESTS, "utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "test_it.py"),
            f"--basetemp={tmp_path / 'inner'}",  # else it takes this run's folder from everybody else's eyes
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests"), "CI": ci, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    *_, title, reason, _blank, last = done.stdout.splitlines()
    assert "not run" in title
    assert reason == "2 tests: NOT TESTED: the server is missing; on Debian: apt install server"
    assert "1 passed, 2 skipped" in last
    assert done.returncode == status
