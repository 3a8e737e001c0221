"""The options that commands share; each also as an environment variable MOVEPASS_NAME."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
PATH = click.Path(path_type=Path)


def option(name: str, **attributes: Any) -> Callable[[F], F]:
    """Declare an option together with its environment variable."""
    variable = "MOVEPASS_" + name.removeprefix("--").upper().replace("-", "_")
    return click.option(name, envvar=variable, show_envvar=True, **attributes)


def example(*lines: str) -> str:
    """Write an example for a command's --help."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


authority_option = option("--authority", type=PATH, required=True, metavar="DIR", help="The authority's folder.")
store_option = option("--store", type=PATH, required=True, metavar="DIR", help="The device's store.")
json_option = click.option(
    "--json", "as_json", is_flag=True, envvar="MOVEPASS_JSON", show_envvar=True, help="One JSON object a line."
)
