"""The template deployed once a session, on a ministack of its own: schedules and queues work on by themselves."""

import os
from collections.abc import Iterator
from pathlib import Path

import package as packaging
import pytest
from support.ministack import Ministack, running
from support.stack import Stack, deploy


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The functions' package, as it is built for this machine."""
    out = tmp_path_factory.mktemp("package") / "movepass.zip"
    packaging.build_here(out)
    return out


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    with running(tmp_path_factory.mktemp("ministack")) as ministack:
        yield ministack


@pytest.fixture(scope="session")
def stack(aws: Ministack, package: Path) -> Stack:
    return deploy(aws, package)


@pytest.fixture(autouse=True)
def environment(aws: Ministack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3 find ministack and the root's access key, and nothing of this machine's."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    settings = {
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": aws.url, "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
