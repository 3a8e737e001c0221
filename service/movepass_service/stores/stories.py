"""Tells what was decided about an application and what became of its passes, for whoever counts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from movepass_service.stores.desk import SecondLook
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import LoggedRecord


@dataclass(frozen=True, slots=True)
class ToldDecision:
    """A decision: which event of the application it is, and its record."""

    event: int
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToldPass:
    """A pass of one content of an application. All times are in seconds since 1970 UTC.

    Attributes:
        correction: which content of the application it has.
        not_before: when it begins.
        not_after: when it ends.
        leaves: event and time of its leaves: issued, then issued again under another key.
        ended_at: when it was given back, replaced or taken away; None before.
        noted_at: when the issuer had noted that; None before.
    """

    correction: int
    not_before: int
    not_after: int
    leaves: tuple[tuple[int, int], ...]
    ended_at: int | None
    noted_at: int | None


@dataclass(frozen=True, slots=True)
class Story:
    """An application, and all that has a leaf in the log.

    An event's number names it within the store for ever: a position of the log, or a place in the application.

    Attributes:
        kept: as it is now.
        decisions: whose records are still kept, the first one at the beginning.
        passes: issued ones and expected ones, by correction.
        new: the events whose leaves are among the positions that were asked for.
    """

    kept: Kept
    decisions: tuple[ToldDecision, ...]
    passes: tuple[ToldPass, ...]
    new: frozenset[int]

    @property
    def taken(self) -> tuple[ToldPass, ...]:
        """Return the passes that were issued and then ended before their time."""
        return tuple(one for one in self.passes if one.leaves and one.ended_at is not None)

    @property
    def is_noted(self) -> bool:
        """Return whether the issuer has noted the end of all passes that were ended."""
        return all(one.ended_at is None or one.noted_at is not None for one in self.passes)


class StoryStore(Protocol):
    """As much of a store as statistics read. Methods raise StoreError where the store itself fails."""

    def log_size(self) -> int:
        """Count the leaves of the log."""

    def leaves(self, start: int, end: int) -> Iterator[str]:
        """Read the leaves from a position up to another one."""

    def stories(self, start: int, end: int) -> Iterator[Story]:
        """Tell the applications that have a leaf from a position up to another one, each once.

        Applications that were forgotten are left out.
        """

    def leaf_events(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Read whose each leaf is, from a position up to another one: numbers that name its event (NameEvent).

        They are those of the application and of its event; of an act of administration -1 and its position.
        """

    def acts(self, start: int, end: int) -> Iterator[LoggedRecord]:
        """Read the records of acts of administration from a position up to another one that are still kept."""

    def waiting_since(self, number: int, limit: int) -> list[Kept]:
        """Return received applications that came after one, by its number, those that came first at the beginning.

        A store that hands applications over within seconds returns none.
        """

    def second_look(self, decision: int) -> SecondLook | None:
        """Look up the second look of an approval that was drawn for one."""
