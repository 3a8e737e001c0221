"""Where the files of the published repository are, below its root.

    metadata/timestamp.json                     the one file that is ever replaced
    metadata/N.root.json, N.targets.json, N.status.json, N.snapshot.json
    targets/HASH.keys.jwks.json, targets/status/HASH.DAY.log, targets/status/HASH.denied-keys.json

Every other file is written once under its own name, so whoever reads sees one consistent state all along (the
consistent snapshots of The Update Framework's specification 1.0, section 6).
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # python-tuf takes long to load, and these are only names
    from tuf.api.metadata import TargetFile

METADATA = "metadata/"
KEYS_TARGET = "keys.jwks.json"
TIMESTAMP = "metadata/timestamp.json"
METADATA_FOLDER = "metadata"
TARGETS_FOLDER = "targets"
STATUS_FOLDER = "targets/status"
LOG_MAX_BYTES = 256 << 20
"""A log's length as signed; 2^30 indexes at the worst density stay below this."""
_DOCUMENT = re.compile(r"metadata/([1-9][0-9]{0,14})\.([a-z]+)\.json")
_TARGET_FILE = re.compile(r"targets/(status/)?[0-9a-f]{64}\.([^/]+)")
_LOG_TARGET = re.compile(r"status/(0|[1-9][0-9]{0,4})\.log")


def document_name(role: str, version: int) -> str:
    """Name the file of a role's document: root, targets, status or snapshot."""
    return f"{METADATA}{version}.{role}.json"


def document_version(name: str, role: str) -> int | None:
    """Give the version that a file's name says, if it is a document of that role; else None."""
    match = _DOCUMENT.fullmatch(name)
    return int(match[1]) if match and match[2] == role else None


def log_target(day: int) -> str:
    """Name a day's log among the targets; the day counts from 1970-01-01 UTC."""
    return f"status/{day}.log"


def log_day(target: str) -> int | None:
    """Give the day of a log from its name among the targets; None where it is not a log's."""
    match = _LOG_TARGET.fullmatch(target)
    return int(match[1]) if match else None


def plain_target(file: str) -> str | None:
    """Give a target's name from its file's; None where the file is not a target's."""
    match = _TARGET_FILE.fullmatch(file)
    return f"{match[1] or ''}{match[2]}" if match else None


def target_file(target: "TargetFile") -> str:
    """Name the file of a target: its hash stands before its name."""
    return target_name(target.path, next(iter(target.hashes.values())))


def target_name(path: str, digest: str) -> str:
    """Name the file of a target by its path and the hash of its content in hexadecimal."""
    folder, slash, base = path.rpartition("/")
    return f"targets/{folder}{slash}{digest}.{base}"
