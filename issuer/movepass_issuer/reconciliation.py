"""After a region was lost: which of two passes of one request was never returned, and is to be revoked.

A request whose answer a lost region did not give is asked again in another one, and may then have a pass in both. Who
asks elsewhere drops what the first region still answers: so the lost region's is the one that nobody holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from movepass_issuer.ledger import Entry, Ledger

REASON = "its request was answered by another region"


@dataclass(frozen=True, slots=True)
class Twin:
    """Two passes of one request: the lost region's, which was never returned, and the one that was."""

    lost: Entry
    kept: Entry


def twins(lost: Ledger, kept: Sequence[Ledger], today: int) -> Iterator[Twin]:
    """Find the passes in force in a region that was lost whose request has a pass in another: those to be revoked.

    Looked for again, what has been revoked is left out, and what has come since is found.

    Args:
        lost: the ledger of the region that was lost and is back.
        kept: those of the other regions.
        today: the UTC day; passes of days before are over.
    """
    for entries in lost.in_force(today):
        ids = [entry.request_id for entry in entries]
        found = [ledger.find(ids) for ledger in kept]
        for entry in entries:
            others = [other for passes in found if (other := passes.get(entry.request_id)) and other.text is not None]
            if others:
                yield Twin(entry, others[0])
