"""Check common servers: nginx, which sends the rest of a list, and Python's own, which knows no Range."""

import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.nginx import Nginx, nginx_serving
from support.repositories import logs_of
from support.world import World

from movepass_verifier import Device, SyncError
from movepass_verifier.sync.sync import SyncResult

pytestmark = pytest.mark.usefixtures("without_packs")
"""File by file; tests/verifier/test_packs.py has the same with packs."""


@pytest.fixture
def nginx(world: World, tmp_path: Path) -> Iterator[Nginx]:
    with nginx_serving(world.repository, tmp_path / "nginx") as nginx:
        yield nginx


@contextmanager
def python_serving(folder: Path) -> Iterator[str]:
    """Run `python -m http.server`, and return the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(1000):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def grow(world: World, url: str) -> tuple[int, SyncResult]:
    """Sync a long list, let it grow by ten, sync again; return its growth and the last sync's result."""
    world.revoke_indexes(random.Random(6).sample(range(1 << 20), 20_000))
    world.publish()
    world.sync(url)
    held = len(logs_of(world.repository)[world.today])
    world.revoke_indexes(range((1 << 20) + 1, (1 << 20) + 1000, 100))
    world.publish()
    result = world.sync(url)
    return len(logs_of(world.repository)[world.today]) - held, result


def assert_holds_it_all(world: World) -> None:
    with world.device() as device:
        assert dict(device._store.held().logs) == logs_of(world.repository)


def test_nginx_sends_the_rest_of_a_list_as_206(world: World, nginx: Nginx) -> None:
    more, result = grow(world, nginx.url)
    answers = [answer for answer in nginx.answers(result.requests) if answer[0].endswith(".log")]
    assert answers[-1][1:] == (206, more)
    assert result.received < 4_000
    assert result.added[world.today] == 10
    assert_holds_it_all(world)


def test_an_unchanged_sync_from_nginx_is_two_requests_and_less_than_a_kilobyte_of_bodies(
    world: World, nginx: Nginx
) -> None:
    world.sync(nginx.url)
    before = len(nginx.answers(2))
    result = world.sync(nginx.url)
    answers = nginx.answers(before + 2)[before:]
    assert [(path, status) for path, status, _ in answers] == [
        ("metadata/2.root.json", 404), ("metadata/timestamp.json", 200),
    ]  # fmt: skip
    assert sum(size for _, _, size in answers) <= 1_000
    assert not result.changed


def test_nginx_bootstraps_a_device_and_a_lost_file_is_told(world: World, nginx: Nginx, tmp_path: Path) -> None:
    text = world.issue().text
    world.enroll(tmp_path / "fresh", nginx.url)
    with Device.open(tmp_path / "fresh") as device:
        device.sync()
        assert device.verify(text).verdict.value == "valid"
        (world.repository / "metadata" / "timestamp.json").unlink()
        with pytest.raises(SyncError, match=r"metadata/timestamp\.json: HTTP 404"):
            device.sync()


def test_pythons_own_server_sends_the_whole_list_and_the_device_holds_the_same(world: World) -> None:
    with python_serving(world.repository) as url:
        _, result = grow(world, url)
    assert result.received > len(logs_of(world.repository)[world.today])
    assert result.added[world.today] == 10
    assert_holds_it_all(world)
