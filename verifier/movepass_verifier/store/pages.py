"""Store revocation lists as signed logs and as pages of bits.

A check reads only one small row, however many passes are revoked. Each log's row has the checksums of its pages, so
that a page that is damaged, missing or from an earlier transaction is never read as "not revoked".
"""

import sqlite3
import zlib
from collections.abc import Sequence

from movepass_verifier.errors import DamagedError
from movepass_verifier.store.schema import checksum
from movepass_wire import LogError
from movepass_wire.limits import INDEX_LIMIT
from movepass_wire.statuslog import HEADER_BYTES, PAGE_BYTES, PAGE_INDEXES, by_page, has_bit, read_blocks, set_bits
from movepass_wire.times import day_name

_PAGE_BITS = (INDEX_LIMIT // PAGE_INDEXES).bit_length()
_SUM_BYTES = 4
_NO_PAGE = bytes(_SUM_BYTES)
_CACHED_PAGES = 16384
"""The pages in memory while a log is read: 32 MB, enough for 262 M indexes a day without writing a page twice."""


class PageReader:
    """A day's list in the store, for lookups within one transaction."""

    __slots__ = ("_day", "_db", "_sum", "_sums")

    def __init__(self, db: sqlite3.Connection, day: int, crc: int) -> None:
        """Use a day, and the checksum that its row of `logs` must have."""
        self._db = db
        self._day = day
        self._sum = crc
        self._sums: bytes | None = None

    def has(self, index: int) -> bool:
        """Check whether an index is revoked.

        Raises:
            DamagedError: the data for the answer is damaged.
        """
        if self._sums is None:
            self._sums = _read_row(self._db, self._day, self._sum)[1]
        number, within = divmod(index, PAGE_INDEXES)
        page = _read_page(self._db, self._day, number, self._sums)
        return page is not None and has_bit(page, within)


class _PageWriter:
    """The pages of a day while indexes are added; at most _CACHED_PAGES of them are in memory."""

    def __init__(self, db: sqlite3.Connection, day: int, sums: bytes = b"") -> None:
        """Start from the pages with these checksums, or from none."""
        self._db = db
        self._day = day
        self._pages: dict[int, bytearray] = {}
        self.sums = bytearray(sums)

    def add(self, indexes: Sequence[int]) -> None:
        for number, within in by_page(indexes):
            set_bits(self._pages.get(number) or self._load(number), within)

    def _load(self, number: int) -> bytearray:
        if len(self._pages) >= _CACHED_PAGES:
            self.flush()
        held = _read_page(self._db, self._day, number, self.sums)
        page = self._pages[number] = bytearray(PAGE_BYTES) if held is None else bytearray(held)
        return page

    def flush(self) -> None:
        """Write the pages in memory; an unchanged page costs no write."""
        rows = []
        for number, page in self._pages.items():
            bits = bytes(page)
            rows.append((_page_id(self._day, number), bits))
            end = (number + 1) * _SUM_BYTES
            self.sums.extend(bytes(max(0, end - len(self.sums))))
            self.sums[end - _SUM_BYTES : end] = _page_sum(bits)
        self._db.executemany(
            "INSERT INTO pages VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET bits = excluded.bits WHERE bits <> excluded.bits",
            rows,
        )
        self._pages.clear()


def write_list(db: sqlite3.Connection, day: int, data: bytes, held: bytes = b"") -> None:
    """Write a day's log and its pages, within the caller's transaction.

    Args:
        db: the store.
        day: the UTC day.
        data: the log, whose header has been checked.
        held: the stored log of the day; if the new log begins with it, only the rest is read.

    Raises:
        LogError: the log breaks a rule; the caller must not commit what has been written.
    """
    if held and data.startswith(held):
        try:
            revoked, sums = _read_row(db, day)
            pages = _PageWriter(db, day, sums)
            revoked += _read_into(pages, data, len(held))
        except (DamagedError, LogError):  # a duplicate index may be a flipped bit: reading the whole log decides
            pass
        else:
            _write_row(db, day, revoked, bytes(pages.sums), data)
            return
    pages = _PageWriter(db, day)
    revoked = _read_into(pages, data, HEADER_BYTES)
    _write_row(db, day, revoked, bytes(pages.sums), data)
    there = db.execute("SELECT id FROM pages WHERE id >= ? AND id < ?", (_page_id(day, 0), _page_id(day + 1, 0)))
    gone = [(id_,) for (id_,) in there if _sum_at(pages.sums, id_ - _page_id(day, 0)) == _NO_PAGE]
    db.executemany("DELETE FROM pages WHERE id = ?", gone)


def delete_list(db: sqlite3.Connection, day: int) -> None:
    """Delete a day's log and its pages, within the caller's transaction."""
    db.execute("DELETE FROM logs WHERE day = ?", (day,))
    db.execute("DELETE FROM pages WHERE id >= ? AND id < ?", (_page_id(day, 0), _page_id(day + 1, 0)))


def _read_into(pages: _PageWriter, data: bytes, start: int) -> int:
    """Add a log's indexes from a block on, and return their number."""
    count = 0
    for indexes in read_blocks(data, start):
        pages.add(indexes)
        count += len(indexes)
    pages.flush()
    return count


def _write_row(db: sqlite3.Connection, day: int, revoked: int, sums: bytes, data: bytes) -> None:
    crc = checksum(day, revoked, len(data), sums)
    db.execute("INSERT OR REPLACE INTO logs VALUES (?, ?, ?, ?, ?)", (day, revoked, crc, sums, data))


def _read_row(db: sqlite3.Connection, day: int, expected: int | None = None) -> tuple[int, bytes]:
    """Read the number of indexes in a day's list, and the checksums of its pages."""
    row = db.execute("SELECT revoked, length(data), sum, sums FROM logs WHERE day = ?", (day,)).fetchone()
    if row is None:
        raise DamagedError(f"the list of {day_name(day)} is gone")
    revoked, size, crc, sums = row
    if crc != checksum(day, revoked, size, sums) or (expected is not None and crc != expected):
        raise DamagedError(f"the list of {day_name(day)} is not what was written")
    return revoked, sums


def _read_page(db: sqlite3.Connection, day: int, number: int, sums: bytes | bytearray) -> bytes | None:
    """Read a page; None if the list has none of its indexes."""
    expected = _sum_at(sums, number)
    if expected == _NO_PAGE:
        return None
    row = db.execute("SELECT bits FROM pages WHERE id = ?", (_page_id(day, number),)).fetchone()
    if row is None or not isinstance(row[0], bytes) or _page_sum(row[0]) != expected:
        raise DamagedError(f"{page_name(_page_id(day, number))} is not what was written")
    bits: bytes = row[0]
    return bits


def page_name(id_: int) -> str:
    """Name a row of the table of pages for a person."""
    day, number = page_of(id_)
    return f"page {number} of the list of {day_name(day)}"


def page_of(id_: int) -> tuple[int, int]:
    """Return the day and the number of a row of the table of pages."""
    return divmod(id_, 1 << _PAGE_BITS)


def _page_id(day: int, number: int) -> int:
    return day << _PAGE_BITS | number


def _page_sum(bits: bytes) -> bytes:
    """Return the checksum of a page, which is never the one that means no page."""
    return (zlib.crc32(bits) or 1).to_bytes(_SUM_BYTES, "little")


def _sum_at(sums: bytes | bytearray, number: int) -> bytes:
    return bytes(sums[number * _SUM_BYTES : (number + 1) * _SUM_BYTES]) or _NO_PAGE
