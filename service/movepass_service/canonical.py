"""One form for each JSON document, for everything that is hashed, signed or compared."""

import json
from collections.abc import Mapping
from typing import Any


def canonical_json(document: Mapping[str, Any]) -> str:
    """Write a document with its keys in order, without white space, and with all letters as they are."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
