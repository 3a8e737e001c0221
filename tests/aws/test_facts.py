"""The facts function and the compact function, on a real table and bucket: the same totals as the embedded service."""

import io
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.applications import secrets_in
from support.cloud import Cloud, Context
from support.ministack import REGION, Ministack
from support.played import NOW, RULES, TOLD, note_all, play, put, secrets_of, summary

from movepass_issuer.storage.s3_repository import S3Repository
from movepass_service.admission import Gate, LineSettings
from movepass_service.admission.dynamodb_line import DynamoDbLine
from movepass_service.admission.gate import Ask
from movepass_service.aws.bucket import FactsBucket
from movepass_service.aws.compact import CompactFunction
from movepass_service.aws.facts import FactsFunction
from movepass_service.statistics import collecting, engine
from movepass_service.statistics.building import FactBuilder
from movepass_service.statistics.collecting import Collector
from movepass_service.statistics.facts import NAMES, Fact, FactsError, read_line
from movepass_service.statistics.folder import list_days, reading
from movepass_service.statistics.parts import FolderParts
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.sqlite.store import SqliteStore

KEY = b"a key of the statistics"
DAY = "2026-11-22"


@pytest.fixture
def store(ministack: Ministack) -> DynamoDbStore:
    client, table = ministack.client("dynamodb"), f"service-{uuid4()}"
    DynamoDbStore.create(table, client=client, has_ttl=False)
    return DynamoDbStore(table, client=client)


@pytest.fixture
def bucket(ministack: Ministack) -> FactsBucket:
    name = f"facts-{uuid4()}"
    ministack.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return FactsBucket(name, client=ministack.client("s3"))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter[tuple[Any, ...]]]:
    """What the embedded service makes of the same story: every column but events' names."""
    folder = tmp_path_factory.mktemp("embedded")
    with closing(SqliteStore(folder / "service")) as store:
        play(store)
        note_all(store)
        parts = FolderParts(folder / "facts")
        while Collector(store, parts, FactBuilder(KEY, lambda _: RULES)).collect(NOW):
            pass
        yield columns(folder / "facts")


class Sequenced:
    """A store whose log's function runs whenever somebody looks for what to do next."""

    def __init__(self, store: DynamoDbStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        if name in {"approved", "append_administration", "second_looks"}:
            self._store.sequence()
        return getattr(self._store, name)


def play_on(store: DynamoDbStore) -> None:
    play(Sequenced(store))
    store.sequence()


def function(cloud: Cloud, store: DynamoDbStore, bucket: FactsBucket) -> FactsFunction:
    line = DynamoDbLine(store._table.name, client=cloud.ministack.client("dynamodb"))
    return FactsFunction(store, bucket, KEY, S3Repository(cloud.settings.repository), line)


def mirror(bucket: FactsBucket, folder: Path) -> Path:
    """Copy the bucket into a folder."""
    for day, parts in bucket.parts().items():
        bucket.fetch(day, parts, folder)
    for key in bucket._keys("facts/"):
        bucket.fetch(key.split("/")[1].removeprefix("day="), [], folder)
    return folder


def columns(folder: Path) -> Counter[tuple[Any, ...]]:
    """Return all facts of the story: every column but the events' names."""
    names = ", ".join(name for name in NAMES if name != "event")
    with reading(folder), engine.connect() as db:
        query = engine.facts_query(list_days(folder))
        return Counter(db.execute(f"SELECT {names} FROM ({query}) WHERE type <> 'published'").fetchall())


def facts_in(folder: Path) -> list[Fact]:
    paths = sorted(folder.rglob("*.jsonl"))
    return [read_line(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def test_the_same_story_has_the_same_facts_as_in_the_embedded_service(
    shared: Cloud, store: DynamoDbStore, bucket: FactsBucket, embedded: Counter[tuple[Any, ...]], tmp_path: Path
) -> None:
    play_on(store)
    run = function(shared, store, bucket)
    assert run({}, Context())["is_behind"] == 0
    assert Counter(
        summary(fact) for fact in facts_in(mirror(bucket, tmp_path / "a")) if fact.type != "published"
    ) == Counter(TOLD)
    note_all(store)
    assert run({}, Context()) == {"facts": 3, "is_behind": 0}
    assert run({}, Context()) == {"facts": 0, "is_behind": 0}
    assert columns(mirror(bucket, tmp_path / "b")) == embedded
    assert [fact.type for fact in facts_in(tmp_path / "b") if fact.type == "published"] == ["published"]


def test_what_the_line_counted_is_told_once_an_hour_and_lane(
    shared: Cloud, store: DynamoDbStore, bucket: FactsBucket, tmp_path: Path
) -> None:
    run = function(shared, store, bucket)
    run({}, Context())  # what came before the first look may be of any hour
    line = DynamoDbLine(store._table.name, client=shared.ministack.client("dynamodb"))
    gate = Gate(line, KEY, LineSettings(urgent_per_s=0.1, ordinary_per_s=0.1))
    now = time.time()
    for number in range(2):  # the second gets a place
        gate.ask(Ask(bytes([number]), is_urgent=True, token="", proof="", now=now))
    run({}, Context())
    gate.called(now + 20)  # which counts in the table who entered
    run({}, Context())
    run({}, Context())
    folder = mirror(bucket, tmp_path)
    with reading(folder), engine.connect() as db:
        query = f"SELECT lane, sum(entered), sum(places), max(in_line) FROM ({engine.facts_query(list_days(folder))})"
        assert db.execute(f"{query} WHERE type = 'lined' GROUP BY lane").fetchall() == [("urgent", 1, 1, 1)]


def test_two_at_once_and_a_run_that_was_cut_off_count_once(
    shared: Cloud, store: DynamoDbStore, bucket: FactsBucket, embedded: Counter[tuple[Any, ...]], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(collecting, "PART_POSITIONS", 5)
    play_on(store)
    note_all(store)
    assert function(shared, store, bucket)({}, Context(left=0))["is_behind"] == 1, "no time is left for another part"
    before = bucket.state()
    function(shared, store, bucket)({}, Context())
    after = bucket.state()
    assert (before.position, after.position) == (5, store.log_size())
    bucket.write_state(before)  # the other one of two that ran at once, or one that was cut off
    monkeypatch.setattr(collecting, "PART_POSITIONS", 7)
    function(shared, store, bucket)({}, Context())
    assert columns(mirror(bucket, tmp_path)) == embedded


def test_a_day_that_is_over_becomes_one_file(
    shared: Cloud, store: DynamoDbStore, bucket: FactsBucket, embedded: Counter[tuple[Any, ...]], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    play_on(store)
    note_all(store)
    function(shared, store, bucket)({}, Context())
    compact = CompactFunction(bucket)
    plenty = Context(left=600)
    monkeypatch.setattr("movepass_service.aws.compact.time.time", lambda: float(NOW))
    assert compact({}, plenty)["days"] == 0, "the day is not over"
    monkeypatch.setattr("movepass_service.aws.compact.time.time", lambda: float(NOW + 2 * 86400))
    assert compact({}, Context(left=60))["days"] == 0, "there is no time left"
    parts = bucket.parts()
    with monkeypatch.context() as cut:
        cut.setattr(bucket, "delete", lambda _: (_ for _ in ()).throw(FactsError("cut off")))
        with pytest.raises(FactsError, match="cut off"):
            compact({}, plenty)
    assert bucket.parts().keys() == parts.keys()
    assert columns(mirror(bucket, tmp_path / "a")) == embedded, "what is in the file and in parts counts once"
    assert compact({}, plenty)["days"] == 1
    assert DAY not in bucket.parts()
    assert columns(mirror(bucket, tmp_path / "b")) == embedded
    late = replace(next(iter(facts_in(tmp_path / "a"))), event=1, day=DAY)
    bucket.write(DAY, "late", (late.to_line() + "\n").encode())
    assert compact({}, plenty)["days"] == 1
    assert sum(columns(mirror(bucket, tmp_path / "c")).values()) == sum(embedded.values()) + 1


def test_nobody_is_in_the_bucket(shared: Cloud, store: DynamoDbStore, bucket: FactsBucket) -> None:
    play_on(store)
    function(shared, store, bucket)({}, Context())
    name = bucket.name.removeprefix("s3://")
    s3 = bucket._client
    written = io.BytesIO()
    for listed in s3.list_objects_v2(Bucket=name)["Contents"]:
        written.write(listed["Key"].encode() + s3.get_object(Bucket=name, Key=listed["Key"])["Body"].read())
    kept = [store.find(f"7X3K-0000-{number:04}") for number in range(6)]
    secrets = secrets_of(store) | {str(one.number) for one in kept if one}
    assert len(written.getvalue()) > 5_000
    assert secrets_in(written.getvalue().decode("ascii", "replace"), secrets) == []


def test_a_bucket_out_of_reach_is_said_in_one_line(ministack: Ministack, store: DynamoDbStore) -> None:
    put(store, 0, "medical")
    missing = FactsBucket("there-is-no-such-bucket", client=ministack.client("s3"))
    with pytest.raises(FactsError, match=r"s3://there-is-no-such-bucket: NoSuchBucket"):
        missing.write(DAY, "x", b"")
    with pytest.raises(FactsError, match="NoSuchBucket"):
        missing.parts()
