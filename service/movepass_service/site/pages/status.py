"""An application's own pages: where it stands, the pass, and what its applicant may do.

The secret link is exchanged for a cookie at once. The cookie holds the secret and is sent to this application's paths
only, so a browser that follows several applications keeps them apart.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from movepass_service.applications.application import FieldError
from movepass_service.applications.references import parse_reference
from movepass_service.errors import UnknownApplication
from movepass_service.site import forms
from movepass_service.site.pages import apply, sessions
from movepass_service.site.pages.site import SECRET_SHAPE, Site, check_token, make_token
from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import Answer, Request, redirect, tagged
from movepass_service.web.summary import Row, rows_of
from movepass_service.web.words import Words
from movepass_words import words

if TYPE_CHECKING:
    from movepass_service.service import Status

WAITING = frozenset({"received", "referred", "approved", "appealed"})
"""States that change without the applicant."""
NOTE_MAX_CHARS = 500
_DONE = frozenset({"withdraw", "correct", "appeal"})
_LABELS = {
    "holder.name": "label.holder",
    "holder.id_type": "label.id",
    "reason": "label.reason",
    "from.district": "label.from",
    "to.district": "label.to",
    "not_before.date": "label.valid",
    "vehicle.registration": "label.vehicle",
    "vehicle.driver.name": "label.driver",
}
"""The fields of a pass, with the labels that the officer's screen and the printed card give them."""
_REFRESH_MIN_S = 10
"""A page that refreshes itself more often can't be read."""
_INVALID = 400
_FORBIDDEN = 403
_NOT_FOUND = 404


def show(site: Site, request: Request) -> Answer:
    """Show where an application stands, or exchange the secret link for a cookie."""
    if "key" in request.query:
        return _take_key(site, request)
    try:
        reference, secret, status = _look(site, request)
    except UnknownApplication:
        return lookup_page(site, request, status=_FORBIDDEN, has_no_cookie="from" in request.query)
    is_waiting = status.state in WAITING
    refresh_s = max(_REFRESH_MIN_S, status.retry_after_s) if is_waiting and "still" not in request.query else 0
    done = request.query.get("done", "")
    context = {
        "s": status,
        "rows": _rows(site.words(request), status),
        "reason": reason_of(status, request.language),
        "outlook": _outlook(site.words(request), status),
        "is_waiting": is_waiting,
        "refresh_s": refresh_s,
        "done": done if done in _DONE else "",
        "token": make_token(secret, reference),
    }
    body = site.render(request, "status.html", context, path=f"/status/{reference}").encode()
    headers = [("Cache-Control", "private, no-cache"), ("Vary", "Cookie")]
    if is_waiting:
        headers.append(("Retry-After", str(status.retry_after_s)))
    return tagged(Answer(body, headers=tuple(headers)), request)


def _rows(t: Words, status: "Status") -> list[Row]:
    """Return the application as people read it; a pass says what it says, with the labels that officers compare."""
    rows = rows_of(t, status.application)
    if not status.issued:
        return rows
    label = words(t.language)
    return [replace(row, label=label(_LABELS[row.field])) for row in rows if row.field in _LABELS]


def _outlook(t: Words, status: "Status") -> str:
    """Describe how many are before an application, and how long it may take; promise nothing without figures."""
    place = "" if status.place is None else t("status.place", place=status.place)
    if status.expected_s is None:
        return f"{place} {t('status.no-estimate')}".strip()
    return f"{place} {t('status.expected', expected=status.expected_s)}".strip()


def _take_key(site: Site, request: Request) -> Answer:
    reference, secret = read_reference(request.params["reference"]), read_secret(request.query["key"])
    try:
        site.service.status(reference, secret, now=request.now)
    except UnknownApplication:
        return lookup_page(site, request, status=_NOT_FOUND, is_wrong=True)
    answer = redirect(site.address(request, f"/status/{reference}?from=link"))
    return answer.with_cookies(*site.cookies("key", secret, f"/status/{reference}")).with_headers(
        ("Referrer-Policy", "no-referrer")
    )


def read_reference(text: str) -> str:
    """Return a reference in its one spelling; a text that is none stays unknown."""
    try:
        return parse_reference(text)
    except UnknownApplication:
        return ""


def read_secret(text: str) -> str:
    """Return a secret in its one spelling: as it is printed or typed, with look-alikes."""
    plain = "".join(char for char in text.upper() if char not in " -\u2010\u2011\u2013\u2014\u00a0")
    return plain.translate(str.maketrans("OIL০১২৩৪৫৬৭৮৯", "0110123456789"))


def _look(site: Site, request: Request) -> tuple[str, str, "Status"]:
    """Look an application up by its path and the cookie.

    Raises:
        UnknownApplication: no cookie, or not the right one.
    """
    reference = read_reference(request.params["reference"])
    secret = site.cookie(request, "key")
    if not SECRET_SHAPE.fullmatch(secret):
        raise UnknownApplication("no application of this reference")
    return reference, secret, site.service.status(reference, secret, now=request.now)


def reason_of(status: "Status", language: str) -> str:
    """Return the reason of a decision in a language, "" if there is none."""
    return status.reason[1].get(language, "") if status.reason else ""


def show_lookup(site: Site, request: Request) -> Answer:
    """Show the form that asks for reference and secret."""
    return lookup_page(site, request)


def lookup_page(
    site: Site, request: Request, *, status: int = 200, is_wrong: bool = False, has_no_cookie: bool = False
) -> Answer:
    """Show the form that asks for reference and secret; it says the same of every reference."""
    t = site.words(request)
    values = {
        "reference": request.form.get("reference", request.params.get("reference", "")),
        "secret": request.form.get("secret", ""),
    }
    errors = {"reference": t("lookup.unknown")} if is_wrong else {}
    if has_no_cookie:
        errors = {"secret": t("lookup.cookies")}
    return site.page(request, "lookup.html", {"values": values, "errors": errors}, status=status, path="/status")


def lookup(site: Site, request: Request) -> Answer:
    """Open an application by reference and secret."""
    reference = read_reference(request.form.get("reference", ""))
    secret = read_secret(request.form.get("secret", ""))
    try:
        site.service.status(reference, secret, now=request.now)
    except UnknownApplication:
        return lookup_page(site, request, status=_NOT_FOUND, is_wrong=True)
    answer = redirect(site.address(request, f"/status/{reference}?from=form"))
    return answer.with_cookies(*site.cookies("key", secret, f"/status/{reference}"))


async def qr(site: Site, request: Request) -> Answer:
    """Return the picture of the pass's QR code."""
    reference, secret, _ = _look(site, request)
    return picture(await asyncio.to_thread(site.service.qr, reference, secret), "image/png", request)


async def card(site: Site, request: Request) -> Answer:
    """Return the card for printing."""
    reference, secret, _ = _look(site, request)
    body = await asyncio.to_thread(site.service.card, reference, secret)
    answer = picture(body, "application/pdf", request)
    return answer.with_headers(("Content-Disposition", f'inline; filename="pass-{reference}.pdf"'))


def picture(body: bytes, media_type: str, request: Request) -> Answer:
    """Return a picture of a pass, which its own browser may keep as long as it asks whether it is still there."""
    headers = (("Cache-Control", "private, no-cache"), ("Vary", "Cookie, Authorization"))
    return tagged(Answer(body, media_type=media_type, headers=headers), request)


def forget(site: Site, request: Request) -> Answer:
    """Make this browser forget an application."""
    reference, secret, _ = _look(site, request)
    check_token(request, secret, reference)
    cookies = (
        *site.cookies("key", "", f"/status/{reference}", days=0),
        *site.cookies("receipt", "", "/receipt", days=0),
    )
    return redirect(site.address(request, "/status")).with_cookies(*cookies)


def _able(site: Site, request: Request, action: str) -> tuple[str, str, "Status"]:
    """Look an application up with which something is to be done.

    Raises:
        UnknownApplication: no cookie, or not the right one.
        RefusedError: it has moved on, and this can't be done any more; or a form without its token.
    """
    reference, secret, status = _look(site, request)
    if request.method == "POST":
        check_token(request, secret, reference)
    if action not in status.can:
        raise RefusedError(409, "not-now")
    return reference, secret, status


def ask_withdraw(site: Site, request: Request) -> Answer:
    """Ask whether the application is to be withdrawn."""
    reference, secret, status = _able(site, request, "withdraw")
    context = {
        "s": status,
        "rows": rows_of(site.words(request), status.application),
        "token": make_token(secret, reference),
    }
    return _own_page(site, request, "confirm.html", reference, context)


async def withdraw(site: Site, request: Request) -> Answer:
    """Withdraw the application; doing it twice is no fault."""
    reference, secret, status = _look(site, request)
    check_token(request, secret, reference)
    if status.state != "withdrawn":
        _able(site, request, "withdraw")
        await site.service.withdraw(reference, secret, now=request.now)
    again = site.whole_site_cookie("form", "", days=0)  # the same answers are then another application
    return _done(site, request, reference, "withdraw").with_cookies(again)


def ask_appeal(site: Site, request: Request) -> Answer:
    """Show the form of an appeal."""
    reference, secret, status = _able(site, request, "appeal")
    return _appeal_page(site, request, status, make_token(secret, reference), {})


async def appeal(site: Site, request: Request) -> Answer:
    """Put the application before a person."""
    reference, secret, status = _look(site, request)
    check_token(request, secret, reference)
    if status.state != "appealed":
        _able(site, request, "appeal")
        note = request.form.get("note", "").strip()
        fault = _note_fault(note)
        if fault:
            errors = {"note": forms.say_fault(site.words(request), "note", fault)}
            return _appeal_page(site, request, status, make_token(secret, reference), errors)
        await site.service.appeal(reference, secret, note, now=request.now)
    return _done(site, request, reference, "appeal")


def _note_fault(note: str) -> FieldError | None:
    if not note:
        return FieldError("note", "missing")
    if len(note) > NOTE_MAX_CHARS:
        return FieldError("note", "too-long", {"max": str(NOTE_MAX_CHARS)})
    return None


def _appeal_page(site: Site, request: Request, status: "Status", token: str, errors: Mapping[str, str]) -> Answer:
    context = {
        "s": status,
        "reason": reason_of(status, request.language),
        "token": token,
        "values": {"note": request.form.get("note", "")},
        "errors": errors,
    }
    return _own_page(site, request, "appeal.html", status.reference, context, is_invalid=bool(errors))


def ask_correct(site: Site, request: Request) -> Answer:
    """Show the form, filled with what was sent."""
    reference, secret, status = _able(site, request, "correct")
    values = forms.from_application(status.application)
    return apply.form_page(site, request, values, correction=_correction(reference, secret))


def check_correct(site: Site, request: Request) -> Answer:
    """Show the corrected answers to be checked."""
    reference, secret, _ = _able(site, request, "correct")
    values, applications, faults = apply.read(site, request)
    if applications is None:
        return apply.form_page(site, request, values, faults, correction=_correction(reference, secret))
    hidden = {name: value for name, value in values.items() if value}
    context = {
        "rows": rows_of(site.words(request), applications[0]),
        "hidden": {**hidden, "token": make_token(secret, reference)},
        "action": f"/status/{reference}/correct",
        "is_correction": True,
        "is_two": False,
        "is_conflict": False,
    }
    return site.page(request, "check.html", context, path=f"/status/{reference}")


def change_correct(site: Site, request: Request) -> Answer:
    """Show the correction's form again with everything that was typed."""
    reference, secret, _ = _able(site, request, "correct")
    return apply.form_page(site, request, forms.typed(request.form), correction=_correction(reference, secret))


async def correct(site: Site, request: Request) -> Answer:
    """Send the corrected answers."""
    reference, secret, _ = _able(site, request, "correct")
    values, applications, faults = apply.read(site, request)
    if applications is None:
        return apply.form_page(site, request, values, faults, correction=_correction(reference, secret))
    (vouched,) = await sessions.vouch(site, request, applications[:1], f"{reference} {applications[0].canonical()}")
    await site.service.correct(reference, secret, vouched, now=request.now)
    return _done(site, request, reference, "correct")


def _correction(reference: str, secret: str) -> dict[str, str]:
    return {"action": f"/status/{reference}/correct", "token": make_token(secret, reference)}


def _done(site: Site, request: Request, reference: str, what: str) -> Answer:
    return redirect(site.address(request, f"/status/{reference}?done={what}"))


def _own_page(
    site: Site,
    request: Request,
    template: str,
    reference: str,
    context: Mapping[str, Any],
    *,
    is_invalid: bool = False,
) -> Answer:
    status = _INVALID if is_invalid else 200
    return site.page(request, template, context, status=status, path=f"/status/{reference}")
