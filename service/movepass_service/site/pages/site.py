"""The front of the site: handlers reach the service, registered numbers, links and tokens by it."""

import hashlib
import hmac
import re
from pathlib import Path
from typing import TYPE_CHECKING

from movepass_service.site.words import words
from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import Answer, Request, tagged
from movepass_service.web.front import KEY_DAYS, Front
from movepass_service.web.rendering import Sources, prefix_of
from movepass_service.web.settings import WebSettings

if TYPE_CHECKING:
    from movepass_service.accounts import Accounts
    from movepass_service.admission import Gate
    from movepass_service.service import ServiceCore

__all__ = ["KEY_DAYS", "SECRET_SHAPE", "Site", "check_token", "make_token", "public"]

SECRET_SHAPE = re.compile(r"[0-9A-Z]{16,64}")
_SHORTLY = ("Cache-Control", "public, max-age=60")
SOURCES = Sources(
    Path(__file__).parents[1],
    words,
    styles=("site.css",),
    scripts=("site.js",),
    more=("line.js", "solver.js", "statistics.css"),
)


class Site(Front):
    """The site that handlers serve."""

    whole_site_cookies = frozenset(["form", "session", "place"])

    def __init__(
        self,
        service: "ServiceCore",
        settings: WebSettings,
        accounts: "Accounts | None" = None,
        gate: "Gate | None" = None,
    ) -> None:
        """Take the service and the settings; without accounts nobody can register, without a gate nobody waits."""
        super().__init__(settings, SOURCES)
        self.service = service
        self.accounts = accounts
        self.gate = gate

    def secret_link(self, language: str, reference: str, secret: str) -> str:
        """Return the link that opens an application."""
        prefix = prefix_of("en" if language == "en" else "bn")
        return f"{self.settings.origin}{prefix}/status/{reference}?key={secret}"


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
