"""The code that sets a phone up: `MPE1:` and base45 of {"source": URL or list, "root": SHA-256 of the root}."""

import hashlib
import json
from collections.abc import Sequence

from movepass_wire import base45

PREFIX = "MPE1:"


def enrolment_text(sources: Sequence[str], root: bytes) -> str:
    """Write the text of a set-up code, for a QR code.

    Args:
        sources: web addresses to sync from, in the order in which they are tried.
        root: the authority's first root document, N = 1: the phone fetches it from the first source.
    """
    source = sources[0] if len(sources) == 1 else list(sources)
    document = {"source": source, "root": hashlib.sha256(root).hexdigest()}
    return PREFIX + base45.encode(json.dumps(document, separators=(",", ":")).encode())
