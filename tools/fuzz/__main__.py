"""Fuzz targets one after the other, each in a process of its own, and say what came of it.

One line a target goes to standard output and into the summary in the folder; the exit code is 1 where there was a
finding. See the package for an example.
"""

import argparse
import json
import platform
import subprocess
import sys
from pathlib import Path

from fuzz.engine import ATHERIS, RANDOM, Count, best_engine, run
from fuzz.targets import NAMES

_SEED = 20210413
_SECONDS = 30


def main() -> int:
    """Read the arguments, fuzz, and sum up."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(NAMES)}; all without it")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="for each target")
    parser.add_argument("--seed", type=int, default=_SEED)
    parser.add_argument("--engine", choices=[ATHERIS, RANDOM], default=best_engine())
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    unknown = sorted(set(given.targets) - set(NAMES))
    if unknown:
        parser.error(f"there is no target {unknown[0]!r}; there are {', '.join(NAMES)}")
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.one:
        run(given.targets[0], given.engine, given.seed, given.seconds, given.folder)
        return 0
    return _all(given.targets or NAMES, given)


def _all(targets: tuple[str, ...], given: argparse.Namespace) -> int:
    lines, counts, broken = [], [], 0
    for name in targets:
        path = given.folder / f"{name}.json"
        path.unlink(missing_ok=True)
        ended = subprocess.run(
            [
                sys.executable, "-m", "fuzz", "--one", name, "--seconds", str(given.seconds), "--seed", str(given.seed),
                "--engine", given.engine, "--folder", str(given.folder),
            ],
            check=False, stdout=subprocess.DEVNULL, stderr=(given.folder / f"{name}.log").open("wb"),
        )  # fmt: skip
        count = Count(**json.loads(path.read_text("utf-8"))) if path.exists() else Count(name, given.engine, given.seed)
        counts.append(count)
        lines += [count.line(), *(f"    {where}\n        {data}" for where, data in count.findings.items())]
        if ended.returncode:
            broken += 1
            lines.append(f"    ended by itself with {ended.returncode}: see {given.folder / name}.log")
        print("\n".join(lines[-1 - len(count.findings) - bool(ended.returncode) :]), flush=True)
    total = Count("total", given.engine, given.seed)
    for count in counts:
        total.inputs += count.inputs
        total.seconds += count.seconds
        total.escapes += count.escapes
        total.wrong += count.wrong
    lines.append(total.line())
    print(lines[-1])
    machine = f"Python {platform.python_version()}, {platform.machine()}"
    (given.folder / "summary.txt").write_text("\n".join([machine, *lines]) + "\n", "utf-8")
    return int(bool(total.escapes or total.wrong or broken))


if __name__ == "__main__":
    sys.exit(main())
