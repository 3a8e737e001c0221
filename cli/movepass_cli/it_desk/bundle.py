"""Provide the command export-bundle, which copies the parts of a repository that devices need."""

from pathlib import Path

import click

from movepass_cli.options import PATH, ca_option, example, json_option, option
from movepass_cli.output import progress_on_terminal, show_json, show_line
from movepass_verifier.sync import bundle
from movepass_wire.times import local


@click.command(
    epilog=example(
        "movepass export-bundle --from https://passes.example/repository --to /media/stick",
        "movepass export-bundle --authority my-authority --to /media/stick",
        "movepass sync --store device --source /media/stick",
    )
)
@option("--from", "--source", "source", metavar="URL-OR-DIR", help="The source to copy from.")
@option("--authority", type=PATH, metavar="DIR", help="Copy from where this authority publishes.")
@option("--to", "folder", type=PATH, required=True, metavar="DIR", help="The bundle's folder, new or an older bundle.")
@ca_option
@json_option
def export_bundle(source: str | None, authority: Path | None, folder: Path, ca: Path | None, *, as_json: bool) -> None:
    """Copy the parts of a repository that devices need to a folder or stick, or update such a copy.

    Everything is verified on the way. Pulled out while it is written, a stick holds what it held before.
    """
    if not source:
        if not authority:
            raise click.UsageError("give --from or --authority")
        source = _repository_of(authority)
    with progress_on_terminal() as progress:
        made = bundle.export(source, folder, ca=ca, progress=progress)
    if as_json:
        show_json(made.to_json())
        return
    show_line(f"{folder} holds what was published at {local(made.published)}: {made.size:,} bytes.")
    show_line(
        f"{made.received:,} bytes fetched in {made.requests} requests from {made.source}, {made.written:,} written."
    )
    show_line(f"Devices take it over until {local(made.expires)}: movepass sync --store DIR --source {folder}")


def _repository_of(authority: Path) -> str:
    from movepass_issuer.authority.folder import Authority  # noqa: PLC0415 - a courier has no authority, nor its libraries

    return Authority.open(authority).repository.name
