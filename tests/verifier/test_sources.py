"""Check sources: through proxies, with a private CA, and from the first useful one of several."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.certificates import make_ca
from support.proxies import proxying
from support.repositories import publish_by_hand
from support.servers import Answer, RangeServer, serving
from support.world import World, facts

from movepass_verifier import Device, StoreError, SyncError
from movepass_verifier.sync.sources import Source, resolve
from movepass_verifier.sync.sources import web as web_source
from movepass_verifier.sync.sync import Problem
from movepass_wire import new_log

pytestmark = pytest.mark.usefixtures("without_packs")
"""File by file; tests/verifier/test_packs.py has the same with packs."""

HOUR = 3600
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
NOWHERE = "http://127.0.0.1:9"
"""Nobody listens there."""


@pytest.fixture(autouse=True)
def _no_proxy_of_the_machines_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def changed(world: World) -> World:
    """A world whose repository is ahead of the device by one publication."""
    world.revoke_indexes([5])
    world.publish()
    return world


@pytest.fixture
def server(changed: World) -> Iterator[RangeServer]:
    with serving(changed.repository) as server:
        yield server


def is_new(world: World) -> bool:
    return facts(world)[0] == world.now


# Proxies


def test_http_goes_through_the_proxy_that_the_environment_names(
    changed: World, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxying() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        result = changed.sync(server.url)
    assert proxy.asked == [f"GET {server.url}/{path}" for path in server.paths()]
    assert len(proxy.asked) == result.requests
    assert is_new(changed)


def test_https_goes_through_a_tunnel_and_is_verified_behind_it(
    changed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca, tls = make_ca(tmp_path)
    with serving(changed.repository, tls) as server, proxying() as proxy, changed.device() as device:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(SyncError, match="certificate can't be trusted"):
            device.sync(server.url)
        device.sync(server.url, ca=ca)
    assert set(proxy.asked) == {f"CONNECT {server.url.removeprefix('https://')}"}
    assert is_new(changed)


def test_a_proxy_gets_the_password_that_stands_in_its_address(
    changed: World, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxying(password="post 7:a/b@c") as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        with pytest.raises(SyncError, match="HTTP 407; the proxy wants a name and a password"):
            changed.sync(server.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url.replace("//", "//post%207:a%2Fb%40c@"))
        changed.sync(server.url)
    assert is_new(changed)


def test_a_tunnel_gets_the_password_too_and_a_wrong_one_is_told(
    changed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca, tls = make_ca(tmp_path)
    with serving(changed.repository, tls) as server, proxying(password="me:secret") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:wrong@"))
        with changed.device() as device:
            with pytest.raises(SyncError, match=r"no way through the proxy .* 407") as error:
                device.sync(server.url, ca=ca)
            assert "wrong" not in str(error.value)
            monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:secret@"))
            device.sync(server.url, ca=ca)
    assert is_new(changed)


@pytest.mark.parametrize("exempt", ["127.0.0.1", "*", "example.org,127.0.0.1"])
def test_no_proxy_names_hosts_that_are_reached_without(
    changed: World, server: RangeServer, monkeypatch: pytest.MonkeyPatch, exempt: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", NOWHERE)
    monkeypatch.setenv("NO_PROXY", exempt)
    changed.sync(server.url)
    assert is_new(changed)


def test_a_proxy_that_is_not_there_is_told(
    changed: World, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", NOWHERE.removeprefix("http://"))
    with pytest.raises(SyncError, match=r"no way through the proxy that the environment names: .*refused"):
        changed.sync(server.url)
    assert server.exchanges == []


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://[x", "http://me:hush@a b:1"])
def test_a_proxy_of_another_kind_is_told_without_its_password(
    changed: World, server: RangeServer, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(SyncError, match="expected a proxy like http://") as error:
        changed.sync(server.url)
    assert "hush" not in str(error.value)


@pytest.mark.parametrize("drips", ["proxy", "server behind the proxy"])
def test_the_time_for_a_file_holds_through_a_proxy(
    changed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drips: str
) -> None:
    monkeypatch.setattr(web_source, "FILE_SECONDS", 0.5)
    ca, tls = make_ca(tmp_path)

    left, waited_for = threading.Event(), []

    def linger(*_: object) -> None:
        waited_for.append(not left.wait(60))

    with serving(changed.repository, tls) as server, proxying(drip=drips == "proxy") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        server.rule = linger
        with changed.device() as device, pytest.raises(SyncError, match="too slow"):
            device.sync(server.url, ca=ca)
        left.set()
    assert not any(waited_for), "it went on until the server did"


# One's own CA


def test_a_ca_of_ones_own_is_trusted_besides_the_systems(
    changed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    (one, one_tls), (other, other_tls) = make_ca(tmp_path / "one"), make_ca(tmp_path / "other")
    monkeypatch.setenv("SSL_CERT_FILE", str(one))
    with (
        serving(changed.repository, one_tls) as ours,
        serving(changed.repository, other_tls) as theirs,
        changed.device() as device,
    ):
        device.sync(ours.url, ca=other)
        device.sync(theirs.url, ca=other)
        with pytest.raises(SyncError, match="certificate can't be trusted"):
            device.sync(theirs.url)
    assert is_new(changed)


@pytest.mark.parametrize("content", [None, b"", b"no certificate\n", b"-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_file_of_cas_that_can_not_be_read_is_told(world: World, tmp_path: Path, content: bytes | None) -> None:
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_bytes(content)
    with world.device() as device, pytest.raises(SyncError, match=f"{ca}") as error:
        device.sync("https://127.0.0.1:9", ca=ca)
    assert ("can't read" if content is None else "expected certificates in PEM") in str(error.value)


# Several sources


def test_sources_are_tried_in_order_until_one_is_of_use(changed: World, tmp_path: Path) -> None:
    """One that nobody listens at, one that is behind, one that offers rubbish: each is told, and the next is asked."""
    behind = tmp_path / "behind"
    shutil.copytree(changed.repository, behind)
    changed.revoke_indexes([6])
    changed.publish()
    changed.sync()
    changed.revoke_indexes([7])
    changed.publish()
    rubbish = tmp_path / "rubbish"
    shutil.copytree(changed.repository, rubbish)
    (rubbish / "metadata" / "timestamp.json").write_bytes(b"{}")
    with serving(changed.repository) as server, changed.device() as device:
        result = device.sync(NOWHERE, str(behind), str(rubbish), server.url, "/never/asked")
    assert (result.changed, result.source) == (True, server.url)
    assert [(failure.source, failure.problem) for failure in result.failures] == [
        (NOWHERE, Problem.UNREACHABLE), (str(behind), Problem.BEHIND), (str(rubbish), Problem.REFUSED),
    ]  # fmt: skip
    assert "no connection" in result.failures[0].reason
    assert "behind what this device has: an outdated copy" in result.failures[1].reason
    assert "does not offer what an authority publishes" in result.failures[2].reason
    assert result.to_json()["failed"][1]["problem"] == "behind"


def test_the_first_source_that_is_of_use_is_the_only_one_that_is_asked(changed: World, server: RangeServer) -> None:
    with serving(changed.repository) as second, changed.device() as device:
        result = device.sync(server.url, second.url)
    assert (result.source, result.failures, second.exchanges) == (server.url, (), [])


def test_only_if_every_source_fails_does_the_sync_and_it_tells_of_each(changed: World, tmp_path: Path) -> None:
    before = facts(changed)
    with changed.device() as device, pytest.raises(SyncError, match="keeps what it has") as error:
        device.sync(NOWHERE, str(tmp_path / "stick"))
    assert f"{NOWHERE}: no connection" in str(error.value)
    assert f"{tmp_path / 'stick'}: there is no folder" in str(error.value)
    assert facts(changed) == before


def test_a_signed_list_that_can_not_be_read_leaves_the_source_for_the_next(changed: World, tmp_path: Path) -> None:
    good = tmp_path / "good"
    shutil.copytree(changed.repository, good)
    publish_by_hand(changed, {f"status/{changed.today}.log": new_log(changed.today + 1)})
    with changed.device() as device:
        result = device.sync(str(changed.repository), str(good))
    assert result.source == str(good)
    assert [failure.problem for failure in result.failures] == [Problem.REFUSED]
    assert is_new(changed)


def test_a_copy_that_stands_still_does_not_keep_a_device_from_what_others_have(world: World, tmp_path: Path) -> None:
    """Its offer is signed, has not expired, and is not older than what the device holds."""
    world.publish(world.now - 7 * HOUR)
    world.sync()
    still = tmp_path / "still"
    shutil.copytree(world.repository, still)
    world.revoke_indexes([5])
    world.publish()
    with world.device() as device:
        result = device.sync(str(still), str(world.repository))
    assert (result.changed, result.source, result.published) == (True, str(world.repository), world.now)
    assert is_new(world)


def test_an_old_publication_is_taken_where_no_source_has_a_newer_one(world: World) -> None:
    world.publish(world.now - 7 * HOUR)
    with world.device() as device:
        result = device.sync(str(world.repository), NOWHERE)
    assert (result.changed, result.source) == (True, str(world.repository))
    assert [failure.source for failure in result.failures] == [NOWHERE]


def test_a_device_keeps_its_sources_and_tries_them_all(changed: World, server: RangeServer, tmp_path: Path) -> None:
    store = tmp_path / "fresh"
    Device.enroll(store, root=changed.authority.root_path.read_bytes(), sources=[NOWHERE, server.url])
    with Device.open(store) as device:
        assert device.sync().source == server.url
        assert device.sync().source == server.url
        assert device.state().sources == (NOWHERE, server.url)


@pytest.mark.parametrize("first", [True, False])
def test_a_name_that_is_no_source_is_told_and_another_one_used(
    changed: World, server: RangeServer, *, first: bool
) -> None:
    wrong = "ftp://me:secret@example.org"
    with changed.device() as device:
        result = device.sync(*((wrong, server.url) if first else (server.url, wrong)))
    assert result.source == server.url
    assert [(failure.source, failure.reason.split(",")[0]) for failure in result.failures] == [
        ("'ftp://example.org'", "expected a source like https://…")
    ]
    assert "secret" not in json.dumps(result.to_json())


def test_of_names_that_are_all_no_sources_one_is_refused_and_none_asked(changed: World, server: RangeServer) -> None:
    with changed.device() as device, pytest.raises(SyncError, match="expected a source like"):
        device.sync("ftp://example.org", "gopher://x")
    with (
        changed.device() as device,
        pytest.raises(SyncError, match=r"'gopher://x': expected .* there is no folder .*nowhere"),
    ):
        device.sync("gopher://x", "nowhere")
    assert server.exchanges == []


@pytest.mark.parametrize("name", ["s3://", "s3:///prefix", "s3:bucket", "S4://x"])
def test_a_bucket_without_a_name_is_no_source_nor_one_whose_slashes_were_forgotten(name: str) -> None:
    with pytest.raises(SyncError, match="expected a source like"):
        resolve(name)


def test_a_folder_may_be_called_as_a_bucket_is() -> None:
    assert resolve("./s3:bucket") == str(Path("s3:bucket").absolute())


# A stick


class PulledOut:
    """A folder's medium whose stick goes after some files."""

    def __init__(self, stick: Path, files: int) -> None:
        self.stick, self.files, self.asked = stick, files, 0

    def __call__(self, source: Source, url: str, start: int, original: object) -> object:
        self.asked += 1
        if self.asked > self.files:
            shutil.rmtree(self.stick, ignore_errors=True)
            self.stick.mkdir()
        return original(source, url, start)  # type: ignore[operator]


@pytest.mark.parametrize("files", range(1, 6))
def test_a_stick_pulled_out_in_the_middle_says_so_and_changes_nothing(
    changed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    """As it is seen: files that were there a moment ago are not, and an empty folder is left."""
    stick = tmp_path / "stick"
    shutil.copytree(changed.repository, stick)
    pulled, original = PulledOut(stick, files - 1), Source._open
    monkeypatch.setattr(Source, "_open", lambda source, url, start: pulled(source, url, start, original))
    before = facts(changed)
    with pytest.raises(SyncError, match="is the stick plugged in"):
        changed.sync(str(stick))
    monkeypatch.undo()
    assert facts(changed) == before
    changed.sync()
    assert is_new(changed)


# Where there is no room


def test_a_store_that_can_not_be_written_to_says_so_before_anything_is_fetched(
    changed: World, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "mkdir", _no_space)
    with pytest.raises(StoreError, match=r"can't be written to .No space left.*can't be synced"):
        changed.sync(server.url)
    assert server.exchanges == []


def _no_space(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_no_connection_stays_open_after_a_sync(changed: World, server: RangeServer) -> None:
    def sockets() -> int:
        return sum("socket:" in str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())

    def sync() -> None:
        server.rule = None
        changed.sync(server.url)
        server.rule = lambda path, _: Answer(404, b"") if "root" in path else Answer(500, b"no")
        with pytest.raises(SyncError):
            changed.sync(server.url)

    sync()
    before = sockets()
    for _ in range(3):
        sync()
    _until(lambda: sockets() <= before)


def _until(is_so: object, seconds: float = 2) -> None:
    """The server's side of a connection takes a moment to notice."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.01)
    assert is_so()  # type: ignore[operator]


def test_nobody_listens_where_these_tests_take_for_granted_that_nobody_does() -> None:
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", 9), 1)
