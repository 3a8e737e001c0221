"""The publisher: adds new revocations to the days' logs, and signs that they are fresh.

One publication:
    1. take the lease, and read the published state
    2. write a log for each day that changed or is new, under the hash of its content
    3. write status and snapshot if their content changed or they would expire too soon
    4. announce the timestamp in the ledger, empty packs, and replace it: only the last publishes
    5. remove the published revocations from the pending ones, and delete old files (see cleaning)
    6. write packs, as well as may be (see packs)

If a publisher is killed, the next one starts from the published state and loses nothing: revocations stay pending until
step 5, and an index that a log already holds is left out. If another publisher was faster, it discards its work and
starts again.

The ledger remembers the last published timestamp, so a publisher recognises the repository. If it is unchanged, every
revocation that is not pending is already in a log, and only the logs that grow are read. If it differs, ledger or
repository was restored from a copy, and the publisher refuses.

Versions increase by one. A publisher that may have missed versions continues from the Unix time if that is higher.
Nobody publishes more than once a second for long, so this is above every earlier version, whoever published it.
"""

import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tuf.api.metadata import MetaFile, TargetFile

from movepass_issuer.errors import BusyError, ClockError, NotAcceptedError, RepositoryError, RestoredError
from movepass_issuer.issuing.ledger import Announced, Ledger
from movepass_issuer.publishing.cleaning import clean
from movepass_issuer.publishing.continuity import describe_mismatch
from movepass_issuer.publishing.packs import EmptiedPacks, empty_packs, write_packs
from movepass_issuer.publishing.published import (
    NOBODY_DENIED,
    parse_document,
    parse_timestamp,
    read_described,
    read_file,
)
from movepass_issuer.revoking.compaction import grow_log
from movepass_issuer.storage.repository import Repository, versions_in
from movepass_keys import Signer
from movepass_keys.records import layout, roles
from movepass_keys.records.expiry import Ending, document_endings
from movepass_keys.records.generations import Generations, LastFile
from movepass_keys.records.layout import TIMESTAMP, document_name, log_target, target_file
from movepass_wire import new_log
from movepass_wire.limits import LOG_KEPT_SECONDS, PUBLISHED_DAYS_AHEAD
from movepass_wire.statuslog import HEADER_BYTES
from movepass_wire.times import day_name, day_of, iso, local

CLOCK_BACK_MAX_SECONDS = 300
CLOCK_AHEAD_MAX_SECONDS = 3 * 86400
"""From one publication to the next. A clock far ahead would sign lists that lock every device that syncs, and delete
data too early. After three days without a publication, somebody may have to confirm that the clock is right."""
PATIENCE_SECONDS = 15.0
"""How long to wait for another publisher, or to start again when one was faster."""
_PAUSE_SECONDS = 0.1, 0.4
_TIMESTAMP_LOST = f"{TIMESTAMP} is missing, though lists were published; restore it from a copy"


@dataclass(frozen=True, slots=True)
class Publication:
    """The result of a publication.

    Attributes:
        published: the time it is signed as of, seconds since 1970 UTC.
        version: the timestamp's.
        revoked: how many revocations are new in it.
        days: the UTC days it has logs for.
        took_over: whether another region published before (movepass_issuer.regions.replication).
        without_packs: why the packs are not of this publication, or "": then syncs take more requests.
    """

    published: int
    version: int
    revoked: int
    days: tuple[int, ...]
    took_over: bool = False
    without_packs: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as `publish --json` shows it."""
        days = [day_name(day) for day in self.days]
        told = {"published": iso(self.published), "version": self.version, "revoked": self.revoked, "days": days}
        told |= {"took_over": True} if self.took_over else {}
        return told | ({"without_packs": self.without_packs} if self.without_packs else {})


def listed_days(now: int, ahead: int = PUBLISHED_DAYS_AHEAD) -> range:
    """Return the UTC days that have a log: yesterday until six hours past its end, today, and the days ahead."""
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
        others: Callable[[], Mapping[str, bytes]] = dict,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Prepare to publish; nothing is read yet.

        Args:
            repository: where to publish.
            ledger: the revocations.
            signer: the online key.
            denied: returns the document of the keys denied at once (KeySet.denied_to_json); called under the lease.
            others: returns further targets of the status role by name, "status/…", which devices ignore; called under
                the lease. A head of the decision log that was published before stays without it.
            patience: seconds to try for while other publishers are at work.
        """
        self._denied = denied
        self._others = others
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
            days_ahead: for how many days after today to publish a log.
            unseen: whether devices may have seen later publications than are known here, as after a restore from a
                backup. Versions then continue from the Unix time, and every log is compared with the whole ledger.
            clock_checked: publish even if `now` is far from the last publication: somebody has confirmed the clock.

        Raises:
            BusyError: other publishers were at work or faster all the time.
            RepositoryError: the repository can't be read or written, or is not the one that this ledger knows.
            ClockError: the clock has jumped.
            NotAcceptedError: it is written with every revocation, but devices refuse it: the custodians must act.
            LedgerError: the ledger can't be read or written; a publication that was made stays published.
        """
        give_up = time.monotonic() + self._patience
        while True:
            try:
                with self._repository.lease():
                    work = _Work(
                        self._repository, self._ledger, self._signer, now, unseen=unseen, clock_checked=clock_checked
                    )
                    return work.publish(self._denied, self._others, days_ahead)
            except BusyError:
                if time.monotonic() > give_up:
                    raise
            time.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311 - no secret


@dataclass(frozen=True, slots=True)
class _Published:
    """The published state; each part is None before the first publication.

    Attributes:
        data: the timestamp's file; it is replaced only if it is still this.
        is_as_left: whether it is as this ledger's last publication left it, and all of that is settled.
        version: the highest one of a timestamp that was published or announced.
    """

    data: bytes | None
    timestamp: Any
    snapshot: Any
    status: Any
    is_as_left: bool
    version: int


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lists of a publication.

    Attributes:
        targets: the logs, the denied keys and the other targets, as status names them.
        days: the UTC days that have a log.
        pending: every (day, index) that was pending when the logs were written.
        revoked: how many indexes are new.
    """

    targets: dict[str, TargetFile]
    days: list[int]
    pending: list[tuple[int, int]]
    revoked: int


class _Work:
    """One attempt at a publication, under the lease. Its steps are those at the top of this module."""

    def __init__(
        self, repository: Repository, ledger: Ledger, signer: Signer, now: int, *, unseen: bool, clock_checked: bool
    ) -> None:
        self._repository = repository
        self._ledger = ledger
        self._signer = signer
        self._now = now
        self._unseen = unseen
        self._clock_checked = clock_checked
        self._files = repository.files(layout.METADATA_FOLDER)
        self._read: dict[str, bytes] = {}

    def publish(
        self, denied: Callable[[], bytes], others: Callable[[], Mapping[str, bytes]], days_ahead: int
    ) -> Publication:
        """See Publisher.publish."""
        self._check_online_key()
        published = self._read_published()
        lists = self._write_lists(published, denied, others, days_ahead)
        status = self._write_status(published.status, lists.targets)
        snapshot = self._write_snapshot(published.snapshot, status)
        announced, packs = self._replace_timestamp(published, snapshot)
        self._settle(lists, announced)
        self._clean(lists, snapshot=snapshot.version, status=status.version)
        without_packs = self._write_packs(packs)
        check_accepted(self._endings(), lists.revoked)
        return Publication(self._now, announced.version, lists.revoked, tuple(lists.days), without_packs=without_packs)

    def _check_online_key(self) -> None:
        """Check that devices will believe what this key signs.

        Raises:
            RepositoryError: the newest root or targets names another online key, or there are none yet.
        """
        keyid = roles.role_key(self._signer).keyid
        root, targets = (self._newest(role).signed for role in ("root", "targets"))
        if keyid not in root.roles["timestamp"].keyids or keyid not in targets.delegations.keys:
            raise RepositoryError("the root and the targets in force name another online key than this one")

    # Step 1: read the published state

    def _read_published(self) -> _Published:
        """Read the published state, and check that this ledger and this clock may go on from it.

        Raises:
            RestoredError, ClockError: they may not.
        """
        data = self._repository.read(TIMESTAMP)  # before the ledger, whose entries go only once they are replaced
        timestamp = None if data is None else parse_timestamp(self._repository, data).signed
        snapshot = self._document("snapshot", timestamp.snapshot_meta.version) if timestamp else None
        status = self._document(roles.STATUS, snapshot.signed.meta["status.json"].version) if snapshot else None
        known = self._ledger.announced()
        is_as_left = not self._unseen and self._is_as_left(data, known)
        if timestamp and not self._clock_checked:
            _check_clock(self._now, roles.published_at(timestamp))
        version = max([timestamp.version if timestamp else 0, *(a.version for a in known)])
        return _Published(data, timestamp, snapshot, status, is_as_left, version)

    def _is_as_left(self, timestamp: bytes | None, known: Iterable[Announced]) -> bool:
        """Return whether the repository is as this ledger's last publication left it, and all of that is settled.

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
            version = parse_timestamp(self._repository, timestamp).signed.version
            raise RestoredError(describe_mismatch(self._repository, version, settled.version))
        if timestamp is None and self._holds_revocations():
            raise RestoredError(_TIMESTAMP_LOST)
        return settled is not None and settled.digest == digest

    def _holds_revocations(self) -> bool:
        logs = (name for name in self._repository.files(layout.STATUS_FOLDER) if name.endswith(".log"))
        return any(len(self._repository.read(name) or b"") > HEADER_BYTES for name in logs)

    # Step 2: write the logs

    def _write_lists(
        self,
        published: _Published,
        denied: Callable[[], bytes],
        others: Callable[[], Mapping[str, bytes]],
        days_ahead: int,
    ) -> _Lists:
        """Bring every log up to date, and write the denied keys and the other targets."""
        days = self._days(published.status, days_ahead)
        counts = {
            day: self._ledger.revoked_count(day) for day in days
        }  # first: all that is counted is then pending or in a log
        pending = self._ledger.pending()
        targets, revoked = self._write_logs(published, pending, counts)
        targets[roles.DENIED_TARGET] = self._put(roles.DENIED_TARGET, denied())
        written = {name: self._put(name, data) for name, data in others().items()}
        return _Lists(_kept_targets(published.status) | written | targets, days, pending, revoked)

    def _days(self, status: Any, ahead: int) -> list[int]:
        """Return the days to list: those asked for, and any later one that is listed already, for logs only grow."""
        days = listed_days(self._now, ahead)
        names = status.signed.targets if status else {}
        held = {day for name in names if (day := layout.log_day(name)) is not None}
        return sorted({*days, *(day for day in held if day >= days.start)})

    def _write_logs(
        self, published: _Published, pending: Iterable[tuple[int, int]], counts: Mapping[int, int]
    ) -> tuple[dict[str, TargetFile], int]:
        """Bring every day's log up to date.

        If the repository is as it was left, a log gets the pending indexes. Otherwise, and if the day is new or the
        ledger counts more than the log then holds, it gets everything that the ledger knows as revoked. So a day that
        comes back after a wrong clock forgets nothing.

        Returns:
            The logs that status shall name, and how many indexes are new.
        """
        named: Mapping[str, TargetFile] = published.status.signed.targets if published.status else {}
        wanted: dict[int, set[int]] = {day: set() for day in counts}
        for day, index in pending:
            wanted.get(day, set()).add(index)
        targets, revoked = {}, 0
        for day, indexes in wanted.items():
            name = log_target(day)
            if not published.is_as_left or name not in named:
                indexes.update(self._ledger.revoked(day))
            targets[name], added = self._write_log(day, indexes, counts[day], named.get(name))
            revoked += added
        return targets, revoked

    def _write_log(
        self, day: int, indexes: Collection[int], count: int, listed: TargetFile | None
    ) -> tuple[TargetFile, int]:
        """Bring one day's log up to date.

        Args:
            day: which.
            indexes: those that it must hold.
            count: how many the ledger knows as revoked.
            listed: the log as it is published, if it is.

        Returns:
            The log that status shall name, and how many indexes are new.
        """
        if listed and not indexes:
            return listed, 0
        before = self._read_log(listed) if listed else new_log(day)
        after = grow_log(before, indexes)
        if after.held < count:
            after = grow_log(before, [*indexes, *self._ledger.revoked(day)])
        if listed and not after.added:
            return listed, 0
        generations = self._generations(listed)
        if after.rewritten:
            generations = generations.next(LastFile(len(before), sha256(before).hexdigest()), after.rewritten)
        return self._put(log_target(day), after.log, generations.to_custom()), after.added

    def _generations(self, listed: TargetFile | None) -> Generations:
        """Return what a published log says of its generations; a new log has the first one.

        Raises:
            RepositoryError: it names no generation.
        """
        if listed is None:
            return Generations(0)
        found = Generations.from_custom(listed.custom, listed.length)
        if found is None:
            raise RepositoryError(f"{listed.path} is published without its generation; restore the repository")
        return found

    def _read_log(self, target: TargetFile) -> bytes:
        data = read_described(self._repository, target_file(target), target)
        self._read[target_file(target)] = data
        return data

    def _put(self, name: str, data: bytes, custom: dict[str, Any] | None = None) -> TargetFile:
        target = TargetFile.from_data(name, data, ["sha256"])
        if custom:
            target.unrecognized_fields["custom"] = custom
        self._repository.put_target(target_file(target), data)
        self._read[target_file(target)] = data
        return target

    # Step 3: write status and snapshot

    def _write_status(self, status: Any, targets: dict[str, TargetFile]) -> MetaFile:
        if not self._unseen and self._holds(status) and status.signed.targets == targets:
            return self._describe(roles.STATUS, status)
        version = self._version_after(self._last(roles.STATUS))
        return self._put_version(roles.STATUS, roles.make_status(targets, now=self._now, version=version))

    def _write_snapshot(self, snapshot: Any, status: MetaFile) -> MetaFile:
        parts = {"targets.json": self._describe("targets", self._newest("targets")), "status.json": status}
        if not self._unseen and self._holds(snapshot) and snapshot.signed.meta == parts:
            return self._describe("snapshot", snapshot)
        version = self._version_after(self._last("snapshot"))
        return self._put_version("snapshot", roles.make_snapshot(parts, now=self._now, version=version))

    def _holds(self, document: Any) -> bool:
        """Return whether a published document can stay as it is: signed by this very key, and for long enough."""
        return (
            document is not None
            and roles.has_signed(document, roles.role_key(self._signer))
            and document.signed.expires.timestamp() - self._now >= roles.RESIGN_BEFORE_SECONDS
        )

    def _describe(self, role: str, document: Any) -> MetaFile:
        """Describe a published document as the one above it names it: by version, length and hash."""
        version = document.signed.version
        return MetaFile.from_data(version, self._read[document_name(role, version)], ["sha256"])

    def _put_version(self, role: str, document: Any) -> MetaFile:
        version, data = document.signed.version, roles.sign_document(document, [self._signer])
        self._repository.create_version(document_name(role, version), data)
        self._read[document_name(role, version)] = data
        return MetaFile.from_data(version, data, ["sha256"])

    # Step 4: publish

    def _replace_timestamp(self, published: _Published, snapshot: MetaFile) -> tuple[Announced, EmptiedPacks]:
        """Announce a timestamp in the ledger, empty the packs, and replace the published one by it."""
        version = self._version_after(published.version)
        timestamp = roles.make_timestamp(snapshot, now=self._now, version=version)
        data = roles.sign_document(timestamp, [self._signer])
        announced = Announced(version, sha256(data).digest())
        self._ledger.announce(announced)
        packs = empty_packs(self._repository, version, self._now)
        self._repository.replace_timestamp(data, expected=published.data)
        self._read[TIMESTAMP] = data
        return announced, packs

    # Step 5: settle and clean up

    def _settle(self, lists: _Lists, announced: Announced) -> None:
        """Take the published revocations from the pending ones, and forget what is old."""
        self._ledger.settle([(day, index) for day, index in lists.pending if day <= lists.days[-1]], announced)
        self._ledger.forget(day_of(self._now))

    def _clean(self, lists: _Lists, *, snapshot: int, status: int) -> None:
        """Delete files that nothing has named for a day."""
        keys = self._newest("targets").signed
        in_force = {"targets": keys.version, "snapshot": snapshot, roles.STATUS: status}
        named = {target_file(target) for target in (*lists.targets.values(), *keys.targets.values())}
        clean(self._repository, in_force, named, self._now)

    # Step 6: write the packs

    def _write_packs(self, packs: EmptiedPacks) -> str:
        """Write the packs; returns why they could not be emptied or written, or ""."""
        try:
            write_packs(self._repository, packs, self._file, self._last("root"))
        except RepositoryError as e:
            return packs.problem or str(e)
        return packs.problem

    def _file(self, name: str) -> bytes:
        """Read a file that never changes, or the timestamp that was just published, once."""
        if name not in self._read:
            self._read[name] = read_file(self._repository, name)
        return self._read[name]

    def _endings(self) -> list[Ending]:
        root, targets = (self._read[document_name(r, self._newest(r).signed.version)] for r in ("root", "targets"))
        return document_endings(root=root, targets=targets, now=self._now)

    # Documents and versions

    def _newest(self, role: str) -> Any:
        version = self._last(role)
        if not version:
            raise RepositoryError(f"there is no {document_name(role, 1)} yet; the custodians' ceremony makes it")
        return self._document(role, version)

    def _document(self, role: str, version: int) -> Any:
        """Read a versioned document. These never change, so each file is read once."""
        return parse_document(self._file(document_name(role, version)))

    def _last(self, role: str) -> int:
        """Return the highest version that a file has, even of a publisher that was killed."""
        return max(versions_in(self._files, role), default=0)

    def _version_after(self, last: int) -> int:
        """Choose the next version: one more, or from the clock where later ones may be unknown here."""
        return max(last + 1, self._now if self._unseen else 0)


def _kept_targets(status: Any) -> dict[str, TargetFile]:
    """Return the published targets that stay though this publisher has none of that name, as the command's has not."""
    named: Mapping[str, TargetFile] = status.signed.targets if status else {}
    return {name: target for name, target in named.items() if layout.is_head_target(name)}


def check_accepted(ends: Iterable[Ending], revoked: int = 0) -> None:
    """Check that devices accept what has been written.

    It is written in any case: this machine's clock may be ahead of the devices', and readers that do not check the
    custodians' documents still learn of revocations.

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


def put_keys(repository: Repository, document: bytes) -> None:
    """Write a pass keys' document where targets names it."""
    target = TargetFile.from_data(layout.KEYS_TARGET, document)
    repository.put_target(target_file(target), document)
