"""Define the revocation lists of a device and the policy for their age."""

from collections.abc import Container, Mapping
from typing import NamedTuple

from movepass_verifier.errors import PolicyError
from movepass_wire.times import ago

MAX_AGE_LEAST = 15 * 60
"""A shorter age would make a device refuse between two publications of an authority that publishes seldom."""
MAX_AGE_MOST = 48 * 3600
"""A publication is valid this long. An older one can't be synced any more, so no accept may rely on it."""
WARNING_AGE_LEAST = 60


class StatusLists(NamedTuple):
    """The lists of one consistent publication.

    Attributes:
        days: for each UTC day with a list, the set of revoked indexes (a Bitmap, or the store's own).
        published: the signed time of that publication, seconds since 1970 UTC; None before the first sync.
        synced_at: the time of the last successful sync; None before the first.
    """

    days: Mapping[int, Container[int]] = {}
    published: int | None = None
    synced_at: int | None = None


class Policy(NamedTuple):
    """The settings that a device or agency chooses, in seconds.

    Attributes:
        max_age: lists older than this give `stale`, and no accept relies on them.
        warning_age: lists older than this are still good, but shown as getting old.
        clock_slack: how far the device's clock may be behind the newest publication that it has seen. Clocks without a
            network drift by minutes; a pass lasts hours.
    """

    max_age: int = 24 * 3600
    warning_age: int = 6 * 3600
    clock_slack: int = 300

    def check(self) -> None:
        """Check that a device may be configured like this.

        Raises:
            PolicyError: it may not; the message says what is allowed.
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
