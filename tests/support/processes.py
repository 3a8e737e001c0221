"""Start real processes with the packages of this checkout, and kill them where a test says so."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.forked import Forked, starts_fresh

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("wire", "words", "keys", "issuer", "verifier", "phone", "service", "cli", "tools", "tests")
_TIMEOUT_SECONDS = 60


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which this checkout's packages and the support package are found."""
    path = [str(ROOT / folder) for folder in FOLDERS]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), **(extra or {})}


def start(code: str, *arguments: object, temporary: Path | None = None) -> "subprocess.Popen[str]":
    """Start code in a new process; if it is killed, its leftovers are in `temporary`."""
    extra = {"TMPDIR": str(temporary)} if temporary else None
    return _popen(code, *arguments, stdout=subprocess.PIPE, env=environment(extra))


def converse(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """Start code in a new process that reads and answers one line at a time."""
    return _popen(code, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())


def _popen(code: str, *arguments: object, **options: Any) -> "subprocess.Popen[str]":
    """Start code; fork it from a process that has loaded the packages unless Python must start it."""
    command = ["-c", code, *map(str, arguments)]
    if starts_fresh():
        return subprocess.Popen([sys.executable, *command], text=True, **options)
    return Forked(command, text=True, **options)


def run(code: str, *arguments: object, extra: Mapping[str, str] | None = None) -> str:
    """Run code in a new process and return what it prints; an error there is raised here."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(extra), timeout=_TIMEOUT_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def run_forked(code: str, *arguments: object, extra: Mapping[str, str] | None = None) -> str:
    """Run code as `run` does, but in a fork: for code that looks at no start and measures nothing of its process."""
    process = _popen(code, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(extra))
    with process:
        out, err = process.communicate(timeout=_TIMEOUT_SECONDS)
    assert process.returncode == 0, err
    return str(out).strip()


@contextmanager
def writing(code: str, *arguments: object) -> Iterator[None]:
    """Wait until another process has started, and let it run until the end of the block."""
    with converse(code, *arguments) as child:
        assert child.stdout is not None
        assert child.stdout.readline()
        yield
        child.communicate(timeout=_TIMEOUT_SECONDS)
    assert child.returncode == 0


def open_files(folder: Path) -> list[str]:
    """Return the files below a folder that this process holds open."""
    links = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return [link for link in links if link.startswith(str(folder))]


AS_NOBODY = """
import os, shutil, sys, tempfile
from pathlib import Path
from movepass_verifier import Device, StoreError, SyncError

def sync_a_copy(store, source):  # loads all that could not be loaded afterwards
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(store, Path(folder) / "store"))
        copy.chmod(0o755)
        for file in copy.iterdir():
            file.chmod(0o644)
        with Device.open(copy) as device:
            device.sync(source)
            device.verify("")

def become_nobody():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
"""
"""Begin a process's code with this to go on as somebody whom file modes bind; root is not bound by any."""
