"""Finds, after a region was lost, the passes that were never returned and must be revoked.

If a lost region did not answer a request, the caller sends it to another region, so it may have a pass in both. The
caller drops a late answer of the first region, so nobody holds the lost region's pass. If the other pass is revoked,
the lost region's pass stays: the regions were lost in turn and the other pass was found before, or somebody revoked it
on purpose.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from movepass_issuer.issuing.issuer import Passes
from movepass_issuer.issuing.ledger import Entry, Ledger

REASON = "its request was answered by another region"


@dataclass(frozen=True, slots=True)
class Twin:
    """Two passes of one request: the lost region's, which was never returned, and the other, which was."""

    lost: Entry
    kept: Entry


def twins(lost: Ledger, kept: Sequence[Ledger], today: int) -> Iterator[Twin]:
    """Find passes in force of a lost region whose request also has a pass in another: the first must be revoked.

    Run again, it leaves out passes that were revoked since, and finds new ones.

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
    """The passes of the lost region, for a Revoker: found only there, and revoked in every region.

    If they were looked up in all regions, reissues of the kept pass would be revoked together with the lost one.
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
