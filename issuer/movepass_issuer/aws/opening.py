"""What the functions open when they start: signer, ledger, published keys."""

from movepass_issuer.aws.settings import Settings
from movepass_issuer.aws.time_limit import TimedSigner, TimeLimit
from movepass_issuer.dynamodb_ledger import DynamoDbLedger
from movepass_issuer.issuer import Issuer
from movepass_issuer.published_keys import published_keys
from movepass_issuer.regions import Regions
from movepass_issuer.s3_repository import S3Repository
from movepass_keys import KeySet, signer_from_uri


def open_ledger(settings: Settings) -> DynamoDbLedger:
    """Open the ledger.

    Raises:
        LedgerError: no client for DynamoDB can be made.
    """
    return DynamoDbLedger(settings.table, region=settings.region)


def open_regions(settings: Settings, *, hurried: bool) -> Regions:
    """Open the ledger together with those of the other regions; the arguments are as Regions.beside has them.

    Raises:
        LedgerError: no client for DynamoDB can be made.
    """
    return Regions.beside(open_ledger(settings), settings.peers, hurried=hurried)


def open_keys(settings: Settings) -> KeySet:
    """Read the published pass keys.

    Raises:
        RepositoryError: there are none yet, or they can't be read.
    """
    return published_keys(S3Repository(settings.repository))


def open_issuer(settings: Settings, limit: TimeLimit) -> Issuer:
    """Open the issuer.

    Raises:
        IssuerError, KeysError: a setting is wrong, or what it names can't be had.
    """
    signer = TimedSigner(signer_from_uri(settings.signer, settings.folder), limit)
    keys = open_keys(settings)
    return Issuer(signer=signer, ledger=open_ledger(settings), keys=keys, usable_from=settings.usable_from)
