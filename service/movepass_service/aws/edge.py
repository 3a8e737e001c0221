"""Lets in only what comes through CloudFront: its requests carry a secret that nobody else knows.

An HTTP API has a public address of its own. Whoever asked there would pass by CloudFront's cache and the rules of AWS
WAF. The template has CloudFront add the secret, in place of what a browser may have sent under that name.
"""

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from movepass_service.aws.telemetry import count

HEADER = "x-movepass-edge"
_REFUSED = {
    "statusCode": 403,
    "headers": {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"},
    "body": "Come by the site's own address.\n",
    "isBase64Encoded": False,
}
Serve = Callable[[Any, Any], Any]


def behind_edge(serve: Serve, secret: str) -> Serve:
    """Return a handler of requests that refuses those without the secret, before anything else looks at them."""

    def known(event: Any, context: Any) -> Any:
        headers = event.get("headers") if isinstance(event, Mapping) else None
        given = headers.get(HEADER, "") if isinstance(headers, Mapping) else ""
        if not hmac.compare_digest(str(given).encode(), secret.encode()):
            count("RoundTheEdge", 1)
            return dict(_REFUSED)
        return serve(event, context)

    return known
