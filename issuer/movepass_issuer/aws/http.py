"""Requests to a function's URL (Lambda's payload format 2.0) and their answers."""

import base64
import json
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Any

from movepass_issuer.errors import IssuerError, RequestError
from movepass_keys import KeysError

_BAD, _METHOD, _REFUSED, _FAILED = 400, 405, 422, 503


def answered(event: dict[str, Any], answer: Callable[[Any], Any]) -> dict[str, Any]:
    """Answer a request as a direct invocation with its body is answered."""
    if event["requestContext"]["http"]["method"] != "POST":
        return _response(_METHOD, {"error": "expected POST"})
    try:
        asked = json.loads(_body(event))
    except (TypeError, ValueError, Base64Error, RecursionError) as e:
        return _response(_BAD, {"error": f"expected an approved pass as JSON: {e}"})
    try:
        document = answer(asked)
    except RequestError as e:
        return _response(_REFUSED, {"error": str(e)})
    except (IssuerError, KeysError) as e:
        return _response(_FAILED, {"error": str(e)})
    return _response(_REFUSED if "error" in document else 200, document)


def _body(event: dict[str, Any]) -> str:
    body: str = event.get("body") or ""
    return base64.b64decode(body, validate=True).decode() if event.get("isBase64Encoded") else body


def _response(status: int, document: Any) -> dict[str, Any]:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(document)}
