"""The questions that managers ask: one file of SQL each in reports/, whose head says what it answers.

-- title en: Refusals by rule
-- question en: Which rules refuse, and how often?
-- filter: district from_district
-- column: rule_row | text | Rule | নিয়ম
-- chart: refused
-- place: 4
-- sum: checks valid forged
-- shares: of all rows
-- action: see-reports
-- note: whatever a reader of the file should know
SELECT …

filter: its name, and the column of the facts that it compares. chart: the columns that are drawn, if not the first
numbers of one unit. place: where it stands among the reports. sum: a column, and those that add up to it. shares: what
its shares are of, where that is all rows together. action: what
a role must allow (decisions/roles.py), if not see-reports.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from movepass_service.decisions.roles import Action
from movepass_service.rules.columns import OTHER_REASON
from movepass_service.statistics.facts import FactsError, QuestionError
from movepass_service.statistics.templates import literal
from movepass_wire.codes import DISTRICTS, REASONS

_FOLDER = Path(__file__).with_name("reports")
_MARK = "--"
LANGUAGES = ("bn", "en")
UNITS = ("day", "hour", "text", "count", "s", "h", "%", "district", "reason")
"""Units of columns: count is how many, s seconds, h hours, hour one of a day; district and reason are keys of codes."""
_VALUES: Mapping[str, tuple[str, ...]] = {
    "district": tuple(DISTRICTS.by_key),
    "from": tuple(DISTRICTS.by_key),
    "to": tuple(DISTRICTS.by_key),
    "reason": (*REASONS.by_key, OTHER_REASON),
    "lane": ("urgent", "ordinary"),
}
_TITLES: Mapping[str, Mapping[str, str]] = {
    "district": {"bn": "জেলা", "en": "District"},
    "from": {"bn": "যাত্রা শুরুর জেলা", "en": "From"},
    "to": {"bn": "গন্তব্যের জেলা", "en": "To"},
    "reason": {"bn": "কারণ", "en": "Reason"},
    "lane": {"bn": "জরুরি না সাধারণ", "en": "Urgent or ordinary"},
}
"""The filters, with their values and names."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer: its name, one of UNITS, and its titles by language."""

    name: str
    unit: str
    titles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A filter: its name, the column of the facts that it compares, its values, and its titles by language."""

    name: str
    column: str
    values: tuple[str, ...]
    titles: Mapping[str, str]

    def condition(self, value: str) -> str:
        """Write the condition in SQL.

        Raises:
            QuestionError: it is no value of this filter.
        """
        if value not in self.values:
            raise QuestionError(f"{self.name}: expected one of {', '.join(self.values)}, got {value[:40]!r}")
        return f"{self.column} = {literal(value)}"


@dataclass(frozen=True, slots=True)
class Report:
    """One question.

    Attributes:
        name: as commands and addresses have it.
        titles: by language.
        questions: what it answers, in words, by language.
        columns: of its answers.
        parameters: the filters that it takes.
        sql: a template (templates.py).
        action: what a role must allow for whoever asks it.
        drawn: names of the columns that a chart draws; none where it draws the first ones.
        place: where it stands among the reports.
        total: the column to which `parts` add up; empty if there is none.
        parts: names of columns.
        shares_rows: whether its shares are of all rows together.
    """

    name: str
    titles: Mapping[str, str]
    questions: Mapping[str, str]
    columns: tuple[Column, ...]
    parameters: tuple[Parameter, ...]
    sql: str
    action: Action = Action.SEE_REPORTS
    drawn: tuple[str, ...] = ()
    place: int = 0
    total: str = ""
    parts: tuple[str, ...] = ()
    shares_rows: bool = False

    def conditions(self, filters: Mapping[str, str]) -> tuple[str, ...]:
        """Write the conditions of some filters.

        Raises:
            QuestionError: it takes no such filter, or not that value.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in filters:
            if name not in known:
                expected = f"it takes {', '.join(known)}" if known else "it takes none"
                raise QuestionError(f"{self.name} has no filter {name[:40]!r}; {expected}")
        return tuple(known[name].condition(value) for name, value in filters.items())


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a report.

    Attributes:
        report: which.
        since: the first day.
        until: the last day.
        filters: the values of the filters that were given.
        rows: in the order of the report's columns.
        complete_until: up to when all that happened is in it, seconds since 1970 UTC; None where that is not known.
        rebuilt: days among those read that were lost and built again, and may lack details.
    """

    report: Report
    since: date
    until: date
    filters: Mapping[str, str]
    rows: tuple[tuple[Any, ...], ...]
    complete_until: int | None
    rebuilt: tuple[str, ...] = ()


@cache
def all_reports() -> Mapping[str, Report]:
    """Return every report by its name, in their order.

    Raises:
        FactsError: a file's head is wrong.
    """
    found = [read_report(path.stem, path.read_text("utf-8")) for path in sorted(_FOLDER.glob("*.sql"))]
    return {report.name: report for report in sorted(found, key=lambda report: report.place)}


def find_report(name: str) -> Report:
    """Return a report.

    Raises:
        QuestionError: there is none of this name.
    """
    report = all_reports().get(name)
    if report is None:
        raise QuestionError(f"no report {name[:40]!r}; there are {', '.join(all_reports())}")
    return report


def read_report(name: str, text: str) -> Report:
    """Read a file of reports/.

    Raises:
        FactsError: its head is wrong.
    """
    lines = text.splitlines()
    head = [line.removeprefix(_MARK).strip() for line in lines if line.startswith(_MARK)]
    fields = [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in head)]
    sql = "\n".join(line for line in lines if not line.startswith(_MARK)).strip()
    total, *parts = dict(fields).get("sum", "").split() or [""]
    try:
        return Report(
            name,
            {language: dict(fields)[f"title {language}"] for language in LANGUAGES},
            {language: dict(fields)[f"question {language}"] for language in LANGUAGES},
            tuple(_column(value) for key, value in fields if key == "column"),
            tuple(_parameter(value) for key, value in fields if key == "filter"),
            sql,
            Action(dict(fields).get("action", Action.SEE_REPORTS)),
            tuple(dict(fields).get("chart", "").split()),
            int(dict(fields)["place"]),
            total,
            tuple(parts),
            "shares" in dict(fields),
        )
    except (KeyError, ValueError) as e:
        raise FactsError(f"the head of the report {name} is wrong: {e}") from e


def _column(text: str) -> Column:
    name, unit, english, bangla = (part.strip() for part in text.split("|"))
    if unit not in UNITS:
        raise ValueError(f"unit {unit}")
    return Column(name, unit, {"bn": bangla, "en": english})


def _parameter(text: str) -> Parameter:
    name, column = text.split()
    return Parameter(name, column, _VALUES[name], _TITLES[name])
