"""Compaction: the parts of a day that is over become one Parquet file, in which each event is once.

The file is written beside the old one and replaces it whole. Killed before, nothing has changed; killed before the
parts are deleted, a reader counts their events once, as they are in the file too. Late parts are compacted with it.
"""

import os
from datetime import date
from pathlib import Path
from typing import Any

from movepass_keys import files
from movepass_service.statistics import engine
from movepass_service.statistics.facts import SCHEMA_VERSION, FactsError
from movepass_service.statistics.folder import (
    REBUILT_PART,
    DayFiles,
    compacting,
    day_path,
    list_days,
    make_folder,
    part_name,
    part_path,
    replacing,
)
from movepass_service.statistics.templates import literal

MERGED_PARTS = 64
"""From so many parts of a day on, they are merged: a round writes one each 20 s, so some 20 minutes of them."""
_MERGED = "merged"
_TEMPORARY, _SPILLED = ".new", ".spilled"


def compact_days(folder: Path, before: str) -> int:
    """Compact the days before one that have parts; returns how many.

    Args:
        folder: of the facts.
        before: a day, YYYY-MM-DD.

    Raises:
        FactsError: a day can't be read or written.
    """
    with compacting(folder):
        days = [day for day in list_days(folder) if day.day < before and day.parts]
        for day in days:
            _compact(folder, day)
    return len(days)


def merge_parts(folder: Path, name: str) -> bool:
    """Put a day's parts together as they are, once there are many; returns whether it did.

    A day has thousands of them, and opening each takes a reader longer than reading what is in it.

    Raises:
        FactsError: a part can't be read or written.
    """
    day = date.fromisoformat(name)
    with compacting(folder):
        small = [part for one in list_days(folder, day, day) for part in one.parts if _is_small(part)]
        if len(small) < MERGED_PARTS:
            return False
        try:
            lines = b"".join(part.read_bytes() for part in small)
            files.write_whole(part_path(folder, name, part_name(_MERGED, lines)), lines)
            with replacing(folder):
                for part in small:
                    part.unlink()
        except OSError as e:
            raise FactsError(f"the parts of {name}: {e.strerror or e}") from e
    return True


def _is_small(part: Path) -> bool:
    return part.stem != REBUILT_PART and not part.stem.startswith(_MERGED)


def compact_day(folder: Path, day: date) -> None:
    """Compact one day.

    Raises:
        FactsError: it can't be read or written.
    """
    with compacting(folder):
        for one in list_days(folder, day, day):
            _compact(folder, one)


def _compact(folder: Path, day: DayFiles) -> None:
    path = day_path(folder, day.day)
    make_folder(path.parent)
    temporary = path.with_name(path.name + _TEMPORARY)
    columns = engine.columns(but="day")
    query = f"SELECT {columns} FROM ({engine.facts_query([day])}) ORDER BY type, event"  # noqa: S608
    try:
        with engine.connect() as db:
            known = {engine.VERSION_KEY: str(SCHEMA_VERSION), engine.REBUILT_KEY: str(int(_is_rebuilt(db, day)))}
            notes = f"{{{', '.join(f'{name}: {literal(value)}' for name, value in known.items())}}}"
            db.execute(f"SET temp_directory = {literal(str(path.parent / _SPILLED))}")
            db.execute(f"COPY ({query}) TO {literal(str(temporary))} (FORMAT parquet, KV_METADATA {notes})")
        _make_durable(temporary)
        with replacing(folder):
            temporary.replace(path)
            for part in day.parts:
                part.unlink()
    except engine.errors() as e:
        raise FactsError(f"the facts of {day.day} can't be compacted: {str(e).splitlines()[0]}") from e
    except OSError as e:
        raise FactsError(f"{path}: {e.strerror or e}") from e


def _is_rebuilt(db: Any, day: DayFiles) -> bool:
    """Return whether a part of a day was built again, or its file says so."""
    if any(part.stem == REBUILT_PART for part in day.parts):
        return True
    return day.compacted is not None and engine.file_notes(db, day.compacted).get(engine.REBUILT_KEY) == "1"


def _make_durable(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o600)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
