"""The publications of revocation lists, as a collector learns of them.

The publisher of this process tells each one. Those of others (another command, or before a restart) are found by the
timestamp in the repository, which names the newest: of several that nobody told, the earlier ones are lost. What they
listed then seems to have waited until the next one, never less.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from movepass_issuer.authority.folder import Authority
from movepass_issuer.errors import IssuerError
from movepass_issuer.publishing.published import parse_timestamp
from movepass_issuer.storage.repository import Repository
from movepass_keys.errors import KeysError
from movepass_keys.records.layout import TIMESTAMP
from movepass_keys.records.roles import published_at
from movepass_service.statistics.facts import FactsError

Known = tuple[int, int]
"""The version of a timestamp, and its time in seconds since 1970 UTC."""


class Publications:
    """Gathers publications until a collector has counted them. Several threads may use it."""

    def __init__(self, newest: Callable[[], Known | None]) -> None:
        """Take a function that returns the newest publication in the repository, or None before the first."""
        self._newest = newest
        self._told: dict[int, int] = {}
        self._lock = threading.Lock()

    def tell(self, version: int, at: int) -> None:
        """Take note of a publication."""
        with self._lock:
            self._told[version] = at

    def since(self, version: int) -> list[Known]:
        """Return the publications after a version.

        Raises:
            FactsError: the repository can't be read.
        """
        newest = self._newest()
        with self._lock:
            found = dict(self._told)
        if newest is not None:
            found.setdefault(*newest)
        return sorted((number, at) for number, at in found.items() if number > version)

    def forget(self, version: int) -> None:
        """Forget those up to a version: they are counted."""
        with self._lock:
            self._told = {number: at for number, at in self._told.items() if number > version}


def read_newest(repository: Repository) -> Known | None:
    """Return the newest publication in a repository; None before the first.

    Raises:
        FactsError: it can't be read.
    """
    try:
        data = repository.read(TIMESTAMP)
        if data is None:
            return None
        timestamp = parse_timestamp(repository, data).signed
        at = published_at(timestamp)
    except (IssuerError, KeysError) as e:
        raise FactsError(f"the publications can't be read: {e}") from e
    return None if at is None else (timestamp.version, at)


def newest_of(authority: Path) -> Callable[[], Known | None]:
    """Return a function that reads the newest publication of the authority in a folder; see read_newest."""

    def newest() -> Known | None:
        try:
            repository = Authority.open(authority).repository
        except (IssuerError, KeysError) as e:
            raise FactsError(f"the publications can't be read: {e}") from e
        return read_newest(repository)

    return newest
