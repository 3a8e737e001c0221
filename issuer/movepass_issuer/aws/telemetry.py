"""Logs and metrics. What a pass says never goes into either; what names it (request id, pass number) may.

Errors of a request quote what was asked, so they go to whoever asked and to the dead letters, never here.
"""

import functools
import os
import traceback
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit, single_metric

from movepass_issuer.errors import IssuerError
from movepass_keys import KeysError
from movepass_keys.records.expiry import Ending
from movepass_wire.times import DAY_SECONDS

logger = Logger(service="movepass")
_NAMESPACE, _SERVICE = "Movepass", "movepass"
_FUNCTION = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local")
_metrics = Metrics(namespace=_NAMESPACE, service=_SERVICE)
_metrics.set_default_dimensions(function=_FUNCTION)
LambdaHandler = Callable[[Any, Any], Any]


def count(name: str, value: int = 1) -> None:
    """Count something that alarms or people look at."""
    _metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def report_end(ending: Ending) -> None:
    """Report how many days are left until something ends, below zero once it has; alarms look at it."""
    with single_metric(
        name="DaysUntilExpiry", unit=MetricUnit.NoUnit, value=round(ending.left / DAY_SECONDS, 2),
        namespace=_NAMESPACE, default_dimensions={"service": _SERVICE, "function": _FUNCTION},
    ) as metric:  # fmt: skip
        metric.add_dimension(name="document", value=ending.what.value)


def observed(handler: LambdaHandler) -> LambdaHandler:
    """Log what a function raises without what it may quote, and send its metrics in any case.

    An error of ours is told as it is: it names parts of the service. Of any other only its kind and place.
    """

    @functools.wraps(handler)
    def observing(event: Any, context: Any) -> Any:
        logger.append_keys(invocation=context.aws_request_id)
        try:
            return handler(event, context)
        except (IssuerError, KeysError) as e:
            raise type(e)(str(e)) from None  # a traceback without the chain that led here
        except Exception as e:  # noqa: BLE001 - its text may quote a pass, so nothing above may log it
            kind, place = type(e).__name__, traceback.extract_tb(e.__traceback__)[-1]
            where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
            logger.error("a defect", kind=kind, where=where)  # noqa: TRY400 - for the same reason
            raise IssuerError(f"a defect, please report it: {kind} at {where}") from None
        finally:
            if _metrics.metric_set:
                _metrics.flush_metrics()

    return observing
