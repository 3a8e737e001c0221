"""What can break while verifying or syncing. "Not verified" is not among them: that is a result."""

from movepass_words import Message, words


class VerifierError(Exception):
    """The device could not do as asked; the message says what was expected, what came, and what to do.

    Attributes:
        is_input: whether what the user gave is at fault, not what came of it.
    """

    is_input = False


class StoreError(VerifierError):
    """The device's store is missing, damaged, full, or made by other software."""


class DamagedError(StoreError):
    """The device's store is not what was written to it; `movepass doctor` mends it."""


class PolicyError(VerifierError):
    """A device can't be told to judge freshness so."""

    is_input = True


class SyncError(VerifierError):
    """Nothing new could be taken over from a source; what the device holds stays as it was."""


class SourceError(SyncError):
    """No source has such a name."""

    is_input = True


class EnrolmentError(VerifierError):
    """This can't set a device up: it is no enrolment, or no fingerprint."""

    is_input = True


class RootRefusedError(VerifierError):
    """The root is not the one that was expected, or can't be had; no device was set up."""


class BundleError(VerifierError):
    """A bundle can't be written; one that was there before is still whole."""


class ImageError(VerifierError):
    """No single QR code can be read from a picture.

    Attributes:
        why: what is wrong, to be said in any language.
    """

    is_input = True

    def __init__(self, why: Message) -> None:
        super().__init__(words().say(why))
        self.why = why


class OtherCodeError(VerifierError):
    """A code of another scheme can't be read.

    Attributes:
        what: what it is, to be said in any language.
    """

    def __init__(self, what: Message, problem: str) -> None:
        super().__init__(f"{words().say(what)}, and it can't be read: {problem}")
        self.what = what
