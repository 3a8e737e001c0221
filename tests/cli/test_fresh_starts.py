"""Each command in a process that Python starts for it, as users do; the other tests here fork theirs."""

import json
from pathlib import Path

import pytest

from .conftest import Ran, make_request, run_movepass


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOVEPASS_TEST_STARTS", "fresh")


def test_every_command_starts_by_itself(tmp_path: Path) -> None:
    authority, device = tmp_path / "authority", tmp_path / "device"
    repository = authority / "repository"
    root = repository / "metadata" / "1.root.json"

    def run(*command: object, code: int = 0, given: str = "") -> Ran:
        ran = run_movepass(*command, given=given, cwd=tmp_path)
        assert ran.code == code, (command, ran)
        return ran

    run("init", "--authority", authority)
    issued = run("issue", "--authority", authority, "--json", "-", given=json.dumps(make_request())).row
    run("enroll", "--store", device, "--root", root, "--source", repository)
    run("sync", "--store", device)
    run("verify", "--store", device, issued["text"])
    run("inspect", issued["text"])
    run("scan", "--store", device, "--json", given=issued["text"] + "\n")
    run("check-number", "--store", device, issued["pass_number"], code=3)
    run("show", "--authority", authority, issued["pass_number"])
    run("revoke", "--authority", authority, issued["pass_number"])
    run("publish", "--authority", authority)
    run("sync", "--store", device)
    run("verify", "--store", device, issued["text"], code=1)
    run("status", "--store", device)
    run("configure", "--store", device)
    run("doctor", "--store", device)
    run("journal", "--store", device)
    run("export-bundle", "--authority", authority, "--to", tmp_path / "stick")
    run("keys", "list", "--authority", authority)
    run(
        "enrolment", "--authority", authority, "--source", "https://example.org/", "--file", tmp_path / "enrolment.json"
    )
    run("service", "--help")
