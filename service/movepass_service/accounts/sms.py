"""Sending text messages: an interface, an outbox in a file for development, and Amazon SNS."""

import json
import os
import re
from pathlib import Path
from typing import Any, Protocol

from movepass_keys import files
from movepass_keys.aws import AwsClientError, Patience, RefusedError, UnintelligibleError, patient_client, patiently
from movepass_service.errors import ServiceError

_PATIENCE = Patience(deadline=8, connect=2, read=3, backoff_first=0.1, backoff_max=1)
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "Throttled", "ThrottledException"})
_MOBILE = re.compile(r"\+8801[3-9][0-9]{8}")
"""Bangladesh's mobile numbers alone: fraud with text messages sends them abroad, to numbers that cost more."""


class SmsError(ServiceError):
    """A message was not taken. The text names no number."""


class SmsGateway(Protocol):
    """Sends text messages."""

    def send(self, phone: str, text: str) -> None:
        """Hand a message over; it may arrive late or never.

        Args:
            phone: +8801XXXXXXXXX.
            text: at most a few parts of a message.

        Raises:
            SmsError: it was not taken.
        """


class Outbox:
    """Writes messages to a file, one JSON object a line, where a developer or a test reads them."""

    def __init__(self, path: Path) -> None:
        """Take the file, which only its owner may read."""
        self._path = path

    def send(self, phone: str, text: str) -> None:
        """See SmsGateway."""
        line = json.dumps({"phone": phone, "text": text}, ensure_ascii=False) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, files.OWNER_ONLY)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(line)


class SnsGateway:
    """Sends through Amazon SNS; budgets are checked before, and mobile numbers of Bangladesh are the only ones served.

    A message that SNS took may still cost nothing and arrive nowhere: the account's spending limit and its sandbox are
    SNS's own. A call whose answer is lost is made again, so a message may come twice.

    IAM: sns:Publish, on every resource, since a telephone number has no ARN.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sms_sending-overview.html (AWS.SNS.SMS.SMSType, SenderID).
    """

    def __init__(self, *, sender: str | None = None, client: Any = None) -> None:
        """Make a client.

        Args:
            sender: the sender's id, registered with Bangladesh's operators; SNS takes a number of its own without one.
            client: boto3's; by default one with the credentials and the region that boto3 finds.

        Raises:
            SmsError: the [aws] extra, the region or the credentials are missing.
        """
        try:
            self._client = client or patient_client("sns", _PATIENCE)
        except AwsClientError as e:
            raise SmsError(f"text messages by SNS: {e}") from e
        attributes = {"SMSType": "Transactional"} | ({"SenderID": sender} if sender else {})
        self._attributes = {
            f"AWS.SNS.SMS.{name}": {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        }

    def send(self, phone: str, text: str) -> None:
        """See SmsGateway."""
        if not _MOBILE.fullmatch(phone):
            raise SmsError("text messages go to mobile numbers of Bangladesh only")

        def ask() -> str:
            answer = self._client.publish(PhoneNumber=phone, Message=text, MessageAttributes=self._attributes)
            return str(answer["MessageId"])

        try:
            patiently(self._client, ask, _PATIENCE, lambda refused: refused.code in _THROTTLED)
        except RefusedError as e:
            raise SmsError(f"SNS took no message: {e.kind}") from e
        except UnintelligibleError as e:
            raise SmsError(f"text messages by SNS: {e}") from e
