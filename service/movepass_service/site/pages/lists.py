"""Lists: an assistant or an employer applies for many people at once, by rows of comma-separated values.

Rows that are good are stored, each once however often the list is sent; rows that are not stay on the page with their
faults. So a list that was cut off is simply sent again.
"""

import asyncio
import csv
from dataclasses import dataclass

from movepass_service.accounts import Accounts, Helper
from movepass_service.applications.application import Application, FieldError, InvalidApplication
from movepass_service.service import Receipt
from movepass_service.site import forms
from movepass_service.site.pages import sessions
from movepass_service.site.pages.sessions import accounts_of
from movepass_service.site.pages.site import Site, check_token, make_token
from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import Answer, Request, redirect

PATH = "/my-passes/list"
ROWS_MAX = 200
TOGETHER = 50
"""Rows that are stored at the same time and so share the disk's time."""
EXAMPLE = (
    "holder.name,holder.id_type,holder.id_number,from.district,to.district,reason,not_before,hours\n"
    "Rahima Khatun,nid,1234567890,dhaka,gazipur,office,2026-11-29 08:00,3"
)
_INVALID = 400


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a list.

    Attributes:
        number: its line, counted as people do; the heading is line 1.
        cells: as they were written.
        application: what it asks for, or None.
        faults: in words.
    """

    number: int
    cells: tuple[str, ...]
    application: Application | None
    faults: tuple[str, ...] = ()


async def show(site: Site, request: Request) -> Answer:
    """Show the form of a list."""
    session, helper = await _helper(site, request)
    if session is None or helper is None:
        return redirect(site.address(request, "/my-passes"))
    return await _page(site, request, session, helper, text="", rows=[], stored=[])


async def send(site: Site, request: Request) -> Answer:
    """Store the rows that are good, and show the others."""
    session, helper = await _helper(site, request)
    if session is None or helper is None:
        return redirect(site.address(request, "/my-passes"))
    check_token(request, session[0], "session")
    heading, rows = _read(site, request, request.form.get("rows", ""), helper)
    stored, refused = await _store(site, request, session[1], helper, rows)
    left = [row for row in rows if row.faults] + refused
    text = _write([heading, *(row.cells for row in sorted(left, key=lambda row: row.number))]) if left else ""
    return await _page(site, request, session, helper, text=text, rows=left, stored=stored)


async def _helper(site: Site, request: Request) -> tuple[tuple[str, str] | None, Helper | None]:
    session = await sessions.signed_in(site, request)
    if session is None:
        return None, None
    return session, await asyncio.to_thread(accounts_of(site).helper_of, session[1])


def _read(site: Site, request: Request, text: str, helper: Helper) -> tuple[tuple[str, ...], list[Row]]:
    """Read a list.

    Raises:
        RefusedError: it is no list, or has too many rows.
    """
    try:
        lines = [tuple(cells) for cells in csv.reader(text.splitlines(), strict=True) if any(map(str.strip, cells))]
    except csv.Error as e:
        raise RefusedError(_INVALID, "not-a-list") from e
    if len(lines) < 2:
        raise RefusedError(_INVALID, "not-a-list")
    if len(lines) > ROWS_MAX + 1:
        raise RefusedError(_INVALID, "too-many-rows")
    heading = tuple(name.strip() for name in lines[0])
    return heading, [
        _read_row(site, request, number, heading, cells, helper) for number, cells in enumerate(lines[1:], 2)
    ]


def _read_row(
    site: Site, request: Request, number: int, heading: tuple[str, ...], cells: tuple[str, ...], helper: Helper
) -> Row:
    t = site.words(request)
    if len(cells) > len(heading) or len(set(heading)) != len(heading):
        return Row(number, cells, None, (t("list.cells"),))
    fields: dict[str, object] = {**dict(zip(heading, cells, strict=False)), "language": request.language}
    try:
        read = site.service.read(fields, now=request.now)
    except InvalidApplication as e:
        return Row(number, cells, None, tuple(forms.say_fault(t, fault.field, fault) for fault in e.errors))
    if len(read) > 1:
        return Row(number, cells, None, (forms.say_fault(t, "back", FieldError("back", "unknown-key")),))
    return Row(number, cells, sessions.vouched(read, helper)[0])


async def _store(
    site: Site, request: Request, phone: str, helper: Helper, rows: list[Row]
) -> tuple[list[tuple[Row, Receipt]], list[Row]]:
    """Store the good rows up to the day's quota; returns what was stored, and the rows beyond it with that fault.

    Rows that were stored before give their receipts again and cost nothing.
    """
    accounts = accounts_of(site)
    ids = {row.number: _row_id(accounts, phone, row.application) for row in rows if row.application is not None}
    reserved = await asyncio.to_thread(accounts.reserve_rows, phone, helper, list(ids.values()), now=request.now)
    taken = [row for row in rows if ids.get(row.number) in reserved]
    stored: list[tuple[Row, Receipt]] = []
    for at in range(0, len(taken), TOGETHER):
        group = taken[at : at + TOGETHER]
        receipts = await asyncio.gather(*(_submit(site, request, ids[row.number], row) for row in group))
        stored += zip(group, receipts, strict=True)
        pairs = [(receipt.reference, receipt.secret) for receipt in receipts]
        await asyncio.to_thread(accounts.remember, phone, pairs, now=request.now)
    fault = (site.words(request)("list.quota", most=helper.quota),)
    beyond = [row for row in rows if row.number in ids and ids[row.number] not in reserved]
    return stored, [Row(row.number, row.cells, None, fault) for row in beyond]


def _row_id(accounts: Accounts, phone: str, application: Application) -> str:
    return accounts.row_id(phone, f"{application.canonical()} {(application.id_hash or b'').hex()}")


async def _submit(site: Site, request: Request, client_id: str, row: Row) -> Receipt:
    applications = (row.application,) if row.application else ()
    (receipt,) = await site.service.submit(client_id, applications, now=request.now)
    return receipt


def _write(lines: list[tuple[str, ...]]) -> str:
    """Write rows as comma-separated values again."""
    return "\n".join(",".join(_cell(cell) for cell in cells) for cells in lines)


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"') else text


async def _page(  # noqa: PLR0913 - all of the page
    site: Site,
    request: Request,
    session: tuple[str, str],
    helper: Helper,
    *,
    text: str,
    rows: list[Row],
    stored: list[tuple[Row, Receipt]],
) -> Answer:
    left = await asyncio.to_thread(accounts_of(site).quota_left, session[1], helper, now=request.now)
    shown = [
        {
            "number": row.number,
            "name": row.application.trip.holder_name if row.application else "",
            "reference": receipt.reference,
        }
        for row, receipt in stored
    ]
    context = {
        "helper": helper,
        "left": left,
        "token": make_token(session[0], "session"),
        "text": text,
        "example": EXAMPLE,
        "faulty": rows,
        "stored": shown,
    }
    return site.page(request, "list.html", context, status=_INVALID if rows else 200, path=PATH)
