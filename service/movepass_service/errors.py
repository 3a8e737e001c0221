"""Define the errors of the service."""

import traceback


class ServiceError(Exception):
    """The root of the service's own errors; its text is for a person."""

    is_input = False
    """Whether the caller's input is at fault: the command then exits with 2, not 4."""


class ConflictingApplication(ServiceError):  # noqa: N818 - these names are what the pages were promised
    """A client id that came before with other content. It shows nothing of what is stored."""

    is_input = True


class UnknownApplication(ServiceError):  # noqa: N818
    """No application of this reference, or another secret: nobody learns which."""

    is_input = True


class NotAllowed(ServiceError):  # noqa: N818
    """What was asked for can't be done in the state in which the application is.

    Attributes:
        state: that state.
    """

    is_input = True

    def __init__(self, message: str, state: str) -> None:
        super().__init__(message)
        self.state = state


class NoCard(ServiceError):  # noqa: N818
    """A pass with letters that no card can print. Its QR code is good."""

    is_input = True


class Busy(ServiceError):  # noqa: N818
    """More came than can be stored in time. Nothing was stored.

    Attributes:
        retry_after_s: in how many seconds to try again.
    """

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too much came at once; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class StoreError(ServiceError):
    """The store can't be read or written."""


class StoreRefuses(StoreError):  # noqa: N818
    """The store answers, and refuses what was asked: it is not there, or the credentials may not do that."""


class MissingRules(ServiceError):  # noqa: N818
    """The store can be read, and has no rule set of a version that an application names."""


class NotSealed(ServiceError):  # noqa: N818
    """The online key signs no checkpoint of the decision log, so no pass is issued for a decision since the last."""


class StorageFull(StoreError):  # noqa: N818
    """The disk is full. Nothing was stored."""


def places(error: BaseException) -> str:
    """Return where an exception came from, for a log, without its message: that may quote a person's data."""
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames)
