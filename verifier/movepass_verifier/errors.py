"""Define the errors of verifying and syncing. "Not verified" is a result, not an error."""

from movepass_words import Message, words


class VerifierError(Exception):
    """The device could not do what was asked; the message says what was expected, what came, and what to do.

    Attributes:
        is_input: whether the user's input is at fault.
    """

    is_input = False


class StoreError(VerifierError):
    """The device's store is missing, damaged, full, or made by other software."""


class DamagedError(StoreError):
    """The device's store differs from what was written to it; `movepass doctor` repairs it."""


class PolicyError(VerifierError):
    """A policy for the age of lists is out of bounds."""

    is_input = True


class SyncError(VerifierError):
    """Nothing new could be taken over from a source; the device keeps what it has."""


class SourceError(SyncError):
    """No kind of source has such a name."""

    is_input = True


class EnrolmentError(VerifierError):
    """The data can't set a device up: it is not an enrolment, or not a fingerprint."""

    is_input = True


class RootRefusedError(VerifierError):
    """The root is not the expected root, or can't be fetched; no device was set up."""


class BundleError(VerifierError):
    """A bundle can't be written; a bundle that was there before is still whole."""


class ImageError(VerifierError):
    """A picture has no readable QR code, or several.

    Attributes:
        why: what is wrong, as a message for any language.
    """

    is_input = True

    def __init__(self, why: Message) -> None:
        super().__init__(words().say(why))
        self.why = why


class CopiesError(VerifierError):
    """Copies, a head or a proof that were handed to an auditor can't be read."""

    is_input = True


class AuditError(VerifierError):
    """The audit could not be carried out, as on a full disk."""


class OtherCodeError(VerifierError):
    """A code of another scheme can't be read.

    Attributes:
        what: the kind of code, as a message for any language.
    """

    def __init__(self, what: Message, problem: str) -> None:
        super().__init__(f"{words().say(what)}, and it can't be read: {problem}")
        self.what = what
