"""The shell: what each role finds in it, and that a query reaches nothing else."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.month_of_facts import FIRST, write_month

from movepass_service.decisions.roles import ForbiddenError
from movepass_service.statistics import engine
from movepass_service.statistics.facts import DICTIONARY, QuestionError
from movepass_service.statistics.open.suppression import LEAST
from movepass_service.statistics.reports import all_reports
from movepass_service.statistics.shell import QUERY_MAX_CHARS, ROWS_MAX, Shell, open_shell
from movepass_service.stores.store import Officer

UNTIL = FIRST + timedelta(days=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("duckdb")
    folder = tmp_path_factory.mktemp("statistics")
    write_month(folder, 1500, days=3, posts=0.02)
    return folder


def opened(folder: Path, role: str) -> Iterator[Shell]:
    with open_shell(folder, Officer("Rumana Islam", role), since=FIRST, until=UNTIL) as shell:
        yield shell


@pytest.fixture(scope="module")
def manager(folder: Path) -> Iterator[Shell]:
    yield from opened(folder, "manager")


@pytest.fixture(scope="module")
def auditor(folder: Path) -> Iterator[Shell]:
    yield from opened(folder, "auditor")


def tables(shell: Shell) -> set[str]:
    return {row[0] for row in shell.ask("SHOW TABLES").rows}


def test_a_manager_finds_reports_and_counts_and_no_events(manager: Shell) -> None:
    reports = {name.replace("-", "_") for name in all_reports()}
    assert tables(manager) == reports | {"by_hour", "by_district", "by_reason", "dictionary", "reports"}
    assert {row[0] for row in manager.ask("SELECT column_name FROM dictionary").rows} == set(DICTIONARY)
    with pytest.raises(QuestionError, match="facts"):
        manager.ask("FROM facts")


def test_an_auditor_finds_events_too(auditor: Shell) -> None:
    assert auditor.ask("SELECT count(*) FROM facts WHERE type = 'applied'").rows == ((1500,),)
    found = auditor.ask("FROM facts")
    assert (found.columns, len(found.rows), found.has_more) == (tuple(DICTIONARY), ROWS_MAX, True)


def test_a_rule_author_finds_nothing_about_officers_and_an_officer_nothing_at_all(folder: Path) -> None:
    for shell in opened(folder, "rule-author"):
        assert "refusals_by_rule" in tables(shell)
        assert "officers_load" not in tables(shell)
    with pytest.raises(ForbiddenError):
        next(opened(folder, "officer"))


def test_small_counts_are_hidden_or_in_a_group(manager: Shell, auditor: Shell) -> None:
    rows = manager.ask("SELECT day, type, outcome, from_district, events FROM by_district").rows
    assert rows
    assert min(row[-1] for row in rows) >= LEAST
    assert any("+" in row[3] for row in rows)
    by_day = "SELECT sum(events) FROM by_district WHERE type = 'applied'"
    assert manager.ask(by_day).rows == ((1500,),)
    hidden = manager.ask("SELECT * FROM applications_by_district WHERE is_hidden").rows
    assert hidden
    counts = [value for row in hidden for value in row[1:-1] if value]
    assert min(counts, default=LEAST) >= LEAST
    few = (
        "SELECT count(*) FROM (SELECT from_district FROM facts WHERE type = 'applied' GROUP BY 1 HAVING count(*) < 10)"
    )
    assert auditor.ask(few).rows[0][0] > 0


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{file}')", "SELECT * FROM read_text('{file}')", "FROM read_blob('{file}')",
        "FROM '{file}'", "FROM glob('{folder}/*')", "FROM read_parquet('{folder}/facts/*/*.parquet')",
        "FROM parquet_metadata('{day}')", "COPY by_hour TO '{new}'", "EXPORT DATABASE '{new}'",
        "IMPORT DATABASE '{folder}'", "ATTACH '{new}'", "ATTACH ':memory:' AS other", "INSTALL httpfs", "LOAD httpfs",
        "LOAD '{file}'", "FROM 'https://example.org/x.csv'",
        "CALL enable_logging(storage = 'file', storage_path = '{new}')",
        "SET enable_external_access = true", "SET lock_configuration = false", "RESET enable_external_access",
        "SET memory_limit = '10GB'", "SET threads = 64", "SET temp_directory = '{new}'",
        "PRAGMA profiling_output = '{new}'",
        "CREATE SECRET s (TYPE s3)", "INSERT INTO by_hour SELECT * FROM by_hour", "DELETE FROM by_hour",
        "CREATE TABLE own (a INTEGER)", "CREATE VIEW own AS FROM by_hour", "DROP TABLE by_hour", "FROM visible_here",
        "COPY by_hour TO '{new}' (FORMAT csv)", "ATTACH '{new}' (READ_WRITE)", "CREATE TEMP TABLE by_hour AS SELECT 1",
        "EXPLAIN ANALYZE COPY by_hour TO '{new}'", "SET VARIABLE a = 1", "BEGIN", "SELECT 1; SELECT 2", "",
        "SELECT INTERVAL '2147483647 months'",
        "SELECT getenv('HOME')", "not a query", "SELECT 1" + " " * QUERY_MAX_CHARS,
    ],
)  # fmt: skip
def test_a_query_reaches_nothing_else(auditor: Shell, folder: Path, tmp_path: Path, query: str) -> None:
    visible_here = {"a": 1}
    file, new = tmp_path / "secret.csv", tmp_path / "new"
    file.write_text("a,b\n1,2\n")
    day = next(folder.glob("facts/*/*.parquet"))
    with pytest.raises(QuestionError) as raised:
        auditor.ask(query.format(file=file, folder=folder, new=new, day=day))
    assert "\n" not in str(raised.value)
    assert not new.exists()
    assert visible_here
    assert auditor.ask("SELECT count(*) > 0 FROM by_hour").rows == ((True,),)
    assert date.fromisoformat(auditor.ask("SELECT min(day) FROM by_hour").rows[0][0]) == FIRST


@pytest.mark.parametrize("query", ["COPY by_hour TO '{spilled}/x.csv'", "ATTACH '{spilled}/x.db' AS own (READ_WRITE)"])
def test_a_query_writes_nothing_where_duckdb_spills(manager: Shell, folder: Path, query: str) -> None:
    own = next(path for path in folder.glob(".shell-*/facts.duckdb") if str(path) in own_file(manager))
    spilled = own.with_name("facts.duckdb.tmp")
    spilled.mkdir()
    try:
        with pytest.raises(QuestionError):
            manager.ask(query.format(spilled=spilled))
        assert list(spilled.iterdir()) == []
    finally:
        for path in spilled.iterdir():
            path.unlink()
        spilled.rmdir()


def own_file(shell: Shell) -> str:
    return str(shell.ask("SELECT path FROM duckdb_databases() WHERE database_name = 'facts'").rows)


def test_a_query_that_takes_too_long_is_stopped_and_the_next_is_answered() -> None:
    with engine.connect() as db:
        shell = Shell(db, answer_s=0.2)
        with pytest.raises(QuestionError, match="longer than"):
            shell.ask("SELECT count(*) FROM range(100000000000) AS a, range(100000000) AS b")
        assert shell.ask("SELECT 1").rows == ((1,),)
