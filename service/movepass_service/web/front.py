"""The front of a web application: its settings, templates, words, addresses and cookies, for its handlers."""

from collections.abc import Mapping
from typing import Any

from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import LANGUAGES, Answer, Cookie, Language, Request, page
from movepass_service.web.json_answers import refuse_as_json
from movepass_service.web.rendering import Renderer, Sources, prefix_of
from movepass_service.web.settings import WebSettings
from movepass_service.web.words import Words
from movepass_wire.times import DAY_SECONDS

KEY_DAYS = 4
"""Days for which a browser keeps a secret: an application is for at most 72 hours ahead, and a pass lasts 12."""


class Front:
    """One web application, as its handlers see it."""

    whole_site_cookies: frozenset[str] = frozenset()
    """Names of cookies for every path; the others belong to a page."""
    json_paths: tuple[str, ...] = ("/api/", "/healthz")
    """The beginning of paths whose errors are JSON."""

    def __init__(self, settings: WebSettings, sources: Sources) -> None:
        """Take the settings, and load the templates and static files."""
        self.settings = settings
        self.renderer = Renderer(settings, sources)

    def words(self, request: Request) -> Words:
        """Return the words of the request's language."""
        return self.renderer.words(request.language)

    def render(self, request: Request, template: str, context: Mapping[str, Any], *, path: str = "") -> str:
        """Render a template in the request's language."""
        return self.renderer.render(template, request.language, path or request.path, context)

    def page(
        self, request: Request, template: str, context: Mapping[str, Any], *, status: int = 200, path: str = ""
    ) -> Answer:
        """Render a page that nobody keeps."""
        return page(self.render(request, template, context, path=path), status=status)

    def refuse(self, path: str, error: RefusedError, incident: str) -> Answer:
        """Return the page, or the JSON, of a refusal; the page is in both languages."""
        if path.startswith(self.json_paths):
            return refuse_as_json(self.renderer.words("en"), error, incident=incident)
        language: Language = "en" if path.startswith("/en/") or path == "/en" else "bn"
        context = {
            "code": error.code,
            "incident": incident,
            "retry_after_s": getattr(error, "retry_after_s", 0),
        }
        answer = self.page(Request("GET", "/", language, 0), "error.html", context, status=error.status)
        return answer.with_headers(*error.headers.items())

    def address(self, request: Request, path: str) -> str:
        """Return a path of this application in the request's language."""
        return prefix_of(request.language) + path

    def cookie_name(self, name: str) -> str:
        """Return a cookie's name; over HTTPS browsers then take it from a secure page only.

        Those of every path they take from this host alone: a neighbour in the domain can't plant a session.
        """
        if not self.settings.is_secure:
            return name
        return f"__Host-{name}" if name in self.whole_site_cookies else f"__Secure-{name}"

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
