"""Reads a decision table from TOML: every value typed, every fault found at once, each with its place."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from movepass_service.errors import ServiceError
from movepass_service.rules.columns import COLUMNS, Column, Condition
from movepass_wire.codes import DISTRICTS
from movepass_wire.text import normalise

LANGUAGES = ("bn", "en")
RULES_MAX_BYTES = 1 << 20
ROWS_MAX = 200
TEXT_MAX_CHARS = 500
OWN_CODES = ("missing-input", "no-rule")
"""Reason codes that the engine gives by itself; a table can't use them."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,38}[a-z0-9])?")
_JOINERS = {0x200C: None, 0x200D: None}
"""ZWNJ and ZWJ, which Bangla is written with."""
_EPOCH = date(1970, 1, 1).toordinal()
_HEADER = re.compile(r"^\s*\[\[\s*(\w+)\s*\]\]", re.MULTILINE)
_TOP = ("version", "owner", "from", "until", "texts", "row", "closure")
_ROW = ("id", "when", "decision", "code", "from", "until", "owner")
_CLOSURE = ("district", "from", "until")


class Action(StrEnum):
    """The decision of a row."""

    APPROVE = "approve"
    REJECT = "reject"
    REFER = "refer"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a file of rules."""

    where: str
    """A line, a row or a text."""
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class RuleTableError(ServiceError):
    """A file that is no decision table; says everything that is wrong with it."""

    is_input = True

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(map(str, self.faults)))


@dataclass(frozen=True, slots=True)
class Row:
    """One rule: what it accepts, what it then decides and why, when it holds and who answers for it."""

    id: str
    when: Mapping[str, Condition]
    """A condition for each column that it looks at."""
    action: Action
    code: str
    """Names its text."""
    first_day: int
    last_day: int | None
    """None: until it is replaced."""
    owner: str

    def holds_on(self, day: int) -> bool:
        """Return whether it is in force on a day."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True, slots=True)
class Closure:
    """A district that is closed from one day to another."""

    district: str
    first_day: int
    last_day: int


@dataclass(frozen=True, slots=True)
class Table:
    """A whole decision table, as its author wrote it."""

    version: str
    owner: str
    first_day: int
    last_day: int | None
    rows: tuple[Row, ...]
    texts: Mapping[str, Mapping[str, str]]
    """What an applicant reads, by code and language."""
    closures: tuple[Closure, ...]
    source: str = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        return sha256(self.source.encode()).hexdigest()


def read_table(source: str) -> Table:
    """Read a decision table.

    Raises:
        RuleTableError: with every fault of the file, or with the one that made it no TOML.
    """
    try:
        if len(source.encode()) > RULES_MAX_BYTES:
            raise RuleTableError([Fault("file", f"larger than {RULES_MAX_BYTES:,} bytes; make it shorter")])
        document = tomllib.loads(source)
    except tomllib.TOMLDecodeError as e:
        raise RuleTableError([Fault("file", f"not TOML: {e}; often a quote, a comma or a bracket is missing")]) from e
    except (RecursionError, UnicodeEncodeError) as e:
        raise RuleTableError([Fault("file", "not TOML: brackets inside brackets, or text that is no text")]) from e
    except ValueError as e:  # which tomllib lets through
        raise RuleTableError([Fault("file", "a number has thousands of digits; write one that a rule can use")]) from e
    reader = _Reader(source)
    table = reader.read_document(document)
    if reader.faults or table is None:
        raise RuleTableError(reader.faults)
    return table


class _Reader:
    """Collects the faults of one file while it reads it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.faults: list[Fault] = []

    def add_fault(self, where: str, message: str) -> None:
        self.faults.append(Fault(where, message))

    def read_document(self, document: dict[str, Any]) -> Table | None:
        where = "top"
        self.check_keys(where, document, _TOP)
        version = self.read_name(where, document, "version")
        owner = self.read_line(where, document, "owner")
        first, last = self.read_days(where, document, None)
        texts = self.read_texts(document.get("texts"))
        rows = self.read_rows(document.get("row"), texts, (first, last, owner))
        closures = self.read_closures(document.get("closure", []))
        if self.faults:
            return None
        return Table(version, owner, first, last, tuple(rows), texts, tuple(closures), self.source)

    def read_rows(
        self, value: object, texts: Mapping[str, object], inherited: tuple[int, int | None, str]
    ) -> list[Row]:
        tables = [(_named(place, item), item) for place, item in self.find_tables("row", value)]
        if not tables:
            self.add_fault("top", "no rows; write at least one [[row]]")
        if len(tables) > ROWS_MAX:
            self.add_fault("top", f"{len(tables)} rows; at most {ROWS_MAX} can be checked")
            return []
        rows = [self.read_row(where, item, inherited) for where, item in tables]
        seen: dict[str, str] = {}
        for (where, _), row in zip(tables, rows, strict=True):
            if row.id and row.id in seen:
                self.add_fault(where, f"the id {row.id!r} is also that of {seen[row.id]}; give each row its own")
            seen.setdefault(row.id, where)
            if row.code and row.code not in texts:
                self.add_fault(
                    where, f"no text for the code {row.code!r}{_meant(row.code, texts)}; write [texts.{row.code}]"
                )
        return rows

    def read_row(self, where: str, item: dict[str, Any], inherited: tuple[int, int | None, str]) -> Row:
        first, last, owner = inherited
        self.check_keys(where, item, _ROW)
        if "from" in item or "until" in item:
            first, last = self.read_days(where, item, (first, last))
        return Row(
            id=self.read_name(where, item, "id"),
            when=self.read_when(where, item.get("when")),
            action=self.read_action(where, item.get("decision")),
            code=self.read_code(where, item),
            first_day=first,
            last_day=last,
            owner=self.read_line(where, item, "owner") if "owner" in item else owner,
        )

    def read_when(self, where: str, value: object) -> dict[str, Condition]:
        if not isinstance(value, dict):
            said = "is missing" if value is None else f"is {_shown(value)}"
            self.add_fault(
                where, f'when {said}; write when = {{ reason = ["medical"] }}, or when = {{}} for every case'
            )
            return {}
        found = {}
        for name, given in value.items():
            column = COLUMNS.get(name)
            if column is None:
                self.add_fault(
                    where, f"no column {name[:40]!r}{_meant(name, COLUMNS)}; the columns are {', '.join(COLUMNS)}"
                )
                continue
            condition = self.read_condition(f"{where}, {name}", column, given)
            if condition is not None:
                found[name] = condition
        return found

    def read_condition(self, where: str, column: Column, given: object) -> Condition | None:
        if isinstance(column.domain, range):
            return self.read_numbers(where, column.domain, given)
        if column.is_flag:
            if not isinstance(given, bool):
                self.add_fault(where, f"expected true or false, got {_shown(given)}")
                return None
            return frozenset([given])
        return self.read_choice(where, column, given)

    def read_choice(self, where: str, column: Column, given: object) -> Condition | None:
        excluding = isinstance(given, dict)
        if isinstance(given, dict):
            self.check_keys(where, given, ("except",))
            given = given.get("except")
        names = [given] if isinstance(given, str) else given
        if not isinstance(names, list) or not names:
            self.add_fault(
                where, f'expected words like ["{column.domain[0]}"] or {{ except = [...] }}, got {_shown(given)}'
            )
            return None
        values = {self.read_word(where, column, name) for name in names}
        known: frozenset[str | bool] = frozenset(value for value in values if value is not None)
        accepted = known if not excluding else frozenset(column.words) - known
        if not accepted and len(known) == len(values):
            self.add_fault(where, "nothing is left; leave the row out")
        return accepted

    def read_word(self, where: str, column: Column, given: object) -> str | None:
        name = normalise(given).casefold() if isinstance(given, str) else ""
        if name in column.domain:
            return name
        if column.name.endswith("_district") and name:
            code = DISTRICTS.find(name)
            if code is not None:
                return code.key
        words = [str(word) for word in column.domain]
        listed = "the 64 districts" if len(words) > 20 else ", ".join(words)
        self.add_fault(where, f"{_shown(given)} is none of its words{_meant(name, words)}; they are {listed}")
        return None

    def read_numbers(self, where: str, domain: range, given: object) -> Condition | None:
        if isinstance(given, dict):
            self.check_keys(where, given, ("at_least", "at_most"))
            if not given:
                self.add_fault(where, "expected { at_least = …, at_most = … } or one of them, got {}")
                return None
            least, most = given.get("at_least", domain[0]), given.get("at_most", domain[-1])
        else:
            least = most = given
        wrong = [number for number in (least, most) if type(number) is not int or number not in domain]
        if wrong:
            self.add_fault(
                where,
                f"expected a whole number from {domain[0]} to {domain[-1]}, or {{ at_least = …, at_most = … }};"
                f" got {_shown(wrong[0])}",
            )
            return None
        if least > most:
            self.add_fault(where, f"at_least {least} is more than at_most {most}; nothing is between them")
            return None
        return range(least, most + 1)

    def read_texts(self, value: object) -> dict[str, Mapping[str, str]]:
        if not isinstance(value, dict):
            self.add_fault("texts", 'missing; write [texts.CODE] with bn = "…" and en = "…" for each code')
            return {}
        found: dict[str, Mapping[str, str]] = {}
        for code, item in value.items():
            where = f"texts.{code}"
            if not _NAME.fullmatch(code) or code in OWN_CODES:
                self.add_fault(
                    where, "a code has small letters, digits and hyphens, and is none of " + ", ".join(OWN_CODES)
                )
            if not isinstance(item, dict):
                self.add_fault(where, 'expected bn = "…" and en = "…" under its header')
                item = dict.fromkeys(LANGUAGES, "-")  # noqa: PLW2901 - so that its rows find it
            self.check_keys(where, item, LANGUAGES)
            found[code] = {language: self.read_line(where, item, language) for language in LANGUAGES}
        return found

    def read_closures(self, value: object) -> list[Closure]:
        found = []
        column = COLUMNS["from_district"]
        for where, item in self.find_tables("closure", value):
            self.check_keys(where, item, _CLOSURE)
            first, last = self.read_days(where, item, None)
            if last is None and "until" not in item:
                self.add_fault(where, "until is missing; write the last day of the closure, like until = 2021-04-21")
            district = self.read_word(f"{where}, district", column, item.get("district"))
            found.append(Closure(district or "", first, last or first))
        return found

    def find_tables(self, name: str, value: object) -> list[tuple[str, dict[str, Any]]]:
        """Return the tables of an array with their places: by line, if the headers can be told apart."""
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.add_fault("top", f"{name} is {_shown(value)}; write [[{name}]] with two brackets before each")
            return []
        lines = [self.source.count("\n", 0, m.start(1)) + 1 for m in _HEADER.finditer(self.source) if m[1] == name]
        if len(lines) != len(value):
            return [(f"{name} {number}", item) for number, item in enumerate(value, 1)]
        return [(f"line {line}, {name} {n}", item) for n, (line, item) in enumerate(zip(lines, value, strict=True), 1)]

    def check_keys(self, where: str, item: Mapping[str, object], allowed: tuple[str, ...]) -> None:
        for key in item:
            if key not in allowed:
                self.add_fault(
                    where, f"unknown key {key[:40]!r}{_meant(key, allowed)}; known here: {', '.join(allowed)}"
                )

    def read_name(self, where: str, item: Mapping[str, object], key: str) -> str:
        value = item.get(key)
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            self.add_fault(
                where, f"{key} is {_shown(value)}; write up to 40 small letters, digits, dots and hyphens in quotes"
            )
            return ""
        return value

    def read_code(self, where: str, item: Mapping[str, object]) -> str:
        if "code" not in item:
            self.add_fault(where, 'code is missing; write the name of a text, like code = "three-hours"')
            return ""
        return self.read_name(where, item, "code")

    def read_line(self, where: str, item: Mapping[str, object], key: str) -> str:
        value = item.get(key)
        text = normalise(value) if isinstance(value, str) else ""
        if not text or len(text) > TEXT_MAX_CHARS or not text.translate(_JOINERS).isprintable():
            wish = f"write 1 to {TEXT_MAX_CHARS} characters on one line, in quotes"
            self.add_fault(where, f"{key} is {_shown(value)}; {wish}")
        return text

    def read_action(self, where: str, value: object) -> Action:
        if isinstance(value, str) and value in list(Action):
            return Action(value)
        self.add_fault(where, f"decision is {_shown(value)}; write one of {', '.join(Action)}")
        return Action.REFER

    def read_days(
        self, where: str, item: Mapping[str, object], inherited: tuple[int, int | None] | None
    ) -> tuple[int, int | None]:
        first = self.read_day(where, item, "from")
        last = self.read_day(where, item, "until")
        if inherited is not None:
            first = inherited[0] if "from" not in item else first
            last = inherited[1] if "until" not in item else last
            if (first or 0) < inherited[0] or (inherited[1] is not None and (last is None or last > inherited[1])):
                self.add_fault(where, "holds on days on which the table does not; change its days or the table's")
        elif "from" not in item:
            self.add_fault(where, "from is missing; write the first day, like from = 2021-04-14")
        if first is not None and last is not None and last < first:
            self.add_fault(where, "until is before from; exchange them")
        return first or 0, last

    def read_day(self, where: str, item: Mapping[str, object], key: str) -> int | None:
        value = item.get(key)
        if value is None:
            return None
        if isinstance(value, datetime) or not isinstance(value, date):
            self.add_fault(where, f"{key} is {_shown(value)}; write a day without quotes, like 2021-04-14")
            return None
        return value.toordinal() - _EPOCH


def _named(place: str, item: Mapping[str, object]) -> str:
    name = item.get("id")
    return f"{place} ({name})" if isinstance(name, str) and _NAME.fullmatch(name) else place


def _meant(given: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(given[:40], list(known), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    text = value.isoformat() if isinstance(value, date) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
