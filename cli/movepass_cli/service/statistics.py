"""Provide the commands that bring facts into the statistics: service counts, service rebuild."""

import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from movepass_cli.inputs import InputError
from movepass_cli.options import PATH, authority_option, data_option, example, json_option, plain_option
from movepass_cli.output import say, show_json, show_line
from movepass_issuer.authority.folder import Authority
from movepass_keys import files
from movepass_service.service import Service
from movepass_service.statistics.building import FactBuilder
from movepass_service.statistics.devices import (
    EXPORT_MAX_BYTES,
    Export,
    ExportError,
    Source,
    import_exports,
    read_export,
)
from movepass_service.statistics.folder import facts_folder
from movepass_service.statistics.rebuilding import rebuild_day
from movepass_service.stores.sqlite.store import SqliteStore
from movepass_verifier.deciding.verdicts import Verdict

FILES_MAX = 200


@click.command(
    epilog=example(
        "movepass journal --store device export > post-7.csv",
        "movepass service counts post-7.csv --data my-authority/service --post 'Gabtoli 7' --district dhaka",
    )
)
@click.argument("exports", metavar="FILE...", type=PATH, nargs=-1, required=True)
@data_option
@plain_option("--post", required=True, metavar="NAME", help="The post's name, as reports shall show it.")
@plain_option("--district", required=True, metavar="KEY", help="The post's district, by name or code.")
@plain_option(
    "--device", default="1", show_default=True, metavar="NAME", help="Which of the post's devices; the same every time."
)
@json_option
def counts(exports: tuple[Path, ...], data: Path, post: str, district: str, device: str, *, as_json: bool) -> None:
    """Take in what one device counted by hour: files of `movepass journal export`, as CSV or JSON.

    The same export again changes nothing, and a later one replaces what has grown.
    """
    if len(exports) > FILES_MAX:
        raise InputError(f"expected at most {FILES_MAX} files, got {len(exports)}")
    source, now = Source.read(post, district, device), int(time.time())
    SqliteStore(data, create=False).close()
    read = [_read(path, source, now) for path in exports]
    done = import_exports(facts_folder(data), read, source)
    if as_json:
        told = {"post": source.post, "district": source.district, "device": source.device}
        show_json({**told, "counts": done.counts, "new": done.new, "ahead": done.ahead})
        return
    show_line(
        f"{source.post}, device {source.device}: {done.counts} counts, {done.new} of them new or higher than before"
    )
    if done.ahead:
        say(f"{done.ahead} counts of hours to come are left out: the device's clock was wrong when it counted")


def _read(path: Path, source: Source, now: int) -> Export:
    try:
        data = files.read_regular(path, EXPORT_MAX_BYTES)
    except OSError as e:
        raise InputError(f"can't read {path}: {e.strerror or e}") from e
    try:
        return read_export(data, source, {verdict.value: verdict.outcome.value for verdict in Verdict}, now)
    except ExportError as e:
        raise ExportError(f"{path}: {e}") from e


@click.command(
    epilog=example("movepass service rebuild 2026-11-22 --data my-authority/service --authority my-authority")
)
@click.argument("day", metavar="DAY", type=click.DateTime(["%Y-%m-%d"]))
@data_option
@authority_option
@json_option
def rebuild(day: datetime, data: Path, authority: Path, *, as_json: bool) -> None:
    """Build the facts of a lost day again, from the log, records that are still kept, and the ledger.

    What was deleted since is counted without details, and every answer that reads the day says that it was built again.
    """
    SqliteStore(data, create=False).close()
    with Service.open(data, authority) as service, closing(Authority.open(authority).ledger()) as ledger:
        builder = FactBuilder(service.statistics_key, service.rules)
        done = rebuild_day(
            service.store, ledger.find_index, facts_folder(data), builder, day=day.date(), now=int(time.time())
        )
    if as_json:
        show_json({"day": day.date().isoformat(), "facts": done.facts, "forgotten": done.forgotten})
        return
    show_line(f"{day.date()}: {done.facts} facts, {done.forgotten} of them decisions of which only the time is known")
