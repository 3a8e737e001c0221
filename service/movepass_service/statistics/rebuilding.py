"""Build the facts of a lost day again, from what is left: the log, records that are still kept, the issuer's ledger.

The log has a leaf for everything that was decided and issued. Of what is still kept the facts are those of before. Of
an application that was deleted since, the ledger knows the pass, and for a week after its day what the pass says; of a
decision nothing is left but its time, which is told as `forgotten`. What devices counted comes back by importing their
exports again. Publications do not come back. Every row says that it was built again, and so does the day's file, and
every answer from it.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from movepass_issuer.issuing.ledger import Entry
from movepass_issuer.issuing.request_ids import request_of
from movepass_service.decisions.leaves import DECISION, ISSUANCE
from movepass_service.rules.columns import OTHER_REASON, start_of_day
from movepass_service.statistics import collecting, engine, facts
from movepass_service.statistics.building import FactBuilder, forgotten, hours_of, lane_of
from movepass_service.statistics.collecting import looked_facts
from movepass_service.statistics.compaction import compact_day
from movepass_service.statistics.facts import Fact, FactsError, QuestionError, moment
from movepass_service.statistics.folder import REBUILT_PART, day_path
from movepass_service.statistics.parts import FolderParts, Parts, lines_by_day
from movepass_service.stores.stories import StoryStore
from movepass_wire import WireError, decode_claims, open_text
from movepass_wire.codes import DISTRICTS, REASONS
from movepass_wire.times import DAY_SECONDS

FindPass = Callable[[int, int], Entry | None]
"""Looks up a pass in the issuer's ledger by day and index."""
_LOOKBACK_DAYS = 4
"""A pass that was taken away on a day was issued on it, or on one of so many before: 72 hours ahead, 12 hours long."""
_AT = re.compile(r'"at":(\d+)')
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The result: how many facts, and how many of these are decisions of which nothing is known but the time."""

    facts: int
    forgotten: int


def rebuild_day(
    store: StoryStore, find_pass: FindPass, folder: Path, builder: FactBuilder, *, day: date, now: int
) -> Rebuilt:
    """Build a lost day again. A damaged file is put aside; late facts of the day that are there stay.

    Args:
        store: tells what is left.
        find_pass: see FindPass.
        folder: of the facts.
        builder: makes facts.
        day: in Dhaka.
        now: seconds since 1970 UTC.

    Raises:
        QuestionError: the day is not over, or its file is there and whole.
        FactsError, StoreError, IssuerError: something can't be read or written.
    """
    if is_damaged(folder, day, now):
        path = day_path(folder, day.isoformat())
        path.replace(path.with_name(path.name + ".damaged"))
    done = write_again(store, find_pass, FolderParts(folder), builder, day)
    compact_day(folder, day)
    return done


def is_damaged(folder: Path, day: date, now: int) -> bool:
    """Return whether the file of a day can't be read; False where there is none, or one that was built again before.

    Raises:
        QuestionError: the day is not over, or its file is there and whole.
    """
    if day.isoformat() >= moment(now).day:
        raise QuestionError(f"{day} is not over; a day can be built again when it is")
    path = day_path(folder, day.isoformat())
    if not path.exists():
        return False
    try:
        with engine.connect() as db:
            notes = engine.file_notes(db, path)
    except FactsError:
        return True
    if notes.get(engine.REBUILT_KEY) != "1":
        raise QuestionError(f"the file of {day} is there and can be read; move it away if it shall be built again")
    return False


def write_again(store: StoryStore, find_pass: FindPass, parts: Parts, builder: FactBuilder, day: date) -> Rebuilt:
    """Write what is left of a day as one part.

    Raises:
        FactsError, StoreError, IssuerError: something can't be read or written.
    """
    begins = start_of_day((day - _EPOCH).days)
    found = [replace(fact, is_rebuilt=True) for fact in _facts(store, find_pass, builder, begins)]
    lines = lines_by_day(found)
    parts.write(day.isoformat(), REBUILT_PART, lines.get(day.isoformat(), b""))
    return Rebuilt(len(found), sum(fact.type == facts.FORGOTTEN for fact in found))


def _facts(store: StoryStore, find_pass: FindPass, builder: FactBuilder, begins: int) -> Iterator[Fact]:
    """Return the facts of a day, each once."""
    day = moment(begins).day
    made: dict[tuple[str, int], Fact] = {}
    for fact in _read_all(store, find_pass, builder, begins):
        if fact.day == day:
            made[fact.type, fact.event] = fact
    yield from made.values()


def _read_all(store: StoryStore, find_pass: FindPass, builder: FactBuilder, begins: int) -> Iterator[Fact]:
    """Read the log from where a day can have left anything, to its end, and return all facts of that."""
    size = store.log_size()
    since = begins - _LOOKBACK_DAYS * DAY_SECONDS
    first = next((n for n, leaf in enumerate(store.leaves(0, size)) if since <= _at_of(leaf)), size)
    for start in range(first, size, collecting.PART_POSITIONS):
        end = min(size, start + collecting.PART_POSITIONS)
        told: set[int] = set()
        for story in store.stories(start, end):
            told |= {builder.name(story.kept.number, event) for event in story.new}
            yield from builder.new_facts(story)
        for act in store.acts(start, end):
            yield from looked_facts(store, builder, act.position, act.text)
        events = (builder.name(*place) for place in store.leaf_events(start, end))
        for event, leaf in zip(events, store.leaves(start, end), strict=True):
            if event not in told:
                yield from _forgotten(event, leaf, find_pass)
    number = 0
    while waiting := store.waiting_since(number, collecting.PART_POSITIONS):
        yield from (builder.applied(kept) for kept in waiting)
        number = waiting[-1].number


def _at_of(leaf: str) -> int:
    """Return when a leaf was made, seconds since 1970 UTC; reading it as JSON takes ten times as long."""
    found = _AT.search(leaf)
    return int(found[1]) if found else 0


def _forgotten(event: int, leaf: str, find_pass: FindPass) -> Iterator[Fact]:
    """Return the facts that a leaf still proves when its application was deleted."""
    read = json.loads(leaf)
    if read["kind"] == DECISION:
        yield forgotten(event, read["at"])
    elif read["kind"] == ISSUANCE:
        yield from _forgotten_pass(event, read, find_pass)


def _forgotten_pass(event: int, leaf: dict[str, Any], find_pass: FindPass) -> Iterator[Fact]:
    """Return the facts that the ledger has of a pass whose application was deleted: issued, and revoked."""
    entry = find_pass(leaf["day"], leaf["index"])
    columns, begins, ends = _said(entry)
    name = "" if entry is None else entry.request_id
    kind = facts.REISSUED if request_of(name) != name else facts.ISSUED
    correction = request_of(name).rpartition(".")[2]
    if correction.isdecimal():
        columns["correction"] = int(correction)
    yield Fact.of(kind, event, leaf["at"], **columns, **(hours_of(begins, ends) if ends else {}))
    if entry is not None and entry.revoked_at is not None and kind == facts.ISSUED:
        taken = hours_of(max(begins, entry.revoked_at), ends) if ends else {}
        noted = {"at_s": entry.revoked_at + 1, "revision": 1}
        yield Fact.of(facts.REVOKED, event, entry.revoked_at, **columns, **taken, **noted)


def _said(entry: Entry | None) -> tuple[dict[str, Any], int, int]:
    """Return what a pass says of its trip, when it begins and when it ends; nothing once its payload is deleted."""
    if entry is None or not entry.text:
        return {}, 0, 0
    try:
        trip = decode_claims(open_text(entry.text).claims).trip
    except WireError:
        return {}, 0, 0
    reason = str(REASONS.key(trip.reason)) if isinstance(trip.reason, int) else OTHER_REASON
    places = {
        "from_district": DISTRICTS.key(trip.origin.district),
        "to_district": DISTRICTS.key(trip.destination.district),
    }
    return {"reason": reason, "lane": lane_of(trip.reason), **places}, trip.not_before, trip.not_after
