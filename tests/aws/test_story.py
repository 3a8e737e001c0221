"""The whole service from end to end: what `make demo-aws` plays, from the deployment to verdicts at the roadside."""

import subprocess
import sys
from pathlib import Path

from support.ministack import available
from support.processes import ROOT, environment


def test_the_demo_on_aws_ends_as_expected(tmp_path: Path) -> None:
    available()
    path = environment()["PYTHONPATH"]
    done = subprocess.run(
        [sys.executable, ROOT / "demo" / "service.py", tmp_path / "demo"],
        capture_output=True, text=True, check=False, timeout=300,
        env=environment({"PYTHONPATH": f"{ROOT / 'infra'}:{path}"}),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "27 of 27 as expected" in done.stdout
