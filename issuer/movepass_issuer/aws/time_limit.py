"""An invocation ends by itself before Lambda kills it: what was signed until then is kept, the rest comes again."""

from typing import Any

from movepass_keys import Signer, SignerError
from movepass_keys.records.algorithms import PublicKey
from movepass_keys.signers.kms import DEADLINE_SECONDS

KEEP_SECONDS = DEADLINE_SECONDS + 10
"""Left when the last signature is begun: its own deadline, and the time to store what was signed and to answer."""


class TimeLimit:
    """The time that the current invocation has left."""

    def __init__(self) -> None:
        self._context: Any = None

    def set(self, context: Any) -> None:
        """Begin an invocation."""
        self._context = context

    def over(self) -> bool:
        """Return whether it is too late to begin another signature."""
        return self._context is not None and self._context.get_remaining_time_in_millis() < KEEP_SECONDS * 1000


class TimedSigner:
    """A signer that stops when the invocation's time is nearly over."""

    def __init__(self, signer: Signer, limit: TimeLimit) -> None:
        self._signer = signer
        self._limit = limit

    @property
    def public_key(self) -> PublicKey:
        """See Signer."""
        return self._signer.public_key

    def sign(self, message: bytes) -> bytes:
        """Sign a message; see Signer.

        Raises:
            SignerError: as the signer's, or the invocation's time is nearly over.
        """
        if self._limit.over():
            raise SignerError("this invocation has no time left for another signature; ask again")
        return self._signer.sign(message)
