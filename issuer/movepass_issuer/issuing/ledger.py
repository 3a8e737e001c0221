"""The ledger's contract: which request became which pass, which indexes are taken, what is revoked.

Every ledger keeps these promises, and tests/issuer/test_ledger.py tests each ledger for them:

    - an index of a day is given once and never again, whatever crashes;
    - a request id belongs to one content for ever, and to one stored payload: the first that was stored;
    - a revocation and its entry among the pending ones are one transaction, durable before it is confirmed;
    - a timestamp that was announced is remembered, durably, until a later one has been settled;
    - personal data is deleted PERSONAL_DAYS after the pass's day, request ids REQUEST_DAYS after it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from movepass_issuer.errors import ReasonError

PERSONAL_DAYS = 7
"""Days after a pass's day for which its payload (the name is in it) can still be shown and reprinted."""
REQUEST_DAYS = 90
"""Days after a pass's day for which its request id is known, and answered as used."""
REASON_MAX_CHARS = 256
"""Length of the reason for a revocation: another region must be able to keep it too, in one item with the rest."""

NO_INDEX = -1
"""Index of a request that was revoked in another region before it had a pass in this one."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the ledger sees it: its name (request_ids), SHA-256 of its content, and the UTC day of exp."""

    request_id: str
    content_hash: bytes
    day: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One pass in the ledger.

    Attributes:
        request_id: its name in the ledger, which for a reissue is more than the request's id (request_ids).
        day: the UTC day of exp (days since 1970-01-01).
        index: its index in that day; NO_INDEX if there is no pass and must be none.
        text: the stored payload; None while reserved, "" once personal data has been deleted.
        revoked_at: seconds since 1970 UTC, or None.
    """

    request_id: str
    content_hash: bytes
    day: int
    index: int
    text: str | None = None
    revoked_at: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Announced:
    """A timestamp that was published, or was about to be, by which a publisher recognises the repository.

    Attributes:
        version: the timestamp's.
        digest: SHA-256 of its file.
        settled: whether it was published, and its revocations were removed from the pending ones.
    """

    version: int
    digest: bytes
    settled: bool = False


def check_reason(reason: str) -> None:
    """Check that every ledger can keep a reason for a revocation.

    Raises:
        ReasonError: it is too long, or not printable.
    """
    if len(reason) > REASON_MAX_CHARS or not reason.isprintable():
        raise ReasonError(f"reason: expected at most {REASON_MAX_CHARS} printable characters, got {len(reason)}")


class Ledger(Protocol):
    """Keeps passes. Methods raise LedgerError where the store itself fails."""

    def find(self, request_ids: Sequence[str]) -> dict[str, Entry]:
        """Look up requests; those not known are left out."""

    def find_index(self, day: int, index: int) -> Entry | None:
        """Look up a pass by day and index."""

    def reserve(self, requests: Sequence[Request], *, absent: Collection[str] = ()) -> list[Entry]:
        """Reserve an index for each request, or find the entry it has: durable when this returns, in the same order.

        Args:
            requests: what shall be issued.
            absent: request ids that `find` has just not found, which need not be looked up again. If another process
                was faster meanwhile, its entry is returned all the same.
        """

    def store(self, texts: Sequence[tuple[str, str]], *, reserved: Iterable[Entry] = ()) -> dict[str, str]:
        """Store (request id, payload) pairs where none is stored yet.

        Args:
            texts: what to store.
            reserved: entries without a payload that `find` or `reserve` has just returned, which need not be looked up
                again. If another process was faster meanwhile, its payload stays.

        Returns:
            What is stored, by request id; "" where personal data has gone. Unknown requests are left out.
        """

    def revoke(self, day: int, index: int, *, reason: str, now: int) -> Entry:
        """Revoke a pass and put it among the pending ones; a second time changes nothing.

        Raises:
            UnknownPassError: no such pass.
            ReasonError: see check_reason.
        """

    def in_force(self, today: int) -> Iterator[list[Entry]]:
        """Yield every pass that ends today or later and is neither revoked nor unfinished, some at a time."""

    def issued(self) -> Iterator[list[Entry]]:
        """Yield every pass that was ever signed and is still known, revoked or over too, some at a time.

        Each has its payload, or "" once personal data has been deleted. Passes that are issued meanwhile may be left
        out; a pass that was stored before the call is not.
        """

    def skip(self, days: Iterable[int], count: int) -> None:
        """Skip some indexes of each day: they may have been given after the backup that was restored."""

    def pending(self) -> list[tuple[int, int]]:
        """Return every (day, index) that is revoked and not yet published."""

    def revoked(self, day: int) -> list[int]:
        """Return every index of a day that has ever been revoked, published or not: the content of its log."""

    def revoked_count(self, day: int) -> int:
        """Count the indexes of a day that have ever been revoked, without reading them all."""

    def announced(self) -> list[Announced]:
        """Return the timestamp settled last and those announced since, in rising order of their versions."""

    def has_announced(self, timestamp: Announced) -> bool:
        """Return whether a timestamp is among these, settled or not."""

    def announce(self, timestamp: Announced) -> None:
        """Note a timestamp before it is published: durable when this returns."""

    def settle(self, published: Iterable[tuple[int, int]], timestamp: Announced) -> None:
        """In one transaction, remove published ones from the pending and forget earlier announcements."""

    def forget(self, today: int) -> None:
        """Delete personal data and old request ids, by the days above."""

    def close(self) -> None:
        """Close the store."""
