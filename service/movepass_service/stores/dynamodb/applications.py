"""Reading applications, and changing one by a conditional write: what the store and its desk share."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from movepass_service.applications.states import WAITING_FOR_OFFICER
from movepass_service.errors import Busy, UnknownApplication
from movepass_service.rules.columns import week_of
from movepass_service.stores.dynamodb.document import (
    CONTENT,
    STATE,
    Content,
    Document,
    key,
    to_revoke,
)
from movepass_service.stores.dynamodb.persons import Person, claimed, count_alike, hashes_of
from movepass_service.stores.dynamodb.persons import key as person_key
from movepass_service.stores.dynamodb.table import NO_SORT, Item, Key, Table, Value, waits
from movepass_wire.times import DAY_SECONDS

BUSY_SECONDS = 2
_NUMBER_DIGITS = 36
_TTL_DAYS = 2
"""Days after its time that TTL may delete an application: until then `forget` does."""
Change = Callable[[Content, Document], Document | None]
"""Returns the state to write, or None where there is nothing to change; it may be called again."""
More = Callable[[Content, Document, Document], Sequence[Mapping[str, Any]]]
"""Returns what else to write in one transaction."""


class Applications:
    """The applications of one table."""

    def __init__(self, table: Table) -> None:
        """Take the table."""
        self._table = table

    def person(self, hash_: bytes) -> Person:
        """Read what is kept of a person's week."""
        return self.persons([hash_])[hash_]

    def persons(self, hashes: Iterable[bytes]) -> dict[bytes, Person]:
        """Read what is kept of several persons' weeks, by their hash."""
        wanted = list(dict.fromkeys(hashes))
        found = self._table.get_many([(person_key(hash_), NO_SORT) for hash_ in wanted])
        return {hash_: Person.from_item(hash_, found.get((person_key(hash_), NO_SORT))) for hash_ in wanted}

    def put_person(self, person: Person) -> bool:
        """Write what is kept of a person's week, unless somebody was faster; returns whether it is written."""
        condition = "attribute_not_exists(pk)" if person.version == 0 else "v = :v"
        values: dict[str, Value] = {":v": person.version} if person.version else {}
        return self._table.put(person.to_item(), condition, values)

    def _read(self, reference: str) -> tuple[Content, Document] | None:
        contents, states = self._read_many([reference])
        return (contents[reference], states[reference]) if reference in contents else None

    def _read_many(self, references: Sequence[str]) -> tuple[dict[str, Content], dict[str, Document]]:
        """Read applications: their contents and states by reference, in the order that was asked for."""
        keys = [(key(name), sk) for name in references for sk in (CONTENT, STATE)]
        found = self._table.get_many([*keys, *self._other_keys(references)])
        contents, states = {}, {}
        for name in dict.fromkeys(references):
            content = found.get((key(name), CONTENT))
            if content and self._is_own(name, found):
                state = found.get((key(name), STATE))
                contents[name] = Content.from_item(content)
                states[name] = Document.from_bytes(state["doc"]) if state else Document()  # type: ignore[arg-type]
        return contents, states

    def _other_keys(self, references: Sequence[str]) -> Sequence[Key]:  # noqa: ARG002
        """Return what else is read with applications, for `_is_own`."""
        return ()

    def _is_own(self, reference: str, found: Mapping[Key, Item]) -> bool:  # noqa: ARG002
        """Return whether an application that is in this table is this store's, by what was read with it."""
        return True

    def _change(
        self, reference: str, change: Change, more: More | None = None, *, read: tuple[Content, Document] | None = None
    ) -> tuple[Document, Document]:
        """Change an application; returns its state before and after.

        Args:
            reference: the application's.
            change: what to change.
            more: what else to write.
            read: the application, where it was read just now.

        Raises:
            UnknownApplication: there is none.
            Busy: others changed it again and again.
        """
        for wait in waits():
            found, read = read or self._read(reference), None
            if found is None:
                raise UnknownApplication("no application of this reference")
            content, before = found
            changed = change(content, before)
            if changed is None or changed == before:
                return before, before
            after = replace(changed, version=before.version + 1)
            parts = more(content, before, after) if more else ()
            if self._put(content, before, after, parts):
                self._follow_person(content, before, after)
                return before, after
            time.sleep(wait)
        raise Busy(BUSY_SECONDS)

    def _put(self, content: Content, before: Document, after: Document, more: Sequence[Mapping[str, Any]] = ()) -> bool:
        """Write a state in place of the one that was read, unless somebody was faster; returns whether it did."""
        item = state_item(content, replace(after, version=before.version + 1))
        if more:
            return not self._table.transact([self._part(content, before, after), *more])
        return self._table.put(item, _unchanged(before), _version(before))

    def _part(self, content: Content, before: Document, after: Document) -> dict[str, Any]:
        item = state_item(content, replace(after, version=before.version + 1))
        return self._table.part(item, _unchanged(before), _version(before))

    def _follow_person(self, content: Content, before: Document | None, after: Document) -> None:
        """Bring what is kept of its person up to date where the passes that count have changed.

        A function that is killed in between leaves the passes of before: too many, never too few. `before` is None
        where it is not known whether they have changed.
        """
        if before is not None and count_alike(before, after):
            return
        expires = expiry(content)
        for hash_ in hashes_of(content):
            for wait in waits():
                person = self.person(hash_)
                changed = claimed(person, content, after, expires)
                if changed.applications == person.applications or self.put_person(changed):
                    break
                time.sleep(wait)


def expiry(content: Content) -> int:
    """Return when what is kept of a person's week may go: its key has gone before."""
    return (week_of(content.not_after // DAY_SECONDS) + 3) * 7 * DAY_SECONDS


def order_of(number: int) -> str:
    """Return a sort key in the order of numbers."""
    return f"{number:0{_NUMBER_DIGITS}}"


def _unchanged(before: Document) -> str:
    return "v = :v" if before.version else "attribute_not_exists(pk)"


def _version(before: Document) -> dict[str, Value]:
    return {":v": before.version} if before.version else {}


def state_item(content: Content, document: Document) -> Item:
    """Write a state as an item, in the indexes that it belongs to."""
    item: Item = {"pk": key(content.reference), "sk": STATE, "v": document.version, "doc": document.to_bytes()}
    if document.forget_at is not None:
        item["expires"] = document.forget_at + _TTL_DAYS * DAY_SECONDS
    order = order_of(content.number)
    if document.state in WAITING_FOR_OFFICER:
        item |= {"cases_key": "case", "cases_order": f"{0 if content.is_urgent else 1}#{order}"}
    if document.hold is not None:
        item |= {"holds_key": "hold", "holds_order": order}
    if any(to_revoke(document)):
        item |= {"revocations_key": "revoke", "revocations_order": order}
    return item
