"""What a device knows of revocations: for each day, whether an index is revoked; and how old that may be."""

from collections.abc import Container, Mapping
from typing import NamedTuple

from movepass_verifier.errors import PolicyError
from movepass_wire.times import ago

MAX_AGE_LEAST = 15 * 60
"""Shorter, and a device would refuse between two publications of an authority that is in no hurry."""
MAX_AGE_MOST = 48 * 3600
"""For so long a publication holds: one that is older can't be synced any more, so no accept may rest on it."""
WARNING_AGE_LEAST = 60


class StatusLists(NamedTuple):
    """The lists of one consistent publication.

    Attributes:
        days: for each UTC day with a list, the set of revoked indexes (a Bitmap, or the store's own).
        published: signed time of that publication, seconds since 1970 UTC; None before the first sync.
        synced_at: when a sync last succeeded; None before the first.
    """

    days: Mapping[int, Container[int]] = {}
    published: int | None = None
    synced_at: int | None = None


class Policy(NamedTuple):
    """What one device or agency decides for itself, in seconds.

    Attributes:
        max_age: lists older than this give `stale`: no accept rests on them.
        warning_age: lists older than this are still good, and shown as getting old.
        clock_slack: how far the device's clock may be behind the newest publication it has seen. Clocks without a
            network drift by minutes; a pass lasts hours.
    """

    max_age: int = 24 * 3600
    warning_age: int = 6 * 3600
    clock_slack: int = 300

    def check(self) -> None:
        """Make sure that this may be configured.

        Raises:
            PolicyError: it may not, and what may.
        """
        if not MAX_AGE_LEAST <= self.max_age <= MAX_AGE_MOST:
            raise PolicyError(
                f"expected a maximum age from {ago(MAX_AGE_LEAST)} to {ago(MAX_AGE_MOST)}, got {ago(self.max_age)}"
            )
        if not WARNING_AGE_LEAST <= self.warning_age < self.max_age:
            raise PolicyError(
                f"expected a warning age from {ago(WARNING_AGE_LEAST)} to less than the maximum age of "
                f"{ago(self.max_age)}, got {ago(self.warning_age)}"
            )
