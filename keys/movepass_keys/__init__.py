"""Decide who may sign: signers, and the public key records that devices trust.

Only code that publishes or syncs imports the TUF roles, which are in movepass_keys.records.roles.
"""

from movepass_keys.errors import KeyDocumentError, KeyFileError, KeysError, SignerError
from movepass_keys.records.key_set import KeySet, PassKey, Withdrawal
from movepass_keys.signers.key_files import FileSigner, create_key_file
from movepass_keys.signers.opening import signer_from_uri
from movepass_keys.signers.signer import Signer

__all__ = [
    "FileSigner",
    "KeyDocumentError",
    "KeyFileError",
    "KeySet",
    "KeysError",
    "PassKey",
    "Signer",
    "SignerError",
    "Withdrawal",
    "create_key_file",
    "signer_from_uri",
]
