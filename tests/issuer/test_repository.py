"""The promises of every repository (movepass_issuer.storage.repository), tested for each; then those of S3 alone."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from support import s3
from support.ministack import Ministack
from support.s3 import Fault, Front

from movepass_issuer.errors import BusyError, RepositoryError
from movepass_issuer.publishing.published import DENIED, read_denied
from movepass_issuer.revoking.denials import put_denials
from movepass_issuer.storage import s3_repository
from movepass_issuer.storage.folder_repository import FolderRepository
from movepass_issuer.storage.repository import Repository
from movepass_issuer.storage.s3_repository import S3Repository
from movepass_keys.records.layout import TIMESTAMP

MANY = 10
ROUNDS = 5
VERSION = "metadata/1.status.json"
PACK = "packs/7"
LOG = f"targets/status/{'0' * 64}.20779.log"
Open = Callable[[], Repository]
"""Opens the one repository of a test; each call stands for another process."""


def folder_repository(folder: Path, _: pytest.FixtureRequest) -> Open:
    FolderRepository.create(folder / "repository")
    return lambda: FolderRepository(folder / "repository")


def repository_in_s3(_: Path, request: pytest.FixtureRequest) -> Open:
    ministack = request.getfixturevalue("ministack")
    s3.enter(request.getfixturevalue("monkeypatch"), s3.environment(ministack))
    uri = f"s3://{s3.new_bucket(ministack)}/authority/a"
    S3Repository.create(uri)
    return lambda: S3Repository(uri)


FACTORIES: dict[str, Callable[[Path, pytest.FixtureRequest], Open]] = {
    "folder": folder_repository,
    "s3": repository_in_s3,
}
"""Another repository joins by one line here."""


@pytest.fixture(params=FACTORIES)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    return FACTORIES[request.param](tmp_path, request)


@pytest.fixture
def repository(opened: Open) -> Repository:
    return opened()


@pytest.fixture
def handles(opened: Open) -> list[Repository]:
    return [opened() for _ in range(MANY)]


def at_once(handles: list[Repository], attempt: Callable[[Repository, int], Any]) -> list[int]:
    """Let many try something at the same moment; gives the numbers of those who were not told that they lost."""
    together = Barrier(MANY)

    def run(number: int) -> bool:
        together.wait()
        try:
            attempt(handles[number], number)
        except BusyError:
            return False
        return True

    with ThreadPoolExecutor(MANY) as pool:
        return [number for number, won in enumerate(pool.map(run, range(MANY))) if won]


def test_an_empty_repository_has_nothing(repository: Repository) -> None:
    assert repository.read(TIMESTAMP) is None
    assert repository.files("metadata") == repository.files("targets") == repository.files("targets/status") == {}
    assert repository.versions("root") == []


def test_what_was_written_is_read_by_others_as_soon_as_the_call_has_returned(opened: Open) -> None:
    big = os.urandom(2_000_000)
    opened().create_version(VERSION, b"{}")
    opened().put_target(LOG, big)
    opened().replace_timestamp(b"1", expected=None)
    for name, data in ((VERSION, b"{}"), (LOG, big), (TIMESTAMP, b"1")):
        assert opened().read(name) == data


def test_a_folders_files_are_listed_with_their_times_and_not_what_is_below_it(repository: Repository) -> None:
    before = time.time() - 2
    repository.put_target("targets/a.keys.jwks.json", b"{}")
    repository.put_target(LOG, b"log")
    assert set(repository.files("targets")) == {"targets/a.keys.jwks.json"}
    assert set(repository.files("targets/status")) == {LOG}
    assert before <= repository.files("targets/status")[LOG] <= time.time() + 2


def test_the_versions_of_a_role_rise_by_number_and_strangers_are_none(repository: Repository) -> None:
    for name in ("2.status", "10.status", "9.status", "3.snapshot", "1x.status", "01.status", "2 (copy).status"):
        repository.create_version(f"metadata/{name}.json", b"{}")
    assert repository.versions("status") == [2, 9, 10]
    assert repository.versions("root") == []


def test_a_version_is_never_written_over(repository: Repository) -> None:
    repository.create_version(VERSION, b"first")
    for data in (b"second", b"first"):
        with pytest.raises(BusyError, match=r"1\.status\.json exists: another publisher was first"):
            repository.create_version(VERSION, data)
    assert repository.read(VERSION) == b"first"


@pytest.mark.parametrize("by_the_other", ["nothing", "emptied", "written", "deleted", "deleted and emptied"])
def test_a_pack_is_written_only_by_who_emptied_it_last(opened: Open, by_the_other: str) -> None:
    """A publisher that was overtaken must not lead devices to its own timestamp."""
    mine, other = opened(), opened()
    mine.put_target(PACK, b"emptied by me")
    if by_the_other.startswith("deleted"):
        other.delete(PACK)
    if by_the_other.endswith("emptied"):
        other.put_target(PACK, b"emptied by the other")
    if by_the_other == "written":
        other.replace(PACK, b"newest", expected=b"emptied by me")
    there = other.read(PACK)
    with nullcontext() if by_the_other == "nothing" else pytest.raises(BusyError):
        mine.replace(PACK, b"mine", expected=b"emptied by me")
    assert mine.read(PACK) == (b"mine" if by_the_other == "nothing" else there)


def test_of_many_who_create_one_version_at_once_one_does(handles: list[Repository]) -> None:
    for version in range(1, ROUNDS + 1):
        name = f"metadata/{version}.status.json"

        def create(repository: Repository, number: int, name: str = name) -> None:
            repository.create_version(name, b"%d" % number)

        won = at_once(handles, create)
        assert len(won) == 1
        assert handles[0].read(name) == b"%d" % won[0]


@pytest.mark.parametrize("name", [TIMESTAMP, VERSION, LOG])
def test_a_pipe_in_place_of_a_file_is_an_error_and_holds_no_publisher_up(tmp_path: Path, name: str) -> None:
    repository = FolderRepository.create(tmp_path)
    os.mkfifo(tmp_path / name)
    with pytest.raises(RepositoryError, match="expected a regular file"):
        repository.read(name)


def test_the_timestamp_is_replaced_only_by_one_who_knows_what_it_was(repository: Repository) -> None:
    for expected, data in ((None, b"1"), (b"1", b"2")):
        repository.replace_timestamp(data, expected=expected)
    for expected in (None, b"1", b"another"):
        with pytest.raises(BusyError, match=r"another publisher replaced metadata/timestamp\.json"):
            repository.replace_timestamp(b"mine", expected=expected)
    assert repository.read(TIMESTAMP) == b"2"


def test_denials_are_not_undone_by_a_write_that_comes_too_late(opened: Open) -> None:
    """A write that was given up at its deadline may still come through, when others have written since."""
    first, second = (b'{"denied":[{"kid":"%s","reason":"leaked","at":1}]}' % (kid * 4) for kid in (b"01", b"02"))
    slow, quick = opened(), opened()
    late: list[Callable[[], None]] = []
    replace = slow.replace

    def later(name: str, data: bytes, *, expected: bytes | None) -> None:
        late.append(lambda: replace(name, data, expected=expected))

    slow.replace = later  # type: ignore[method-assign]
    put_denials(slow, [first])
    put_denials(quick, [second])
    with pytest.raises(BusyError):
        late[0]()
    assert b"02020202" in read_denied(quick)
    put_denials(quick, [first])
    assert read_denied(quick).count(b"kid") == 2


def test_a_timestamp_that_is_gone_is_not_the_expected_one(repository: Repository) -> None:
    with pytest.raises(BusyError):
        repository.replace_timestamp(b"2", expected=b"1")
    assert repository.read(TIMESTAMP) is None


def test_of_many_who_replace_the_same_timestamp_at_once_one_does_lease_or_not(handles: list[Repository]) -> None:
    before = None
    for round_ in range(ROUNDS):

        def replace(repository: Repository, number: int, *, before: bytes | None = before, at: int = round_) -> None:
            repository.replace_timestamp(b"%d by %d" % (at, number), expected=before)

        won = at_once(handles, replace)
        assert len(won) == 1
        before = handles[0].read(TIMESTAMP)
        assert before == b"%d by %d" % (round_, won[0])


def test_many_who_write_the_same_target_at_once_leave_it_whole(handles: list[Repository]) -> None:
    data = os.urandom(300_000)
    assert at_once(handles, lambda repository, _: repository.put_target(LOG, data)) == list(range(MANY))
    assert handles[0].read(LOG) == data
    assert set(handles[0].files("targets/status")) == {LOG}


def test_a_target_that_is_written_again_counts_as_new_and_is_mended(opened: Open) -> None:
    repository = opened()
    repository.put_target(LOG, b"damaged")
    before = repository.files("targets/status")[LOG]
    for _ in range(2):
        time.sleep(0.02)
        repository.put_target(LOG, b"whole")
        after = repository.files("targets/status")[LOG]
        assert after > before
        before = after
    assert repository.read(LOG) == b"whole"


def test_a_file_that_is_deleted_is_gone_and_may_be_deleted_again(repository: Repository) -> None:
    repository.put_target(LOG, b"x")
    for _ in range(2):
        repository.delete(LOG)
        assert repository.read(LOG) is None
        assert repository.files("targets/status") == {}


def test_the_lease_is_held_by_one_at_a_time_and_comes_free(opened: Open) -> None:
    for _ in range(2):
        with opened().lease(), pytest.raises(BusyError, match="another publisher is at work"), opened().lease():
            pass
    with pytest.raises(ZeroDivisionError), opened().lease():
        _ = 1 / 0
    with opened().lease():
        pass


def test_of_many_who_want_the_lease_at_once_one_gets_it(handles: list[Repository]) -> None:
    leases: list[Any] = []

    def take(repository: Repository, _: int) -> None:
        lease = repository.lease()
        lease.__enter__()
        leases.append(lease)

    for _ in range(ROUNDS):
        assert len(at_once(handles, take)) == 1
        leases.pop().__exit__(None, None, None)


def test_a_repository_that_is_not_there_is_an_error_that_names_it(repository: Repository, tmp_path: Path) -> None:
    nowhere: Repository = FolderRepository(tmp_path / "nowhere")
    if isinstance(repository, S3Repository):
        nowhere = S3Repository("s3://nowhere-of-ours/x")
    calls: list[Callable[[], Any]] = [
        lambda: nowhere.files("metadata"),
        lambda: nowhere.create_version(VERSION, b""),
        nowhere.lease().__enter__,
    ]
    for call in calls:
        with pytest.raises(RepositoryError, match="nowhere"):
            call()


# S3 alone


@pytest.fixture
def bucket(ministack: Ministack, monkeypatch: pytest.MonkeyPatch) -> str:
    s3.enter(monkeypatch, s3.environment(ministack))
    return s3.new_bucket(ministack)


@pytest.fixture
def front(ministack: Ministack, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:  # noqa: ARG001 - sets up
    """A server before S3; waits are short."""
    with s3.fronting(ministack) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        monkeypatch.setattr(s3_repository, "BACKOFF_MAX_SECONDS", 0.05)
        yield front


def at(method: str, key: str, *faults: Fault | None) -> s3.Rule:
    """Misbehave at the first requests of one kind, one fault each."""

    def rule(asked: str, asked_key: str, before: int) -> Fault | None:
        return faults[before] if (asked, asked_key) == (method, key) and before < len(faults) else None

    return rule


def test_each_kind_of_file_says_what_it_is_and_how_long_caches_may_keep_it(ministack: Ministack, bucket: str) -> None:
    repository = S3Repository(f"s3://{bucket}/")
    repository.create_version(VERSION, b"{}")
    repository.put_target(LOG, b"log")
    repository.put_target(DENIED, b"{}")
    repository.replace_timestamp(b"{}", expected=None)
    repository.replace_timestamp(b"{ }", expected=b"{}")
    repository.put_target(PACK, b"MPK1")
    with repository.lease():
        pass
    heads = {
        key: ministack.client("s3").head_object(Bucket=bucket, Key=key)
        for key in (VERSION, LOG, TIMESTAMP, PACK, DENIED, "publisher.lease")
    }
    assert {key: (head["ContentType"], head["CacheControl"]) for key, head in heads.items()} == {
        VERSION: ("application/json", "public, max-age=31536000, immutable"),
        LOG: ("application/octet-stream", "public, max-age=31536000, immutable"),
        TIMESTAMP: ("application/json", "public, max-age=30"),
        PACK: ("application/octet-stream", "public, max-age=30"),
        DENIED: ("application/json", "no-store"),
        "publisher.lease": ("application/octet-stream", "no-store"),
    }


def test_more_files_than_a_page_are_listed(ministack: Ministack, bucket: str) -> None:
    client = ministack.client("s3")
    keys = {f"p/targets/status/{n:064x}.1.log" for n in range(1003)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: client.put_object(Bucket=bucket, Key=key, Body=b""), keys))
    assert {f"p/{name}" for name in S3Repository(f"s3://{bucket}/p").files("targets/status")} == keys


def test_a_file_that_is_too_large_is_not_read(ministack: Ministack, bucket: str) -> None:
    """Otherwise write access to one region's bucket could stop the other's publisher."""
    ministack.client("s3").put_object(Bucket=bucket, Key=TIMESTAMP, Body=bytes(5_000_001))
    with pytest.raises(RepositoryError, match=r"timestamp\.json has 5,000,001 bytes; at most 5,000,000"):
        S3Repository(f"s3://{bucket}").read(TIMESTAMP)


def test_a_lease_runs_out_by_the_clock_of_s3_whatever_clock_the_publishers_have(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = S3Repository(f"s3://{bucket}"), S3Repository(f"s3://{bucket}")
    killed = one.lease()
    killed.__enter__()
    monkeypatch.setattr(time, "time", lambda: 4e9)  # whoever asked this machine would take the lease now
    with pytest.raises(BusyError, match=r"at work since [0-3] s.*its lease ends in 11[6-9]|120 s"), two.lease():
        pass
    monkeypatch.undo()
    monkeypatch.setattr(s3_repository, "LEASE_SECONDS", 1)
    time.sleep(2.1)  # S3 gives times in whole seconds
    with two.lease():
        killed.__exit__(None, None, None)  # it was not dead: what it gives back is no longer its own
        monkeypatch.setattr(s3_repository, "LEASE_SECONDS", 120)
        with pytest.raises(BusyError), one.lease():
            pass


def test_a_place_that_holds_a_repository_is_not_taken_for_another(bucket: str) -> None:
    S3Repository.create(f"s3://{bucket}/a").create_version("metadata/1.root.json", b"{}")
    with pytest.raises(RepositoryError, match="holds a repository already; choose another prefix"):
        S3Repository.create(f"s3://{bucket}/a/")
    S3Repository.create(f"s3://{bucket}/ab")


@pytest.mark.parametrize("uri", ["s3://", "s3:///a", "https://bucket/a", "s3://Bucket", "bucket"])
def test_what_is_no_address_of_a_bucket_is_refused(uri: str) -> None:
    with pytest.raises(RepositoryError, match="expected a repository like s3://BUCKET/PREFIX"):
        S3Repository(uri)


PASSING = [
    Fault(503, "SlowDown"),
    Fault(500, "InternalError"),
    Fault(503, ""),
    Fault(400, "RequestTimeout"),
    Fault(409, "ConditionalRequestConflict"),
    Fault(409, "OperationAborted"),
    Fault(),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.status} {fault.code}")
def test_what_passes_is_waited_for(front: Front, bucket: str, fault: Fault) -> None:
    repository = S3Repository(f"s3://{bucket}")
    front.rule = at("PUT", VERSION, fault, fault)
    repository.create_version(VERSION, b"{}")
    front.rule = at("PUT", LOG, fault, fault)
    repository.put_target(LOG, b"log")
    front.rule = at("PUT", TIMESTAMP, fault, fault)
    repository.replace_timestamp(b"1", expected=None)
    front.rule = at("GET", LOG, fault, fault)
    assert repository.read(LOG) == b"log"
    front.rule = at("GET", "", fault, fault)
    assert list(repository.files("targets/status")) == [LOG]
    front.rule = at("DELETE", LOG, fault, fault)
    repository.delete(LOG)
    assert repository.read(LOG) is None


@pytest.mark.parametrize("status", [0, 500])
def test_a_write_whose_answer_was_lost_is_no_lost_race(front: Front, bucket: str, status: int) -> None:
    """It was tried again, and found its own work."""
    repository, done = S3Repository(f"s3://{bucket}"), Fault(status, "InternalError", done=True)
    front.rule = at("PUT", VERSION, done)
    repository.create_version(VERSION, b"{}")
    for data, expected in ((b"1", None), (b"2", b"1")):
        front.asked.clear()
        front.rule = at("PUT", TIMESTAMP, done)
        repository.replace_timestamp(data, expected=expected)
        assert repository.read(TIMESTAMP) == data
    front.rule = at("PUT", "publisher.lease", done)
    with repository.lease(), pytest.raises(BusyError), repository.lease():
        pass
    with repository.lease():
        pass


def test_a_race_that_was_lost_while_the_answer_was_lost_is_lost(
    front: Front, bucket: str, ministack: Ministack
) -> None:
    repository = S3Repository(f"s3://{bucket}")

    def other_is_faster(method: str, key: str, before: int) -> Fault | None:
        if (method, key, before) != ("PUT", VERSION, 0):
            return None
        ministack.client("s3").put_object(Bucket=bucket, Key=VERSION, Body=b"theirs")
        return Fault()

    front.rule = other_is_faster
    with pytest.raises(BusyError, match="another publisher was first"):
        repository.create_version(VERSION, b"mine")
    assert repository.read(VERSION) == b"theirs"


def test_s3_that_asks_to_slow_down_for_too_long_is_an_error_that_says_so(
    front: Front, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_repository, "DEADLINE_SECONDS", 14)  # an attempt may take 13: room for one more
    front.rule = lambda *_: Fault(503, "SlowDown")
    with pytest.raises(RepositoryError, match=rf"s3://{bucket}/{VERSION}: s3:PutObject: S3 asks to slow down"):
        S3Repository(f"s3://{bucket}").create_version(VERSION, b"{}")
    assert len(front.asked) > 1


def test_an_s3_that_is_not_reached_is_an_error_that_says_where_it_was_looked_for(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(RepositoryError, match=r"no answer from http://127\.0\.0\.1:9 after 3 attempts"):
        S3Repository(f"s3://{bucket}").read(VERSION)


def test_something_else_than_s3_is_told_from_it(front: Front, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_repository, "DEADLINE_SECONDS", 14)
    front.rule = lambda *_: Fault(200, body=b"<html><body>Log in to the hotel's network<br></html>")
    repository = S3Repository(f"s3://{bucket}")
    calls: list[Callable[[], Any]] = [
        lambda: repository.read(VERSION),
        lambda: repository.put_target(LOG, b""),
        lambda: repository.files("metadata"),
        repository.lease().__enter__,
    ]
    for call in calls:
        with pytest.raises(RepositoryError, match=rf"{front.url}.*AWS_ENDPOINT_URL"):
            call()


ACTIONS: dict[str, Callable[[Repository], Any]] = {
    "s3:GetObject": lambda repository: repository.read(VERSION),
    "s3:PutObject": lambda repository: repository.put_target(LOG, b"x"),
    "s3:DeleteObject": lambda repository: repository.delete(LOG),
    "s3:ListBucket": lambda repository: repository.files("metadata"),
}


@pytest.mark.parametrize("missing", ACTIONS)
def test_an_action_that_is_not_allowed_is_named_with_what_it_is_needed_on(
    ministack: Ministack, bucket: str, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    S3Repository(f"s3://{bucket}/a").create_version(VERSION, b"{}")
    user = ministack.user(f"without-{missing.partition(':')[2]}", *(action for action in ACTIONS if action != missing))
    s3.enter(monkeypatch, s3.environment(ministack, user))
    repository = S3Repository(f"s3://{bucket}/a")
    for action, call in ACTIONS.items():
        if action != missing:
            call(repository)
    on = f"arn:aws:s3:::{bucket}" + ("" if missing == "s3:ListBucket" else r"/a/\*")
    with pytest.raises(
        RepositoryError, match=rf"s3://{bucket}/a/.*{missing}: no permission; allow {missing} on {on} to"
    ):
        ACTIONS[missing](repository)


def test_credentials_that_are_none_are_an_error_that_says_so(
    ministack: Ministack, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = s3.environment(ministack)
    del variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
    s3.enter(monkeypatch, variables)
    with pytest.raises(RepositoryError, match="no AWS credentials that may use s3:GetObject"):
        S3Repository(f"s3://{bucket}").read(VERSION)
