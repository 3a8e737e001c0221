"""Writes packs: for each recent publication, all that has come since in one file, so that a sync is one request.

There is a pack for each publication of the last hour, and one for each hour before, which serves every publication of
that hour. They are copies of what is published and checked by devices as that is. So they are written after the
timestamp, as well as may be: without them devices fetch each file by itself.

Only one pack can say that there is nothing newer: that of the newest publication's own version. A publisher that is
killed or overtaken must leave no such pack behind a newer timestamp, and no chain of packs that each bring a device
only a little further. So

    - before a timestamp is replaced, its version's pack is emptied (withdraw_packs): devices then ask for the
      timestamp. All packs are, if the last publisher did not finish them;
    - a publisher writes its own version's pack only where there is none, so it never undoes that;
    - a pack is replaced only by one that leads to a later timestamp. An empty one says behind which version it was
      emptied, so that no publisher of that version or an earlier one fills it again.

An index beside the packs remembers what a device of each publication has, and of which publication all packs are. If it
is lost or damaged, it begins again.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from movepass_issuer.errors import BusyError, RepositoryError
from movepass_issuer.publishing.published import parse_document
from movepass_issuer.storage.repository import Repository
from movepass_keys.records import layout, roles
from movepass_keys.records.layout import TIMESTAMP, document_name, target_file
from movepass_wire.errors import PackError
from movepass_wire.limits import PACK_HOURS, PACK_RECENT_SECONDS
from movepass_wire.packs import Part, read_pack, write_pack
from movepass_wire.times import HOUR_SECONDS

if TYPE_CHECKING:
    from tuf.api.metadata import TargetFile

TAIL_MAX_BYTES = 64 << 10
"""The most of one log in a pack. A device fetches a longer rest itself: then one more request costs little."""
_INDEX = f"{layout.PACKS_FOLDER}/index.json"
_SLACK_SECONDS = 600
"""How much longer a pack is there than devices with the right time ask for it."""
_ABANDONED_SECONDS = 86400
"""A pack that the index does not know stays so long: it may be empty to keep a publisher from writing it."""
_PACKS_MOST = 100
"""Where publications follow each other within seconds, only the last ones have packs."""
_EMPTIED = "emptied"
"""The name of the one part of an empty pack. It begins at the version behind which the pack was emptied."""
_ROLES = ("targets", roles.STATUS, "snapshot")

Read = Callable[[str], bytes]
"""Reads a file that is published."""
_Logs = dict[str, dict[str, int]]
"""By day, how many bytes of which generation; numbers are texts, as in JSON."""


@dataclass(frozen=True, slots=True)
class _Has:
    """The files that every device has that holds one of some publications.

    Attributes:
        published: the time of the newest of them, seconds since 1970 UTC.
        versions: of each role's document.
        documents: the files of the key documents.
        logs: the lengths of the logs, by day and generation.
    """

    published: int
    versions: Mapping[str, int]
    documents: frozenset[str]
    logs: _Logs

    @classmethod
    def from_json(cls, said: Any) -> "_Has":
        """Read it from the index; raises LookupError, TypeError, ValueError or AttributeError."""
        logs = {str(day): {str(g): int(n) for g, n in lengths.items()} for day, lengths in said["logs"].items()}
        versions = {role: int(said["versions"][role]) for role in ("root", *_ROLES)}
        return cls(int(said["published"]), versions, frozenset(map(str, said["documents"])), logs)

    def to_json(self) -> dict[str, Any]:
        """Write it for the index."""
        return {
            "published": self.published,
            "versions": dict(self.versions),
            "documents": sorted(self.documents),
            "logs": self.logs,
        }

    def or_else(self, other: "_Has") -> "_Has":
        """Return what devices have that hold one or the other."""
        logs: _Logs = {day: dict(lengths) for day, lengths in self.logs.items()}
        for day, lengths in other.logs.items():
            known = logs.setdefault(day, {})
            for generation, length in lengths.items():
                known[generation] = min(length, known.get(generation, length))
        return _Has(
            max(self.published, other.published),
            {role: min(version, other.versions[role]) for role, version in self.versions.items()},
            self.documents & other.documents,
            logs,
        )


@dataclass(frozen=True, slots=True)
class _Index:
    """The index.

    Attributes:
        packs: what devices of recent publications have, by their packs' names.
        finished: the version of the timestamp to which all packs lead that are not empty; 0 while they are written.
        emptied: packs that were there and are empty now.
    """

    packs: Mapping[str, _Has]
    finished: int = 0
    emptied: frozenset[str] = frozenset()

    def to_json(self) -> bytes:
        """Write it."""
        packs = {name: has.to_json() for name, has in self.packs.items()}
        return roles.json_bytes({"finished": self.finished, "emptied": sorted(self.emptied), "packs": packs})


def withdraw_packs(repository: Repository, timestamp: bytes | None) -> str:
    """Empty the pack that says that nothing is newer than a timestamp, before another one replaces it.

    If not every pack leads to that timestamp, because a publisher was killed, all are emptied.

    Args:
        repository: where.
        timestamp: the one in force; None if there is none.

    Returns:
        Why that could not be done, or "". Publishing goes on: until PACK_FRESH_SECONDS after that timestamp's time,
        devices may then not notice a newer one. If publishing waited instead, no device would.
    """
    if timestamp is None:
        return ""
    version = parse_document(timestamp).signed.version
    names = {layout.version_pack(version)}
    try:
        if _read_index(repository).finished != version:
            names |= set(_packs_in(repository))
        for name in sorted(names):
            _empty(repository, name, version)
    except RepositoryError as e:
        return str(e)
    return ""


def _empty(repository: Repository, name: str, behind: int) -> None:
    """Empty a pack behind a version; whoever publishes a later one may fill it."""
    try:
        repository.put_target(name, write_pack([Part(_EMPTIED, behind, b"")]))
    except RepositoryError:
        repository.delete(name)  # where the disk is full


def write_packs(repository: Repository, read: Read, root_version: int, now: int) -> None:
    """Write the packs of the publication that was just made, and delete those that nobody asks for any more.

    Args:
        repository: where.
        read: reads the publication's files; it may remember those that were just written.
        root_version: the newest root's.
        now: seconds since 1970 UTC.

    Raises:
        RepositoryError: it can't be read or written; the packs that are there may be old, and mislead nobody for long.
    """
    current = _Current.open(read, root_version)
    if repository.read(TIMESTAMP) != read(TIMESTAMP):
        return  # overtaken: the packs are the other publisher's
    known = _read_index(repository)
    index = _Index(_updated(known.packs, current, now), emptied=known.emptied)
    repository.put_target(_INDEX, index.to_json())
    for name, has in index.packs.items():
        if not current.is_older(name):
            _write(repository, name, current, has)
    emptied = _clear_away(repository, index, known, current.version, now)
    repository.put_target(_INDEX, replace(index, finished=current.version, emptied=emptied).to_json())


def _clear_away(repository: Repository, index: _Index, known: _Index, version: int, now: int) -> frozenset[str]:
    """Delete packs that nobody asks for any more, empty others that are not written any more, and return these."""
    emptied = set()
    for name, written in _packs_in(repository).items():
        if name in index.packs:
            continue
        is_over = name in known.packs and _is_over(name, known.packs[name], now)
        if is_over or written < now - _ABANDONED_SECONDS:
            repository.delete(name)
            continue
        if name not in known.emptied:
            _empty(repository, name, version)
        emptied.add(name)
    return frozenset(emptied)


def _packs_in(repository: Repository) -> dict[str, float]:
    """List the packs that are there, and when they were written."""
    others = (_INDEX, f"{layout.PACKS_FOLDER}/.")  # the latter are half written
    files = repository.files(layout.PACKS_FOLDER)
    return {name: written for name, written in files.items() if not name.startswith(others)}


def _write(repository: Repository, name: str, current: "_Current", has: _Has) -> None:
    """Write a pack, unless a later publisher has written or emptied it."""
    try:
        pack = write_pack(current.parts_since(has))
    except PackError:  # hundreds of roots at once
        pack = write_pack([])
    with suppress(BusyError):  # another publisher is writing it, and goes on
        if name == current.own_name:
            repository.create_version(name, pack)
            return
        before = repository.read(name)
        if before is None or _leads_to(before) < current.version:
            repository.replace(name, pack, expected=before)


def _leads_to(pack: bytes) -> int:
    """Return the version to which a pack leads, or behind which it was emptied; 0 if it is neither."""
    try:
        parts = read_pack(pack)
        return parts[_EMPTIED].start if _EMPTIED in parts else parse_document(parts[TIMESTAMP].content).signed.version
    except (PackError, RepositoryError, LookupError):
        return 0


def _read_index(repository: Repository) -> _Index:
    """Read the index; it is empty if it can't be read."""
    try:
        said = json.loads(repository.read(_INDEX) or b"{}")
        packs = {str(name): _Has.from_json(has) for name, has in said["packs"].items()}
        return _Index(packs, int(said["finished"]), frozenset(map(str, said["emptied"])))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return _Index({})


def _updated(index: Mapping[str, _Has], current: "_Current", now: int) -> dict[str, _Has]:
    """Return the index with the current publication first, and without those that no device asks for any more."""
    own, hour = current.own_name, layout.hour_pack(current.has.published)
    newest = sorted(index, key=lambda name: index[name].published, reverse=True)[:_PACKS_MOST]
    kept = {name: index[name] for name in newest if name != own and not _is_over(name, index[name], now)}
    return {own: current.has} | kept | {hour: index[hour].or_else(current.has) if hour in index else current.has}


def _is_over(name: str, has: _Has, now: int) -> bool:
    """Return whether no device asks for a pack any more."""
    is_of_hour = name == layout.hour_pack(has.published)
    seconds = (PACK_HOURS + 1) * HOUR_SECONDS if is_of_hour else PACK_RECENT_SECONDS
    return has.published < now - seconds - _SLACK_SECONDS


@dataclass(frozen=True, slots=True)
class _Current:
    """The newest publication.

    Attributes:
        version: the timestamp's.
        has: what a device has that holds it.
        logs: each log's file and generation, by day.
        read: reads the files.
    """

    version: int
    has: _Has
    logs: Mapping[str, "tuple[TargetFile, str]"]
    read: Read

    @classmethod
    def open(cls, read: Read, root_version: int) -> "_Current":
        """Read the publication's documents."""
        timestamp = parse_document(read(TIMESTAMP)).signed
        snapshot = timestamp.snapshot_meta.version
        named = parse_document(read(document_name("snapshot", snapshot))).signed.meta
        versions = {role: named[f"{role}.json"].version for role in ("targets", roles.STATUS)}
        targets, status = (parse_document(read(document_name(*version))).signed.targets for version in versions.items())
        logs = {
            str(day): (target, str(target.custom[roles.GENERATION]))
            for name, target in status.items()
            if (day := layout.log_day(name)) is not None
        }
        documents = {target_file(targets[layout.KEYS_TARGET]), target_file(status[roles.DENIED_TARGET])}
        has = _Has(
            roles.published_at(timestamp) or 0,
            {"root": root_version, "snapshot": snapshot, **versions},
            frozenset(documents),
            {day: {generation: target.length} for day, (target, generation) in logs.items()},
        )
        return cls(timestamp.version, has, logs, read)

    @property
    def own_name(self) -> str:
        """The name of the pack for devices that hold it."""
        return layout.version_pack(self.version)

    def is_older(self, name: str) -> bool:
        """Return whether a pack is for devices that hold a later publication, whose publisher was faster."""
        version = name.rpartition("/")[2]
        return version.isdecimal() and int(version) > self.version

    def parts_since(self, has: _Has) -> Iterator[Part]:
        """Return what devices lack that have no more than this."""
        yield self._whole(TIMESTAMP)
        for version in range(has.versions["root"] + 1, self.has.versions["root"] + 1):
            yield self._whole(document_name("root", version))
        for role in _ROLES:
            if self.has.versions[role] != has.versions[role]:
                yield self._whole(document_name(role, self.has.versions[role]))
        for file in sorted(self.has.documents - has.documents):
            yield Part(layout.plain_target(file) or "", 0, self.read(file))
        for day, (target, generation) in self.logs.items():
            start = has.logs.get(day, {}).get(generation, 0)
            if 0 < target.length - start <= TAIL_MAX_BYTES:
                yield Part(target.path, start, self.read(target_file(target))[start:])

    def _whole(self, name: str) -> Part:
        return Part(name, 0, self.read(name))
