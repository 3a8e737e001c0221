"""Check pages of bits in a database: days stay separate, and damage is reported."""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing

import pytest

from movepass_verifier import DamagedError
from movepass_verifier.store import pages, schema
from movepass_verifier.store.pages import PageReader, delete_list, page_of, write_list
from movepass_wire import encode_block, new_log

DAY = 20779
TOP = (1 << 30) - 1
SPREAD = {0, 15_999, 16_000, TOP}
"""On the first two pages and the last."""


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        schema.create(made)
        yield made


def log(*blocks: Iterable[int], day: int = DAY) -> bytes:
    return new_log(day) + b"".join(map(encode_block, blocks))


def reader(db: sqlite3.Connection, day: int = DAY) -> PageReader:
    return PageReader(db, day, db.execute("SELECT sum FROM logs WHERE day = ?", (day,)).fetchone()[0])


def there(db: sqlite3.Connection) -> set[tuple[int, int]]:
    return {page_of(id_) for (id_,) in db.execute("SELECT id FROM pages")}


def sums(db: sqlite3.Connection) -> bytes:
    return bytes(db.execute("SELECT sums FROM logs WHERE day = ?", (DAY,)).fetchone()[0])


@pytest.fixture
def three_days(db: sqlite3.Connection) -> sqlite3.Connection:
    for day in (DAY - 1, DAY, DAY + 1):
        write_list(db, day, log(SPREAD, day=day))
    return db


ALL_PAGES = {(day, number) for day in (DAY - 1, DAY, DAY + 1) for number in (0, 1, TOP // 16_000)}
NEIGHBOURS = {(day, number) for day, number in ALL_PAGES if day != DAY}


def test_each_day_has_a_page_where_it_has_an_index(three_days: sqlite3.Connection) -> None:
    assert there(three_days) == ALL_PAGES
    asked = [*SPREAD, 1, 15_998, 16_001, 31_999, 32_000, TOP - 1]
    for day in (DAY - 1, DAY, DAY + 1):
        assert {index for index in asked if reader(three_days, day).has(index)} == SPREAD


def test_a_list_that_goes_takes_its_own_pages_along_and_no_others(three_days: sqlite3.Connection) -> None:
    delete_list(three_days, DAY)
    assert there(three_days) == NEIGHBOURS
    assert {day for (day,) in three_days.execute("SELECT day FROM logs")} == {DAY - 1, DAY + 1}
    with pytest.raises(DamagedError, match="the list of 2026-11-22 is gone"):
        PageReader(three_days, DAY, 0).has(0)


def test_a_list_that_is_another_leaves_no_page_of_the_old_one(three_days: sqlite3.Connection) -> None:
    write_list(three_days, DAY, log({16_001}))
    assert there(three_days) == NEIGHBOURS | {(DAY, 1)}
    assert [index for index in (0, 15_999, 16_000, 16_001, TOP) if reader(three_days).has(index)] == [16_001]


def test_the_layout_is_that_of_the_stores_there_are(db: sqlite3.Connection) -> None:
    write_list(db, DAY, log({16_000}))
    (row,) = db.execute("SELECT id, bits FROM pages")
    assert row == ((DAY << 17) + 1, b"\1" + bytes(1999))
    assert sums(db) == bytes(4) + zlib.crc32(row[1]).to_bytes(4, "little")


def test_pages_in_memory_are_as_many_as_may_be_and_written_when_another_is_needed(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = list[int]()
    flush = pages._PageWriter.flush

    def note_pages(writer: pages._PageWriter) -> None:
        written.append(len(writer._pages))
        flush(writer)

    monkeypatch.setattr(pages._PageWriter, "flush", note_pages)
    monkeypatch.setattr(pages, "_CACHED_PAGES", 2)
    blocks = [{number * 16_000 + block for number in range(5)} for block in range(3)]
    write_list(db, DAY, log(*blocks))
    assert written == [2] * 7 + [1]
    assert len(sums(db)) == 5 * 4
    held = reader(db)
    assert {index for index in range(5 * 16_000) if held.has(index)} == set().union(*blocks)


def test_a_page_whose_checksum_would_be_that_of_no_page_is_one_all_the_same(db: sqlite3.Connection) -> None:
    beginning = b"\2" + bytes(1995)
    page = beginning + (zlib.crc32(beginning) ^ 0x6DD90A9D).to_bytes(4, "little")
    assert zlib.crc32(page) == 0
    indexes = {at * 8 + bit for at, byte in enumerate(page) for bit in range(8) if byte >> bit & 1}
    write_list(db, DAY, log(indexes))
    assert sums(db) == b"\1\0\0\0"
    assert {index for index in range(16_000) if reader(db).has(index)} == indexes


@pytest.mark.parametrize("by", [-1, 1])
def test_a_row_with_another_checksum_than_was_written_or_is_expected_is_damaged(
    db: sqlite3.Connection, by: int
) -> None:
    write_list(db, DAY, log({7}))
    crc = db.execute("SELECT sum FROM logs").fetchone()[0]
    with pytest.raises(DamagedError, match="the list of 2026-11-22 is not what was written"):
        PageReader(db, DAY, crc + by).has(7)
    db.execute("UPDATE logs SET sum = sum + ?", (by,))
    with pytest.raises(DamagedError, match="the list of 2026-11-22 is not what was written"):
        PageReader(db, DAY, crc + by).has(7)


def test_every_other_page_than_was_written_is_damaged(db: sqlite3.Connection) -> None:
    write_list(db, DAY, log({7}))
    (page,) = (bytes(bits) for (bits,) in db.execute("SELECT bits FROM pages"))
    for at in range(0, len(page), 100):
        changed = bytearray(page)
        changed[at] ^= 1
        db.execute("UPDATE pages SET bits = ?", (bytes(changed),))
        with pytest.raises(DamagedError, match="page 0 of the list of 2026-11-22 is not what was written"):
            reader(db).has(7)
