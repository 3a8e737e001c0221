"""Several AWS regions that issue at once: how they tell each other of revocations, also while one of them is lost.

Each region has its own table, bucket, queues, functions and keys, and asks no other region when it issues. They share
the root, the pass keys and the revocations. A region that takes a revocation notes in the same transaction that each
other region must be told. It tries to tell them at once, and again before each publication until it succeeds.

An index shows its region (regions.ledger.Region), so a pass can be revoked by its number anywhere, even while its own
region is lost. movepass_issuer.regions.replication decides which region publishes.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from movepass_issuer.errors import IssuerError, LedgerError, UnknownPassError
from movepass_issuer.issuing.issuer import Revoker
from movepass_issuer.issuing.ledger import NO_INDEX, Entry, check_reason
from movepass_issuer.issuing.request_ids import spellings
from movepass_issuer.regions.ledger import AnyRevocation, Region, RegionalLedger, RequestRevocation, Revocation
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_issuer.storage.s3_repository import S3Repository
from movepass_keys.aws import Patience, calls_until
from movepass_keys.dynamodb import PATIENCE
from movepass_wire import format_number
from movepass_wire.limits import PASS_DAYS_AHEAD_MAX

LOST_SECONDS = 30.0
"""A region that did not answer, or slowly, is not asked again for so long while a caller waits."""
SLOW_SECONDS = 2.0
"""A region is slow if two or three calls with a new connection take longer."""
ASK_SECONDS = 10.0
"""Or if one caller waits longer for it in all, as with a list of revocations; the function's limit is 30 s."""
TELL_AT_ONCE_SECONDS = 5.0
"""How long a caller then waits while the others are told; the rest is told before the next publication."""
TAKEOVER_SECONDS = 900
"""Region 0 publishes after so long without a publication; see takeover_after."""
TELL_SECONDS = 60.0
"""How long a publication waits at most while other regions are told; the rest is told before the next one."""
_TOLD_AT_ONCE = 25
_PATIENCE = Patience(deadline=12, connect=2, read=5, backoff_first=0.1, backoff_max=1)
"""With another region's bucket, and with its table while nobody waits."""
_HURRY = Patience(deadline=3, connect=1, read=2, backoff_first=0.1, backoff_max=1)
"""With another region's table, which is asked once, while somebody waits."""
_NO_TIME = "not enough time; the rest is told before the next publication"
_PEER = re.compile(
    r"([0-9]{1,3}),(arn:aws[a-z-]*:dynamodb:([a-z0-9-]+):[0-9]{12}:table/[^,]+),arn:aws[a-z-]*:s3:::([^,/]+)"
)


@dataclass(frozen=True, slots=True)
class Peer:
    """Another region.

    Attributes:
        number: its number, from 0.
        table: its table's ARN.
        repository: its bucket, as s3://BUCKET.
        aws_region: AWS's name of it.
    """

    number: int
    table: str
    repository: str
    aws_region: str

    @classmethod
    def parse(cls, text: str) -> "Peer":
        """Read NUMBER,TABLE-ARN,BUCKET-ARN.

        Raises:
            IssuerError: it has another form.
        """
        match = _PEER.fullmatch(text)
        if match is None:
            raise IssuerError(f"expected a region as NUMBER,TABLE-ARN,BUCKET-ARN, got {text!r}")
        return cls(int(match[1]), match[2], f"s3://{match[4]}", match[3])

    def open_ledger(self, count: int, patience: Patience = PATIENCE) -> DynamoDbLedger:
        """Open its table.

        Args:
            count: how many regions there are.
            patience: how long a call may take.

        Raises:
            LedgerError: no client for DynamoDB can be made.
        """
        return DynamoDbLedger(self.table, region=Region(self.number, count), patience=patience)

    def open_repository(self) -> S3Repository:
        """Open its bucket, with little patience.

        Raises:
            RepositoryError: no client for S3 can be made.
        """
        return S3Repository(self.repository, aws_region=self.aws_region, patience=_PATIENCE)


def region_beside(peers: Sequence[Peer]) -> Region:
    """Return the region that is left when these are the others.

    Raises:
        IssuerError: their numbers leave more than one.
    """
    numbers, count = [peer.number for peer in peers], len(peers) + 1
    left = set(range(count)) - set(numbers)
    if len(left) != 1:
        raise IssuerError(f"regions are numbered from 0, each once; the others are said to be {numbers}")
    return Region(left.pop(), count)


def takeover_after(number: int, first: int = TAKEOVER_SECONDS) -> int:
    """Return the seconds without a publication after which a region takes over, different for each region."""
    return first + first * number // 3


class LostError(IssuerError):
    """A region can't be reached."""


@dataclass(slots=True)
class _Neighbour:
    """Another region's ledger, which is not asked for a while after it did not answer."""

    number: int
    ledger: RegionalLedger
    lost_until: float = field(default=0.0)
    waited: float = field(default=0.0)

    @contextmanager
    def asked(self, end: float) -> Iterator[RegionalLedger]:
        """Use it until a time of time.monotonic()."""
        if time.monotonic() < self.lost_until:
            raise LostError(f"region {self.number} can't be reached, or answers too slowly")
        try:
            with calls_until(end):
                yield self.ledger
        except LedgerError as e:
            if time.monotonic() < end:
                self._lost()
            raise LostError(f"region {self.number} can't be reached: {e}") from e

    @contextmanager
    def asked_in_a_hurry(self) -> Iterator[RegionalLedger]:
        """Use it while a caller waits."""
        begun = time.monotonic()
        try:
            with self.asked(begun + ASK_SECONDS - self.waited) as ledger:
                yield ledger
        finally:
            took = time.monotonic() - begun
            self.waited += took
            if took > SLOW_SECONDS or self.waited > ASK_SECONDS:
                self._lost()

    def _lost(self) -> None:
        self.lost_until, self.waited = time.monotonic() + LOST_SECONDS, 0.0


class Regions:
    """The ledgers of all regions, to find and revoke passes in; see Revoker."""

    def __init__(self, own: RegionalLedger, region: Region, others: Iterable[tuple[int, RegionalLedger]]) -> None:
        """Take the ledgers; nothing is read from them yet.

        Args:
            own: the ledger of this region.
            region: which one this is.
            others: number and ledger of each other region.
        """
        self._own = own
        self._region = region
        self._others = {number: _Neighbour(number, ledger) for number, ledger in others}
        self._to_tell: list[AnyRevocation] | None = None

    @classmethod
    def beside(cls, own: RegionalLedger, peers: Sequence[Peer], *, hurried: bool) -> "Regions":
        """Open the ledgers of the other regions.

        Args:
            own: the ledger of this region.
            peers: the other regions.
            hurried: whether a caller waits.

        Raises:
            IssuerError: their numbers leave more than one for this region, or no client for DynamoDB can be made.
        """
        region = region_beside(peers)
        patience = _HURRY if hurried else _PATIENCE
        return cls(own, region, [(peer.number, peer.open_ledger(region.count, patience)) for peer in peers])

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """Bound how long other regions are waited for in this context.

        All that is revoked in it is durable before another region is told of any.
        """
        if self._to_tell is not None:
            yield
            return
        self._to_tell = []
        for other in self._others.values():
            other.waited = 0.0
        try:
            yield
            for number, other in self._others.items():
                self._tell(number, other, self._to_tell, TELL_AT_ONCE_SECONDS)  # the rest stays in the outbox
        finally:
            self._to_tell = None

    def find(self, request_ids: Sequence[str]) -> dict[str, Entry]:
        """Look requests up here, and unknown ones in every other region that answers."""
        found = _passes(self._own, request_ids)
        for other in self._others.values():
            left = [request_id for request_id in request_ids if request_id not in found]
            try:
                with other.asked_in_a_hurry() as ledger:
                    found |= _passes(ledger, left) if left else {}
            except LostError:
                continue
        return found

    def find_everywhere(self, names: Sequence[str]) -> tuple[list[Entry], list[int]]:
        """Return every region's passes of some names, and the numbers of the regions that can't be reached."""
        found, lost = list(_passes(self._own, names).values()), []
        for number, other in self._others.items():
            try:
                with other.asked_in_a_hurry() as ledger:
                    found += _passes(ledger, names).values()
            except LostError:
                lost.append(number)
        return found, lost

    def find_index(self, day: int, index: int) -> Entry | None:
        """Look a pass up in the region that its index belongs to.

        If that region can't be reached, the pass may exist: its entry then has the request id "".
        """
        owner = self._region.owner(index)
        if owner not in self._others:
            return self._own.find_index(day, index)
        try:
            with self._others[owner].asked_in_a_hurry() as ledger:
                return ledger.find_index(day, index)
        except LostError:
            return Entry("", b"", day, index, revoked_at=self._own.taken(day, index))

    def revoke(self, day: int, index: int, *, reason: str, now: int) -> Entry:
        """Revoke a pass of any region: durable here when this returns, and told to others as soon as they answer.

        Raises:
            UnknownPassError: there is no such pass.
            ReasonError: see check_reason.
        """
        check_reason(reason)
        with self.waited_for():
            if self._region.owner(index) == self._region.number:
                entry = self._own.revoke(day, index, reason=reason, now=now)
            else:
                self._own.take(Revocation(day, index, now, reason), tell=self._others)
                entry = self.find_index(day, index) or Entry("", b"", day, index)
            at = now if entry.revoked_at is None else entry.revoked_at
            self._tell_after(Revocation(day, index, at, reason))
        return Entry(entry.request_id, entry.content_hash, day, index, entry.text, at, entry.reason or reason)

    def revoke_request(self, request_id: str, day: int, *, reason: str, now: int) -> None:
        """Revoke a request in all regions: durable here when this returns, and told to the others as above.

        Each region revokes its pass of the request when it is told; a region without one will issue none.

        Args:
            request_id: the request's.
            day: the UTC day of a pass of it.
            reason: kept in the ledger.
            now: seconds since 1970 UTC.

        Raises:
            ReasonError: see check_reason.
        """
        check_reason(reason)
        revocation = RequestRevocation(request_id, day, now, reason)
        with self.waited_for():
            self._own.take_request(revocation, tell=self._others)
            self._tell_after(revocation)

    def check_own_number(self, today: int) -> None:
        """Check that no other region issues under this number: both would give the same pass numbers.

        Args:
            today: the UTC day; passes issued today end on it or on one of the next PASS_DAYS_AHEAD_MAX.

        Raises:
            IssuerError: one does, so their passes can't be told apart.
        """
        number = self._region.number
        for other in self._others.values():
            try:
                with other.asked(time.monotonic() + TELL_SECONDS) as ledger:
                    same = ledger.has_issued_as(number, range(today, today + PASS_DAYS_AHEAD_MAX + 1))
            except LostError:
                continue
            if same:
                raise IssuerError(
                    f"region {other.number} issues as region {number}, as this one does, so that passes of both have "
                    "the same numbers; give each stack its own RegionNumber, and issue again what the wrong one issued"
                )

    def _tell_after(self, revocation: AnyRevocation) -> None:
        if self._to_tell is not None:
            self._to_tell.append(revocation)

    def tell(self, *, seconds: float = TELL_SECONDS) -> dict[int, str]:
        """Tell the other regions of revocations that they do not know.

        Args:
            seconds: how long at most; a call that is not answered by then is given up.

        Returns:
            By its number, why a region could not be told everything.

        Raises:
            LedgerError: the region's own ledger failed.
        """
        each = seconds / max(len(self._others), 1)
        told = {n: self._tell(n, other, self._own.outbox(n), each) for n, other in self._others.items()}
        return {number: why for number, why in told.items() if why}

    def _tell(self, number: int, other: _Neighbour, revocations: Iterable[AnyRevocation], seconds: float) -> str:
        """Tell a region, and return why it could not be told everything, or ""."""
        end, why = time.monotonic() + seconds, ""
        taken: list[AnyRevocation] = []
        for revocation in revocations:
            try:
                with other.asked(end) as ledger:
                    if isinstance(revocation, RequestRevocation):
                        ledger.take_request(revocation)
                    else:
                        ledger.take(revocation)
            except LostError as e:
                why = _NO_TIME if time.monotonic() >= end else str(e)
                break
            taken.append(revocation)
            if len(taken) == _TOLD_AT_ONCE:
                self._own.told(number, taken)
                taken = []
        self._own.told(number, taken)
        return why


def _passes(ledger: RegionalLedger, request_ids: Sequence[str]) -> dict[str, Entry]:
    return {i: entry for i, entry in ledger.find(request_ids).items() if entry.index != NO_INDEX}


class RegionalRevoker(Revoker):
    """Revokes passes of all regions."""

    def __init__(self, *, regions: Regions, kids: Iterable[bytes], clock: Callable[[], float] = time.time) -> None:
        """Take the regions; see Revoker for the rest."""
        super().__init__(ledger=regions, kids=kids, clock=clock)
        self._regions = regions

    def find_entry(self, *, number: str | None = None, request_id: str | None = None) -> Entry:
        """See Revoker. A request that is unknown here is looked up in every region.

        Raises:
            UnknownPassError: no region that can be reached has such a pass.
        """
        with self.waited_for():
            return super().find_entry(number=number) if request_id is None else self._everywhere(request_id)[0]

    def revoke(self, *, number: str | None = None, request_id: str | None = None, reason: str = "") -> Entry:
        """See Revoker. A request id revokes every pass of the request in all regions, and no region issues another.

        A number revokes one pass: the request may have another one, which somebody holds (docs/aws.md).

        Raises:
            UnknownPassError: as above.
        """
        with self.waited_for():
            if request_id is None:
                return super().revoke(number=number, reason=reason)
            entries = self._everywhere(request_id)
            day, now = max(entry.day for entry in entries), int(self._clock())
            self._regions.revoke_request(spellings(request_id)[0], day, reason=reason, now=now)
            numbers = [format_number(entry.day, entry.index) for entry in entries]
            first, *_ = [super(RegionalRevoker, self).revoke(number=number, reason=reason) for number in numbers]
            return first

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """See Revoker and Regions."""
        with self._regions.waited_for():
            yield

    def _everywhere(self, request_id: str) -> list[Entry]:
        entries, lost = self._regions.find_everywhere(spellings(request_id))
        if entries:
            return entries
        if lost:
            raise UnknownPassError(
                f"no pass of the request {request_id!r} here, and region {', '.join(map(str, lost))} can't be reached; "
                "revoke it by its pass number, which needs no other region"
            )
        raise UnknownPassError(f"no pass {request_id!r} in the ledger of any region")
