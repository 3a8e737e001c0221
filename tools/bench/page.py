"""Pages of docs whose tables a benchmark writes."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

Row = Sequence[str]


def table(head: Row, rows: Sequence[Row]) -> str:
    """Write a table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def put(document: str, tables: Mapping[str, str]) -> str:
    """Put tables where a document says: between `<!-- NAME -->` and `<!-- /NAME -->`."""
    for name, text in tables.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        document = place.sub(rf"\g<1>{text}\n\g<2>", document)
    return document


def update(page: Path, tables: Mapping[str, str]) -> None:
    """Put tables into a page's file, which is begun if there is none."""
    begun = "\n".join(f"<!-- {name} -->\n<!-- /{name} -->\n" for name in tables)
    page.write_text(put(page.read_text("utf-8") if page.exists() else begun, tables), "utf-8")
