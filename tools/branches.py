"""Counts the branches and statements of each package that ran, after `coverage run` and `coverage combine`."""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

from coverage import Coverage

_REPORT = Path("build/coverage/report.json")
_LEAST = 95
"""Percent of a package's branches."""


def main() -> int:
    """Print a line a package; 1 where one has too few."""
    coverage = Coverage()
    coverage.load()
    coverage.json_report(outfile=str(_REPORT))
    packages: dict[str, Counter[str]] = defaultdict(Counter)
    for file, found in json.loads(_REPORT.read_text("utf-8"))["files"].items():
        numbers = {name: value for name, value in found["summary"].items() if isinstance(value, int)}
        packages[Path(file).parts[1]].update(numbers)
    shares = {}
    for package, of in sorted(packages.items()):
        shares[package] = 100 * of["covered_branches"] / of["num_branches"]
        branches = f"{of['covered_branches']} of {of['num_branches']} branches, {shares[package]:.1f} %"
        print(f"{package:18} {branches}; {of['covered_lines']} of {of['num_statements']} statements")
    return int(min(shares.values()) < _LEAST)


if __name__ == "__main__":
    sys.exit(main())
