"""Writes packs: for each recent publication, all that has come since in one file, so that a sync is one request.

There is a pack for each publication of the last hour, and one for each hour before, which serves every publication of
that hour. They are copies of what is published and checked by devices as that is. So they are written after the
timestamp, as well as may be: without them devices fetch each file by itself.

An index beside the packs remembers what a device of each publication has. Nothing depends on it but the packs: if it is
lost or damaged, it begins again.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from movepass_issuer.errors import BusyError
from movepass_issuer.publishing.published import parse_document
from movepass_issuer.storage.repository import Repository
from movepass_keys.records import layout, roles
from movepass_keys.records.layout import TIMESTAMP, document_name, target_file
from movepass_wire.errors import PackError
from movepass_wire.limits import PACK_HOURS, PACK_RECENT_SECONDS
from movepass_wire.packs import Part, write_pack
from movepass_wire.times import HOUR_SECONDS

if TYPE_CHECKING:
    from tuf.api.metadata import TargetFile

TAIL_MAX_BYTES = 64 << 10
"""The most of one log in a pack. A device fetches a longer rest itself: then one more request costs little."""
_INDEX = f"{layout.PACKS_FOLDER}/index.json"
_SLACK_SECONDS = 600
"""How much longer a pack is there than devices with the right time ask for it."""
_ABANDONED_SECONDS = 86400
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


def write_packs(repository: Repository, read: Read, root_version: int, now: int) -> None:
    """Write the packs of the publication that was just made, and delete those that nobody asks for any more.

    Args:
        repository: where.
        read: reads its files; it may remember those that were just written.
        root_version: the newest root's.
        now: seconds since 1970 UTC.

    Raises:
        RepositoryError: it can't be read or written; the packs that are there may be old, and mislead nobody for long.
    """
    current = _Current.open(read, root_version)
    index = _updated(_read_index(repository), current, now)
    for name, has in index.items():
        _write(repository, name, current.parts_since(has), is_own=name == current.own_name)
    repository.put_target(_INDEX, roles.json_bytes({name: has.to_json() for name, has in index.items()}))
    for name, written in repository.files(layout.PACKS_FOLDER).items():
        is_temporary = name.startswith(f"{layout.PACKS_FOLDER}/.") and written > now - _ABANDONED_SECONDS
        if name not in {*index, _INDEX} and not is_temporary:
            repository.delete(name)


def _write(repository: Repository, name: str, parts: Iterable[Part], *, is_own: bool) -> None:
    """Write a pack.

    A publisher never replaces the pack of its own version: if it is there, a later publisher has written it, and one
    that says "nothing newer" would hide what that has published.
    """
    try:
        pack = write_pack(parts)
    except PackError:  # hundreds of roots at once
        repository.delete(name)
        return
    if is_own:
        with suppress(BusyError):
            repository.create_version(name, pack)
    else:
        repository.put_target(name, pack)


def _read_index(repository: Repository) -> dict[str, _Has]:
    """Read what devices of recent publications have, by their packs' names; nothing if it can't be read."""
    try:
        said = json.loads(repository.read(_INDEX) or b"{}")
        return {str(name): _Has.from_json(has) for name, has in said.items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _updated(index: Mapping[str, _Has], current: "_Current", now: int) -> dict[str, _Has]:
    """Return the index with the current publication in it, and without those that no device asks for any more."""
    own, hour = current.own_name, layout.hour_pack(current.has.published)
    kept = {name: has for name, has in index.items() if name != own and _is_asked_for(name, has, now)}
    kept[own] = current.has
    kept[hour] = index[hour].or_else(current.has) if hour in index else current.has
    return kept


def _is_asked_for(name: str, has: _Has, now: int) -> bool:
    is_of_hour = name == layout.hour_pack(has.published)
    seconds = (PACK_HOURS + 1) * HOUR_SECONDS if is_of_hour else PACK_RECENT_SECONDS
    return now - seconds - _SLACK_SECONDS <= has.published <= now


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
