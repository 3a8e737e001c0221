"""Provide the group `movepass report`: a command for each report, its list, and a shell for questions of one's own."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click

from movepass_cli.display import columns as width_of
from movepass_cli.display import cut, printable
from movepass_cli.inputs import InputError, writing_to
from movepass_cli.options import LANGUAGE, PATH, data_option, example, json_option, option, plain_option
from movepass_cli.output import say, show_json, show_line
from movepass_cli.service.user import machine_user
from movepass_keys import files
from movepass_service.decisions.officers import plain_name
from movepass_service.decisions.records import console_actor
from movepass_service.statistics.asking import Facts, check_days
from movepass_service.statistics.charts import as_file
from movepass_service.statistics.facts import FactsError, moment
from movepass_service.statistics.folder import facts_folder
from movepass_service.statistics.hiding import HIDDEN, Hidden, Row, as_document, hide_small, plain, write_csv
from movepass_service.statistics.open.suppression import LEAST
from movepass_service.statistics.reports import Answer, Parameter, Report, all_reports
from movepass_service.statistics.shell import Result, Shell, open_shell
from movepass_service.statistics.templates import ATHENA, Window, render
from movepass_service.stores.sqlite.store import SqliteStore

DAYS = 7
"""Days that a report is about where none are named."""
_FORMATS = ("table", "csv", "json")
_DEFAULT_LANGUAGE = "en"
_CELL_MAX, _GAP = 40, "  "
_HIDING = f"Counts under {LEAST} are hidden where they could tell of a person."
_PROMPT, _MORE_PROMPT = "report> ", "   ...> "
_ENDS = frozenset([".quit", ".exit"])
_HELP = (
    "SHOW TABLES lists what can be asked, FROM reports and FROM dictionary explain it; .quit ends. Queries end with ;"
)


def _day(ctx: click.Context, param: click.Parameter, value: str | None) -> date | None:  # noqa: ARG001 - click's
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError as e:
        raise click.BadParameter(f"expected a day such as 2021-04-14, got {value!r}") from e


since_option = plain_option(
    "--since", callback=_day, metavar="DAY", help=f"The first day in Dhaka; without it {DAYS - 1} days before the last."
)
until_option = plain_option("--until", callback=_day, metavar="DAY", help="The last day; without it today.")
format_option = plain_option("--format", "form", type=click.Choice(_FORMATS), default="table", show_default=True)


class _Reports(click.Group):
    """A group with a command for each report."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *all_reports()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = all_reports().get(cmd_name)
        return _command(found) if found else super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            ctx.fail(f"no report {printable(name)[:40]!r}; movepass report list shows them")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([("list", "list the reports"), ("shell", "ask questions of your own, in SQL")])
        with formatter.section("Reports"):
            formatter.write_dl([(name, one.questions[_DEFAULT_LANGUAGE]) for name, one in all_reports().items()])


@click.group(
    cls=_Reports,
    epilog=example(
        "movepass report applications-by-hour --data my-authority/service --since 2021-04-14 --district dhaka",
        "movepass report revocations --data my-authority/service --format csv",
    ),
)
def report() -> None:
    """Answer managers' questions from facts in which nobody can be recognised."""


@report.command("list", epilog=example("movepass report list"))
@json_option
def list_(*, as_json: bool) -> None:
    """List the reports with their questions, filters and columns."""
    for one in all_reports().values():
        if as_json:
            show_json(_described(one))
        else:
            show_line(f"{one.name}: {one.questions[_DEFAULT_LANGUAGE]}")
            taken = ", ".join(f"--{parameter.name}" for parameter in one.parameters)
            names = ", ".join(column.name for column in one.columns)
            show_line(f"{names}" + (f"; filters {taken}" if taken else ""), lead="    ")


def _described(one: Report) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": dict(one.titles),
        "question": dict(one.questions),
        "action": str(one.action),
        "filters": {parameter.name: list(parameter.values) for parameter in one.parameters},
        "columns": [{"name": c.name, "unit": c.unit, "title": dict(c.titles)} for c in one.columns],
    }


def _command(one: Report) -> click.Command:
    """Make the command of a report, with an option for each of its filters."""
    command = click.Command(
        one.name,
        callback=lambda **given: _run(one, **given),
        help=f"{one.questions[_DEFAULT_LANGUAGE]}\n\n{_HIDING}",
        epilog=example(f"movepass report {one.name} --data my-authority/service"),
    )
    for decorate in (
        option("--data", type=PATH, metavar="DIR", help="The service's folder."),
        since_option,
        until_option,
        *map(_filter_option, one.parameters),
        format_option,
        plain_option("--plot", type=PATH, metavar="FILE.svg", help="Draw the chart into a file too."),
        click.option("--language", type=LANGUAGE, envvar="MOVEPASS_LANGUAGE", show_envvar=True, default="en"),
        click.option("--athena", is_flag=True, help="Print the query for Athena instead of asking here."),
    ):
        decorate(command)
    return command


def _filter_option(parameter: Parameter) -> Any:
    metavar = parameter.name.upper()
    choice = click.Choice(parameter.values)
    return plain_option(
        f"--{parameter.name}", f"filter_{parameter.name}", type=choice, metavar=metavar,
        help=f"Only this: {parameter.titles[_DEFAULT_LANGUAGE].lower()}.",
    )  # fmt: skip


def _run(
    one: Report, *, data: Path | None, since: date | None, until: date | None, form: str, plot: Path | None,
    language: str, athena: bool, **given: str | None,
) -> None:  # fmt: skip
    first, last = _days(since, until)
    filters = {name.removeprefix("filter_"): value for name, value in given.items() if value is not None}
    check_days(first, last)
    if athena:
        click.echo(render(one.sql, Window.of(first, last, one.conditions(filters)), ATHENA))
        return
    if data is None:
        raise click.UsageError("Missing option '--data'.")
    with Facts.open(_folder(data)) as facts:
        answer = facts.ask(one.name, since=first, until=last, filters=filters)
    _show(answer, form, language, plot)


def _days(since: date | None, until: date | None) -> tuple[date, date]:
    last = until or date.fromisoformat(moment(int(time.time())).day)
    return since or max(last, date.min + timedelta(days=DAYS)) - timedelta(days=DAYS - 1), last


def _folder(data: Path) -> Path:
    folder = facts_folder(data)
    if not folder.is_dir():
        raise InputError(f"{data} has no facts: expected {folder}, which movepass service run writes")
    return folder


def _show(answer: Answer, form: str, language: str, plot: Path | None) -> None:
    rows = hide_small(answer)
    if plot is not None:
        _plot(answer, rows, plot, language)
    if form == "csv":
        click.echo(write_csv(answer, rows).decode(), nl=False)
    elif form == "json":
        show_json(as_document(answer, rows))
    else:
        _show_table(answer, rows, language)
    if any(isinstance(value, Hidden) for row in rows for value in row):
        say(f"{HIDDEN} hides counts under {LEAST} that could tell of a person, and what they could be worked out from")
    if answer.rebuilt:
        say(f"lost and built again, may lack details: {', '.join(answer.rebuilt)}")
    if not rows:
        say("nothing has happened in these days")


def _plot(answer: Answer, rows: Sequence[Row], path: Path, language: str) -> None:
    from movepass_service.desk.reports import make_chart  # noqa: PLC0415 - the desk brings its pages
    from movepass_service.desk.words import words  # noqa: PLC0415

    made = make_chart(words(language), answer, rows)
    if made is None:
        raise FactsError("there is nothing to draw: every number is 0 or hidden")
    chart, svg = made
    period = f"{answer.since} to {answer.until}"
    with writing_to(path):
        files.write_whole(path, (as_file(svg, (chart.title, period)) + "\n").encode())


def _show_table(answer: Answer, rows: Sequence[Row], language: str) -> None:
    from movepass_service.desk.reports import NUMBERS, write_value  # noqa: PLC0415
    from movepass_service.desk.words import words  # noqa: PLC0415

    t, columns = words(language), answer.report.columns
    show_line(f"{answer.report.titles[language]}, {answer.since} to {answer.until}")
    head = [column.titles[language] for column in columns]
    table = [[write_value(t, column, value) for column, value in zip(columns, row, strict=True)] for row in rows]
    _show_cells(head, table, [column.unit in NUMBERS for column in columns])


def _show_cells(head: Sequence[str], table: Sequence[Sequence[str]], is_number: Sequence[bool]) -> None:
    cells = [[cut(printable(cell), _CELL_MAX) for cell in row] for row in (head, *table)]
    widths = [max(width_of(row[n]) for row in cells) for n in range(len(head))]
    for row in cells:
        padded = [
            " " * (width - width_of(cell)) + cell if right else cell + " " * (width - width_of(cell))
            for cell, width, right in zip(row, widths, is_number, strict=True)
        ]
        click.echo(_GAP.join(padded).rstrip())


@report.command(
    epilog=example(
        "movepass report shell --data my-authority/service --as 'Rumana Islam'",
        "movepass report shell --data DIR --as 'Rumana Islam' --query 'FROM by_reason'",
    )
)
@data_option
@plain_option("--as", "name", required=True, metavar="OFFICER", help="Who asks: see service officer.")
@since_option
@until_option
@plain_option("--query", "queries", multiple=True, metavar="SQL", help="Answer this and end; without it read stdin.")
@format_option
def shell(data: Path, name: str, since: date | None, until: date | None, queries: tuple[str, ...], form: str) -> None:
    """Ask questions of your own in SQL about some days' facts; each is recorded in the log.

    Supervisors, managers and rule authors ask the reports' tables and counts by day, where small counts are hidden or
    added to a neighbour. Auditors ask single events too (FROM facts). Nothing can be changed, no file opened, and
    nothing sent.
    """
    folder, (first, last) = _folder(data), _days(since, until)
    with closing(SqliteStore(data, create=False)) as store:
        officer = store.officer(plain_name(name))
        if officer is None:
            raise InputError(f"no officer {name[:40]!r}; movepass service officer add adds one")
        act = {"actor": console_actor(machine_user(), officer.name), "role": officer.role}
        with open_shell(folder, officer, since=first, until=last) as opened:
            days = {"since": first.isoformat(), "until": last.isoformat()}
            store.append_administration({"action": "open-statistics", **act, **days}, int(time.time()))
            for query in queries or _typed():
                store.append_administration({"action": "query-statistics", **act, "query": query}, int(time.time()))
                _answer(opened, query, form, is_typed=not queries)


def _typed() -> Iterator[str]:
    """Go through the queries that are typed or piped, each up to a line that ends with a semicolon."""
    is_terminal = sys.stdin.isatty()
    if is_terminal:
        say(_HELP)
    lines: list[str] = []
    while True:
        if is_terminal:
            click.echo(_MORE_PROMPT if lines else _PROMPT, nl=False)
        line = sys.stdin.readline()
        if not line or line.strip() in _ENDS:
            break
        lines.append(line.rstrip("\n"))
        if line.rstrip().endswith(";"):
            yield "\n".join(lines)
            lines = []
    if rest := "\n".join(lines).strip():
        yield rest


def _answer(opened: Shell, query: str, form: str, *, is_typed: bool) -> None:
    try:
        found = opened.ask(query)
    except FactsError as e:
        if not (is_typed and sys.stdin.isatty()):
            raise
        say(f"error: {e}")
        return
    _show_result(found, form)
    if found.has_more:
        say(f"only the first {len(found.rows):,} rows are shown")


def _show_result(found: Result, form: str) -> None:
    if form == "json":
        for row in found.rows:
            show_json(dict(zip(found.columns, map(_jsonable, row), strict=True)))
    elif form == "csv":
        import csv  # noqa: PLC0415 - for this form alone

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([found.columns, *found.rows])
    else:
        table = [["" if value is None else str(plain(value)) for value in row] for row in found.rows]
        is_number = [any(isinstance(row[n], int | float) for row in found.rows) for n in range(len(found.columns))]
        _show_cells(found.columns, table, is_number)


def _jsonable(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
