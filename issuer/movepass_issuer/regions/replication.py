"""Decides which of several regions publishes, and keeps a copy in the others.

The newest publication is the lease. The region that signed it continues to publish. Every other region copies it as if
it had published it itself, so its bucket is a replica that devices may read. If the newest publication that a region
can see is older than its takeover time, the region publishes instead, with versions above those that it can't see. So
nobody needs to announce that a region is lost, and a region that comes back finds a newer publication and copies it.

After two regions were cut off from each other, the newer publication may lack revocations that the other's lists hold.
The other region then does not copy it until the newer lists hold them too. It tells them before it looks, so a device
that reads one bucket never accepts a revoked pass again. It waits no longer than its takeover time, and then publishes
everything that either of the two holds.

A publication is copied in the publisher's own order (movepass_issuer.publishing.publisher): files that others name
first, the timestamp last. Signatures and hashes are checked, so write access to a bucket misleads no other region.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Any

from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import MetaFile, TargetFile

from movepass_issuer.errors import BusyError, RepositoryError
from movepass_issuer.issuing.ledger import Announced, Ledger
from movepass_issuer.publishing.cleaning import clean
from movepass_issuer.publishing.packs import EmptiedPacks, empty_packs, write_packs
from movepass_issuer.publishing.published import (
    parse_document,
    parse_timestamp,
    read_described,
    read_file,
    read_keys,
)
from movepass_issuer.publishing.publisher import Publication, Publisher, listed_days
from movepass_issuer.revoking.denials import denied_in, put_denials
from movepass_issuer.storage.repository import Repository
from movepass_keys import KeyDocumentError, KeySet, Signer
from movepass_keys.records import layout, roles
from movepass_keys.records.layout import TIMESTAMP, document_name, log_day, log_target, target_file
from movepass_wire import LogError, read_log
from movepass_wire.limits import PUBLISHED_DAYS_AHEAD
from movepass_wire.times import day_name, day_of, iso

_AT_WORK = "its publisher may be at work, so try again"


@dataclass(frozen=True, slots=True)
class Followed:
    """This region keeps a copy of what another one publishes.

    Attributes:
        published: the time that the publication is signed as of, seconds since 1970 UTC.
        version: the timestamp's.
        source: where it came from; "" if it was here already.
        waiting: why it has not been copied yet, or "".
    """

    published: int
    version: int
    source: str
    waiting: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as `publish --json` shows it."""
        told = {"followed": iso(self.published), "version": self.version, "source": self.source or None}
        return told | ({"waiting": self.waiting} if self.waiting else {})


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
    def rank(self) -> tuple[int, bytes]:
        """The newest publication has the highest rank. Of two with one version, all regions choose the same."""
        return self.version, self.data

    @property
    def published(self) -> int:
        return roles.published_at(self.timestamp.signed) or 0


@dataclass(frozen=True, slots=True)
class _Document:
    """A document of a publication: its file and its content."""

    role: str
    data: bytes
    content: Any


@dataclass(frozen=True, slots=True)
class _Publication:
    """The documents of a publication below its timestamp."""

    targets: _Document
    status: _Document
    snapshot: _Document

    @property
    def documents(self) -> tuple[_Document, ...]:
        """In the order in which they are written: each is named by the next."""
        return self.targets, self.status, self.snapshot

    @property
    def logs(self) -> Mapping[str, TargetFile]:
        """The logs, and the denied keys, as status names them."""
        targets: Mapping[str, TargetFile] = self.status.content.signed.targets
        return targets

    @property
    def files(self) -> list[TargetFile]:
        """Every file that its documents name."""
        return [*self.targets.content.signed.targets.values(), *self.logs.values()]


class RegionalPublisher:
    """Publishes when this region must, and otherwise copies what another region publishes."""

    def __init__(  # noqa: PLR0913 - a region publishes with that much
        self, publisher: Publisher, *, repository: Repository, ledger: Ledger, signer: Signer,
        others: Sequence[Repository], takeover: float, warn: Callable[[str, str], None] = lambda _name, _why: None,
    ) -> None:  # fmt: skip
        """Prepare to publish; nothing is read yet.

        Args:
            publisher: publishes from the ledger into the repository, with the signer.
            repository: the region's own.
            ledger: the region's own.
            signer: the region's online key.
            others: the other regions' repositories.
            takeover: seconds without a publication after which this region takes over; inf to never do so by itself.
            warn: called with the name of a repository of another region that can't be read or believed, and why.
        """
        self._publisher = publisher
        self._repository = repository
        self._ledger = ledger
        self._signer = signer
        self._others = others
        self._takeover = takeover
        self._warn = warn
        self._waiting_since: int | None = None

    def publish(
        self, now: int, *, days_ahead: int = PUBLISHED_DAYS_AHEAD, clock_checked: bool = False, take_over: bool = False
    ) -> Publication | Followed:
        """Publish, or copy what another region has published.

        Args:
            now: seconds since 1970 UTC.
            days_ahead: see Publisher.publish.
            clock_checked: see Publisher.publish.
            take_over: publish from now on, whichever region did so far.

        Raises:
            IssuerError: see Publisher.publish; or a recent publication can't be copied.
        """
        others, held = self._seen(self._others), self._held()
        ahead = _find_newer(others, held)
        last = ahead or held
        due = last is not None and (take_over or now - last.published >= self._takeover)
        if ahead:
            due = due or self._has_waited(now)
            if waiting := self._catch_up(ahead, held, now, due=due):
                return Followed(ahead.published, ahead.version, ahead.source.name, waiting)
        mine = last is None or self._is_mine(last)
        if last and not mine and not due:
            return Followed(last.published, last.version, ahead.source.name if ahead else "")
        self._take_denials(seen for seen in others if last is None or seen.data != last.data)
        done = self._publisher.publish(now, days_ahead=days_ahead, clock_checked=clock_checked, unseen=due)
        return replace(done, took_over=not mine)

    def _catch_up(self, ahead: _Seen, held: _Seen | None, now: int, *, due: bool) -> str:
        """Copy a newer publication, and return why that must wait, or "".

        A region that is due publishes next. So it does not wait for what the newer lists lack, and it goes on if the
        newer publication can't be copied.
        """
        try:
            waiting = self._copy(ahead, now, instead_of=None if due else held)
        except BusyError:
            raise
        except RepositoryError:
            if not due:
                raise
            waiting = ""
        self._waiting_since = (self._waiting_since or now) if waiting else None
        return waiting

    def check_turn(self) -> None:
        """Check that this region publishes, so that files put into its repository will be published.

        Raises:
            RepositoryError: another region publishes at present.
        """
        seen = [*self._seen(self._others), *([held] if (held := self._held()) else [])]
        newest = max(seen, key=lambda seen: seen.rank, default=None)
        if newest and not self._is_mine(newest):
            raise RepositoryError(
                f"another region publishes at present ({newest.source.name}, version {newest.version}); do it there, "
                "or let this one publish from now on: movepass publish --take-over"
            )

    def _has_waited(self, now: int) -> bool:
        return self._waiting_since is not None and now - self._waiting_since >= self._takeover

    def _is_mine(self, seen: _Seen) -> bool:
        return roles.has_signed(seen.timestamp, roles.role_key(self._signer))

    def _held(self) -> _Seen | None:
        """Return the publication in the region's own repository."""
        return next(iter(self._seen([self._repository])), None)

    def _seen(self, repositories: Iterable[Repository]) -> list[_Seen]:
        """Read the publications of repositories; one that can't be reached or believed counts as empty."""
        found = []
        for repository in repositories:
            try:
                root, newer = self._roots(repository)
                data = repository.read(TIMESTAMP)
                if data is not None and root is not None:
                    timestamp = parse_timestamp(repository, data)
                    root.signed.verify_delegate("timestamp", timestamp.signed_bytes, timestamp.signatures)
                    found.append(_Seen(repository, root, newer, data, timestamp))
            except tuf_errors.RepositoryError as e:  # of a key that the root names no longer, or of nobody's
                if repository is not self._repository:
                    self._warn(repository.name, f"what is published there is not believed: {e}")
            except RepositoryError as e:
                if repository is self._repository:
                    raise
                self._warn(repository.name, str(e))
        return found

    def _roots(self, repository: Repository) -> tuple[Any, dict[int, bytes]]:
        """Follow the roots from the region's own newest one, or from the other's first if it has none yet."""
        held = max(self._repository.versions("root"), default=0)
        root = parse_document(self._repository.read(document_name("root", held)) or b"") if held else None
        newer: dict[int, bytes] = {}
        while data := repository.read(document_name("root", held + len(newer) + 1)):
            following = parse_document(data)
            for by in (root, following):
                if by is not None:
                    by.signed.verify_delegate("root", following.signed_bytes, following.signatures)
            newer[held + len(newer) + 1] = data
            root = following
        return root, newer

    def _copy(self, seen: _Seen, now: int, *, instead_of: _Seen | None) -> str:
        """Copy a publication as if it were the region's own.

        Args:
            seen: which.
            now: seconds since 1970 UTC.
            instead_of: the region's own, whose revocations must all be in the copy; None to not compare.

        Returns:
            What it lacks, and then it is not published here; else "".

        Raises:
            BusyError: another publisher is at work here.
            RepositoryError: a part of it is missing or damaged, or can't be written.
        """
        with self._repository.lease():
            before = self._repository.read(TIMESTAMP)
            copied = self._read_publication(seen)
            self._copy_targets(seen, copied.files)
            keys = _key_set(self._repository, copied.targets.content.signed.targets)
            put_denials(self._repository, [_denied_keys(self._repository, copied.logs)], keys=keys)
            if instead_of and (lacking := self._find_lacking(copied, keys, instead_of, now)):
                return lacking
            self._put_documents(seen, copied)
            packs = self._publish_copy(seen, before, copied.status.content.signed)
            self._ledger.forget(day_of(now))
            in_force = {document.role: document.content.signed.version for document in copied.documents}
            clean(self._repository, in_force, {target_file(target) for target in copied.files}, now)
            with suppress(RepositoryError):  # without packs syncs take more requests, and the copy is as good
                root = max(self._repository.versions("root"))
                write_packs(self._repository, packs, partial(self._read_copied, seen), root)
        return ""

    def _read_copied(self, seen: _Seen, name: str) -> bytes:
        """Read a file of a publication that was copied here."""
        return seen.data if name == TIMESTAMP else read_file(self._repository, name)

    def _read_publication(self, seen: _Seen) -> _Publication:
        """Read the documents of a publication, and check that the custodians signed the pass keys.

        Raises:
            RepositoryError: they did not, or a document is missing or damaged.
        """
        snapshot, status = self._online_documents(seen)
        targets = self._document(seen, "targets", snapshot.content.signed.meta["targets.json"])
        _check_signed(seen.root, targets.content)
        return _Publication(targets, status, snapshot)

    def _put_documents(self, seen: _Seen, copied: _Publication) -> None:
        for version, data in seen.newer.items():
            self._put(document_name("root", version), data)
        for document in copied.documents:
            self._put(document_name(document.role, document.content.signed.version), document.data)

    def _publish_copy(self, seen: _Seen, before: bytes | None, status: Any) -> EmptiedPacks:
        """Announce the copied timestamp, replace the region's own by it, and settle what its lists hold."""
        announced = Announced(seen.version, sha256(seen.data).digest())
        if announced.digest not in {known.digest for known in self._ledger.announced()}:
            self._ledger.announce(announced)
        packs = empty_packs(self._repository, seen.version, seen.published)
        self._repository.replace_timestamp(seen.data, expected=before)
        self._ledger.settle(self._listed(status), announced)
        return packs

    def _online_documents(self, seen: _Seen) -> tuple[_Document, _Document]:
        """Read the snapshot and the status of a publication."""
        snapshot = self._document(seen, "snapshot", seen.timestamp.signed.snapshot_meta)
        return snapshot, self._document(seen, roles.STATUS, snapshot.content.signed.meta[f"{roles.STATUS}.json"])

    def _find_lacking(self, copied: _Publication, keys: KeySet, own: _Seen, now: int) -> str:
        """Return what a publication lacks of what the region publishes at present, or ""."""
        snapshot, status = self._online_documents(own)
        newer, older = (d.content.signed.meta["targets.json"].version for d in (snapshot, copied.snapshot))
        if newer > older:
            return f"its pass keys are of version {older}, and those published here of version {newer}"
        held = status.content.signed.targets
        for name, target in held.items():
            day = log_day(name)
            if day is None or day < listed_days(now).start:
                continue
            if missing := self._count_missing(target, copied.logs.get(name)):
                return f"it lacks {missing} of the revocations for {day_name(day)} that are published here"
        before, after = (denied_in([_denied_keys(self._repository, listed)], keys) for listed in (held, copied.logs))
        lost = before - after
        return f"the key {min(lost).hex()} is denied here and not there" if lost else ""

    def _count_missing(self, held: TargetFile, newer: TargetFile | None) -> int:
        """Count the indexes of a published log that another one of its day lacks. Both have been copied here."""
        if newer and newer.hashes == held.hashes:
            return 0
        log = _read_named(self._repository, held)
        return _missing(log, _read_named(self._repository, newer) if newer else b"")

    def _take_denials(self, others: Iterable[_Seen]) -> None:
        """Add keys that other regions' publications deny to this region's denied keys."""
        documents = []
        for seen in others:
            try:
                documents.append(_denied_keys(seen.source, self._online_documents(seen)[1].content.signed.targets))
            except RepositoryError as e:
                self._warn(seen.source.name, str(e))
        if documents:
            with self._repository.lease():
                put_denials(self._repository, documents, keys=read_keys(self._repository))

    def _document(self, seen: _Seen, role: str, meta: MetaFile) -> _Document:
        data = read_described(seen.source, document_name(role, meta.version), meta, advice=_AT_WORK)
        return _Document(role, data, parse_document(data))

    def _copy_targets(self, seen: _Seen, targets: Iterable[TargetFile]) -> None:
        """Copy the files that targets name and are not here."""
        here = {**self._repository.files(layout.TARGETS_FOLDER), **self._repository.files(layout.STATUS_FOLDER)}
        for target in targets:
            name = target_file(target)
            if name not in here:
                self._repository.put_target(name, _read_named(seen.source, target))

    def _put(self, name: str, data: bytes) -> None:
        """Write a document that a newer publication names, over one of that name that was never published."""
        if self._repository.read(name) != data:
            self._repository.put_target(name, data)

    def _listed(self, status: Any) -> list[tuple[int, int]]:
        """Return the pending revocations that the lists hold."""
        pending = self._ledger.pending()
        listed: list[tuple[int, int]] = []
        for day in {day for day, _ in pending}:
            target = status.targets.get(log_target(day))
            if target is not None:
                revoked = _revoked_in(_read_named(self._repository, target))
                listed += [(day, index) for d, index in pending if d == day and index in revoked]
        return listed


def _key_set(repository: Repository, targets: Mapping[str, TargetFile]) -> KeySet:
    """Read the pass keys that the custodians' targets name, once they have been copied.

    Raises:
        RepositoryError: they can't be read.
    """
    try:
        return KeySet.from_jwks(_read_named(repository, targets[layout.KEYS_TARGET]))
    except KeyDocumentError as e:
        raise RepositoryError(f"the published keys can't be read: {e}") from e


def _missing(before: bytes, after: bytes) -> int:
    """Count the indexes of a log that another one of its day lacks. Mostly the other only continues it."""
    if after.startswith(before):
        return 0
    held = _revoked_in(after) if after else ()
    return sum(index not in held for index in _revoked_in(before))


def _revoked_in(log: bytes) -> Collection[int]:
    """Read a log whose hash was signed.

    Raises:
        RepositoryError: it is no log.
    """
    try:
        return read_log(log).revoked
    except LogError as e:
        raise RepositoryError(f"a list that another region signed can't be read: {e}") from e


def _check_signed(root: Any, targets: Any) -> None:
    """Check that the custodians signed the targets document.

    Raises:
        RepositoryError: too few custodians signed.
    """
    try:
        root.signed.verify_delegate("targets", targets.signed_bytes, targets.signatures)
    except tuf_errors.RepositoryError as e:
        raise RepositoryError(f"the pass keys lack signatures of the custodians ({e})") from e


def _denied_keys(repository: Repository, listed: Mapping[str, TargetFile]) -> bytes:
    """Read the denied keys that a status document names."""
    return _read_named(repository, listed[roles.DENIED_TARGET])


def _read_named(repository: Repository, target: TargetFile) -> bytes:
    """Read a target, and check its length and hash.

    Raises:
        RepositoryError: it is missing or damaged.
    """
    return read_described(repository, target_file(target), target, advice=_AT_WORK)


def _find_newer(others: Iterable[_Seen], held: _Seen | None) -> _Seen | None:
    """Return the newest publication of other regions, if it is newer than the region's own."""
    newest = max(others, key=lambda seen: seen.rank, default=None)
    return newest if newest and (held is None or newest.rank > held.rank) else None
