"""A custodian's folder: two private keys, or where they are, and the public card that the others get.

root.pem, targets.pem     private keys, under one passphrase
root.uri, targets.uri     in place of either: the URI of a key that is held elsewhere, as on a token
card.json                 the names and public keys that the others get
root.json                 the root last accepted; what is proposed must be built on it (movepass_keys.ceremony.anchor)
"""

import json
from collections.abc import Mapping
from pathlib import Path

from tuf.api.metadata import Metadata, Root

from movepass_keys import files
from movepass_keys.ceremony.anchor import read_root
from movepass_keys.ceremony.proposal import Card
from movepass_keys.errors import CeremonyError, CeremonyFileError, KeyFileError
from movepass_keys.records.algorithms import key_id
from movepass_keys.records.roles import document_bytes
from movepass_keys.signers.key_files import FileSigner, create_key_file, write_key_file
from movepass_keys.signers.opening import signer_from_uri
from movepass_keys.signers.signer import Ask, Signer, environment_only
from movepass_wire.payload import ESP256

ALG = ESP256
"""Tokens and KMS have P-256 everywhere, so a role can move there without a new algorithm."""
PASSPHRASE_MIN_CHARS = 12
PASSPHRASE_MAX_CHARS = 200
"""Far below what PKCS#8 encryption takes, whatever the characters."""
_ROOT_MAX_BYTES, _URI_MAX_BYTES = 1 << 20, 4096
_ROLES = ("root", "targets")
_CARD = "card.json"
_NONE: Mapping[str, str] = {}


def create_custodian(
    folder: Path, name: str, password: bytes | None, held: Mapping[str, str] = _NONE, ask: Ask = environment_only
) -> Card:
    """Make a custodian's keys and card in a new folder.

    Args:
        folder: a new one, or one without keys.
        name: the custodian's.
        password: for the keys' files; None leaves them unprotected.
        held: role (root, targets) -> URI, for keys that exist already and are held elsewhere.
        ask: for a PIN, where the URI's key needs one even to be shown.

    Raises:
        KeyFileError: the folder exists with keys in it, or can't be written to.
        SignerError: a key held elsewhere can't be found.
        CeremonyError: a name that can't be read out, or one key for both roles.
    """
    if not name or not name.isprintable():
        raise CeremonyError("a custodian's name is one that can be printed")
    for path in (path for role in _ROLES for path in (folder / f"{role}.pem", _note(folder, role))):
        if path.exists():
            raise KeyFileError(f"{path} exists; a key is never written over: choose another folder")
    signers: dict[str, Signer] = {role: signer_from_uri(uri, folder, ask) for role, uri in held.items()}
    if len({key_id(signer.public_key) for signer in signers.values()}) != len(signers):
        raise CeremonyError(
            "a custodian has two keys, one for the root and one for the pass keys; this is one for both"
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise KeyFileError(f"can't make {folder}: {e.strerror}") from None
    for role in _ROLES:
        if role not in held:
            create_key_file(folder / f"{role}.pem", ALG, password)
            signers[role] = FileSigner(folder / f"{role}.pem", password)
    card = Card.of(name, *(signers[role] for role in _ROLES))
    for role, uri in held.items():
        write_key_file(_note(folder, role), f"{getattr(signers[role], 'uri', uri)}\n".encode())
    _write(card_path(folder), json.dumps(card.to_json(), indent=1, ensure_ascii=False).encode())
    return card


def card_path(folder: Path) -> Path:
    """Give where a custodian's card is."""
    return folder / _CARD


def signer(folder: Path, role: str, ask: Ask = environment_only) -> Signer:
    """Open a custodian's key for a role; the passphrase or PIN is asked for where the key needs one.

    Raises:
        KeyFileError: no such key, open to others, or the wrong passphrase.
        SignerError: a key held elsewhere can't be used.
    """
    try:
        uri = files.read_regular(_note(folder, role), _URI_MAX_BYTES).decode().strip()
    except FileNotFoundError:
        uri = f"file:{role}.pem"
    except (OSError, ValueError) as e:
        raise KeyFileError(f"can't read {_note(folder, role)}: {e}") from None
    return signer_from_uri(uri, folder, ask)


def held_root(folder: Path) -> Metadata[Root] | None:
    """Read the root that a custodian last accepted; None before the first.

    Raises:
        KeyFileError: it can't be read.
    """
    path = root_path(folder)
    try:
        return read_root(files.read_regular(path, _ROOT_MAX_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, CeremonyFileError) as e:
        raise KeyFileError(
            f"can't read {path}, the root that you last accepted ({e}); put it back from a copy, or take it away and "
            "compare the next root's fingerprint with the others"
        ) from None


def remember_root(folder: Path, root: Metadata[Root]) -> None:
    """Write the root that a custodian has accepted; interrupted, the one before it is there still.

    Raises:
        KeyFileError: it can't be written.
    """
    _write(root_path(folder), document_bytes(root))


def root_path(folder: Path) -> Path:
    """Give where the root is that a custodian last accepted."""
    return folder / "root.json"


def _note(folder: Path, role: str) -> Path:
    """Give where the URI of a key stands that is held elsewhere."""
    return folder / f"{role}.uri"


def _write(path: Path, data: bytes) -> None:
    try:
        files.write_whole(path, data)
    except OSError as e:
        raise KeyFileError(f"can't write {path}: {e.strerror or e}") from None
