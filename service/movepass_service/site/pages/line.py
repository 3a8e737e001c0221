"""The line: what people see whose application is beyond the capacity, and what programs get."""

from collections.abc import Mapping
from typing import Any

from movepass_service.admission import Waiting
from movepass_service.admission.gate import Ask
from movepass_service.applications.application import Application
from movepass_service.applications.states import is_urgent
from movepass_service.site.pages.site import Site
from movepass_service.site.words import words
from movepass_service.web.exchange import JSON, Answer, Cookie, Language, Request, redirect
from movepass_service.web.json_answers import json_answer

_BUSY = 503
_PLACE_DAYS = 1
_SHORT_S = 60
"""Below this the shortest time is not worth saying."""
CALLED_S = 5
"""How long anybody may keep the answer that says which places are called: a storm of looks ends at a cache."""
_ACTION = "/apply/send"
PLACE_HEADER, PROOF_HEADER = "movepass-place", "movepass-proof"


def hold(
    site: Site,
    request: Request,
    values: Mapping[str, str],
    applications: tuple[Application, ...],
    client_id: str,
) -> Answer | None:
    """Return the page of a place in line, or None if the application may enter.

    What was stored before enters again: it gets the receipt that it has.
    """
    token = request.form.get("place", "") or site.cookie(request, "place")
    waiting = _ask(site, request, applications, client_id, token, request.form.get("proof", ""))
    if waiting is None:
        return None
    hidden = {name: value for name, value in values.items() if value}
    hidden |= {"request_id": client_id, "place": waiting.token}
    context = {**_context(site, request, waiting), "hidden": hidden, "action": _ACTION}
    answer = site.page(request, "line.html", context, status=_BUSY, path=_ACTION)
    cookie = site.whole_site_cookie("place", waiting.token, days=_PLACE_DAYS)
    return answer.with_headers(_retry(waiting)).with_cookies(cookie)


def hold_program(
    site: Site, request: Request, applications: tuple[Application, ...], client_id: str, language: Language
) -> Answer | None:
    """Return a place in line as JSON, or None if the application may enter."""
    token, proof = (request.headers.get(name, "") for name in (PLACE_HEADER, PROOF_HEADER))
    waiting = _ask(site, request, applications, client_id, token, proof)
    if waiting is None:
        return None
    t, seen = words(language), waiting.outlook
    message = t("line.program")
    if waiting.refused:
        message = f"{t(f'line-refused.{waiting.refused}')} {message}"
    place: dict[str, Any] = {
        "token": waiting.token,
        "lane": str(waiting.place.lane),
        "number": waiting.place.number,
        "ahead": seen.ahead,
        "soonest_s": seen.soonest_s,
        "latest_s": seen.latest_s,
        "url": _link(site, request, waiting.token),
    }
    if waiting.challenge:
        place["challenge"] = waiting.challenge
    document = {"errors": [{"field": "", "code": waiting.refused or "line", "message": message}], "place": place}
    return json_answer(document, status=_BUSY, headers=(_retry(waiting),))


def give_back(site: Site, request: Request) -> tuple[Cookie, ...]:
    """Return the deletion of a place that was used; nothing if there was none."""
    has_place = bool(site.cookie(request, "place"))
    return (site.whole_site_cookie("place", "", days=0),) if has_place else ()


def show(site: Site, request: Request) -> Answer:
    """Show where this browser's place stands; a link with a place becomes a cookie first."""
    if "place" in request.query:
        cookie = site.whole_site_cookie("place", request.query["place"], days=_PLACE_DAYS)
        answer = redirect(site.address(request, "/line"))
        return answer.with_cookies(cookie) if _look(site, request, request.query["place"]) else answer
    waiting = _look(site, request, site.cookie(request, "place"))
    if waiting is None:
        return site.page(request, "line_place.html", {"waiting": None}, path="/line")
    context = {**_context(site, request, waiting), "waiting": waiting}
    return site.page(request, "line_place.html", context, path="/line").with_headers(_retry(waiting))


def called(site: Site, request: Request) -> Answer:
    """Return the last place called in each lane: the same for everybody, for caches to keep."""
    lanes = site.gate.called(request.now) if site.gate else {}
    kept = ("Cache-Control", f"public, max-age={CALLED_S}")
    answer = json_answer({"called": lanes}, headers=(kept,))
    return Answer(answer.body, answer.status, JSON, answer.headers)


def figures(site: Site, now: float) -> Mapping[str, Any]:
    """Return the line as operators see it."""
    if site.gate is None:
        return {}
    lanes = {
        lane: {"waiting": one.waiting, "called": one.called, "share": one.share}
        for lane, one in site.gate.figures(now).items()
    }
    return {"line": {"lanes": lanes, "is_flood": site.gate.is_flood}}


def _ask(
    site: Site, request: Request, applications: tuple[Application, ...], client_id: str, token: str, proof: str
) -> Waiting | None:
    if site.gate is None:
        return None
    urgent = any(is_urgent(application.trip.reason) for application in applications)
    answer = site.gate.ask(Ask(site.service.client(client_id), urgent, token, proof, request.now))
    is_held = isinstance(answer, Waiting) and not site.service.is_known(client_id, applications)
    return answer if isinstance(answer, Waiting) and is_held else None


def _look(site: Site, request: Request, token: str) -> Waiting | None:
    return site.gate.look(token, request.now) if site.gate and token else None


def _context(site: Site, request: Request, waiting: Waiting) -> dict[str, Any]:
    t, seen = site.words(request), waiting.outlook
    if waiting.is_called:
        time = t("line.called", latest=seen.latest_s or 1)
    elif seen.latest_s is None:
        time = t("line.time.unknown")
    elif seen.soonest_s < _SHORT_S:
        time = t("line.time.short", latest=seen.latest_s)
    else:
        time = t("line.time", soonest=seen.soonest_s, latest=seen.latest_s)
    return {
        "place": waiting.place,
        "token": waiting.token,
        "ahead": seen.ahead,
        "time": time,
        "again_s": seen.retry_after_s,
        "is_called": waiting.is_called,
        "refused": waiting.refused,
        "challenge": waiting.challenge,
        "turn_s": int(site.service.settings.line.turn_s),
        "link": _link(site, request, waiting.token),
    }


def _link(site: Site, request: Request, token: str) -> str:
    return f"{site.settings.origin}{site.address(request, '/line')}?place={token}"


def _retry(waiting: Waiting) -> tuple[str, str]:
    return ("Retry-After", str(max(1, waiting.outlook.retry_after_s)))
