"""The site as `movepass service run` serves it: with its worker, and numbers proved where there is an outbox."""

import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from movepass_issuer.authority.creation import create_authority
from movepass_service.decisions.officers import DESK_URL, enrolment_link
from movepass_service.lock import FILE, InUseError
from movepass_service.run import DeskAt, RunError, Site, running
from movepass_service.service import Service


@pytest.mark.parametrize("is_test", [True, False])
def test_numbers_are_proved_where_their_codes_can_be_sent(tmp_path: Path, *, is_test: bool) -> None:
    create_authority(tmp_path / "authority", name="Dhaka", test=is_test)
    with Service.open(tmp_path / "data", tmp_path / "authority") as service, running(service, Site(port=0)) as run:
        for host in (run.url, run.url.replace("localhost", "127.0.0.1")):
            page = get(host + "/en/my-passes")
            assert ("Send me a code" in page) == is_test
            assert ("This is a test service" in page) == is_test
            assert "Passes are issued by Dhaka." in page


@pytest.mark.parametrize("proxy", ["10.0.0.0/8", "proxy.local", ""])
def test_a_proxy_that_could_never_match_is_refused(tmp_path: Path, proxy: str) -> None:
    create_authority(tmp_path / "authority", name="Dhaka", test=True)
    with (
        Service.open(tmp_path / "data", tmp_path / "authority") as service,
        pytest.raises(RunError, match="--trusted-proxy"),
        running(service, Site(port=0, trusted_proxies=(proxy,))),
    ):
        pass


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_a_lock_that_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    create_authority(tmp_path / "authority", name="Dhaka", test=True)
    with Service.open(tmp_path / "data", tmp_path / "authority") as service:
        lock, elsewhere = tmp_path / "data" / FILE, tmp_path / "elsewhere"
        if kind == "link":
            lock.symlink_to(elsewhere)
        else:
            lock.mkdir()
        with pytest.raises(InUseError, match=FILE), running(service, Site(port=0)):
            pass
    assert not elsewhere.exists()


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


def test_the_desk_is_a_site_of_its_own_in_the_same_process(tmp_path: Path) -> None:
    create_authority(tmp_path / "authority", name="Dhaka", test=True)
    with (
        Service.open(tmp_path / "data", tmp_path / "authority") as service,
        running(service, Site(port=0), DeskAt(port=0)) as run,
    ):
        assert run.url != run.desk_url
        assert "Sign in to the desk" in get(run.desk_url + "/en/sign-in")
        assert get(run.desk_url + "/healthz") == '{"ok":true}'
        for url, path in ((run.url, "/en/sign-in"), (run.desk_url, "/en/apply")):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                get(url + path)
        link = enrolment_link(run.desk_url, "x")
        assert service.store.noted(DESK_URL) == link.removesuffix("/enrol#x").encode()


@pytest.mark.parametrize("url", ["http://desk.example", "ftp://x", "https://x/path"])
def test_an_address_of_the_desk_that_passkeys_refuse_is_refused(tmp_path: Path, url: str) -> None:
    create_authority(tmp_path / "authority", name="Dhaka", test=True)
    with (
        Service.open(tmp_path / "data", tmp_path / "authority") as service,
        pytest.raises(RunError, match="address"),
        running(service, Site(port=0), DeskAt(port=0, url=url)),
    ):
        pass


def test_a_port_that_is_taken_is_named_by_its_option(tmp_path: Path) -> None:
    create_authority(tmp_path / "authority", name="Dhaka", test=True)
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        Service.open(tmp_path / "data", tmp_path / "authority") as service,
        pytest.raises(RunError, match="choose another --desk-port"),
        running(service, Site(port=0), DeskAt(port=taken.getsockname()[1])),
    ):
        pass
