"""Opens what the functions need: signer, ledger and published keys, which are read again from time to time."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from movepass_issuer.aws.settings import FunctionSettings
from movepass_issuer.aws.telemetry import logger
from movepass_issuer.aws.time_limit import TimedSigner, TimeLimit
from movepass_issuer.errors import RepositoryError, RestoredError
from movepass_issuer.issuing.issuer import Issuer, Revoker
from movepass_issuer.publishing.continuity import check_continuity
from movepass_issuer.publishing.published import read_keys
from movepass_issuer.regions.peers import RegionalRevoker, Regions
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_issuer.storage.s3_repository import S3Repository
from movepass_keys import KeySet, signer_from_uri
from movepass_keys.aws import calls_until

KEYS_SECONDS = 60.0
"""After so long a warm function reads the published keys again: one may have been denied since, or have come."""
_READING_SECONDS = 5.0
_T = TypeVar("_T")


class Reread(Generic[_T]):
    """An object that depends on the published keys, made again from newly read keys every KEYS_SECONDS."""

    def __init__(self, make: Callable[[], _T]) -> None:
        """Make it for the first time.

        Raises:
            IssuerError: it can't be made.
        """
        self._make = make
        self._made = make()
        self._until = time.monotonic() + KEYS_SECONDS

    def get(self) -> _T:
        """Return it.

        If the keys can't be read, it stays as it is. Issuing under a key that was denied in the same minutes is better
        than issuing and revoking nothing: devices refuse those passes.

        Raises:
            IssuerError: it can't be made with the current keys, or the ledger is not the one that published.
        """
        if time.monotonic() > self._until:
            try:
                with calls_until(time.monotonic() + _READING_SECONDS):
                    self._made = self._make()
            except RestoredError:
                raise
            except RepositoryError as e:
                logger.warning("the published keys can't be read; those known stay", error=str(e))
            self._until = time.monotonic() + KEYS_SECONDS
        return self._made


def open_table(settings: FunctionSettings) -> DynamoDbLedger:
    """Open the ledger.

    Raises:
        LedgerError: no client for DynamoDB can be made.
    """
    return DynamoDbLedger(settings.table, region=settings.region)


def open_regions(settings: FunctionSettings, *, hurried: bool) -> Regions:
    """Open the ledger together with those of the other regions; the arguments are as Regions.beside has them.

    Raises:
        LedgerError: no client for DynamoDB can be made.
    """
    return Regions.beside(open_table(settings), settings.peers, hurried=hurried)


def open_issuer(settings: FunctionSettings, limit: TimeLimit) -> Reread[Issuer]:
    """Open the issuer.

    Raises:
        IssuerError, KeysError: a setting is wrong, or what it names can't be had.
    """
    signer = TimedSigner(signer_from_uri(settings.signer, settings.folder), limit)
    repository, ledger = S3Repository(settings.repository), open_table(settings)
    return Reread(
        lambda: Issuer(
            signer=signer, ledger=ledger, keys=_checked_keys(repository, ledger), usable_from=settings.usable_from
        )
    )  # fmt: skip


def open_revoker(settings: FunctionSettings) -> Reread[Revoker]:
    """Open the revoker of all regions, which also revokes reissues under keys that were published since.

    Raises:
        IssuerError: a setting is wrong, or what it names can't be had.
    """
    repository, ledger = S3Repository(settings.repository), open_table(settings)
    if settings.peers:
        regions = Regions.beside(ledger, settings.peers, hurried=True)
        return Reread(lambda: RegionalRevoker(regions=regions, kids=_checked_keys(repository, ledger).keys))
    return Reread(lambda: Revoker(ledger=ledger, kids=_checked_keys(repository, ledger).keys))


def _checked_keys(repository: S3Repository, ledger: DynamoDbLedger) -> KeySet:
    """Read the published keys, and check that the ledger belongs to what is published."""
    keys = read_keys(repository)
    check_continuity(repository, ledger)
    return keys
