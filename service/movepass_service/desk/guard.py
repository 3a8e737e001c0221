"""Guard every handler of the desk: check the session, the role, the form's token and its fields.

Handlers wait for the disk, so each runs in a thread.
"""

import asyncio
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from movepass_service.decisions.desk import DeskError
from movepass_service.decisions.roles import Action, ForbiddenError, require
from movepass_service.desk.front import SESSION, DeskFront, first_page
from movepass_service.officers.accounts import AccountError, Session
from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import Answer, Request, redirect
from movepass_service.web.shell import Endpoint

Handler = Callable[[DeskFront, Request, Session], Answer]
_BACKGROUND = "x-background"
"""Sent by what a page asks for by itself: it keeps no session alive."""
TOKEN = "token"  # noqa: S105 - a field's name
_OWN_PATH = re.compile(r"/(?!/)[A-Za-z0-9/._?=&%+-]{0,300}")
_CONFLICT, _FORBIDDEN, _SIGNED_OUT, _UNREADABLE = 409, 403, 401, 400


@dataclass(frozen=True, slots=True)
class Guarded:
    """A handler behind its guards.

    Attributes:
        action: what a role must allow; None for whatever anybody does who is signed in.
        handler: takes the front, the request and the session.
        fields: what a form may hold besides its token.
    """

    action: Action | None
    handler: Handler
    fields: frozenset[str] = frozenset()

    async def __call__(self, front: DeskFront, request: Request) -> Answer:
        """Serve a request in a thread."""
        return await asyncio.to_thread(self._serve, front, request)

    def _serve(self, front: DeskFront, request: Request) -> Answer:
        session = session_of(front, request)
        if session is None:
            return _ask_to_sign_in(front, request)
        if request.method == "POST":
            self._check_form(request, session)
        try:
            if self.action is not None:
                require(session.officer, self.action)
            return self.handler(front, request, session)
        except ForbiddenError as e:
            raise RefusedError(_FORBIDDEN, "forbidden") from e
        except (DeskError, AccountError) as e:
            raise RefusedError(_CONFLICT, f"desk-{e.code}") from e

    def _check_form(self, request: Request, session: Session) -> None:
        """Check a form's token, which no other site knows, and its fields.

        Raises:
            RefusedError: the token is missing or of another session; a field was not asked for.
        """
        given = request.form.get(TOKEN) or request.document.get(TOKEN) or ""
        if not hmac.compare_digest(str(given).encode(), session.form_token.encode()):
            raise RefusedError(_FORBIDDEN, "stale-token")
        if not {*request.form, *request.document} <= self.fields | {TOKEN}:
            raise RefusedError(_UNREADABLE, "unreadable")


def page(action: Action | None, handler: Handler) -> Endpoint:
    """Return the endpoint of a page."""
    return Endpoint(Guarded(action, handler), "desk")


def form(action: Action | None, handler: Handler, *fields: str) -> Endpoint:
    """Return the endpoint of a form with its fields."""
    return Endpoint(Guarded(action, handler, frozenset(fields)), "desk", "form")


def json_call(action: Action | None, handler: Handler, *fields: str) -> Endpoint:
    """Return the endpoint of a call by a page's script."""
    return Endpoint(Guarded(action, handler, frozenset(fields)), "desk", "json")


def session_of(front: DeskFront, request: Request) -> Session | None:
    """Return the session of a request, or None."""
    token, agent = front.cookie(request, SESSION), request.headers.get("user-agent", "")
    is_person = _BACKGROUND not in request.headers
    return front.accounts.session(token, agent, now=request.now, is_person=is_person)


def own_path(text: str, role: str) -> str:
    """Return a path of the desk that a link may lead to; anything else becomes the role's first page."""
    return text if _OWN_PATH.fullmatch(text) else first_page(role)


def _ask_to_sign_in(front: DeskFront, request: Request) -> Answer:
    if request.method == "POST" or request.path.startswith(front.json_paths):
        raise RefusedError(_SIGNED_OUT, "signed-out")
    wanted = front.address(request, request.path)
    if request.query:
        wanted += "?" + urlencode(request.query)
    where = front.address(request, "/sign-in") + "?" + urlencode({"next": wanted})
    answer = redirect(where)
    # A link on another site comes without the cookie, and an answer that deletes it would sign its reader out.
    return answer.with_cookies(front.session_cookie("")) if front.cookie(request, SESSION) else answer
