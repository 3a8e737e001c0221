"""Request ids, and the names under which ledgers keep passes.

A pass is kept under its caller's request id, in one spelling. A reissue is kept under the name of the pass that it
replaces, a line break, and the kid of the key that signed it: no request id holds a line break, so no caller can ask
for such a name or take it first.

Earlier versions kept ids as they came, and reissues as ID+KID. A ledger may hold such names for as long as a pass can
be in force after its request (84 hours), and to answer a request that comes again; so they are still looked up.
"""

import unicodedata

from movepass_issuer.errors import RequestError
from movepass_issuer.issuing.texts import find_invisible
from movepass_wire.text import normalise

REQUEST_ID_MAX_CHARS = 128
STORED_ID_MAX_CHARS = 256
"""Length of a name that is looked up: normalising may have lengthened an id that an earlier version took."""
_REISSUED = "\n"
_REISSUED_BEFORE = "+"


def read_request_id(text: str) -> str:
    """Return a request id in its one spelling: NFC, no white space around.

    Raises:
        RequestError: it is empty, too long, or holds a character that can't be printed.
    """
    request_id = normalise(text)
    if not 0 < len(request_id) <= REQUEST_ID_MAX_CHARS or not request_id.isprintable():
        raise RequestError(f"request_id: expected 1 to {REQUEST_ID_MAX_CHARS} printable characters")
    return request_id


def objection_to_new(request_id: str) -> str | None:
    """Return why a new id, in its one spelling, could be mistaken for another one, or None."""
    if _REISSUED_BEFORE in request_id:
        return '"+" is not allowed in a new id; use another character, such as "-"'
    if found := find_invisible(request_id):
        return f"U+{ord(found):04X} is invisible; take it out"
    plain = unicodedata.normalize("NFKC", request_id)
    return None if plain == request_id else f"{request_id!r} can be mistaken for {plain!r}; write it so"


def spellings(text: str) -> tuple[str, ...]:
    """Return the names under which a ledger may hold a request, as a caller writes its id; the present one first.

    An id that no ledger can hold has none.
    """
    request_id = normalise(text)
    names = dict.fromkeys((request_id, text, unicodedata.normalize("NFD", request_id)))
    return tuple(name for name in names if 0 < len(name) <= STORED_ID_MAX_CHARS and name.isprintable())


def reissue_name(name: str, kid: bytes) -> str:
    """Return the name of the pass that replaces another one under a key."""
    return f"{name}{_REISSUED}{kid.hex()}"


def earlier_reissue_name(name: str, kid: bytes) -> str:
    """Return the name that earlier versions gave it. It may also be another caller's request id."""
    return f"{name}{_REISSUED_BEFORE}{kid.hex()}"


def request_of(name: str) -> str:
    """Return the request id of a pass, reissued or not."""
    return name.partition(_REISSUED)[0]
