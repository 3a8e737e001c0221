"""The publisher: puts what was revoked since the last time into the day's logs, and signs that it is fresh.

One publication:
    1. take the lease, read the published state and what is pending in the ledger
    2. write a log for each day that changed or is new, under the hash of its content
    3. write status and snapshot, where something in them changed or they would expire too soon
    4. replace the timestamp: this, and only this, publishes
    5. take the published ones from the pending, and delete what nothing has named for a day

Killed anywhere, the next one begins from the published state and loses nothing: what is pending stays so until
step 5, and an index that the log holds already is left out.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tuf.api.metadata import Metadata, MetaFile, TargetFile

from movepass_issuer.compaction import grown
from movepass_issuer.errors import RepositoryError
from movepass_issuer.ledger import Ledger
from movepass_issuer.repository import FolderRepository
from movepass_keys import Signer, layout, roles
from movepass_keys.layout import TIMESTAMP, document_name, target_file
from movepass_wire import new_log
from movepass_wire.limits import LOG_KEPT_SECONDS, PUBLISHED_DAYS_AHEAD
from movepass_wire.statuslog import HEADER_BYTES, read_header
from movepass_wire.times import DAY_SECONDS, day_of

_KEPT_SECONDS = DAY_SECONDS
"""Files no longer named go after this: a slow device may be in the middle of reading them."""
_NOBODY_DENIED = roles.json_bytes({"denied": []})


@dataclass(frozen=True, slots=True)
class Publication:
    """What a publication did.

    Attributes:
        published: the time it is signed as of, seconds since 1970 UTC.
        version: the timestamp's.
        revoked: how many passes it newly lists.
        days: the UTC days it has logs for.
    """

    published: int
    version: int
    revoked: int
    days: tuple[int, ...]


def listed_days(now: int, ahead: int = PUBLISHED_DAYS_AHEAD) -> range:
    """Give the UTC days that have a log at a time: yesterday for its first six hours, today, and those ahead."""
    return range(day_of(now - LOG_KEPT_SECONDS), day_of(now) + ahead + 1)


class Publisher:
    """Publishes into one repository, from one ledger, with the online key."""

    def __init__(
        self,
        *,
        repository: FolderRepository,
        ledger: Ledger,
        signer: Signer,
        denied: Callable[[], bytes] = lambda: _NOBODY_DENIED,
    ) -> None:
        """Take what is published from and with.

        Args:
            repository: where to.
            ledger: what has been revoked.
            signer: the online key.
            denied: gives the document of the keys denied at once (KeySet.denied_to_json); asked under the lease.
        """
        self._denied = denied
        self._repository = repository
        self._ledger = ledger
        self._signer = signer

    def last_published(self) -> int | None:
        """Give when this repository was last published, seconds since 1970 UTC; None before the first time."""
        data = self._repository.read(TIMESTAMP)
        return None if data is None else roles.published_at(load_document(data).signed)

    def publish(self, now: int, *, days_ahead: int = PUBLISHED_DAYS_AHEAD, versions_ahead: int = 0) -> Publication:
        """Publish once.

        Args:
            now: seconds since 1970 UTC.
            days_ahead: for how many days after today there shall be a log.
            versions_ahead: versions to leave out, after a restore from a backup that devices have seen more than.

        Raises:
            RepositoryError: another publisher is at work, or the repository can't be read or written.
            LedgerError: the ledger can't be read or written; what was published stays so.
        """
        with self._repository.lease():
            self._check_online_key()
            before = self._repository.read(TIMESTAMP)
            if before is None:
                self._check_never_published()
            timestamp = None if before is None else load_document(before).signed
            snapshot = self._current("snapshot", timestamp.snapshot_meta.version) if timestamp else None
            status = self._current(roles.STATUS, snapshot.signed.meta["status.json"].version) if snapshot else None
            pending = self._ledger.pending()
            days = self._days(status, now, days_ahead)
            targets, revoked = self._targets(status, pending, days)
            status_meta = self._status(status, targets, now, versions_ahead)
            snapshot_meta = self._snapshot(snapshot, status_meta, now, versions_ahead)
            version = (timestamp.version if timestamp else 0) + versions_ahead + 1
            published = roles.make_timestamp(snapshot_meta, now=now, version=version)
            self._repository.replace_timestamp(roles.sign(published, [self._signer]), expected=before)
            self._ledger.settle((day, index) for day, index in pending if day <= days[-1])
            self._ledger.forget(day_of(now))
            self._clean(now)
        return Publication(now, version, revoked, tuple(days))

    def _check_online_key(self) -> None:
        """Make sure that devices will believe what this key signs.

        Raises:
            RepositoryError: the newest root or targets names another online key, or there are none yet.
        """
        keyid = roles.role_key(self._signer).keyid
        root, targets = (self._newest(role).signed for role in ("root", "targets"))
        if root.roles["timestamp"].keyids != [keyid] or list(targets.delegations.keys) != [keyid]:
            raise RepositoryError("the root and the targets in force name another online key than this one")

    def _check_never_published(self) -> None:
        """Refuse to begin anew where something was published before: revocations would be forgotten.

        Raises:
            RepositoryError: the timestamp has been lost.
        """
        for name in self._repository.names(layout.STATUS_FOLDER):
            if name.endswith(".log") and len(self._repository.read(name) or b"") > HEADER_BYTES:
                raise RepositoryError(f"{TIMESTAMP} is missing, though lists were published; restore it from a copy")

    def _newest(self, role: str) -> Any:
        version = max(self._repository.versions(role), default=0)
        if not version:
            raise RepositoryError(f"there is no {document_name(role, 1)} yet; the custodians' ceremony makes it")
        return self._current(role, version)

    def _current(self, role: str, version: int) -> Any:
        name = document_name(role, version)
        data = self._repository.read(name)
        if data is None:
            raise RepositoryError(f"{name} is missing; restore the repository from a copy")
        return load_document(data)

    def _days(self, status: Any, now: int, ahead: int) -> list[int]:
        """Give the days to list: those asked for, and any later one that is listed already, for logs only grow."""
        days = listed_days(now, ahead)
        names = status.signed.targets if status else {}
        held = {day for name in names if (day := layout.log_day(name)) is not None}
        return sorted({*days, *(day for day in held if day >= days.start)})

    def _targets(
        self, status: Any, pending: Sequence[tuple[int, int]], days: Iterable[int]
    ) -> tuple[dict[str, TargetFile], int]:
        """Bring every log up to date with all that the ledger knows as revoked, not only with what is pending.

        So a day that comes back, after a clock that was wrong or a repository restored from a copy, forgets nothing.

        Returns:
            What status shall name, and how many indexes are new.
        """
        named: dict[str, TargetFile] = status.signed.targets if status else {}
        targets, revoked = {roles.DENIED_TARGET: self._put(roles.DENIED_TARGET, self._denied())}, 0
        for day in days:
            name = layout.log_target(day)
            wanted = {*self._ledger.revoked(day), *(index for pending_day, index in pending if pending_day == day)}
            log, new = self._log(named[name]) if name in named else new_log(day), 0
            if wanted:
                log, new = grown(log, wanted)
            generation = {roles.GENERATION: read_header(log)[1]}
            targets[name] = self._put(name, log, generation) if new or name not in named else named[name]
            revoked += new
        return targets, revoked

    def _log(self, target: TargetFile) -> bytes:
        data = self._repository.read(target_file(target))
        if data is None:
            raise RepositoryError(f"{target_file(target)} is missing; restore the repository from a copy")
        target.verify_length_and_hashes(data)
        return data

    def _put(self, name: str, data: bytes, custom: dict[str, Any] | None = None) -> TargetFile:
        target = TargetFile.from_data(name, data, ["sha256"])
        if custom:
            target.unrecognized_fields["custom"] = custom
        self._repository.put_target(target_file(target), data)
        return target

    def _status(self, status: Any, targets: dict[str, TargetFile], now: int, ahead: int) -> MetaFile:
        if not ahead and self._holds(status, now) and status.signed.targets == targets:
            return self._describe(roles.STATUS, status)
        version = self._unused(roles.STATUS) + ahead
        return self._put_version(roles.STATUS, roles.make_status(targets, now=now, version=version))

    def _snapshot(self, snapshot: Any, status: MetaFile, now: int, ahead: int) -> MetaFile:
        parts = {"targets.json": self._describe("targets", self._newest("targets")), "status.json": status}
        if not ahead and self._holds(snapshot, now) and snapshot.signed.meta == parts:
            return self._describe("snapshot", snapshot)
        version = self._unused("snapshot") + ahead
        return self._put_version("snapshot", roles.make_snapshot(parts, now=now, version=version))

    def _holds(self, document: Any, now: int) -> bool:
        """Tell whether a published document may go on as it is: signed by this very key, and for long enough."""
        return (
            document is not None
            and roles.has_signed(document, roles.role_key(self._signer))
            and document.signed.expires.timestamp() - now >= roles.RESIGN_BEFORE_SECONDS
        )

    def _describe(self, role: str, document: Any) -> MetaFile:
        """Describe a published document as the one above it names it: by version, length and hash."""
        version = document.signed.version
        return MetaFile.from_data(version, self._repository.read(document_name(role, version)) or b"", ["sha256"])

    def _put_version(self, role: str, document: Any) -> MetaFile:
        version, data = document.signed.version, roles.sign(document, [self._signer])
        self._repository.create_version(document_name(role, version), data)
        return MetaFile.from_data(version, data, ["sha256"])

    def _unused(self, role: str) -> int:
        """Choose a version that no file has, not even one a killed publisher left behind."""
        return max(self._repository.versions(role), default=0) + 1

    def _clean(self, now: int) -> None:
        """Delete versions superseded for a day, and the logs that only they named."""
        kept: set[str] = set()
        for role in ("snapshot", roles.STATUS):
            versions = self._repository.versions(role)
            for version, successor in zip(versions, [*versions[1:], None], strict=True):
                outlived = now - _KEPT_SECONDS
                if successor is not None and self._repository.modified(document_name(role, successor)) < outlived:
                    self._repository.delete(document_name(role, version))
                elif role == roles.STATUS:
                    kept |= self._named_by(version)
        for name in self._repository.names(layout.STATUS_FOLDER):
            if name not in kept and self._repository.modified(name) < now - _KEPT_SECONDS:
                self._repository.delete(name)

    def _named_by(self, version: int) -> set[str]:
        """Give the files that a version of status names; none where it can't be read, as nobody else can either."""
        try:
            return {target_file(t) for t in self._current(roles.STATUS, version).signed.targets.values()}
        except RepositoryError:
            return set()


def load_document(data: bytes) -> Any:
    """Read a document of one of the roles.

    Raises:
        RepositoryError: it can't be read.
    """
    try:
        return Metadata.from_bytes(data)
    except Exception as e:  # noqa: BLE001 - tuf raises many kinds for one cause
        raise RepositoryError(f"a document of the repository can't be read ({e}); restore it from a copy") from None


def load_keys(repository: FolderRepository) -> bytes:
    """Read the pass keys' document that the newest targets names.

    Raises:
        RepositoryError: there is none.
    """
    newest = max(repository.versions("targets"), default=0)
    data = repository.read(document_name("targets", newest))
    if data is None:
        raise RepositoryError(f"there are no pass keys yet: {document_name('targets', 1)} is missing")
    target = load_document(data).signed.targets[roles.KEYS_TARGET]
    document = repository.read(target_file(target))
    if document is None:
        raise RepositoryError(f"{target_file(target)} is missing; restore it from a copy")
    return document


def put_keys(repository: FolderRepository, document: bytes) -> None:
    """Write a pass keys' document where targets names it."""
    target = TargetFile.from_data(roles.KEYS_TARGET, document)
    repository.put_target(target_file(target), document)
