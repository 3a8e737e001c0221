"""Lambda function: the officers' desk, behind an HTTP API of its own and no cache.

It has no secret of the site's: whoever holds the desk can't open an applicant's status page. Rules are activated at the
command line, as everywhere.

IAM: dynamodb:BatchGetItem, dynamodb:GetItem, dynamodb:Query, dynamodb:PutItem, dynamodb:DeleteItem on the table and
dynamodb:Query on its indexes; nothing of the log may be changed or deleted.
"""

import os
from functools import cache
from typing import Any

from mangum import Mangum

from movepass_service.aws.opening import open_service
from movepass_service.aws.settings import ServiceFunctionSettings
from movepass_service.aws.telemetry import serving
from movepass_service.aws.web import web_settings
from movepass_service.desk import make_desk_app


@cache
def _desk() -> Mangum:
    settings = ServiceFunctionSettings.from_environment(os.environ, "url")
    service = open_service(settings)
    return Mangum(make_desk_app(service, service.desk, web_settings(settings)), lifespan="off")


@serving
def handler(event: Any, context: Any) -> Any:
    """Handle a request that the HTTP API hands over."""
    return _desk()(event, context)
