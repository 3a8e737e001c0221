"""Builds the distributions and the phone's app from the last commit."""

import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from .archives import rewrite_tar, write_zip

ROOT = Path(__file__).resolve().parents[2]


class ReleaseError(Exception):
    """The release can't be built; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """The commit that is released.

    Attributes:
        commit: its hash.
        moment: when it was made, Unix seconds: the time in every archive.
        tree: its files, as a tar.
    """

    commit: str
    moment: int
    tree: bytes

    @classmethod
    def last_commit(cls) -> "Source":
        """Read the last commit of this checkout.

        Raises:
            ReleaseError: the checkout has changes that are not in it.
        """
        if changed := _git("status", "--porcelain", "--untracked-files=no").decode().strip():
            raise ReleaseError(f"expected a checkout without changes; commit these first:\n{changed}")
        commit, moment = _git("log", "-1", "--format=%H %ct").decode().split()
        return cls(commit, int(moment), _git("archive", "--format=tar", "HEAD"))


def build(source: Source, work: Path, out: Path) -> list[Path]:
    """Build sdist, wheel and the phone's app from a fresh copy of the source.

    Args:
        source: the commit.
        work: an empty folder to work in.
        out: an empty folder for the results.

    Returns:
        The files built.

    Raises:
        ReleaseError: a build failed.
    """
    with tarfile.open(fileobj=BytesIO(source.tree)) as archive:
        archive.extractall(work, filter="data")
    run(
        sys.executable, "-m", "build", "--no-isolation", "--outdir", out, work,
        environment={"SOURCE_DATE_EPOCH": str(source.moment)},
    )  # fmt: skip
    (sdist,) = out.glob("*.tar.gz")
    rewrite_tar(sdist, source.moment)

    (work / "phone" / "node_modules").symlink_to(ROOT / "phone" / "node_modules")
    app = work / "build" / "phone"
    run("node", "build.js", app, folder=work / "phone")
    version = sdist.name.removesuffix(".tar.gz").partition("-")[2]
    write_zip(out / f"movepass-phone-{version}.zip", app, [file for file in app.rglob("*") if file.is_file()],
              source.moment)  # fmt: skip
    return sorted(out.iterdir())


def run(
    *command: str | Path,
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
    ends: tuple[int, ...] = (0,),
) -> str:
    """Run a program and return its output.

    Args:
        command: the program and its arguments.
        folder: where it runs.
        environment: variables besides ours.
        ends: the exit codes that are expected.

    Raises:
        ReleaseError: it ended with another exit code.
    """
    words = [str(part) for part in command]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PHONE_", "PYTHONPATH"))}
    result = subprocess.run(
        words, cwd=folder, env=kept | (environment or {}), capture_output=True, text=True, check=False
    )
    if result.returncode not in ends:
        raise ReleaseError(f"{' '.join(words)} ended with {result.returncode}:\n{result.stdout}{result.stderr}")
    return result.stdout


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=True).stdout
