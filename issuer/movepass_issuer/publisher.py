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

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tuf.api.metadata import Metadata, MetaFile, TargetFile

from movepass_issuer.errors import RepositoryError
from movepass_issuer.ledger import Ledger
from movepass_issuer.repository import TIMESTAMP, FolderRepository
from movepass_keys import Signer, roles
from movepass_wire import encode_block, new_log, read_log
from movepass_wire.limits import LOG_KEPT_SECONDS, PUBLISHED_DAYS_AHEAD
from movepass_wire.statuslog import read_header
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

    def __init__(self, *, repository: FolderRepository, ledger: Ledger, signer: Signer) -> None:
        self._repository = repository
        self._ledger = ledger
        self._signer = signer

    def publish(self, now: int, *, days_ahead: int = PUBLISHED_DAYS_AHEAD) -> Publication:
        """Publish once.

        Args:
            now: seconds since 1970 UTC.
            days_ahead: for how many days after today there shall be a log.

        Raises:
            RepositoryError: another publisher is at work, or the repository can't be read or written.
            LedgerError: the ledger can't be read or written; what was published stays so.
        """
        with self._repository.lease():
            before = self._repository.read(TIMESTAMP)
            timestamp = _load(before) if before else None
            snapshot = self._current("snapshot", timestamp.snapshot_meta.version) if timestamp else None
            status = self._current(roles.STATUS, snapshot.meta["status.json"].version) if snapshot else None
            pending = self._ledger.pending()
            days = listed_days(now, days_ahead)
            targets, revoked = self._targets(status, pending, days)
            status_meta = self._status(status, snapshot, targets, now)
            snapshot_meta = self._snapshot(snapshot, timestamp, status_meta, now)
            version = timestamp.version + 1 if timestamp else 1
            published = roles.make_timestamp(snapshot_meta, now=now, version=version)
            self._repository.replace_timestamp(roles.sign(published, [self._signer]), expected=before)
            self._ledger.settle((day, index) for day, index in pending if day < days.stop)
            self._ledger.forget(day_of(now))
            self._clean(now)
        return Publication(now, version, revoked, tuple(days))

    def _current(self, role: str, version: int) -> Any:
        data = self._repository.read(f"metadata/{version}.{role}.json")
        if data is None:
            raise RepositoryError(f"metadata/{version}.{role}.json is missing; restore the repository from a copy")
        return _load(data)

    def _targets(
        self, status: Any, pending: Iterable[tuple[int, int]], days: range
    ) -> tuple[dict[str, TargetFile], int]:
        """Bring every log up to date; returns what status shall name, and how many indexes are new."""
        named: dict[str, TargetFile] = status.targets if status else {}
        denied = named.get(roles.DENIED_TARGET) or self._put(roles.DENIED_TARGET, _NOBODY_DENIED)
        targets, revoked = {roles.DENIED_TARGET: denied}, 0
        for day in days:
            name = f"status/{day}.log"
            log = self._log(name, named[name]) if name in named else new_log(day)
            wanted = {index for pending_day, index in pending if pending_day == day}
            held = read_log(log).revoked if wanted else ()
            new = [index for index in wanted if index not in held]
            if new:
                log += encode_block(new)
            generation = {roles.GENERATION: read_header(log)[1]}
            targets[name] = self._put(name, log, generation) if new or name not in named else named[name]
            revoked += len(new)
        return targets, revoked

    def _log(self, name: str, target: TargetFile) -> bytes:
        data = self._repository.read(_hashed(name, target))
        if data is None:
            raise RepositoryError(f"{_hashed(name, target)} is missing; restore the repository from a copy")
        target.verify_length_and_hashes(data)
        return data

    def _put(self, name: str, data: bytes, custom: dict[str, Any] | None = None) -> TargetFile:
        target = TargetFile.from_data(name, data, ["sha256"])
        if custom:
            target.unrecognized_fields["custom"] = custom
        self._repository.put_target(_hashed(name, target), data)
        return target

    def _status(self, status: Any, snapshot: Any, targets: dict[str, TargetFile], now: int) -> MetaFile:
        if status and status.targets == targets and not _expires_soon(status.expires, now):
            meta: MetaFile = snapshot.meta["status.json"]
            return meta
        version = self._unused(roles.STATUS, status.version if status else 0)
        data = roles.sign(roles.make_status(targets, now=now, version=version), [self._signer])
        return self._put_version(roles.STATUS, version, data)

    def _snapshot(self, snapshot: Any, timestamp: Any, status: MetaFile, now: int) -> MetaFile:
        parts = {"targets.json": self._newest_targets(), "status.json": status}
        if snapshot and snapshot.meta == parts and not _expires_soon(snapshot.expires, now):
            meta: MetaFile = timestamp.snapshot_meta
            return meta
        version = self._unused("snapshot", snapshot.version if snapshot else 0)
        data = roles.sign(roles.make_snapshot(parts, now=now, version=version), [self._signer])
        return self._put_version("snapshot", version, data)

    def _newest_targets(self) -> MetaFile:
        """Describe the custodians' newest targets: they put it there, signed; the publisher only names it."""
        version = max(self._versions("targets"), default=0)
        data = self._repository.read(f"metadata/{version}.targets.json")
        if data is None:
            raise RepositoryError("there are no pass keys yet: metadata/1.targets.json is missing")
        return MetaFile.from_data(version, data, ["sha256"])

    def _put_version(self, role: str, version: int, data: bytes) -> MetaFile:
        self._repository.create_version(f"metadata/{version}.{role}.json", data)
        return MetaFile.from_data(version, data, ["sha256"])

    def _unused(self, role: str, current: int) -> int:
        """Choose a version that no file has, not even one a killed publisher left behind."""
        return max([current, *self._versions(role)]) + 1

    def _versions(self, role: str) -> list[int]:
        ending = f".{role}.json"
        names = [name.removeprefix("metadata/") for name in self._repository.names("metadata")]
        return sorted(int(n.removesuffix(ending)) for n in names if n.endswith(ending) and n[0].isdigit())

    def _clean(self, now: int) -> None:
        """Delete versions superseded for a day, and the logs that only they named."""
        kept: set[str] = set()
        for role in ("snapshot", roles.STATUS):
            versions = self._versions(role)
            for version, successor in zip(versions, [*versions[1:], None], strict=True):
                name = f"metadata/{version}.{role}.json"
                successor_name = f"metadata/{successor}.{role}.json"
                if successor is not None and self._repository.modified(successor_name) < now - _KEPT_SECONDS:
                    self._repository.delete(name)
                elif role == roles.STATUS:
                    kept |= {_hashed(n, t) for n, t in self._current(role, version).targets.items()}
        for name in self._repository.names("targets/status"):
            if name not in kept and self._repository.modified(name) < now - _KEPT_SECONDS:
                self._repository.delete(name)


def _load(data: bytes) -> Any:
    try:
        return Metadata.from_bytes(data).signed
    except Exception as e:  # noqa: BLE001 - tuf raises many kinds for one cause
        raise RepositoryError(f"a document of the repository can't be read ({e}); restore it from a copy") from None


def _hashed(name: str, target: TargetFile) -> str:
    folder, slash, base = name.rpartition("/")
    return f"targets/{folder}{slash}{target.hashes['sha256']}.{base}"


def _expires_soon(expires: datetime, now: int) -> bool:
    return expires.timestamp() - now < roles.RESIGN_BEFORE_SECONDS


def load_keys(repository: FolderRepository) -> bytes:
    """Read the pass keys' document that the newest targets names.

    Raises:
        RepositoryError: there is none.
    """
    versions = [n for n in repository.names("metadata") if n.endswith(".targets.json")]
    newest = max(versions, key=lambda name: int(name.removeprefix("metadata/").split(".")[0]), default=None)
    data = repository.read(newest) if newest else None
    if data is None:
        raise RepositoryError("there are no pass keys yet: metadata/1.targets.json is missing")
    target = _load(data).targets[roles.KEYS_TARGET]
    document = repository.read(_hashed(roles.KEYS_TARGET, target))
    if document is None:
        raise RepositoryError(f"{_hashed(roles.KEYS_TARGET, target)} is missing; restore it from a copy")
    return document


def put_keys(repository: FolderRepository, document: bytes) -> None:
    """Write a pass keys' document where targets names it."""
    target = TargetFile.from_data(roles.KEYS_TARGET, document)
    repository.put_target(_hashed(roles.KEYS_TARGET, target), document)
