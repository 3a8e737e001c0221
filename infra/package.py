"""Builds a package of functions: one zip of our code and what it stands on, the same bytes from the same versions.

python infra/package.py OUT.zip [--of issuer|service|statistics] [--arch arm64|x86_64] [--python 3.13] [--add FILE]…

Wheels for the target are downloaded by pip and compared with hashes/*.txt; nothing is compiled here. Left out is what a
function never reads: the services that botocore knows and we don't call, type stubs, and for the issuer's functions the
fonts of cards. The service's functions have a package of their own, so that the issuer's stays small, and so has what
compacts facts with DuckDB, so that pages begin no later.
"""

import argparse
import contextlib
import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "build" / "lambda" / ".site"


@dataclass(frozen=True)
class Contents:
    """Contents of a package.

    Attributes:
        hashes: of what our code stands on.
        ours: folders of our code.
        handlers: modules of the functions.
        services: those of AWS that they call.
        draws: whether cards are drawn, so that fonts are needed.
        needs: modules that a handler imports only when it works.
    """

    hashes: Path
    ours: tuple[str, ...]
    handlers: tuple[str, ...]
    services: frozenset[str]
    draws: bool = False
    needs: tuple[str, ...] = ()


_ISSUER = ("wire/movepass_wire", "keys/movepass_keys", "issuer/movepass_issuer")
CONTENTS = {
    "issuer": Contents(
        ROOT / "hashes" / "functions.txt", _ISSUER,
        tuple(f"movepass_issuer.aws.{name}" for name in ("issue", "revoke", "publish")),
        frozenset({"dynamodb", "kms", "s3", "sqs", "sts"}),
    ),
    "service": Contents(
        ROOT / "hashes" / "service.txt", (*_ISSUER, "words/movepass_words", "service/movepass_service"),
        tuple(
            f"movepass_service.aws.{name}"
            for name in ("site", "desk", "decide", "sequence", "answers", "tidy", "facts")
        ),
        frozenset({"dynamodb", "kms", "lambda", "s3", "secretsmanager", "sns", "sqs", "sts"}), draws=True,
    ),
    "statistics": Contents(
        ROOT / "hashes" / "statistics.txt", (*_ISSUER, "service/movepass_service"),
        ("movepass_service.aws.compact",), frozenset({"s3", "sts"}), needs=("duckdb",),
    ),
}  # fmt: skip
ISSUER = CONTENTS["issuer"]
PLATFORMS = {"arm64": "aarch64", "x86_64": "x86_64"}
GLIBC = ((2, 34), (2, 28), (2, 17))
"""Of Lambda's Python 3.12 and later (Amazon Linux 2023), and what wheels are built for."""
LIMIT_BYTES = 50 << 20
"""What Lambda takes in a direct upload; from S3 it takes 250 MiB unpacked."""
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def build(out: Path, *, arch: str, python: str, more: Iterable[Path] = (), contents: Contents = ISSUER) -> int:
    """Build a package; returns its size in bytes."""
    files = dict(_files(_dependencies(arch, python, contents.hashes), contents))
    for package in contents.ours:
        files |= _files(ROOT / package, contents, Path(package).name)
    files |= {file.name: file for file in more}
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=out.parent) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name in sorted(files):
                info = zipfile.ZipInfo(name, _FIXED_TIME)
                info.external_attr = 0o644 << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, files[name].read_bytes())
        temporary.flush()
        shutil.copyfile(temporary.name, out)
    return out.stat().st_size


def _dependencies(arch: str, python: str, hashes: Path) -> Path:
    """Have what our code stands on downloaded, once for each set of versions; returns the folder."""
    what = hashlib.sha256(hashes.read_bytes()).hexdigest()[:12]
    folder = CACHE / f"{arch}-{python}-{what}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
            platforms = [f"--platform=manylinux_{a}_{b}_{PLATFORMS[arch]}" for a, b in GLIBC]
            command = [
                sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile",
                "--only-binary=:all:", "--implementation=cp", f"--python-version={python}", *platforms,
                f"--target={temporary}/site", "--no-deps", "--require-hashes", f"--requirement={hashes}",
            ]  # fmt: skip
            subprocess.run(command, check=True)
            with contextlib.suppress(OSError):  # somebody else was first
                Path(temporary, "site").rename(folder)
    return folder


def _files(folder: Path, contents: Contents, below: str = "") -> Iterator[tuple[str, Path]]:
    """Return a folder's needed files by their names in the package."""
    for file in folder.rglob("*"):
        name = below / file.relative_to(folder)
        if file.is_file() and is_needed(name, contents):
            yield str(name), file


def is_needed(path: Path, contents: Contents = ISSUER) -> bool:
    """Return whether a file, by its path in the package, is ever read."""
    parts = path.parts
    if "__pycache__" in parts or "tests" in parts or parts[0] in {"bin", "share"}:
        return False
    if "fonts" in parts and not contents.draws:
        return False
    if path.suffix in {".pyi", ".typed"}:
        return False
    if parts[0].endswith(".dist-info"):  # DuckDB asks for its own version
        return path.name == "METADATA" and parts[0].partition("-")[0] in contents.needs
    if parts[:2] in {("botocore", "data"), ("boto3", "data")} and len(parts) > 3:
        return parts[2] in contents.services
    return parts[:2] != ("boto3", "examples")


def check(package: Path, contents: Contents = ISSUER) -> None:
    """Import each handler from the package in a process that has nothing else; it must be of this machine's kind."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(package) as archive:
            archive.extractall(folder)
        for handler in contents.handlers:
            code = (
                f"import sys; sys.path.insert(0, {folder!r}); import {', '.join(('boto3', *contents.needs))}; "
                f"import {handler} as function; function.handler; "
                f"[boto3.client(s, region_name='eu-central-1') for s in {sorted(contents.services)!r}]"
            )
            subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, cwd=folder, env={})


def main() -> None:
    """Build, and build and check the same for this machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--of", choices=CONTENTS, default="issuer", help="whose functions")
    parser.add_argument("--arch", choices=PLATFORMS, default="arm64")
    parser.add_argument("--python", default="3.13")
    parser.add_argument("--add", type=Path, action="append", default=[], help="a file to put in: a wrapped key")
    chosen = parser.parse_args()
    contents = CONTENTS[chosen.of]
    size = build(chosen.out, arch=chosen.arch, python=chosen.python, more=chosen.add, contents=contents)
    print(f"{chosen.out}: {size / 1e6:.1f} MB, {chosen.arch}, Python {chosen.python}")
    if size > LIMIT_BYTES:
        sys.exit(f"package: more than {LIMIT_BYTES} bytes; what is new in it?")
    here = chosen.out.with_name(f"{chosen.out.stem}-here.zip")
    build_here(here, chosen.add, contents)
    check(here, contents)
    print(f"{here}: the same for this machine; {', '.join(contents.handlers)} import from it alone")


def build_here(out: Path, more: Iterable[Path] = (), contents: Contents = ISSUER) -> int:
    """Build the package for this machine and this Python, to try it out."""
    arch = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    return build(
        out, arch=arch, python=f"{sys.version_info.major}.{sys.version_info.minor}", more=more, contents=contents
    )


if __name__ == "__main__":
    main()
