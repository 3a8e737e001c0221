"""Collects facts from a store: each event once, into the day in which it happened.

The log is append-only and has a position for every decision and every pass, so a few positions are all that must be
remembered. A collector that is killed reads the same positions again and writes the same facts, and a reader counts an
event once. Times are those of the store: a clock that is set back changes no total.

One round:
    1. count applications that wait for the rules: they have no leaf yet
    2. count what has a leaf since the last position
    3. tell again what was taken away, once the issuer has noted it
    4. count the publications since
    5. count what the line did since
    6. write the parts, then how far it came
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from movepass_service.errors import ServiceError
from movepass_service.statistics.building import SECOND_LOOK, FactBuilder, published
from movepass_service.statistics.compaction import compact_days, merge_parts
from movepass_service.statistics.engine import MissingExtraError
from movepass_service.statistics.facts import Fact, FactsError, moment
from movepass_service.statistics.folder import part_name
from movepass_service.statistics.lining import Line, lined_facts, read_lanes
from movepass_service.statistics.parts import Collected, Parts, lines_by_day
from movepass_service.statistics.publications import Publications
from movepass_service.statistics.rounds import Rounds, Stopped
from movepass_service.stores.stories import StoryStore

LOG = logging.getLogger(__name__)
PART_POSITIONS = 2_000
"""Positions of the log in one round: some hundred kilobytes of facts."""
ROUND_SECONDS = 20.0
COMPACT_SECONDS = 600.0
"""From one look for days to compact to the next."""
_DIGITS = 12


@dataclass(slots=True)
class _Round:
    """The facts that a round found, and how far it came."""

    state: Collected
    facts: list[Fact] = field(default_factory=list)


class Collector:
    """Reads one store into the parts of days."""

    def __init__(
        self, store: StoryStore, parts: Parts, builder: FactBuilder, publications: Publications | None = None,
        line: Line | None = None,
    ) -> None:  # fmt: skip
        """Take the store, where to write, what makes facts, the publications, and the line in front of the site."""
        self._store = store
        self._parts = parts
        self._builder = builder
        self._publications = publications
        self._line = line
        self.is_behind = False
        """Whether the last round left some of the log to the next one."""

    def collect(self, now: int) -> int:
        """Write the facts of what happened since the last round; returns how many.

        Raises:
            FactsError: the facts can't be written, or are of another store.
            StoreError: the store can't be read.
        """
        done = self._parts.state()
        # first: what is decided between the two readings has a leaf by the second
        waiting = self._store.waiting_since(done.arrived, PART_POSITIONS)
        size = self._store.log_size()
        self._check(done, size)
        found = _Round(done)
        found.facts += [self._builder.applied(kept) for kept in waiting]
        if waiting:
            found.state = replace(found.state, arrived=waiting[-1].number)
        self._read_log(found, size)
        self._read_noted(found)
        self._read_publications(found)
        self._read_line(found, now)
        self.is_behind = found.state.position < size or len(waiting) == PART_POSITIONS
        if not self.is_behind:
            found.state = replace(found.state, complete_until=now)
        self._write(found, done)
        return len(found.facts)

    def _check(self, done: Collected, size: int) -> None:
        """Check that the store is the one that was read before.

        Raises:
            FactsError: it was restored from a copy.
        """
        is_same = done.position <= size
        if is_same and done.position:
            is_same = _digest(next(self._store.leaves(done.position - 1, done.position))) == done.leaf
        if not is_same:
            raise FactsError(
                f"{self._parts.name} was read from another log, up to position {done.position}; this one has {size}: "
                "the store was restored from a copy. Move the facts away, and they are written again from what is kept"
            )

    def _read_log(self, found: _Round, size: int) -> None:
        start, end = found.state.position, min(size, found.state.position + PART_POSITIONS)
        if start == end:
            return
        are_noted = True
        for story in self._store.stories(start, end):
            found.facts += self._builder.new_facts(story)
            are_noted &= story.is_noted
        for act in self._store.acts(start, end):
            found.facts += looked_facts(self._store, self._builder, act.position, act.text)
        noted = end if are_noted and found.state.noted == start else found.state.noted
        *_, last = self._store.leaves(end - 1, end)
        found.state = replace(found.state, position=end, leaf=_digest(last), noted=noted)

    def _read_noted(self, found: _Round) -> None:
        """Tell again what was taken away between two positions, if the issuer has noted all of it by now."""
        start, end = found.state.noted, min(found.state.position, found.state.noted + PART_POSITIONS)
        if start == end:
            return
        told: list[Fact] = []
        for story in self._store.stories(start, end):
            if not story.is_noted:
                return
            told += self._builder.taken_facts(story)
        found.facts += told
        found.state = replace(found.state, noted=end)

    def _read_publications(self, found: _Round) -> None:
        if self._publications is None:
            return
        try:
            told = self._publications.since(found.state.published)
        except FactsError as e:
            LOG.warning("publications are counted later: %s", e)
            return
        for version, at in told:
            found.facts.append(published(version, at))
            found.state = replace(found.state, published=version)

    def _read_line(self, found: _Round, now: int) -> None:
        if self._line is None:
            return
        before = found.state.lanes
        try:
            lanes = read_lanes(self._line, before, now)
        except ServiceError as e:
            LOG.warning("the line is counted later: %s", e)
            return
        found.facts += [self._builder.lined(event, fact) for event, fact in lined_facts(before, lanes)]
        found.state = replace(found.state, lanes=lanes)

    def _write(self, found: _Round, done: Collected) -> None:
        name = f"{done.position:0{_DIGITS}}"
        for day, lines in lines_by_day(found.facts).items():
            self._parts.write(day, part_name(name, lines), lines)
        if found.state != done:
            self._parts.write_state(found.state)
        if self._publications is not None:
            self._publications.forget(found.state.published)


def looked_facts(store: StoryStore, builder: FactBuilder, position: int, text: str) -> Iterator[Fact]:
    """Return the fact of a second look, if an act of administration is one.

    Args:
        store: where second looks are found.
        builder: makes facts.
        position: the position of the act's leaf in the log.
        text: the act's record, as JSON.
    """
    act = json.loads(text)
    if act.get("action") == SECOND_LOOK:
        look = store.second_look(act["decision"])
        yield builder.looked(position, act, look.officer if look else None)


def collector_rounds(collector: Collector, folder: Path, clock: Callable[[], float]) -> Rounds:
    """Return rounds that collect facts, merge parts, and compact days that are over, in a thread of their own.

    Args:
        collector: which.
        folder: of the facts.
        clock: gives the time in seconds since 1970 UTC.
    """
    compact_at = 0.0

    def round_(_: Stopped) -> bool:
        nonlocal compact_at
        try:
            collector.collect(int(clock()))
            merge_parts(folder, moment(int(clock())).day)
            if not collector.is_behind and time.monotonic() >= compact_at:
                compact_at = time.monotonic() + COMPACT_SECONDS
                compact(folder, int(clock()))
        except ServiceError as e:
            LOG.error("no facts are collected: %s", e)  # noqa: TRY400 - a cause, no defect
            return False
        return collector.is_behind

    return Rounds("collector", round_, ROUND_SECONDS)


def compact(folder: Path, now: int) -> int:
    """Compact the days that are over; returns how many. Without DuckDB nothing is compacted, and nothing is lost.

    Raises:
        FactsError: a day can't be read or written.
    """
    try:
        return compact_days(folder, moment(now).day)
    except MissingExtraError:
        return 0


def _digest(leaf: str) -> str:
    return hashlib.sha256(leaf.encode()).hexdigest()
