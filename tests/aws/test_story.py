"""The whole service from end to end: what `make demo-aws` plays, from the deployment to verdicts at the roadside."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.ministack import available
from support.processes import ROOT, environment


@pytest.mark.slow  # test_service_stack plays a longer story with both templates in every run
@pytest.mark.parametrize("passes", [200])
def test_the_demo_on_aws_ends_as_expected(tmp_path: Path, passes: int) -> None:
    available()
    path = environment()["PYTHONPATH"]
    done = subprocess.run(
        [sys.executable, ROOT / "demo" / "service.py", tmp_path / "demo", str(passes)],
        capture_output=True, text=True, check=False, timeout=300,
        env=environment({"PYTHONPATH": f"{ROOT / 'infra'}:{path}"}),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "21 of 21 as expected" in done.stdout
