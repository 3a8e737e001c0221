"""Signing in and enrolling. Both are two calls of the page's script: ask for a challenge, send what answers it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from movepass_service.desk.front import BROWSER, SESSION, DeskFront, first_page
from movepass_service.desk.guard import own_path, session_of
from movepass_service.officers.accounts import CHALLENGE_SECONDS, AccountError, Session
from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import Answer, Request, redirect
from movepass_service.web.json_answers import json_answer

_REFUSED, _UNREADABLE = 403, 400
_CREDENTIAL = "credential"


async def show_sign_in(front: DeskFront, request: Request) -> Answer:
    """Show the page that signs in; whoever is signed in goes on."""
    session = await asyncio.to_thread(session_of, front, request)
    if session is not None:
        return redirect(front.address(request, first_page(session.officer.role)))
    t = front.words(request)
    done = request.query.get("done", "")
    context = {"next": request.query.get("next", ""), "done": done if t.has(f"done.{done}") else ""}
    return front.page(request, "sign_in.html", context)


def show_enrol(front: DeskFront, request: Request) -> Answer:
    """Show the page that enrols; its script has the secret, which follows the number sign of the address."""
    return front.page(request, "enrol.html", {"done": ""})


async def sign_in_options(front: DeskFront, request: Request) -> Answer:
    """Return what to ask the authenticator for."""
    _check_keys(request.document, set())
    browser, options = await asyncio.to_thread(front.accounts.begin_sign_in, now=request.now)
    return json_answer({"options": options}).with_cookies(front.browser_cookie(browser, CHALLENGE_SECONDS))


async def sign_in(front: DeskFront, request: Request) -> Answer:
    """Begin a session; an earlier one of this browser ends."""
    _check_keys(request.document, {_CREDENTIAL, "next", "language"})
    browser, agent = front.cookie(request, BROWSER), request.headers.get("user-agent", "")
    credential = _credential(request)
    try:
        session = await asyncio.to_thread(front.accounts.finish_sign_in, browser, credential, agent, now=request.now)
    except AccountError as e:
        raise RefusedError(_REFUSED, f"desk-{e.code}") from e
    await asyncio.to_thread(front.accounts.sign_out, front.cookie(request, SESSION))
    prefix = "/en" if request.document.get("language") == "en" else ""
    first = first_page(session.officer.role)
    wanted = str(request.document.get("next") or prefix + first)
    answer = json_answer({"to": own_path(wanted, session.officer.role)})
    return answer.with_cookies(front.session_cookie(session.token), front.browser_cookie("", 0))


async def enrol_options(front: DeskFront, request: Request) -> Answer:
    """Return for whom the link is, and what to ask the authenticator for."""
    _check_keys(request.document, {"secret"})
    secret = str(request.document.get("secret", ""))
    try:
        officer = await asyncio.to_thread(front.accounts.link_officer, secret, now=request.now)
        browser, options = await asyncio.to_thread(front.accounts.begin_enrolment, secret, now=request.now)
    except AccountError as e:
        raise RefusedError(_REFUSED, f"desk-{e.code}") from e
    answer = json_answer({"options": options, "name": officer.name})
    return answer.with_cookies(front.browser_cookie(browser, CHALLENGE_SECONDS))


async def enrol(front: DeskFront, request: Request) -> Answer:
    """Keep the passkey that the authenticator made; then people sign in with it."""
    _check_keys(request.document, {_CREDENTIAL, "language"})
    credential = _credential(request)
    browser = front.cookie(request, BROWSER)
    try:
        await asyncio.to_thread(front.accounts.finish_enrolment, browser, credential, now=request.now)
    except AccountError as e:
        raise RefusedError(_REFUSED, f"desk-{e.code}") from e
    prefix = "/en" if request.document.get("language") == "en" else ""
    answer = json_answer({"to": f"{prefix}/sign-in?done=enrolled"})
    return answer.with_cookies(front.browser_cookie("", 0))


def sign_out(front: DeskFront, request: Request, session: Session) -> Answer:
    """End the session here and on the server."""
    front.accounts.sign_out(session.token)
    answer = redirect(front.address(request, "/sign-in?done=signed-out"))
    return answer.with_cookies(front.session_cookie(""))


def health(front: DeskFront, request: Request) -> Answer:
    """Return that the desk answers."""
    del front, request
    return json_answer({"ok": True})


def _credential(request: Request) -> Mapping[str, Any]:
    credential = request.document.get(_CREDENTIAL)
    if not isinstance(credential, Mapping):
        raise RefusedError(_UNREADABLE, "not-json")
    return credential


def _check_keys(document: Mapping[str, object], known: set[str]) -> None:
    if not document.keys() <= known:
        raise RefusedError(_UNREADABLE, "not-json")
