"""Run the command as its users do: a separate process, real files, exit codes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from support.forked import Forked, can_fork

from movepass_wire.times import iso

HOUR = 3600
ENDS_WITHIN = 120


@dataclass(frozen=True)
class Ran:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its standard output, one JSON object per line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def row(self) -> dict[str, Any]:
        """The single JSON object that it printed."""
        (row,) = self.rows
        return row


Movepass = Callable[..., Ran]


def start_movepass(*arguments: object, **options: Any) -> "subprocess.Popen[Any]":
    """Start `movepass`; fork it where its options allow that."""
    command = [str(argument) for argument in arguments]
    options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if can_fork(options.get("env", os.environ)) and "preexec_fn" not in options:
        return Forked(["movepass", *command], **options)
    return subprocess.Popen([sys.executable, "-m", "movepass_cli.main", *command], **options)


def run_movepass(*arguments: object, given: str | bytes = b"", cwd: Path | None = None, **options: Any) -> Ran:
    """Run `movepass`, and check that there is no traceback."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MOVEPASS_")} | options.pop("env", {})
    started = start_movepass(*arguments, cwd=cwd, env=environment, stdin=subprocess.PIPE, **options)
    with started as process:
        try:
            out, err = process.communicate(given.encode() if isinstance(given, str) else given, ENDS_WITHIN)
        finally:
            process.kill()
    ran = Ran(process.returncode, out.decode(), err.decode())
    assert "Traceback" not in ran.err, ran.err
    assert "a defect in movepass" not in ran.err, ran.err
    return ran


@pytest.fixture
def movepass() -> Movepass:
    """The command."""
    return run_movepass


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def launch() -> Iterator[Start]:
    """Start the command beside the test, and kill whatever still runs at the end."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: object) -> "subprocess.Popen[str]":
        started.append(start_movepass(*arguments, text=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def next_row(process: "subprocess.Popen[str]") -> Any:
    """Wait for the next line, which is JSON."""
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def end(process: "subprocess.Popen[str]", how: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
    """Send a signal, and return exit code, stdout and stderr."""
    process.send_signal(how)
    out, err = process.communicate(timeout=ENDS_WITHIN)
    return process.returncode, out, err


def make_request(request_id: str = "R-1", **changes: Any) -> dict[str, Any]:
    """An approved pass that is in force from an hour ago, for three hours."""
    now = int(time.time())
    return {
        "request_id": request_id,
        "holder": {"name": "Rahima Khatun", "id_type": "nid", "id_last": "4821"},
        "from": {"district": "dhaka", "place": "Mirpur 10"},
        "to": {"district": "gazipur"},
        "reason": "medical",
        "not_before": iso(now - HOUR),
        "not_after": iso(now + 2 * HOUR),
    } | changes


@dataclass(frozen=True)
class Field:
    """An authority with one pass issued, and a device that has synced."""

    folder: Path
    authority: Path
    device: Path
    text: str
    number: str
    png: Path
    card: Path


@pytest.fixture(scope="session")
def field(tmp_path_factory: pytest.TempPathFactory) -> Field:
    """Set up once, by the command itself; tests that change it make their own."""
    return set_up(tmp_path_factory.mktemp("field"))


def set_up(folder: Path) -> Field:
    """Make an authority and a device; the authority and its pictures are copies, since drawing them takes long."""
    template, issued = _issued()
    shutil.copytree(template.name, folder, dirs_exist_ok=True)
    authority, device = folder / "authority", folder / "device"
    root = authority / "repository" / "metadata" / "1.root.json"
    assert run_movepass("enroll", "--store", device, "--root", root, "--source", authority / "repository").code == 0
    assert run_movepass("sync", "--store", device).code == 0
    return Field(folder, authority, device, issued["text"], issued["pass_number"], folder / "p.png", folder / "c.png")


@cache
def _issued() -> "tuple[TemporaryDirectory[str], dict[str, Any]]":
    """Make an authority that has issued one pass; its folder goes with this process."""
    made = TemporaryDirectory(prefix="movepass-field-")
    folder = Path(made.name)
    authority = folder / "authority"
    assert run_movepass("init", "--authority", authority, "--name", "Test of the command").code == 0
    issued = run_movepass(
        "issue", "--authority", authority, "--png", folder / "p.png", "--card", folder / "c.png", "--json", "-",
        given=json.dumps(make_request()),
    )  # fmt: skip
    assert issued.code == 0, issued.err
    return made, issued.row
