"""A database of the facts for questions of one's own: read-only, locked, and with no more in it than a role may see.

What may be asked is copied into a file of DuckDB's, which is opened again read-only with access to files and to the
network switched off and the settings locked. DuckDB lets a statement write into its folder for temporary files even so,
so only a SELECT is answered, and not for longer than ANSWER_SECONDS. So a query reaches nothing that was not copied.
Roles that see reports get
the reports, and counts by day, with small ones hidden or added to a neighbour. Only roles that see events get events.
"""

import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from movepass_service.decisions.roles import Action, may, require
from movepass_service.statistics import engine
from movepass_service.statistics.asking import Facts, check_days
from movepass_service.statistics.facts import DICTIONARY, FactsError, QuestionError
from movepass_service.statistics.folder import list_days, reading
from movepass_service.statistics.hiding import Hidden, Row, hide_small
from movepass_service.statistics.open.suppression import Group, suppress
from movepass_service.statistics.open.tables import BY_NAME
from movepass_service.statistics.reports import Report, all_reports
from movepass_service.statistics.templates import literal
from movepass_service.stores.store import Officer

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_MAX = 1000
"""Rows of an answer at most; the answer says if there are more."""
QUERY_MAX_CHARS = 10_000
ANSWER_SECONDS = 60.0
"""A query that takes longer is stopped."""
_INSERTED_AT_ONCE = 1000
_LOCKED: engine.Settings = {
    **engine.SETTINGS,
    "enable_external_access": False,
    "python_enable_replacements": False,
    "allow_community_extensions": False,
    "max_temp_directory_size": "2GB",
    "lock_configuration": True,
}
_TYPES = {"count": "BIGINT", "s": "BIGINT", "h": "BIGINT", "%": "DOUBLE", "hour": "INTEGER"}
_TREES = {"by_district": ("from_district", "districts"), "by_reason": ("reason", "reasons")}
"""Tables of counts of a day: by which column, and the tree by which small counts are added to a neighbour."""


@dataclass(frozen=True, slots=True)
class Result:
    """An answer: names of columns, rows, and whether there are more than these."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    has_more: bool


class Shell:
    """Answers queries about what was copied."""

    def __init__(self, db: "DuckDBPyConnection", answer_s: float = ANSWER_SECONDS) -> None:
        """Take what `open_shell` opened, and the seconds that a query may take."""
        self._db = db
        self._answer_s = answer_s

    def ask(self, query: str) -> Result:
        """Answer a query.

        Raises:
            QuestionError: it can't be read, is too long, is more than a SELECT, takes too long, or asks for what there
                is not.
        """
        if len(query) > QUERY_MAX_CHARS:
            raise QuestionError(f"a query has at most {QUERY_MAX_CHARS:,} characters, got {len(query):,}")
        try:
            self._check(query)
            with self._limited():
                self._db.execute(query)
                found = self._db.fetchmany(ROWS_MAX + 1)
        except engine.interrupted() as e:
            raise QuestionError(f"this takes longer than {self._answer_s:.0f} s; ask for less") from e
        except engine.errors() as e:
            raise QuestionError(str(e).splitlines()[0]) from e
        except (OverflowError, MemoryError) as e:
            raise QuestionError("the answer has a value that is too large to be shown") from e
        names = tuple(str(column[0]) for column in self._db.description or ())
        return Result(names, tuple(found[:ROWS_MAX]), len(found) > ROWS_MAX)

    def _check(self, query: str) -> None:
        """Check that a query is one SELECT.

        Raises:
            QuestionError: it is something else.
        """
        statements = self._db.extract_statements(query)
        if len(statements) != 1 or not engine.is_select(statements[0]):
            raise QuestionError("a query is one SELECT (or FROM, WITH, SHOW TABLES, DESCRIBE)")

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Interrupt what runs in the block once it takes too long."""
        timer = threading.Timer(self._answer_s, self._db.interrupt)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


@contextmanager
def open_shell(folder: Path, officer: Officer, *, since: date, until: date) -> Iterator[Shell]:
    """Copy what an officer may ask about some days, and open it until the end of the block.

    Raises:
        ForbiddenError: the officer's role sees no reports.
        MissingExtraError: DuckDB is not installed.
        QuestionError: the days are in the wrong order, too many, or too far away.
        FactsError: the facts can't be read.
    """
    require(officer, Action.SEE_REPORTS)
    check_days(since, until)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".shell-", ignore_cleanup_errors=True) as own:
        path = Path(own) / "facts.duckdb"
        _copy(folder, path, officer.role, since, until)
        with engine.connect(path, {**_LOCKED, "access_mode": "READ_ONLY"}) as db:
            yield Shell(db)


def _copy(folder: Path, path: Path, role: str, since: date, until: date) -> None:
    reports = [report for report in all_reports().values() if may(role, report.action)]
    try:
        with engine.connect(path) as db, reading(folder):
            facts = engine.facts_query(list_days(folder, since, until))
            if may(role, Action.SEE_EVENTS):
                db.execute(f"CREATE TABLE facts AS {facts}")
            db.execute(
                "CREATE TABLE by_hour AS SELECT day, hour, type, outcome, count(*) AS events "  # noqa: S608
                f"FROM ({facts}) GROUP BY ALL ORDER BY ALL"
            )
            for name, (column, tree) in _TREES.items():
                _add_divided(db, name, column, BY_NAME[tree].tree, facts)
            _describe(db, reports)
        with engine.connect(path) as db, Facts.open(folder) as asked:
            for report in reports:
                answer = asked.ask(report.name, since=since, until=until)
                _add_report(db, report, hide_small(answer))
    except engine.errors() as e:
        raise FactsError(f"the facts can't be copied: {str(e).splitlines()[0]}") from e


def _add_divided(db: "DuckDBPyConnection", name: str, column: str, tree: Group, facts: str) -> None:
    """Add the table of what happened on each day, divided as far as each part counts LEAST."""
    query = (
        f"SELECT day, type, outcome, {column}, count(*) FROM ({facts}) "  # noqa: S608
        f"WHERE {column} IS NOT NULL GROUP BY ALL"
    )
    counts: defaultdict[Row, dict[str, int]] = defaultdict(dict)
    for *what, category, count in db.execute(query).fetchall():
        counts[tuple(what)][category] = count
    rows = [
        [*what, group.group.name, group.count]
        for what, by_category in sorted(counts.items(), key=str)
        for group in suppress(tree, by_category)
    ]
    db.execute(f"CREATE TABLE {name} (day VARCHAR, type VARCHAR, outcome VARCHAR, {column} VARCHAR, events BIGINT)")
    _insert(db, name, rows)


def _add_report(db: "DuckDBPyConnection", report: Report, rows: Sequence[Row]) -> None:
    """Add the table of a report; a hidden number is NULL, and is_hidden says so."""
    table = _table_name(report)
    columns = ", ".join(f"{column.name} {_TYPES.get(column.unit, 'VARCHAR')}" for column in report.columns)
    db.execute(f"CREATE TABLE {table} ({columns}, is_hidden BOOLEAN)")
    _insert(db, table, [_plain(row) for row in rows])


def _plain(row: Row) -> list[Any]:
    shown = [None if isinstance(value, Hidden) else value for value in row]
    return [*shown, any(isinstance(value, Hidden) for value in row)]


def _describe(db: "DuckDBPyConnection", reports: Sequence[Report]) -> None:
    """Add the tables that explain the others: dictionary (columns of events) and reports (questions)."""
    db.execute("CREATE TABLE dictionary (column_name VARCHAR, type VARCHAR, means VARCHAR)")
    _insert(db, "dictionary", [[name, one.sql, one.means] for name, one in DICTIONARY.items()])
    db.execute("CREATE TABLE reports (table_name VARCHAR, question VARCHAR)")
    _insert(db, "reports", [[_table_name(one), one.questions["en"]] for one in reports])


def _table_name(report: Report) -> str:
    return report.name.replace("-", "_")


def _insert(db: "DuckDBPyConnection", table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows by few statements: one a row takes a millisecond each."""
    for start in range(0, len(rows), _INSERTED_AT_ONCE):
        written = (", ".join(map(_value, row)) for row in rows[start : start + _INSERTED_AT_ONCE])
        db.execute(f"INSERT INTO {table} VALUES {', '.join(f'({values})' for values in written)}")  # noqa: S608


def _value(value: Any) -> str:
    if value is None:
        return "NULL"
    return literal(value) if isinstance(value, str) else str(value)
