"""Show rules, the findings of a check and a replay, in words and as JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import click

from movepass_cli.output import show_line, show_rows
from movepass_service.rules.archive import FolderArchive
from movepass_service.rules.check import Findings, Period
from movepass_service.rules.columns import Condition
from movepass_service.rules.replay import Change, Decided, Replay, is_change
from movepass_service.rules.table import Row, Table
from movepass_service.rules.wording import describe, describe_action, describe_row
from movepass_wire.times import day_name, iso, local

_ENGLISH = "en"
_NO_ROW = "(no row)"
_SYMBOLS = {True: "✔", False: "✘"}


def show_findings(table: Table, findings: Findings) -> None:
    """Show the findings of a check, faults first."""
    for gap in findings.gaps:
        show_line(f"✘ Gap{_on(table, gap.period)}: no row decides")
        _show_combination(gap.combination)
    for dead in findings.dead_rows:
        hiding = f"; {', '.join(dead.hidden_by)} before it cover all of it" if dead.hidden_by else ""
        show_line(f"✘ Dead row: {dead.row} never decides{hiding}")
    for code in findings.unused_texts:
        show_line(f"✘ Unused text: nobody ever reads {code}")
    conflicts = [pair for pair in findings.overlaps if not pair.is_exception]
    if conflicts:
        click.echo("The order of these rows matters, for they decide differently where both match:")
    for earlier, later in _by_earlier(conflicts).items():
        show_line(f"{earlier} comes before {', '.join(later)}", lead="  ")
    exceptions = len(findings.overlaps) - len(conflicts)
    if exceptions:
        click.echo(f"{exceptions} pairs of rows are an exception before its rule.")
    words = "is sound: no gap, no dead row, no unused text" if findings.is_sound else "can't be activated"
    show_line(f"{_SYMBOLS[findings.is_sound]} Version {table.version} {words}.")


def findings_json(findings: Findings) -> dict[str, Any]:
    """Return the findings of a check."""
    return {
        "sound": findings.is_sound,
        "gaps": [_period_json(gap.period) | {"combination": _when_json(gap.combination)} for gap in findings.gaps],
        "dead_rows": [{"row": dead.row, "hidden_by": list(dead.hidden_by)} for dead in findings.dead_rows],
        "unused_texts": list(findings.unused_texts),
        "overlaps": [
            {"earlier": pair.earlier, "later": pair.later, "exception": pair.is_exception}
            | _period_json(pair.period)
            | {"example": _when_json(pair.combination)}
            for pair in findings.overlaps
        ],
    }


def show_table(table: Table, language: str) -> None:
    """Show a table in words, row by row."""
    show_line(f"Version {table.version}, {_days(table.first_day, table.last_day)}")
    show_rows([("Owner", table.owner), ("SHA-256", table.digest)])
    for closure in table.closures:
        show_line(f"Closed: {closure.district}, {_days(closure.first_day, closure.last_day)}", lead="  ")
    for number, row in enumerate(table.rows, 1):
        show_line(f"{number}. {row.id}: {describe_action(row.action, language)}{_own(table, row)}")
        for place, condition in enumerate(describe_row(row, language)):
            show_line(condition, lead="     and " if place else "     if  ")
        show_line(table.texts[row.code][language], lead="     > ")


def table_json(table: Table) -> dict[str, Any]:
    """Return a table, with each row in words."""
    return {
        "version": table.version,
        "digest": table.digest,
        "owner": table.owner,
        **_days_json(table.first_day, table.last_day),
        "rows": [_row_json(row) for row in table.rows],
        "texts": {code: dict(texts) for code, texts in table.texts.items()},
        "closures": [
            {"district": closure.district, **_days_json(closure.first_day, closure.last_day)}
            for closure in table.closures
        ],
    }


def show_history(archive: FolderArchive) -> None:
    """Show who activated what, and the waiting drafts."""
    activations = archive.activations()
    for activation in activations:
        signed = f"signed by {activation.draft.author}, confirmed by {activation.confirmed_by}"
        show_line(f"Activated {local(activation.at)}: version {activation.draft.version}, {signed}")
    active = {activation.draft.version for activation in activations}
    for draft in archive.drafts():
        if draft.version not in active:
            show_line(f"Draft since {local(draft.at)}: version {draft.version}, signed by {draft.author}")


def history_json(archive: FolderArchive) -> dict[str, Any]:
    """Return who activated what, and the waiting drafts."""
    activations = archive.activations()
    active = {activation.draft.version for activation in activations}
    return {
        "activated": [
            {"version": a.draft.version, "digest": a.draft.digest, "author": a.draft.author}
            | {"confirmed_by": a.confirmed_by, "at": iso(a.at)}
            for a in activations
        ],
        "drafts": [
            {"version": draft.version, "digest": draft.digest, "author": draft.author, "at": iso(draft.at)}
            for draft in archive.drafts()
            if draft.version not in active
        ],
    }


def show_replay(result: Replay, changes: Sequence[Change]) -> None:
    """Show a replay: the counts of the rows, what moved where, and the first changes."""
    show_line(f"{result.applications:,} applications, {result.changed:,} would have been decided otherwise.")
    if not result.applications:
        return
    before, after = _by_row(result.before), _by_row(result.after)
    names = list(dict.fromkeys([*after, *before]))
    width = max(map(len, [*names, "row"]))
    click.echo(f"  {'row':{width}}  {'then':>10}  {'now':>10}")
    for name in names:
        click.echo(f"  {name:{width}}  {before[name]:>10,}  {after[name]:>10,}")
    for (old, new), count in sorted(_moves(result).items(), key=lambda item: -item[1]):
        show_line(f"{old} -> {new}: {count:,}", lead="  ")
    for change in changes:
        past, then, now = change.application, change.application.decided, change.now
        show_line(f"{past.reference}  {local(past.came)}  {_outcome(then)} -> {_outcome(now)}")
    if result.changed > len(changes):
        click.echo(f"... and {result.changed - len(changes):,} more; --json shows every one.")


def replay_json(version: str, result: Replay) -> dict[str, Any]:
    """Return the counts of a replay."""
    before, after = _by_row(result.before), _by_row(result.after)
    return {
        "version": version,
        "applications": result.applications,
        "changed": result.changed,
        "rows": [
            {"row": None if name == _NO_ROW else name, "before": before[name], "now": after[name]}
            for name in dict.fromkeys([*after, *before])
        ],
        "moved": [{"before": old, "now": new, "count": count} for (old, new), count in _moves(result).items()],
    }


def change_json(change: Change) -> dict[str, Any]:
    """Return one changed outcome."""
    past = change.application
    return {
        "reference": past.reference,
        "came": iso(past.came),
        "before": past.decided._asdict(),
        "now": change.now._asdict(),
    }


def _by_row(counts: Mapping[Decided, int]) -> Counter[str]:
    rows: Counter[str] = Counter()
    for decided, count in counts.items():
        rows[decided.row or _NO_ROW] += count
    return rows


def _moves(result: Replay) -> Counter[tuple[str, str]]:
    moves: Counter[tuple[str, str]] = Counter()
    for (before, now), count in result.pairs.items():
        if is_change(before, now):
            moves[_outcome(before), _outcome(now)] += count
    return moves


def _outcome(decided: Decided) -> str:
    return f"{decided.action} ({decided.code})"


def _by_earlier(pairs: Sequence[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in pairs:
        found.setdefault(pair.earlier, []).append(pair.later)
    return found


def _show_combination(combination: Mapping[str, Condition]) -> None:
    for words in describe(combination, _ENGLISH) or ("every application",):
        show_line(words, lead="      ")


def _own(table: Table, row: Row) -> str:
    """Describe how a row differs from its table."""
    parts = []
    if (row.first_day, row.last_day) != (table.first_day, table.last_day):
        parts.append(_days(row.first_day, row.last_day))
    if row.owner != table.owner:
        parts.append(row.owner)
    return f" ({'; '.join(parts)})" if parts else ""


def _on(table: Table, period: Period) -> str:
    whole = (period.first_day, period.last_day) == (table.first_day, table.last_day)
    return "" if whole else f", {_days(period.first_day, period.last_day)}"


def _days(first: int, last: int | None) -> str:
    return f"from {day_name(first)} on" if last is None else f"{day_name(first)} to {day_name(last)}"


def _days_json(first: int, last: int | None) -> dict[str, Any]:
    return {"from": day_name(first), "until": None if last is None else day_name(last)}


def _period_json(period: Period) -> dict[str, Any]:
    return _days_json(period.first_day, period.last_day)


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "when": _when_json(row.when),
        "decision": row.action.value,
        "code": row.code,
        **_days_json(row.first_day, row.last_day),
        "owner": row.owner,
        "words": {language: list(describe_row(row, language)) for language in ("bn", "en")},
    }


def _when_json(when: Mapping[str, Condition]) -> dict[str, Any]:
    return {
        name: {"at_least": condition[0], "at_most": condition[-1]}
        if isinstance(condition, range)
        else sorted(condition)
        for name, condition in when.items()
    }
