"""What the web layer refuses, each with the status that says so."""

from collections.abc import Mapping

from movepass_service.errors import ServiceError


class RefusedError(ServiceError):
    """A request that gets an error page or an API error instead of an answer.

    Attributes:
        status: the HTTP status.
        code: names the texts in words ("refused.CODE").
        headers: what the answer carries besides, such as Retry-After.
    """

    is_input = True

    def __init__(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        """Take the status and the code of the texts."""
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


class TooBusyError(RefusedError):
    """More comes than the service takes; nothing was stored."""

    def __init__(self, retry_after_s: int, *, status: int = 503, code: str = "busy") -> None:
        """Take the seconds after which to try again."""
        self.retry_after_s = max(1, retry_after_s)
        super().__init__(status, code, {"Retry-After": str(self.retry_after_s)})


class GoneError(Exception):
    """The client closed the connection before its request was complete; nobody is left to answer."""
