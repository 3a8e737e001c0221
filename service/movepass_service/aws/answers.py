"""Lambda function: notes what the issuer answered, from its queue of answers.

A pass becomes its application's; a request that the issuer refused is referred to an officer. An answer that can't be
noted comes again. An answer to another program's request is left out, as two programs may share an issuer.

IAM: dynamodb:BatchGetItem, dynamodb:GetItem, dynamodb:PutItem on the table; what Lambda needs to read the queue.
"""

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from movepass_service.applications.references import parse_reference
from movepass_service.aws.batches import work_on
from movepass_service.aws.events import Message, messages_of
from movepass_service.aws.opening import open_store
from movepass_service.aws.settings import ServiceFunctionSettings
from movepass_service.aws.telemetry import count, logger, serving
from movepass_service.decisions.records import SERVICE, Decision
from movepass_service.errors import UnknownApplication
from movepass_service.issuing.deciding import NOT_ISSUED
from movepass_service.stores.dynamodb.document import kept_of
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import Issued
from movepass_wire import WireError, decode_claims, open_text
from movepass_wire.times import day_of

_REQUEST = re.compile(r"([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})\.([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the issuer's.

    Attributes:
        id: the message's.
        reference: the application's.
        correction: which content of it was asked for.
        document: as the issuer wrote it (movepass_issuer.issuing.answers).
    """

    id: str
    reference: str
    correction: int
    document: Mapping[str, Any]


class AnswersFunction:
    """The function, opened once a process."""

    def __init__(self, store: DynamoDbStore) -> None:
        """Take the store."""
        self._store = store

    @classmethod
    def open(cls, settings: ServiceFunctionSettings) -> "AnswersFunction":
        """Open the store.

        Raises:
            StoreError: a setting is wrong.
        """
        return cls(open_store(settings))

    def __call__(self, event: Any, _context: Any) -> Any:
        """Note the answers of a batch; returns the messages that must come again.

        Raises:
            UnknownEventError: the event is none of a queue's.
        """
        answers = [answer for message in messages_of(event) if (answer := read_answer(message))]
        return work_on(answers, self._note)

    def _note(self, answers: Sequence[Answer]) -> None:
        now = int(time.time())
        found = self._store.look_up([answer.reference for answer in answers])
        kept_by = {content.reference: kept_of(content, document) for content, document in found}
        known = [(answer, kept_by[answer.reference]) for answer in answers if answer.reference in kept_by]
        issued = [made for answer, kept in known if (made := _issued(kept, answer))]
        self._store.record_issued(issued, now, among=found)
        count("Noted", len(issued))
        for answer, kept in known:
            why = answer.document.get("error") or ("revoked before" if "revoked_at" in answer.document else "")
            if why and kept.correction == answer.correction:
                decision = Decision("refer", SERVICE, "not-issued", NOT_ISSUED, note=str(why))
                self._store.record_refused(kept, decision, now)
                count("NotIssued")


def read_answer(message: Message) -> Answer | None:
    """Read an answer; None if it answers no request of the service's."""
    try:
        document = json.loads(message.body)
        named = _REQUEST.fullmatch(document["request_id"])
        if named is None:
            return None
        return Answer(message.id, parse_reference(named[1]), int(named[2]), document)
    except (ValueError, LookupError, TypeError, RecursionError, UnknownApplication) as e:
        logger.warning("an answer to nothing of ours", message_id=message.id, kind=type(e).__name__)
        return None


def _issued(kept: Kept, answer: Answer) -> Issued | None:
    """Describe the pass of an answer for the store; None where it has none."""
    if "text" not in answer.document:
        return None
    text, number = answer.document["text"], answer.document["pass_number"]
    try:
        opened = open_text(text)
        pass_ = decode_claims(opened.claims)
    except (WireError, TypeError) as e:
        logger.error("a pass can't be read", reference=kept.reference, kind=type(e).__name__)
        return None
    day = day_of(pass_.trip.not_after)
    return Issued(kept.number, answer.correction, number, text, day, pass_.index, opened.kid)


@cache
def _function() -> AnswersFunction:
    return AnswersFunction.open(ServiceFunctionSettings.from_environment(os.environ))


@serving
def handler(event: Any, context: Any) -> Any:
    """Handle an invocation by Lambda."""
    return _function()(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _function()
