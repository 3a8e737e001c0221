"""Applying: a form, its answers to check, and a receipt.

The form is one static page. Its POST stores nothing and answers with what was typed, to be checked, and with an id. The
second POST carries both; whatever is sent again with the same id and content is the same application.
"""

import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from movepass_service.applications.application import Application, FieldError, InvalidApplication
from movepass_service.errors import ConflictingApplication
from movepass_service.site import forms
from movepass_service.site.pages import line, sessions
from movepass_service.site.pages.site import SECRET_SHAPE, Site, public
from movepass_service.web.exchange import Answer, Cookie, Request, redirect
from movepass_service.web.summary import place, rows_of
from movepass_service.web.words import Words
from movepass_wire import trip_to_json

_NONCE = re.compile(r"[0-9a-f]{32}")
NONCE_SECONDS = 12 * 3600
_RECEIPTS_MAX = 2
_INVALID = 400
_CONFLICT = 409
ACTION = "/apply"


def show_form(site: Site, request: Request) -> Answer:
    """Show the empty form, which is the same for everybody."""
    return public(form_page(site, request, forms.typed({}), is_static=True), request)


def form_page(
    site: Site,
    request: Request,
    values: Mapping[str, str],
    faults: Mapping[str, FieldError] | None = None,
    *,
    is_static: bool = False,
    correction: Mapping[str, str] | None = None,
) -> Answer:
    """Show the form with what was typed, and with faults beside their fields.

    Args:
        site: the site.
        request: its language counts.
        values: what was typed.
        faults: what is wrong, by field.
        is_static: whether the page is to be the same for everybody.
        correction: action and token of a form that corrects an application.
    """
    t = site.words(request)
    errors = {name: forms.say_fault(t, name, fault) for name, fault in (faults or {}).items()}
    settled = values if is_static else forms.settle_days(values, request.now)
    context: dict[str, Any] = {
        "values": settled,
        "errors": errors,
        "heading": "correct.title" if correction else "apply.title",
        "is_static": is_static,
        "is_correction": bool(correction),
        "action": ACTION,
        "token": "",
        "is_open": lambda start: (
            any(v for k, v in values.items() if k.startswith(start)) or any(k.startswith(start) for k in errors)
        ),
        **forms.options(t, settled, None if is_static else request.now),
        **(correction or {}),
    }
    status = _INVALID if errors else 200
    return site.page(request, "apply.html", context, status=status, path=str(context["action"]))


def read(site: Site, request: Request) -> tuple[dict[str, str], tuple[Application, ...] | None, dict[str, FieldError]]:
    """Read the form: what was typed, and either the applications or the faults."""
    values = forms.settle_days(forms.typed(request.form), request.now)
    own = forms.own_faults(values)
    readable = {name: "" if name in own else value for name, value in values.items()}
    found: tuple[FieldError, ...] = ()
    applications: tuple[Application, ...] | None = None
    try:
        applications = site.service.read(forms.to_fields(readable, request.language), now=request.now)
    except InvalidApplication as e:
        found = e.errors
    faults = forms.place_faults(found, own)
    return values, None if faults else applications, faults


def check(site: Site, request: Request) -> Answer:
    """Show the answers to be checked, or the form with its faults; nothing is stored."""
    values, applications, faults = read(site, request)
    if applications is None:
        return form_page(site, request, values, faults)
    return _check_page(site, request, values, applications)


def change(site: Site, request: Request) -> Answer:
    """Show the form again with everything that was typed."""
    return form_page(site, request, forms.typed(request.form))


def _check_page(
    site: Site,
    request: Request,
    values: Mapping[str, str],
    applications: tuple[Application, ...],
    *,
    status: int = 200,
) -> Answer:
    nonce = _nonce(site, request) or secrets.token_hex(16)
    hidden = {name: value for name, value in values.items() if value}
    hidden["request_id"] = _client_id(nonce, hidden)
    back = applications[1] if len(applications) > 1 else None
    context = {
        "rows": rows_of(site.words(request), applications[0], back),
        "hidden": hidden,
        "action": ACTION,
        "is_correction": False,
        "is_two": back is not None,
        "is_conflict": status == _CONFLICT,
    }
    cookie = Cookie(site.cookie_name("form"), nonce, "/", NONCE_SECONDS, site.settings.is_secure)
    return site.page(request, "check.html", context, status=status, path=ACTION).with_cookies(cookie)


def _nonce(site: Site, request: Request) -> str:
    given = site.cookie(request, "form")
    return given if _NONCE.fullmatch(given) else ""


def _client_id(nonce: str, answers: Mapping[str, str]) -> str:
    """Return the id of a form: random to everybody but this browser, which gets it again for the same answers.

    So going back, refreshing and a second tab lead to one application.
    """
    content = "\0".join(f"{name}={value}" for name, value in sorted(answers.items()))
    digest = hmac.digest(bytes.fromhex(nonce), content.encode(), hashlib.sha256)
    return str(uuid.UUID(bytes=digest[:16], version=4))


async def send(site: Site, request: Request) -> Answer:
    """Store the application, once however often it is sent, and show its receipt."""
    values, applications, faults = read(site, request)
    if applications is None:
        return form_page(site, request, values, faults)
    client_id = _read_client_id(request.form.get("request_id", ""))
    if client_id is None:
        return _check_page(site, request, values, applications)
    waits = line.hold(site, request, values, applications, client_id)
    if waits:
        return waits
    applications = await sessions.vouch(site, request, applications, client_id)
    try:
        receipts = await site.service.submit(client_id, applications, now=request.now)
    except ConflictingApplication:
        return _check_page(site, request, values, applications, status=_CONFLICT)
    await sessions.remember(site, request, receipts)
    pairs = [(receipt.reference, receipt.secret) for receipt in receipts]
    cookies = site.cookies("receipt", "~".join(f"{ref}.{secret}" for ref, secret in pairs), "/receipt")
    for reference, secret in pairs:
        cookies += site.cookies("key", secret, f"/status/{reference}")
    takes_cookies = bool(_nonce(site, request))
    answer = (
        redirect(site.address(request, "/receipt"))
        if takes_cookies
        else _receipt_page(
            site,
            request,
            [(*pair, app) for pair, app in zip(pairs, applications, strict=True)],
            is_copied=all(receipt.is_copied for receipt in receipts),
        )
    )
    return answer.with_cookies(*cookies, *line.give_back(site, request))


def _read_client_id(text: str) -> str | None:
    try:
        return str(uuid.UUID(text)) if len(text) <= len(str(uuid.UUID(int=0))) else None
    except ValueError:
        return None


def show_receipt(site: Site, request: Request) -> Answer:
    """Show the receipt of what this browser sent last."""
    shown, is_copied = [], True
    for pair in site.cookie(request, "receipt").split("~")[:_RECEIPTS_MAX]:
        reference, _, secret = pair.partition(".")
        if SECRET_SHAPE.fullmatch(secret):
            status = site.service.status(reference, secret, now=request.now)
            shown.append((status.reference, secret, status.application))
            is_copied &= status.is_copied
    if not shown:
        return redirect(site.address(request, "/status"))
    return _receipt_page(site, request, shown, is_copied=is_copied)


def _receipt_page(
    site: Site, request: Request, shown: list[tuple[str, str, Application]], *, is_copied: bool
) -> Answer:
    t = site.words(request)
    receipts = [
        {
            "reference": reference,
            "secret_shown": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            "link": site.secret_link(request.language, reference, secret),
            "trip": trip_line(t, application),
        }
        for reference, secret, application in shown
    ]
    return site.page(request, "receipt.html", {"receipts": receipts, "is_copied": is_copied}, path="/receipt")


def trip_line(t: Words, application: Application) -> str:
    """Write a trip on one line: from where to where, and when."""
    trip = trip_to_json(application.trip)
    way = t("receipt.trip.value", start=place(t, trip["from"]), end=place(t, trip["to"]))
    return t("receipt.trip.line", way=way, time=t.period(application.trip.not_before, application.trip.not_after))
