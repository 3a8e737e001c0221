"""Runs the simulation and measures the handlers (`make bench-admission`), and writes tables and plots into a folder.

With `docs` as the folder it brings docs/admission.md up to date. It exits 1 if an urgent person waited beyond the bound
in a scenario in which the line is to hold.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from page import update

from launch import report
from launch.crowd import SCENARIOS, Crowd
from launch.handlers import measure
from launch.scaling import Launch

_APPLICATIONS = 1000


def main(out: Path) -> int:
    """Play, measure, write and print everything."""
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        measured = measure(Path(folder), _APPLICATIONS)
    launch = Launch.of(measured.ms, measured.visits[0])
    seen = {}
    for scenario in SCENARIOS:
        seen[scenario] = Crowd(scenario).play()
        print(scenario.name, file=sys.stderr)
    tables = {
        "waits": report.waits(seen),
        "handlers": report.handlers(measured.ms),
        "visit": report.visit(launch),
        "parts": report.parts(launch),
        "costs": report.costs(launch),
    }
    update(out / "admission.md", tables)
    (out / "admission-waits.svg").write_text(report.plot(seen), "utf-8")
    for text in tables.values():
        print(text, end="\n\n")
    return int(any(one.broken for scenario, one in seen.items() if not scenario.is_beyond))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/admission")))
