"""Verify passes on a field device: QR text to verdict, offline; the device's store, and its sync."""

from movepass_verifier.deciding.lists import Policy, StatusLists
from movepass_verifier.deciding.verdicts import Check, Freshness, Outcome, Verdict, Verification
from movepass_verifier.deciding.verify import verify
from movepass_verifier.device import Device
from movepass_verifier.errors import (
    BundleError,
    DamagedError,
    ImageError,
    PolicyError,
    StoreError,
    SyncError,
    VerifierError,
)

__all__ = [
    "BundleError",
    "Check",
    "DamagedError",
    "Device",
    "Freshness",
    "ImageError",
    "Outcome",
    "Policy",
    "PolicyError",
    "StatusLists",
    "StoreError",
    "SyncError",
    "Verdict",
    "Verification",
    "VerifierError",
    "verify",
]
