"""The service as a process of its own: whole, or its floor; and what it takes of the machine."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.processes import environment

from movepass_issuer.authority.creation import create_authority

_TICKS = os.sysconf("SC_CLK_TCK")
_FLOOR = """
import sys
from unittest import mock
from movepass_cli.main import main

class Idle:
    def __init__(self, *_, **__): pass
    def start(self): pass
    def stop(self): pass

with mock.patch("movepass_service.run.Worker", Idle), mock.patch("movepass_service.run.PublisherThread", Idle):
    main()
"""
"""The same server, pages and store; nobody decides, issues or publishes."""


@dataclass(frozen=True, slots=True)
class Process:
    """A service that runs.

    Attributes:
        pid: its process.
        origin: its address as browsers see it.
        data: its folder.
        authority: the authority's folder.
    """

    pid: int
    origin: str
    data: Path
    authority: Path

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self.origin.rpartition(":")[2])

    def cpu_seconds(self) -> float:
        """Return how much processor time it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mb(self) -> float:
        """Return the most memory it has used."""
        lines = Path(f"/proc/{self.pid}/status").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


@contextmanager
def running(folder: Path, *, is_floor: bool = False) -> Iterator[Process]:
    """Run `movepass service run` with a TEST authority in a new folder."""
    authority, data = folder / "authority", folder / "data"
    create_authority(authority, name="Dhaka Metropolitan Police", test=True)
    command = [sys.executable, *(["-c", _FLOOR] if is_floor else ["-m", "movepass_cli.main"])]
    arguments = [
        "service",
        "run",
        "--authority",
        authority,
        "--data",
        data,
        "--site-port",
        "0",
        "--desk-port",
        "0",
        "--json",
    ]
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *map(str, arguments)], stdout=subprocess.PIPE, stderr=log, text=True, env=environment()
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the service did not start: see {folder / 'service.log'}")
            yield Process(process.pid, json.loads(line)["site"], data, authority)
        finally:
            process.terminate()
            process.wait(60)
