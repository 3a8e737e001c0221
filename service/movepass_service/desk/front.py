"""The front of the desk: handlers reach core, accounts and service by it, and render pages for who is signed in."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from movepass_service.decisions.roles import MANAGER, Action, may
from movepass_service.desk.words import words
from movepass_service.officers.accounts import SESSION_SECONDS, Session
from movepass_service.web.exchange import Answer, Cookie, Request
from movepass_service.web.front import Front
from movepass_service.web.rendering import Sources
from movepass_service.web.settings import WebSettings

if TYPE_CHECKING:
    from movepass_service.decisions.desk import Desk
    from movepass_service.officers.accounts import OfficerAccounts
    from movepass_service.service import ServiceCore

SESSION, BROWSER = "desk-session", "desk-browser"
"""Cookies: of a session, and of a browser that is about to sign in. The site of the same host has other names."""
MENU: tuple[tuple[str, str, Action], ...] = (
    ("/", "queue", Action.SEE_CASES),
    ("/bulk", "bulk", Action.DECIDE_MANY),
    ("/proposals", "proposals", Action.DECIDE),
    ("/second-looks", "second-looks", Action.LOOK_AGAIN),
    ("/rules", "rules", Action.SEE_RULES),
    ("/reports", "reports", Action.SEE_REPORTS),
    ("/settings", "settings", Action.SEE_SETTINGS),
    ("/accounts", "accounts", Action.SEE_ACCOUNTS),
    ("/audit", "audit", Action.SEE_LOG),
)
"""Pages in the order of the menu, and what a role must allow for each."""
_SOURCES = Sources(
    Path(__file__).parent, words, styles=("desk.css",), scripts=("desk.js", "passkeys.js"),
)  # fmt: skip


class DeskFront(Front):
    """The desk that handlers serve."""

    whole_site_cookies = frozenset([SESSION, BROWSER])

    def __init__(
        self, service: "ServiceCore", desk: "Desk", accounts: "OfficerAccounts", settings: WebSettings
    ) -> None:
        """Take what the pages ask."""
        super().__init__(settings, _SOURCES)
        self.service = service
        self.desk = desk
        self.accounts = accounts

    def show(
        self, request: Request, session: Session, template: str, context: Mapping[str, Any], *, status: int = 200,
        path: str = "",
    ) -> Answer:  # fmt: skip
        """Render a page for whoever is signed in."""
        role = session.officer.role
        own = {
            "officer": session.officer,
            "menu": [(where, name) for where, name, action in MENU if may(role, action)],
            "here": path or request.path,
            "token": session.form_token,
            "can": lambda action: may(role, Action(action)),
            "done": _known_note(self, request),
        }
        return self.page(request, template, own | dict(context), status=status, path=path)

    def session_cookie(self, value: str) -> Cookie:
        """Return the cookie of a session; with no value, its deletion."""
        seconds = SESSION_SECONDS if value else 0
        return self._cookie(SESSION, value, seconds)

    def browser_cookie(self, value: str, seconds: int) -> Cookie:
        """Return the cookie of a browser that is about to sign in; with 0 seconds, its deletion."""
        return self._cookie(BROWSER, value, seconds)

    def _cookie(self, name: str, value: str, seconds: int) -> Cookie:
        return Cookie(self.cookie_name(name), value, "/", seconds, self.settings.is_secure, same_site="Strict")


def first_page(role: str) -> str:
    """Return the page that a role begins with."""
    if role == MANAGER:
        return "/reports"
    return next((path for path, _, action in MENU if may(role, action)), "/rules")


def _known_note(front: Front, request: Request) -> str:
    """Return what the page before has done, if there are words for it."""
    done = request.query.get("done", "")
    return done if front.words(request).has(f"done.{done}") else ""
