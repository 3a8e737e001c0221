"""Reports: the main charts of today or of seven days, each report with its filters in the address, and exports."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from movepass_service.decisions.roles import may, require
from movepass_service.desk import reports as shown
from movepass_service.desk.front import DeskFront
from movepass_service.desk.pages.shown import district_name, reason_name
from movepass_service.officers.accounts import Session
from movepass_service.rules.columns import dhaka_day
from movepass_service.statistics.asking import Facts
from movepass_service.statistics.engine import MissingExtraError
from movepass_service.statistics.facts import FactsError, QuestionError
from movepass_service.statistics.folder import facts_folder
from movepass_service.statistics.hiding import Hidden, hide_small, write_csv, write_json
from movepass_service.statistics.reports import Answer as Found
from movepass_service.statistics.reports import Report, all_reports
from movepass_service.web.errors import RefusedError, TooBusyError
from movepass_service.web.exchange import Answer, Request
from movepass_service.web.words import Words
from movepass_wire.times import day_name

PERIODS: Mapping[str, int] = {"today": 1, "week": 7}
AT_ONCE = 2
"""Reports that are worked out at one time; handlers of cases then still have threads."""
_AGAIN_S = 3
_WAIT_S = 10.0
_ROWS_MAX = 200
"""Rows of a page; an export has all."""
_BAD, _UNKNOWN, _FAILED = 400, 404, 503
_EXPORTS = {"csv": ("text/csv; charset=utf-8", write_csv), "json": ("application/json", write_json)}
_slots = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Asked:
    """The question that an address asks of a report."""

    report: Report
    since: date
    until: date
    filters: Mapping[str, str]

    @property
    def query(self) -> str:
        """Return the part of the address that asks it again."""
        days = {"since": self.since.isoformat(), "until": self.until.isoformat()}
        return urlencode(days | dict(self.filters))


def show_all(front: DeskFront, request: Request, session: Session) -> Answer:
    """Show a chart of each report that the role may see, for today or for seven days."""
    period = request.query.get("period", "today")
    days = PERIODS.get(period, 1)
    today = _today(request)
    t = front.words(request)
    panels = []
    trouble = ""
    try:
        with _asking(front) as facts:
            for report in all_reports().values():
                if not may(session.officer.role, report.action):
                    continue
                asked = Asked(report, today - timedelta(days=days - 1), today, {})
                panels.append(_panel(t, asked, facts))
    except FactsError as e:
        trouble = _trouble(t, e)
    context = {
        "panels": panels, "trouble": trouble, "periods": list(PERIODS),
        "period": period if period in PERIODS else "today",
    }  # fmt: skip
    return front.show(request, session, "reports.html", context)


def show(front: DeskFront, request: Request, session: Session) -> Answer:
    """Show a report with its filters."""
    t, report = front.words(request), _report(request, session)
    asked, fault, status, panel = Asked(report, _today(request), _today(request), {}), "", 200, None
    try:
        asked = _read(request, report)
        with _asking(front) as facts:
            panel = _panel(t, asked, facts)
    except QuestionError:
        fault, status = t("reports.fault"), _BAD
    except FactsError as e:
        fault, status = _trouble(t, e), 200 if isinstance(e, MissingExtraError) else _FAILED
    context = {
        "report": report, "title": report.titles[t.language], "question": report.questions[t.language],
        "panel": panel, "fault": fault, "values": _values(request, asked), "query": asked.query,
        "options": {one.name: _options(t, one.name, one.values) for one in report.parameters},
        "labels": {one.name: one.titles[t.language] for one in report.parameters}, "formats": list(_EXPORTS),
    }  # fmt: skip
    path = f"/reports/{report.name}"
    return front.show(request, session, "report.html", context, status=status, path=path)


def export(front: DeskFront, request: Request, session: Session) -> Answer:
    """Return a report as a file, with the same numbers hidden as on the page."""
    report, kind = _report(request, session), request.query.get("format", "csv")
    if kind not in _EXPORTS:
        raise RefusedError(_BAD, "unreadable")
    try:
        asked = _read(request, report)
        with _asking(front) as facts:
            found = _ask(facts, asked)
    except QuestionError as e:
        raise RefusedError(_BAD, "unreadable") from e
    except FactsError as e:
        raise RefusedError(_FAILED, "desk-report") from e
    media_type, write = _EXPORTS[kind]
    name = f"{report.name}-{asked.since}-{asked.until}.{kind}"
    headers = (("Content-Disposition", f'attachment; filename="{name}"'), ("Cache-Control", "private, no-store"))
    return Answer(write(found, hide_small(found)), media_type=media_type, headers=headers)


@contextmanager
def _asking(front: DeskFront) -> Iterator[Facts]:
    """Open the facts, for few questions at one time.

    Raises:
        TooBusyError: others are asking, and it takes long.
        FactsError: they can't be opened.
    """
    folder = front.service.folder
    if folder is None:
        raise FactsError("this service keeps no facts of its own; ask Athena (docs/reports.md)")
    if not _slots.acquire(timeout=_WAIT_S):
        raise TooBusyError(_AGAIN_S)
    try:
        with Facts.open(facts_folder(folder)) as facts:
            yield facts
    finally:
        _slots.release()


def _ask(facts: Facts, asked: Asked) -> Found:
    return facts.ask(asked.report.name, since=asked.since, until=asked.until, filters=asked.filters)


def _panel(t: Words, asked: Asked, facts: Facts) -> dict[str, Any]:
    """Answer a report, and return what a page shows of it; a report that fails says so and stops no other."""
    report, language = asked.report, t.language
    panel: dict[str, Any] = {
        "name": report.name, "title": report.titles[language], "question": report.questions[language],
        "query": asked.query, "fault": "", "svg": "", "drawn": "",
        "columns": [column.titles[language] for column in report.columns],
        "rows": [], "totals": [], "more": 0, "is_hiding": False, "complete": None, "rebuilt": "",
        "is_number": [column.unit in shown.NUMBERS for column in report.columns],
    }  # fmt: skip
    try:
        found = _ask(facts, asked)
    except QuestionError:
        raise
    except FactsError:
        return panel | {"fault": t("reports.failed")}
    rows = hide_small(found)
    chart = shown.make_chart(t, found, rows)
    written = [
        [shown.write_value(t, column, value) for column, value in zip(report.columns, row, strict=True)]
        for row in rows[:_ROWS_MAX]
    ]
    return panel | {
        "svg": Markup(chart[1]) if chart else "",  # noqa: S704 - charts escape every text
        "drawn": chart[0].series[0].name if chart and len(chart[0].series) == 1 else "",
        "rows": written,
        "totals": shown.add_rows(t, found, rows),
        "more": max(0, len(rows) - _ROWS_MAX),
        "is_hiding": any(isinstance(value, Hidden) for row in rows for value in row),
        "complete": found.complete_until,
        "rebuilt": ", ".join(found.rebuilt),
    }


def _report(request: Request, session: Session) -> Report:
    """Find the report of an address.

    Raises:
        RefusedError: there is none.
        ForbiddenError: it is not for this role.
    """
    report = all_reports().get(request.params["name"])
    if report is None:
        raise RefusedError(_UNKNOWN, "not-found")
    require(session.officer, report.action)
    return report


def _read(request: Request, report: Report) -> Asked:
    """Read days and filters from an address.

    Raises:
        QuestionError: a day is none.
    """
    today = _today(request)
    since, until = (_day(request.query.get(name, ""), today) for name in ("since", "until"))
    filters = {one.name: value for one in report.parameters if (value := request.query.get(one.name, ""))}
    return Asked(report, since, until, filters)


def _day(text: str, today: date) -> date:
    try:
        return date.fromisoformat(text) if text else today
    except ValueError as e:
        raise QuestionError(f"expected a day, got {text[:40]!r}") from e


def _values(request: Request, asked: Asked) -> dict[str, str]:
    given = {name: request.query.get(name, "") for name in ("since", "until")}
    days = {"since": asked.since.isoformat(), "until": asked.until.isoformat()}
    return {name: given[name][:10] or days[name] for name in days} | {
        one.name: request.query.get(one.name, "") for one in asked.report.parameters
    }


def _today(request: Request) -> date:
    return date.fromisoformat(day_name(dhaka_day(request.now)))


def _trouble(t: Words, error: FactsError) -> str:
    return t("reports.missing") if isinstance(error, MissingExtraError) else t("reports.failed")


def _options(t: Words, name: str, values: tuple[str, ...]) -> dict[str, str]:
    write = {"reason": reason_name, "lane": _lane}.get(name, district_name)
    return {value: write(t, value) for value in values}


def _lane(t: Words, lane: str) -> str:
    return t(f"reports.value.{lane}")
