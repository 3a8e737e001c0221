"""Provide an authority with three custodians of whom two must sign, and devices that were offline in between."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from movepass_issuer import ApprovedPass, SignedPass
from movepass_issuer.authority.ceremony_desk import publish_proposals
from movepass_issuer.authority.creation import create_authority
from movepass_issuer.authority.folder import Authority
from movepass_keys.ceremony import custodian
from movepass_keys.ceremony.proposal import Proposal, add_signature, sign_proposal
from movepass_verifier import Device
from movepass_wire.times import iso

HOUR = 3600


def request(request_id: str, **changes: Any) -> ApprovedPass:
    """Return an approved pass in force for three hours, since an hour ago."""
    now = int(time.time())
    return ApprovedPass.from_json(
        {
            "request_id": request_id,
            "holder": {"name": "Rahima Khatun", "id_type": "nid", "id_last": "4821"},
            "from": {"district": "dhaka"},
            "to": {"district": "gazipur"},
            "reason": "medical",
            "not_before": iso(now - HOUR),
            "not_after": iso(now + 2 * HOUR),
        }
        | changes
    )


def signed_by(folder: Path, proposal: Proposal, names: Iterable[str]) -> Proposal:
    """Let custodians sign, each from their own folder."""
    for name in names:
        signature = sign_proposal(proposal, custodian.signer(folder / name, proposal.role))
        proposal, _ = add_signature(Proposal.from_bytes(proposal.to_bytes()), signature)
    return proposal


@dataclass
class Drill:
    """The authority and its devices on the worst day."""

    folder: Path

    @property
    def authority(self) -> Authority:
        """The authority, as its folder says now."""
        return Authority.open(self.folder / "authority")

    @property
    def custodians(self) -> Path:
        """Where the custodians' folders are."""
        return self.folder / "authority" / "custodians"

    def agree(self, *proposals: Proposal, names: Iterable[str] = ("1", "3")) -> None:
        """Let some custodians sign proposals, and publish them together."""
        signed = [signed_by(self.custodians, proposal, names) for proposal in proposals]
        publish_proposals(self.authority, signed, int(time.time()))

    def issue(self, *request_ids: str) -> list[SignedPass]:
        """Issue passes that must succeed."""
        with self.authority.issuer() as issuer:
            return [issuer.issue(request(request_id)) for request_id in request_ids]

    def publish(self) -> None:
        """Publish as the scheduler would."""
        with self.authority.publisher() as publisher:
            publisher.publish(int(time.time()))

    def device(self, name: str) -> Device:
        """Open a device, which is enrolled with the first root and synced at its first use."""
        folder = self.folder / name
        if not folder.exists():
            source = str(self.authority.repository_path)
            Device.enroll(folder, root=self.authority.root_path.read_bytes(), sources=[source])
            with Device.open(folder) as device:
                device.sync()
        return Device.open(folder)

    def verdict(self, name: str, text: str) -> str:
        """Return a device's verdict on a text."""
        with self.device(name) as device:
            return device.verify(text).verdict.value

    def sync(self, name: str) -> int:
        """Sync a device, and return the bytes received."""
        with self.device(name) as device:
            return device.sync().received


@pytest.fixture
def drill(tmp_path: Path) -> Drill:
    """A fresh authority."""
    create_authority(tmp_path / "authority", name="Drill", test=True)
    return Drill(tmp_path)
