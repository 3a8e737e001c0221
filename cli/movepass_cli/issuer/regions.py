"""Provide the command for several regions: reconcile."""

import time
from pathlib import Path

import click

from movepass_cli.options import authority_option, example, json_option, option
from movepass_cli.output import show_json, show_line
from movepass_issuer.authority.folder import Authority
from movepass_issuer.errors import AuthorityError
from movepass_issuer.issuing.issuer import Revoker
from movepass_issuer.issuing.request_ids import request_of
from movepass_issuer.regions.reconciliation import REASON, LostPasses, Twin, twins
from movepass_wire import format_number
from movepass_wire.times import day_of


@click.command(epilog=example("movepass reconcile --authority my-authority --lost 0"))
@authority_option
@option("--lost", type=click.IntRange(0), required=True, metavar="NUMBER", help="The region that was lost and is back.")
@click.option("--dry-run", is_flag=True, help="Show what would be revoked.")
@json_option
def reconcile(authority: Path, lost: int, *, dry_run: bool, as_json: bool) -> None:
    """Revoke the passes that a lost region made and never returned, if another region answered the request.

    Once the lost region is back and its request queue is empty. Done again, it finds what has come since.
    """
    now, count = int(time.time()), 0
    opened = Authority.open(authority)
    with opened.regions() as regions, opened.ledgers() as ledgers:
        if lost not in ledgers:
            raise AuthorityError(f"there is no region {lost}; there are {', '.join(map(str, sorted(ledgers)))}")
        revoker = Revoker(ledger=LostPasses(ledgers[lost], regions), kids=opened.keys().keys)
        kept = [ledger for number, ledger in ledgers.items() if number != lost]
        for twin in twins(ledgers[lost], kept, day_of(now)):
            if not dry_run:
                revoker.revoke(number=format_number(twin.lost.day, twin.lost.index), reason=REASON)
            count += 1
            _show(twin, as_json=as_json, revoked=not dry_run)
    if not as_json:
        passes = f"{count:,} pass{'es' * (count != 1)}"
        click.echo(f"{passes}; {'nothing is revoked' if dry_run else 'publish to let devices know'}.")


def _show(twin: Twin, *, as_json: bool, revoked: bool) -> None:
    lost, kept = (format_number(entry.day, entry.index) for entry in (twin.lost, twin.kept))
    request_id = request_of(twin.lost.request_id)
    if as_json:
        show_json({"request_id": request_id, "lost": lost, "kept": kept, "revoked": revoked})
    else:
        show_line(f"{lost} {'is revoked' if revoked else 'would be'}; request {request_id} has {kept}")
