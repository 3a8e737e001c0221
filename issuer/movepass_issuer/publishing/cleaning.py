"""Deletes files that nothing has referenced for a day.

A device may still be reading a file that has just been superseded, so it stays for a day. Roots stay for ever: a device
that was enrolled with the first root follows them one by one.

A file counts as superseded when the next one of its kind was written. A publisher that was killed may have written one
that was never published, so its predecessor may go a little early. A device that is reading then gets a 404 and begins
again.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from movepass_issuer.storage.repository import Repository, versions_in
from movepass_keys.files import TEMPORARY
from movepass_keys.records import layout
from movepass_keys.records.layout import document_name
from movepass_wire.limits import LOG_KEPT_SECONDS
from movepass_wire.times import DAY_SECONDS

KEPT_SECONDS = DAY_SECONDS


def clean(repository: Repository, in_force: Mapping[str, int], named: set[str], now: int) -> None:
    """Delete files that have been superseded for a day.

    Args:
        repository: where.
        in_force: the published versions of targets, snapshot and status.
        named: the target files that these name.
        now: seconds since 1970 UTC.
    """
    metadata = repository.files(layout.METADATA_FOLDER)
    targets = {**repository.files(layout.TARGETS_FOLDER), **repository.files(layout.STATUS_FOLDER)}
    until = now - KEPT_SECONDS
    for name in (
        *_versions(metadata, in_force, until),
        *_targets(targets, named, until),
        *_left_half_written({**metadata, **targets}, until),
    ):
        repository.delete(name)


def _versions(files: Mapping[str, float], in_force: Mapping[str, int], until: float) -> Iterator[str]:
    """Find the documents that another had superseded before a time."""
    for role, current in in_force.items():
        for version, successor in pairwise(versions_in(files, role)):
            if version < current and files[document_name(role, successor)] < until:
                yield document_name(role, version)


def _targets(files: Mapping[str, float], named: set[str], until: float) -> Iterator[str]:
    """Find the targets that another of the same name had superseded before a time, and logs of days that are over."""
    same: dict[str, list[str]] = defaultdict(list)
    for file in sorted(files, key=lambda file: files[file]):
        target = layout.plain_target(file)
        if target is not None:
            same[target].append(file)
    for target, written in same.items():
        gone = [file for file, successor in pairwise(written) if files[successor] < until]
        day = layout.log_day(target)
        if day is not None and (day + 1) * DAY_SECONDS + LOG_KEPT_SECONDS < until:
            gone = [file for file in written if files[file] < until]
        yield from (file for file in gone if file not in named)


def _left_half_written(files: Mapping[str, float], until: float) -> Iterator[str]:
    """Find temporary files of publishers that were killed while writing."""
    for name, written in files.items():
        base = name.rpartition("/")[2]
        if base.startswith(".") and base.endswith(TEMPORARY) and written < until:
            yield name
