"""Check what --verbose and MOVEPASS_DEBUG show of an error, and what they hide."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from movepass_cli.diagnostics import Diagnostics

from .conftest import run_movepass

WRONG = ("--store", "device", "--fingerprint", "0" * 64, "enrolment.json")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "enrolment.json").write_text('{"source": ')
    return tmp_path


def test_verbose_lists_the_causes_of_an_error(desk: Path) -> None:
    quiet, verbose = (run_movepass(*how, "enroll", *WRONG, cwd=desk) for how in ((), ("--verbose",)))
    assert quiet.code == verbose.code
    assert len(quiet.err.splitlines()) == 1
    error, cause = verbose.err.splitlines()
    assert error == quiet.err.strip()
    assert cause.startswith("movepass: caused by json.decoder.JSONDecodeError: Expecting value")


def test_debug_shows_the_traceback_with_its_causes(desk: Path) -> None:
    command = [sys.executable, "-m", "movepass_cli.main", "--verbose", "enroll", *WRONG]
    ran = subprocess.run(
        command, env={**os.environ, "MOVEPASS_DEBUG": "1"}, cwd=desk, capture_output=True, text=True, check=False
    )
    assert ran.stderr.count("Traceback (most recent call last):") == 2
    assert "json.decoder.JSONDecodeError: Expecting value" in ran.stderr
    assert "caused by" not in ran.stderr
    assert ran.stderr.splitlines()[-1] == run_movepass("enroll", *WRONG, cwd=desk).err.strip()


def test_a_usage_error_has_causes_too(tmp_path: Path) -> None:
    ran = run_movepass("--verbose", "verify", "--store", tmp_path, "--at", "yesterday", "MP1:X")
    assert ran.code == 2
    assert "caused by ValueError" in ran.err


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no way to http://user:secret@proxy.example:3128", "no way to http://…@proxy.example:3128"),
        ("url: /a/b.json?X-Amz-Signature=secret (no answer)", "url: /a/b.json?… (no answer)"),
        ("url: /a?x-id=GetObject&X-Amz-Credential=secret", "url: /a?…"),
        ("\x1b[31mred", "\\x1b[31mred"),
    ],
)
def test_causes_hide_secrets_and_controls(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    error = RuntimeError("failed")
    error.__cause__ = OSError(text)
    Diagnostics(verbose=True).show_causes(error)
    assert capsys.readouterr().err == f"movepass: caused by OSError: {shown}\n"


def test_a_suppressed_cause_stays_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        try:
            raise OSError("secret")
        except OSError:
            raise RuntimeError("failed") from None
    except RuntimeError as error:
        Diagnostics(verbose=True).show_causes(error)
    assert capsys.readouterr().err == ""


def test_causes_that_form_a_circle_end(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    Diagnostics(verbose=True).show_causes(first)
    assert capsys.readouterr().err == "movepass: caused by RuntimeError: second\n"


def test_help_names_both() -> None:
    told = run_movepass("--help").out
    assert "--verbose" in told
    assert "MOVEPASS_DEBUG=1" in told
