"""Many cases at once: by filter, with a preview, a limit, and a time in which all of it can be undone."""

from movepass_service.decisions.desk import BulkPreview, Case
from movepass_service.decisions.reasons import ACTIONS, codes_of
from movepass_service.decisions.roles import Action, may
from movepass_service.desk.front import DeskFront
from movepass_service.desk.pages.case import read_seen, require_choice
from movepass_service.desk.pages.queue import FILTER_FIELDS, choices, filters_of, kept_filters, with_filters
from movepass_service.desk.pages.shown import action_name, code_text, trip_of
from movepass_service.officers.accounts import Session
from movepass_service.web.exchange import Answer, Request, redirect


def show(front: DeskFront, request: Request, session: Session) -> Answer:
    """Show the filters, what a decision would do, and what can still be undone."""
    t, query, officer = front.words(request), request.query, session.officer
    action = query.get("action", "")
    preview = None
    if action in ACTIONS:
        preview = front.desk.bulk_preview(officer, filters_of(query), action, now=request.now)
    queue = front.desk.queue(officer, filters_of({}), now=request.now, limit=1)
    context = {
        "values": {name: query.get(name, "") for name in (*FILTER_FIELDS, "action")},
        "options": choices(t, queue) | {"action": {name: action_name(t, name) for name in ACTIONS}},
        "preview": preview,
        "action": action,
        "chosen": [trip_of(t, case) for case in preview.chosen] if preview else [],
        "excluded": _excluded(preview),
        "references": " ".join(map(_seen, preview.chosen)) if preview else "",
        "codes": {code: code_text(t, code) for code in codes_of(action)},
        "kept": kept_filters(query),
        "undo_s": front.desk.settings().undo_s,
        "batches": [
            {
                "id": batch.id,
                "what": action_name(t, batch.action),
                "count": len(batch.references),
                "skipped": len(batch.skipped),
                "left_s": batch.left_s,
                "who": batch.officer,
                "may_undo": batch.officer == officer.name or may(officer.role, Action.UNDO_OF_OTHERS),
            }
            for batch in front.desk.batches(officer, now=request.now)
        ],
    }
    return front.show(request, session, "bulk.html", context)


def _excluded(preview: BulkPreview | None) -> dict[str, int]:
    return dict(preview.excluded) if preview else {}


def decide(front: DeskFront, request: Request, session: Session) -> Answer:
    """Decide the cases of a preview."""
    form = request.form
    action = require_choice(form.get("action", ""), ACTIONS)
    seen = _read_seen(form.get("references", ""))
    front.desk.bulk_decide(
        session.officer, [*seen], action, now=request.now, code=form.get("code") or None,
        note=form.get("note") or None, seen=seen,
    )  # fmt: skip
    return redirect(with_filters(front.address(request, "/bulk"), form, done="bulk"))


def _seen(case: Case) -> str:
    """Write a case of a preview, and which content of it was shown."""
    return f"{case.reference}/{case.kept.correction}"


def _read_seen(text: str) -> dict[str, int]:
    """Read the cases that a preview showed, each with its correction.

    Raises:
        RefusedError: one does not say which content was shown.
    """
    pairs = [item.partition("/") for item in text.split()]
    return {reference: read_seen(correction) for reference, _, correction in pairs}


def undo(front: DeskFront, request: Request, session: Session) -> Answer:
    """Undo a bulk decision while its window is open."""
    front.desk.bulk_undo(session.officer, request.form.get("batch", ""), now=request.now)
    return redirect(front.address(request, "/bulk?done=undone"))
