"""Who signs: a signer is chosen by URI, and gives raw 64-byte signatures whatever stands behind it."""

import os
import stat
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from movepass_keys import algorithms, files
from movepass_keys.errors import KeyFileError, KeysError, SignerError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


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


def signer_from_uri(uri: str, base: Path | None = None) -> Signer:
    """Open the signer that a URI names.

    Args:
        uri: file:KEY.pem, awskms:KEY-ARN or awskms-wrapped:FILE.json (see movepass_keys.kms for the last two).
        base: folder that a relative path counts from; the current one without it.

    Raises:
        KeysError: no such kind of signer, or it can't be opened.
    """
    scheme, _, rest = uri.partition(":")
    open_signer = _SCHEMES.get(scheme)
    if open_signer is None:
        raise SignerError(f"expected a signer like file:KEY.pem or awskms:KEY-ARN, got {uri!r}")
    return open_signer(rest, base or Path())


def create_key_file(path: Path, alg: int, password: bytes | None = None) -> algorithms.PublicKey:
    """Make a private key and write it to a new file with mode 0600.

    Raises:
        KeyFileError: the file exists, or its folder can't be written to.
    """
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


def _file_signer(rest: str, base: Path) -> Signer:
    return FileSigner(base / rest)


def _kms_signer(rest: str, _base: Path) -> Signer:
    from movepass_keys.kms import KmsSigner  # noqa: PLC0415 - what is not used is not loaded

    return KmsSigner(rest)


def _wrapped_signer(rest: str, base: Path) -> Signer:
    from movepass_keys.kms import WrappedSigner  # noqa: PLC0415 - what is not used is not loaded

    return WrappedSigner(base / rest)


_SCHEMES = {"file": _file_signer, "awskms": _kms_signer, "awskms-wrapped": _wrapped_signer}


def is_encrypted(path: Path) -> bool:
    """Tell whether a private key's file needs a passphrase.

    Raises:
        KeyFileError: it can't be read.
    """
    try:
        return b"ENCRYPTED PRIVATE KEY" in path.read_bytes()
    except OSError as e:
        raise KeyFileError(f"can't read the key {path}: {e.strerror}") from None


def _load(path: Path, password: bytes | None) -> algorithms.PrivateKey:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise KeyFileError(f"{path} can be read by others; make it yours alone: chmod 600 {path}")
            pem = file.read()
    except OSError as e:
        raise KeyFileError(f"can't read the key {path}: {e.strerror}") from None
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
