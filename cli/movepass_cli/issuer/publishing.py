"""Provide the commands that publish: publish, recover."""

import time
from pathlib import Path
from typing import Any

import click

from movepass_cli.issuer.endings import warn_of_endings
from movepass_cli.options import authority_option, days_ahead_option, example, json_option, option
from movepass_cli.output import say, show_json
from movepass_cli.signals import stopped_by_signals
from movepass_issuer.authority import ceremony_desk
from movepass_issuer.authority.folder import Authority
from movepass_issuer.publishing.publisher import Publication, check_accepted
from movepass_issuer.publishing.watch import PublishingFailure, publish_every
from movepass_issuer.regions.replication import Followed
from movepass_wire.times import day_name, day_of, iso, local

_WATCH_MAX_SECONDS = 86400


@click.command(
    epilog=example(
        "movepass publish --authority my-authority",
        "movepass publish --authority my-authority --watch 300",
    )
)
@authority_option
@days_ahead_option
@click.option("--clock-checked", is_flag=True, help="Publish though the clock has jumped since the last time.")
@click.option("--take-over", is_flag=True, help="Of several regions, let this one publish from now on.")
@option(
    "--watch", type=click.IntRange(1, _WATCH_MAX_SECONDS), metavar="SECONDS",
    help="Publish every SECONDS until stopped (SIGTERM, Ctrl-C), and go on after a failure.",
)  # fmt: skip
@json_option
def publish(
    authority: Path, days_ahead: int, watch: int | None, *, clock_checked: bool, take_over: bool, as_json: bool
) -> None:
    """Publish keys and revocation lists, signed as fresh from now.

    Where several regions issue, one of them publishes, and here a copy of that is kept, however old: this one takes
    over with --take-over, or by its function.

    Once the custodians' root or their list of pass keys has ended, devices refuse whatever is published (exit code 4).
    """
    Authority.open(authority)
    checked, warned_on = clock_checked, -1

    def once() -> Publication | Followed:
        nonlocal checked, take_over, warned_on
        opened, now = Authority.open(authority), int(time.time())
        how: dict[str, Any] = {"days_ahead": days_ahead, "clock_checked": checked}
        done: Publication | Followed
        if opened.peers:
            done = _beside_others(opened, now, take_over=take_over, **how)
        else:
            with opened.publisher() as publisher:
                done = publisher.publish(now, **how)
        checked = take_over = False
        ends = warn_of_endings(opened, now, quietly=warned_on == day_of(now))  # the log has it once a day
        warned_on = day_of(now)
        if isinstance(done, Followed):
            check_accepted(ends)
        return done

    if watch is None:
        _show_published(once(), as_json=as_json)
        return

    def tell(came: Publication | Followed | PublishingFailure, wait: float) -> None:
        if isinstance(came, Publication | Followed):
            _show_published(came, as_json=as_json)
            return
        if as_json:
            show_json({"at": iso(int(time.time())), "error": str(came)})
        say(f"error: {came}; next try in {wait:.0f} s")

    with stopped_by_signals() as stop:
        publish_every(watch, once, stop=stop, tell=tell)


def _beside_others(authority: Authority, now: int, **how: Any) -> Publication | Followed:
    """Send revocations to the other regions, then publish or keep a copy, whichever this region's turn is."""
    with authority.regions(hurried=False) as regions:
        for region, why in regions.tell().items():
            say(f"warning: region {region} is not told of all revocations: {why}")
    with authority.turns(lambda name, why: say(f"warning: {name} can't be read: {why}")) as turns:
        return turns.publish(now, **how)


def _show_published(done: Publication | Followed, *, as_json: bool) -> None:
    if as_json:
        show_json(done.to_json())
    elif isinstance(done, Followed) and done.waiting:
        click.echo(
            f"Another region published at {local(done.published)}; what is here stays until it is in that as well:"
        )
        click.echo(f"{done.waiting}.")
    elif isinstance(done, Followed):
        click.echo(f"Another region published at {local(done.published)}, version {done.version}; the copy is here.")
        click.echo("To publish from here from now on: --take-over.")
    else:
        days_words = f"{day_name(done.days[0])} to {day_name(done.days[-1])}"
        click.echo(f"Published at {local(done.published)}: {done.revoked} newly revoked, lists for {days_words}.")


@click.command(epilog=example("movepass recover --authority my-authority --skip 1000000"))
@authority_option
@option("--skip", type=click.IntRange(1), required=True, help="More than the passes issued since the backup was made.")
@json_option
def recover(authority: Path, skip: int, *, as_json: bool) -> None:
    """Continue after a restore from a backup: reuse no index, and publish what devices will not take for old."""
    ceremony_desk.recover(Authority.open(authority), int(time.time()), skip=skip)
    if as_json:
        show_json({"skipped": skip})
    else:
        left_out = "1 index of each day is" if skip == 1 else f"{skip:,} indexes of each day are"
        click.echo(f"{left_out} left out, and the lists are published as newer than any before.")
        click.echo("Revocations since the backup are lost with it: revoke again what you know of.")
