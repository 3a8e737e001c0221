"""What devices counted by hour is in the facts once, however often their exports come."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from movepass_service.statistics import devices, engine
from movepass_service.statistics.collecting import compact
from movepass_service.statistics.devices import Export, ExportError, Imported, Source, import_exports, read_export
from movepass_service.statistics.folder import list_days, reading

NOW = 1795316400  # 2026-11-22T09:00:00+06:00
HEADING = "hour,outcome,verdict,scans,shown_before,let_through,sent_back,called_in\n"
VERDICTS = {"valid": "accept", "forged": "reject", "stale": "cannot-verify"}
POST = Source.read("Gabtoli 7", "Dhaka", "1")
NINE, TEN = "2026-11-21T09:00:00+06:00", "2026-11-21T10:00:00+06:00"
LINE = (
    f'{{"hour": "{NINE}", "outcome": "accept", "verdict": "valid", "scans": 12, "shown_before": 2, '
    '"let_through": 0, "sent_back": 0, "called_in": 0}\n'
)


def export(*rows: str, source: Source = POST) -> Export:
    return read_export((HEADING + "".join(f"{row}\n" for row in rows)).encode(), source, VERDICTS, NOW)


def counted(folder: Path) -> list[tuple[Any, ...]]:
    columns = "day, hour, post, district, verdict, scans, shown_before, let_through, sent_back, called_in"
    with reading(folder), engine.connect() as db:
        query = engine.facts_query(list_days(folder))
        return db.execute(f"SELECT {columns} FROM ({query}) WHERE type = 'counted' ORDER BY ALL").fetchall()


def test_an_export_counts_once_and_grows(tmp_path: Path) -> None:
    first = export(f"{NINE},accept,valid,12,2,0,0,0", f"{NINE},cannot-verify,stale,3,0,1,1,0")
    assert import_exports(tmp_path, [first], POST) == Imported(2, 2, 0)
    assert import_exports(tmp_path, [first], POST) == Imported(2, 0, 0)
    later = export(
        f"{NINE},accept,valid,15,3,0,0,0", f"{NINE},cannot-verify,stale,3,0,1,1,1", f"{TEN},reject,forged,1,0,0,0,0"
    )
    assert import_exports(tmp_path, [first, later, later], POST) == Imported(3, 3, 0)
    compact(tmp_path, NOW)
    assert import_exports(tmp_path, [first], POST) == Imported(2, 0, 0), "what is older changes nothing"
    where = ("Gabtoli 7", "dhaka")
    assert counted(tmp_path) == [
        ("2026-11-21", 9, *where, "stale", 3, 0, 1, 1, 1),
        ("2026-11-21", 9, *where, "valid", 15, 3, 0, 0, 0),
        ("2026-11-21", 10, *where, "forged", 1, 0, 0, 0, 0),
    ]


def test_two_devices_of_a_post_add_up_and_are_not_taken_for_one(tmp_path: Path) -> None:
    other = Source.read("Gabtoli 7", "dhaka", "spare")
    rows = f"{NINE},accept,valid,12,0,0,0,0", f"{TEN},accept,valid,5,0,0,0,0"
    theirs = f"{NINE},accept,valid,9,0,0,0,0", f"{TEN},accept,valid,7,0,0,0,0"
    import_exports(tmp_path, [export(*rows)], POST)
    with pytest.raises(ExportError, match="another device"):
        import_exports(tmp_path, [export(*theirs)], POST)
    with pytest.raises(ExportError, match="another device"):
        import_exports(tmp_path / "new", [export(*rows), export(*theirs)], POST)
    import_exports(tmp_path, [export(*theirs, source=other)], other)
    assert sum(row[5] for row in counted(tmp_path)) == 12 + 5 + 9 + 7
    for moved in (rows, (f"{NINE.replace('-21T', '-20T')},accept,valid,1,0,0,0,0",)):
        with pytest.raises(ExportError, match="was in dhaka"):
            import_exports(tmp_path, [export(*moved)], Source.read("Gabtoli 7", "bogura", "1"))


def test_json_lines_say_the_same_as_csv() -> None:
    assert read_export(LINE.encode(), POST, VERDICTS, NOW) == export(f"{NINE},accept,valid,12,2,0,0,0")
    assert export() == Export((), 0)


def test_hours_to_come_are_left_out(tmp_path: Path) -> None:
    read = export(
        "2026-11-22T10:00:00+06:00,accept,valid,1,0,0,0,0", "2026-11-23T10:00:00+06:00,accept,valid,9,0,0,0,0"
    )
    assert import_exports(tmp_path, [read], POST) == Imported(1, 1, 1)
    assert [row[:2] for row in counted(tmp_path)] == [("2026-11-22", 10)]


WRONG: Mapping[str, tuple[str, str]] = {
    "heading": ("hour,verdict\n", "line 1: expected the heading hour,outcome"),
    "nothing": ("", "line 1: expected the heading"),
    "row": (HEADING + f"{NINE},accept,valid,1\n", "line 2: expected 8 values, got 4"),
    "hour": (HEADING + "yesterday,accept,valid,1,0,0,0,0\n", "line 2: expected a time with its zone"),
    "minute": (HEADING + "2026-11-21T09:30:00+06:00,accept,valid,1,0,0,0,0\n", "line 2: hour: expected the beginning"),
    "verdict": (HEADING + f"{NINE},accept,good,1,0,0,0,0\n", "line 2: verdict: expected one of valid, forged, stale"),
    "outcome": (HEADING + f"{NINE},accept,forged,1,0,0,0,0\n", "line 2: outcome: forged is reject, got 'accept'"),
    "negative": (HEADING + f"{NINE},accept,valid,-1,0,0,0,0\n", "line 2: scans: expected a number"),
    "huge": (HEADING + f"{NINE},accept,valid,{10**9},0,0,0,0\n", "line 2: scans: expected a number up to 1,000,000"),
    "more": (HEADING + f"{NINE},accept,valid,1,2,0,0,0\n", "line 2: more passes were shown before"),
    "none": (HEADING + f"{NINE},accept,valid,0,0,0,0,0\n", "line 2: more passes were shown before"),
    "twice": (HEADING + f"{NINE},accept,valid,1,0,0,0,0\n" * 2, "line 3: this hour and verdict came before"),
    "quote": (HEADING + f'{NINE},accept,"valid,1,0,0,0,0\n', "line 2"),
    "json": ("{]\n", "line 1: no JSON"),
    "deep": ("{" * 100_000, "line 1: no JSON"),
    "keys": ('{"hour": 1}\n', "line 1: expected an object with hour"),
    "types": (LINE.replace("12", "true"), "line 1: scans: expected a number"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_what_no_device_wrote_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ExportError) as raised:
        read_export(text.encode(), POST, VERDICTS, NOW)
    assert str(raised.value).startswith(message)


def test_bounds_and_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ExportError, match="bytes that are no text"):
        read_export(b"\xff\xfe", POST, VERDICTS, NOW)
    monkeypatch.setattr(devices, "ROWS_MAX", 1)
    with pytest.raises(ExportError, match="at most 1 rows, got 2"):
        export(f"{NINE},accept,valid,1,0,0,0,0", f"{TEN},accept,valid,1,0,0,0,0")
    monkeypatch.setattr(devices, "EXPORT_MAX_BYTES", 10)
    with pytest.raises(ExportError, match="at most 10 bytes"):
        export()
    for post, district, device in (("", "dhaka", "1"), ("x" * 41, "dhaka", "1"), ("7\x07", "dhaka", "1")):
        with pytest.raises(ExportError, match="1 to 40 printable"):
            Source.read(post, district, device)
    with pytest.raises(ExportError, match="one of the 64 districts"):
        Source.read("7", "Paris", "1")


def days(rows: Iterable[tuple[Any, ...]]) -> set[str]:
    return {str(row[0]) for row in rows}


def test_an_hour_belongs_to_its_day_in_dhaka(tmp_path: Path) -> None:
    midnight = "2026-11-20T18:00:00+00:00"
    import_exports(tmp_path, [export(f"{midnight},accept,valid,1,0,0,0,0")], POST)
    assert days(counted(tmp_path)) == {(date(2026, 11, 20) + timedelta(days=1)).isoformat()}
