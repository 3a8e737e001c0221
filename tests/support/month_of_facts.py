"""A seeded month of facts, as large as asked for: `PYTHONPATH=tests python -m support.month_of_facts FOLDER [MANY]`.

The files are written as compaction writes them. The same seed gives the same facts.
"""

import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb

from movepass_service.statistics import engine
from movepass_service.statistics.facts import DICTIONARY, SCHEMA_VERSION
from movepass_service.statistics.folder import day_path, list_days
from movepass_service.statistics.templates import literal
from movepass_wire.codes import DISTRICTS, REASONS

FIRST = date(2021, 4, 1)
DAYS = 30
MANY = 3_000_000
_BY_HOUR = (1, 1, 1, 1, 2, 4, 8, 12, 14, 12, 10, 8, 6, 6, 7, 8, 9, 8, 6, 5, 4, 3, 2, 1)
_SECONDS, _DHAKA = 86400, 21600
_AT = list(DISTRICTS.by_key).index("dhaka")
_DISTRICTS = [*list(DISTRICTS.by_key)[_AT:], *list(DISTRICTS.by_key)[:_AT]]
"""The first ones have most trips."""
_SQL = Path(__file__).with_suffix(".sql")


def write_month(
    folder: Path, many: int, *, first: date = FIRST, days: int = DAYS, until: int | None = None, seed: int = 19,
    posts: float = 0.7,
) -> None:  # fmt: skip
    """Write the facts of some days.

    Args:
        folder: of the facts.
        many: applications.
        first: the first day.
        days: over which they come.
        until: when the last thing happened, seconds since 1970 UTC; without it at the end of the last day.
        seed: of all chances.
        posts: of the hours, the share in which a post's device has each verdict.
    """
    begin = (first - date(1970, 1, 1)).days * _SECONDS
    end = begin + days * _SECONDS if until is None else until + _DHAKA
    values = {
        "first": begin, "many": many, "days": days, "seed": seed, "posts": posts,
        "hours": [hour for hour, weight in enumerate(_BY_HOUR) for _ in range(weight)],
        "reasons": [*REASONS.by_key, "other"], "districts": _DISTRICTS,
    }  # fmt: skip
    with duckdb.connect(config={"threads": 2}) as db:
        for statement in _SQL.read_text("utf-8").format_map(values).split(";\n"):
            if statement.strip():
                db.execute(statement)
        names = {row[0] for row in db.execute("DESCRIBE events").fetchall()}
        columns = [(name, entry.sql) for name, entry in DICTIONARY.items() if name != "day"]
        chosen = ", ".join(f"CAST({_value(name, names)} AS {sql}) AS {name}" for name, sql in columns)
        notes = f"{{{engine.VERSION_KEY}: {literal(str(SCHEMA_VERSION))}}}"
        for day in range(days):
            start = begin + day * _SECONDS
            path = day_path(folder, (first + timedelta(days=day)).isoformat())
            path.parent.mkdir(parents=True, exist_ok=True)
            those = f"happens >= {start} AND happens < {min(start + _SECONDS, end)}"
            query = f"SELECT {chosen} FROM events WHERE {those} ORDER BY type, event"
            db.execute(f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet, KV_METADATA {notes})")


def _value(name: str, names: set[str]) -> str:
    if name == "hour":
        return "happens // 3600 % 24"
    if name == "minute":
        return "happens // 60 % 60"
    if name == "revision":
        return "coalesce(revision, 0)"
    return name if name in names else "NULL"


if __name__ == "__main__":
    out = Path(sys.argv[1])
    write_month(out, int(sys.argv[2]) if len(sys.argv) > 2 else MANY)
    sizes = [one.compacted.stat().st_size for one in list_days(out) if one.compacted]
    print(f"{len(sizes)} days, {sum(sizes):,} bytes, {max(sizes):,} at most a day")
