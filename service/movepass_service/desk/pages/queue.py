"""The queue: what waits, most urgent first, with a clock for each case; filters; the next case."""

from collections.abc import Mapping
from urllib.parse import urlencode

from movepass_service.decisions.desk import Filters, Queue, QueueLine
from movepass_service.decisions.roles import Action, may
from movepass_service.desk.front import DeskFront, first_page
from movepass_service.desk.pages.shown import age_of, district_name, reason_name, trip_of
from movepass_service.errors import UnknownApplication
from movepass_service.officers.accounts import Session
from movepass_service.web.exchange import Answer, Request, redirect
from movepass_service.web.words import Words

FILTER_FIELDS = ("reason", "district", "row", "age", "kind")
"""Names of the filters in addresses and forms."""
AGES = (900, 3600, 4 * 3600, 24 * 3600)
"""Seconds that the filter of age offers."""
KINDS = ("urgent", "not-urgent", "appeals", "no-appeals")
PAGE_LINES = 50
VALUE_MAX_CHARS = 64


def filters_of(fields: Mapping[str, str]) -> Filters:
    """Read filters from a query or a form; an unknown value filters nothing."""
    kind, age = fields.get("kind", ""), fields.get("age", "")
    appeals = {"appeals": True, "no-appeals": False}.get(kind)
    urgent = {"urgent": True, "not-urgent": False}.get(kind)

    def text(name: str) -> str | None:
        return fields.get(name, "")[:VALUE_MAX_CHARS] or None

    seconds = int(age) if age in map(str, AGES) else 0
    return Filters(text("reason"), text("district"), text("row"), seconds, appeals, urgent)


def kept_filters(fields: Mapping[str, str]) -> dict[str, str]:
    """Return those fields that filter, to be carried on."""
    return {name: fields[name][:VALUE_MAX_CHARS] for name in FILTER_FIELDS if fields.get(name)}


def with_filters(path: str, fields: Mapping[str, str], **more: str) -> str:
    """Return a path with the filters, and further fields."""
    query = urlencode(kept_filters(fields) | more)
    return f"{path}?{query}" if query else path


def choices(t: Words, queue: Queue) -> dict[str, dict[str, str]]:
    """Return what each filter offers, with how many cases each value has."""

    def counted(name: str, count: int) -> str:
        return t("filter.counted", name=name, count=count)

    return {
        "reason": {key: counted(reason_name(t, key), count) for key, count in queue.by_reason.items()},
        "district": {key: counted(district_name(t, key), count) for key, count in queue.by_district.items()},
        "row": {key: counted(key, count) for key, count in queue.by_row.items()},
        "age": {str(seconds): t("filter.age-of", span=seconds) for seconds in AGES},
        "kind": {kind: t(f"filter.kind.{kind}") for kind in KINDS},
    }


def show_first(front: DeskFront, request: Request, session: Session) -> Answer:
    """Show the queue; whoever may not see it comes to the first page of their role."""
    if not may(session.officer.role, Action.SEE_CASES):
        return redirect(front.address(request, first_page(session.officer.role)))
    return show(front, request, session)


def show(front: DeskFront, request: Request, session: Session) -> Answer:
    """Show a page of the queue."""
    t, query = front.words(request), request.query
    offset = int(query["from"]) if query.get("from", "").isdecimal() and len(query["from"]) < 7 else 0
    queue = front.desk.queue(session.officer, filters_of(query), now=request.now, offset=offset, limit=PAGE_LINES)
    context = {
        "queue": queue,
        "lines": [line_of(t, line) for line in queue.lines],
        "values": {name: query.get(name, "") for name in FILTER_FIELDS},
        "options": choices(t, queue),
        "kept": kept_filters(query),
        "bulk": with_filters(front.address(request, "/bulk"), query),
        "before": _turn(front, request, offset - PAGE_LINES) if offset else "",
        "after": _turn(front, request, offset + PAGE_LINES) if offset + PAGE_LINES < queue.total else "",
        "may_decide": may(session.officer.role, Action.DECIDE),
        "missed": query.get("q", ""),
    }
    return front.show(request, session, "queue.html", context)


def line_of(t: Words, line: QueueLine) -> dict[str, object]:
    """Return a line of the queue in words."""
    case = line.case
    return {
        "trip": trip_of(t, case),
        "age": age_of(t, line.age_s),
        "is_urgent": case.kept.is_urgent,
        "is_late": line.is_late,
        "is_appeal": case.is_appeal,
        "row": case.row,
        "leased_by": line.leased_by,
        "waits_for": line.waits_for,
        "conflict": line.conflict,
    }


def take_next(front: DeskFront, request: Request, session: Session) -> Answer:
    """Claim the most urgent case that is free, and open it."""
    return open_next(front, request, session, done="", after=request.form.get("after") or None)


def open_next(front: DeskFront, request: Request, session: Session, *, done: str, after: str | None) -> Answer:
    """Lead to the most urgent free case of the filters, which is claimed; without one, to the queue."""
    found = front.desk.claim_next(session.officer, filters_of(request.form), now=request.now, after=after)
    more = {"done": done} if done else {}
    if found is None:
        more = {"done": f"{done}-last" if done else "none-left"}
        return redirect(with_filters(front.address(request, "/"), request.form, **more))
    return redirect(with_filters(front.address(request, f"/case/{found.case.reference}"), request.form, **more))


def find(front: DeskFront, request: Request, session: Session) -> Answer:
    """Lead to the application of a reference or a pass number."""
    typed = request.query.get("q", "").strip()[:VALUE_MAX_CHARS]
    try:
        reference = front.desk.find_reference(session.officer, typed, now=request.now)
    except UnknownApplication:
        address = front.address(request, "/") + "?" + urlencode({"done": "not-found", "q": typed})
        return redirect(address)
    return redirect(front.address(request, f"/case/{reference}"))


def _turn(front: DeskFront, request: Request, offset: int) -> str:
    return with_filters(front.address(request, "/"), request.query, **{"from": str(max(0, offset))})
