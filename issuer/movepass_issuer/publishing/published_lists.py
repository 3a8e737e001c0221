"""The revocation lists of the newest publication, for the export in the IETF's format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from movepass_issuer.errors import RepositoryError
from movepass_issuer.publishing.published import parse_document, parse_timestamp, read_described, read_file
from movepass_issuer.storage.repository import Repository
from movepass_keys.records import layout, roles
from movepass_keys.records.layout import TIMESTAMP, document_name
from movepass_wire import LogError, StatusLog, read_log

_NOT_YET = "nothing has been published yet, or restore it from a copy"


@dataclass(frozen=True)
class PublishedLists:
    """One publication's lists.

    Attributes:
        published: when, seconds since 1970 UTC.
        expires: until when devices accept it.
    """

    published: int
    expires: int
    _repository: Repository
    _targets: Mapping[int, Any]
    _others: Mapping[str, Any]

    @classmethod
    def read(cls, repository: Repository) -> "PublishedLists":
        """Read the newest publication.

        Raises:
            RepositoryError: there is none, or it can't be read.
        """
        timestamp = parse_timestamp(repository, read_file(repository, TIMESTAMP, advice=_NOT_YET)).signed
        snapshot = _document(repository, "snapshot", timestamp.snapshot_meta.version)
        status = _document(repository, roles.STATUS, snapshot.meta[f"{roles.STATUS}.json"].version)
        targets = {day: t for name, t in status.targets.items() if (day := layout.log_day(name)) is not None}
        published, expires = roles.published_at(timestamp) or 0, int(timestamp.expires.timestamp())
        return cls(published, expires, repository, targets, status.targets)

    @property
    def days(self) -> list[int]:
        """The UTC days that have a list (days since 1970-01-01), in rising order."""
        return sorted(self._targets)

    def log(self, day: int) -> StatusLog:
        """Read a day's list, one of `days`.

        Raises:
            RepositoryError: it is missing or damaged.
        """
        target = self._targets[day]
        try:
            return read_log(read_described(self._repository, layout.target_file(target), target))
        except LogError as e:
            raise RepositoryError(f"the list of day {day} can't be read ({e}); restore it from a copy") from e

    def target(self, name: str) -> bytes | None:
        """Read another target that is published with the lists; None where there is none of that name.

        Raises:
            RepositoryError: it is missing or damaged.
        """
        target = self._others.get(name)
        return None if target is None else read_described(self._repository, layout.target_file(target), target)


def _document(repository: Repository, role: str, version: int) -> Any:
    return parse_document(read_file(repository, document_name(role, version))).signed
