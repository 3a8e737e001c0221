"""What can go wrong with keys and with those who hold them."""


class KeysError(Exception):
    """A key, a key document or a signer can't be used; the message says what was expected and what to do.

    Attributes:
        is_input: whether what the user gave is at fault, not what came of it.
    """

    is_input = False


class KeyFileError(KeysError):
    """A private key's file is missing, unreadable, not ours, or open to others."""


class KeyDocumentError(KeysError):
    """A published key document (JWK set, denied keys) breaks its rules."""


class SignerError(KeysError):
    """No such signer, or it could not sign."""


class CeremonyError(KeysError):
    """A proposal, a signature file or a custodian's card can't be used, or should not be."""


class CeremonyFileError(CeremonyError):
    """A file is not the proposal, signature file, card or root that it should be, or was cut short."""

    is_input = True


class NotEnoughSignaturesError(CeremonyError):
    """A threshold is not met yet; the message says who is missing."""
