"""The issuing side: an approved pass becomes a signed one and its QR code; a revocation becomes a published list."""

from movepass_issuer.errors import (
    AuthorityError,
    IssuerError,
    LedgerError,
    RepositoryError,
    RequestConflictError,
    RequestError,
    UnknownPassError,
)
from movepass_issuer.issuing.approved import ApprovedPass
from movepass_issuer.issuing.faults import read_trip
from movepass_issuer.issuing.issuer import Issuer, SignedPass
from movepass_issuer.issuing.ledger import Entry, Ledger
from movepass_issuer.storage.sqlite_ledger import SqliteLedger

__all__ = [
    "ApprovedPass",
    "AuthorityError",
    "Entry",
    "Issuer",
    "IssuerError",
    "Ledger",
    "LedgerError",
    "RepositoryError",
    "RequestConflictError",
    "RequestError",
    "SignedPass",
    "SqliteLedger",
    "UnknownPassError",
    "read_trip",
]
