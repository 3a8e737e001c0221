"""Write facts as the collector does, without a service."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from movepass_service.statistics.facts import Fact
from movepass_service.statistics.folder import part_path


def write_part(folder: Path, facts: Iterable[Fact], name: str = "part") -> None:
    """Write facts into parts of their days."""
    by_day: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_day[fact.day].append(fact)
    for day, those in by_day.items():
        path = part_path(folder, day, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(fact.to_line() + "\n" for fact in those), "utf-8")
