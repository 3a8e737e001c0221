"""Lambda function: what follows a change of an application, from the table's stream, one batch at a time.

1. Append the leaves of the changed applications to the decision log.
2. Revoke the passes of those that were withdrawn, reversed or corrected, by the issuer's revoke function.
3. Seal: sign a checkpoint of the log with the online key, and keep it.
4. Request passes for those that are approved by a decision that the checkpoint covers, in the issuer's request queue.
5. Bring the other region's copies up to date, also where 3 or 4 failed. What it does not take is copied later, by the
   tidy function.

Every step may be done twice: a chunk says whose leaves it holds, a revocation and a request are the same again. So a
batch that fails comes again as a whole. The function runs once at a time only to avoid contention: correctness rests
on conditional writes. The event {"references": […]} names what the stream has lost, as the tidy function finds it.

A pass whose number is not known yet, because the issuer's answer is on its way, is revoked when the answer has come:
no applicant has seen it.

IAM: dynamodb:BatchGetItem, dynamodb:GetItem, dynamodb:PutItem, dynamodb:Query on the table and dynamodb:Query on its
index `revocations`; kms:Sign and kms:GetPublicKey on the online key; sqs:SendMessage on the request queue;
lambda:InvokeFunction on the revoke function; s3:GetObject and s3:ListBucket on the repository; what Lambda needs to
read the stream. With another region, dynamodb:PutItem on its table, and dynamodb:DeleteItem on the own.
"""

import json
import os
import time
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Any

from movepass_issuer.aws import queues
from movepass_issuer.aws.queues import QueueMessage
from movepass_issuer.storage.s3_repository import S3Repository
from movepass_keys import KeysError, Signer, signer_from_uri
from movepass_keys.records.checkpoint import origin_of
from movepass_keys.records.layout import document_name
from movepass_service.aws.events import changes_of, handed_references, references_of
from movepass_service.aws.opening import open_store
from movepass_service.aws.revoking import REVOKED_AT_ONCE, NotFollowedError, Revocations
from movepass_service.aws.settings import FunctionSettingsError, ServiceFunctionSettings
from movepass_service.aws.telemetry import count, logger, serving
from movepass_service.decisions.sealing import Sealer
from movepass_service.errors import NotSealed
from movepass_service.stores.dynamodb.document import STATE
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.dynamodb.table import groups
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import ToRevoke
from movepass_wire.trip_json import trip_to_json

FOLLOWED_MAX = 5_000
"""Passes to ask for, or to revoke, in one invocation."""


class SequenceFunction:
    """The function, opened once a process."""

    def __init__(
        self, store: DynamoDbStore, signer: Signer, origin: str, settings: ServiceFunctionSettings,
        *, sqs: Any = None, functions: Any = None,
    ) -> None:  # fmt: skip
        """Take the store, the online key and the log's origin."""
        self._store = store
        self._signer = signer
        self._sealer = Sealer(store, origin)
        self._settings = settings
        self._sqs = sqs or queues.client()
        self._revocations = Revocations(settings.revoke, client=functions)

    @classmethod
    def open(cls, settings: ServiceFunctionSettings) -> "SequenceFunction":
        """Open store and key, and read the root that the authority began with.

        Raises:
            ServiceError, IssuerError, KeysError: a setting is wrong, or what it names can't be had.
        """
        signer = signer_from_uri(settings.signer, settings.folder)
        return cls(open_store(settings), signer, read_origin(settings.repository, settings.region), settings)

    def __call__(self, event: Any, _context: Any) -> Any:
        """Follow what an event names.

        Raises:
            NotSealed: the online key can't be used; leaves are appended, and revocations are made all the same.
            NotFollowedError, StoreError, Busy: another step failed. The batch must come again.
        """
        handed = handed_references(event)
        references = references_of(changes_of(event), STATE) if handed is None else handed
        if not references:
            return {"leaves": 0, "revoked": 0, "requested": 0}
        try:
            return self._follow(references)
        finally:
            self._store.follow(references)

    def _follow(self, references: Sequence[str]) -> dict[str, int]:
        now = int(time.time())
        found = self._store.look_up(references)  # what changes meanwhile is in a later batch of the stream
        leaves = self._store.append_leaves(found)
        revoked = self._revoke(self._store.to_revoke(FOLLOWED_MAX, among=found), now)
        try:
            self._sealer.seal(self._signer, now)
        except KeysError as e:
            raise NotSealed(f"no checkpoint of the decision log can be signed: {e}") from e
        approved = self._store.approved(FOLLOWED_MAX, self._sealer.covered, among=found)
        requested = self._request([one for one in approved if one.not_after > now])
        count("Logged", leaves)
        return {"leaves": leaves, "revoked": revoked, "requested": requested}

    def _request(self, approved: Sequence[Kept]) -> int:
        """Ask the issuer for passes. A request that is sent twice gets the same pass."""
        messages = [QueueMessage(one.request_id, body) for one in approved if (body := _request_of(one))]
        failed = queues.send(self._sqs, self._settings.requests, messages)
        count("Requested", len(messages) - len(failed))
        if failed:
            raise NotFollowedError(f"{len(failed)} requests were not sent: {min(failed.values())}")
        return len(messages)

    def _revoke(self, wanted: Sequence[ToRevoke], now: int) -> int:
        known = [one for one in wanted if one.pass_number is not None]
        for some in groups(known, REVOKED_AT_ONCE):
            self._revocations.revoke([str(one.pass_number) for one in some], "withdrawn")
            self._store.record_revoked(some, now)
        count("Revoked", len(known))
        return len(known)


def read_origin(repository: str, region: int) -> str:
    """Return the origin of a region's decision log, of the authority that publishes in a repository.

    It names the SHA-256 of the authority's first root. The log's first head fixes it: another root is refused after.
    Of several regions each has a log of its own, so from region 1 on the number is in the origin too.

    Raises:
        FunctionSettingsError: nothing is published there yet.
        RepositoryError: it can't be read.
    """
    root = S3Repository(repository).read(document_name("root", 1))
    if root is None:
        raise FunctionSettingsError(f"{repository} has no first root: make the authority first (docs/aws.md)")
    return origin_of(sha256(root).hexdigest(), region)


def _request_of(kept: Kept) -> str | None:
    """Write the request for a pass; an application that can't be read keeps no other from its own."""
    try:
        approved = kept.application().approved(kept.request_id)
        return json.dumps({"request_id": approved.request_id, **trip_to_json(approved.trip)}, ensure_ascii=False)
    except (ValueError, LookupError, TypeError) as e:
        logger.error("an application can't be read", reference=kept.reference, kind=type(e).__name__)
        return None


@cache
def _function() -> SequenceFunction:
    needed = ("repository", "signer", "requests", "revoke")
    return SequenceFunction.open(ServiceFunctionSettings.from_environment(os.environ, *needed))


@serving
def handler(event: Any, context: Any) -> Any:
    """Handle an invocation by Lambda."""
    return _function()(event, context)
