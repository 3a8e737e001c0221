"""Who signs: a signer is chosen by URI, and gives raw 64-byte signatures whatever stands behind it."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm

from movepass_keys import algorithms, files
from movepass_keys.errors import KeyFileError, KeysError, SignerError

PASSPHRASE, PIN = "passphrase", "PIN"
"""What a key may need before it signs."""
Ask = Callable[[str], str]
"""Asks somebody for a PASSPHRASE or a PIN."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_KEY_MAX_BYTES = 1 << 16
_ENCRYPTED = (b"ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")
"""What protected keys have in their files: PKCS#8, and the traditional form (RFC 1421) of SEC1 keys."""


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


class FileSigner:
    """A private key in a PEM file (PKCS#8) that only its owner can read."""

    def __init__(self, path: str | Path, password: bytes | None = None) -> None:
        """Load the key.

        Raises:
            KeyFileError: missing, unreadable, open to others, another kind of key, or the wrong passphrase.
        """
        self._private_key = _load(Path(path), password)
        self.public_key = self._private_key.public_key()

    def sign(self, message: bytes) -> bytes:
        """Sign a message; see Signer."""
        return algorithms.sign(self._private_key, message)


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


def signer_from_uri(uri: str, base: Path | None = None, ask: Ask = environment_only) -> Signer:
    """Open the signer that a URI names.

    Args:
        uri: file:KEY.pem, awskms:KEY-ARN, awskms-wrapped:FILE.json (see movepass_keys.kms for these two) or
            hsm:NUMBER?label=TOKEN (see movepass_keys.pkcs11).
        base: folder that a relative path counts from; the current one without it.
        ask: for a passphrase or a PIN, where the key needs one.

    Raises:
        KeysError: no such kind of signer, or it can't be opened.
    """
    scheme, _, rest = uri.partition(":")
    if scheme not in _SCHEMES:
        forms = ", ".join(f"{name}:{form}" for name, (form, _) in _SCHEMES.items())
        raise SignerError(f"expected a signer like one of {forms}; got {uri!r}")
    return _SCHEMES[scheme][1](rest, base or Path(), ask)


def create_key_file(path: Path, alg: int, password: bytes | None = None) -> algorithms.PublicKey:
    """Make a private key and write it to a new file with mode 0600.

    Raises:
        KeyFileError: the file exists, or its folder can't be written to.
    """
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - slow to import, verifying needs none
        BestAvailableEncryption,
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    private_key = algorithms.generate(alg)
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    write_key_file(path, private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return private_key.public_key()


def write_key_file(path: Path, data: bytes) -> None:
    """Write a key to a file that does not exist yet, with mode 0600, durably.

    Raises:
        KeyFileError: the file exists, or its folder can't be written to.
    """
    try:
        files.write_new(path, data, files.OWNER_ONLY)
    except FileExistsError:
        raise KeyFileError(f"{path} exists; a key is never written over: choose another name") from None
    except OSError as e:
        raise KeyFileError(f"can't create {path}: {e.strerror}") from None


def _file_signer(rest: str, base: Path, ask: Ask) -> Signer:
    path = base / rest
    return FileSigner(path, ask(PASSPHRASE).encode() if is_encrypted(path) else None)


def _kms_signer(rest: str, _base: Path, _ask: Ask) -> Signer:
    from movepass_keys.kms import KmsSigner  # noqa: PLC0415 - what is not used is not loaded

    return KmsSigner(rest)


def _wrapped_signer(rest: str, base: Path, _ask: Ask) -> Signer:
    from movepass_keys.kms import WrappedSigner  # noqa: PLC0415 - what is not used is not loaded

    return WrappedSigner(base / rest)


def _hsm_signer(rest: str, _base: Path, ask: Ask) -> Signer:
    from movepass_keys.pkcs11 import HsmSigner  # noqa: PLC0415 - what is not used is not loaded

    return HsmSigner(rest, ask)


_SCHEMES = {
    "file": ("KEY.pem", _file_signer),
    "awskms": ("KEY-ARN", _kms_signer),
    "awskms-wrapped": ("FILE.json", _wrapped_signer),
    "hsm": ("NUMBER?label=TOKEN", _hsm_signer),
}
"""How each kind of signer is written behind its name and the colon, and what opens it."""


def is_encrypted(path: Path) -> bool:
    """Tell whether a private key's file needs a passphrase.

    Raises:
        KeyFileError: it can't be read.
    """
    pem = _read(path)
    return any(mark in pem for mark in _ENCRYPTED)


def _read(path: Path) -> bytes:
    try:
        return files.read_regular(path, _KEY_MAX_BYTES, own=True)
    except OSError as e:
        raise KeyFileError(f"can't read the key {path}: {e.strerror}") from e


def _load(path: Path, password: bytes | None) -> algorithms.PrivateKey:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - as above

    pem = _read(path)
    if path.stat().st_mode & _OTHERS:
        raise KeyFileError(f"{path} can be read by others; make it yours alone: chmod 600 {path}")
    try:
        key = load_pem_private_key(pem, password)
        algorithms.algorithm_of(key)
    except TypeError:
        words = "is protected by a passphrase, and none was given" if password is None else "is not protected"
        raise KeyFileError(f"{path} {words}") from None
    except (ValueError, UnsupportedAlgorithm, KeysError) as e:
        if password is not None:
            raise KeyFileError(f"{path}: wrong passphrase, or the file is damaged") from None
        raise KeyFileError(f"{path} is not a private key of ours in PEM (P-256 or Ed25519): {e}") from None
    return key  # type: ignore[return-value] # algorithm_of has just said so
