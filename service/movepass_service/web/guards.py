"""What every request must pass, and what every answer carries."""

from collections.abc import Mapping

from movepass_service.web.errors import RefusedError
from movepass_service.web.settings import WebSettings

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
REFERRER_POLICY = ("Referrer-Policy", "same-origin")
"""With no-referrer, browsers send `Origin: null` with a form, and a form's origin could not be checked."""
_HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
FORWARDED_MAX = 20
"""Addresses of X-Forwarded-For that are looked at."""


def security_headers(settings: WebSettings) -> tuple[tuple[str, str], ...]:
    """Return the headers of every answer."""
    return (*HEADERS, *((_HSTS,) if settings.is_secure else ()))


def check_host(settings: WebSettings, host: str) -> None:
    """Check the Host header, from which nothing is ever built.

    Raises:
        RefusedError: it is another site's, or missing.
    """
    if host.lower() not in settings.hosts:
        raise RefusedError(421, "wrong-host")


def check_origin(settings: WebSettings, headers: Mapping[str, str]) -> None:
    """Check that a POST comes from our own pages, or from a program that is no browser.

    Browsers say where a form was sent from, by Sec-Fetch-Site, by Origin or by both.

    Raises:
        RefusedError: it was sent from another site.
    """
    site = headers.get("sec-fetch-site", "same-origin")
    origin = headers.get("origin", settings.origin)
    if site not in {"same-origin", "none"} or origin not in settings.origins:
        raise RefusedError(403, "other-site")


def client_address(settings: WebSettings, peer: str, headers: Mapping[str, str]) -> str:
    """Return the address that a request came from: the last one that no trusted proxy stands for."""
    if peer not in settings.trusted_proxies:
        return peer
    forwarded = [part.strip() for part in headers.get("x-forwarded-for", "").split(",")[-FORWARDED_MAX:]]
    return next((a for a in reversed(forwarded) if a and a not in settings.trusted_proxies), peer)
