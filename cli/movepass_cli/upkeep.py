"""Commands that look after a device: status, configure, doctor."""

import time
from pathlib import Path
from typing import Any

import click

from movepass_cli.main import CANNOT_VERIFY, DONE, FAILED
from movepass_cli.options import duration_of, example, json_option, option, store_option
from movepass_cli.output import printable, say, show_json, show_rows
from movepass_verifier import Device, Freshness, Policy
from movepass_verifier.store import State, describe
from movepass_verifier.words import LANGUAGES, words
from movepass_wire.times import ago, day_name, iso, local


@click.command(epilog=example("movepass status --store device"))
@store_option
@json_option
@click.pass_context
def status(ctx: click.Context, store: Path, *, as_json: bool) -> None:
    """Show the keys and lists on the device, and how old they are.

    Lists are as fresh as their publication; a sync from a source that has nothing newer does not change that. Exit code
    0 where a good pass would be accepted now, 3 where it could not be verified.
    """
    now = int(time.time())
    with Device.open(store) as device:
        state, why = device.state(), device.readiness()
    problem = words().say(why) if why else ""
    freshness = Freshness(state.lists.published, state.lists.synced_at, now, state.policy.warning_age)
    if as_json:
        keys = [_key_row(key, state.keys.withdrawn(key.kid)) for key in state.keys.keys.values()]
        show_json(
            {
                "ready": not problem,
                "reason": problem or None,
                "authority": {"name": state.keys.authority, "test": state.keys.test},
                **_configuration(state),
                "freshness": freshness.to_json(),
                "keys": keys,
                "lists": [describe(log) for log in state.logs],
            }
        )
    else:
        click.echo(_at_a_glance(problem, freshness, state.policy))
        test = " (TEST)" if state.keys.test else ""
        show_rows([("Authority", state.keys.authority + test), *_times(freshness)])
        show_rows([*_configured(state)])
        for key in state.keys.keys.values():
            withdrawn = state.keys.withdrawn(key.kid)
            state_words = f"withdrawn: {withdrawn.reason}" if withdrawn else f"until {local(key.not_after)}"
            show_rows([("Key", f"{key.kid.hex()} {state_words}")])
        show_rows([("List", f"{day_name(log.day)}: {log.revoked} revoked") for log in state.logs])
    ctx.exit(CANNOT_VERIFY if problem else DONE)


@click.command(epilog=example("movepass configure --store device --max-age 12h --warning-age 3h"))
@store_option
@option("--max-age", callback=duration_of, metavar="TIME", help="No accept rests on older lists: 15m to 48h.")
@option("--warning-age", callback=duration_of, metavar="TIME", help="Older lists are shown as getting old.")
@option("--source", multiple=True, metavar="URL-OR-DIR", help="Where the device syncs from; may be repeated.")
@option("--journal-keep", callback=duration_of, metavar="TIME", help="The journal's entries are forgotten: 1d to 30d.")
@option("--language", type=click.Choice(list(LANGUAGES)), help="What the device speaks: English or Bangla.")
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
    """Change what the device itself decides, or show it: how old lists may be, where they come from, and so on.

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
        show_rows(_configured(state))


@click.command(epilog=example("movepass doctor --store device", "movepass doctor --store device --source /media/stick"))
@store_option
@option("--source", metavar="URL-OR-DIR", help="Another source for what must be fetched.")
@json_option
@click.pass_context
def doctor(ctx: click.Context, store: Path, source: str | None, *, as_json: bool) -> None:
    """Look a device's store over, deeply, and mend what is damaged.

    Nothing is believed that does not prove itself: by a signature, by a signed hash, or by its checksum. What is then
    missing is fetched. Exit code 0 where the store is as it should be, perhaps only now; 4 where it can't be mended.
    """
    from movepass_verifier.doctor import examine  # noqa: PLC0415 - TUF is slow to import, status needs none

    diagnosis = examine(store, source=source, now=int(time.time()))
    if as_json:
        show_json(diagnosis.to_json())
    else:
        for problem in diagnosis.problems:
            click.echo(f"- {printable(problem)}")
        if not diagnosis.obstacle:
            click.echo(f"Mended {diagnosis.mended}." if diagnosis.mended else f"{store} is as it should be.")
    if diagnosis.obstacle:
        say(f"error: {store} is damaged and not mended: {diagnosis.obstacle}")
        ctx.exit(FAILED)


def _at_a_glance(problem: str, freshness: Freshness, policy: Policy) -> str:
    if problem:
        return f"NOT READY: {printable(problem)}."
    left = policy.max_age - (freshness.age or 0)
    words = "READY, SYNC SOON" if freshness.sync_soon else "READY"
    return f"{words}. Lists published {ago(freshness.age or 0)} ago, good for {ago(left)} more."


def _times(freshness: Freshness) -> list[tuple[str, str]]:
    rows = (("Published", freshness.published), ("Synced", freshness.synced_at))
    return [(name, "never" if at is None else f"{local(at)}, {ago(freshness.now - at)} ago") for name, at in rows]


def _configuration(state: State) -> dict[str, Any]:
    return {
        "sources": list(state.sources),
        "max_age_s": state.policy.max_age,
        "warning_age_s": state.policy.warning_age,
        "journal_keep_s": state.journal_keep,
        "language": state.language,
    }


def _configured(state: State) -> list[tuple[str, str]]:
    ages = f"good for {ago(state.policy.max_age)}, with a warning from {ago(state.policy.warning_age)} on"
    sources = (("Source", source) for source in state.sources)
    kept = f"forgotten after {ago(state.journal_keep)}"
    return [*sources, ("Lists", ages), ("Journal", kept), ("Language", words(state.language)("language.name"))]


def _key_row(key: Any, withdrawn: Any) -> dict[str, Any]:
    row = {"kid": key.kid.hex(), "not_before": iso(key.not_before), "not_after": iso(key.not_after)}
    return row | ({"withdrawn": printable(withdrawn.reason)} if withdrawn else {})
