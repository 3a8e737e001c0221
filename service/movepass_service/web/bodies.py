"""Bodies and queries: bounded before they are parsed, and strict about what they hold.

No multipart and no parser of a framework: a form is `application/x-www-form-urlencoded` in UTF-8, a field is given
once, and nothing that is not text gets through.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from movepass_service.web.errors import GoneError, RefusedError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"
FIELDS_MAX = 64
"""Fields of one form or query; ours has under thirty."""
FIELD_MAX_BYTES = 16384
"""One field's value, decoded. Its own limit, which names the field, is far below."""
NAME_MAX_BYTES = 64
JSON_MAX_DEPTH = 8
_BAD = 400
_UNPLAIN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters but line ends and tabs, and lone surrogates."""


async def read_body(receive: Receive, headers: Mapping[str, str], *, max_bytes: int, timeout_s: float) -> bytes:
    """Read a request's body.

    Raises:
        RefusedError: it is longer than the bound, said or sent, or takes too long.
        GoneError: the client left.
    """
    said = headers.get("content-length", "0")
    if not (said.isascii() and said.isdigit()):
        raise RefusedError(_BAD, "unreadable")
    if len(said) > len(str(max_bytes)) or int(said) > max_bytes:
        raise RefusedError(413, "too-large")
    try:
        async with asyncio.timeout(timeout_s):
            return await _read(receive, max_bytes)
    except TimeoutError as e:
        raise RefusedError(408, "too-slow") from e


async def _read(receive: Receive, max_bytes: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        body += message.get("body", b"")
        if len(body) > max_bytes:
            raise RefusedError(413, "too-large")
        if not message.get("more_body", False):
            return bytes(body)


def check_type(content_type: str, expected: str) -> None:
    """Check a body's Content-Type.

    Raises:
        RefusedError: it is another type, or its charset is not UTF-8.
    """
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [value.strip("\"' ") for name, _, value in (p.partition("=") for p in parameters) if name == "charset"]
    if kind != expected or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise RefusedError(415, "wrong-type")


def parse_form(body: bytes) -> dict[str, str]:
    """Parse an urlencoded body or query.

    Raises:
        RefusedError: not UTF-8, a wrong escape, a control character, a field given twice, or too many or too long ones.
    """
    pairs = body.split(b"&") if body else []
    if len(pairs) > FIELDS_MAX:
        raise RefusedError(_BAD, "unreadable")
    fields: dict[str, str] = {}
    for pair in pairs:
        raw_name, _, raw_value = pair.partition(b"=")
        if len(raw_name) > NAME_MAX_BYTES:
            raise RefusedError(_BAD, "unreadable")
        name = _decode(raw_name)
        if name in fields:
            raise RefusedError(_BAD, "unreadable")
        if name:
            fields[name] = _decode(raw_value)
    return fields


def _decode(raw: bytes) -> str:
    decoded = unquote_to_bytes(raw.replace(b"+", b" "))
    if len(decoded) > FIELD_MAX_BYTES:
        raise RefusedError(413, "too-large")
    try:
        text = decoded.decode("utf-8", "strict")
    except UnicodeDecodeError as e:
        raise RefusedError(_BAD, "unreadable") from e
    check_characters(text)
    return text


def check_characters(text: str) -> None:
    """Check that a text is plain text: no control character but line ends and tabs, no lone surrogate.

    Raises:
        RefusedError: it is not.
    """
    if _UNPLAIN.search(text):
        raise RefusedError(_BAD, "unreadable")


def parse_json(body: bytes) -> dict[str, object]:
    """Parse a JSON object.

    Raises:
        RefusedError: not JSON in UTF-8, not an object, too deep, a key twice, or what is no number or no text.
    """
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_no_doubles, parse_constant=_no_constant)
    except (ValueError, RecursionError) as e:
        raise RefusedError(_BAD, "not-json") from e
    if not isinstance(document, dict):
        raise RefusedError(_BAD, "not-json")
    _check_json(document, JSON_MAX_DEPTH)
    return document


def _no_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key is given twice")
    return document


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")


def _check_json(value: object, depth: int) -> None:
    if depth == 0:
        raise RefusedError(_BAD, "not-json")
    match value:
        case str():
            check_characters(value)
        case dict():
            for key, item in value.items():
                check_characters(key)
                _check_json(item, depth - 1)
        case list():
            for item in value:
                _check_json(item, depth - 1)
