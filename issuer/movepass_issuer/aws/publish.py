"""Lambda function: the publisher, on a schedule.

What it is asked does not matter, but for {"clock_checked": true}, by which somebody says that the clock is right though
it has jumped. Answers as `movepass publish --json` does. Where another publisher is at work it says so and is done.

Keys denied until the custodians' next ceremony are those in the repository's denied.json (KeySet.denied_to_json).

IAM: kms:GetPublicKey and kms:Sign on the online key; dynamodb:BatchGetItem, dynamodb:PutItem, dynamodb:UpdateItem,
dynamodb:Query, dynamodb:BatchWriteItem on the table; s3:ListBucket on the bucket, s3:GetObject, s3:PutObject,
s3:DeleteObject on what is in it. It can't sign a pass.
"""

import os
import time
from functools import cache
from typing import Any

from movepass_issuer.aws.opening import open_ledger
from movepass_issuer.aws.settings import Settings
from movepass_issuer.aws.telemetry import count, logger, observed
from movepass_issuer.errors import BusyError
from movepass_issuer.published_keys import load_denied
from movepass_issuer.publisher import Publisher
from movepass_issuer.s3_repository import S3Repository
from movepass_keys import signer_from_uri


class PublishFunction:
    """The function, opened."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    @classmethod
    def open(cls, settings: Settings) -> "PublishFunction":
        """Open ledger, repository and key.

        Raises:
            IssuerError, KeysError: a setting is wrong, or what it names can't be had.
        """
        repository = S3Repository(settings.repository)
        publisher = Publisher(
            repository=repository,
            ledger=open_ledger(settings),
            signer=signer_from_uri(settings.signer, settings.folder),
            denied=lambda: load_denied(repository),
        )
        return cls(publisher)

    def __call__(self, event: Any, _context: Any) -> dict[str, Any]:
        """Publish once.

        Raises:
            IssuerError, SignerError: it can't be published; the next time comes soon.
        """
        clock_checked = isinstance(event, dict) and event.get("clock_checked") is True
        try:
            done = self._publisher.publish(int(time.time()), clock_checked=clock_checked)
        except BusyError as e:
            logger.warning("not published", error=str(e))
            return {"error": str(e)}
        count("Published")
        count("NewlyRevoked", done.revoked)
        logger.info("published", version=done.version, revoked=done.revoked)
        return done.to_json()


@cache
def _function() -> PublishFunction:
    return PublishFunction.open(Settings.from_environment(os.environ))


@observed
def handler(event: Any, context: Any) -> Any:
    """Take an invocation of Lambda's."""
    return _function()(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _function()
