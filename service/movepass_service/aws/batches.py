"""Works on a batch as a whole, and one by one where that fails: so one application keeps no other waiting."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from movepass_service.aws.events import come_again
from movepass_service.aws.telemetry import logger
from movepass_service.errors import ServiceError


class Part(Protocol):
    """A record of a stream or a message of a queue, about one application."""

    @property
    def id(self) -> str:
        """Return what Lambda calls it."""

    @property
    def reference(self) -> str:
        """Return the application's reference."""


PartT = TypeVar("PartT", bound=Part)


def work_on(parts: Sequence[PartT], work: Callable[[Sequence[PartT]], None]) -> dict[str, Any]:
    """Work on all parts at once, or on each by itself; returns to Lambda those that failed and must come again.

    Args:
        parts: of a batch.
        work: what is done to some of them. It may be done twice, and raises ServiceError where it fails.
    """
    try:
        work(parts)
    except ServiceError as e:
        logger.warning("a batch is worked on one by one", count=len(parts), kind=type(e).__name__)
    else:
        return come_again(())
    failed = []
    for part in parts:
        try:
            work([part])
        except ServiceError as e:
            logger.error("failed", reference=part.reference, kind=type(e).__name__)
            failed.append(part.id)
    return come_again(failed)
