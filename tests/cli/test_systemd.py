"""Check that systemd accepts the example's units, and that their commands sync."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.processes import ROOT
from support.screens import movepass, running

from movepass_words import words

from .conftest import Field

UNITS = ROOT / "examples" / "systemd"


def settings(unit: str) -> dict[str, str]:
    """Return the settings of a unit; none of ours is duplicated."""
    lines = (UNITS / unit).read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_what_the_service_runs_syncs_the_device_in_the_officers_home(field: Field, tmp_path: Path) -> None:
    shutil.copytree(field.device, tmp_path / "movepass")
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "bin").symlink_to(Path(sys.executable).parent)
    service = settings("movepass-sync.service")
    given = service["Environment"].replace("%h", str(tmp_path))
    environment = dict(pair.split("=", 1) for pair in given.split())
    done = subprocess.run(
        service["ExecStart"].split(), env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing new" in done.stdout


def test_the_configuration_file_names_options_that_there_are(field: Field) -> None:
    lines = (UNITS / "device.conf").read_text("utf-8").splitlines()
    pairs = dict(line.lstrip("#").split("=", 1) for line in lines if line and not line.startswith("# "))
    assert set(pairs) == {"MOVEPASS_STORE", "HTTPS_PROXY", "MOVEPASS_CA", "MOVEPASS_LANGUAGE"}
    pairs |= {"MOVEPASS_STORE": str(field.device), "MOVEPASS_LANGUAGE": "bn"}
    command = [sys.executable, "-m", "movepass_cli.main", "status"]
    done = subprocess.run(command, env=os.environ | pairs, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert "প্রস্তুত" in done.stdout


def test_what_the_post_runs_fills_a_console_of_its_own_and_begins_again(field: Field) -> None:
    post = settings("movepass-post.service")
    assert (post["Restart"], post["StandardInput"], post["TTYPath"]) == ("always", "tty", "/dev/tty1")
    given = dict(pair.split("=", 1) for pair in post["Environment"].split()) | {"MOVEPASS_STORE": str(field.device)}
    program, *arguments = post["ExecStart"].split()
    assert program == "/opt/movepass/bin/movepass"
    with running(movepass(*arguments), environment=given) as screen:
        screen.until(lambda shown: words("en")("scan.ready") in shown)


if shutil.which("systemd-analyze"):

    def verify(*arguments: object, tmp_path: Path) -> str:
        """Return systemd's complaints about units, except that their programs are not installed here."""
        command = ["systemd-analyze", *map(str, arguments)]
        environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        return "\n".join(line for line in done.stderr.splitlines() if "is not executable" not in line)

    def test_systemd_takes_the_units(tmp_path: Path) -> None:
        assert verify("--user", "verify", *sorted(UNITS.glob("movepass-*")), tmp_path=tmp_path) == ""

    def test_systemd_takes_the_posts_unit(tmp_path: Path) -> None:
        assert verify("verify", UNITS / "movepass-post.service", tmp_path=tmp_path) == ""

    def test_systemd_takes_the_hardened_service(tmp_path: Path) -> None:
        folder = tmp_path / "movepass-sync.service.d"
        folder.mkdir()
        for unit in UNITS.glob("movepass-*"):
            shutil.copy(unit, tmp_path)
        hardening = folder / "hardening.conf"
        shutil.copy(UNITS / "hardening.conf", hardening)
        service = tmp_path / "movepass-sync.service"
        assert verify("verify", service, tmp_path=tmp_path) == ""
        hardening.write_text(hardening.read_text("utf-8").replace("ProtectClock", "ProtectClok"), "utf-8")
        assert "ProtectClok" in verify("verify", service, tmp_path=tmp_path)
