"""Count the fixed tables' categories of a day in the facts.

An application and its pass are two facts that nothing joins, on purpose. So a pass is counted with the day on which its
application came, which follows from when it was issued and how long that took, to half a minute. Of one reason and one
district no more passes are counted than applications, so that all tables divide the same applications.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from movepass_service.statistics import engine
from movepass_service.statistics.asking import complete_until
from movepass_service.statistics.facts import APPLIED, COUNTED, DECIDED, ISSUED, FactsError
from movepass_service.statistics.folder import list_days, reading
from movepass_service.statistics.open.days import ByResult
from movepass_service.statistics.open.tables import (
    ALL,
    BY_NAME,
    LONGER,
    NOT_PASSED,
    NOT_RULES,
    OTHER,
    PASSED,
    RULES,
    Table,
    leaf_of,
    wait_leaf,
)  # fmt: skip

RESULT_DAYS = 4
"""Days after an application's on which its pass may be issued."""
_UNKNOWN_DISTRICT = BY_NAME["districts"].tree.leaves[0]
_CAME_DAY = (
    "CAST(floor((date_diff('day', DATE '1970-01-01', CAST(day AS DATE)) * 86400 + hour * 3600 + minute * 60 + 30 "
    "- coalesce(waited_s, 0)) / 86400.0) AS INTEGER)"
)
_APPLIED = f"SELECT reason, from_district, count(*) FROM facts WHERE type = '{APPLIED}' AND day = ? GROUP BY ALL"  # noqa: S608 - names of this module
_ISSUED = (
    f"SELECT reason, from_district, waited_s, count(*) FROM facts WHERE type = '{ISSUED}' "  # noqa: S608
    f"AND coalesce(correction, 0) = 0 AND {_CAME_DAY} = ? GROUP BY ALL ORDER BY ALL"
)
_DECIDED = (
    f"SELECT count(*) FROM facts WHERE type = '{DECIDED}' AND decided_by = 'rules' "  # noqa: S608
    f"AND outcome IN ('approve', 'reject') AND coalesce(correction, 0) = 0 AND {_CAME_DAY} = ?"
)
_SCANNED = (
    f"SELECT verdict, sum(scans), sum(coalesce(shown_before, 0)) FROM facts WHERE type = '{COUNTED}' "  # noqa: S608
    "AND day = ? GROUP BY ALL"
)
_NOT_NOW = ("expired", "not-yet-valid")


class FactsCounts:
    """Exact counts of the facts in a folder, for the open statistics."""

    def __init__(self, folder: Path) -> None:
        """Take the folder of the facts.

        Raises:
            MissingExtraError: DuckDB is not installed.
        """
        self._folder = folder
        self._db = engine.connect()
        self._counted = lru_cache(maxsize=8)(self._count_day)

    def first_day(self) -> date | None:
        """Return the first day with a fact, or None while there is none."""
        days = list_days(self._folder)
        return date.fromisoformat(days[0].day) if days else None

    def complete_until(self) -> int:
        """Return until when all events are counted, seconds since 1970 UTC; 0 where nobody knows."""
        return complete_until(self._folder) or 0

    def count(self, table: Table, day: date) -> ByResult:
        """Count a day by result and category.

        Raises:
            FactsError: the facts can't be read.
        """
        return self._counted(day).get(table.name, {})

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def _count_day(self, day: date) -> Mapping[str, ByResult]:
        number = (day - date(1970, 1, 1)).days
        cursor = self._db.cursor()
        try:
            with reading(self._folder):
                days = list_days(self._folder, day, day + timedelta(days=RESULT_DAYS))
                cursor.execute(f"CREATE TEMP VIEW facts AS {engine.facts_query(days)}")
                applied = cursor.execute(_APPLIED, [day.isoformat()]).fetchall()
                issued = cursor.execute(_ISSUED, [number]).fetchall()
                ((by_rules,),) = cursor.execute(_DECIDED, [number]).fetchall()
                scanned = cursor.execute(_SCANNED, [day.isoformat()]).fetchall()
        except engine.errors() as e:
            raise FactsError(f"the facts can't be read: {str(e).splitlines()[0]}") from e
        finally:
            cursor.close()
        return {**divide_applications(applied, issued, by_rules), "verdicts": {ALL: divide_scans(scanned)}}


def divide_applications(
    applied: list[tuple[Any, ...]], issued: list[tuple[Any, ...]], by_rules: int
) -> dict[str, dict[str, Counter[str]]]:
    """Divide a day's applications by each table.

    Args:
        applied: reason, district and how many.
        issued: reason, district, seconds from the application to the pass, and how many.
        by_rules: how many the rules decided by themselves.
    """
    names = ("reasons", "districts", "deciders", "waits")
    made: dict[str, dict[str, Counter[str]]] = {name: {PASSED: Counter(), NOT_PASSED: Counter()} for name in names}
    room: Counter[tuple[str, str]] = Counter()
    for reason, district, count in applied:
        room[_place(reason, district)] += count
    for reason, district, waited_s, count in issued:
        place = _place(reason, district)
        counted = min(count, room[place])
        room[place] -= counted
        _add(made, PASSED, place, counted)
        made["waits"][PASSED][LONGER if waited_s is None else wait_leaf(waited_s)] += counted
    for place, count in room.items():
        _add(made, NOT_PASSED, place, count)
    made["waits"][NOT_PASSED][ALL] = sum(room.values())
    total = sum(count for _, _, count in applied)
    by_rules = min(by_rules, total)
    made["deciders"] = {ALL: Counter({RULES: by_rules, NOT_RULES: total - by_rules})}
    return made


def divide_scans(scanned: list[tuple[Any, ...]]) -> Counter[str]:
    """Divide a day's scans by verdict: verdict, how many, and how many of them the device had been shown before."""
    made: Counter[str] = Counter()
    for verdict, scans, before in scanned:
        before = min(before, scans) if verdict == "valid" else 0  # noqa: PLW2901
        leaf = "not-now" if verdict in _NOT_NOW else leaf_of(BY_NAME["verdicts"], verdict or OTHER)
        made[leaf] += scans - before
        made["shown-before"] += before
    return made


def _place(reason: str | None, district: str | None) -> tuple[str, str]:
    known = district if district in BY_NAME["districts"].tree.leaves else _UNKNOWN_DISTRICT
    return leaf_of(BY_NAME["reasons"], reason or OTHER), known


def _add(made: dict[str, dict[str, Counter[str]]], result: str, place: tuple[str, str], count: int) -> None:
    made["reasons"][result][place[0]] += count
    made["districts"][result][place[1]] += count
