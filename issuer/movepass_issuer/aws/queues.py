"""Messages to SQS queues, ten a call."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from movepass_issuer.errors import IssuerError
from movepass_keys.aws import AwsClientError, Patience, RefusedError, patient_client, patiently

MESSAGE_MAX_BYTES = 1 << 20
"""What SQS takes as one message, its attributes included."""
_TYPE = "String"
_CALL_MESSAGES = 10
_CALL_BYTES = 1 << 18
"""What one call may carry in all; SQS takes more today, and once took no more than this."""
_PATIENCE = Patience(deadline=8, connect=2, read=5, backoff_first=0.1, backoff_max=1)
"""An invocation keeps ten seconds to store and answer (time_limit.py); what was not sent by then comes again."""
_PASSING = {"RequestThrottled", "ThrottlingException", "Throttling", "OverLimit"}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A message to be sent.

    Attributes:
        key: by which the sender knows it again.
        attributes: text beside the body, which a person reads first.
    """

    key: str
    body: str
    attributes: dict[str, str] = field(default_factory=dict)


def size_of(message: QueueMessage) -> int:
    """Count the bytes that SQS counts: the body, and each attribute's name, type and value."""
    attributes = (f"{name}{_TYPE}{text}" for name, text in message.attributes.items())
    return sum(len(text.encode()) for text in (message.body, *attributes))


def cut_to_fit(message: QueueMessage) -> QueueMessage:
    """Cut a message's body if it is too long to be sent with its attributes, which were added later."""
    over = size_of(message) - MESSAGE_MAX_BYTES
    if over <= 0:
        return message
    body = message.body.encode()
    return replace(message, body=body[: len(body) - over].decode(errors="ignore"))


class QueueError(IssuerError):
    """A queue can't be read or written."""


def client() -> Any:
    """Make a client for SQS.

    Raises:
        QueueError: no [aws] extra, or settings that boto3 can't use.
    """
    try:
        return patient_client("sqs", _PATIENCE)
    except AwsClientError as e:
        raise QueueError(f"queues in SQS: {e}") from e


def ask(sqs: Any, call: Callable[[], _T]) -> _T:
    """Call SQS, again where that may help, until a deadline for the whole answer.

    Raises:
        RefusedError, UnintelligibleError: see patiently.
    """
    return patiently(sqs, call, _PATIENCE, lambda refused: refused.code in _PASSING)


@contextmanager
def failures(url: str) -> Iterator[None]:
    """Turn an error of AWS into a QueueError.

    Raises:
        QueueError: whatever it was.
    """
    try:
        yield
    except Exception as e:  # noqa: BLE001 - boto3 raises many kinds; all are told in words
        raise QueueError(f"{url}: {_ADVICE.get(_code(e), 'failed')} ({_code(e)})") from None


def send(sqs: Any, url: str, messages: Sequence[QueueMessage]) -> dict[str, str]:
    """Send messages.

    IAM: sqs:SendMessage.

    Returns:
        For those that did not go, by their keys, why.
    """
    failed: dict[str, str] = {}
    for group in _groups(messages):
        entries = [_entry(str(place), message) for place, message in enumerate(group)]
        try:
            answer = ask(sqs, partial(sqs.send_message_batch, QueueUrl=url, Entries=entries))
        except Exception as e:  # noqa: BLE001 - boto3 raises many kinds, and each means that nothing went
            failed |= {message.key: f"{url}: {_code(e)}" for message in group}
        else:
            failed |= {group[int(f["Id"])].key: f"{url}: {f['Code']}" for f in answer.get("Failed", ())}
    return failed


_NO_QUEUE = "there is no such queue in this account and region; the stack's outputs name its queues"
_ADVICE = {
    "AccessDenied": "these credentials may not do this with it; the queue's name stands in the stack's outputs",
    "AWS.SimpleQueueService.NonExistentQueue": _NO_QUEUE,
    "QueueDoesNotExist": _NO_QUEUE,
    "NoCredentialsError": "no AWS credentials; set AWS_PROFILE or AWS_ACCESS_KEY_ID",
}


def _code(error: Exception) -> str:
    """Return AWS's code of an error; its text may quote a message."""
    if isinstance(error, RefusedError):
        return error.kind
    answer = getattr(error, "response", None) or {}  # None where there was no answer
    return str(answer.get("Error", {}).get("Code", type(error).__name__))


def _entry(place: str, message: QueueMessage) -> dict[str, Any]:
    attributes = {name: {"DataType": _TYPE, "StringValue": text} for name, text in message.attributes.items()}
    return {"Id": place, "MessageBody": message.body, "MessageAttributes": attributes}


def _groups(messages: Iterable[QueueMessage]) -> Iterable[list[QueueMessage]]:
    group: list[QueueMessage] = []
    size = 0
    for message in messages:
        length = size_of(message)
        if group and (len(group) == _CALL_MESSAGES or size + length > _CALL_BYTES):
            yield group
            group, size = [], 0
        group.append(message)
        size += length
    if group:
        yield group
