"""Compaction: the parts of a day that is over become one Parquet file, in which each event is once.

The file is written beside the old one and replaces it whole. Killed before, nothing has changed; killed before the
parts are deleted, a reader counts their events once, as they are in the file too. Late parts are compacted with it.
"""

import os
from datetime import date
from pathlib import Path
from typing import Any

from movepass_service.statistics import engine
from movepass_service.statistics.facts import SCHEMA_VERSION, FactsError
from movepass_service.statistics.folder import (
    REBUILT_PART,
    DayFiles,
    compacting,
    day_path,
    list_days,
    make_folder,
    replacing,
)
from movepass_service.statistics.templates import literal

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
