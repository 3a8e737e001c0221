"""The options that commands share; most also as an environment variable MOVEPASS_NAME.

What is for one command only, or is kept for good, is given on the command line alone: a variable that was forgotten
must not decide it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from movepass_keys.algorithms import BY_NAME, NAMES
from movepass_verifier.words import LANGUAGES
from movepass_wire.limits import ISSUE_AHEAD_MAX_SECONDS, PUBLISHED_DAYS_AHEAD
from movepass_wire.payload import ESP256
from movepass_wire.times import parse_duration, parse_iso

F = TypeVar("F", bound=Callable[..., Any])
SOURCE = "URL-OR-DIR"
PATH = click.Path(path_type=Path)
_DAYS_AHEAD_MAX = 30
LANGUAGE = click.Choice(LANGUAGES)


def option(name: str, *parameter: str, **attributes: Any) -> Callable[[F], F]:
    """Declare an option together with its environment variable; `parameter` is another name for the argument."""
    variable = "MOVEPASS_" + name.removeprefix("--").upper().replace("-", "_")
    return click.option(name, *parameter, envvar=variable, show_envvar=True, **attributes)


def example(*lines: str) -> str:
    """Write an example for a command's --help."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def time_of(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:  # noqa: ARG001 - click's
    """Read an option's ISO 8601 time, as seconds since 1970 UTC."""
    try:
        return None if value is None else parse_iso(value)
    except ValueError as e:
        raise click.BadParameter(str(e)) from None


def duration_of(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:  # noqa: ARG001 - click's
    """Read an option's length of time, in seconds."""
    try:
        return None if value is None else parse_duration(value)
    except ValueError as e:
        raise click.BadParameter(str(e)) from None


authority_option = option("--authority", type=PATH, required=True, metavar="DIR", help="The authority's folder.")
store_option = option("--store", type=PATH, required=True, metavar="DIR", help="The device's store.")
ca_option = option("--ca", type=PATH, metavar="FILE", help="CA certificates to trust besides the system's, in PEM.")
json_option = click.option(
    "--json", "as_json", is_flag=True, envvar="MOVEPASS_JSON", show_envvar=True, help="One JSON object a line."
)
language_option = option("--language", type=LANGUAGE, help="What is shown; without it, what the device speaks.")
alg_option = option(
    "--alg", type=click.Choice(list(BY_NAME), case_sensitive=False), default=NAMES[ESP256], show_default=True,
    help="The pass key's algorithm.",
)  # fmt: skip
days_ahead_option = option(
    "--days-ahead", type=click.IntRange(0, _DAYS_AHEAD_MAX), default=PUBLISHED_DAYS_AHEAD, show_default=True,
    help=f"Days after today that get a list; fewer than {PUBLISHED_DAYS_AHEAD} leaves passes issued "
    f"{ISSUE_AHEAD_MAX_SECONDS // 3600} h ahead unverifiable.",
)  # fmt: skip
