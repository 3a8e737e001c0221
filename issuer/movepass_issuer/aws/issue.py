"""Lambda function: takes approved passes and answers with signed passes.

Three ways to ask:
    the request queue        an approved pass a message. The answer goes to the answers queue, written as by `movepass
                             issue --json`. A request that can't become a pass goes to the dead letters at once, with
                             its reason. After a transient error (KMS, DynamoDB), or without a valid pass key, it stays
                             in the queue and comes again
    a direct invocation      an approved pass, or a list of them; or {"show": {"request_id": …}} or
                             {"show": {"pass_number": …}}
    the function's URL       the same, as the body of a POST; AWS checks who asks (IAM)

All of them call Issuer.issue_many, so the same request gets the same pass, however and how often it is sent.

IAM: kms:GetPublicKey and kms:Sign, or kms:Decrypt (movepass_keys.signers.kms); dynamodb:BatchGetItem, dynamodb:PutItem,
dynamodb:UpdateItem on the table; s3:ListBucket, s3:GetObject on the repository; sqs:SendMessage on answers and dead
letters; what Lambda needs to read the request queue.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from movepass_issuer.aws import http, queues
from movepass_issuer.aws.opening import Reread, open_issuer
from movepass_issuer.aws.queues import QueueMessage, cut_to_fit
from movepass_issuer.aws.settings import FunctionSettings
from movepass_issuer.aws.telemetry import count, logger, observed, report_end
from movepass_issuer.aws.time_limit import TimeLimit
from movepass_issuer.errors import IssuerError, KeyPeriodError, LedgerError, RequestError, UnknownPassError
from movepass_issuer.issuing import answers
from movepass_issuer.issuing.approved import ApprovedPass
from movepass_issuer.issuing.issuer import GROUP, Issuer, SignedPass
from movepass_keys import KeysError, SignerError
from movepass_keys.records.expiry import key_ending
from movepass_wire import NumberError
from movepass_wire.text import normalise

_REASON_MAX_CHARS = 1000
IssueFault = IssuerError | KeysError
"""Why there is no pass. RequestError is the caller's fault, every other error is ours."""
PassOrFault = SignedPass | IssueFault


class IssueFunction:
    """The function, opened once a process."""

    def __init__(
        self, issuer: Reread[Issuer], *, limit: TimeLimit, settings: FunctionSettings, sqs: Any = None
    ) -> None:
        self._issuer = issuer
        self._limit = limit
        self._settings = settings
        self._sqs = sqs or queues.client()

    @classmethod
    def open(cls, settings: FunctionSettings) -> "IssueFunction":
        """Open everything that does not depend on the request.

        Raises:
            IssuerError, KeysError: a setting is wrong, or something it names can't be had.
        """
        limit = TimeLimit()
        return cls(open_issuer(settings, limit), limit=limit, settings=settings)

    def __call__(self, event: Any, context: Any) -> Any:
        """Answer one invocation.

        Raises:
            LedgerError, SignerError: a direct invocation failed, and asking again may help.
            RequestError: the event is of an AWS service that this function does not serve.
        """
        self._limit.set(context)
        match event:
            case {"Records": records}:
                return self._from_queue(_received(records))
            case {"requestContext": {"http": {"method": str()}}}:
                return http.answered(event, self._answer)
            case {"requestContext": _}:
                raise _not_served("expected a request to the function's URL (payload format 2.0)")
            case _:
                return self._answer(event)

    def _answer(self, asked: Any) -> Any:
        match asked:
            case {"show": dict(wanted)} if len(asked) == 1:
                return self._show(wanted)
            case list():
                if len(asked) > GROUP:
                    raise RequestError(f"{len(asked)} requests; at most {GROUP} at once")
                outcomes = self._issue([_parsed(request) for request in asked])
                return [_told_in_list(_id_of(r), outcome) for r, outcome in zip(asked, outcomes, strict=True)]
            case _:
                return _told(_id_of(asked), self._issue([_parsed(asked)])[0])

    def _show(self, wanted: dict[str, Any]) -> dict[str, Any]:
        try:
            match wanted:
                case {"request_id": str(request_id)} if len(wanted) == 1:
                    return answers.issued(self._issuer.get().find(request_id=request_id))
                case {"pass_number": str(number)} if len(wanted) == 1:
                    return answers.issued(self._issuer.get().find(number=number))
        except (UnknownPassError, NumberError) as e:
            return {"error": str(e)}
        return {"error": 'show: expected {"request_id": …} or {"pass_number": …}'}

    def _issue(self, requests: Sequence[ApprovedPass | RequestError]) -> list[PassOrFault]:
        """Issue all of them in one group, and return a result for each, in order."""
        outcomes = iter(self._issue_good([request for request in requests if isinstance(request, ApprovedPass)]))
        told = [next(outcomes) if isinstance(request, ApprovedPass) else request for request in requests]
        count("Issued", sum(isinstance(outcome, SignedPass) for outcome in told))
        count("Refused", sum(isinstance(outcome, RequestError) for outcome in told))
        count("SignerFailed", sum(isinstance(outcome, SignerError) for outcome in told))
        count("LedgerFailed", sum(isinstance(outcome, LedgerError) for outcome in told))
        period = [outcome for outcome in told if isinstance(outcome, KeyPeriodError)]
        count("KeyNotValid", len(period))
        for error in sorted({str(outcome) for outcome in period}):
            logger.error("not issued", error=error)
        return told

    def _issue_good(self, approved: Sequence[ApprovedPass]) -> list[PassOrFault]:
        try:
            issuer = self._issuer.get()
        except IssuerError as e:  # the key has been denied or revoked
            logger.error("not issued", count=len(approved), error=str(e))
            return [SignerError(str(e))] * len(approved)
        if issuer.key is not None:
            report_end(key_ending(issuer.key, int(time.time())))
        try:
            return list(issuer.issue_many(approved))
        except SignerError as e:
            logger.error("not all issued", count=len(approved), error=str(e))
            return [signed or e for signed in self._known(issuer, approved)]
        except LedgerError as e:
            logger.error("not issued", count=len(approved), error=str(e))
            return [e] * len(approved)
        except Exception as e:  # noqa: BLE001 - whatever it is
            if len(approved) > 1:  # a request that causes a defect must not hold up the others
                return [outcome for one in approved for outcome in self._issue_good([one])]
            logger.error("not issued", request_id=approved[0].request_id, kind=type(e).__name__)
            return [IssuerError(f"a defect, please report it: {type(e).__name__}")]

    @staticmethod
    def _known(issuer: Issuer, approved: Sequence[ApprovedPass]) -> list[SignedPass | None]:
        """Find passes that were signed before the signer failed: they need not wait until the others come again."""
        try:
            return issuer.known(approved)
        except LedgerError:
            return [None] * len(approved)

    def _from_queue(self, received: Sequence["Received"]) -> dict[str, Any]:
        """Handle a batch of the queue, and return the messages that must come again."""
        outcomes = self._issue([_parsed(message.body) for message in received])
        answered, dead = [], []
        failed: dict[str, str] = {}
        for message, outcome in zip(received, outcomes, strict=True):
            if isinstance(outcome, SignedPass):
                answered.append(QueueMessage(message.id, json.dumps(answers.issued(outcome))))
            elif isinstance(outcome, RequestError):
                answered.append(QueueMessage(message.id, json.dumps(_told(_id_of(message.body), outcome))))
                dead.append(message.dead(outcome))
            elif message.attempt >= self._settings.attempts:
                dead.append(message.dead(outcome))
            else:
                failed[message.id] = str(outcome)
        if self._settings.answers:
            failed |= queues.send(self._sqs, self._settings.answers, answered)
        failed |= queues.send(self._sqs, self._settings.dead_letters, [m for m in dead if m.key not in failed])
        count("DeadLetters", sum(m.key not in failed for m in dead))
        for reason in set(failed.values()):
            logger.warning("come again", messages=[i for i, why in failed.items() if why == reason], error=reason)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


@dataclass(frozen=True, slots=True)
class Received:
    """A message from the request queue.

    Attributes:
        attempt: how often it has been handed out, this time included.
    """

    id: str
    body: str
    attempt: int

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Received":
        """Read it from a Lambda event.

        Raises:
            LookupError, TypeError, ValueError: it is no SQS message.
        """
        message_id, body = record["messageId"], record["body"]
        if not isinstance(message_id, str) or not isinstance(body, str):
            raise TypeError
        return cls(message_id, body, int(record["attributes"]["ApproximateReceiveCount"]))

    def dead(self, error: IssueFault) -> QueueMessage:
        """Make it a dead letter: the message as it came, with its error.

        We send it ourselves, because SQS moves a message only after all its attempts, and can't add a reason.
        """
        words = "".join(c if c.isprintable() else " " for c in str(error))[:_REASON_MAX_CHARS]
        logger.warning("dead letter", message_id=self.id, kind=type(error).__name__, attempt=self.attempt)
        return cut_to_fit(
            QueueMessage(self.id, self.body, {"kind": type(error).__name__, "reason": words or "unknown"})
        )


def _received(records: Any) -> list[Received]:
    try:
        return [Received.from_record(record) for record in records]
    except (LookupError, TypeError, ValueError) as e:
        raise _not_served("expected messages of the request queue, as SQS gives them to a function") from e


def _not_served(expected: str) -> RequestError:
    """Log an event that this function is not for, and return the error to raise."""
    logger.error("this event is not for this function", error=expected)
    return RequestError(expected)


def _parsed(request: Any) -> ApprovedPass | RequestError:
    try:
        if not isinstance(request, str | dict):
            return RequestError(f"expected an approved pass as an object, got {type(request).__name__}")
        return ApprovedPass.from_json(request)
    except RequestError as e:
        return e


def _id_of(request: Any) -> str | None:
    """Return the id of a request that may be anything, so that the caller knows which one the answer is for."""
    try:
        document = json.loads(request) if isinstance(request, str) else request
        request_id = document.get("request_id")
    except (ValueError, AttributeError, RecursionError):
        return None
    return normalise(request_id) if isinstance(request_id, str) else None


def _told(request_id: str | None, outcome: PassOrFault) -> dict[str, Any]:
    """Return the answer for a result.

    Raises:
        LedgerError, SignerError, IssuerError: it is not the caller's fault.
    """
    if isinstance(outcome, SignedPass):
        return answers.issued(outcome)
    if isinstance(outcome, RequestError):
        return answers.refused(request_id, outcome)
    raise outcome


def _told_in_list(request_id: str | None, outcome: PassOrFault) -> dict[str, Any]:
    """Return the answer for one result of several: an invalid pass key must not hide the passes beside it."""
    if isinstance(outcome, KeyPeriodError):
        return answers.refused(request_id, outcome)
    return _told(request_id, outcome)


@cache
def _function() -> IssueFunction:
    return IssueFunction.open(FunctionSettings.from_environment(os.environ))


@observed
def handler(event: Any, context: Any) -> Any:
    """Handle an invocation by Lambda."""
    return _function()(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _function()  # in the init phase, so that no request waits for it
