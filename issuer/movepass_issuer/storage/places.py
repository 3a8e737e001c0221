"""Where an authority keeps its ledger and publishes, chosen by URI; boto3, an extra, is loaded once it is needed.

ledger        dynamodb:TABLE (its name or ARN), or the path of an SQLite file
repository    s3://BUCKET/PREFIX, or the path of a folder
"""

from pathlib import Path

from movepass_issuer.issuing.ledger import Ledger
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger, Region
from movepass_issuer.storage.repository import FolderRepository, Repository
from movepass_issuer.storage.s3_repository import S3Repository
from movepass_issuer.storage.sqlite_ledger import SqliteLedger

_TABLE, _BUCKET = "dynamodb:", "s3:"


def open_ledger(uri: str, folder: Path, region: Region | None = None) -> Ledger:
    """Open a ledger.

    Args:
        uri: which.
        folder: what a relative path counts from.
        region: which of several regions it is the ledger of.

    Raises:
        LedgerError: it can't be opened.
    """
    if is_table(uri):
        return DynamoDbLedger(table_of(uri), region=region or Region())
    return SqliteLedger(folder / uri)


def create_ledger(uri: str, folder: Path) -> None:
    """Make a ledger. A table has been made before, by the template.

    Raises:
        LedgerError: it can't be made.
    """
    if not is_table(uri):
        SqliteLedger(folder / uri, create=True).close()


def open_repository(uri: str, folder: Path) -> Repository:
    """Open a repository; the arguments are as above.

    Raises:
        RepositoryError: its place can't be used.
    """
    if is_remote(uri):
        return S3Repository(uri)
    return FolderRepository(folder / uri)


def create_repository(uri: str, folder: Path) -> None:
    """Make an empty repository, or take a place in a bucket for one.

    Raises:
        RepositoryError: its place can't be used, or something is published there.
    """
    if is_remote(uri):
        S3Repository.create(uri)
    else:
        FolderRepository.create(folder / uri)


def is_table(uri: str) -> bool:
    """Tell whether a ledger is a table of DynamoDB's."""
    return uri.startswith(_TABLE)


def table_of(uri: str) -> str:
    """Give the name or ARN of a ledger's table."""
    return uri.removeprefix(_TABLE)


def is_remote(uri: str) -> bool:
    """Tell whether a repository is elsewhere than on this machine."""
    return uri.startswith(_BUCKET)
