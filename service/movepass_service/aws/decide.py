"""Lambda function: decides received applications by rules, as the table's stream names them.

A batch that fails as a whole is decided one by one, so that one application keeps no other waiting: Lambda is told the
first that failed, and hands out the batch again from there. What was decided meanwhile is left alone. The event
{"references": […]} names what the stream has lost, as the tidy function finds it.

IAM: dynamodb:BatchGetItem, dynamodb:GetItem, dynamodb:PutItem on the table; what Lambda needs to read the stream.
"""

import os
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

from movepass_service.aws.batches import work_on
from movepass_service.aws.events import Change, changes_of, handed_references, references_of
from movepass_service.aws.opening import CloudService, open_service
from movepass_service.aws.settings import ServiceFunctionSettings
from movepass_service.aws.telemetry import count, serving
from movepass_service.issuing.deciding import decider
from movepass_service.stores.dynamodb.document import CONTENT


class DecideFunction:
    """The function, opened once a process."""

    def __init__(self, service: CloudService) -> None:
        """Take the service's core."""
        self._service = service

    @classmethod
    def open(cls, settings: ServiceFunctionSettings) -> "DecideFunction":
        """Open the core.

        Raises:
            ServiceError: a setting is wrong.
        """
        return cls(open_service(settings))

    def __call__(self, event: Any, _context: Any) -> Any:
        """Decide what an event names.

        Raises:
            UnknownEventError: the event is none of the stream's, and names no references.
            ServiceError: not all that it names could be decided.
        """
        now = int(time.time())
        decide = decider(self._service.rules, now)
        handed = handed_references(event)
        if handed is not None:
            done = self._service.cloud_store.decide(handed, decide, now)
            count("DecidedLate", done)
            return {"decided": done}
        changes = [change for change in changes_of(event) if change.what == CONTENT]

        def work(some: Sequence[Change]) -> None:
            count("Decided", self._service.cloud_store.decide(references_of(some, CONTENT), decide, now))

        return work_on(changes, work)


@cache
def _function() -> DecideFunction:
    return DecideFunction.open(ServiceFunctionSettings.from_environment(os.environ))


@serving
def handler(event: Any, context: Any) -> Any:
    """Handle an invocation by Lambda."""
    return _function()(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _function()
