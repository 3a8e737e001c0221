"""Does the main job with a wheel that was installed into an empty environment, outside the checkout."""

import json
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from .building import ROOT, ReleaseError, run

_DHAKA = timezone(timedelta(hours=6))


class _Installed:
    """The `movepass` command of a wheel, in a folder of its own."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        self.folder = folder
        self.steps = 0
        run(sys.executable, "-m", "venv", folder / "venv")
        python = folder / "venv" / "bin" / "python"
        run(
            python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--constraint", ROOT / "constraints.txt", f"{wheel.resolve()}[issuer,scan]",
        )  # fmt: skip
        where = run(python, "-c", "import movepass_cli; print(movepass_cli.__file__)", folder=folder).strip()
        if not Path(where).is_relative_to(folder):
            raise ReleaseError(f"expected the command from the wheel, got {where}")

    def movepass(self, *arguments: str) -> dict[str, object]:
        """Run one command that must succeed; returns the first line of its JSON."""
        self.steps += 1
        printed = run(self.folder / "venv" / "bin" / "movepass", *arguments, "--json", folder=self.folder)
        found: dict[str, object] = json.loads(printed.splitlines()[0])
        return found

    def verify(self, given: str, expected: str) -> None:
        """Verify something that must have an expected verdict."""
        self.steps += 1
        command = (self.folder / "venv" / "bin" / "movepass", "verify", "--store", "device", "--json", given)
        printed = run(*command, folder=self.folder, ends=(0, 1))
        verdict = json.loads(printed)["verdict"]
        if verdict != expected:
            raise ReleaseError(f"expected the verdict {expected} of {given[:24]}, got {verdict}")


def play(wheel: Path) -> int:
    """Install a wheel and do the main job with it.

    Args:
        wheel: the wheel.

    Returns:
        How many commands were run.

    Raises:
        ReleaseError: a command failed, or a verdict was not the expected one.
    """
    with tempfile.TemporaryDirectory() as name:
        installed = _Installed(wheel, Path(name))
        (installed.folder / "request.json").write_text(_request(datetime.now(_DHAKA)))
        installed.movepass("init", "--authority", "authority")
        issued = installed.movepass("issue", "--authority", "authority", "request.json", "--png", "qr")
        installed.movepass("publish", "--authority", "authority")
        root = "authority/repository/metadata/1.root.json"
        installed.movepass("enroll", "--store", "device", "--root", root, "--source", "authority/repository")
        installed.movepass("sync", "--store", "device")
        installed.verify(str(issued["png"]), "valid")
        installed.movepass("revoke", "--authority", "authority", str(issued["pass_number"]))
        installed.movepass("publish", "--authority", "authority")
        installed.movepass("sync", "--store", "device")
        installed.verify(str(issued["text"]), "revoked")
        return installed.steps


def _request(now: datetime) -> str:
    """Return the first example of an approved pass, with times that are in force now."""
    example = json.loads((ROOT / "examples" / "approved.jsonl").read_text("utf-8").splitlines()[0])
    begins = now.replace(microsecond=0) - timedelta(minutes=10)
    times = {"not_before": begins.isoformat(), "not_after": (begins + timedelta(hours=3)).isoformat()}
    return json.dumps(example | times)
