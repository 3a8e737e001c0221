"""Look up districts, identity papers and reasons in tables whose numbers never change (codes.json).

District numbers are those of ISO 3166-2:BD. A number is never reused; new rows go to the end.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from movepass_wire.text import normalise


class Code(NamedTuple):
    """One row: the number on the wire, the key in JSON, the names people read, by language."""

    number: int
    key: str
    names: Mapping[str, str]

    def name(self, language: str) -> str:
        """Return the name in a language ("bn"), or in English if that language has no name for it."""
        return self.names.get(language) or self.names["en"]


class Table:
    """A table whose rows are found by number, key or name."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        codes = [_code(**row) for row in rows]
        self.by_number = {code.number: code for code in codes}
        self.by_key = {code.key: code for code in codes}
        self._by_name = {name.casefold(): code for code in codes for name in (code.key, *code.names.values())}

    def find(self, name: str | int) -> Code | None:
        """Find a row by number, key, or name in any language, ignoring case and surrounding white space."""
        if isinstance(name, int):
            return self.by_number.get(name)
        name = normalise(name)
        if name.isascii() and name.isdigit():
            return self.by_number.get(int(name)) if len(name) <= len("64") else None
        return self._by_name.get(name.casefold())

    def key(self, number: int) -> str | int:
        """Return the key of a number, or the number itself if the row is newer than this software."""
        code = self.by_number.get(number)
        return code.key if code else number


def _code(code: int, key: str, **names: str) -> Code:
    return Code(code, key, names)


_tables = json.loads(Path(__file__).with_name("codes.json").read_text("utf-8"))

DISTRICTS = Table(_tables["districts"])
ID_TYPES = Table(_tables["id_types"])
REASONS = Table(_tables["reasons"])
