"""Provide the command check-number, for a pass number that was typed or heard over the radio."""

from pathlib import Path

import click

from movepass_cli.main import CANNOT_VERIFY, REJECT, USAGE
from movepass_cli.options import CheckingCommand, example, json_option, language_option, store_option
from movepass_cli.output import show_json, show_number
from movepass_verifier import Device, Outcome


@click.command(cls=CheckingCommand, epilog=example("movepass check-number --store device A1B-2C3-D4E"))
@store_option
@language_option
@json_option
@click.argument("number", metavar="PASS-NUMBER")
@click.pass_context
def check_number(ctx: click.Context, store: Path, number: str, language: str | None, *, as_json: bool) -> None:
    """Show what is known of a pass number, offline: revoked, or not verifiable because no signature was seen.

    A number with a slip in it is not put right: what was likely meant is offered, and is to be asked for again.
    """
    with Device.open(store) as device:
        answer, language = device.check_number(number), language or device.language
    if as_json:
        show_json(answer.to_json())
    else:
        show_number(answer, language)
    if not answer.readable:
        ctx.exit(USAGE)
    ctx.exit(REJECT if answer.outcome is Outcome.REJECT else CANNOT_VERIFY)
