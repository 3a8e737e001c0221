"""Open statistics: fixed tables of whole days, as pages and as comma-separated values, all published before."""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any

from markupsafe import Markup

from movepass_service.site.pages.site import Site, public
from movepass_service.statistics.charts import Chart, Series, draw_bars, draw_lines
from movepass_service.statistics.open.days import OpenDay
from movepass_service.statistics.open.kept import KeptDays
from movepass_service.statistics.open.suppression import JOIN, LEAST
from movepass_service.statistics.open.tables import ALL, BY_NAME, PASSED, TABLES, Table
from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import Answer, Request
from movepass_service.web.words import Words
from movepass_wire.codes import DISTRICTS, REASONS

SHOWN_DAYS = 14
"""Days of the first page's chart."""
CSV = "text/csv; charset=utf-8"
_UNKNOWN = 404
_FIRST = BY_NAME["reasons"]
_OF_TOTALS = ((ALL, "open-result.all"), (PASSED, "open-result.pass"))


async def show_all(site: Site, request: Request) -> Answer:
    """Show the totals of the last days, and which tables there are."""
    kept = _kept(site)
    days = await asyncio.to_thread(kept.last, _FIRST, SHOWN_DAYS)
    t = site.words(request)
    chart = _totals_chart(t, days) if days else None
    tables = [{"name": table.name, "title": _title(t, table)} for table in TABLES]
    rows = [
        [_day_name(t, one.day), *(t.number(count) if count is not None else t("statistics.few") for count in counts)]
        for one in reversed(days)
        for counts in [[one.counts.get((result, ALL)) for result, _ in _OF_TOTALS]]
    ]
    context = {
        "tables": tables, "svg": Markup(draw_lines(chart)) if chart else "", "rows": rows,  # noqa: S704 - charts escape
        "columns": [t("statistics.day"), *(t(key) for _, key in _OF_TOTALS)],
    }  # fmt: skip
    return public(site.page(request, "statistics.html", context), request)


async def show(site: Site, request: Request) -> Answer:
    """Show a day of a table."""
    table, kept = _table(request), _kept(site)
    days = await asyncio.to_thread(kept.days, table)
    day = _day(request, days)
    shown = await asyncio.to_thread(kept.read, table, day) if day else None
    t = site.words(request)
    at = days.index(day) if day else 0
    context = {
        "title": _title(t, table), "table": table.name, "day": _day_name(t, day) if day else "",
        "before": days[at - 1].isoformat() if at else "",
        "after": days[at + 1].isoformat() if at + 1 < len(days) else "",
        "sections": _sections(t, table, shown) if shown else [],
        "columns": [t("statistics.group"), t("statistics.count")], "is_empty": shown is not None and not shown.counts,
        "about": t(f"open-about.{table.name}"),
    }  # fmt: skip
    path = f"/statistics/{table.name}"
    return public(site.page(request, "statistics_table.html", context, path=path), request)


async def download(site: Site, request: Request) -> Answer:
    """Return all published days of a table."""
    table = _table(request)
    whole = await asyncio.to_thread(_kept(site).whole, table)
    return public(_file(whole, f"{table.name}.csv"), request)


def codes(site: Site, request: Request) -> Answer:
    """Return the codes of all tables with their names in both languages."""
    lines = ["table,code,name_bn,name_en"]
    for table in TABLES:
        for group in table.tree.walk():
            if not group.parts or JOIN not in group.name:
                names = [_group_name(site.renderer.words(language), group.name) for language in ("bn", "en")]
                lines.append(",".join([table.name, group.name, *(_quoted(name) for name in names)]))
    return public(_file(("\n".join(lines) + "\n").encode(), "codes.csv"), request)


def dictionary(site: Site, request: Request) -> Answer:
    """Show what the columns and marks mean, and what was done to the numbers."""
    t = site.words(request)
    tables = [{"name": table.name, "title": _title(t, table), "about": t(f"open-about.{table.name}")}
              for table in TABLES]  # fmt: skip
    context = {"tables": tables, "least": LEAST}
    return public(site.page(request, "statistics_dictionary.html", context), request)


def _kept(site: Site) -> KeptDays:
    return KeptDays.of(site.service.folder)


def _table(request: Request) -> Table:
    table = BY_NAME.get(request.params["name"])
    if table is None:
        raise RefusedError(_UNKNOWN, "not-found")
    return table


def _day(request: Request, days: list[date]) -> date | None:
    """Return the day that an address asks for, or the last one.

    Raises:
        RefusedError: it was not published.
    """
    text = request.query.get("day", "")
    if not text:
        return days[-1] if days else None
    found = next((day for day in days if day.isoformat() == text), None)
    if found is None:
        raise RefusedError(_UNKNOWN, "not-found")
    return found


def _file(body: bytes, name: str) -> Answer:
    return Answer(body, media_type=CSV, headers=(("Content-Disposition", f'attachment; filename="{name}"'),))


def _title(t: Words, table: Table) -> str:
    return t(f"open-table.{table.name}")


def _day_name(t: Words, day: date) -> str:
    return t.day((day - date(1970, 1, 1)).days * 86400, with_weekday=False)


def _group_name(t: Words, group: str) -> str:
    """Name a group in words: its categories joined, a division as a whole."""
    return t("statistics.and").join(_code_name(t, code) for code in group.split(JOIN))


def _code_name(t: Words, code: str) -> str:
    if code in REASONS.by_key:
        return t.named(REASONS, code)
    return t.named(DISTRICTS, code) if code in DISTRICTS.by_key else t(f"open-code.{code}")


def _quoted(text: str) -> str:
    return f'"{text}"' if "," in text else text


def _totals_chart(t: Words, days: Any) -> Chart:
    series = tuple(
        Series(t(key), tuple(one.counts.get((result, ALL)) for one in days)) for result, key in _OF_TOTALS
    )  # fmt: skip
    labels = tuple(t.short_day((one.day - date(1970, 1, 1)).days * 86400) for one in days)
    return Chart("totals", t("statistics.title"), t("statistics.chart"), labels, series, _written(t))


def _sections(t: Words, table: Table, shown: OpenDay) -> list[Mapping[str, Any]]:
    """Return a table's numbers of a day, by result, the largest group first, each with its bars."""
    sections: list[Mapping[str, Any]] = []
    for result in shown.results:
        groups = sorted(shown.groups(result).items(), key=lambda item: -item[1])
        names = tuple(_group_name(t, name) for name, _ in groups)
        title = t(f"open-result.{result}") if table.counted == "applications" else _title(t, table)
        series = (Series(title, tuple(count for _, count in groups)),)
        chart = Chart(f"bars-{result}", title, t("statistics.chart"), names, series, _written(t))
        sections.append(
            {
                "title": title,
                "total": shown.counts[result, ALL],
                "svg": Markup(draw_bars(chart)),  # noqa: S704 - charts escape every text
                "rows": [[name, t.number(count)] for name, (_, count) in zip(names, groups, strict=True)],
            }
        )
    return sections


def _written(t: Words) -> Any:
    return lambda value: t.number(int(value))
