"""Lambda function: collects the facts of statistics on a schedule, as the embedded service does.

It follows the decision log that `sequence` appends to, and not the table's stream: that stream has two readers already,
and AWS warns of more ("no more than two processes at most should be reading from the same stream's shard at the same
time", DynamoDB Developer Guide, "Change data capture for DynamoDB Streams"). The log is in order, holds every event
once, and is kept for ever, so a position is all that must be remembered, and no batch can fail in part: what a run that
was cut off had read is read again, and written to the same names. An application is counted with its first decision,
which follows within seconds.

Events have hashes for names: the numbers of applications lead to references here.

IAM: dynamodb:BatchGetItem, dynamodb:GetItem, dynamodb:Query on the table; s3:GetObject and s3:PutObject on the facts'
bucket and s3:ListBucket; s3:GetObject and s3:ListBucket on the repository, for the time of the last publication;
secretsmanager:GetSecretValue on the secret of the statistics.
"""

import os
import time
from functools import cache, partial
from typing import Any

from movepass_issuer.storage.s3_repository import S3Repository
from movepass_service.admission.dynamodb_line import DynamoDbLine
from movepass_service.aws.bucket import FactsBucket
from movepass_service.aws.opening import read_secret
from movepass_service.aws.settings import ServiceFunctionSettings
from movepass_service.aws.telemetry import count, serving
from movepass_service.rules.kept import KeptRules
from movepass_service.statistics.building import FactBuilder, name_by_hash
from movepass_service.statistics.collecting import Collector
from movepass_service.statistics.publications import Publications, read_newest
from movepass_service.stores.dynamodb.store import DynamoDbStore

_SPARE_MS = 20_000
"""Time that must be left to begin another part of the log."""


class FactsFunction:
    """The function, opened once a process."""

    def __init__(
        self, store: DynamoDbStore, bucket: FactsBucket, key: bytes, repository: S3Repository, line: DynamoDbLine
    ) -> None:
        """Take the store, where facts go, the key of pseudonyms, what is published, and the line."""
        builder = FactBuilder(key, KeptRules(store), name_by_hash(key))
        self._collector = Collector(store, bucket, builder, Publications(partial(read_newest, repository)), line)

    @classmethod
    def open(cls, settings: ServiceFunctionSettings) -> "FactsFunction":
        """Open what it reads and writes.

        Raises:
            ServiceError, IssuerError: a setting is wrong, or the secret can't be read.
        """
        key = read_secret(settings.statistics_secret).encode()
        bucket = FactsBucket(settings.facts)
        repository, line = S3Repository(settings.repository), DynamoDbLine(settings.table)
        return cls(DynamoDbStore(settings.table), bucket, key, repository, line)

    def __call__(self, _event: Any, context: Any) -> dict[str, int]:
        """Collect what happened since the last run, as long as there is time.

        Raises:
            FactsError, StoreError, Busy: the next run begins where this one did.
        """
        done = 0
        while True:
            done += self._collector.collect(int(time.time()))
            if not self._collector.is_behind or context.get_remaining_time_in_millis() < _SPARE_MS:
                count("FactsCollected", done)
                count("FactsRounds", 1)
                return {"facts": done, "is_behind": int(self._collector.is_behind)}


@cache
def _function() -> FactsFunction:
    needed = ("facts", "statistics_secret", "repository")
    return FactsFunction.open(ServiceFunctionSettings.from_environment(os.environ, *needed))


@serving
def handler(event: Any, context: Any) -> Any:
    """Handle an invocation by Lambda."""
    return _function()(event, context)
