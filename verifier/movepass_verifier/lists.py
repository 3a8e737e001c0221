"""What a device knows of revocations: for each day, whether an index is revoked; and how old that is."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StatusLists:
    """The lists of one consistent publication.

    Attributes:
        days: for each UTC day with a list, the set of revoked indexes (a Bitmap, or the store's own).
        published: signed time of that publication, seconds since 1970 UTC; None before the first sync.
        synced_at: when a sync last succeeded; None before the first.
    """

    days: Mapping[int, Container[int]] = field(default_factory=dict)
    published: int | None = None
    synced_at: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
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
