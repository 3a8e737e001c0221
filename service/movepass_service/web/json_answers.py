"""Answers to programs: JSON objects, and refusals as JSON."""

import json
from collections.abc import Mapping
from typing import Any

from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import JSON, Answer
from movepass_service.web.words import Words


def json_answer(document: Mapping[str, Any], *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return a JSON object; without a header that says otherwise nobody keeps it."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if not any(name == "Cache-Control" for name, _ in headers):
        headers = (*headers, ("Cache-Control", "private, no-store"))
    return Answer(body, status, JSON, headers)


def refuse_as_json(english: Words, error: RefusedError, *, incident: str = "") -> Answer:
    """Return an error that concerns no field; its message is English, for whoever writes the program."""
    fault = {"field": "", "code": error.code, "message": english(f"refused-text.{error.code}")}
    document = {"errors": [fault], **({"incident": incident} if incident else {})}
    return json_answer(document, status=error.status, headers=tuple(error.headers.items()))
