"""The desk as an ASGI application: which handler serves which address, and what a role must allow for it."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from movepass_service.decisions.desk import Desk
from movepass_service.decisions.roles import Action
from movepass_service.desk.front import DeskFront
from movepass_service.desk.guard import form, json_call, page
from movepass_service.desk.pages import accounts, audit, bulk, case, queue, reports, review, rules, settings, sign_in
from movepass_service.officers.accounts import OfficerAccounts
from movepass_service.officers.passkeys import RelyingParty
from movepass_service.web.settings import WebSettings
from movepass_service.web.shell import Endpoint, Shell, Table, json_body, make_shell, public_page

if TYPE_CHECKING:
    from movepass_service.service import ServiceCore

_CASE = "/case/{reference}"
_REPORT = "/reports/{name}"
_FILTERS = queue.FILTER_FIELDS
PAGES: Table = {
    "/sign-in": {"GET": Endpoint(sign_in.show_sign_in, "desk")},
    "/enrol": {"GET": public_page(sign_in.show_enrol)},
    "/sign-out": {"POST": form(None, sign_in.sign_out)},
    "/": {"GET": page(None, queue.show_first)},
    "/find": {"GET": page(Action.SEE_CASES, queue.find)},
    "/next": {"POST": form(Action.DECIDE, queue.take_next, "after", *_FILTERS)},
    _CASE: {"GET": page(Action.SEE_CASES, case.show)},
    f"{_CASE}/claim": {"POST": form(Action.DECIDE, case.claim, *_FILTERS)},
    f"{_CASE}/release": {"POST": form(Action.DECIDE, case.release, *_FILTERS)},
    f"{_CASE}/decide": {"POST": form(Action.DECIDE, case.decide, "action", "code", "note", "seen", *_FILTERS)},
    f"{_CASE}/note": {"POST": form(Action.DECIDE, case.add_note, "text", *_FILTERS)},
    f"{_CASE}/confirm": {"POST": form(Action.DECIDE, case.confirm, "note", "seen")},
    f"{_CASE}/refuse": {"POST": form(Action.DECIDE, case.refuse, "note")},
    f"{_CASE}/reverse": {"POST": form(Action.REVERSE, case.reverse, "note")},
    "/bulk": {"GET": page(Action.DECIDE_MANY, bulk.show)},
    "/bulk/decide": {"POST": form(Action.DECIDE_MANY, bulk.decide, "references", "action", "code", "note", *_FILTERS)},
    "/bulk/undo": {"POST": form(Action.DECIDE_MANY, bulk.undo, "batch")},
    "/proposals": {"GET": page(Action.DECIDE, review.proposals)},
    "/second-looks": {"GET": page(Action.LOOK_AGAIN, review.second_looks)},
    "/second-looks/record": {"POST": form(Action.LOOK_AGAIN, review.record, "decision", "outcome", "note")},
    "/second-looks/resolve": {"POST": form(Action.REVERSE, review.resolve, "decision", "outcome", "note")},
    "/settings": {
        "GET": page(Action.SEE_SETTINGS, settings.show),
        "POST": form(Action.CHANGE_SETTINGS, settings.change, "found", *settings.FIELDS),
    },
    "/accounts": {"GET": page(Action.SEE_ACCOUNTS, accounts.show)},
    "/accounts/add": {"POST": form(Action.MANAGE_ACCOUNTS, accounts.add, "name", "role", "phone")},
    "/accounts/role": {"POST": form(Action.MANAGE_ACCOUNTS, accounts.change_role, "name", "role")},
    "/accounts/sessions": {"POST": form(Action.MANAGE_ACCOUNTS, accounts.end_sessions, "name")},
    "/accounts/close": {"POST": form(Action.MANAGE_ACCOUNTS, accounts.close, "name")},
    "/accounts/open": {"POST": form(Action.MANAGE_ACCOUNTS, accounts.open_again, "name")},
    "/accounts/ask": {"POST": form(Action.MANAGE_ACCOUNTS, accounts.ask_link, "name")},
    "/accounts/approve": {"POST": form(Action.MANAGE_ACCOUNTS, accounts.approve_link, "name")},
    "/accounts/drop": {"POST": form(Action.MANAGE_ACCOUNTS, accounts.drop_link, "name")},
    "/rules": {"GET": page(Action.SEE_RULES, rules.show)},
    "/rules/draft": {"GET": page(Action.SEE_RULES, rules.show_draft)},
    "/rules/try": {"POST": form(Action.DRAFT_RULES, rules.try_out, "source")},
    "/reports": {"GET": page(Action.SEE_REPORTS, reports.show_all)},
    _REPORT: {"GET": page(Action.SEE_REPORTS, reports.show)},
    f"{_REPORT}/export": {"GET": page(Action.SEE_REPORTS, reports.export)},
    "/audit": {"GET": page(Action.SEE_LOG, audit.show)},
}
"""In Bangla; under /en the same in English."""
CALLS: Table = {
    "/api/sign-in/options": {"POST": json_body(sign_in.sign_in_options, "sign-in")},
    "/api/sign-in": {"POST": json_body(sign_in.sign_in, "sign-in")},
    "/api/enrol/options": {"POST": json_body(sign_in.enrol_options, "sign-in")},
    "/api/enrol": {"POST": json_body(sign_in.enrol, "sign-in")},
    "/api/lease/{reference}": {"POST": json_call(Action.DECIDE, case.renew)},
    "/healthz": {"GET": Endpoint(sign_in.health, "")},
}
"""Calls of the pages' script."""


def make_desk_app(
    service: "ServiceCore", desk: Desk, settings: WebSettings, *, clock: Callable[[], float] = time.time
) -> Shell:
    """Make the ASGI application of the desk.

    Args:
        service: whose desk it is.
        desk: the desk's core.
        settings: the desk's address and limits; passkeys belong to the address's host.
        clock: the time in Unix seconds; each request takes it once.
    """
    host = urlsplit(settings.url).hostname or ""
    accounts_ = OfficerAccounts(service.store, RelyingParty(host, (settings.origin,), settings.authority))
    return make_shell(DeskFront(service, desk, accounts_, settings), pages=PAGES, programs=CALLS, clock=clock)
