"""Show results and messages.

- results go to stdout: words for people, or with --json one object a line;
- everything else goes to stderr, each line beginning with "movepass: ";
- times are in Asia/Dhaka with the zone for people, ISO 8601 in JSON;
- an outcome is shown by word and symbol; colour only adds to it, and only on a terminal without NO_COLOR;
- holder data is shown only where the signature held;
- what came from outside is escaped and measured by display.py, and a line that is longer than the terminal is broken
  here, so that nothing of it begins a line.
"""

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from movepass_cli.display import columns, compact, cut, fold, json_text, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from movepass_verifier import Outcome, Verification
    from movepass_verifier.officer.by_number import NumberAnswer
    from movepass_verifier.officer.journal import Checked, Seen
    from movepass_verifier.sync.sources import Progress
_LABEL_WIDTH = 10
_WIDTH_MIN = 20
_FILE_MAX_COLUMNS = 30


def say(message: str) -> None:
    """Show the user a message that is not a result."""
    show_line(message, lead="movepass: ", err=True)


def show_line(text: str, *, lead: str = "", err: bool = False) -> None:
    """Show any text as one line after a lead; on a terminal a long text is wrapped beside the lead."""
    body = printable(text)
    if (sys.stderr if err else sys.stdout).isatty():
        import shutil  # noqa: PLC0415 - no check from a program waits for it

        width = shutil.get_terminal_size().columns - columns(lead) - 1
        body = ("\n" + " " * columns(lead)).join(fold(body, max(_WIDTH_MIN, width)))
    click.echo(lead + body, err=err)


@contextmanager
def progress_on_terminal() -> "Iterator[Progress | None]":
    """Show the progress of downloads on standard error if it is a terminal, and clear it at the end."""
    if not sys.stderr.isatty():
        yield None
        return

    def show(path: str, there: int, length: int) -> None:
        file = path.rpartition("/")[2].partition(".")[2]  # without its hash
        name = cut(printable(file), _FILE_MAX_COLUMNS)
        sys.stderr.write(f"\r\033[Kmovepass: {name}: {there:,} of {length:,} bytes")
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()


def show_json(document: dict[str, Any]) -> None:
    """Show a result as one line of JSON."""
    click.echo(json_text(document))


def show_rows(rows: "Iterable[tuple[str, str]]") -> None:
    """Show named values, one per line."""
    rows = [(name, value) for name, value in rows if value]
    width = max([_LABEL_WIDTH, *(columns(name) for name, _ in rows)])
    for name, value in rows:
        show_line(compact(value), lead=f"  {name}{' ' * (width - columns(name))} ")


def show_result(
    checked: "Checked",
    language: str,
    *,
    as_json: bool,
    source: str | None = None,
    as_of: int | None = None,
) -> None:
    """Show a verdict in words or as JSON, and whether the pass was seen before; `as_of` if it is not of now."""
    from movepass_words import words  # noqa: PLC0415 - not needed for --help

    result, noted, trouble = checked
    if trouble:
        say(words(language).say(trouble))
    seen = noted.seen if noted else None
    if as_json:
        from_where = {} if source is None else {"source": source}
        show_json(result.to_json() | {"shown_before": seen.to_json() if seen else None} | from_where)
    else:
        show_verification(result, language, seen, as_of)
    sys.stdout.flush()


def show_verification(
    result: "Verification", language: str, seen: "Seen | None" = None, as_of: int | None = None
) -> None:
    """Show a verdict: first the outcome, then what to compare by eye, then how old the lists are."""
    from movepass_verifier.officer.shown import WARNING, seen_before, shown  # noqa: PLC0415 - not needed for --help
    from movepass_words import words  # noqa: PLC0415

    view = shown(result, words(language))
    show_head(result.outcome, f"{view.outcome}  ({view.verdict})")
    if as_of is not None:
        click.echo(f"{WARNING} {words(language)('verify.as-of', at=as_of)}")
    show_line(view.reason, lead="  ")
    if result.technical:
        show_line(result.technical, lead="  ")
    show_line(view.advice, lead="  ")
    if seen:
        click.echo(f"{WARNING} {seen_before(seen, result.freshness.now, words(language))}")
    if view.test:
        width = max(map(columns, view.test))
        lines = [f"*  {line}{' ' * (width - columns(line))}  *" for line in view.test]
        click.echo("\n".join(["*" * (width + 6), *lines, "*" * (width + 6)]))
    show_rows(view.rows)


def show_number(answer: "NumberAnswer", language: str) -> None:
    """Show what is known of a pass number."""
    from movepass_verifier.officer.shown import number_shown  # noqa: PLC0415 - not needed for --help
    from movepass_words import words  # noqa: PLC0415

    view = number_shown(answer, words(language))
    show_head(answer.outcome, f"{view.outcome}  {view.verdict}")
    for line in (view.reason, *view.notes, view.advice):
        show_line(line, lead="  ")
    show_rows(view.rows)


def show_head(outcome: "Outcome", text: str) -> None:
    """Show a line that starts with the symbol of an outcome, in its colour."""
    from movepass_verifier.officer.shown import looks  # noqa: PLC0415 - not needed for --help

    look = looks()[outcome]
    head = printable(f"{look.symbol} {text}")
    click.echo(click.style(head, fg=look.colour, bold=True) if may_colour() else head)


def may_colour() -> bool:
    """Check whether standard output takes colour: a capable terminal, without NO_COLOR (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
