"""Opens an authority's ledger and repository by URI; boto3, an extra, is loaded only when it is needed.

ledger        dynamodb:TABLE (its name or ARN), or the path of an SQLite file
repository    s3://BUCKET/PREFIX, or the path of a folder
"""

from pathlib import Path

from movepass_issuer.errors import LedgerError
from movepass_issuer.issuing.ledger import Ledger
from movepass_issuer.regions.ledger import Region, RegionalLedger
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_issuer.storage.folder_repository import FolderRepository
from movepass_issuer.storage.repository import Repository
from movepass_issuer.storage.s3_repository import S3Repository
from movepass_issuer.storage.sqlite_ledger import SqliteLedger

_TABLE, _BUCKET = "dynamodb:", "s3:"


def open_ledger(uri: str, folder: Path) -> Ledger:
    """Open the ledger of an authority that has one region.

    Args:
        uri: which.
        folder: what a relative path counts from.

    Raises:
        LedgerError: it can't be opened.
    """
    return DynamoDbLedger(table_of(uri)) if is_table(uri) else SqliteLedger(folder / uri)


def open_regional_ledger(uri: str, region: Region) -> RegionalLedger:
    """Open the ledger of one of several regions.

    Raises:
        LedgerError: it can't be opened, or is no table.
    """
    if not is_table(uri):
        raise LedgerError(f"several regions need a table each: expected dynamodb:TABLE, got {uri}")
    return DynamoDbLedger(table_of(uri), region=region)


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
    """Make an empty repository in a folder or a bucket.

    Raises:
        RepositoryError: its place can't be used, or something is published there.
    """
    if is_remote(uri):
        S3Repository.create(uri)
    else:
        FolderRepository.create(folder / uri)


def is_table(uri: str) -> bool:
    """Return whether a ledger is a DynamoDB table."""
    return uri.startswith(_TABLE)


def table_of(uri: str) -> str:
    """Return the name or ARN of a ledger's table."""
    return uri.removeprefix(_TABLE)


def is_remote(uri: str) -> bool:
    """Return whether a repository is not on this machine."""
    return uri.startswith(_BUCKET)
