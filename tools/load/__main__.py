"""The April 2021 hour: 250 applications a second against `movepass service run`, then the floor beside it.

Exits with 1 where a bar is missed. See the package for an example.
"""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from load.report import show
from load.run import MINUTES, RATE, measure


def main() -> int:
    """Read the arguments, measure, and show."""
    parser = argparse.ArgumentParser(prog="load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--rate", type=float, default=RATE, help="applications a second")
    parser.add_argument("--folder", type=Path, default=Path("build/load"))
    parser.add_argument("--no-floor", action="store_true", help="leave the floor and the most that it takes out")
    parser.add_argument("--no-pages", action="store_true", help="leave nginx with the static pages out")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    results = asyncio.run(
        measure(
            given.folder, minutes=given.minutes, rate=given.rate, with_floor=not given.no_floor,
            with_pages=not given.no_pages,
        )
    )  # fmt: skip
    lines, missed = show(results, load)
    print("\n".join(lines))
    (given.folder / "results.json").write_text(json.dumps(results.to_json(), indent=1) + "\n", "utf-8")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
