"""Lambda function: the public site and its API, behind an HTTP API and CloudFront.

Only CloudFront is answered (edge.py). Pages are the embedded service's own. Public ones say for how long CloudFront may
keep them. So does the API about an application that waits, which CloudFront tells apart by the Authorization header.
Applicants' own pages are not kept.

There is no limit for each address here: a function sees CloudFront's addresses, and each of its processes would count
alone. The line (movepass_service.admission), the budgets of codes and AWS WAF take that place.

IAM: dynamodb:BatchGetItem, dynamodb:GetItem, dynamodb:Query, dynamodb:PutItem, dynamodb:UpdateItem,
dynamodb:DeleteItem on the table, dynamodb:Query on its index `cases`; secretsmanager:GetSecretValue on the site's
secret and on CloudFront's; sns:Publish where codes are sent.
"""

import os
from functools import cache
from typing import Any

from mangum import Mangum

from movepass_service.accounts.accounts import Accounts, Challenge, Compose
from movepass_service.accounts.sms import SnsGateway
from movepass_service.admission import Gate
from movepass_service.admission.dynamodb_line import DynamoDbLine
from movepass_service.aws.edge import Serve, behind_edge
from movepass_service.aws.opening import open_service, read_secret
from movepass_service.aws.settings import ServiceFunctionSettings
from movepass_service.aws.telemetry import count, serving
from movepass_service.aws.web import web_settings
from movepass_service.site import make_app
from movepass_service.stores.dynamodb.numbers import DynamoDbNumbers
from movepass_service.stores.numbers import TooManyCodes


class _CountedAccounts(Accounts):
    """Counts the codes that a budget refused: many of them are a sign of fraud."""

    def send_code(self, phone: str, compose: Compose, *, now: int) -> Challenge:
        """See Accounts."""
        try:
            return super().send_code(phone, compose, now=now)
        except TooManyCodes:
            count("CodesRefused", 1)
            raise


def open_site(settings: ServiceFunctionSettings) -> Mangum:
    """Open the site with its store, its line and, where they are sent, its codes.

    Raises:
        ServiceError: a setting is wrong, or the secret can't be read.
    """
    service = open_service(settings)
    accounts = _CountedAccounts(DynamoDbNumbers(settings.table), SnsGateway()) if settings.sends_codes else None
    gate = Gate(DynamoDbLine(settings.table), service.line_key, settings.line)
    return Mangum(
        make_app(service, web_settings(settings, has_cache=True), accounts=accounts, gate=gate), lifespan="off"
    )


@cache
def _site() -> Serve:
    settings = ServiceFunctionSettings.from_environment(os.environ, "url", "secret", "edge_secret")
    return behind_edge(open_site(settings), read_secret(settings.edge_secret))


@serving
def handler(event: Any, context: Any) -> Any:
    """Handle a request that the HTTP API hands over."""
    return _site()(event, context)
