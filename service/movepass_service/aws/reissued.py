"""Finds, for the sweep, what custodians have issued again under another key (issuing.reissues)."""

from collections.abc import Sequence

from movepass_issuer import IssuerError
from movepass_issuer.issuing.issuer import Revoker
from movepass_issuer.publishing.published import read_keys
from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger
from movepass_issuer.storage.repository import Repository
from movepass_keys import KeySet
from movepass_service.aws.telemetry import count, logger
from movepass_service.issuing.reissues import take_reissues
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.store import Reissuable


class Reissues:
    """The issuer's published keys and its ledger.

    IAM: s3:GetObject on the repository, dynamodb:BatchGetItem on the issuer's table.
    """

    def __init__(self, store: DynamoDbStore, repository: Repository, ledger: DynamoDbLedger) -> None:
        """Take the service's store, and the issuer's repository and ledger."""
        self._store = store
        self._repository = repository
        self._ledger = ledger

    def read_keys(self) -> KeySet | None:
        """Read the published keys; None where they can't be read: nothing is looked for until the next sweep."""
        try:
            return read_keys(self._repository)
        except IssuerError as e:
            logger.warning("the published keys can't be read, so no reissued pass is looked for", error=str(e))
            return None

    def take(self, passes: Sequence[Reissuable], keys: KeySet, now: int) -> int:
        """Show applicants what was issued again for some passes under a good key; returns how many passes were.

        Raises:
            StoreError, IssuerError: the store or the ledger failed.
        """
        if not passes:
            return 0
        revoker = Revoker(ledger=self._ledger, kids=keys.keys)
        done = take_reissues(self._store, revoker, passes, lambda kid: keys.withdrawn(kid) is None, now)
        count("Reissued", done)
        return done


def void_kids(keys: KeySet) -> frozenset[str]:
    """Return the kids of the keys that are withdrawn, in hexadecimal: their passes are void."""
    return frozenset(kid.hex() for kid in (*keys.keys, *keys.denied) if keys.withdrawn(kid))
