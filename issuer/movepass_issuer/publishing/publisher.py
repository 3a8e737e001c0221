"""The publisher: puts what was revoked since the last time into the day's logs, and signs that it is fresh.

One publication:
    1. take the lease, read the published state and what is pending in the ledger
    2. write a log for each day that changed or is new, under the hash of its content
    3. write status and snapshot, where something in them changed or they would expire too soon
    4. announce the timestamp in the ledger, and replace it: this, and only this, publishes
    5. take the published ones from the pending, and delete what nothing has named for a day (see cleaning)

Killed anywhere, the next one begins from the published state and loses nothing: what is pending stays so until
step 5, and an index that the log holds already is left out. Overtaken, it throws its work away and begins anew.

The ledger remembers the timestamp published last, so a publisher knows the repository again. Is it as it was left, then
all that is not pending is in the logs, and only those that get more are read. Is it another, then one of the two was
restored from a copy, and the publisher refuses.

Versions go up by one. Who may not have seen the last ones goes on from the clock's seconds, if that is more: nobody
publishes more than once a second for long, so whoever goes on later is above all that were published before, however
many they were and whoever published them.
"""

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import Metadata, MetaFile, TargetFile

from movepass_issuer.errors import BusyError, ClockError, NotAcceptedError, RepositoryError, RestoredError
from movepass_issuer.issuing.ledger import Announced, Ledger
from movepass_issuer.publishing.cleaning import clean
from movepass_issuer.publishing.continuity import not_as_left
from movepass_issuer.publishing.published_keys import NOBODY_DENIED
from movepass_issuer.revoking.compaction import grown
from movepass_issuer.storage.repository import Repository, versions_in
from movepass_keys import Signer
from movepass_keys.records import layout, roles
from movepass_keys.records.expiry import Ending, document_endings
from movepass_keys.records.layout import TIMESTAMP, document_name, log_target, target_file
from movepass_wire import new_log
from movepass_wire.limits import LOG_KEPT_SECONDS, PUBLISHED_DAYS_AHEAD
from movepass_wire.statuslog import HEADER_BYTES, read_header
from movepass_wire.times import day_name, day_of, iso, local

CLOCK_BACK_MAX_SECONDS = 300
CLOCK_AHEAD_MAX_SECONDS = 3 * 86400
"""From one publication to the next. A clock far ahead would sign lists that lock every device that syncs, and forget
what must be kept; whoever has not published for three days may have to say that the clock is right."""
PATIENCE_SECONDS = 15.0
"""How long to wait for another publisher, or to begin anew when one was faster."""
_PAUSE_SECONDS = 0.1, 0.4
_TIMESTAMP_LOST = f"{TIMESTAMP} is missing, though lists were published; restore it from a copy"


@dataclass(frozen=True, slots=True)
class Publication:
    """What a publication did.

    Attributes:
        published: the time it is signed as of, seconds since 1970 UTC.
        version: the timestamp's.
        revoked: how many passes it newly lists.
        days: the UTC days it has logs for.
        took_over: whether another region published before (movepass_issuer.regions.replication).
    """

    published: int
    version: int
    revoked: int
    days: tuple[int, ...]
    took_over: bool = False

    def to_json(self) -> dict[str, Any]:
        """Tell of it."""
        days = [day_name(day) for day in self.days]
        told = {"published": iso(self.published), "version": self.version, "revoked": self.revoked, "days": days}
        return told | ({"took_over": True} if self.took_over else {})


def listed_days(now: int, ahead: int = PUBLISHED_DAYS_AHEAD) -> range:
    """Give the UTC days that have a log at a time: yesterday for its first six hours, today, and those ahead."""
    return range(day_of(now - LOG_KEPT_SECONDS), day_of(now) + ahead + 1)


class Publisher:
    """Publishes into one repository, from one ledger, with the online key."""

    def __init__(
        self,
        *,
        repository: Repository,
        ledger: Ledger,
        signer: Signer,
        denied: Callable[[], bytes] = lambda: NOBODY_DENIED,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Take what is published from and with.

        Args:
            repository: where to.
            ledger: what has been revoked.
            signer: the online key.
            denied: gives the document of the keys denied at once (KeySet.denied_to_json); asked under the lease.
            patience: how long to try while other publishers are at work, seconds.
        """
        self._denied = denied
        self._repository = repository
        self._ledger = ledger
        self._signer = signer
        self._patience = patience

    def publish(
        self,
        now: int,
        *,
        days_ahead: int = PUBLISHED_DAYS_AHEAD,
        unseen: bool = False,
        clock_checked: bool = False,
    ) -> Publication:
        """Publish once.

        Args:
            now: seconds since 1970 UTC.
            days_ahead: for how many days after today there shall be a log.
            unseen: whether devices may have seen later publications than are known here, as after a restore from a
                backup: versions go on from the clock's seconds, and every list is compared with all of the ledger.
            clock_checked: publish though `now` is far from the last publication: somebody has said that it is right.

        Raises:
            BusyError: other publishers were at work or faster all the time.
            RepositoryError: the repository can't be read or written, or is not the one that this ledger knows.
            ClockError: the clock has jumped.
            NotAcceptedError: it is written, with every revocation, and devices refuse it: the custodians must act.
            LedgerError: the ledger can't be read or written; what was published stays so.
        """
        give_up = time.monotonic() + self._patience
        while True:
            try:
                with self._repository.lease():
                    publication = _Work(self._repository, self._ledger, self._signer, now)
                    return publication.publish(
                        self._denied, days_ahead=days_ahead, unseen=unseen, clock_checked=clock_checked
                    )
            except BusyError:
                if time.monotonic() > give_up:
                    raise
            time.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311 - no secret


class _Work:
    """One attempt at a publication, under the lease."""

    def __init__(self, repository: Repository, ledger: Ledger, signer: Signer, now: int) -> None:
        self._repository = repository
        self._ledger = ledger
        self._signer = signer
        self._now = now
        self._files = repository.files(layout.METADATA_FOLDER)
        self._read: dict[str, bytes] = {}

    def publish(
        self, denied: Callable[[], bytes], *, days_ahead: int, unseen: bool, clock_checked: bool
    ) -> Publication:
        """See Publisher.publish."""
        self._check_online_key()
        before = self._repository.read(TIMESTAMP)  # before the ledger: what it forgets later has been replaced by then
        timestamp = None if before is None else load_timestamp(before, self._repository).signed
        snapshot = self._document("snapshot", timestamp.snapshot_meta.version) if timestamp else None
        status = self._document(roles.STATUS, snapshot.signed.meta["status.json"].version) if snapshot else None
        known = self._ledger.announced()
        as_left = not unseen and self._is_as_left(before, known)
        if timestamp and not clock_checked:
            _check_clock(self._now, roles.published_at(timestamp))

        days = self._days(status, days_ahead)
        counts = {day: self._ledger.revoked_count(day) for day in days}  # of what is pending or in a log, once we look
        pending = self._ledger.pending()
        targets, revoked = self._targets(status, pending, counts, as_left=as_left)
        targets[roles.DENIED_TARGET] = self._put(roles.DENIED_TARGET, denied())
        status_meta = self._status(status, targets, unseen=unseen)
        snapshot_meta = self._snapshot(snapshot, status_meta, unseen=unseen)

        last = max([timestamp.version if timestamp else 0, *(a.version for a in known)])
        version = self._after(last, unseen=unseen)
        made = roles.make_timestamp(snapshot_meta, now=self._now, version=version)
        data = roles.sign_document(made, [self._signer])
        announced = Announced(version, sha256(data).digest())
        self._ledger.announce(announced)
        self._repository.replace_timestamp(data, expected=before)
        self._ledger.settle([(day, index) for day, index in pending if day <= days[-1]], announced)
        self._ledger.forget(day_of(self._now))
        keys = self._newest("targets").signed
        in_force = {"targets": keys.version, "snapshot": snapshot_meta.version, roles.STATUS: status_meta.version}
        named = {target_file(target) for target in (*targets.values(), *keys.targets.values())}
        clean(self._repository, in_force, named, self._now)
        check_accepted(self._endings(), revoked)
        return Publication(self._now, version, revoked, tuple(days))

    def _endings(self) -> list[Ending]:
        root, targets = (self._read[document_name(r, self._newest(r).signed.version)] for r in ("root", "targets"))
        return document_endings(root=root, targets=targets, now=self._now)

    def _check_online_key(self) -> None:
        """Make sure that devices will believe what this key signs.

        Raises:
            RepositoryError: the newest root or targets names another online key, or there are none yet.
        """
        keyid = roles.role_key(self._signer).keyid
        root, targets = (self._newest(role).signed for role in ("root", "targets"))
        if keyid not in root.roles["timestamp"].keyids or keyid not in targets.delegations.keys:
            raise RepositoryError("the root and the targets in force name another online key than this one")

    def _is_as_left(self, timestamp: bytes | None, known: Iterable[Announced]) -> bool:
        """Tell whether the repository is as this ledger's last publication left it, and all of that is settled.

        Raises:
            RestoredError: it is neither that nor what a publication that was cut short can have left.
        """
        settled = max((a for a in known if a.settled), key=lambda a: a.version, default=None)
        digest = sha256(timestamp or b"").digest()
        if settled and not any(a.digest == digest for a in known):
            if self._repository.read(TIMESTAMP) != timestamp:
                raise BusyError("another publisher replaced the timestamp meanwhile; publish again")
            if timestamp is None:
                raise RestoredError(_TIMESTAMP_LOST)
            version = load_timestamp(timestamp, self._repository).signed.version
            raise RestoredError(not_as_left(self._repository, version, settled.version))
        if timestamp is None and self._holds_revocations():
            raise RestoredError(_TIMESTAMP_LOST)
        return settled is not None and settled.digest == digest

    def _holds_revocations(self) -> bool:
        logs = (name for name in self._repository.files(layout.STATUS_FOLDER) if name.endswith(".log"))
        return any(len(self._repository.read(name) or b"") > HEADER_BYTES for name in logs)

    def _days(self, status: Any, ahead: int) -> list[int]:
        """Give the days to list: those asked for, and any later one that is listed already, for logs only grow."""
        days = listed_days(self._now, ahead)
        names = status.signed.targets if status else {}
        held = {day for name in names if (day := layout.log_day(name)) is not None}
        return sorted({*days, *(day for day in held if day >= days.start)})

    def _targets(
        self, status: Any, pending: Iterable[tuple[int, int]], counts: Mapping[int, int], *, as_left: bool
    ) -> tuple[dict[str, TargetFile], int]:
        """Bring every log up to date.

        Where the repository is as it was left, with what is pending; else, and where the day is new or the ledger
        counts more than the log then holds, with all that the ledger knows as revoked. So a day that comes back, after
        a clock that was wrong, forgets nothing.

        Returns:
            The logs that status shall name, and how many indexes are new.
        """
        named: Mapping[str, TargetFile] = status.signed.targets if status else {}
        wanted: dict[int, set[int]] = {day: set() for day in counts}
        for day, index in pending:
            wanted.get(day, set()).add(index)
        targets, revoked = {}, 0
        for day, indexes in wanted.items():
            name = log_target(day)
            if not as_left or name not in named:
                indexes.update(self._ledger.revoked(day))
            if name in named and not indexes:
                targets[name] = named[name]
                continue
            before = load_log(self._repository, named[name]) if name in named else new_log(day)
            after = grown(before, indexes)
            if after.held < counts[day]:
                after = grown(before, [*indexes, *self._ledger.revoked(day)])
            generation = {roles.GENERATION: read_header(after.log)[1]}
            unchanged = name in named and not after.added
            targets[name] = named[name] if unchanged else self._put(name, after.log, generation)
            revoked += after.added
        return targets, revoked

    def _put(self, name: str, data: bytes, custom: dict[str, Any] | None = None) -> TargetFile:
        target = TargetFile.from_data(name, data, ["sha256"])
        if custom:
            target.unrecognized_fields["custom"] = custom
        self._repository.put_target(target_file(target), data)
        return target

    def _status(self, status: Any, targets: dict[str, TargetFile], *, unseen: bool) -> MetaFile:
        if not unseen and self._holds(status) and status.signed.targets == targets:
            return self._describe(roles.STATUS, status)
        version = self._after(self._last(roles.STATUS), unseen=unseen)
        return self._put_version(roles.STATUS, roles.make_status(targets, now=self._now, version=version))

    def _snapshot(self, snapshot: Any, status: MetaFile, *, unseen: bool) -> MetaFile:
        parts = {"targets.json": self._describe("targets", self._newest("targets")), "status.json": status}
        if not unseen and self._holds(snapshot) and snapshot.signed.meta == parts:
            return self._describe("snapshot", snapshot)
        version = self._after(self._last("snapshot"), unseen=unseen)
        return self._put_version("snapshot", roles.make_snapshot(parts, now=self._now, version=version))

    def _holds(self, document: Any) -> bool:
        """Tell whether a published document may go on as it is: signed by this very key, and for long enough."""
        return (
            document is not None
            and roles.has_signed(document, roles.role_key(self._signer))
            and document.signed.expires.timestamp() - self._now >= roles.RESIGN_BEFORE_SECONDS
        )

    def _newest(self, role: str) -> Any:
        version = max(versions_in(self._files, role), default=0)
        if not version:
            raise RepositoryError(f"there is no {document_name(role, 1)} yet; the custodians' ceremony makes it")
        return self._document(role, version)

    def _document(self, role: str, version: int) -> Any:
        """Read a versioned document; they never change, so once is enough."""
        name = document_name(role, version)
        data = self._read.get(name) or self._repository.read(name)
        if data is None:
            raise RepositoryError(f"{name} is missing; restore the repository from a copy")
        self._read[name] = data
        return load_document(data)

    def _describe(self, role: str, document: Any) -> MetaFile:
        """Describe a published document as the one above it names it: by version, length and hash."""
        version = document.signed.version
        return MetaFile.from_data(version, self._read[document_name(role, version)], ["sha256"])

    def _put_version(self, role: str, document: Any) -> MetaFile:
        version, data = document.signed.version, roles.sign_document(document, [self._signer])
        self._repository.create_version(document_name(role, version), data)
        return MetaFile.from_data(version, data, ["sha256"])

    def _last(self, role: str) -> int:
        """Give the last version that a file has, be it one that a killed publisher left behind."""
        return max(versions_in(self._files, role), default=0)

    def _after(self, last: int, *, unseen: bool) -> int:
        """Choose the version that comes after the last one known."""
        return max(last + 1, self._now if unseen else 0)


def check_accepted(ends: Iterable[Ending], revoked: int = 0) -> None:
    """Make sure that devices accept what has been written.

    It is written in any case: this machine's clock may be ahead of the devices', and whatever takes the lists without
    looking at the custodians' documents still learns of revocations.

    Raises:
        NotAcceptedError: the custodians' documents have ended.
    """
    ended = [str(ending) for ending in ends if ending.stops_syncs]
    if ended:
        raise NotAcceptedError(
            f"written, with {revoked} newly revoked, and not accepted by devices: {'; '.join(ended)}. "
            "Until then no revocation reaches a device; then all of them do"
        )


def _check_clock(now: int, last: int | None) -> None:
    if last is not None and not last - CLOCK_BACK_MAX_SECONDS <= now <= last + CLOCK_AHEAD_MAX_SECONDS:
        raise ClockError(
            f"last published at {local(last)}, and this machine's clock says {local(now)}: is it right? "
            "If so: movepass publish --clock-checked"
        )


def load_document(data: bytes) -> Any:
    """Read a document of one of the roles.

    Raises:
        RepositoryError: it can't be read.
    """
    try:
        return Metadata.from_bytes(data)
    except Exception as e:  # noqa: BLE001 - tuf raises many kinds for one cause
        raise RepositoryError(f"a document of the repository can't be read ({e}); restore it from a copy") from None


def load_timestamp(data: bytes, repository: Repository) -> Any:
    """Read the timestamp of a repository.

    Raises:
        RepositoryError: it can't be read, or is a document of another role.
    """
    document = load_document(data)
    if document.signed.type != "timestamp":
        raise RepositoryError(f"{repository.name}: {TIMESTAMP} holds a {document.signed.type}; restore it from a copy")
    return document


def load_log(repository: Repository, target: TargetFile) -> bytes:
    """Read a published log and hold it against its length and hash.

    Raises:
        RepositoryError: it is missing or damaged.
    """
    data = repository.read(target_file(target))
    if data is None:
        raise RepositoryError(f"{target_file(target)} is missing; restore the repository from a copy")
    try:
        target.verify_length_and_hashes(data)
    except LengthOrHashMismatchError as e:
        raise RepositoryError(f"{target_file(target)} is damaged ({e}); restore it from a copy") from None
    return data


def put_keys(repository: Repository, document: bytes) -> None:
    """Write a pass keys' document where targets names it."""
    target = TargetFile.from_data(layout.KEYS_TARGET, document)
    repository.put_target(target_file(target), document)
