"""What every handler needs: the service, the settings, the templates, and pages in the language of the request."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import LANGUAGES, Answer, Cookie, Request, page, tagged
from movepass_service.web.rendering import Renderer, prefix_of
from movepass_service.web.settings import WebSettings
from movepass_service.web.words import Words, words
from movepass_wire.times import DAY_SECONDS

if TYPE_CHECKING:
    from movepass_service.accounts import Accounts
    from movepass_service.service import Service

KEY_DAYS = 4
"""How long a browser keeps a secret: an application is for at most 72 hours ahead, and a pass lasts 12."""
SECRET_SHAPE = re.compile(r"[0-9A-Z]{16,64}")
_OF_WHOLE_SITE = frozenset(["form", "session"])
"""Cookies for every path; the others belong to a page."""
_SHORTLY = ("Cache-Control", "public, max-age=60")


class Site:
    """The site that handlers serve."""

    def __init__(self, service: "Service", settings: WebSettings, accounts: "Accounts | None" = None) -> None:
        """Take the service and the settings; without accounts nobody can register."""
        self.service = service
        self.accounts = accounts
        self.settings = settings
        self.renderer = Renderer(settings)

    def words(self, request: Request) -> Words:
        """Return the words of the request's language."""
        return words(request.language)

    def render(self, request: Request, template: str, context: Mapping[str, Any], *, path: str = "") -> str:
        """Render a template in the request's language."""
        return self.renderer.render(template, request.language, path or request.path, context)

    def page(
        self, request: Request, template: str, context: Mapping[str, Any], *, status: int = 200, path: str = ""
    ) -> Answer:
        """Render a page that nobody keeps."""
        return page(self.render(request, template, context, path=path), status=status)

    def address(self, request: Request, path: str) -> str:
        """Return a path of this site in the request's language."""
        return prefix_of(request.language) + path

    def secret_link(self, language: str, reference: str, secret: str) -> str:
        """Return the link that opens an application."""
        prefix = prefix_of("en" if language == "en" else "bn")
        return f"{self.settings.origin}{prefix}/status/{reference}?key={secret}"

    def cookie_name(self, name: str) -> str:
        """Return a cookie's name; over HTTPS browsers then take it from a secure page only.

        Those of the whole site they take from this host alone: a neighbour in the domain can't plant a session.
        """
        if not self.settings.is_secure:
            return name
        return f"__Host-{name}" if name in _OF_WHOLE_SITE else f"__Secure-{name}"

    def cookies(self, name: str, value: str, path: str, *, days: int = KEY_DAYS) -> tuple[Cookie, ...]:
        """Return a cookie for a path in both languages; with 0 days, its deletion."""
        full = self.cookie_name(name)
        secure = self.settings.is_secure
        return tuple(Cookie(full, value, prefix_of(lang) + path, days * DAY_SECONDS, secure) for lang in LANGUAGES)

    def whole_site_cookie(self, name: str, value: str, *, days: int) -> Cookie:
        """Return a cookie for every page; with 0 days, its deletion."""
        return Cookie(self.cookie_name(name), value, "/", days * DAY_SECONDS, self.settings.is_secure)

    def cookie(self, request: Request, name: str) -> str:
        """Return a cookie's value, "" if there is none."""
        return request.cookies.get(self.cookie_name(name), "")


def public(answer: Answer, request: Request) -> Answer:
    """Return a page as one that anybody may keep for a minute."""
    kept = tuple((name, value) for name, value in answer.headers if name != "Cache-Control")
    return tagged(Answer(answer.body, answer.status, answer.media_type, (*kept, _SHORTLY)), request)


def make_token(secret: str, reference: str) -> str:
    """Return the token that forms of an application carry: only who has the secret can make it."""
    return hmac.digest(secret.encode(), f"form of {reference}".encode(), hashlib.sha256).hex()[:32]


def check_token(request: Request, secret: str, reference: str) -> None:
    """Check the token of a form that was sent with a cookie.

    Raises:
        RefusedError: it is missing or another one.
    """
    given = request.form.get("token", "")
    if not hmac.compare_digest(given.encode(), make_token(secret, reference).encode()):
        raise RefusedError(403, "stale-token")
