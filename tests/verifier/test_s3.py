"""Check a bucket as a source, against ministack: real signatures and permissions, over the wire."""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import processes
from support.ministack import REGION, Ministack, running
from support.servers import Answer, RangeServer, serving
from support.world import World, facts

from movepass_verifier import Device, SyncError
from movepass_verifier.sync import packs
from movepass_verifier.sync.sync import Problem, SyncResult

pytestmark = pytest.mark.usefixtures("without_packs")
"""File by file; the last test has a pack."""
_REQUEST_PACK = packs.request_pack

BUCKET = "movement-passes"
SOURCE = f"s3://{BUCKET}/mirror"
OBJECTS = f"arn:aws:s3:::{BUCKET}/mirror/*"


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    with running(tmp_path_factory.mktemp("ministack")) as ministack:
        ministack.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield ministack


@pytest.fixture(scope="module")
def reader(ministack: Ministack) -> tuple[str, str]:
    """The access key of one who may read the objects and nothing else, as docs say."""
    return ministack.user("reader", "s3:GetObject", resource=OBJECTS)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's: neither its files nor its variables, nor a role of the machine's own."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def changed(world: World) -> World:
    """A world whose repository is ahead of the device by one publication."""
    world.revoke_indexes([5])
    world.publish()
    return world


def be(patch: pytest.MonkeyPatch, url: str, key: tuple[str, str], region: str | None = REGION) -> None:
    """Take somebody's access key."""
    patch.setenv("AWS_ENDPOINT_URL", url)
    patch.setenv("AWS_ACCESS_KEY_ID", key[0])
    patch.setenv("AWS_SECRET_ACCESS_KEY", key[1])
    if region:
        patch.setenv("AWS_DEFAULT_REGION", region)


def upload(ministack: Ministack, repository: Path) -> None:
    """Put a repository into the bucket, in place of what is there."""
    s3 = ministack.client("s3")
    for listed in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=listed["Key"])
    for path in repository.rglob("*"):
        if path.is_file():
            s3.put_object(Bucket=BUCKET, Key=f"mirror/{path.relative_to(repository)}", Body=path.read_bytes())


def sync(world: World, *sources: str) -> SyncResult:
    with world.device() as device:
        return device.sync(*(sources or [SOURCE]))


def refuse(world: World, words: str, source: str = SOURCE) -> str:
    """Expect a sync to fail with these words and to change nothing; return the message."""
    before = facts(world)
    with pytest.raises(SyncError, match=words) as error:
        sync(world, source)
    assert facts(world) == before
    return str(error.value)


@pytest.mark.parametrize("source", [SOURCE, SOURCE + "/"])
def test_a_device_syncs_from_a_bucket_with_no_more_than_the_right_to_get_objects(
    changed: World, ministack: Ministack, reader: tuple[str, str], monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    upload(ministack, changed.repository)
    be(monkeypatch, ministack.url, reader)
    result = sync(changed, source)
    assert (result.changed, result.source, result.published) == (True, source, changed.now)
    assert not sync(changed).changed
    assert sync(changed).requests == 2


def test_of_a_list_that_has_grown_only_the_rest_is_got(
    world: World, ministack: Ministack, reader: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    be(monkeypatch, ministack.url, reader)
    world.revoke_indexes(random.Random(4).sample(range(1 << 20), 20_000))
    world.publish()
    upload(ministack, world.repository)
    first = sync(world)
    assert first.received > 15_000
    world.revoke_indexes([(1 << 20) + 9])
    world.publish()
    upload(ministack, world.repository)
    second = sync(world)
    assert (second.changed, second.added[world.today]) == (True, 1)
    assert second.received < 3_000


def test_a_whole_bucket_is_a_source_too(
    world: World, ministack: Ministack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ministack.client("s3").create_bucket(Bucket="whole", CreateBucketConfiguration={"LocationConstraint": REGION})
    for path in world.repository.rglob("*"):
        if path.is_file():
            key = str(path.relative_to(world.repository))
            ministack.client("s3").put_object(Bucket="whole", Key=key, Body=path.read_bytes())
    be(monkeypatch, ministack.url, ministack.user("whole-reader", "s3:GetObject", resource="arn:aws:s3:::whole/*"))
    Device.enroll(tmp_path / "d", root=world.authority.root_path.read_bytes(), sources=["s3://whole"])
    with Device.open(tmp_path / "d") as device:
        assert device.sync().changed
        assert device.state().sources == ("s3://whole",)


def test_who_may_not_read_is_told_the_right_that_is_missing(
    changed: World, ministack: Ministack, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(ministack, changed.repository)
    be(monkeypatch, ministack.url, ministack.user("nobody"))
    message = refuse(changed, r"metadata/timestamp.json is not there, or not for this device to read .AccessDenied.")
    assert f"need s3:GetObject on {OBJECTS}" in message


@pytest.mark.parametrize("kind", ["unknown", "wrong secret"])
def test_credentials_that_s3_does_not_take_are_told(
    changed: World, ministack: Ministack, reader: tuple[str, str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    key = (reader[0], "not the secret") if kind == "wrong secret" else ("AKIAIOSFODNN7EXAMPLE", "x")
    be(monkeypatch, ministack.url, key)
    message = refuse(changed, "S3 does not take this device's credentials")
    assert "not the secret" not in message


def test_without_credentials_it_says_how_to_give_them(
    changed: World, ministack: Ministack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    assert "https:// address" in refuse(changed, "give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")


def test_half_of_the_credentials_or_a_profile_that_is_not_there_are_told(
    changed: World, ministack: Ministack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    refuse(changed, "s3: Partial credentials")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_PROFILE", "checkpoint")
    refuse(changed, "s3: The config profile .checkpoint. could not be found")


def test_a_bucket_that_is_not_there_is_named(
    changed: World, ministack: Ministack, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(monkeypatch, ministack.url, ("test", "test"))
    refuse(changed, "there is no bucket no-such-bucket", "s3://no-such-bucket/mirror")


def test_a_bucket_that_holds_no_repository_says_what_is_not_there(
    changed: World, ministack: Ministack, reader: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    be(monkeypatch, ministack.url, reader)
    refuse(changed, f"there is no metadata/timestamp.json in {BUCKET}", f"{SOURCE}/deeper")


@pytest.mark.parametrize("region", ["us-west-2", None])
def test_a_bucket_in_another_region_is_told_with_the_region(
    changed: World, ministack: Ministack, reader: tuple[str, str], monkeypatch: pytest.MonkeyPatch, region: str | None
) -> None:
    upload(ministack, changed.repository)
    be(monkeypatch, ministack.url, reader, region)
    refuse(changed, f"the bucket {BUCKET} is in {REGION}; name it with AWS_DEFAULT_REGION")


@pytest.mark.parametrize("name", ["s3://No_Bucket!", "s3://a:b@c"])
def test_a_name_that_no_bucket_can_have_is_told(
    changed: World, ministack: Ministack, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    be(monkeypatch, ministack.url, ("test", "test"))
    refuse(changed, "s3: Parameter validation failed|expected a source without a name and a password", name)


@pytest.mark.parametrize("endpoint", ["not an address", "http://127.0.0.1:9"])
def test_an_endpoint_that_is_none_is_told(changed: World, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    be(monkeypatch, endpoint, ("test", "test"))
    refuse(changed, "s3: .*Invalid endpoint|no connection")


def test_the_next_source_is_tried_where_a_bucket_is_of_no_use(
    changed: World, ministack: Ministack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack.url)
    result = sync(changed, SOURCE, str(changed.repository))
    assert result.source == str(changed.repository)
    assert [(failure.source, failure.problem) for failure in result.failures] == [(SOURCE, Problem.REFUSED)]


# What ministack does not do as S3 does: a server in its place that does


@pytest.fixture
def s3_server(changed: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RangeServer]:
    """The bucket's files, by the path that a signed address has."""
    shutil.copytree(changed.repository, tmp_path / "s3" / BUCKET / "mirror")
    with serving(tmp_path / "s3") as server:
        be(monkeypatch, server.url, ("AKIAIOSFODNN7EXAMPLE", "secret"))
        yield server


def s3_error(code: str, status: int, more: str = "") -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>x</Message>{more}</Error>'
    return Answer(status, body.encode())


def test_where_the_bucket_may_not_be_listed_a_missing_file_answers_403_and_no_harm_is_done(
    changed: World, s3_server: RangeServer
) -> None:
    """The next root is missing in every sync; the snapshot is, for a moment, while a publication comes."""
    missing = [".snapshot.json"]

    def as_s3(path: str, wanted: str | None) -> Answer | None:
        if missing and path.endswith(missing[0]):
            missing.clear()
            return s3_error("AccessDenied", 403)
        return s3_error("AccessDenied", 403) if s3_server.honest(path, wanted).status == 404 else None

    s3_server.rule = as_s3
    assert sync(changed).changed
    assert [e.status for e in s3_server.exchanges].count(403) == 3


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (s3_error("RequestTimeTooSkewed", 403), "this device's clock is wrong; set it"),
        (s3_error("AccessDenied", 403, "<ServerTime>2026-11-22T10:00:00Z</ServerTime>"), "device's clock is wrong"),
        (s3_error("ExpiredToken", 400), "does not take this device's credentials .ExpiredToken."),
        (s3_error("AuthorizationQueryParametersError", 400, "<Region>ap-south-1</Region>"), "is in ap-south-1; name"),
        (s3_error("PermanentRedirect", 301), "is in another region; name it"),
        (s3_error("SlowDown", 503), "metadata/timestamp.json: SlowDown"),
        (s3_error("InternalError", 500), "metadata/timestamp.json: InternalError"),
        (Answer(403, b"<html>no</html>"), "is not there, or not for this device to read .HTTP 403."),
        (Answer(502, b"gateway"), "metadata/timestamp.json: HTTP 502"),
        (Answer(200, b"<html>log in</html>"), "answered with a web page; is this a login page"),
    ],
)  # fmt: skip
def test_what_s3_says_is_put_into_words(changed: World, s3_server: RangeServer, answer: Answer, words: str) -> None:
    s3_server.rule = lambda path, _: answer if path.endswith("timestamp.json") else None
    message = refuse(changed, words)
    assert "Signature" not in message


def test_an_error_without_end_is_not_read_to_its_end(changed: World, s3_server: RangeServer) -> None:
    answer = s3_error("SlowDown", 503, "x" * (32 << 20))
    s3_server.rule = lambda path, _: answer if path.endswith("timestamp.json") else None
    refuse(changed, "SlowDown")


def test_an_address_that_is_signed_does_not_stand_in_messages(
    changed: World, s3_server: RangeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    s3_server.rule = lambda path, _: Answer(200, b"x" * 99, cut=9) if path.endswith("timestamp.json") else None
    message = refuse(changed, "connection was lost")
    assert "X-Amz" not in message + "".join(capsys.readouterr())


WITHOUT_BOTOCORE = """
import sys
sys.modules["botocore"] = None
from movepass_verifier import Device, SyncError
with Device.open(sys.argv[1]) as device:
    try:
        device.sync("s3://bucket/prefix")
    except SyncError as e:
        print(e)
"""


def test_without_the_extra_it_says_what_to_install(world: World) -> None:
    assert "pip install 'movepass[s3]'" in processes.run(WITHOUT_BOTOCORE, world.store)


def test_only_a_bucket_loads_what_a_bucket_needs(world: World) -> None:
    code = "import sys; sys.modules['boto3'] = sys.modules['botocore'] = None; " + SYNC
    processes.run(code, world.store, world.repository)


SYNC = """
from movepass_verifier import Device
with Device.open(sys.argv[1]) as device:
    device.sync(sys.argv[2])
"""


def test_a_pack_comes_from_a_bucket_in_one_request(
    changed: World, s3_server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "request_pack", _REQUEST_PACK)
    s3_server.exchanges.clear()
    result = changed.sync(SOURCE)
    assert result.changed
    assert result.requests == len(s3_server.exchanges) == 1
