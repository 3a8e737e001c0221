"""A release: archives whose bytes depend on their files alone, and a wheel that works outside this checkout."""

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from release.archives import rewrite_tar, write_zip
from release.building import ROOT, ReleaseError, Source, run
from release.main_job import play

MOMENT = 1_790_000_000


def packed(path: Path, names: list[str], *, mtime: int, owner: str) -> bytes:
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.uname, member.mode = len(name), mtime, owner, 0o600 + mtime % 8
            archive.addfile(member, io.BytesIO(name.encode()))
    rewrite_tar(path, MOMENT)
    return path.read_bytes()


def test_an_sdist_depends_on_its_files_alone(tmp_path: Path) -> None:
    one = packed(tmp_path / "one.tar.gz", ["m/a", "m/b"], mtime=1, owner="rahima")
    other = packed(tmp_path / "other.tar.gz", ["m/b", "m/a"], mtime=2, owner="karim")
    assert one == other
    assert packed(tmp_path / "third.tar.gz", ["m/a", "m/c"], mtime=1, owner="rahima") != one
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        assert [(m.name, m.mtime, m.mode, m.uname) for m in archive] == [
            ("m/a", MOMENT, 0o644, ""), ("m/b", MOMENT, 0o644, ""),
        ]  # fmt: skip
        content = archive.extractfile("m/b")
        assert content
        assert content.read() == b"m/b"


def test_a_zip_depends_on_its_files_alone(tmp_path: Path) -> None:
    made = []
    for name, mode in (("one", 0o600), ("other", 0o644)):
        folder = tmp_path / name
        (folder / "sub").mkdir(parents=True)
        files = [folder / "b.txt", folder / "sub" / "a.txt"]
        for file in files:
            file.write_text("x")
            file.chmod(mode)
            os.utime(file, (mode, mode))
        write_zip(tmp_path / f"{name}.zip", folder, files if mode == 0o600 else files[::-1], MOMENT)
        made.append((tmp_path / f"{name}.zip").read_bytes())
    assert made[0] == made[1]
    assert zipfile.ZipFile(tmp_path / "one.zip").namelist() == ["b.txt", "sub/a.txt"]


def test_a_program_that_fails_is_named_with_what_it_printed() -> None:
    with pytest.raises(ReleaseError, match=r"(?s)ended with 3:.*no compiler"):
        run(sys.executable, "-c", "import sys; print('no compiler'); sys.exit(3)")


def test_only_the_last_commit_is_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = ("git", "-c", "user.name=R", "-c", "user.email=r@example.org", "-C", str(tmp_path))
    (tmp_path / "kept").write_text("1")
    for arguments in (("init", "-q"), ("add", "kept"), ("commit", "-qm", "first")):
        subprocess.run([*git, *arguments], check=True)
    monkeypatch.setattr("release.building.ROOT", tmp_path)
    (tmp_path / "untracked").write_text("1")
    with tarfile.open(fileobj=io.BytesIO(Source.last_commit().tree)) as tree:
        assert tree.getnames() == ["kept"]
    (tmp_path / "kept").write_text("2")
    with pytest.raises(ReleaseError, match="kept"):
        Source.last_commit()


@pytest.mark.slow
def test_a_wheel_does_the_main_job_in_an_empty_environment(tmp_path: Path) -> None:
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    assert play(wheel) == 10
