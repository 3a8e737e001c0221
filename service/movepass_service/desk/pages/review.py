"""Show second officers the proposals that wait for them, and the approvals drawn for a second look."""

from movepass_service.decisions.desk.cases import read_case
from movepass_service.decisions.roles import Action, may
from movepass_service.desk.front import DeskFront
from movepass_service.desk.pages.case import require_choice
from movepass_service.desk.pages.shown import action_name, state_name, trip_of
from movepass_service.officers.accounts import Session
from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import Answer, Request, redirect

_DECISION_MAX_DIGITS = 18


def proposals(front: DeskFront, request: Request, session: Session) -> Answer:
    """Show what waits for a second officer."""
    t = front.words(request)
    found = front.desk.proposals(session.officer)
    lines = [
        {
            "trip": trip_of(t, case),
            "what": action_name(t, proposal.action),
            "who": proposal.officer,
            "at": proposal.made_at,
            "why": proposal.why,
            "is_own": proposal.officer == session.officer.name,
            "is_urgent": case.kept.is_urgent,
        }
        for case, proposal in found
    ]
    return front.show(request, session, "proposals.html", {"lines": lines})


def second_looks(front: DeskFront, request: Request, session: Session) -> Answer:
    """Show approvals that this officer may look at again."""
    t = front.words(request)
    looks = [
        {
            "trip": trip_of(t, read_case(kept)),
            "state": state_name(t, kept),
            "decision": look.decision,
            "who": look.officer,
            "at": look.at,
            "outcome": look.outcome,
            "looked_by": look.looked_by,
            "note": look.note,
        }
        for kept, look in front.desk.second_looks(session.officer, now=request.now)
    ]
    context = {"looks": looks, "may_resolve": may(session.officer.role, Action.REVERSE)}
    return front.show(request, session, "second_looks.html", context)


def record(front: DeskFront, request: Request, session: Session) -> Answer:
    """Note what a second look found."""
    look, agrees, note = _read(request, "agree", "disagree")
    front.desk.record_second_look(session.officer, look, agrees=agrees, note=note, now=request.now)
    return redirect(front.address(request, "/second-looks?done=looked"))


def resolve(front: DeskFront, request: Request, session: Session) -> Answer:
    """Close a disagreement."""
    look, reverse, note = _read(request, "reverse", "uphold")
    front.desk.resolve_second_look(session.officer, look, reverse=reverse, note=note, now=request.now)
    return redirect(front.address(request, "/second-looks?done=resolved"))


def _read(request: Request, yes: str, no: str) -> tuple[int, bool, str]:
    """Read which look a form is about, whether its outcome is `yes`, and the note."""
    form = request.form
    is_yes = require_choice(form.get("outcome", ""), (yes, no)) == yes
    return _decision(form.get("decision", "")), is_yes, form.get("note", "")


def _decision(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _DECISION_MAX_DIGITS):
        raise RefusedError(400, "unreadable")
    return int(text)
