"""The decision log in DynamoDB: chunks of leaves in order, and the signed heads.

A chunk's sort key is the position of its first leaf, and it is written only if nothing is there. Whoever appends with
an old view of the log is refused, and reads again. So several may append, though one function does.
"""

import json
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any

from movepass_service.decisions.leaves import administration_leaf, decision_leaf, issuance_leaf
from movepass_service.decisions.records import make_administration
from movepass_service.errors import Busy, StoreError
from movepass_service.stores.dynamodb.document import Event
from movepass_service.stores.dynamodb.table import Item, Table, waits
from movepass_service.stores.store import Head, LoggedRecord

CHUNK_MAX = 500
"""Leaves in a chunk: about 60 KB."""
SKEW_SECONDS = 300
"""How far apart the clocks of functions may be."""
_LOG, _ADMIN, _HEAD, _OFFERED = "LOG", "ADMIN", "HEAD", "OFFERED"
_DIGITS = 12
_REMEMBERED_MAX = 400_000
"""Leaves whose places are kept in memory: some 100 MB."""
_BUSY_SECONDS = 2
Place = tuple[int, int]
"""Whose leaf: the number of the application, and of its event; (-1, position) for an act of administration."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some leaves in order.

    Attributes:
        start: position of the first one.
        at: when it was appended, seconds since 1970 UTC.
        leaves: their texts.
        places: whose each is.
    """

    start: int
    at: int
    leaves: tuple[str, ...]
    places: tuple[Place, ...]

    @property
    def end(self) -> int:
        """The position after the last one."""
        return self.start + len(self.leaves)

    def to_item(self) -> Item:
        """Write it as an item."""
        text = json.dumps({"leaves": self.leaves, "places": self.places}, separators=(",", ":"), ensure_ascii=False)
        return {"pk": _LOG, "sk": _sort(self.start), "at": self.at, "doc": zlib.compress(text.encode(), 9)}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Chunk":
        """Read an item."""
        read = json.loads(zlib.decompress(item["doc"]))
        places = tuple((number, seq) for number, seq in read["places"])
        return cls(int(item["sk"]), item["at"], tuple(read["leaves"]), places)


class Log:
    """Reads and appends. It remembers where the leaves are that it has read, from `_from` to the end."""

    def __init__(self, table: Table) -> None:
        """Take the table."""
        self._table = table
        self._positions: dict[Place, int] = {}
        self._issued: dict[tuple[int, int], tuple[int, Place]] = {}
        self._start = self._end = 0
        self._oldest_at: int | None = None
        self._newest: Chunk | None = None

    def size(self) -> int:
        """Count the leaves, those that others have appended too."""
        self._catch_up()
        return self._end

    def position(self, place: Place, at: int) -> int | None:
        """Return where a leaf is that was made at a time; None if it is in no chunk."""
        if place not in self._positions:  # a leaf that is there stays where it is
            self._catch_up()
        return self._position(place, at)

    def append(self, events: Iterable[tuple[int, Event]]) -> int:
        """Append the leaves of events that are in no chunk yet, by their application's number; returns how many."""
        wanted = {(number, event.seq): (number, event) for number, event in events}
        for wait in waits():
            unknown = {place: one for place, one in wanted.items() if place not in self._positions}
            if not unknown:
                return 0
            self._catch_up()
            new = [one for place, one in unknown.items() if self._position(place, one[1].at) is None]
            chunk = self._chunk(new[:CHUNK_MAX])
            if not chunk.leaves:
                return 0
            if self._table.put(chunk.to_item()):
                self._remember(chunk)
                return len(chunk.leaves)
            time.sleep(wait)
        raise Busy(_BUSY_SECONDS)

    def append_administration(
        self, document: Mapping[str, Any], now: int, more: Sequence[Mapping[str, Any]] = ()
    ) -> int:
        """Append the leaf of an act and keep its record, with other parts of one transaction; returns its position.

        Raises:
            Refused: a condition of the other parts does not hold.
        """
        record = make_administration(document, now)
        for wait in waits():
            position = self.size()
            chunk = Chunk(position, now, (administration_leaf(record.digest, now),), ((-1, position),))
            kept: Item = {"pk": _ADMIN, "sk": _sort(position), "salt": record.salt, "text": record.text}
            refused = self._table.transact([self._table.part(chunk.to_item()), self._table.part(kept), *more])
            if not refused:
                self._remember(chunk)
                return position
            if max(refused) > 1:
                raise Refused
            time.sleep(wait)
        raise Busy(_BUSY_SECONDS)

    def leaves(self, start: int, end: int) -> Iterator[str]:
        """Read the leaves from a position up to another one."""
        for chunk in self.chunks(start, end):
            yield from chunk.leaves[max(0, start - chunk.start) : end - chunk.start]

    def chunks(self, start: int, end: int) -> Iterator[Chunk]:
        """Read the chunks that hold leaves from a position up to another one."""
        if start >= end:
            return
        if self._newest and self._newest.start <= start and end <= self._newest.end:  # it never changes
            yield self._newest
            return
        first = next(self._back_from(start), None)
        for item in self._table.partition(_LOG, first=_sort(first.start if first else 0), last=_sort(end - 1)):
            yield Chunk.from_item(item)

    def administration(self, end: int, start: int = 0) -> Iterator[LoggedRecord]:
        """Read the records of acts from a position up to another one that are still kept."""
        for item in self._table.partition(_ADMIN, first=_sort(start), last=_sort(end - 1)) if end > start else ():
            yield LoggedRecord(int(str(item["sk"])), bytes(item["salt"]), str(item["text"]))  # type: ignore[arg-type]

    def last_administration(self, limit: int) -> list[LoggedRecord]:
        """Return the records of the last acts that are still kept, the newest first."""
        newest = islice(self._table.partition(_ADMIN, backwards=True), limit)
        return [LoggedRecord(int(str(item["sk"])), bytes(item["salt"]), str(item["text"])) for item in newest]  # type: ignore[arg-type]

    def issuance(self, day: int, index: int) -> tuple[int, Place] | None:
        """Look up the leaf of a pass, and whose it is. It may read the whole log."""
        self._catch_up()
        if (day, index) not in self._issued:
            self._look_back(0)
        return self._issued.get((day, index))

    def head(self) -> Head | None:
        """Return the newest signed head."""
        item = self._table.get(_HEAD)
        return None if item is None else _head(item)

    def add_head(self, head: Head) -> None:
        """Keep a signed head in place of the one before."""
        item: Item = {
            "pk": _HEAD, "sk": "-", "size": head.size, "note": head.note, "frontier": b"".join(head.frontier) or b"\0",
        }  # fmt: skip
        if not self._table.put(
            item, "attribute_not_exists(pk) OR #size <= :size", {":size": head.size}, {"#size": "size"}
        ):
            raise StoreError("a head of the decision log never covers less than one before it")

    def has_offered(self, note: str) -> bool:
        """Return whether a head is one that was to be published."""
        return self._table.get(_OFFERED, _digest(note)) is not None

    def offer(self) -> str | None:
        """Keep the newest head for ever, as it is about to be published, and return it."""
        head = self.head()
        if head is None:
            return None
        self._table.put({"pk": _OFFERED, "sk": _digest(head.note), "size": head.size, "note": head.note})
        return head.note

    def offered(self) -> list[tuple[int, str]]:
        """Return size and note of the heads that were published, the smallest first."""
        return sorted((int(item["size"]), str(item["note"])) for item in self._table.partition(_OFFERED))

    def _chunk(self, events: Sequence[tuple[int, Event]]) -> Chunk:
        """Write leaves in the order of their times; a pass whose approval has no leaf yet waits for the next chunk."""
        places: dict[Place, int] = {}
        leaves: list[str] = []
        for number, event in sorted(events, key=lambda one: (one[1].at, one[0], one[1].seq)):
            leaf = self._leaf(number, event, places)
            if leaf is not None:
                places[number, event.seq] = self._end + len(leaves)
                leaves.append(leaf)
        return Chunk(self._end, int(time.time()), tuple(leaves), tuple(places))

    def _leaf(self, number: int, event: Event, places: Mapping[Place, int]) -> str | None:
        if event.digest:
            return decision_leaf(bytes.fromhex(event.digest), event.at)
        place = (number, event.decision)
        decision = places[place] if place in places else self._position(place, event.decided_at)
        if decision is None:
            return None
        payload = bytes.fromhex(event.payload)
        return issuance_leaf(
            event.at, day=event.day, index=event.index, payload=payload, decision=decision, replaces=event.replaces
        )

    def _position(self, place: Place, at: int) -> int | None:
        if place not in self._positions:
            self._look_back(at - SKEW_SECONDS)
        return self._positions.get(place)

    def _catch_up(self) -> None:
        """Read the chunks that came since; a new reader begins with the last one."""
        if self._oldest_at is None:
            for chunk in self._back_from(None):
                self._start, self._end = chunk.start, chunk.start
                self._remember(chunk)
                return
            return
        for item in self._table.partition(_LOG, first=_sort(self._end)):
            self._remember(Chunk.from_item(item))

    def _look_back(self, at: int) -> None:
        """Read chunks before those that were read, until one that was appended before a time."""
        if self._start == 0 or self._oldest_at is None or self._oldest_at < at:
            return
        for chunk in self._back_from(self._start - 1):
            self._remember(chunk)
            if chunk.start == 0 or chunk.at < at:
                return

    def _back_from(self, position: int | None) -> Iterator[Chunk]:
        last = {} if position is None else {"last": _sort(position)}
        for item in self._table.partition(_LOG, backwards=True, **last):
            yield Chunk.from_item(item)

    def _remember(self, chunk: Chunk) -> None:
        if len(self._positions) > _REMEMBERED_MAX:  # what is needed again is read again
            self._positions.clear()
            self._issued.clear()
            self._start, self._oldest_at = chunk.end, None
        for at, (leaf, place) in enumerate(zip(chunk.leaves, chunk.places, strict=True), chunk.start):
            self._positions[place] = at
            if '"kind":"issuance"' in leaf:
                read = json.loads(leaf)
                self._issued[read["day"], read["index"]] = (at, place)
        if chunk.end >= self._end:
            self._newest = chunk
        self._start, self._end = min(self._start, chunk.start), max(self._end, chunk.end)
        self._oldest_at = chunk.at if self._oldest_at is None else min(self._oldest_at, chunk.at)


class Refused(Exception):  # noqa: N818 - a result, which the caller puts in words
    """A condition of a transaction does not hold."""


def _head(item: Mapping[str, Any]) -> Head:
    frontier = item["frontier"] if item["size"] else b""
    return Head(item["size"], item["note"], tuple(frontier[at : at + 32] for at in range(0, len(frontier), 32)))


def _sort(position: int) -> str:
    return f"{position:0{_DIGITS}}"


def _digest(note: str) -> str:
    return sha256(note.encode()).hexdigest()
