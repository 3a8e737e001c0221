"""A custodian's folder: two private keys under one passphrase, and the public card that the others get."""

import json
from collections.abc import Callable
from pathlib import Path

from movepass_keys import files
from movepass_keys.ceremony import Card
from movepass_keys.errors import CeremonyError, KeyFileError
from movepass_keys.signers import FileSigner, create_key_file, is_encrypted
from movepass_wire.payload import ESP256

ALG = ESP256
"""Tokens and KMS have P-256 everywhere, so a role can move there without a new algorithm."""
PASSPHRASE_MIN_CHARS = 12
PASSPHRASE_MAX_CHARS = 200
"""Far below what PKCS#8 encryption takes, whatever the characters."""
_ROLES = ("root", "targets")
_CARD = "card.json"


def create(folder: Path, name: str, password: bytes | None) -> Card:
    """Make a custodian's keys and card in a new folder.

    Raises:
        KeyFileError: the folder exists with keys in it, or can't be written to.
        CeremonyError: a name that can't be read out.
    """
    if not name or not name.isprintable():
        raise CeremonyError("a custodian's name is one that can be printed")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise KeyFileError(f"can't make {folder}: {e.strerror}") from None
    for role in _ROLES:
        create_key_file(folder / f"{role}.pem", ALG, password)
    card = Card.of(name, *(FileSigner(folder / f"{role}.pem", password) for role in _ROLES))
    _write(card_path(folder), json.dumps(card.to_json(), indent=1, ensure_ascii=False).encode())
    return card


def card_path(folder: Path) -> Path:
    """Give where a custodian's card is."""
    return folder / _CARD


def signer(folder: Path, role: str, passphrase: Callable[[], bytes]) -> FileSigner:
    """Open a custodian's key for a role; the passphrase is asked for where the key needs one.

    Raises:
        KeyFileError: no such key, open to others, or the wrong passphrase.
    """
    path = folder / f"{role}.pem"
    return FileSigner(path, passphrase() if is_encrypted(path) else None)


def _write(path: Path, data: bytes) -> None:
    try:
        files.write_whole(path, data)
    except OSError as e:
        raise KeyFileError(f"can't write {path}: {e.strerror or e}") from None
