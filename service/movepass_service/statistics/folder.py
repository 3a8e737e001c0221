"""The folder of the facts: parts that were just written, a compacted file a day, and a lock between the two.

    parts/day=2026-11-22/NAME.jsonl      what the collector wrote, some seconds of events in each
    facts/day=2026-11-22/facts.parquet   the day, each event once
    state.json                           how far the collector has read

A reader has the lock shared. Compaction takes it for the moment in which a day's file is replaced and its parts go, so
that nobody sees a part twice or not at all.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from movepass_keys import files
from movepass_service.statistics.facts import FactsError

FOLDER = "statistics"
"""In the service's folder."""
FACTS, PARTS, STATE = "facts", "parts", "state.json"
DAY_FILE = "facts.parquet"
REBUILT_PART = "rebuilt"
"""The name of a part that was built again (rebuilding.py)."""
_LOCK, _COMPACTING = "lock", "compacting.lock"
_DAY = "day="
_PART_ENDING = ".jsonl"
_HASH_CHARS = 16
_OWNER_ONLY_FOLDER = 0o700


@dataclass(frozen=True, slots=True)
class DayFiles:
    """What there is of a day: its compacted file or None, and parts that are not in it yet, or not known to be."""

    day: str
    compacted: Path | None
    parts: tuple[Path, ...]


def facts_folder(data: Path) -> Path:
    """Return where the facts of a service are, by the service's folder."""
    return data / FOLDER


def part_path(folder: Path, day: str, name: str) -> Path:
    """Return where a part of a day is written."""
    return folder / PARTS / f"{_DAY}{day}" / f"{name}{_PART_ENDING}"


def part_name(prefix: str, lines: bytes) -> str:
    """Return a name that no part of other content has: whoever compacts deletes what it has read, by its name."""
    return f"{prefix}-{hashlib.sha256(lines).hexdigest()[:_HASH_CHARS]}"


def day_path(folder: Path, day: str) -> Path:
    """Return where the compacted file of a day is."""
    return folder / FACTS / f"{_DAY}{day}" / DAY_FILE


def make_folder(path: Path) -> None:
    """Make a folder for the owner alone, with those above it."""
    path.mkdir(mode=_OWNER_ONLY_FOLDER, parents=True, exist_ok=True)


def list_days(folder: Path, since: date | None = None, until: date | None = None) -> list[DayFiles]:
    """List the days that have facts, the first one at the beginning; both ends belong to it."""
    found = {day for kind in (FACTS, PARTS) for day in _days(folder / kind)}
    wanted = [day for day in sorted(found) if _is_within(day, since, until)]
    return [_files(folder, day) for day in wanted]


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Keep compaction from replacing files until the end of the block."""
    with _locked(folder, fcntl.LOCK_SH):
        yield


@contextmanager
def replacing(folder: Path) -> Iterator[None]:
    """Keep readers out until the end of the block, which replaces files."""
    with _locked(folder, fcntl.LOCK_EX):
        yield


@contextmanager
def compacting(folder: Path) -> Iterator[None]:
    """Keep other processes from compacting until the end of the block: they would delete parts that are in no file."""
    with _locked(folder, fcntl.LOCK_EX, _COMPACTING):
        yield


@contextmanager
def _locked(folder: Path, how: int, name: str = _LOCK) -> Iterator[None]:
    make_folder(folder)
    try:
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, files.OWNER_ONLY)
    except OSError as e:
        raise FactsError(f"{folder / name}: {e.strerror}") from e
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _days(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        name = path.name.removeprefix(_DAY)
        if path.name.startswith(_DAY) and _is_day(name):
            yield name


def _is_day(name: str) -> bool:
    try:
        return date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False


def _is_within(day: str, since: date | None, until: date | None) -> bool:
    return (since is None or day >= since.isoformat()) and (until is None or day <= until.isoformat())


def _files(folder: Path, day: str) -> DayFiles:
    compacted, parts = day_path(folder, day), folder / PARTS / f"{_DAY}{day}"
    found = sorted(parts.glob(f"[!.]*{_PART_ENDING}")) if parts.is_dir() else []
    return DayFiles(day, compacted if compacted.exists() else None, tuple(found))
