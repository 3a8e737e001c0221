"""Check that a source's faulty set-up is reported, shows no password, and does not stop the next source."""

import json
from pathlib import Path

import pytest
from support.world import World

from movepass_verifier import SyncError
from movepass_verifier.errors import SourceError
from movepass_verifier.sync.sources import resolve
from movepass_verifier.sync.sources.web import _is_exempt

CACHE = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
SETTINGS = {
    "a program that is not there": "[default]\ncredential_process = /nowhere/at-all\n",
    "a program that says nothing": "[default]\ncredential_process = /bin/true\n",
    "a token that is not there": (
        "[default]\nweb_identity_token_file = /nowhere/token\nrole_arn = arn:aws:iam::123456789012:role/post\n"
    ),
    "a cache that is no cache": (
        "[default]\nsso_session = post\nsso_account_id = 123456789012\nsso_role_name = post\n"
        "[sso-session post]\nsso_region = ap-southeast-1\nsso_start_url = https://sso.example/start\n"
    ),
    "no configuration": "[default\nregion",
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_credentials_that_can_not_be_had_leave_the_source_for_the_next(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    pytest.importorskip("botocore")
    home = tmp_path / "home"
    (home / ".aws" / "sso" / "cache").mkdir(parents=True)
    for file in (home / ".aws" / "sso" / "cache" / f"{name}.json" for name in (CACHE, "post")):
        file.write_text(json.dumps({"accessToken": 1}), "utf-8")
    (home / ".aws" / "config").write_text(SETTINGS[kind], "utf-8")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    world.publish()
    with world.device() as device:
        with pytest.raises(SyncError, match="s3:"):
            device.sync("s3://bucket/mirror")
        result = device.sync("s3://bucket/mirror", str(world.repository))
    assert [failure.source for failure in result.failures] == ["s3://bucket/mirror"]


@pytest.mark.parametrize(
    "name",
    ["https://me:pa55word@passes.example/r", "http://pa55word@host", "s3://me:pa55word@bucket", "ftp://me:pa55word@h/"],
)
def test_an_address_with_a_password_is_no_source_and_is_not_shown(name: str) -> None:
    with pytest.raises(SourceError, match="expected a source") as error:
        resolve(name)
    assert "pa55word" not in str(error.value)


@pytest.mark.parametrize(
    ("address", "listed", "exempt"),
    [
        ("http://10.1.2.3/r", "10.0.0.0/8", True),
        ("http://11.1.2.3/r", "10.0.0.0/8", False),
        ("http://[::1]:8080/", "::1", True),
        ("http://[::1]:8080/", "[::1]", True),
        ("http://[::1]:8080/", "[::1]:8080", True),
        ("http://[::1]:8080/", "[::1]:80", False),
        ("http://[fd00::7]/", "fd00::/8", True),
        ("http://a.example/", ".example", True),
        ("http://a.example/", " other , EXAMPLE ", True),
        ("http://a.example/", "other example", True),
        ("http://a.example./", "example", True),
        ("http://a.example/", "*.example", True),
        ("http://notexample/", "example", False),
        ("https://a.example/", "a.example:443", True),
        ("http://a.example/", "a.example:443", False),
        ("http://a.example:8080/", "*", True),
        ("http://a.example/", "", False),
        ("http://a.example/", ",, ,", False),
        ("http://localhost/", "127.0.0.0/8", False),
    ],
)
def test_no_proxy_is_read_as_curl_and_requests_read_it(address: str, listed: str, *, exempt: bool) -> None:
    assert _is_exempt(address, listed) is exempt
