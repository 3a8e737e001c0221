"""Provide the command journal: what was decided at this post, but never about whom."""

import csv
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from movepass_cli.options import example, json_option, language_option, store_option
from movepass_cli.output import show_json, show_rows
from movepass_verifier import Device
from movepass_verifier.officer.journal import Count, Decision, JournalEntry, totals
from movepass_wire.times import iso
from movepass_words import Words, words

SUMMARY_SECONDS = 24 * 3600
_ENTRIES, _EXPORT = "entries", "export"


@click.command(
    epilog=example(
        "movepass journal --store device",
        "movepass journal --store device entries",
        "movepass journal --store device export > post-7.csv",
    )
)
@store_option
@language_option
@json_option
@click.argument("what", type=click.Choice([_ENTRIES, _EXPORT]), required=False)
def journal(store: Path, language: str | None, what: str | None, *, as_json: bool) -> None:
    """Show how often each verdict came in the last 24 hours; or all entries; or export the counts by hour, as CSV.

    Whom a check was about is nowhere in it. Entries are forgotten after a week (movepass configure --journal-keep),
    counts after three months.
    """
    with Device.open(store) as device:
        say = words(language or device.language)
        if what == _EXPORT:
            _export((count.to_json() for count in device.hourly()), as_csv=not as_json)
        elif what == _ENTRIES:
            for entry in device.entries():
                show_json(entry.to_json()) if as_json else click.echo(_line(entry, say))
        else:
            now = int(time.time())
            found, keep = totals(device.hourly(), now - SUMMARY_SECONDS), device.state().journal_keep
            _summary(found, len(device.entries()), keep, now, None if as_json else say)


def _export(rows: Iterable[dict[str, Any]], *, as_csv: bool) -> None:
    """Write the counts; an empty journal has only the heading."""
    if not as_csv:
        for row in rows:
            show_json(row)
        return
    writer = csv.DictWriter(sys.stdout, Count.columns(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _line(entry: JournalEntry, say: Words) -> str:
    """Format an entry as one line."""
    outcome, verdict = say(f"outcome.{entry.verdict.outcome.value}"), say(f"verdict.{entry.verdict.value}")
    done = say(f"decision.{entry.decision.value}") if entry.decision else ""
    return "  ".join(part for part in (say.minute(entry.at), f"{outcome} ({verdict})", done) if part)


def _summary(found: list[Count], entries: int, keep: int, now: int, say: Words | None) -> None:
    scans = sum(count.scans for count in found)
    if say is None:
        rows = [{name: value for name, value in count.to_json().items() if name != "hour"} for count in found]
        show_json(
            {
                "since": iso(now - SUMMARY_SECONDS),
                "scans": scans,
                "verdicts": rows,
                "entries": entries,
                "journal_keep_s": keep,
            }
        )
        return
    click.echo(say("journal.checks", count=scans))
    show_rows((say(f"verdict.{count.verdict.value}"), _describe_count(count, say)) for count in found)
    click.echo(say("journal.kept", count=entries, span=keep))


def _describe_count(count: Count, say: Words) -> str:
    """Describe how often a verdict came, and what else is known about it."""
    parts = [say.number(count.scans)]
    if count.shown_before:
        parts.append(say("journal.shown-before", count=count.shown_before))
    for decision in Decision:
        times = getattr(count, decision.column)
        if times:
            parts.append(f"{say(f'decision.{decision.value}')} {say.number(times)}")
    return ", ".join(parts)
