"""Who may sign: signers, and the public key records that devices trust.

The TUF roles stand in movepass_keys.roles, which is imported only by those who publish or sync.
"""

from movepass_keys.errors import KeyDocumentError, KeyFileError, KeysError, SignerError
from movepass_keys.records import KeySet, PassKey, Withdrawal
from movepass_keys.signers import FileSigner, Signer, create_key_file, signer_from_uri

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
