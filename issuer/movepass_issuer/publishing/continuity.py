"""Checks that a ledger and a repository belong together, as the last publication left them.

A ledger that was restored from a copy has forgotten which indexes were given since: the next pass would get a number
that somebody else holds. It has forgotten the newest publication as well, and that is noticed before anything is
written.
"""

from hashlib import sha256
from typing import Protocol

from movepass_issuer.errors import RestoredError
from movepass_issuer.issuing.ledger import Announced
from movepass_issuer.publishing.published import ReadableFiles, parse_version
from movepass_keys.records.layout import TIMESTAMP


class _Ledger(Protocol):
    def has_announced(self, timestamp: Announced) -> bool: ...


def check_continuity(repository: ReadableFiles, ledger: _Ledger) -> None:
    """Check that the ledger knows the newest publication. A publisher may be at work meanwhile.

    Raises:
        RestoredError: the ledger does not know it, or there is none.
        RepositoryError, LedgerError: one of the two can't be read.
    """
    timestamp = repository.read(TIMESTAMP)
    while timestamp is not None:
        version = parse_version(repository, timestamp)
        if ledger.has_announced(Announced(version, sha256(timestamp).digest())):
            return
        newest = repository.read(TIMESTAMP)
        if newest == timestamp:
            raise RestoredError(describe_mismatch(repository, version))
        timestamp = newest
    raise RestoredError(
        f"{repository.name}: {TIMESTAMP} is missing. If nothing has been published yet: movepass publish; "
        "else restore it from a copy"
    )


def describe_mismatch(repository: ReadableFiles, version: int, last: int | None = None) -> str:
    """Return the message for a repository that is not as the ledger left it.

    Args:
        repository: which.
        version: the timestamp's.
        last: the version that the ledger published last, where that is known.
    """
    left = "" if last is None else f" (it left version {last})"
    return (
        f"{repository.name} is at version {version}, and not as this ledger left it{left}: one of the two was restored "
        "from a copy, or somebody else publishes here. Devices may refuse the next publication, or indexes be given "
        "twice. If you know what happened: movepass recover"
    )
