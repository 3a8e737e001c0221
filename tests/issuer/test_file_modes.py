"""Modes of files: a web server reads what is published, nobody the ledger; what root left behind blocks nobody."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest
from support import processes
from support.nginx import nginx_serving
from support.world import World

from movepass_issuer.errors import RepositoryError
from movepass_issuer.storage.folder_repository import FolderRepository
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
from movepass_keys.records.layout import TIMESTAMP

NOBODY = 65534
MOVEPASS = [sys.executable, "-m", "movepass_cli.main"]
KILLED = """
import os, signal, sys
from pathlib import Path
def dying(call):
    def replace(one, other, *rest, **more):
        if "timestamp.json" in str(other):
            os.kill(os.getpid(), signal.SIGKILL)
        return call(one, other, *rest, **more)
    return replace
os.replace, os.rename, Path.replace = dying(os.replace), dying(os.rename), dying(Path.replace)
from movepass_cli.main import main
sys.argv[1:] = ["publish", "--authority", sys.argv[1]]
main()
"""
"""Publishes, and is killed when it is about to put the timestamp in place."""

PRIVATE = {".": "0o700", "keys": "0o700", "keys/online.pem": "0o600", "ledger.sqlite": "0o600"}
AS_NOBODY = """
import os, sys, time
from pathlib import Path
from movepass_issuer.authority.folder import Authority
from movepass_issuer.errors import IssuerError
def publish(folder):
    with Authority.open(Path(folder)).publisher() as publisher:
        publisher.publish(int(time.time()), clock_checked=True)
publish(sys.argv[1])  # as root, so that all is loaded: nobody may not read this checkout
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
try:
    publish(sys.argv[2])
    print("published")
except IssuerError as e:
    print(e)
"""
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can be another user")


def publish_as_nobody(template: World, world: World) -> str:
    """Publish as another user; returns what that user is told."""
    with tempfile.TemporaryDirectory() as folder:
        loaded = template.copy(Path(folder))
        return processes.run(AS_NOBODY, loaded.authority.folder, world.authority.folder)


@pytest.fixture
def open_world(template: World) -> Iterator[World]:
    """A world in a folder that other users can enter."""
    folder = Path(tempfile.mkdtemp(prefix="movepass-modes-"))
    folder.chmod(0o755)
    yield template.copy(folder)
    shutil.rmtree(folder)


def modes(root: Path) -> set[str]:
    """Return the modes of published files and folders."""
    found = [root, *root.rglob("[!.]*")]
    return {("d" if path.is_dir() else "-") + oct(stat.S_IMODE(path.stat().st_mode)) for path in found}


def run(world: World, *arguments: str, umask: int = 0o022) -> "subprocess.CompletedProcess[str]":
    command = [*MOVEPASS, *arguments, "--authority", str(world.authority.folder)]
    return subprocess.run(
        command,
        umask=umask,
        cwd="/",
        env=processes.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("umask", [0o000, 0o027, 0o077])
def test_what_is_published_may_be_read_whatever_the_umask(world: World, umask: int) -> None:
    world.revoke(world.issue("R-1"))
    assert run(world, "publish", umask=umask).returncode == 0
    assert modes(world.repository) == {"d0o755", "-0o644"}


def test_an_authority_that_is_made_under_any_umask_has_a_public_repository_and_a_private_rest(tmp_path: Path) -> None:
    folder = tmp_path / "authority"
    subprocess.run(
        [*MOVEPASS, "init", "--authority", str(folder)], umask=0o077, check=True, env=processes.environment()
    )
    assert modes(folder / "repository") == {"d0o755", "-0o644"}
    assert {name: oct(stat.S_IMODE((folder / name).stat().st_mode)) for name in PRIVATE} == PRIVATE


def test_what_an_earlier_version_hid_is_mended_by_the_next_publication(world: World) -> None:
    for path in world.repository.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    world.publish()
    assert modes(world.repository / "metadata") == {"d0o755", "-0o644"}
    assert modes(world.repository / "targets") == {"d0o755", "-0o644"}


def test_what_lies_elsewhere_is_shown_to_nobody(world: World, tmp_path: Path) -> None:
    """Root may publish into a folder whose owner put links there."""
    secret, folder = tmp_path / "secret", tmp_path / "private"
    secret.write_text("a key")
    folder.mkdir()
    for path in (secret, folder):
        path.chmod(0o700)
    (world.repository / "metadata" / "link.json").symlink_to(secret)
    (world.repository / "metadata" / "hard.json").hardlink_to(secret)
    (world.repository / "elsewhere").symlink_to(folder)
    os.mkfifo(world.repository / "pipe", 0o600)
    world.publish()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (secret, folder)] == [0o700] * 2


@pytest.mark.parametrize("mode", [0o644, 0o664, 0o640, 0o600])
def test_a_ledger_is_read_by_nobody_who_was_not_let_in(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "ledger.sqlite"
    before = os.umask(0)
    try:
        SqliteLedger(path, create=True).close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(mode)
        with closing(SqliteLedger(path)) as ledger:
            ledger.skip([1], 1)
            found = [stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()]
    finally:
        os.umask(before)
    assert found == [mode & ~0o007] * 3  # the write-ahead log and its index as well


@only_root
def test_a_web_server_of_another_user_serves_what_root_published_under_a_strict_umask(open_world: World) -> None:
    world = open_world
    world.authority.folder.chmod(0o755)  # as whoever serves from within it must let the server in
    assert run(world, "publish", umask=0o077).returncode == 0
    with nginx_serving(world.repository, world.store.parent / "nginx", user=NOBODY) as server:
        for path in world.repository.rglob("[!.]*"):
            if path.is_file():
                with urlopen(f"{server.url}/{path.relative_to(world.repository)}") as answer:
                    assert (answer.status, answer.read()) == (200, path.read_bytes())
        world.sync(server.url)


@only_root
def test_a_publisher_that_root_left_behind_killed_blocks_no_other_user(template: World, open_world: World) -> None:
    world = open_world
    world.revoke(world.issue("R-1"))
    for path in (world.authority.folder, *world.authority.folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    script = [sys.executable, "-c", KILLED, str(world.authority.folder)]
    for _ in range(2):
        done = subprocess.run(script, umask=0o077, cwd="/", env=processes.environment(), check=False, timeout=120)
        assert done.returncode == -signal.SIGKILL
    (world.repository / "metadata" / ".timestamp.json.new").write_bytes(b"of an earlier version, killed")
    (world.repository / ".publisher.lock").chmod(0o600)
    os.chown(world.repository / ".publisher.lock", 0, 0)
    before = (world.repository / TIMESTAMP).read_bytes()
    assert publish_as_nobody(template, world) == "published"
    assert (world.repository / TIMESTAMP).read_bytes() != before
    assert run(world, "publish", umask=0o077).returncode == 0  # and by turns
    assert publish_as_nobody(template, world) == "published"


@only_root
@pytest.mark.parametrize("shut", ["metadata", "targets/status", "."])
def test_who_may_not_publish_is_told_where_and_what_to_do(template: World, open_world: World, shut: str) -> None:
    world = open_world
    world.revoke(world.issue("R-1"))
    for path in (world.authority.folder, *world.authority.folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    (world.repository / ".publisher.lock").unlink(missing_ok=True)
    os.chown(world.repository / shut, 0, 0)
    told = publish_as_nobody(template, world)
    assert str((world.repository / shut).resolve()) in told
    assert "Permission denied; publish as the user who owns" in told
    assert f"chown -R nobody {world.repository}" in told


def test_an_error_of_a_repository_names_it_and_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    repository = FolderRepository.create(tmp_path / "repository")
    monkeypatch.setattr(os, "listdir", refuse)
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(RepositoryError, match="/repository: Permission denied; publish as the user who owns"):
        repository.files("metadata")
