"""Open the signer of a URI, loading a cloud's or a token's library only if it is used."""

from pathlib import Path

from movepass_keys.errors import SignerError
from movepass_keys.signers.key_files import FileSigner, is_encrypted
from movepass_keys.signers.signer import PASSPHRASE, Ask, Signer, environment_only


def signer_from_uri(uri: str, base: Path | None = None, ask: Ask = environment_only) -> Signer:
    """Open the signer that a URI names.

    Args:
        uri: file:KEY.pem, awskms:KEY-ARN or awskms-wrapped:FILE.json (see movepass_keys.signers.kms), or
            hsm:NUMBER?label=TOKEN (see movepass_keys.signers.pkcs11).
        base: the folder for relative paths; the current folder without it.
        ask: asks for a passphrase or a PIN if the key needs one.

    Raises:
        KeysError: there is no such kind of signer, or it can't be opened.
    """
    scheme, _, rest = uri.partition(":")
    if scheme not in _SCHEMES:
        forms = ", ".join(f"{name}:{form}" for name, (form, _) in _SCHEMES.items())
        raise SignerError(f"expected a signer like one of {forms}; got {uri!r}")
    return _SCHEMES[scheme][1](rest, base or Path(), ask)


def _file_signer(rest: str, base: Path, ask: Ask) -> Signer:
    path = base / rest
    return FileSigner(path, ask(PASSPHRASE).encode() if is_encrypted(path) else None)


def _kms_signer(rest: str, _base: Path, _ask: Ask) -> Signer:
    from movepass_keys.signers.kms import KmsSigner  # noqa: PLC0415 - loaded only if it is used

    return KmsSigner(rest)


def _kms_wrapped_signer(rest: str, base: Path, _ask: Ask) -> Signer:
    from movepass_keys.signers.kms import WrappedSigner  # noqa: PLC0415 - loaded only if it is used

    return WrappedSigner(base / rest)


def _hsm_signer(rest: str, _base: Path, ask: Ask) -> Signer:
    from movepass_keys.signers.pkcs11 import HsmSigner  # noqa: PLC0415 - loaded only if it is used

    return HsmSigner(rest, ask)


_SCHEMES = {
    "file": ("KEY.pem", _file_signer),
    "awskms": ("KEY-ARN", _kms_signer),
    "awskms-wrapped": ("FILE.json", _kms_wrapped_signer),
    "hsm": ("NUMBER?label=TOKEN", _hsm_signer),
}
"""The form of the rest of the URI for each kind of signer, and the function that opens it."""
