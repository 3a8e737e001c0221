"""A pass that custodians have issued again takes the place of the void one, and is in the log."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.applications import rules
from support.cloud import Cloud
from support.keys import replace_pass_key
from support.service_cloud import ServiceCloud
from support.sites import whole_application

from movepass_issuer.errors import RepositoryError
from movepass_verifier import Device, Verdict
from movepass_wire.times import iso

HOUR = 3600
RULES = rules("approves", ("", "approve"))


@pytest.fixture(autouse=True)
def a_minute_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a warm revoke function know a new key at once, not within a minute."""
    monkeypatch.setattr("movepass_issuer.aws.opening.KEYS_SECONDS", 0)


@dataclass
class Applicant:
    """One application, with its pass."""

    service: ServiceCloud
    receipt: dict[str, Any]

    @classmethod
    def with_pass(cls, service: ServiceCloud, number: int) -> "Applicant":
        begin = int(time.time()) // 60 * 60
        document = whole_application(
            holder={"name": "Rahima Khatun", "id_type": "nid", "id_number": f"{time.time_ns() % 10**9 + number:010}"},
            not_before=iso(begin), not_after=iso(begin + 2 * HOUR), reason="groceries",
        )  # fmt: skip
        status, receipt = service.ask("POST", "/api/applications", document)
        assert status == 202, receipt
        service.settle()
        return cls(service, receipt)

    def told(self) -> dict[str, Any]:
        path = f"/api/applications/{self.receipt['reference']}"
        return self.service.ask("GET", path, secret=self.receipt["secret"])[1]

    @property
    def text(self) -> str:
        return str(self.told()["pass"]["text"])

    def withdraw(self) -> None:
        path = f"/api/applications/{self.receipt['reference']}/withdraw"
        assert self.service.ask("POST", path, secret=self.receipt["secret"])[0] == 200
        self.service.settle()


def leak(cloud: Cloud) -> Cloud:
    """Let custodians replace the pass key, and issue its passes again."""
    key = f"awskms:{cloud.ministack.key()}"
    replace_pass_key(cloud.authority.folder, int(time.time()), uri=key)
    return replace(cloud, settings=replace(cloud.settings, signer=key))


def verdicts(cloud: Cloud, folder: Path, *texts: str) -> list[Verdict]:
    assert "published" in cloud.publish()({}, cloud.context)
    cloud.enroll(folder / "device")
    with Device.open(folder / "device") as device:
        device.sync(str(cloud.mirror(folder / "mirror")))
        return [device.verify(text).verdict for text in texts]


def test_a_sweep_shows_what_was_issued_again_once(cloud: Cloud, tmp_path: Path) -> None:
    service = ServiceCloud(cloud, RULES)
    one, withdrawn = (Applicant.with_pass(service, number) for number in range(2))
    void, other = one.text, withdrawn.text
    withdrawn.withdraw()
    new = leak(cloud)
    assert one.text == void
    service.tidy({"sweep": True}, late=0)
    again = one.text
    assert again != void
    assert verdicts(new, tmp_path, void, again, other) == [Verdict.KEY_REVOKED, Verdict.VALID, Verdict.KEY_REVOKED]
    size = len(service.places_in_log())
    service.tidy({"sweep": True}, late=0)
    assert one.text == again
    assert len(service.places_in_log()) == size, "each is noticed once"
    one.withdraw()
    assert verdicts(new, tmp_path / "later", again) == [Verdict.REVOKED]


def test_a_withdrawal_before_the_sweep_revokes_what_was_issued_again_too(cloud: Cloud, tmp_path: Path) -> None:
    service = ServiceCloud(cloud, RULES)
    one = Applicant.with_pass(service, 0)
    new = leak(cloud)
    one.withdraw()
    service.tidy({"sweep": True}, late=0)
    assert one.told()["state"] == "withdrawn"
    texts = [str(entry.text) for group in new.ledger().issued() for entry in group if entry.text]
    assert len(texts) == 2
    assert Verdict.VALID not in verdicts(new, tmp_path, *texts)
    assert len(service.places_in_log()) == len(set(service.places_in_log())) == 4, "approved, issued twice, withdrawn"


def test_where_the_keys_can_not_be_read_the_rest_of_the_sweep_goes_on(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = ServiceCloud(cloud, RULES)
    one = Applicant.with_pass(service, 0)
    void = one.text
    leak(cloud)
    with monkeypatch.context() as patch:
        patch.setattr("movepass_issuer.storage.s3_repository.S3Repository.read", _out_of_reach)
        patch.setattr("movepass_service.aws.tidy.put_head", lambda *_: None)
        service.tidy({"sweep": True}, late=0)
    assert one.text == void
    assert service.core().statistics_public() == {"issued": 1}
    service.tidy({"sweep": True}, late=0)
    assert one.text != void


def _out_of_reach(*_: object) -> bytes:
    raise RepositoryError("out of reach")
