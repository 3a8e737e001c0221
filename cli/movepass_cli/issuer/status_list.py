"""Provide the command export-tsl, a day's list for readers of the IETF's format."""

import time
from pathlib import Path

import click

from movepass_cli.inputs import InputError
from movepass_cli.options import PATH, authority_option, example, json_option, option
from movepass_cli.output import show_json, show_line
from movepass_issuer.authority.folder import Authority
from movepass_issuer.publishing import status_list_token
from movepass_issuer.publishing.published_lists import PublishedLists
from movepass_keys import files, signer_from_uri
from movepass_wire.limits import INDEX_LIMIT
from movepass_wire.times import day_name, iso, local, parse_day

_SIZE = 1 << 20


def _day_of(ctx: click.Context, param: click.Parameter, value: str) -> int:  # noqa: ARG001 - click's
    try:
        return parse_day(value)
    except ValueError as e:
        raise click.BadParameter(str(e)) from e


@click.command(
    epilog=example(
        "movepass export-tsl --authority my-authority --signer file:tsl.pem "
        "--uri https://passes.example/status/2026-11-22 --to 2026-11-22.cwt 2026-11-22"
    )
)
@authority_option
@option("--signer", required=True, metavar="URI", help="The key that signs it: file:KEY.pem, awskms:ARN.")
@option("--uri", required=True, metavar="URI", help="Where readers will find it; it is signed as its subject.")
@option("--to", "file", type=PATH, required=True, metavar="FILE", help="The file to write.")
@option("--size", type=click.IntRange(1, INDEX_LIMIT), default=_SIZE, show_default=True,
        help="Indexes that it tells of: more than that day has passes.")  # fmt: skip
@json_option
@click.argument("day", callback=_day_of, metavar="DAY")
def export_tsl(authority: Path, signer: str, uri: str, file: Path, size: int, day: int, *, as_json: bool) -> None:
    """Write the list of a UTC day, as it is published, as an IETF Token Status List token (a CWT).

    It is for other agencies' back ends that already read this format; devices sync the lists themselves. It has a bit
    for each index of that day, 1 for revoked. It is as old as the publication, and valid as long.
    """
    lists = PublishedLists.read(Authority.open(authority).repository)
    if day not in lists.days:
        raise InputError(f"there is no list for {day_name(day)}; there is one for {_span(lists.days)}")
    if lists.expires <= time.time():
        raise InputError(f"the lists were published at {local(lists.published)}, too long ago: movepass publish")
    revoked = list(lists.log(day).revoked)
    data = status_list_token.token(
        status_list_token.status_list(revoked, size),
        signer=signer_from_uri(signer), subject=uri, issued_at=lists.published, expires_at=lists.expires,
    )  # fmt: skip
    files.write_whole(file, data)
    if as_json:
        times = {"issued_at": iso(lists.published), "expires_at": iso(lists.expires)}
        show_json({"file": str(file), "day": day_name(day), "revoked": len(revoked), "size": size, **times})
        return
    held = f"{size:,} indexes of {day_name(day)}, {len(revoked):,} of them revoked"
    show_line(f"{file} tells of {held}: {len(data):,} bytes.")
    click.echo(f"It is as published at {local(lists.published)}, and good until {local(lists.expires)}.")


def _span(days: list[int]) -> str:
    return f"{day_name(days[0])} to {day_name(days[-1])}" if days else "no day"
