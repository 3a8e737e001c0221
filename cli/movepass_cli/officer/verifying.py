"""Provide the commands verify and inspect."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from movepass_cli.inputs import payload_text
from movepass_cli.main import ACCEPT, CANNOT_VERIFY, REJECT, USAGE
from movepass_cli.options import (
    CheckingCommand,
    example,
    image_option,
    json_option,
    language_option,
    plain_option,
    store_option,
    text_option,
    time_of,
)
from movepass_cli.output import say, show_json, show_line, show_result, show_rows
from movepass_keys.records.algorithms import NAMES
from movepass_verifier import Device, Outcome
from movepass_verifier.errors import OtherCodeError
from movepass_verifier.officer.journal import Checked
from movepass_verifier.officer.shown import trip_rows
from movepass_wire import PayloadError, WireError, decode_claims, format_number, open_text, trip_to_json
from movepass_wire.times import iso
from movepass_words import words

if TYPE_CHECKING:
    from movepass_verifier.reading.other_schemes import OtherCode

_EXIT = {Outcome.ACCEPT: ACCEPT, Outcome.REJECT: REJECT, Outcome.CANNOT_VERIFY: CANNOT_VERIFY}


def _check_one_given(*inputs: object) -> None:
    if sum(given is not None for given in inputs) != 1:
        raise click.UsageError("expected one of TEXT|IMAGE|-, --text TEXT and --image FILE")


@click.command(
    cls=CheckingCommand,
    epilog=example(
        "movepass verify --store device photo.png",
        'movepass verify --store device --json --real-only --text "$SCANNED"',
        "movepass verify --store device --json --real-only - < payload.txt",
    ),
)
@store_option
@text_option
@image_option
@plain_option("--real-only", is_flag=True, help="Accept no pass of a TEST authority: exit code 3 for one.")
@plain_option("--at", callback=time_of, metavar="TIME", help="Verify as of another time, ISO 8601 with zone.")
@language_option
@json_option
@click.argument("given", metavar="[TEXT|IMAGE|-]", required=False)
@click.pass_context
def verify(
    ctx: click.Context, store: Path, text: str | None, image: Path | None, given: str | None, at: int | None,
    language: str | None, *, real_only: bool, as_json: bool,
) -> None:  # fmt: skip
    """Verify one pass, offline: a payload's text, a picture of its QR code, or text on stdin.

    TEXT|IMAGE is for people: a file of that name is read as a picture. Programs say which it is by --text or --image,
    or write the text to stdin. Only an accepted pass gives exit code 0, so with a store --help gives another.
    """
    _check_one_given(given, text, image)
    with Device.open(store) as device:
        language = language or device.language
        payload = payload_text(given, text, image)
        if at is None:
            checked = device.check(payload, real_only=real_only)
        else:
            checked = Checked(device.verify(payload, at, real_only=real_only), noted=None, trouble=None)
        # Closing waits for the disk; the officer need not.
        show_result(checked, language, as_json=as_json, as_of=at)
    ctx.exit(_EXIT[checked.result.outcome])


@click.command(epilog=example("movepass inspect photo.png"))
@text_option
@image_option
@json_option
@click.argument("given", metavar="[TEXT|IMAGE|-]", required=False)
@click.pass_context
def inspect(ctx: click.Context, text: str | None, image: Path | None, given: str | None, *, as_json: bool) -> None:
    """Show the content of a payload. Nothing is verified: anybody can make a payload that says anything.

    It is for holders, who see what their code tells others, and for IT desks, who look into a code that devices refuse.

    Of a COVID certificate (HCERT), a SMART Health Card or a signed web token (JWT) it shows who issued it, the key and
    the times, and nothing of whom it is about.
    """
    from movepass_verifier.reading.other_schemes import take_apart  # noqa: PLC0415 - verifying needs none

    _check_one_given(given, text, image)
    payload = payload_text(given, text, image)
    try:
        other = take_apart(payload)
        if other:
            _show_other(other, as_json=as_json)
            return
        envelope = open_text(payload)
        pass_ = decode_claims(envelope.claims)
    except (OtherCodeError, PayloadError, WireError) as e:
        if as_json:
            show_json({"verified": False, "error": str(e)})
        say(f"error: not a readable pass: {e}")
        ctx.exit(USAGE)
    number = format_number(pass_.day, pass_.index)
    alg = NAMES[envelope.alg]
    if as_json:
        show_json(
            {
                "verified": False,
                "alg": alg,
                "kid": envelope.kid.hex(),
                "pass_number": number,
                "pass": trip_to_json(pass_.trip),
            }
        )
        return
    click.echo("UNVERIFIED: this is what the payload says, true or not.")
    english = words()
    key = (english("label.key"), f"{envelope.kid.hex()} ({alg})")
    show_rows([(english("label.pass"), number), *trip_rows(pass_.trip, english), key])


def _show_other(code: "OtherCode", *, as_json: bool) -> None:
    """Show the content of another scheme's code."""
    english = words()
    what = english.say(code.what)
    if as_json:
        said = {"scheme": code.scheme, "alg": code.alg, "kid": code.kid, "issuer": code.issuer}
        times = {"issued_at": code.issued_at, "not_before": code.not_before, "expires_at": code.expires_at}
        shown = {name: None if at is None else iso(at) for name, at in times.items()}
        show_json({"verified": False, "reason": what, **said, **shown})
        return
    show_line(f"UNVERIFIED: {what}.")
    key = " ".join(part for part in (code.kid, code.alg and f"({code.alg})") if part)
    rows = [(english("label.issuer"), code.issuer or ""), (english("label.key"), key)]
    for label, at in (
        (english("label.issued"), code.issued_at),
        (english("label.not-before"), code.not_before),
        (english("label.expires"), code.expires_at),
    ):
        rows.append((label, "" if at is None else english.time(at)))
    show_rows(rows)
