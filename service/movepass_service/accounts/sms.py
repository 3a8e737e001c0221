"""Sending text messages: an interface, and an outbox in a file for development."""

import json
import os
from pathlib import Path
from typing import Protocol

from movepass_keys import files


class SmsGateway(Protocol):
    """Sends text messages."""

    def send(self, phone: str, text: str) -> None:
        """Hand a message over; it may arrive late or never.

        Args:
            phone: +8801XXXXXXXXX.
            text: at most a few parts of a message.
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
