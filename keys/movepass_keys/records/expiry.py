"""Compute when the custodians' documents and the pass key end, and how urgent that is.

Devices refuse every sync once the root or the targets have expired (TUF, sections 5.3 and 5.6), and every pass that
ends after its key. All warnings to operators come from here.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from movepass_keys.errors import KeyDocumentError
from movepass_keys.records.key_set import KeySet, PassKey
from movepass_wire.times import DAY_SECONDS, ago, local

WARNING_SECONDS = 60 * DAY_SECONDS
"""Warnings start this long before an end, so that the custodians can meet, twice if need be."""


class Ends(StrEnum):
    """A document or key that can end."""

    ROOT = "root"
    TARGETS = "targets"
    PASS_KEY = "pass-key"  # noqa: S105 - a name, not a secret


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a document or key.

    Attributes:
        what: what ends.
        at: the first second after the end, seconds since 1970 UTC.
        left: the seconds left; negative after the end.
        kid: the kid of the pass key.
    """

    what: Ends
    at: int
    left: int
    kid: bytes | None = None

    @property
    def ended(self) -> bool:
        """Return whether the end has passed."""
        return self.left <= 0

    @property
    def soon(self) -> bool:
        """Return whether somebody must act because the end is near or past."""
        return self.left <= WARNING_SECONDS

    @property
    def stops_syncs(self) -> bool:
        """Return whether devices refuse every sync because of it now."""
        return self.ended and self.what is not Ends.PASS_KEY

    @property
    def name(self) -> str:
        """The name of the document or key, for operators."""
        name = _WORDS[self.what][0]
        return name if self.kid is None else f"{name} {self.kid.hex()}"

    def __str__(self) -> str:
        _, effect, act = _WORDS[self.what]
        when = f"ended {ago(-self.left)} ago, at" if self.ended else f"ends in {ago(self.left)}, at"
        return f"{self.name} {when} {local(self.at)}; {'' if self.ended else 'from then on '}{effect}. {act}"


_WORDS = {
    Ends.ROOT: (
        "the custodians' root", "devices refuse every sync",
        "Hold a ceremony: movepass keys propose root, and movepass keys propose keys --with it",
    ),
    Ends.TARGETS: (
        "the custodians' list of pass keys", "devices refuse every sync",
        "Hold a ceremony: movepass keys propose keys",
    ),
    Ends.PASS_KEY: (
        "the pass key", "it signs nothing that devices accept, and no pass reaches beyond it",
        "Hold a ceremony for another key: movepass keys new, movepass keys propose keys --add",
    ),
}  # fmt: skip


def endings(
    *, root: bytes | None, targets: bytes | None, keys: KeySet, now: int, in_use: bytes | None = None
) -> list[Ending]:
    """Return when the root, the targets and the pass key end, as far as they exist.

    Args:
        root: the newest published root.
        targets: the newest published targets.
        keys: the published keys.
        now: seconds since 1970 UTC.
        in_use: the kid of the key that signs passes; without it, the good key that ends last.

    Raises:
        KeyDocumentError: a document has no expiry.
    """
    found = document_endings(root=root, targets=targets, now=now)
    good = [key for kid, key in keys.keys.items() if keys.withdrawn(kid) is None]
    used = [key for key in good if key.kid == in_use] or good
    return found + [key_ending(key, now) for key in sorted(used, key=lambda key: key.not_after)[-1:]]


def document_endings(*, root: bytes | None, targets: bytes | None, now: int) -> list[Ending]:
    """Return when the custodians' documents end; see endings."""
    documents = [(Ends.ROOT, root), (Ends.TARGETS, targets)]
    return [Ending(what, at := expires_at(data), at - now) for what, data in documents if data is not None]


def key_ending(key: PassKey, now: int) -> Ending:
    """Return when a pass key ends."""
    return Ending(Ends.PASS_KEY, key.not_after, key.not_after - now, key.kid)


def expires_at(document: bytes) -> int:
    """Read when a TUF document expires, in seconds since 1970 UTC.

    The document is parsed as plain JSON, because importing python-tuf is slow. No signature is checked here.

    Raises:
        KeyDocumentError: the document has no expiry.
    """
    try:
        return int(datetime.fromisoformat(json.loads(document)["signed"]["expires"]).timestamp())
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        raise KeyDocumentError(f"expected a signed document with its expiry, got none: {e!r}") from e
