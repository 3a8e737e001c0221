"""Provide movepass dlq, for requests on AWS that did not become passes (docs/aws.md)."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from movepass_cli.inputs import InputError
from movepass_cli.options import example, json_option, option
from movepass_cli.output import show_json, show_line
from movepass_issuer.aws.dead_letters import DeadLetter, DeadLetters
from movepass_wire.times import iso, local

F = TypeVar("F", bound=Callable[..., Any])
queue_option = option("--dead-letters", required=True, metavar="URL", help="The stack's output DeadLettersUrl.")


def letter_arguments(command: F) -> F:
    """Add arguments that choose letters: by their ids, or all."""
    command = click.argument("ids", nargs=-1, metavar="ID...")(command)
    return click.option("--all", "every", is_flag=True, help="All that are there now.")(command)


@click.group()
def dlq() -> None:
    """List, replay or drop the requests to the service on AWS that did not become passes."""


@dlq.command("list", epilog=example("movepass dlq list --dead-letters https://sqs.…/movepass-DeadLetters-…"))
@queue_option
@click.option("--with-requests", is_flag=True, help="Show the requests as well: they are personal data.")
@json_option
def show(dead_letters: str, *, with_requests: bool, as_json: bool) -> None:
    """List them with their reasons, oldest first."""
    with DeadLetters(dead_letters).held() as letters:
        for letter in sorted(letters, key=lambda letter: letter.since):
            row = {"id": letter.id, "since": iso(letter.since), "kind": letter.kind, "reason": letter.reason}
            if as_json:
                show_json(row | ({"request": letter.body} if with_requests else {}))
            else:
                show_line(f"{letter.id}  {local(letter.since)}  {letter.reason}")
                if with_requests:
                    show_line(letter.body, lead="  ")
        if not letters and not as_json:
            click.echo("There are none.")


@dlq.command(epilog=example("movepass dlq replay --dead-letters URL --requests URL --all"))
@queue_option
@option("--requests", required=True, metavar="URL", help="The stack's output RequestsUrl.")
@letter_arguments
@json_option
def replay(dead_letters: str, requests: str, ids: tuple[str, ...], *, every: bool, as_json: bool) -> None:
    """Send requests to the service again, unchanged; those that failed temporarily will get their pass."""
    queue = DeadLetters(dead_letters)
    with queue.held() as letters:
        picked = _pick(letters, ids, every=every)
        queue.replay(picked, requests)
    _report(picked, "sent again", as_json=as_json)


@dlq.command(epilog=example("movepass dlq drop --dead-letters URL 6f1c…"))
@queue_option
@letter_arguments
@json_option
def drop(dead_letters: str, ids: tuple[str, ...], *, every: bool, as_json: bool) -> None:
    """Delete requests for good, after informing their sender or receiving a better one."""
    queue = DeadLetters(dead_letters)
    with queue.held() as letters:
        picked = _pick(letters, ids, every=every)
        queue.drop(picked)
    _report(picked, "deleted", as_json=as_json)


def _pick(letters: list[DeadLetter], ids: tuple[str, ...], *, every: bool) -> list[DeadLetter]:
    """Pick the requested letters, all of them or none.

    Raises:
        UsageError: neither ids nor --all, or both.
        InputError: one is not there.
    """
    if bool(ids) == every:
        raise click.UsageError("expected the ids of letters, or --all, one of the two")
    by_id = {letter.id: letter for letter in letters}
    missing = [one for one in ids if one not in by_id]
    if missing:
        raise InputError(f"no such letter: {', '.join(missing)}; nothing was done (see movepass dlq list)")
    return letters if every else [by_id[one] for one in dict.fromkeys(ids)]


def _report(letters: list[DeadLetter], words: str, *, as_json: bool) -> None:
    for letter in letters:
        if as_json:
            show_json({"id": letter.id, "done": words})
    if not as_json:
        click.echo(f"{len(letters)} {words}.")
