"""When the custodians' documents and the pass key end, and how urgent that is.

Devices refuse every sync once the root or the targets have ended (TUF, sections 5.3 and 5.6), and every pass that
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
"""Warnings begin this long before an end: time for custodians to meet, twice if need be."""


class Ends(StrEnum):
    """What can end."""

    ROOT = "root"
    TARGETS = "targets"
    PASS_KEY = "pass-key"  # noqa: S105 - a name, not a secret


@dataclass(frozen=True, slots=True)
class Ending:
    """When one of these ends.

    Attributes:
        what: which.
        at: the first second after it, seconds since 1970 UTC.
        left: seconds from now until then; negative once it has ended.
        kid: the pass key's.
    """

    what: Ends
    at: int
    left: int
    kid: bytes | None = None

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.left <= 0

    @property
    def soon(self) -> bool:
        """Whether somebody must act: it ends soon, or has ended."""
        return self.left <= WARNING_SECONDS

    @property
    def stops_syncs(self) -> bool:
        """Whether devices refuse every sync for it now."""
        return self.ended and self.what is not Ends.PASS_KEY

    @property
    def name(self) -> str:
        """Its name for operators."""
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
        root: the newest root, as it is published.
        targets: likewise.
        keys: the published keys.
        now: seconds since 1970 UTC.
        in_use: the kid of the key that signs passes. Without it, the one of the good keys that ends last counts.

    Raises:
        KeyDocumentError: a document does not say when it ends.
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
    """Read when a TUF document ends, seconds since 1970 UTC.

    It is read as plain JSON, because python-tuf is slow to import. No signature is checked here.

    Raises:
        KeyDocumentError: it does not say.
    """
    try:
        return int(datetime.fromisoformat(json.loads(document)["signed"]["expires"]).timestamp())
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        raise KeyDocumentError(f"expected a signed document with the time of its end, got none: {e!r}") from e
