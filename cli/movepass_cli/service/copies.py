"""Provide the command for auditors' copies: service export."""

from dataclasses import asdict
from pathlib import Path

import click

from movepass_cli.options import PATH, authority_option, example, json_option, option
from movepass_cli.output import say, show_json, show_line
from movepass_cli.service.stores import StorePlace, open_store, place_option
from movepass_issuer.authority.folder import Authority
from movepass_service import lock
from movepass_service.decisions.copies import PATIENCE_SECONDS, Exported
from movepass_service.decisions.copies import export as export_copies


@click.command(
    "export",
    epilog=example(
        "movepass service export --data my-authority/service --authority my-authority --to copies",
        "movepass service export --data dynamodb:TABLE --authority my-authority --to copies",
    ),
)
@place_option
@authority_option
@option("--to", "folder", type=PATH, required=True, metavar="DIR", help="A new folder, or that of an earlier export.")
@json_option
def export(data: StorePlace, authority: Path, folder: Path, *, as_json: bool) -> None:
    """Copy the decision log, and every pass of the ledger, for an auditor.

    The service may run meanwhile. An earlier export is replaced only if its leaves are the beginning of the log. The
    copies hold no names, but references and officers' notes: readable by you alone.
    """
    with open_store(data) as store:
        is_running = not isinstance(data, Path) or lock.is_taken(data)
        patience = PATIENCE_SECONDS if is_running else 0
        copied = export_copies(store, Authority.open(authority), folder, patience=patience)
    if as_json:
        show_json({"folder": str(folder)} | asdict(copied))
    else:
        _show(folder, copied)


def _show(folder: Path, copied: Exported) -> None:
    show_line(
        f"{folder} holds {copied.leaves:,} leaves of the decision log, {copied.records:,} of their records, and "
        f"{copied.passes:,} issued passes. The head covers {copied.covered:,} leaves."
    )
    if copied.without_leaf:
        say(f"{copied.without_leaf:,} of the passes are in no leaf of the log; movepass audit names them.")
