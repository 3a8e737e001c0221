"""Define the contract of a signer, and the secrets that some signers need."""

import os
from collections.abc import Callable
from typing import Protocol

from movepass_keys.errors import SignerError
from movepass_keys.records import algorithms

PASSPHRASE, PIN = "passphrase", "PIN"
"""The secrets that a key may need before it signs."""
Ask = Callable[[str], str]
"""Asks somebody for a PASSPHRASE or a PIN."""


class Signer(Protocol):
    """Holds a private key, or has one used."""

    @property
    def public_key(self) -> algorithms.PublicKey:
        """The public key, P-256 or Ed25519."""

    def sign(self, message: bytes) -> bytes:
        """Sign a message.

        Returns:
            64 raw bytes: r||s for P-256, the form of RFC 8032 for Ed25519.

        Raises:
            SignerError: the message could not be signed.
        """


def environment_only(kind: str) -> str:
    """Read a secret from the environment when there is nobody to ask: MOVEPASS_PASSPHRASE, MOVEPASS_PIN.

    Raises:
        SignerError: the variable is not set.
    """
    secret = secret_in_environment(kind)
    if secret is None:
        raise SignerError(f"the key needs its {kind}, and there is nobody to ask: set MOVEPASS_{kind.upper()}")
    return secret


def secret_in_environment(kind: str) -> str | None:
    """Return a secret from the environment, or None."""
    return os.environ.get(f"MOVEPASS_{kind.upper()}")
