"""A person's passes and applications of a week, under the keyed hash of the identity number. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from movepass_service.applications.application import split_hash
from movepass_service.canonical import canonical_json
from movepass_service.stores.changes import PastPass
from movepass_service.stores.dynamodb.document import Content, Document, KeptPass, counting
from movepass_service.stores.dynamodb.table import Item

Row = list[Any]
"""correction, whether the hash is of its week of travel, travel day, begin, end, when it ended or None."""


@dataclass(frozen=True, slots=True)
class Person:
    """What one hash stands for.

    Attributes:
        hash: the keyed hash.
        version: counts changes.
        applications: by number, the passes of each application of this person that was decided.
        expires: when the item may go, seconds since 1970 UTC.
    """

    hash: bytes
    version: int
    applications: Mapping[int, tuple[Row, ...]]
    expires: int = 0

    @classmethod
    def from_item(cls, hash_: bytes, item: Mapping[str, Any] | None) -> "Person":
        """Read an item; None stands for nobody yet."""
        if item is None:
            return cls(hash_, 0, {})
        read = json.loads(item["doc"])
        return cls(hash_, item["v"], {int(number): tuple(rows) for number, rows in read.items()}, item["expires"])

    def to_item(self) -> Item:
        """Write it as an item of the next version."""
        text = canonical_json({str(number): list(rows) for number, rows in self.applications.items()})
        return {"pk": key(self.hash), "sk": "-", "v": self.version + 1, "doc": text, "expires": self.expires}

    def with_application(self, number: int, passes: Iterable[KeptPass], expires: int) -> "Person":
        """Return it with an application's passes as they are by now."""
        rows = tuple(_row(one, self.hash) for one in passes)
        return Person(self.hash, self.version, {**self.applications, number: rows}, max(expires, self.expires))

    def passes(self, *, of_week_only: bool = False) -> list[PastPass]:
        """Return its passes; of another week's hash only those that belong to that week."""
        return [
            PastPass(number, correction, bool(of_week), *rest)
            for number, rows in self.applications.items()
            for correction, of_week, *rest in rows
            if of_week or not of_week_only
        ]


def key(hash_: bytes) -> str:
    """Return the partition key of a person."""
    return f"P#{hash_.hex()}"


def hashes_of(content: Content) -> list[bytes]:
    """Return the hashes under which an application's person is kept: one, or two at a week's border."""
    return [one for one in split_hash(content.id_hash) if one]


def are_of_one_week(one: Content, other: Content) -> bool:
    """Return whether two applications are of one person, and their trips reach into the week of either's beginning."""
    (first, *_), (others_first, *_) = hashes_of(one) or [b""], hashes_of(other) or [b""]
    return others_first in hashes_of(one) or first in hashes_of(other)


def past_passes(persons: Iterable[Person], content: Content) -> list[PastPass]:
    """Return the passes that count beside an application: of its week, and of the one that it reaches into."""
    first, _ = split_hash(content.id_hash)
    found: dict[tuple[int, int], PastPass] = {}
    for person in persons:
        is_first = person.hash == first
        for one in person.passes(of_week_only=not is_first):
            is_of_week = one.is_of_week and is_first
            found.setdefault((one.number, one.correction), replace(one, is_of_week=is_of_week))
    return list(found.values())


def claimed(person: Person, content: Content, document: Document, expires: int) -> Person:
    """Return a person with the passes of an application as its document has them."""
    return person.with_application(content.number, counting(document), expires)


def count_alike(one: Document, other: Document) -> bool:
    """Return whether two states of an application have the same passes that count."""
    first, second = (
        [(*_row(kept, b""), kept.person, kept.after) for kept in counting(state)] for state in (one, other)
    )
    return first == second


def _row(one: KeptPass, hash_: bytes) -> Row:
    return [
        one.correction, int(one.person == hash_.hex()), one.travel_day, one.not_before, one.not_after, one.ended_at
    ]  # fmt: skip
