"""Logs and metrics of the service's functions: the issuer's, for errors of the service as well."""

import functools
from collections.abc import Callable
from typing import Any

from movepass_issuer.aws.telemetry import count, logger, observed
from movepass_issuer.errors import IssuerError
from movepass_service.errors import ServiceError

__all__ = ["count", "logger", "serving"]


def serving(handler: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Log what a function raises without what it may quote, and send its metrics in any case."""

    @functools.wraps(handler)
    def known(event: Any, context: Any) -> Any:
        try:
            return handler(event, context)
        except ServiceError as e:  # names parts of the service, never a person's data
            raise IssuerError(f"{type(e).__name__}: {e}") from e

    return observed(known)
