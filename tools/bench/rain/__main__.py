"""Runs the abuse (`make bench-rain`): prints its tables, and writes them and a sheet of samples into a folder.

With `docs` as the folder it brings docs/rain.md up to date. It exits 1 if an HCERT is read more often than ours.
"""

import sys
import time
from pathlib import Path

from page import update

from rain import report
from rain.codes import CARD, OURS_AS_DRAWN, PEERS, SCREEN, Code
from rain.trials import measure

SEEDS, SEEDS_FEW = 20, 8
"""Photographs of each code in each row: beside the peers, and for our own choices."""
LEVELS = "LMQH"
SIDES_MM = (30, 40, 50)
LENGTHS = (420, 600, 1000)
"""Characters. The standard pass has 256; the longest legal text has 1,024."""


def _levels() -> dict[str, Code]:
    return {f"{medium}: {level}": Code(medium, level=level) for medium in (CARD, SCREEN) for level in LEVELS}


def _sides() -> dict[str, Code]:
    own = OURS_AS_DRAWN[CARD]
    return {**{f"{side} mm": Code(CARD, side=side) for side in SIDES_MM}, f"{own.side:.0f} mm": own}


def _lengths() -> dict[str, Code]:
    return {f"{many}: {level}": Code(CARD, level=level, characters=many) for many in LENGTHS for level in "MQ"}


def main(folder: Path) -> int:
    """Run everything; gives the exit code."""
    began = time.monotonic()
    beside = measure([code for codes in (OURS_AS_DRAWN, *PEERS.values()) for code in codes.values()], SEEDS)

    def chosen(codes: dict[str, Code]) -> str:
        return report.by_kind(measure(list(codes.values()), SEEDS_FEW), codes)

    tables = {
        "beside": report.by_strength(beside),
        "levels": chosen(_levels()),
        "lengths": chosen(_lengths()),
        "sides": chosen(_sides()),
        "looks": report.by_look(beside),
    }
    folder.mkdir(parents=True, exist_ok=True)
    update(folder / "rain.md", tables)
    report.sheet().save(folder / "rain.png", optimize=True)
    print("\n\n".join(tables.values()))
    print(f"\n{time.monotonic() - began:.0f} s; written to {folder}")
    missed = report.missed(beside)
    for line in missed:
        print(f"MISSED: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
