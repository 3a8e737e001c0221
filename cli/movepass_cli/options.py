"""Define the options that commands share; most are also environment variables MOVEPASS_NAME.

What is for one command only, or is kept for good, is given on the command line alone: a variable that was forgotten
must not decide it.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from movepass_cli.main import DONE, USAGE
from movepass_cli.output import say
from movepass_keys.records.algorithms import BY_NAME, NAMES
from movepass_wire.limits import ISSUE_AHEAD_MAX_SECONDS, PUBLISHED_DAYS_AHEAD
from movepass_wire.payload import ESP256
from movepass_wire.times import parse_duration, parse_iso
from movepass_words import LANGUAGES

F = TypeVar("F", bound=Callable[..., Any])
SOURCE = "URL-OR-DIR"
PATH = click.Path(path_type=Path)
_DAYS_AHEAD_MAX = 30
LANGUAGE = click.Choice(LANGUAGES)


class GivenOption(click.Option):
    """An option that refuses an empty value: an unset shell variable must not switch a protection off."""

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, click.core.ParameterSource]:
        """Read the value as click does, and refuse a blank one.

        Raises:
            BadParameter: it is.
        """
        value, source = super().consume_value(ctx, opts)
        values = value if isinstance(value, list | tuple) else (value,)
        if source is click.core.ParameterSource.COMMANDLINE and any(
            isinstance(v, str) and not v.strip() for v in values
        ):
            raise click.BadParameter("expected a value, got an empty one: is a variable unset?", ctx, self)
        return value, source

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Read the environment variable as click does, and refuse a variable that is set but blank.

        Raises:
            BadParameter: it is.
        """
        variable = self.envvar if isinstance(self.envvar, str) else None
        if variable and not self.is_flag and not os.environ.get(variable, "set").strip():
            raise click.BadParameter(
                f"expected a value in {variable}, and it is empty: give one, or unset it", ctx, self
            )
        return super().resolve_envvar_value(ctx)


def plain_option(*names: str, **attributes: Any) -> Callable[[F], F]:
    """Declare an option without an environment variable."""
    return click.option(*names, cls=GivenOption, **attributes)


def option(name: str, *parameter: str, **attributes: Any) -> Callable[[F], F]:
    """Declare an option with its environment variable; `parameter` renames the argument."""
    variable = "MOVEPASS_" + name.removeprefix("--").upper().replace("-", "_")
    return plain_option(name, *parameter, envvar=variable, show_envvar=True, **attributes)


class CheckingCommand(click.Command):
    """A command whose exit code 0 lets somebody through, so that only a result may exit with 0.

    A program that passes on what a scanner has read may pass on `--help`. So that gives exit code 2 where a store is
    named, and a check might have been meant.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; see click."""
        checks = "MOVEPASS_STORE" in os.environ or any(arg.startswith("--store") for arg in args)
        try:
            return super().parse_args(ctx, args)
        except click.exceptions.Exit as e:
            if e.exit_code != DONE or not checks:
                raise
            say("error: this was help, and nothing was checked")
            raise click.exceptions.Exit(USAGE) from e


def example(*lines: str) -> str:
    """Format an example for the --help of a command."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def time_of(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:  # noqa: ARG001 - click's
    """Parse an option's ISO 8601 time to seconds since 1970 UTC."""
    try:
        return None if value is None else parse_iso(value)
    except ValueError as e:
        raise click.BadParameter(str(e)) from e


def duration_of(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:  # noqa: ARG001 - click's
    """Parse an option's duration to seconds."""
    try:
        return None if value is None else parse_duration(value)
    except ValueError as e:
        raise click.BadParameter(str(e)) from e


authority_option = option("--authority", type=PATH, required=True, metavar="DIR", help="The authority's folder.")
store_option = option("--store", type=PATH, required=True, metavar="DIR", help="The device's store.")
text_option = click.option("--text", metavar="TEXT", help="The text of a payload, whatever it holds: for programs.")
"""An empty text counts too: a code may be empty, and gets its verdict."""
image_option = plain_option(
    "--image", type=PATH, metavar="FILE", help="A picture of the QR code, or a card as PDF: for programs."
)
ca_option = option("--ca", type=PATH, metavar="FILE", help="CA certificates to trust besides the system's, in PEM.")
data_option = option("--data", type=PATH, required=True, metavar="DIR", help="The service's folder.")
json_option = click.option(
    "--json", "as_json", is_flag=True, envvar="MOVEPASS_JSON", show_envvar=True, help="One JSON object a line."
)
language_option = click.option(
    "--language", type=LANGUAGE, envvar="MOVEPASS_LANGUAGE", show_envvar=True,
    help="What is shown; without it, what the device speaks.",
)  # fmt: skip
alg_option = option(
    "--alg", type=click.Choice(list(BY_NAME), case_sensitive=False), default=NAMES[ESP256], show_default=True,
    help="The pass key's algorithm.",
)  # fmt: skip
days_ahead_option = option(
    "--days-ahead", type=click.IntRange(0, _DAYS_AHEAD_MAX), default=PUBLISHED_DAYS_AHEAD, show_default=True,
    help=f"Days after today that get a list; fewer than {PUBLISHED_DAYS_AHEAD} leaves passes issued "
    f"{ISSUE_AHEAD_MAX_SECONDS // 3600} h ahead unverifiable.",
)  # fmt: skip
