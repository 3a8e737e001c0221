"""The revocation lists as they are published, read from the authority's own repository and trusted as that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from movepass_issuer.errors import RepositoryError
from movepass_issuer.publishing.publisher import load_document, load_log
from movepass_issuer.storage.repository import Repository
from movepass_keys.records import layout, roles
from movepass_keys.records.layout import TIMESTAMP, document_name
from movepass_wire import LogError, StatusLog, read_log


@dataclass(frozen=True)
class PublishedLists:
    """One publication's lists.

    Attributes:
        published: when, seconds since 1970 UTC.
        expires: until when devices take it over.
    """

    published: int
    expires: int
    _repository: Repository
    _targets: Mapping[int, Any]

    @classmethod
    def read(cls, repository: Repository) -> "PublishedLists":
        """Read the newest publication.

        Raises:
            RepositoryError: there is none, or it can't be read.
        """
        timestamp = _document(repository, TIMESTAMP)
        snapshot = _document(repository, document_name("snapshot", timestamp.snapshot_meta.version))
        status = _document(repository, document_name(roles.STATUS, snapshot.meta[f"{roles.STATUS}.json"].version))
        targets = {day: t for name, t in status.targets.items() if (day := layout.log_day(name)) is not None}
        return cls(roles.published_at(timestamp) or 0, int(timestamp.expires.timestamp()), repository, targets)

    @property
    def days(self) -> list[int]:
        """The UTC days that have a list (days since 1970-01-01), in rising order."""
        return sorted(self._targets)

    def log(self, day: int) -> StatusLog:
        """Read a day's list, one of `days`.

        Raises:
            RepositoryError: it is missing or damaged.
        """
        try:
            return read_log(load_log(self._repository, self._targets[day]))
        except LogError as e:
            raise RepositoryError(f"the list of day {day} can't be read ({e}); restore it from a copy") from None


def _document(repository: Repository, name: str) -> Any:
    data = repository.read(name)
    if data is None:
        raise RepositoryError(f"{name} is missing: nothing has been published yet, or restore it from a copy")
    return load_document(data).signed
