"""Which region an application belongs to, and the copies that another region keeps of it. Pure, but for HomeItems.

    HOME#REFERENCE   -            which region is the home, since which adoption, and the application as it was there
    UNCOPIED         REFERENCE    an application that another region has no copy of yet, and the version of its state
    STRAYS           PASS NUMBER  a pass of this region's whose application another region has adopted

A region's own application needs no item of the first kind: without one, the region that has it is its home.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from movepass_service.stores.dynamodb.document import Content, Document, key
from movepass_service.stores.dynamodb.table import NO_SORT, Item, Key, Table, Value
from movepass_wire.times import DAY_SECONDS

_HOME, _UNCOPIED, _STRAYS = "HOME#", "UNCOPIED", "STRAYS"
_KEPT_DAYS = 12
"""Days after the end of its trip that TTL may delete a copy."""


@dataclass(frozen=True, slots=True)
class Home:
    """An application as a region keeps it for another, or for itself once it has adopted it.

    Attributes:
        region: number of the home.
        epoch: how often it was adopted.
        content: what was asked for.
        document: its state when it was copied.
    """

    region: int
    epoch: int
    content: Content
    document: Document

    @property
    def reference(self) -> str:
        """The application's."""
        return self.content.reference

    @property
    def rank(self) -> tuple[int, int]:
        """By which of two homes the right one is the higher."""
        return self.epoch, -self.region

    def adopted_by(self, region: int) -> "Home":
        """Return it with another home."""
        return replace(self, region=region, epoch=self.epoch + 1)

    def to_item(self) -> Item:
        """Write it as an item."""
        return self.content.to_item() | {
            "pk": name_of(self.reference), "sk": NO_SORT, "home": self.region, "epoch": self.epoch,
            "v": self.document.version, "doc": self.document.to_bytes(),
            "expires": self.content.not_after + _KEPT_DAYS * DAY_SECONDS,
        }  # fmt: skip

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Home":
        """Read an item."""
        content = Content.from_item({**item, "pk": key(item["pk"].removeprefix(_HOME))})
        return cls(item["home"], item["epoch"], content, Document.from_bytes(item["doc"]))


@dataclass(frozen=True, slots=True)
class Stray:
    """A pass whose application another region has adopted: it must be revoked, by its number alone.

    Attributes:
        pass_number: "A1B-2C3-D4E".
        request_id: the issuer's name for it, under which the other region may have a pass of its own.
    """

    pass_number: str
    request_id: str


def name_of(reference: str) -> str:
    """Return the partition key of an application's home."""
    return f"{_HOME}{reference}"


def uncopied_key(reference: str) -> Key:
    """Return the key of the note that another region has no copy of an application."""
    return _UNCOPIED, reference


def is_given_up(home: Home | None, region: int) -> bool:
    """Return whether an application that a region has of its own belongs to another region by now."""
    return home is not None and home.region != region and home.rank > (0, -region)


class HomeItems:
    """Reads and writes these items in one region's table."""

    def __init__(self, table: Table) -> None:
        """Take the table."""
        self._table = table

    def find(self, references: Sequence[str]) -> dict[str, Home]:
        """Read the homes of some applications, by reference; most have none."""
        found = self._table.get_many([(name_of(reference), NO_SORT) for reference in references])
        return {home.reference: home for home in map(Home.from_item, found.values())}

    def put(self, home: Home) -> None:
        """Write a home, unless a later one is there."""
        values: dict[str, Value] = {":epoch": home.epoch, ":home": home.region, ":v": home.document.version}
        self._table.put(
            home.to_item(),
            "attribute_not_exists(pk) OR epoch < :epoch OR (epoch = :epoch AND home > :home) "
            "OR (epoch = :epoch AND home = :home AND v < :v)",
            values,
        )

    def part(self, home: Home, before: Home) -> dict[str, Any]:
        """Return the part of a transaction that writes a home over the one that was found."""
        values: dict[str, Value] = {":epoch": before.epoch, ":home": before.region}
        return self._table.part(home.to_item(), "epoch = :epoch AND home = :home", values)

    def of_region(self, region: int) -> Iterator[Home]:
        """Read the applications whose home is a region: the whole table, for the day when one is lost."""
        values: dict[str, Value] = {":prefix": _HOME, ":home": region}
        for item in self._table.scan("begins_with(pk, :prefix) AND home = :home", values):
            yield Home.from_item(item)

    def elsewhere(self, region: int) -> Iterator[Home]:
        """Read the applications whose home is another region: the whole table."""
        values: dict[str, Value] = {":prefix": _HOME, ":home": region}
        for item in self._table.scan("begins_with(pk, :prefix) AND home <> :home", values):
            yield Home.from_item(item)

    def note_uncopied(self, reference: str, version: int) -> None:
        """Note that another region has no copy of an application whose state has this version, or a later one."""
        item: Item = {"pk": _UNCOPIED, "sk": reference, "v": version}
        self._table.put(item, "attribute_not_exists(v) OR v < :v", {":v": version})

    def uncopied(self) -> Iterator[str]:
        """Read the references of which another region has no copy."""
        return (str(item["sk"]) for item in self._table.partition(_UNCOPIED))

    def is_uncopied(self, reference: str) -> bool:
        """Return whether another region has no copy of an application."""
        return self._table.get(_UNCOPIED, reference) is not None

    def copied(self, reference: str, version: int) -> None:
        """Note that the other regions have a copy of this version; a note of a later one stays."""
        self._table.delete(_UNCOPIED, reference, "attribute_not_exists(v) OR v <= :v", {":v": version})

    def note_stray(self, pass_number: str, request_id: str) -> None:
        """Note a pass that must be revoked; one that was settled stays so."""
        self._table.put({"pk": _STRAYS, "sk": pass_number, "request_id": request_id, "is_open": 1})

    def strays(self) -> Iterator[Stray]:
        """Read the passes that must be revoked."""
        for item in self._table.partition(_STRAYS):
            if item["is_open"]:
                yield Stray(str(item["sk"]), str(item["request_id"]))

    def settle_stray(self, stray: Stray, now: int) -> None:
        """Note that a pass was revoked; TTL deletes the note once the pass is over in any case."""
        self._table.replace({
            "pk": _STRAYS, "sk": stray.pass_number, "request_id": stray.request_id, "is_open": 0,
            "expires": now + _KEPT_DAYS * DAY_SECONDS,
        })  # fmt: skip
