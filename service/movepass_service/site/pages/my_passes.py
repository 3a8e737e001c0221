"""My passes: a telephone number, once proved, finds what it applied for and fills the form."""

import asyncio
import logging
import re

from movepass_service.accounts import SmsError, TooManyCodes, WrongCode
from movepass_service.applications.application import FieldError
from movepass_service.applications.values import ascii_digits, parse_phone
from movepass_service.errors import UnknownApplication
from movepass_service.service import Status
from movepass_service.site import forms
from movepass_service.site.pages import apply, sessions, status
from movepass_service.site.pages.sessions import accounts_of
from movepass_service.site.pages.site import Site, check_token, make_token
from movepass_service.site.words import words
from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import Answer, Request, redirect

LOG = logging.getLogger(__name__)
PATH = "/my-passes"
SESSION_DAYS = 30
_NOT_DIGITS = re.compile(r"[^0-9]")
_INVALID = 400
_TOO_MANY, _UNAVAILABLE = 429, 503
_RETRY_SECONDS = 60
_OF_TRIP = ("not_before.date", "not_before.time", *forms.BACK_FIELDS)


async def show(site: Site, request: Request) -> Answer:
    """Show what the number applied for, or ask for the number."""
    if site.accounts is None:
        return status.show_lookup(site, request)
    session = await sessions.signed_in(site, request)
    if session is None:
        return _ask_page(site, request, "", {})
    token, phone = session
    found = await asyncio.to_thread(site.accounts.applications_of, phone, now=request.now)
    t = site.words(request)
    rows = []
    for reference, secret in found:
        one = _look(site, reference, secret, request.now)
        if one is not None:
            shown = {"reference": reference, "state": t(f"state.{one.state}"), "name": one.application.trip.holder_name}
            rows.append(shown | {"trip": apply.trip_line(t, one.application)})
    helper = await asyncio.to_thread(site.accounts.helper_of, phone)
    context = {
        "rows": rows,
        "is_helper": helper is not None,
        "phone": phone.removeprefix("+88"),
        "token": make_token(token, "session"),
    }
    return site.page(request, "my_passes.html", context)


def _look(site: Site, reference: str, secret: str, now: int) -> Status | None:
    """Look an application up; one that is forgotten is left out."""
    try:
        return site.service.status(reference, secret, now=now)
    except UnknownApplication:
        return None


def _ask_page(site: Site, request: Request, phone: str, errors: dict[str, str], *, code: int = 0) -> Answer:
    context = {"values": {"phone": phone}, "errors": errors}
    return site.page(request, "ask_phone.html", context, status=code or (_INVALID if errors else 200), path=PATH)


async def send_code(site: Site, request: Request) -> Answer:
    """Send a code to a number; which numbers are known shows nowhere."""
    accounts = accounts_of(site)
    t = site.words(request)
    typed = request.form.get("phone", "")
    try:
        phone = parse_phone(typed)
    except ValueError:
        return _ask_page(site, request, typed, {"phone": forms.say_fault(t, "phone", FieldError("phone", "phone"))})
    language = request.language

    def compose(prefix: str, code: str) -> str:
        return words(language)("code.message", prefix=prefix, code=code)

    try:
        challenge = await asyncio.to_thread(accounts.send_code, phone, compose, now=request.now)
    except TooManyCodes as e:
        errors = {"phone": t("code.too-many", span=e.retry_after_s)}
        answer = _ask_page(site, request, typed, errors, code=_TOO_MANY)
        return answer.with_headers(("Retry-After", str(e.retry_after_s)))
    except SmsError as e:
        LOG.error("no code was sent: %s", e)  # noqa: TRY400 - what AWS said may quote the number
        answer = _ask_page(site, request, typed, {"phone": t("code.not-sent")}, code=_UNAVAILABLE)
        return answer.with_headers(("Retry-After", str(_RETRY_SECONDS)))
    return _code_page(site, request, challenge.id, challenge.prefix, {})


def _code_page(site: Site, request: Request, challenge: str, prefix: str, errors: dict[str, str]) -> Answer:
    context = {"challenge": challenge, "code_prefix": prefix, "values": {"code": ""}, "errors": errors}
    return site.page(request, "ask_code.html", context, status=_INVALID if errors else 200, path=PATH)


async def sign_in(site: Site, request: Request) -> Answer:
    """Take the code and begin a session, under a token that was never seen before."""
    accounts = accounts_of(site)
    challenge, prefix = request.form.get("challenge", ""), request.form.get("prefix", "")
    code = _NOT_DIGITS.sub("", ascii_digits(request.form.get("code", "")))
    try:
        token = await asyncio.to_thread(accounts.sign_in, challenge, code, now=request.now)
    except WrongCode:
        shown = prefix if re.fullmatch(r"[A-Z]{2}", prefix) else ""
        return _code_page(site, request, challenge, shown, {"code": site.words(request)("code.wrong")})
    cookie = site.whole_site_cookie("session", token, days=SESSION_DAYS)
    return redirect(site.address(request, PATH)).with_cookies(cookie)


async def sign_out(site: Site, request: Request) -> Answer:
    """End the session here and on the server."""
    session = await sessions.signed_in(site, request)
    if session is not None:
        check_token(request, session[0], "session")
        await asyncio.to_thread(accounts_of(site).sign_out, session[0])
    return redirect(site.address(request, PATH)).with_cookies(site.whole_site_cookie("session", "", days=0))


async def open_one(site: Site, request: Request) -> Answer:
    """Open one of the number's applications."""
    session = await sessions.signed_in(site, request)
    if session is None:
        return redirect(site.address(request, PATH))
    wanted = status.read_reference(request.params["reference"])
    secret = await asyncio.to_thread(accounts_of(site).secret_of, session[1], wanted, now=request.now)
    if secret is not None:
        answer = redirect(site.address(request, f"/status/{wanted}"))
        return answer.with_cookies(*site.cookies("key", secret, f"/status/{wanted}"))
    raise RefusedError(404, "unknown")


async def fill(site: Site, request: Request) -> Answer:
    """Show the form filled from what the number applied for last, without the time."""
    session = await sessions.signed_in(site, request)
    if session is None:
        return redirect(site.address(request, apply.ACTION))
    values = forms.typed({"phone": session[1].removeprefix("+88")})
    found = await asyncio.to_thread(accounts_of(site).applications_of, session[1], now=request.now)
    for reference, secret in found:
        one = _look(site, reference, secret, request.now)
        if one is not None:
            earlier = forms.from_application(one.application)
            values |= {name: value for name, value in earlier.items() if name not in (*_OF_TRIP, "phone")}
            break
    return apply.form_page(site, request, values)
