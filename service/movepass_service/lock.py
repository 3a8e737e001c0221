"""The lock of a service's folder: who has it runs the service. The system releases it when the process ends."""

import fcntl
import os
import time
from pathlib import Path

from movepass_keys import files
from movepass_service.errors import ServiceError

FILE = "running.lock"
_PATIENCE_SECONDS, _PAUSE_SECONDS = 0.2, 0.05
"""For how long to try: `is_taken` has it for an instant."""


class InUseError(ServiceError):
    """Another process runs the service."""

    is_input = True


def take(data: Path) -> int:
    """Take the lock of the service's folder, and return what to close.

    Raises:
        InUseError: another process has it, or it is no file that can be locked. Two workers could revoke a pass while
            it is being issued.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(data / FILE, flags, files.OWNER_ONLY)
    except OSError as e:
        raise InUseError(f"{data / FILE}: expected a file to lock, or none yet: {e.strerror}") from e
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            if time.monotonic() > give_up:
                os.close(descriptor)
                raise InUseError(f"{data} is in use: another service runs there") from e
            time.sleep(_PAUSE_SECONDS)
        else:
            return descriptor


def is_taken(data: Path) -> bool:
    """Return whether a service runs in the folder; false where nobody can know."""
    try:
        descriptor = os.open(data / FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
