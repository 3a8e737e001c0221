"""Provide the commands that bring facts into the statistics: service counts, service rebuild."""

import time
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import click

from movepass_cli.inputs import InputError
from movepass_cli.options import PATH, authority_option, example, json_option, plain_option
from movepass_cli.output import say, show_json, show_line
from movepass_cli.service.stores import StorePlace, place_option
from movepass_issuer.authority.folder import Authority
from movepass_keys import files
from movepass_service.aws.bucket import FactsBucket
from movepass_service.aws.counting import import_counts, rebuild_in_bucket
from movepass_service.aws.opening import read_secret
from movepass_service.rules.kept import KeptRules
from movepass_service.service import Service
from movepass_service.statistics.building import FactBuilder, name_by_hash
from movepass_service.statistics.devices import (
    EXPORT_MAX_BYTES,
    Export,
    ExportError,
    Source,
    import_exports,
    read_export,
)
from movepass_service.statistics.folder import facts_folder
from movepass_service.statistics.rebuilding import FindPass, Rebuilt, rebuild_day
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.sqlite.store import SqliteStore
from movepass_verifier.deciding.verdicts import Verdict

FILES_MAX = 200
_S3 = "s3://"
_facts_option = plain_option(
    "--facts", metavar="s3://BUCKET", help="With a table: the bucket of the facts, the output FactsBucket of the stack."
)


@click.command(
    epilog=example(
        "movepass journal --store device export > post-7.csv",
        "movepass service counts post-7.csv --data my-authority/service --post 'Gabtoli 7' --district dhaka",
        "movepass service counts post-7.csv --data dynamodb:TABLE --facts s3://BUCKET --post P-7 --district dhaka",
    )
)
@click.argument("exports", metavar="FILE...", type=PATH, nargs=-1, required=True)
@place_option
@_facts_option
@plain_option("--post", required=True, metavar="NAME", help="The post's name, as reports shall show it.")
@plain_option("--district", required=True, metavar="KEY", help="The post's district, by name or code.")
@plain_option(
    "--device", default="1", show_default=True, metavar="NAME", help="Which of the post's devices; the same every time."
)
@json_option
def counts(
    exports: tuple[Path, ...], data: StorePlace, facts: str | None, post: str, district: str, device: str, *,
    as_json: bool,
) -> None:  # fmt: skip
    """Take in what one device counted by hour: files of `movepass journal export`, as CSV or JSON.

    The same export again changes nothing, and a later one replaces what has grown.
    """
    if len(exports) > FILES_MAX:
        raise InputError(f"expected at most {FILES_MAX} files, got {len(exports)}")
    source, now = Source.read(post, district, device), int(time.time())
    bucket = _bucket(data, facts)
    if isinstance(data, Path):
        SqliteStore(data, create=False).close()
    read = [_read(path, source, now) for path in exports]
    done = import_counts(bucket, read, source) if bucket else import_exports(facts_folder(Path(data)), read, source)
    if as_json:
        told = {"post": source.post, "district": source.district, "device": source.device}
        show_json({**told, "counts": done.counts, "new": done.new, "ahead": done.ahead})
        return
    show_line(
        f"{source.post}, device {source.device}: {done.counts} counts, {done.new} of them new or higher than before"
    )
    if done.ahead:
        say(f"{done.ahead} counts of hours to come are left out: the device's clock was wrong when it counted")


def _bucket(data: StorePlace, facts: str | None) -> FactsBucket | None:
    """Open the bucket of the facts, which a table needs and a folder does not have.

    Raises:
        UsageError: it is missing, or is one too many.
    """
    if isinstance(data, Path):
        if facts is not None:
            raise click.UsageError("--facts goes with --data dynamodb:TABLE; a folder has its facts in it")
        return None
    if facts is None or not (name := facts.removeprefix(_S3).strip("/")) or name == facts or "/" in name:
        raise click.UsageError("a table needs --facts s3://BUCKET, the output FactsBucket of the stack")
    return FactsBucket(name)


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
    epilog=example(
        "movepass service rebuild 2026-11-22 --data my-authority/service --authority my-authority",
        "movepass service rebuild 2026-11-22 --data dynamodb:TABLE --facts s3://BUCKET --statistics-secret ARN "
        "--authority my-authority",
    )
)
@click.argument("day", metavar="DAY", type=click.DateTime(["%Y-%m-%d"]))
@place_option
@_facts_option
@plain_option(
    "--statistics-secret",
    "secret",
    metavar="ARN",
    help="With a table: the secret of events' names, the output StatisticsSecretArn of the stack.",
)
@authority_option
@json_option
def rebuild(
    day: datetime, data: StorePlace, facts: str | None, secret: str | None, authority: Path, *, as_json: bool
) -> None:
    """Build the facts of a lost day again, from the log, records that are still kept, and the ledger.

    What was deleted since is counted without details, and every answer that reads the day says that it was built again.
    """
    bucket, now = _bucket(data, facts), int(time.time())
    with closing(Authority.open(authority).ledger()) as ledger:
        if bucket is not None:
            done = _rebuild_on_aws(str(data), bucket, secret, ledger.find_index, day.date(), now)
        else:
            done = _rebuild_here(Path(data), authority, ledger.find_index, day.date(), now)
    if as_json:
        show_json({"day": day.date().isoformat(), "facts": done.facts, "forgotten": done.forgotten})
        return
    show_line(f"{day.date()}: {done.facts} facts, {done.forgotten} of them decisions of which only the time is known")
    if bucket is not None:
        say("the compact function makes it part of the day's file within the hour")


def _rebuild_here(data: Path, authority: Path, find_pass: FindPass, day: date, now: int) -> Rebuilt:
    SqliteStore(data, create=False).close()
    with Service.open(data, authority) as service:
        builder = FactBuilder(service.statistics_key, service.rules)
        return rebuild_day(service.store, find_pass, facts_folder(data), builder, day=day, now=now)


def _rebuild_on_aws(
    table: str, bucket: FactsBucket, secret: str | None, find_pass: FindPass, day: date, now: int
) -> Rebuilt:
    if secret is None:
        raise click.UsageError("a table needs --statistics-secret, the output StatisticsSecretArn of the stack")
    key = read_secret(secret).encode()
    with closing(DynamoDbStore(table)) as store:
        builder = FactBuilder(key, KeptRules(store), name_by_hash(key))
        return rebuild_in_bucket(store, find_pass, bucket, builder, day=day, now=now)
