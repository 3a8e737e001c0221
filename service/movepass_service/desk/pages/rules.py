"""The rules: those in force, in words; drafts with their check and a replay; trying a text out.

The desk activates nothing. An activation is signed with the keys of two people, and no key belongs into a browser. So
the page shows what the second person signs, and with which command.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from movepass_service.desk.front import DeskFront
from movepass_service.desk.pages.shown import action_name
from movepass_service.errors import ServiceError
from movepass_service.officers.accounts import Session
from movepass_service.rules.activation import ArchiveError, Draft
from movepass_service.rules.archive import FOLDER, FolderArchive
from movepass_service.rules.check import Findings, TooManyCombinationsError, check_table
from movepass_service.rules.columns import dhaka_day
from movepass_service.rules.engine import RuleSet
from movepass_service.rules.replay import Change, Replay, is_change
from movepass_service.rules.table import RuleTableError, Table
from movepass_service.rules.wording import describe
from movepass_service.stores.sqlite.replay_source import replay_past
from movepass_service.web.errors import RefusedError, TooBusyError
from movepass_service.web.exchange import Answer, Request
from movepass_service.web.words import Words

REPLAYED_MAX = 100_000
"""Applications that a page replays; more would slow the service down, and the command takes them."""
CHANGES_SHOWN = 20
CHECK_STEPS_MAX = 200_000
"""Steps of a check on a page: about two seconds. The command takes what is longer."""
_AGAIN_S = 5
_one_at_a_time = threading.Lock()


def show(front: DeskFront, request: Request, session: Session) -> Answer:
    """Show the rules in force, waiting drafts, and what was activated."""
    t = front.words(request)
    rule_set = front.service.rules_in_force()
    fault, drafts, activations = _archived(front)
    activated = {activation.draft.version for activation in activations}
    context = {
        "rules": table_rows(t, rule_set.table, dhaka_day(request.now)),
        "version": rule_set.version,
        "digest": rule_set.table.digest,
        "fault": fault,
        "drafts": [draft for draft in drafts if draft.version not in activated],
        "activations": list(reversed(activations)),
        "values": {"source": ""},
        "errors": {},
    }
    return front.show(request, session, "rules.html", context)


def show_draft(front: DeskFront, request: Request, session: Session) -> Answer:
    """Show a draft: its rules in words, the check, a replay, and how a second person confirms it."""
    version = request.query.get("version", "")
    _, drafts, activations = _archived(front)
    draft = next((draft for draft in drafts if draft.version == version), None)
    if draft is None:
        raise RefusedError(404, "not-found")
    is_active = any(activation.draft.version == version for activation in activations)
    more = {"draft": draft, "is_active": is_active}
    return _tried(front, request, session, RuleSet.from_toml(draft.source), more)


def try_out(front: DeskFront, request: Request, session: Session) -> Answer:
    """Check a text that is pasted, and replay it; nothing is kept."""
    source = request.form.get("source", "").replace("\r\n", "\n")
    try:
        rule_set = RuleSet.from_toml(source)
    except RuleTableError as e:
        context: dict[str, Any] = {
            "faults": [str(fault) for fault in e.faults],
            "draft": None,
            "source": source,
        }
        return front.show(request, session, "rules_tried.html", _nothing() | context, status=400, path="/rules")
    return _tried(front, request, session, rule_set, {"draft": None, "source": source})


def table_rows(t: Words, table: Table, day: int) -> list[dict[str, Any]]:
    """Return the rows of a table in words, those that hold on a day."""
    return [
        {
            "id": row.id,
            "conditions": describe(row.when, t.language),
            "action": str(row.action),
            "told": table.texts[row.code][t.language],
            "owner": row.owner,
        }
        for row in table.rows
        if row.holds_on(day)
    ]


def _tried(front: DeskFront, request: Request, session: Session, rule_set: RuleSet, more: Mapping[str, Any]) -> Answer:
    t = front.words(request)
    with _alone():
        findings, faults = _check(rule_set)
        replay, changes = _replay(front, rule_set)
    context = _nothing() | {
        "version": rule_set.version,
        "digest": rule_set.table.digest,
        "rules": table_rows(t, rule_set.table, rule_set.table.first_day),
        "findings": findings,
        "faults": faults,
        "gaps": [describe(gap.combination, t.language) for gap in findings.gaps] if findings else [],
        "replay": replay,
        "moves": _moves(t, replay) if replay else [],
        "changes": [_change(t, change) for change in changes],
    }
    return front.show(request, session, "rules_tried.html", context | dict(more), path="/rules")


def _nothing() -> dict[str, Any]:
    return {
        "version": "", "digest": "", "rules": [], "findings": None, "gaps": [], "replay": None, "moves": [],
        "changes": [], "faults": [], "source": "", "is_active": False,
    }  # fmt: skip


def _archived(front: DeskFront) -> tuple[str, Sequence[Draft], Sequence[Any]]:
    """Return what is wrong with the archive, its drafts and its activations."""
    folder = front.service.folder
    if folder is None:
        return "", (), ()
    archive = FolderArchive(folder / FOLDER)
    try:
        return "", archive.drafts(), archive.activations()
    except ArchiveError as e:
        return str(e), (), ()


@contextmanager
def _alone() -> Iterator[None]:
    """Check and replay one table at a time: it takes a whole processor.

    Raises:
        TooBusyError: another one is at work.
    """
    if not _one_at_a_time.acquire(blocking=False):
        raise TooBusyError(_AGAIN_S)
    try:
        yield
    finally:
        _one_at_a_time.release()


def _check(rule_set: RuleSet) -> tuple[Findings | None, list[str]]:
    """Return what a check has found, and why there was none."""
    try:
        return check_table(rule_set.table, steps_max=CHECK_STEPS_MAX), []
    except TooManyCombinationsError as e:
        return None, [str(e)]


def _replay(front: DeskFront, rule_set: RuleSet) -> tuple[Replay | None, list[Change]]:
    """Replay what is kept; None where there is too much of it for a page."""
    folder = front.service.folder
    if folder is None or sum(front.service.store.counts_by_state().values()) > REPLAYED_MAX:
        return None, []
    try:
        return replay_past(folder, rule_set, changes_max=CHANGES_SHOWN)
    except ServiceError as e:
        raise RefusedError(409, "desk-replay") from e


def _moves(t: Words, replay: Replay) -> list[tuple[str, str, int]]:
    """Return what would change: from which row and action to which, and how often, the most frequent first."""
    moved = [
        (_outcome(t, before.action, before.row), _outcome(t, now.action, now.row), count)
        for (before, now), count in replay.pairs.items()
        if is_change(before, now)
    ]
    return sorted(moved, key=lambda move: -move[2])


def _change(t: Words, change: Change) -> dict[str, Any]:
    past = change.application
    return {
        "reference": past.reference,
        "came": past.came,
        "before": _outcome(t, past.decided.action, past.decided.row),
        "now": _outcome(t, change.now.action, change.now.row),
    }


def _outcome(t: Words, action: str, row: str | None) -> str:
    name = action_name(t, action)
    return t("rules.outcome", action=name, row=row) if row else name
