"""DuckDB, as the facts are read and compacted with it: in memory, with bounds, and without what it would download."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from movepass_service.statistics.facts import DICTIONARY, SCHEMA_VERSION, FactsError
from movepass_service.statistics.folder import DayFiles
from movepass_service.statistics.templates import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VERSION_KEY, REBUILT_KEY = "movepass_facts", "movepass_rebuilt"
"""Keys of what each file says of itself."""
Settings = dict[str, str | bool | int | float | list[str]]
SETTINGS: Settings = {
    "threads": 2,
    "memory_limit": "400MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


class MissingExtraError(FactsError):
    """The optional packages for statistics are not installed."""


def connect(path: Path | None = None, settings: Settings = SETTINGS) -> "DuckDBPyConnection":
    """Open a database in a file, or without one an empty database in memory.

    Raises:
        MissingExtraError: DuckDB is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415 - the service runs without the statistics extra
    except ImportError as e:
        raise MissingExtraError("reports need DuckDB: pip install 'movepass[statistics]'") from e
    return duckdb.connect(path or ":memory:", config=settings)


def errors() -> type[Exception]:
    """Return the root of DuckDB's errors."""
    import duckdb  # noqa: PLC0415

    return duckdb.Error


def interrupted() -> type[Exception]:
    """Return the error of a query that was interrupted."""
    import duckdb  # noqa: PLC0415

    return duckdb.InterruptException


def is_select(statement: Any) -> bool:
    """Return whether a statement only reads."""
    import duckdb  # noqa: PLC0415

    return bool(statement.type == duckdb.StatementType.SELECT)


def facts_query(days: Sequence[DayFiles]) -> str:
    """Write a query for the facts of some days, each event once.

    Compacted files hold each event once. Parts may repeat each other and what is compacted, so of a day that has parts
    the parts' events replace the same ones of its file, unless these are of a later revision.
    """
    whole = [one.compacted for one in days if one.compacted and not one.parts]
    mixed = [one.compacted for one in days if one.compacted and one.parts]
    parts = [part for one in days for part in one.parts]
    queries = [_compacted(whole)] if whole else []
    if parts:
        queries.append(_newest(" UNION ALL ".join([_parts(parts), *([_compacted(mixed)] if mixed else [])])))
    return " UNION ALL ".join(queries) or _nothing()


def file_notes(db: "DuckDBPyConnection", path: Path) -> dict[str, str]:
    """Return what a compacted file says of itself.

    Raises:
        FactsError: it is damaged, or of a version that this software does not know.
    """
    try:
        found = db.execute(f"SELECT key, value FROM parquet_kv_metadata({literal(str(path))})").fetchall()  # noqa: S608
    except errors() as e:
        raise FactsError(f"{path} can't be read; restore it from a copy") from e
    notes = {_text(key): _text(value) for key, value in found}
    version = notes.get(VERSION_KEY)
    if version != str(SCHEMA_VERSION):
        raise FactsError(f"{path} has facts of version {version}; this software reads {SCHEMA_VERSION}")
    return notes


def columns(*, but: str = "") -> str:
    """Write the names of all columns."""
    return ", ".join(name for name in DICTIONARY if name != but)


def _compacted(paths: Sequence[Path]) -> str:
    return f"SELECT {columns()} FROM read_parquet({_list(paths)}, hive_partitioning = true, hive_types = {{'day': VARCHAR}})"  # noqa: E501, S608


def _parts(paths: Sequence[Path]) -> str:
    types = ", ".join(f"{literal(name)}: {literal(entry.sql)}" for name, entry in DICTIONARY.items())
    how = f"format = 'newline_delimited', hive_partitioning = false, columns = {{{types}}}"
    return f"SELECT {columns()} FROM read_json({_list(paths)}, {how})"  # noqa: S608


def _newest(query: str) -> str:
    """Keep one row an event: of the highest revision, and sooner one that was not rebuilt."""
    order = "ORDER BY revision DESC, coalesce(is_rebuilt, false)"
    return f"SELECT {columns()} FROM ({query}) QUALIFY row_number() OVER (PARTITION BY day, type, event {order}) = 1"  # noqa: S608


def _nothing() -> str:
    return "SELECT " + ", ".join(f"CAST(NULL AS {one.sql}) AS {name}" for name, one in DICTIONARY.items()) + " LIMIT 0"


def _list(paths: Sequence[Path]) -> str:
    return f"[{', '.join(literal(str(path)) for path in paths)}]"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
