"""After a region was lost: which of two passes of one request was never returned, and is to be revoked.

A request whose answer a lost region did not give is asked again in another one, and may then have a pass in both. Who
asks elsewhere drops what the first region still answers: so the lost region's is the one that nobody holds. Unless the
other one is revoked: then the regions were lost in turn and that one has been found before, or whoever revoked it knew
why, and this one stays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from movepass_issuer.issuing.issuer import Passes
from movepass_issuer.issuing.ledger import Entry, Ledger

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
            others = [other for passes in found if (other := passes.get(entry.request_id))]
            good = [other for other in others if other.text is not None and other.revoked_at is None]
            if good:
                yield Twin(entry, good[0])


@dataclass(frozen=True, slots=True)
class LostPasses:
    """The passes of the region that was lost, for a Revoker: found there alone, and revoked in every region.

    Found in all of them, what the kept pass was issued anew as would be revoked together with the lost one.
    """

    lost: Passes
    everywhere: Passes

    def find(self, request_ids: Sequence[str]) -> dict[str, Entry]:
        """See Ledger."""
        return self.lost.find(request_ids)

    def find_index(self, day: int, index: int) -> Entry | None:
        """See Ledger."""
        return self.lost.find_index(day, index)

    def revoke(self, day: int, index: int, *, reason: str, now: int) -> Entry:
        """See Ledger."""
        return self.everywhere.revoke(day, index, reason=reason, now=now)
