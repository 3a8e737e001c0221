"""The contract of a ledger of one of several regions that issue at once, and what regions tell each other.

Beyond the promises of every ledger (movepass_issuer.issuing.ledger):

    - regions give indexes from blocks of their own, so an index tells whose it is;
    - a revocation that is taken, the notes of which other regions must still be told of it, and its entry among the
      pending ones are one transaction;
    - a note stays in the outbox until the region has been told.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from movepass_issuer.issuing.ledger import Ledger

BLOCK = 1000
"""Indexes leased at once. A process that ends leaves the rest of its block as a gap; 2^30 indexes a day bear it."""


@dataclass(frozen=True, slots=True)
class Region:
    """One of several regions that issue at once: it takes the index blocks whose number is `number` modulo `count`.

    `count` must be the same in all of them, and must not change within a day that has passes.
    """

    number: int = 0
    count: int = 1

    @property
    def others(self) -> list[int]:
        """The numbers of the other regions."""
        return [number for number in range(self.count) if number != self.number]

    def owner(self, index: int, block: int = BLOCK) -> int:
        """Return the number of the region whose block an index is in."""
        return index // block % self.count


@dataclass(frozen=True, slots=True)
class Revocation:
    """A pass was revoked.

    Attributes:
        day: the UTC day of exp (days since 1970-01-01).
        index: its index in that day.
        at: when, seconds since 1970 UTC.
    """

    day: int
    index: int
    at: int
    reason: str


@dataclass(frozen=True, slots=True)
class RequestRevocation:
    """A request was revoked: every pass it has, and it must not get one.

    Attributes:
        day: the UTC day of a pass of it, from which on its id is kept.
        at: when, seconds since 1970 UTC.
    """

    request_id: str
    day: int
    at: int
    reason: str


AnyRevocation = Revocation | RequestRevocation
"""What regions tell each other."""


class RegionalLedger(Ledger, Protocol):
    """Keeps a region's passes, and takes what other regions revoke. Methods raise LedgerError where the store fails."""

    def take(self, revocation: Revocation, *, tell: Iterable[int] = ()) -> None:
        """Take a revocation of a pass that may be another region's; a second time changes nothing.

        An index of this region that has no pass is never given to one: somebody was told that it is revoked.

        Args:
            revocation: whatever region took it first.
            tell: the regions that must still be told.
        """

    def take_request(self, revocation: RequestRevocation, *, tell: Iterable[int] = ()) -> None:
        """Take a revocation of a request: its pass here is revoked, or it gets none; a second time changes nothing.

        Args:
            revocation: whatever region took it first.
            tell: the regions that must still be told.
        """

    def taken(self, day: int, index: int) -> int | None:
        """Return when a pass of any region was revoked, as far as is known here; seconds since 1970 UTC."""

    def outbox(self, region: int) -> Iterator[AnyRevocation]:
        """Return the revocations that another region has not been told of."""

    def told(self, region: int, revocations: Iterable[AnyRevocation]) -> None:
        """Delete revocations from the outbox that a region has taken."""

    def has_issued_as(self, number: int, days: Iterable[int]) -> bool:
        """Return whether indexes of some days were given from here as a region of that number."""
