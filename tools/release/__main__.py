"""Writes a release: `python -m release OUT [--sbom FILE]…`, from the last commit of this checkout."""

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from .building import ReleaseError, Source, build, run
from .main_job import play


def main() -> None:
    """Build twice, compare, check, try the wheel, and write the hashes."""
    parser = argparse.ArgumentParser(prog="release", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sbom", type=Path, action="append", default=[], help="a bill of materials to add")
    arguments = parser.parse_args()
    os.umask(0o022)
    try:
        release(arguments.out, arguments.sbom)
    except ReleaseError as e:
        sys.exit(f"release: {e}")


def release(out: Path, sbom: list[Path]) -> None:
    """Write a release to a folder.

    Args:
        out: the folder; what is in it is deleted.
        sbom: bills of materials, copied.

    Raises:
        ReleaseError: a build failed, two builds differ, a check failed, or the wheel does not do the main job.
    """
    source = Source.last_commit()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for folder in ("first", "second", "compared"):
            (scratch / folder).mkdir()
        built = build(source, scratch / "first", out)
        build(source, scratch / "second", scratch / "compared")
        if differing := [file.name for file in built if not _same(file, scratch / "compared" / file.name)]:
            raise ReleaseError(f"two builds of {source.commit[:12]} differ in {', '.join(differing)}")
    distributions = [file for file in built if file.suffix in {".whl", ".gz"}]
    run(sys.executable, "-m", "twine", "check", "--strict", *distributions)
    (wheel,) = out.glob("*.whl")
    steps = play(wheel)
    for file in sbom:
        shutil.copyfile(file, out / f"movepass-sbom-{file.name}")
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(out.iterdir())}
    (out / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in hashes.items()))
    print(f"release: {source.commit[:12]}, built twice to the same bytes; the wheel did the main job in {steps} steps")
    for name, digest in hashes.items():
        print(f"  {digest[:16]}…  {(out / name).stat().st_size:>9,} bytes  {name}")


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


if __name__ == "__main__":
    main()
