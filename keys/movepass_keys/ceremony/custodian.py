"""Keep a custodian's folder: two private keys or their URIs, and the public card for the other custodians.

root.pem, targets.pem     private keys, under one passphrase
root.uri, targets.uri     instead of either: the URI of a key that is kept elsewhere, such as on a token
card.json                 the name and public keys, for the other custodians
root.json                 the last accepted root; a proposal must be built on it (movepass_keys.ceremony.anchor)
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
"""Tokens and KMS support P-256 everywhere, so that a role can move there without a new algorithm."""
PASSPHRASE_MIN_CHARS = 12
PASSPHRASE_MAX_CHARS = 200
"""Far below the limit of PKCS#8 encryption, whatever the characters."""
_ROOT_MAX_BYTES, _URI_MAX_BYTES = 1 << 20, 4096
_ROLES = ("root", "targets")
_CARD = "card.json"
_NONE: Mapping[str, str] = {}


def create_custodian(
    folder: Path, name: str, password: bytes | None, held: Mapping[str, str] = _NONE, ask: Ask = environment_only
) -> Card:
    """Create a custodian's keys and card in a new folder.

    Args:
        folder: a new folder, or a folder without keys.
        name: the name of the custodian.
        password: protects the key files; None leaves them unprotected.
        held: role (root, targets) -> URI, for existing keys that are kept elsewhere.
        ask: asks for a PIN if the URI's key needs a PIN even to show its public half.

    Raises:
        KeyFileError: the folder already holds keys, or can't be written to.
        SignerError: a key that is kept elsewhere can't be found.
        CeremonyError: the name can't be printed, or both roles have the same key.
    """
    if not name or not name.isprintable():
        raise CeremonyError("a custodian's name must be printable")
    for path in (path for role in _ROLES for path in (folder / f"{role}.pem", _note(folder, role))):
        if path.exists():
            raise KeyFileError(f"{path} exists; a key is never written over: choose another folder")
    signers: dict[str, Signer] = {role: signer_from_uri(uri, folder, ask) for role, uri in held.items()}
    if len({key_id(signer.public_key) for signer in signers.values()}) != len(signers):
        raise CeremonyError(
            "a custodian has two keys, one for the root and one for the pass keys; this is the same key for both"
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise KeyFileError(f"can't make {folder}: {e.strerror}") from e
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
    """Return the path of a custodian's card."""
    return folder / _CARD


def signer(folder: Path, role: str, ask: Ask = environment_only) -> Signer:
    """Open a custodian's key for a role, asking for the passphrase or PIN if the key needs one.

    Raises:
        KeyFileError: there is no such key, it is open to others, or the passphrase is wrong.
        SignerError: a key that is kept elsewhere can't be used.
    """
    try:
        uri = files.read_regular(_note(folder, role), _URI_MAX_BYTES).decode().strip()
    except FileNotFoundError:
        uri = f"file:{role}.pem"
    except (OSError, ValueError) as e:
        raise KeyFileError(f"can't read {_note(folder, role)}: {e}") from e
    return signer_from_uri(uri, folder, ask)


def accepted_root(folder: Path) -> Metadata[Root] | None:
    """Read the root that a custodian accepted last; None before the first.

    Raises:
        KeyFileError: the root can't be read.
    """
    path = root_path(folder)
    try:
        return read_root(files.read_regular(path, _ROOT_MAX_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, CeremonyFileError) as e:
        raise KeyFileError(
            f"can't read {path}, the root that you accepted last ({e}); restore it from a copy, or delete it and "
            "compare the next root's fingerprint with the others"
        ) from e


def remember_root(folder: Path, root: Metadata[Root]) -> None:
    """Save the root that a custodian accepted; an interruption leaves the previous root in place.

    Raises:
        KeyFileError: the root can't be written.
    """
    _write(root_path(folder), document_bytes(root))


def root_path(folder: Path) -> Path:
    """Return the path of the root that a custodian accepted last."""
    return folder / "root.json"


def _note(folder: Path, role: str) -> Path:
    """Return the path of the URI of a key that is kept elsewhere."""
    return folder / f"{role}.uri"


def _write(path: Path, data: bytes) -> None:
    try:
        files.write_whole(path, data)
    except OSError as e:
        raise KeyFileError(f"can't write {path}: {e.strerror or e}") from e
