"""The store of one of several regions that serve applicants at once; docs/regions.md says how they work together."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from movepass_keys.aws import Patience
from movepass_service.applications.application import Application
from movepass_service.applications.states import OPEN, State
from movepass_service.decisions.records import Decision
from movepass_service.errors import Busy, ConflictingApplication, ServiceError, StoreError
from movepass_service.stores.desk import Draw, Guard
from movepass_service.stores.dynamodb.applications import state_item
from movepass_service.stores.dynamodb.document import CONTENT, STATE, Content, Document, kept_of, key, reference_of
from movepass_service.stores.dynamodb.homes import Home, HomeItems, Stray, is_given_up, name_of, uncopied_key
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.dynamodb.table import NO_SORT, Item, Key
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Draft, Issued, Submitted

HURRY = Patience(deadline=3, connect=1, read=2, backoff_first=0.1, backoff_max=0.5)
"""With another region's table, while an applicant waits."""
LOST_SECONDS = 30.0
"""A region that did not answer is not asked again for so long."""
_T = TypeVar("_T")


class LostError(ServiceError):
    """Another region can't be reached."""


class Neighbour:
    """Another region's store, which is not asked for a while after it did not answer."""

    def __init__(self, number: int, store: DynamoDbStore, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the store, opened with little patience (HURRY)."""
        self.number = number
        self._store = store
        self._clock = clock
        self._lost_until = float("-inf")

    @contextmanager
    def asked(self) -> Iterator[DynamoDbStore]:
        """Use its store.

        Raises:
            LostError: it can't be reached.
        """
        if self._clock() < self._lost_until:
            raise LostError(f"region {self.number} can't be reached")
        try:
            yield self._store
        except (StoreError, Busy) as e:
            self._lost_until = self._clock() + LOST_SECONDS
            raise LostError(f"region {self.number} can't be reached: {e}") from e


class RegionalStore(DynamoDbStore):
    """A region's store beside others'. An application belongs to one region, whose functions decide and issue it."""

    def __init__(self, table: str, region: int, others: Sequence[Neighbour], *, client: Any = None) -> None:
        """Use a table; nothing is read from it yet.

        Args:
            table: the region's own.
            region: its number, from 0.
            others: the other regions.
            client: boto3's, for the own table.

        Raises:
            StoreError: the [aws] extra, the region or the credentials are missing.
        """
        super().__init__(table, client=client)
        self._region = region
        self._others = {other.number: other for other in others}
        self._homes = HomeItems(self._table)

    # What applicants ask for

    def find(self, reference: str) -> Kept | None:
        """See Store. Of another region's application its home is asked, and its copy is read if that is lost."""
        if own := super().find(reference):
            return replace(own, is_copied=not self._homes.is_uncopied(reference))
        home = self._homes.find([reference]).get(reference)
        if home is None or home.region not in self._others:
            return None
        try:
            with self._others[home.region].asked() as store:
                return store.find(reference)
        except LostError:
            return kept_of(home.content, home.document)

    def decide_case(
        self, reference: str, decision: Decision, now: int, *, guard: Guard | None = None, draw: Draw | None = None
    ) -> State:
        """See Store. Another region's application is changed there, or adopted if that region is lost."""
        if guard is not None or draw is not None:  # the desk's: officers decide their own region's cases
            return super().decide_case(reference, decision, now, guard=guard, draw=draw)
        return self._at_home(reference, lambda store: DynamoDbStore.decide_case(store, reference, decision, now))

    def _correct(self, reference: str, digest: bytes, application: Application, now: int) -> Submitted:
        """See Store.correct and decide_case."""

        def correct(store: DynamoDbStore) -> Submitted:
            return DynamoDbStore._correct(store, reference, digest, application, now)  # noqa: SLF001 - of the same kind

        done = self._at_home(reference, correct)
        return replace(done, is_copied=self._copy([reference]))

    def _submit(self, drafts: Sequence[Draft], now: int) -> list[Submitted]:
        """See Store.submit. A form that came to another region before belongs there."""
        known = self._homes.find([draft.references[0] for draft in drafts])
        if taken := [home for home in known.values() if home.region != self._region]:
            return self._known_elsewhere(drafts, known, taken)
        done = super()._submit(drafts, now)
        again = [one.reference for one in done if not one.is_new]
        return [replace(one, is_copied=self._copy(again)) for one in done] if again else done

    def _copy_new(self, contents: Sequence[Content]) -> bool:
        homes = [Home(self._region, 0, content, Document()) for content in contents]
        return all([self._tell_all(home) for home in homes])  # noqa: C419 - each is told

    def _known_elsewhere(
        self, drafts: Sequence[Draft], known: Mapping[str, Home], taken: Sequence[Home]
    ) -> list[Submitted]:
        """Return the applications of a form that came to another region before.

        Raises:
            ConflictingApplication: its content was another.
        """
        if len(taken) != len(drafts):
            raise ConflictingApplication("this id was used before, for another application")
        for draft in drafts:
            content = known[draft.references[0]].content
            if (content.client, content.part, content.digest) != (draft.client, draft.part, draft.digest):
                raise ConflictingApplication("this id was used before, for another application")
        found = [(draft.references[0], self.find(draft.references[0])) for draft in drafts]
        return [Submitted(name, kept.state if kept else State.RECEIVED, is_new=False) for name, kept in found]

    def _at_home(self, reference: str, change: Callable[[DynamoDbStore], _T]) -> _T:
        """Change an application in its home's table; adopt it first if its home is lost."""
        home = self._homes.find([reference]).get(reference)
        if home is None or home.region not in self._others:
            return change(self)
        try:
            with self._others[home.region].asked() as store:
                changed = change(store)
                contents, states = store._read_many([reference])  # noqa: SLF001 - of the same kind
        except LostError:
            self.adopt(home)
            return change(self)
        self._homes.put(replace(home, content=contents[reference], document=states[reference]))
        return changed

    # What regions do for each other

    def adopt(self, home: Home) -> bool:
        """Make another region's application this one's own, as its copy has it; returns whether it was.

        The region that had it is told at once or later (copy_rest).
        """
        adopted = home.adopted_by(self._region)
        document = replace(home.document, version=max(1, home.document.version), hold=None)
        parts = [
            self._homes.part(adopted, home),
            self._table.part(home.content.to_item(), None),
            self._table.part(state_item(home.content, document), None),  # over what is left from an earlier time here
        ]
        self._homes.note_uncopied(home.reference)
        if self._table.transact(parts):
            return False
        self._copy([home.reference])
        return True

    def adopt_open(self, lost: int, now: int) -> list[str]:
        """Adopt what waited for a decision or for its pass in a region that is lost; returns the references.

        It reads the whole table, and goes on where it was cut short.
        """
        waiting = (*OPEN, State.APPROVED)
        return [
            home.reference
            for home in self._homes.of_region(lost)
            if home.document.state in waiting and home.content.not_after > now and self.adopt(home)
        ]

    def follow(self, references: Sequence[str]) -> bool:
        """Bring the copies of some applications up to date, as the table's stream names them; returns whether it could.

        Those that are given up are left alone.
        """
        return self._copy(references)

    def copy_rest(self) -> int:
        """Copy what other regions have no copy of yet; returns how many are left."""
        return sum(not self._copy([reference]) for reference in list(self._homes.uncopied()))

    def strays(self, limit: int) -> list[Stray]:
        """Return passes that this region issued for applications that another region has adopted; each must be revoked.

        It reads the whole table, for the day when this region comes back.
        """
        for home in self._homes.elsewhere(self._region):
            found = self._table.get_many([(key(home.reference), sk) for sk in (CONTENT, STATE)])
            state = found.get((key(home.reference), STATE))
            if state and is_given_up(home, self._region):
                known = {one.number for one in home.document.passes}
                for one in Document.from_bytes(state["doc"]).passes:  # type: ignore[arg-type]
                    if one.number and one.number not in known and one.revoked_at is None:
                        self._homes.note_stray(one.number, f"{home.reference}.{one.correction}")
        return list(islice(self._homes.strays(), limit))

    def settle_stray(self, stray: Stray) -> None:
        """Note that a pass that `strays` returned was revoked."""
        self._homes.settle_stray(stray)

    def record_issued(self, passes: Sequence[Issued], now: int) -> None:
        """See Store. A pass of an application that another region has adopted is shown to nobody, and revoked."""
        own, _ = self._read_many([reference_of(one.number) for one in passes])
        super().record_issued([one for one in passes if reference_of(one.number) in own], now)
        for one in passes:
            if (name := reference_of(one.number)) not in own:
                self._homes.note_stray(one.pass_number, f"{name}.{one.correction}")

    def _other_keys(self, references: Sequence[str]) -> Sequence[Key]:
        return [(name_of(reference), NO_SORT) for reference in references]

    def _is_own(self, reference: str, found: Mapping[Key, Item]) -> bool:
        """Return False of applications that another region has adopted."""
        item = found.get((name_of(reference), NO_SORT))
        return not is_given_up(Home.from_item(item) if item else None, self._region)

    def _copy(self, references: Sequence[str]) -> bool:
        """Copy own applications as they are by now to all other regions; returns whether all have them.

        One read, and a write for each application and region.
        """
        names = list(dict.fromkeys(references))
        keys = [place for name in names for place in ((key(name), CONTENT), (key(name), STATE), uncopied_key(name))]
        found = self._table.get_many([*keys, *self._other_keys(names)])
        is_whole = True
        for name in names:
            content, state = found.get((key(name), CONTENT)), found.get((key(name), STATE))
            if content is None or not self._is_own(name, found):
                continue
            own = found.get((name_of(name), NO_SORT))
            epoch = Home.from_item(own).epoch if own and own["home"] == self._region else 0
            document = Document.from_bytes(state["doc"]) if state else Document()  # type: ignore[arg-type]
            is_told = self._tell_all(Home(self._region, epoch, Content.from_item(content), document))
            if is_told and uncopied_key(name) in found:
                self._homes.copied(name)
            is_whole &= is_told
        return is_whole

    def _tell_all(self, home: Home) -> bool:
        """Write an application into all other regions, or note that one has no copy; returns whether all have it."""
        told = [self._tell(other, home) for other in self._others.values()]
        if not all(told):
            self._homes.note_uncopied(home.reference)
        return all(told)

    @staticmethod
    def _tell(other: Neighbour, home: Home) -> bool:
        try:
            with other.asked() as store:
                HomeItems(store._table).put(home)  # noqa: SLF001 - a store of the same kind
        except LostError:
            return False
        return True
