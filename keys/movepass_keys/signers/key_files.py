"""Read and create private keys in PEM files that only their owner can read."""

import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm

from movepass_keys import files
from movepass_keys.errors import KeyFileError, KeysError
from movepass_keys.records import algorithms

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_KEY_MAX_BYTES = 1 << 16
_ENCRYPTED = (b"ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")
"""The markers of protected keys: PKCS#8, and the traditional form (RFC 1421) of SEC1 keys."""


class FileSigner:
    """A private key in a PEM file (PKCS#8) that only its owner can read."""

    def __init__(self, path: str | Path, password: bytes | None = None) -> None:
        """Load the key.

        Raises:
            KeyFileError: the file is missing, unreadable, open to others or of another kind, or the passphrase is
                wrong.
        """
        self._private_key = _load(Path(path), password)
        self.public_key = self._private_key.public_key()

    def sign(self, message: bytes) -> bytes:
        """Sign a message; see Signer."""
        return algorithms.sign(self._private_key, message)


def create_key_file(path: Path, alg: int, password: bytes | None = None) -> algorithms.PublicKey:
    """Create a private key and write it to a new file with mode 0600.

    Raises:
        KeyFileError: the file exists, or its folder can't be written to.
    """
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - slow to import, and verifying does not need it
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
    """Write a key durably to a new file with mode 0600.

    Raises:
        KeyFileError: the file exists, or its folder can't be written to.
    """
    try:
        files.write_new(path, data, files.OWNER_ONLY)
    except FileExistsError as e:
        raise KeyFileError(f"{path} exists; a key is never written over: choose another name") from e
    except OSError as e:
        raise KeyFileError(f"can't create {path}: {e.strerror}") from e


def is_encrypted(path: Path) -> bool:
    """Check whether the file of a private key needs a passphrase.

    Raises:
        KeyFileError: the file can't be read.
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
        raise KeyFileError(f"{path} can be read by others; restrict it: chmod 600 {path}")
    try:
        key = load_pem_private_key(pem, password)
        algorithms.algorithm_of(key)
    except TypeError as e:
        words = "is protected by a passphrase, and none was given" if password is None else "is not protected"
        raise KeyFileError(f"{path} {words}") from e
    except (ValueError, UnsupportedAlgorithm, KeysError) as e:
        if password is not None:
            raise KeyFileError(f"{path}: wrong passphrase, or the file is damaged") from e
        raise KeyFileError(f"{path} is not a private key of ours in PEM (P-256 or Ed25519): {e}") from e
    return key  # type: ignore[return-value] # algorithm_of has just said so
