"""Provide the commands that look after a device: status, configure, doctor."""

import sys
import time
from pathlib import Path
from typing import Any

import click

from movepass_cli.display import printable
from movepass_cli.main import CANNOT_VERIFY, DONE, FAILED
from movepass_cli.options import (
    LANGUAGE,
    SOURCE,
    duration_of,
    example,
    json_option,
    language_option,
    option,
    plain_option,
    store_option,
)
from movepass_cli.output import say, show_head, show_json, show_line, show_rows
from movepass_verifier import Device, Outcome
from movepass_verifier.officer import checkup
from movepass_verifier.officer.checkup import Standing
from movepass_verifier.store.store import State, describe
from movepass_wire.times import iso
from movepass_words import DEFAULT_LANGUAGE, Message, words


@click.command(epilog=example("movepass status --store device", "movepass status --store device --details"))
@store_option
@click.option("--details", is_flag=True, help="Show the keys and lists as well, and how the device is configured.")
@language_option
@json_option
@click.pass_context
def status(ctx: click.Context, store: Path, language: str | None, *, details: bool, as_json: bool) -> None:
    """Show what would happen to a good pass now, and how old the lists are.

    Lists are as fresh as their publication; a sync from a source that has nothing newer does not change that. Exit code
    0 where a good pass would be accepted now, 3 where it could not be verified.
    """
    with Device.open(store) as device:
        standing = device.standing()
    say_in = words(language or standing.state.language)
    if as_json:
        show_json(_standing(standing))
    else:
        outcome = Outcome.CANNOT_VERIFY if standing.why_not else Outcome.ACCEPT
        show_head(outcome, checkup.glance(standing, say_in))
        if details:
            show_rows(checkup.details(standing, say_in))
    ctx.exit(CANNOT_VERIFY if standing.why_not else DONE)


@click.command(epilog=example("movepass configure --store device --max-age 12h --warning-age 3h"))
@store_option
@plain_option("--max-age", callback=duration_of, metavar="TIME", help="No accept rests on older lists: 15m to 48h.")
@plain_option("--warning-age", callback=duration_of, metavar="TIME", help="Older lists are shown as getting old.")
@plain_option("--source", multiple=True, metavar=SOURCE, help="Where the device syncs from; may be repeated.")
@plain_option("--journal-keep", callback=duration_of, metavar="TIME",
              help="The journal's entries are forgotten: 1d to 30d.")  # fmt: skip
@plain_option("--language", type=LANGUAGE, help="What the device speaks.")
@json_option
def configure(
    store: Path,
    max_age: int | None,
    warning_age: int | None,
    source: tuple[str, ...],
    journal_keep: int | None,
    language: str | None,
    *,
    as_json: bool,
) -> None:
    """Change or show the device's own settings: how old lists may be, where they come from, and so on.

    What is not given stays as it is. Sources given take the place of all that were there, and are tried in this order.
    """
    with Device.open(store) as device:
        if source or language or any(value is not None for value in (max_age, warning_age, journal_keep)):
            device.configure(
                max_age=max_age,
                warning_age=warning_age,
                sources=source,
                journal_keep=journal_keep,
                language=language,
            )
        state = device.state()
    if as_json:
        show_json(_configuration(state))
    else:
        show_rows(checkup.configured(state, words(state.language)))


@click.command(epilog=example("movepass doctor --store device", "movepass doctor --store device --source /media/stick"))
@store_option
@option("--source", metavar=SOURCE, help="Another source for what must be fetched.")
@language_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, store: Path, source: str | None, language: str | None, *, as_json: bool) -> None:
    """Check this device and its store thoroughly, say how to fix what is wrong, and repair what is damaged.

    Nothing is believed that does not prove itself: by a signature, by a signed hash, or by its checksum. What is then
    missing is fetched. Exit code 0 where all is as it should be, perhaps only now; 3 where the store is, and a good
    pass could still not be verified; 4 where the store can't be mended.
    """
    from movepass_verifier.store.doctor import examine  # noqa: PLC0415 - TUF is slow to import, status needs none

    diagnosis = examine(store, source=source, now=int(time.time()))
    standing, found = (None, []) if diagnosis.obstacle else _look_over(store)
    say_in = words(language or (standing.state.language if standing else None) or DEFAULT_LANGUAGE)
    if as_json:
        show_json(diagnosis.to_json() | {"findings": [words().say(finding) for finding in found]})
    else:
        for problem in (*diagnosis.problems, *found):
            show_line(say_in.say(problem), lead="- ")
        if diagnosis.mended:
            show_line(say_in("doctor.mended", how=diagnosis.mended))
        elif not found and not diagnosis.obstacle:
            show_line(say_in("doctor.well", store=store))
    if diagnosis.obstacle:
        why = say_in("doctor.not-mended", store=store, why=diagnosis.obstacle)
        say(f"error: {why}")
        ctx.exit(FAILED)
    ctx.exit(CANNOT_VERIFY if standing and standing.why_not else DONE)


def _look_over(store: Path) -> tuple[Standing, list[Message]]:
    with Device.open(store) as device:
        standing = device.standing()
        return standing, checkup.findings(
            standing,
            writable=device.writable,
            encoding=sys.stdout.encoding,
            camera=any(Path("/dev").glob("video*")),
        )


def _standing(standing: Standing) -> dict[str, Any]:
    state = standing.state
    return {
        "ready": not standing.why_not,
        "reason": words().say(standing.why_not) if standing.why_not else None,
        "authority": {"name": state.keys.authority, "test": state.keys.test},
        **_configuration(state),
        "freshness": standing.freshness.to_json(),
        "keys": [_key_row(key, state.keys.withdrawn(key.kid)) for key in state.keys.keys.values()],
        "lists": [describe(log) for log in state.logs],
        "ends": {ending.what.value: iso(ending.at) for ending in standing.ends},
    }


def _configuration(state: State) -> dict[str, Any]:
    return {
        "sources": list(state.sources),
        "max_age_s": state.policy.max_age,
        "warning_age_s": state.policy.warning_age,
        "journal_keep_s": state.journal_keep,
        "language": state.language,
    }


def _key_row(key: Any, withdrawn: Any) -> dict[str, Any]:
    row = {"kid": key.kid.hex(), "not_before": iso(key.not_before), "not_after": iso(key.not_after)}
    return row | ({"withdrawn": printable(withdrawn.reason)} if withdrawn else {})
