"""The public JSON API: the same validation and the same store as the pages (docs/site.md has its description)."""

import asyncio
import re
import uuid
from collections.abc import Mapping
from typing import Any

from movepass_service.applications.application import FieldError, InvalidApplication
from movepass_service.errors import UnknownApplication
from movepass_service.service import Status
from movepass_service.site import forms
from movepass_service.site.pages import line
from movepass_service.site.pages.site import SECRET_SHAPE, Site
from movepass_service.site.pages.status import (
    NOTE_MAX_CHARS,
    WAITING,
    picture,
    read_reference,
    read_secret,
    reason_of,
)
from movepass_service.site.words import words
from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import LANGUAGES, Answer, Language, Request, tagged
from movepass_service.web.json_answers import json_answer

_BEARER = re.compile(r"Bearer ([!-~]{1,80})", re.IGNORECASE)
_ONE_DIRECTION = "back"


def refuse_fields(errors: tuple[FieldError, ...], language: Language) -> Answer:
    """Return all faults at once, in the applicant's language."""
    t = words(language)
    faults = [
        {"field": fault.field, "code": fault.code, "message": forms.say_fault(t, fault.field, fault)}
        for fault in errors
    ]
    return json_answer({"errors": faults}, status=400)


def language_of(document: Mapping[str, object]) -> Language:
    """Return the language that an application asks for, or Bangla."""
    return next((language for language in LANGUAGES if document.get("language") == language), LANGUAGES[0])


async def submit(site: Site, request: Request) -> Answer:
    """Take an application: 202 with its reference and secret once it is stored."""
    document = dict(request.document)
    given = document.pop("request_id", None)
    faults: tuple[FieldError, ...] = ()
    client_id = _client_id(given)
    if client_id is None:
        faults = (FieldError("request_id", "missing" if given is None else "request-id"),)
    if _ONE_DIRECTION in document:
        faults += (FieldError(_ONE_DIRECTION, "unknown-key"),)
        del document[_ONE_DIRECTION]
    language = language_of(document)
    try:
        applications = site.service.read(document, now=request.now)
    except InvalidApplication as e:
        return refuse_fields((*faults, *e.errors), language)
    if client_id is None or faults:
        return refuse_fields(faults, language)
    waits = line.hold_program(site, request, applications, client_id, language)
    if waits:
        return waits
    (receipt,) = await site.service.submit(client_id, applications, now=request.now)
    made = {
        "reference": receipt.reference,
        "secret": receipt.secret,
        "status_url": site.secret_link(language, receipt.reference, receipt.secret),
    }
    return json_answer(made | _held(is_copied=receipt.is_copied), status=202)


def _held(*, is_copied: bool) -> dict[str, str]:
    """Say where an application is held, unless all regions have it."""
    return {} if is_copied else {"held_in": "this-region-only"}


def _client_id(given: object) -> str | None:
    try:
        read = uuid.UUID(given) if isinstance(given, str) and len(given) == len(str(uuid.UUID(int=0))) else None
    except ValueError:
        return None
    return str(read) if read else None


def _look(site: Site, request: Request) -> tuple[str, str, Status]:
    given = _BEARER.fullmatch(request.headers.get("authorization", ""))
    secret = read_secret(given[1]) if given else ""
    reference = read_reference(request.params["reference"])
    if not SECRET_SHAPE.fullmatch(secret):
        raise RefusedError(401, "unknown", {"WWW-Authenticate": "Bearer"})
    try:
        return reference, secret, site.service.status(reference, secret, now=request.now)
    except UnknownApplication as e:
        raise RefusedError(404, "unknown") from e


def show(site: Site, request: Request) -> Answer:
    """Return where an application stands."""
    _, _, status = _look(site, request)
    return _status_answer(site, request, status)


def _status_answer(site: Site, request: Request, status: Status, *, is_kept: bool = True) -> Answer:
    document: dict[str, Any] = {
        "reference": status.reference,
        "state": str(status.state),
        "since": status.since,
        "place": status.place,
        "expected_s": status.expected_s,
    }
    if status.reason:
        document["reason"] = {"code": status.reason[0], "text": reason_of(status, status.application.language)}
    if status.issued:
        own = f"{site.settings.origin}/api/applications/{status.reference}"
        document["pass"] = {
            "pass_number": status.issued.pass_number,
            "text": status.issued.text,
            "qr_url": f"{own}/qr",
            "card_url": f"{own}/card",
        }
    document = {key: value for key, value in document.items() if value is not None} | _held(is_copied=status.is_copied)
    kept = "private, no-cache"
    if is_kept and status.state in WAITING:  # nothing of a pass or a person is in it yet
        shared = f"s-maxage={status.retry_after_s}" if site.settings.has_cache else "private"
        kept = f"{shared}, max-age={status.retry_after_s}"
    headers: tuple[tuple[str, str], ...] = (("Cache-Control", kept), ("Vary", "Authorization"))
    if status.state in WAITING:
        headers = (*headers, ("Retry-After", str(status.retry_after_s)))
    return tagged(json_answer(document, headers=headers), request)


async def withdraw(site: Site, request: Request) -> Answer:
    """Withdraw an application; doing it twice is no fault."""
    reference, secret, status = _look(site, request)
    if status.state != "withdrawn":
        await site.service.withdraw(reference, secret, now=request.now)
    return _now(site, request, reference, secret)


async def appeal(site: Site, request: Request) -> Answer:
    """Put a rejected application before a person."""
    reference, secret, status = _look(site, request)
    note = request.document.get("note")
    if not isinstance(note, str) or not note.strip():
        return refuse_fields((FieldError("note", "missing"),), _language(status))
    if len(note) > NOTE_MAX_CHARS:
        fault = FieldError("note", "too-long", {"max": str(NOTE_MAX_CHARS)})
        return refuse_fields((fault,), _language(status))
    if status.state != "appealed":
        await site.service.appeal(reference, secret, note.strip(), now=request.now)
    return _now(site, request, reference, secret)


async def correct(site: Site, request: Request) -> Answer:
    """Replace an application's content, which is a whole one again."""
    reference, secret, _ = _look(site, request)
    document = {key: value for key, value in request.document.items() if key != "request_id"}
    if _ONE_DIRECTION in document:
        return refuse_fields((FieldError(_ONE_DIRECTION, "unknown-key"),), language_of(document))
    try:
        (application,) = site.service.read(document, now=request.now)
    except InvalidApplication as e:
        return refuse_fields(e.errors, language_of(document))
    await site.service.correct(reference, secret, application, now=request.now)
    return _now(site, request, reference, secret)


def _now(site: Site, request: Request, reference: str, secret: str) -> Answer:
    status = site.service.status(reference, secret, now=request.now)
    return _status_answer(site, request, status, is_kept=False)


async def qr(site: Site, request: Request) -> Answer:
    """Return the picture of the pass's QR code."""
    reference, secret, _ = _look(site, request)
    return picture(await asyncio.to_thread(site.service.qr, reference, secret), "image/png", request)


async def card(site: Site, request: Request) -> Answer:
    """Return the card for printing."""
    reference, secret, _ = _look(site, request)
    return picture(await asyncio.to_thread(site.service.card, reference, secret), "application/pdf", request)


def health(site: Site, request: Request) -> Answer:
    """Return whether the service takes applications, and how its worker is."""
    health = site.service.health()
    document = {
        "ok": health.ok,
        "worker_age_s": None if health.worker_age_s is None else round(health.worker_age_s, 1),
        "last_publication": health.last_publication,
        "queue": health.queue,
        **line.figures(site, request.now),
    }
    return json_answer(document, status=200 if health.ok else 503)


def _language(status: Status) -> Language:
    return "en" if status.application.language == "en" else "bn"
