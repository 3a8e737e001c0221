"""Writes packs: for each recent publication, all that has come since in one file, so that a sync is one request.

There is a pack for each publication of the last hour, and one for each hour before, which serves every publication of
that hour. They are copies of what is published and checked by devices as that is. So they are written after the
timestamp, as well as may be: without them devices fetch each file by itself.

No pack may hide a newer timestamp: at any moment each is empty or leads to the timestamp in force. So

    - before a publisher replaces the timestamp, it empties every pack (empty_packs). A device that gets an empty one
      asks for the timestamp;
    - after that it writes them again (write_packs), each only if it still is as this very publisher left it empty. So
      a publisher that was overtaken writes none: the other one emptied it too.

A publisher that is killed leaves empty packs. They cost devices one request, until the next publication.

An index beside the packs remembers what a device of each publication has. If it is lost or damaged, it begins again.
"""

import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from movepass_issuer.errors import RepositoryError
from movepass_issuer.publishing.published import parse_document
from movepass_issuer.storage.repository import Repository
from movepass_keys.records import layout, roles
from movepass_keys.records.generations import Generations
from movepass_keys.records.layout import TIMESTAMP, document_name, target_file
from movepass_wire.errors import PackError
from movepass_wire.limits import PACK_AHEAD_SECONDS, PACK_HOURS, PACK_RECENT_SECONDS
from movepass_wire.packs import Part, write_pack
from movepass_wire.times import HOUR_SECONDS

if TYPE_CHECKING:
    from tuf.api.metadata import TargetFile

TAIL_MAX_BYTES = 64 << 10
"""The most of one log in a pack. A device fetches a longer rest itself: then one more request costs little."""
VERSIONS_MOST = 16
"""So many of the newest publications have a pack each: those of PACK_RECENT_SECONDS, one every five minutes.
Each costs two writes at every publication."""
_INDEX = f"{layout.PACKS_FOLDER}/index.json"
_EMPTIED = "emptied"
"""The name of the one part of an empty pack. It tells who emptied it."""
_TOKEN_BYTES = 16
_NAME = re.compile(rf"{layout.PACKS_FOLDER}/(hour-)?[0-9]{{1,20}}")
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


_Index = Mapping[str, _Has]
"""The files that devices of recent publications have, by their packs' names."""


@dataclass(frozen=True, slots=True)
class EmptiedPacks:
    """The packs that a publisher has emptied, and may write.

    Attributes:
        names: the packs that it may write.
        content: that of each, which no other publisher writes.
        index: as it was read.
        index_file: its file; None if there is none.
        problem: why not all could be emptied, or "".
    """

    names: tuple[str, ...]
    content: bytes
    index: _Index
    index_file: bytes | None
    problem: str = ""


def empty_packs(repository: Repository, version: int, published: int) -> EmptiedPacks:
    """Empty every pack, before a timestamp is replaced.

    Args:
        repository: where.
        version: that of the timestamp to come.
        published: its time, seconds since 1970 UTC.

    Returns:
        The packs to be written when it is in force. If some could not be emptied, publishing goes on: until
        PACK_FRESH_SECONDS after the time of the timestamp before, devices may not notice the new one. If publishing
        waited instead, no device would.
    """
    index_file, problem = None, ""
    with suppress(RepositoryError):  # it begins again, or can't be written either
        index_file = repository.read(_INDEX)
    index = _read_index(index_file)
    names = tuple(dict.fromkeys((layout.version_pack(version), *_asked_for(index, published))))
    content = write_pack([Part(_EMPTIED, 0, secrets.token_bytes(_TOKEN_BYTES))])
    try:
        there = _packs_in(repository)
        for name in there - {*names, *index}:
            repository.delete(name)
        _empty(repository, (*names, *sorted(there & index.keys() - {*names})), content)
    except RepositoryError as e:
        problem = str(e)
    return EmptiedPacks(names, content, index, index_file, problem)


def _packs_in(repository: Repository) -> set[str]:
    """List the packs that are there."""
    others = (_INDEX, f"{layout.PACKS_FOLDER}/.")  # the latter are half written
    return {name for name in repository.files(layout.PACKS_FOLDER) if not name.startswith(others)}


def _empty(repository: Repository, names: Iterable[str], content: bytes) -> None:
    for name in names:
        try:
            repository.put_target(name, content)
        except RepositoryError:
            repository.delete(name)  # where the disk is full


def write_packs(repository: Repository, emptied: EmptiedPacks, read: Read, root_version: int) -> None:
    """Write the packs of the timestamp that was just published.

    Args:
        repository: where.
        emptied: the packs that were emptied before.
        read: reads the publication's files; it may remember those that were just written.
        root_version: the newest root's.

    Raises:
        BusyError: another publisher has emptied them again.
        RepositoryError: something can't be read or written; packs that are not written are empty.
    """
    current = _Current.open(read, root_version)
    index = _updated(emptied.index, current)
    index_file = roles.json_bytes({name: has.to_json() for name, has in index.items()})
    repository.replace(_INDEX, index_file, expected=emptied.index_file)
    oldest_root = min(has.versions["root"] for has in index.values())
    for name in emptied.names:
        with suppress(PackError):  # it would be too long, as after hundreds of new roots
            pack = write_pack(current.parts_since(index[name], oldest_root))
            repository.replace(name, pack, expected=emptied.content)


def _read_index(file: bytes | None) -> _Index:
    """Read the index; it is empty if it can't be read."""
    try:
        said = json.loads(file or b"{}")
        return {name: _Has.from_json(has) for name, has in said.items() if _NAME.fullmatch(name)}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _updated(index: _Index, current: "_Current") -> _Index:
    """Return the index with the current publication, and without those that no device asks for any more."""
    published = current.has.published
    hour = layout.hour_pack(published)
    kept = {name: index[name] for name in (*_of_versions(index, published), *_of_hours(index, published))}
    merged = index[hour].or_else(current.has) if hour in index else current.has
    return kept | {current.own_name: current.has, hour: merged}


def _asked_for(index: _Index, published: int) -> list[str]:
    """Return the packs that devices of earlier publications will ask for when there is one of this time."""
    hour = layout.hour_pack(published)  # its devices still ask for those of their versions
    return [*_of_versions(index, published), *(name for name in _of_hours(index, published) if name != hour)]


def _of_versions(index: _Index, published: int) -> list[str]:
    """Return the packs of the newest publications."""
    newest = sorted(
        (int(name.rpartition("/")[2]) for name in index if not _is_of_hour(name, index[name])), reverse=True
    )
    names = map(layout.version_pack, newest[: VERSIONS_MOST - 1])
    return [name for name in names if _is_within(PACK_RECENT_SECONDS, index[name], published)]


def _of_hours(index: _Index, published: int) -> list[str]:
    """Return the packs of hours."""
    seconds = published % HOUR_SECONDS + PACK_HOURS * HOUR_SECONDS
    names = (name for name, has in index.items() if _is_of_hour(name, has))
    return [name for name in names if _is_within(seconds, index[name], published)]


def _is_of_hour(name: str, has: _Has) -> bool:
    return name == layout.hour_pack(has.published)


def _is_within(seconds: int, has: _Has, published: int) -> bool:
    """Return whether a publication is so old, or little newer: its clock may have been ahead."""
    return -PACK_AHEAD_SECONDS <= published - has.published <= seconds


class _Rest(NamedTuple):
    """A part to be written: its name, the file that it is of, where it starts, and the file's length."""

    name: str
    file: str
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class _Current:
    """The newest publication.

    Attributes:
        version: the timestamp's.
        has: what a device has that holds it.
        logs: each log, and what it says of its generations, by day.
        read: reads the files.
    """

    version: int
    has: _Has
    logs: Mapping[str, "tuple[TargetFile, Generations]"]
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
            str(day): (target, said)
            for name, target in status.items()
            if (day := layout.log_day(name)) is not None
            and (said := Generations.from_custom(target.custom, target.length)) is not None
        }
        documents = {target_file(targets[layout.KEYS_TARGET]), target_file(status[roles.DENIED_TARGET])}
        has = _Has(
            roles.published_at(timestamp) or 0,
            {"root": root_version, "snapshot": snapshot, **versions},
            frozenset(documents),
            {day: {str(said.generation): target.length} for day, (target, said) in logs.items()},
        )
        return cls(timestamp.version, has, logs, read)

    @property
    def own_name(self) -> str:
        """The name of the pack for devices that hold it."""
        return layout.version_pack(self.version)

    def parts_since(self, has: _Has, root_version: int) -> Iterator[Part]:
        """Return what devices lack that have no more than this, and all roots after a version.

        A device that came from another source may hold an older root than others of its publication.
        """
        yield self._whole(TIMESTAMP)
        for version in range(root_version + 1, self.has.versions["root"] + 1):
            yield self._whole(document_name("root", version))
        for role in _ROLES:
            if self.has.versions[role] != has.versions[role]:
                yield self._whole(document_name(role, self.has.versions[role]))
        for file in sorted(self.has.documents - has.documents):
            yield Part(layout.plain_target(file) or "", 0, self.read(file))
        for day, (target, said) in self.logs.items():
            lengths = {int(generation): length for generation, length in has.logs.get(day, {}).items()}
            yield from self._rest_of(target, said, lengths)

    def _rest_of(self, target: "TargetFile", said: Generations, lengths: Mapping[int, int]) -> Iterator[Part]:
        """Return what devices lack of a log, by the generations and lengths that they have at least.

        A device that has an earlier generation rewrites it (docs/spec.md, section 9), if it has all of the parts.
        """
        oldest = min(lengths, default=said.generation)
        last_files = said.before[: max(0, said.generation - oldest)]
        own = _Rest(target.path, target_file(target), lengths.get(said.generation, 0), target.length)
        rests = [own]
        if last_files and len(last_files) == said.generation - oldest:
            starts = (*(last.rewritten for last in last_files[:-1]), lengths[oldest])
            names = [layout.target_name(target.path, last.sha256) for last in last_files]
            rests = [own._replace(start=said.rewritten)]
            for name, start, last in zip(names, starts, last_files, strict=True):
                rests.append(_Rest(name, name, start, last.length))
        if sum(rest.length - rest.start for rest in rests) <= TAIL_MAX_BYTES:
            for rest in rests:
                if rest.start < rest.length:
                    yield Part(rest.name, rest.start, self.read(rest.file)[rest.start :])

    def _whole(self, name: str) -> Part:
        return Part(name, 0, self.read(name))
