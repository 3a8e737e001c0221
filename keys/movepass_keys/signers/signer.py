"""The contract of a signer, and the secrets that some need before they sign."""

import os
from collections.abc import Callable
from typing import Protocol

from movepass_keys.errors import SignerError
from movepass_keys.records import algorithms

PASSPHRASE, PIN = "passphrase", "PIN"
"""What a key may need before it signs."""
Ask = Callable[[str], str]
"""Asks somebody for a PASSPHRASE or a PIN."""


class Signer(Protocol):
    """Something that holds a private key, or can have one used."""

    @property
    def public_key(self) -> algorithms.PublicKey:
        """The public key, P-256 or Ed25519."""

    def sign(self, message: bytes) -> bytes:
        """Sign a message.

        Returns:
            64 raw bytes: r||s for P-256, RFC 8032's form for Ed25519.

        Raises:
            SignerError: no signature could be had.
        """


def environment_only(kind: str) -> str:
    """Take a secret from the environment, where there is nobody to ask: MOVEPASS_PASSPHRASE, MOVEPASS_PIN.

    Raises:
        SignerError: it is not there.
    """
    secret = secret_in_environment(kind)
    if secret is None:
        raise SignerError(f"the key needs its {kind}, and there is nobody to ask: set MOVEPASS_{kind.upper()}")
    return secret


def secret_in_environment(kind: str) -> str | None:
    """Give a secret that the environment has, or None."""
    return os.environ.get(f"MOVEPASS_{kind.upper()}")
