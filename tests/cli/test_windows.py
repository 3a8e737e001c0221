"""Check that every command of a device works on Windows, without Unix modules and calls."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import processes

from movepass_cli.officer.scanning.scanner_check import TEXT

from .conftest import Field, Ran, set_up

ON_WINDOWS = """
import sys
from support import windows
windows.become()
from movepass_cli.main import main
main()
"""


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Field:
    return set_up(tmp_path_factory.mktemp("field"))


def run(*arguments: object, given: str = "", cwd: Path | None = None) -> Ran:
    ran = subprocess.run(
        [sys.executable, "-c", ON_WINDOWS, *map(str, arguments)], input=given, capture_output=True, text=True,
        cwd=cwd, env=processes.environment(), timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in ran.stderr
    assert "a defect in movepass" not in ran.stderr, ran.stderr
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def test_a_device_works_from_its_setting_up_to_its_journal(field: Field, tmp_path: Path) -> None:
    source = field.authority / "repository"
    root = source / "metadata" / "1.root.json"
    store = ("--store", tmp_path / "device")
    assert run("enroll", *store, "--root", root, "--source", source).code == 0
    assert run("sync", *store).code == 0
    again = run("sync", *store, "--json")
    assert (again.code, again.row["changed"]) == (0, False)
    assert run("verify", *store, "--json", field.text).row["verdict"] == "valid"
    scanned = run("scan", *store, "--plain", given=f"{field.text}\nnothing\n")
    assert scanned.code == 0
    assert "(valid)" in scanned.out
    assert run("scan", *store, given=f"{field.text}\n").code == 0
    assert run("status", *store).code == 0
    assert run("journal", *store, "--json").row["scans"] == 4
    assert run("journal", *store, "export").code == 0
    assert run("configure", *store, "--max-age", "12h").code == 0
    assert run("check-number", *store, field.number).code in {0, 3}
    assert run("doctor", *store).code == 0
    assert run("inspect", field.text).code == 0
    assert sorted(path.name for path in (tmp_path / "device").iterdir()) == ["device.sqlite"]


def test_a_courier_works_and_a_stick_is_refused_as_elsewhere(field: Field, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    for _ in range(2):
        made = run("export-bundle", "--from", field.authority / "repository", "--to", stick, "--json")
        assert made.code == 0, made.err
    assert json.loads(made.out)["written"] == 0
    store = ("--store", field.device)
    assert run("sync", *store, "--source", stick).code == 0
    (stick / "metadata" / "9.root.json").symlink_to(tmp_path)
    refused = run("export-bundle", "--from", field.authority / "repository", "--to", stick)
    assert (refused.code, "9.root.json: a link" in refused.err) == (4, True)


def test_what_windows_has_not_is_refused_in_words(field: Field) -> None:
    ran = run("scan", "--store", field.device, "--serial", "COM3")
    assert ran.code == 2
    assert "serial lines can't be read" in ran.err


def test_a_scanner_is_checked(field: Field) -> None:
    good = run("scan", "--store", field.device, "--check-scanner", "--json", given=f"{TEXT}\n")
    assert (good.code, good.row) == (0, {"good": True, "faults": []})
    assert run("scan", "--store", field.device, "--check-scanner", given=f"]Q1{TEXT}\n").code == 4
