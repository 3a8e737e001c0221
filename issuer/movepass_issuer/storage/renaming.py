"""Passes that earlier versions kept under other names (see request_ids)."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from movepass_issuer.issuing.ledger import Entry
from movepass_issuer.issuing.request_ids import STORED_ID_MAX_CHARS, reissue_name
from movepass_wire import WireError, open_text
from movepass_wire.text import normalise

_REISSUED = re.compile(r"(.+)\+([0-9a-f]{8})", re.DOTALL)


def replaces(again: Entry, entry: Entry, kid: bytes) -> bool:
    """Return whether a pass kept as ID+KID is a reissue, and not a caller's own pass of such an id."""
    same_content = (again.content_hash, again.day) == (entry.content_hash, entry.day)
    return same_content and _signed_by(again) in {None, kid}


def plan_renames(
    entries: Iterable[Entry], find: Callable[[Sequence[str]], dict[str, Entry]]
) -> Iterator[tuple[str, str]]:
    """Yield the new and the old name of each entry to rename; rename it before asking for the next.

    Another spelling of an id becomes a reissue of the first, under the key that signed it, so that all are revoked
    together.

    Args:
        entries: those whose names may be of an earlier version, the shortest names first.
        find: looks up names, as a ledger does.
    """
    moved: dict[str, str] = {}
    for entry in entries:
        name = entry.request_id
        new = _new_name(entry, moved, find)
        if new != name and len(new) <= STORED_ID_MAX_CHARS and not find([new]):
            moved[name] = new
            yield new, name


def _new_name(entry: Entry, moved: dict[str, str], find: Callable[[Sequence[str]], dict[str, Entry]]) -> str:
    name = entry.request_id
    if match := _REISSUED.fullmatch(name):
        before, kid = moved.get(match[1], match[1]), bytes.fromhex(match[2])
        replaced = find([before]).get(before)
        if replaced and replaces(entry, replaced, kid):
            return reissue_name(before, kid)
    new = normalise(name)
    signed_by = _signed_by(entry)
    while new != name and signed_by and find([new]):
        new = reissue_name(new, signed_by)
    return new


def _signed_by(entry: Entry) -> bytes | None:
    """Return the kid of a pass's key; None where it has no payload."""
    try:
        return open_text(entry.text).kid if entry.text else None
    except WireError:
        return None
