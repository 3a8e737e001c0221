"""The desk's part of the store in DynamoDB: holds, notes, approvals, second looks and named values."""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from movepass_service.applications.states import WAITING_FOR_OFFICER, State
from movepass_service.canonical import canonical_json
from movepass_service.decisions.records import Decision, officer_of
from movepass_service.errors import UnknownApplication
from movepass_service.stores.desk import (
    Changed,
    Draw,
    Guard,
    Hold,
    Note,
    SecondLook,
    TooManyApprovals,
)
from movepass_service.stores.dynamodb.applications import Applications, Change, order_of
from movepass_service.stores.dynamodb.document import (
    Content,
    Document,
    KeptHold,
    kept_of,
    reference_of,
)
from movepass_service.stores.dynamodb.log import Log, Refused
from movepass_service.stores.dynamodb.persons import are_of_one_week, hashes_of
from movepass_service.stores.dynamodb.table import NO_SORT, Item, Table, Value
from movepass_service.stores.kept import Kept
from movepass_wire.times import DAY_SECONDS

_PEOPLE, _CLOCK = "PEOPLE", "CLOCK"
_PEOPLE_DAYS = 2
_TIME_DIGITS = 12
_SEQ_BITS = 16


class DynamoDbDesk(Applications):
    """See stores.desk.DeskStore for what each method promises."""

    def __init__(self, table: Table) -> None:
        """Take the table."""
        super().__init__(table)
        self._log = Log(table)

    def hold(self, number: int) -> Hold | None:
        """See DeskStore."""
        found = self._found(number)
        return None if found is None else _hold(*found)

    def holds(self, limit: int) -> list[Hold]:
        """See DeskStore."""
        names = [str(item["pk"]).removeprefix("A#") for item in self._table.index("holds", "hold")]
        contents, states = self._read_many(names[:limit])
        found = (_hold(contents[name], states[name]) for name in states)
        return [hold for hold in found if hold is not None]

    def put_hold(self, hold: Hold, found: str | None, *, delete: bool = False, note: Note | None = None) -> str:
        """See DeskStore."""
        token = secrets.token_hex(8)  # not a count: a hold that ended and one made since must differ

        def change(_: Content, document: Document) -> Document:
            waits_for_one = document.state in WAITING_FOR_OFFICER and document.correction == hold.correction
            if not delete and not waits_for_one:
                raise Changed("the application waits for no officer, or was corrected meanwhile")
            self.check_token(document, found)
            notes = (*document.notes, note) if note else document.notes
            kept = None if delete else KeptHold(token, hold.officer, hold.until, hold.proposal)
            return replace(document, hold=kept, notes=notes)

        self._change_known(hold.number, change)
        return "" if delete else token

    def same_person(self, kept: Kept, limit: int) -> list[Kept]:
        """See DeskStore."""
        found = self._read(kept.reference)
        if found is None or found[0].id_hash is None:
            return []
        hashes = hashes_of(found[0])
        numbers = {number for hash_ in hashes for number in self.person(hash_).applications} - {kept.number}
        contents, states = self._read_many([reference_of(number) for number in sorted(numbers, reverse=True)])
        same = [name for name in states if are_of_one_week(found[0], contents[name])]
        return [kept_of(contents[name], states[name]) for name in same[:limit]]

    def add_note(self, number: int, note: Note, limit: int) -> None:
        """See DeskStore."""

        def change(_: Content, document: Document) -> Document:
            if len(document.notes) >= limit:
                raise Changed(f"it has {limit} notes already")
            return replace(document, notes=(*document.notes, note))

        self._change_known(number, change)

    def notes(self, number: int) -> list[Note]:
        """See DeskStore."""
        found = self._found(number)
        return list(found[1].notes) if found else []

    def approvals_since(self, officer: str, at: int) -> int:
        """See DeskStore."""
        return self._table.count(_by(officer), first=_time(at))

    def decided_by_people_since(self, at: int) -> int:
        """See Store."""
        return self._table.count(_PEOPLE, first=_time(at))

    def second_looks(self, outcomes: Sequence[str], limit: int) -> list[SecondLook]:
        """See DeskStore."""
        found = []
        for outcome in dict.fromkeys(outcomes):
            keys = [(str(item["pk"]), NO_SORT) for item in self._table.index("looks", outcome)]
            found += [_look(item) for item in self._table.get_many(keys).values() if item["looks_key"] == outcome]
        return sorted(found, key=lambda look: (look.at, look.decision))[:limit]

    def second_look(self, decision: int) -> SecondLook | None:
        """See DeskStore."""
        item = self._table.get(_look_key(decision))
        return None if item is None else _look(item)

    def put_second_look(self, look: SecondLook, found: str, now: int, act: Mapping[str, Any] | None = None) -> None:
        """See DeskStore."""
        part = self._table.part(_look_item(look), "looks_key = :found", {":found": found})
        self._write_with_act(part, now, act)

    def find_pass(self, day: int, index: int) -> Kept | None:
        """See DeskStore. It may read the whole log."""
        leaf = self._log.issuance(day, index)
        found = None if leaf is None else self._found(leaf[1][0])
        return None if found is None else kept_of(*found)

    def note(self, name: str, value: bytes) -> None:
        """Keep a value of the service's own under a name, in place of an earlier one."""
        self._table.replace({"pk": _meta(name), "sk": NO_SORT, "value": value})

    def noted(self, name: str) -> bytes | None:
        """See DeskStore."""
        item = self._table.get(_meta(name))
        return None if item is None else bytes(item["value"])  # type: ignore[arg-type]

    def replace_noted(
        self, name: str, found: bytes | None, value: bytes, now: int, act: Mapping[str, Any] | None = None
    ) -> None:
        """See DeskStore."""
        item: Item = {"pk": _meta(name), "sk": NO_SORT, "value": value}
        if found is None:
            part = self._table.part(item)
        else:
            part = self._table.part(item, "#value = :found", {":found": found}, {"#value": "value"})
        self._write_with_act(part, now, act)

    def advance_clock(self, now: int) -> int:
        """See DeskStore."""
        item: Item = {"pk": _CLOCK, "sk": NO_SORT, "now": now}
        if self._table.put(item, "attribute_not_exists(pk) OR #now < :now", {":now": now}, {"#now": "now"}):
            return now
        kept = self._table.get(_CLOCK)
        return int(kept["now"]) if kept else now

    def records_of(self, number: int) -> list[dict[str, Any]]:
        """Return the records of all decisions about an application, the first one at the beginning."""
        found = self._found(number)
        return [json.loads(record.text) for record in found[1].records] if found else []

    def check_token(self, document: Document, found: str | None) -> None:
        """Check that a case has the hold that was found.

        Raises:
            Changed: it has another one, or none.
        """
        if (None if document.hold is None else document.hold.token) != found:
            raise Changed("somebody was quicker")

    def people(  # noqa: PLR0913, PLR0917 - what a decision of a person is made of
        self, content: Content, before: Document, after: Document, decision: Decision, now: int,
        guard: Guard | None, draw: Draw | None,
    ) -> list[Mapping[str, Any]]:  # fmt: skip
        """Return what else is written with an officer's decision: it counts, and an approval may be looked at again.

        Raises:
            TooManyApprovals: the officer has made as many as the guard allows.
        """
        officer = officer_of(decision.actor) or ""
        seq = len(after.events) - 1
        sort, expires = f"{_time(now)}#{content.reference}#{seq}", now + _PEOPLE_DAYS * DAY_SECONDS
        parts: list[Mapping[str, Any]] = [self._table.part({"pk": _PEOPLE, "sk": sort, "expires": expires}, None)]
        if after.state != State.APPROVED or before.state == State.APPROVED:
            return parts
        if decision.proposed_by is None:
            parts += self._approval(officer, sort, expires, guard)
        if draw is not None and draw(bytes.fromhex(after.events[seq].digest)):
            proposer = None if decision.proposed_by is None else officer_of(decision.proposed_by)
            id_ = content.number << _SEQ_BITS | seq
            parts.append(self._table.part(_look_item(SecondLook(id_, content.reference, officer, proposer, now))))
        return parts

    def forget_looks(self, document: Document, content: Content) -> None:
        """Delete the second looks of an application that is forgotten."""
        for record in document.records:
            if officer_of(json.loads(record.text)["actor"]) is not None:  # no other decision is ever drawn
                self._table.delete(_look_key(content.number << _SEQ_BITS | record.seq))

    def _approval(self, officer: str, sort: str, expires: int, guard: Guard | None) -> Iterable[Mapping[str, Any]]:
        """Count an approval; the officer's item has a version, so that two at once can't both be the last one."""
        counter = self._table.get(_by(officer))
        version = int(counter["v"]) if counter else 0
        if guard is not None and guard.approvals_max is not None:
            made = self.approvals_since(officer, guard.since)
            if made >= guard.approvals_max:
                raise TooManyApprovals(f"{made} approvals in the last hour; one more needs a second officer")
        condition = "v = :v" if version else "attribute_not_exists(pk)"
        values: dict[str, Value] = {":v": version} if version else {}
        yield self._table.part({"pk": _by(officer), "sk": NO_SORT, "v": version + 1}, condition, values)
        yield self._table.part({"pk": _by(officer), "sk": sort, "expires": expires}, None)

    def _write_with_act(self, part: Mapping[str, Any], now: int, act: Mapping[str, Any] | None) -> None:
        try:
            if act is None:
                if self._table.transact([part]):
                    raise Refused
            else:
                self._log.append_administration(act, now, [part])
        except Refused as e:
            raise Changed("somebody was quicker") from e

    def _found(self, number: int) -> tuple[Content, Document] | None:
        found = self._read(reference_of(number))
        return found if found and found[0].number == number else None

    def _change_known(self, number: int, change: Change) -> None:
        try:
            self._change(reference_of(number), change)
        except UnknownApplication as e:
            raise Changed("the application is there no longer") from e


def _hold(content: Content, document: Document) -> Hold | None:
    kept = document.hold
    if kept is None:
        return None
    return Hold(
        content.number, kept.officer, kept.until, kept.proposal, kept.token, content.reference, document.correction
    )


def _look_item(look: SecondLook) -> Item:
    return {
        "pk": _look_key(look.decision), "sk": NO_SORT, "looks_key": look.outcome,
        "looks_order": f"{_time(look.at)}#{order_of(look.decision)}", "doc": canonical_json(asdict(look)),
    }  # fmt: skip


def _look(item: Item) -> SecondLook:
    return SecondLook(**json.loads(str(item["doc"])))


def _look_key(decision: int) -> str:
    return f"LOOK#{decision}"


def _by(officer: str) -> str:
    return f"BY#{officer}"


def _meta(name: str) -> str:
    return f"META#{name}"


def _time(at: int) -> str:
    return f"{at:0{_TIME_DIGITS}}"
