"""Name the files of the published repository, relative to its root.

    metadata/timestamp.json                     the only one of these files that is ever replaced
    metadata/N.root.json, N.targets.json, N.status.json, N.snapshot.json
    targets/HASH.keys.jwks.json, targets/status/HASH.DAY.log, targets/status/HASH.denied-keys.json
    targets/status/HASH.decisions.head, targets/status/HASH.decisions.REGION.head
    packs/N, packs/hour-H                       copies of the above for devices of version N or of hour H; replaced too

Every other file is written once under its own name, so that a reader sees one consistent state throughout (the
consistent snapshots of The Update Framework's specification 1.0, section 6).
"""

import re
from typing import TYPE_CHECKING

from movepass_wire.times import HOUR_SECONDS

if TYPE_CHECKING:  # python-tuf loads slowly, and only the names are needed
    from tuf.api.metadata import TargetFile

METADATA = "metadata/"
KEYS_TARGET = "keys.jwks.json"
HEAD_TARGET = "status/decisions.head"
"""The newest signed head of the decision log (movepass_keys.records.checkpoint), for auditors. Devices ignore it.

It is region 0's, or the only one's; see head_target."""
TIMESTAMP = "metadata/timestamp.json"
METADATA_FOLDER = "metadata"
PACKS_FOLDER = "packs"
TARGETS_FOLDER = "targets"
STATUS_FOLDER = "targets/status"
LOG_MAX_BYTES = 256 << 20
"""The largest signed length of a status log; 2^30 indexes at the worst density stay below it."""
_DOCUMENT = re.compile(r"metadata/([1-9][0-9]{0,14})\.([a-z]+)\.json")
_TARGET_FILE = re.compile(r"targets/(status/)?[0-9a-f]{64}\.([^/]+)")
_HEAD_TARGET = re.compile(r"status/decisions(\.[1-9][0-9]{0,2})?\.head")
_LOG_TARGET = re.compile(r"status/(0|[1-9][0-9]{0,4})\.log")


def document_name(role: str, version: int) -> str:
    """Return the file name of a role's document: root, targets, status or snapshot."""
    return f"{METADATA}{version}.{role}.json"


def document_version(name: str, role: str) -> int | None:
    """Return the version in a file name if it names a document of the role, else None."""
    match = _DOCUMENT.fullmatch(name)
    return int(match[1]) if match and match[2] == role else None


def log_target(day: int) -> str:
    """Return the target name of a day's status log; days count from 1970-01-01 UTC."""
    return f"status/{day}.log"


def log_day(target: str) -> int | None:
    """Return the day of a status log from its target name, or None for another target."""
    match = _LOG_TARGET.fullmatch(target)
    return int(match[1]) if match else None


def head_target(region: int) -> str:
    """Return the target name of the head of a region's decision log; regions count from 0."""
    return f"status/decisions.{region}.head" if region else HEAD_TARGET


def is_head_target(target: str) -> bool:
    """Return whether a target name is that of a head, of whichever region's log."""
    return _HEAD_TARGET.fullmatch(target) is not None


def plain_target(file: str) -> str | None:
    """Return the target name from a file name, or None if the file is not a target."""
    match = _TARGET_FILE.fullmatch(file)
    return f"{match[1] or ''}{match[2]}" if match else None


def version_pack(version: int) -> str:
    """Return the file name of the pack for devices that hold a timestamp of this version."""
    return f"{PACKS_FOLDER}/{version}"


def hour_pack(published: int) -> str:
    """Return the file name of the pack for devices whose publication was made in the hour of this time (Unix, s)."""
    return f"{PACKS_FOLDER}/hour-{published // HOUR_SECONDS}"


def target_file(target: "TargetFile") -> str:
    """Return the file name of a target, which has its hash before its name."""
    return target_name(target.path, next(iter(target.hashes.values())))


def target_name(path: str, digest: str) -> str:
    """Return the file name of a target from its path and the hash of its content in hexadecimal."""
    folder, slash, base = path.rpartition("/")
    return f"targets/{folder}{slash}{digest}.{base}"
