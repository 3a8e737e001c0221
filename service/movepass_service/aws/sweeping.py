"""Decides what a sweep does about an application, and how far a sweep is. Pure.

A sweep reads the whole table in parts, once an hour. It finds what time makes due, and what a lost record of the
stream left behind: an application that no rule has looked at, a decision without a leaf in the log, a pass that nobody
asked for or took back.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Self

from movepass_service.applications.states import OPEN, State
from movepass_service.stores.dynamodb.document import Content, Document, Event, to_revoke
from movepass_service.stores.store import Reissuable
from movepass_wire.times import DAY_SECONDS

SWEEP_SECONDS = 3600
"""From the beginning of a sweep to that of the next."""
SETTLED_SECONDS = 300
"""Age from which on a change should have been followed; the alarms on the stream ring as late."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The place that a sweep has reached; it may take several invocations.

    Attributes:
        begun: when it began, seconds since 1970 UTC.
        before: when the one before began; what had settled by then was looked at.
        after: partition and sort key where it goes on; None at the beginning.
        states: applications so far, by their state.
        is_over: whether it has read the whole table.
    """

    begun: int = 0
    before: int = 0
    after: tuple[str, str] | None = None
    states: Mapping[str, int] = field(default_factory=dict)
    is_over: bool = True

    @classmethod
    def read(cls, kept: bytes | None) -> Self:
        """Read it; nothing stands for no sweep yet."""
        if kept is None:
            return cls()
        read = json.loads(kept)
        return cls(**(read | {"after": tuple(read["after"]) if read["after"] else None}))

    def to_bytes(self) -> bytes:
        """Write it."""
        return json.dumps(asdict(self)).encode()

    def resumed(self, now: int, *, is_whole: bool = False) -> Self | None:
        """Return the sweep to go on with: this one, or a new one where it is time; None where there is nothing to do.

        Args:
            now: seconds since 1970 UTC.
            is_whole: begin a new one now, which looks at what was looked at before as well.
        """
        if is_whole:
            return replace(self, begun=now, before=0, after=None, states={}, is_over=False)
        if not self.is_over:
            return self
        if now - self.begun < SWEEP_SECONDS:
            return None
        return replace(self, begun=now, before=self.begun, after=None, states={}, is_over=False)

    def advanced(self, found: Iterable[Document], after: tuple[str, str] | None) -> Self:
        """Return it after a part of the table."""
        states = Counter(self.states) + Counter(str(document.state) for document in found)
        return replace(self, after=after, states=dict(states), is_over=after is None)


@dataclass(slots=True)
class Found:
    """Work that a sweep found, mostly by the references of applications.

    Attributes:
        over: open, and their trip is over: they expire.
        unissued: approved, and their trip is over before there was a pass: they expire.
        due: no longer to be kept.
        undecided: received a while ago, and not decided.
        unfollowed: decided a while ago, and what follows is missing.
        reissuable: passes that may have been issued again under another key.
    """

    over: list[str] = field(default_factory=list)
    unissued: list[str] = field(default_factory=list)
    due: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    unfollowed: list[str] = field(default_factory=list)
    reissuable: list[Reissuable] = field(default_factory=list)


def look(
    applications: Iterable[tuple[Content, Document]], progress: Progress, now: int,
    is_logged: Callable[[Content, Event], bool], kids: Collection[str],
) -> Found:  # fmt: skip
    """Look at a part of the table.

    Args:
        applications: those in it.
        progress: the sweep's.
        now: seconds since 1970 UTC.
        is_logged: whether an event's leaf is in the log.
        kids: keys whose passes may have been issued again, in hexadecimal.
    """
    found = Found()
    for content, document in applications:
        is_over = content.not_after <= now
        if document.forget_at is not None and document.forget_at <= now:
            found.due.append(content.reference)
        elif document.state in OPEN and is_over:
            found.over.append(content.reference)
        elif document.state == State.APPROVED and is_over:
            found.unissued.append(content.reference)
        elif document.state == State.RECEIVED and _has_settled(document.since or content.received_at, now):
            found.undecided.append(content.reference)
        if _is_unfollowed(content, document, progress, now, is_logged):
            found.unfollowed.append(content.reference)
        found.reissuable += (
            Reissuable(content.number, one.correction, f"{content.reference}.{one.correction}", one.not_after)
            for one in document.passes
            if one.kid in kids and one.not_after > now - DAY_SECONDS
        )
    return found


def _is_unfollowed(
    content: Content, document: Document, progress: Progress, now: int, is_logged: Callable[[Content, Event], bool]
) -> bool:
    is_awaited = document.state == State.APPROVED and content.not_after > now
    if is_awaited and _asks_again(document.since, progress, now):
        return True
    if any(one.number and _has_settled(one.ended_at or 0, now) for one in to_revoke(document)):
        return True
    new = (event for event in document.events if event.at >= progress.before - SETTLED_SECONDS)
    return any(_has_settled(event.at, now) and not is_logged(content, event) for event in new)


def _has_settled(at: int, now: int) -> bool:
    return now - at >= SETTLED_SECONDS


def _asks_again(since: int, progress: Progress, now: int) -> bool:
    """Return whether to ask for a pass again: after ever longer times, as the issuer keeps what it can't issue now."""
    before = max(0, progress.before - since)
    return _has_settled(since, now) and (now - since).bit_length() > before.bit_length()
