"""Which of several regions publishes, and how the others keep a copy of what it publishes.

The newest publication is the lease. Whoever signed it goes on; every other region takes it over, as if it had published
it itself, and its bucket is a replica that devices may read. A region that finds the newest publication that it can
see older than its time for taking over publishes in its stead, with versions far ahead of those that it can't see. So
nobody needs to be told that a region is lost, and one that comes back finds a newer publication and keeps a copy.

A publication is taken over in the order of the publisher's own (movepass_issuer.publisher): what is named first, the
timestamp last. Everything is held against signatures and hashes, so a bucket that somebody wrote to misleads nobody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.exceptions import RepositoryError as TufError
from tuf.api.metadata import MetaFile, TargetFile

from movepass_issuer.cleaning import clean
from movepass_issuer.errors import BusyError, RepositoryError
from movepass_issuer.ledger import Announced, Ledger
from movepass_issuer.published_keys import DENIED
from movepass_issuer.publisher import VERSIONS_AHEAD, Publication, Publisher, load_document
from movepass_issuer.repository import Repository
from movepass_keys import Signer, layout, roles
from movepass_keys.layout import TIMESTAMP, document_name, log_target, target_file
from movepass_wire import read_log
from movepass_wire.limits import PUBLISHED_DAYS_AHEAD
from movepass_wire.times import day_of, iso


@dataclass(frozen=True, slots=True)
class Followed:
    """That a region keeps a copy of what another publishes.

    Attributes:
        published: the time that the publication is signed as of, seconds since 1970 UTC.
        version: the timestamp's.
        source: where it came from; "" where it was held already.
    """

    published: int
    version: int
    source: str

    def to_json(self) -> dict[str, Any]:
        """Tell of it."""
        return {"followed": iso(self.published), "version": self.version, "source": self.source or None}


@dataclass(frozen=True, slots=True)
class _Seen:
    """A publication, its signatures verified.

    Attributes:
        root: the newest one there.
        newer: those newer than the region's own, by version.
        data: the timestamp's file.
        timestamp: what it says.
    """

    source: Repository
    root: Any
    newer: Mapping[int, bytes]
    data: bytes
    timestamp: Any

    @property
    def version(self) -> int:
        return int(self.timestamp.signed.version)

    @property
    def published(self) -> int:
        return roles.published_at(self.timestamp.signed) or 0


class RegionalPublisher:
    """Publishes where it is a region's turn, and keeps a copy where it is another's."""

    def __init__(
        self, publisher: Publisher, *, repository: Repository, ledger: Ledger, signer: Signer,
        others: Sequence[Repository], takeover: int,
    ) -> None:  # fmt: skip
        """Take what is published from and with.

        Args:
            publisher: publishes from the ledger into the repository, with the signer.
            repository: the region's own.
            ledger: likewise.
            signer: the region's online key.
            others: the other regions' repositories.
            takeover: seconds without a publication after which this region takes over.
        """
        self._publisher = publisher
        self._repository = repository
        self._ledger = ledger
        self._signer = signer
        self._others = others
        self._takeover = takeover

    def publish(
        self, now: int, *, days_ahead: int = PUBLISHED_DAYS_AHEAD, clock_checked: bool = False, take_over: bool = False
    ) -> Publication | Followed:
        """Publish, or take over what another region has published.

        Args:
            now: seconds since 1970 UTC.
            days_ahead: see Publisher.publish.
            clock_checked: likewise.
            take_over: publish from now on, whoever did so far.

        Raises:
            IssuerError: see Publisher.publish; or a publication that is not old can't be taken over.
        """
        newest = max(self._seen(self._others), key=lambda seen: seen.version, default=None)
        held = self._held()
        source = ""
        how: dict[str, Any] = {"days_ahead": days_ahead, "clock_checked": clock_checked}
        if newest and (held is None or newest.version > held.version):
            try:
                self._copy(newest, now)
                source = newest.source.name
            except RepositoryError as e:
                if isinstance(e, BusyError) or (not take_over and now - newest.published < self._takeover):
                    raise
                return self._publisher.publish(now, versions_ahead=VERSIONS_AHEAD, **how)
            held = newest
        if held is None or self._is_mine(held):
            return self._publisher.publish(now, **how)
        if take_over or now - held.published >= self._takeover:
            return self._publisher.publish(now, versions_ahead=VERSIONS_AHEAD, **how)
        return Followed(held.published, held.version, source)

    def check_turn(self) -> None:
        """Make sure that what is put into the region's repository will be published from here.

        Raises:
            RepositoryError: another region publishes at present.
        """
        seen = [*self._seen(self._others), *([held] if (held := self._held()) else [])]
        newest = max(seen, key=lambda seen: seen.version, default=None)
        if newest and not self._is_mine(newest):
            raise RepositoryError(
                f"another region publishes at present ({newest.source.name}, version {newest.version}); do it there, "
                "or let this one publish from now on: movepass publish --take-over"
            )

    def _is_mine(self, seen: _Seen) -> bool:
        return roles.has_signed(seen.timestamp, roles.role_key(self._signer))

    def _held(self) -> _Seen | None:
        """Give the publication that is in the region's own repository."""
        return next(iter(self._seen([self._repository])), None)

    def _seen(self, repositories: Iterable[Repository]) -> list[_Seen]:
        """Look at repositories; one that can't be reached or believed is as if it were empty."""
        found = []
        for repository in repositories:
            try:
                root, newer = self._roots(repository)
                data = repository.read(TIMESTAMP)
                if data is not None and root is not None:
                    timestamp = load_document(data)
                    root.signed.verify_delegate("timestamp", timestamp.signed_bytes, timestamp.signatures)
                    found.append(_Seen(repository, root, newer, data, timestamp))
            except TufError:
                continue  # of a key that the root names no longer, or of nobody's
            except RepositoryError:
                if repository is self._repository:
                    raise
        return found

    def _roots(self, repository: Repository) -> tuple[Any, dict[int, bytes]]:
        """Follow the roots from the region's own newest one on; where it has none yet, from the other's first."""
        held = max(self._repository.versions("root"), default=0)
        root = load_document(self._repository.read(document_name("root", held)) or b"") if held else None
        newer: dict[int, bytes] = {}
        while data := repository.read(document_name("root", held + len(newer) + 1)):
            following = load_document(data)
            for by in (root, following):
                if by is not None:
                    by.signed.verify_delegate("root", following.signed_bytes, following.signatures)
            newer[held + len(newer) + 1] = data
            root = following
        return root, newer

    def _copy(self, seen: _Seen, now: int) -> None:
        """Take over a publication as if it were the region's own.

        Raises:
            BusyError: another publisher is at work here.
            RepositoryError: a part of it is missing or damaged, or can't be written.
        """
        with self._repository.lease():
            before = self._repository.read(TIMESTAMP)
            for version, data in seen.newer.items():
                self._put(document_name("root", version), data)
            snapshot, snapshot_data = self._document(seen, "snapshot", seen.timestamp.signed.snapshot_meta)
            documents = {"snapshot": (snapshot, snapshot_data)}
            for role in ("targets", roles.STATUS):
                documents[role] = self._document(seen, role, snapshot.signed.meta[f"{role}.json"])
            _check_signed(seen.root, documents["targets"][0])
            status, targets = documents[roles.STATUS][0].signed, documents["targets"][0].signed
            self._copy_targets(seen, [*targets.targets.values(), *status.targets.values()])
            for role in ("targets", roles.STATUS, "snapshot"):
                document, data = documents[role]
                self._put(document_name(role, document.signed.version), data)
            announced = Announced(seen.version, sha256(seen.data).digest())
            if announced.digest not in {known.digest for known in self._ledger.announced()}:
                self._ledger.announce(announced)
            self._repository.replace_timestamp(seen.data, expected=before)
            self._ledger.settle(self._listed(status), announced)
            self._ledger.forget(day_of(now))
            in_force = {role: document.signed.version for role, (document, _) in documents.items()}
            named = {target_file(target) for target in (*targets.targets.values(), *status.targets.values())}
            clean(self._repository, in_force, named, now)

    def _document(self, seen: _Seen, role: str, meta: MetaFile) -> tuple[Any, bytes]:
        name = document_name(role, meta.version)
        data = _verified(seen.source, name, meta)
        return load_document(data), data

    def _copy_targets(self, seen: _Seen, targets: Iterable[TargetFile]) -> None:
        """Copy the files that targets name and are not here; who is denied stands among them."""
        here = {**self._repository.files(layout.TARGETS_FOLDER), **self._repository.files(layout.STATUS_FOLDER)}
        for target in targets:
            name = target_file(target)
            if name not in here or target.path == roles.DENIED_TARGET:
                data = _verified(seen.source, name, target)
                if name not in here:
                    self._repository.put_target(name, data)
                if target.path == roles.DENIED_TARGET and self._repository.read(DENIED) != data:
                    self._repository.put_target(DENIED, data)

    def _put(self, name: str, data: bytes) -> None:
        """Write a document that a newer publication names; another of the same name was never part of it."""
        if self._repository.read(name) != data:
            self._repository.put_target(name, data)

    def _listed(self, status: Any) -> list[tuple[int, int]]:
        """Give those of the pending ones that the lists hold."""
        pending = self._ledger.pending()
        listed: list[tuple[int, int]] = []
        for day in {day for day, _ in pending}:
            target = status.targets.get(log_target(day))
            if target is not None:
                revoked = read_log(_verified(self._repository, target_file(target), target)).revoked
                listed += [(day, index) for d, index in pending if d == day and index in revoked]
        return listed


def _check_signed(root: Any, targets: Any) -> None:
    """Make sure that the custodians signed the pass keys' document.

    Raises:
        RepositoryError: too few of them did.
    """
    try:
        root.signed.verify_delegate("targets", targets.signed_bytes, targets.signatures)
    except TufError as e:
        raise RepositoryError(f"the pass keys lack signatures of the custodians ({e})") from None


def _verified(repository: Repository, name: str, described: MetaFile | TargetFile) -> bytes:
    """Read a file and hold it against its length and hash.

    Raises:
        RepositoryError: it is missing or damaged.
    """
    data = repository.read(name)
    try:
        if data is not None:
            described.verify_length_and_hashes(data)
            return data
    except LengthOrHashMismatchError as e:
        raise RepositoryError(f"{repository.name}: {name} is damaged ({e})") from None
    raise RepositoryError(f"{repository.name}: {name} is missing; its publisher may be at work, so try again")
