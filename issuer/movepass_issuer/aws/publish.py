"""Lambda function: the publisher, on a schedule.

The event does not matter, except {"clock_checked": true}: somebody confirms that the clock is right although it has
jumped. It answers as `movepass publish --json` does. If another publisher is at work, it says so and ends.

Where several regions issue, it first tells the others of revocations that they do not know. Then one region publishes,
and the others copy that (movepass_issuer.regions.replication). {"take_over": true} makes this one publish.

Each time it reports as DaysUntilExpiry when the custodians' root, their targets and the last pass key end. Once one of
the first two has ended, devices refuse what it publishes: it writes that and fails.

Keys denied until the custodians' next ceremony are those in the repository's denied.json (KeySet.denied_to_json). The
head of the decision log is the one that a service has put into decisions.head there. Each region's service does so in
its own bucket; the region that publishes reads them all, and publishes each under a name of its own. One that can't be
read stays as it was published before.

IAM: kms:GetPublicKey and kms:Sign on the online key; dynamodb:BatchGetItem, dynamodb:PutItem, dynamodb:UpdateItem,
dynamodb:Query, dynamodb:BatchWriteItem on the table; s3:ListBucket on the bucket, s3:GetObject, s3:PutObject,
s3:DeleteObject on what is in it; dynamodb:BatchGetItem, dynamodb:PutItem, dynamodb:UpdateItem on the other regions'
tables, s3:ListBucket and s3:GetObject on their buckets. It can't sign a pass.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from movepass_issuer.aws.opening import open_regions, open_table
from movepass_issuer.aws.settings import FunctionSettings
from movepass_issuer.aws.telemetry import count, logger, observed, report_end
from movepass_issuer.errors import BusyError, RepositoryError
from movepass_issuer.publishing.published import read_denied, read_endings, read_offered_head
from movepass_issuer.publishing.publisher import Publication, Publisher, check_accepted
from movepass_issuer.regions.peers import Regions
from movepass_issuer.regions.replication import Followed, RegionalPublisher
from movepass_issuer.storage.repository import Repository
from movepass_issuer.storage.s3_repository import S3Repository
from movepass_keys import signer_from_uri
from movepass_keys.records.expiry import Ending
from movepass_wire.times import day_of


class PublishFunction:
    """The function, opened."""

    def __init__(self, repository: S3Repository, publisher: Publisher, beside: "Beside | None" = None) -> None:
        self._repository = repository
        self._publisher = publisher
        self._beside = beside

    @classmethod
    def open(cls, settings: FunctionSettings) -> "PublishFunction":
        """Open ledger, repository and key.

        Raises:
            IssuerError, KeysError: a setting is wrong, or what it names can't be had.
        """
        repository, ledger = S3Repository(settings.repository), open_table(settings)
        signer = signer_from_uri(settings.signer, settings.folder)
        others = {peer.number: peer.open_repository() for peer in settings.peers}
        publisher = Publisher(
            repository=repository, ledger=ledger, signer=signer, denied=lambda: read_denied(repository),
            others=lambda: _read_heads({settings.region.number: repository, **others}),
        )  # fmt: skip
        if not settings.peers:
            return cls(repository, publisher)
        turns = RegionalPublisher(
            publisher, repository=repository, ledger=ledger, signer=signer,
            others=list(others.values()), takeover=settings.takeover, warn=_unseen,
        )  # fmt: skip
        return cls(repository, publisher, Beside(open_regions(settings, hurried=False), turns))

    def __call__(self, event: Any, _context: Any) -> dict[str, Any]:
        """Publish once.

        Raises:
            IssuerError, SignerError: it can't be published; the next time comes soon. Or it was, and another region
                issues under this one's number, or devices refuse it: lists must go on, and somebody must know.
        """
        asked, now = event if isinstance(event, dict) else {}, int(time.time())
        clock_checked, take_over = (asked.get(name) is True for name in ("clock_checked", "take_over"))
        try:
            done = self._publish(now, clock_checked=clock_checked, take_over=take_over)
        except BusyError as e:
            logger.warning("not published", error=str(e))
            return {"error": str(e)}
        finally:
            ends = self._report_ends(now)
        if isinstance(done, Followed):
            check_accepted(ends)  # a publication has been looked at already
        if isinstance(done, Publication):
            count("Published")
            count("NewlyRevoked", done.revoked)
            logger.info("published", version=done.version, revoked=done.revoked)
            if done.took_over:
                count("TookOver")
                logger.warning("took over from another region", version=done.version)
        elif done.waiting:
            logger.warning("waits to follow", version=done.version, source=done.source, reason=done.waiting)
        else:
            count("Published")  # the copy of what another region published, which is not old
            logger.info("followed", version=done.version, source=done.source)
        if self._beside is not None:
            self._beside.regions.check_own_number(day_of(now))
        return done.to_json()

    def _report_ends(self, now: int) -> list[Ending]:
        """Report when what is published ends, whether it could be published or not; returns it."""
        try:
            ends = read_endings(self._repository, now)
        except RepositoryError as e:
            logger.warning("nobody can tell when the keys end", error=str(e))
            return []
        for ending in ends:
            report_end(ending)
            if ending.soon:
                logger.warning("renew in time", error=str(ending))
        return ends

    def _publish(self, now: int, *, clock_checked: bool, take_over: bool) -> Publication | Followed:
        if self._beside is None:
            return self._publisher.publish(now, clock_checked=clock_checked)
        failed = self._beside.regions.tell()
        count("NotTold", len(failed))
        for region, why in failed.items():
            logger.warning("a region is not told of all revocations", region=region, error=why)
        return self._beside.turns.publish(now, clock_checked=clock_checked, take_over=take_over)


def _read_heads(repositories: Mapping[int, Repository]) -> dict[str, bytes]:
    """Read what is published beside the lists, by regions' numbers. Without it they go out, and the last heads stay."""
    heads: dict[str, bytes] = {}
    for region, repository in repositories.items():
        try:
            heads |= read_offered_head(repository, region)
        except RepositoryError as e:
            count("HeadNotPublished")
            logger.error("the head of a decision log is not published", region=region, error=str(e))
    return heads


def _unseen(name: str, why: str) -> None:
    count("PeerUnseen")
    logger.warning("another region's repository can't be read", repository=name, error=why)


@dataclass(frozen=True, slots=True)
class Beside:
    """The parts that other regions need: who must be told of revocations, and which region publishes."""

    regions: Regions
    turns: RegionalPublisher


@cache
def _function() -> PublishFunction:
    return PublishFunction.open(FunctionSettings.from_environment(os.environ))


@observed
def handler(event: Any, context: Any) -> Any:
    """Take an invocation of Lambda's."""
    return _function()(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _function()
