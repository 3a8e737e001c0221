"""AWS's API for the functions: the template deployed once a session, and an authority for functions in this process."""

import os
from collections.abc import Iterator
from pathlib import Path

import package as packaging
import pytest
from support.cloud import Cloud
from support.ministack import REGION, Ministack, running, share_clients
from support.stack import ACCOUNT, PEER, Stack, deploy

from movepass_issuer.storage.dynamodb_ledger import DynamoDbLedger


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The functions' package, as it is built for this machine."""
    out = tmp_path_factory.mktemp("package") / "movepass.zip"
    packaging.build_here(out)
    return out


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Iterator[Stack]:
    """A stack on a ministack of its own: its schedule and queue work on by themselves. The other region is empty."""
    with running(tmp_path_factory.mktemp("ministack")) as ministack:
        DynamoDbLedger.create(PEER, client=ministack.client("dynamodb"))
        ministack.client("s3").create_bucket(Bucket=PEER, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield deploy(
            ministack, package, RegionNumber="0", RegionCount="2",
            PeerTableArn=f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{PEER}", PeerBucketArn=f"arn:aws:s3:::{PEER}",
        )  # fmt: skip


@pytest.fixture
def environment(ministack: Ministack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3 find ministack and the root's access key, and nothing of this machine's."""
    _point_to(ministack, monkeypatch)


@pytest.fixture(scope="session")
def _made_once(ministack: Ministack, tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    with pytest.MonkeyPatch.context() as patch:
        _point_to(ministack, patch)
        return Cloud.create(ministack, tmp_path_factory.mktemp("shared"))


@pytest.fixture
def shared(environment: None, _made_once: Cloud) -> Cloud:  # noqa: ARG001
    """An authority on AWS for tests that refuse something: they leave keys and lists alone, and empty the queues."""
    return _made_once


def _point_to(ministack: Ministack, patch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            patch.delenv(name)
    settings = {
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": ministack.url, "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
    }  # fmt: skip
    for name, value in settings.items():
        patch.setenv(name, value)
    share_clients(patch)


@pytest.fixture
def pair(ministack: Ministack, environment: None, tmp_path: Path) -> tuple[Cloud, Cloud]:  # noqa: ARG001
    """An authority with two regions."""
    return Cloud.pair(ministack, tmp_path)


@pytest.fixture
def cloud(ministack: Ministack, environment: None, tmp_path: Path) -> Cloud:  # noqa: ARG001
    """An authority on AWS of the test's own."""
    return Cloud.create(ministack, tmp_path)
