"""Who signs: a signer is chosen by URI, and gives raw 64-byte signatures whatever stands behind it."""

import os
import stat
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from movepass_keys import algorithms
from movepass_keys.errors import KeyFileError, KeysError, SignerError

FILE_SCHEME = "file:"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR


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
        uri: file:KEY.pem.
        base: folder that a relative path counts from; the current one without it.

    Raises:
        KeysError: no such kind of signer, or it can't be opened.
    """
    if uri.startswith(FILE_SCHEME):
        return FileSigner((base or Path()) / uri.removeprefix(FILE_SCHEME))
    raise SignerError(f"expected a signer like file:KEY.pem, got {uri!r}")


def create_key_file(path: Path, alg: int, password: bytes | None = None) -> algorithms.PublicKey:
    """Make a private key and write it to a new file with mode 0600.

    Raises:
        KeyFileError: the file exists, or its folder can't be written to.
    """
    private_key = algorithms.generate(alg)
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except FileExistsError:
        raise KeyFileError(f"{path} exists; a key is never written over: choose another name") from None
    except OSError as e:
        raise KeyFileError(f"can't create {path}: {e.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except OSError as e:
        path.unlink(missing_ok=True)
        raise KeyFileError(f"can't write {path}: {e.strerror}") from None
    return private_key.public_key()


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
    except (ValueError, TypeError, KeysError) as e:
        raise KeyFileError(f"{path} is not a private key of ours in PEM (P-256 or Ed25519): {e}") from None
    return key  # type: ignore[return-value] # algorithm_of has just said so
