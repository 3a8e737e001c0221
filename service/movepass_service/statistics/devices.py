"""Facts of what devices counted: the hourly counts that `movepass journal export` writes, as CSV or JSON Lines.

A device's count of an hour only grows, so an export that comes again, or a later one, replaces what was counted before.
No count tells of a person: neither the export nor the fact names a pass.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from movepass_service.statistics import engine
from movepass_service.statistics.facts import COUNTED, Fact, FactsError, QuestionError, event_of
from movepass_service.statistics.folder import list_days, part_name, reading
from movepass_service.statistics.parts import FolderParts, Parts, lines_by_day
from movepass_wire.codes import DISTRICTS
from movepass_wire.text import normalise
from movepass_wire.times import parse_iso

EXPORT_MAX_BYTES = 16 << 20
ROWS_MAX = 100_000
"""Rows of one export: a device keeps 90 days, and has 15 verdicts."""
NAME_MAX_CHARS = 40
AHEAD_MAX_SECONDS = 3600
"""An hour may begin so long after now: a clock that is a little ahead."""
_HOUR = 3600
_COUNTS = ("scans", "shown_before", "let_through", "sent_back", "called_in")
_COLUMNS = ("hour", "outcome", "verdict", *_COUNTS)
_COUNT_MAX = 1_000_000
"""Scans of one device in an hour: far above what anybody can hold before it."""


class ExportError(QuestionError):
    """An export that a device can't have written, or that was not made by the device that is named."""


@dataclass(frozen=True, slots=True)
class Source:
    """The device that counted: the name of its post, the post's district, and which of the post's devices it is."""

    post: str
    district: str
    device: str

    @classmethod
    def read(cls, post: str, district: str, device: str) -> Self:
        """Check the names that the importer gives.

        Raises:
            ExportError: a name is empty or too long, or there is no such district.
        """
        code = DISTRICTS.find(district)
        if code is None:
            raise ExportError(f"district: expected one of the 64 districts by name or code, got {district[:40]!r}")
        return cls(_name("post", post), code.key, _name("device", device))

    def event(self, hour: int, verdict: str) -> int:
        """Name the count of a verdict in an hour."""
        text = json.dumps([self.post, self.device, hour, verdict])
        return event_of(hashlib.sha256(text.encode()).digest())


@dataclass(frozen=True, slots=True)
class Export:
    """The counts of one export.

    Attributes:
        facts: one for each verdict and hour.
        ahead: how many rows were left out, as their hours are yet to come: the device's clock was wrong.
    """

    facts: tuple[Fact, ...]
    ahead: int


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import: how many counts came, how many of these are new or higher, and what was left out."""

    counts: int
    new: int
    ahead: int


def read_export(data: bytes, source: Source, verdicts: Mapping[str, str], now: int) -> Export:
    """Read an export.

    Args:
        data: as the device wrote it.
        source: the device.
        verdicts: the outcome of each verdict that there is.
        now: seconds since 1970 UTC.

    Raises:
        ExportError: it is not an export; the message names the line.
    """
    if len(data) > EXPORT_MAX_BYTES:
        raise ExportError(f"expected at most {EXPORT_MAX_BYTES:,} bytes, got {len(data):,}")
    found: dict[int, Fact] = {}
    ahead = 0
    for line, row in _rows(data):
        try:
            fact = _read_row(row, source, verdicts)
        except (ValueError, TypeError) as e:
            raise ExportError(f"line {line}: {e}") from e
        if _begins(row) > now + AHEAD_MAX_SECONDS:
            ahead += 1
        elif fact.event in found:
            raise ExportError(f"line {line}: this hour and verdict came before")
        else:
            found[fact.event] = fact
    return Export(tuple(found.values()), ahead)


def import_exports(folder: Path, exports: Sequence[Export], source: Source, parts: Parts | None = None) -> Imported:
    """Write the facts of a device's exports.

    Args:
        folder: of the facts, or a copy of the days that the exports are about.
        exports: of one device.
        source: the device.
        parts: where to write, if not in the folder.

    Raises:
        ExportError: they count more in one hour and less in another than is known, so they are of different devices; or
            the post was in another district before.
        FactsError: the facts can't be read or written.
    """
    known: dict[int, Fact] = {}
    for export in exports:
        _merge(known, export.facts, source)
    stored = _stored(folder, source) if known else {}
    new = [fact for fact in known.values() if stored.get(fact.event, -1) < fact.revision]
    is_less = any(stored.get(fact.event, -1) > fact.revision for fact in known.values())
    if is_less and any(fact.event in stored for fact in new):
        raise _other_device(source)
    to = parts or FolderParts(folder)
    for day, lines in lines_by_day(sorted(new, key=lambda fact: (fact.day, fact.event))).items():
        to.write(day, part_name("counts", lines), lines)
    return Imported(len(known), len(new), sum(export.ahead for export in exports))


def _merge(known: dict[int, Fact], facts: Iterable[Fact], source: Source) -> None:
    """Take over the higher counts of another export of the same device."""
    both = [(known[fact.event], fact) for fact in facts if fact.event in known]
    if any(old.revision < new.revision for old, new in both) and any(old.revision > new.revision for old, new in both):
        raise _other_device(source)
    for fact in facts:
        if fact.event not in known or known[fact.event].revision < fact.revision:
            known[fact.event] = fact


def _other_device(source: Source) -> ExportError:
    return ExportError(
        f"this counts more in one hour and less in another than what is known of device {source.device} at "
        f"{source.post}: is it another device? Then name it by --device"
    )


def _stored(folder: Path, source: Source) -> dict[int, int]:
    """Return the revisions of a post's counts that are in the facts, on whatever day, by their events.

    Raises:
        ExportError: the post was in another district before.
    """
    with reading(folder), engine.connect() as db:
        counted = engine.facts_query(list_days(folder))
        query = f"SELECT event, revision, district FROM ({counted}) WHERE type = ? AND post = ?"  # noqa: S608
        try:
            found = db.execute(query, [COUNTED, source.post]).fetchall()
        except engine.errors() as e:
            raise FactsError(f"the facts can't be read: {str(e).splitlines()[0]}") from e
    for _, _, district in found:
        if district != source.district:
            raise ExportError(f"the post {source.post} was in {district} when it was imported before")
    return {event: revision for event, revision, _ in found}


def _rows(data: bytes) -> Iterable[tuple[int, Mapping[str, Any]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise ExportError("expected what `movepass journal export` wrote, got bytes that are no text") from e
    is_json = text.lstrip().startswith("{")
    rows = list(_json_rows(text) if is_json else _csv_rows(text))
    if len(rows) > ROWS_MAX:
        raise ExportError(f"expected at most {ROWS_MAX:,} rows, got {len(rows):,}")
    return rows


def _json_rows(text: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as e:
            raise ExportError(f"line {number}: no JSON") from e
        if not isinstance(row, dict) or row.keys() != set(_COLUMNS):
            raise ExportError(f"line {number}: expected an object with {', '.join(_COLUMNS)}")
        yield number, row


def _csv_rows(text: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        heading = next(reader, [])
        if tuple(heading) != _COLUMNS:
            raise ExportError(f"line 1: expected the heading {','.join(_COLUMNS)}, as `movepass journal export` writes")
        for row in reader:
            if len(row) != len(_COLUMNS):
                raise ExportError(f"line {reader.line_num}: expected {len(_COLUMNS)} values, got {len(row)}")
            numbers = {name: _number(name, value) for name, value in zip(_COUNTS, row[3:], strict=True)}
            yield reader.line_num, dict(zip(_COLUMNS, row, strict=True)) | numbers
    except csv.Error as e:
        raise ExportError(f"line {reader.line_num}: {e}") from e
    except ValueError as e:
        raise ExportError(f"line {reader.line_num}: {e}") from e


def _number(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > len(str(_COUNT_MAX)):
        raise ValueError(f"{name}: expected a number up to {_COUNT_MAX:,}, got {value[:20]!r}")
    return int(value)


def _read_row(row: Mapping[str, Any], source: Source, verdicts: Mapping[str, str]) -> Fact:
    """Read a row.

    Raises:
        ValueError, TypeError: it is not a row of an export.
    """
    at, verdict = _begins(row), row["verdict"]
    if verdict not in verdicts:
        raise ValueError(f"verdict: expected one of {', '.join(verdicts)}, got {str(verdict)[:40]!r}")
    if row["outcome"] != verdicts[verdict]:
        raise ValueError(f"outcome: {verdict} is {verdicts[verdict]}, got {str(row['outcome'])[:40]!r}")
    counts = {name: row[name] for name in _COUNTS}
    for name, count in counts.items():
        if type(count) is not int or not 0 <= count <= _COUNT_MAX:
            raise ValueError(f"{name}: expected a number up to {_COUNT_MAX:,}, got {str(count)[:20]!r}")
    decided = sum(counts[name] for name in ("let_through", "sent_back", "called_in"))
    if max(counts["shown_before"], decided) > counts["scans"] or not counts["scans"]:
        raise ValueError("more passes were shown before, or decided about, than there were scans")
    return Fact.of(
        COUNTED, source.event(at // _HOUR, verdict), at,
        revision=counts["scans"] + decided, post=source.post, district=source.district, verdict=verdict, **counts,
    )  # fmt: skip


def _begins(row: Mapping[str, Any]) -> int:
    """Return when the hour of a row begins.

    Raises:
        ValueError: it begins at no hour.
    """
    given = row["hour"]
    at = parse_iso(given) if isinstance(given, str) else None
    if at is None or at % _HOUR or at < 0:
        raise ValueError(f"hour: expected the beginning of an hour like 2021-04-14T09:00:00Z, got {str(given)[:40]!r}")
    return at


def _name(what: str, given: str) -> str:
    plain = normalise(" ".join(given.split()))
    if not 0 < len(plain) <= NAME_MAX_CHARS or not plain.isprintable():
        raise ExportError(f"{what}: a name has 1 to {NAME_MAX_CHARS} printable characters")
    return plain
