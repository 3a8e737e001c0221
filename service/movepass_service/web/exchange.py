"""Requests and answers as plain values: handlers take one and return the other, whatever framework runs them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Literal

Language = Literal["bn", "en"]
LANGUAGES: tuple[Language, ...] = ("bn", "en")
HTML = "text/html; charset=utf-8"
JSON = "application/json"
_KEPT_NOWHERE = "private, no-store"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, its body already read and its guards passed.

    Attributes:
        method: in capitals.
        path: without the prefix of the language.
        language: of the page, by its path; the API's is Bangla until an application says otherwise.
        now: the one time of this request, in Unix seconds.
        params: what the route's pattern matched.
        query: the query's fields.
        headers: by lower-case name.
        cookies: by name.
        form: the body's fields, of a form.
        document: the body's object, of JSON.
    """

    method: str
    path: str
    language: Language
    now: int
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Raises:
        ValueError: a header that would end early or begin another one.
    """

    body: bytes = b""
    status: int = HTTPStatus.OK
    media_type: str = HTML
    headers: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name, value in self.headers:
            if not (value.isascii() and value.isprintable()):
                raise ValueError(f"the header {name} has a character that no header may have")

    def with_headers(self, *headers: tuple[str, str]) -> "Answer":
        """Return the answer with more headers."""
        return replace(self, headers=(*self.headers, *headers))

    def with_cookies(self, *cookies: "Cookie") -> "Answer":
        """Return the answer with cookies to set."""
        return self.with_headers(*(("Set-Cookie", cookie.write()) for cookie in cookies))

    def header(self, name: str) -> str | None:
        """Return a header's first value."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie that no script reads; max_age_s 0 deletes it.

    With Lax, no other site sends it along with a form; with Strict, with a link neither.
    """

    name: str
    value: str
    path: str
    max_age_s: int
    secure: bool
    same_site: Literal["Lax", "Strict"] = "Lax"

    def write(self) -> str:
        """Write the Set-Cookie header."""
        secure = "; Secure" if self.secure else ""
        kept = f"{self.name}={self.value}; Path={self.path}; Max-Age={self.max_age_s}"
        return f"{kept}; HttpOnly; SameSite={self.same_site}{secure}"


def page(body: str, *, status: int = HTTPStatus.OK) -> Answer:
    """Return a page that nobody keeps: it may show what somebody typed."""
    return Answer(body.encode(), status, HTML, (("Cache-Control", _KEPT_NOWHERE),))


def redirect(location: str) -> Answer:
    """Return a redirect that is followed by GET, and that is kept nowhere."""
    return Answer(
        status=HTTPStatus.SEE_OTHER,
        media_type="text/plain; charset=utf-8",
        headers=(("Location", location), ("Cache-Control", _KEPT_NOWHERE)),
    )


def tagged(answer: Answer, request: Request) -> Answer:
    """Return the answer with its ETag, or 304 without a body if the client has this one already."""
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:20]}"'
    known = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    if tag in known and answer.status == HTTPStatus.OK:
        return replace(answer, body=b"", status=HTTPStatus.NOT_MODIFIED, headers=(*answer.headers, ("ETag", tag)))
    return answer.with_headers(("ETag", tag))


def read_cookies(header: str) -> dict[str, str]:
    """Read a Cookie header; of two with one name the first counts, which is the one with the longer path."""
    cookies: dict[str, str] = {}
    for part in header.split(";"):
        name, is_pair, value = part.strip().partition("=")
        if is_pair:
            cookies.setdefault(name, value)
    return cookies
