"""The dead letters: requests that did not become a pass, for the person who looks after them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from movepass_issuer.aws import queues
from movepass_issuer.aws.queues import QueueError, QueueMessage

AT_ONCE = 1000
"""Letters looked at in one go."""
_HIDDEN_SECONDS = 120
_CALL_MESSAGES = 10
_WAIT_SECONDS = 1
"""Longer than 0, so that SQS asks all its servers and an empty answer means an empty queue."""
_NO_REASON = "no reason: the function was cut off each time it had this; its log may tell more"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A request that did not become a pass.

    Attributes:
        id: the message's; SQS gives it another when it is sent again.
        body: the request as it came.
        kind: name of the error; "" where the function did not say.
        reason: what is wrong, in words.
        since: when it became a dead letter, seconds since 1970 UTC.
        handle: SQS's name for it while we look at it.
    """

    id: str
    body: str
    kind: str
    reason: str
    since: int
    handle: str


class SameQueueError(QueueError):
    """Requests were to be sent again to the queue that they come from."""

    is_input = True


class DeadLetters:
    """The queue, opened.

    IAM, on it: sqs:ReceiveMessage, sqs:ChangeMessageVisibility, sqs:DeleteMessage; to send a request again,
    sqs:SendMessage on the request queue.
    """

    def __init__(self, url: str, *, client: Any = None) -> None:
        """Take a queue's URL.

        Raises:
            QueueError: no [aws] extra, or settings that boto3 can't use.
        """
        self._url = url
        self._client = client or queues.client()

    @contextmanager
    def held(self) -> Iterator[list[DeadLetter]]:
        """Return at most AT_ONCE letters, and release those that are still there at the end.

        Raises:
            QueueError: the queue can't be read.
        """
        letters: list[DeadLetter] = []
        try:
            while len(letters) < AT_ONCE and (some := self._receive()):
                letters += some
            yield letters
        finally:
            for letter in letters:
                with suppress(QueueError), queues.failures(self._url):  # it was deleted, or comes back by itself later
                    give_back = partial(self._client.change_message_visibility, VisibilityTimeout=0)
                    queues.ask(self._client, partial(give_back, QueueUrl=self._url, ReceiptHandle=letter.handle))

    def replay(self, letters: Iterable[DeadLetter], to: str) -> None:
        """Send requests to the request queue again, each as it came, and delete them from this one.

        If the process is killed in between, a request may be in both. That is harmless: it gets the same pass.

        Raises:
            SameQueueError: that is this one: they would come back without their reasons.
            QueueError: one could not be sent or taken; those before it were.
        """
        if urlsplit(to).path.rstrip("/") == urlsplit(self._url).path.rstrip("/"):
            raise SameQueueError(
                f"expected the request queue (the stack's output RequestsUrl), got the dead letters' {to}"
            )
        for letter in letters:
            failed = queues.send(self._client, to, [QueueMessage(letter.id, letter.body)])
            if failed:
                raise QueueError(f"{letter.id} could not be sent: {failed[letter.id]}")
            self.drop([letter])

    def drop(self, letters: Iterable[DeadLetter]) -> None:
        """Delete letters for good.

        Raises:
            QueueError: one could not be deleted; those before it were.
        """
        for letter in letters:
            with queues.failures(self._url):
                delete = partial(self._client.delete_message, QueueUrl=self._url, ReceiptHandle=letter.handle)
                queues.ask(self._client, delete)

    def _receive(self) -> list[DeadLetter]:
        with queues.failures(self._url):
            receive = partial(
                self._client.receive_message,
                QueueUrl=self._url,
                MaxNumberOfMessages=_CALL_MESSAGES,
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=_WAIT_SECONDS,
                MessageAttributeNames=["kind", "reason"],
                MessageSystemAttributeNames=["SentTimestamp"],
            )
            answer = queues.ask(self._client, receive)
        return [_read(message) for message in answer.get("Messages", [])]


def _read(message: dict[str, Any]) -> DeadLetter:
    said = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
    return DeadLetter(
        message["MessageId"],
        message["Body"],
        said.get("kind", ""),
        said.get("reason", _NO_REASON),
        int(message["Attributes"]["SentTimestamp"]) // 1000,
        message["ReceiptHandle"],
    )
