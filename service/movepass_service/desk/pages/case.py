"""One case on one screen: what was asked, why it waits, the person's other applications, history, notes, decision."""

from collections.abc import Mapping
from typing import Any

from movepass_service.applications.states import WAITING_FOR_OFFICER
from movepass_service.decisions.desk import OpenCase
from movepass_service.decisions.desk.cases import read_case
from movepass_service.decisions.reasons import REASONS as CODES
from movepass_service.decisions.reasons import codes_of
from movepass_service.decisions.roles import Action, may
from movepass_service.desk.front import DeskFront
from movepass_service.desk.pages.queue import kept_filters, open_next, with_filters
from movepass_service.desk.pages.shown import (
    action_name,
    age_of,
    code_text,
    record_line,
    state_name,
    trip_of,
)
from movepass_service.errors import StoreError
from movepass_service.officers.accounts import Session
from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import Answer, Request, redirect
from movepass_service.web.json_answers import json_answer
from movepass_service.web.summary import rows_of
from movepass_service.web.words import Words

_SEEN_MAX_DIGITS = 10
CHOICES = ("reject", "needs-correction")
"""Decisions that need a reason of several."""


def show(front: DeskFront, request: Request, session: Session) -> Answer:
    """Show a case; this claims nothing."""
    opened = front.desk.open_case(session.officer, request.params["reference"], now=request.now)
    return _case_page(front, request, session, opened)


def claim(front: DeskFront, request: Request, session: Session) -> Answer:
    """Claim a case."""
    front.desk.claim(session.officer, request.params["reference"], now=request.now)
    return _back(front, request)


def release(front: DeskFront, request: Request, session: Session) -> Answer:
    """Release a case, and go to the queue."""
    front.desk.release(session.officer, request.params["reference"], now=request.now)
    return redirect(with_filters(front.address(request, "/"), request.form, done="released"))


def decide(front: DeskFront, request: Request, session: Session) -> Answer:
    """Decide a case, and open the next one at once."""
    form, reference = request.form, request.params["reference"]
    done = front.desk.decide(
        session.officer, reference, form.get("action", ""), now=request.now, code=form.get("code") or None,
        note=form.get("note") or None, seen=_seen(form),
    )  # fmt: skip
    said = "proposed" if done.proposal else form.get("action", "")
    return open_next(front, request, session, done=said, after=None)


def add_note(front: DeskFront, request: Request, session: Session) -> Answer:
    """Add a note."""
    front.desk.add_note(session.officer, request.params["reference"], request.form.get("text", ""), now=request.now)
    return _back(front, request, done="noted")


def confirm(front: DeskFront, request: Request, session: Session) -> Answer:
    """Confirm another officer's proposal."""
    note = request.form.get("note") or None
    seen = _seen(request.form)
    front.desk.confirm(session.officer, request.params["reference"], now=request.now, note=note, seen=seen)
    return redirect(front.address(request, "/proposals?done=confirmed"))


def refuse(front: DeskFront, request: Request, session: Session) -> Answer:
    """Refuse a proposal, or take one's own back."""
    note = request.form.get("note", "")
    front.desk.refuse(session.officer, request.params["reference"], now=request.now, note=note)
    return redirect(front.address(request, "/proposals?done=refused"))


def reverse(front: DeskFront, request: Request, session: Session) -> Answer:
    """Revoke what was approved."""
    note = request.form.get("note", "")
    front.desk.reverse(session.officer, request.params["reference"], now=request.now, note=note)
    return _back(front, request, done="reversed")


def renew(front: DeskFront, request: Request, session: Session) -> Answer:
    """Renew the lease of an open page; returns after how many seconds it ends."""
    return json_answer({"lease_s": front.desk.renew(session.officer, request.params["reference"], now=request.now)})


def _seen(form: Mapping[str, str]) -> int:
    return read_seen(form.get("seen", ""))


def read_seen(text: str) -> int:
    """Read which content of an application was on the page: how often it had been corrected.

    Raises:
        RefusedError: the form does not say.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < _SEEN_MAX_DIGITS):
        raise RefusedError(400, "unreadable")
    return int(text)


def _back(front: DeskFront, request: Request, **more: str) -> Answer:
    path = front.address(request, f"/case/{request.params['reference']}")
    return redirect(with_filters(path, request.form, **more))


def _case_page(front: DeskFront, request: Request, session: Session, opened: OpenCase) -> Answer:
    t, case, role = front.words(request), opened.case, session.officer.role
    kept, hold = case.kept, opened.hold
    proposal = hold.proposal if hold else None
    waits = kept.state in WAITING_FOR_OFFICER
    has_lease = opened.lease_s is not None
    is_free = waits and not proposal and not opened.conflicts
    context: dict[str, Any] = {
        "trip": trip_of(t, case),
        "rows": rows_of(t, case.application) if case.application else [],
        "state": state_name(t, kept),
        "kept_case": kept,
        "waits": waits,
        "age": age_of(t, opened.age_s),
        "opened": opened,
        "is_appeal": case.is_appeal,
        "why": opened.why.get(t.language),
        "others": [_other(t, one) for one in opened.same_person],
        "history": [record_line(t, record, _texts(front, record)) for record in opened.history],
        "notes": opened.notes,
        "hold": hold,
        "proposal": proposal,
        "proposal_action": action_name(t, proposal.action) if proposal else "",
        "proposal_code": code_text(t, proposal.code) if proposal and proposal.action != "approve" else "",
        "has_lease": has_lease and not proposal,
        "may_claim": is_free and not has_lease and may(role, Action.DECIDE),
        "may_confirm": bool(proposal and proposal.due_at is None and may(role, Action.DECIDE)),
        "may_reverse": kept.is_reversible and may(role, Action.REVERSE),
        "is_own_proposal": bool(proposal and proposal.officer == session.officer.name),
        "codes": {action: {code: code_text(t, code) for code in codes_of(action)} for action in CHOICES},
        "kept": kept_filters(request.query),
        "queue": with_filters(front.address(request, "/"), request.query),
    }
    return front.show(request, session, "case.html", context)


def _texts(front: DeskFront, record: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    """Return the texts of a record's codes: those of the rules that decided, or of officers."""
    version = record.get("rules")
    if version is None:
        return CODES
    try:
        return front.service.rules(version).table.texts
    except StoreError:
        return {}


def _other(t: Words, kept: Any) -> dict[str, Any]:
    return {"trip": trip_of(t, read_case(kept)), "state": state_name(t, kept), "pass_number": kept.pass_number}


def require_choice(text: str, known: tuple[str, ...]) -> str:
    """Return a value that a form sent, if it is one of ours.

    Raises:
        RefusedError: it is not.
    """
    if text not in known:
        raise RefusedError(400, "unreadable")
    return text
