"""The functions of two regions beside each other, reached or cut off, and what devices of each then say."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.cloud import Cloud
from support.ministack import REGION
from support.passes import request

from movepass_issuer.aws.revoke import RevokeFunction
from movepass_issuer.aws.settings import Settings
from movepass_issuer.regions import Peer
from movepass_verifier import Device, Verdict

NOW = int(time.time())


def cut_off(settings: Settings) -> Settings:
    """Give settings by which the other region can't be reached."""
    (peer,) = settings.peers
    nowhere = f"{peer.number},arn:aws:dynamodb:{REGION}:000000000000:table/nowhere,arn:aws:s3:::nowhere-at-all"
    return replace(settings, peers=(Peer.parse(nowhere),))


class Officers:
    """A device for each region, which syncs from that region's bucket alone."""

    def __init__(self, pair: tuple[Cloud, Cloud], folder: Path) -> None:
        self._pair = pair
        self._folder = folder
        for number, cloud in enumerate(pair):
            cloud.enroll(folder / f"device-{number}")

    def verdicts(self, *made: dict[str, Any]) -> list[list[Verdict]]:
        """Sync, and give what each device says of each pass."""
        said = []
        for number, cloud in enumerate(self._pair):
            with Device.open(self._folder / f"device-{number}") as device:
                device.sync(str(cloud.mirror(self._folder / f"mirror-{number}")))
                said.append([device.verify(one["text"]).verdict for one in made])
        return said


@pytest.fixture
def officers(pair: tuple[Cloud, Cloud], tmp_path: Path) -> Officers:
    return Officers(pair, tmp_path)


def publish(*clouds: Cloud) -> list[dict[str, Any]]:
    return [cloud.publish()({}, cloud.context) for cloud in clouds]


def test_a_request_revoked_while_cut_off_is_void_in_the_other_region(
    pair: tuple[Cloud, Cloud], officers: Officers
) -> None:
    one, two = pair
    publish(one, two)
    made = [cloud.issue()(request("R", NOW), cloud.context) for cloud in pair]
    one.issue()(request("S", NOW), one.context)
    cut = RevokeFunction.open(cut_off(one.settings))
    assert all("revoked_at" in cut({"request_id": request_id}, one.context) for request_id in "RS")
    publish(one, two, one, two)
    assert officers.verdicts(*made) == [[Verdict.REVOKED] * 2] * 2
    told = two.issue()(request("S", NOW), two.context)
    assert (told["request_id"], "text" in told) == ("S", False)
    assert "revoked at" in told["error"]
