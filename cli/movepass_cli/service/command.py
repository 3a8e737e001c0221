"""Provide the group `movepass service`, which imports each command's module only when it is used."""

from importlib import import_module

import click

_COMMANDS = {
    "run": ("running", "serve the public site and the desk, decide, issue and publish, until stopped"),
    "cases": ("officers", "list what waits for an officer, most urgent first"),
    "decide": ("officers", "decide an application as an officer"),
    "rules": ("rules", "check, show, try and activate the rules that decide"),
    "assistant": ("helpers", "let a number apply for others, with lists"),
    "counts": ("statistics", "take in what a post's device counted, for reports"),
    "rebuild": ("statistics", "build a lost day of the statistics again"),
    "export": ("copies", "copy the decision log and what was issued, for an auditor"),
    "officer": ("officers", "add officers, and give them new enrolment links"),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(f"movepass_cli.service.{_COMMANDS[cmd_name][0]}"), cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is wrong otherwise
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in _COMMANDS.items()])


@click.group(cls=_Commands)
def service() -> None:
    """Receive applications, let rules and officers decide, and issue passes."""
