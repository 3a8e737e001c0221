"""The ASGI application of site and desk: routes, and the shell around them that guards, answers errors and logs.

Handlers know nothing of it. The log has the pattern of a path and never the path: references, secrets and names of
people stay out of it, also when something breaks.
"""

import inspect
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response
from starlette.routing import Route, Router

from movepass_service.errors import (
    Busy,
    ConflictingApplication,
    NoCard,
    NotAllowed,
    StorageFull,
    UnknownApplication,
    places,
)
from movepass_service.web import bodies, guards
from movepass_service.web.errors import GoneError, RefusedError, TooBusyError
from movepass_service.web.exchange import Answer, Language, Request, read_cookies
from movepass_service.web.front import Front
from movepass_service.web.limits import Limiter
from movepass_service.web.rendering import zip_body

LOG = logging.getLogger(__name__)
PATH_MAX_CHARS = 1024
"""Path and query together; the secret link has under a hundred."""
FULL_RETRY_S = 300
_ZIPPED_FROM_BYTES = 600
_BROKEN = 500
_ROUTER_CODES = {404: "not-found", 405: "method"}
_MEANINGS: Mapping[type[Exception], tuple[int, str]] = {
    ConflictingApplication: (409, "conflict"),
    UnknownApplication: (404, "unknown"),
    NotAllowed: (409, "not-now"),
    NoCard: (409, "no-card"),
}
"""Status and code of the service's own errors."""
Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Handler = Callable[[Any, Request], Answer | Awaitable[Answer]]
"""Takes the front and a request."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The handler of a method of a path, and its limits.

    Attributes:
        handler: takes the front and a request.
        limit: the rate limit it counts for, "" for none.
        body: what body it takes, "form" or "json", "" for none.
        is_public: whether its answer is the same for everybody and may be compressed.
    """

    handler: Handler
    limit: str = "status"
    body: str = ""
    is_public: bool = False


def form(handler: Handler, limit: str) -> Endpoint:
    """Return the endpoint of a form."""
    return Endpoint(handler, limit, "form")


def json_body(handler: Handler, limit: str) -> Endpoint:
    """Return the endpoint of a JSON object."""
    return Endpoint(handler, limit, "json")


def public_page(handler: Handler) -> Endpoint:
    """Return the endpoint of a page that is the same for everybody."""
    return Endpoint(handler, "", is_public=True)


Table = Mapping[str, Mapping[str, Endpoint]]
"""The endpoint of each method of each path."""


def make_shell(front: Front, *, pages: Table, programs: Table, clock: Callable[[], float] = time.time) -> "Shell":
    """Make the ASGI application of a front.

    Args:
        front: the site or the desk.
        pages: its pages, in Bangla as they are and in English under /en.
        programs: what is the same in both languages, mostly for programs.
        clock: the time in Unix seconds; each request takes it once.
    """
    logging.getLogger("uvicorn.access").disabled = True  # it would write whole paths, and so secret links
    web = _Web(front, Limiter(front.settings.limits), clock, pages_max=4 * len(pages))
    routes = []
    for path, methods in pages.items():
        routes.append(web.route(path, path, methods, "bn"))
        routes.append(web.route("/en" + path, path, methods, "en"))
        if path == "/":  # people type it without the stroke, and some proxies leave it out
            routes.append(web.route("/en", path, methods, "en"))
    routes += [web.route(path, path, methods, "bn") for path, methods in programs.items()]
    routes += [web.asset_route(name) for name in front.renderer.assets]
    return Shell(Router(routes=routes, redirect_slashes=False), front)


class _Web:
    """Turns requests of Starlette into ours, and answers back."""

    def __init__(self, front: Front, limiter: Limiter, clock: Callable[[], float], *, pages_max: int) -> None:
        self._front = front
        self._limiter = limiter
        self._clock = clock
        self._zipped_max = pages_max
        self._zipped: dict[bytes, bytes] = {}

    def route(self, pattern: str, path: str, methods: Mapping[str, Endpoint], language: Language) -> Route:
        """Return the route of a path with its methods."""

        async def endpoint(request: StarletteRequest) -> Response:
            request.scope["movepass.pattern"] = pattern
            method = "GET" if request.method == "HEAD" else request.method
            served = methods[method]
            read = await self._read(request, served, path, language)
            answer = served.handler(self._front, read)
            if inspect.isawaitable(answer):
                answer = await answer
            return self._respond(read, answer, is_public=served.is_public)

        return Route(pattern, endpoint, methods=list(methods))

    def asset_route(self, name: str) -> Route:
        """Return the route of a static file."""
        asset = self._front.renderer.assets[name]

        async def endpoint(request: StarletteRequest) -> Response:
            request.scope["movepass.pattern"] = f"/static/{name}"
            body, headers = asset.answer.body, [*asset.answer.headers, ("Vary", "Accept-Encoding")]
            if "gzip" in request.headers.get("accept-encoding", ""):
                body, headers = asset.zipped, [*headers, ("Content-Encoding", "gzip")]
            return _response(Answer(body, media_type=asset.answer.media_type, headers=tuple(headers)))

        return Route(asset.path, endpoint, methods=["GET"])

    async def _read(self, request: StarletteRequest, served: Endpoint, path: str, language: Language) -> Request:
        settings = self._front.settings
        headers = {name.lower(): value for name, value in request.headers.items()}
        now = self._clock()
        peer = request.client.host if request.client else ""
        wait_s = self._limiter.wait_s(served.limit, guards.client_address(settings, peer, headers), now)
        if wait_s:
            raise TooBusyError(int(wait_s) + 1, status=429, code="too-many")
        params = {name: str(value) for name, value in request.path_params.items()}
        for value in params.values():
            bodies.check_characters(value)
        read = Request(
            method=request.method,
            path=path.format(**params) if params else path,
            language=language,
            now=int(now),
            params=params,
            query=bodies.parse_form(request.scope["query_string"]),
            headers=headers,
            cookies=read_cookies(headers.get("cookie", "")),
        )
        return await self._with_body(request, served, read)

    async def _with_body(self, request: StarletteRequest, served: Endpoint, read: Request) -> Request:
        if request.method != "POST":
            return read
        settings = self._front.settings
        guards.check_origin(settings, read.headers)
        body = await bodies.read_body(
            request.receive, read.headers, max_bytes=settings.body_max_bytes, timeout_s=settings.body_timeout_s
        )
        if served.body == "json":
            if not body:
                return read
            bodies.check_type(read.headers.get("content-type", ""), bodies.JSON_TYPE)
            return replace(read, document=bodies.parse_json(body))
        bodies.check_type(read.headers.get("content-type", ""), bodies.FORM_TYPE)
        return replace(read, form=bodies.parse_form(body))

    def _respond(self, request: Request, answer: Answer, *, is_public: bool) -> Response:
        if is_public:
            answer = answer.with_headers(("Vary", "Accept-Encoding"))
            if "gzip" in request.headers.get("accept-encoding", "") and len(answer.body) >= _ZIPPED_FROM_BYTES:
                body = self._zip(answer.body)
                answer = replace(answer, body=body).with_headers(("Content-Encoding", "gzip"))
        return _response(answer)

    def _zip(self, body: bytes) -> bytes:
        """Compress a public page; there are few, and they change seldom."""
        if body not in self._zipped:
            if len(self._zipped) > self._zipped_max:
                self._zipped.clear()
            self._zipped[body] = zip_body(body)
        return self._zipped[body]


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status, media_type=None)
    if answer.body or answer.status < 300:
        response.headers["Content-Type"] = answer.media_type
    for name, value in answer.headers:
        response.headers.append(name, value)
    return response


class Shell:
    """The shell around every request: the host, the time at work, errors in both languages, headers, the log."""

    def __init__(self, inner: Router, front: Front) -> None:
        """Take the routes."""
        self._inner = inner
        self._front = front
        self._settings = front.settings
        self._headers = [(n.lower().encode(), v.encode()) for n, v in guards.security_headers(front.settings)]
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: bodies.Receive, send: Send) -> None:
        """Serve one connection's request."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        call = _Call(send, self._headers)
        began = time.monotonic()
        self._in_flight += 1
        try:
            await self._serve(scope, receive, call)
        except GoneError:
            call.status = 499
        finally:
            self._in_flight -= 1
            took_ms = (time.monotonic() - began) * 1000
            pattern = scope.get("movepass.pattern", "-")
            LOG.info("%s %s %d %.1f ms", _method(scope), pattern, call.status, took_ms)

    async def _serve(self, scope: Scope, receive: bodies.Receive, call: "_Call") -> None:
        incident = ""
        try:
            self._check(scope)
            scope["app"] = self  # the router then raises for an unknown path or method, and does not answer itself
            await self._inner(scope, receive, call.send)
        except GoneError:
            raise
        except Exception as e:
            error = _refusal(e)
            if error.status == _BROKEN:
                incident = secrets.token_hex(5)
                LOG.error("incident %s: %s", incident, _trace(e))  # noqa: TRY400 - the message may quote a person's data
            if call.has_begun:
                raise GoneError from e
            answer = self._front.refuse(scope["path"], error, incident)
            await _response(answer)(scope, receive, call.send)

    def _check(self, scope: Scope) -> None:
        if scope["path"] != "/healthz":
            hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
            guards.check_host(self._settings, hosts[0] if len(hosts) == 1 else "")
        if len(scope["path"]) + len(scope["query_string"]) > PATH_MAX_CHARS:
            raise RefusedError(414, "too-long-address")
        if self._in_flight > self._settings.in_flight_max:
            raise TooBusyError(5)


class _Call:
    """One answer on its way out: adds the headers that every answer has, and remembers its status."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = headers
        self.status = 0
        self.has_begun = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            self.status = message["status"]
            own = list(message.get("headers", ()))
            given = {name.lower() for name, _ in own}
            name, value = guards.REFERRER_POLICY
            if name.lower().encode() not in given:
                own.append((name.lower().encode(), value.encode()))
            message = {**message, "headers": [*own, *self._headers]}
        await self._send(message)


def _refusal(error: Exception) -> RefusedError:
    """Return what an exception means to whoever asked."""
    match error:
        case RefusedError():
            return error
        case Busy():
            return TooBusyError(error.retry_after_s)
        case StorageFull():
            return TooBusyError(FULL_RETRY_S, code="full")
        case HTTPException():
            code = _ROUTER_CODES.get(error.status_code, "broken")
            return RefusedError(error.status_code if code != "broken" else _BROKEN, code, error.headers)
    meant = next((meant for kind, meant in _MEANINGS.items() if isinstance(error, kind)), (_BROKEN, "broken"))
    return RefusedError(*meant)


def _trace(error: BaseException) -> str:
    """Return where an exception came from, without its message: that may quote what somebody typed."""
    cause = f" from {type(error.__cause__).__name__}" if error.__cause__ else ""
    return f"{type(error).__name__}{cause} at {places(error)}"


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in {"GET", "HEAD", "POST"} else "other"
