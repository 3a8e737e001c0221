"""The store in DynamoDB, for several functions at once: see the package for its items."""

import asyncio
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from movepass_keys.aws import Patience
from movepass_service.applications.application import Application
from movepass_service.applications.states import CORRECTABLE, OPEN, WAITING_FOR_OFFICER, State
from movepass_service.decisions.records import Decision, officer_of
from movepass_service.errors import Busy, ConflictingApplication, NotAllowed, StoreError, UnknownApplication
from movepass_service.stores.changes import count_passes, settle
from movepass_service.stores.desk import Draw, Guard
from movepass_service.stores.dynamodb import document as documents
from movepass_service.stores.dynamodb.accounts import DynamoDbAccounts
from movepass_service.stores.dynamodb.applications import BUSY_SECONDS, expiry
from movepass_service.stores.dynamodb.desk import DynamoDbDesk
from movepass_service.stores.dynamodb.document import CONTENT, STATE, Content, Document, kept_of, key, reference_of
from movepass_service.stores.dynamodb.persons import Person, claimed, hashes_of, past_passes
from movepass_service.stores.dynamodb.stories import DynamoDbStories
from movepass_service.stores.dynamodb.table import PATIENCE, Item, Key, Table, waits
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import (
    Counts,
    Decide,
    Draft,
    Head,
    Issued,
    LoggedRecord,
    Reissuable,
    Submitted,
    ToRevoke,
)

_KEYS, _RULES = "KEYS", "RULES"
_IN_FORCE = "-"
_KEY_BYTES = 32
_RULES_SECONDS, _PLACES_SECONDS = 5.0, 5.0
Found = tuple[Content, Document]
"""An application as it was read."""


class DynamoDbStore(DynamoDbAccounts, DynamoDbDesk, DynamoDbStories):
    """Keeps applications and decisions in one table; see stores.store.Store for what each method promises.

    The rules function calls `decide` with what the table's stream names, and the log's function `sequence`. Methods
    that look for work in the whole table (decide_next, approved, expire, forget, counts_by_state, issued_under) are
    for repairs and operators: their cost grows with the table.
    """

    def __init__(self, table: str, *, client: Any = None, patience: Patience = PATIENCE) -> None:
        """Use a table; nothing is read from it yet.

        Args:
            table: its name, or its ARN if it is in another AWS region than boto3 finds.
            client: boto3's; by default one for that region, with the credentials that boto3 finds.
            patience: how long a call may take.

        Raises:
            StoreError: the [aws] extra, the region or the credentials are missing.
        """
        super().__init__(Table(table, client=client, patience=patience))
        self._id_keys: dict[int, bytes] = {}
        self._rules: tuple[float, str | None] = (float("-inf"), None)
        self._places: tuple[float, Mapping[int, int]] = (float("-inf"), {})

    @staticmethod
    def create(table: str, *, client: Any, has_ttl: bool = True) -> None:
        """Make a table like the template's, for tests and trials; without TTL where a test's clock is in the past."""
        Table.create(table, client=client, has_ttl=has_ttl)

    async def submit(self, drafts: Sequence[Draft], now: int) -> list[Submitted]:
        """See Store."""
        return await asyncio.to_thread(self._submit, drafts, now)

    async def correct(self, reference: str, digest: bytes, application: Application, now: int) -> Submitted:
        """See Store."""
        return await asyncio.to_thread(self._correct, reference, digest, application, now)

    async def change(self, reference: str, decision: Decision, now: int) -> State:
        """See Store."""
        return await asyncio.to_thread(self.decide_case, reference, decision, now)

    def find(self, reference: str) -> Kept | None:
        """See Store."""
        found = self._read(reference)
        return None if found is None else kept_of(*found)

    def find_many(self, references: Sequence[str]) -> dict[str, Kept]:
        """Look up applications by their references; those that there are not are left out."""
        return {content.reference: kept_of(content, document) for content, document in self._both(references)}

    def decide(self, references: Iterable[str], decide: Decide, now: int) -> int:
        """Decide those of some applications that are received, in order of arrival; returns how many.

        Several functions may do so at once: a person's passes are counted and claimed in one conditional write.
        """
        contents, states = self._read_many(list(references))
        waiting = [(contents[name], state) for name, state in states.items() if state.state == State.RECEIVED]
        return self._decide_all(waiting, decide, now)

    def decide_next(self, limit: int, decide: Decide, now: int) -> int:
        """See Store. It reads the whole table."""
        waiting = sorted(self._received(), key=lambda one: one[0].number)[:limit]
        return self._decide_all(waiting, decide, now)

    def decide_case(
        self, reference: str, decision: Decision, now: int, *, guard: Guard | None = None, draw: Draw | None = None
    ) -> State:
        """See Store."""

        def change(content: Content, document: Document) -> Document | None:
            if guard is not None:
                self.check_token(document, guard.token)
            meant = settle(kept_of(content, document), decision, now)
            return None if meant is None else documents.decided(content, document, meant, now)

        def more(content: Content, before: Document, after: Document) -> list[Mapping[str, Any]]:
            return self.people(content, before, after, decision, now, guard, draw)

        return self._change(reference, change, more if officer_of(decision.actor) else None)[1].state

    def expire(self, decision: Decision, now: int, limit: int, *, among: Sequence[str] | None = None) -> int:
        """See Store. It reads the whole table, unless `among` names the applications to look at."""
        over = [one for one in self._looked(among) if one[1].state in OPEN and one[0].not_after <= now]
        done = 0
        for content, _ in sorted(over, key=lambda one: one[0].number)[:limit]:

            def change(content: Content, document: Document) -> Document | None:
                is_over = document.state in OPEN and content.not_after <= now
                return documents.decided(content, document, decision, now) if is_over else None

            before, after = self._change(content.reference, change)
            done += before.version != after.version
        return done

    def approved(self, limit: int, covered: int, *, among: Sequence[Found] | None = None) -> list[Kept]:
        """See Store. It reads the whole table, unless `among` are the applications to look at."""
        looked = self._all() if among is None else among
        approved = (one for one in looked if one[1].state == State.APPROVED)
        found = [one for one in approved if self._is_covered(*one, covered)]
        return [kept_of(*one) for one in sorted(found, key=lambda one: one[0].number)[:limit]]

    def record_issued(self, passes: Sequence[Issued], now: int, *, among: Sequence[Found] | None = None) -> None:
        """See Store; `among` are their applications, where they were read just now."""
        looked = self.look_up([reference_of(one.number) for one in passes]) if among is None else among
        found = {content.reference: (content, document) for content, document in looked}
        for one in passes:

            def change(_: Content, document: Document, one: Issued = one) -> Document:
                return documents.issued(document, one, now)

            name = reference_of(one.number)
            self._change(name, change, read=found.pop(name, None))

    def record_reissued(self, passes: Sequence[Issued], shown: Sequence[Issued], now: int) -> None:
        """See Store."""
        for number in dict.fromkeys(one.number for one in passes):

            def change(_: Content, document: Document, number: int = number) -> Document:
                for one in passes:
                    if one.number == number:
                        document = documents.logged(document, one, now)
                for one in shown:
                    if one.number == number:
                        document = documents.reissued(document, one)
                return document

            self._change(reference_of(number), change)

    def issued_under(self, kid: bytes, *, after: tuple[int, int, int], limit: int) -> list[Reissuable]:
        """See Store. It reads the whole table."""
        found = [
            Reissuable(content.number, one.correction, f"{content.reference}.{one.correction}", one.not_after)
            for content, document in self._all()
            for one in document.passes
            if one.kid == kid.hex()
        ]
        return sorted((one for one in found if one.place > after), key=lambda one: one.place)[:limit]

    def record_refused(self, kept: Kept, decision: Decision, now: int) -> None:
        """See Store."""

        def change(content: Content, document: Document) -> Document | None:
            is_it = (document.state, document.correction) == (State.APPROVED, kept.correction)
            return documents.decided(content, document, decision, now) if is_it else None

        self._change(kept.reference, change)

    def to_revoke(self, limit: int, *, among: Sequence[Found] | None = None) -> list[ToRevoke]:
        """See Store; `among` are the applications to look at."""
        if among is None:
            names = (str(item["pk"]).removeprefix("A#") for item in self._table.index("revocations", "revoke"))
            among = self.look_up(list(islice(names, limit)))
        return [
            ToRevoke(content.number, one.correction, f"{content.reference}.{one.correction}", one.number)
            for content, document in among
            for one in documents.to_revoke(document)
        ][:limit]

    def record_revoked(self, passes: Sequence[ToRevoke], now: int, unseen: Sequence[Issued] = ()) -> None:
        """See Store."""
        for seen in unseen:

            def note(_: Content, document: Document, one: Issued = seen) -> Document:
                return documents.noted(document, one, now)

            self._change(reference_of(seen.number), note)
        for one in passes:

            def change(_: Content, document: Document, correction: int = one.correction) -> Document:
                kept = (
                    replace(each, revoked_at=now) if each.correction == correction else each for each in document.passes
                )
                return replace(document, passes=tuple(kept))

            self._change(reference_of(one.number), change)

    def append_administration(self, document: Mapping[str, Any], now: int) -> int:
        """See Store."""
        return self._log.append_administration(document, now)

    def sequence(self, references: Iterable[str] | None = None) -> int:
        """Append the leaves of some applications to the log that are not in it yet; returns how many.

        Args:
            references: whose; None reads the whole table, as after the stream was out of reach for a day.
        """
        return self.append_leaves(list(self._looked(None if references is None else list(references))))

    def look_up(self, references: Sequence[str]) -> list[Found]:
        """Read applications by their references as this table keeps them; those that there are not are left out."""
        return list(self._both(references))

    def append_leaves(self, found: Sequence[Found]) -> int:
        """Append the leaves of applications to the log that are not in it yet; returns how many.

        Where passes were given back or taken away, what is kept of the person is brought up to date too.
        """
        for content, document in found:
            if any(one.ended_at is not None for one in document.passes):
                self._follow_person(content, None, document)  # whoever ended them may have been killed before
        events = [(content.number, event) for content, document in found for event in document.events]
        done = 0
        while added := self._log.append(events):
            done += added
        return done

    def follow(self, references: Sequence[str]) -> bool:  # noqa: ARG002
        """Bring other regions' copies of some applications up to date; returns whether it could."""
        return True

    def page(self, after: Key | None, limit: int) -> tuple[list[tuple[Content, Document]], Key | None]:
        """Read a part of the whole table: the applications in it, and where the next part begins; None at the end.

        Args:
            after: where the part before ended; None at the beginning.
            limit: how many items to look at; an application has two.
        """
        items, last = self._table.page("begins_with(pk, :a) AND sk = :c", {":a": "A#", ":c": CONTENT}, after, limit)
        return list(self._both([str(item["pk"]).removeprefix("A#") for item in items])), last

    def is_logged(self, content: Content, event: documents.Event) -> bool:
        """Return whether an event's leaf is in the log."""
        return self._log.position((content.number, event.seq), event.at) is not None

    def log_size(self) -> int:
        """See Store."""
        return self._log.size()

    def leaves(self, start: int, end: int) -> Iterator[str]:
        """See Store."""
        return self._log.leaves(start, end)

    def records(self, end: int, start: int = 0) -> Iterator[LoggedRecord]:
        """See Store."""
        acts = {record.position: record for record in self._log.administration(end, start)}
        for chunk in self._log.chunks(start, end):
            _, states = self._read_many([reference_of(number) for number, _ in chunk.places if number >= 0])
            for position, (number, seq) in enumerate(chunk.places, chunk.start):
                kept = states.get(reference_of(number)) if number >= 0 else None
                if position < start:
                    continue
                if position < end and kept:
                    records = (one for one in kept.records if one.seq == seq)
                    yield from (LoggedRecord(position, bytes.fromhex(one.salt), one.text) for one in records)
                elif position < end and position in acts:
                    yield acts[position]

    def issuance_leaves(self, passes: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """See Store."""
        found = ((one, self._log.issuance(*one)) for one in passes)
        return {one: leaf[0] for one, leaf in found if leaf}

    def newest_head(self) -> Head | None:
        """See Store."""
        return self._log.head()

    def add_head(self, head: Head) -> None:
        """See Store."""
        self._log.add_head(head)

    def has_offered(self, note: str) -> bool:
        """See Store."""
        return self._log.has_offered(note)

    def offer_head(self) -> str | None:
        """See Store."""
        return self._log.offer()

    def cases(self, limit: int) -> list[Kept]:
        """See Store."""
        contents, states = self._read_many([name for name, _ in self._waiting(limit)])
        found = [(contents[name], states[name]) for name in states if states[name].state in WAITING_FOR_OFFICER]
        return [kept_of(*one) for one in found]

    def places(self) -> Mapping[int, int]:
        """See Store."""
        made, places = self._places
        if time.monotonic() - made >= _PLACES_SECONDS:
            places = {number: place for place, (_, number) in enumerate(self._waiting(), 1)}
            self._places = (time.monotonic(), places)
        return places

    def received_before(self, number: int) -> int | None:  # noqa: ARG002
        """See Store. Nobody counts them here: the stream hands them over within seconds."""
        return None

    def history(self, number: int) -> list[dict[str, Any]]:
        """See Store."""
        return self.records_of(number)

    def counts_by_state(self) -> Mapping[State, int]:
        """See Store. It reads the whole table."""
        counts: dict[State, int] = {}
        for _, document in self._all():
            counts[document.state] = counts.get(document.state, 0) + 1
        return counts

    def id_key(self, week: int, oldest: int) -> bytes | None:
        """See Store."""
        if week < oldest:
            return None
        if week not in self._id_keys:
            self._table.put({"pk": _KEYS, "sk": f"{week:06}", "key": os.urandom(_KEY_BYTES)})
            item = self._table.get(_KEYS, f"{week:06}")
            if item is None:
                raise StoreError("the key of a week was deleted at this moment; ask again")
            self._id_keys[week] = bytes(item["key"])  # type: ignore[arg-type]
        return self._id_keys[week]

    def forget(self, now: int, oldest_week: int, limit: int, *, among: Sequence[str] | None = None) -> int:
        """See Store. It reads the whole table, unless `among` names the applications; TTL does the same within days."""
        for week in [week for week in self._id_keys if week < oldest_week]:
            del self._id_keys[week]
        for item in list(self._table.partition(_KEYS, last=f"{max(oldest_week - 1, 0):06}")):
            if int(str(item["sk"])) < oldest_week:
                self._table.delete(_KEYS, str(item["sk"]))
        due = [one for one in self._looked(among) if one[1].forget_at is not None and one[1].forget_at <= now][:limit]
        self.sequence([content.reference for content, _ in due])
        for content, document in due:
            self.forget_looks(document, content)
            for sk in (STATE, CONTENT):
                self._table.delete(key(content.reference), sk)
        return len(due)

    def add_rules(self, version: str, text: str, now: int, act: Mapping[str, Any] | None = None) -> None:
        """Put a rule set into force. One of this version that is kept already stays as it is."""
        kept: Item = {"pk": _RULES, "sk": f"v#{version}", "text": text, "at": now}
        pointer: Item = {"pk": _RULES, "sk": _IN_FORCE, "version": version, "at": now}
        if self.rules_text(version) is None:
            parts = [self._table.part(kept), self._table.part(pointer, None)]
            if act:
                self._log.append_administration(act, now, parts)
            else:
                self._table.transact(parts)
        self._rules = (float("-inf"), None)

    def rules_text(self, version: str) -> str | None:
        """Return a rule set's file, whether it is in force or not."""
        item = self._table.get(_RULES, f"v#{version}")
        return None if item is None else str(item["text"])

    def rules_in_force(self) -> str | None:
        """Return the version of the rules in force; it may be some seconds old."""
        read, version = self._rules
        if time.monotonic() - read >= _RULES_SECONDS:
            item = self._table.get(_RULES, _IN_FORCE)
            version = None if item is None else str(item["version"])
            self._rules = (time.monotonic(), version)
        return version

    def close(self) -> None:
        """See Store. There is nothing to close."""

    def _submit(self, drafts: Sequence[Draft], now: int) -> list[Submitted]:
        tried = [0] * len(drafts)
        for _ in range(sum(len(draft.references) for draft in drafts)):
            contents = [
                Content.of(
                    draft, draft.references[at], documents.number_for(draft.references[at], _micros()), len(drafts),
                    now, self.rules_in_force(),
                )
                for draft, at in zip(drafts, tried, strict=True)
            ]  # fmt: skip
            taken = self._put_contents(contents)
            if not taken:
                is_copied = self._copy_new(contents)
                return [Submitted(one.reference, State.RECEIVED, is_new=True, is_copied=is_copied) for one in contents]
            for place in taken:
                found = self._read(contents[place].reference)
                if found and found[0].client == contents[place].client:
                    return self._known(drafts)
                tried[place] += 1
                if tried[place] == len(drafts[place].references):
                    raise StoreError("no reference is free; this can't be chance")
        raise Busy(BUSY_SECONDS)

    def _copy_new(self, contents: Sequence[Content]) -> bool:  # noqa: ARG002
        """Copy new applications to other regions, where there are any; returns whether these have them."""
        return True

    def _put_contents(self, contents: Sequence[Content]) -> list[int]:
        """Write new contents, all or none; returns the places of those whose reference is taken."""
        if len(contents) == 1:
            return [] if self._table.put(contents[0].to_item()) else [0]
        names = [content.reference for content in contents]
        if again := [place for place, name in enumerate(names) if name in names[:place]]:
            return again
        return self._table.transact([self._table.part(content.to_item()) for content in contents])

    def _known(self, drafts: Sequence[Draft]) -> list[Submitted]:
        """Return the applications of a form that came before.

        Raises:
            ConflictingApplication: its content was another.
        """
        contents, states = self._read_many([name for draft in drafts for name in draft.references])
        same = []
        for draft in drafts:
            wanted = (draft.client, draft.part, draft.digest, len(drafts))
            for name in draft.references:
                kept = contents.get(name)
                if kept and (kept.client, kept.part, kept.digest, kept.parts) == wanted:
                    same.append(Submitted(name, states[name].state, is_new=False))
                    break
        if len(same) != len(drafts):
            raise ConflictingApplication("this id was used before, for another application")
        return same

    def _correct(self, reference: str, digest: bytes, application: Application, now: int) -> Submitted:
        for wait in waits():
            found = self._read(reference)
            if found is None:
                raise UnknownApplication("no application of this reference")
            content, document = found
            unchanged = application.canonical() == content.text and application.id_hash == content.id_hash
            # Rejected answers may be sent again as they are: a place may be free now that was not.
            is_again = document.correction_digest == digest.hex() and document.correction > 0
            if document.state != State.REJECTED and (is_again or unchanged):
                return Submitted(reference, document.state, is_new=False)
            if document.state not in CORRECTABLE:
                raise NotAllowed(f"an application that is {document.state} can't be corrected", document.state)
            new = replace(
                document, version=document.version + 1, state=State.RECEIVED, since=now,
                correction=document.correction + 1, correction_digest=digest.hex(), code=None, texts={}, row=None,
                forget_at=None, hold=None,
            )  # fmt: skip
            corrected = content.corrected(application, self.rules_in_force())
            refused = self._table.transact(
                [self._table.part(corrected.to_item(), "attribute_exists(pk)"), self._part(corrected, document, new)]
            )
            if not refused:
                self._follow_person(content, document, new)
                return Submitted(reference, State.RECEIVED, is_new=True)
            time.sleep(wait)
        raise Busy(BUSY_SECONDS)

    def _decide_all(self, waiting: Sequence[tuple[Content, Document]], decide: Decide, now: int) -> int:
        persons = self.persons(hash_ for content, _ in waiting for hash_ in hashes_of(content))
        in_order = sorted(waiting, key=lambda one: one[0].number)
        return sum(self._decide(*one, decide, now, persons) for one in in_order)

    def _decide(
        self, content: Content, document: Document, decide: Decide, now: int, persons: dict[bytes, Person]
    ) -> bool:
        """Count and claim a received application's place among its person's passes, and decide it.

        `persons` are as they were read; the next application of a batch finds them as they were written.
        """
        for wait in waits():
            if document.state != State.RECEIVED:
                return False
            own = [persons[hash_] for hash_ in hashes_of(content)]
            counts = self._count(content, document, own)
            new = documents.decided(content, document, decide(kept_of(content, document), counts), now)
            changed = [claimed(person, content, new, expiry(content)) for person in own]
            if all(self.put_person(person) for person in changed) and self._put(content, document, new):
                persons |= {person.hash: replace(person, version=person.version + 1) for person in changed}
                return True
            time.sleep(wait)
            found = self._read(content.reference)  # somebody was faster with it, or with the person
            if found is None:
                return False
            content, document = found
            persons |= self.persons(hashes_of(content))
        raise Busy(BUSY_SECONDS)

    @staticmethod
    def _count(content: Content, document: Document, persons: Sequence[Person]) -> Counts | None:
        if content.id_hash is None:
            return None
        own = (content.number, document.correction)
        past = [one for one in past_passes(persons, content) if (one.number, one.correction) != own]
        return count_passes(past, kept_of(content, document))

    def _is_covered(self, content: Content, document: Document, covered: int) -> bool:
        """Return whether the decision that approved it is among the first leaves of the log."""
        for one in document.passes:
            if one.correction == document.correction:
                at = document.events[one.decision].at
                position = self._log.position((content.number, one.decision), at)
                return position is not None and position < covered
        return False

    def _waiting(self, limit: int | None = None) -> list[tuple[str, int]]:
        """Return reference and number of cases, urgent ones first, then in order of arrival: the first, or all."""
        found = []
        for item in self._table.index("cases", "case", limit):
            urgency, number = str(item["cases_order"]).split("#")
            found.append((urgency, int(number)))
        return [(reference_of(number), number) for _, number in sorted(found)]

    def _received(self) -> Iterator[tuple[Content, Document]]:
        return (one for one in self._all() if one[1].state == State.RECEIVED)

    def _looked(self, among: Sequence[str] | None) -> Iterator[tuple[Content, Document]]:
        return self._all() if among is None else self._both(among)

    def _all(self) -> Iterator[tuple[Content, Document]]:
        """Read every application: the whole table."""
        names = [
            str(item["pk"]).removeprefix("A#")
            for item in self._table.scan("begins_with(pk, :a) AND sk = :c", {":a": "A#", ":c": CONTENT})
        ]
        yield from self._both(names)

    def _both(self, references: Sequence[str]) -> Iterator[tuple[Content, Document]]:
        contents, states = self._read_many(references)
        return ((contents[name], states[name]) for name in states)


def _micros() -> int:
    return time.time_ns() // 1000
