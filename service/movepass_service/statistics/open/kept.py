"""Keep the published days of the open statistics: a file each, written once and never changed.

A day is kept as it was first published. So a late event changes nothing that was published, and two exports of the same
day, at whatever times, are the same byte for byte: there is no difference that could tell of the late event.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from typing import Self

from movepass_keys import files
from movepass_service.errors import ServiceError
from movepass_service.statistics.open.days import OpenDay, OpenDayError, header
from movepass_service.statistics.open.tables import Table

FOLDER = "open-statistics"
"""Below the service's folder. It belongs to every backup: nothing else knows what was published."""
_SUFFIX = ".csv"
_DAY_BYTES_MAX = 65536


class KeptDaysError(ServiceError):
    """The published days can't be read or written."""


class KeptDays:
    """The published days in a folder. Several threads may use it."""

    def __init__(self, data: Path | None) -> None:
        """Take the service's folder; without one no day is published here."""
        self._folder = None if data is None else data / FOLDER
        self._known: dict[tuple[str, date], bytes] = {}
        self._lock = threading.Lock()

    @classmethod
    @cache
    def of(cls, data: Path | None) -> Self:
        """Return the published days of a service's folder; everybody in the process shares what was read."""
        return cls(data)

    def days(self, table: Table) -> list[date]:
        """Return the published days of a table, the oldest first."""
        files = () if self._folder is None else (self._folder / table.name).glob(f"*{_SUFFIX}")
        names = [path.name for path in files]
        found = []
        for name in names:
            with suppress(ValueError):  # a temporary file of a write that was cut off
                found.append(date.fromisoformat(name.removesuffix(_SUFFIX)))
        return sorted(found)

    def written(self, table: Table, day: date) -> bytes:
        """Return a published day as it was published.

        Raises:
            KeptDaysError: it was not published, or can't be read.
        """
        known = self._known.get((table.name, day))
        if known is not None:
            return known
        path = self._path(table, day)
        try:
            written = files.read_regular(path, _DAY_BYTES_MAX)
            OpenDay.read(written)
        except (OSError, OpenDayError) as e:
            raise KeptDaysError(f"{path}: {e}") from e
        with self._lock:
            self._known[table.name, day] = written
        return written

    def read(self, table: Table, day: date) -> OpenDay:
        """Return a published day.

        Raises:
            KeptDaysError: it was not published, or can't be read.
        """
        return OpenDay.read(self.written(table, day))

    def keep(self, table: Table, made: OpenDay) -> OpenDay:
        """Keep a day, unless it was kept before; returns the one that is kept.

        Raises:
            KeptDaysError: it can't be written.
        """
        path = self._path(table, made.day)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                files.write_new(path, made.write())
        except OSError as e:
            raise KeptDaysError(f"{path}: {e.strerror or e}") from e
        return self.read(table, made.day)

    def whole(self, table: Table) -> bytes:
        """Return all published days of a table as one file of comma-separated values.

        Raises:
            KeptDaysError: a day can't be read.
        """
        return header() + b"".join(self.written(table, day) for day in self.days(table))

    def last(self, table: Table, most: int) -> Sequence[OpenDay]:
        """Return the last published days of a table, the oldest first.

        Raises:
            KeptDaysError: a day can't be read.
        """
        return [self.read(table, day) for day in self.days(table)[-most:]]

    def _path(self, table: Table, day: date) -> Path:
        if self._folder is None:
            raise KeptDaysError("this service publishes no days of its own")
        return self._folder / table.name / f"{day.isoformat()}{_SUFFIX}"
