"""How everything is shown.

- results go to stdout: words for people, or with --json one object a line;
- everything else goes to stderr, each line beginning with "movepass: ";
- times are in Asia/Dhaka with the zone for people, ISO 8601 in JSON;
- an outcome is shown by word and symbol; colour only adds to it, and only on a terminal without NO_COLOR;
- holder data is shown only where the signature held;
- what came from outside is shown with its control characters escaped.
"""

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from movepass_verifier import Verification
    from movepass_verifier.sources import Progress
    from movepass_wire import Place, Trip

_TEST_BANNER = (
    "************************************************************",
    "*   T E S T   T E S T   T E S T   T E S T   T E S T        *",
    "*   a TEST authority signed this: it lets nobody through   *",
    "************************************************************",
)
_SHOWN_AS = {
    "accept": ("✔ ACCEPT", "green"),
    "reject": ("✘ REJECT", "red"),
    "cannot-verify": ("? CANNOT VERIFY", "yellow"),
}


def say(message: str) -> None:
    """Tell the user something that is not a result."""
    click.echo(f"movepass: {printable(message)}", err=True)


@contextmanager
def progress_on_terminal() -> "Iterator[Progress | None]":
    """Show on standard error how downloads go, if that is a terminal; what is shown goes in the end."""
    if not sys.stderr.isatty():
        yield None
        return

    def show(name: str, there: int, length: int) -> None:
        file = name.rpartition("/")[2].partition(".")[2]  # without its hash
        sys.stderr.write(f"\r\033[Kmovepass: {printable(file)}: {there:,} of {length:,} bytes")
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()


def printable(text: str) -> str:
    """Escape what could drive a terminal."""
    return "".join(c if c.isprintable() or c in "\u200c\u200d" else c.encode("unicode_escape").decode() for c in text)


def show_json(document: dict[str, Any]) -> None:
    """Show a result as one line of JSON."""
    click.echo(json.dumps(document, ensure_ascii=False))


def show_rows(rows: list[tuple[str, str]]) -> None:
    """Show named values, one a line."""
    for name, value in rows:
        if value:
            click.echo(f"  {name:<10} {printable(value)}")


def show_verification(result: "Verification") -> None:
    """Show a verdict: first the outcome, then what to compare by eye, then how old the lists are."""
    words, colour = _SHOWN_AS[result.outcome.value]
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    click.echo(click.style(f"{words}  ({result.verdict.value})", fg=colour, bold=True) if coloured else
               f"{words}  ({result.verdict.value})")  # fmt: skip
    click.echo(f"  {printable(result.reason)}")
    if result.test:
        click.echo("\n".join(_TEST_BANNER))
    if result.pass_:
        show_rows([("Pass", result.pass_number or ""), *trip_rows(result.pass_.trip)])
    show_rows([("Authority", result.authority or ""), ("Lists", _age(result))])


def trip_rows(trip: "Trip") -> list[tuple[str, str]]:
    """Name what a pass says, in the order in which an officer compares it."""
    from movepass_wire.codes import ID_TYPES, REASONS  # noqa: PLC0415 - not needed for --help
    from movepass_wire.times import local  # noqa: PLC0415

    paper = ID_TYPES.by_number.get(trip.id_type)
    reason = REASONS.by_number.get(trip.reason) if isinstance(trip.reason, int) else None
    driver = trip.driver_name or ""
    if trip.driver_licence_last:
        driver += f", licence ending {trip.driver_licence_last}"
    return [
        ("Holder", trip.holder_name),
        ("ID", f"{paper.en if paper else f'paper {trip.id_type}'} ending {trip.id_last}"),
        ("Vehicle", trip.vehicle or ""),
        ("Driver", driver),
        ("From", _place(trip.origin)),
        ("To", _place(trip.destination)),
        ("Valid", f"{local(trip.not_before).removesuffix(' Asia/Dhaka')} to {local(trip.not_after)}"),
        ("Reason", reason.en if reason else str(trip.reason)),
        ("Unknown", ", ".join(f"{key}: {value!r}" for key, value in trip.unknown.items())),
    ]


def _place(place: "Place") -> str:
    from movepass_wire.codes import DISTRICTS  # noqa: PLC0415 - not needed for --help

    district = DISTRICTS.by_number.get(place.district)
    name = district.en if district else f"district {place.district}"
    return f"{place.text}, {name}" if place.text else name


def _age(result: "Verification") -> str:
    from movepass_wire.times import ago  # noqa: PLC0415 - not needed for --help

    age = result.freshness.age
    if age is None:
        return "none: this device has never synced"
    return f"{ago(age)} old" + ("; sync soon" if result.freshness.sync_soon else "")
