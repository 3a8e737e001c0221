"""Define the errors of keys, signers and ceremonies."""


class KeysError(Exception):
    """A key, a key document or a signer can't be used; the message says what was expected and what to do.

    Attributes:
        is_input: whether the user's input is at fault.
    """

    is_input = False


class KeyFileError(KeysError):
    """The file of a private key is missing, unreadable, of another kind, or open to others."""


class KeyDocumentError(KeysError):
    """A published key document (JWK set, denied keys) breaks a rule of its format."""


class CheckpointError(KeysError):
    """A head of a decision log is not a note of the expected form, or can't be written."""

    is_input = True


class SignerError(KeysError):
    """There is no such signer, or it could not sign."""


class CeremonyError(KeysError):
    """A proposal, a signature file or a custodian's card can't be used, or should not be."""


class CeremonyFileError(CeremonyError):
    """A file is not the expected proposal, signature file, card or root, or it was cut short."""

    is_input = True


class NotEnoughSignaturesError(CeremonyError):
    """A threshold is not met yet; the message says who has not signed."""
