"""The session of a proved telephone number, which nobody needs in order to apply."""

import asyncio
import re
from dataclasses import replace

from movepass_service.accounts import Accounts, Helper
from movepass_service.applications.application import Application
from movepass_service.rules.columns import seconds_to_midnight
from movepass_service.service import Receipt
from movepass_service.site.pages.site import Site
from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import Request

_TOKEN = re.compile(r"[0-9a-f]{32}")


async def signed_in(site: Site, request: Request) -> tuple[str, str] | None:
    """Return the session's token and number, or None."""
    token = site.cookie(request, "session")
    if site.accounts is None or not _TOKEN.fullmatch(token):
        return None
    phone = await asyncio.to_thread(site.accounts.phone_of, token, now=request.now)
    return (token, phone) if phone else None


async def vouch(
    site: Site, request: Request, applications: tuple[Application, ...], name: str
) -> tuple[Application, ...]:
    """Return the applications with their number as verified, if this session has proved it, or with who vouches.

    Args:
        site: the site.
        request: its session counts.
        applications: those of one form.
        name: the form's, under which it costs a helper's quota once however often it is sent.

    Raises:
        RefusedError: the helper's quota of the day is spent.
    """
    session = await signed_in(site, request)
    if session is None:
        return applications
    helper = await asyncio.to_thread(accounts_of(site).helper_of, session[1])
    if helper is not None:
        accounts, phone = accounts_of(site), session[1]
        ids = [accounts.row_id(phone, f"form {name} {part}") for part in range(len(applications))]
        reserved = await asyncio.to_thread(accounts.reserve_rows, phone, helper, ids, now=request.now)
        if not reserved.issuperset(ids):
            raise RefusedError(429, "quota", {"Retry-After": str(seconds_to_midnight(request.now))})
        return vouched(applications, helper)
    return tuple(replace(one, phone_verified=True) if one.phone == session[1] else one for one in applications)


def vouched(applications: tuple[Application, ...], helper: Helper) -> tuple[Application, ...]:
    """Return the applications with whoever vouches for them."""
    return tuple(
        replace(one, evidence=helper.role, on_behalf_of=one.on_behalf_of or helper.name) for one in applications
    )


async def remember(site: Site, request: Request, receipts: tuple[Receipt, ...]) -> None:
    """Note what was applied for in a session, so that it is found again."""
    session = await signed_in(site, request)
    if session is not None:
        pairs = [(receipt.reference, receipt.secret) for receipt in receipts]
        await asyncio.to_thread(accounts_of(site).remember, session[1], pairs, now=request.now)


def accounts_of(site: Site) -> Accounts:
    """Return the accounts.

    Raises:
        RefusedError: nobody can register here.
    """
    if site.accounts is None:
        raise RefusedError(404, "not-found")
    return site.accounts
