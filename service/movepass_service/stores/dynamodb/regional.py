"""The store of one of several regions that serve applicants at once; docs/regions.md says how they work together."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from movepass_keys.aws import Patience
from movepass_service.applications.application import Application
from movepass_service.applications.states import OPEN, State
from movepass_service.decisions.records import Decision
from movepass_service.errors import Busy, ConflictingApplication, ServiceError, StoreError, StoreRefuses
from movepass_service.stores.desk import Draw, Guard
from movepass_service.stores.dynamodb.applications import state_item
from movepass_service.stores.dynamodb.document import CONTENT, STATE, Content, Document, kept_of, key, reference_of
from movepass_service.stores.dynamodb.homes import Home, HomeItems, Stray, is_given_up, name_of, uncopied_key
from movepass_service.stores.dynamodb.store import DynamoDbStore, Found
from movepass_service.stores.dynamodb.table import NO_SORT, Item, Key, groups
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Draft, Issued, Submitted

HURRY = Patience(deadline=3, connect=1, read=2, backoff_first=0.1, backoff_max=0.5)
"""With another region's table, while an applicant waits."""
LOST_SECONDS = 30.0
"""A region that did not answer is not asked again for so long."""
AT_ONCE = 32
"""Applications that are copied or adopted at once: another region is some tens of milliseconds away."""
_GROUP = 100
_S = TypeVar("_S")
_T = TypeVar("_T")


class LostError(ServiceError):
    """Another region can't be used now.

    Attributes:
        cause: what its store raised; where it is Busy or StoreRefuses, the region is there.
    """

    def __init__(self, number: int, cause: ServiceError) -> None:
        super().__init__(f"region {number} can't be used: {cause}")
        self.cause = cause


class Neighbour:
    """Another region's store, which is not asked for a while after it did not answer."""

    def __init__(self, number: int, store: DynamoDbStore, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the store, opened with little patience (HURRY); see `open`."""
        self.number = number
        self._store = store
        self._clock = clock
        self._lost_until = float("-inf")
        self._cause: ServiceError = StoreError("not asked yet")

    @classmethod
    def open(cls, number: int, table: str) -> "Neighbour":
        """Open another region's table.

        Args:
            number: the region's.
            table: its ARN, which names the AWS region.

        Raises:
            StoreError: the [aws] extra or the credentials are missing.
        """
        return cls(number, DynamoDbStore(table, patience=HURRY))

    @contextmanager
    def asked(self) -> Iterator[DynamoDbStore]:
        """Use its store.

        Raises:
            LostError: it can't be used, or could not be used a moment ago.
        """
        if self._clock() < self._lost_until:
            raise LostError(self.number, self._cause)
        try:
            yield self._store
        except (StoreError, Busy) as e:
            self._cause, self._lost_until = e, self._clock() + LOST_SECONDS
            raise LostError(self.number, e) from e


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

    @property
    def others(self) -> frozenset[int]:
        """The numbers of the other regions."""
        return frozenset(self._others)

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
        return self._tell_all(homes, noted={})

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
        """Change an application in its home's table; adopt it first if its home is lost.

        Raises:
            Busy, StoreRefuses: its home is there and does not do it, so nothing is adopted.
        """
        home = self._homes.find([reference]).get(reference)
        if home is None or home.region not in self._others:
            return change(self)
        try:
            with self._others[home.region].asked() as store:
                changed = change(store)
                contents, states = store._read_many([reference])  # noqa: SLF001 - of the same kind
        except LostError as e:
            if isinstance(e.cause, Busy | StoreRefuses):
                raise e.cause from e
            self.adopt(home)
            return change(self)
        self._homes.put(replace(home, content=contents[reference], document=states[reference]))
        return changed

    # What regions do for each other

    def adopt(self, home: Home) -> bool:
        """Make another region's application this one's own, as its copy has it; returns whether it was.

        The region that had it is told at once or later (copy_rest).
        """
        if not self._adopt(home):
            return False
        self._copy([home.reference])
        return True

    def adopt_open(self, lost: int, now: int, limit: int) -> list[str]:
        """Adopt what waited for a decision or for its pass in a region that is lost; returns the references.

        The lost region is told later (copy_rest). It reads the whole table, and goes on where it was cut short.

        Args:
            lost: the region's number.
            now: seconds since 1970 UTC; what is over by then is left alone.
            limit: how many at most; where as many are returned, there may be more.
        """
        waiting = (*OPEN, State.APPROVED)
        found = (
            home
            for home in self._homes.of_region(lost)
            if home.document.state in waiting and home.content.not_after > now
        )
        homes = list(islice(found, limit))
        return [
            home.reference for home, is_adopted in zip(homes, _at_once(self._adopt, homes), strict=True) if is_adopted
        ]

    def follow(self, references: Sequence[str]) -> bool:
        """See DynamoDbStore. Applications that are given up are left alone."""
        return all([self._copy(group) for group in groups(references, _GROUP)])  # noqa: C419 - each is copied

    def copy_rest(self, limit: int = 1000) -> int:
        """Copy what other regions have no copy of yet; returns how many are left.

        It stops at the first that a region does not take, which is lost then.

        Args:
            limit: how many to copy, and to count, at most.
        """
        names = list(islice(self._homes.uncopied(), limit))
        are_copied = all(self._copy(group) for group in groups(names, AT_ONCE))
        if are_copied and len(names) < limit:
            return 0
        return sum(1 for _ in islice(self._homes.uncopied(), limit))

    def find_strays(self) -> None:
        """Note passes that this region issued for applications that another region has adopted; see `strays`.

        It reads the whole table, for the day when this region comes back.
        """
        for homes in groups(self._homes.elsewhere(self._region), _GROUP // 2):
            given_up = [home for home in homes if is_given_up(home, self._region)]
            found = self._table.get_many([(key(home.reference), STATE) for home in given_up])
            for home in given_up:
                state = found.get((key(home.reference), STATE))
                known = {one.number for one in home.document.passes}
                for one in Document.from_bytes(state["doc"]).passes if state else ():  # type: ignore[arg-type]
                    if one.number and one.number not in known and one.revoked_at is None:
                        self._homes.note_stray(one.number, f"{home.reference}.{one.correction}")

    def strays(self, limit: int) -> list[Stray]:
        """Return passes that this region issued for applications that another region has adopted; each must be revoked.

        A pass is noted when the issuer's answer comes, or by find_strays.
        """
        return list(islice(self._homes.strays(), limit))

    def settle_stray(self, stray: Stray, now: int) -> None:
        """Note that a pass that `strays` returned was revoked."""
        self._homes.settle_stray(stray, now)

    def record_issued(self, passes: Sequence[Issued], now: int, *, among: Sequence[Found] | None = None) -> None:
        """See Store. A pass of an application that another region has adopted is shown to nobody, and revoked."""
        found = self.look_up([reference_of(one.number) for one in passes]) if among is None else among
        own = {content.reference for content, _ in found}
        super().record_issued([one for one in passes if reference_of(one.number) in own], now, among=found)
        for one in passes:
            if (name := reference_of(one.number)) not in own:
                self._homes.note_stray(one.pass_number, f"{name}.{one.correction}")

    def _other_keys(self, references: Sequence[str]) -> Sequence[Key]:
        return [(name_of(reference), NO_SORT) for reference in references]

    def _is_own(self, reference: str, found: Mapping[Key, Item]) -> bool:
        """Return False of applications that another region has adopted."""
        item = found.get((name_of(reference), NO_SORT))
        return not is_given_up(Home.from_item(item) if item else None, self._region)

    def _adopt(self, home: Home) -> bool:
        adopted = home.adopted_by(self._region)
        document = replace(home.document, version=max(1, home.document.version), hold=None)
        parts = [
            self._homes.part(adopted, home),
            self._table.part(home.content.to_item(), None),
            self._table.part(state_item(home.content, document), None),  # over what is left from an earlier time here
        ]
        self._homes.note_uncopied(home.reference, document.version)
        return not self._table.transact(parts)

    def _copy(self, references: Sequence[str]) -> bool:
        """Copy own applications as they are by now to all other regions; returns whether all have them.

        One read, and a write for each application and region. A note of one that is no longer this region's goes.
        """
        names = list(dict.fromkeys(references))
        keys = [place for name in names for place in ((key(name), CONTENT), (key(name), STATE), uncopied_key(name))]
        found = self._table.get_many([*keys, *self._other_keys(names)])
        noted = {name: int(found[uncopied_key(name)].get("v", 0)) for name in names if uncopied_key(name) in found}
        homes = []
        for name in names:
            content, state = found.get((key(name), CONTENT)), found.get((key(name), STATE))
            if content is None or not self._is_own(name, found):
                if name in noted:
                    self._homes.copied(name, noted[name])
                continue
            own = found.get((name_of(name), NO_SORT))
            epoch = Home.from_item(own).epoch if own and own["home"] == self._region else 0
            document = Document.from_bytes(state["doc"]) if state else Document()  # type: ignore[arg-type]
            homes.append(Home(self._region, epoch, Content.from_item(content), document))
        return self._tell_all(homes, noted)

    def _tell_all(self, homes: Sequence[Home], noted: Mapping[str, int]) -> bool:
        """Write applications into all other regions, or note which they do not have; returns whether they have all.

        Args:
            homes: the applications.
            noted: by reference, the versions that notes name already.
        """

        def tell(home: Home) -> bool:
            told = [self._tell(other, home) for other in self._others.values()]
            name, version = home.reference, home.document.version
            if all(told) and name in noted:
                self._homes.copied(name, version)
            elif not all(told) and noted.get(name, -1) < version:
                self._homes.note_uncopied(name, version)
            return all(told)

        return all(list(_at_once(tell, homes)))

    @staticmethod
    def _tell(other: Neighbour, home: Home) -> bool:
        try:
            with other.asked() as store:
                HomeItems(store._table).put(home)  # noqa: SLF001 - a store of the same kind
        except LostError:
            return False
        return True


def _at_once(work: Callable[[_S], _T], items: Sequence[_S]) -> Iterator[_T]:
    """Yield the results of work on items, AT_ONCE of them at a time."""
    if len(items) < 2:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(min(AT_ONCE, len(items))) as pool:
        yield from pool.map(work, items)
