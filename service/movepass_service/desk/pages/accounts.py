"""Accounts of officers: who there is, and what a manager does about them. A link is shown once, in the answer."""

from collections.abc import Callable

from movepass_service.applications.values import parse_phone
from movepass_service.decisions.officers import enrolment_link
from movepass_service.decisions.roles import MANAGER, ROLES, Action, may
from movepass_service.desk.front import DeskFront
from movepass_service.errors import NotAllowed
from movepass_service.officers.accounts import AccountError, Session
from movepass_service.web.exchange import Answer, Request, redirect

_INVALID = 400


def show(front: DeskFront, request: Request, session: Session) -> Answer:
    """Show all accounts."""
    return _accounts_page(front, request, session)


def add(front: DeskFront, request: Request, session: Session) -> Answer:
    """Add an officer, and show their enrolment link."""
    t, form = front.words(request), request.form
    name, role, phone = form.get("name", ""), form.get("role", ""), form.get("phone", "").strip()
    errors = {}
    if not name.strip():
        errors["name"] = t("accounts.fault.name")
    if role not in ROLES:
        errors["role"] = t("accounts.fault.role")
    number = None
    try:
        number = parse_phone(phone) if phone else None
    except ValueError:
        errors["phone"] = t("accounts.fault.phone")
    if not errors:
        try:
            officer, secret = front.accounts.add(session.officer, name, role, number, now=request.now)
            if not secret:
                return redirect(front.address(request, "/accounts?done=asked"))
            return _link_page(front, request, session, officer.name, secret)
        except AccountError:
            errors["name"] = t("accounts.fault.name")
        except NotAllowed:
            errors["name"] = t("accounts.fault.known")
    return _accounts_page(front, request, session, errors=errors)


def change_role(front: DeskFront, request: Request, session: Session) -> Answer:
    """Change an officer's role."""
    name, role = request.form.get("name", ""), request.form.get("role", "")
    front.accounts.change_role(session.officer, name, role, now=request.now)
    done = "asked" if role == MANAGER else "role"
    return redirect(front.address(request, f"/accounts?done={done}"))


def _changed(change: str, done: str) -> Callable[[DeskFront, Request, Session], Answer]:
    """Return the handler of a change that needs the officer's name alone."""

    def handler(front: DeskFront, request: Request, session: Session) -> Answer:
        getattr(front.accounts, change)(session.officer, request.form.get("name", ""), now=request.now)
        return redirect(front.address(request, f"/accounts?done={done}"))

    return handler


end_sessions = _changed("end_sessions", "sessions")
close = _changed("close", "closed")
open_again = _changed("open_again", "opened")
ask_link = _changed("ask_link", "asked")
drop_link = _changed("drop_link", "dropped")


def approve_link(front: DeskFront, request: Request, session: Session) -> Answer:
    """Approve a new enrolment link that another manager asked for, and show it."""
    name = request.form.get("name", "")
    secret = front.accounts.approve_link(session.officer, name, now=request.now)
    return _link_page(front, request, session, name, secret)


def _accounts_page(
    front: DeskFront, request: Request, session: Session, *, errors: dict[str, str] | None = None
) -> Answer:
    t = front.words(request)
    by = session.officer
    people = [
        {
            "account": account,
            "name": account.officer.name,
            "role": account.officer.role,
            "has_link": front.accounts.has_open_link(account, now=request.now),
            "is_self": account.officer.name == by.name,
            "asked_by_self": account.asked_by == by.name,
        }
        for account in front.accounts.accounts(by)
    ]
    context = {
        "people": people,
        "roles": {role: t(f"role.{role}") for role in ROLES},
        "may_manage": may(by.role, Action.MANAGE_ACCOUNTS),
        "values": {name: request.form.get(name, "") for name in ("name", "role", "phone")},
        "errors": errors or {},
    }
    status = _INVALID if errors else 200
    return front.show(request, session, "accounts.html", context, status=status, path="/accounts")


def _link_page(front: DeskFront, request: Request, session: Session, name: str, secret: str) -> Answer:
    link = enrolment_link(front.settings.origin, secret)
    return front.show(request, session, "link.html", {"name": name, "link": link}, path="/accounts")
